"""Bad ticks and frozen runs.

Planted ones are finding, markets with heavy tails and bursts are left alone.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.sources.quality.findings import iso
from regime.sources.quality.values import (
    bad_ticks,
    check_file_format,
    common_factor,
    frozen_runs,
    negative_prices,
    power_of_ten,
    step_function,
)

ROWS = 2500
DAYS = np.arange(10_000, 10_000 + ROWS)


def markets(count, tails, seed):
    """Prices of GARCH markets with Student tails and a leverage effect, shape (count, ROWS).

    Half are in cents.
    """
    draws = np.random.default_rng(seed).standard_t(tails, size=(ROWS, count)) / np.sqrt(
        tails / (tails - 2)
    )
    returns, variance = np.empty((ROWS, count)), np.full(count, 8e-5)
    for row in range(ROWS):
        returns[row] = np.sqrt(variance) * draws[row]
        variance = 2e-6 + (0.08 + 0.05 * (returns[row] < 0)) * returns[row] ** 2 + 0.87 * variance
    prices = 50 * np.exp(np.cumsum(returns, axis=0)).T
    prices[::2] = np.round(prices[::2], 2)
    return np.maximum(prices, 0.01)


def calm(seed, size=0.01):
    return 100 * np.exp(np.random.default_rng(seed).normal(scale=size, size=ROWS).cumsum())


@pytest.mark.parametrize("tails", [3, 4, 6])
def test_at_most_one_clean_market_in_a_hundred_is_flagged(tails):
    prices = markets(200, tails, seed=tails)
    flagged = [
        bool(
            bad_ticks(DAYS, price, "log")
            or frozen_runs(DAYS, price)
            or power_of_ten(DAYS, price, "USD", 1)
        )
        for price in prices
    ]
    assert np.mean(flagged) <= 0.01


@given(
    position=st.integers(70, ROWS - 70),
    size=st.floats(0.2, 3.0),
    up=st.booleans(),
    seed=st.integers(0, 50),
)
@settings(max_examples=60, deadline=None)
def test_a_planted_tick_is_found_on_its_day_with_its_neighbours(position, size, up, seed):
    prices = calm(seed)
    prices[position] *= np.exp(size if up else -size)
    (finding,) = bad_ticks(DAYS, prices, "log")
    assert finding.dates == (iso(DAYS[position]),)
    (evidence,) = finding.evidence
    assert (evidence["before"], evidence["value"], evidence["after"]) == tuple(
        prices[position - 1 : position + 2]
    )
    assert evidence["sd"] > 8


def test_a_crash_that_stays_and_one_that_recovers_in_part_are_events():
    crash, partly = calm(1), calm(2)
    crash[1000:] *= 0.75
    partly[1000], partly[1001:] = partly[1000] * 0.8, partly[1001:] * 0.9
    assert bad_ticks(DAYS, crash, "log") == []
    assert bad_ticks(DAYS, partly, "log") == []


def test_differences_of_a_rate_are_measured_as_differences():
    rates = np.round(
        np.random.default_rng(3).normal(scale=0.05, size=ROWS).cumsum(), 2
    )  # below and above zero
    assert bad_ticks(DAYS, rates, "linear") == []
    rates[500] += 1.5
    assert bad_ticks(DAYS, rates, "linear")[0].dates == (iso(DAYS[500]),)


def test_one_tick_of_a_price_that_hardly_moves_is_no_event():
    quiet = np.where(np.arange(ROWS) % 9 == 0, 74.13, 74.12)
    assert bad_ticks(DAYS, quiet, "log") == []


def test_a_price_below_zero_neither_breaks_the_ticks_nor_hides():
    prices = calm(4)
    prices[800] = -37.63
    assert bad_ticks(DAYS, prices, "log") == []
    (finding,) = negative_prices(DAYS, prices, -400, 1500, "USD/barrel")
    assert finding.dates == (iso(DAYS[800]),)
    assert (
        f"negative price: -37.63 on {iso(DAYS[800])}; allowed by the range -400..1500 USD/barrel"
        in finding.text
    )
    assert negative_prices(DAYS, calm(4), -400, 1500, "USD") == []


def test_short_series_are_not_judged():
    assert bad_ticks(DAYS[:10], calm(5)[:10], "log") == []
    assert frozen_runs(DAYS[:10], np.ones(10)) == []


@pytest.mark.parametrize("length", [4, 12, 60])
def test_a_frozen_run_is_found_with_its_ends(length):
    prices = calm(6)
    prices[700 : 700 + length] = prices[700]
    (finding,) = frozen_runs(DAYS, prices)
    assert finding.count == 1
    assert f"{iso(DAYS[700])} to {iso(DAYS[699 + length])} ({length} rows of" in finding.text


def test_coarse_quotes_repeat_by_themselves():
    coarse = np.round(np.random.default_rng(7).normal(scale=0.02, size=ROWS).cumsum(), 2)
    assert np.mean(np.diff(coarse) == 0) > 0.1
    assert frozen_runs(DAYS, coarse) == []


def test_a_policy_rate_is_a_step_function_and_not_frozen():
    rate = np.repeat([0.25, 0.5, 0.75, 1.0, 1.25], ROWS // 5)
    (finding,) = step_function(DAYS, rate)
    assert (finding.severity, finding.count) == ("note", 4)
    assert finding.dates[0] == iso(DAYS[ROWS // 5])
    assert frozen_runs(DAYS, rate) == []
    assert step_function(DAYS, calm(8)) == []


WEEKS = 1150
WEEK_DAYS = 12_000 + 7 * np.arange(WEEKS)
COLUMNS = ("open_interest", "long", "short")


def balance_sheet(seed=0):
    """Weekly levels that move by half a percent, in millions."""
    return 4e6 * np.exp(np.random.default_rng(seed).normal(scale=0.005, size=WEEKS).cumsum())


def positions(seed=0):
    """Three columns of contracts, the last one written negative, that move by a tenth."""
    draws = np.random.default_rng(seed).normal(scale=0.08, size=(WEEKS, 3))
    levels = np.exp(0.1 * draws.cumsum(axis=0) + draws) * np.array([4e5, 9e4, -1e5])
    return [levels[:, column] for column in range(3)]


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 0.01, 100.0, 1e3, 1e9])
@pytest.mark.parametrize("position", [40, 600, 1140])
def test_millions_turned_into_billions_are_a_fault_with_date_and_factor(factor, position):
    values = balance_sheet()
    values[position:] *= factor
    (finding,) = power_of_ten(WEEK_DAYS, values, "USD mn")
    assert (finding.severity, finding.dates) == ("fault", (iso(WEEK_DAYS[position]),))
    assert finding.evidence[0]["factor"] == pytest.approx(factor)
    assert f"from {iso(WEEK_DAYS[position])} on multiplied by {factor:g}" in finding.text


def test_there_and_back_are_two_changes():
    values = balance_sheet()
    values[300:340] *= 1e-3
    (finding,) = power_of_ten(WEEK_DAYS, values, "USD mn")
    assert [one["factor"] for one in finding.evidence] == pytest.approx([1e-3, 1e3])


def test_a_split_by_ten_is_looked_for_in_prices_only():
    values = balance_sheet()
    values[500:] /= 10
    assert power_of_ten(WEEK_DAYS, values, "USD") == []
    assert power_of_ten(WEEK_DAYS, values, "USD", least=1)[0].evidence[0][
        "factor"
    ] == pytest.approx(0.1)


@pytest.mark.parametrize("step", [3.0, 30.0, 300.0, 2559.0])
def test_real_jumps_are_no_powers(step):
    values = balance_sheet()
    values[500:] *= step
    assert power_of_ten(WEEK_DAYS, values, "USD mn", least=1) == []


def test_usage_that_leaps_by_itself_signed_quantities_and_short_series_are_not_judged():
    draws = np.random.default_rng(1)
    usage = np.where(draws.random(WEEKS) < 0.2, 10.0 ** draws.integers(-3, 4, size=WEEKS), 0.0)
    signed = balance_sheet() - 4e6
    signed[600:] *= 1e-3
    assert power_of_ten(WEEK_DAYS, usage, "USD bn") == []
    assert power_of_ten(WEEK_DAYS, signed, "index") == []
    assert (
        power_of_ten(
            WEEK_DAYS[:10], balance_sheet()[:10] * np.where(np.arange(10) < 5, 1, 1e3), "x"
        )
        == []
    )


@pytest.mark.parametrize(("factor", "named"), [(5.0, 5.0), (0.2, 0.2), (2.0, 2.0), (50.0, 50.0)])
def test_a_factor_of_all_columns_is_a_change_of_unit(factor, named):
    columns = positions()
    for column in columns:
        column[900:] *= factor
    (finding,) = common_factor(WEEK_DAYS, columns, COLUMNS)
    assert (finding.severity, finding.dates) == ("fault", (iso(WEEK_DAYS[900]),))
    assert finding.evidence[0]["factor"] == pytest.approx(named)
    assert all(name in finding.text for name in COLUMNS)


def test_a_factor_of_one_column_and_one_that_does_not_stay_are_none():
    alone, brief = positions(1), positions(2)
    alone[0][900:] *= 5
    for column in brief:
        column[900:902] *= 5
    assert common_factor(WEEK_DAYS, alone, COLUMNS) == []
    assert common_factor(WEEK_DAYS, brief, COLUMNS) == []
    assert common_factor(WEEK_DAYS, positions(3)[:1], COLUMNS[:1]) == []


def test_clean_positions_with_expiries_are_left_alone():
    flagged = 0
    for seed in range(100):
        columns = positions(seed)
        for column in columns:
            column[::13] *= 0.6  # contracts expire in all columns at once
        flagged += bool(common_factor(WEEK_DAYS, columns, COLUMNS))
    assert flagged <= 1


def test_holes_and_zeros_in_a_column_do_no_harm():
    columns = positions(4)
    for column in columns:
        column[900:] *= 5
    columns[1][100:300], columns[2][50] = np.nan, 0.0
    (finding,) = common_factor(WEEK_DAYS, columns, COLUMNS)
    assert finding.dates == (iso(WEEK_DAYS[900]),)


GOOD = b"date,value\n2024-01-02,1.5\n2024-01-03,2\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD + b"\n\n",
        b'date,name\n2024-01-02,"a, b"\n',
        "date,name\n2024-01-02,é\n".encode(),
    ],
)
def test_sound_forms(content):
    assert check_file_format(content) == []


@pytest.mark.parametrize(
    ("content", "check", "words"),
    [
        (GOOD.decode().encode("utf-16"), "encoding", "written in UTF-16"),
        (
            "date,name\n2024-01-02,é\n".encode("latin-1"),
            "encoding",
            "line 2: byte 0xe9 is not valid UTF-8",
        ),
        (GOOD.replace(b"1.5", b"1\x00.5"), "encoding", "1 NUL byte"),
        (b"<!DOCTYPE html>\n<p>limit</p>\n", "html", "a page of HTML"),
        (b"\xef\xbb\xbf\n <html>", "html", "a page of HTML"),
        (GOOD + b"2024-01-04", "torn", "line 4: the last line has 1 of 2 fields"),
        (
            GOOD + b"2024-01-04,1,2\n2024-01-05,1\n2024-01-06\n",
            "ragged",
            "2 lines with another number of fields",
        ),
        (GOOD + b"2024-01-04,1,2\n", "ragged", "line 4 has 3"),
    ],
)
def test_broken_forms_are_faults_of_their_kind(content, check, words):
    finding = check_file_format(content)
    assert (finding[0].check, finding[0].severity) == (check, "fault")
    assert words in finding[0].text


def test_a_byte_order_mark_is_a_note_and_an_open_end_a_warning():
    (mark,) = check_file_format(b"\xef\xbb\xbf" + GOOD)
    assert (mark.check, mark.severity) == ("byte_order_mark", "note")
    (end,) = check_file_format(GOOD.rstrip(b"\n"))
    assert (end.check, end.severity) == ("no_newline", "warning")
    assert "`2024-01-03,2`" in end.text


@pytest.mark.parametrize(
    "cut", [cut for cut in range(12, len(GOOD)) if GOOD[cut - 1 : cut] != b"\n"]
)
def test_a_file_cut_anywhere_after_its_header_is_reported(cut):
    (finding,) = {one.check for one in check_file_format(GOOD[:cut])} - {"no_newline"} or {
        "no_newline"
    }
    assert finding == ("torn" if GOOD[:cut].rpartition(b"\n")[2].count(b",") == 0 else "no_newline")
