"""A second engine, one moment after another in plain arithmetic: the oracle of the first.

It shares the checks of the inputs and the form of the result with `engine`, nothing else: it
schedules decisions, keeps waiting orders, and counts costs and cash in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from regime.backtest.costs import Costs
from regime.backtest.market import Market, SeriesOrFrame, align
from regime.backtest.orders import Fill, Rebalance, Timing, fill_moments
from regime.backtest.result import BacktestResult, build_result

__all__ = ["reference_backtest"]


def reference_backtest(
    prices: SeriesOrFrame,
    exposure: SeriesOrFrame,
    costs: Costs,
    cash: pd.Series | None = None,
    *,
    fill_delay: int = 1,
    rebalance: Rebalance = "on_signal",
    fill: Fill = "close",
    opens: SeriesOrFrame | None = None,
    half_spreads: SeriesOrFrame | None = None,
    initial: float | Mapping[str, float] | None = None,
    same_bar: bool = False,
) -> BacktestResult:
    """Trade a series of decisions session by session, with the arguments of `engine.backtest`.

    The result equals that of `engine.backtest` within 1e-10 of equity.
    """
    timing = Timing(fill_delay=fill_delay, rebalance=rebalance, fill=fill, same_bar=same_bar)
    market = align(prices, exposure, cash, initial, opens=opens, half_spreads=half_spreads)
    account = _Account(market=market, timing=timing, costs=costs)
    for today in range(len(market.sessions)):
        account.accrue(today)
        if market.opens is not None and today > 0:
            account.see_prices(market.opens[today])
            account.take_decision(today)
            account.trade(today)
            account.record()
        account.see_prices(market.prices[today])
        if market.opens is None or today == 0:
            account.take_decision(today)
        account.trade(today)
        account.record()
    return build_result(
        fill_moments(market, timing, costs),  # for the checks of the result alone
        equity=np.array(account.equities),
        cash=np.array(account.cashes),
        units=np.array(account.holdings),
        targets=np.array(account.targets),
        orders=account.fills,
        deferred=account.deferrals(),
    )


def _falling_due(market: Market, timing: Timing, today: int) -> int | None:
    """Session whose decision falls due in this one; None where no decision does."""
    session = today + 1 if timing.same_bar else today - timing.fill_delay
    return session if 0 <= session < len(market.sessions) else None


@dataclass
class _Account:
    """What is held, what is wanted, and the orders that wait for a price."""

    market: Market
    timing: Timing
    costs: Costs
    cash: float = 1.0
    equities: list[float] = field(default_factory=list)
    cashes: list[float] = field(default_factory=list)
    holdings: list[np.ndarray] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    decided: Any = pd.NaT
    deferred: dict[int, list[Any]] = field(default_factory=dict)
    closed: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = self.market.assets
        assets = len(self.names)
        self.units = np.zeros(assets)
        self.last = np.zeros(assets)
        self.quotes = np.zeros(assets)
        self.wanted = np.zeros(assets)
        self.ordered = np.zeros(assets)
        self.kept = np.ones(assets)  # of the level, after the cost of holding

    def value(self) -> float:
        """Cash and positions at the last known prices."""
        return self.cash + float((self.units * self.last).sum())

    def record(self) -> None:
        """Keep equity, cash, holdings and filled weights of this moment."""
        self.equities.append(self.value())
        self.cashes.append(self.cash)
        self.holdings.append(self.units.copy())
        self.targets.append(self.filled)

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

    def see_prices(self, prices: np.ndarray) -> None:
        """Prices of this moment; an asset without one keeps its last."""
        self.quotes = prices * self.kept
        self.filled = np.full(len(prices), np.nan)
        self.last = np.where(np.isnan(prices), self.last, self.quotes)

    def take_decision(self, today: int) -> None:
        """Order what falls due: changed weights, or all of them on a day of restoring."""
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
        """Once a waiting order meets a price, bring all priced assets to their weights."""
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
        self.filled[priced] = self.wanted[priced]

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
        """Commission, half-spread of the day, and impact of the change of weight."""
        half_spread = self.costs.half_spread_bps
        table = self.market.half_spreads
        half = half_spread[self.names[asset]] if isinstance(half_spread, Mapping) else half_spread
        if table is not None and not np.isnan(table[today, asset]):
            half = float(table[today, asset])
        moved = abs(float(self.wanted[asset] - self.ordered[asset]))
        return (self.costs.bps + half + self.costs.impact_bps * moved) / 10_000

    def deferrals(self) -> list[list[Any]]:
        """Deferred orders by the session on which they fell due."""
        return sorted(
            [*self.closed, *self.deferred.values()],
            key=lambda row: (row[1], self.names.index(row[2])),
        )
