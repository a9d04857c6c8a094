"""One series as its publisher gave it, ready for tests of what it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.panel.calendar import session_closes
from regime.sources.catalogue import Catalogue

__all__ = ["Observed", "observed"]

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
