"""Purge and embargo of every fold, checked by brute force.

The rule is restated here from the labels, row by row, and shares no code with the splitter.
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

__all__ = ["RefitBlock", "TrainedFold", "evenly_spaced", "fold_findings"]

T = TypeVar("T")


class RefitBlock(Protocol):
    """A refit and the block of sessions that it forecasts."""

    @property
    def refit(self) -> pd.Timestamp:
        """Last session whose data may be used in the fit."""

    @property
    def test(self) -> Integers:
        """Positions of the sessions that it forecasts."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedFold:
    """One fold as it was used.

    Parameters
    ----------
    fold : RefitBlock
    train : ndarray of int, shape (n_train,)
        Positions of its training rows.
    labels : Labels, shape (n_sessions or fewer, 4)
        What it was trained on.
    """

    fold: RefitBlock
    train: Integers
    labels: Labels


def fold_findings(
    folds: Iterable[TrainedFold], sessions: pd.DatetimeIndex, *, embargo: int
) -> list[Finding]:
    """Training rows that a fold must not use, one finding a fold and rule.

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
        Kind ``refit``: a block that does not begin after its refit, or sessions forecast twice.
        Kind ``purge``: a training row without a label, or whose label was not known at the refit or
        depends on sessions of the block. Kind ``embargo``: a training row too close to the block.
        Sizes in sessions.
    """
    findings: list[Finding] = []
    forecast: set[int] = set()
    for item in folds:
        location = f"fold of {item.fold.refit:%Y-%m-%d}"
        findings += _refit_findings(item, sessions, forecast, location)
        forecast |= set(item.fold.test.tolist())
        findings += _purge_findings(item, sessions, location)
        findings += _embargo_findings(item, embargo, location)
    return findings


def evenly_spaced(items: Sequence[T], count: int) -> list[T]:
    """At most `count` items, evenly from the first to the last."""
    if not items:
        return []
    positions = np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)
    return [items[int(position)] for position in np.unique(positions)]


def _refit_findings(
    item: TrainedFold, sessions: pd.DatetimeIndex, forecast: set[int], location: str
) -> list[Finding]:
    test = item.fold.test.tolist()
    findings = []
    inside = sum(sessions[position] <= item.fold.refit for position in test)
    if inside:
        evidence = f"The refit uses {inside} sessions of the block that it forecasts."
        findings.append(_finding("refit", location, inside, evidence))
    twice = sorted(forecast & set(test))
    if twice:
        evidence = (
            f"{len(twice)} sessions, the first {sessions[twice[0]]:%Y-%m-%d}, are forecast by two "
            "folds."
        )
        findings.append(_finding("refit", location, len(twice), evidence))
    return findings


def _purge_findings(item: TrainedFold, sessions: pd.DatetimeIndex, location: str) -> list[Finding]:
    labels = item.labels
    begin = int(item.fold.test[0])
    refit_position = int(sessions.searchsorted(item.fold.refit, side="left"))
    latest = pd.concat([labels.known_at, labels.span_end], axis=1).max(axis=1, skipna=False)
    unknown = labels.weights.isna().any(axis=1).to_numpy() | latest.isna().to_numpy()
    # How far beyond the refit a label reaches; a row of the block itself is worse than any label.
    reach = sessions.searchsorted(latest.to_numpy(), side="left") - refit_position
    rows = item.train
    labelled = rows < len(unknown)
    labelled[labelled] = ~unknown[rows[labelled]]
    excess = np.maximum(rows - begin + 1, 1)
    excess[labelled] = np.maximum(reach[rows[labelled]], rows[labelled] - begin + 1)
    late = excess > 0
    if not late.any():
        return []
    evidence = (
        f"{late.sum()} of {len(rows)} training rows, the first "
        f"{sessions[rows[late][0]]:%Y-%m-%d}, depend on what was not known at the refit."
    )
    return [_finding("purge", location, int(excess.max()), evidence)]


def _embargo_findings(item: TrainedFold, embargo: int, location: str) -> list[Finding]:
    begin = int(item.fold.test[0])
    close = [row for row in item.train.tolist() if begin - embargo <= row < begin]
    if not close:
        return []
    evidence = f"{len(close)} training rows lie within the {embargo} sessions before the block."
    return [_finding("embargo", location, max(close) - (begin - embargo) + 1, evidence)]


def _finding(kind: str, location: str, size: int, evidence: str) -> Finding:
    return Finding(
        kind=kind,
        name="walk-forward",
        location=location,
        size=float(size),
        unit="sessions",
        evidence=evidence,
    )
