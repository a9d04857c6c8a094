"""Scenarios: what the price is supposed to do over the next week or month when flows are asked for.

A scenario states the whole move and how wild its days are. Falls are wild, quiet weeks quiet, and
funds that size by volatility answer to both: a rise of two volatilities, too, can make them sell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regime.errors import ConfigError

__all__ = ["HORIZONS", "SCENARIOS", "Scenario", "price_scenarios"]

HORIZONS = {"1w": 5, "1m": 21}  # sessions
SCENARIOS = ("up", "flat", "down")
# Median volatility of the days of such windows over that of the fortnight before, S&P 500
# 1928-2004, moves within half a volatility of the stated one (experiment 06): past windows of a
# size, not of one crisis.
RESPONSES = {
    "1w": {"up": 1.20, "flat": 0.70, "down": 1.35},
    "1m": {"up": 1.00, "flat": 0.90, "down": 1.35},
}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the price does over a horizon: a straight move, and how wild its days are.

    Parameters
    ----------
    sessions : int
        Length, at least 1.
    move : float
        Whole move in volatilities of the horizon (daily ones times the root of its sessions).
    response : float
        Volatility of its days as a multiple of the recent one, positive.

    Raises
    ------
    ConfigError
        If a number is impossible.

    Examples
    --------
    >>> Scenario(sessions=5, move=-2.0, response=1.5).move
    -2.0
    """

    sessions: int
    move: float
    response: float = 1.0

    def __post_init__(self) -> None:
        if self.sessions < 1:
            raise ConfigError(f"sessions: must be at least 1, got {self.sessions}")
        if not 0 < self.response < np.inf:
            raise ConfigError(f"response: must be positive, got {self.response}")


def price_scenarios(horizon: str, size: float = 2.0) -> dict[str, Scenario]:
    """The three scenarios of a horizon.

    Parameters
    ----------
    horizon : str
        ``1w`` or ``1m``.
    size : float
        Volatilities of the horizon that the up and down scenarios move, positive.

    Returns
    -------
    dict of str to Scenario
        ``up``, ``flat``, ``down``, with the volatility that such windows had in the past.

    Raises
    ------
    ConfigError
        If the horizon is unknown or the size is not positive.
    """
    if horizon not in HORIZONS:
        raise ConfigError(f"horizon: must be one of {', '.join(HORIZONS)}, got {horizon}")
    if not 0 < size < np.inf:
        raise ConfigError(f"size: must be positive, got {size}")
    moves = dict(zip(SCENARIOS, (size, 0.0, -size), strict=True))
    return {
        name: Scenario(
            sessions=HORIZONS[horizon], move=moves[name], response=RESPONSES[horizon][name]
        )
        for name in SCENARIOS
    }
