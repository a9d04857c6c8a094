"""DrawdownStop and ReentryOnTrend: by hand, and against definitions that look at whole paths."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError, InvalidDataError
from regime.rules.price_rules import DrawdownStop, ReentryOnTrend
from regime.rules.stack import RuleStack
from regime.rules.threshold import Threshold

NAN = math.nan
SEEDS = st.integers(0, 10**6)
LAW = settings(max_examples=80, deadline=None)


def closes(values):
    return pd.DataFrame(
        {"price": values}, index=pd.bdate_range("2024-01-01", periods=len(values), name="date")
    )


def path(seed, days=120):
    rng = np.random.default_rng(seed)
    drift = np.repeat(rng.normal(0, 0.015, days // 8 + 1), 8)[:days]
    return 100 * np.exp(np.cumsum(drift + rng.normal(0, 0.01, days)))


def proposals(seed, days=120):
    """Stays of a few sessions, fully in about half the time."""
    rng = np.random.default_rng(seed + 1)
    levels = np.where(rng.random(days) < 0.4, 1.0, rng.choice([0.0, 0.25, 0.5, 0.8], days))
    return np.repeat(levels, rng.integers(1, 15, days))[:days]


def stepped(rule, prices, proposed):
    state, held = rule.start(), []
    for price, exposure in zip(prices, proposed, strict=True):
        state, answer = rule.step(state, {"price": price}, exposure)
        held.append(answer)
    return held


def stop_by_search(prices, depth, regained):
    """In from `start` until the first close a `depth` below the highest since.

    Out until the first that is back.
    """
    held, start = np.ones(len(prices)), 0
    while start < len(prices):
        highs = np.maximum.accumulate(prices[start:])
        stops = np.flatnonzero(prices[start:] <= highs * (1 - depth))
        if not stops.size:
            break
        left, high = start + stops[0], highs[stops[0]]
        lows = np.minimum.accumulate(prices[left:])
        back = np.flatnonzero(prices[left:] >= np.minimum(high, lows + regained * (high - lows)))
        start = left + back[0] if back.size else len(prices)
        held[left:start] = 0.0
    return held.tolist()


@given(seed=SEEDS, depth=st.floats(0.01, 0.4), regained=st.floats(0.05, 1.0))
@LAW
def test_the_stop_is_what_a_search_over_the_path_finds(seed, depth, regained):
    prices = path(seed)
    held = DrawdownStop(depth=depth, regained=regained)(closes(prices))
    assert held.tolist() == stop_by_search(prices, depth, regained)


def test_the_stop_by_hand():
    rule = DrawdownStop(depth=0.1, regained=0.5)
    # High 100, out at 90, low 80: half of 20 is won back at 90; from there the next stop is 81.
    assert rule(closes([100, 91, 90, 80, 89, 90, 82, 81, 85, 85.5])).tolist() == [
        1,
        1,
        0,
        0,
        0,
        1,
        1,
        0,
        0,
        1,
    ]
    # Any higher close is a new high, here 100.01: out at 90.009, half of 10.01 back at 95.005.
    assert rule(closes([100, 100.01, 90.01, 90.0, 95.0, 95.005])).tolist() == [1, 1, 1, 0, 0, 1]
    assert DrawdownStop(depth=0.1, regained=1.0)(closes([0.3, 0.1, 0.2999, 0.3])).tolist() == [
        1,
        0,
        0,
        1,
    ]


def test_the_stop_passes_on_what_is_proposed_while_in():
    rule = DrawdownStop(depth=0.1, regained=0.5)
    assert stepped(rule, [100, 100, 80, 100], [0.5, 0.7, 0.7, 0.2]) == [0.5, 0.7, 0.0, 0.2]


def test_the_stop_keeps_its_state_while_the_price_is_missing():
    rule = DrawdownStop(depth=0.1, regained=0.5)
    assert rule(closes([NAN, 100, NAN, 90, NAN, 95, NAN])).tolist() == [1, 1, 1, 0, 0, 1, 1]


def lift_by_definition(rule, prices, proposed):
    """Exposure at each close, from the whole path up to it and without any carried state."""
    average = pd.Series(prices).ewm(halflife=rule.halflife, adjust=False).mean().to_numpy()
    above, away = prices > average, proposed < rule.exposure
    return [
        _lift_at(rule, t, prices[: t + 1], proposed[: t + 1], above, away)
        for t in range(len(prices))
    ]


def _lift_at(rule, t, prices, proposed, above, away):
    if not away[t]:
        return proposed[t]
    exits = max(i for i in range(t + 1) if away[i] and (i == 0 or not away[i - 1]))
    alarm = max(
        i for i in range(exits, t + 1) if i == exits or proposed[i] < proposed[exits:i].min()
    )
    returned = max([i for i in range(1, exits) if away[i - 1] and not away[i]], default=0)
    stretch = max([i for i in range(t + 1) if not above[i]], default=-1) + 1
    first = max(alarm + 1, stretch)  # counted from here
    for u in range(first + rule.confirm - 1, t + 1):
        seen = prices[returned : u + 1]
        high = len(seen) - 1 - int(seen[::-1].argmax())
        if prices[u] >= seen[high:].min() + rule.regained * (seen[high] - seen[high:].min()):
            share = min(t - u + 1, rule.fade) / rule.fade
            return proposed[t] * (1 - share) + rule.exposure * share
    return proposed[t]


@given(
    seed=SEEDS,
    halflife=st.floats(0.5, 15.0),
    confirm=st.integers(1, 5),
    regained=st.floats(0.0, 1.0),
    exposure=st.sampled_from([1.0, 0.6]),
    fade=st.integers(1, 4),
)
@LAW
def test_the_lift_is_what_its_definition_says(seed, halflife, confirm, regained, exposure, fade):
    rule = ReentryOnTrend(
        halflife=halflife, confirm=confirm, regained=regained, exposure=exposure, fade=fade
    )
    prices, proposed = path(seed), proposals(seed)
    assert stepped(rule, prices, proposed) == pytest.approx(
        lift_by_definition(rule, prices, proposed), abs=1e-12
    )


@given(seed=SEEDS, fade=st.integers(1, 4), exposure=st.floats(0.1, 1.0))
@LAW
def test_a_lift_only_adds_and_never_past_its_exposure(seed, fade, exposure):
    proposed = proposals(seed)
    held = np.array(stepped(ReentryOnTrend(exposure=exposure, fade=fade), path(seed), proposed))
    assert (held >= proposed - 1e-15).all()
    assert (held <= np.maximum(proposed, exposure)).all()


V = [100, 100, 90, 80, 70, 80, 90, 100, 100]
# The average with a halflife of one session: 100 100 95 87.5 78.75 79.375 84.69 92.34 96.17.
ALARM = [0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1]


def v_shaped(**parameters):
    stack = RuleStack(Threshold(level=0.5), ReentryOnTrend(halflife=1.0, **parameters))
    return stack(closes([float(close) for close in V]).assign(deleveraging=ALARM))


def test_a_v_is_re_entered_on_the_session_that_the_hand_finds():
    assert v_shaped(confirm=1).tolist() == [1, 1, 0, 0, 0, 1, 1, 1, 1]
    exposure = v_shaped(confirm=2)
    assert exposure.tolist() == [1, 1, 0, 0, 0, 0, 1, 1, 1]
    assert exposure.index[exposure.diff() > 0].tolist() == [pd.Timestamp("2024-01-09")]


def test_a_v_waits_for_its_share_of_the_fall():
    # Of the 30 from 100 to 70, 80 has won back a third and 90 two thirds.
    assert v_shaped(confirm=1, regained=0.3).tolist() == [1, 1, 0, 0, 0, 1, 1, 1, 1]
    assert v_shaped(confirm=1, regained=0.5).tolist() == [1, 1, 0, 0, 0, 0, 1, 1, 1]
    assert v_shaped(confirm=1, regained=0.7).tolist() == [1, 1, 0, 0, 0, 0, 0, 1, 1]


def test_a_lift_fades_in_and_ends_at_once():
    assert v_shaped(confirm=1, fade=4).tolist() == [1, 1, 0, 0, 0, 0.25, 0.5, 0.75, 1]
    assert stepped(
        ReentryOnTrend(halflife=1.0, confirm=1, fade=2), [100, 90, 100, 101, 90], [1, 0, 0, 0, 0]
    ) == [1, 0, 0.5, 1, 0]


def test_an_alarm_in_a_rising_market_is_obeyed_first():
    rule, rising = ReentryOnTrend(halflife=1.0, confirm=2), [100, 101, 102, 103, 104, 105]
    assert stepped(rule, rising, [1, 1, 0, 0, 0, 0]) == [1, 1, 0, 0, 1, 1]
    # A second member of a blend leaves while the first is lifted: that is a new alarm.
    assert stepped(rule, rising, [1, 0.5, 0.5, 0.5, 0, 0]) == [1, 0.5, 0.5, 1, 0, 0]


def test_a_partial_return_and_a_second_leave_is_no_new_alarm():
    rule, rising = ReentryOnTrend(halflife=1.0, confirm=1), [100, 101, 102, 103, 104, 105]
    assert stepped(rule, rising, [1, 0, 0, 0.5, 0, 0]) == [1, 0, 1, 1, 1, 1]


def test_a_rally_that_fails_is_left_at_the_average():
    rule = ReentryOnTrend(halflife=1.0, confirm=1)
    # Averages 100 90 95 87.5 86.25.
    assert stepped(rule, [100, 80, 100, 80, 85], [1, 0, 0, 0, 0]) == [1, 0, 1, 0, 0]


def test_each_absence_is_judged_by_its_own_fall():
    rule = ReentryOnTrend(halflife=1.0, confirm=1, regained=0.5)
    # The rules are back at 60: from there the fall is 60 to 50, half of it 55, not the 75 of 100 to
    # 50. The average is 58.875 in the end.
    assert stepped(rule, [100, 50, 60, 50, 59], [1, 0, 1, 0, 0]) == [1, 0, 1, 0, 1]
    assert stepped(rule, [100, 50, 60, 50, 59], [1, 0, 0, 0, 0]) == [1, 0, 0, 0, 0]


def test_a_missing_price_neither_lifts_nor_ends_a_lift():
    rule = ReentryOnTrend(halflife=1.0, confirm=2)
    held = stepped(rule, [100, 80, 100, NAN, 101, NAN, 70], [1, 0, 0, 0, 0, 0, 0])
    assert held == [1, 0, 0, 0, 1, 1, 0]
    assert stepped(rule, [NAN, NAN, 100], [1, 0.3, 0.3]) == [1, 0.3, 0.3]
    assert stepped(rule, [100, NAN, 100, 101, 102], [1, 0, 0, 0, 0]) == [1, 0, 0, 0, 1]


def test_what_a_price_may_be():
    with pytest.raises(
        InvalidDataError, match=r"2024-01-02: `price` is 0.0, must be finite and above 0"
    ):
        DrawdownStop()(closes([100.0, 0.0]))
    with pytest.raises(InvalidDataError, match=r"`price` is -1.0"):
        ReentryOnTrend()(closes([-1.0]))
    with pytest.raises(InvalidDataError, match="column `price` is absent"):
        DrawdownStop().step(DrawdownStop().start(), {}, 1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DrawdownStop(depth=0.0), r"^depth: must lie in \(0, 1\), got 0.0"),
        (lambda: DrawdownStop(depth=1.0), "^depth: "),
        (lambda: DrawdownStop(regained=0.0), r"^regained: must lie in \(0, 1\], got 0.0"),
        (lambda: DrawdownStop(regained=NAN), "^regained: "),
        (
            lambda: ReentryOnTrend(halflife=0.0),
            "^halflife: must be a number of sessions above 0, got 0.0",
        ),
        (lambda: ReentryOnTrend(halflife=math.inf), "^halflife: "),
        (lambda: ReentryOnTrend(confirm=0), "^confirm: must be at least 1, got 0"),
        (lambda: ReentryOnTrend(fade=0), "^fade: must be at least 1, got 0"),
        (lambda: ReentryOnTrend(regained=1.1), r"^regained: must lie in \[0, 1\], got 1.1"),
        (lambda: ReentryOnTrend(exposure=0.0), r"^exposure: must lie in \(0, 1\], got 0.0"),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_sentences():
    assert str(ReentryOnTrend(halflife=5, confirm=1, regained=0.25, exposure=0.5, fade=4)) == (
        "lifted to 0.5 over 4 sessions after a close above the price's average (halflife 5) with "
        "25 % of the fall "
        "won back, until one that is not"
    )
