"""How much money follows a rule.

A range, since nobody counts it, and what a change of exposure makes of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from regime.errors import ConfigError

__all__ = ["Capital", "flow_words"]


@dataclass(frozen=True, kw_only=True)
class Capital:
    """Assumed size of a group of funds.

    Parameters
    ----------
    low, mid, high : float
        USD bn, positive and rising.

    Raises
    ------
    ConfigError
        If they are not.

    Examples
    --------
    >>> Capital(low=100, mid=200, high=300).flows(-0.1)
    {'low': -30.0, 'mid': -20.0, 'high': -10.0}
    """

    low: float
    mid: float
    high: float

    def __post_init__(self) -> None:
        if not 0.0 < self.low <= self.mid <= self.high < math.inf:
            raise ConfigError(
                f"low: 0 < low <= mid <= high must hold, got {self.low:g}, {self.mid:g}, "
                f"{self.high:g}"
            )

    def flows(self, change: float) -> dict[str, float]:
        """Flow in USD bn for a change of exposure as a fraction of the capital.

        Negative sells, `low` is the lowest.
        """
        low, high = sorted((self.low * change, self.high * change))
        return {"low": low, "mid": self.mid * change, "high": high}

    def to_dict(self) -> dict[str, float]:
        """The range itself, USD bn: an assumption, printed wherever a flow is."""
        return {"low": self.low, "mid": self.mid, "high": self.high}


def flow_words(flow: dict[str, float]) -> str:
    """A flow as people say it: ``sell USD 20 bn (10-30)``; the band is that of the capital."""
    if not abs(flow["mid"]) >= 0.5:  # also where it is not known
        return "trade next to nothing"
    near, far = sorted((abs(flow["low"]), abs(flow["high"])))
    return f"{'buy' if flow['mid'] > 0 else 'sell'} USD {abs(flow['mid']):.0f} bn ({near:.0f}-{far:.0f})"
