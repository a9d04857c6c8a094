"""What a builder is given, in a form of which the part not yet known can be cut off, stirred or delayed.

Positions are those of sessions: "known at t" is what was public at the close of the session at
position t.
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

__all__ = ["AHEAD", "Given", "Learned", "Observed", "Published", "Rows", "observed"]

AHEAD = 63  # sessions that a stirred future keeps: enough to be read, and cheap


class Given(Protocol):
    """Input of a builder."""

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Sessions of its rows."""

    @property
    def unit(self) -> Unit:
        """What distances to later information are counted in."""

    def until(self, t: int) -> Given:
        """Only what was known at t."""

    def marks(self) -> NDArray[np.int64]:
        """Positions where leaks like to show, beside random ones.

        Gaps in the input, first sessions after a refit.
        """

    def later(self, t: int) -> Floats:
        """Rising distances from t at which something new becomes known."""

    def stirred(self, t: int, seed: int, beyond: float = 0.0, ahead: int | None = AHEAD) -> Given:
        """All that becomes known at a distance of `beyond` or more after t replaced by something else.

        What comes more than `ahead` sessions after t is cut off, unless that is None.
        """

    def delayed(self) -> Given:
        """Everything known one session later."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Frames with one row a session, each row known at its own close.

    Parameters
    ----------
    frames : mapping of str to DataFrame or Series
        All over one index.
    shares : tuple of str
        Names of frames whose rows are probabilities: their future changes places but not values.
    refitted : tuple of int
        Positions of the first sessions after a refit, where there are refits.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=3, name="date")
    >>> Rows(frames={"close": pd.Series([1.0, 2.0, 3.0], index=dates)}).delayed().frames["close"].tolist()
    [1.0, 1.0, 2.0]
    """

    frames: Mapping[str, pd.DataFrame | pd.Series]
    shares: tuple[str, ...] = ()
    refitted: tuple[int, ...] = ()

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Index of the frames."""
        return pd.DatetimeIndex(next(iter(self.frames.values())).index)

    @property
    def unit(self) -> Unit:
        """Sessions."""
        return "sessions"

    def until(self, t: int) -> Rows:
        """Rows up to t."""
        return replace(
            self, frames={name: frame.iloc[: t + 1] for name, frame in self.frames.items()}
        )

    def marks(self) -> NDArray[np.int64]:
        """Rows in which a column is missing after its first value and before its last, and refits."""
        odd = np.zeros(len(self.sessions), dtype=bool)
        for frame in self.frames.values():
            has = frame.notna().to_numpy().reshape(len(frame), -1)
            begun = np.maximum.accumulate(has, axis=0)
            goes_on = np.maximum.accumulate(has[::-1], axis=0)[::-1]
            odd |= (begun & goes_on & ~has).any(axis=1)
        odd[[place for place in self.refitted if place < len(odd)]] = True
        return np.flatnonzero(odd)

    def later(self, t: int) -> Floats:
        """1, 2, ... to the last row."""
        return np.arange(1.0, len(self.sessions) - t)

    def stirred(self, t: int, seed: int, beyond: float = 0.0, ahead: int | None = AHEAD) -> Rows:
        """Rows from t + `beyond` on drawn anew from the whole frame and scaled.

        Parameters
        ----------
        t, seed, beyond, ahead
            As in `Given.stirred`.
        """
        first = t + max(int(np.ceil(beyond)), 1)
        end = None if ahead is None else t + ahead + 1
        rng = np.random.default_rng([seed, t])
        return replace(
            self,
            frames={
                name: _stirred(frame.iloc[:end], first, rng, name in self.shares)
                for name, frame in self.frames.items()
            },
        )

    def delayed(self) -> Rows:
        """Each row a session later; the first stands twice."""
        places = np.maximum(np.arange(len(self.sessions)) - 1, 0)
        return replace(
            self,
            frames={
                name: _like(frame, frame.to_numpy()[places]) for name, frame in self.frames.items()
            },
        )


def _stirred(
    frame: pd.DataFrame | pd.Series, first: int, rng: np.random.Generator, shares: bool
) -> pd.DataFrame | pd.Series:
    values = frame.to_numpy(dtype=float, copy=True)
    count = len(values) - first
    if count <= 0:
        return frame
    own = values[first:]
    drawn = values[rng.integers(0, len(values), count)]
    drawn = np.where(
        np.isnan(drawn) & ~np.isnan(own), own, drawn
    )  # what had a value keeps having one
    values[first:] = drawn if shares else drawn * np.exp(rng.normal(0.0, 0.5, own.shape))
    return _like(frame, values)


def _like(frame: pd.DataFrame | pd.Series, values: Floats) -> pd.DataFrame | pd.Series:
    if isinstance(frame, pd.Series):
        return pd.Series(values, index=frame.index, name=frame.name)
    return pd.DataFrame(values, index=frame.index, columns=frame.columns)


@dataclass(frozen=True, kw_only=True, eq=False)
class Learned:
    """Rows beside a truth that becomes known later than its row.

    Parameters
    ----------
    rows : Rows
    truth : Series, shape (n_sessions,)
        In [0, 1]; NaN unknown.
    known_at : Series, shape (n_sessions,), datetime64
        NaT where unknown.
    refitted : tuple of int
        Positions of the first sessions after a refit, where there are refits.
    """

    rows: Rows
    truth: pd.Series
    known_at: pd.Series
    refitted: tuple[int, ...] = ()

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Index of the rows."""
        return self.rows.sessions

    @property
    def unit(self) -> Unit:
        """Sessions."""
        return "sessions"

    def until(self, t: int) -> Learned:
        """Rows up to t, and the truths known at its close."""
        known = (self.known_at <= self.sessions[t]).fillna(False)
        return Learned(
            rows=self.rows.until(t),
            truth=self.truth.where(known).iloc[: t + 1],
            known_at=self.known_at.where(known).iloc[: t + 1],
        )

    def marks(self) -> NDArray[np.int64]:
        """Gaps of the rows, and the first sessions after each refit."""
        return np.unique(
            np.concatenate([self.rows.marks(), np.asarray(self.refitted, dtype=np.int64)])
        )

    def later(self, t: int) -> Floats:
        """1, 2, ... to the last row."""
        return self.rows.later(t)

    def stirred(self, t: int, seed: int, beyond: float = 0.0, ahead: int | None = AHEAD) -> Learned:
        """Later rows drawn anew, and every truth that becomes known at or after t + `beyond` turned round.

        Parameters
        ----------
        t, seed, beyond, ahead
            As in `Given.stirred`.
        """
        first = min(t + max(int(np.ceil(beyond)), 1), len(self.sessions) - 1)
        end = None if ahead is None else t + ahead + 1
        late = (self.known_at >= self.sessions[first]).fillna(False)
        truth = self.truth.where(~late, 1.0 - self.truth)
        return Learned(
            rows=self.rows.stirred(t, seed, beyond, ahead),
            truth=truth.iloc[:end],
            known_at=self.known_at.iloc[:end],
        )

    def delayed(self) -> Learned:
        """Everything a session later: rows, truth and the day from which it is known."""
        known_at = self.known_at.shift(1)
        place = np.minimum(self.sessions.searchsorted(known_at) + 1, len(self.sessions) - 1)
        late = pd.Series(self.sessions[place], self.sessions).where(known_at.notna())
        return replace(self, rows=self.rows.delayed(), truth=self.truth.shift(1), known_at=late)


DAY = 86_400e6  # microseconds


@dataclass(frozen=True, kw_only=True, eq=False)
class Published:
    """Observations, each known from its release on.

    A series may repeat a period with a later vintage.

    Parameters
    ----------
    observations : DataFrame
        Long table of `series, period, released, value`.
    sessions : DatetimeIndex, shape (n_sessions,)
    closes, released : ndarray of int
        Instants in microseconds, made from the two above.

    Examples
    --------
    >>> days = pd.DatetimeIndex(["2024-01-02", "2024-01-03"], name="date")
    >>> rows = pd.DataFrame({"series": "vix", "period": days, "value": [13.0, 14.0],
    ...                      "released": days.tz_localize("UTC") + pd.Timedelta(hours=21)})
    >>> len(Published(observations=rows, sessions=days).closes)
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

    def marks(self) -> NDArray[np.int64]:
        """None: what is missing was not published."""
        return np.zeros(0, dtype=np.int64)

    def until(self, t: int) -> Published:
        """Rows released by the close of t, and sessions up to it."""
        return Published(
            observations=self.observations[self.released <= self.closes[t]],
            sessions=self.sessions[: t + 1],
        )

    def later(self, t: int) -> Floats:
        """Days from the close of t to each later release."""
        rest = self.released[self.released > self.closes[t]]
        return np.unique(rest - self.closes[t]) / DAY

    def stirred(
        self, t: int, seed: int, beyond: float = 0.0, ahead: int | None = AHEAD
    ) -> Published:
        """Values released later than t by `beyond` days or more, scaled at random.

        Parameters
        ----------
        t, seed, beyond, ahead
            As in `Given.stirred`.
        """
        last = len(self.sessions) - 1 if ahead is None else min(t + ahead, len(self.sessions) - 1)
        kept = (
            self.released <= self.closes[last]
            if ahead is not None
            else np.ones(len(self.released), dtype=bool)
        )
        away = self.released - self.closes[t]
        changed = (away > 0) & (away >= beyond * DAY - 1)
        rng = np.random.default_rng([seed, t])
        values = self.observations["value"].to_numpy(dtype=float, copy=True)
        values[changed] = values[changed] * np.exp(rng.normal(0.0, 0.3, int(changed.sum()))) + 1e-3
        table = self.observations.assign(value=values)
        return Published(observations=table[kept], sessions=self.sessions[: last + 1])

    def delayed(self) -> Published:
        """Each value first known one session after the one that it was first known at."""
        place = np.searchsorted(self.closes, self.released, side="left")
        inside = place < len(self.closes) - 1
        moved = np.where(
            inside,
            self.closes[np.minimum(place + 1, len(self.closes) - 1)],
            self.released + int(DAY),
        )
        return Published(
            observations=self.observations.assign(released=_utc(moved)), sessions=self.sessions
        )


def _utc(microseconds: NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(microseconds.view("M8[us]")).tz_localize("UTC")


DAILY = 2.6  # median days between periods, at most, of what counts as daily


@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """One series by rising period.

    Parameters
    ----------
    name, place : str
        Catalogue name; entry and file.
    periods : DatetimeIndex, shape (n,)
    values : ndarray, shape (n,)
    dated : ndarray of int, shape (n,)
        Position of the first session on or after each period; n_sessions where there is none.
    known : ndarray of int, shape (n,)
        Position of the first session at whose close each value is known.
    revised : bool
        Whether the catalogue says that old values are estimated again.
    """

    name: str
    place: str
    periods: pd.DatetimeIndex
    values: Floats
    dated: Integers
    known: Integers
    revised: bool = False

    @property
    def daily(self) -> bool:
        """Whether there is about one value a session."""
        days = self.periods.to_numpy().astype("M8[D]").astype(np.int64)
        return len(days) > 2 and float(np.median(np.diff(days))) <= DAILY

    @property
    def scaled(self) -> Floats:
        """Logarithms where every value is positive, else the values."""
        return np.log(self.values) if (self.values > 0).all() else self.values


def observed(
    observations: pd.DataFrame, sessions: pd.DatetimeIndex, catalogue: Catalogue
) -> Mapping[str, Observed]:
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
        result[str(name)] = Observed(
            name=str(name),
            periods=periods,
            values=rows["value"].to_numpy(dtype=float),
            place=f"series.yaml, series.{name}: {spec.path}" if spec else str(name),
            dated=np.asarray(sessions.searchsorted(periods)),
            known=np.searchsorted(closes, released),
            revised=bool(spec and spec.revised),
        )
    return result
