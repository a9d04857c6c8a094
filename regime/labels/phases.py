"""The two state machines that turn a fall, or a spell of a worst state, into the four regimes.

Codes are positions in `REGIMES`, -1 where the regime is unknown.
"""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["UNKNOWN", "episode_phases", "spell_phases"]

CALM, FRAGILE, DELEVERAGING, RECOVERY, UNKNOWN = 0, 1, 2, 3, -1


@numba.njit(cache=True, nogil=True)
def spell_phases(worst, level, fragile, recover):  # type: ignore[no-untyped-def]
    """Regime codes, shape (n,), from a path of the worst state.

    `worst` (n,) bool is deleveraging. The `fragile` rows before a spell are fragile. Recovery lasts
    from a spell until `level` (n,) has regained the share `recover` of its fall, from the highest
    point since the fragile rows began to the spell's lowest. Where two meet: deleveraging,
    recovery, fragile. The last `fragile` rows are unknown unless in a spell or a recovery: the next
    spell may make them fragile.

    Parameters
    ----------
    worst : array of bool, shape (n,)
    level : array of float, shape (n,)
        In log terms.
    fragile : int
        Rows.
    recover : float
        Share in (0, 1].
    """
    n = len(worst)
    codes = np.full(n, CALM, np.int8)
    half = -np.inf
    for t in range(n):
        if worst[t]:
            codes[t] = DELEVERAGING
            if t == 0 or not worst[t - 1]:
                first = max(t - fragile, 0)
                for before in range(first, t):
                    if codes[before] == CALM:
                        codes[before] = FRAGILE
                high, low, fall = level[first : t + 1].max(), np.inf, 0.0
            high = max(high, level[t])
            if level[t] < low:
                low, fall = level[t], high - level[t]
            half = low + recover * fall
        elif t > 0 and level[t - 1] < half and codes[t - 1] >= DELEVERAGING:
            codes[t] = RECOVERY
    for t in range(max(n - fragile, 0), n):
        if codes[t] == CALM:
            codes[t] = UNKNOWN
    return codes


@numba.njit(cache=True, nogil=True)
def episode_phases(level, unit, depth, recover, fragile, partial):  # type: ignore[no-untyped-def]
    """Falls from running peaks.

    Their rows, and the regime code of each row with the row from which it is known.

    A fall is an episode once `level` lies `depth` times `unit` (as at the peak) below the running
    peak, and is over when the share `recover` of it is regained; the running peak starts again
    there.

    Parameters
    ----------
    level, unit : array of float, shape (n,)
        Log level, and its volatility of a month; the first row with both is the first peak.
    depth, recover : float
    fragile : int
        Rows before a peak that are fragile.
    partial : bool
        Whether rows of an episode are known once nothing that follows can change them; else at its
        end.

    Returns
    -------
    episodes : array of int, shape (m, 3)
        Peak, trough, end; -1 while running.
    codes, known : array of int, shape (n,)
        -1 where unknown.
    """
    n = len(level)
    episodes, m = np.full((n, 3), -1, np.int64), 0
    codes, known = np.full(n, UNKNOWN, np.int8), np.full(n, -1, np.int64)
    start = 0
    while start < n and not (np.isfinite(level[start]) and np.isfinite(unit[start])):
        start += 1
    peak, trough, pending, falling = start, start, start, False
    for t in range(start, n):
        if not falling and level[t] >= level[peak]:
            peak = t
            # Rows further back than the fragile window precede every peak that may still come.
            if pending <= t - fragile:
                codes[pending : t - fragile + 1], known[pending : t - fragile + 1] = CALM, t
                pending = t - fragile + 1
        elif not falling and level[peak] - level[t] >= depth * unit[peak]:
            falling, trough = True, t
            codes[pending : peak + 1], codes[peak + 1 : t + 1] = FRAGILE, DELEVERAGING
            known[pending : t + 1] = t
            episodes[m, 0], episodes[m, 1], m = peak, t, m + 1
        elif falling and level[t] < level[trough]:
            codes[trough + 1 : t + 1], known[trough + 1 : t + 1] = DELEVERAGING, t
            trough = t
            episodes[m - 1, 1] = t
        elif falling and level[t] - level[trough] >= recover * (level[peak] - level[trough]):
            codes[trough + 1 : t + 1], known[trough + 1 : t + 1] = RECOVERY, t
            if not partial:
                known[pending : t + 1] = t
            episodes[m - 1, 2] = t
            peak, pending, falling = t, t + 1, False
    if falling and not partial:
        codes[pending:], known[pending:] = UNKNOWN, -1
    return episodes[:m], codes, known
