"""Probability of overfitting against the published toy, a slow definition, and noise."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nst
from scipy import stats

from regime.errors import InvalidDataError
from regime.evaluation import pbo
from regime.evaluation.pbo import (
    BlockSums,
    backtest_overfitting,
    block_edges,
    block_sums,
    measure_selection_bias,
    overfitting_of_blocks,
)
from regime.evaluation.sharpe_tests import deflated_sharpe, sharpe_sample
from regime.performance import sharpe_ratio

TOY = np.array([[3, 1, 2], [1, 2, 3], [2, 3, 1], [1, 3, 2]], dtype=float)


def slow(returns, blocks, statistic):
    """The definition, session by session: rows of one half, rows of the other, ranks by scipy."""
    parts = np.split(np.arange(len(returns)), block_edges(len(returns), blocks)[1:-1])
    rows = []
    for half in combinations(range(blocks), blocks // 2):
        inside = returns[np.concatenate([parts[k] for k in half])]
        outside = returns[np.concatenate([parts[k] for k in range(blocks) if k not in half])]
        ours, theirs = (measured(values, statistic) for values in (inside, outside))
        best = int(np.argmax(ours))
        share = stats.rankdata(theirs)[best] / (returns.shape[1] + 1)
        rows.append((best, ours[best], theirs[best], np.log(share / (1 - share))))
    return [np.array(column) for column in zip(*rows, strict=True)]


def measured(values, statistic):
    mean = values.mean(axis=0)
    if statistic == "mean":
        return mean
    deviation = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
    return np.divide(mean, deviation, out=np.zeros_like(mean), where=deviation > 1e-9)


def test_toy_of_four_days_by_hand():
    found = backtest_overfitting(TOY, blocks=4, statistic="mean")
    assert found.logits == pytest.approx(
        [-0.510826, -1.098612, -1.098612, 0, 0, -1.098612], abs=5e-7
    )
    assert found.probability == 1.0  # a rank in the very middle counts as overfitted
    # Sums of the halves, e.g. of days 1 and 2: 4, 3, 5; equal ones (days 1 and 4) choose the first.
    assert found.chosen.tolist() == [2, 0, 0, 1, 1, 1]
    assert found.loss == 0 and (found.trials, found.blocks, found.statistic) == (3, 4, "mean")


def test_published_noise_and_noise_with_one_good_trial():
    draws = np.random.default_rng(7).standard_normal((1000, 50)) * 0.01
    assert backtest_overfitting(draws, blocks=10).probability == pytest.approx(0.492063, abs=5e-7)
    draws[:, 0] += 0.001
    assert backtest_overfitting(draws, blocks=10).probability == pytest.approx(0.349206, abs=5e-7)


@settings(deadline=None, max_examples=60)
@given(
    nst.arrays(
        float,
        st.tuples(st.integers(8, 20), st.integers(2, 7)),
        elements=st.integers(-4, 4).map(float),
    ),
    st.sampled_from([2, 4, 6, 8]),
)
def test_means_with_many_ties_equal_the_slow_reading(returns, blocks):
    compare(returns, blocks, "mean", exact=len(returns) % blocks == 0)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(12, 60), st.integers(2, 9), st.sampled_from([4, 6, 8]))
def test_sharpe_ratios_equal_the_slow_reading(seed, days, trials, blocks):
    returns = np.random.default_rng(seed).normal(0.001, 0.01, (days, trials))
    returns[:, -1] = returns[:, 0]  # a twin: the mean rank
    compare(returns, blocks, "sharpe")


def compare(returns, blocks, statistic, exact=True):
    found = backtest_overfitting(returns, blocks, statistic)
    chosen, inside, outside, logits = slow(returns, blocks, statistic)
    assert found.inside == pytest.approx(inside, abs=1e-9)
    if (
        exact
    ):  # unequal blocks divide by other numbers, and equal means may then differ in a last bit
        assert found.chosen.tolist() == chosen.tolist()
        assert found.outside == pytest.approx(outside, abs=1e-9) and found.logits == pytest.approx(
            logits, abs=1e-9
        )
        assert found.probability == np.mean(logits <= 1e-9) and found.loss == np.mean(outside < 0)


def test_slope_is_the_regression_of_outside_on_inside():
    found = backtest_overfitting(np.random.default_rng(2).normal(0, 0.01, (400, 12)), blocks=8)
    assert found.slope == pytest.approx(np.polyfit(found.inside, found.outside, 1)[0])
    assert found.slope < 0  # of noise: what one half has too much of, the other lacks


def test_sums_by_block_are_all_that_is_needed(monkeypatch):
    returns = np.random.default_rng(4).normal(0.0002, 0.01, (333, 23))
    parts = np.split(returns, block_edges(333, 8)[1:-1])
    sums = BlockSums(
        days=np.array([len(part) for part in parts]),
        sums=np.array([sum(part) for part in parts]),
        squares=np.array([sum(part**2) for part in parts]),
    )
    whole, of_days = (
        overfitting_of_blocks(sums),
        backtest_overfitting(pd.DataFrame(returns), blocks=8),
    )
    assert whole.probability == of_days.probability and np.array_equal(whole.chosen, of_days.chosen)
    assert whole.outside == pytest.approx(of_days.outside, abs=1e-12)
    monkeypatch.setattr(pbo, "CHUNK", 5)
    chunked = overfitting_of_blocks(sums)
    for name in ("chosen", "inside", "outside", "logits"):
        assert np.array_equal(getattr(whole, name), getattr(chunked, name))
    assert sums.sharpe() == pytest.approx(
        returns.mean(axis=0) / returns.std(axis=0, ddof=1), rel=1e-10
    )


def test_equal_trials_tie_wherever_they_stand():
    column = np.random.default_rng(6).normal(0, 0.01, 320)
    found = backtest_overfitting(np.tile(column[:, None], 300), blocks=8)
    assert found.probability == 1.0 and (found.logits == 0).all() and (found.chosen == 0).all()


def test_a_trial_without_spread_counts_as_nothing_gained():
    returns = np.random.default_rng(0).normal(-0.01, 0.001, (80, 3))
    returns[:, 1] = 0.0001
    found = backtest_overfitting(returns, blocks=4)
    assert (found.chosen == 1).all() and (found.inside == 0).all() and np.isnan(found.slope)
    assert block_sums(returns, 4).sharpe()[1] == 0 and found.probability == 0


def test_the_order_of_trials_and_of_signs_of_time_does_not_matter():
    returns = np.random.default_rng(12).normal(0, 0.01, (240, 15))
    found = backtest_overfitting(returns, blocks=6)
    assert backtest_overfitting(returns[:, ::-1], blocks=6).probability == found.probability
    assert backtest_overfitting(returns[::-1], blocks=6).probability == found.probability
    assert backtest_overfitting(returns * 3, blocks=6).probability == found.probability


def test_noise_is_a_coin_and_a_true_trend_is_not():
    noise, trend = [], []
    for seed in range(30):
        draws = np.random.default_rng(seed).normal(0, 0.01, (800, 25))
        noise.append(backtest_overfitting(draws, blocks=8).probability)
        draws[:, 3] += 0.002
        trend.append(backtest_overfitting(draws, blocks=8).probability)
    assert 0.4 < np.mean(noise) < 0.6 and max(trend) < 0.2


def test_sixteen_blocks_give_all_splits():
    found = backtest_overfitting(np.random.default_rng(0).normal(0, 0.01, (320, 4)))
    assert found.logits.size == 12870 and found.blocks == 16


@given(st.integers(16, 5000), st.sampled_from([2, 4, 8, 16]))
def test_blocks_cover_the_days_and_differ_by_one_at_most(days, blocks):
    edges = block_edges(days, blocks)
    assert edges[0] == 0 and edges[-1] == days and np.ptp(np.diff(edges)) <= 1


def test_sentence():
    assert str(backtest_overfitting(TOY, blocks=4, statistic="mean")) == (
        "Chosen on half of the years, the best of 3 trials falls into the lower half on the "
        "others in 100% of 6 splits "
        "(PBO) and is below zero there in 0%: the choice does not carry over."
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: backtest_overfitting(TOY, blocks=3),
            "even number of blocks.*got 3 blocks of 4 sessions",
        ),
        (lambda: backtest_overfitting(TOY, blocks=6), "got 6 blocks of 4 sessions"),
        (lambda: backtest_overfitting(TOY[:, :1], blocks=4), "one trial alone"),
        (
            lambda: backtest_overfitting(np.where(TOY > 2, np.nan, TOY), blocks=4),
            "a return in each",
        ),
        (lambda: backtest_overfitting(np.ones((50, 3)), blocks=22), "from 2 to 20, got 22"),
        (
            lambda: backtest_overfitting(TOY, blocks=4, statistic="median"),
            "`sharpe` or `mean`, got `median`",
        ),
        (lambda: BlockSums(days=np.array([5, 5]), sums=TOY[:2], squares=TOY), "a row a block"),
        (
            lambda: BlockSums(days=np.array([5, 0]), sums=TOY[:2], squares=TOY[:2]),
            "every block needs sessions",
        ),
    ],
)
def test_what_cannot_be_split_is_refused(call, message):
    with pytest.raises(InvalidDataError, match=message):
        call()


DAYS = pd.bdate_range("2005-01-03", periods=1600, name="date")


def trials_of(seed=0, trials=12, **gains):
    rng = np.random.default_rng(seed)
    table = {
        f"t{trial}": pd.Series(rng.normal(0, 0.01, len(DAYS)), index=DAYS)
        for trial in range(trials)
    }
    return {name: one + gains.get(name, 0.0) for name, one in table.items()}


def test_selection_bias_is_its_parts():
    returns = trials_of(t3=0.002)
    found = measure_selection_bias(returns)
    ratios = {name: sharpe_ratio(one) for name, one in returns.items()}
    assert found.chosen == max(ratios, key=ratios.get) == "t3" and (
        found.trials,
        found.sessions,
    ) == (12, 1600)
    assert found.sharpes.to_dict() == pytest.approx(ratios)
    assert found.variance == pytest.approx(np.var(list(ratios.values()), ddof=1) / 252)
    expected = deflated_sharpe(sharpe_sample(returns["t3"]), trials=12, variance=found.variance)
    assert found.deflated.probability == pytest.approx(expected.probability)
    whole = backtest_overfitting(pd.DataFrame(returns))
    assert found.overfitting.probability == whole.probability and np.array_equal(
        found.overfitting.chosen, whole.chosen
    )


def test_noise_is_called_noise_and_a_trend_is_not():
    noise = [measure_selection_bias(trials_of(seed), blocks=8) for seed in range(12)]
    assert np.mean([found.deflated.probability > 0.95 for found in noise]) < 0.2
    assert 0.3 < np.mean([found.overfitting.probability for found in noise]) < 0.7
    trend = measure_selection_bias(trials_of(1, t3=0.002), blocks=8)
    assert trend.deflated.probability > 0.95 and trend.overfitting.probability < 0.1


def test_trials_without_returns_count_too():
    returns = trials_of(2)
    few, many = (
        measure_selection_bias(returns, blocks=4),
        measure_selection_bias(returns, counted=500, blocks=4),
    )
    assert many.trials == 500 and many.deflated.probability < few.deflated.probability
    assert many.overfitting.trials == 12 and many.variance == few.variance


def test_the_chosen_may_be_another_than_the_best():
    returns = trials_of(3)
    worst = min(returns, key=lambda name: sharpe_ratio(returns[name]))
    found = measure_selection_bias(returns, chosen=worst, blocks=4)
    assert (
        found.chosen == worst
        and found.deflated.probability
        < measure_selection_bias(returns, blocks=4).deflated.probability
    )
    assert str(found).startswith(
        f"12 trials over 1,600 sessions; trial {worst} has a Sharpe ratio of "
    )


def test_only_the_sessions_of_all_trials_are_compared():
    returns = trials_of(4, trials=3)
    returns["t1"], returns["t2"] = returns["t1"][200:], returns["t2"][:-100]
    found = measure_selection_bias(returns, blocks=4)
    assert found.sessions == 1300
    assert found.sharpes["t0"] == pytest.approx(sharpe_ratio(returns["t0"][200:-100]))


def test_cash_or_a_benchmark_is_taken_from_every_trial():
    returns, cash = (
        trials_of(5, trials=3),
        pd.Series(0.0001, index=DAYS) * np.arange(len(DAYS)) / 800,
    )
    assert measure_selection_bias(returns, cash=cash, blocks=4).sharpes["t1"] == pytest.approx(
        sharpe_ratio(returns["t1"], cash)
    )
    assert measure_selection_bias(returns, cash=0.001, blocks=4).sharpes["t1"] == pytest.approx(
        sharpe_ratio(returns["t1"], 0.001)
    )
    longer = pd.concat([cash, pd.Series([0.5], index=[DAYS[-1] + pd.Timedelta(days=9)])])
    assert measure_selection_bias(returns, cash=longer, blocks=4).sharpes.equals(
        measure_selection_bias(returns, cash=cash, blocks=4).sharpes
    )


def test_keys_of_any_kind_and_a_trial_that_never_moved():
    returns = dict(zip([1, (2, "b"), "three"], trials_of(6, trials=3).values(), strict=True))
    returns["cash"] = pd.Series(0.0, index=DAYS)
    found = measure_selection_bias(returns, chosen=(2, "b"), blocks=4)
    assert (
        found.sharpes.iloc[3] == 0
        and found.chosen == (2, "b")
        and not math.isnan(found.deflated.probability)
    )
    with pytest.raises(InvalidDataError, match="without spread"):
        measure_selection_bias(returns, chosen="cash", blocks=4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure_selection_bias({}), "two trials or more, got 0"),
        (lambda: measure_selection_bias(trials_of(trials=1)), "got 1; give every trial"),
        (
            lambda: measure_selection_bias(trials_of(trials=3), chosen="t9"),
            "no returns of the chosen trial t9; there are t0, t1, t2",
        ),
        (
            lambda: measure_selection_bias(trials_of(trials=3), counted=2),
            "2 trials are counted but 3 have returns",
        ),
        (
            lambda: measure_selection_bias(
                trials_of(trials=2) | {"x": trials_of()["t0"].where(lambda r: r > 0)}
            ),
            "a gap is not a zero",
        ),
        (
            lambda: measure_selection_bias(trials_of(trials=2), cash=trials_of()["t0"][5:]),
            "2005-01-03.*is not a finite number",
        ),
        (
            lambda: measure_selection_bias({"a": trials_of()["t0"][:9], "b": trials_of()["t1"]}),
            "got 16 blocks of 9 sessions",
        ),
        (
            lambda: measure_selection_bias(
                {"a": trials_of()["t0"][:9], "b": trials_of()["t1"][9:]}
            ),
            "got 16 blocks of 0 sessions",
        ),
    ],
)
def test_trials_that_cannot_be_judged_are_refused(call, message):
    with pytest.raises(InvalidDataError, match=message):
        call()
