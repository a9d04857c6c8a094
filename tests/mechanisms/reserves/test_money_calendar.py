"""The money market's calendar against dates looked up, and what it takes off a spread."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.reserves.money_calendar import (
    KINDS,
    calendar_adjusted,
    calendar_kinds,
    rate_days,
)

DAYS = pd.bdate_range("2010-01-04", "2019-12-31", name="date")


def kind(day):
    return KINDS[calendar_kinds(pd.DatetimeIndex([day]))[0]]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2019-09-16", "tax date"),  # the 15th was a Sunday
        ("2019-09-17", "ordinary"),
        ("2018-12-31", "quarter end"),
        ("2019-01-02", "after quarter end"),
        ("2019-03-29", "quarter end"),
        ("2019-02-28", "month end"),
        ("2019-02-01", "after month end"),
        ("2019-02-15", "coupon settlement"),
        ("2020-02-18", "coupon settlement"),  # Presidents' Day before it
        ("2021-02-12", "ordinary"),
        ("2024-03-28", "quarter end"),  # before Good Friday
        ("2019-04-15", "tax date"),
        ("2023-04-17", "tax date"),
        ("2022-05-31", "month end"),
    ],
)
def test_kinds_by_hand(day, expected):
    assert kind(day) == expected


@pytest.mark.parametrize(
    ("session", "day"),
    [
        ("2019-09-18", "2019-09-17"),
        ("2019-09-16", "2019-09-13"),
        ("2019-10-14", "2019-10-10"),
        ("2019-10-15", "2019-10-11"),  # Columbus Day: stocks trade, banks are shut
        ("2022-06-21", "2022-06-17"),
        ("2024-04-01", "2024-03-28"),
        ("2024-01-02", "2023-12-29"),
    ],
)
def test_the_rate_known_at_a_close_is_that_of_the_business_day_before(session, day):
    assert rate_days(pd.DatetimeIndex([session]))[0] == pd.Timestamp(day)


def bumped(size):
    """A flat spread that jumps on the days of one kind, as known the session after."""
    codes = calendar_kinds(rate_days(DAYS))
    return pd.Series(-5.0 + size * (codes == KINDS.index("quarter end")), DAYS), codes


def first_rows(codes):
    """Rows of quarter ends, without bank holidays that repeat them."""
    days = rate_days(DAYS)
    return np.flatnonzero(
        (codes == KINDS.index("quarter end")) & np.r_[True, days[1:] != days[:-1]]
    )


def test_a_jump_of_every_quarter_is_taken_off_once_three_are_known():
    spread, codes = bumped(20.0)
    adjusted = calendar_adjusted(spread)
    ends = first_rows(codes)
    assert (
        len(ends) == 40 and adjusted.iloc[ends[:4]].isna().all()
    )  # the first, on row 0, has no level before it
    np.testing.assert_allclose(adjusted.iloc[ends[4:]], -5.0)
    np.testing.assert_allclose(adjusted[codes == 0].iloc[5:], spread[codes == 0].iloc[5:])


def test_a_squeeze_stands_out_and_does_not_excuse_the_next():
    spread, codes = bumped(20.0)
    ends = first_rows(codes)
    spread.iloc[ends[20]] += 300.0
    spread.iloc[1500] = 310.0
    adjusted = calendar_adjusted(spread)
    assert codes[1500] == 0 and adjusted.iloc[1500] == 310.0
    assert adjusted.iloc[ends[20]] == 295.0
    assert adjusted.iloc[ends[21]] == -5.0


def test_adjustment_is_the_median_of_earlier_days_of_the_kind():
    rng = np.random.default_rng(3)
    spread = pd.Series(rng.normal(0, 3, len(DAYS)), DAYS)
    days, adjusted = rate_days(DAYS), calendar_adjusted(spread)
    codes = calendar_kinds(days)
    fresh = np.r_[True, days[1:] != days[:-1]]
    added = {}
    for t in np.flatnonzero(fresh):
        before = [s for s in range(t) if fresh[s] and codes[s] == 0][-5:]
        if codes[t]:
            past = [value for value in added.get(codes[t], []) if not np.isnan(value)]
            expected = spread.iloc[t] - np.median(past) if len(past) >= 3 else np.nan
            assert adjusted.iloc[t] == pytest.approx(expected, nan_ok=True)
            level = np.median(spread.iloc[before]) if len(before) >= 3 else np.nan
            added.setdefault(codes[t], []).append(spread.iloc[t] - level)
        else:
            assert adjusted.iloc[t] == spread.iloc[t]


def test_a_bank_holiday_repeats_the_day_before():
    spread, _ = bumped(20.0)
    adjusted = calendar_adjusted(spread)
    for day in ("2015-10-12", "2016-10-10", "2018-10-08"):
        place = DAYS.get_loc(day)
        assert rate_days(DAYS)[place] == rate_days(DAYS)[place - 1]
        assert adjusted.iloc[place] == adjusted.iloc[place - 1]


@pytest.mark.parametrize("cut", [1, 700, 1433, 2000])
def test_nothing_is_known_of_what_comes_after(cut):
    spread = pd.Series(np.random.default_rng(4).normal(size=len(DAYS)), DAYS).mask(
        np.arange(len(DAYS)) % 97 == 5
    )
    whole, part = calendar_adjusted(spread), calendar_adjusted(spread.iloc[:cut])
    assert whole.iloc[:cut].to_numpy().tobytes() == part.to_numpy().tobytes()


def test_edges():
    assert len(calendar_adjusted(pd.Series([], dtype=float, index=DAYS[:0]))) == 0
    assert calendar_adjusted(pd.Series(np.nan, DAYS)).isna().all()
    with pytest.raises(ConfigError, match="minimum: must be at least 1"):
        calendar_adjusted(pd.Series(1.0, DAYS), minimum=0)
