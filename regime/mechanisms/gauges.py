"""Scale-free gauges.

How large a move is for its own kind, how far a value lies from its norm, how several make one.

Each reads rows up to t for row t, is NaN where history is short and never infinite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from regime import kernels

__all__ = [
    "above_norm",
    "change_scale",
    "composite",
    "fill_up",
    "newest",
    "panel_columns",
    "percentile",
    "scaled_change",
    "scaled_move",
]

HALFLIFE = 126.0
VOLATILITY_ROWS = 20
STILL = 1e-12  # a daily volatility that is rounding alone


def scaled_move(price: pd.Series, lookback: int, halflife: float = HALFLIFE) -> pd.Series:
    """Log change of `lookback` sessions over its own earlier volatility of as many.

    NaN where a price is not > 0.
    """
    logs = np.log(price.where(price > 0).to_numpy(dtype=float))
    return scaled_change(pd.Series(logs, price.index), lookback, halflife)


def scaled_change(level: pd.Series, lookback: int, halflife: float = HALFLIFE) -> pd.Series:
    """Difference over `lookback` sessions in units of its own earlier volatility of as many.

    A level that stands still has no scale and gives NaN.
    """
    return level.diff(lookback) / change_scale(level, lookback, halflife)


def change_scale(level: pd.Series, lookback: int, halflife: float = HALFLIFE) -> pd.Series:
    """Volatility of changes over `lookback` sessions from daily ones before today's, in the unit of the level; > 0."""
    daily = np.ascontiguousarray(level.diff().to_numpy(dtype=float))
    scale = pd.Series(kernels.ewm_std(daily, float(halflife), VOLATILITY_ROWS), level.index).shift(
        1
    )
    return scale.where(scale > STILL) * np.sqrt(lookback)


def percentile(x: pd.Series, lookback: int, minimum: int | None = None) -> pd.Series:
    """Rank of today's value among the last `lookback` sessions, in (0, 1].

    NaN until `minimum` (half) are there.

    A lookback of 0 means all sessions so far.
    """
    column = np.ascontiguousarray(x.to_numpy(dtype=float))
    least = lookback // 2 if minimum is None else minimum
    return pd.Series(kernels.rolling_rank(column, lookback, least), x.index)


def above_norm(x: pd.Series, lookback: int) -> pd.Series:
    """Distance to the median of the last `lookback` sessions, in the unit of `x`.

    NaN until half of them are there.
    """
    return x - x.rolling(lookback, min_periods=lookback // 2).median()


def fill_up(x: pd.Series, full: float) -> pd.Series:
    """Share of `full` that a value reaches, cut at 0 and 1."""
    return (x / full).clip(0.0, 1.0)


def composite(parts: Mapping[str, pd.Series], minimum: int) -> pd.Series:
    """Mean of the parts that are known, each in [0, 1]; NaN where fewer than `minimum` are.

    Parameters
    ----------
    parts : mapping of str to Series, shape (n_sessions,) each
    minimum : int

    Returns
    -------
    Series, shape (n_sessions,), in [0, 1]
    """
    columns = list(parts.values())
    known = sum(
        (part.notna().astype(float) for part in columns[1:]), columns[0].notna().astype(float)
    )
    total = sum((part.fillna(0.0) for part in columns[1:]), columns[0].fillna(0.0))
    return (total / known.where(known >= minimum)).clip(0.0, 1.0)


def panel_columns(
    values: pd.DataFrame, names: Sequence[str], as_of: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Columns of a panel up to a date; one that the panel does not have is NaN.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
    names : sequence of str
    as_of : Timestamp, optional
        Decision date; the session before if it is none. All rows by default.

    Returns
    -------
    DataFrame, shape (m, len(names)), float64
    """
    rows = values if as_of is None else values.loc[:as_of]
    return rows.reindex(columns=list(names)).astype(float)


def newest(x: pd.Series, factor: float = 1.0) -> float:
    """Value of the last row times a factor; NaN without rows."""
    return float(x.iloc[-1]) * factor if len(x) else float("nan")
