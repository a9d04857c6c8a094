"""Release rules: from the period of a value to the instant at which it was public."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd

from regime.arrays import Integers
from regime.panel.calendar import business_days, instants, session_closes, to_days

__all__ = ["ReleaseRule", "release_times"]

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


class ReleaseRule(Protocol):
    """What a release rule states; the catalogue's `Release` is one."""

    @property
    def at_close(self) -> bool:
        """Public at the close of the period's own session."""

    @property
    def days(self) -> int | None:
        """Business days after the period."""

    @property
    def calendar_days(self) -> int | None:
        """Calendar days after the period."""

    @property
    def weekday(self) -> str | None:
        """The next such weekday strictly after the period."""

    @property
    def time(self) -> str:
        """Time of day, ``"HH:MM"``."""

    @property
    def zone(self) -> str:
        """IANA time zone of `time`."""

    @property
    def holidays(self) -> str:
        """``"exchange"``, or ``"federal"`` for those holidays as well."""

    @property
    def roll(self) -> bool:
        """Whether a day that is no business day moves to the next one."""

    @property
    def late(self) -> Mapping[date, date]:
        """Periods that were published later than the rule says, and the day on which."""


def release_times(periods: pd.DatetimeIndex, rule: ReleaseRule) -> pd.DatetimeIndex:
    """Instant at which the value of each period was public.

    Parameters
    ----------
    periods : DatetimeIndex, shape (n,)
        Naive dates, in any order.
    rule : ReleaseRule
        At the period's own close; or a number of business days or calendar days later, or the next
        such weekday strictly after it, at a time of day in a zone. A release day that is no
        business day moves to the next one where the rule rolls, so holiday weeks are late.

    Returns
    -------
    DatetimeIndex, shape (n,), UTC
        Never NaT, never before the rule's day: business days are those of the New York exchange
        (Monday to Friday before 1970), less the federal holidays where the rule says so.

    **Known at:** uses the exchange's calendar alone, so that a longer history changes nothing.
    """
    if rule.at_close:
        return session_closes(periods)
    hours, minutes = rule.time.split(":")
    days = _postponed(to_days(periods), _release_days(to_days(periods), rule), rule.late)
    return instants(days, np.full(len(days), int(hours) * 3600 + int(minutes) * 60), rule.zone)


def _release_days(days: Integers, rule: ReleaseRule) -> Integers:
    if not len(days):
        return days
    business = business_days(int(days.min()), int(days.max()) + 400, rule.holidays == "federal")
    if rule.days is not None:
        return _business_days_after(days, rule.days, business)
    if rule.weekday is not None:
        # 1970-01-01 was a Thursday; 0 days to the weekday means a week.
        today = (days + 3) % 7
        days = days + (_WEEKDAYS.index(rule.weekday) - today - 1) % 7 + 1
    else:
        days = days + (rule.calendar_days or 0)
    return _business_days_after(days, 0, business) if rule.roll else days


def _business_days_after(days: Integers, count: int, business: Integers) -> Integers:
    if count == 0:
        return business[np.searchsorted(business, days, side="left")]
    return business[np.searchsorted(business, days, side="right") + count - 1]


def _postponed(periods: Integers, days: Integers, late: Mapping[date, date]) -> Integers:
    """Release days, moved on for the periods that were late."""
    if not late:
        return days
    known = to_days(pd.DatetimeIndex(sorted(late)))
    public = to_days(pd.DatetimeIndex([late[period] for period in sorted(late)]))
    position = np.minimum(np.searchsorted(known, periods), len(known) - 1)
    return np.where(known[position] == periods, np.maximum(days, public[position]), days)
