"""Indiscriminate selling: breadth, correlation, absorption, turbulence, and havens that fail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.feature import Feature, FeatureFamily, check_positive
from regime.mechanisms.cross_asset.breadth import HAVENS, MARKETS, haven_failure, selling_breadth
from regime.mechanisms.cross_asset.comovement import (
    absorption_ratio,
    absorption_shift,
    average_correlation,
    turbulence,
)
from regime.transforms import YEARS_5, log_moves, rolling_percentile, scaled_move, scaled_moves

__all__ = ["SellingFeatures"]


@dataclass(frozen=True, kw_only=True)
class SellingFeatures:
    """Features of how many markets are sold, how alike they move, and how unlike the past.

    Parameters
    ----------
    week : int
        Sessions of a short move.
    correlation : int
        Sessions in which correlations are taken.
    absorption : int
        Sessions in which common factors are taken.

    Examples
    --------
    >>> SellingFeatures().features()[0].spec.name
    'cross_asset_selling_5'
    """

    week: int = 5
    correlation: int = 63
    absorption: int = 252

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns.

        The shift of absorption changes its sign.
        """
        sell = FeatureFamily("cross_asset", "cross-asset selling")
        alike = FeatureFamily("cross_asset", "comovement")
        havens = FeatureFamily("cross_asset", "havens")
        week = self.week
        days = self.correlation
        long = self.absorption
        return (
            sell("selling", week, 1, MARKETS, lambda v: selling_breadth(v, week)),
            sell("selling_worst", 21, 1, MARKETS, lambda v: selling_breadth(v, 21, -1.5)),
            sell("odd_week", week, 1, MARKETS, lambda v: _odd(v, week)),
            sell("odd_quarter", days, 1, MARKETS, lambda v: _odd(v, days)),
            alike(
                "correlation_rank",
                days,
                1,
                MARKETS,
                lambda v: rolling_percentile(average_correlation(_daily(v), days), YEARS_5, 252),
            ),
            alike(
                "absorption_rank",
                long,
                1,
                MARKETS,
                lambda v: rolling_percentile(absorption_ratio(_daily(v), long), YEARS_5, 252),
            ),
            alike(
                "absorption_shift",
                15,
                0,
                MARKETS,
                lambda v: absorption_shift(absorption_ratio(_daily(v), long)),
            ),
            havens("havens_sold", week, 0, HAVENS, lambda v: _havens(v, week)),
            havens("havens_bid", 21, 1, HAVENS, _havens_bid),
        )


def _daily(values: pd.DataFrame) -> pd.DataFrame:
    return scaled_moves(values, 1, 63.0)


def _odd(values: pd.DataFrame, lookback: int) -> pd.Series:
    """Rank among five years of the mean turbulence of some sessions."""
    daily = turbulence(log_moves(values))
    return rolling_percentile(
        daily.rolling(lookback, min_periods=(lookback + 1) // 2).mean(), YEARS_5, 252
    )


def _havens(values: pd.DataFrame, lookback: int) -> pd.Series:
    equity, gold, treasury = (values[name] for name in HAVENS)
    return haven_failure(equity, gold, treasury, lookback)


def _havens_bid(values: pd.DataFrame) -> pd.Series:
    """Mean scaled move of gold and Treasuries less that of equities over a month.

    Flight to safety.
    """
    equity, gold, treasury = (scaled_move(values[name], 21).to_numpy() for name in HAVENS)
    return pd.Series(np.clip((gold + treasury) / 2 - equity, -8.0, 8.0), index=values.index)
