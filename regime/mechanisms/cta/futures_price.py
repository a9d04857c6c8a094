"""What a holder of the index future earns.

The cash index with dividends, less the financing that its price contains.

Trend followers hold futures, rolled from one contract to the next. Such a series falls behind the
cash index by what a contract costs above it (its carry), and over two years that is several
percent: an average of closes is not an average of what they trade. The carry is read off the front
future where there is one, and made of bills less dividends where there is none.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats
from regime.schema import YEAR

__all__ = ["dividend_yield", "excess_log_price", "future_carry", "years_to_expiry"]

YEAR_DAYS = 365.0
HALFLIFE = 5.0  # sessions, of the average of the carry
STALE = 21  # sessions without a usable future until bills take over
# of the price: a basis further from bills less dividends is two closes of different hours
WIDEST = 0.007
# what a future's price finances at above bills, where it cannot be read: the mean of 2006-2021
FUNDING = 0.003


def years_to_expiry(dates: pd.DatetimeIndex) -> tuple[Floats, Floats]:
    """Time to the end of the front contract, and since the end of the one before.

    Parameters
    ----------
    dates : DatetimeIndex, shape (n,)

    Returns
    -------
    tuple of arrays, shape (n,), years
        Contracts end on the third Friday of March, June, September and December; 0 on that day.
    """
    days = dates.to_numpy().astype("M8[D]").astype(np.int64)
    if not days.size:
        return np.zeros(0), np.zeros(0)
    ends = _third_fridays(int(days.min()), int(days.max()))
    position = np.searchsorted(ends, days, side="left")
    return (ends[position] - days) / YEAR_DAYS, (days - ends[position - 1]) / YEAR_DAYS


def dividend_yield(close: pd.Series, total_return: pd.Series) -> pd.Series:
    """Dividends of the last year, from what a fund that reinvests them earned beyond the index.

    Parameters
    ----------
    close, total_return : Series, shape (n_sessions,)
        The index, and the adjusted price of a fund on it.

    Returns
    -------
    Series, shape (n_sessions,), annual, as a fraction
        The fund's cost is counted as paid, so it is a tenth of a percent too low. NaN until half a
        year is there.

    **Known at:** row t uses rows up to t.
    """
    more = _log(total_return).diff() - _log(close).diff()
    return YEAR * _rolling_mean(more, YEAR)


def future_carry(close: pd.Series, future: pd.Series, fair: pd.Series) -> pd.Series:
    """Annual rate by which the front future stands above the index: financing less dividends.

    Parameters
    ----------
    close, future : Series, shape (n_sessions,)
        Index and front contract, the latter until the day it ends.
    fair : Series, shape (n_sessions,), annual, as a fraction
        Bills less dividends: prices further than 0.7 % from it are not used.

    Returns
    -------
    Series, shape (n_sessions,), annual, as a fraction
        Days count by the square of their time to expiry, for the noise of closing hours is divided
        by it; a week's halflife. NaN where no future was usable within a month.

    **Known at:** row t uses rows up to t.
    """
    years, _ = years_to_expiry(pd.DatetimeIndex(close.index))
    basis = (_log(future) - _log(close)).to_numpy()
    usable = (years > 0) & (np.abs(basis - fair.fillna(0.0).to_numpy() * years) < WIDEST)
    top = kernels.ewm_mean(np.where(usable, basis * years, np.nan), HALFLIFE, 1)
    below = kernels.ewm_mean(np.where(usable, years * years, np.nan), HALFLIFE, 1)
    last = np.maximum.accumulate(np.where(usable, np.arange(usable.size), -STALE - 1))
    fresh = np.arange(usable.size) - last <= STALE
    return pd.Series(np.where(fresh, top / below, np.nan), index=close.index)


def excess_log_price(
    close: pd.Series,
    future: pd.Series | None = None,
    bill: pd.Series | None = None,
    total_return: pd.Series | None = None,
) -> pd.Series:
    """Log of the roll-adjusted future: what trend followers take averages of.

    Parameters
    ----------
    close : Series, shape (n_sessions,)
        Cash index.
    future : Series, optional
        Front contract.
    bill : Series, optional
        Bill rate known at each close, percent; futures finance 0.3 % above it where there is none.
    total_return : Series, optional
        Adjusted price of a fund on the index, for its dividends.

    Returns
    -------
    Series, shape (n_sessions,)
        Starts at 0 with the first close; NaN before. A session without a close has not moved. Where
        neither the future nor both of bills and dividends are known, it moves as the index does.

    **Known at:** row t uses rows up to t.

    **Source:** cost of carry; within a contract the future moves by the index and by the change of
    its basis.
    """
    index = close.index
    rate = pd.Series(0.0, index=index) if bill is None else bill / 100.0 + FUNDING
    paid = (
        pd.Series(0.0, index=index) if total_return is None else dividend_yield(close, total_return)
    )
    fair = (rate - paid).astype(float)
    logs = _log(close).ffill()
    passed = (
        np.diff(pd.DatetimeIndex(index).to_numpy().astype("M8[D]").astype(np.int64), prepend=0)
        / YEAR_DAYS
    )
    steps = np.nan_to_num(-fair.shift(1).to_numpy() * passed)
    if future is not None and future.notna().any():
        rolled = _basis_steps(future_carry(close, future, fair))
        steps = np.where(np.isnan(rolled), steps, rolled)
    moved = np.nan_to_num(logs.diff().to_numpy() + np.where(logs.shift(1).notna(), steps, 0.0))
    return pd.Series(np.where(logs.notna(), np.cumsum(moved), np.nan), index=index)


def _basis_steps(carry: pd.Series) -> Floats:
    """Change of the smoothed basis of the contract held.

    The old one ends at none, the new one began at its end.
    """
    years, since = years_to_expiry(pd.DatetimeIndex(carry.index))
    rate = carry.to_numpy()
    basis = rate * years
    before = np.concatenate([[np.nan], basis])[: basis.size]
    same = np.diff(years, prepend=np.inf) < 0
    steps: Floats = np.where(same, basis - before, -before - rate * since)
    return steps


def _third_fridays(first: int, last: int) -> Floats:
    """Third Fridays of quarters in days since 1970, from before `first` until after `last`."""
    start = np.datetime64(first, "D").astype("M8[M]").astype(int)
    stop = np.datetime64(last, "D").astype("M8[M]").astype(int)
    months = np.arange(start - 6, stop + 7)
    months = months[(months + 1) % 3 == 0]  # month 0 is January 1970
    fifteenth = months.astype("M8[M]").astype("M8[D]").astype(np.int64) + 14
    fridays: Floats = (fifteenth + (1 - fifteenth) % 7).astype(float)  # day 1 of 1970 was a Friday
    return fridays


def _log(price: pd.Series) -> pd.Series:
    return np.log(price.where(price > 0).astype(float))


def _rolling_mean(x: pd.Series, lookback: int) -> pd.Series:
    values = np.ascontiguousarray(x.to_numpy(dtype=float))
    return pd.Series(kernels.rolling_mean(values, lookback, lookback // 2), index=x.index)
