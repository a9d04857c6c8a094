"""When a row was public, and what is refused in a table of events."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.mechanisms.events import check_events, closes_of, first_known, known_values

SESSIONS = pd.bdate_range("2024-07-01", "2024-07-12", name="date")


def released_times(released):
    """Releases of a table as it is checked, in the order given."""
    return check_events(
        pd.DataFrame({"released": released, "place": range(len(released))}), "x", ()
    ).sort_values("place")["released"]


def place(*released, closes=None):
    return first_known(released_times(pd.Series(released)), SESSIONS, closes).tolist()


@pytest.mark.parametrize(
    ("released", "session"),
    [
        ("2024-07-02 08:00", 1),
        ("2024-07-02 16:00", 1),
        ("2024-07-02 16:00:01", 2),
        ("2024-07-02", 2),
        ("2024-07-02T20:00:00Z", 1),
        ("2024-07-02T20:00:01Z", 2),
        ("2024-07-05 18:00", 5),
        ("2024-07-06", 5),
        ("2024-06-01 09:00", 0),
        ("2024-07-12", 10),
        ("2025-01-01", 10),
    ],
)
def test_a_release_counts_from_the_first_close_that_is_not_before_it(released, session):
    assert place(released) == [session]


def test_half_days_close_when_the_calendar_says():
    closes = (
        (SESSIONS + pd.Timedelta(hours=16))
        .tz_localize("America/New_York")
        .to_series(index=SESSIONS)
    )
    closes.iloc[2] = pd.Timestamp("2024-07-03 13:00", tz="America/New_York")
    assert place("2024-07-03 14:00") == [2] and place(
        "2024-07-03 14:00", closes=pd.DatetimeIndex(closes)
    ) == [3]
    with pytest.raises(InvalidDataError, match="closes: there must be one a session, got 3 for 10"):
        closes_of(SESSIONS, pd.DatetimeIndex(closes)[:3])


def test_winter_and_summer_are_new_yorks():
    assert [
        f"{time:%H:%M}"
        for time in released_times(pd.Series(["2024-01-02 09:30", "2024-07-02 09:30"]))
    ] == ["14:30", "13:30"]
    assert released_times(pd.Series(["2024-11-03 01:30", "2024-03-10 02:30"])).notna().all()


@pytest.mark.parametrize(
    "typed",
    [
        pd.to_datetime(["2024-07-02 08:00"]),
        pd.to_datetime(["2024-07-02 12:00Z"]),
        pd.Index(["2024-07-02 08:00:00"], dtype=object),
    ],
)
def test_typed_and_text_releases_are_the_same(typed):
    assert f"{released_times(pd.Series(typed)).iloc[0]:%Y-%m-%d %H:%M %Z}" == "2024-07-02 12:00 UTC"


def test_a_table_is_sorted_by_release_and_its_numbers_are_numbers():
    frame = pd.DataFrame(
        {"released": ["2024-07-03", "2024-07-02"], "who": ["b", "a"], "x": ["2.5", ""]},
        index=[7, 9],
    )
    got = check_events(frame, "file.csv", ("x",), ("who",))
    assert got["who"].tolist() == ["a", "b"] and np.isnan(got["x"][0]) and got["x"][1] == 2.5
    assert list(got.index) == [0, 1] and str(got["released"].dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"drop": "released"},
            "file.csv: column `released` is absent; it needs released, who, x: because it counts",
        ),
        ({"drop": "x"}, "file.csv: column `x` is absent"),
        (
            {"released": ["2024-07-02", None]},
            "file.csv: column `released`: row 2: `nan` is no date",
        ),
        (
            {"released": ["soon", "2024-07-02"]},
            "file.csv: column `released`: row 1: `soon` is no date",
        ),
        ({"x": ["1", "1,5"]}, "file.csv: column `x`: row 2: `1,5` is no number"),
        ({"x": [1.0, np.inf]}, "file.csv: column `x`: row 2: `inf` is no number"),
        ({"who": ["a", None]}, "file.csv: column `who`: row 2: `nan` is empty"),
    ],
)
def test_a_broken_table_is_refused_by_row(change, words):
    frame = pd.DataFrame(
        {"released": ["2024-07-02", "2024-07-03"], "who": ["a", "b"], "x": ["1", "2"]}
    )
    frame = frame.drop(columns=change["drop"]) if "drop" in change else frame.assign(**change)
    with pytest.raises(InvalidDataError) as told:
        check_events(frame, "file.csv", ("x",), ("who",), "because it counts")
    assert str(told.value).startswith(words)


def own(*rows):
    return known_values(
        pd.DataFrame(rows, columns=["date", "x", "released"]),
        "x",
        SESSIONS,
        name="own.csv",
        longest_age=5,
    )


def test_a_value_is_known_from_its_release_until_it_is_old():
    got = own(("2024-07-01", 20.0, "2024-07-02 09:00"), ("2024-07-02", 21.0, "2024-07-05"))
    assert got.tolist() == pytest.approx(
        [np.nan, 20, 20, 20, 20, np.nan, np.nan, np.nan, np.nan, np.nan], nan_ok=True
    )
    assert own().isna().all()


def test_a_late_correction_replaces_its_own_day_and_no_newer_one():
    first = ("2024-07-01", 20.0, "2024-07-01 09:00")
    assert own(first, ("2024-07-01", 25.0, "2024-07-02 09:00")).iloc[:3].tolist() == [20, 25, 25]
    newer = ("2024-07-02", 21.0, "2024-07-02 09:00")
    assert own(first, newer, ("2024-07-01", 25.0, "2024-07-03 09:00")).iloc[:4].tolist() == [
        20,
        21,
        21,
        21,
    ]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            ("2024-07-05", 20.0, "2024-07-02"),
            "released 2024-07-02: it is released before its `date`",
        ),
        (
            ("2024-07-01", -3.0, "2024-07-02"),
            "`x` -3, released 2024-07-02: `x` must be above 0: leave the row out",
        ),
        (("2024-07-01", "", "2024-07-02"), "`x` must be above 0"),
        (
            ("July", 20.0, "2024-07-02"),
            "own.csv: date July, `x` 20, released 2024-07-02: `date` is no date",
        ),
    ],
)
def test_an_impossible_row_is_refused(row, words):
    with pytest.raises(InvalidDataError) as told:
        own(row)
    assert words in str(told.value) and str(told.value).startswith("own.csv: date")
