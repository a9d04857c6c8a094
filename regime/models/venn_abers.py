"""A score into two probabilities, one of which is right: inductive Venn-Abers.

For a new score the isotonic curve is fitted twice, as if its row were calm and as if it were
stress. The two values bracket the probability; how far apart they are says how little is known near
that score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regime.arrays import Floats, Integers
from regime.models.isotonic import hull_after, hull_before, pooled_scores

__all__ = ["VennAbers", "fit_venn_abers"]


@dataclass(frozen=True, kw_only=True, eq=False)
class VennAbers:
    """Rows to calibrate on, in the form from which both fits of any new score follow in a few steps.

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

        The one of least regret in log loss between the two; NaN if NaN.
        """
        low, high = self.intervals(score).T
        return np.asarray(high / (1.0 - low + high), dtype=np.float64)

    def intervals(self, score: np.ndarray) -> Floats:
        """Value of the fit with the row as calm and with the row as stress, shape (n, 2).

        NaN if NaN.
        """
        values = np.asarray(score, dtype=float)
        known = ~np.isnan(values)
        left = np.searchsorted(self.scores, values[known], side="left")
        right = np.searchsorted(
            self.scores, values[known], side="right"
        )  # beyond the rows of the very same score
        out = np.full((len(values), 2), np.nan)
        out[known] = np.column_stack([self._value(left, right, outcome) for outcome in (0.0, 1.0)])
        return out

    def _value(self, left: Integers, right: Integers, outcome: float) -> Floats:
        """Mean of the block that a new row ends in.

        It grows while its neighbours stand in the wrong order.
        """
        count, total, last = self.count, self.total, len(self.count) - 1
        while True:
            run, rise = count[right] - count[left] + 1.0, total[right] - total[left] + outcome
            lower, higher = self.before[left], self.after[right]
            join_left = (left > 0) & (
                (total[left] - total[lower]) * run > rise * (count[left] - count[lower])
            )
            join_right = (right < last) & (
                (total[higher] - total[right]) * run < rise * (count[higher] - count[right])
            )
            if not (join_left | join_right).any():
                return np.asarray(rise / run, dtype=np.float64)
            # One side at a time: the mean changes, and with it whether the other side still has to
            # join.
            left, right = (
                np.where(join_left, lower, left),
                np.where(join_right & ~join_left, higher, right),
            )


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
    One of the two values is calibrated if rows could be exchanged. Sessions cannot, so the
    guarantee is lost here; the interval remains a picture of how much data stands behind a
    probability.

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
