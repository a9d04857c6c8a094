"""Rules from YAML and back: the constructor is the schema."""

import copy
import pickle

import pytest
import yaml

from regime import config
from regime.errors import ConfigError
from regime.rules.overlays import CapStep, Cooldown, Floor, MinimumHold, VolatilityTarget
from regime.rules.price_rules import DrawdownStop, ReentryOnTrend
from regime.rules.stack import Blend, RuleStack
from regime.rules.threshold import Hysteresis, Ramp, RegimeMap, Threshold

TEXT = """
rules:
  - Blend:
      rules:
        - Hysteresis: {enter: 0.6, leave: 0.4, halflife: 8}
        - RuleStack: {rules: [{Ramp: {low: 0.2, high: 0.7}}, {MinimumHold: {days: 5}}]}
  - CapStep: {per_day: 0.25}
  - VolatilityTarget
"""
RULE = RuleStack(
    Blend(
        Hysteresis(enter=0.6, leave=0.4, halflife=8.0),
        RuleStack(Ramp(low=0.2, high=0.7), MinimumHold(days=5)),
    ),
    CapStep(per_day=0.25),
    VolatilityTarget(),
)

LATE = """
rules:
  - RegimeMap: {fragile: 0.5, how: likeliest, halflife: 3}
  - ReentryOnTrend: {halflife: 8, confirm: 2, regained: 0.25, fade: 3}
  - DrawdownStop
  - Cooldown: {days: 7}
  - Floor: {least: 0.1}
"""
LATE_RULE = RuleStack(
    RegimeMap(fragile=0.5, how="likeliest", halflife=3.0),
    ReentryOnTrend(halflife=8.0, confirm=2, regained=0.25, fade=3),
    DrawdownStop(),
    Cooldown(days=7),
    Floor(least=0.1),
)


@pytest.mark.parametrize(("text", "rule"), [(TEXT, RULE), (LATE, LATE_RULE)])
def test_yaml_becomes_rules_of_rules(text, rule):
    assert config.build(RuleStack, yaml.safe_load(text), "test") == rule


@pytest.mark.parametrize("rule", [RULE, LATE_RULE])
def test_dump_builds_an_equal_rule_through_text(rule):
    text = yaml.safe_dump(config.dump(rule))
    assert config.build(RuleStack, yaml.safe_load(text), "test") == rule


@pytest.mark.parametrize(
    "rule",
    [
        Threshold(level=0.5, regimes=("fragile", "deleveraging")),
        Blend(Threshold(level=0.4), Threshold(level=0.6)),
    ],
)
def test_single_rules_round_trip(rule):
    assert config.build(type(rule), config.dump(rule), "test") == rule


def test_typos_are_answered_together():
    content = {"rules": [{"Hysteresis": {"enter": 0.6, "leaf": 0.4}}, {"MinHold": {"days": 5}}]}
    with pytest.raises(ConfigError) as caught:
        config.build(RuleStack, content, "us.yaml")
    text = str(caught.value)
    assert "us.yaml, rules[0].Hysteresis: unknown key `leaf`; did you mean `leave`?" in text
    assert "us.yaml, rules[1]: unknown class `MinHold`; did you mean `MinimumHold`?" in text


def test_a_value_out_of_range_names_its_place():
    with pytest.raises(
        ConfigError, match=r"us.yaml, rules\[0\].Threshold: level: must lie in \[0, 1\], got 2"
    ):
        config.build(RuleStack, {"rules": [{"Threshold": {"level": 2}}]}, "us.yaml")


def test_a_word_that_is_none_of_those_allowed_names_its_place():
    with pytest.raises(
        ConfigError, match=r"rules\[0\].RegimeMap.how: .*'expected' or 'likeliest', got `mean`"
    ):
        config.build(RuleStack, {"rules": [{"RegimeMap": {"how": "mean"}}]}, "us.yaml")


def test_rules_are_values():
    assert copy.deepcopy(RULE) == pickle.loads(pickle.dumps(RULE)) == RULE
    assert len({RULE, copy.deepcopy(RULE)}) == 1
    assert RuleStack(rules=RULE.rules) == RuleStack(*RULE.rules) == RULE
    with pytest.raises(AttributeError):
        RULE.rules = ()


def test_a_rule_reads_as_a_sentence():
    assert str(RULE) == (
        "the mean of 2 rules (out once P(deleveraging) (halflife 8) >= 0.6, back below 0.4 | "
        "from full at P(deleveraging) = 0.2 down to nothing at 0.7; each exposure kept at least 5 "
        "sessions); "
        "moved by at most 0.25 a session; scaled to a volatility of 12 % a year, at most 1 times"
    )


def test_what_stands_behind_the_probabilities_reads_as_a_sentence():
    assert str(LATE_RULE) == (
        "calm 1, fragile 0.5, deleveraging 0, recovery 1, by the likeliest regime (halflife 3); "
        "lifted to 1 over 3 sessions after 2 closes in a row above the price's average (halflife "
        "8) with 25 % of the "
        "fall won back, until one that is not; out once the price is 10 % below its high, back "
        "once 50 % of the fall "
        "is won back; no rise for 7 sessions after a cut; never below 0.1"
    )
