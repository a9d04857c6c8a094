"""Splits bound to their labels: a `cv` for scikit-learn, whatever `y` a model is fitted on.

scikit-learn hands a splitter the targets of the model, which do not say how far a label reaches.
The splits of this package purge by the labels' own spans, so they are bound to them first:
``cross_validate(model, X, y, cv=splits.purged_by(labels))``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from regime.arrays import Integers
from regime.errors import InvalidDataError
from regime.schema import Labels

__all__ = ["LabelledSplits", "PurgedSplits", "session_positions", "wrong_labels"]


class PurgedSplits(Protocol):
    """Splits that purge by labels."""

    def split(
        self, X: pd.DataFrame | pd.DatetimeIndex, y: Labels, groups: Any = None
    ) -> Iterator[tuple[Integers, Integers]]:
        """Yield training and test positions in X."""

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledSplits:
    """Purged splits bound to their labels: a `cv` of scikit-learn's.

    Parameters
    ----------
    splits : PurgedWalkForward or CombinatorialPurgedKFold
    labels : Labels, shape (n_sessions, 4)

    Examples
    --------
    >>> from regime.schema import REGIMES
    >>> from regime.splits.combinatorial import CombinatorialPurgedKFold
    >>> days = pd.bdate_range("2024-01-01", periods=12, name="date")
    >>> weights = pd.DataFrame([[1.0, 0.0, 0.0, 0.0]] * 12, index=days, columns=list(REGIMES))
    >>> ends = pd.Series(days, index=days)
    >>> labels = Labels(weights=weights, span_end=ends, known_at=ends)
    >>> cv = CombinatorialPurgedKFold(groups=4, test_groups=1, embargo=2).purged_by(labels)
    >>> [train.tolist() for train, test in cv.split(weights)][1]
    [0, 1, 2, 8, 9, 10, 11]
    """

    splits: PurgedSplits
    labels: Labels

    def split(
        self, X: pd.DataFrame | pd.DatetimeIndex, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[Integers, Integers]]:
        """Return training and test positions; `y` and `groups` are not looked at.

        Parameters
        ----------
        X : DataFrame or DatetimeIndex, shape (n_rows, ...)
            On sessions of the labels; some may be left out.
        y, groups : object
            scikit-learn's.
        """
        return self.splits.split(X, self.labels)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits of `X`; `y` and `groups` are not looked at."""
        return self.splits.get_n_splits(X, self.labels)


def session_positions(index: pd.DatetimeIndex, sessions: pd.DatetimeIndex) -> Integers:
    """Position of each date of `index` among the sessions of the labels, shape (n_rows,).

    Raises
    ------
    InvalidDataError
        Naming the first date that is no session of the labels.
    """
    positions = sessions.get_indexer(index)
    if (positions < 0).any():
        unknown = index[int(np.flatnonzero(positions < 0)[0])]
        raise InvalidDataError(
            f"splits: {unknown:%Y-%m-%d} of X has no label; leave out rows that are no session of "
            "the labels"
        )
    return np.asarray(positions, dtype=np.int64)


def wrong_labels(y: object) -> InvalidDataError:
    """Error for a `y` that carries no spans."""
    return InvalidDataError(
        f"y: must be Labels, whose spans say what to purge, got {type(y).__name__}; inside "
        "scikit-learn give `cv=splits.purged_by(labels)` and any y"
    )
