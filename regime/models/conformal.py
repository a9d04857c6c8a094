"""Prediction sets of regimes with a target coverage, by adaptive conformal inference.

A set holds every regime whose nonconformity score, one less its probability, is at most a quantile
of the scores of known sessions. The level of the quantile adapts: each miss widens the next sets,
each hit narrows them a little. A regime is known months after its session, so the level adapts with
that delay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.schema import REGIMES, Labels

__all__ = ["AdaptiveConformal", "ConformalState", "PredictionSet"]


@dataclass(frozen=True, kw_only=True)
class PredictionSet:
    """The set of one session, whose regime is not known yet.

    Parameters
    ----------
    date : Timestamp
        Its session.
    nonconformity : tuple of float
        Score of each regime, one less its probability, in `REGIMES` order.
    threshold : float
        Regimes of at most this score are in the set; infinite for all of them, minus infinity for
        none.
    """

    date: pd.Timestamp
    nonconformity: tuple[float, ...]
    threshold: float

    @property
    def contains(self) -> tuple[bool, ...]:
        """Whether each regime is in the set, in `REGIMES` order."""
        return tuple(value <= self.threshold for value in self.nonconformity)


@dataclass(frozen=True, kw_only=True)
class ConformalState:
    """State between two sessions.

    Parameters
    ----------
    target_miscoverage : float
        Share of misses that the next set is made for; outside [0, 1] the set is full or empty.
    scores : tuple of float
        Nonconformity score of the true regime of the last known sessions, oldest first.
    pending : tuple of PredictionSet
        Sets whose regime is not known yet, oldest first.
    """

    target_miscoverage: float
    scores: tuple[float, ...] = ()
    pending: tuple[PredictionSet, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AdaptiveConformal:
    """Prediction sets whose realised coverage is steered to a target.

    Parameters
    ----------
    coverage : float
        Target share of sessions whose true regime is in the set, in (0, 1).
    rate : float
        Step of the target miscoverage after one miss, >= 0; 0 keeps it constant. The usual 0.005 is
        for labels known at once: the labels of a whole fall, revealed on one day, would move the
        target across its whole range.
    window : int
        Last known sessions whose scores make the quantile.

    Examples
    --------
    >>> sets = AdaptiveConformal(coverage=0.8, rate=0.01)
    >>> state = sets.start()
    >>> dates = pd.bdate_range("2024-01-01", periods=12, name="date")
    >>> for date in dates:
    ...     yesterday = {date - pd.offsets.BDay(): "calm"}
    ...     state, made = sets.step(state, date, [0.7, 0.2, 0.06, 0.04], yesterday)
    >>> made.contains, round(state.target_miscoverage, 3), len(state.scores)
    ((True, False, False, False), 0.222, 11)
    """

    coverage: float = 0.9
    rate: float = 0.001
    window: int = 2520

    def __post_init__(self) -> None:
        if not 0 < self.coverage < 1:
            raise ConfigError(f"coverage: must lie in (0, 1), got {self.coverage}")
        if not self.rate >= 0:
            raise ConfigError(f"rate: must be 0 or more, got {self.rate}")
        if self.window < 1:
            raise ConfigError(f"window: must be at least 1, got {self.window}")

    def start(self) -> ConformalState:
        """State before the first session."""
        return ConformalState(target_miscoverage=1.0 - self.coverage)

    def step(
        self,
        state: ConformalState,
        date: pd.Timestamp,
        probabilities: np.ndarray | list[float],
        revealed: Mapping[pd.Timestamp, str],
    ) -> tuple[ConformalState, PredictionSet]:
        """One session: update with the regimes that became known, then make its set.

        Parameters
        ----------
        state : ConformalState
        date : Timestamp
            Later than those of all earlier steps.
        probabilities : array, shape (4,)
            In `REGIMES` order.
        revealed : mapping of Timestamp to str
            Regimes first known by the close of `date`, by session. Sessions without a pending set
            are ignored.

        Returns
        -------
        tuple of ConformalState and PredictionSet
            `state` itself is not changed.

        Notes
        -----
        **Source:** Gibbs and Candes (2021), "Adaptive Conformal Inference Under Distribution
        Shift".
        """
        state = self._update(state, revealed) if revealed else state
        made = PredictionSet(
            date=date,
            nonconformity=tuple(1.0 - float(value) for value in probabilities),
            threshold=self._threshold(state),
        )
        return replace(state, pending=(*state.pending, made)), made

    def __call__(self, probabilities: pd.DataFrame, labels: Labels) -> pd.DataFrame:
        """Sets of all sessions: `step` over the whole history.

        Parameters
        ----------
        probabilities : DataFrame, shape (n_sessions, 4)
            Out of sample, no NaN; the labels may begin before and end after.
        labels : Labels, shape (n_labelled, 4)
            The regime of largest weight is revealed on the first session at whose close it is
            known, and not before the session after its own.

        Returns
        -------
        DataFrame, shape (n_sessions, 6)
            Four boolean columns, in the set or not; ``threshold`` and ``target_miscoverage`` of the
            set.

        Raises
        ------
        InvalidDataError
            If a probability is missing, or a session has no row in the labels.

        **Known at:** each session's own close.
        """
        if probabilities.isna().to_numpy().any():
            raise InvalidDataError(
                "conformal: a probability is missing; give the out-of-sample sessions alone"
            )
        revealed = _revealed_labels(probabilities.index, labels)
        state = self.start()
        rows = []
        for date, row in zip(
            probabilities.index, probabilities[list(REGIMES)].to_numpy(dtype=float), strict=True
        ):
            state, made = self.step(state, date, row, revealed.get(date, {}))
            rows.append((*made.contains, made.threshold, state.target_miscoverage))
        table = pd.DataFrame(
            rows, index=probabilities.index, columns=[*REGIMES, "threshold", "target_miscoverage"]
        )
        return table.astype(
            {**dict.fromkeys(REGIMES, bool), "threshold": float, "target_miscoverage": float}
        )

    def _update(
        self, state: ConformalState, revealed: Mapping[pd.Timestamp, str]
    ) -> ConformalState:
        target = state.target_miscoverage
        scores = list(state.scores)
        pending = []
        for earlier in state.pending:
            if earlier.date not in revealed:
                pending.append(earlier)
                continue
            true = REGIMES.index(revealed[earlier.date])
            target += self.rate * (1.0 - self.coverage - float(not earlier.contains[true]))
            scores.append(earlier.nonconformity[true])
        return ConformalState(
            target_miscoverage=target, scores=tuple(scores[-self.window :]), pending=tuple(pending)
        )

    def _threshold(self, state: ConformalState) -> float:
        """Conformal quantile of the scores: with the session itself counted among them."""
        n = len(state.scores)
        rank = math.ceil((n + 1) * (1.0 - state.target_miscoverage) - 1e-9)
        if rank < 1:
            return -math.inf
        if rank > n:
            return math.inf
        return float(np.partition(np.array(state.scores), rank - 1)[rank - 1])


def _revealed_labels(
    index: pd.Index, labels: Labels
) -> dict[pd.Timestamp, dict[pd.Timestamp, str]]:
    """Regimes by the session that reveals them, and by their own."""
    if not index.isin(labels.weights.index).all():
        raise InvalidDataError(
            "conformal: the labels lack a session of the probabilities; make both over one index"
        )
    regime = labels.regime.reindex(index)
    known_at = labels.known_at.reindex(index)
    revealed: dict[pd.Timestamp, dict[pd.Timestamp, str]] = {}
    for row in np.flatnonzero(known_at.notna().to_numpy()):
        session = max(int(index.searchsorted(known_at.iloc[row])), int(row) + 1)
        if session < len(index):
            revealed.setdefault(index[session], {})[index[row]] = str(regime.iloc[row])
    return revealed
