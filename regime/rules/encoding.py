"""Rules turned into the rows of numbers that a sweep runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from regime.errors import ConfigError
from regime.rule_programs import SLOTS, Opcode, Programs
from regime.rules.base import ProbabilityRule, Rule
from regime.rules.overlays import CapStep, Cooldown, MinimumHold, VolatilityTarget
from regime.rules.ramp import Ramp
from regime.rules.stack import RuleStack
from regime.rules.threshold import Hysteresis, Threshold

__all__ = ["Slot", "encode", "encode_rule", "parts_of"]

# Whatever `step` computes from the parameters alone is computed here, by the same operation: equal
# bits.
WORDS: dict[type[Rule], tuple[Opcode, Callable[[Any], tuple[float, float]]]] = {
    Threshold: (Opcode.THRESHOLD, lambda rule: (rule.level, 0.0)),
    Hysteresis: (Opcode.HYSTERESIS, lambda rule: (rule.enter, rule.leave)),
    Ramp: (Opcode.RAMP, lambda rule: (rule.high, rule.high - rule.low)),
    MinimumHold: (Opcode.MINIMUM_HOLD, lambda rule: (rule.days, 0.0)),
    Cooldown: (Opcode.COOLDOWN, lambda rule: (rule.days, 0.0)),
    CapStep: (Opcode.CAP_STEP, lambda rule: (rule.per_day, 0.0)),
    VolatilityTarget: (Opcode.VOLATILITY_TARGET, lambda rule: (rule.target, rule.cap)),
}


class Slot(NamedTuple):
    """One rule in numbers.

    Operation, its two parameters, and the smoothed probability that it reads.
    """

    opcode: int
    first: float
    second: float
    regimes: tuple[str, ...]
    halflife: float


NOTHING = Slot(opcode=Opcode.NOTHING, first=0.0, second=0.0, regimes=(), halflife=0.0)


def encode(rules: Sequence[Rule]) -> Programs:
    """Turn rules into settings of a sweep, one a row.

    Parameters
    ----------
    rules : sequence of rules
        Each a rule of its own or a `RuleStack` of up to three: Threshold, Hysteresis, Ramp,
        MinimumHold, Cooldown, CapStep, VolatilityTarget.

    Returns
    -------
    Programs

    Raises
    ------
    ConfigError
        Naming every rule that cannot be swept, and why.

    Examples
    --------
    >>> programs = encode([RuleStack(Hysteresis(enter=0.6, leave=0.4, halflife=5), MinimumHold(days=3))])
    >>> programs.opcodes.tolist(), programs.parameters[0].tolist(), programs.halflives[0].tolist()
    ([[2, 4, 0]], [[0.6, 0.4], [3.0, 0.0], [0.0, 0.0]], [5.0, 0.0, 0.0])
    """
    settings, faults = [], []
    for number, rule in enumerate(rules):
        try:
            settings.append([encode_rule(part) for part in parts_of(rule)])
        except ConfigError as error:
            faults += [f"rules[{number}]: {fault}" for fault in error.faults]
    if faults:
        raise ConfigError(faults)
    filled = [(*slots, *[NOTHING] * (SLOTS - len(slots))) for slots in settings]
    regimes = tuple(
        dict.fromkeys(slot.regimes for slots in filled for slot in slots if slot.regimes)
    )
    return Programs(
        opcodes=_column(filled, lambda slot: slot.opcode).reshape(-1, SLOTS).astype(np.int64),
        regimes=regimes,
        parameters=_column(filled, lambda slot: slot[1:3]).reshape(-1, SLOTS, 2),
        columns=_column(filled, lambda slot: regimes.index(slot.regimes) if slot.regimes else 0)
        .reshape(-1, SLOTS)
        .astype(np.int64),
        halflives=_column(filled, lambda slot: slot.halflife).reshape(-1, SLOTS),
    )


def encode_rule(rule: Rule) -> Slot:
    """Turn one rule that is no stack into a slot.

    Raises
    ------
    ConfigError
        If a sweep does not know the rule.
    """
    if type(rule) not in WORDS:
        known = ", ".join(kind.__name__ for kind in WORDS)
        raise ConfigError(
            f"{type(rule).__name__} cannot be swept; a sweep knows {known} and a RuleStack of up "
            "to "
            f"{SLOTS} of them"
        )
    opcode, parameters = WORDS[type(rule)]
    first, second = parameters(rule)
    regimes, halflife = (
        (rule.regimes, rule.halflife) if isinstance(rule, ProbabilityRule) else ((), 0.0)
    )
    return Slot(
        opcode=int(opcode),
        first=float(first),
        second=float(second),
        regimes=regimes,
        halflife=halflife,
    )


def parts_of(rule: Rule) -> tuple[Rule, ...]:
    """Rules of a stack in order, stacks inside it opened; a rule that is no stack alone.

    Raises
    ------
    ConfigError
        If there are more than three.
    """
    parts = _opened(rule)
    if len(parts) > SLOTS:
        raise ConfigError(f"a sweep runs stacks of at most {SLOTS} rules, got {len(parts)}: {rule}")
    return parts


def _opened(rule: Rule) -> tuple[Rule, ...]:
    return (
        tuple(part for inner in rule.rules for part in _opened(inner))
        if isinstance(rule, RuleStack)
        else (rule,)
    )


def _column(settings: Sequence[Sequence[Slot]], value: Callable[[Slot], Any]) -> np.ndarray:
    return np.array([[value(slot) for slot in slots] for slots in settings], dtype=float)
