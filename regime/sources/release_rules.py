"""Release rules as the catalogue states them: when the value of a period becomes public."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

import pandas as pd

from regime.errors import ConfigError

__all__ = ["WEEKDAYS", "Release", "ReleaseTimes"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


@dataclass(frozen=True, kw_only=True)
class Release:
    """When the value of a period becomes public.

    Exactly one of `at_close`, `days`, `calendar_days` and `weekday` is given.

    Parameters
    ----------
    at_close : bool
        At the close of the period's own session (16:00 New York, 13:00 on half days).
    days : int, optional
        Business days after the period; 0 is the period itself or, if it is none, the next one.
    calendar_days : int, optional
        Calendar days after the period.
    weekday : str, optional
        The next such weekday strictly after the period, ``"thursday"``.
    time : str
        Time of day ``"HH:MM"`` in `zone`.
    zone : str
        IANA time zone.
    holidays : {"exchange", "federal"}
        Days on which nothing is published: those of the exchange, or the federal ones as well.
    roll : bool
        Whether a release day that is no business day moves to the next one: a holiday week is late.
    late : mapping of date to date
        Periods that were published later than the rule says, as in a shutdown, and the day on which
        they were.

    Raises
    ------
    ConfigError
        If not exactly one rule is given, or a number, weekday, time or zone is impossible.

    Examples
    --------
    >>> Release(weekday="thursday", time="16:30").zone
    'America/New_York'
    """

    at_close: bool = False
    days: int | None = None
    calendar_days: int | None = None
    weekday: str | None = None
    time: str = "16:00"
    zone: str = "America/New_York"
    holidays: Literal["exchange", "federal"] = "exchange"
    roll: bool = True
    late: Mapping[date, date] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rules = [
            self.at_close,
            self.days is not None,
            self.calendar_days is not None,
            self.weekday is not None,
        ]
        if sum(rules) != 1:
            raise ConfigError(
                "at_close: give exactly one of at_close, days, calendar_days, weekday; got "
                f"{sum(rules)}"
            )
        for name in ("days", "calendar_days"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 400:
                raise ConfigError(f"{name}: must lie in 0..400, got {value}")
        if self.weekday is not None and self.weekday not in WEEKDAYS:
            raise ConfigError(
                f"weekday: must be one of {', '.join(WEEKDAYS)}, got `{self.weekday}`"
            )
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", self.time):
            raise ConfigError(f'time: write "HH:MM" in quotes, got `{self.time}`')
        odd = next((period for period, public in self.late.items() if public <= period), None)
        if odd is not None:
            raise ConfigError(f"late: {odd} must be published after itself, got {self.late[odd]}")
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise ConfigError(
                f"zone: no such time zone `{self.zone}`; write one as America/New_York"
            ) from None


# From periods and a release rule to UTC instants.
ReleaseTimes = Callable[[pd.DatetimeIndex, Release], pd.DatetimeIndex]
