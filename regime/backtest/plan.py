"""Decisions become orders: the one place where a decision is shifted to its fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.backtest.tape import Tape

__all__ = ["Plan", "draw_plan"]


@dataclass(frozen=True, kw_only=True)
class Plan:
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
        Rows of `book.DEFERRED`.
    """

    due: np.ndarray
    sent: np.ndarray
    decided: np.ndarray
    deferred: list[tuple[Any, ...]]

    @property
    def change(self) -> np.ndarray:
        """|Change of the weight| since the asset's order before, shape (n_moments, n_assets).

        0 without an order.
        """
        row = np.where(self.sent, np.arange(len(self.sent))[:, None], -1)
        before = np.vstack([np.full_like(row[:1], -1), np.maximum.accumulate(row, axis=0)[:-1]])
        last = np.where(
            before < 0, 0.0, np.take_along_axis(self.due, np.maximum(before, 0), axis=0)
        )
        return np.where(self.sent, np.abs(self.due - last), 0.0)


def draw_plan(tape: Tape) -> Plan:
    """Shift decisions to their fills, choose the moments with orders, defer those without a price."""
    market, timing = tape.market, tape.timing
    row, n = np.arange(len(tape.session)), len(market.sessions)
    source = tape.session - (-1 if timing.same_bar else timing.fill_delay)
    due = np.where(
        (source < 0)[:, None], market.initial, market.decisions[np.clip(source, 0, n - 1)]
    )
    changed = np.vstack([due[:1] > 0, due[1:] != due[:-1]])
    ordered = changed.any(axis=1) | _restored(tape) | (row == 0)
    latest = np.maximum.accumulate(np.where(ordered, row, -1))
    priced = ~np.isnan(tape.prices)
    decided = np.where((latest > 0) & (source[latest] < n), np.maximum(source[latest], -1), -1)
    return Plan(
        due=due,
        sent=_sent(ordered, priced),
        decided=decided,
        deferred=_deferred(tape, due, changed, priced, decided),
    )


def _restored(tape: Tape) -> np.ndarray:
    """Moments at which drifted weights are brought back, whatever was decided."""
    if tape.timing.rebalance == "daily":
        return tape.due
    if tape.timing.rebalance == "on_signal":
        return np.zeros(len(tape.due), dtype=bool)
    sessions = tape.market.sessions
    month = (sessions.year.to_numpy() * 12 + sessions.month.to_numpy())[tape.session]
    begins: np.ndarray = tape.due & (np.diff(month, prepend=month[0]) != 0)
    return begins


def _sent(ordered: np.ndarray, priced: np.ndarray) -> np.ndarray:
    """Orders that go out.

    At the price of their moment or, failing that, at the next one before a newer order.
    """
    sent: np.ndarray = priced & ordered[:, None]
    for start in np.flatnonzero(ordered & ~priced.all(axis=1)):
        waiting, i = ~priced[start], start + 1
        while i < len(ordered) and not ordered[i] and waiting.any():
            if (waiting & priced[i]).any():
                # The others follow: their buys may have been cut because this sale had to wait.
                sent[i], waiting = priced[i], ~priced[i]
            i += 1
    return sent


def _deferred(
    tape: Tape, due: np.ndarray, changed: np.ndarray, priced: np.ndarray, decided: np.ndarray
) -> list[tuple[Any, ...]]:
    """Every new weight that met no price, and what became of it."""
    rows, market, dates = [], tape.market, tape.market.sessions[tape.session]
    for i, a in np.argwhere(changed & ~priced):
        fill, newer = _next(priced[:, a], i), _next(changed[:, a], i)
        # A newer decision on the very moment of the price is the one that is filled there.
        outcome = (
            "open"
            if fill is None and newer is None
            else "filled"
            if newer is None or (fill is not None and fill < newer)
            else "replaced"
        )
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


def _next(flags: np.ndarray, after: int) -> int | None:
    later = np.flatnonzero(flags[after + 1 :])
    return int(later[0]) + after + 1 if later.size else None
