"""Reserve scarcity as features: price, tail, demand curve and help from the central bank."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from regime.feature import Feature, FeatureFamily, check_positive
from regime.mechanisms.reserves.demand_curve import BankAssets, demand_slope, fed_funds_spread
from regime.mechanisms.reserves.funding import (
    backstop_use,
    funding_pressure,
    funding_tail,
    net_liquidity,
)
from regime.mechanisms.reserves.scarcity import ScarcityScore
from regime.transforms import change, zscore

__all__ = ["ReserveFeatures"]

FUNDING = ("sofr", "sofr99", "iorb")
BACKSTOPS = ("discount_window", "swap_lines", "srf", "iorb")
# The share of reserves and net liquidity against equities have flipped sign between decades: they
# carry none.
BALANCES = ("fed_assets", "tga", "rrp")
SCARCITY = ScarcityScore()
ASSETS = BankAssets()
SCORED = ("sofr", "sofr99", "effr", "iorb", "reserves", "discount_window", "swap_lines", "srf")


@dataclass(frozen=True, kw_only=True)
class ReserveFeatures:
    """Features of reserves: whether banks are short of them.

    Parameters
    ----------
    lookback : int
        Sessions of norms and ranks (a year); also the reach of the demand slope.
    month : int
        Sessions of fast changes.

    Examples
    --------
    >>> [feature.spec.name for feature in ReserveFeatures().features()][:2]
    ['liquidity_funding_pressure_252', 'liquidity_funding_tail_252']
    """

    lookback: int = 252
    month: int = 20

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make = FeatureFamily("liquidity", "reserve scarcity")
        days = self.lookback
        return (
            make(
                "funding_pressure",
                days,
                1,
                FUNDING,
                lambda v: funding_pressure(v) / SCARCITY.full_bp,
                proxy=True,
            ),
            make(
                "funding_tail", days, 1, ("sofr", "sofr99"), lambda v: zscore(funding_tail(v), days)
            ),
            make(
                "fed_funds_deviation",
                days,
                1,
                ("effr", "iorb"),
                lambda v: zscore(fed_funds_spread(v), days),
            ),
            make("demand_slope", days, -1, ("effr", "iorb", "reserves"), self._slope, proxy=True),
            make(
                "reserve_band_distance",
                0,
                0,
                ("reserves",),
                lambda v: v["reserves"] / ASSETS.of(v) / ASSETS.band[1] - 1.0,
                proxy=True,
            ),
            make("backstop_use", 0, 1, BACKSTOPS, _backstop, proxy=True),
            make("reserve_buffer", 0, 0, ("rrp", "reserves"), _buffer),
            make(
                "net_liquidity_pace",
                self.month,
                0,
                BALANCES,
                lambda v: change(net_liquidity(v) / v["fed_assets"], self.month),
            ),
            make("reserve_scarcity", days, 1, SCORED, SCARCITY.score, proxy=True),
        )

    def _slope(self, values: pd.DataFrame) -> pd.Series:
        """t-statistic of the demand slope over as many weeks, cut at 6 either way.

        It explodes where nothing moves.
        """
        weeks = max(self.lookback * 52 // 252, 8)
        return demand_slope(values, ASSETS, weeks)["t"].clip(-6.0, 6.0)


def _backstop(values: pd.DataFrame) -> pd.Series:
    """Borrowing from the central bank in units of what fills its part of the score."""
    used = backstop_use(values).sum(axis=1, skipna=False)
    return used / ASSETS.of(values) / SCARCITY.full_backstop


def _buffer(values: pd.DataFrame) -> pd.Series:
    """Share of the reverse repo facility in itself and reserves: money that can still flow in.

    USD bn against mn.
    """
    buffer = 1000.0 * values["rrp"].fillna(0.0)
    return buffer / (buffer + values["reserves"])
