"""Scores into probabilities: Platt's logistic curve, the isotonic curve, and Venn-Abers.

Each is fitted on the scores whose outcome was known at a refit. `calibrated` refits a Platt curve
at every fold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.errors import InvalidDataError
from regime.splits.walk_forward import Fold

__all__ = [
    "IsotonicCurve",
    "PlattCurve",
    "VennAbers",
    "calibrated",
    "fit_isotonic",
    "fit_platt",
    "fit_venn_abers",
    "hull_after",
    "hull_before",
    "known_rows",
    "pooled_scores",
]


@dataclass(frozen=True, kw_only=True)
class PlattCurve:
    """A logistic curve over one standardised score.

    Parameters
    ----------
    mean, scale : float
        Centre and width of the scores that it was fitted on.
    slope, intercept : float
        Log-odds per width, and at the centre.

    Examples
    --------
    >>> PlattCurve(mean=20.0, scale=5.0, slope=1.0, intercept=-1.0).predict([20.0, 25.0]).round(3)
    array([0.269, 0.5  ])
    """

    mean: float
    scale: float
    slope: float
    intercept: float

    def predict(self, score: np.ndarray) -> np.ndarray:
        """Probability of each score, shape (n,); NaN where the score is NaN."""
        log_odds = (
            self.intercept + self.slope * (np.asarray(score, dtype=float) - self.mean) / self.scale
        )
        return np.exp(-np.logaddexp(0.0, -log_odds))


def fit_platt(score: np.ndarray, truth: np.ndarray, *, C: float = 10.0) -> PlattCurve:
    """Fit the curve by Newton's method; the slope alone is penalised.

    Minimises ``slope**2 / 2 + C * sum(log loss)``. If all of `truth` is one class the curve is
    flat, at ``(sum + 1) / (n + 2)``: finite data do not support a probability of exactly 0 or 1.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Any unit, finite.
    truth : ndarray, shape (n,)
        In [0, 1]; fractions are soft labels.
    C : float
        Inverse strength of the penalty.

    Raises
    ------
    InvalidDataError
        If there are no rows.

    Notes
    -----
    **Source:** Platt (1999), "Probabilistic outputs for support vector machines".
    """
    _refuse_empty(score)
    mean = float(np.mean(score))
    deviation = float(np.std(score, ddof=1)) if len(score) > 1 else 0.0
    scale = deviation if deviation > 1e-12 * max(1.0, abs(mean)) else 1.0
    if np.ptp(truth) == 0:
        rate = (float(np.sum(truth)) + 1) / (len(truth) + 2)
        return PlattCurve(
            mean=mean, scale=scale, slope=0.0, intercept=float(np.log(rate / (1 - rate)))
        )
    intercept, slope = _newton((score - mean) / scale, truth, C)
    return PlattCurve(mean=mean, scale=scale, slope=slope, intercept=intercept)


def calibrated(
    score: pd.Series,
    truth: pd.Series,
    known_at: pd.Series,
    folds: Iterable[Fold],
    *,
    C: float = 10.0,
) -> pd.Series:
    """Out-of-sample probability of one raw score.

    Parameters
    ----------
    score : Series, shape (n_sessions,)
        Any unit; a hole takes the median of the scores so far.
    truth : Series, shape (n_sessions,)
        1 stress, 0 not, NaN unknown; fractions are soft labels.
    known_at : Series, shape (n_sessions,), datetime64
        Session from whose close on each truth is known; NaT for never.
    folds : iterable of Fold
        Their `test` are positions in the common index.
    C : float
        Inverse strength of the penalty on the slope.

    Returns
    -------
    Series, shape (n_sessions,)
        In [0, 1]. NaN outside the test blocks, before the first score, and in folds with nothing to
        fit on.

    Raises
    ------
    InvalidDataError
        If the three indexes differ.

    Notes
    -----
    **Known at:** each fold uses rows up to its refit whose truth was known by then, and scores up
    to the row itself.
    """
    filled = score.fillna(score.expanding().median())
    values = filled.to_numpy(dtype=float)
    outcome = truth.to_numpy(dtype=float)
    result = np.full(len(score), np.nan)
    for fold in folds:
        rows = known_rows(truth, known_at, fold.refit, score) & np.isfinite(values)
        if rows.any():
            result[fold.test] = fit_platt(values[rows], outcome[rows], C=C).predict(
                values[fold.test]
            )
    return pd.Series(result, index=score.index, name=score.name)


def known_rows(
    truth: pd.Series,
    known_at: pd.Series,
    refit: pd.Timestamp,
    other: pd.Series | pd.DataFrame | None = None,
) -> np.ndarray:
    """Mask of the rows up to `refit` whose truth was known by then, shape (n_sessions,).

    Parameters
    ----------
    truth, known_at : Series, shape (n_sessions,)
        As in `calibrated`.
    refit : Timestamp
        Last session of the information set.
    other : Series or DataFrame, optional
        Other data that must be on the same sessions.

    Raises
    ------
    InvalidDataError
        If `truth`, `known_at` and `other` do not share one index.
    """
    for name, frame in (("known_at", known_at), ("score", other)):
        if frame is not None and not frame.index.equals(truth.index):
            raise InvalidDataError(
                f"`{name}` has {len(frame)} rows, `truth` {len(truth)}, and their dates differ: "
                "reindex both to the same sessions"
            )
    known = (known_at <= refit).to_numpy(dtype=bool, na_value=False)
    return np.asarray(known & (truth.index <= refit) & truth.notna().to_numpy())


def _refuse_empty(score: np.ndarray) -> None:
    if len(score) == 0:
        raise InvalidDataError("calibration: no rows to fit on; start the first fold later")


def _newton(x: np.ndarray, y: np.ndarray, C: float) -> tuple[float, float]:
    rate = float(np.mean(y))
    point = np.array([np.log(rate / (1 - rate)), 0.0])
    loss = _objective(point, x, y, C)
    for _ in range(100):
        step = _newton_step(point, x, y, C)
        # A full step can overshoot on nearly separable scores; half it until the loss falls.
        while (after := _objective(point - step, x, y, C)) > loss and np.abs(step).max() > 1e-10:
            step = step / 2
        point, loss = point - step, min(loss, after)
        if np.abs(step).max() < 1e-9:
            break
    return float(point[0]), float(point[1])


def _newton_step(point: np.ndarray, x: np.ndarray, y: np.ndarray, C: float) -> np.ndarray:
    p = np.exp(-np.logaddexp(0.0, -(point[0] + point[1] * x)))
    residual = p - y
    weight = p * (1 - p)
    cross = C * np.sum(weight * x)
    gradient = np.array([C * residual.sum(), point[1] + C * np.sum(residual * x)])
    curvature = np.array(
        [[C * weight.sum() + 1e-12, cross], [cross, 1.0 + C * np.sum(weight * x * x)]]
    )
    return np.asarray(np.linalg.solve(curvature, gradient))


def _objective(point: np.ndarray, x: np.ndarray, y: np.ndarray, C: float) -> float:
    z = point[0] + point[1] * x
    return float(point[1] ** 2 / 2 + C * np.sum(np.logaddexp(0.0, z) - y * z))


@dataclass(frozen=True, kw_only=True, eq=False)
class IsotonicCurve:
    """A rising curve through shares of stress, linear between the scores that it was fitted on.

    Parameters
    ----------
    scores : ndarray, shape (k,)
        Distinct and rising; those between two of equal value are left out.
    values : ndarray, shape (k,)
        Probability at each, never falling.

    Examples
    --------
    >>> curve = IsotonicCurve(scores=np.array([1.0, 3.0]), values=np.array([0.2, 0.6]))
    >>> curve.predict([0.0, 2.0, 9.0])
    array([0.2, 0.4, 0.6])
    """

    scores: Floats
    values: Floats

    def predict(self, score: np.ndarray) -> Floats:
        """Probability of each score, shape (n,).

        That of the nearest end beyond the ends, NaN where it is NaN.
        """
        values = np.asarray(score, dtype=float)
        # For a curve of one point np.interp returns that point's value even for NaN.
        return np.where(np.isnan(values), np.nan, np.interp(values, self.scores, self.values))


def fit_isotonic(score: np.ndarray, truth: np.ndarray) -> IsotonicCurve:
    """Fit the rising curve of least squared error.

    It is kept ``1 / (n + 2)`` away from 0 and 1: n rows do not support more, and one error there
    would cost an infinite log loss.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Any unit, finite; only its order matters.
    truth : ndarray, shape (n,)
        In [0, 1]; fractions are soft labels.

    Raises
    ------
    InvalidDataError
        If there are no rows.

    Notes
    -----
    **Source:** Zadrozny and Elkan (2002), "Transforming classifier scores into accurate multiclass
    probability estimates".
    """
    from sklearn.isotonic import IsotonicRegression

    _refuse_empty(score)
    fitted = IsotonicRegression().fit(score, truth)
    least = 1.0 / (len(score) + 2.0)
    return IsotonicCurve(
        scores=np.asarray(fitted.X_thresholds_, dtype=np.float64),
        values=np.clip(np.asarray(fitted.y_thresholds_, dtype=np.float64), least, 1.0 - least),
    )


def pooled_scores(score: np.ndarray, truth: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """Distinct scores, and how many rows and how much stress lie below each and in all.

    Parameters
    ----------
    score, truth : ndarray, shape (n,)
        As in `fit_isotonic`.

    Returns
    -------
    tuple of ndarray, shapes (k,), (k + 1,), (k + 1,)
        Rising scores; running sums from 0.

    Raises
    ------
    InvalidDataError
        If there are no rows.
    """
    _refuse_empty(score)
    scores, positions = np.unique(np.asarray(score, dtype=float), return_inverse=True)
    count = np.concatenate([[0.0], np.cumsum(np.bincount(positions).astype(float))])
    total = np.concatenate(
        [[0.0], np.cumsum(np.bincount(positions, weights=np.asarray(truth, dtype=float)))]
    )
    return scores, count, total


def hull_before(count: Floats, total: Floats) -> Integers:
    """Corner before each point on the lower hull of the points up to it, shape (k + 1,).

    That of the first is 0.

    The slopes of the hull of all points are the isotonic fit, those of the first i points the fit
    of the first i scores: all prefixes are solved in one pass.

    Parameters
    ----------
    count, total : ndarray, shape (k + 1,)
        Running sums, as `pooled_scores` gives them.
    """
    x, y = count.tolist(), total.tolist()
    before = [0] * len(x)
    for i in range(1, len(x)):
        j = i - 1
        while j > 0:
            h = before[j]
            if (y[j] - y[h]) * (x[i] - x[j]) < (y[i] - y[j]) * (x[j] - x[h]):
                break
            j = h
        before[i] = j
    return np.array(before, dtype=np.int64)


def hull_after(count: Floats, total: Floats) -> Integers:
    """Corner after each point on the lower hull of the points from it on, shape (k + 1,).

    That of the last is itself.

    Parameters
    ----------
    count, total : ndarray, shape (k + 1,)
        Running sums, as `pooled_scores` gives them.
    """
    # Reversed, a suffix is a prefix: counts from the end, and the stress that remains.
    mirrored = hull_before(count[-1] - count[::-1], total[::-1] - total[-1])
    return np.asarray(len(count) - 1 - mirrored[::-1], dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class VennAbers:
    """Inductive Venn-Abers: two probabilities of each score, one of which is calibrated.

    For a new score the isotonic curve is fitted twice, as if its row were calm and as if it were
    stress. The two values bracket the probability; a wide bracket means few rows near that score.

    Parameters
    ----------
    scores : ndarray, shape (k,)
        Distinct and rising.
    count, total : ndarray, shape (k + 1,)
        Rows, and their stress, below each score and in all.
    before, after : ndarray of int, shape (k + 1,)
        Corners of the lower hulls of what lies below and above.

    Examples
    --------
    >>> curve = fit_venn_abers(np.arange(6.0), np.array([0, 0, 1, 0, 1, 1]))
    >>> curve.intervals([0.5, 4.0]).round(3)
    array([[0. , 0.5],
           [0.5, 1. ]])
    >>> curve.predict([0.5, 4.0]).round(3)
    array([0.333, 0.667])
    """

    scores: Floats
    count: Floats
    total: Floats
    before: Integers
    after: Integers

    def predict(self, score: np.ndarray) -> Floats:
        """Probability of each score, shape (n,).

        The one between the two that minimises regret in log loss; NaN where the score is NaN.
        """
        low, high = self.intervals(score).T
        return np.asarray(high / (1.0 - low + high), dtype=np.float64)

    def intervals(self, score: np.ndarray) -> Floats:
        """Value of the fit with the row as calm and with the row as stress, shape (n, 2).

        NaN where the score is NaN.
        """
        values = np.asarray(score, dtype=float)
        known = ~np.isnan(values)
        left = np.searchsorted(self.scores, values[known], side="left")
        # Beyond the rows of an equal score.
        right = np.searchsorted(self.scores, values[known], side="right")
        out = np.full((len(values), 2), np.nan)
        out[known] = np.column_stack([self._value(left, right, outcome) for outcome in (0.0, 1.0)])
        return out

    def _value(self, left: Integers, right: Integers, outcome: float) -> Floats:
        """Mean of the pooled block that a new row ends in.

        The block grows while a neighbouring block has a mean on the wrong side of its own.
        """
        count, total = self.count, self.total
        last = len(count) - 1
        while True:
            rows = count[right] - count[left] + 1.0
            stress = total[right] - total[left] + outcome
            lower = self.before[left]
            higher = self.after[right]
            join_left = (left > 0) & (
                (total[left] - total[lower]) * rows > stress * (count[left] - count[lower])
            )
            join_right = (right < last) & (
                (total[higher] - total[right]) * rows < stress * (count[higher] - count[right])
            )
            if not (join_left | join_right).any():
                return np.asarray(stress / rows, dtype=np.float64)
            # One side at a time: joining changes the mean that decides about the other side.
            left = np.where(join_left, lower, left)
            right = np.where(join_right & ~join_left, higher, right)


def fit_venn_abers(score: np.ndarray, truth: np.ndarray) -> VennAbers:
    """Prepare rows for the two fits of any new score.

    Parameters
    ----------
    score : ndarray, shape (n,)
        Any unit, finite; only its order matters.
    truth : ndarray, shape (n,)
        In [0, 1]; fractions are soft labels.

    Raises
    ------
    InvalidDataError
        If there are no rows.

    Notes
    -----
    One of the two values is calibrated if rows are exchangeable. Sessions are not, so the guarantee
    does not hold here; the interval still shows how much data supports a probability.

    **Source:** Vovk, Petej and Fedorova (2015), "Large-scale probabilistic predictors with and
    without guarantees of validity".
    """
    scores, count, total = pooled_scores(score, truth)
    return VennAbers(
        scores=scores,
        count=count,
        total=total,
        before=hull_before(count, total),
        after=hull_after(count, total),
    )
