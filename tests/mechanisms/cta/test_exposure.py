"""The book of trend followers: bounds, signs, what a scenario does to it, its dollars."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.base import Capital
from regime.mechanisms.cta.exposure import TrendBook
from regime.mechanisms.cta.fund_size import fit_fund_index, fund_scale, market_pnl
from regime.mechanisms.cta.scenarios import Scenario, price_scenarios
from regime.mechanisms.cta.trend_rules import ExponentialFilter

DATES = pd.bdate_range("2001-01-01", periods=1600, name="date")
BOOK = TrendBook()
ONE = TrendBook(
    filters={"only": ExponentialFilter(halflife=20.0, window=100)},
    weights={"only": 1.0},
    trading=0.01,
)


def walk(drift=0.0002, daily=0.01, seed=3):
    return pd.Series(np.cumsum(np.random.default_rng(seed).normal(drift, daily, len(DATES))), DATES)


def test_exposure_by_hand_on_one_row():
    path = walk()
    daily = path.diff().ewm(halflife=42).std().iloc[-1]
    keep = ONE.filters["only"].keep
    sums = sum(keep**k * path.diff().iloc[-1 - k] for k in range(100))
    trend = sums / (daily * np.sqrt(sum(keep ** (2 * k) for k in range(100))))
    expected = np.clip(trend, -1, 1) * min(1.0, 0.08 / (daily * np.sqrt(252)))
    assert ONE.exposure(path).iloc[-1] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("daily", [0.001, 0.01, 0.05])
@pytest.mark.parametrize("drift", [-0.003, 0.0, 0.003])
def test_exposure_stays_in_bounds_and_has_the_sign_of_the_trend(daily, drift):
    own = BOOK.exposure(walk(drift, daily)).dropna()
    assert own.abs().max() <= 1.0 and own.first_valid_index() == DATES[504]
    if drift / daily > 0.25:
        assert own.iloc[-500:].mean() > 0.1
    if drift / daily < -0.25:
        assert own.iloc[-500:].mean() < -0.1


def test_twice_the_volatility_is_half_the_size():
    small, large = BOOK.target(walk(daily=0.012)), BOOK.target(walk(drift=0.0004, daily=0.024))
    np.testing.assert_allclose(large.iloc[600:], small.iloc[600:] / 2, rtol=1e-9)


def test_a_mirrored_price_is_held_the_other_way():
    np.testing.assert_allclose(BOOK.exposure(-walk()), -BOOK.exposure(walk()), atol=1e-12)


def test_at_the_level_of_a_speed_its_own_position_changes_sign():
    path = walk().iloc[:1200]
    for name, rule in BOOK.filters.items():
        level = rule.turning_level(path).iloc[-1]
        for step, sign in ((-1e-4, -1), (1e-4, 1)):
            after = pd.concat([path, pd.Series([level + step], DATES[1200:1201])])
            assert np.sign(BOOK.signals(after)[name].iloc[-1]) == sign


def test_orders_are_worked_off_over_days():
    slow, fast = replace(BOOK, trading=5.0), replace(BOOK, trading=0.01)
    target = BOOK.target(walk())
    np.testing.assert_allclose(fast.exposure(walk()).dropna(), target.dropna(), atol=1e-12)
    assert slow.exposure(walk()).diff().std() < target.diff().std() / 3


def test_a_price_that_stands_still_has_no_position():
    assert BOOK.exposure(pd.Series(0.0, DATES)).isna().all()


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(sessions=5, move=-2.0, response=1.35),
        Scenario(sessions=21, move=2.0),
        Scenario(sessions=130, move=0.5, response=0.8),
    ],
    ids=str,
)
def test_a_scenario_against_a_loop_over_its_days(scenario):
    path, rule = walk(), ONE.filters["only"]
    book = replace(ONE, trading=3.0)
    recent, variance = book.volatility(path, 10.0).iloc[-1], book.volatility(path).iloc[-1] ** 2
    held, stays, keep = book.exposure(path).iloc[-1], 0.5 ** (1 / 3), 0.5 ** (1 / 42)
    returns = list(path.diff().iloc[-100:])
    for _ in range(scenario.sessions):
        returns = [*returns[1:], scenario.move * recent / np.sqrt(scenario.sessions)]
        variance = keep * variance + (1 - keep) * (scenario.response * recent) ** 2
        sums = sum(rule.keep**k * value for k, value in enumerate(reversed(returns)))
        target = np.clip(sums / (np.sqrt(variance) * rule.size), -1, 1) * min(
            1.0, 0.08 / np.sqrt(252 * variance)
        )
        held = stays * held + (1 - stays) * target
    assert book.after(path, scenario).iloc[-1] == pytest.approx(held, abs=1e-10)


def test_falls_are_sold_and_wild_days_shrink_what_is_held():
    path = walk(drift=0.0006)
    held = BOOK.exposure(path).dropna()
    down, flat, up = (
        BOOK.after(path, price_scenarios("1m")[name]).dropna() for name in ("down", "flat", "up")
    )
    assert (down <= flat + 1e-12).mean() > 0.98 and (flat <= up + 1e-12).mean() > 0.8
    long = held > 0.3
    calm, wild = (
        BOOK.after(path, Scenario(sessions=5, move=0.0, response=times)).dropna()
        for times in (0.7, 3.0)
    )
    assert long.sum() > 100 and (wild[long] < calm[long]).all()


def test_scenarios_know_nothing_of_what_comes_after():
    path, scenario = walk(), price_scenarios("1w")["down"]
    for t in (600, 777, 1501):
        np.testing.assert_array_equal(
            BOOK.after(path, scenario).iloc[:t], BOOK.after(path.iloc[:t], scenario)
        )
        np.testing.assert_array_equal(BOOK.exposure(path).iloc[:t], BOOK.exposure(path.iloc[:t]))
        np.testing.assert_array_equal(BOOK.signals(path).iloc[:t], BOOK.signals(path.iloc[:t]))


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Scenario(sessions=0, move=1.0), "sessions"),
        (lambda: Scenario(sessions=5, move=1.0, response=0.0), "response"),
        (lambda: price_scenarios("2w"), "horizon"),
        (lambda: price_scenarios("1w", -2.0), "size"),
        (lambda: TrendBook(weights={"short": 1.0}), "weights"),
        (lambda: TrendBook(weights={"short": 0.5, "medium": 0.5, "long": 0.5}), "weights"),
        (lambda: TrendBook(full_at=0.0), "full_at"),
        (lambda: TrendBook(trading=-1.0), "trading"),
    ],
)
def test_impossible_books_and_scenarios_are_refused(make, word):
    with pytest.raises(ConfigError, match=f"^{word}"):
        make()


def test_the_pnl_of_a_market_is_yesterdays_position_times_todays_move():
    path = walk(daily=0.02)
    held = BOOK.exposure(path) / (0.08 / np.sqrt(252))  # never capped at this volatility
    np.testing.assert_allclose(
        market_pnl(path).iloc[510:], (held.shift(1) * path.diff() * 0.01).iloc[510:], rtol=1e-9
    )


def test_a_fund_that_is_the_model_is_found_out():
    pnl = pd.DataFrame({name: market_pnl(walk(seed=seed)) for seed, name in enumerate("abcd")})
    quarter = pnl.sum(axis=1, min_count=3).rolling(63).sum()
    fit = fit_fund_index(pnl, (0.002 + 0.15 * quarter).dropna())
    assert fit.loading == pytest.approx(0.15) and min(
        fit.r2, fit.r2_apart, fit.r2_later
    ) == pytest.approx(1.0)
    noise = pd.Series(np.random.default_rng(0).normal(size=len(DATES)), DATES)
    assert fit_fund_index(pnl, noise).r2 < 0.05 and fit_fund_index(pnl, noise).r2_later < 0.05
    with pytest.raises(ConfigError, match="504 days"):
        fit_fund_index(pnl, quarter.dropna().iloc[:400])


def test_the_scale_by_hand():
    money = fund_scale(
        0.08, Capital(low=200, mid=300, high=400), Capital(low=0.07, mid=0.11, high=0.14)
    )
    assert money.mid == pytest.approx(300 * 0.11 * 0.01 * np.sqrt(252) / 0.08)
    assert money.low == pytest.approx(27.78, abs=0.01) and money.high == pytest.approx(
        111.12, abs=0.01
    )
