"""How alike markets move.

Average correlation, absorption by few factors, and turbulence against their usual pattern.

Every statistic rests on second moments about zero, for a day's mean return is nothing beside its
spread. A missing move counts as none, so that no matrix turns indefinite; an asset takes part once
it has `minimum` moves in the window.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.errors import ConfigError
from regime.feature import check_at_least

__all__ = ["absorption_ratio", "absorption_shift", "average_correlation", "turbulence"]

_jit = nb.njit(cache=True, fastmath=False, error_model="numpy")
LEAST_ASSETS = 4
CLIP = 6.0


def average_correlation(moves: pd.DataFrame, lookback: int = 63) -> pd.Series:
    """Mean correlation of all pairs of markets.

    Parameters
    ----------
    moves : DataFrame, shape (n_sessions, n_assets)
        Daily moves, each in its own volatility; beyond 6 they are clipped, so that one print cannot
        rule.
    lookback : int
        Sessions of the window, at least 10.

    Returns
    -------
    Series, shape (n_sessions,), in [-1, 1]
        NaN where fewer than four assets have three quarters of the window.

    Raises
    ------
    ConfigError
        If the window is too short.

    **Known at:** row t uses moves up to t.
    """
    _, count, total = _windows(moves, lookback)
    return pd.Series(
        np.where(count >= LEAST_ASSETS, total / np.maximum(count * (count - 1) / 2, 1.0), np.nan),
        index=moves.index,
    )


def absorption_ratio(moves: pd.DataFrame, lookback: int = 252, share: float = 0.2) -> pd.Series:
    """Share of the markets' variance that the largest few common factors carry.

    Parameters
    ----------
    moves : DataFrame, shape (n_sessions, n_assets)
        Daily moves, each in its own volatility; clipped at 6.
    lookback : int
        Sessions of the window, at least 10.
    share : float
        Factors as a share of the assets, in (0, 1); rounded, at least one.

    Returns
    -------
    Series, shape (n_sessions,), in (0, 1]
        NaN where fewer than four assets have three quarters of the window.

    Raises
    ------
    ConfigError
        If the window is too short or the share impossible.

    **Known at:** row t uses moves up to t.

    **Source:** Kritzman, Li, Page and Rigobon (2011), "Principal Components as a Measure of
    Systemic Risk".
    """
    if not 0.0 < share < 1.0:
        raise ConfigError(f"share: must lie between 0 and 1, got {share}")
    matrices, count, _ = _windows(moves, lookback)
    factors = np.maximum(np.rint(share * count), 1).astype(np.int64)
    values = (
        np.linalg.eigvalsh(matrices)[:, ::-1] if len(matrices) else np.zeros((0, moves.shape[1]))
    )
    taken = np.where(np.arange(moves.shape[1]) < factors[:, None], values, 0.0)
    total = np.zeros(len(values))
    for column in range(
        moves.shape[1]
    ):  # one after another: the order of a sum may not depend on the rows
        total += taken[:, column]
    ratio = np.clip(total / np.maximum(count, 1), 0.0, 1.0)
    return pd.Series(np.where(count >= LEAST_ASSETS, ratio, np.nan), index=moves.index)


def absorption_shift(ratio: pd.Series, fast: int = 15, slow: int = 252) -> pd.Series:
    """Fast less slow mean of the absorption ratio, in standard deviations of the slow window.

    Parameters
    ----------
    ratio : Series, shape (n_sessions,)
    fast, slow : int
        Sessions of the two windows.

    Returns
    -------
    Series, shape (n_sessions,)
        NaN until half of the slow window is there, and where the ratio has not moved.

    Raises
    ------
    ConfigError
        If a window is too short.

    **Known at:** row t uses ratios up to t.

    **Source:** Kritzman and others (2011), who call markets fragile above 1.
    """
    check_at_least(2, fast=fast, slow=slow)
    long = ratio.rolling(slow, min_periods=slow // 2)
    spread = long.std()
    return (ratio.rolling(fast, min_periods=(fast + 1) // 2).mean() - long.mean()) / spread.where(
        spread > 1e-9
    )


def turbulence(
    returns: pd.DataFrame, halflife: float = 252.0, shrinkage: float = 0.25, minimum: int = 252
) -> pd.Series:
    """How unlike the past a session's returns are.

    Their squared Mahalanobis distance for each asset.

    Parameters
    ----------
    returns : DataFrame, shape (n_sessions, n_assets)
        Daily log changes.
    halflife : float
        Sessions in which the weight of a day halves in the second moments.
    shrinkage : float
        Share of the correlations that is taken away, in (0, 1): enough to keep near copies apart.
    minimum : int
        Earlier returns that an asset needs, at least 20.

    Returns
    -------
    Series, shape (n_sessions,)
        About 1 on an ordinary day. NaN where fewer than four assets take part.

    Raises
    ------
    ConfigError
        If a parameter is impossible.

    **Known at:** row t holds the returns of t against second moments of rows before t alone.

    **Source:** Kritzman and Li (2010), "Skulls, Financial Turbulence, and Risk Management"; theirs
    take the moments of the whole sample, which nobody knew.
    """
    check_at_least(20, minimum=minimum)
    check_at_least(1, halflife=halflife)
    if not 0.0 < shrinkage < 1.0:
        raise ConfigError(f"shrinkage: must lie between 0 and 1, got {shrinkage}")
    table = np.ascontiguousarray(returns.to_numpy(dtype=float))
    return pd.Series(
        _distances(table, halflife, shrinkage, minimum, LEAST_ASSETS), index=returns.index
    )


def _windows(
    moves: pd.DataFrame, lookback: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Correlation matrices of all windows, zero where an asset takes no part; how many do.

    Sums over the pairs.
    """
    check_at_least(10, lookback=lookback)
    table = np.ascontiguousarray(moves.clip(-CLIP, CLIP).to_numpy(dtype=float))
    return _correlations(table, lookback, 3 * lookback // 4)


@_jit
def _correlations(
    x: NDArray[np.float64], lookback: int, minimum: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Running products, made anew each window so that rounding errors cannot pile up."""
    n, k = x.shape
    out = np.zeros((n, k, k))
    assets = np.zeros(n, np.int64)
    total = np.zeros(n)
    sums = np.zeros((k, k))
    count = np.zeros(k, np.int64)
    active = np.zeros(k, np.bool_)
    for t in range(n):
        first = max(0, t - lookback + 1) if t % lookback == 0 else t
        if t % lookback == 0:
            sums[:, :] = 0.0
            count[:] = 0
        for s in range(first, t + 1):
            _add(sums, count, x, s, 1)
        if t % lookback != 0 and t >= lookback:
            _add(sums, count, x, t - lookback, -1)
        for i in range(k):
            active[i] = count[i] >= minimum and sums[i, i] > 1e-12
            if active[i]:
                assets[t] += 1
                out[t, i, i] = 1.0
                for j in range(i):
                    if active[j]:
                        value = sums[i, j] / np.sqrt(sums[i, i] * sums[j, j])
                        out[t, i, j] = value
                        out[t, j, i] = value
                        total[t] += value
    return out, assets, total


@_jit
def _add(
    sums: NDArray[np.float64], count: NDArray[np.int64], x: NDArray[np.float64], row: int, sign: int
) -> None:
    for i in range(x.shape[1]):
        if not np.isnan(x[row, i]):
            count[i] += sign
            for j in range(i + 1):
                if not np.isnan(x[row, j]):
                    sums[i, j] += sign * x[row, i] * x[row, j]


@_jit
def _distances(
    x: NDArray[np.float64], halflife: float, shrinkage: float, minimum: int, least: int
) -> NDArray[np.float64]:
    """Mahalanobis distance of each row under the moments of the rows before it, by Cholesky."""
    n, k = x.shape
    out, keep = np.full(n, np.nan), 0.5 ** (1.0 / halflife)
    sums = np.zeros((k, k))
    weight = np.zeros(k)
    count = np.zeros(k, np.int64)
    here = np.zeros(k, np.int64)
    lower = np.zeros((k, k))
    solved = np.zeros(k)
    for t in range(n):
        m = 0
        for i in range(k):
            if count[i] >= minimum and sums[i, i] > 0 and not np.isnan(x[t, i]):
                here[m] = i
                m += 1
        if m >= least:
            out[t] = _distance(x[t], sums, weight, here, m, shrinkage, lower, solved) / m
        for i in range(k):
            known = not np.isnan(x[t, i])
            if known:
                count[i] += 1
            weight[i] = keep * weight[i] + (1.0 if known else 0.0)
            for j in range(i + 1):
                both = known and not np.isnan(x[t, j])
                sums[i, j] = keep * sums[i, j] + (x[t, i] * x[t, j] if both else 0.0)
    return out


@_jit
def _distance(
    row: NDArray[np.float64],
    sums: NDArray[np.float64],
    weight: NDArray[np.float64],
    here: NDArray[np.int64],
    m: int,
    shrinkage: float,
    lower: NDArray[np.float64],
    solved: NDArray[np.float64],
) -> float:
    """Squared length of the row in the metric of the shrunk correlations."""
    total = 0.0
    for a in range(m):
        i = here[a]
        value = row[i] / np.sqrt(sums[i, i] / weight[i])
        for b in range(a + 1):
            j = here[b]
            common = (
                1.0 if a == b else (1.0 - shrinkage) * sums[i, j] / np.sqrt(sums[i, i] * sums[j, j])
            )
            for c in range(b):
                common -= lower[a, c] * lower[b, c]
            lower[a, b] = np.sqrt(common) if a == b else common / lower[b, b]
        for c in range(a):
            value -= lower[a, c] * solved[c]
        solved[a] = value / lower[a, a]
        total += solved[a] * solved[a]
    return total
