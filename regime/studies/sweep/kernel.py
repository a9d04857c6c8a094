"""The compiled loops of a sweep: what a rule reads, what it decides, and what the account becomes.

Each loop goes once through the history of one setting and keeps totals only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numba
import numpy as np

__all__ = ["TOTALS", "compiled", "known_signal", "trade"]

# Columns of the totals of a setting.
TOTALS = ("final_equity", "orders", "turnover", "worst", "exposure", "flips")
# Of equity: an order below it restores a weight that was off by rounding. As in `backtest.book`.
ROUNDING = 1e-12

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


@lru_cache(maxsize=256)
def compiled(loop: Callable[..., None]) -> Callable[..., None]:
    """The loop of an encoded rule as machine code, kept on disk beside its source."""
    machine_code: Callable[..., None] = _jit(loop)
    return machine_code


@_jit
def known_signal(values, carried, weight):  # type: ignore[no-untyped-def]
    """Write into `carried` the exponential average of the values known up to each session.

    Parameters
    ----------
    values : array, shape (n_sessions,)
        NaN where missing: changes nothing.
    carried : array, shape (n_sessions,)
        Written; NaN before the first value.
    weight : float
        Of the session before in the average; 0 for the last known value itself.
    """
    last = np.nan
    for t in range(values.size):
        if not np.isnan(values[t]):
            last = values[t] if np.isnan(last) else values[t] + (last - values[t]) * weight
        carried[t] = last


@_jit
def trade(  # type: ignore[no-untyped-def]
    decided,
    decision_of,
    price,
    inverse_price,
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
    """Fill the decisions of one setting, each at the close after it, and count what becomes of it.

    Parameters
    ----------
    decided : array, shape (n_decisions,)
        Weight decided at each close that has signals.
    decision_of : array of int, shape (n_sessions,)
        Decision in force at each close; -1 before the first: fully invested.
    price, inverse_price : array, shape (n_sessions,)
        In units of the cash account, and one over it.
    account, growth : array, shape (n_sessions,)
        Value of the cash account, and its factor since the session before.
    fee, impact : float
        Fraction of traded notional, and what is added in proportion to the change of the decision.
    blocks : array of int, shape (n_sessions,)
        Block of each session's return.
    full : bool
        Whether statistics are wanted beside the final equity and the number of orders.
    totals, sums, squares : array, shape (6,) and twice (n_blocks,)
        Written.
    """
    last = price.size - 1
    target = 1.0  # all in the asset, bought without cost at the first close
    cash = 0.0
    units = inverse_price[0]
    rate = fee
    payable = 1.0 / (1.0 + rate)  # part of cash that a purchase may spend beside its cost
    orders = 0
    size = 0.0
    inverse_equity = 1.0  # of the session before
    weight = 1.0  # held since the session before
    invested = True
    peak = 1.0
    worst = 1.0
    turnover = 0.0
    exposure = 0.0
    flips = 0
    total = 0.0
    square = 0.0
    for t in range(1, last + 1):
        decision = decision_of[t - 1]
        wanted = decided[decision] if decision >= 0 else 1.0
        if wanted != target:
            if impact > 0.0:
                rate = fee + impact * abs(wanted - target)
                payable = 1.0 / (1.0 + rate)
            position = units * price[t]
            equity = cash + position
            traded = min(wanted * equity - position, cash * payable)
            size = abs(traded)
            cash = cash - traded - rate * size
            units += traded * inverse_price[t]
            orders += size > ROUNDING * equity
            target = wanted
        if full:
            position = units * price[t]
            equity = cash + position
            excess = (equity * inverse_equity - 1.0) * growth[t]
            total += excess
            square += excess * excess
            exposure += weight
            flips += (weight >= 0.5) != invested
            invested = weight >= 0.5
            inverse_equity = 1.0 / equity
            weight = position * inverse_equity
            traded_weight = size * inverse_equity
            turnover += traded_weight if traded_weight > ROUNDING else 0.0
            size = 0.0
            value = equity * account[t]
            peak = max(peak, value)
            worst = min(worst, value / peak)
            if t == last or blocks[t + 1] != blocks[t]:
                sums[blocks[t]] = total
                squares[blocks[t]] = square
                total = 0.0
                square = 0.0
    totals[0] = (cash + units * price[last]) * account[last]
    totals[1] = orders
    totals[2] = turnover
    totals[3] = worst
    totals[4] = exposure
    totals[5] = flips
