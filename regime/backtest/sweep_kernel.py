"""The compiled loop of a sweep: decisions, orders and account of many settings at once.

Lanes and closes as in `sweep_rules`; only totals leave a block.
"""

from __future__ import annotations

import numba
import numpy as np

from regime.backtest.sweep_rules import LANES, SESSIONS, decide, load_settings
from regime.rule_programs import SLOTS

__all__ = ["LANES", "TOTALS", "replay", "run_block"]

# Columns of the totals of a setting.
TOTALS = ("final_equity", "orders", "turnover", "worst", "exposure", "flips")
# Of equity: an order below it restores a weight that was off by rounding. As in `backtest.book`.
ROUNDING = 1e-12
# Rows of a book, in lanes: the decision being held, cash and units (of the cash account), the cost
# of the order of this close as a fraction, the part of cash that a buy may spend, the order's size,
# and totals.
(
    LAST,
    CASH,
    UNITS,
    RATE,
    COVERS,
    SIZE,
    ORDERS,
    TURNOVER,
    INVERSE,
    PEAK,
    WORST,
    WEIGHT,
    EXPOSURE,
    INSIDE,
    FLIPS,
    SUM,
    SQUARE,
) = (row * LANES for row in range(17))
ROWS = 17

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")
# A call would cost more than the loop in it.
_inline = numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")


@_inline
def _differs(x, day, book):  # type: ignore[no-untyped-def]
    """Whether any lane decided anew."""
    found = 0
    for i in range(LANES):
        found |= 1 if x[day * LANES + i] != book[LAST + i] else 0
    return found > 0


@_inline
def _charge(x, day, book, fee, impact):  # type: ignore[no-untyped-def]
    """What each order costs where the cost grows with the change of the decision."""
    for i in range(LANES):
        rate = fee + impact * abs(x[day * LANES + i] - book[LAST + i])
        book[RATE + i], book[COVERS + i] = rate, 1.0 / (1.0 + rate)


@_inline
def _fill(x, day, book, price):  # type: ignore[no-untyped-def]
    """Orders of one close.

    To the new weight of equity where the decision changed, a buy at most what cash covers.
    """
    inverse = 1.0 / price
    for i in range(LANES):
        weight, cash, position = x[day * LANES + i], book[CASH + i], book[UNITS + i] * price
        equity = cash + position
        traded = weight * equity - position
        afford = cash * book[COVERS + i]
        traded = traded if traded < afford else afford
        traded = traded if weight != book[LAST + i] else 0.0
        size = abs(traded)
        book[LAST + i] = weight
        book[CASH + i] = cash - traded - book[RATE + i] * size
        book[UNITS + i] += traded * inverse
        book[ORDERS + i] += 1.0 if size > ROUNDING * equity else 0.0
        book[SIZE + i] = size


@_inline
def _measure(book, price, account, growth):  # type: ignore[no-untyped-def]
    """Statistics of one session from the account after its fills."""
    unit = 1.0 / account
    for i in range(LANES):
        position = book[UNITS + i] * price
        equity = book[CASH + i] + position
        excess = (equity * book[INVERSE + i] - 1.0) * growth
        book[SUM + i] += excess
        book[SQUARE + i] += excess * excess
        weight = book[WEIGHT + i]
        inside = 1.0 if weight >= 0.5 else 0.0
        book[EXPOSURE + i] += weight
        book[FLIPS + i] += 1.0 if inside != book[INSIDE + i] else 0.0
        book[INSIDE + i] = inside
        inverse = 1.0 / equity
        size = book[SIZE + i] * inverse
        book[TURNOVER + i] += size if size > ROUNDING else 0.0
        book[SIZE + i] = 0.0
        book[INVERSE + i] = inverse
        book[WEIGHT + i] = position * inverse
        peak = (
            inverse * unit
        )  # one over the highest equity in money, so that no further division is needed
        peak = peak if peak < book[PEAK + i] else book[PEAK + i]
        book[PEAK + i] = peak
        level = equity * account * peak
        book[WORST + i] = level if level < book[WORST + i] else book[WORST + i]


@_jit
def _flush(rows, block, book, sums, squares):  # type: ignore[no-untyped-def]
    """Write the sums of a block of sessions and begin the next."""
    for i in range(LANES):
        if i < rows.size:
            sums[rows[i], block], squares[rows[i], block] = book[SUM + i], book[SQUARE + i]
        book[SUM + i] = book[SQUARE + i] = 0.0


@_jit
def _open_book(fee, price):  # type: ignore[no-untyped-def]
    """Everything in the asset, bought without cost at the first close."""
    book = np.zeros(ROWS * LANES)
    for i in range(LANES):
        book[LAST + i] = book[INVERSE + i] = book[PEAK + i] = book[WORST + i] = book[WEIGHT + i] = (
            1.0
        )
        book[INSIDE + i], book[UNITS + i] = 1.0, 1.0 / price
        book[RATE + i], book[COVERS + i] = fee, 1.0 / (1.0 + fee)
    return book


@_jit
def _trade(  # type: ignore[no-untyped-def]
    first,
    x,
    asked,
    price,
    account,
    growth,
    fee,
    impact,
    full,
    book,
    rows,
    blocks,
    sums,
    squares,
):
    """Fill what was decided at some closes, each at the close after it."""
    for day in range(asked.size):
        t = first + day + 1
        if asked[day] and _differs(x, day, book):
            if impact > 0.0:
                _charge(x, day, book, fee, impact)
            _fill(x, day, book, price[t])
        if full:
            _measure(book, price[t], account[t], growth[t])
            if t == price.size - 1 or blocks[t + 1] != blocks[t]:
                _flush(rows, blocks[t], book, sums, squares)


@_jit
def run_block(  # type: ignore[no-untyped-def]
    rows,
    opcodes,
    columns,
    parameters,
    keep,
    raw,
    volatility,
    asked,
    price,
    account,
    growth,
    fee,
    impact,
    blocks,
    full,
    totals,
    sums,
    squares,
):
    """Run up to `LANES` settings with the same operations and columns through all sessions.

    Parameters
    ----------
    rows : array of int, shape (at most LANES,)
        Settings; where their results are written.
    opcodes, columns : array of int, shape (3,)
        Of each slot, the same for all of them.
    parameters, keep : array, shape (n_settings, 3, 2) and (n_settings, 3)
        Of all settings; `keep` is the weight of yesterday's average, 0 without smoothing.
    raw : array, shape (n_columns, n_sessions)
        Probabilities; NaN keeps the last. Known on the first session that is asked.
    volatility : array, shape (n_sessions,)
        A year; NaN keeps the last multiple.
    asked : array of bool, shape (n_sessions,)
        Sessions with signals; on others no rule is asked.
    price, account, growth : array, shape (n_sessions,)
        Price in units of the cash account, the account itself, and its factor since the session
        before.
    fee, impact : float
        Fraction of traded notional, and what is added in proportion to the change of the decision.
    blocks : array of int, shape (n_sessions,)
        Block of each session's return.
    full : bool
        Whether statistics are wanted beside the final equity and the number of orders.
    totals, sums, squares : array, shape (n_settings, 6) and twice (n_settings, n_blocks)
        Written.
    """
    par, state, x = (
        np.empty((SLOTS, 3 * LANES)),
        np.empty((SLOTS, 2 * LANES)),
        np.empty(SESSIONS * LANES),
    )
    load_settings(rows, parameters, keep, opcodes, columns, raw[:, np.argmax(asked)], par, state)
    book, last = _open_book(fee, price[0]), price.size - 1
    for start in range(0, last, SESSIONS):
        part = slice(start, min(start + SESSIONS, last))
        decide(opcodes, columns, raw[:, part], volatility[part], asked[part], par, state, x)
        _trade(
            start,
            x,
            asked[part],
            price,
            account,
            growth,
            fee,
            impact,
            full,
            book,
            rows,
            blocks,
            sums,
            squares,
        )
    for i in range(rows.size):
        totals[rows[i], 0] = (book[CASH + i] + book[UNITS + i] * price[last]) * account[last]
        totals[rows[i], 1], totals[rows[i], 2] = book[ORDERS + i], book[TURNOVER + i]
        totals[rows[i], 3], totals[rows[i], 4] = book[WORST + i], book[EXPOSURE + i]
        totals[rows[i], 5] = book[FLIPS + i]


@_jit
def replay(opcodes, columns, parameters, keep, raw, volatility):  # type: ignore[no-untyped-def]
    """Exposure that one setting decides at each close, shape (n_sessions,).

    Parameters
    ----------
    opcodes, columns : array of int, shape (3,)
    parameters, keep : array, shape (1, 3, 2) and (1, 3)
    raw, volatility : array, shape (n_columns, n_sessions) and (n_sessions,)
        As for `run_block`; every session is asked.
    """
    par, state, x = (
        np.empty((SLOTS, 3 * LANES)),
        np.empty((SLOTS, 2 * LANES)),
        np.empty(SESSIONS * LANES),
    )
    out, asked = np.empty(volatility.size), np.ones(volatility.size, np.bool_)
    load_settings(np.zeros(1, np.int64), parameters, keep, opcodes, columns, raw[:, 0], par, state)
    for start in range(0, out.size, SESSIONS):
        part = slice(start, min(start + SESSIONS, out.size))
        decide(opcodes, columns, raw[:, part], volatility[part], asked[part], par, state, x)
        for t in range(start, min(start + SESSIONS, out.size)):
            out[t] = x[(t - start) * LANES]
    return out
