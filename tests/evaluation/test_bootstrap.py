"""Intervals: their coverage, their blocks, pairing, and what they refuse."""

import math

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.evaluation.bootstrap import (
    Interval,
    block_length,
    bootstrap_interval,
    drawdown_interval,
    sharpe_difference_interval,
    sharpe_interval,
    stationary_rows,
)
from regime.performance import max_drawdown, sharpe_ratio


def series(values):
    return pd.Series(
        values, index=pd.bdate_range("2000-01-03", periods=len(values), name="date"), dtype=float
    )


def normals(seed, days=500, mean=0.0005):
    return series(np.random.default_rng(seed).normal(mean, 0.01, days))


def persistent(seed, days=1000):
    """Calm and wild years in runs."""
    rng = np.random.default_rng(seed)
    shocks, level = rng.normal(0, 0.2, days), np.zeros(days)
    for t in range(1, days):
        level[t] = 0.97 * level[t - 1] + shocks[t]
    return series(rng.normal(0.0003, 0.01, days) * np.exp(level))


def test_it_covers_at_about_its_level():
    truth = 0.05 * math.sqrt(252)
    caught = 0
    for seed in range(120):
        found = sharpe_interval(normals(seed), draws=150, seed=seed, block=1)
        caught += found.low <= truth <= found.high
    assert 98 <= caught <= 116  # 90 % of 120 is 108, give or take 2.4 standard deviations


def test_estimate_is_the_figure_and_lies_within():
    returns, cash = normals(1), normals(2, mean=0.0) / 100
    found = sharpe_interval(returns, cash, draws=200)
    assert found.estimate == sharpe_ratio(returns, cash) and found.low < found.estimate < found.high
    assert found.above_zero == (found.low > 0) and (found.level, found.draws) == (0.9, 200)
    wider = sharpe_interval(returns, cash, draws=200, level=0.99)
    assert wider.low < found.low and wider.high > found.high


def test_the_seed_is_the_interval():
    assert sharpe_interval(normals(1), draws=50, seed=3) == sharpe_interval(
        normals(1), draws=50, seed=3
    )
    assert sharpe_interval(normals(1), draws=50, seed=3) != sharpe_interval(
        normals(1), draws=50, seed=4
    )


def test_any_statistic_of_several_series_drawn_together():
    ours, theirs = normals(1), normals(2)
    found = bootstrap_interval(
        lambda a, b: float(np.abs(a - b).max()), ours, ours + 0.01, name="gap", draws=20
    )
    assert (found.estimate, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01))
    mean = bootstrap_interval(lambda a, b: float((a - b).mean()), ours, theirs, draws=400, block=1)
    spread = (ours - theirs).std() / math.sqrt(len(ours))
    assert mean.high - mean.low == pytest.approx(2 * 1.645 * spread, rel=0.15)


def test_pairing_takes_out_what_moves_both():
    market = normals(5, days=1500)
    ours = market + normals(6, days=1500, mean=0.0004) * 0.1
    pair = sharpe_difference_interval(ours, market, draws=300)
    assert pair.above_zero and pair.estimate == pytest.approx(
        sharpe_ratio(ours) - sharpe_ratio(market)
    )
    alone = sharpe_interval(ours, draws=300)
    assert pair.high - pair.low < 0.3 * (alone.high - alone.low)
    same = sharpe_difference_interval(ours, ours, draws=30)
    assert (same.estimate, same.low, same.high) == (0, 0, 0) and not same.above_zero


def test_drawdown_of_other_histories():
    returns = normals(3, days=1500)
    found = drawdown_interval(returns, draws=200)
    assert found.estimate == max_drawdown(returns) and -1 < found.low < found.high < 0


def test_blocks_grow_with_dependence_of_returns_and_of_their_size():
    assert block_length(normals(1, days=2000).to_numpy()) <= 10
    wild = persistent(1, days=2000).to_numpy()
    assert block_length(wild) > 20
    drifting = np.cumsum(np.random.default_rng(0).normal(size=2000)) * 1e-3
    assert (
        block_length(drifting) > 50
        and block_length(normals(1, days=2000).to_numpy(), drifting) > 50
    )
    assert block_length(np.ones(100)) == 1 and block_length(np.tile([1.0, -1.0], 50)) >= 1


def test_rows_come_in_blocks_of_the_mean_length():
    rows = np.array(list(stationary_rows(1000, block=20, draws=100, seed=1)))
    assert rows.shape == (100, 1000) and rows.min() >= 0 and rows.max() <= 999
    breaks = np.mean((np.diff(rows, axis=1) != 1) & (np.diff(rows, axis=1) != -999))
    assert 1 / breaks == pytest.approx(20, rel=0.1)
    assert (
        np.bincount(rows.ravel(), minlength=1000).std() < 20
    )  # the ends wrap: no session is favoured


def test_a_statistic_that_no_draw_defines_has_no_interval():
    found = sharpe_interval(series([0.001] * 60), draws=10)
    assert (
        math.isnan(found.estimate)
        and math.isnan(found.low)
        and math.isnan(found.high)
        and not found.above_zero
    )


def test_sentence():
    found = Interval(
        name="Sharpe ratio", estimate=0.6349, low=-0.1, high=1.0, level=0.95, block=7, draws=10
    )
    assert str(found) == "Sharpe ratio 0.63 (95% interval -0.10 to 1.00, blocks of 7 sessions)."


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sharpe_interval(normals(1, days=19)), "a bootstrap needs 20 sessions, got 19"),
        (lambda: bootstrap_interval(np.mean), "needs 20 sessions, got 0"),
        (lambda: sharpe_interval(normals(1), level=1.0), r"level 1.0 must lie in \(0, 1\)"),
        (lambda: sharpe_interval(normals(1), draws=0), "draws 0"),
        (lambda: sharpe_interval(normals(1), block=0), "block 0"),
        (
            lambda: sharpe_difference_interval(normals(1), normals(1)[1:]),
            "`theirs` must have the dates",
        ),
        (
            lambda: bootstrap_interval(np.corrcoef, normals(1), normals(1)[1:].rename("vix")),
            "`vix` must have the dates",
        ),
        (lambda: sharpe_interval(normals(1).where(lambda r: r > 0)), "a gap is not a zero"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(InvalidDataError, match=message):
        call()
