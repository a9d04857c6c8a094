"""Trend rules against plain sums, and the law of their levels.

Put the level in, and the next signal is nought.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.mechanisms.cta.trend_rules import Crossover, ExponentialFilter, PriceAgo, solve_level

DATES = pd.bdate_range("2001-01-01", periods=900, name="date")
RULES = [
    ExponentialFilter(halflife=5.0, window=60),
    ExponentialFilter(halflife=150.0, window=504),
    ExponentialFilter(halflife=40.0, window=2),
    PriceAgo(months=1),
    PriceAgo(months=12),
    Crossover(fast=3.0, slow=9.0),
    Crossover(fast=10.0, slow=40.0),
]


def walk(seed=3):
    return pd.Series(np.cumsum(np.random.default_rng(seed).normal(0.0002, 0.01, len(DATES))), DATES)


def followed(path, level):
    after = path.index[-1] + pd.offsets.BDay(1)
    return pd.concat([path, pd.Series([level], pd.DatetimeIndex([after], name="date"))])


def brute_force(path, rule):
    returns, out = path.diff().to_numpy(), np.full(len(path), np.nan)
    for t in range(rule.window, len(path)):
        out[t] = sum(rule.keep**k * returns[t - k] for k in range(rule.window))
    return out


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if isinstance(rule, ExponentialFilter)], ids=str
)
def test_the_filter_against_a_plain_sum(rule):
    np.testing.assert_allclose(rule.signal(walk()), brute_force(walk(), rule), atol=1e-12)


def test_the_filter_is_the_price_less_an_average_begun_at_the_window():
    path, rule = walk(), ExponentialFilter(halflife=30.0, window=100)
    for t in (150, 500, 899):
        window = path.iloc[t - rule.window : t + 1]
        average = window.ewm(halflife=30.0, adjust=False).mean().iloc[-1]
        assert rule.signal(path).iloc[t] * rule.keep == pytest.approx(
            path.iloc[t] - average, abs=1e-12
        )


def test_the_size_is_the_volatility_of_the_signal_of_a_walk():
    rule = ExponentialFilter(halflife=20.0, window=60)
    steps = np.random.default_rng(0).normal(size=(60, 20000))
    sums = (rule.keep ** np.arange(60)[:, None] * steps).sum(axis=0)
    assert rule.size == pytest.approx(sums.std(), rel=0.02)


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("t", [620, 777, 900])
def test_at_its_level_the_next_signal_is_nought_and_it_changes_sign_there(rule, t):
    path = walk().iloc[:t]
    level = rule.turning_level(path).iloc[-1]
    assert rule.signal(followed(path, level)).iloc[-1] == pytest.approx(0.0, abs=1e-11)
    assert (
        rule.signal(followed(path, level - 1e-4)).iloc[-1]
        < 0
        < rule.signal(followed(path, level + 1e-4)).iloc[-1]
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), halflife=st.floats(1.0, 300.0), window=st.integers(2, 300))
def test_the_law_of_the_level_for_any_filter(seed, halflife, window):
    rule, path = ExponentialFilter(halflife=halflife, window=window), walk(seed).iloc[:400]
    level = rule.turning_level(path).iloc[-1]
    assert rule.signal(followed(path, level)).iloc[-1] == pytest.approx(0.0, abs=1e-10)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_signals_and_levels_know_nothing_of_what_comes_after(rule):
    for of in (rule.signal, rule.turning_level):
        np.testing.assert_array_equal(of(walk()).iloc[:655], of(walk().iloc[:655]))


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_steady_rise_is_a_trend_and_its_level_lies_below(rule):
    path = pd.Series(0.001 * np.arange(len(DATES)), DATES)
    assert rule.signal(path).iloc[-1] > 0 and rule.turning_level(path).iloc[-1] < path.iloc[-1]


def test_a_filter_waits_for_its_window_and_passes_over_gaps():
    rule, path = ExponentialFilter(halflife=5.0, window=60), walk()
    assert rule.signal(path).first_valid_index() == DATES[60]
    assert rule.turning_level(path).first_valid_index() == DATES[59]
    path.iloc[300] = np.nan
    assert rule.signal(path).iloc[301:].notna().all()


def test_the_price_of_months_ago_is_the_last_close_by_that_day():
    path = walk()
    level = PriceAgo(months=3).turning_level(path)
    assert (
        level.loc["2003-06-12"] == path.loc["2003-03-13"]
    )  # the next session is a Friday the 13th
    assert level.loc["2003-05-16"] == path.loc["2003-02-19"] and level.iloc[:60].isna().all()


def test_bisection_finds_what_a_closed_form_gives_and_what_none_does():
    path, rule = walk(), ExponentialFilter(halflife=5.0, window=60)
    found = solve_level(
        lambda level: rule.signal(followed(path, level)).iloc[-1],
        path.iloc[-1] - 1,
        path.iloc[-1] + 1,
    )
    assert found == pytest.approx(rule.turning_level(path).iloc[-1], abs=1e-9)
    clipped = solve_level(
        lambda x: np.clip(x - 0.25, -0.1, 0.1) + np.clip(x - 0.31, -0.1, 0.1), -5, 5
    )
    assert clipped == pytest.approx(0.28)
    assert solve_level(lambda x: 1.0 if x > 0.125 else -1.0, 0, 1) == pytest.approx(0.125)
    assert np.isnan(solve_level(lambda x: 1.0, 0, 1))


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: ExponentialFilter(halflife=0.0), "halflife"),
        (lambda: ExponentialFilter(halflife=5.0, window=1), "window"),
        (lambda: ExponentialFilter(halflife=float("nan")), "halflife"),
        (lambda: PriceAgo(months=0), "months"),
        (lambda: PriceAgo(months=61), "months"),
        (lambda: Crossover(fast=9.0, slow=3.0), "fast"),
    ],
)
def test_impossible_rules_are_refused(make, word):
    with pytest.raises(ConfigError, match=f"^{word}"):
        make()
