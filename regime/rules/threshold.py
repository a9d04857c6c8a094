"""Rules that turn probabilities of regimes into an exposure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.rules.base import (
    ConflictingValues,
    EncodedRule,
    ProbabilityRule,
    Rule,
    SignalRow,
    State,
    averaged,
    fraction,
    signal,
)
from regime.schema import REGIMES

__all__ = ["Hysteresis", "Ramp", "RegimeMap", "Threshold"]

How = Literal["expected", "likeliest"]


@dataclass(frozen=True, kw_only=True)
class Threshold(ProbabilityRule):
    """Out of the market while the probability is at or above one level.

    Parameters
    ----------
    level : float
        In [0, 1].
    regimes : tuple of str
        Regimes whose probabilities are added up.
    halflife : float
        Sessions of an exponential average of the probability; 0 for none.

    Examples
    --------
    >>> print(Threshold(level=0.5))
    out while P(deleveraging) >= 0.5
    """

    level: float

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("level", self.level)

    def __str__(self) -> str:
        return f"out while {self.quantity()} >= {self.level:g}"

    def start(self) -> State:
        """No probability seen yet."""
        return None

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed`, or 0 while the probability is high.

        A missing one counts as the last known.
        """
        now = self.probability(state, row)
        return now, 0.0 if now is not None and now >= self.level else proposed

    def encoded(self) -> EncodedRule:
        """For a sweep."""
        return EncodedRule(_threshold_path, (self.level,), self.regimes, self.halflife)


def _threshold_path(proposed: Floats, signal: Floats, exposure: Floats, parameters: Floats) -> None:
    level = parameters[0]
    for t in range(proposed.size):
        exposure[t] = 0.0 if signal[t] >= level else proposed[t]


@dataclass(frozen=True, kw_only=True)
class Hysteresis(ProbabilityRule):
    """Out of the market once the probability reaches `enter`, back once it is below `leave`.

    Parameters
    ----------
    enter : float
        Level at or above which the de-risked state is entered, in [0, 1].
    leave : float
        Level below which it is left, in [0, enter].
    regimes : tuple of str
        Regimes whose probabilities are added up.
    halflife : float
        Sessions of an exponential average of the probability; 0 for none.

    Examples
    --------
    >>> print(Hysteresis(enter=0.6, leave=0.4))
    out once P(deleveraging) >= 0.6, back below 0.4
    """

    enter: float
    leave: float

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("enter", self.enter)
        fraction("leave", self.leave)
        if self.leave > self.enter:
            raise ConflictingValues(
                f"leave: must not exceed enter = {self.enter:g}, got {self.leave:g}"
            )

    def __str__(self) -> str:
        return f"out once {self.quantity()} >= {self.enter:g}, back below {self.leave:g}"

    def start(self) -> State:
        """No probability seen yet, in the market."""
        return (None, False)

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed`, or 0 while out; a missing probability changes nothing."""
        before, out = state
        now = self.probability(before, row)
        if now is not None:
            out = now >= (self.leave if out else self.enter)
        return (now, out), 0.0 if out else proposed

    def encoded(self) -> EncodedRule:
        """For a sweep."""
        return EncodedRule(_hysteresis_path, (self.enter, self.leave), self.regimes, self.halflife)


def _hysteresis_path(
    proposed: Floats, signal: Floats, exposure: Floats, parameters: Floats
) -> None:
    enter = parameters[0]
    leave = parameters[1]
    out = False
    for t in range(proposed.size):
        out = signal[t] >= (leave if out else enter)
        exposure[t] = 0.0 if out else proposed[t]


@dataclass(frozen=True, kw_only=True)
class Ramp(ProbabilityRule):
    """Exposure that falls in a straight line from 1 at `low` to 0 at `high`.

    Parameters
    ----------
    low : float
        Probability up to which nothing is sold, in [0, 1].
    high : float
        Probability from which nothing is held, in (low, 1].
    regimes : tuple of str
        Regimes whose probabilities are added up.
    halflife : float
        Sessions of an exponential average of the probability; 0 for none.

    Examples
    --------
    >>> print(Ramp(low=0.2, high=0.6))
    from full at P(deleveraging) = 0.2 down to nothing at 0.6
    >>> Ramp(low=0.2, high=0.6).step(None, {"deleveraging": 0.3}, 1.0)
    (0.3, 0.75)
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("low", self.low)
        fraction("high", self.high)
        if self.high <= self.low:
            raise ConflictingValues(f"high: must exceed low = {self.low:g}, got {self.high:g}")

    def __str__(self) -> str:
        return f"from full at {self.quantity()} = {self.low:g} down to nothing at {self.high:g}"

    def start(self) -> State:
        """No probability seen yet."""
        return None

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed` times the kept fraction; a missing probability counts as the last known."""
        now = self.probability(state, row)
        if now is None:
            return None, proposed
        return now, proposed * min(1.0, max(0.0, (self.high - now) / (self.high - self.low)))

    def encoded(self) -> EncodedRule:
        """For a sweep."""
        return EncodedRule(_ramp_path, (self.low, self.high), self.regimes, self.halflife)


def _ramp_path(proposed: Floats, signal: Floats, exposure: Floats, parameters: Floats) -> None:
    low = parameters[0]
    high = parameters[1]
    for t in range(proposed.size):
        kept = (high - signal[t]) / (high - low)
        kept = kept if kept < 1.0 else 1.0  # also while nothing is known
        exposure[t] = proposed[t] * (kept if kept > 0.0 else 0.0)


@dataclass(frozen=True, kw_only=True)
class RegimeMap(Rule):
    """An exposure for each regime, by probability.

    Parameters
    ----------
    calm, fragile, deleveraging, recovery : float
        Exposure in each regime, in [0, 1].
    how : "expected" or "likeliest"
        The mean of the four weighted by probability, or that of the likeliest regime alone; of
        regimes that are equally likely, the one with the lowest exposure.
    halflife : float
        Sessions of an exponential average of the probabilities; 0 for none.

    Examples
    --------
    >>> rule = RegimeMap(fragile=0.5)
    >>> print(rule)
    calm 1, fragile 0.5, deleveraging 0, recovery 1, weighted by probability
    >>> now = {"calm": 0.5, "fragile": 0.25, "deleveraging": 0.25, "recovery": 0.0}
    >>> rule.step(rule.start(), now, 1.0)[1]
    0.625
    >>> rule = RegimeMap(fragile=0.5, how="likeliest")
    >>> rule.step(rule.start(), now, 1.0)[1]
    1.0
    """

    calm: float = 1.0
    fragile: float = 1.0
    deleveraging: float = 0.0
    recovery: float = 1.0
    how: How = "expected"
    halflife: float = 0.0

    def __post_init__(self) -> None:
        for name in REGIMES:
            fraction(name, getattr(self, name))
        if self.how not in get_args(How):
            raise ConfigError(f"how: must be {' or '.join(get_args(How))}, got {self.how}")
        if not 0.0 <= self.halflife < math.inf:
            raise ConfigError(
                f"halflife: must be 0 (none) or a number of sessions above it, got {self.halflife}"
            )

    def __str__(self) -> str:
        each = ", ".join(f"{name} {getattr(self, name):g}" for name in REGIMES)
        smooth = f" (halflife {self.halflife:g})" if self.halflife else ""
        how = "weighted by probability" if self.how == "expected" else "by the likeliest regime"
        return f"{each}, {how}{smooth}"

    @property
    def needs(self) -> tuple[str, ...]:
        """All four regimes."""
        return REGIMES

    def start(self) -> State:
        """No probabilities seen yet."""
        return None

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed` times the exposure.

        With a probability missing, or none above 0, by the last known ones.
        """
        raw = [signal(row, name) for name in REGIMES]
        if math.fsum(raw) > 0.0:  # false for NaN as well
            before = state or [None] * len(REGIMES)
            state = tuple(
                averaged(old, new, self.halflife) for old, new in zip(before, raw, strict=True)
            )
        return state, proposed if state is None else proposed * self._exposure(state)

    def _exposure(self, likely: tuple[float, ...]) -> float:
        each: list[float] = [getattr(self, name) for name in REGIMES]
        if self.how == "likeliest":
            return min(
                exposure for exposure, p in zip(each, likely, strict=True) if p == max(likely)
            )
        mean = math.fsum(
            p * exposure for exposure, p in zip(each, likely, strict=True)
        ) / math.fsum(likely)
        return min(max(mean, min(each)), max(each))  # rounding must not carry it past the extremes
