"""Inputs of a builder that can be truncated, perturbed or delayed at any session.

Positions are those of sessions: "known at t" is what was public at the close of the session at
position t. `ObservedSeries` is one series by period, for the statistical checks of the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats, Integers
from regime.panel.calendar import session_closes
from regime.sources.catalogue import Catalogue
from regime.studies.leakage.findings import Unit

__all__ = [
    "PERTURBED_SESSIONS",
    "CalibratorInput",
    "FrameInput",
    "ObservationInput",
    "ObservedSeries",
    "ProbeInput",
    "collect_series",
]

PERTURBED_SESSIONS = 63  # sessions that a perturbed future keeps: enough to be read, and cheap
DAY = 86_400e6  # microseconds
DAILY_GAP = 2.6  # median days between periods, at most, of a series that counts as daily


class ProbeInput(Protocol):
    """Input of a builder."""

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Sessions of its rows."""

    @property
    def unit(self) -> Unit:
        """Unit of the distances to later information."""

    def truncated(self, t: int) -> ProbeInput:
        """Only what was known at t."""

    def suspect_positions(self) -> NDArray[np.int64]:
        """Positions to probe beside random ones: gaps, first sessions after a refit."""

    def release_distances(self, t: int) -> Floats:
        """Rising distances from t at which new information becomes known."""

    def perturbed(
        self,
        t: int,
        seed: int,
        min_distance: float = 0.0,
        horizon: int | None = PERTURBED_SESSIONS,
    ) -> ProbeInput:
        """The same up to t, with another future.

        Parameters
        ----------
        t : int
        seed : int
        min_distance : float
            Distance after t, in `unit`, from which values are replaced.
        horizon : int, optional
            Sessions kept after t; None keeps all.
        """

    def delayed(self) -> ProbeInput:
        """Everything known one session later."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameInput:
    """Frames with one row a session, each row known at its own close.

    Parameters
    ----------
    frames : mapping of str to DataFrame or Series
        All over one index.
    probability_frames : tuple of str
        Names of frames whose rows are probabilities: their future rows are drawn from the frame but
        not rescaled.
    refit_positions : tuple of int
        Positions of the first sessions after a refit, where there are refits.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=3, name="date")
    >>> prices = FrameInput(frames={"close": pd.Series([1.0, 2.0, 3.0], index=dates)})
    >>> prices.delayed().frames["close"].tolist()
    [1.0, 1.0, 2.0]
    """

    frames: Mapping[str, pd.DataFrame | pd.Series]
    probability_frames: tuple[str, ...] = ()
    refit_positions: tuple[int, ...] = ()

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Index of the frames."""
        return pd.DatetimeIndex(next(iter(self.frames.values())).index)

    @property
    def unit(self) -> Unit:
        """Sessions."""
        return "sessions"

    def truncated(self, t: int) -> FrameInput:
        """Rows up to t."""
        return replace(
            self, frames={name: frame.iloc[: t + 1] for name, frame in self.frames.items()}
        )

    def suspect_positions(self) -> NDArray[np.int64]:
        """Rows in which a column is missing between its first and its last value, and refits."""
        suspect = np.zeros(len(self.sessions), dtype=bool)
        for frame in self.frames.values():
            present = frame.notna().to_numpy().reshape(len(frame), -1)
            started = np.maximum.accumulate(present, axis=0)
            continues = np.maximum.accumulate(present[::-1], axis=0)[::-1]
            suspect |= (started & continues & ~present).any(axis=1)
        suspect[[position for position in self.refit_positions if position < len(suspect)]] = True
        return np.flatnonzero(suspect)

    def release_distances(self, t: int) -> Floats:
        """1, 2, ... to the last row."""
        return np.arange(1.0, len(self.sessions) - t)

    def perturbed(
        self,
        t: int,
        seed: int,
        min_distance: float = 0.0,
        horizon: int | None = PERTURBED_SESSIONS,
    ) -> FrameInput:
        """Rows from t + `min_distance` on drawn at random from the whole frame and rescaled.

        Parameters
        ----------
        t, seed, min_distance, horizon
            As in `ProbeInput.perturbed`.
        """
        first = t + max(int(np.ceil(min_distance)), 1)
        end = None if horizon is None else t + horizon + 1
        rng = np.random.default_rng([seed, t])
        return replace(
            self,
            frames={
                name: _redrawn(frame.iloc[:end], first, rng, name in self.probability_frames)
                for name, frame in self.frames.items()
            },
        )

    def delayed(self) -> FrameInput:
        """Each row a session later; the first is repeated."""
        positions = np.maximum(np.arange(len(self.sessions)) - 1, 0)
        return replace(
            self,
            frames={
                name: _like(frame, frame.to_numpy()[positions])
                for name, frame in self.frames.items()
            },
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibratorInput:
    """Rows with a truth that becomes known later than its row.

    Parameters
    ----------
    rows : FrameInput
    truth : Series, shape (n_sessions,)
        In [0, 1]; NaN unknown.
    known_at : Series, shape (n_sessions,), datetime64
        NaT where unknown.
    refit_positions : tuple of int
        Positions of the first sessions after a refit, where there are refits.
    """

    rows: FrameInput
    truth: pd.Series
    known_at: pd.Series
    refit_positions: tuple[int, ...] = ()

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Index of the rows."""
        return self.rows.sessions

    @property
    def unit(self) -> Unit:
        """Sessions."""
        return "sessions"

    def truncated(self, t: int) -> CalibratorInput:
        """Rows up to t, and the truths known at its close."""
        known = (self.known_at <= self.sessions[t]).fillna(False)
        return CalibratorInput(
            rows=self.rows.truncated(t),
            truth=self.truth.where(known).iloc[: t + 1],
            known_at=self.known_at.where(known).iloc[: t + 1],
        )

    def suspect_positions(self) -> NDArray[np.int64]:
        """Gaps of the rows, and the first sessions after each refit."""
        return np.unique(
            np.concatenate(
                [self.rows.suspect_positions(), np.asarray(self.refit_positions, dtype=np.int64)]
            )
        )

    def release_distances(self, t: int) -> Floats:
        """1, 2, ... to the last row."""
        return self.rows.release_distances(t)

    def perturbed(
        self,
        t: int,
        seed: int,
        min_distance: float = 0.0,
        horizon: int | None = PERTURBED_SESSIONS,
    ) -> CalibratorInput:
        """Later rows redrawn, and truths known at t + `min_distance` or later inverted.

        Parameters
        ----------
        t, seed, min_distance, horizon
            As in `ProbeInput.perturbed`.
        """
        first = min(t + max(int(np.ceil(min_distance)), 1), len(self.sessions) - 1)
        end = None if horizon is None else t + horizon + 1
        later = (self.known_at >= self.sessions[first]).fillna(False)
        truth = self.truth.where(~later, 1.0 - self.truth)
        return CalibratorInput(
            rows=self.rows.perturbed(t, seed, min_distance, horizon),
            truth=truth.iloc[:end],
            known_at=self.known_at.iloc[:end],
        )

    def delayed(self) -> CalibratorInput:
        """Everything a session later: rows, truth and the day from which it is known."""
        known_at = self.known_at.shift(1)
        positions = np.minimum(self.sessions.searchsorted(known_at) + 1, len(self.sessions) - 1)
        later = pd.Series(self.sessions[positions], self.sessions).where(known_at.notna())
        return replace(self, rows=self.rows.delayed(), truth=self.truth.shift(1), known_at=later)


@dataclass(frozen=True, kw_only=True, eq=False)
class ObservationInput:
    """Observations, each known from its release on.

    A series may repeat a period with a later vintage.

    Parameters
    ----------
    observations : DataFrame
        Long table of `series, period, released, value`.
    sessions : DatetimeIndex, shape (n_sessions,)
    closes, released : ndarray of int
        Instants in microseconds, derived from the two above.

    Examples
    --------
    >>> days = pd.DatetimeIndex(["2024-01-02", "2024-01-03"], name="date")
    >>> rows = pd.DataFrame({"series": "vix", "period": days, "value": [13.0, 14.0],
    ...                      "released": days.tz_localize("UTC") + pd.Timedelta(hours=21)})
    >>> len(ObservationInput(observations=rows, sessions=days).closes)
    2
    """

    observations: pd.DataFrame
    sessions: pd.DatetimeIndex
    closes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    released: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        # Kept as whole numbers: every probe compares all releases with one close.
        object.__setattr__(self, "closes", session_closes(self.sessions).as_unit("us").asi8)
        instants = pd.DatetimeIndex(self.observations["released"]).as_unit("us")
        object.__setattr__(self, "released", instants.asi8)

    @property
    def unit(self) -> Unit:
        """Calendar days, and parts of them."""
        return "days"

    def suspect_positions(self) -> NDArray[np.int64]:
        """None: what is missing was not published."""
        return np.zeros(0, dtype=np.int64)

    def truncated(self, t: int) -> ObservationInput:
        """Rows released by the close of t, and sessions up to it."""
        return ObservationInput(
            observations=self.observations[self.released <= self.closes[t]],
            sessions=self.sessions[: t + 1],
        )

    def release_distances(self, t: int) -> Floats:
        """Days from the close of t to each later release."""
        later = self.released[self.released > self.closes[t]]
        return np.unique(later - self.closes[t]) / DAY

    def perturbed(
        self,
        t: int,
        seed: int,
        min_distance: float = 0.0,
        horizon: int | None = PERTURBED_SESSIONS,
    ) -> ObservationInput:
        """Values released later than t by `min_distance` days or more, rescaled at random.

        Parameters
        ----------
        t, seed, min_distance, horizon
            As in `ProbeInput.perturbed`.
        """
        last = len(self.sessions) - 1
        kept = np.ones(len(self.released), dtype=bool)
        if horizon is not None:
            last = min(t + horizon, last)
            kept = self.released <= self.closes[last]
        distance = self.released - self.closes[t]
        changed = (distance > 0) & (distance >= min_distance * DAY - 1)
        rng = np.random.default_rng([seed, t])
        values = self.observations["value"].to_numpy(dtype=float, copy=True)
        values[changed] = values[changed] * np.exp(rng.normal(0.0, 0.3, int(changed.sum()))) + 1e-3
        table = self.observations.assign(value=values)
        return ObservationInput(observations=table[kept], sessions=self.sessions[: last + 1])

    def delayed(self) -> ObservationInput:
        """Each value first known one session after the session at which it was first known."""
        position = np.searchsorted(self.closes, self.released, side="left")
        inside = position < len(self.closes) - 1
        moved = np.where(
            inside,
            self.closes[np.minimum(position + 1, len(self.closes) - 1)],
            self.released + int(DAY),
        )
        return ObservationInput(
            observations=self.observations.assign(released=_utc(moved)), sessions=self.sessions
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ObservedSeries:
    """One series by rising period.

    Parameters
    ----------
    name, location : str
        Catalogue name; entry and file.
    periods : DatetimeIndex, shape (n,)
    values : ndarray, shape (n,)
    period_positions : ndarray of int, shape (n,)
        Position of the first session on or after each period; n_sessions where there is none.
    release_positions : ndarray of int, shape (n,)
        Position of the first session at whose close each value is known.
    revised : bool
        Whether the catalogue declares that old values are re-estimated.
    """

    name: str
    location: str
    periods: pd.DatetimeIndex
    values: Floats
    period_positions: Integers
    release_positions: Integers
    revised: bool = False

    @property
    def daily(self) -> bool:
        """Whether there is about one value a session."""
        days = self.periods.to_numpy().astype("M8[D]").astype(np.int64)
        return len(days) > 2 and float(np.median(np.diff(days))) <= DAILY_GAP

    @property
    def scaled(self) -> Floats:
        """Logarithms where every value is positive, else the values."""
        return np.log(self.values) if (self.values > 0).all() else self.values


def collect_series(
    observations: pd.DataFrame, sessions: pd.DatetimeIndex, catalogue: Catalogue
) -> Mapping[str, ObservedSeries]:
    """Every series of a long table, by name, the first vintage of each period.

    Parameters
    ----------
    observations : DataFrame
        Columns `series, period, released, value`.
    sessions : DatetimeIndex, shape (n_sessions,)
    catalogue : Catalogue
    """
    closes = session_closes(sessions).as_unit("us").asi8
    result = {}
    for name, rows in observations.groupby("series", observed=True, sort=False):
        rows = rows.drop_duplicates("period").sort_values("period")
        spec = catalogue.series.get(str(name))
        periods = pd.DatetimeIndex(rows["period"])
        released = pd.DatetimeIndex(rows["released"]).as_unit("us").asi8
        result[str(name)] = ObservedSeries(
            name=str(name),
            location=f"series.yaml, series.{name}: {spec.path}" if spec else str(name),
            periods=periods,
            values=rows["value"].to_numpy(dtype=float),
            period_positions=np.asarray(sessions.searchsorted(periods)),
            release_positions=np.searchsorted(closes, released),
            revised=bool(spec and spec.revised),
        )
    return result


def _redrawn(
    frame: pd.DataFrame | pd.Series, first: int, rng: np.random.Generator, probabilities: bool
) -> pd.DataFrame | pd.Series:
    values = frame.to_numpy(dtype=float, copy=True)
    count = len(values) - first
    if count <= 0:
        return frame
    future = values[first:]
    drawn = values[rng.integers(0, len(values), count)]
    # A row that had a value keeps having one.
    drawn = np.where(np.isnan(drawn) & ~np.isnan(future), future, drawn)
    if not probabilities:
        drawn = drawn * np.exp(rng.normal(0.0, 0.5, future.shape))
    values[first:] = drawn
    return _like(frame, values)


def _like(frame: pd.DataFrame | pd.Series, values: Floats) -> pd.DataFrame | pd.Series:
    if isinstance(frame, pd.Series):
        return pd.Series(values, index=frame.index, name=frame.name)
    return pd.DataFrame(values, index=frame.index, columns=frame.columns)


def _utc(microseconds: NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(microseconds.view("M8[us]")).tz_localize("UTC")
