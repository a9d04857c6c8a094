"""When a decision is filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from regime.errors import ConfigError

__all__ = ["Fill", "Rebalance", "Timing"]

Rebalance = Literal["on_signal", "daily", "monthly"]
Fill = Literal["close", "open"]
REBALANCE: tuple[Rebalance, ...] = ("on_signal", "daily", "monthly")
FILL: tuple[Fill, ...] = ("close", "open")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a decision is filled, and how often weights are restored.

    Parameters
    ----------
    fill_delay : int
        Sessions from the decision to its fill, at least 1.
    rebalance : {"on_signal", "daily", "monthly"}
        ``on_signal``: orders only where the decision changes, weights drift between. ``daily``: the
        decided fractions are restored at every fill, at a cost. ``monthly``: where the decision
        changes, and at the first session of each month.
    fill : {"close", "open"}
        The price of the session at which orders are filled.
    same_bar : bool
        Deliberately wrong: a decision earns the return of its own session. Only for tests that show
        what looking ahead would earn.

    Examples
    --------
    >>> str(Timing(fill_delay=2)).split("; ")[0]
    'decided at the close of session t, filled at the close of t + 2'
    """

    fill_delay: int = 1
    rebalance: Rebalance = "on_signal"
    fill: Fill = "close"
    same_bar: bool = False

    def __post_init__(self) -> None:
        if self.fill_delay < 1:
            raise ConfigError(
                f"fill_delay: must be at least 1, got {self.fill_delay}: an order decided at a "
                "close "
                "cannot be filled at that close"
            )
        if self.rebalance not in REBALANCE:
            raise ConfigError(
                f"rebalance: must be one of {', '.join(REBALANCE)}, got {self.rebalance}"
            )
        if self.fill not in FILL:
            raise ConfigError(f"fill: must be one of {', '.join(FILL)}, got {self.fill}")
        if self.same_bar and self.fill == "open":
            raise ConfigError(
                "same_bar: shows what looking ahead earns from close to close; take fill='close'"
            )

    def __str__(self) -> str:
        fill = (
            "LOOK-AHEAD: a decision earns the return of its own session, which no order could"
            if self.same_bar
            else f"decided at the close of session t, filled at the {self.fill} of t + {self.fill_delay}"
        )
        weights = {
            "on_signal": "orders only where the decision changes, weights drift between",
            "daily": f"decided fractions restored at every {self.fill}",
            "monthly": "orders where the decision changes, decided fractions restored at the first "
            f"{self.fill} of each month",
        }[self.rebalance]
        return f"{fill}; {weights}"
