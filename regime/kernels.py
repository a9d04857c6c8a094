"""Fused loops over one column, compiled once.

Rolling and exponential statistics, and the state of a fall.

Each kernel reads rows up to and including t for its value at t and carries its sums from the first
row on, so that a prefix of the data gives equal bits. NaN rule, everywhere: a missing value takes
no part; a statistic of fewer than `minimum` values is NaN.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from regime.arrays import Floats

__all__ = [
    "ewm_mean",
    "ewm_std",
    "fall_state",
    "mean_correlation",
    "rolling_extreme",
    "rolling_mean",
    "rolling_rank",
    "rolling_zscore",
]

# row.
_jit = nb.njit(cache=True, fastmath=False, error_model="numpy")


@_jit
def rolling_mean(x: Floats, lookback: int, minimum: int) -> Floats:
    """Mean of the last `lookback` rows, shape (n,)."""
    out = np.full(x.size, np.nan)
    total, count = 0.0, 0
    for t in range(x.size):
        if t % lookback == 0:  # a fresh sum each window: rounding errors cannot pile up
            total, count = 0.0, 0
            for s in range(max(0, t - lookback + 1), t + 1):
                if not np.isnan(x[s]):
                    total += x[s]
                    count += 1
        else:
            if not np.isnan(x[t]):
                total += x[t]
                count += 1
            if t >= lookback and not np.isnan(x[t - lookback]):
                total -= x[t - lookback]
                count -= 1
        if count >= max(minimum, 1):
            out[t] = total / count
    return out


@_jit
def rolling_zscore(x: Floats, lookback: int, minimum: int) -> Floats:
    """Distance to the mean of the last `lookback` rows in their standard deviations, shape (n,).

    Zero deviation gives NaN. Two running moments about the window's own anchor, made again each
    window.
    """
    out = np.full(x.size, np.nan)
    anchor = 0.0
    first = 0.0
    second = 0.0
    count = 0
    for t in range(x.size):
        if t % lookback == 0:
            anchor = 0.0
            first = 0.0
            second = 0.0
            count = 0
            for s in range(max(0, t - lookback + 1), t + 1):
                if not np.isnan(x[s]):
                    if count == 0:
                        anchor = x[s]
                    first += x[s] - anchor
                    second += (x[s] - anchor) ** 2
                    count += 1
        else:
            if not np.isnan(x[t]):
                if count == 0:
                    anchor = x[t]
                    first = 0.0
                    second = 0.0
                first += x[t] - anchor
                second += (x[t] - anchor) ** 2
                count += 1
            if t >= lookback and not np.isnan(x[t - lookback]):
                first -= x[t - lookback] - anchor
                second -= (x[t - lookback] - anchor) ** 2
                count -= 1
        if count >= max(minimum, 2) and not np.isnan(x[t]):
            variance = (second - first * first / count) / (count - 1)
            if variance > 1e-12 * (second / count) + 1e-300:
                out[t] = (x[t] - anchor - first / count) / np.sqrt(variance)
    return out


def rolling_rank(x: Floats, lookback: int, minimum: int) -> Floats:
    """Share of the last `lookback` rows at or below today's value (ties count half), in (0, 1].

    0 = expanding.
    """
    # The order of the whole column only names the values; what is counted is whole numbers of rows
    # up to t.
    return _rolling_rank(x, np.argsort(x), lookback, minimum)


@_jit
def _rolling_rank(x: Floats, order: NDArray[np.int64], lookback: int, minimum: int) -> Floats:
    """Ranks by a tally of the window's values, and a Fenwick tree that sums the smaller ones."""
    out, position = np.full(x.size, np.nan), np.zeros(x.size, np.int64)
    distinct, previous = 0, np.nan
    for t in order:
        if np.isnan(x[t]):
            break  # sorted last
        distinct += x[t] != previous
        position[t], previous = distinct, x[t]
    tally, tree = np.zeros(distinct + 1, np.int32), np.zeros(distinct + 1, np.int32)
    count = 0
    for t in range(x.size):
        if 0 < lookback <= t and position[t - lookback] > 0:
            count -= 1
            tally[position[t - lookback]] -= 1
            node = position[t - lookback]
            while node <= distinct:
                tree[node] -= 1
                node += node & -node
        if position[t] == 0:
            continue
        count += 1
        tally[position[t]] += 1
        node = position[t]
        while node <= distinct:
            tree[node] += 1
            node += node & -node
        if count >= minimum:
            below, node = 0, position[t] - 1
            while node > 0:
                below += tree[node]
                node &= node - 1
            out[t] = (below + 0.5 * (tally[position[t]] + 1)) / count
    return out


@_jit
def rolling_extreme(x: Floats, lookback: int, minimum: int, sign: int) -> Floats:
    """Maximum (`sign` 1) or minimum (`sign` -1) of the last `lookback` rows, shape (n,).

    A window is the end of one block of `lookback` rows and the beginning of the next: the larger of
    two running maxima, one taken backwards once its block is full.

    Parameters
    ----------
    x : array, shape (n,)
    lookback : int
        Rows, today's among them.
    minimum : int
        Values that a window needs.
    sign : int
        1 or -1.
    """
    out, ends = np.full(x.size, np.nan), np.full(lookback + 1, -np.inf)
    best, count = -np.inf, 0
    for t in range(x.size):
        inside = t % lookback
        if inside == 0 and t > 0:
            best = -np.inf
            for back in range(lookback - 1, -1, -1):
                value = sign * x[t - lookback + back]
                best = value if value > best else best
                ends[back] = best
            best = -np.inf
        value = sign * x[t]
        best = value if value > best else best  # a missing value is never larger
        count += not np.isnan(value)
        if t >= lookback:
            count -= not np.isnan(x[t - lookback])
        if count >= minimum and count > 0:
            out[t] = sign * max(best, ends[inside + 1])
    return out


@_jit
def ewm_mean(x: Floats, halflife: float, minimum: int) -> Floats:
    """Exponential mean with weights that sum to 1 from the first value on.

    A missing row repeats the last mean.
    """
    out = np.full(x.size, np.nan)
    keep = 0.5 ** (1.0 / halflife)
    total = 0.0
    weight = 0.0
    count = 0
    for t in range(x.size):
        if not np.isnan(x[t]):
            total = keep * total + x[t]
            weight = keep * weight + 1.0
            count += 1
        if count >= minimum:
            out[t] = total / weight
    return out


@_jit
def ewm_std(x: Floats, halflife: float, minimum: int) -> Floats:
    """Exponential standard deviation about the exponential mean, unbiased, shape (n,)."""
    out = np.full(x.size, np.nan)
    keep = 0.5 ** (1.0 / halflife)
    mean = 0.0
    square = 0.0
    weight = 0.0
    weight2 = 0.0
    inverse = 0.0
    count = 0
    for t in range(x.size):
        if not np.isnan(x[t]):
            weight = keep * weight + 1.0
            weight2 = keep * keep * weight2 + 1.0
            inverse = (
                1.0 / weight
            )  # not on the path from one mean to the next, so the division costs no wait
            step = x[t] - mean
            mean += step * inverse
            square = keep * square + step * (x[t] - mean)
            count += 1
        if count >= max(minimum, 2):
            out[t] = np.sqrt(max(square, 0.0) / (weight - weight2 * inverse))
    return out


@_jit
def fall_state(
    log_price: Floats, monthly_vol: Floats, depth: float, recovered: float
) -> NDArray[np.float64]:
    """The fall in progress as an observer at t sees it, shape (n, 6).

    A fall opens when the price lies `depth` monthly volatilities (taken at the peak) under its
    peak, and closes when `recovered` of it is regained; the peak is then the highest close since
    the low.

    Parameters
    ----------
    log_price, monthly_vol : array, shape (n,)
        Log closes, and the volatility of 21 sessions as a fraction. A session without either, or
        with a volatility of 0, repeats the state before it.
    depth : float
        Monthly volatilities.
    recovered : float
        Share of the fall, in price, in (0, 1].

    Returns
    -------
    array, shape (n, 6)
        Columns: fall from the peak now and at worst (in monthly volatilities), share of the worst
        fall regained (1 at the peak), sessions since the peak, sessions since the low, and whether
        a fall is open. NaN until the volatility is known.
    """
    n = log_price.size
    out = np.full((n, 6), np.nan)
    peak = -1
    low = -1
    is_open = False
    for t in range(n):
        if np.isnan(log_price[t]) or np.isnan(monthly_vol[t]) or monthly_vol[t] <= 0:
            if t and peak >= 0:
                for c in range(6):  # a whole row at once would take seconds to compile
                    out[t, c] = out[t - 1, c]
            continue
        if peak < 0 or (not is_open and log_price[t] >= log_price[peak]):
            peak, low = t, t
        elif log_price[t] < log_price[low]:
            low = t
        if not is_open:
            is_open = log_price[peak] - log_price[t] >= depth * monthly_vol[peak]
        elif np.exp(log_price[t]) >= (1 - recovered) * np.exp(log_price[low]) + recovered * np.exp(
            log_price[peak]
        ):
            is_open = False
            peak = low
            for s in range(low, t + 1):
                if log_price[s] >= log_price[peak]:
                    peak = s
            low = peak
            for s in range(peak, t + 1):
                if log_price[s] < log_price[low]:
                    low = s
        worst = log_price[peak] - log_price[low]
        out[t, 0] = (log_price[peak] - log_price[t]) / monthly_vol[peak]
        out[t, 1] = worst / monthly_vol[peak]
        out[t, 2] = (log_price[t] - log_price[low]) / worst if worst > 0 else 1.0
        out[t, 3] = t - peak
        out[t, 4] = t - low
        out[t, 5] = 1.0 if is_open else 0.0
    return out


@_jit
def mean_correlation(returns: NDArray[np.float64], halflife: float, minimum: int) -> Floats:
    """Average pairwise exponential correlation of the columns of `returns`, shape (n,).

    A pair counts once both have `minimum` common rows; NaN where no pair does.
    """
    n, k = returns.shape
    out = np.full(n, np.nan)
    keep = 0.5 ** (1.0 / halflife)
    cross = np.zeros((k, k))
    left = np.zeros((k, k))
    right = np.zeros((k, k))
    count = np.zeros((k, k), np.int64)
    for t in range(n):
        total, pairs = 0.0, 0
        for i in range(k):
            for j in range(i):
                a, b = returns[t, i], returns[t, j]
                if not (np.isnan(a) or np.isnan(b)):
                    cross[i, j] = keep * cross[i, j] + a * b
                    left[i, j] = keep * left[i, j] + a * a
                    right[i, j] = keep * right[i, j] + b * b
                    count[i, j] += 1
                if count[i, j] >= minimum and left[i, j] > 0 and right[i, j] > 0:
                    total += cross[i, j] / np.sqrt(left[i, j] * right[i, j])
                    pairs += 1
        if pairs > 0:
            out[t] = total / pairs
    return out
