"""Purge and embargo of every fold, held against brute force.

The rule is stated here again from the labels alone, row by row, and shares no code with the
splitter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd

from regime.arrays import Integers
from regime.schema import Labels
from regime.studies.leakage.findings import Finding

__all__ = ["Block", "TrainedFold", "fold_findings", "sampled"]

T = TypeVar("T")


class Block(Protocol):
    """What is needed of a fold."""

    @property
    def refit(self) -> pd.Timestamp:
        """Last session whose data may be used in the fit."""

    @property
    def test(self) -> Integers:
        """Integers of the sessions that it serves."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedFold:
    """One fold as it was used.

    Parameters
    ----------
    fold : Block
    train : ndarray of int, shape (n_train,)
        Integers of the rows that trained it.
    labels : Labels, shape (n_sessions or fewer, 4)
        What it was trained on.
    """

    fold: Block
    train: Integers
    labels: Labels


def fold_findings(
    folds: Iterable[TrainedFold], sessions: pd.DatetimeIndex, *, embargo: int
) -> list[Finding]:
    """Training rows that a fold must not have had, one finding a fold and rule.

    Parameters
    ----------
    folds : iterable of TrainedFold
    sessions : DatetimeIndex, shape (n_sessions,)
        What positions count.
    embargo : int
        Sessions before a block that must never train it.

    Returns
    -------
    list of Finding
        Kind ``refit``: a block that does not begin right after its refit, or rows served twice.
        Kind ``purge``: a training row whose label was not known at the refit, rests on sessions of
        the block, or is no label. Kind ``embargo``: a training row too near to the block. Sizes in
        sessions.
    """
    found: list[Finding] = []
    served: set[int] = set()
    for item in folds:
        place = f"fold of {item.fold.refit:%Y-%m-%d}"
        found += _order(item, sessions, served, place)
        served |= set(item.fold.test.tolist())
        found += _purge(item, sessions, place)
        found += _embargo(item, embargo, place)
    return found


def _order(
    item: TrainedFold, sessions: pd.DatetimeIndex, served: set[int], place: str
) -> list[Finding]:
    test, found = item.fold.test.tolist(), []
    inside = sum(sessions[position] <= item.fold.refit for position in test)
    if inside:
        found.append(
            _finding(
                "refit",
                place,
                inside,
                f"The refit sees {inside} sessions of the block that it serves.",
            )
        )
    twice = sorted(served & set(test))
    if twice:
        found.append(
            _finding(
                "refit",
                place,
                len(twice),
                f"{sessions[twice[0]]:%Y-%m-%d} and {len(twice) - 1} more "
                "sessions are served twice.",
            )
        )
    return found


def _purge(item: TrainedFold, sessions: pd.DatetimeIndex, place: str) -> list[Finding]:
    labels, refit, begin = item.labels, item.fold.refit, int(item.fold.test[0])
    known, ends = list(labels.known_at), list(labels.span_end)
    missing = labels.weights.isna().any(axis=1).to_numpy()
    worst, rows, first = 0, 0, -1
    for row in item.train.tolist():
        if row >= len(known) or missing[row]:
            excess = max(row - begin + 1, 1)
        else:
            latest = max(known[row], ends[row])
            # How far beyond the refit the label reaches; a row of the block itself is worse than
            # any label.
            reaches = int(sessions.searchsorted(latest, side="left")) - int(
                sessions.searchsorted(refit, side="left")
            )
            excess = max(reaches, row - begin + 1)
        if excess > 0:
            first = row if first < 0 else first
            worst, rows = max(worst, excess), rows + 1
    if not rows:
        return []
    return [
        _finding(
            "purge",
            place,
            worst,
            f"{rows} of {len(item.train)} training rows, the first "
            f"{sessions[first]:%Y-%m-%d}, rest on what was not known at the refit.",
        )
    ]


def _embargo(item: TrainedFold, embargo: int, place: str) -> list[Finding]:
    begin = int(item.fold.test[0])
    near = [row for row in item.train.tolist() if begin - embargo <= row < begin]
    if not near:
        return []
    return [
        _finding(
            "embargo",
            place,
            max(near) - (begin - embargo) + 1,
            f"{len(near)} training rows lie within the {embargo} sessions before the block.",
        )
    ]


def _finding(kind: str, place: str, size: int, evidence: str) -> Finding:
    return Finding(
        kind=kind,
        name="walk-forward",
        place=place,
        size=float(size),
        unit="sessions",
        evidence=evidence,
    )


def sampled(folds: Sequence[T], count: int) -> list[T]:
    """At most `count` folds, evenly from the first to the last."""
    if not folds:
        return []
    places = np.unique(np.linspace(0, len(folds) - 1, min(count, len(folds))).astype(int))
    return [folds[int(place)] for place in places]
