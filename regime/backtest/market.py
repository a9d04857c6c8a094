"""What a backtest is given, checked and laid on one calendar.

Depends on: errors, schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.schema import check_dates, check_exposure

__all__ = ["Market", "Rebalance", "Timing", "align"]

Rebalance = Literal["on_signal", "daily"]
REBALANCE: tuple[Rebalance, ...] = ("on_signal", "daily")
# Room for weights that were divided by their own sum.
SUM_ROOM = 1e-9


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a decision is filled, and how often weights are restored.

    Parameters
    ----------
    fill_delay : int
        Sessions from the decision to its fill, at least 1.
    rebalance : {"on_signal", "daily"}
        ``on_signal``: orders only where the decision changes, weights drift between. ``daily``: the
        decided fractions are restored at every close, at a cost.
    same_bar : bool
        Deliberately wrong: a decision earns the return of its own session. Only for tests that show
        what looking ahead would earn.

    Examples
    --------
    >>> str(Timing(fill_delay=2)).split("; ")[0]
    'decided at the close of session t, filled at the close of t + 2'
    """

    fill_delay: int = 1
    rebalance: Rebalance = "on_signal"
    same_bar: bool = False

    def __post_init__(self) -> None:
        if self.fill_delay < 1:
            raise ConfigError(f"fill_delay: must be at least 1, got {self.fill_delay}: an order decided at a close "
                              "cannot be filled at that close")
        if self.rebalance not in REBALANCE:
            raise ConfigError(f"rebalance: must be one of {', '.join(REBALANCE)}, got {self.rebalance}")

    def __str__(self) -> str:
        fill = ("LOOK-AHEAD: a decision earns the return of its own session, which no order could" if self.same_bar
                else f"decided at the close of session t, filled at the close of t + {self.fill_delay}")
        weights = {"on_signal": "orders only where the decision changes, weights drift between",
                   "daily": "decided fractions restored at every close"}[self.rebalance]
        return f"{fill}; {weights}"


@dataclass(frozen=True, kw_only=True)
class Market:
    """Prices, cash and decisions on the sessions of the prices.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_assets), price
        Above 0; NaN where an asset has no price that session.
    cash : Series, shape (n_sessions,), fraction a session
        What cash earned from the close before; 0 on the first session.
    decisions : DataFrame, shape (n_sessions, n_assets), fraction of capital
        Weights decided at each close.
    initial : ndarray, shape (n_assets,), fraction of capital
        Weights held before the first fill, endowed at the first close without cost.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=3, name="date")
    >>> market = align(pd.Series([100.0, np.nan, 99.0], dates, name="stock"), pd.Series([0.5], dates[:1]))
    >>> market.assets, market.marks[:, 0].tolist(), market.decisions["stock"].tolist()
    (['stock'], [100.0, 100.0, 99.0], [0.5, 0.5, 0.5])
    """

    prices: pd.DataFrame
    cash: pd.Series
    decisions: pd.DataFrame
    initial: np.ndarray

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Dates of the prices."""
        return pd.DatetimeIndex(self.prices.index)

    @property
    def assets(self) -> list[str]:
        """Names of the assets, in column order."""
        return [str(name) for name in self.prices.columns]

    @property
    def marks(self) -> np.ndarray:
        """Last known price at each close; before an asset begins its first price, never traded on."""
        marks: np.ndarray = self.prices.ffill().bfill().to_numpy(dtype=float)
        return marks


def align(prices: pd.Series | pd.DataFrame, exposure: pd.Series | pd.DataFrame, cash: pd.Series | None = None,
          initial: float | Mapping[str, float] | None = None) -> Market:
    """Check the inputs of a backtest and lay them on the sessions of the prices.

    Between two decisions the earlier one stands; before the first one, `initial` does.

    Parameters
    ----------
    prices : Series or DataFrame, shape (n_sessions,) or (n_sessions, n_assets)
        Total-return levels, above 0; NaN where a session has no price.
    exposure : Series or DataFrame, fraction of capital in [0, 1]
        A Series for one asset, a DataFrame of weights with the columns of `prices` for several; the rest
        is cash. Its dates are sessions of `prices`, not necessarily all.
    cash : Series, fraction a session, optional
        What cash earned over each session; dates beyond those of `prices` are ignored.
    initial : float, or mapping of asset to float, optional
        Weights before the first fill; by default 1 for a single asset, all cash for several.

    Returns
    -------
    Market

    Raises
    ------
    InvalidDataError
        If a price is not above 0, a date is out of order or no session, a weight lies outside [0, 1],
        weights sum to more than 1, or cash is missing on a session.
    """
    table = _check_prices(prices)
    weights = _check_weights(exposure, table)
    start = _initial(initial, [str(name) for name in table.columns])
    decisions = weights.reindex(table.index).ffill()
    decisions = decisions.fillna(dict(zip(table.columns, start, strict=True)))
    return Market(prices=table, cash=_check_cash(cash, table.index), decisions=decisions, initial=start)


def _check_prices(prices: pd.Series | pd.DataFrame) -> pd.DataFrame:
    table = prices.to_frame(prices.name or "risk") if isinstance(prices, pd.Series) else prices
    check_dates(table.index, "Prices")
    if len(table) < 2:
        raise InvalidDataError(f"Prices: a backtest needs at least 2 sessions, got {len(table)}")
    if not table.columns.is_unique or not len(table.columns):
        raise InvalidDataError("Prices: columns must name one or more assets, each once")
    table = _numbers(table, "Prices")
    values = table.to_numpy()
    _refuse(table, ~np.isnan(values) & ~((values > 0) & np.isfinite(values)), "Prices",
            "a price must be above 0 and finite; give NaN where there is none")
    empty = np.isnan(values).all(axis=0)
    if empty.any():
        raise InvalidDataError(f"Prices: `{table.columns[int(empty.argmax())]}` has no price at all; leave it out")
    return table


def _check_weights(exposure: pd.Series | pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    if isinstance(exposure, pd.Series):
        if len(prices.columns) > 1:
            raise InvalidDataError(f"Exposure: {len(prices.columns)} assets need a DataFrame of weights, got a Series")
        exposure = exposure.to_frame(prices.columns[0])
    check_dates(exposure.index, "Exposure")
    if sorted(map(str, exposure.columns)) != sorted(map(str, prices.columns)):
        given, known = ", ".join(map(str, exposure.columns)), ", ".join(map(str, prices.columns))
        raise InvalidDataError(f"Exposure: assets must be those of the prices, each once: got {given}; prices: {known}")
    weights = _numbers(exposure[list(prices.columns)], "Exposure")
    for name in weights:
        check_exposure(weights[name], f"Exposure, `{name}`")
    total = weights.sum(axis=1).to_frame("sum of weights")
    _refuse(total, total.to_numpy() > 1 + SUM_ROOM, "Exposure", "must be at most 1")
    strange = weights.index.difference(prices.index)
    if len(strange) or weights.empty:
        raise InvalidDataError(f"Exposure: {strange[0]:%Y-%m-%d} is no session of the prices; move the decision to one"
                               if len(strange) else "Exposure: holds no decision")
    return weights


def _check_cash(cash: pd.Series | None, sessions: pd.Index) -> pd.Series:
    if cash is None:
        return pd.Series(0.0, index=sessions, name="cash")
    check_dates(cash.index, "Cash")
    known = _numbers(cash.reindex(sessions).to_frame("cash"), "Cash")
    known.iloc[0] = 0.0
    _refuse(known, ~((known.to_numpy() > -1) & np.isfinite(known.to_numpy())), "Cash",
            "every session of the prices but the first needs a return above -1")
    return known["cash"]


def _initial(initial: float | Mapping[str, float] | None, assets: list[str]) -> np.ndarray:
    if initial is None:
        initial = 1.0 if len(assets) == 1 else {}
    if not isinstance(initial, Mapping):
        if len(assets) > 1:
            raise ConfigError(f"initial: {len(assets)} assets need a weight each, as in {{'{assets[0]}': {initial}}}")
        initial = {assets[0]: initial}
    unknown = [name for name in initial if name not in assets]
    if unknown:
        raise ConfigError(f"initial: unknown asset `{unknown[0]}`; the prices hold {', '.join(assets)}")
    start = np.array([float(initial.get(name, 0.0)) for name in assets])
    if not ((start >= 0).all() and start.sum() <= 1 + SUM_ROOM):
        raise ConfigError(f"initial: weights must lie in [0, 1] and sum to at most 1, got {start.tolist()}")
    return start


def _numbers(table: pd.DataFrame, name: str) -> pd.DataFrame:
    try:
        return table.astype(float)
    except (TypeError, ValueError) as error:
        raise InvalidDataError(f"{name}: must hold numbers: {error}") from None


def _refuse(table: pd.DataFrame, bad: np.ndarray, name: str, rule: str) -> None:
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InvalidDataError(f"{name}: {table.index[row]:%Y-%m-%d}: `{table.columns[column]}` is "
                               f"{table.iloc[row, column]}: {rule}")
