"""Rules made of rules: one after another, or the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from regime.errors import ConfigError
from regime.rules import RULES
from regime.rules.base import Rule, SignalRow, State

__all__ = ["Blend", "RuleLike", "RuleStack"]

# A rule; a config may name any of `RULES`.
RuleLike: TypeAlias = Annotated[Rule, RULES]


class _Composite(Rule):
    """Shared by rules that hold rules: what they need and their states, in order."""

    rules: tuple[RuleLike, ...]

    def _set(self, parts: Sequence[RuleLike], rules: Sequence[RuleLike]) -> None:
        held = (*parts, *rules)
        if not held:
            raise ConfigError("rules: must hold at least one rule")
        odd = [rule for rule in held if not isinstance(rule, Rule)]
        if odd:
            raise ConfigError(f"rules: must all be rules, got {odd[0]!r}")
        object.__setattr__(self, "rules", held)

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that any of the rules reads, each once."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.needs))

    def start(self) -> State:
        """The states of the rules, in order."""
        return tuple(rule.start() for rule in self.rules)


@dataclass(frozen=True, kw_only=True, init=False)
class RuleStack(_Composite):
    """Rules applied one after another, each to what the one before proposes.

    Parameters
    ----------
    *parts, rules : rules
        In order; one by one or, as a config does, as ``rules=(...)``.

    Examples
    --------
    >>> from regime.rules.overlays import CapStep, MinimumHold
    >>> from regime.rules.threshold import Hysteresis, Threshold
    >>> print(RuleStack(Hysteresis(enter=0.6, leave=0.4), MinimumHold(days=5)))
    out once P(deleveraging) >= 0.6, back below 0.4; each exposure kept at least 5 sessions
    >>> rule = RuleStack(Threshold(level=0.5), CapStep(per_day=0.25))
    >>> rule.step(rule.start(), {"deleveraging": 0.9}, 1.0)[1]
    0.75
    """

    rules: tuple[RuleLike, ...]

    def __init__(self, *parts: RuleLike, rules: Sequence[RuleLike] = ()) -> None:
        self._set(parts, rules)

    def __str__(self) -> str:
        return "; ".join(str(rule) for rule in self.rules)

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """Pass the proposal through every rule in order."""
        states = []
        for rule, before in zip(self.rules, state, strict=True):
            after, proposed = rule.step(before, row, proposed)
            states.append(after)
        return tuple(states), proposed


@dataclass(frozen=True, kw_only=True, init=False)
class Blend(_Composite):
    """The mean of several rules that see the same proposal: no single setting decides.

    Parameters
    ----------
    *parts, rules : rules
        One by one or, as a config does, as ``rules=(...)``.

    Examples
    --------
    >>> from regime.rules.threshold import Threshold
    >>> rule = Blend(Threshold(level=0.4), Threshold(level=0.6))
    >>> print(rule)
    the mean of 2 rules (out while P(deleveraging) >= 0.4 | out while P(deleveraging) >= 0.6)
    >>> rule.step(rule.start(), {"deleveraging": 0.5}, 1.0)[1]
    0.5
    """

    rules: tuple[RuleLike, ...]

    def __init__(self, *parts: RuleLike, rules: Sequence[RuleLike] = ()) -> None:
        self._set(parts, rules)

    def __str__(self) -> str:
        return (
            f"the mean of {len(self.rules)} rules ({' | '.join(str(rule) for rule in self.rules)})"
        )

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """Make the same proposal to every rule and average the answers."""
        answers = [
            rule.step(before, row, proposed) for rule, before in zip(self.rules, state, strict=True)
        ]
        return tuple(after for after, _ in answers), sum(exposure for _, exposure in answers) / len(
            answers
        )
