"""Causal transforms of one column: the small vocabulary in which every feature is written.

Each takes and returns a date-indexed column, reads rows up to t for row t, and gives NaN until half
of its lookback (or the stated minimum) is there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats
from regime.mechanisms import gauges

__all__ = [
    "change",
    "deviation",
    "drawdown",
    "log_change",
    "moves",
    "percentile",
    "scaled_move",
    "strength",
    "volatility",
    "zscore",
]


def change(x: pd.Series, lookback: int) -> pd.Series:
    """Difference to the value `lookback` sessions ago, in the unit of `x`."""
    return x - x.shift(lookback)


def log_change(x: pd.Series, lookback: int) -> pd.Series:
    """Log ratio to the value `lookback` sessions ago; NaN where a price is not positive."""
    logs = np.log(x.where(x > 0))
    return logs - logs.shift(lookback)


def volatility(x: pd.Series, halflife: float) -> pd.Series:
    """Exponential standard deviation of daily log changes, per day, as a fraction."""
    moves = log_change(x, 1).to_numpy(dtype=float)
    return _like(x, kernels.ewm_std(moves, float(halflife), 20))


def scaled_move(x: pd.Series, lookback: int, halflife: float = 126) -> pd.Series:
    """Log change over `lookback` sessions in units of its own earlier volatility over as many."""
    return gauges.scaled_move(x, lookback, halflife)


def drawdown(x: pd.Series, lookback: int) -> pd.Series:
    """Fall from the highest value of `lookback` sessions, <= 0, as a fraction."""
    return x / _like(x, kernels.rolling_extreme(_column(x), lookback, lookback // 4, 1)) - 1.0


def deviation(x: pd.Series, lookback: int) -> pd.Series:
    """Log distance of a positive value to its own mean of `lookback` sessions."""
    logs = np.log(x.where(x > 0))
    return logs - _like(x, kernels.rolling_mean(_column(logs), lookback, lookback // 2))


def zscore(x: pd.Series, lookback: int) -> pd.Series:
    """Distance to the mean of `lookback` sessions in standard deviations."""
    return _like(x, kernels.rolling_zscore(_column(x), lookback, lookback // 2))


def percentile(x: pd.Series, lookback: int = 0, minimum: int | None = None) -> pd.Series:
    """Rank of today's value among the last `lookback` sessions, in (0, 1].

    0 means all of them so far.
    """
    least = minimum if minimum is not None else max(lookback // 2, 1)
    return gauges.percentile(x, lookback, least)


def strength(x: pd.Series, against: pd.Series, lookback: int) -> pd.Series:
    """Log change of `x` less that of `against` over `lookback` sessions."""
    return log_change(x, lookback) - log_change(against, lookback)


def moves(prices: pd.DataFrame, names: Sequence[str], halflife: float) -> pd.DataFrame:
    """Daily log changes over their own earlier volatility, clipped at 6 so that one print cannot rule."""
    return pd.DataFrame(
        {
            name: (log_change(prices[name], 1) / volatility(prices[name], halflife).shift(1)).clip(
                -6, 6
            )
            for name in names
        }
    )


def _column(x: pd.Series) -> Floats:
    return np.ascontiguousarray(x.to_numpy(dtype=float))


def _like(x: pd.Series, values: Floats) -> pd.Series:
    return pd.Series(values, index=x.index)
