"""Liquidity: funding, reserves, the long end and credit."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from regime.feature import Compute, Feature, FeatureFamily, check_positive
from regime.transforms import change, log_change, log_deviation, zscore

__all__ = ["LiquidityFeatures"]


@dataclass(frozen=True, kw_only=True)
class LiquidityFeatures:
    """Features of money: what it costs overnight, how much of it there is, what long money costs.

    Parameters
    ----------
    lookback : int
        Sessions over which rates and balances change (a quarter).
    short : int
        Sessions for what moves fast (a month).

    Examples
    --------
    >>> LiquidityFeatures().features()[0].spec.name
    'liquidity_funding_spread_252'
    """

    lookback: int = 63
    short: int = 21

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the family, in the order of the columns."""
        return (*self._funding(), *self._balance_sheet(), *self._long_end(), *self._credit())

    def _funding(self) -> tuple[Feature, ...]:
        make = FeatureFamily("liquidity", "funding")
        days = self.lookback
        return (
            make(
                "funding_spread",
                252,
                0,
                ("sofr", "iorb"),
                lambda v: zscore(_over_iorb(v, "sofr"), 252),
                proxy=True,
            ),
            make(
                "fed_funds_spread_change",
                days,
                1,
                ("effr", "iorb"),
                lambda v: change(_over_iorb(v, "effr"), days),
            ),
        )

    def _balance_sheet(self) -> tuple[Feature, ...]:
        make = FeatureFamily("liquidity", "reserves")
        days = self.lookback
        return (
            make(
                "net_liquidity_change",
                days,
                0,
                ("fed_assets", "tga", "rrp"),
                lambda v: change(_net_liquidity(v) / v["fed_assets"], days),
            ),
            make(
                "reserve_share_change",
                days,
                0,
                ("reserves", "fed_assets"),
                lambda v: change(v["reserves"] / v["fed_assets"], days),
            ),
        )

    def _long_end(self) -> tuple[Feature, ...]:
        make = FeatureFamily("liquidity", "long end")
        days = self.lookback
        return (
            make("rate10_change", days, 1, ("dgs10",), lambda v: change(v["dgs10"], days)),
            make("rate30_change", days, 1, ("dgs30",), lambda v: change(v["dgs30"], days)),
            make("bear_steepening", days, 1, ("dgs30", "dgs2"), _bear_steepening(days)),
            make(
                "rate_volatility_deviation",
                252,
                1,
                ("move",),
                lambda v: log_deviation(v["move"], 252),
            ),
            make(
                "mortgage_spread_change",
                days,
                1,
                ("mortgage30", "dgs10"),
                lambda v: change(v["mortgage30"] - v["dgs10"], days),
            ),
        )

    def _credit(self) -> tuple[Feature, ...]:
        make = FeatureFamily("liquidity", "credit")
        return (
            make(
                "high_yield_change",
                self.short,
                1,
                ("hy_oas",),
                lambda v: log_change(v["hy_oas"], self.short),
            ),
            make(
                "baa_spread_change",
                self.lookback,
                1,
                ("baa10y",),
                lambda v: change(v["baa10y"], self.lookback),
            ),
        )


def _over_iorb(values: pd.DataFrame, rate: str) -> pd.Series:
    """An overnight rate over the rate on reserves of the same day, in points.

    It is known a session later than that.
    """
    return values[rate] - values["iorb"].shift(1)


def _net_liquidity(values: pd.DataFrame) -> pd.Series:
    """Fed assets less the Treasury's account and the reverse repo facility (in bn), USD mn."""
    return values["fed_assets"] - values["tga"] - 1000.0 * values["rrp"].fillna(0.0)


def _bear_steepening(lookback: int) -> Compute:
    """Steepening of 30-year over 2-year that comes with a rise of the 30-year.

    0 when the long end falls, in points.
    """

    def compute(values: pd.DataFrame) -> pd.Series:
        steepening = change(values["dgs30"] - values["dgs2"], lookback)
        rise = change(values["dgs30"], lookback)
        return (
            steepening.clip(lower=0.0).where(rise > 0, 0.0).where(steepening.notna() & rise.notna())
        )

    return compute
