"""Settings of rules as the loops and numbers that a sweep runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from regime.arrays import Integers
from regime.errors import ConfigError
from regime.rules.base import EncodedRule, Rule
from regime.rules.stack import RuleStack

__all__ = ["NO_RULE", "EncodedRules", "encode", "encode_rule", "unstacked"]

NO_RULE = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedRules:
    """Settings of a sweep, one a row: which rules bend the exposure, one after another.

    Parameters
    ----------
    rules : tuple of EncodedRule
        Each rule of any setting once, and no other.
    positions : ndarray, shape (n_settings, n_rules of the longest), int64
        Positions in `rules`; -1 after the last rule of a setting.

    Raises
    ------
    ConfigError
        If there is no setting.
    """

    rules: tuple[EncodedRule, ...]
    positions: Integers

    def __post_init__(self) -> None:
        if not len(self.positions):
            raise ConfigError("rules: a sweep needs at least one setting, got none")

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns of the signals that any setting reads, each once."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.columns))

    def take(self, rows: Sequence[int] | Integers) -> EncodedRules:
        """Some of the settings, in the order of `rows`."""
        positions = self.positions[np.asarray(rows, np.int64)]
        used = np.unique(positions[positions != NO_RULE])
        return EncodedRules(
            rules=tuple(self.rules[i] for i in used),
            positions=np.where(positions == NO_RULE, NO_RULE, np.searchsorted(used, positions)),
        )


def encode(rules: Iterable[Rule]) -> EncodedRules:
    """Turn rules into settings of a sweep, one a row.

    Parameters
    ----------
    rules : iterable of Rule
        Each a rule of its own or a `RuleStack`; those that define `Rule.encoded` can be swept.

    Returns
    -------
    EncodedRules

    Raises
    ------
    ConfigError
        Naming every rule that cannot be swept.

    Examples
    --------
    >>> from regime.rules.overlays import MinimumHold
    >>> from regime.rules.threshold import Hysteresis
    >>> leave = Hysteresis(enter=0.6, leave=0.4, halflife=5)
    >>> settings = encode([leave, RuleStack(leave, MinimumHold(days=3))])
    >>> settings.positions.tolist(), [rule.parameters for rule in settings.rules]
    ([[0, -1], [0, 1]], [(0.6, 0.4), (3.0,)])
    """
    numbers: dict[EncodedRule, int] = {}
    settings: list[list[int]] = []
    faults: list[str] = []
    for row, rule in enumerate(rules):
        try:
            parts = [encode_rule(part) for part in unstacked(rule)]
        except ConfigError as error:
            faults += [f"rules[{row}]: {fault}" for fault in error.faults]
        else:
            settings.append([numbers.setdefault(part, len(numbers)) for part in parts])
    if faults:
        raise ConfigError(faults)
    positions = np.full((len(settings), max(map(len, settings), default=0)), NO_RULE, np.int64)
    for row, setting in enumerate(settings):
        positions[row, : len(setting)] = setting
    return EncodedRules(rules=tuple(numbers), positions=positions)


def encode_rule(rule: Rule) -> EncodedRule:
    """One rule that is no stack, its numbers as floats so that every loop is compiled once.

    Raises
    ------
    ConfigError
        If the rule cannot be swept.
    """
    encoded = rule.encoded()
    parameters = tuple(map(float, encoded.parameters))
    return encoded._replace(parameters=parameters, halflife=float(encoded.halflife))


def unstacked(rule: Rule) -> tuple[Rule, ...]:
    """Rules of a stack in order, those of stacks inside it too; any other rule alone."""
    if not isinstance(rule, RuleStack):
        return (rule,)
    return tuple(part for inner in rule.rules for part in unstacked(inner))
