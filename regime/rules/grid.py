"""A grid of rule settings, written as rules in which a parameter may be a list of values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from regime import config
from regime.errors import ConfigError
from regime.rule_programs import SLOTS, Lattice, Programs
from regime.rules.base import Rule
from regime.rules.encoding import encode
from regime.rules.stack import RuleLike, RuleStack

__all__ = ["Grid", "StackGrid"]

# A parameter whose single value is a list itself; a list of lists gives its alternatives.
LISTS = ("regimes",)


@dataclass(frozen=True, kw_only=True)
class StackGrid:
    """Up to three rules applied one after another, in every combination of their listed values.

    Parameters
    ----------
    rules : tuple of mappings
        Each names a rule that a sweep knows, with its arguments: a value, or a list of values.

    Examples
    --------
    >>> grid = StackGrid(rules=({"Hysteresis": {"enter": [0.4, 0.5], "leave": [0.3, 0.45]}},
    ...                         {"MinimumHold": {"days": 5}}))
    >>> len(grid), grid.dropped
    (3, 1)
    """

    rules: tuple[dict[str, dict[str, Any] | None] | str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.rules) <= SLOTS:
            raise ConfigError(
                f"rules: a sweep runs stacks of one to {SLOTS} rules, got {len(self.rules)}"
            )
        if not len(self):
            raise ConfigError("rules: no combination of these values is a rule")

    def __len__(self) -> int:
        return math.prod(len(part.rules) for part in self._parts)

    @cached_property
    def _parts(self) -> tuple[_Part, ...]:
        return tuple(_part(number, rule) for number, rule in enumerate(self.rules))

    @property
    def dropped(self) -> int:
        """Combinations that are no rule, such as a hysteresis that is left above where it is entered."""
        return math.prod(math.prod(map(len, part.axes.values())) for part in self._parts) - len(
            self
        )

    @property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Values of every parameter, by the place of its rule, the rule and its own name."""
        return {name: values for part in self._parts for name, values in part.axes.items()}

    @property
    def steps(self) -> np.ndarray:
        """Position of each setting's values on the axes, shape (n_settings, n_axes), int64."""
        return np.hstack(
            [part.steps[rows] for part, rows in zip(self._parts, self._rows(), strict=True)]
        )

    def rule(self, setting: int) -> Rule:
        """One setting as a rule."""
        at = np.unravel_index(setting, [len(part.rules) for part in self._parts])
        rules = [part.rules[int(row)] for part, row in zip(self._parts, at, strict=True)]
        return rules[0] if len(rules) == 1 else RuleStack(rules=rules)

    def programs(self) -> Programs:
        """All settings, the last parameter changing fastest."""
        coded = [encode(part.rules) for part in self._parts]
        regimes = tuple(dict.fromkeys(names for code in coded for names in code.regimes))
        shape = (len(self), SLOTS)
        opcodes, columns = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        parameters, halflives = np.zeros((*shape, 2)), np.zeros(shape)
        for slot, (code, rows) in enumerate(zip(coded, self._rows(), strict=True)):
            place = np.array(
                [*map(regimes.index, code.regimes), 0]
            )  # the 0 is for rules that read none
            opcodes[:, slot], parameters[:, slot] = code.opcodes[rows, 0], code.parameters[rows, 0]
            columns[:, slot], halflives[:, slot] = (
                place[code.columns[rows, 0]],
                code.halflives[rows, 0],
            )
        return Programs(
            opcodes=opcodes,
            parameters=parameters,
            columns=columns,
            halflives=halflives,
            regimes=regimes,
        )

    def _rows(self) -> tuple[np.ndarray, ...]:
        """Alternative of each rule in every setting."""
        return np.unravel_index(np.arange(len(self)), [len(part.rules) for part in self._parts])


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Settings for a sweep.

    One or more stacks of rules, each in every combination of its listed values.

    Parameters
    ----------
    stacks : tuple of StackGrid

    Examples
    --------
    >>> grid = Grid(stacks=(StackGrid(rules=({"Threshold": {"level": [0.4, 0.5]}}, "VolatilityTarget")),
    ...                     StackGrid(rules=({"Ramp": {"low": 0.2, "high": [0.1, 0.6]}},))))
    >>> len(grid), grid.dropped
    (3, 1)
    >>> print(grid.rule(1))
    out while P(deleveraging) >= 0.5; scaled to a volatility of 12 % a year, at most 1 times
    """

    stacks: tuple[StackGrid, ...]

    def __post_init__(self) -> None:
        if not self.stacks:
            raise ConfigError("stacks: a grid holds at least one stack of rules")

    def __len__(self) -> int:
        return sum(map(len, self.stacks))

    @property
    def dropped(self) -> int:
        """Combinations that are no rule."""
        return sum(stack.dropped for stack in self.stacks)

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns of the signals that any setting reads, each once."""
        return tuple(
            dict.fromkeys(
                name
                for stack in self.stacks
                for part in stack._parts
                for rule in part.rules
                for name in rule.needs
            )
        )

    def rule(self, setting: int) -> Rule:
        """One setting as a rule.

        Raises
        ------
        ConfigError
            If the grid has no such setting.
        """
        if not 0 <= setting < len(self):
            raise ConfigError(f"setting: must lie in [0, {len(self) - 1}], got {setting}")
        for stack in self.stacks:
            if setting < len(stack):
                break
            setting -= len(stack)
        return stack.rule(setting)

    def programs(self) -> Programs:
        """All settings, stack after stack, as a sweep runs them."""
        coded = [stack.programs() for stack in self.stacks]
        regimes = tuple(dict.fromkeys(names for code in coded for names in code.regimes))
        places = [np.array([*map(regimes.index, code.regimes), 0])[code.columns] for code in coded]
        return Programs(
            opcodes=np.concatenate([code.opcodes for code in coded]),
            columns=np.concatenate(places),
            parameters=np.concatenate([code.parameters for code in coded]),
            regimes=regimes,
            halflives=np.concatenate([code.halflives for code in coded]),
        )

    def lattice(self) -> Lattice:
        """Where each setting stands, so that neighbours are known."""
        steps = [stack.steps for stack in self.stacks]
        most = max(part.shape[1] for part in steps)
        return Lattice(
            axes=tuple(stack.axes for stack in self.stacks),
            part=np.repeat(np.arange(len(steps)), [len(part) for part in steps]),
            steps=np.vstack([np.pad(part, ((0, 0), (0, most - part.shape[1]))) for part in steps]),
        )


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One rule of a stack.

    Its axes, its possible alternatives, and where these stand on the axes.
    """

    axes: dict[str, tuple[Any, ...]]
    rules: tuple[RuleLike, ...]
    steps: np.ndarray


def _part(number: int, content: Mapping[str, Any] | str) -> _Part:
    named = {content: None} if isinstance(content, str) else content
    if len(named) != 1:
        raise ConfigError(
            f"rules[{number}]: name one rule with its arguments, got {', '.join(named) or 'none'}"
        )
    ((name, arguments),) = named.items()
    values = {key: _values(key, value) for key, value in (arguments or {}).items()}
    empty = [key for key, listed in values.items() if not listed]
    if empty:
        raise ConfigError(f"rules[{number}].{name}.{empty[0]}: lists no value")
    rules, steps = [], []
    for at, chosen in _combinations(values):
        if not _impossible(name, chosen):
            rules.append(_build(number, name, chosen))
            steps.append(at)
    return _Part(
        axes={f"{number}.{name}.{key}": listed for key, listed in values.items()},
        rules=tuple(rules),
        steps=np.array(steps, np.int64).reshape(len(rules), len(values)),
    )


def _values(key: str, value: Any) -> tuple[Any, ...]:
    listed = isinstance(value, list | tuple)
    if key in LISTS:
        listed = listed and all(isinstance(item, list | tuple) for item in value)
        value = [tuple(item) for item in value] if listed else value
    values = tuple(value) if listed else (value,)
    if len(set(map(repr, values))) < len(values):
        raise ConfigError(f"{key}: lists a value twice: {list(values)}")
    return values


def _combinations(
    values: Mapping[str, Sequence[Any]],
) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    for at in itertools.product(*(range(len(listed)) for listed in values.values())):
        yield at, {key: listed[i] for (key, listed), i in zip(values.items(), at, strict=True)}


def _impossible(name: str, chosen: Mapping[str, Any]) -> bool:
    """Whether each value may be allowed, but not together: to be dropped and counted.

    All else is a mistake.
    """
    low, high = {"Hysteresis": ("leave", "enter"), "Ramp": ("low", "high")}.get(name, ("", ""))
    pair = [
        value for value in (chosen.get(low), chosen.get(high)) if isinstance(value, int | float)
    ]
    if len(pair) < 2 or not all(0.0 <= value <= 1.0 for value in pair):
        return False
    return pair[0] > pair[1] or (name == "Ramp" and pair[0] == pair[1])


def _build(number: int, name: str, arguments: Mapping[str, Any]) -> RuleLike:
    try:
        rule = config.build(RuleStack, {"rules": [{name: dict(arguments)}]}, "")
        encode(rule.rules)
    except ConfigError as error:
        raise ConfigError(
            [
                fault.replace("rules[0]", f"rules[{number}]").removeprefix(", ")
                for fault in error.faults
            ]
        ) from None
    return rule.rules[0]
