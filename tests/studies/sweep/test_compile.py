"""Rules as the loops and numbers of a sweep."""

import numpy as np
import pytest

from regime.errors import ConfigError
from regime.rules.overlays import CapStep, Floor, MinimumHold, VolatilityTarget
from regime.rules.stack import Blend, RuleStack
from regime.rules.threshold import Ramp, Threshold
from regime.studies.sweep.compile import encode, encode_rule, unstacked

BOTH = ("fragile", "deleveraging")


def test_equal_rules_are_held_once():
    low = Threshold(level=0.1, regimes=BOTH)
    high = Threshold(level=0.5)
    encoded = encode([high, RuleStack(MinimumHold(days=2), low), RuleStack(low, high)])
    assert encoded.positions.tolist() == [[0, -1], [1, 2], [2, 0]]
    assert [rule.parameters for rule in encoded.rules] == [(0.5,), (2.0,), (0.1,)]
    assert encoded.needs == ("deleveraging", "fragile")
    assert len(encoded.take([1])) == 1 and set(encoded.take([1]).needs) == set(BOTH)
    some = encoded.take([2, 0])
    assert some.positions.tolist() == [[1, 0], [0, -1]]
    assert [rule.parameters for rule in some.rules] == [(0.5,), (0.1,)]


def test_every_number_is_a_float_so_that_a_loop_has_one_type():
    for rule in (MinimumHold(days=3), Ramp(low=0, high=1, halflife=2), VolatilityTarget(target=1)):
        encoded = encode_rule(rule)
        assert {type(value) for value in (*encoded.parameters, encoded.halflife)} == {float}


def test_stacks_inside_stacks_are_opened():
    parts = (Threshold(level=0.5), MinimumHold(days=2), CapStep(per_day=0.5))
    assert unstacked(RuleStack(RuleStack(parts[0], RuleStack(parts[1])), parts[2])) == parts


def test_every_rule_that_cannot_be_swept_is_named_with_those_that_can():
    rules = [
        Threshold(level=0.5),
        Blend(Threshold(level=0.5), Threshold(level=0.6)),
        RuleStack(Threshold(level=0.5), Floor(least=0.2)),
    ]
    with pytest.raises(ConfigError) as caught:
        encode(rules)
    starts = [fault.partition(" cannot be swept")[0] for fault in caught.value.faults]
    assert starts == ["rules[1]: Blend", "rules[2]: Floor"]
    assert "Hysteresis" in caught.value.faults[0] and "Blend," not in caught.value.faults[0]


def test_no_rule_at_all_is_refused():
    with pytest.raises(ConfigError, match="at least one setting"):
        encode([])


def test_a_setting_of_many_rules_is_held_whole():
    rules = [MinimumHold(days=days) for days in range(1, 9)]
    assert np.array_equal(encode([RuleStack(*rules)]).positions, [range(8)])
