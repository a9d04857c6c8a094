"""One raw score into a probability.

A logistic curve, refitted at each fold on what was known by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError

__all__ = ["Fold", "PlattCurve", "calibrated", "fit_platt", "known_rows"]


class Fold(Protocol):
    """What calibration and the baselines need of a fold."""

    @property
    def refit(self) -> pd.Timestamp:
        """Last session whose data may be used in the fit."""

    @property
    def test(self) -> np.ndarray:
        """Positions of the sessions to forecast, all after `refit`."""


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
    flat, at ``(sum + 1) / (n + 2)``: a probability of exactly 0 or 1 has not been earned.

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
    if len(score) == 0:
        raise InvalidDataError("fit_platt: no rows to fit on; start the first fold later")
    mean, deviation = float(np.mean(score)), float(np.std(score, ddof=1)) if len(score) > 1 else 0.0
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
    values, outcome = filled.to_numpy(dtype=float), truth.to_numpy(dtype=float)
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
        Whatever else must stand on the same sessions.

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
    residual, weight = p - y, p * (1 - p)
    cross = C * np.sum(weight * x)
    gradient = np.array([C * residual.sum(), point[1] + C * np.sum(residual * x)])
    curvature = np.array(
        [[C * weight.sum() + 1e-12, cross], [cross, 1.0 + C * np.sum(weight * x * x)]]
    )
    return np.asarray(np.linalg.solve(curvature, gradient))


def _objective(point: np.ndarray, x: np.ndarray, y: np.ndarray, C: float) -> float:
    z = point[0] + point[1] * x
    return float(point[1] ** 2 / 2 + C * np.sum(np.logaddexp(0.0, z) - y * z))
