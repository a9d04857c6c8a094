"""Probability of overfitting against the published toy, a slow reading of the definition, and noise."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nst
from scipy import stats

from regime.errors import InvalidDataError
from regime.evaluation import cscv
from regime.evaluation.cscv import (
    BlockSums,
    backtest_overfitting,
    block_edges,
    block_sums,
    overfitting_of_blocks,
)

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
    monkeypatch.setattr(cscv, "CHUNK", 5)
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


def test_noise_is_a_coin_and_an_honest_trend_is_not():
    noise, honest = [], []
    for seed in range(30):
        draws = np.random.default_rng(seed).normal(0, 0.01, (800, 25))
        noise.append(backtest_overfitting(draws, blocks=8).probability)
        draws[:, 3] += 0.002
        honest.append(backtest_overfitting(draws, blocks=8).probability)
    assert 0.4 < np.mean(noise) < 0.6 and max(honest) < 0.2


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
