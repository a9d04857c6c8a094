"""The risk basket whose falls and downturns the labels describe, and what all labellers share."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.schema import REGIMES, Labels, check_dates

__all__ = [
    "CORE",
    "Labeller",
    "check_fall",
    "known_market",
    "make_labels",
    "prior_volatility",
    "risk_basket",
]

CORE = "sp500"
HISTORY = 252  # sessions before an asset's volatility is trusted
GAP = 5  # sessions that a missing price is carried, e.g. over another country's holidays


class Labeller(Protocol):
    """A definition of the regimes; in a config, a frozen dataclass listed in `LABELLERS`."""

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Labels as they stood at the close of `as_of`.

        Parameters
        ----------
        market : DataFrame, shape (n_sessions, n_assets), prices
            See `risk_basket`.
        as_of : Timestamp, optional
            Later rows are not used; None uses all.

        Returns
        -------
        Labels, shape (n_sessions, 4)

        **Known at:** `known_at` of each row.
        """


def check_fall(*, recover: float, fragile: int, core_weight: float) -> None:
    """Check what every definition of a fall has in common.

    Raises
    ------
    ConfigError
        If a share lies outside (0, 1], or `fragile` is below 1 session.
    """
    for name, share in (("recover", recover), ("core_weight", core_weight)):
        if not 0 < share <= 1:
            raise ConfigError(f"{name}: must lie in (0, 1], got {share}")
    if fragile < 1:
        raise ConfigError(f"fragile: must be at least 1, got {fragile}")


def known_market(market: pd.DataFrame, as_of: pd.Timestamp | None) -> pd.DataFrame:
    """Rows of `market` up to `as_of` (all if None), with the core's prices checked.

    Raises
    ------
    InvalidDataError
        If the core column is missing or has a gap or a price that is not positive.
    """
    check_dates(market.index, "market")
    if CORE not in market:
        raise InvalidDataError(
            f"market: column `{CORE}` is missing; got {', '.join(map(str, market.columns))}"
        )
    known = market if as_of is None else market[market.index <= as_of]
    core = known[CORE].loc[known[CORE].first_valid_index() :]
    bad = ~(core > 0).to_numpy()
    if bad.any():
        date = core.index[int(np.flatnonzero(bad)[0])]
        raise InvalidDataError(
            f"market: `{CORE}` is {core[date]} on {date:%Y-%m-%d}; "
            "every session needs a positive price"
        )
    return known


def prior_volatility(returns: pd.Series, halflife: float) -> pd.Series:
    """Exponentially weighted root mean square of returns a session, shape (n_sessions,).

    NaN until 252 returns are known. **Known at:** row t uses returns up to t.
    """
    return np.sqrt((returns**2).ewm(halflife=halflife, min_periods=HISTORY).mean())


def risk_basket(market: pd.DataFrame, *, core_weight: float, halflife: float) -> pd.Series:
    """Log return of the core and the other assets, these scaled to the core's prior volatility.

    Parameters
    ----------
    market : DataFrame, shape (n_sessions, n_assets), prices
        Column ``sp500`` is the core. NaN before an asset begins; a price that is not positive is
        missing.
    core_weight : float
        Weight of the core; the assets present share the rest. The core has all where no other is.
    halflife : float
        Sessions, of the volatilities.

    Returns
    -------
    Series, shape (n_sessions,), log return
        NaN on and before the core's first session.

    **Known at:** row t uses prices up to t, and volatilities up to t - 1.
    """
    logs = np.log(market.where(market > 0)).ffill(limit=GAP)
    core = logs[CORE].diff()
    if core_weight == 1:
        return core.rename("basket")
    target = prior_volatility(core, halflife).shift(1)
    total = np.zeros(len(market))
    count = np.zeros(len(market))
    for asset in market.columns.drop(CORE):
        returns = logs[asset].diff()
        scaled = (returns * (target / prior_volatility(returns, halflife).shift(1))).to_numpy()
        present = np.isfinite(scaled)
        total[present] += scaled[present]
        count[present] += 1
    mixed = core_weight * core + (1 - core_weight) * total / np.maximum(count, 1)
    return core.where(count == 0, mixed).rename("basket")


def make_labels(weights: np.ndarray, known: np.ndarray, index: pd.DatetimeIndex) -> Labels:
    """Labels over `index` from the weights (n, 4) and known positions (n,) of its first n rows.

    -1 is unknown.
    """
    table = np.full((len(index), len(REGIMES)), np.nan)
    table[: len(weights)][known >= 0] = weights[known >= 0]
    dates = np.full(len(index), np.datetime64("NaT"), dtype=index.dtype)
    dates[: len(known)][known >= 0] = index.to_numpy()[known[known >= 0]]
    known_at = pd.Series(dates, index=index, name="known_at")
    return Labels(
        weights=pd.DataFrame(table, index=index, columns=list(REGIMES)),
        span_end=known_at.rename("span_end"),
        known_at=known_at,
    )
