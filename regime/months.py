"""Daily returns by calendar month.

The calendar itself, hit rate, and capture of a benchmark's rises and falls.

The first and the last month may be parts of one.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.returns import check_same_dates, finite_values

__all__ = ["down_capture", "monthly_hit_rate", "monthly_returns", "monthly_table", "up_capture"]


def monthly_returns(returns: pd.Series) -> pd.Series:
    """Compounded return of each calendar month that has a session.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
        On ordered dates.

    Returns
    -------
    Series, shape (n_months,), fraction a month
        On a monthly PeriodIndex, in order; never NaN.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-30", "2024-01-31", "2024-02-01"])
    >>> monthly_returns(pd.Series([0.1, 0.1, -0.5], index=days)).round(2).to_dict()
    {Period('2024-01', 'M'): 0.21, Period('2024-02', 'M'): -0.5}
    """
    values = finite_values(returns)
    index = returns.index
    if not isinstance(index, pd.DatetimeIndex) or not index.is_monotonic_increasing:
        raise InvalidDataError("months need returns on ordered dates; sort them by date")
    month = index.year.to_numpy() * 12 + index.month.to_numpy() - 1
    first = np.flatnonzero(np.r_[True, month[1:] != month[:-1]])
    periods = pd.PeriodIndex(pd.DatetimeIndex(index[first]).to_period("M"), name="month")
    return pd.Series(
        np.multiply.reduceat(1.0 + values, first) - 1.0, index=periods, name=returns.name
    )


def monthly_table(returns: pd.Series) -> pd.DataFrame:
    """Monthly returns as a calendar: a row a year.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
        On ordered dates.

    Returns
    -------
    DataFrame, shape (n_years, 13), fraction a month
        Columns 1 to 12, and `year`, the compounded return of the months there are. NaN in a month
        or a year without a session.
    """
    months = monthly_returns(returns)
    calendar = pd.PeriodIndex(months.index)
    years = np.arange(calendar.year[0], calendar.year[-1] + 1)
    grid = np.full((years.size, 12), np.nan)
    grid[calendar.year - years[0], calendar.month - 1] = months.to_numpy()
    table = pd.DataFrame(grid, index=pd.Index(years, name="year"), columns=range(1, 13))
    return table.assign(
        year=np.where(np.isnan(grid).all(axis=1), np.nan, np.nanprod(1.0 + grid, axis=1) - 1.0)
    )


def monthly_hit_rate(returns: pd.Series, cash: pd.Series | float = 0.0) -> float:
    """Share of calendar months whose compounded return is above that of cash.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session
    """
    idle = cash if isinstance(cash, pd.Series) else pd.Series(float(cash), index=returns.index)
    check_same_dates(returns, idle, "cash")
    return float(np.mean(monthly_returns(returns).to_numpy() > monthly_returns(idle).to_numpy()))


def up_capture(returns: pd.Series, benchmark: pd.Series) -> float:
    """Mean monthly growth in the months in which the benchmark rose, over the benchmark's own.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    benchmark : Series, shape (n,) on the same dates, fraction a session

    Returns
    -------
    float
        1 takes all of the rise; NaN without such a month.

    Notes
    -----
    Means are geometric, of calendar months. Annualised rises of single days, as some libraries take
    them, compound a choice of good days to absurd growth, so that half the exposure seems a
    quarter.
    """
    return _capture(returns, benchmark, 1.0)


def down_capture(returns: pd.Series, benchmark: pd.Series) -> float:
    """Mean monthly growth in the months in which the benchmark fell, over the benchmark's own.

    Parameters
    ----------
    returns, benchmark : Series, shape (n,)
        As in `up_capture`.

    Returns
    -------
    float
        1 takes all of the fall, below 0 gained from it; NaN without such a month.
    """
    return _capture(returns, benchmark, -1.0)


def _capture(returns: pd.Series, benchmark: pd.Series, sign: float) -> float:
    check_same_dates(returns, benchmark, "benchmark")
    ours, theirs = monthly_returns(returns).to_numpy(), monthly_returns(benchmark).to_numpy()
    chosen = sign * theirs > 0
    if not chosen.any():
        return math.nan
    return _mean_growth(ours[chosen]) / _mean_growth(theirs[chosen])


def _mean_growth(months: np.ndarray) -> float:
    """Geometric mean of monthly returns; -1 where the capital was lost."""
    growth = float(np.prod(1.0 + months))
    return math.pow(growth, 1.0 / months.size) - 1.0 if growth > 0 else -1.0
