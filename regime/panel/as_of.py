"""What was known at each decision: the latest released value of every series, and its age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.errors import InvalidDataError
from regime.panel.calendar import session_closes
from regime.schema import Panel, check_dates

__all__ = ["AsOf", "merge"]


class AsOf:
    """Observations, asked what was known at the close of a session.

    Parameters
    ----------
    observations : DataFrame
        Long table of `series, period, released, value`. A series may repeat a period with a later
        release (a vintage); of two rows with one period the one released later holds.
    max_age : mapping of str to int
        Calendar days after its period until which a value may be used; its keys, in order, are the
        columns of every panel, so that columns never depend on the data.

    Raises
    ------
    InvalidDataError
        If a series of the observations has no maximum age, or a column is missing.

    Examples
    --------
    >>> rows = pd.DataFrame({"series": ["rate"], "period": pd.to_datetime(["2024-07-01"]),
    ...                      "released": pd.to_datetime(["2024-07-02 12:00Z"]), "value": [5.3]})
    >>> known = AsOf(rows, {"rate": 7})
    >>> sessions = pd.DatetimeIndex(["2024-07-01", "2024-07-02"], name="date")
    >>> known.panel(sessions).values["rate"].tolist()
    [nan, 5.3]
    """

    def __init__(self, observations: pd.DataFrame, max_age: Mapping[str, int]) -> None:
        self.max_age = dict(max_age)
        self._rows = _rows(observations, list(self.max_age))

    def panel(self, sessions: pd.DatetimeIndex) -> Panel:
        """Latest value of every series known at the close of each session, and its age.

        Parameters
        ----------
        sessions : DatetimeIndex, shape (n_sessions,)
            Rising naive dates named ``date``.

        Returns
        -------
        Panel
            `values` and `age`, both (n_sessions, n_series): of the rows released by the session's
            close, the one of the latest period. The value is NaN where nothing was released or the
            age exceeds the maximum; the age (calendar days) only where nothing was released.

        **Known at:** rows with `released` <= the close of t (16:00 New York, 13:00 on half days).
        """
        check_dates(sessions, "sessions")
        rows, limits = self._rows, np.array(list(self.max_age.values()), dtype=np.int64)
        values, ages = merge(
            rows.period,
            rows.released,
            rows.value,
            rows.bounds,
            limits,
            _microseconds(session_closes(sessions)),
            _microseconds(sessions),
        )
        names = pd.Index(list(self.max_age))
        return Panel(
            values=pd.DataFrame(values.T, sessions, names, copy=False),
            age=pd.DataFrame(ages.T, sessions, names, copy=False),
        )

    def history(self, series: str, t: pd.Timestamp) -> pd.Series:
        """One series as it was known at the close of t: the latest vintage of each period.

        Parameters
        ----------
        series : str
            Catalogue name.
        t : Timestamp
            Naive session date.

        Returns
        -------
        Series, shape (n_periods,), float64
            By rising period; empty where nothing was released.

        Raises
        ------
        InvalidDataError
            If the series is not one of those with a maximum age.
        """
        if series not in self.max_age:
            raise InvalidDataError(
                f"history: no series `{series}`; known: {', '.join(self.max_age)}"
            )
        rows = self._rows
        position = list(self.max_age).index(series)
        begin, end = rows.bounds[position], rows.bounds[position + 1]
        cut = _microseconds(session_closes(pd.DatetimeIndex([t])))[0]
        end = begin + np.searchsorted(rows.released[begin:end], cut, side="right")
        index = pd.DatetimeIndex(rows.period[begin:end].view("M8[us]"), name="period")
        known = pd.Series(rows.value[begin:end], index=index, name=series)
        return known[~known.index.duplicated(keep="last")].sort_index()


DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Rows of one series after the other, each by rising release, then period.

    Series k begins at ``bounds[k]``.
    """

    period: Integers
    released: Integers
    value: Floats
    bounds: Integers


def _rows(observations: pd.DataFrame, names: list[str]) -> _Rows:
    missing = [
        column for column in ("series", "period", "released", "value") if column not in observations
    ]
    if missing:
        raise InvalidDataError(f"Observations: column `{missing[0]}` is missing")
    for column in ("series", "period", "released"):
        if observations[column].isna().any():
            raise InvalidDataError(f"Observations: a row has no `{column}`; leave the row out")
    if getattr(observations["released"].dtype, "tz", None) is None:
        raise InvalidDataError(
            f"Observations: `released` has no time zone ({observations['released'].dtype}); "
            "give UTC instants"
        )
    codes = _codes(observations["series"], names)
    period = _microseconds(pd.DatetimeIndex(observations["period"]))
    released = _microseconds(pd.DatetimeIndex(observations["released"]))
    value = observations["value"].to_numpy(dtype=np.float64)
    steps = np.diff(codes)
    if (steps < 0).any() or ((steps == 0) & (np.diff(released) < 0)).any():
        order = np.lexsort((period, released, codes))
        codes = codes[order]
        period = period[order]
        released = released[order]
        value = value[order]
    bounds = np.searchsorted(codes, np.arange(len(names) + 1)).astype(np.int64)
    # Writable: numba would compile again for a read-only view of a frame.
    return _Rows(
        period=period,
        released=released,
        value=np.require(value, requirements=["C", "W"]),
        bounds=bounds,
    )


def _codes(series: pd.Series, names: list[str]) -> Integers:
    """Position of each row's series among `names`."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes, categories = series.cat.codes.to_numpy(), series.cat.categories
    else:
        codes, categories = pd.factorize(series)
    present = {str(categories[code]) for code in np.flatnonzero(np.bincount(codes))}
    unknown = sorted(present - set(names))
    if unknown:
        raise InvalidDataError(
            f"Observations: no maximum age for series {', '.join(unknown)}; add it to the catalogue"
        )
    if not len(codes):
        return np.zeros(0, dtype=np.int64)
    index = pd.Index(names, dtype=object)
    positions: Integers = np.asarray(
        index.get_indexer(pd.Index(categories, dtype=object)), dtype=np.int64
    )
    return np.asarray(positions[codes])


def _microseconds(instants: pd.DatetimeIndex) -> Integers:
    """Microseconds since 1970-01-01, of UTC instants or of naive dates."""
    return np.array(instants.as_unit("us").asi8)


@numba.njit(cache=True, nogil=True)
def merge(
    period: Integers,
    released: Integers,
    value: Floats,
    bounds: Integers,
    limits: Integers,
    cuts: Integers,
    days: Integers,
) -> tuple[Floats, Floats]:
    """Value of the latest period released by each cut-off, and its age, series by series.

    Parameters
    ----------
    period, released, value : ndarray, shape (n_rows,)
        Rows of one series after the other, each by rising release; times in microseconds.
    bounds : ndarray of int64, shape (n_series + 1,)
        Where each series begins; the last entry is n_rows.
    limits : ndarray of int64, shape (n_series,)
        Maximum age in days.
    cuts, days : ndarray of int64, shape (n_sessions,)
        Rising cut-offs and session dates, in microseconds.

    Returns
    -------
    values, ages : ndarray of float64, shape (n_series, n_sessions)
        The value is NaN where nothing was released or the age exceeds the limit; the age only where
        nothing was released.
    """
    values = np.empty((len(limits), len(cuts)))
    ages = np.empty((len(limits), len(cuts)))
    for series in range(len(limits)):
        row = bounds[series]
        end = bounds[series + 1]
        best = -1
        for t in range(len(cuts)):
            while row < end and released[row] <= cuts[t]:
                if (
                    best < 0 or period[row] >= period[best]
                ):  # of one period, the later release holds
                    best = row
                row += 1
            age = np.float64((days[t] - period[best]) // DAY) if best >= 0 else np.nan
            ages[series, t] = age
            values[series, t] = value[best] if age <= limits[series] else np.nan
    return values, ages
