"""Causal transforms of columns: the small vocabulary in which features and mechanisms are written.

Each takes date-indexed columns, reads rows up to t for row t, and gives NaN until half of its
lookback (or the stated minimum) is there. A price that is missing or not above 0 has no move;
nothing is ever infinite but where stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats

__all__ = [
    "YEARS_5",
    "change",
    "change_scale",
    "clipped_moves",
    "excess_over_median",
    "fall_from_high",
    "last_value",
    "log_change",
    "log_deviation",
    "log_moves",
    "mean_of_known",
    "panel_columns",
    "rolling_percentile",
    "saturate",
    "scaled_change",
    "scaled_move",
    "scaled_moves",
    "strength",
    "volatility",
    "zscore",
]

HALFLIFE = 126.0
VOLATILITY_ROWS = 20
CONSTANT = 1e-12  # a daily volatility that is rounding alone
LARGEST_MOVE = 6.0  # volatilities
YEARS_5 = 1260  # sessions


def change(x: pd.Series, lookback: int) -> pd.Series:
    """Difference to the value `lookback` sessions ago, in the unit of `x`."""
    return x - x.shift(lookback)


def log_change(x: pd.Series, lookback: int) -> pd.Series:
    """Log ratio to the value `lookback` sessions ago; NaN where a price is not positive."""
    logs = np.log(x.where(x > 0))
    return logs - logs.shift(lookback)


def log_moves(prices: pd.DataFrame, lookback: int = 1) -> pd.DataFrame:
    """Log changes of each column over `lookback` rows, shape (n_sessions, n_assets)."""
    logs = np.log(prices.astype(float).where(prices > 0))
    return logs - logs.shift(lookback)


def volatility(x: pd.Series, halflife: float) -> pd.Series:
    """Exponential standard deviation of daily log changes, per day, as a fraction."""
    daily = log_change(x, 1).to_numpy(dtype=float)
    return _series(kernels.ewm_std(daily, float(halflife), VOLATILITY_ROWS), x)


def change_scale(level: pd.Series, lookback: int, halflife: float = HALFLIFE) -> pd.Series:
    """Volatility over `lookback` sessions, from daily changes before today's; > 0.

    In the unit of the level; NaN where the level has not moved.
    """
    daily = np.ascontiguousarray(level.diff().to_numpy(dtype=float))
    scale = _series(kernels.ewm_std(daily, float(halflife), VOLATILITY_ROWS), level).shift(1)
    return scale.where(scale > CONSTANT) * np.sqrt(lookback)


def scaled_change(level: pd.Series, lookback: int, halflife: float = HALFLIFE) -> pd.Series:
    """Difference over `lookback` sessions in units of its own earlier volatility of as many.

    A level that does not move has no scale and gives NaN.
    """
    return level.diff(lookback) / change_scale(level, lookback, halflife)


def scaled_move(price: pd.Series, lookback: int, halflife: float = HALFLIFE) -> pd.Series:
    """Log change of `lookback` sessions over its own earlier volatility of as many.

    NaN where a price is not > 0.
    """
    logs = np.log(price.where(price > 0).to_numpy(dtype=float))
    return scaled_change(_series(logs, price), lookback, halflife)


def scaled_moves(prices: pd.DataFrame, lookback: int, halflife: float = HALFLIFE) -> pd.DataFrame:
    """Log changes in units of each column's own earlier volatility over as many rows.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_assets)
    lookback : int
        Rows of the move.
    halflife : float
        Rows in which the weight of a day halves in the volatility, which ends a row before the move
        does.

    Returns
    -------
    DataFrame, shape (n_sessions, n_assets)
        NaN until the volatility rests on 20 days, and where it is 0.

    **Known at:** row t uses prices up to t.
    """
    return pd.DataFrame(
        {name: scaled_move(prices[name], lookback, halflife) for name in prices}, index=prices.index
    )


def clipped_moves(prices: pd.DataFrame, names: Sequence[str], halflife: float) -> pd.DataFrame:
    """Daily log changes over their own earlier volatility, clipped at 6.

    One print cannot dominate; a move after no volatility at all counts as 6.
    """
    return pd.DataFrame(
        {
            name: (log_change(prices[name], 1) / volatility(prices[name], halflife).shift(1)).clip(
                -LARGEST_MOVE, LARGEST_MOVE
            )
            for name in names
        }
    )


def strength(x: pd.Series, against: pd.Series, lookback: int) -> pd.Series:
    """Log change of `x` less that of `against` over `lookback` sessions."""
    return log_change(x, lookback) - log_change(against, lookback)


def fall_from_high(x: pd.Series, lookback: int, minimum: int | None = None) -> pd.Series:
    """Fall from the highest value of `lookback` rows, <= 0, as a fraction.

    NaN where the value is not above 0, and under `minimum` rows (a quarter of the lookback).
    """
    values = np.ascontiguousarray(x.where(x > 0).to_numpy(dtype=float))
    least = lookback // 4 if minimum is None else minimum
    return _series(values / kernels.rolling_extreme(values, lookback, least, 1) - 1.0, x)


def log_deviation(x: pd.Series, lookback: int) -> pd.Series:
    """Log distance of a positive value to its own mean of `lookback` sessions."""
    logs = np.log(x.where(x > 0))
    return logs - _series(kernels.rolling_mean(_array(logs), lookback, lookback // 2), x)


def zscore(x: pd.Series, lookback: int) -> pd.Series:
    """Distance to the mean of `lookback` sessions in standard deviations."""
    return _series(kernels.rolling_zscore(_array(x), lookback, lookback // 2), x)


def excess_over_median(x: pd.Series, lookback: int) -> pd.Series:
    """Distance to the median of the last `lookback` sessions, in the unit of `x`.

    NaN until half of them are there.
    """
    return x - x.rolling(lookback, min_periods=lookback // 2).median()


def rolling_percentile(x: pd.Series, lookback: int = 0, minimum: int | None = None) -> pd.Series:
    """Share of the last `lookback` sessions that today's value reaches, in (0, 1].

    A lookback of 0 means all sessions so far. NaN until `minimum` (half, at least 1) are there.
    """
    least = minimum if minimum is not None else max(lookback // 2, 1)
    return _series(kernels.rolling_rank(_array(x), lookback, least), x)


def saturate(x: pd.Series, full: float) -> pd.Series:
    """Share of `full` that a value reaches, cut at 0 and 1."""
    return (x / full).clip(0.0, 1.0)


def mean_of_known(parts: Mapping[str, pd.Series], minimum: int) -> pd.Series:
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


def last_value(x: pd.Series, factor: float = 1.0) -> float:
    """Value of the last row times a factor; NaN without rows."""
    return float(x.iloc[-1]) * factor if len(x) else float("nan")


def _array(x: pd.Series) -> Floats:
    return np.ascontiguousarray(x.to_numpy(dtype=float))


def _series(values: Floats, like: pd.Series) -> pd.Series:
    return pd.Series(values, index=like.index)
