"""Depth: spreads read from the session's range and from reversals, and what a traded dollar moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.features.feature import Feature, Mechanism, check_positive
from regime.features.transforms import percentile
from regime.mechanisms.depth import (
    abdi_ranaldo_spread,
    amihud_illiquidity,
    corwin_schultz_spread,
    roll_spread,
)
from regime.mechanisms.moves import YEARS_5

__all__ = ["DepthFeatures"]

RANGE = ("sp500_high", "sp500_low", "sp500")
TRADED = ("spy", "spy_volume", "spy_traded")


@dataclass(frozen=True, kw_only=True)
class DepthFeatures:
    """Features of the depth of the equity market.

    Parameters
    ----------
    lookback : int
        Sessions of each estimate (a month).
    quarter : int
        Sessions of the slow estimates.

    Examples
    --------
    >>> DepthFeatures().features()[0].spec.name
    'positioning_range_spread_21'
    """

    lookback: int = 21
    quarter: int = 63

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns; ranks among five years."""
        depth, days, long = Mechanism("positioning", "depth"), self.lookback, self.quarter
        return (
            depth(
                "range_spread",
                days,
                1,
                RANGE,
                lambda v: _rank(corwin_schultz_spread(_bars(v), days, _least(days))),
            ),
            depth(
                "middle_spread",
                long,
                1,
                RANGE,
                lambda v: _rank(abdi_ranaldo_spread(_bars(v), long, _least(long))),
            ),
            depth(
                "reversal_spread",
                long,
                1,
                ("sp500",),
                lambda v: _rank(roll_spread(v["sp500"], long, _least(long))),
            ),
            depth("range_spread_rise", days, 1, RANGE, lambda v: _rise(v, days)),
            depth("price_impact", days, 1, TRADED, lambda v: _rank(_impact(v, days))),
            depth("price_impact_rise", days, 1, TRADED, lambda v: _impact_rise(v, days)),
        )


def _least(lookback: int) -> int:
    return max(2 * lookback // 3, 4)


def _rank(x: pd.Series) -> pd.Series:
    return percentile(x, YEARS_5, 252)


def _bars(values: pd.DataFrame) -> pd.DataFrame:
    return values.set_axis(["high", "low", "close"], axis=1)


def _rise(values: pd.DataFrame, lookback: int) -> pd.Series:
    """Log ratio of the spread of a month to that of the year; NaN where either is none."""
    now, year = (
        corwin_schultz_spread(_bars(values), days, _least(days)) for days in (lookback, 252)
    )
    return np.log(now.where(now > 0) / year.where(year > 0))


def _impact(values: pd.DataFrame, lookback: int) -> pd.Series:
    dollars = values["spy_volume"] * values["spy_traded"]
    return amihud_illiquidity(values["spy"], dollars, lookback, _least(lookback))


def _impact_rise(values: pd.DataFrame, lookback: int) -> pd.Series:
    """Log ratio of the price impact of a month to that of the year."""
    now, year = _impact(values, lookback), _impact(values, 252)
    return np.log(now.where(now > 0) / year.where(year > 0))
