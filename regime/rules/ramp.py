"""A rule that leaves the market by degrees."""

from __future__ import annotations

from dataclasses import dataclass

from regime.errors import ConfigError
from regime.rules.base import ProbabilityRule, Row, State, fraction

__all__ = ["Ramp"]


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
            raise ConfigError(f"high: must exceed low = {self.low:g}, got {self.high:g}")

    def __str__(self) -> str:
        return f"from full at {self.quantity()} = {self.low:g} down to nothing at {self.high:g}"

    def start(self) -> State:
        """No probability seen yet."""
        return None

    def step(self, state: State, row: Row, proposed: float) -> tuple[State, float]:
        """`proposed` times the kept fraction; a missing probability counts as the last known."""
        now = self.probability(state, row)
        if now is None:
            return None, proposed
        return now, proposed * min(1.0, max(0.0, (self.high - now) / (self.high - self.low)))
