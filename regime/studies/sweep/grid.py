"""A grid of rule settings, written as rules in which a parameter may be a list of values."""

from __future__ import annotations

import itertools
import math
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from regime import config
from regime.arrays import Integers
from regime.errors import ConfigError
from regime.rules import RULES
from regime.rules.base import ConflictingValues, EncodedRule, Rule
from regime.rules.stack import RuleStack
from regime.studies.sweep.compile import NO_RULE, EncodedRules, encode_rule

__all__ = ["Grid", "ParameterGrid", "StackGrid"]


@dataclass(frozen=True, kw_only=True)
class StackGrid:
    """Rules applied one after another, in every combination of their listed values.

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
        if not self.rules:
            raise ConfigError("rules: a stack holds at least one rule")
        if not len(self):
            raise ConfigError("rules: no combination of these values is a rule")

    def __len__(self) -> int:
        return math.prod(self._sizes)

    @cached_property
    def alternatives(self) -> tuple[_RuleAlternatives, ...]:
        """Each rule of the stack in all its settings."""
        return tuple(_alternatives(number, rule) for number, rule in enumerate(self.rules))

    @property
    def _sizes(self) -> list[int]:
        return [len(part.rules) for part in self.alternatives]

    @property
    def dropped(self) -> int:
        """Combinations that are no rule, such as a hysteresis left above where it is entered."""
        return math.prod(map(len, self.axes.values())) - len(self)

    @property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Values of every parameter, by the position of its rule, the rule and its own name."""
        return {name: values for part in self.alternatives for name, values in part.axes.items()}

    @property
    def rows(self) -> tuple[Integers, ...]:
        """Alternative of each rule in every setting, the last rule changing fastest."""
        return np.unravel_index(np.arange(len(self)), self._sizes)

    @property
    def steps(self) -> Integers:
        """Position of each setting's values on the axes, shape (n_settings, n_axes), int64."""
        return np.hstack(
            [part.steps[rows] for part, rows in zip(self.alternatives, self.rows, strict=True)]
        )

    def rule(self, setting: int) -> Rule:
        """One setting as a rule."""
        numbers = np.unravel_index(setting, self._sizes)
        rules = [
            part.rules[int(number)] for part, number in zip(self.alternatives, numbers, strict=True)
        ]
        return rules[0] if len(rules) == 1 else RuleStack(rules=rules)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Settings for a sweep.

    One or more stacks of rules, each in every combination of its listed values.

    Parameters
    ----------
    stacks : tuple of StackGrid

    Examples
    --------
    >>> grid = Grid(stacks=(
    ...     StackGrid(rules=({"Threshold": {"level": [0.4, 0.5]}}, "VolatilityTarget")),
    ...     StackGrid(rules=({"Ramp": {"low": 0.2, "high": [0.1, 0.6]}},))))
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
        return self.encoded().needs

    def stack_of(self, setting: int) -> tuple[StackGrid, int]:
        """The stack of a setting, and the setting's number in it.

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
        return stack, setting

    def rule(self, setting: int) -> Rule:
        """One setting as a rule; `ConfigError` if the grid has no such setting."""
        stack, number = self.stack_of(setting)
        return stack.rule(number)

    def encoded(self) -> EncodedRules:
        """All settings, stack after stack, as a sweep runs them."""
        numbers: dict[EncodedRule, int] = {}
        longest = max(len(stack.rules) for stack in self.stacks)
        positions = []
        for stack in self.stacks:
            slot_codes = np.full((len(stack), longest), NO_RULE, np.int64)
            for depth, (part, rows) in enumerate(zip(stack.alternatives, stack.rows, strict=True)):
                codes = [numbers.setdefault(rule, len(numbers)) for rule in part.encoded]
                slot_codes[:, depth] = np.array(codes)[rows]
            positions.append(slot_codes)
        return EncodedRules(rules=tuple(numbers), positions=np.concatenate(positions))

    def parameter_grid(self) -> ParameterGrid:
        """The values of each setting on their axes, so that neighbours are known."""
        steps = [stack.steps for stack in self.stacks]
        most = max(part.shape[1] for part in steps)
        return ParameterGrid(
            axes=tuple(stack.axes for stack in self.stacks),
            stack=np.repeat(np.arange(len(steps)), [len(part) for part in steps]),
            steps=np.vstack([np.pad(part, ((0, 0), (0, most - part.shape[1]))) for part in steps]),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ParameterGrid:
    """The values of each setting as positions on axes, so that a sweep can look at its neighbours.

    Parameters
    ----------
    axes : tuple of mappings of str to tuple
        One a stack: every parameter and its values, in order.
    stack : ndarray, shape (n_settings,), int64
        Stack of a setting; settings of two stacks are never neighbours.
    steps : ndarray, shape (n_settings, n_axes), int64
        Position of a setting's value on each axis of its stack; 0 beyond them.

    Notes
    -----
    A combination that the grid leaves out is nobody's neighbour.

    Examples
    --------
    >>> grid = ParameterGrid.product({"enter": (0.4, 0.5, 0.6), "days": (1, 5)})
    >>> grid.table().iloc[3].tolist()
    [0.5, 5.0]
    >>> grid.neighbours()[3].tolist()
    [1, 5, 2, -1]
    """

    axes: tuple[Mapping[str, tuple[Any, ...]], ...]
    stack: Integers
    steps: Integers

    def __post_init__(self) -> None:
        if len(self.stack) != len(self.steps) or not len(self.stack):
            raise ConfigError(
                f"steps: a row a setting, at least one, got {len(self.stack)} and {len(self.steps)}"
            )

    @classmethod
    def product(cls, axes: Mapping[str, Sequence[Any]]) -> ParameterGrid:
        """Every combination of some parameters' values, the last parameter changing fastest."""
        if not axes or not all(len(values) for values in axes.values()):
            raise ConfigError("axes: name at least one parameter, each with at least one value")
        sizes = [len(values) for values in axes.values()]
        positions = np.unravel_index(np.arange(math.prod(sizes)), sizes)
        return cls(
            axes=({name: tuple(values) for name, values in axes.items()},),
            stack=np.zeros(math.prod(sizes), np.int64),
            steps=np.stack(positions, axis=1).astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.stack)

    def neighbours(self) -> Integers:
        """Settings one step away in one parameter, shape (n_settings, 2 * n_axes), int64.

        -1 where there is none.

        Raises
        ------
        ConfigError
            If two settings have the same values.
        """
        reach = self.steps.max(axis=0) + 3  # a step off either end must not meet another setting
        radix = np.array([reach[axis + 1 :].prod() for axis in range(len(reach))], dtype=np.int64)
        code = (self.stack * int(reach.prod())) + (self.steps + 1) @ radix
        order = np.argsort(code, kind="stable")
        ranked = code[order]
        equal = np.flatnonzero(np.diff(ranked) == 0)
        if len(equal):
            raise ConfigError(
                f"steps: setting {order[equal[0]]} has the values of another one; list every "
                "value once"
            )
        neighbours = np.full((len(code), 2 * len(radix)), -1, np.int64)
        shifts = np.repeat(radix, 2) * np.tile([-1, 1], len(radix))
        for column, shift in enumerate(shifts):
            rank = np.minimum(np.searchsorted(ranked, code + shift), len(code) - 1)
            neighbours[:, column] = np.where(ranked[rank] == code + shift, order[rank], -1)
        return neighbours

    def table(self) -> pd.DataFrame:
        """Parameters of every setting, shape (n_settings, n_parameters).

        NaN where its stack has no such parameter.
        """
        columns: dict[str, np.ndarray] = {}
        for number, axes in enumerate(self.axes):
            inside = self.stack == number
            for axis, (name, values) in enumerate(axes.items()):
                listed = np.empty(len(values), dtype=object)
                listed[:] = list(values)
                column = columns.setdefault(name, np.full(len(self), np.nan, dtype=object))
                column[inside] = listed[self.steps[inside, axis]]
        return pd.DataFrame(columns, index=range(len(self))).infer_objects()


@dataclass(frozen=True, kw_only=True)
class _RuleAlternatives:
    """One rule of a stack in all its settings: axes, rules, and their positions on the axes."""

    axes: dict[str, tuple[Any, ...]]
    rules: tuple[Rule, ...]
    encoded: tuple[EncodedRule, ...]
    steps: Integers


def _alternatives(number: int, content: Mapping[str, Any] | str) -> _RuleAlternatives:
    named = {content: None} if isinstance(content, str) else content
    if len(named) != 1:
        raise ConfigError(
            f"rules[{number}]: name one rule with its arguments, got {', '.join(named) or 'none'}"
        )
    ((name, arguments),) = named.items()
    values = {key: _values(name, key, value) for key, value in (arguments or {}).items()}
    empty = [key for key, listed in values.items() if not listed]
    if empty:
        raise ConfigError(f"rules[{number}].{name}.{empty[0]}: lists no value")
    rules = []
    encoded = []
    steps = []
    for positions, chosen in _combinations(values):
        try:
            rule = config.build(RuleStack, {"rules": [{name: chosen}]}, "").rules[0]
        except ConfigError as error:
            if _conflicting(name, chosen):
                continue
            faults = [
                fault.replace("rules[0]", f"rules[{number}]").removeprefix(", ")
                for fault in error.faults
            ]
            raise ConfigError(faults) from None
        try:
            encoded.append(encode_rule(rule))
        except ConfigError as error:
            raise ConfigError([f"rules[{number}]: {fault}" for fault in error.faults]) from None
        rules.append(rule)
        steps.append(positions)
    return _RuleAlternatives(
        axes={f"{number}.{name}.{key}": listed for key, listed in values.items()},
        rules=tuple(rules),
        encoded=tuple(encoded),
        steps=np.array(steps, np.int64).reshape(len(rules), len(values)),
    )


def _values(name: str, key: str, value: Any) -> tuple[Any, ...]:
    """Values of one parameter; a list stands for one value where that is a list itself."""
    listed = isinstance(value, list | tuple)
    hints = typing.get_type_hints(RULES[name]) if name in RULES else {}
    if typing.get_origin(hints.get(key)) is tuple:
        listed = listed and all(isinstance(item, list | tuple) for item in value)
        value = [tuple(item) for item in value] if listed else value
    values = tuple(value) if listed else (value,)
    if len(set(map(repr, values))) < len(values):
        raise ConfigError(f"{key}: lists a value twice: {list(values)}")
    return values


def _combinations(
    values: Mapping[str, Sequence[Any]],
) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    for positions in itertools.product(*(range(len(listed)) for listed in values.values())):
        chosen = {
            key: listed[position]
            for (key, listed), position in zip(values.items(), positions, strict=True)
        }
        yield positions, chosen


def _conflicting(name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether each value is allowed, but not together: left out and counted, no mistake."""
    try:
        RULES.resolve(name)(**arguments)
    except ConflictingValues:
        return True
    except (ConfigError, TypeError):
        return False
    return False
