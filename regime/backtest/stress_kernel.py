"""The account of one asset and cash, compiled: what the engine keeps, without its orders."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["keep_account"]


@numba.njit(cache=True, nogil=True)
def keep_account(growth, cash, due, rate, impact):  # type: ignore[no-untyped-def]
    """Returns of the account, what it held and what it traded, session by session, three of shape (n - 1,).

    An order goes out where the weight that falls due changes; between two orders the weight drifts.
    Returns are net of costs; what was held earned the session's return, from the close before on;
    traded notional is a fraction of equity after the fill.

    Parameters
    ----------
    growth : array of float, shape (n,)
        Price over the price of the session before; the first is not used.
    cash : array of float, shape (n,), fraction a session
    due : array of float, shape (n,), fraction of capital
        Weight to be filled at each close; the first is endowed without cost.
    rate : float
        One-way cost, fraction of traded notional.
    impact : float
        Added to it, times the change of the weight.
    """
    n = len(due)
    returns, held, traded = np.empty(n - 1), np.empty(n - 1), np.zeros(n - 1)
    position, idle = due[0], 1.0 - due[0]
    for t in range(1, n):
        before = position + idle
        held[t - 1] = position / before
        position *= growth[t]
        idle *= 1.0 + cash[t]
        value = position + idle
        if due[t] != due[t - 1]:
            price = rate + impact * abs(due[t] - due[t - 1])
            # A buy that cash cannot cover together with its cost is cut to what cash covers.
            target = min(due[t] * value, position + max(idle, 0.0) / (1.0 + price))
            notional = abs(target - position)
            idle -= target - position + notional * price
            position = target
            traded[t - 1] = notional / (position + idle)
        returns[t - 1] = (position + idle) / before - 1.0
    return returns, held, traded
