"""Sessions of the New York exchange: when each closes, and which days count as business days.

Nothing here asks the clock: the reach of the calendar follows from the dates that are asked for.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

from regime.arrays import Integers

__all__ = ["business_days", "instants", "session_closes", "to_days"]

# Outside these years weekdays stand in for the exchange's own list: the library knows no holiday
# before 1970, and counts in nanoseconds, which end in 2262.
FIRST_YEAR = 1970
USUAL_YEAR = 2049
LAST_YEAR = 2199
NEW_YORK = "America/New_York"
CLOSE_SECONDS = 16 * 3600


def session_closes(sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Instant at which each session's decision is taken: the close of the New York exchange.

    Parameters
    ----------
    sessions : DatetimeIndex, shape (n,)
        Naive dates.

    Returns
    -------
    DatetimeIndex, shape (n,), UTC
        16:00 New York, earlier on half days (13:00); 16:00 too where the exchange's calendar does
        not know the date (before 1970, weekends, simulated days). Never NaT.

    Examples
    --------
    >>> session_closes(pd.DatetimeIndex(["2024-11-27", "2024-11-29"])).strftime("%H:%M").tolist()
    ['21:00', '18:00']
    """
    days = to_days(sessions)
    seconds = np.full(len(days), CLOSE_SECONDS)
    known, closes = _exchange(*_reach(days))
    if len(known) and len(days):
        position = np.minimum(np.searchsorted(known, days), len(known) - 1)
        seconds = np.where(known[position] == days, closes[position], seconds)
    return instants(days, seconds, NEW_YORK)


def business_days(first: int, last: int, federal: bool) -> Integers:
    """Business days around a span of days, as days since 1970-01-01.

    Parameters
    ----------
    first, last : int
        Days since 1970-01-01.
    federal : bool
        Whether the federal holidays on which the exchange is open are left out too.

    Returns
    -------
    ndarray of int64, shape (m,)
        Rising; from before `first` to at least a year after `last`. Sessions of the exchange from
        1970 to 2199, Monday to Friday outside.
    """
    return _business_days(*_reach(np.array([first, last])), federal)


def instants(days: Integers, seconds: Integers, zone: str) -> pd.DatetimeIndex:
    """UTC instants of local wall-clock times.

    A repeated hour is the later one, a skipped one shifts on.

    Parameters
    ----------
    days, seconds : ndarray of int64, shape (n,)
        Days since 1970-01-01, and seconds after local midnight.
    zone : str
        IANA time zone.
    """
    local = pd.DatetimeIndex((days * 86_400 + seconds).view("M8[s]").astype("M8[us]"))
    later = np.zeros(len(local), dtype=bool)
    return local.tz_localize(zone, ambiguous=later, nonexistent="shift_forward").tz_convert("UTC")


def to_days(dates: pd.DatetimeIndex) -> Integers:
    """Days since 1970-01-01 of naive dates."""
    return np.asarray(dates.to_numpy().astype("M8[D]").view(np.int64))


def _reach(days: Integers) -> tuple[int, int]:
    """First and last year of the calendar that these days need, rounded to few calendars."""
    if not len(days):
        return FIRST_YEAR, USUAL_YEAR
    years = (
        np.array([days.min(), days.max() + 400], dtype="M8[D]").astype("M8[Y]").view(np.int64)
        + 1970
    )
    return min(int(years[0]) // 10 * 10, FIRST_YEAR), max(int(years[1]) // 10 * 10 + 9, USUAL_YEAR)


@lru_cache(maxsize=8)
def _exchange(first_year: int, last_year: int) -> tuple[Integers, Integers]:
    """Sessions of the exchange since 1970, in days, and their close in seconds after midnight."""
    closes = _schedule(f"{FIRST_YEAR}-01-01", f"{min(last_year, LAST_YEAR)}-12-31")
    local = pd.DatetimeIndex(closes).tz_convert(NEW_YORK)
    seconds = np.asarray(local.hour * 3600 + local.minute * 60, dtype=np.int64)
    return to_days(pd.DatetimeIndex(closes.index)), seconds


def _schedule(start: str, end: str) -> Any:
    import exchange_calendars

    with warnings.catch_warnings():
        # Its use of Series.values is deprecated by pandas 3; the dates are right.
        warnings.filterwarnings(
            "ignore", message="Series.values returning an ndarray", category=DeprecationWarning
        )
        return exchange_calendars.get_calendar("XNYS", start=start, end=end).closes


@lru_cache(maxsize=16)
def _business_days(first_year: int, last_year: int, federal: bool) -> Integers:
    exchange = _exchange(first_year, last_year)[0]
    days = np.concatenate(
        [_weekdays(first_year - 1, FIRST_YEAR), exchange, _weekdays(LAST_YEAR + 1, last_year + 1)]
    )
    if not federal:
        return days
    holidays = USFederalHolidayCalendar().holidays(
        f"{FIRST_YEAR}-01-01", f"{min(last_year, LAST_YEAR)}-12-31"
    )
    return np.setdiff1d(days, to_days(holidays))


def _weekdays(first_year: int, end_year: int) -> Integers:
    """Mondays to Fridays from the first year until before the last."""
    first, end = np.datetime64(f"{first_year}-01-01", "D"), np.datetime64(f"{end_year}-01-01", "D")
    days = np.arange(first, max(first, end))
    return np.asarray(days[np.is_busday(days)].view(np.int64))
