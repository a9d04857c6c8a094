"""Release rules against dates on which the publishers did publish."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.panel.calendar import business_days, session_closes, to_days
from regime.panel.release_times import release_times


@dataclass(frozen=True, kw_only=True)
class Rule:
    at_close: bool = False
    days: int | None = None
    calendar_days: int | None = None
    weekday: str | None = None
    time: str = "16:00"
    zone: str = "America/New_York"
    holidays: str = "exchange"
    roll: bool = True
    late: Mapping[date, date] = field(default_factory=dict)


H41 = Rule(days=1, time="16:30", holidays="federal")
COT = Rule(days=3, time="15:30", holidays="federal")
H10 = Rule(weekday="monday", time="16:15", holidays="federal")
NFCI = Rule(weekday="wednesday", time="08:30")
SOFR = Rule(days=1, time="08:00", holidays="federal")
CRYPTO = Rule(calendar_days=1, time="00:00", zone="UTC", roll=False)
MARGIN = Rule(calendar_days=25, time="16:15")
DESK = Rule(days=0, time="13:30")


@pytest.mark.parametrize(
    ("rule", "period", "released"),
    [
        (H41, "2024-12-18", "2024-12-19 16:30"),
        (H41, "2024-11-27", "2024-11-29 16:30"),  # Thanksgiving week: Friday
        (H41, "2024-12-25", "2024-12-26 16:30"),
        (COT, "2024-03-05", "2024-03-08 15:30"),
        (COT, "2024-07-02", "2024-07-08 15:30"),  # Independence Day: Monday
        (COT, "2024-12-31", "2025-01-06 15:30"),  # New Year's Day: Monday
        (COT, "2023-07-03", "2023-07-07 15:30"),  # a report for Monday, as Tuesday is a holiday
        (COT, "2020-11-10", "2020-11-16 15:30"),  # Veterans Day, when the exchange is open
        (H10, "2024-03-04", "2024-03-11 16:15"),  # a Monday waits for the next one
        (H10, "2024-03-08", "2024-03-11 16:15"),
        (H10, "2024-01-10", "2024-01-16 16:15"),  # Martin Luther King Day
        (NFCI, "2024-03-08", "2024-03-13 08:30"),
        (NFCI, "2024-06-14", "2024-06-20 08:30"),  # Juneteenth is a Wednesday
        (SOFR, "2024-03-28", "2024-04-01 08:00"),  # Good Friday
        (SOFR, "2024-10-11", "2024-10-15 08:00"),  # Columbus Day
        (DESK, "2024-03-06", "2024-03-06 13:30"),
        (DESK, "2024-03-29", "2024-04-01 13:30"),  # no session: the next one
        (MARGIN, "2024-11-30", "2024-12-26 16:15"),  # Christmas Day moves on
        (MARGIN, "2024-04-30", "2024-05-28 16:15"),  # Saturday, then Memorial Day
        (CRYPTO, "2024-03-08", "2024-03-08 19:00"),
        (CRYPTO, "2024-07-05", "2024-07-05 20:00"),
        (
            Rule(calendar_days=0, time="16:00", zone="Asia/Tokyo", roll=False),
            "2024-07-04",
            "2024-07-04 03:00",
        ),
        (Rule(at_close=True), "2024-11-29", "2024-11-29 13:00"),
        (Rule(weekday="friday"), "1931-05-08", "1931-05-15 16:00"),
    ],
)
def test_published_on(rule: Rule, period: str, released: str) -> None:
    (found,) = release_times(pd.DatetimeIndex([period]), rule)
    assert found.tz_convert("America/New_York").strftime("%Y-%m-%d %H:%M") == released


def test_the_last_two_weeks_of_march_2020_by_hand() -> None:
    """H.4.1 for Wednesday 2020-03-18 came on Thursday 16:30, after the close.

    Friday is the first to know.
    """
    (released,) = release_times(pd.DatetimeIndex(["2020-03-18"]), H41)
    closes = session_closes(pd.DatetimeIndex(["2020-03-19", "2020-03-20"]))
    assert closes[0] < released <= closes[1]


dates = st.lists(
    st.dates(
        min_value=pd.Timestamp("1930-01-01").date(), max_value=pd.Timestamp("2060-01-01").date()
    ),
    min_size=1,
    max_size=20,
)
rules = st.sampled_from([H41, COT, H10, NFCI, SOFR, CRYPTO, MARGIN, DESK, Rule(at_close=True)])


@settings(deadline=None)
@given(dates, rules)
def test_one_by_one_equals_all_at_once_in_any_order(days: list[object], rule: Rule) -> None:
    periods = pd.DatetimeIndex(days)
    together = release_times(periods, rule)
    assert str(together.tz) == "UTC"
    assert together.tolist() == [
        release_times(periods[i : i + 1], rule)[0] for i in range(len(periods))
    ]


@settings(deadline=None)
@given(dates, rules)
def test_nothing_is_public_before_its_period_and_later_periods_come_no_earlier(
    days: list[object], rule: Rule
) -> None:
    periods = pd.DatetimeIndex(sorted(set(days)))
    released = release_times(periods, rule)
    assert (released >= periods.tz_localize("UTC")).all()
    assert released.is_monotonic_increasing


@settings(deadline=None)
@given(dates, rules.filter(lambda rule: rule.roll and not rule.at_close))
def test_rolling_rules_publish_on_business_days(days: list[object], rule: Rule) -> None:
    local = (
        release_times(pd.DatetimeIndex(days), rule)
        .tz_convert(rule.zone)
        .tz_localize(None)
        .normalize()
    )
    release_days = to_days(local)
    known = business_days(
        int(release_days.min()), int(release_days.max()), rule.holidays == "federal"
    )
    assert np.isin(release_days, known).all()


def test_no_periods_no_releases() -> None:
    assert release_times(pd.DatetimeIndex([]), H41).empty
    assert release_times(pd.DatetimeIndex([]), Rule(at_close=True)).empty


def test_what_was_late_is_late_and_nothing_else_moves():
    # The shutdown of 2018-19: the report of 24 December came out on 1 February.
    usual = Rule(days=3, time="15:30", holidays="federal")
    late = Rule(
        days=3,
        time="15:30",
        holidays="federal",
        late={date(2018, 12, 24): date(2019, 2, 1), date(2019, 1, 8): date(2019, 1, 9)},
    )
    periods = pd.DatetimeIndex(["2018-12-18", "2018-12-24", "2019-01-08", "2019-01-15"])
    released = release_times(periods, late)
    assert released[1] == pd.Timestamp("2019-02-01 15:30", tz="America/New_York")
    # A late day never brings a report forward.
    assert (released[[0, 2, 3]] == release_times(periods, usual)[[0, 2, 3]]).all()
