"""Alarms against stress spells: how many were caught, how late, and how many alarms were false.

The alarm is on for as many of the highest sessions as were stress, so every forecast gets the same
number of alarm sessions and none gains by a lower threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.evaluation.truth import Truth
from regime.schema import YEAR

__all__ = ["EventScores", "alarm_sessions", "episode_detection", "event_scores"]

LEAD = 10


@dataclass(frozen=True, kw_only=True)
class EventScores:
    """Alarm statistics of one forecast over one window.

    Parameters
    ----------
    spells : int
        Spells that lie wholly within the window.
    caught : int
        Those with an alarm within them or the 10 sessions before.
    median_lag : float or None
        Sessions from a spell's first session to its first alarm, never below 0, over the caught
        ones.
    false_alarms_per_year : float
        Runs of alarm sessions that touch neither a spell nor the 10 sessions before one.
    alarm_sessions : int
        Sessions with the alarm on.
    """

    spells: int
    caught: int
    median_lag: float | None
    false_alarms_per_year: float
    alarm_sessions: int


def alarm_sessions(score: pd.Series, count: int) -> pd.Series:
    """Mark the `count` highest sessions.

    Parameters
    ----------
    score : Series, shape (n_sessions,)
        Any unit, no NaN. Equal scores are ordered by their mean over 21 sessions, then by date.
    count : int

    Returns
    -------
    Series, shape (n_sessions,), bool
    """
    recent = score.rolling(21, min_periods=1).mean().to_numpy()
    on = np.zeros(len(score), dtype=bool)
    on[np.lexsort((-recent, -score.to_numpy(dtype=float)))[:count]] = True
    return pd.Series(on, index=score.index, name="alarm")


def event_scores(truth: Truth, score: pd.Series) -> EventScores:
    """Alarm statistics of a score; its dates are the window.

    Parameters
    ----------
    truth : Truth
        Sessions of unknown truth are left out of the window.
    score : Series, shape (n_sessions,)
        Higher is more stress; a missing one takes the median.

    Returns
    -------
    EventScores
        Without a stress session there is no alarm, hence no catch, no lag and no false alarm.

    Raises
    ------
    InvalidDataError
        If the window holds no session of known truth.
    """
    window, on = _alarm(truth, score)
    spells = episode_detection(truth, score)
    lags = spells["lag"].dropna()
    edges = np.flatnonzero(np.diff(np.r_[0, on.to_numpy(dtype=int), 0]))
    near = _near_spells(truth, window)
    false = sum(not near[a:b].any() for a, b in zip(edges[::2], edges[1::2], strict=True))
    return EventScores(
        spells=len(spells),
        caught=int(spells["caught"].sum()),
        median_lag=float(lags.median()) if len(lags) else None,
        false_alarms_per_year=false / (len(window) / YEAR),
        alarm_sessions=int(on.sum()),
    )


def episode_detection(truth: Truth, score: pd.Series) -> pd.DataFrame:
    """One row for each spell wholly within the window.

    Parameters
    ----------
    truth : Truth
    score : Series, shape (n_sessions,)
        As in `event_scores`.

    Returns
    -------
    DataFrame
        `start`, `end` (first and last session), `caught`, `first_alarm` (NaT if none), `lag`
        (sessions, NaN if none).
    """
    window, on = _alarm(truth, score)
    rows = []
    for first, last in _positions(truth, window):
        if first < 0 or last >= len(window):
            continue
        from_ = max(first - LEAD, 0)
        hits = from_ + np.flatnonzero(on.to_numpy()[from_ : last + 1])
        caught = len(hits) > 0
        rows.append(
            (
                window[first],
                window[last],
                caught,
                window[hits[0]] if caught else pd.NaT,
                float(max(hits[0] - first, 0)) if caught else np.nan,
            )
        )
    return pd.DataFrame(rows, columns=["start", "end", "caught", "first_alarm", "lag"]).astype(
        {"caught": bool}
    )


def _alarm(truth: Truth, score: pd.Series) -> tuple[pd.DatetimeIndex, pd.Series]:
    stress = truth.stress.reindex(score.index).dropna()
    if stress.empty:
        raise InvalidDataError(
            "events: no session of the score has a known truth; score dates that the truth covers"
        )
    known = score.fillna(score.median())[stress.index]
    return pd.DatetimeIndex(known.index), alarm_sessions(
        known, round(float(stress.mean()) * len(stress))
    )


def _positions(truth: Truth, window: pd.DatetimeIndex) -> list[tuple[int, int]]:
    """Spells that overlap the window, as positions in it.

    -1 and `n` mean that they begin before or end after.
    """
    spells = truth.spells
    spells = spells[(spells["end"] >= window[0]) & (spells["start"] <= window[-1])]
    first = np.where(spells["start"] < window[0], -1, window.searchsorted(spells["start"]))
    last = np.where(
        spells["end"] > window[-1],
        len(window),
        window.searchsorted(spells["end"], side="right") - 1,
    )
    return [(int(a), int(b)) for a, b in zip(first, last, strict=True)]


def _near_spells(truth: Truth, window: pd.DatetimeIndex) -> np.ndarray:
    near = np.zeros(len(window), dtype=bool)
    for first, last in _positions(truth, window):
        near[max(first - LEAD, 0) : last + 1] = True
    return near
