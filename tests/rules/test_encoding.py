"""Rules as rows of numbers, one by one."""

import pytest

from regime.errors import ConfigError
from regime.rule_programs import Opcode
from regime.rules.encoding import encode, encode_rule, parts_of
from regime.rules.overlays import CapStep, Cooldown, Floor, MinimumHold, VolatilityTarget
from regime.rules.ramp import Ramp
from regime.rules.stack import Blend, RuleStack
from regime.rules.threshold import Hysteresis, Threshold

BOTH = ("fragile", "deleveraging")


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        (Threshold(level=0.5, regimes=BOTH, halflife=3), (Opcode.THRESHOLD, 0.5, 0.0, BOTH, 3.0)),
        (Hysteresis(enter=0.6, leave=0.4), (Opcode.HYSTERESIS, 0.6, 0.4, ("deleveraging",), 0.0)),
        (Ramp(low=0.2, high=0.7), (Opcode.RAMP, 0.7, 0.7 - 0.2, ("deleveraging",), 0.0)),
        (MinimumHold(days=4), (Opcode.MINIMUM_HOLD, 4.0, 0.0, (), 0.0)),
        (Cooldown(days=7), (Opcode.COOLDOWN, 7.0, 0.0, (), 0.0)),
        (CapStep(per_day=0.25), (Opcode.CAP_STEP, 0.25, 0.0, (), 0.0)),
        (VolatilityTarget(target=0.1, cap=0.9), (Opcode.VOLATILITY_TARGET, 0.1, 0.9, (), 0.0)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_rule_in_numbers(rule, row):
    assert encode_rule(rule) == row
    assert encode([rule]).opcodes.tolist() == [[row[0], 0, 0]]


def test_rows_share_their_columns():
    table = encode(
        [
            Threshold(level=0.5),
            RuleStack(MinimumHold(days=2), Ramp(low=0.1, high=0.3, regimes=BOTH)),
            RuleStack(Threshold(level=0.1, regimes=BOTH), Threshold(level=0.2)),
        ]
    )
    assert table.regimes == (("deleveraging",), BOTH)
    assert table.columns.tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0]]


def test_stacks_inside_stacks_are_opened():
    parts = (Threshold(level=0.5), MinimumHold(days=2), CapStep(per_day=0.5))
    assert parts_of(RuleStack(RuleStack(parts[0], RuleStack(parts[1])), parts[2])) == parts


def test_every_rule_that_cannot_be_swept_is_named():
    rules = [
        Threshold(level=0.5),
        Blend(Threshold(level=0.5), Threshold(level=0.6)),
        RuleStack(Threshold(level=0.5), Floor(least=0.2)),
        RuleStack(*[MinimumHold(days=2)] * 4),
    ]
    with pytest.raises(ConfigError) as caught:
        encode(rules)
    assert [fault[:30] for fault in caught.value.faults] == [
        "rules[1]: Blend cannot be swep",
        "rules[2]: Floor cannot be swep",
        "rules[3]: a sweep runs stacks ",
    ]
    assert (
        "a sweep knows Threshold, Hysteresis, Ramp, MinimumHold, Cooldown, CapStep, Vol"
        in caught.value.faults[0]
    )
    assert "at most 3 rules, got 4" in caught.value.faults[2]


def test_no_rule_at_all_is_refused():
    with pytest.raises(ConfigError, match="at least one setting"):
        encode([])
