"""Days that a series has and lacks, against calendars made by hand."""

import numpy as np
import pytest

from regime.sources.quality.calendar_gaps import (
    Sessions,
    check_gaps,
    find_gaps,
    holiday_repeats,
    sparse_periods,
    weekend_rows,
)
from regime.sources.quality.findings import verdict_of

MONDAY = 19_723  # 2024-01-01
WEEKDAYS = np.array([day for day in range(MONDAY, MONDAY + 7 * 200) if (day - MONDAY) % 7 < 5])
HOLIDAYS = WEEKDAYS[[20, 21, 55, 120, 300, 480, 640]]
SESSIONS = Sessions(
    days=np.setdiff1d(WEEKDAYS, HOLIDAYS),
    federal=np.setdiff1d(WEEKDAYS, HOLIDAYS)[[5, 105]],
    now=int(WEEKDAYS[-1]),
)


def days_without(*places):
    return np.delete(SESSIONS.days, places)


def test_nothing_is_missing_on_holidays_and_weekends():
    gaps = find_gaps(SESSIONS.days, "daily", SESSIONS)
    assert (gaps.missing, gaps.federal, gaps.longest_days) == (0, 0, 5)
    assert check_gaps(SESSIONS.days, gaps, "daily", SESSIONS) == []
    assert weekend_rows(SESSIONS.days) == []


def test_missing_sessions_are_counted_and_federal_holidays_among_them():
    days = days_without(5, 6, 105, 300)
    gaps = find_gaps(days, "daily", SESSIONS)
    assert (gaps.missing, gaps.federal) == (4, 2)
    (note,) = check_gaps(days, gaps, "daily", SESSIONS)
    assert (note.check, note.severity, note.count) == ("gaps", "note", 4)
    assert "2 of them federal holidays" in note.text


def test_a_hole_is_a_warning_with_its_ends_unless_the_exchange_was_closed_too():
    days = days_without(*range(30, 45))
    finding = check_gaps(days, find_gaps(days, "daily", SESSIONS), "daily", SESSIONS)
    hole = next(one for one in finding if one.check == "hole")
    assert (hole.severity, hole.count, hole.dates) == ("warning", 1, ("2024-02-13",))
    assert "2024-02-13 to 2024-03-06 (22 days)" in hole.text
    closed = Sessions(days=days, federal=SESSIONS.federal, now=SESSIONS.now)
    assert check_gaps(days, find_gaps(days, "daily", closed), "daily", closed) == []


def test_a_longer_age_allows_longer_holes():
    days = days_without(*range(30, 45))
    finding = check_gaps(days, find_gaps(days, "daily", SESSIONS), "daily", SESSIONS, limit=30)
    assert [one.check for one in finding] == ["gaps"]


@pytest.mark.parametrize(
    ("days", "frequency", "missing", "longest"),
    [
        (np.array([0, 7, 14, 35, 43]), "weekly", 2, 21),
        (np.array([0, 1, 2, 5]), "continuous", 2, 3),
        (
            np.array([30, 58, 119, 150]),
            "monthly",
            1,
            61,
        ),  # end of January, February, April, May 1970
        (np.array([0, 500]), "irregular", 0, 500),
        (np.array([7]), "daily", 0, 0),
    ],
)
def test_each_frequency_counts_its_own_periods(days, frequency, missing, longest):
    gaps = find_gaps(days, frequency, SESSIONS)
    assert (gaps.missing, gaps.longest_days) == (missing, longest)


def test_weekend_rows_are_counted_with_those_at_the_end_of_a_month():
    days = np.sort(
        np.concatenate([SESSIONS.days, [MONDAY + 5, MONDAY + 89, MONDAY + 90]])
    )  # 6 January; 30, 31 March
    (finding,) = weekend_rows(days)
    assert (finding.check, finding.count) == ("weekend", 3)
    assert finding.dates == ("2024-01-06", "2024-03-30", "2024-03-31")
    assert "1 of them at the end of a month" in finding.text


def test_a_source_of_all_days_is_a_note():
    (finding,) = weekend_rows(np.arange(MONDAY, MONDAY + 400))
    assert (finding.check, verdict_of([finding])) == ("seven_days", "ok")


def test_operation_days_are_a_spell_with_its_ends_and_rows():
    kept = np.concatenate([np.arange(0, 600, 11), np.arange(600, len(SESSIONS.days))])
    (finding,) = sparse_periods(SESSIONS.days[kept], SESSIONS)
    assert finding.check == "sparse"
    first, last = (np.datetime64(date, "D").astype(np.int64) for date in finding.dates)
    assert abs(int(np.searchsorted(SESSIONS.days, last)) - 599) <= 11
    assert first <= SESSIONS.days[11]
    assert "rows on 54 of" in finding.text or "rows on 55 of" in finding.text


def test_a_hole_is_no_operation_day_and_a_few_gaps_are_no_spell():
    assert sparse_periods(days_without(*range(100, 500)), SESSIONS) == []
    assert sparse_periods(days_without(*range(0, 900, 3)), SESSIONS) == []
    assert sparse_periods(SESSIONS.days[:0], SESSIONS) == []


def test_holiday_rows_that_repeat_are_found_and_those_that_move_are_not():
    values = np.random.default_rng(1).normal(size=len(WEEKDAYS)).cumsum()
    on_holiday = np.isin(WEEKDAYS, HOLIDAYS)
    filled = values.copy()
    for position in np.flatnonzero(on_holiday):
        filled[position] = filled[position - 1]

    def same(numbers):
        return np.concatenate([[False], np.diff(numbers) == 0])

    (finding,) = holiday_repeats(WEEKDAYS, same(filled), SESSIONS)
    assert (finding.count, finding.severity) == (len(HOLIDAYS), "warning")
    assert set(finding.dates) == {str(np.datetime64(int(day), "D")) for day in HOLIDAYS}
    assert holiday_repeats(WEEKDAYS, same(values), SESSIONS) == []
    assert holiday_repeats(SESSIONS.days, np.zeros(len(SESSIONS.days), dtype=bool), SESSIONS) == []


def test_repeats_on_holidays_say_nothing_where_every_day_repeats():
    assert holiday_repeats(WEEKDAYS, np.ones(len(WEEKDAYS), dtype=bool), SESSIONS) == []
