"""A second engine, one close after another in plain arithmetic: the oracle of the first.

It shares the checks of the inputs and the form of the result with `engine`, nothing else: it keeps its own
agenda of decisions, its own desk of waiting orders and its own cash account.

Depends on: backtest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from regime.backtest.book import BacktestResult, keep_book
from regime.backtest.costs import Costs
from regime.backtest.market import Market, Rebalance, Timing, align

__all__ = ["reference_backtest"]


def reference_backtest(prices: pd.Series | pd.DataFrame, exposure: pd.Series | pd.DataFrame, costs: Costs,
                       cash: pd.Series | None = None, *, fill_delay: int = 1, rebalance: Rebalance = "on_signal",
                       initial: float | Mapping[str, float] | None = None, same_bar: bool = False) -> BacktestResult:
    """Trade a series of decisions as `backtest` does, session by session.

    Parameters
    ----------
    prices, exposure, costs, cash, fill_delay, rebalance, initial, same_bar
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
    timing = Timing(fill_delay=fill_delay, rebalance=rebalance, same_bar=same_bar)
    market = align(prices, exposure, cash, initial)
    desk = _Desk(market=market, rates=costs.rates(market.assets))
    equity, held, account = [], [], []
    for today in range(len(market.sessions)):
        desk.accrue(today)
        desk.receive(today, _falling_due(market, timing, today), timing)
        desk.trade(today)
        equity.append(desk.value())
        held.append(desk.units.copy())
        account.append(desk.cash)
    return keep_book(market, timing, costs, equity=np.array(equity), cash=np.array(account), units=np.array(held),
                     orders=desk.fills, deferred=desk.log())


def _falling_due(market: Market, timing: Timing, today: int) -> int | None:
    """Session whose decision falls due at this close; None where no decision does."""
    session = today + 1 if timing.same_bar else today - timing.fill_delay
    return session if 0 <= session < len(market.sessions) else None


@dataclass
class _Desk:
    """What is held, what is wanted, and the orders that wait for a price."""

    market: Market
    rates: np.ndarray
    cash: float = 1.0
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    decided: Any = pd.NaT
    deferred: dict[int, list[Any]] = field(default_factory=dict)
    closed: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        assets = len(self.market.assets)
        self.units, self.last = np.zeros(assets), np.zeros(assets)
        self.wanted = np.zeros(assets)

    def value(self) -> float:
        """Cash and positions at the last known prices."""
        return self.cash + float((self.units * self.last).sum())

    def accrue(self, today: int) -> None:
        """Interest since the close before, and the prices of this close."""
        self.cash *= 1.0 + float(self.market.cash.iloc[today])
        prices = self.market.prices.iloc[today].to_numpy()
        self.last = np.where(np.isnan(prices), self.last, prices)

    def receive(self, today: int, source: int | None, timing: Timing) -> None:
        """Take in the decision that falls due; a changed one, or any in daily mode, becomes orders."""
        weights = self.wanted if source is None else self.market.decisions.iloc[source].to_numpy()
        if today == 0 and source is None:
            weights = self.market.initial
        changed = weights != self.wanted
        if today == 0 or timing.rebalance == "daily" or changed.any():
            self.decided = pd.NaT if source is None or today == 0 else self.market.sessions[source]
            self.waiting = set(range(len(weights)))
        self.wanted = weights
        for asset in map(int, np.flatnonzero(changed)):
            self._supersede(asset)
            if np.isnan(self.market.prices.iloc[today, asset]):
                self.deferred[asset] = [self.decided, self.market.sessions[today], self.market.assets[asset],
                                        weights[asset], "open", pd.NaT]

    def _supersede(self, asset: int) -> None:
        if asset in self.deferred:
            row = self.deferred.pop(asset)
            self.closed.append([*row[:4], "replaced", pd.NaT])

    def trade(self, today: int) -> None:
        """Once a waiting order meets a price, bring all priced assets to their weights; the others wait."""
        prices = self.market.prices.iloc[today].to_numpy()
        priced = [asset for asset in range(len(prices)) if not np.isnan(prices[asset])]
        if self.waiting.isdisjoint(priced):
            return
        value = self.value()
        change = {asset: self.wanted[asset] * value - self.units[asset] * prices[asset] for asset in priced}
        for asset in sorted(priced, key=lambda name: change[name]):
            self._fill(today, asset, self.wanted[asset] * value / prices[asset], prices[asset])
        self.waiting = set(range(len(prices))).difference(priced)

    def _fill(self, today: int, asset: int, units: float, price: float) -> None:
        rate = 0.0 if today == 0 else float(self.rates[asset])
        affordable = self.units[asset] + max(self.cash, 0.0) / (1.0 + rate) / price
        bought = min(units, affordable) - self.units[asset]
        self.units[asset] = min(units, affordable)
        self.cash -= bought * price + abs(bought) * price * rate
        if bought != 0.0:
            self.fills.append((self.market.sessions[today], self.decided, self.market.assets[asset],
                               self.wanted[asset], bought, price, bought * price, abs(bought) * price * rate))
        if asset in self.deferred:
            row = self.deferred.pop(asset)
            self.closed.append([*row[:4], "filled", self.market.sessions[today]])

    def log(self) -> list[list[Any]]:
        """Deferred orders by the session on which they fell due."""
        return sorted([*self.closed, *self.deferred.values()],
                      key=lambda row: (row[1], self.market.assets.index(row[2])))
