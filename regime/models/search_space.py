"""A search space as a function of a trial: read back from parameters, and named by what it offers.

A space is a function that asks a trial for its parameters. Whoever answers may be a sampler, the
parameters of an old trial (`Given`), or a list that only writes down what was asked (`offers`): so
the space stands once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from regime.errors import InvalidDataError

__all__ = ["Given", "Trial", "fingerprint", "offers"]


class Trial(Protocol):
    """Whoever answers the questions of a search space; optuna's trial is one."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Answer with a number between two."""

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Answer with a whole number between two, both included."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Answer with one of several."""


class Given:
    """A trial whose answers are known.

    Parameters
    ----------
    params : mapping of str to value
        Answer by name.

    Raises
    ------
    InvalidDataError
        On a question that `params` has no answer to.

    Examples
    --------
    >>> Given({"penalty": 30.0}).suggest_float("penalty", 3.0, 300.0, log=True)
    30.0
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params

    def suggest_float(self, name: str, low: float, high: float, **form: Any) -> float:
        """Answer of that name."""
        return float(self._answer(name))

    def suggest_int(self, name: str, low: int, high: int, **form: Any) -> int:
        """Answer of that name."""
        return int(self._answer(name))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Answer of that name."""
        return self._answer(name)

    def _answer(self, name: str) -> Any:
        if name not in self._params:
            raise InvalidDataError(
                f"the trial has no parameter `{name}`: it is of another search space"
            )
        return self._params[name]


class _Listener:
    """Writes down every question, and answers with the first or the last value offered."""

    def __init__(self, *, last: bool) -> None:
        self._last = last
        self.heard: dict[str, list[Any]] = {}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        self.heard[name] = ["float", low, high, step, log]
        return high if self._last else low

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        self.heard[name] = ["int", low, high, step, log]
        return high if self._last else low

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        self.heard[name] = ["one of", *choices]
        return choices[-1 if self._last else 0]


def offers(space: Callable[[Trial], Any]) -> dict[str, list[Any]]:
    """What a space offers for each parameter, as far as its lowest and its highest answers lead into its branches.

    Parameters
    ----------
    space : callable
        Takes a `Trial`.

    Examples
    --------
    >>> offers(lambda trial: trial.suggest_int("leaves", 3, 15))
    {'leaves': ['int', 3, 15, 1, False]}
    """
    found: dict[str, list[Any]] = {}
    for last in (False, True):
        listener = _Listener(last=last)
        space(listener)
        found |= listener.heard
    return dict(sorted(found.items()))


def fingerprint(content: Any, length: int = 8) -> str:
    """First letters of the SHA-256 of plain content, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:length]
