"""Dealer gamma as a daily series (one dollar number a session, such as SqueezeMetrics publishes), made comparable.

The published dollars grow with the index and with the trade in options, so that only signs, ranks
and ratios of them compare over years.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats
from regime.errors import ConfigError

__all__ = ["days_since_negative", "gamma_rank", "negative_share", "relative_gamma"]

_jit = nb.njit(cache=True, fastmath=False, error_model="numpy")


def gamma_rank(gex: pd.Series, lookback: int = 252) -> pd.Series:
    """Rank of today's gamma among the last `lookback` sessions, in (0, 1].

    NaN until half of them are there.
    """
    return _like(gex, kernels.rolling_rank(_column(gex), _window(lookback), lookback // 2))


def relative_gamma(gex: pd.Series, lookback: int = 252) -> pd.Series:
    """Gamma over its own mean size, the mean of absolute values of `lookback` sessions.

    Signed, without unit.

    NaN until half of the sessions are there, and where all of them are 0.
    """
    size = _like(gex, kernels.rolling_mean(_column(gex.abs()), _window(lookback), lookback // 2))
    return gex / size.where(size > 0)


def negative_share(gex: pd.Series, lookback: int = 21) -> pd.Series:
    """Share of the last `lookback` sessions with gamma below 0, in [0, 1].

    NaN until half of them are there.
    """
    below = (gex < 0).astype(float).where(gex.notna())
    return _like(gex, kernels.rolling_mean(_column(below), _window(lookback), lookback // 2))


def days_since_negative(gex: pd.Series, cap: int = 252) -> pd.Series:
    """Sessions since gamma was last below 0, 0 on such a session, counted up to a cap.

    Parameters
    ----------
    gex : Series, shape (n_sessions,)
    cap : int
        Largest count, sessions.

    Returns
    -------
    Series, shape (n_sessions,), in [0, cap]
        NaN where today's value is missing, and until a value below 0 or `cap` values have been
        seen.

    **Known at:** row t uses values up to t.
    """
    return _like(gex, _since_negative(_column(gex), _window(cap)))


def _window(lookback: int) -> int:
    if lookback < 2:
        raise ConfigError(f"lookback: must be at least 2 sessions, got {lookback}")
    return lookback


def _column(x: pd.Series) -> Floats:
    return np.ascontiguousarray(x.to_numpy(dtype=float))


def _like(x: pd.Series, values: Floats) -> pd.Series:
    return pd.Series(values, index=x.index)


@_jit
def _since_negative(x: Floats, cap: int) -> Floats:
    out = np.full(x.size, np.nan)
    since, seen, begun = 0, 0, False
    for t in range(x.size):
        since += 1
        if np.isnan(x[t]):
            continue
        seen += 1
        if x[t] < 0:
            since, begun = 0, True
        if begun or seen >= cap:
            out[t] = min(since, cap)
    return out
