"""Each rule by example, and the laws that all of them keep."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError, InvalidDataError
from regime.rules.base import check_signals
from regime.rules.overlays import CapStep, Cooldown, Floor, MinimumHold, VolatilityTarget
from regime.rules.stack import Blend, RuleStack
from regime.rules.threshold import Hysteresis, Ramp, Threshold
from regime.schema import REGIMES

NAN = math.nan
RULES = [
    Threshold(level=0.5),
    Threshold(level=0.6, regimes=("fragile", "deleveraging"), halflife=3),
    Hysteresis(enter=0.6, leave=0.4),
    Hysteresis(enter=0.6, leave=0.4, halflife=8),
    Ramp(low=0.2, high=0.7),
    MinimumHold(days=4),
    Cooldown(days=4),
    Floor(least=0.2),
    CapStep(per_day=0.25),
    VolatilityTarget(target=0.12, cap=0.9),
    RuleStack(
        Hysteresis(enter=0.6, leave=0.4),
        MinimumHold(days=5),
        CapStep(per_day=0.25),
        VolatilityTarget(),
    ),
    RuleStack(Hysteresis(enter=0.6, leave=0.4), Cooldown(days=5), Floor(least=0.1)),
    Blend(
        Threshold(level=0.3),
        RuleStack(Ramp(low=0.1, high=0.8), MinimumHold(days=3)),
        Threshold(level=0.8),
    ),
]
IDS = [str(rule) for rule in RULES]


def signals(deleveraging, volatility=None):
    dates = pd.bdate_range("2024-01-01", periods=len(deleveraging), name="date")
    p = np.asarray(deleveraging, dtype=float)
    rest = (1 - p) / 2
    table = pd.DataFrame(
        {"calm": rest, "fragile": rest, "deleveraging": p, "recovery": 0 * p}, index=dates
    )
    return table.assign(volatility=0.15 if volatility is None else volatility)


def random_signals(seed, days=80):
    """Persistent probabilities and volatilities with holes, each column with its own."""
    rng = np.random.default_rng(seed)
    raw = np.exp(np.cumsum(rng.normal(0, 0.5, (days, 4)), axis=0))
    dates = pd.bdate_range("2024-01-01", periods=days, name="date")
    table = pd.DataFrame(raw / raw.sum(axis=1, keepdims=True), index=dates, columns=list(REGIMES))
    table["volatility"] = rng.gamma(4, 0.04, days)
    return table.mask(rng.random(table.shape) < 0.15)


def answers(rule, proposed):
    """What a rule that reads no signal makes of one proposal after another."""
    state, held = rule.start(), []
    for exposure in proposed:
        state, answer = rule.step(state, {}, exposure)
        held.append(answer)
    return held


def exposures(rule, *args, **kwargs):
    return rule(signals(*args, **kwargs)).tolist()


@pytest.mark.parametrize("rule", RULES, ids=IDS)
@pytest.mark.parametrize("seed", range(5))
def test_history_equals_days_lived_through_with_the_state_on_disk(rule, seed):
    table = random_signals(seed)
    state, lived = rule.start(), []
    for _, row in table.iterrows():
        state, exposure = rule.step(json.loads(json.dumps(state)), row, 1.0)
        lived.append(exposure)
    assert rule(table).tolist() == lived


@pytest.mark.parametrize("rule", RULES, ids=IDS)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 79))
@settings(max_examples=15, deadline=None)
def test_every_exposure_is_a_fraction_and_knows_nothing_of_tomorrow(rule, seed, cut):
    table = random_signals(seed)
    exposure = rule(table)
    assert exposure.between(0, 1).all()
    assert exposure.index.equals(table.index)
    assert exposure.name == "exposure"
    assert rule(table[:cut]).equals(exposure[:cut])


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_lost_feed_keeps_what_is_held(rule):
    table = random_signals(3)
    dead = table.copy()
    dead.iloc[40:] = NAN
    exposure = rule(dead)
    settled = exposure.iloc[40 + 12 :]  # a hold or a step that was under way may still finish
    assert settled.nunique() == 1
    assert (rule(dead * NAN) == rule(dead * NAN).iloc[0]).all()


def test_threshold():
    assert exposures(Threshold(level=0.5), [0.1, 0.5, NAN, 0.49, NAN]) == [1, 0, 0, 1, 1]


def test_threshold_on_the_sum_of_two_regimes():
    # signals() puts half of the rest on fragile: .2 -> .2 + .4, .0 -> .5.
    assert exposures(Threshold(level=0.6, regimes=("deleveraging", "fragile")), [0.0, 0.2]) == [
        1,
        0,
    ]


def test_hysteresis_stays_out_between_its_levels():
    path = [0.5, 0.6, 0.5, 0.4, 0.39, 0.59, NAN, 0.7, NAN, 0.3]
    assert exposures(Hysteresis(enter=0.6, leave=0.4), path) == [1, 0, 0, 0, 1, 1, 1, 0, 0, 1]


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_equal_levels_make_a_threshold(seed):
    table = random_signals(seed)
    assert Hysteresis(enter=0.5, leave=0.5)(table).equals(Threshold(level=0.5)(table))


def test_smoothing_is_the_exponential_average():
    table = random_signals(11).ffill().bfill()
    smooth = table["deleveraging"].ewm(halflife=8, adjust=False).mean()
    assert Threshold(level=0.3, halflife=8)(table).tolist() == (smooth < 0.3).astype(float).tolist()


def test_ramp():
    assert exposures(Ramp(low=0.2, high=0.6), [0.1, 0.2, 0.4, NAN, 0.6, 0.9]) == pytest.approx(
        [1, 1, 0.5, 0.5, 0, 0]
    )


def test_minimum_hold_by_hand():
    stack = RuleStack(Threshold(level=0.5), MinimumHold(days=3))
    assert exposures(stack, [0.9, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.1]) == [0, 0, 0, 1, 1, 1, 0, 0]
    assert exposures(RuleStack(Threshold(level=0.5), MinimumHold(days=1)), [0.9, 0.1, 0.9]) == [
        0,
        1,
        0,
    ]


@given(st.integers(0, 10**6), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_minimum_hold_law(seed, days):
    exposure = RuleStack(Threshold(level=0.3), MinimumHold(days=days))(random_signals(seed))
    runs = exposure.groupby((exposure.diff() != 0).cumsum()).size()
    assert (runs.iloc[1:-1] >= days).all()


def test_cooldown_by_hand():
    proposed = [0.5, 1.0, 1.0, 0.2, 1.0, 1.0, 1.0, 0.9]
    assert answers(Cooldown(days=2), proposed) == [0.5, 0.5, 0.5, 0.2, 0.2, 0.2, 1.0, 0.9]
    assert answers(Cooldown(days=0), proposed) == proposed
    # A hold of the same length would have kept 1 for its sessions, and so delayed the second cut.
    assert answers(Cooldown(days=2), [0.0, 1.0, 1.0, 1.0, 0.0]) == [0, 0, 0, 1, 0]
    assert answers(MinimumHold(days=3), [0.0, 1.0, 1.0, 1.0, 0.0]) == [0, 0, 0, 1, 1]


@given(st.integers(0, 10**6), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_cooldown_is_what_its_definition_says(seed, days):
    proposed = np.random.default_rng(seed).choice([0.0, 0.3, 0.6, 1.0], 80)
    held = np.r_[
        1.0, answers(Cooldown(days=days), proposed.tolist())
    ]  # fully invested the day before the first
    cut = np.r_[False, np.diff(held) < 0]
    for t, wanted in enumerate(proposed, start=1):
        waits = wanted > held[t - 1] and cut[max(t - days, 0) : t].any()
        assert held[t] == (held[t - 1] if waits else wanted)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_floor_lifts_what_is_below_it_and_nothing_else(proposed, least):
    assert answers(Floor(least=least), proposed) == np.clip(proposed, least, None).tolist()


@given(st.integers(0, 10**6), st.floats(0.01, 1.0))
@settings(max_examples=40, deadline=None)
def test_cap_step_law(seed, per_day):
    exposure = RuleStack(Threshold(level=0.3), CapStep(per_day=per_day))(random_signals(seed))
    assert np.abs(np.diff(np.r_[1.0, exposure])).max() <= per_day + 1e-12


def test_cap_step_walks_all_the_way():
    assert exposures(
        RuleStack(Threshold(level=0.5), CapStep(per_day=0.4)), [0.9] * 4 + [0.1] * 2
    ) == pytest.approx([0.6, 0.2, 0.0, 0.0, 0.4, 0.8])


def test_volatility_target():
    volatility = [NAN, 0.24, 0.06, NAN, 0.0, 0.48]
    assert exposures(VolatilityTarget(target=0.12), [0.0] * 6, volatility) == [
        1,
        0.5,
        1,
        1,
        1,
        0.25,
    ]
    assert exposures(VolatilityTarget(target=0.12, cap=0.5), [0.0] * 6, volatility) == [
        0.5,
        0.5,
        0.5,
        0.5,
        0.5,
        0.25,
    ]


def test_overlay_scales_what_is_proposed():
    stack = RuleStack(Ramp(low=0.0, high=1.0), VolatilityTarget(target=0.12))
    assert exposures(stack, [0.5, 0.0], [0.24, 0.24]) == [0.25, 0.5]


def test_blend_is_the_mean():
    table = random_signals(5)
    rules = [Threshold(level=0.2), Hysteresis(enter=0.5, leave=0.3), Ramp(low=0.1, high=0.9)]
    mean = sum(rule(table) for rule in rules) / 3
    pd.testing.assert_series_equal(Blend(*rules)(table), mean, check_names=False, rtol=1e-12)


def test_stack_of_one_is_that_rule_and_nesting_changes_nothing():
    table, parts = (
        random_signals(6),
        (Hysteresis(enter=0.5, leave=0.3), MinimumHold(days=3), CapStep(per_day=0.5)),
    )
    flat = RuleStack(*parts)(table)
    assert RuleStack(RuleStack(*parts[:2]), parts[2])(table).equals(flat)
    assert RuleStack(parts[0])(table).equals(parts[0](table))


def test_needs_are_listed_once_in_order():
    stack = RuleStack(
        Threshold(level=0.5),
        Blend(Ramp(low=0.1, high=0.5, regimes=("fragile",)), Threshold(level=0.4)),
        VolatilityTarget(),
    )
    assert stack.needs == ("deleveraging", "fragile", "volatility")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Threshold(level=1.2), r"^level: must lie in \[0, 1\], got 1.2"),
        (lambda: Threshold(level=NAN), "^level: "),
        (lambda: Threshold(level=0.5, regimes=()), "^regimes: name one or more"),
        (lambda: Threshold(level=0.5, regimes=("crash",)), "^regimes: .*crash"),
        (lambda: Threshold(level=0.5, regimes=("calm", "calm")), "^regimes: .*each once"),
        (lambda: Threshold(level=0.5, halflife=-1), "^halflife: "),
        (lambda: Hysteresis(enter=0.4, leave=0.6), "^leave: must not exceed enter = 0.4, got 0.6"),
        (lambda: Ramp(low=0.5, high=0.5), "^high: must exceed low"),
        (lambda: MinimumHold(days=0), "^days: must be at least 1, got 0"),
        (lambda: Cooldown(days=-1), "^days: must be 0 or more, got -1"),
        (lambda: Floor(least=1.5), r"^least: must lie in \[0, 1\], got 1.5"),
        (lambda: Floor(least=NAN), "^least: "),
        (lambda: CapStep(per_day=0.0), "^per_day: "),
        (lambda: VolatilityTarget(target=0.0), "^target: "),
        (lambda: VolatilityTarget(cap=1.5), "^cap: "),
        (lambda: VolatilityTarget(cap=0.0), "^cap: "),
        (lambda: RuleStack(), "^rules: must hold at least one"),
        (lambda: Blend(Threshold(level=0.5), 0.5), "^rules: must all be rules, got 0.5"),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_signals_that_break_their_range_are_refused_with_date_and_column():
    table = signals([0.1, 0.2, 0.3])
    with pytest.raises(
        InvalidDataError, match=r"2024-01-02: `deleveraging` is 1.2, must lie in \[0, 1\]"
    ):
        Threshold(level=0.5)(table.assign(deleveraging=[0.1, 1.2, 0.3]))
    with pytest.raises(InvalidDataError, match=r"2024-01-03: `volatility` is -0.1"):
        VolatilityTarget()(table.assign(volatility=[0.1, 0.1, -0.1]))
    with pytest.raises(InvalidDataError, match="be finite"):
        VolatilityTarget()(table.assign(volatility=[0.1, math.inf, 0.1]))


def test_a_column_that_never_existed_is_no_lost_feed():
    with pytest.raises(InvalidDataError, match="column `volatility` is absent"):
        VolatilityTarget()(signals([0.1]).drop(columns="volatility"))
    with pytest.raises(InvalidDataError, match="column `deleveraging` is absent"):
        Threshold(level=0.5).step(None, {"calm": 1.0}, 1.0)
    with pytest.raises(InvalidDataError, match="dates must rise"):
        check_signals(signals([0.1, 0.2]).iloc[::-1], ("calm",))
