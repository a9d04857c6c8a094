"""Moves of prices in their own volatility, and where a price stands in its past.

What several mechanisms measure with.

NaN rule, everywhere: a price that is missing or not above 0 has no move; a row whose history is
short is NaN.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime import kernels
from regime.errors import ConfigError
from regime.mechanisms.gauges import HALFLIFE, percentile, scaled_move

__all__ = [
    "YEARS_5",
    "check_above",
    "fall_from_high",
    "known_until",
    "log_moves",
    "rank",
    "scaled_move",
    "scaled_moves",
]

YEARS_5 = 1260  # sessions


def log_moves(prices: pd.DataFrame, lookback: int = 1) -> pd.DataFrame:
    """Log changes of each column over `lookback` rows, shape (n_sessions, n_assets)."""
    logs = np.log(prices.astype(float).where(prices > 0))
    return logs - logs.shift(lookback)


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


def fall_from_high(x: pd.Series, lookback: int, minimum: int | None = None) -> pd.Series:
    """Fall from the highest value of `lookback` rows, <= 0, as a fraction.

    NaN under `minimum` rows (a quarter).
    """
    values = np.ascontiguousarray(x.where(x > 0).to_numpy(dtype=float))
    least = lookback // 4 if minimum is None else minimum
    return pd.Series(
        values / kernels.rolling_extreme(values, lookback, least, 1) - 1.0, index=x.index
    )


def rank(x: pd.Series, lookback: int = YEARS_5) -> pd.Series:
    """Rank of each value among the last `lookback` rows, in (0, 1].

    NaN until a fifth of them is there.
    """
    return percentile(x, lookback, lookback // 5)


def known_until(table: pd.DataFrame, as_of: pd.Timestamp | str) -> pd.DataFrame:
    """Rows up to a decision date, shape (n_known, n_columns)."""
    return table.loc[: pd.Timestamp(as_of)]


def check_above(least: float, **values: float) -> None:
    """Refuse parameters that are below a bound.

    Raises
    ------
    ConfigError
        Naming each.
    """
    faults = [
        f"{name}: must be at least {least:g}, got {value:g}"
        for name, value in values.items()
        if value < least
    ]
    if faults:
        raise ConfigError(faults)
