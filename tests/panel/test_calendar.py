"""When sessions close: half days, daylight saving, and dates that the exchange does not know."""

import warnings

import numpy as np
import pandas as pd
import pytest

from regime.panel.calendar import _exchange, business_days, instants, session_closes, to_days

NEW_YORK = "America/New_York"


def local(dates: list[str]) -> list[str]:
    closes = session_closes(pd.DatetimeIndex(dates))
    return closes.tz_convert(NEW_YORK).strftime("%Y-%m-%d %H:%M").tolist()


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("2024-07-03", "13:00"),  # the day before Independence Day
        ("2024-11-29", "13:00"),  # the day after Thanksgiving
        ("2024-12-24", "13:00"),
        ("2018-12-24", "13:00"),
        ("2024-12-31", "16:00"),
        ("2020-03-16", "16:00"),
        ("1927-12-30", "16:00"),  # before the calendar
        ("1950-06-03", "16:00"),  # a Saturday session
        ("2024-07-04", "16:00"),  # a holiday
        ("2024-07-06", "16:00"),  # a weekend
        ("2400-01-03", "16:00"),
    ],
)  # beyond any calendar
def test_close_of_a_date(date: str, time: str) -> None:
    assert local([date]) == [f"{date} {time}"]


def test_daylight_saving_moves_the_instant_not_the_local_hour() -> None:
    closes = session_closes(
        pd.DatetimeIndex(["2024-03-08", "2024-03-11", "2024-11-01", "2024-11-04"])
    )
    assert closes.hour.tolist() == [21, 20, 20, 21]
    assert str(closes.tz) == "UTC"


def test_any_order_any_length() -> None:
    assert local(["2024-12-24", "2024-07-03", "2024-12-24"]) == [
        "2024-12-24 13:00",
        "2024-07-03 13:00",
        "2024-12-24 13:00",
    ]
    assert session_closes(pd.DatetimeIndex([])).empty


def test_closes_do_not_depend_on_what_else_is_asked() -> None:
    short = pd.bdate_range("2019-01-01", "2019-12-31")
    assert session_closes(short).equals(
        session_closes(short.append(pd.DatetimeIndex(["2150-01-03"])))[:-1]
    )


def test_business_days_are_sessions_and_federal_ones_are_fewer() -> None:
    first, last = (int(day) for day in to_days(pd.DatetimeIndex(["2024-01-01", "2024-12-31"])))
    year = {
        "exchange": business_days(first, last, False),
        "federal": business_days(first, last, True),
    }
    counts = {name: int(((days >= first) & (days <= last)).sum()) for name, days in year.items()}
    assert counts == {"exchange": 252, "federal": 250}  # Columbus Day and Veterans Day
    assert year["exchange"][-1] >= last + 365
    assert (np.diff(year["federal"]) > 0).all()


def test_business_days_before_1970_are_weekdays() -> None:
    days = business_days(-20_000, -19_000, False)
    dates = days.view("M8[D]")
    early = dates[dates < np.datetime64("1970-01-01")]
    assert np.is_busday(early).all()
    assert (np.busday_count(early[0], early[-1]) + 1) == len(early)


def test_a_repeated_hour_is_the_later_one_and_a_skipped_one_moves_on() -> None:
    days = to_days(pd.DatetimeIndex(["2024-11-03", "2024-03-10"]))
    at = instants(days, np.array([90 * 60, 150 * 60]), NEW_YORK)
    assert at.strftime("%H:%M").tolist() == ["06:30", "07:00"]


def test_no_warning_and_no_setting_leaks() -> None:
    _exchange.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        session_closes(pd.DatetimeIndex(["2024-12-24"]))
        assert warnings.filters == before
