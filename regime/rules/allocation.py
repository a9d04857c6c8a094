"""From an exposure to what is held: a risk leg, a hedge leg with part of what is freed, and cash.

A rule decides how much; an allocation says of what. Both are known at the same close, and the
engine alone knows when it is filled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.rules.base import fraction
from regime.schema import check_dates, check_exposure, check_weights

__all__ = ["Allocation"]

# Room for shares such as thirds that are written with a few digits.
SUM_ROOM = 1e-6


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """What an exposure is held in, asset by asset; the rest is cash.

    An asset that has no price yet, or none any more, leaves its share to the others of its leg;
    where none of them has one the leg is cash.

    Parameters
    ----------
    risk : dict of str to float
        Shares of the exposure by asset, above 0, that sum to 1.
    hedge : dict of str to float
        Shares of the hedge by asset, above 0, that sum to 1; empty for no hedge. An asset stands in
        one leg.
    hedge_share : float
        Fraction of the capital that is freed, 1 - exposure, that goes into the hedge; the rest is
        cash.
    patience : int
        Sessions without a price after which an asset counts as stopped. A gap that is shorter is no
        reason to trade.

    Raises
    ------
    ConfigError
        If shares are not above 0 or do not sum to 1, an asset stands in both legs, or a number is
        out of its range.

    Examples
    --------
    >>> allocation = Allocation(risk={"spy": 0.6, "qqq": 0.4}, hedge={"tlt": 1.0}, hedge_share=0.5)
    >>> print(allocation)
    60 % spy, 40 % qqq; half of what is freed in tlt, the rest cash
    >>> dates = pd.bdate_range("2024-01-01", periods=2, name="date")
    >>> prices = pd.DataFrame({"spy": [10.0, 11.0], "qqq": [np.nan, 20.0], "tlt": 90.0}, dates)
    >>> allocation(pd.Series([0.5, 0.5], dates), prices).to_numpy().tolist()
    [[0.5, 0.0, 0.25], [0.3, 0.2, 0.25]]
    """

    risk: dict[str, float] = field(default_factory=lambda: {"spy": 1.0})
    hedge: dict[str, float] = field(default_factory=dict)
    hedge_share: float = 1.0
    patience: int = 5

    def __post_init__(self) -> None:
        if not self.risk:
            raise ConfigError("risk: must name at least one asset, as in {spy: 1.0}")
        for name in ("risk", "hedge"):
            _check_leg(name, getattr(self, name))
        twice = [asset for asset in self.risk if asset in self.hedge]
        if twice:
            raise ConfigError(f"hedge: `{twice[0]}` is in the risk leg too; keep it in one")
        fraction("hedge_share", self.hedge_share)
        if self.patience < 0:
            raise ConfigError(f"patience: must be 0 or more sessions, got {self.patience}")

    def __str__(self) -> str:
        if not self.hedge or not self.hedge_share:
            return f"{_words(self.risk)}; what is freed is cash"
        freed = {1.0: "all", 0.5: "half"}.get(self.hedge_share, f"{100 * self.hedge_share:.4g} %")
        rest = "" if self.hedge_share == 1.0 else ", the rest cash"
        return f"{_words(self.risk)}; {freed} of what is freed in {_words(self.hedge)}{rest}"

    @property
    def assets(self) -> tuple[str, ...]:
        """Catalogue names of what is traded, the risk leg first: the columns of the weights."""
        return (*self.risk, *self.hedge)

    def __call__(self, exposure: pd.Series, prices: pd.DataFrame) -> pd.DataFrame:
        """Weights decided at each close of an exposure.

        Parameters
        ----------
        exposure : Series, shape (n_decisions,), in [0, 1]
            Decided at the close of its date.
        prices : DataFrame, shape (n_sessions, n_assets or more)
            A column an asset; NaN where a session has no price. Its dates hold those of `exposure`,
            and the sessions before them tell whether an asset is alive.

        Returns
        -------
        DataFrame, shape (n_decisions, n_assets), fraction of capital in [0, 1]
            Columns are `assets`; rows sum to at most 1, the rest is cash. Never NaN.

        Raises
        ------
        InvalidDataError
            If an asset has no column, a date is no session of the prices, or an exposure lies
            outside [0, 1].

        **Known at:** row t uses the exposure of t and which assets had a price up to t.
        """
        check_exposure(exposure)
        alive = self._alive(exposure.index, prices)
        freed = (1.0 - exposure) * self.hedge_share
        legs = {**_split(self.risk, exposure, alive), **_split(self.hedge, freed, alive)}
        return check_weights(pd.DataFrame(legs, index=exposure.index, columns=list(self.assets)))

    def _alive(self, decisions: pd.Index, prices: pd.DataFrame) -> pd.DataFrame:
        """Whether each asset had a price lately, at each decision."""
        check_dates(prices.index, "Prices")
        absent = [asset for asset in self.assets if asset not in prices]
        if absent:
            raise InvalidDataError(
                f"Prices: no column `{absent[0]}`; the allocation holds {', '.join(self.assets)}"
            )
        strange = decisions.difference(prices.index)
        if len(strange):
            raise InvalidDataError(f"Exposure: {strange[0]:%Y-%m-%d} is no session of the prices")
        known = prices[list(self.assets)].astype(float)
        lately = known.ffill(limit=self.patience) if self.patience else known
        return lately.notna().loc[decisions]


def _check_leg(name: str, shares: Mapping[str, float]) -> None:
    odd = [asset for asset, share in shares.items() if not 0.0 < share <= 1.0]
    if odd:
        raise ConfigError(
            f"{name}: the share of `{odd[0]}` must lie in (0, 1], got {shares[odd[0]]}; leave out "
            "what is not held"
        )
    total = math.fsum(shares.values())
    if shares and abs(total - 1.0) > SUM_ROOM:
        raise ConfigError(
            f"{name}: shares must sum to 1, got {total:g}; a lower exposure is for the rule to "
            "decide"
        )


def _split(
    shares: Mapping[str, float], amount: pd.Series, alive: pd.DataFrame
) -> dict[str, pd.Series]:
    """Part of an amount that each asset of a leg gets, by its share among those alive."""
    # Asset by asset, not a sum over columns: its last bits would depend on how the table lies in
    # memory.
    present = sum(
        (alive[asset] * share for asset, share in shares.items()),
        start=pd.Series(0.0, index=alive.index),
    )
    scale = amount / present.where(present > 0.0, np.inf)
    return {asset: alive[asset] * share * scale for asset, share in shares.items()}


def _words(shares: Mapping[str, float]) -> str:
    if len(shares) == 1:
        return next(iter(shares))
    return ", ".join(f"{100 * share:.4g} % {asset}" for asset, share in shares.items())
