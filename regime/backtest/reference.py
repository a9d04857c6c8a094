"""A second engine, one moment after another in plain arithmetic: the oracle of the first.

It shares the checks of the inputs and the form of the result with `engine`, nothing else: it keeps
its own agenda of decisions, its own desk of waiting orders, its own costs and its own cash account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from regime.backtest.book import BacktestResult, keep_book
from regime.backtest.costs import Costs
from regime.backtest.market import Market, Table, align
from regime.backtest.tape import lay_tape
from regime.backtest.timing import Fill, Rebalance, Timing

__all__ = ["reference_backtest"]


def reference_backtest(
    prices: Table,
    exposure: Table,
    costs: Costs,
    cash: pd.Series | None = None,
    *,
    fill_delay: int = 1,
    rebalance: Rebalance = "on_signal",
    fill: Fill = "close",
    opens: Table | None = None,
    half_spreads: Table | None = None,
    initial: float | Mapping[str, float] | None = None,
    same_bar: bool = False,
) -> BacktestResult:
    """Trade a series of decisions as `backtest` does, session by session.

    Parameters
    ----------
    prices, exposure, costs, cash, fill_delay, rebalance, fill, opens, half_spreads, initial, same_bar
        As for `engine.backtest`.

    Returns
    -------
    BacktestResult
        Equal to that of `engine.backtest` within 1e-10 of equity.

    Raises
    ------
    InvalidDataError, ConfigError
        As `engine.backtest` does.
    """
    timing = Timing(fill_delay=fill_delay, rebalance=rebalance, fill=fill, same_bar=same_bar)
    market = align(prices, exposure, cash, initial, opens=opens, half_spreads=half_spreads)
    tape = lay_tape(market, timing, costs)  # for the book alone; the desk reads the market itself
    desk = _Desk(market=market, timing=timing, costs=costs)
    for today in range(len(market.sessions)):
        desk.accrue(today)
        if market.opens is not None and today > 0:
            desk.look(market.opens[today])
            desk.receive(today)
            desk.trade(today)
            desk.note_down()
        desk.look(market.prices[today])
        if market.opens is None or today == 0:
            desk.receive(today)
        desk.trade(today)
        desk.note_down()
    return keep_book(
        tape,
        equity=np.array(desk.equity),
        cash=np.array(desk.account),
        units=np.array(desk.held),
        targets=np.array(desk.targets),
        orders=desk.fills,
        deferred=desk.log(),
    )


def _falling_due(market: Market, timing: Timing, today: int) -> int | None:
    """Session whose decision falls due in this one; None where no decision does."""
    session = today + 1 if timing.same_bar else today - timing.fill_delay
    return session if 0 <= session < len(market.sessions) else None


@dataclass
class _Desk:
    """What is held, what is wanted, and the orders that wait for a price."""

    market: Market
    timing: Timing
    costs: Costs
    cash: float = 1.0
    equity: list[float] = field(default_factory=list)
    account: list[float] = field(default_factory=list)
    held: list[np.ndarray] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    decided: Any = pd.NaT
    deferred: dict[int, list[Any]] = field(default_factory=dict)
    closed: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = self.market.assets
        assets = len(self.names)
        self.units, self.last, self.quotes = np.zeros(assets), np.zeros(assets), np.zeros(assets)
        self.wanted, self.ordered, self.kept = np.zeros(assets), np.zeros(assets), np.ones(assets)

    def value(self) -> float:
        """Cash and positions at the last known prices."""
        return self.cash + float((self.units * self.last).sum())

    def note_down(self) -> None:
        """Enter the account of this moment."""
        self.equity.append(self.value())
        self.account.append(self.cash)
        self.held.append(self.units.copy())
        self.targets.append(self.met)

    def accrue(self, today: int) -> None:
        """Interest since the close before, and a session's fee on what is held."""
        self.cash *= 1.0 + float(self.market.cash[today])
        if today == 0:
            return
        for asset, name in enumerate(self.names):
            yearly = self.costs.holding_bps
            self.kept[asset] *= (
                1 - (yearly[name] if isinstance(yearly, Mapping) else yearly) / 10_000 / 252
            )

    def look(self, prices: np.ndarray) -> None:
        """Prices of this moment; an asset without one keeps its last."""
        self.quotes, self.met = prices * self.kept, np.full(len(prices), np.nan)
        self.last = np.where(np.isnan(prices), self.last, self.quotes)

    def receive(self, today: int) -> None:
        """Take in the decision that falls due.

        A changed one, or any on a day of restoring, becomes orders.
        """
        source = _falling_due(self.market, self.timing, today)
        weights = self.wanted if source is None else self.market.decisions[source]
        if source is None and today == 0:
            weights = self.market.initial
        changed = weights != self.wanted
        if today == 0 or self._restores(today) or changed.any():
            self.decided = pd.NaT if source is None or today == 0 else self.market.sessions[source]
            self.waiting = set(range(len(weights)))
        self.wanted = weights
        for asset in map(int, np.flatnonzero(changed)):
            self._supersede(asset)
            if np.isnan(self.quotes[asset]):
                self.deferred[asset] = [
                    self.decided,
                    self.market.sessions[today],
                    self.names[asset],
                    weights[asset],
                    "open",
                    pd.NaT,
                ]

    def _restores(self, today: int) -> bool:
        if self.timing.rebalance == "monthly":
            return (
                f"{self.market.sessions[today]:%Y-%m}" != f"{self.market.sessions[today - 1]:%Y-%m}"
            )
        return self.timing.rebalance == "daily"

    def _supersede(self, asset: int) -> None:
        if asset in self.deferred:
            row = self.deferred.pop(asset)
            self.closed.append([*row[:4], "replaced", pd.NaT])

    def trade(self, today: int) -> None:
        """Once a waiting order meets a price, bring all priced assets to their weights.

        The others wait.
        """
        prices = self.quotes
        priced = [asset for asset in range(len(prices)) if not np.isnan(prices[asset])]
        if self.waiting.isdisjoint(priced):
            return
        value = self.value()
        change = {
            asset: self.wanted[asset] * value - self.units[asset] * prices[asset]
            for asset in priced
        }
        for asset in sorted(priced, key=lambda name: change[name]):
            self._fill(today, asset, self.wanted[asset] * value / prices[asset], prices[asset])
        self.waiting = set(range(len(prices))).difference(priced)
        self.met[priced] = self.wanted[priced]

    def _fill(self, today: int, asset: int, units: float, price: float) -> None:
        rate = 0.0 if today == 0 else self._rate(today, asset)
        affordable = self.units[asset] + max(self.cash, 0.0) / (1.0 + rate) / price
        bought = min(units, affordable) - self.units[asset]
        self.units[asset] = min(units, affordable)
        self.cash -= bought * price + abs(bought) * price * rate
        self.ordered[asset] = self.wanted[asset]
        if bought != 0.0:
            self.fills.append(
                (
                    self.market.sessions[today],
                    self.decided,
                    self.names[asset],
                    self.wanted[asset],
                    bought,
                    price,
                    bought * price,
                    abs(bought) * price * rate,
                )
            )
        if asset in self.deferred:
            row = self.deferred.pop(asset)
            self.closed.append([*row[:4], "filled", self.market.sessions[today]])

    def _rate(self, today: int, asset: int) -> float:
        """Commission, half-spread of the day, and impact of the change since the asset's last order."""
        given, table = self.costs.half_spread_bps, self.market.half_spreads
        half = given[self.names[asset]] if isinstance(given, Mapping) else given
        if table is not None and not np.isnan(table[today, asset]):
            half = float(table[today, asset])
        moved = abs(float(self.wanted[asset] - self.ordered[asset]))
        return (self.costs.bps + half + self.costs.impact_bps * moved) / 10_000

    def log(self) -> list[list[Any]]:
        """Deferred orders by the session on which they fell due."""
        return sorted(
            [*self.closed, *self.deferred.values()],
            key=lambda row: (row[1], self.names.index(row[2])),
        )
