"""What a builder is given, in a form of which the part not yet known can be cut off, stirred or delayed.

Positions are those of sessions: "known at t" is what was public at the close of the session at
position t.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.audit.findings import Unit

__all__ = ["AHEAD", "Given", "Rows"]

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
