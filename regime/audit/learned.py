"""Rows beside a truth as the input of a builder: the truth is known later than its row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.audit.findings import Unit
from regime.audit.given import AHEAD, Rows

__all__ = ["Learned"]


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
