"""The central bank.

What reserves cost when they are scarce, when it adds them, and the rate that it sets.

**Source:** the demand for reserves, flat and then steep: Afonso, Giannone, La Spada and Williams
(2022).
"""

from __future__ import annotations

import numba
import numpy as np

from regime.sources.simulation.rules import BANK, TREASURY
from regime.sources.simulation.state import (
    ASSETS,
    BUYING,
    FUNDING,
    POLICY,
    RESERVES,
    RESTING,
    SLOW_POLICY,
    STRESS,
    TENSION,
)

__all__ = ["price_reserves", "run_balance_sheet", "set_rate"]


@numba.njit(cache=True, error_model="numpy")
def price_reserves(state, account, rules):  # type: ignore[no-untyped-def]
    """Spread of secured funding over the rate on reserves, basis points.

    Flat, then steep below the kink.

    What the Treasury holds in its account is missing from reserves; banks hoard while others must
    sell.
    """
    wanted = rules.reserve_kink + rules.hoarding * min(state[STRESS], 2.0)
    scarcity = (wanted - state[RESERVES] - 0.06 + account) / rules.reserve_width
    state[FUNDING] = -6.0 + rules.reserve_slope * rules.reserve_width * np.log1p(
        np.exp(min(scarcity, 30.0))
    )


@numba.njit(cache=True, error_model="numpy")
def run_balance_sheet(flow, state, rules):  # type: ignore[no-untyped-def]
    """Buy Treasuries in a crisis or a squeeze, rest, then drain."""
    state[TENSION] += 0.15 * (state[FUNDING] - state[TENSION])
    squeezed = state[TENSION] > rules.rescue or state[STRESS] > 1.6
    if (
        state[BUYING] <= 0.0
        and squeezed
        and state[RESTING] < 200.0
        and state[RESERVES] < 1.7 * rules.reserve_kink
    ):
        state[BUYING], state[RESTING] = 60.0, 420.0
    bought = 0.0
    if state[BUYING] > 0.0:
        state[BUYING] -= 1.0
        bought = 0.0014
    elif state[RESTING] > 0.0:
        state[RESTING] -= 1.0
    else:
        bought = -rules.drain / 252.0
    state[ASSETS] *= 1.0 + bought
    state[RESERVES] = (state[RESERVES] + bought) / (1.0 + bought)
    flow[BANK, TREASURY] = 0.1 * bought


@numba.njit(cache=True, error_model="numpy")
def set_rate(state, macro, meeting):  # type: ignore[no-untyped-def]
    """Policy rate in quarter points.

    It follows the cycle every six weeks, and falls in a crisis.
    """
    if meeting:
        wanted = min(max(2.8 + 1.9 * macro - 1.5 * state[STRESS], 0.125), 7.5)
        step = min(max(wanted - state[POLICY], -0.75), 0.25)
        state[POLICY] = max(np.round((state[POLICY] + step) * 4.0) / 4.0, 0.125)
    state[SLOW_POLICY] += 0.006 * (state[POLICY] - state[SLOW_POLICY])
