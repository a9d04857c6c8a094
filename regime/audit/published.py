"""Observations as the input of a builder: each is known from its release on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.audit.findings import Unit
from regime.audit.given import AHEAD
from regime.panel.calendar import session_closes

__all__ = ["Published"]

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
