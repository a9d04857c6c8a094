"""The engine: decisions become orders one close later, and vectorbt fills them.

This is the one place where a decision is shifted to its fill, and the only door to vectorbt, which is
imported on use. Two of vectorbt's ways are worked around: an order on a session without a price would be
dropped in silence, so it is deferred here; and idle cash would earn nothing, so everything is priced in
units of the cash account, in which cash stands still, and turned back afterwards.

Depends on: backtest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.backtest.book import BacktestResult, keep_book
from regime.backtest.costs import Costs
from regime.backtest.market import Market, Rebalance, Timing, align

__all__ = ["backtest"]

# vectorbt treats sizes and cash below 1e-12 as zero: a large account keeps that beyond the 16th digit.
CAPITAL = 1e6


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Orders by session and asset: weights due, which are sent, the session of their decision (-1: none)."""

    due: np.ndarray
    sent: np.ndarray
    decided: np.ndarray
    deferred: list[tuple[Any, ...]]


def backtest(prices: pd.Series | pd.DataFrame, exposure: pd.Series | pd.DataFrame, costs: Costs,
             cash: pd.Series | None = None, *, fill_delay: int = 1, rebalance: Rebalance = "on_signal",
             initial: float | Mapping[str, float] | None = None, same_bar: bool = False) -> BacktestResult:
    """Trade a series of decisions and return the account of it.

    An exposure decided at the close of session t is filled at the close of t + `fill_delay`, at that
    close's price and cost, so with the default the first return that it earns is that of t + 2. Sells
    come first, then buys from the smallest; a buy that cash cannot cover is cut to what cash covers. Where
    an asset has no price when its order falls due, the order waits for its next price, in `deferred` and in
    `notes`, and the asset is valued at its last price; the other assets are brought to their weights again
    when it is filled, because a buy may have been cut for want of its proceeds.

    Parameters
    ----------
    prices : Series or DataFrame, shape (n_sessions,) or (n_sessions, n_assets)
        Total-return levels at each close, above 0; NaN where a session has no price.
    exposure : Series or DataFrame, fraction of capital in [0, 1]
        Decided at the close of its date; never NaN. A Series for one asset, a DataFrame of weights for
        several; the rest is cash. Dates are sessions of `prices`; between two of them the earlier
        decision stands, before the first `initial` does.
    costs : Costs
    cash : Series, fraction a session, optional
        What cash earned from the close before to the close of its date: yesterday's bill rate / 252, say.
        Needed for every session but the first; by default cash earns nothing.
    fill_delay : int
        Sessions from decision to fill, at least 1.
    rebalance : {"on_signal", "daily"}
        Orders only where the decision changes, or the decided fractions restored at every close (drift that
        meets no price is restored at the next one, without an entry in `deferred`).
    initial : float, or mapping of asset to float, optional
        Weights held before the first fill, endowed at the first close without cost; by default 1 for a
        single asset, all cash for several.
    same_bar : bool
        Deliberately wrong: a decision earns the return of its own session. For tests only.

    Returns
    -------
    BacktestResult

    Raises
    ------
    InvalidDataError
        If prices, exposure or cash break their rules; see `market.align`.
    ConfigError
        If an option is out of its range.

    Notes
    -----
    **Known at:** an order filled at close t uses decisions up to t - `fill_delay`.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=5, name="date")
    >>> prices = pd.Series([100.0, 100.0, 110.0, 99.0, 99.0], index=dates, name="stock")
    >>> out = pd.Series([1.0, 0.0, 0.0, 0.0, 0.0], index=dates)
    >>> backtest(prices, out, Costs(bps=0)).equity.round(4).tolist()
    [1.0, 1.0, 1.1, 1.1, 1.1]
    """
    timing = Timing(fill_delay=fill_delay, rebalance=rebalance, same_bar=same_bar)
    market = align(prices, exposure, cash, initial)
    return _simulate(market, timing, costs, _plan(market, timing))


def _plan(market: Market, timing: Timing) -> _Plan:
    """Shift decisions to their fills, choose the sessions with orders, defer those without a price."""
    n = len(market.sessions)
    row = np.arange(n)
    source = row - (-1 if timing.same_bar else timing.fill_delay)
    decisions = market.decisions.to_numpy()
    due = np.where((source < 0)[:, None], market.initial, decisions[np.clip(source, 0, n - 1)])
    changed = np.vstack([due[:1] > 0, due[1:] != due[:-1]])
    ordered = changed.any(axis=1) | (timing.rebalance == "daily") | (row == 0)
    latest = np.maximum.accumulate(np.where(ordered, row, -1))
    priced = market.prices.notna().to_numpy()
    decided = np.where((latest > 0) & (source[latest] < n), np.maximum(source[latest], -1), -1)
    return _Plan(due=due, sent=_sent(ordered, priced), decided=decided,
                 deferred=_deferred(market, due, changed, priced, decided))


def _sent(ordered: np.ndarray, priced: np.ndarray) -> np.ndarray:
    """Orders that go out: at the price of their session or, failing that, at the next one before a newer order."""
    sent: np.ndarray = priced & ordered[:, None]
    for start in np.flatnonzero(ordered & ~priced.all(axis=1)):
        waiting, i = ~priced[start], start + 1
        while i < len(ordered) and not ordered[i] and waiting.any():
            if (waiting & priced[i]).any():
                # The others follow: their buys may have been cut because this sale had to wait.
                sent[i], waiting = priced[i], ~priced[i]
            i += 1
    return sent


def _deferred(market: Market, due: np.ndarray, changed: np.ndarray, priced: np.ndarray,
              decided: np.ndarray) -> list[tuple[Any, ...]]:
    """Every new weight that met no price, and what became of it."""
    rows = []
    for i, a in np.argwhere(changed & ~priced):
        fill, newer = _next(priced[:, a], i), _next(changed[:, a], i)
        # A newer decision on the very session of the price is the one that is filled there.
        outcome = "open" if fill is None and newer is None else "filled" if newer is None or (
            fill is not None and fill < newer) else "replaced"
        rows.append((_date(market, decided[i]), market.sessions[i], market.assets[a], due[i, a], outcome,
                     market.sessions[fill] if outcome == "filled" else pd.NaT))
    return rows


def _next(flags: np.ndarray, after: int) -> int | None:
    later = np.flatnonzero(flags[after + 1:])
    return int(later[0]) + after + 1 if later.size else None


def _date(market: Market, row: int) -> Any:
    return market.sessions[row] if row >= 0 else pd.NaT


def _simulate(market: Market, timing: Timing, costs: Costs, plan: _Plan) -> BacktestResult:
    """Fill the plan with vectorbt in units of the cash account, and turn the result back into money."""
    import vectorbt as vbt
    from vectorbt.portfolio.enums import Direction, SizeType

    marks, account = market.marks, np.cumprod(1.0 + market.cash.to_numpy())
    relative = marks / marks[0] / account[:, None]
    fees = np.tile(costs.rates(market.assets), (len(marks), 1))
    fees[0] = 0.0
    portfolio = vbt.Portfolio.from_orders(
        pd.DataFrame(relative, index=market.sessions, columns=market.assets), price=relative,
        # A missing size would upset vectorbt's sells-first order, so "no order" is an amount of 0.
        size=np.where(plan.sent, plan.due, 0.0), fees=fees, direction=Direction.LongOnly,
        size_type=np.where(plan.sent, SizeType.TargetPercent, SizeType.Amount),
        init_cash=CAPITAL, cash_sharing=True, group_by=True, call_seq="auto", freq="1D")
    money = account / CAPITAL
    return keep_book(market, timing, costs, equity=portfolio.value().to_numpy() * money,
                     cash=portfolio.cash().to_numpy() * money,
                     units=portfolio.assets().to_numpy() / (marks[0] * CAPITAL),
                     orders=_orders(market, plan, portfolio.orders.records, money),
                     deferred=plan.deferred)


def _orders(market: Market, plan: _Plan, records: pd.DataFrame, money: np.ndarray) -> pd.DataFrame:
    records = records.sort_values(["idx", "id"])
    i, a = records["idx"].to_numpy(), records["col"].to_numpy()
    side = np.where(records["side"] == 0, 1.0, -1.0)
    units = side * records["size"].to_numpy() / (market.marks[0][a] * CAPITAL)
    price, decided = market.prices.to_numpy()[i, a], plan.decided[i]
    dates = market.sessions[decided].to_series().where(decided >= 0)
    return pd.DataFrame({"date": market.sessions[i], "decided": dates.to_numpy(), "asset": np.array(market.assets)[a],
                         "target": plan.due[i, a], "units": units, "price": price, "notional": units * price,
                         "cost": records["fees"].to_numpy() * money[i]})
