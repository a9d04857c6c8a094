"""When decisions are filled: timing, moments of trading, and decisions turned into orders.

The one place where a decision is shifted to its fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from regime.arrays import Booleans, Floats, Integers
from regime.backtest.costs import Costs
from regime.backtest.market import Market
from regime.errors import ConfigError

__all__ = [
    "Fill",
    "FillMoments",
    "OrderSchedule",
    "Rebalance",
    "Timing",
    "fill_moments",
    "schedule_orders",
]

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

    Raises
    ------
    ConfigError
        If a value is out of its range.

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
                "close cannot be filled at that close"
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
        if self.same_bar:
            fill = (
                "LOOK-AHEAD: a decision earns the return of its own session, which no order could"
            )
        else:
            fill = (
                f"decided at the close of session t, filled at the {self.fill} of t + "
                f"{self.fill_delay}"
            )
        weights = {
            "on_signal": "orders only where the decision changes, weights drift between",
            "daily": f"decided fractions restored at every {self.fill}",
            "monthly": "orders where the decision changes, decided fractions restored at the first "
            f"{self.fill} of each month",
        }[self.rebalance]
        return f"{fill}; {weights}"


@dataclass(frozen=True, kw_only=True)
class FillMoments:
    """The moments at which one can trade: every close, or every open and close.

    Filled at the close, a session is one moment. Filled at the open it is two, but for the first,
    which opens the account at its close; what cash earns and what holding costs fall between a
    close and the next open.

    Parameters
    ----------
    market, timing, costs
        What it was made of.
    session : ndarray of int, shape (n_moments,)
        Row of the session of each moment.
    due : ndarray of bool, shape (n_moments,)
        Moments at which decisions fall due: the first, and the fill of each session.
    prices : ndarray, shape (n_moments, n_assets), price
        Levels after the cost of holding; NaN where an asset has no price.
    interest : ndarray, shape (n_moments,), fraction
        What cash earned since the moment before.

    Examples
    --------
    >>> from regime.backtest.market import align
    >>> closes = pd.Series([10.0, 12.0], pd.bdate_range("2024-01-01", periods=2, name="date"))
    >>> market = align(closes, closes * 0.0, opens=closes - 1.0)
    >>> moments = fill_moments(market, Timing(fill="open"), Costs())
    >>> moments.prices[:, 0].tolist(), moments.session.tolist(), moments.due.tolist()
    ([10.0, 11.0, 12.0], [0, 1, 1], [True, True, False])
    """

    market: Market
    timing: Timing
    costs: Costs
    session: Integers
    due: Booleans
    prices: Floats
    interest: Floats

    @property
    def closes(self) -> Integers:
        """Row of each session's close, shape (n_sessions,)."""
        return np.flatnonzero(np.diff(self.session, append=self.session[-1] + 1))

    @property
    def marks(self) -> Floats:
        """Last known price at each moment, shape (n_moments, n_assets).

        The first price stands before an asset begins.
        """
        known = ~np.isnan(self.prices)
        if known.all():
            return self.prices
        latest = np.maximum.accumulate(np.where(known, np.arange(len(known))[:, None], -1), axis=0)
        first = known.argmax(axis=0)
        marks: Floats = np.take_along_axis(self.prices, np.where(latest < 0, first, latest), axis=0)
        return marks


@dataclass(frozen=True, kw_only=True)
class OrderSchedule:
    """Orders by moment and asset.

    Parameters
    ----------
    due : ndarray, shape (n_moments, n_assets), fraction of capital
        Weights in force.
    sent : ndarray of bool, shape (n_moments, n_assets)
        Where an order goes out.
    decided : ndarray of int, shape (n_moments,)
        Session whose decision the orders of the moment carry out; -1 for the endowment.
    deferred : list of tuple
        Rows of `result.DEFERRED`.
    """

    due: Floats
    sent: Booleans
    decided: Integers
    deferred: list[tuple[Any, ...]]

    @property
    def change(self) -> Floats:
        """|Change of the weight| since the asset's order before, shape (n_moments, n_assets).

        0 without an order.
        """
        row = np.where(self.sent, np.arange(len(self.sent))[:, None], -1)
        before = np.vstack([np.full_like(row[:1], -1), np.maximum.accumulate(row, axis=0)[:-1]])
        earlier = np.take_along_axis(self.due, np.maximum(before, 0), axis=0)
        last = np.where(before < 0, 0.0, earlier)
        return np.where(self.sent, np.abs(self.due - last), 0.0)


def fill_moments(market: Market, timing: Timing, costs: Costs) -> FillMoments:
    """Prices and interest of a market, moment by moment.

    Parameters
    ----------
    market : Market
    timing : Timing
    costs : Costs
        Of which the cost of holding is taken out of the prices.

    Returns
    -------
    FillMoments

    Raises
    ------
    ConfigError
        If opens are missing where orders are filled at the open, or there where they are not.
    """
    if market.opens is None and timing.fill == "open":
        raise ConfigError("opens: filling at the open needs the prices there")
    if market.opens is not None and timing.fill != "open":
        raise ConfigError(
            "opens: orders are filled at the close; set fill='open' or leave the opens out"
        )
    n = len(market.sessions)
    if market.opens is None:
        session = np.arange(n)
        due = np.ones(n, dtype=bool)
        prices = market.prices
        interest = market.cash
    else:
        session = (np.arange(2 * n - 1) + 1) // 2
        due = np.arange(2 * n - 1) % 2 == 1
        due[0] = True
        prices = np.stack([market.opens, market.prices], axis=1).reshape(2 * n, -1)[1:]
        interest = np.where(due, market.cash[session], 0.0)
    holding = costs.holding(market.assets)
    if holding.any():
        prices = prices * (1.0 - holding) ** session[:, None]
    return FillMoments(
        market=market,
        timing=timing,
        costs=costs,
        session=session,
        due=due,
        prices=prices,
        interest=interest,
    )


def schedule_orders(moments: FillMoments) -> OrderSchedule:
    """Shift decisions to their fills, choose the moments with orders, defer those without a price.

    Parameters
    ----------
    moments : FillMoments

    Returns
    -------
    OrderSchedule

    Notes
    -----
    **Known at:** an order of session t carries out a decision of t - `fill_delay`.
    """
    market = moments.market
    timing = moments.timing
    row = np.arange(len(moments.session))
    n = len(market.sessions)
    source = moments.session - (-1 if timing.same_bar else timing.fill_delay)
    decisions = market.decisions[np.clip(source, 0, n - 1)]
    due = np.where((source < 0)[:, None], market.initial, decisions)
    changed = np.vstack([due[:1] > 0, due[1:] != due[:-1]])
    ordered = changed.any(axis=1) | _restored(moments) | (row == 0)
    latest = np.maximum.accumulate(np.where(ordered, row, -1))
    priced = ~np.isnan(moments.prices)
    decided = np.where((latest > 0) & (source[latest] < n), np.maximum(source[latest], -1), -1)
    return OrderSchedule(
        due=due,
        sent=_sent(ordered, priced),
        decided=decided,
        deferred=_deferred(moments, due, changed, priced, decided),
    )


def _restored(moments: FillMoments) -> Booleans:
    """Moments at which drifted weights are brought back, whatever was decided."""
    if moments.timing.rebalance == "daily":
        return moments.due
    if moments.timing.rebalance == "on_signal":
        return np.zeros(len(moments.due), dtype=bool)
    sessions = moments.market.sessions
    month = (sessions.year.to_numpy() * 12 + sessions.month.to_numpy())[moments.session]
    begins: Booleans = moments.due & (np.diff(month, prepend=month[0]) != 0)
    return begins


def _sent(ordered: Booleans, priced: Booleans) -> Booleans:
    """Orders that go out, each at the first price from its moment on and before a newer order."""
    sent: Booleans = priced & ordered[:, None]
    for start in np.flatnonzero(ordered & ~priced.all(axis=1)):
        waiting = ~priced[start]
        i = start + 1
        while i < len(ordered) and not ordered[i] and waiting.any():
            if (waiting & priced[i]).any():
                # The others follow: their buys may have been cut because this sale had to wait.
                sent[i] = priced[i]
                waiting = ~priced[i]
            i += 1
    return sent


def _deferred(
    moments: FillMoments, due: Floats, changed: Booleans, priced: Booleans, decided: Integers
) -> list[tuple[Any, ...]]:
    """Every new weight that met no price, and what became of it."""
    market = moments.market
    dates = market.sessions[moments.session]
    rows = []
    for i, a in np.argwhere(changed & ~priced):
        fill = _next(priced[:, a], i)
        newer = _next(changed[:, a], i)
        outcome = _outcome(fill, newer)
        rows.append(
            (
                market.sessions[decided[i]] if decided[i] >= 0 else pd.NaT,
                dates[i],
                market.assets[a],
                due[i, a],
                outcome,
                dates[fill] if outcome == "filled" else pd.NaT,
            )
        )
    return rows


def _outcome(fill: int | None, newer: int | None) -> str:
    """What becomes of an order that waits, by the moments of its price and of a newer decision."""
    if fill is None and newer is None:
        return "open"
    # A newer decision on the very moment of the price is the one that is filled there.
    if newer is None or (fill is not None and fill < newer):
        return "filled"
    return "replaced"


def _next(flags: Booleans, after: int) -> int | None:
    later = np.flatnonzero(flags[after + 1 :])
    return int(later[0]) + after + 1 if later.size else None
