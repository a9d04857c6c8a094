"""The money market's calendar.

Days on which overnight rates jump for no other reason than their date.

Balance sheets are shown at quarter ends and month ends, taxes are paid and new notes are paid for
in the middle of months, and on each of these days cash is short for a night. What such a day
usually adds is learned from earlier days of its kind and taken off.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.holiday import GoodFriday, USFederalHolidayCalendar

from regime.errors import ConfigError

__all__ = ["KINDS", "calendar_adjusted", "calendar_kinds", "rate_days"]

# Codes by position; of two kinds that fall on one day the earlier here holds, ordinary last.
KINDS = (
    "ordinary",
    "quarter end",
    "after quarter end",
    "month end",
    "after month end",
    "tax date",
    "coupon settlement",
)
# Estimated taxes: corporations in April, June, September and December, persons in January; March
# until 2016.
TAX_MONTHS = (1, 3, 4, 6, 9, 12)
MID_MONTH = 15
FIRST = "1970-01-01"
LAST = "2150-12-31"
Days = npt.NDArray[np.datetime64]


def rate_days(sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Day of the latest overnight rate that is known at the close of each session.

    Parameters
    ----------
    sessions : DatetimeIndex, shape (n,)

    Returns
    -------
    DatetimeIndex, shape (n,)
        The business day of the money market before the last one that is not after the session:
        rates of a day are published in the morning of the next. On a bank holiday the day does not
        move.

    Examples
    --------
    >>> sessions = pd.DatetimeIndex(["2019-09-17", "2019-10-14", "2019-10-15"])
    >>> rate_days(sessions).strftime("%m-%d").tolist()
    ['09-16', '10-10', '10-11']
    """
    calendar = _business_days()
    last = np.busday_offset(_days(sessions), 0, roll="backward", busdaycal=calendar)
    return pd.DatetimeIndex(np.busday_offset(last, -1, busdaycal=calendar))


def calendar_kinds(days: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    """What is special about each business day of the money market: its position in `KINDS`.

    Parameters
    ----------
    days : DatetimeIndex, shape (n,)
        Business days, as from `rate_days`.

    Returns
    -------
    ndarray of int64, shape (n,)

    **Source:** Desk operating policy on reporting dates; the Treasury settles coupons on the 15th
    and on the last day of a month, or on the business day after, which is the kind after a month's
    end.

    Examples
    --------
    >>> days = pd.DatetimeIndex(["2019-09-16", "2019-09-17", "2019-09-30"])
    >>> [KINDS[code] for code in calendar_kinds(days)]
    ['tax date', 'ordinary', 'quarter end']
    """
    day_numbers, calendar = _days(days), _business_days()
    month = day_numbers.astype("M8[M]")
    number = month.astype(np.int64) % 12 + 1
    last = (
        np.busday_offset(day_numbers, 1, roll="forward", busdaycal=calendar).astype("M8[M]")
        != month
    )
    first = (
        np.busday_offset(day_numbers, -1, roll="forward", busdaycal=calendar).astype("M8[M]")
        != month
    )
    middle = month.astype("M8[D]") + np.timedelta64(MID_MONTH - 1, "D")
    settles = day_numbers == np.busday_offset(middle, 0, roll="forward", busdaycal=calendar)
    marks = (
        last & (number % 3 == 0),
        first & (number % 3 == 1),
        last,
        first,
        settles & np.isin(number, TAX_MONTHS),
        settles,
    )
    return np.select(marks, range(1, len(KINDS)), default=0).astype(np.int64)


def calendar_adjusted(spread: pd.Series, ordinary: int = 5, minimum: int = 3) -> pd.Series:
    """An overnight spread less what a day of its kind has usually added.

    What a day adds is its spread less the median of the ordinary days before it; what its kind
    usually adds is the median of that over all earlier days of the kind, so that one squeeze does
    not excuse the next.

    Parameters
    ----------
    spread : Series, shape (n_sessions,)
        By session, as known at its close; the value belongs to `rate_days` of the session. One
        source only: a proxy that misses the jumps would excuse none.
    ordinary : int
        Ordinary days whose median is the level that a special day is held against.
    minimum : int
        Earlier days of the kind that an adjustment needs.

    Returns
    -------
    Series, shape (n_sessions,), in the unit of `spread`
        Ordinary days unchanged; NaN on a special day with too few earlier ones, or without a level.

    Raises
    ------
    ConfigError
        If a number is below 1.

    **Known at:** row t uses rows up to t; its adjustment, rows before t.
    """
    for name, value in (("ordinary", ordinary), ("minimum", minimum)):
        if value < 1:
            raise ConfigError(f"{name}: must be at least 1 day, got {value}")
    days = rate_days(pd.DatetimeIndex(spread.index))
    kinds = calendar_kinds(days)
    values = pd.Series(spread.to_numpy(dtype=float))
    fresh = (
        values.notna() & np.r_[True, days[1:] != days[:-1]][: len(values)]
    )  # a bank holiday repeats the day before
    level = values[fresh & (kinds == 0)].rolling(ordinary, min_periods=(ordinary + 1) // 2).median()
    added = values - level.reindex(values.index).ffill()
    usual = pd.Series(np.where(kinds == 0, 0.0, np.nan), values.index)
    for kind in range(1, len(KINDS)):
        earlier = added[fresh & (kinds == kind)].expanding(minimum).median().shift(1)
        usual = usual.fillna(earlier)
    usual = usual.where(fresh | (kinds == 0)).groupby(days.asi8).ffill() if len(values) else usual
    return pd.Series((values - usual).to_numpy(), index=spread.index)


def _days(dates: pd.DatetimeIndex) -> Days:
    return np.asarray(dates.to_numpy().astype("M8[D]"))


@lru_cache(maxsize=1)
def _business_days() -> np.busdaycalendar:
    """Weekdays less federal holidays and Good Friday, when government securities do not trade."""
    federal = USFederalHolidayCalendar().holidays(FIRST, LAST)
    closed = pd.DatetimeIndex(federal).union(pd.DatetimeIndex(GoodFriday.dates(FIRST, LAST)))
    return np.busdaycalendar(holidays=_days(closed))
