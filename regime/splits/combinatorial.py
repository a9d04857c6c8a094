"""Combinatorial purged cross-validation: every choice of a few groups of years is a test once.

It looks both ways in time, so it serves no forecast: it says how much a score depends on which
years trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from regime.arrays import Integers
from regime.errors import ConfigError, InvalidDataError
from regime.schema import Labels, check_dates
from regime.splits.labelled import LabelledSplits, session_positions, wrong_labels

__all__ = ["CombinatorialPurgedKFold"]

MOST_SPLITS = 1000


@dataclass(frozen=True, kw_only=True)
class CombinatorialPurgedKFold:
    """Cut the sessions into groups; test every choice of some of them on a model of the others.

    There is no purge to set. A label rests on the sessions from its own to the later of its
    `span_end` and `known_at`; a row is left out of training if its label shares a session with that
    of any test row, or if it lies within the embargo after the last session that a test group's
    labels rest on.

    Parameters
    ----------
    groups : int
        Runs of sessions, of equal length within one.
    test_groups : int
        Groups of each test.
    embargo : int
        Sessions after a test group (and after what its labels rest on) that never train, at least
        1: their features still look back on the test.

    Examples
    --------
    >>> splits = CombinatorialPurgedKFold(groups=6, test_groups=2)
    >>> splits.n_splits, splits.n_paths
    (15, 5)

    Inside scikit-learn: ``cross_validate(model, X, labels.weights, cv=splits.purged_by(labels))``.
    """

    groups: int = 6
    test_groups: int = 2
    embargo: int = 21

    def __post_init__(self) -> None:
        if self.groups < 2:
            raise ConfigError(f"groups: must be at least 2, got {self.groups}")
        if not 1 <= self.test_groups < self.groups:
            raise ConfigError(
                f"test_groups: must lie in 1 to {self.groups - 1}, below `groups`, "
                f"got {self.test_groups}"
            )
        if self.n_splits > MOST_SPLITS:
            raise ConfigError(
                f"groups: {self.groups} over {self.test_groups} make {self.n_splits} splits, at "
                f"most {MOST_SPLITS} are sensible; take fewer"
            )
        if self.embargo < 1:
            raise ConfigError(f"embargo: must be at least 1, got {self.embargo}")

    @property
    def n_splits(self) -> int:
        """Choices of `test_groups` out of `groups`."""
        return comb(self.groups, self.test_groups)

    @property
    def n_paths(self) -> int:
        """Whole histories that the tests add up to: in how many splits each group is tested."""
        return comb(self.groups - 1, self.test_groups - 1)

    @property
    def tested(self) -> tuple[tuple[int, ...], ...]:
        """Test groups of each split, in order of the splits."""
        return tuple(combinations(range(self.groups), self.test_groups))

    def split(
        self, X: pd.DataFrame | pd.DatetimeIndex, y: Labels | None = None, groups: Any = None
    ) -> Iterator[tuple[Integers, Integers]]:
        """Training and test positions of each split, in the order of `tested`.

        Parameters
        ----------
        X : DataFrame or DatetimeIndex, shape (n_rows, ...)
            Its index are sessions of the labels; some may be left out.
        y : Labels, shape (n_sessions, 4)
            Spans are counted in its sessions. Rows of unknown regime never train; they are tested,
            so leave them out of X where a score could not bear them.
        groups : object
            scikit-learn's, not looked at.

        Yields
        ------
        tuple of ndarray of int
            Rising positions in X.

        Raises
        ------
        InvalidDataError
            If `y` is no Labels, X has a row that it has not, or fewer rows than groups, or a split
            has nothing left to train on.
        """
        if not isinstance(y, Labels):
            raise wrong_labels(y)
        position, end = _spans(X, y)
        edges = self.edges(len(position))
        touched = self._touched(position, end, edges)
        for number, chosen in enumerate(self.tested):
            train = np.flatnonzero((end >= 0) & ~touched[list(chosen)].any(axis=0))
            if not train.size:
                raise InvalidDataError(
                    f"split {number} of {self.n_splits}: labels of the test groups {chosen} reach "
                    "over all other rows; take fewer groups or a longer history"
                )
            yield (
                train,
                np.concatenate([np.arange(edges[group], edges[group + 1]) for group in chosen]),
            )

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits, as scikit-learn asks for it."""
        return self.n_splits

    def purged_by(self, labels: Labels) -> LabelledSplits:
        """Return these splits with their labels, as scikit-learn takes them."""
        return LabelledSplits(splits=self, labels=labels)

    def edges(self, rows: int) -> Integers:
        """First row of each group and the end of the last, shape (groups + 1,).

        Raises
        ------
        InvalidDataError
            If there are fewer rows than groups.
        """
        if rows < self.groups:
            raise InvalidDataError(
                f"splits: {rows} rows cannot make {self.groups} groups; take fewer groups"
            )
        return np.concatenate(
            [[0], np.cumsum([len(part) for part in np.array_split(np.arange(rows), self.groups)])]
        )

    def paths(self) -> Integers:
        """Return which split tests each group in each path, shape (n_paths, groups)."""
        table = np.zeros((self.n_paths, self.groups), dtype=np.int64)
        used = np.zeros(self.groups, dtype=np.int64)
        for number, chosen in enumerate(self.tested):
            for group in chosen:
                table[used[group], group] = number
                used[group] += 1
        return table

    def assemble(self, parts: Sequence[ArrayLike], rows: int) -> NDArray[Any]:
        """Whole histories out of what was predicted for each test.

        Parameters
        ----------
        parts : sequence of array, each shape (n_test, ...)
            One a split, in their order and each in the order of its test positions.
        rows : int
            Of X.

        Returns
        -------
        ndarray, shape (n_paths, rows, ...)

        Raises
        ------
        InvalidDataError
            If a part is missing or has another length than its test.
        """
        edges = self.edges(rows)
        arrays = [np.asarray(part) for part in parts]
        lengths = [
            sum(int(edges[group + 1] - edges[group]) for group in chosen) for chosen in self.tested
        ]
        if [len(part) for part in arrays] != lengths:
            raise InvalidDataError(
                f"assemble: {self.n_splits} splits of {rows} rows test {lengths} rows, got parts "
                "of "
                f"{[len(part) for part in arrays]}"
            )
        out = np.empty((self.n_paths, rows, *arrays[0].shape[1:]), dtype=np.result_type(*arrays))
        for path, numbers in enumerate(self.paths()):
            for group, number in enumerate(numbers):
                before = [g for g in self.tested[number] if g < group]
                start = sum(int(edges[g + 1] - edges[g]) for g in before)
                size = int(edges[group + 1] - edges[group])
                out[path, edges[group] : edges[group + 1]] = arrays[number][start : start + size]
        return out

    def _touched(self, position: Integers, end: Integers, edges: Integers) -> NDArray[np.bool_]:
        """Rows that the test of each group puts out of training, shape (groups, n_rows)."""
        rows = []
        for low, high in pairwise(edges):
            first = position[low]
            reach = max(position[high - 1], end[low:high].max())
            rows.append((end >= first) & (position <= reach + self.embargo))
        return np.array(rows)


def _spans(X: pd.DataFrame | pd.DatetimeIndex, labels: Labels) -> tuple[Integers, Integers]:
    """Session of each row, and the last session that its label rests on (-1 where unknown)."""
    index = check_dates(
        X if isinstance(X, pd.DatetimeIndex) else getattr(X, "index", None), "splits, X"
    )
    sessions = pd.DatetimeIndex(labels.weights.index)
    position = session_positions(index, sessions)
    latest = pd.concat([labels.span_end, labels.known_at], axis=1).max(axis=1)
    end = sessions.searchsorted(latest.fillna(sessions[0]), side="right") - 1
    known = labels.known_at.notna().to_numpy()
    end = np.where(known, np.maximum(end, np.arange(len(sessions))), -1)
    return position, end[position].astype(np.int64)
