"""Trials that answer a search space: sampled, replayed from parameters, or recording its ranges.

A space is a function of a trial, which it asks for each parameter by name. The trial may be a
sampler's, a finished one whose parameters are known (`replay`), or one that only records what was
asked (`describe_space`): so each range is written once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from regime.errors import InvalidDataError, RegimeError

__all__ = ["RecordingTrial", "Trial", "describe_space", "fingerprint", "replay"]

T = TypeVar("T")


class Trial(Protocol):
    """What a search space may ask of a trial; optuna's trials have it."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a number in [low, high]."""

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return a whole number in [low, high]."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices."""


class RecordingTrial(Trial):
    """A trial that records each range and answers with its lowest or its highest value.

    Parameters
    ----------
    highest : bool
        Whether to answer with the highest value, or the last choice.

    Examples
    --------
    >>> trial = RecordingTrial(highest=False)
    >>> trial.suggest_int("leaves", 3, 15), trial.ranges
    (3, {'leaves': ['int', 3, 15, 1, False]})
    """

    def __init__(self, *, highest: bool) -> None:
        self._highest = highest
        self.ranges: dict[str, list[Any]] = {}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Record a range of numbers."""
        self.ranges[name] = ["float", low, high, step, log]
        return high if self._highest else low

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Record a range of whole numbers."""
        self.ranges[name] = ["int", low, high, step, log]
        return high if self._highest else low

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Record a list of choices."""
        self.ranges[name] = ["one of", *choices]
        return choices[-1 if self._highest else 0]


def describe_space(space: Callable[[Trial], Any]) -> dict[str, list[Any]]:
    """Range of each parameter, on the branches that the lowest and the highest values lead to.

    Parameters
    ----------
    space : callable
        Takes a `Trial`.

    Returns
    -------
    dict of str to list
        By parameter, sorted: its kind (``float``, ``int``, ``one of``) and the range.

    Examples
    --------
    >>> describe_space(lambda trial: trial.suggest_int("leaves", 3, 15))
    {'leaves': ['int', 3, 15, 1, False]}
    """
    ranges: dict[str, list[Any]] = {}
    for highest in (False, True):
        trial = RecordingTrial(highest=highest)
        space(trial)
        ranges |= trial.ranges
    return dict(sorted(ranges.items()))


def replay(space: Callable[[Trial], T], params: Mapping[str, Any]) -> T:
    """Evaluate a search space at known parameters, as at those of a finished trial.

    Parameters
    ----------
    space : callable
        Takes a `Trial`.
    params : mapping of str to value
        By parameter.

    Raises
    ------
    InvalidDataError
        If the space asks for a parameter that `params` lacks, or the value is none of the choices.

    Examples
    --------
    >>> replay(lambda trial: trial.suggest_float("penalty", 3.0, 300.0), {"penalty": 30.0})
    30.0
    """
    from optuna.trial import FixedTrial

    try:
        return space(FixedTrial(dict(params)))
    except RegimeError:
        raise
    except ValueError as error:  # optuna's, for a parameter that is absent or not a choice
        reason = str(error).split(". ")[0]
        raise InvalidDataError(f"the trial is of another search space: {reason}") from None


def fingerprint(content: Any, length: int = 8) -> str:
    """First characters of the SHA-256 of plain content, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:length]
