"""A score into a probability by the best rising curve of any shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regime.arrays import Floats, Integers
from regime.errors import InvalidDataError

__all__ = ["IsotonicCurve", "fit_isotonic", "hull_after", "hull_before", "pooled_scores"]


@dataclass(frozen=True, kw_only=True, eq=False)
class IsotonicCurve:
    """A rising curve through the shares of stress, straight between the scores that it was fitted on.

    Parameters
    ----------
    scores : ndarray, shape (k,)
        Distinct and rising.
    values : ndarray, shape (k,)
        Probability at each, never falling.

    Examples
    --------
    >>> IsotonicCurve(scores=np.array([1.0, 3.0]), values=np.array([0.2, 0.6])).predict([0.0, 2.0, 9.0])
    array([0.2, 0.4, 0.6])
    """

    scores: Floats
    values: Floats

    def predict(self, score: np.ndarray) -> Floats:
        """Probability of each score, shape (n,).

        That of the nearest end beyond the ends, NaN where it is NaN.
        """
        asked = np.asarray(score, dtype=float)
        # numpy answers a NaN with the only value of a curve of one point.
        return np.where(np.isnan(asked), np.nan, np.interp(asked, self.scores, self.values))


def fit_isotonic(score: np.ndarray, truth: np.ndarray) -> IsotonicCurve:
    """Fit the rising curve of least squared error.

    It is held within ``1 / (n + 2)`` of 0 and 1: n rows have not earned more, and one surprise
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
    scores, count, total = pooled_scores(score, truth)
    before, edges = hull_before(count, total), [len(scores)]
    while edges[-1] > 0:
        edges.append(int(before[edges[-1]]))
    cuts = np.array(edges[::-1])
    values = np.repeat(np.diff(total[cuts]) / np.diff(count[cuts]), np.diff(cuts))
    least = 1.0 / (float(count[-1]) + 2.0)
    return IsotonicCurve(scores=scores, values=np.clip(values, least, 1.0 - least))


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
    if len(score) == 0:
        raise InvalidDataError("fit_isotonic: no rows to fit on; start the first fold later")
    scores, places = np.unique(np.asarray(score, dtype=float), return_inverse=True)
    count = np.concatenate([[0.0], np.cumsum(np.bincount(places).astype(float))])
    total = np.concatenate(
        [[0.0], np.cumsum(np.bincount(places, weights=np.asarray(truth, dtype=float)))]
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
    # Turned round, a prefix is a suffix: counts from the end, and what is left of the stress.
    mirrored = hull_before(count[-1] - count[::-1], total[::-1] - total[-1])
    return np.asarray(len(count) - 1 - mirrored[::-1], dtype=np.int64)
