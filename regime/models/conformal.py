"""Sets of regimes that hold the true one as often as promised, by adaptive conformal inference.

A set is every regime that is no stranger, by the model's own probability, than known sessions were.
How strange is allowed follows what was learned of earlier sets: each miss widens the next ones,
each hit narrows them a little. A regime is known months after its session, so the miss is felt
late; that delay is part of the method here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.schema import REGIMES, Labels

__all__ = ["AdaptiveConformal", "ConformalState", "IssuedSet"]


@dataclass(frozen=True, kw_only=True)
class IssuedSet:
    """A set that was given and still waits for its regime.

    Parameters
    ----------
    date : Timestamp
        Its session.
    strangeness : tuple of float
        One less the probability of each regime, in `REGIMES` order.
    threshold : float
        Regimes at most so strange are in the set; infinite for all of them, minus infinity for
        none.
    """

    date: pd.Timestamp
    strangeness: tuple[float, ...]
    threshold: float

    @property
    def holds(self) -> tuple[bool, ...]:
        """Whether each regime is in the set, in `REGIMES` order."""
        return tuple(value <= self.threshold for value in self.strangeness)


@dataclass(frozen=True, kw_only=True)
class ConformalState:
    """All that is carried from one session to the next.

    Parameters
    ----------
    miss_rate : float
        Share of misses that the next set aims at; it may leave [0, 1], and then the set is all or
        nothing.
    learned : tuple of float
        Strangeness of the true regime of the newest known sessions, oldest first.
    waiting : tuple of IssuedSet
        Sets whose regime is not known yet, oldest first.
    """

    miss_rate: float
    learned: tuple[float, ...] = ()
    waiting: tuple[IssuedSet, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AdaptiveConformal:
    """Sets of regimes whose share of hits is steered to a target.

    Parameters
    ----------
    coverage : float
        Share of sessions whose regime the set shall hold, in (0, 1).
    rate : float
        By how much one miss lowers the next aim, >= 0; 0 leaves it alone. The usual 0.005 is for
        labels known at once: a whole fall learned on one day would move the aim by more than all of
        it.
    window : int
        Newest known sessions that say how strange is usual.

    Examples
    --------
    >>> sets = AdaptiveConformal(coverage=0.8, rate=0.01)
    >>> state = sets.start()
    >>> dates = pd.bdate_range("2024-01-01", periods=12, name="date")
    >>> for date in dates:
    ...     state, issued = sets.step(state, date, [0.7, 0.2, 0.06, 0.04], {date -
    pd.offsets.BDay(): "calm"})
    >>> issued.holds, round(state.miss_rate, 3), len(state.learned)
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
        return ConformalState(miss_rate=1.0 - self.coverage)

    def step(
        self,
        state: ConformalState,
        date: pd.Timestamp,
        probabilities: np.ndarray | list[float],
        news: Mapping[pd.Timestamp, str],
    ) -> tuple[ConformalState, IssuedSet]:
        """One session: learn the regimes that became known, then give its set.

        Parameters
        ----------
        state : ConformalState
        date : Timestamp
            After those before.
        probabilities : array, shape (4,)
            In `REGIMES` order.
        news : mapping of Timestamp to str
            Regimes known by the close of `date` and not told before, by session. Sessions without a
            waiting set are passed over.

        Returns
        -------
        tuple of ConformalState and IssuedSet
            `state` itself is not changed.

        Notes
        -----
        **Source:** Gibbs and Candes (2021), "Adaptive Conformal Inference Under Distribution
        Shift".
        """
        state = self._learn(state, news) if news else state
        strangeness = tuple(1.0 - float(value) for value in probabilities)
        issued = IssuedSet(date=date, strangeness=strangeness, threshold=self._threshold(state))
        return ConformalState(
            miss_rate=state.miss_rate, learned=state.learned, waiting=(*state.waiting, issued)
        ), issued

    def __call__(self, probabilities: pd.DataFrame, labels: Labels) -> pd.DataFrame:
        """Sets of all sessions: `step` over the whole history.

        Parameters
        ----------
        probabilities : DataFrame, shape (n_sessions, 4)
            Out of sample, no NaN; the labels may begin before and end after.
        labels : Labels, shape (n_labelled, 4)
            Regimes of largest weight are learned, each on the first session at whose close it is
            known, its own session's not before the next one.

        Returns
        -------
        DataFrame, shape (n_sessions, 6)
            Four boolean columns, in the set or not; ``threshold`` and ``miss_rate`` that made it.

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
        told = _news(probabilities.index, labels)
        state, rows = self.start(), []
        for date, row in zip(
            probabilities.index, probabilities[list(REGIMES)].to_numpy(dtype=float), strict=True
        ):
            state, issued = self.step(state, date, row, told.get(date, {}))
            rows.append((*issued.holds, issued.threshold, state.miss_rate))
        table = pd.DataFrame(
            rows, index=probabilities.index, columns=[*REGIMES, "threshold", "miss_rate"]
        )
        return table.astype(
            {**dict.fromkeys(REGIMES, bool), "threshold": float, "miss_rate": float}
        )

    def _learn(self, state: ConformalState, news: Mapping[pd.Timestamp, str]) -> ConformalState:
        aim, learned, waiting = state.miss_rate, list(state.learned), []
        for issued in state.waiting:
            if issued.date not in news:
                waiting.append(issued)
                continue
            true = REGIMES.index(news[issued.date])
            aim += self.rate * (1.0 - self.coverage - float(not issued.holds[true]))
            learned.append(issued.strangeness[true])
        return ConformalState(
            miss_rate=aim, learned=tuple(learned[-self.window :]), waiting=tuple(waiting)
        )

    def _threshold(self, state: ConformalState) -> float:
        """Strangeness that the aimed share of one more session than is known does not exceed."""
        n = len(state.learned)
        rank = math.ceil((n + 1) * (1.0 - state.miss_rate) - 1e-9)
        if rank < 1:
            return -math.inf
        return (
            math.inf
            if rank > n
            else float(np.partition(np.array(state.learned), rank - 1)[rank - 1])
        )


def _news(index: pd.Index, labels: Labels) -> dict[pd.Timestamp, dict[pd.Timestamp, str]]:
    """Regimes by the session that learns them, and by their own."""
    if not index.isin(labels.weights.index).all():
        raise InvalidDataError(
            "conformal: probabilities have a session that the labels have not; "
            "make both over one index"
        )
    regime, known_at = labels.regime.reindex(index), labels.known_at.reindex(index)
    told: dict[pd.Timestamp, dict[pd.Timestamp, str]] = {}
    for row in np.flatnonzero(known_at.notna().to_numpy()):
        learner = max(int(index.searchsorted(known_at.iloc[row])), int(row) + 1)
        if learner < len(index):
            told.setdefault(index[learner], {})[index[row]] = str(regime.iloc[row])
    return told
