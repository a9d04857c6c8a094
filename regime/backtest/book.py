"""The book of one backtest: equity, what was held, every order, every order that had to wait.

Amounts are in units of the starting capital.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from regime.backtest.tape import Tape
from regime.errors import InvalidDataError, RegimeError
from regime.performance import performance_table
from regime.sessions import YEAR

__all__ = ["DEFERRED", "ORDERS", "BacktestResult", "keep_book"]

ORDERS = {
    "date": "datetime64[ns]",
    "decided": "datetime64[ns]",
    "asset": "str",
    "target": "float64",
    "units": "float64",
    "price": "float64",
    "notional": "float64",
    "cost": "float64",
}
DEFERRED = {
    "decided": "datetime64[ns]",
    "due": "datetime64[ns]",
    "asset": "str",
    "target": "float64",
    "outcome": "str",
    "filled": "datetime64[ns]",
}
Rows: TypeAlias = pd.DataFrame | Sequence[Sequence[Any]]
# Of the highest equity so far: far above the rounding of some thousand sums, far below a basis
# point.
IDENTITY_ROOM = 1e-9
# The same for orders: vectorbt takes values that differ by a billionth for equal.
FILL_ROOM = 1e-8
# Of the starting capital: below it, what is left is no more than the rounding of what was lost.
RUIN = 1e-6
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
        Weights that earned each session's return: those after the fills of the close before, or of
        the session's own open where orders are filled there.
    positions : DataFrame, shape (n_sessions, n_assets), units of starting capital
        Value at each close, at the last known price where there is none.
    cash : Series, shape (n_sessions,), units of starting capital
    costs : Series, shape (n_sessions,), units of starting capital
        Paid for the trades of each session.
    orders : DataFrame
        A row a fill: `date`, `decided` (NaT for the endowment), `asset`, `target` (weight),
        `units`, `price` (after the cost of holding), `notional` (above 0 buys), `cost`.
    deferred : DataFrame
        A row an order that met no price: `decided`, `due`, `asset`, `target`, `outcome` (``filled``
        at the next price, ``replaced`` by a newer decision, ``open`` at the end) and `filled` (a
        date or NaT).
    notes : tuple of str
        The accounting in words, and every warning.

    Examples
    --------
    >>> from regime.backtest.costs import Costs
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
        date, traded = self._traded()
        equity = self.equity.to_numpy()[self.equity.index.searchsorted(date)]
        return float((np.abs(traded) / equity).sum()) / len(self.returns) * YEAR

    def summary(self) -> dict[str, float]:
        """Figures of `performance_table`, with the turnover of the orders, costs a year and counts.

        Returns
        -------
        dict of str to float
            `cost_per_year` is a fraction of equity; `orders` leaves the endowment out.
        """
        before = self.equity.to_numpy()[:-1]
        paid = float((self.costs.to_numpy()[1:] / before).sum()) / len(self.returns) * YEAR
        return performance_table(self.returns, self.cash_returns, self.exposure) | {
            "turnover": self.turnover,
            "cost_per_year": paid,
            "orders": float(len(self._traded()[0])),
            "deferred": float(len(self.deferred)),
        }

    def _traded(self) -> tuple[np.ndarray, np.ndarray]:
        """Dates and notionals of the orders after the endowment, which is no trade."""
        date = self.orders["date"].to_numpy()
        later = date > self.equity.index[0].to_datetime64()
        return date[later], self.orders["notional"].to_numpy()[later]


def keep_book(
    tape: Tape,
    *,
    equity: np.ndarray,
    cash: np.ndarray,
    units: np.ndarray,
    targets: np.ndarray,
    orders: Rows,
    deferred: Rows,
) -> BacktestResult:
    """Bind an engine's account into a result, after checking that it adds up.

    Parameters
    ----------
    tape : Tape
        What the engine was given.
    equity, cash : ndarray, shape (n_moments,), units of starting capital
        After the fills of each moment.
    units : ndarray, shape (n_moments, n_assets)
        Held after the fills of each moment.
    targets : ndarray, shape (n_moments, n_assets), fraction of capital
        Weight of each order that met a price; NaN where none did.
    orders, deferred : DataFrame, or rows in the order of `ORDERS` and `DEFERRED`

    Raises
    ------
    InvalidDataError
        If less than a millionth of the capital is left.
    RegimeError
        If cash and positions are not equity, gains less costs are not its change, an order was
        filled before its decision, or one was lost: a fault of the engine, never of the input.
    """
    market, closes, positions = tape.market, tape.closes, units * tape.marks
    sessions, level = market.sessions, equity[closes]
    _check_ruin(tape, equity)
    fills, waits = _table(orders, ORDERS), _table(deferred, DEFERRED)
    place = sessions.searchsorted(fills["date"])
    sizable = np.abs(fills["notional"].to_numpy()) > ROUNDING * level[place]
    if not sizable.all():
        fills, place = fills[sizable].reset_index(drop=True), place[sizable]
    paid = np.bincount(place, weights=fills["cost"].to_numpy(), minlength=len(sessions))
    _check_identities(tape, equity, cash, units, positions, paid)
    _check_order_of_time(tape, fills)
    cuts = _check_fills(tape, equity, cash, units, targets)
    later, before = sessions[1:], closes[1:] - 1
    return BacktestResult(
        equity=pd.Series(level, sessions, name="equity"),
        returns=pd.Series(level[1:] / level[:-1] - 1.0, later, name="returns"),
        cash_returns=pd.Series(market.cash[1:], later, name="cash"),
        held=pd.DataFrame(positions[before] / equity[before, None], later, market.columns),
        positions=pd.DataFrame(positions[closes], sessions, market.columns),
        cash=pd.Series(cash[closes], sessions, name="cash"),
        costs=pd.Series(paid, sessions, name="costs"),
        orders=fills,
        deferred=waits,
        notes=_notes(tape, waits) + cuts,
    )


def _check_ruin(tape: Tape, equity: np.ndarray) -> None:
    ruined = ~(equity >= RUIN)
    if ruined.any():
        date = tape.market.sessions[tape.session[int(ruined.argmax())]]
        raise InvalidDataError(
            f"Backtest: {date:%Y-%m-%d}: less than {RUIN:g} of the capital is left after prices "
            "and "
            f"costs ({tape.costs}); end the period before it"
        )


def _check_identities(
    tape: Tape,
    equity: np.ndarray,
    cash: np.ndarray,
    units: np.ndarray,
    positions: np.ndarray,
    paid: np.ndarray,
) -> None:
    gains = (units[:-1] * np.diff(tape.marks, axis=0)).sum(axis=1) + cash[:-1] * tape.interest[1:]
    closes = tape.closes
    gained = np.add.reduceat(gains, closes[:-1])  # from one close to the next
    missing = np.abs(np.r_[0.0, gained - paid[1:] - np.diff(equity[closes])])
    _refuse(
        tape,
        np.abs(cash + positions.sum(axis=1) - equity),
        equity,
        "cash and positions are not equity",
    )
    _refuse(tape, missing[tape.session], equity, "gains less costs are not the change of equity")
    _refuse(tape, np.maximum(-cash, 0.0), equity, "cash is borrowed")


def _refuse(tape: Tape, size: np.ndarray, equity: np.ndarray, rule: str) -> None:
    bad = ~(size <= IDENTITY_ROOM * np.maximum.accumulate(equity))
    if bad.any():
        row = int(bad.argmax())
        date = tape.market.sessions[tape.session[row]]
        raise RegimeError(f"backtest: {date:%Y-%m-%d}: {rule} by {size[row]:.3g}")


def _check_order_of_time(tape: Tape, fills: pd.DataFrame) -> None:
    early = fills["date"].to_numpy() <= fills["decided"].to_numpy()
    if early.any() and not tape.timing.same_bar:
        date = fills["date"][early].iloc[0]
        raise RegimeError(
            f"backtest: an order was filled on {date:%Y-%m-%d}, not after its decision"
        )


def _check_fills(
    tape: Tape, equity: np.ndarray, cash: np.ndarray, units: np.ndarray, targets: np.ndarray
) -> tuple[str, ...]:
    """Every order that met a price stands at its weight, or cash is spent.

    A note where more than costs is missing.
    """
    before, room = (
        np.vstack([np.zeros_like(units[:1]), units[:-1]]),
        FILL_ROOM * np.maximum.accumulate(equity),
    )
    value = np.r_[1.0, cash[:-1] * (1.0 + tape.interest[1:])] + (before * tape.marks).sum(axis=1)
    short = np.where(np.isnan(targets), 0.0, targets * value[:, None] - units * tape.marks)
    _refuse(
        tape,
        np.where(short.min(axis=1) < -room, -short.min(axis=1), 0.0),
        equity,
        "a sale was lost",
    )
    lacking = np.maximum(short, 0.0).sum(axis=1)
    _refuse(
        tape,
        np.where((lacking > room) & (cash > room), lacking, 0.0),
        equity,
        "a purchase was lost",
    )
    unpaid = lacking - (value - equity)
    cut = np.flatnonzero(unpaid > room)
    if not cut.size:
        return ()
    date, share = tape.market.sessions[tape.session[cut[0]]], unpaid[cut[0]] / equity[cut[0]]
    return (
        f"purchases cut for want of cash, beyond their costs: {cut.size}, the first on "
        f"{date:%Y-%m-%d} by "
        f"{share:.2%} of capital; each is completed when the sale that it waits for is filled",
    )


def _table(rows: Rows, columns: dict[str, str]) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return rows
    return pd.DataFrame(list(rows), columns=list(columns)).astype(columns)


def _notes(tape: Tape, deferred: pd.DataFrame) -> tuple[str, ...]:
    earned = "cash earned its own return" if tape.market.cash.any() else "cash earned nothing"
    by_day = () if tape.market.half_spreads is None else ("half-spreads estimated day by day",)
    return (
        str(tape.timing),
        str(tape.costs),
        *by_day,
        earned,
        *(_wait(row) for row in deferred.itertuples()),
    )


def _wait(row: Any) -> str:
    became = {
        "filled": "filled on",
        "replaced": "replaced by a newer decision",
        "open": "never filled",
    }[row.outcome]
    when = f" {row.filled:%Y-%m-%d}" if row.outcome == "filled" else ""
    return f"{row.asset}: the order to {row.target:g} due {row.due:%Y-%m-%d} met no price and was {became}{when}"
