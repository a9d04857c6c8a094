"""The result of one backtest: equity, positions, every order, every order that had to wait.

Amounts are in units of the starting capital.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from regime.arrays import Floats
from regime.backtest.orders import FillMoments
from regime.errors import InvalidDataError, RegimeError
from regime.performance import performance_table
from regime.schema import YEAR

__all__ = ["DEFERRED", "ORDERS", "BacktestResult", "build_result"]

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
OrderRows: TypeAlias = pd.DataFrame | Sequence[Sequence[Any]]
# Of the highest equity so far: far above the rounding of some thousand sums, far below a basis
# point.
IDENTITY_TOLERANCE = 1e-9
# The same for orders: vectorbt takes values that differ by a billionth for equal.
FILL_TOLERANCE = 1e-8
# Of the starting capital: below it, what is left is no more than the rounding of what was lost.
RUIN = 1e-6
# Of equity: an order below it restores a weight that was off by rounding, which is no order.
SMALLEST_ORDER = 1e-12


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
    >>> from regime.backtest import Costs, backtest
    >>> dates = pd.bdate_range("2024-01-01", periods=4, name="date")
    >>> prices = pd.Series([100.0, 100.0, 110.0, 121.0], index=dates, name="stock")
    >>> result = backtest(prices, pd.Series(0.0, index=dates), Costs(bps=10))
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
        """`performance_table`, with the turnover of the orders, costs a year and counts.

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

    def _traded(self) -> tuple[npt.NDArray[np.datetime64], Floats]:
        """Dates and notionals of the orders after the endowment, which is no trade."""
        date = self.orders["date"].to_numpy()
        later = date > self.equity.index[0].to_datetime64()
        return date[later], self.orders["notional"].to_numpy()[later]


def build_result(
    moments: FillMoments,
    *,
    equity: Floats,
    cash: Floats,
    units: Floats,
    targets: Floats,
    orders: OrderRows,
    deferred: OrderRows,
) -> BacktestResult:
    """Make the result of an engine's account, after checking that it adds up.

    Parameters
    ----------
    moments : FillMoments
        What the engine traded on.
    equity, cash : ndarray, shape (n_moments,), units of starting capital
        After the fills of each moment.
    units : ndarray, shape (n_moments, n_assets)
        Held after the fills of each moment.
    targets : ndarray, shape (n_moments, n_assets), fraction of capital
        Weight of each order that met a price; NaN where none did.
    orders, deferred : DataFrame, or rows in the order of `ORDERS` and `DEFERRED`

    Returns
    -------
    BacktestResult

    Raises
    ------
    InvalidDataError
        If less than a millionth of the capital is left.
    RegimeError
        If cash and positions are not equity, gains less costs are not its change, an order was
        filled before its decision, or one was lost: a fault of the engine, never of the input.
    """
    market = moments.market
    sessions = market.sessions
    closes = moments.closes
    positions = units * moments.marks
    level = equity[closes]
    _check_ruin(moments, equity)
    fills = _table(orders, ORDERS)
    waits = _table(deferred, DEFERRED)
    row = sessions.searchsorted(fills["date"])
    sizable = np.abs(fills["notional"].to_numpy()) > SMALLEST_ORDER * level[row]
    if not sizable.all():
        fills = fills[sizable].reset_index(drop=True)
        row = row[sizable]
    paid: Floats = np.zeros(len(sessions))
    paid += np.bincount(row, weights=fills["cost"].to_numpy(), minlength=len(sessions))
    _check_identities(moments, equity, cash, units, positions, paid)
    _check_order_of_time(moments, fills)
    cuts = _check_fills(moments, equity, cash, units, targets)
    later = sessions[1:]
    before = closes[1:] - 1
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
        notes=_notes(moments, waits) + cuts,
    )


def _check_ruin(moments: FillMoments, equity: Floats) -> None:
    ruined = ~(equity >= RUIN)
    if ruined.any():
        date = _date(moments, int(ruined.argmax()))
        raise InvalidDataError(
            f"Backtest: {date:%Y-%m-%d}: less than {RUIN:g} of the capital is left after prices "
            f"and costs ({moments.costs}); end the period before it"
        )


def _check_identities(
    moments: FillMoments,
    equity: Floats,
    cash: Floats,
    units: Floats,
    positions: Floats,
    paid: Floats,
) -> None:
    closes = moments.closes
    price_gains = (units[:-1] * np.diff(moments.marks, axis=0)).sum(axis=1)
    gains = price_gains + cash[:-1] * moments.interest[1:]
    gained = np.add.reduceat(gains, closes[:-1])  # from one close to the next
    missing = np.abs(np.r_[0.0, gained - paid[1:] - np.diff(equity[closes])])
    apart = np.abs(cash + positions.sum(axis=1) - equity)
    _require_small(moments, apart, equity, "cash and positions are not equity")
    _require_small(
        moments,
        missing[moments.session],
        equity,
        "gains less costs are not the change of equity",
    )
    _require_small(moments, np.maximum(-cash, 0.0), equity, "cash is borrowed")


def _require_small(moments: FillMoments, size: Floats, equity: Floats, rule: str) -> None:
    bad = ~(size <= IDENTITY_TOLERANCE * np.maximum.accumulate(equity))
    if bad.any():
        row = int(bad.argmax())
        date = _date(moments, row)
        raise RegimeError(f"backtest: {date:%Y-%m-%d}: {rule} by {size[row]:.3g}")


def _check_order_of_time(moments: FillMoments, fills: pd.DataFrame) -> None:
    early = fills["date"].to_numpy() <= fills["decided"].to_numpy()
    if early.any() and not moments.timing.same_bar:
        date = fills["date"][early].iloc[0]
        raise RegimeError(
            f"backtest: an order was filled on {date:%Y-%m-%d}, not after its decision"
        )


def _check_fills(
    moments: FillMoments, equity: Floats, cash: Floats, units: Floats, targets: Floats
) -> tuple[str, ...]:
    """Every order that met a price stands at its weight, or cash is spent.

    A note where more than costs is missing.
    """
    tolerance = FILL_TOLERANCE * np.maximum.accumulate(equity)
    before = np.vstack([np.zeros_like(units[:1]), units[:-1]])
    idle = np.r_[1.0, cash[:-1] * (1.0 + moments.interest[1:])]
    value = idle + (before * moments.marks).sum(axis=1)
    wanted = targets * value[:, None] - units * moments.marks
    short = np.where(np.isnan(targets), 0.0, wanted)
    unsold = -short.min(axis=1)
    lost_sales = np.where(unsold > tolerance, unsold, 0.0)
    _require_small(moments, lost_sales, equity, "a sale was lost")
    lacking = np.maximum(short, 0.0).sum(axis=1)
    lost_purchases = np.where((lacking > tolerance) & (cash > tolerance), lacking, 0.0)
    _require_small(moments, lost_purchases, equity, "a purchase was lost")
    unpaid = lacking - (value - equity)
    cut = np.flatnonzero(unpaid > tolerance)
    if not cut.size:
        return ()
    date = _date(moments, cut[0])
    share = unpaid[cut[0]] / equity[cut[0]]
    return (
        f"purchases cut for want of cash, beyond their costs: {cut.size}, the first on "
        f"{date:%Y-%m-%d} by {share:.2%} of capital; each is completed when the sale that it "
        "waits for is filled",
    )


def _date(moments: FillMoments, row: int) -> pd.Timestamp:
    return moments.market.sessions[moments.session[row]]


def _table(rows: OrderRows, columns: dict[str, str]) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return rows
    return pd.DataFrame(list(rows), columns=list(columns)).astype(columns)


def _notes(moments: FillMoments, deferred: pd.DataFrame) -> tuple[str, ...]:
    market = moments.market
    notes = [str(moments.timing), str(moments.costs)]
    if market.half_spreads is not None:
        notes.append("half-spreads estimated day by day")
    notes.append("cash earned its own return" if market.cash.any() else "cash earned nothing")
    notes.extend(_deferral(row) for row in deferred.itertuples())
    return tuple(notes)


def _deferral(row: Any) -> str:
    outcome = {
        "filled": f"filled on {row.filled:%Y-%m-%d}" if row.outcome == "filled" else "",
        "replaced": "replaced by a newer decision",
        "open": "never filled",
    }[row.outcome]
    return (
        f"{row.asset}: the order to {row.target:g} due {row.due:%Y-%m-%d} met no price and was "
        f"{outcome}"
    )
