"""What was known at each decision: the latest released value of every series, and its age.

Depends on: errors, schema, panel.calendar.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from regime.errors import InvalidDataError
from regime.panel.calendar import session_closes, to_days
from regime.schema import Panel, check_dates

__all__ = ["AsOf"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


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
    >>> known.panel(pd.DatetimeIndex(["2024-07-01", "2024-07-02"], name="date")).values["rate"].tolist()
    [nan, 5.3]
    """

    def __init__(self, observations: pd.DataFrame, max_age: Mapping[str, int]) -> None:
        self.max_age = dict(max_age)
        self._rows = _by_series(observations, self.max_age)

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
        cuts, days = _microseconds(session_closes(sessions)), to_days(sessions)
        values = np.full((len(days), len(self.max_age)), np.nan, order="F")
        age = np.full_like(values, np.nan)
        for column, (name, limit) in enumerate(self.max_age.items()):
            if name in self._rows:
                _fill(values[:, column], age[:, column], self._rows[name], cuts, days, limit)
        names = pd.Index(list(self.max_age))
        return Panel(values=pd.DataFrame(values, sessions, names, copy=False),
                     age=pd.DataFrame(age, sessions, names, copy=False))

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
            raise InvalidDataError(f"history: no series `{series}`; known: {', '.join(self.max_age)}")
        rows = self._rows.get(series, _Rows.empty())
        cut = _microseconds(session_closes(pd.DatetimeIndex([t])))[0]
        last = int(np.searchsorted(rows.released, cut, side="right"))
        index = pd.DatetimeIndex(rows.period[:last].view("M8[D]").astype("M8[us]"), name="period")
        known = pd.Series(rows.value[:last], index=index, name=series)
        return known[~known.index.duplicated(keep="last")].sort_index()


class _Rows:
    """Rows of one series by rising release; `best` is, after each row, the row of the latest period so far."""

    def __init__(self, period: Integers, released: Integers, value: Floats) -> None:
        order = np.lexsort((period, released))
        self.period, self.released, self.value = period[order], released[order], value[order]
        leads = self.period >= np.maximum.accumulate(self.period) if len(order) else np.zeros(0, dtype=bool)
        self.best = np.maximum.accumulate(np.where(leads, np.arange(len(order)), 0)) if len(order) else order

    @classmethod
    def empty(cls) -> _Rows:
        """No rows."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))


def _by_series(observations: pd.DataFrame, max_age: Mapping[str, int]) -> dict[str, _Rows]:
    missing = [column for column in ("series", "period", "released", "value") if column not in observations]
    if missing:
        raise InvalidDataError(f"Observations: column `{missing[0]}` is missing")
    codes, names = pd.factorize(observations["series"])
    strangers = [str(name) for name in names if name not in max_age]
    if strangers:
        raise InvalidDataError(f"Observations: no maximum age for series {', '.join(strangers)}; add it to the catalogue")
    period = to_days(pd.DatetimeIndex(observations["period"]))
    released = _microseconds(pd.DatetimeIndex(observations["released"]))
    value = observations["value"].to_numpy(dtype=np.float64)
    order = np.argsort(codes, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(codes, minlength=len(names)))[:-1]) if len(names) else []
    return {str(name): _Rows(period[rows], released[rows], value[rows])
            for name, rows in zip(names, groups, strict=True)}


def _fill(values: Floats, age: Floats, rows: _Rows, cuts: Integers, days: Integers, limit: int) -> None:
    """Write the column of one series."""
    last = np.searchsorted(rows.released, cuts, side="right") - 1
    some = last >= 0
    best = rows.best[last[some]]
    age[some] = days[some] - rows.period[best]
    values[some] = np.where(age[some] <= limit, rows.value[best], np.nan)


def _microseconds(instants: pd.DatetimeIndex) -> Integers:
    """Microseconds since 1970-01-01 UTC."""
    return np.asarray(instants.tz_convert("UTC").as_unit("us").asi8)
