"""Rules that follow a price: out after a fall, back in once it has turned.

Both measure a fall by closes alone, from a high to the lowest close since, and start a new high
after each return: what an old fall lost says nothing about the next one. They read `price`, the
level of what is held with its income, in any unit, the same on every session.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from regime.errors import ConfigError
from regime.rules.base import FULLY_INVESTED, Rule, SignalRow, State, averaged, fraction, signal

__all__ = ["DrawdownStop", "ReentryOnTrend"]


@dataclass(frozen=True, kw_only=True)
class DrawdownStop(Rule):
    """Out once the price is some way below its high, back once part of the fall has been won back.

    Parameters
    ----------
    depth : float
        Fall from the highest close since the last return (at first: since the start) at which it is
        left, fraction of that high in (0, 1).
    regained : float
        Share of the fall from that high to the lowest close since that must be won back, in (0, 1].

    Notes
    -----
    **Known at:** each close. After a return the high is the close of that session: the next stop is
    another `depth` below it, so that a slow recovery is not sold again at once.

    Examples
    --------
    >>> rule = DrawdownStop(depth=0.1, regained=0.5)
    >>> print(rule)
    out once the price is 10 % below its high, back once 50 % of the fall is won back
    >>> import pandas as pd
    >>> closes = pd.DataFrame({"price": [100.0, 90.0, 80.0, 89.0, 90.0, 82.0, 81.0]},
    ...                       index=pd.bdate_range("2024-01-01", periods=7, name="date"))
    >>> rule(closes).tolist()
    [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    """

    depth: float = 0.10
    regained: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 < self.depth < 1.0:
            raise ConfigError(f"depth: must lie in (0, 1), got {self.depth}")
        if not 0.0 < self.regained <= 1.0:
            raise ConfigError(f"regained: must lie in (0, 1], got {self.regained}")

    def __str__(self) -> str:
        return (
            f"out once the price is {self.depth * 100:g} % below its high, "
            f"back once {self.regained * 100:g} % of the fall is won back"
        )

    @property
    def needs(self) -> tuple[str, ...]:
        """The price."""
        return ("price",)

    def start(self) -> State:
        """No price seen yet, in the market: the fall (None, or high and low) and whether out."""
        return (None, False)

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed`, or 0 while out; a missing price changes nothing."""
        fall, out = state
        price = signal(row, "price")
        if not math.isnan(price):
            fall = _fall(fall, price)
            if out and _won_back(fall, price, self.regained):
                fall, out = (price, price), False
            elif not out:
                out = price <= fall[0] * (1.0 - self.depth)
        return (fall, out), 0.0 if out else proposed


@dataclass(frozen=True, kw_only=True)
class ReentryOnTrend(Rule):
    """Back in before the rules ahead of it, once the price has turned up after they left.

    Where they propose less than `exposure`, the proposal is lifted to it after `confirm` closes in
    a row above the price's exponential average, at the first close that has also won back
    `regained` of the fall. The lift ends with the first close that is not above the average.

    Parameters
    ----------
    halflife : float
        Sessions of the exponential average of closes, above 0.
    confirm : int
        Closes in a row above the average, at least 1.
    regained : float
        Share of the fall that must be won back, in [0, 1]: from the highest close since the rules
        were last out to the lowest close after it; 0 asks for none.
    exposure : float
        What is held while lifted, in (0, 1].
    fade : int
        Sessions over which the lift comes in, in equal parts; 1 for at once. It always ends at
        once.

    Notes
    -----
    **Known at:** each close, that close included.

    Probabilities of a deleveraging stay high as long as volatility does, which is for weeks after
    the trough of a V: that is where rules that follow them lose what they saved. A price above its
    average is known at once. Three things keep the overlay from undoing the exits themselves:

    * Closes are counted from the session after the cut, and again from zero whenever the proposal
      falls below its lowest since the exit: a new alarm is always obeyed first, also one that comes
      near a high, where the price is still above its average.
    * A rally in a falling market is left at the first close back at the average, without waiting
      for the other rules.
    * Each absence is judged by its own fall: once the rules are back, a new high starts.

    It belongs before a volatility target: behind one the proposal is below `exposure` most of the
    time and says nothing about an exit.

    Examples
    --------
    >>> rule = ReentryOnTrend(halflife=10)
    >>> print(str(rule).partition(", until")[0])
    lifted to 1 after 3 closes in a row above the price's average (halflife 10)
    >>> rule = ReentryOnTrend(halflife=10, confirm=2)
    >>> state, exposures = rule.start(), []
    >>> prices = (100, 90, 95, 100, 101, 90)
    >>> for price, proposed in zip(prices, (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)):
    ...     state, exposure = rule.step(state, {"price": price}, proposed)
    ...     exposures.append(exposure)
    >>> exposures
    [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    """

    halflife: float = 10.0
    confirm: int = 3
    regained: float = 0.0
    exposure: float = FULLY_INVESTED
    fade: int = 1

    def __post_init__(self) -> None:
        if not 0.0 < self.halflife < math.inf:
            raise ConfigError(
                f"halflife: must be a number of sessions above 0, got {self.halflife}"
            )
        for name, sessions in (("confirm", self.confirm), ("fade", self.fade)):
            if sessions < 1:
                raise ConfigError(f"{name}: must be at least 1, got {sessions}")
        fraction("regained", self.regained)
        if not 0.0 < self.exposure <= 1.0:
            raise ConfigError(f"exposure: must lie in (0, 1], got {self.exposure}")

    def __str__(self) -> str:
        slowly = f" over {self.fade} sessions" if self.fade > 1 else ""
        closes = f"{self.confirm} closes in a row" if self.confirm > 1 else "a close"
        part = f" with {self.regained * 100:g} % of the fall won back" if self.regained else ""
        return (
            f"lifted to {self.exposure:g}{slowly} after {closes} above the price's average "
            f"(halflife {self.halflife:g}){part}, until one that is not"
        )

    @property
    def needs(self) -> tuple[str, ...]:
        """The price."""
        return ("price",)

    def start(self) -> State:
        """The rules in, no price seen yet.

        The average of closes; the fall (None, or high and low); the lowest proposal since the exit,
        None while the rules are in; closes in a row above the average since then; sessions lifted,
        at most `fade`.
        """
        return (None, None, None, 0, 0)

    def step(self, state: State, row: SignalRow, proposed: float) -> tuple[State, float]:
        """`proposed`, or up to `exposure` while lifted.

        A missing price neither lifts nor ends a lift.
        """
        average, fall, lowest, run, lifted = state
        price = signal(row, "price")
        away = proposed < self.exposure
        # a new alarm: count from the next close on
        obeyed = away and (lowest is None or proposed < lowest)
        if not away and lowest is not None:
            fall = None  # back in: the next fall is measured from here
        if obeyed or not away:
            lowest = proposed if away else None
            run = 0
            lifted = 0
        if not math.isnan(price):
            average = averaged(average, price, self.halflife)
            fall = _fall(fall, price)
            if away and not obeyed:
                run, lifted = self._lift(
                    run, lifted, price > average, _won_back(fall, price, self.regained)
                )
        share = lifted / self.fade
        held = proposed
        if lifted:
            held = min(self.exposure, (1.0 - share) * proposed + share * self.exposure)
        return (average, fall, lowest, run, lifted), held

    def _lift(self, run: int, lifted: int, above: bool, enough: bool) -> tuple[int, int]:
        """Closes in a row above the average, and sessions lifted, after one more close."""
        run = min(run + 1, self.confirm) if above else 0
        begun = lifted > 0 or (run >= self.confirm and enough)
        return run, min(lifted + 1, self.fade) if above and begun else 0


def _fall(fall: tuple[float, float] | None, price: float) -> tuple[float, float]:
    """Highest close, and lowest since, after one more close."""
    if fall is None or price >= fall[0]:
        return price, price
    return fall[0], min(fall[1], price)


def _won_back(fall: tuple[float, float], price: float, share: float) -> bool:
    """Whether the price has won back a share of the fall."""
    high, low = fall
    return price >= low + share * (high - low)
