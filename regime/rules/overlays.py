"""Overlays: rules that bend the exposure proposed by those before them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.rules.base import FULLY_INVESTED, EncodedRule, Rule, SignalRow, State, fraction, signal

__all__ = ["CapStep", "Cooldown", "Floor", "MinimumHold", "VolatilityTarget"]


@dataclass(frozen=True, kw_only=True)
class MinimumHold(Rule):
    """Every exposure is kept for at least some sessions before the next change.

    Parameters
    ----------
    days : int
        Sessions, at least 1; 1 changes nothing. The first change of all may come at once.

    Examples
    --------
    >>> print(MinimumHold(days=5))
    each exposure kept at least 5 sessions
    """

    days: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise ConfigError(f"days: must be at least 1, got {self.days}")

    def __str__(self) -> str:
        return f"each exposure kept at least {self.days} sessions"

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing: it reads the proposed exposure only."""
        return ()

    def start(self) -> State:
        """Fully invested for long enough to be free."""
        return (FULLY_INVESTED, self.days)

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed` once the present exposure has had its sessions, else the present one."""
        held, age = state
        if proposed != held and age >= self.days:
            return (proposed, 1), proposed
        return (held, min(age + 1, self.days)), held

    def encoded(self) -> EncodedRule:
        """For a sweep."""
        return EncodedRule(_minimum_hold_path, (self.days,))


def _minimum_hold_path(
    proposed: Floats, signal: Floats, exposure: Floats, parameters: Floats
) -> None:
    days = parameters[0]
    held = 1.0
    age = days
    for t in range(proposed.size):
        free = (proposed[t] != held) & (age >= days)
        held = proposed[t] if free else held
        age = 1.0 if free else age + 1.0
        exposure[t] = held


@dataclass(frozen=True, kw_only=True)
class Cooldown(Rule):
    """After a cut the exposure may not rise for some sessions.

    A further cut is let through and starts the count again.

    Parameters
    ----------
    days : int
        Sessions after that of the cut in which it may not rise; 0 changes nothing.

    Notes
    -----
    `MinimumHold` delays a cut that follows a rise as well; this one never delays a cut. Any lower
    proposal is a cut, however small: put it before a volatility target, not after.

    Examples
    --------
    >>> rule = Cooldown(days=10)
    >>> print(rule)
    no rise for 10 sessions after a cut
    >>> state, exposure = rule.step(rule.start(), {}, 0.5)
    >>> rule.step(state, {}, 1.0)
    ((0.5, 9), 0.5)
    """

    days: int = 10

    def __post_init__(self) -> None:
        if self.days < 0:
            raise ConfigError(f"days: must be 0 or more, got {self.days}")

    def __str__(self) -> str:
        return f"no rise for {self.days} sessions after a cut"

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing: it reads the proposed exposure only."""
        return ()

    def start(self) -> State:
        """Fully invested, with nothing to wait for."""
        return (FULLY_INVESTED, 0)

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed` where it is a cut or the wait is over, else the present exposure."""
        held, left = state
        if proposed < held:
            return (proposed, self.days), proposed
        return ((held, left - 1), held) if left else ((proposed, 0), proposed)

    def encoded(self) -> EncodedRule:
        """For a sweep."""
        return EncodedRule(_cooldown_path, (self.days,))


def _cooldown_path(proposed: Floats, signal: Floats, exposure: Floats, parameters: Floats) -> None:
    days = parameters[0]
    held = 1.0
    left = 0.0
    for t in range(proposed.size):
        if proposed[t] < held:
            held = proposed[t]
            left = days
        elif left > 0.0:
            left -= 1.0
        else:
            held = proposed[t]
        exposure[t] = held


@dataclass(frozen=True, kw_only=True)
class Floor(Rule):
    """Never less than a part of the capital.

    Parameters
    ----------
    least : float
        Smallest exposure, in [0, 1].

    Examples
    --------
    >>> print(Floor(least=0.2))
    never below 0.2
    >>> Floor(least=0.2).step(None, {}, 0.0)
    (None, 0.2)
    """

    least: float = 0.2

    def __post_init__(self) -> None:
        fraction("least", self.least)

    def __str__(self) -> str:
        return f"never below {self.least:g}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing: it reads the proposed exposure only."""
        return ()

    def start(self) -> State:
        """Nothing to remember."""
        return None

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed`, or the floor where that is higher."""
        return None, max(proposed, self.least)


@dataclass(frozen=True, kw_only=True)
class CapStep(Rule):
    """Exposure moves towards the proposed one by at most a step a session.

    Parameters
    ----------
    per_day : float
        Fraction of capital a session, in (0, 1].

    Examples
    --------
    >>> print(CapStep(per_day=0.25))
    moved by at most 0.25 a session
    """

    per_day: float

    def __post_init__(self) -> None:
        if not 0.0 < self.per_day <= 1.0:
            raise ConfigError(f"per_day: must lie in (0, 1], got {self.per_day}")

    def __str__(self) -> str:
        return f"moved by at most {self.per_day:g} a session"

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing: it reads the proposed exposure only."""
        return ()

    def start(self) -> State:
        """Fully invested."""
        return FULLY_INVESTED

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """The point nearest to `proposed` within one step of the last exposure."""
        exposure = min(max(proposed, state - self.per_day), state + self.per_day)
        return exposure, exposure

    def encoded(self) -> EncodedRule:
        """For a sweep."""
        return EncodedRule(_cap_step_path, (self.per_day,))


def _cap_step_path(proposed: Floats, signal: Floats, exposure: Floats, parameters: Floats) -> None:
    per_day = parameters[0]
    held = 1.0
    for t in range(proposed.size):
        if proposed[t] > held + per_day:
            held += per_day
        elif proposed[t] < held - per_day:
            held -= per_day
        else:
            held = proposed[t]
        exposure[t] = held


@dataclass(frozen=True, kw_only=True)
class VolatilityTarget(Rule):
    """The proposed exposure times ``min(cap, target / volatility)``.

    Parameters
    ----------
    target : float
        Volatility aimed at, fraction a year, above 0.
    cap : float
        Largest multiple, in (0, 1].

    Notes
    -----
    **Source:** Moreira and Muir (2017), "Volatility-Managed Portfolios", with standard deviation in
    place of variance and a cap instead of leverage.

    Examples
    --------
    >>> print(VolatilityTarget(target=0.12))
    scaled to a volatility of 12 % a year, at most 1 times
    >>> VolatilityTarget(target=0.12).step(1.0, {"volatility": 0.24}, 1.0)
    (0.5, 0.5)
    """

    target: float = 0.12
    cap: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.target < math.inf:
            raise ConfigError(
                f"target: must be a volatility above 0 such as 0.12, got {self.target}"
            )
        fraction("cap", self.cap)
        if self.cap == 0.0:
            raise ConfigError("cap: must lie in (0, 1], got 0.0")

    def __str__(self) -> str:
        return (
            f"scaled to a volatility of {self.target * 100:g} % a year, at most {self.cap:g} times"
        )

    @property
    def needs(self) -> tuple[str, ...]:
        """Volatility a year, known at the close."""
        return ("volatility",)

    def start(self) -> State:
        """The cap, until a volatility is known."""
        return self.cap

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed` times the multiple; a missing volatility keeps the last multiple."""
        volatility = signal(row, "volatility")
        if math.isnan(volatility):
            return state, proposed * state
        multiple = min(self.cap, self.target / volatility) if volatility > 0.0 else self.cap
        return multiple, proposed * multiple

    def encoded(self) -> EncodedRule:
        """For a sweep."""
        return EncodedRule(_volatility_target_path, (self.target, self.cap), ("volatility",))


def _volatility_target_path(
    proposed: Floats, signal: Floats, exposure: Floats, parameters: Floats
) -> None:
    target = parameters[0]
    cap = parameters[1]
    for t in range(proposed.size):
        multiple = target / signal[t]
        exposure[t] = proposed[t] * (multiple if multiple < cap else cap)  # cap while none is known
