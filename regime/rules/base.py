"""What a rule is: an exposure decided at each close from that close's signals and a carried state.

Signals are a table date x columns: the four regimes as probabilities and, where a rule needs them,
`volatility` a year and `price`, the level of what is held with its income. A rule is asked once a
session, in order: ``step(state, row, proposed)`` gets what the rules before it propose (the first
gets 1, fully invested) and returns its own proposal. State is plain numbers in tuples, which
JSON can carry, so that one day live and a whole backtest are the same code. A rule decides; only
the backtest engine knows when a decision is filled.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.rules import RULES
from regime.schema import REGIMES, Regime, check_dates

__all__ = [
    "FULLY_INVESTED",
    "ConflictingValues",
    "EncodedRule",
    "ProbabilityRule",
    "Rule",
    "averaged",
    "check_signals",
    "fraction",
    "signal",
]

FULLY_INVESTED = 1.0
State = Any
SignalRow = Mapping[str, float]


class ConflictingValues(ConfigError):
    """Values of a rule that are each allowed, but not together.

    Raised by a rule's constructor after every check of a single value. A grid of settings leaves
    such a combination out and counts it; any other error of a rule is a mistake in the grid.
    """


class EncodedRule(NamedTuple):
    """A rule as a sweep runs it: one plain loop over a whole history, which the sweep compiles.

    Attributes
    ----------
    loop : callable
        ``loop(proposed, signal, exposure, parameters)``, plain Python that numba can compile, on
        arrays of float. Writes into `exposure` what the rule answers to `proposed` at each close,
        from its start on; arithmetic as in `Rule.step`, operation by operation, so that both give
        the same bits.
    parameters : tuple of numbers
    columns : tuple of str
        Signals whose sum the loop reads: at each close the last known value, NaN before the first.
        A sum of probabilities is at most 1. Empty for a rule that reads none.
    halflife : float
        Sessions of an exponential average of that sum; 0 for none.
    """

    loop: Callable[..., None]
    parameters: tuple[float, ...]
    columns: tuple[str, ...] = ()
    halflife: float = 0.0


class Rule(ABC):
    """Base of all rules.

    A subclass is a frozen dataclass whose fields are its parameters. It holds no state itself:
    `start` gives the state before the first session and `step` returns the next one beside the
    exposure. Where a signal is missing (NaN) a rule keeps what it held, because a lost feed is no
    reason to trade. `str(rule)` reads as part of a sentence.
    """

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """Columns of the signals that `step` reads."""

    @abstractmethod
    def start(self) -> State:
        """State before the first session, fully invested."""

    @abstractmethod
    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """Answer one close.

        Parameters
        ----------
        state : tuple, number or None
            What the previous call returned, or `start()`.
        row : mapping of str to float
            The signals of this close; NaN where missing.
        proposed : float
            Exposure in [0, 1] that the rules before this one propose.

        Returns
        -------
        state
            For the next call.
        exposure : float
            In [0, 1], decided at this close; never NaN.
        """

    def encoded(self) -> EncodedRule:
        """The rule as a sweep runs it; one that can be swept defines this method.

        Raises
        ------
        ConfigError
            If the rule cannot be swept; the message names those that can.
        """
        known = [name for name, rule in RULES.items() if rule.encoded is not Rule.encoded]
        raise ConfigError(
            f"{type(self).__name__} cannot be swept; a sweep knows {', '.join(known)} and a "
            "RuleStack of them"
        )

    def __call__(self, signals: pd.DataFrame) -> pd.Series:
        """Exposure decided at each close of a whole history: `step`, session by session.

        Parameters
        ----------
        signals : DataFrame, shape (n_sessions, n_columns)
            At least the columns of `needs`; others are ignored.

        Returns
        -------
        Series, shape (n_sessions,), float64 in [0, 1], named ``exposure``
            Never NaN.

        Raises
        ------
        InvalidDataError
            If a needed column is absent or holds a value that is no probability, volatility or
            price.
        """
        values = check_signals(signals, self.needs)
        state, exposure = self.start(), np.empty(len(signals))
        for i, row in enumerate(values.tolist()):
            state, exposure[i] = self.step(
                state, dict(zip(self.needs, row, strict=True)), FULLY_INVESTED
            )
        return pd.Series(exposure, index=signals.index, name="exposure")


@dataclass(frozen=True, kw_only=True)
class ProbabilityRule(Rule):
    """Base of the rules that read the probability of one or more regimes.

    Parameters
    ----------
    regimes : tuple of str
        Regimes whose probabilities are added up.
    halflife : float
        Sessions of an exponential average of that probability; 0 for none.
    """

    regimes: tuple[str, ...] = (Regime.DELEVERAGING.value,)
    halflife: float = 0.0

    def __post_init__(self) -> None:
        unknown = [name for name in self.regimes if name not in REGIMES]
        if unknown or not self.regimes or len(set(self.regimes)) < len(self.regimes):
            raise ConfigError(
                f"regimes: name one or more of {', '.join(REGIMES)}, each once, got "
                f"{list(self.regimes)}"
            )
        if not 0.0 <= self.halflife < math.inf:
            raise ConfigError(
                f"halflife: must be 0 (none) or a number of sessions above it, got {self.halflife}"
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """The regimes that are read."""
        return self.regimes

    def probability(self, before: float | None, row: SignalRow) -> float | None:
        """Smoothed probability after this row; `before` where the row is missing."""
        raw = math.fsum(signal(row, name) for name in self.regimes)
        if math.isnan(raw):
            return before
        return averaged(before, min(raw, 1.0), self.halflife)

    def quantity(self) -> str:
        """How a sentence calls the probability."""
        smooth = f" (halflife {self.halflife:g})" if self.halflife else ""
        return f"P({' or '.join(self.regimes)}){smooth}"


def averaged(before: float | None, now: float, halflife: float) -> float:
    """Exponential average after one more value.

    The value itself where it is the first or `halflife` is 0.
    """
    return now if before is None or not halflife else now + (before - now) * 0.5 ** (1.0 / halflife)


def fraction(name: str, value: float, low: float = 0.0) -> None:
    """Refuse a parameter outside [low, 1].

    Raises
    ------
    ConfigError
        Starting with the field's name.
    """
    if not low <= value <= 1.0:
        raise ConfigError(f"{name}: must lie in [{low:g}, 1], got {value}")


def check_signals(signals: pd.DataFrame, needs: tuple[str, ...]) -> np.ndarray:
    """Values of the needed columns, shape (n_sessions, n_needs), NaN where missing.

    Raises
    ------
    InvalidDataError
        Naming every absent column, or the first value outside its range with its date.
    """
    check_dates(signals.index, "Signals")
    absent = [name for name in needs if name not in signals]
    if absent:
        raise InvalidDataError(
            [
                f"Signals: column `{name}` is absent; the rule reads {', '.join(needs)}"
                for name in absent
            ]
        )
    values: np.ndarray = signals[list(needs)].to_numpy(dtype=float)
    high = np.array([1.0 + 1e-9 if name in REGIMES else math.inf for name in needs])
    positive = np.array([name == "price" for name in needs], dtype=bool)
    bad = (values < 0.0) | (values > high) | np.isinf(values) | (positive & (values == 0.0))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InvalidDataError(
            f"Signals: {signals.index[row]:%Y-%m-%d}: `{needs[column]}` is {values[row, column]}, "
            f"must {_range(needs[column])}"
        )
    return values


def signal(row: SignalRow, name: str) -> float:
    """One signal of a row; NaN where it is missing.

    Raises
    ------
    InvalidDataError
        If the row has no such column: a column that never existed is not a feed that failed.
    """
    try:
        return float(row[name])
    except KeyError:
        raise InvalidDataError(
            f"Signals: column `{name}` is absent; write NaN where it is not known"
        ) from None


def _range(name: str) -> str:
    """Which values a column may have."""
    if name in REGIMES:
        return "lie in [0, 1]"
    return "be finite and above 0" if name == "price" else "be finite and at least 0"
