"""Walk-forward folds in blocks of calendar months."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from regime.arrays import Integers
from regime.errors import ConfigError, InvalidDataError
from regime.schema import STRESS, Labels, check_dates
from regime.splits.labelled import LabelledSplits, session_positions, wrong_labels

__all__ = ["Fold", "PurgedWalkForward"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """One refit and the sessions that it serves.

    Parameters
    ----------
    refit : Timestamp
        Last session before the test block: its close is the information set of the fit.
    test : ndarray of int, shape (n_test,)
        Positions of the block in the index, rising without a gap.
    """

    refit: pd.Timestamp
    test: Integers


@dataclass(frozen=True, kw_only=True)
class PurgedWalkForward:
    """Refit every few months on all rows whose label was known, then serve the next block.

    There is no purge to set: it follows from the labels' own `span_end` and `known_at`.

    Parameters
    ----------
    first_test : date
        First day of the first test block; blocks are counted from it in calendar months.
    refit_months : int
        Months of a block.
    embargo : int
        Sessions before a block that never train it, at least 1.
    minimum_train : int
        Fewer training rows than this and the fold is skipped.

    Examples
    --------
    >>> folds = PurgedWalkForward(first_test=date(2020, 7, 1)).folds(
    ...     pd.bdate_range("2020-01-01", "2021-02-26", name="date"))
    >>> [(f"{fold.refit:%Y-%m-%d}", len(fold.test)) for fold in folds]
    [('2020-06-30', 132), ('2020-12-31', 41)]
    """

    first_test: date
    refit_months: int = 6
    embargo: int = 21
    minimum_train: int = 1000

    def __post_init__(self) -> None:
        if not isinstance(self.first_test, date):
            raise ConfigError(f"first_test: must be a date, got `{self.first_test}`")
        for name in ("refit_months", "embargo", "minimum_train"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: must be at least 1, got {getattr(self, name)}")

    def folds(self, index: pd.DatetimeIndex) -> tuple[Fold, ...]:
        """Folds over the sessions of `index`.

        Blocks without a session, or with none before them, are left out.

        Parameters
        ----------
        index : DatetimeIndex, shape (n_sessions,)

        Returns
        -------
        tuple of Fold
            In order of time; their test blocks neither overlap nor leave a gap.

        **Known at:** the calendar alone; later sessions add to the last block or add blocks, and
        change nothing else.
        """
        check_dates(index, "splits")
        if not len(index):
            return ()
        first = pd.Timestamp(self.first_test).normalize()
        months = (index[-1].year - first.year) * 12 + index[-1].month - first.month
        starts = [first + pd.DateOffset(months=m) for m in range(0, months + 1, self.refit_months)]
        edges = [*index.searchsorted(pd.DatetimeIndex(starts)), len(index)]
        return tuple(
            Fold(refit=index[low - 1], test=np.arange(low, high, dtype=np.int64))
            for low, high in pairwise(edges)
            if 0 < low < high
        )

    def train_rows(self, fold: Fold, labels: Labels) -> Integers:
        """Rows that may train a fold.

        Known by its refit, with spans that end before its block, out of the embargo.

        Parameters
        ----------
        fold : Fold
        labels : Labels, shape (n_sessions, 4)
            Over the index that made the fold, or its sessions up to the refit.

        Returns
        -------
        ndarray of int, shape (n_train,)
            Rising positions. Empty where fewer than `minimum_train` rows are left or none has a
            weight of deleveraging: the fold is to be skipped.

        Raises
        ------
        InvalidDataError
            If `labels` has other sessions than the index of the fold.
        """
        index = labels.weights.index
        begin = int(fold.test[0])
        if len(index) < begin or index[begin - 1] != fold.refit:
            raise InvalidDataError(
                f"labels: position {begin - 1} is not {fold.refit:%Y-%m-%d}, the fold's refit; "
                "make labels and folds over one index"
            )
        usable = (labels.known_by(fold.refit) & (labels.span_end <= fold.refit)).to_numpy()
        rows = np.flatnonzero(usable[: max(begin - self.embargo, 0)]).astype(np.int64)
        positive = labels.weights[STRESS].to_numpy()[rows] > 0
        return rows if len(rows) >= self.minimum_train and positive.any() else rows[:0]

    def split(
        self,
        X: pd.DataFrame | pd.DatetimeIndex,
        y: Labels | Callable[[pd.Timestamp], Labels] | None = None,
        groups: Any = None,
    ) -> Iterator[tuple[Integers, Integers]]:
        """Training and test positions of each fold that can be trained.

        Parameters
        ----------
        X : DataFrame or DatetimeIndex, shape (n_rows, ...)
            On sessions of the labels; some may be left out, and blocks and embargo are still
            counted in sessions.
        y : Labels, or a function from a refit date to Labels
            The function is for labels that are fitted again at each refit; X must then hold every
            session.
        groups : object
            scikit-learn's, not looked at.

        Yields
        ------
        tuple of ndarray of int
            Rising positions in X.

        Raises
        ------
        InvalidDataError
            If `y` is neither, or X has a row that is no session of the labels.
        """
        index = check_dates(
            X if isinstance(X, pd.DatetimeIndex) else getattr(X, "index", None), "splits, X"
        )
        if not (isinstance(y, Labels) or callable(y)):
            raise wrong_labels(y)
        if not isinstance(y, Labels) or y.weights.index.equals(index):
            for fold in self.folds(index):
                rows = self.train_rows(fold, y if isinstance(y, Labels) else y(fold.refit))
                if rows.size:
                    yield rows, fold.test
            return
        sessions = pd.DatetimeIndex(y.weights.index)
        positions = session_positions(index, sessions)
        for fold in self.folds(sessions):
            train = np.flatnonzero(np.isin(positions, self.train_rows(fold, y)))
            test = np.flatnonzero(np.isin(positions, fold.test))
            if test.size and train.size >= self.minimum_train:
                yield train.astype(np.int64), test.astype(np.int64)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds that `split` would yield for the same `X` and `y`.

        Raises
        ------
        InvalidDataError
            If `X` or `y` is missing: how many folds can be trained depends on both.
        """
        if X is None or y is None:
            raise InvalidDataError(
                "get_n_splits: how many folds can be trained depends on X and the labels; give both"
            )
        return sum(1 for _ in self.split(X, y, groups))

    def purged_by(self, labels: Labels) -> LabelledSplits:
        """Return these folds with their labels: a `cv` of scikit-learn's, whatever its `y`."""
        return LabelledSplits(splits=self, labels=labels)
