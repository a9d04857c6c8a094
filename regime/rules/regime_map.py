"""A rule that gives each regime an exposure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from regime.errors import ConfigError
from regime.rules.base import Row, Rule, State, averaged, fraction, signal
from regime.schema import REGIMES

__all__ = ["RegimeMap"]

How = Literal["expected", "likeliest"]


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
        return f"{each}, {'weighted by probability' if self.how == 'expected' else 'by the likeliest regime'}{smooth}"

    @property
    def needs(self) -> tuple[str, ...]:
        """All four regimes."""
        return REGIMES

    def start(self) -> State:
        """No probabilities seen yet."""
        return None

    def step(self, state: State, row: Row, proposed: float) -> tuple[State, float]:
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
