"""The compiled loops of a sweep: one plain loop through the history a rule, one an account.

No loop knows which rules there are: each brings its own (`EncodedRule`), compiled here. Only totals
leave a setting.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np

from regime.arrays import Floats, Integers
from regime.studies.sweep.compile import NO_RULE

__all__ = [
    "TOTALS",
    "History",
    "RuleTable",
    "compiled",
    "decide_setting",
    "known_signal",
    "run_settings",
]

# Columns of the totals of a setting.
TOTALS = ("final_equity", "orders", "turnover", "worst", "exposure", "flips")
# Of equity: an order below it restores a weight that was off by rounding. As in `backtest.book`.
ROUNDING = 1e-12

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")
_column = numba.float64[::1]
_loop_signature = numba.void(_column, _column, _column, _column)


class RuleTable(NamedTuple):
    """Rules as compiled code reads them.

    Attributes
    ----------
    loops : tuple of compiled loops
        Of `compiled`.
    loop_of, signal_of : array of int, shape (n_rules,)
        Position of each rule's loop in `loops` and of what it reads in `signals`.
    parameters : array, shape (n_rules, most parameters)
    signals : array, shape (n_signals, n_decisions)
        The last known value at each decision; NaN before the first.
    """

    loops: tuple[Any, ...]
    loop_of: Integers
    signal_of: Integers
    parameters: Floats
    signals: Floats


class History(NamedTuple):
    """Prices, cash and costs as compiled code reads them; arrays of shape (n_sessions,).

    Attributes
    ----------
    decision_of : array of int
        Row of the signals in force at each close; -1 before the first.
    price, inverse_price : array
        In units of the cash account, and one over it.
    account, growth : array
        Value of the cash account, and its factor since the session before.
    blocks : array of int
        Block of each session's return.
    fee, impact : float
        Fraction of traded notional, and what is added in proportion to the change of the decision.
    """

    decision_of: Integers
    price: Floats
    inverse_price: Floats
    account: Floats
    growth: Floats
    blocks: Integers
    fee: float
    impact: float


@lru_cache(maxsize=256)
def compiled(loop: Callable[..., None]) -> Any:
    """The loop of an encoded rule as machine code, kept on disk beside its source."""
    return numba.cfunc(_loop_signature, cache=True, error_model="numpy")(loop)


@_jit
def known_signal(values, weight, known):  # type: ignore[no-untyped-def]
    """Write into `known` the exponential average of the values up to each session.

    Parameters
    ----------
    values : array, shape (n_sessions,)
        NaN where missing: changes nothing.
    weight : float
        Of the session before in the average; 0 for the last known value itself.
    known : array, shape (n_sessions,)
        Written; NaN before the first value.
    """
    last = np.nan
    for t in range(values.size):
        if not np.isnan(values[t]):
            last = values[t] if np.isnan(last) else values[t] + (last - values[t]) * weight
        known[t] = last


@_jit
def decide_setting(setting, before, rules, paths):  # type: ignore[no-untyped-def]
    """Row of `paths` with what one setting decides; the rules it shares with `before` stand there.

    Parameters
    ----------
    setting, before : array of int, shape (n_depths,)
        Rules of this setting and of the one before; -1 after the last.
    rules : RuleTable
    paths : array, shape (n_depths + 1, n_decisions)
        Row k is what the first k rules decide: ones in row 0; the others are written.
    """
    depth = 0
    shared = True
    for rule in setting:
        if rule == NO_RULE:
            break
        shared = shared and rule == before[depth]
        if not shared:
            loop = rules.loops[rules.loop_of[rule]]
            signal = rules.signals[rules.signal_of[rule]]
            loop(paths[depth], signal, paths[depth + 1], rules.parameters[rule])
        depth += 1
    return depth


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _trade(decided, history, full, totals, sums, squares):  # type: ignore[no-untyped-def]
    """Fill the decisions of one setting, each at the close after it, and count what it earns.

    All in the asset at first, bought without cost at the first close.
    """
    last = history.price.size - 1
    target = 1.0  # the decision in force
    cash = 0.0
    units = history.inverse_price[0]
    rate = history.fee
    affordable = 1.0 / (1.0 + rate)  # part of cash that a purchase may spend beside its cost
    orders = 0
    size = 0.0
    inverse_equity = 1.0  # of the session before
    weight = 1.0  # held since the session before
    invested = True
    peak = 1.0
    inverse_peak = 1.0
    worst = 1.0
    turnover = 0.0
    exposure = 0.0
    flips = 0
    total = 0.0
    square = 0.0
    for t in range(1, last + 1):
        price = history.price[t]
        decision = history.decision_of[t - 1]
        wanted = decided[decision] if decision >= 0 else 1.0
        if wanted != target:
            if history.impact > 0.0:
                rate = history.fee + history.impact * abs(wanted - target)
                affordable = 1.0 / (1.0 + rate)
            position = units * price
            equity = cash + position
            traded = min(wanted * equity - position, cash * affordable)
            size = abs(traded)
            cash = cash - traded - rate * size
            units += traded * history.inverse_price[t]
            orders += size > ROUNDING * equity
            target = wanted
        if full:
            position = units * price
            equity = cash + position
            excess = (equity * inverse_equity - 1.0) * history.growth[t]
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
            value = equity * history.account[t]
            if value > peak:
                peak = value
                inverse_peak = 1.0 / value
            worst = min(worst, value * inverse_peak)
            block = history.blocks[t]
            if t == last or history.blocks[t + 1] != block:
                sums[block] = total
                squares[block] = square
                total = 0.0
                square = 0.0
    totals[0] = (cash + units * history.price[last]) * history.account[last]
    totals[1] = orders
    totals[2] = turnover
    totals[3] = worst
    totals[4] = exposure
    totals[5] = flips


@_jit
def run_settings(settings, rules, history, full, totals, sums, squares):  # type: ignore[no-untyped-def]
    """Run some settings through the history, one after another.

    Parameters
    ----------
    settings : array of int, shape (n_settings, n_depths)
        Rules of each setting, one after another; -1 after the last.
    rules : RuleTable
    history : History
    full : bool
        Whether statistics are wanted beside the final equity and the number of orders.
    totals, sums, squares : array, shape (n_settings, 6) and twice (n_settings, n_blocks)
        Written.
    """
    paths = np.ones((settings.shape[1] + 1, rules.signals.shape[1]))
    before = np.full(settings.shape[1], NO_RULE)
    for i in range(settings.shape[0]):
        row = decide_setting(settings[i], before, rules, paths)
        _trade(paths[row], history, full, totals[i], sums[i], squares[i])
        before = settings[i]
