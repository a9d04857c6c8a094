"""The rules of a sweep, compiled: what many settings decide at some closes.

A block holds `LANES` settings with the same operations and goes through `SESSIONS` closes at a
time, rule after rule. Every inner loop runs over the lanes, has no branch and reaches no further
than small buffers, so that the compiler turns it into vector instructions and all state stays in
the first cache. Arithmetic is that of each rule's `step`, operation by operation: nothing may be
reordered, or bits would differ.
"""

from __future__ import annotations

import numba
import numpy as np

from regime.rule_programs import SLOTS, Opcode

__all__ = ["LANES", "SESSIONS", "decide", "load_settings"]

LANES, SESSIONS = 64, 64
THRESHOLD, HYSTERESIS, RAMP = int(Opcode.THRESHOLD), int(Opcode.HYSTERESIS), int(Opcode.RAMP)
HOLD, COOLDOWN, CAP = int(Opcode.MINIMUM_HOLD), int(Opcode.COOLDOWN), int(Opcode.CAP_STEP)
TARGET = int(Opcode.VOLATILITY_TARGET)

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def _average(raw, par, state):  # type: ignore[no-untyped-def]
    """Smoothed probability of each lane, first in `state`; a missing one keeps the last."""
    if not np.isnan(raw):
        for i in range(LANES):
            state[i] = raw + (state[i] - raw) * par[2 * LANES + i]


@_jit
def _threshold(raw, asked, par, state, x):  # type: ignore[no-untyped-def]
    """State: smoothed probability."""
    for day in range(asked.size):
        if asked[day]:
            _average(raw[day], par, state)
            for i in range(LANES):
                x[day * LANES + i] = 0.0 if state[i] >= par[i] else x[day * LANES + i]


@_jit
def _hysteresis(raw, asked, par, state, x):  # type: ignore[no-untyped-def]
    """State: smoothed probability, whether out."""
    for day in range(asked.size):
        if asked[day]:
            _average(raw[day], par, state)
            for i in range(LANES):
                level = par[LANES + i] if state[LANES + i] > 0.0 else par[i]
                out = 1.0 if state[i] >= level else 0.0
                state[LANES + i] = out
                x[day * LANES + i] = 0.0 if out > 0.0 else x[day * LANES + i]


@_jit
def _ramp(raw, asked, par, state, x):  # type: ignore[no-untyped-def]
    """State: smoothed probability."""
    for day in range(asked.size):
        if asked[day]:
            _average(raw[day], par, state)
            for i in range(LANES):
                kept = (par[i] - state[i]) / par[LANES + i]
                kept = kept if kept > 0.0 else 0.0
                kept = kept if kept < 1.0 else 1.0
                x[day * LANES + i] = x[day * LANES + i] * kept


@_jit
def _minimum_hold(asked, par, state, x):  # type: ignore[no-untyped-def]
    """State: exposure held, its age."""
    for day in range(asked.size):
        if asked[day]:
            for i in range(LANES):
                held, age, days, proposed = state[i], state[LANES + i], par[i], x[day * LANES + i]
                free = (proposed != held) & (age >= days)
                older = age + 1.0
                older = older if older < days else days
                state[LANES + i] = 1.0 if free else older
                held = proposed if free else held
                state[i] = held
                x[day * LANES + i] = held


@_jit
def _cooldown(asked, par, state, x):  # type: ignore[no-untyped-def]
    """State: exposure held, sessions left to wait."""
    for day in range(asked.size):
        if asked[day]:
            for i in range(LANES):
                held, left, proposed = state[i], state[LANES + i], x[day * LANES + i]
                cut = proposed < held
                waits = (left > 0.0) & (not cut)
                state[LANES + i] = par[i] if cut else (left - 1.0 if waits else 0.0)
                held = held if waits else proposed
                state[i] = held
                x[day * LANES + i] = held


@_jit
def _cap_step(asked, par, state, x):  # type: ignore[no-untyped-def]
    """State: the last exposure."""
    for day in range(asked.size):
        if asked[day]:
            for i in range(LANES):
                low, high, value = state[i] - par[i], state[i] + par[i], x[day * LANES + i]
                value = value if value > low else low
                value = value if value < high else high
                state[i] = value
                x[day * LANES + i] = value


@_jit
def _volatility_target(volatility, asked, par, state, x):  # type: ignore[no-untyped-def]
    """State: the last multiple."""
    for day in range(asked.size):
        if asked[day] and volatility[day] > 0.0:
            now = volatility[day]
            for i in range(LANES):
                multiple = par[i] / now
                multiple = multiple if multiple < par[LANES + i] else par[LANES + i]
                state[i] = multiple
                x[day * LANES + i] = x[day * LANES + i] * multiple
        elif asked[day]:
            for i in range(LANES):
                state[i] = par[LANES + i] if volatility[day] == 0.0 else state[i]
                x[day * LANES + i] = x[day * LANES + i] * state[i]


@_jit
def decide(opcodes, columns, raw, volatility, asked, par, state, x):  # type: ignore[no-untyped-def]
    """Exposure of every lane at some closes into `x`, from what each slot reads and its state.

    Parameters
    ----------
    opcodes, columns : array of int, shape (3,)
    raw : array, shape (n_columns, n_closes)
        Probabilities; NaN keeps the last.
    volatility : array, shape (n_closes,)
        A year; NaN keeps the last multiple.
    asked : array of bool, shape (n_closes,)
        On other closes no rule is asked and `x` says nothing.
    par, state : array, shape (3, 3 * LANES) and (3, 2 * LANES)
        Of `load_settings`; the state is carried on.
    x : array, shape (SESSIONS * LANES,)
        Written, close by close.
    """
    for at in range(asked.size * LANES):
        x[at] = 1.0
    for k in range(SLOTS):
        if opcodes[k] == THRESHOLD:
            _threshold(raw[columns[k]], asked, par[k], state[k], x)
        elif opcodes[k] == HYSTERESIS:
            _hysteresis(raw[columns[k]], asked, par[k], state[k], x)
        elif opcodes[k] == RAMP:
            _ramp(raw[columns[k]], asked, par[k], state[k], x)
        elif opcodes[k] == HOLD:
            _minimum_hold(asked, par[k], state[k], x)
        elif opcodes[k] == COOLDOWN:
            _cooldown(asked, par[k], state[k], x)
        elif opcodes[k] == CAP:
            _cap_step(asked, par[k], state[k], x)
        elif opcodes[k] == TARGET:
            _volatility_target(volatility, asked, par[k], state[k], x)


@_jit
def load_settings(rows, parameters, keep, opcodes, columns, first, par, state):  # type: ignore[no-untyped-def]
    """Lay the parameters of some settings on the lanes; lanes left over repeat the last one.

    Parameters
    ----------
    rows : array of int, shape (at most LANES,)
        Settings.
    parameters, keep : array, shape (n_settings, 3, 2) and (n_settings, 3)
        Of all settings; `keep` is the weight of yesterday's average, 0 without smoothing.
    opcodes, columns : array of int, shape (3,)
    first : array, shape (n_columns,)
        First probabilities: the averages begin with them.
    par, state : array, shape (3, 3 * LANES) and (3, 2 * LANES)
        Written.
    """
    for k in range(SLOTS):
        for i in range(LANES):
            row = rows[min(i, rows.size - 1)]
            one, two = parameters[row, k, 0], parameters[row, k, 1]
            par[k, i], par[k, LANES + i], par[k, 2 * LANES + i] = one, two, keep[row, k]
            state[k, i], state[k, LANES + i] = 1.0, 0.0
            if THRESHOLD <= opcodes[k] <= RAMP:
                state[k, i] = first[columns[k]]
            elif opcodes[k] == TARGET:
                state[k, i] = two
            elif opcodes[k] == HOLD:
                state[k, LANES + i] = one
