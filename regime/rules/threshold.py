"""Rules that are either in the market or out of it."""

from __future__ import annotations

from dataclasses import dataclass

from regime.errors import ConfigError
from regime.rules.base import ProbabilityRule, Row, State, fraction

__all__ = ["Hysteresis", "Threshold"]


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

    def step(self, state: State, row: Row, proposed: float) -> tuple[State, float]:
        """`proposed`, or 0 while the probability is high.

        A missing one counts as the last known.
        """
        now = self.probability(state, row)
        return now, 0.0 if now is not None and now >= self.level else proposed


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
            raise ConfigError(f"leave: must not exceed enter = {self.enter:g}, got {self.leave:g}")

    def __str__(self) -> str:
        return f"out once {self.quantity()} >= {self.enter:g}, back below {self.leave:g}"

    def start(self) -> State:
        """No probability seen yet, in the market."""
        return (None, False)

    def step(self, state: State, row: Row, proposed: float) -> tuple[State, float]:
        """`proposed`, or 0 while out; a missing probability changes nothing."""
        before, out = state
        now = self.probability(before, row)
        if now is not None:
            out = now >= (self.leave if out else self.enter)
        return (now, out), 0.0 if out else proposed
