"""Adaptive conformal sets.

The update, its identity, delays, and that one day live is the whole history.
"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.config import build
from regime.errors import ConfigError, InvalidDataError
from regime.models.conformal import AdaptiveConformal, ConformalState
from regime.schema import REGIMES, Labels

N = 600
INDEX = pd.bdate_range("2000-01-03", periods=N, name="date")


def sample(seed, delay, n=N, sharp=1.0):
    """Forecasts of four regimes, what came, and when that was known; the last are never known."""
    rng = np.random.default_rng(seed)
    odds = sharp * rng.standard_normal((n, 4)).cumsum(axis=0) * 0.3
    p = np.exp(odds - odds.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    came = np.array([rng.choice(4, p=row) for row in p])
    known_at = np.arange(n) + rng.integers(0, delay + 1, n)
    weights = np.where(known_at[:, None] < n, np.eye(4)[came], np.nan)
    index = INDEX[:n]
    when = pd.Series(index[np.minimum(known_at, n - 1)].where(known_at < n), index)
    return (
        pd.DataFrame(p, index, columns=list(REGIMES)),
        came,
        known_at,
        Labels(
            weights=pd.DataFrame(weights, index, columns=list(REGIMES)),
            span_end=when,
            known_at=when,
        ),
    )


def cut(labels, t):
    known = labels.known_by(labels.weights.index[t - 1]).to_numpy()
    return Labels(
        weights=labels.weights.where(np.tile(known[:, None], 4)).iloc[:t],
        span_end=labels.span_end.where(known).iloc[:t],
        known_at=labels.known_at.where(known).iloc[:t],
    )


def by_hand(conformal, p, came, known_at):
    """The paper's recursion with delayed labels, written as loops over positions."""
    target, scores, rows, open_ = 1 - conformal.coverage, [], [], []
    for t in range(len(p)):
        for s in [s for s in open_ if known_at[s] <= t]:
            threshold, score = rows[s][0], 1 - p[s][came[s]]
            target += conformal.rate * ((1 - conformal.coverage) - (score > threshold))
            scores.append(score)
            open_.remove(s)
        pool = sorted(scores[-conformal.window :])
        rank = math.ceil((len(pool) + 1) * (1 - target) - 1e-9)
        threshold = -math.inf if rank < 1 else math.inf if rank > len(pool) else pool[rank - 1]
        rows.append((threshold, target))
        open_.append(t)
    return rows


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    delay=st.sampled_from([0, 1, 40, 300]),
    coverage=st.sampled_from([0.5, 0.8, 0.95]),
    rate=st.sampled_from([0.0, 0.005, 0.1]),
    window=st.sampled_from([1, 50, 1000]),
)
def test_history_equals_the_recursion_by_hand(seed, delay, coverage, rate, window):
    p, came, known_at, labels = sample(seed, delay, 250)
    conformal = AdaptiveConformal(coverage=coverage, rate=rate, window=window)
    table = conformal(p, labels)
    expected = by_hand(conformal, p.to_numpy(), came, known_at)
    assert table["threshold"].tolist() == [row[0] for row in expected]
    np.testing.assert_allclose(
        table["target_miscoverage"], [row[1] for row in expected], atol=1e-12
    )
    assert (
        table[list(REGIMES)].to_numpy()
        == (1 - p.to_numpy() <= table["threshold"].to_numpy()[:, None])
    ).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), delay=st.integers(0, 200), t=st.integers(1, 250))
def test_cut_history_gives_equal_bits(seed, delay, t):
    p, _, _, labels = sample(seed, delay, 250)
    conformal = AdaptiveConformal(rate=0.02)
    whole, short = conformal(p, labels), conformal(p.iloc[:t], cut(labels, t))
    assert whole.iloc[:t].to_numpy(dtype=float).tobytes() == short.to_numpy(dtype=float).tobytes()


def test_a_regime_not_known_yet_changes_nothing():
    p, _, known_at, labels = sample(3, 60, 250)
    late = labels.weights.copy()
    late[known_at > 150] = late[known_at > 150][list(REGIMES[::-1])].to_numpy()
    other = Labels(weights=late, span_end=labels.span_end, known_at=labels.known_at)
    conformal = AdaptiveConformal(rate=0.02)
    one, two = conformal(p, labels), conformal(p, other)
    pd.testing.assert_frame_equal(one.iloc[:151], two.iloc[:151])
    assert not one.equals(two)


def test_one_day_live_is_the_whole_history():
    p, _, known_at, labels = sample(5, 30, 250)
    conformal = AdaptiveConformal(coverage=0.8, rate=0.02, window=100)
    table, state, regimes = conformal(p, labels), conformal.start(), labels.regime.tolist()
    for t, date in enumerate(p.index):
        # Live, all known regimes are passed; those revealed before have no pending set and are
        # passed over.
        revealed = {p.index[s]: regimes[s] for s in range(t) if known_at[s] <= t}
        before = state
        state, made = conformal.step(state, date, p.iloc[t].to_numpy(), revealed)
        assert (
            made.contains == tuple(table.iloc[t][list(REGIMES)])
            and made.threshold == table["threshold"].iloc[t]
        )
        assert len(before.pending) <= t  # the state before is not touched
    assert len(state.scores) == 100 and {one.date for one in state.pending} == set(
        p.index[(known_at > 249) | (np.arange(250) == 249)]
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000), delay=st.integers(0, 100), rate=st.sampled_from([0.001, 0.02, 0.2])
)
def test_misses_differ_from_the_target_by_what_the_target_has_moved(seed, delay, rate):
    p, came, known_at, labels = sample(seed, delay, 250)
    conformal = AdaptiveConformal(coverage=0.8, rate=rate)
    table = conformal(p, labels)
    learned = np.flatnonzero((known_at <= 249) & (np.arange(250) < 249))
    held = table[list(REGIMES)].to_numpy()[learned, came[learned]]
    moved = (0.2 - table["target_miscoverage"].iloc[-1]) / (rate * len(learned))
    assert (~held).mean() - 0.2 == pytest.approx(moved, abs=1e-9)
    # The bound of the paper, with the delay that it leaves out: the target can move on while a
    # label is awaited.
    assert abs((~held).mean() - 0.2) <= (0.8 + rate * (1 + delay)) / (rate * len(learned)) + 1e-9


def test_coverage_is_reached_with_a_forecast_that_is_much_too_sure():
    p, came, _, labels = sample(2, 20, sharp=0.3)
    sure = p**4
    sure = sure.div(sure.sum(axis=1), axis=0)
    table = AdaptiveConformal(coverage=0.9, rate=0.02)(sure, labels)
    held = table[list(REGIMES)].to_numpy()[np.arange(N), came]
    assert held.mean() == pytest.approx(0.9, abs=0.04)
    likelier = (sure.to_numpy() > sure.to_numpy()[np.arange(N), came][:, None]) * sure.to_numpy()
    trusted = (
        likelier.sum(axis=1) < 0.9
    )  # the likeliest regimes up to nine tenths, as the model says itself
    assert trusted.mean() < 0.85


def test_sets_are_all_at_first_and_may_become_nothing():
    p, _, _, labels = sample(1, 10, 50)
    table = AdaptiveConformal()(p, labels)
    assert table.iloc[0][list(REGIMES)].all() and table["threshold"].iloc[0] == math.inf
    greedy = AdaptiveConformal(coverage=0.1, rate=0.5)
    state = ConformalState(target_miscoverage=1.2, scores=(0.2, 0.3))
    assert not any(greedy.step(state, INDEX[0], [0.7, 0.1, 0.1, 0.1], {})[1].contains)
    careful = ConformalState(target_miscoverage=-0.1, scores=(0.2, 0.3))
    assert all(greedy.step(careful, INDEX[0], [1.0, 0.0, 0.0, 0.0], {})[1].contains)


def test_labels_that_begin_earlier_teach_only_what_was_forecast():
    p, _, _, labels = sample(4, 10, 250)
    late = p.iloc[100:]
    same = AdaptiveConformal()(
        late,
        Labels(
            weights=labels.weights.iloc[100:],
            span_end=labels.span_end.iloc[100:],
            known_at=labels.known_at.iloc[100:],
        ),
    )
    pd.testing.assert_frame_equal(AdaptiveConformal()(late, labels), same)


def test_what_cannot_be_used_is_refused():
    p, _, _, labels = sample(1, 10, 50)
    with pytest.raises(InvalidDataError, match="a probability is missing"):
        AdaptiveConformal()(p.where(p["calm"] < 0.5), labels)
    with pytest.raises(InvalidDataError, match="the labels lack a session"):
        AdaptiveConformal()(p, cut(labels, 40))


@pytest.mark.parametrize(
    "bad", [{"coverage": 1.0}, {"coverage": 0.0}, {"rate": -0.1}, {"window": 0}]
)
def test_arguments_out_of_range_are_named(bad):
    with pytest.raises(ConfigError, match=f"^{next(iter(bad))}: "):
        AdaptiveConformal(**bad)


def test_constructor_is_the_config_schema():
    assert build(AdaptiveConformal, {"coverage": 0.8}, "x.yaml") == AdaptiveConformal(coverage=0.8)
