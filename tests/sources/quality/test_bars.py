"""Bars against themselves.

Closes out of range, closes that were not updated, dividends, sums, signs.
"""

import numpy as np
import pytest

from regime.sources.quality.bars import (
    ChainQuotes,
    adjustment,
    check_chain_quotes,
    daily_sums,
    outside_bar,
    signed_shorts,
    stale_bars,
)
from regime.sources.quality.calendar_gaps import Sessions
from regime.sources.quality.findings import iso

ROWS = 400
DAYS = np.arange(18_000, 18_000 + ROWS)


def chained(seed=0):
    """Bars made of closes: each opens at the close before."""
    close = 100 * np.exp(np.random.default_rng(seed).normal(scale=0.03, size=ROWS).cumsum())
    opening = np.concatenate([[close[0]], close[:-1]])
    return opening, np.maximum(opening, close), np.minimum(opening, close), close


def test_closes_outside_the_range_are_counted_and_the_farthest_is_reported():
    _, high, low, close = chained()
    assert outside_bar(DAYS, close, high, low) == []
    close[[10, 20, 30]] = high[[10, 20, 30]] * np.array([1.01, 1.2, 1.001])
    close[40], high[50], low[50] = low[40] * 0.99, np.nan, np.nan
    (finding,) = outside_bar(DAYS, close, high, low)
    assert (finding.check, finding.count) == ("outside_bar", 4)
    assert finding.dates == tuple(iso(DAYS[row]) for row in (10, 20, 30, 40))
    assert (
        f"4 closes of 399 outside the high-low range of the row, the farthest {close[20]:g}"
        in finding.text
    )


def test_rounding_is_no_escape_from_the_range_and_a_range_upside_down_is_reported():
    _, high, low, close = chained()
    assert outside_bar(DAYS, close * (1 + 1e-9), high, low) == []
    high[7], low[7] = low[7] - 1, high[7] + 1
    assert [finding.check for finding in outside_bar(DAYS, np.clip(close, None, high), high, low)][
        -1
    ] == "upside_down"


def test_a_close_that_was_not_updated_is_reported_by_the_next_open():
    opening, high, low, close = chained(1)
    real = close[200]
    close[200] = high[200] = low[200] = opening[200]  # the close before once more
    assert opening[201] == real
    (finding,) = stale_bars(DAYS, opening, high, low, close)
    assert (finding.severity, finding.dates) == ("warning", (iso(DAYS[200]),))
    assert finding.evidence[0]["next_open"] == real
    assert f"{iso(DAYS[200])} {close[200]:g}, next open {real:g}" in finding.text


def test_an_unchanged_close_that_the_next_open_repeats_is_a_quiet_day():
    opening, high, low, close = chained(2)
    close[200] = high[200] = low[200] = opening[200]
    opening[201] = close[200]
    assert stale_bars(DAYS, opening, high, low, close) == []


def test_files_whose_bars_open_anywhere_tell_nothing():
    opening, high, low, close = chained(3)
    opening = opening * np.exp(np.random.default_rng(4).normal(scale=0.01, size=ROWS))
    close[200] = high[200] = low[200] = opening[200] = close[199]
    assert stale_bars(DAYS, opening, high, low, close) == []
    assert stale_bars(DAYS[:2], opening[:2], high[:2], low[:2], close[:2]) == []


@pytest.mark.parametrize(
    ("close", "adjusted", "traded", "words"),
    [
        (
            [90.0, 100.0],
            [90.0, 100.0],
            [95.0, 100.0],
            "`unadj_close` is the traded price, up to 6% apart",
        ),
        (
            [95.0, 100.0],
            [90.0, 100.0],
            None,
            "`close` is the traded price, `adj_close` is adjusted for later dividends",
        ),
        ([90.0, 100.0], [90.0, 100.0], None, "or none were paid"),
    ],
)
def test_what_a_close_carries(close, adjusted, traded, words):
    (finding,) = adjustment(
        np.array(close), np.array(adjusted), None if traded is None else np.array(traded)
    )
    assert (finding.check, finding.severity) == ("adjusted", "note")
    assert words in finding.text


def test_daily_sums_tell_their_records_and_the_days_that_lack_some():
    mean = np.full(ROWS, 1e-4)
    (whole,) = daily_sums(DAYS, 3 * mean, mean, np.full(ROWS, 3.0))
    assert (whole.severity, "sum of 3 records a day" in whole.text) == ("note", True)
    count = np.full(ROWS, 3.0)
    count[[5, 9]] = 2
    (lacking,) = daily_sums(DAYS, count * mean, mean, count)
    assert (lacking.severity, lacking.count, lacking.dates) == (
        "warning",
        2,
        (iso(DAYS[5]), iso(DAYS[9])),
    )


def test_shorts_below_zero_are_named_by_column():
    assert signed_shorts(np.array([1.0, 2.0]), "short") == []
    (always,) = signed_shorts(np.array([-1.0, -2.0]), "short")
    assert (always.severity, always.column, "100% of the rows" in always.text) == (
        "note",
        "short",
        True,
    )
    assert signed_shorts(np.array([-1.0, 2.0]), "short")[0].severity == "warning"


SUNDAY = 19_589  # 2023-08-20
SESSIONS = Sessions(
    days=np.array([day for day in range(SUNDAY - 30, SUNDAY + 30) if (day + 3) % 7 < 5]),
    federal=np.zeros(0, dtype=np.int64),
    now=SUNDAY + 30,
)
OPTIONS = 12


def chain(**changes):
    columns = {
        "day": np.full(OPTIONS, SUNDAY - 3),
        "expiry": np.full(OPTIONS, SUNDAY + 20),
        "bid": np.full(OPTIONS, 1.0),
        "ask": np.full(OPTIONS, 1.1),
        "iv": np.full(OPTIONS, 0.2),
        "open_interest": np.full(OPTIONS, 10.0),
    }
    for name, (rows, value) in changes.items():
        columns[name] = columns[name].copy()
        columns[name][rows] = value
    return ChainQuotes(**columns)


def counts(quotes):
    return {finding.check: finding.count for finding in check_chain_quotes(quotes, SESSIONS)}


def test_a_sound_chain_has_nothing():
    assert counts(chain()) == {}


def test_each_kind_of_row_is_counted():
    assert counts(chain(expiry=(slice(0, 3), SUNDAY - 4))) == {"expired": 3}
    assert counts(chain(expiry=(slice(0, 3), SUNDAY - 3))) == {"expires_today": 3}
    assert counts(chain(bid=(slice(0, 2), 1.2))) == {"crossed": 2}
    assert counts(chain(bid=(slice(0, 2), 0.0), ask=(slice(0, 2), 0.0))) == {"no_quote": 2}
    assert counts(chain(iv=(slice(0, 4), 0.0), open_interest=(slice(0, 4), 0.0))) == {"empty": 4}
    assert counts(chain(iv=(slice(0, 4), np.nan))) == {"no_volatility": 4}


def test_a_snapshot_of_a_sunday_is_of_no_session():
    (finding,) = check_chain_quotes(chain(day=(slice(None), SUNDAY)), SESSIONS)
    assert (finding.check, finding.dates) == ("off_session", ("2023-08-20",))
    assert "2023-08-20 (Sunday)" in finding.text


def test_an_option_that_expires_today_is_known_not_wrong():
    (finding,) = check_chain_quotes(chain(expiry=(slice(0, 3), SUNDAY - 3)), SESSIONS)
    assert finding.severity == "note"
