"""Features of futures positions: whose side is crowded, and which shorts are being squeezed."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from regime.feature import Compute, Feature, FeatureFamily, check_positive
from regime.mechanisms.futures_positioning.contracts import CONTRACTS
from regime.mechanisms.futures_positioning.positioning import (
    contract_price,
    entry_price,
    net_position,
    net_share,
    new_reports,
    rank_in_window,
    squeeze_pressure,
)

__all__ = ["FuturesPositioningFeatures"]


@dataclass(frozen=True, kw_only=True)
class FuturesPositioningFeatures:
    """Features of who is on the same side of the futures market.

    Parameters
    ----------
    crowding : int
        Sessions over which positions are ranked (the field's five years).

    Examples
    --------
    >>> FuturesPositioningFeatures().features()[0].spec.name
    'positioning_sp500_leveraged_rank_1260'
    """

    crowding: int = 1260

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make = FeatureFamily("positioning", "futures positions")
        days = self.crowding
        return (
            # Leveraged funds hedge stocks with index futures: their shorts are no view.
            make("sp500_leveraged_rank", days, 0, *_rank("sp500", "leveraged_funds", days)),
            make("sp500_managers_rank", days, -1, *_rank("sp500", "asset_managers", days)),
            make("notes_leveraged_rank", days, -1, *_rank("ust10", "leveraged_funds", days)),
            # Yen owed and volatility sold are bought back when holders must.
            make("yen_leveraged_rank", days, 1, *_rank("jpy", "leveraged_funds", days)),
            make("vix_leveraged_rank", days, 1, *_rank("vix", "leveraged_funds", days)),
            make("sp500_squeeze", days, -1, *_squeeze("sp500", days)),
            make("yen_squeeze", days, 1, *_squeeze("jpy", days)),
        )


def _rank(contract: str, group: str, days: int) -> tuple[tuple[str, ...], Compute]:
    """Inputs and formula of the rank of a group's share of open interest."""
    who = CONTRACTS[contract].groups[group]
    return who.inputs, lambda v: rank_in_window(net_share(v, who), days)


def _squeeze(contract: str, days: int) -> tuple[tuple[str, ...], Compute]:
    """Inputs and formula of the pressure on the shorts of leveraged funds."""
    market = CONTRACTS[contract]
    who = market.groups["leveraged_funds"]

    def compute(v: pd.DataFrame) -> pd.Series:
        price = contract_price(v, market)
        entry = entry_price(net_position(v, who), price, new_reports(v, who))
        return squeeze_pressure(net_share(v, who), entry, price, -1, days)

    return (*who.inputs, market.price, "dgs3mo"), compute
