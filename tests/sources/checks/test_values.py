"""Bad ticks and frozen runs.

Planted ones are found, markets with heavy tails and bursts are left alone.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.sources.checks.findings import iso
from regime.sources.checks.units import power_of_ten
from regime.sources.checks.values import bad_ticks, frozen_runs, negative_prices, step_function

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
    place=st.integers(70, ROWS - 70),
    size=st.floats(0.2, 3.0),
    up=st.booleans(),
    seed=st.integers(0, 50),
)
@settings(max_examples=60, deadline=None)
def test_a_planted_tick_is_found_on_its_day_with_its_neighbours(place, size, up, seed):
    prices = calm(seed)
    prices[place] *= np.exp(size if up else -size)
    (found,) = bad_ticks(DAYS, prices, "log")
    assert found.dates == (iso(DAYS[place]),)
    (evidence,) = found.evidence
    assert (evidence["before"], evidence["value"], evidence["after"]) == tuple(
        prices[place - 1 : place + 2]
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
    (found,) = negative_prices(DAYS, prices, -400, 1500, "USD/barrel")
    assert found.dates == (iso(DAYS[800]),)
    assert (
        f"negative price: -37.63 on {iso(DAYS[800])}; allowed by the range -400..1500 USD/barrel"
        in found.text
    )
    assert negative_prices(DAYS, calm(4), -400, 1500, "USD") == []


def test_short_series_are_not_judged():
    assert bad_ticks(DAYS[:10], calm(5)[:10], "log") == []
    assert frozen_runs(DAYS[:10], np.ones(10)) == []


@pytest.mark.parametrize("length", [4, 12, 60])
def test_a_frozen_run_is_found_with_its_ends(length):
    prices = calm(6)
    prices[700 : 700 + length] = prices[700]
    (found,) = frozen_runs(DAYS, prices)
    assert found.count == 1
    assert f"{iso(DAYS[700])} to {iso(DAYS[699 + length])} ({length} rows of" in found.text


def test_coarse_quotes_repeat_by_themselves():
    coarse = np.round(np.random.default_rng(7).normal(scale=0.02, size=ROWS).cumsum(), 2)
    assert np.mean(np.diff(coarse) == 0) > 0.1
    assert frozen_runs(DAYS, coarse) == []


def test_a_policy_rate_is_a_step_function_and_not_frozen():
    rate = np.repeat([0.25, 0.5, 0.75, 1.0, 1.25], ROWS // 5)
    (found,) = step_function(DAYS, rate)
    assert (found.severity, found.count) == ("note", 4)
    assert found.dates[0] == iso(DAYS[ROWS // 5])
    assert frozen_runs(DAYS, rate) == []
    assert step_function(DAYS, calm(8)) == []
