"""The book of one backtest: equity, what was held, every order, every order that had to wait.

Amounts are in units of the starting capital.

Depends on: errors, performance, backtest.market, backtest.costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from regime.backtest.costs import Costs
from regime.backtest.market import Market, Timing
from regime.errors import RegimeError
from regime.performance import SESSIONS_A_YEAR, performance_table

__all__ = ["DEFERRED", "ORDERS", "BacktestResult", "keep_book"]

ORDERS = {"date": "datetime64[ns]", "decided": "datetime64[ns]", "asset": "str", "target": "float64",
          "units": "float64", "price": "float64", "notional": "float64", "cost": "float64"}
DEFERRED = {"decided": "datetime64[ns]", "due": "datetime64[ns]", "asset": "str", "target": "float64",
            "outcome": "str", "filled": "datetime64[ns]"}
Rows: TypeAlias = pd.DataFrame | Sequence[Sequence[Any]]
# Of equity: far above the rounding of some thousand sums, far below a basis point.
IDENTITY_ROOM = 1e-9
# Of equity: an order below it restores a weight that was off by rounding, which is no order.
ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """What a backtest did, session by session.

    Parameters
    ----------
    equity : Series, shape (n_sessions,), units of starting capital
        At each close after that close's fills; the first is 1.
    returns : Series, shape (n_sessions - 1,), fraction a session
        Net of costs, from the second session on.
    cash_returns : Series, shape (n_sessions - 1,), fraction a session
        What cash earned.
    held : DataFrame, shape (n_sessions - 1, n_assets), fraction of capital
        Weights that earned each session's return: those after the fills of the close before.
    positions : DataFrame, shape (n_sessions, n_assets), units of starting capital
        Value at each close, at the last known price where there is none.
    cash : Series, shape (n_sessions,), units of starting capital
    costs : Series, shape (n_sessions,), units of starting capital
        Paid at each close.
    orders : DataFrame
        A row a fill: `date`, `decided` (NaT for the endowment), `asset`, `target` (weight), `units`,
        `price`, `notional` (above 0 buys), `cost`.
    deferred : DataFrame
        A row an order that met no price: `decided`, `due`, `asset`, `target`, `outcome` (``filled`` at the
        next price, ``replaced`` by a newer decision, ``open`` at the end) and `filled` (a date or NaT).
    notes : tuple of str
        The accounting in words, and every warning.

    Examples
    --------
    >>> from regime.backtest.reference import reference_backtest
    >>> dates = pd.bdate_range("2024-01-01", periods=4, name="date")
    >>> prices = pd.Series([100.0, 100.0, 110.0, 121.0], index=dates, name="stock")
    >>> result = reference_backtest(prices, pd.Series(0.0, index=dates), Costs(bps=10))
    >>> result.exposure.tolist(), result.equity.round(4).tolist()
    ([1.0, 0.0, 0.0], [1.0, 0.999, 0.999, 0.999])
    """

    equity: pd.Series
    returns: pd.Series
    cash_returns: pd.Series
    held: pd.DataFrame
    positions: pd.DataFrame
    cash: pd.Series
    costs: pd.Series
    orders: pd.DataFrame
    deferred: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def exposure(self) -> pd.Series:
        """Fraction of capital outside cash over each session, shape (n_sessions - 1,)."""
        return self.held.sum(axis=1).rename("exposure")

    @property
    def turnover(self) -> float:
        """One-way turnover a year: traded notional over equity, the endowment left out."""
        traded = self._traded()
        equity = self.equity.reindex(traded["date"]).to_numpy()
        return float((traded["notional"].abs() / equity).sum()) / len(self.returns) * SESSIONS_A_YEAR

    def summary(self) -> dict[str, float]:
        """Figures of `performance_table`, with the turnover of the orders, costs a year and counts.

        Returns
        -------
        dict of str to float
            `cost_per_year` is a fraction of equity; `orders` leaves the endowment out.
        """
        before = self.equity.to_numpy()[:-1]
        paid = float((self.costs.to_numpy()[1:] / before).sum()) / len(self.returns) * SESSIONS_A_YEAR
        return performance_table(self.returns, self.cash_returns, self.exposure) | {
            "turnover": self.turnover, "cost_per_year": paid,
            "orders": float(len(self._traded())), "deferred": float(len(self.deferred))}

    def _traded(self) -> pd.DataFrame:
        """Orders after the endowment, which is no trade."""
        return self.orders[self.orders["date"] > self.equity.index[0]]


def keep_book(market: Market, timing: Timing, costs: Costs, *, equity: np.ndarray, cash: np.ndarray, units: np.ndarray,
              orders: Rows, deferred: Rows) -> BacktestResult:
    """Bind an engine's account into a result, after checking that it adds up.

    Parameters
    ----------
    market, timing, costs
        What the engine was given.
    equity, cash : ndarray, shape (n_sessions,), units of starting capital
        After each close's fills.
    units : ndarray, shape (n_sessions, n_assets)
        Held after each close's fills.
    orders, deferred : DataFrame, or rows in the order of `ORDERS` and `DEFERRED`

    Raises
    ------
    RegimeError
        If cash and positions are not equity, gains less costs are not its change, or an order was
        filled before its decision: a fault of the engine, never of the input.
    """
    sessions, assets = market.sessions, market.prices.columns
    fills, waits = _table(orders, ORDERS), _table(deferred, DEFERRED)
    line = pd.Series(equity, index=sessions, name="equity")
    sizable = fills["notional"].abs().to_numpy() > ROUNDING * line.reindex(fills["date"]).to_numpy()
    fills = fills[sizable].reset_index(drop=True)
    positions = units * market.marks
    paid = fills.groupby("date")["cost"].sum().reindex(sessions).fillna(0.0).rename("costs")
    _check_identities(market, equity, cash, units, positions, paid.to_numpy())
    early = fills["date"] <= fills["decided"]
    if early.any() and not timing.same_bar:
        date = fills["date"][early].iloc[0]
        raise RegimeError(f"backtest: an order was filled on {date:%Y-%m-%d}, not after its decision")
    held = pd.DataFrame(positions[:-1] / equity[:-1, None], index=sessions[1:], columns=assets)
    return BacktestResult(
        equity=line, returns=pd.Series(equity[1:] / equity[:-1] - 1.0, index=sessions[1:], name="returns"),
        cash_returns=market.cash.iloc[1:], held=held, positions=pd.DataFrame(positions, index=sessions, columns=assets),
        cash=pd.Series(cash, index=sessions, name="cash"), costs=paid, orders=fills, deferred=waits,
        notes=_notes(market, timing, costs, waits))


def _check_identities(market: Market, equity: np.ndarray, cash: np.ndarray, units: np.ndarray, positions: np.ndarray,
                      paid: np.ndarray) -> None:
    gains = (units[:-1] * np.diff(market.marks, axis=0)).sum(axis=1) + cash[:-1] * market.cash.to_numpy()[1:]
    change = np.diff(equity)
    faults = {
        "cash and positions are not equity": np.abs(cash + positions.sum(axis=1) - equity),
        "gains less costs are not the change of equity": np.abs(np.r_[0.0, gains - paid[1:] - change]),
        "cash is borrowed": np.maximum(-cash, 0.0),
    }
    for rule, size in faults.items():
        bad = ~(size <= IDENTITY_ROOM * equity)
        if bad.any():
            row = int(bad.argmax())
            raise RegimeError(f"backtest: {market.sessions[row]:%Y-%m-%d}: {rule} by {size[row]:.3g}")


def _table(rows: Rows, columns: dict[str, str]) -> pd.DataFrame:
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows), columns=list(columns))
    return table.astype(columns)


def _notes(market: Market, timing: Timing, costs: Costs, deferred: pd.DataFrame) -> tuple[str, ...]:
    earned = "cash earned its own return" if market.cash.any() else "cash earned nothing"
    return (str(timing), str(costs), earned, *(_wait(row) for row in deferred.itertuples()))


def _wait(row: Any) -> str:
    became = {"filled": "filled on", "replaced": "replaced by a newer decision", "open": "never filled"}[row.outcome]
    when = f" {row.filled:%Y-%m-%d}" if row.outcome == "filled" else ""
    return f"{row.asset}: the order to {row.target:g} due {row.due:%Y-%m-%d} met no price and was {became}{when}"
