"""Cross-asset selling: how many markets fall, how alike, whether havens hold, and crypto."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime import kernels
from regime.feature import Feature, FeatureFamily, check_positive
from regime.mechanisms.cross_asset.breadth import selling_breadth
from regime.transforms import (
    change,
    clipped_moves,
    fall_from_high,
    log_change,
    log_deviation,
    scaled_move,
    volatility,
)

__all__ = ["CrossAssetFeatures"]

RISK = (
    "sp500",
    "nasdaq",
    "nikkei",
    "dax",
    "ftse",
    "hang_seng",
    "eem",
    "hyg",
    "crude",
    "copper",
    "gold",
    "silver_future",
)
WORLD = ("nasdaq", "nikkei", "dax", "ftse", "hang_seng", "eem")


@dataclass(frozen=True, kw_only=True)
class CrossAssetFeatures:
    """Features of selling that does not choose: breadth, correlation, turbulence, havens, crypto.

    Parameters
    ----------
    lookback : int
        Sessions of the moves whose breadth is taken.
    halflife : float
        Sessions in which the weight of a day halves in correlations.

    Examples
    --------
    >>> CrossAssetFeatures().features()[0].spec.name
    'cross_asset_breadth_10'
    """

    lookback: int = 10
    halflife: float = 42.0

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the family, in the order of the columns."""
        sell = FeatureFamily("cross_asset", "cross-asset selling")
        crypto = FeatureFamily("cross_asset", "crypto")
        havens = FeatureFamily("cross_asset", "havens")
        days = self.lookback
        return (
            sell("breadth", days, 1, RISK, lambda v: selling_breadth(v, days)),
            sell("correlation_change", 63, 1, RISK, self._correlation_change),
            sell("turbulence", 5, 1, RISK, _turbulence),
            sell("world_distance", 200, -1, WORLD, _world_distance),
            havens("haven_failure", 10, 0, ("sp500", "gold", "tlt"), _haven_failure),
            havens("stock_bond_correlation", 63, 0, ("sp500", "tlt"), self._stock_bond),
            crypto("bitcoin_drawdown", 63, -1, ("btc",), lambda v: fall_from_high(v["btc"], 63)),
        )

    def _correlation_change(self, values: pd.DataFrame) -> pd.Series:
        table = np.ascontiguousarray(clipped_moves(values, list(RISK), 63).to_numpy(dtype=float))
        level = pd.Series(kernels.mean_correlation(table, self.halflife, 63), index=values.index)
        return change(level, 63)

    def _stock_bond(self, values: pd.DataFrame) -> pd.Series:
        pair = np.column_stack([log_change(values["sp500"], 1), log_change(values["tlt"], 1)])
        return pd.Series(
            kernels.mean_correlation(np.ascontiguousarray(pair), self.halflife, 63),
            index=values.index,
        )


def _turbulence(values: pd.DataFrame) -> pd.Series:
    """Mean squared scaled move of the markets over 5 sessions, in logs.

    Large moves whatever their direction.
    """
    squares = pd.DataFrame({name: scaled_move(values[name], 1) ** 2 for name in values}).clip(
        upper=64.0
    )
    mean = squares.mean(axis=1).where(squares.notna().sum(axis=1) >= 4)
    week = kernels.rolling_mean(np.ascontiguousarray(mean.to_numpy(dtype=float)), 5, 3)
    return pd.Series(np.log(week + 0.05), index=values.index)


def _world_distance(values: pd.DataFrame) -> pd.Series:
    """Mean distance of foreign and technology markets to their 200-day mean, in volatilities."""
    parts = {
        name: log_deviation(values[name], 200) / (volatility(values[name], 126) * np.sqrt(200))
        for name in values
    }
    table = pd.DataFrame(parts)
    return table.mean(axis=1).where(table.notna().sum(axis=1) >= 2)


def _haven_failure(values: pd.DataFrame) -> pd.Series:
    """Gold and Treasuries fall with equities.

    The least of the three scaled 10-session falls, floored at 0.
    """
    falls = pd.DataFrame({name: -scaled_move(values[name], 10) for name in values})
    return falls.min(axis=1, skipna=False).clip(lower=0.0)
