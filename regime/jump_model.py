"""Statistical jump model: clusters in time whose every change of state costs a fixed penalty."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from regime.arrays import Floats
from regime.errors import ConfigError, InvalidDataError

__all__ = ["JumpModel", "fit_jump_model", "jump_features", "standardise"]

TOLERANCE = 1e-8
FLOOR = 1e-5  # keeps the Sortino ratio finite after weeks without a falling session


@dataclass(frozen=True, kw_only=True, eq=False)
class JumpModel:
    """Centres of the states, and the path of least cost through the fitted sample.

    Parameters
    ----------
    centers : ndarray, shape (n_states, n_features), units of X
        Infinite for a state without rows, so that none can enter it later.
    labels : ndarray, shape (n_rows,), int64
        Smoothed states: each rests on the whole sample.
    objective : float
        Half the sum of squared distances, plus `penalty` for every change of state.
    penalty : float

    Examples
    --------
    >>> X = np.r_[np.zeros(5), np.ones(5)][:, None]
    >>> model = fit_jump_model(X, n_states=2, penalty=0.1).sorted_by(X[:, 0])
    >>> model.labels
    array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    >>> model.objective
    0.1
    """

    centers: Floats
    labels: NDArray[np.int64]
    objective: float
    penalty: float

    def online(self, X: ArrayLike) -> NDArray[np.int64]:
        """Filtered states, shape (n_rows,): as an observer at each row would infer them.

        Parameters
        ----------
        X : array, shape (n_rows, n_features), no NaN
            Scaled as the fitted sample was.

        **Known at:** the state of row t uses rows up to t, and the fitted centres.
        """
        return np.asarray(_filter(_checked(X), self.centers, self.penalty), dtype=np.int64)

    def smoothed(self, X: ArrayLike) -> NDArray[np.int64]:
        """States of the path of least cost through `X`, shape (n_rows,).

        Each uses all rows of `X`.
        """
        labels, _ = _path(_checked(X), self.centers, self.penalty)
        return np.asarray(labels, dtype=np.int64)

    def sorted_by(self, score: ArrayLike) -> JumpModel:
        """Same model, its states numbered by rising mean of `score`, shape (n_rows,).

        Empty states come last.
        """
        values = np.asarray(score, dtype=np.float64)
        states = range(len(self.centers))
        means = [
            values[self.labels == k].mean() if (self.labels == k).any() else np.inf for k in states
        ]
        order = np.argsort(means, kind="stable")
        return JumpModel(
            centers=self.centers[order],
            labels=np.argsort(order)[self.labels],
            objective=self.objective,
            penalty=self.penalty,
        )


def fit_jump_model(
    X: ArrayLike,
    *,
    n_states: int = 2,
    penalty: float,
    seed: int = 7,
    n_init: int = 10,
    max_iter: int = 300,
) -> JumpModel:
    """Fit by coordinate descent from several seeded starts; the lowest objective wins.

    Minimises the sum over rows of half the squared distance to the centre of the row's state, plus
    `penalty` times the number of changes of state.

    Parameters
    ----------
    X : array, shape (n_rows, n_features), no NaN
        Standardised outside, rows in order of time.
    n_states : int
        2 or more, fewer than rows.
    penalty : float
        Cost of one change, in the units of the objective; 0 gives k-means.
    seed, n_init, max_iter : int
        Seed and number of the starts (k-means++ draws), and the most iterations of one start.

    Returns
    -------
    JumpModel
        States in arbitrary order: see `JumpModel.sorted_by`.

    Raises
    ------
    ConfigError
        If an argument is out of its range.
    InvalidDataError
        If `X` is not two-dimensional and finite, or has too few rows.

    **Known at:** the last row of `X`, for every label.

    **Source:** Nystrup, Lindstroem and Madsen (2020), "Learning hidden Markov models with
    persistent states by penalizing jumps".
    """
    _check_arguments(n_states, penalty, n_init, max_iter)
    rows = _checked(X)
    if len(rows) < n_states:
        raise InvalidDataError(
            f"jump model: {n_states} states need at least as many rows, got {len(rows)}"
        )
    draws = np.random.default_rng(seed).random((n_init, n_states))
    centers, labels, objective = _fit(rows, draws, float(penalty), max_iter)
    centers[np.bincount(labels, minlength=n_states) == 0] = np.inf
    return JumpModel(
        centers=centers,
        labels=labels.astype(np.int64),
        objective=float(objective),
        penalty=float(penalty),
    )


def jump_features(
    returns: pd.Series,
    *,
    deviation: tuple[float, ...] = (5, 21),
    mean: tuple[float, ...] = (5, 10, 21),
) -> pd.DataFrame:
    """Downside deviation, mean and Sortino ratio of returns, each exponentially weighted.

    Parameters
    ----------
    returns : Series, shape (n_sessions,), log return a session
    deviation, mean : tuple of float
        Halflives in sessions: of the downside deviations; of the means and Sortino ratios.

    Returns
    -------
    DataFrame, shape (n_sessions, 2 or more)
        Unscaled. NaN until three times the longest halflife has passed.

    **Known at:** row t uses returns up to t.

    **Source:** Shu, Yu and Mulvey (2024), SSRN 4864358.
    """

    def average(values: pd.Series, halflife: float) -> pd.Series:
        return values.ewm(halflife=halflife, min_periods=warm).mean()

    warm = int(3 * max((*deviation, *mean)))
    falls = returns.clip(upper=0) ** 2
    columns = {f"deviation_{h:g}": np.sqrt(average(falls, h)) for h in deviation}
    for h in mean:
        columns[f"mean_{h:g}"] = average(returns, h)
        columns[f"sortino_{h:g}"] = columns[f"mean_{h:g}"] / (np.sqrt(average(falls, h)) + FLOOR)
    return pd.DataFrame(columns)


def standardise(X: ArrayLike, *, clip: float = 3.0) -> Floats:
    """Columns less their mean over their standard deviation, held within `clip` deviations.

    Parameters
    ----------
    X : array, shape (n_rows, n_features), no NaN
    clip : float
        Standard deviations.

    Returns
    -------
    ndarray, shape (n_rows, n_features)
        A constant column becomes zeros.

    **Known at:** the last row, for every value.
    """
    values = _checked(X)
    spread = values.std(axis=0)
    scaled: Floats = np.clip(
        (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0), -clip, clip
    )
    return scaled


def _check_arguments(n_states: int, penalty: float, n_init: int, max_iter: int) -> None:
    for name, value, low in (
        ("n_states", n_states, 2),
        ("n_init", n_init, 1),
        ("max_iter", max_iter, 1),
    ):
        if value < low:
            raise ConfigError(f"{name}: must be at least {low}, got {value}")
    if not (np.isfinite(penalty) and penalty >= 0):
        raise ConfigError(f"penalty: must be finite and not negative, got {penalty}")


def _checked(X: ArrayLike) -> Floats:
    # Writable as well: numba compiles again for a read-only view of a frame.
    values = np.require(X, dtype=np.float64, requirements=["C", "W"])
    if values.ndim != 2:
        raise InvalidDataError(f"jump model: X must have two dimensions, got {values.ndim}")
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        raise InvalidDataError(
            f"jump model: row {bad[0]} of X is not finite; drop rows before the first full one"
        )
    return values


@numba.njit(cache=True, nogil=True)
def _advance(row, centers, penalty, first, values, back):  # type: ignore[no-untyped-def]
    """One step of the recursion.

    Least cost of each state, in place, and the state that it came from.
    """
    best = 0
    for k in range(1, len(values)):
        if values[k] < values[best]:
            best = k
    change = values[best] + penalty
    for k in range(len(values)):
        loss = 0.0
        for j in range(len(row)):
            loss += (row[j] - centers[k, j]) ** 2
        if first or values[k] <= change:
            back[k] = k
        else:
            back[k] = best
            values[k] = change
        values[k] += 0.5 * loss


@numba.njit(cache=True, nogil=True)
def _path(X, centers, penalty):  # type: ignore[no-untyped-def]
    """Path of least cost, and its cost."""
    n = len(X)
    k = len(centers)
    back = np.empty((n, k), np.int8)
    values = np.zeros(k)
    labels = np.empty(n, np.int8)
    for t in range(n):
        _advance(X[t], centers, penalty, t == 0, values, back[t])
    state = values.argmin()
    for t in range(n - 1, -1, -1):
        labels[t] = state
        state = back[t, state]
    return labels, values.min()


@numba.njit(cache=True, nogil=True)
def _filter(X, centers, penalty):  # type: ignore[no-untyped-def]
    """State of least cost so far, row by row."""
    values = np.zeros(len(centers))
    back = np.empty(len(centers), np.int8)
    labels = np.empty(len(X), np.int8)
    for t in range(len(X)):
        _advance(X[t], centers, penalty, t == 0, values, back)
        labels[t] = values.argmin()
    return labels


@numba.njit(cache=True, nogil=True)
def _seeds(X, draws):  # type: ignore[no-untyped-def]
    """Starting centres.

    Rows drawn with odds in proportion to the squared distance to those drawn before.
    """
    n, f = X.shape
    centers = np.empty((len(draws), f))
    nearest = np.full(n, np.inf)
    row = min(int(draws[0] * n), n - 1)
    for k in range(len(draws)):
        if k > 0:
            total = np.cumsum(nearest)
            row = min(np.searchsorted(total, draws[k] * total[-1], side="right"), n - 1)
        for j in range(f):  # a whole row at once would take seconds to compile
            centers[k, j] = X[row, j]
        for t in range(n):
            loss = 0.0
            for j in range(f):
                loss += (X[t, j] - centers[k, j]) ** 2
            nearest[t] = min(nearest[t], loss)
    return centers


@numba.njit(cache=True, nogil=True)
def _means(X, labels, centers):  # type: ignore[no-untyped-def]
    """Mean row of each state.

    A state without rows keeps its centre, so that it may win rows again.
    """
    sums = np.zeros_like(centers)
    counts = np.zeros(len(centers))
    for t in range(len(X)):
        counts[labels[t]] += 1
        for j in range(X.shape[1]):
            sums[labels[t], j] += X[t, j]
    for k in range(len(centers)):
        for j in range(X.shape[1]):
            sums[k, j] = sums[k, j] / counts[k] if counts[k] > 0 else centers[k, j]
    return sums


@numba.njit(cache=True, nogil=True)
def _fit(X, draws, penalty, max_iter):  # type: ignore[no-untyped-def]
    """Best of the starts: centres, labels, objective."""
    best_centers = _seeds(X, draws[0])
    best_labels, best = _path(X, best_centers, penalty)
    for start in range(len(draws)):
        centers = _seeds(X, draws[start])
        labels, value = _path(X, centers, penalty)
        for _ in range(max_iter):
            centers = _means(X, labels, centers)
            fresh, lower = _path(X, centers, penalty)
            settled = value - lower <= TOLERANCE
            labels, value = fresh, lower
            if settled:
                break
        if value <= best:
            best_centers = centers
            best_labels = labels
            best = value
    return best_centers, best_labels, best
