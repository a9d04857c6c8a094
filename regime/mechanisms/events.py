"""Tables of events with the instant at which each row was published.

Checked, and set among the sessions.

A table is a DataFrame with a column `released`. An instant without a time zone is that of New York;
a bare date has no hour, and counts as the evening of the day, so that it is known from the next
session on.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.errors import InvalidDataError

__all__ = ["NEW_YORK", "check_events", "closes_of", "first_known", "known_values"]

NEW_YORK = "America/New_York"
EVENING = pd.Timedelta(hours=17)
CLOSE = pd.Timedelta(hours=16)


def check_events(
    frame: pd.DataFrame, name: str, numbers: Iterable[str], words: Iterable[str] = (), why: str = ""
) -> pd.DataFrame:
    """Table with `released` in UTC, its numbers as floats, by release.

    Parameters
    ----------
    frame : DataFrame, shape (n_events, n_columns)
        Text or typed columns, as a reader gives them.
    name : str
        How messages call the table, such as the file.
    numbers, words : iterable of str
        Columns that must be there; a number may be missing, a word may not.
    why : str
        What a missing release date would hide, for its message.

    Returns
    -------
    DataFrame, shape (n_events, n_columns)

    Raises
    ------
    InvalidDataError
        Naming every absent column, or the first row that has no release or whose text is no number.
    """
    columns = ("released", *words, *numbers)
    absent = [column for column in columns if column not in frame]
    if absent:
        raise InvalidDataError(
            [
                f"{name}: column `{column}` is absent; it needs {', '.join(columns)}"
                + (f": {why}" if column == "released" and why else "")
                for column in absent
            ]
        )
    table = frame.reset_index(drop=True)
    table["released"] = _released_times(table["released"], name)
    for column in numbers:
        values = pd.to_numeric(table[column], errors="coerce")
        empty = table[column].isna() | (table[column].astype(str).str.strip() == "")
        bad = (values.isna() & ~empty) | np.isinf(values)
        _refuse(table[column], bad, f"{name}: column `{column}`", "is no number")
        table[column] = values.astype(float)
    for column in words:
        _refuse(
            table[column],
            table[column].isna(),
            f"{name}: column `{column}`",
            "is empty: every row needs one",
        )
    return table.sort_values("released", kind="stable", ignore_index=True)


def closes_of(
    sessions: pd.DatetimeIndex, closes: pd.DatetimeIndex | None = None
) -> NDArray[np.int64]:
    """Cut-off of each session in microseconds since 1970 UTC.

    `closes`, or 16:00 in New York, shape (n_sessions,).

    Give the calendar's own closes where half days matter: they end at 13:00.

    Raises
    ------
    InvalidDataError
        If there is not one close a session.
    """
    if closes is None:
        closes = (sessions + CLOSE).tz_localize(NEW_YORK)
    if len(closes) != len(sessions):
        raise InvalidDataError(
            f"closes: there must be one a session, got {len(closes)} for {len(sessions)}"
        )
    instants: NDArray[np.int64] = closes.tz_convert("UTC").as_unit("us").asi8
    return instants


def first_known(
    released: pd.Series, sessions: pd.DatetimeIndex, closes: pd.DatetimeIndex | None = None
) -> NDArray[np.int64]:
    """Position of the first session whose close is not before each release.

    N_sessions where none is yet.

    Returns
    -------
    array of int64, shape (n_events,)
    """
    instants = pd.DatetimeIndex(released).as_unit("us").asi8
    return np.asarray(
        np.searchsorted(closes_of(sessions, closes), instants, side="left"), dtype=np.int64
    )


def known_values(
    table: pd.DataFrame,
    column: str,
    sessions: pd.DatetimeIndex,
    closes: pd.DatetimeIndex | None = None,
    *,
    name: str,
    longest_age: int,
    why: str = "",
) -> pd.Series:
    """A quantity of a user's own file as known at each close: that of the latest day described.

    Parameters
    ----------
    table : DataFrame, shape (n_rows, 3 or more)
        Columns date (the day it describes), `column` (above 0), released.
    column : str
    sessions : DatetimeIndex, shape (n_sessions,)
    closes : DatetimeIndex, optional
        Cut-off of each session; 16:00 in New York where not given.
    name : str
        How messages call the file.
    longest_age : int
        Days from the day described after which a value no longer counts.
    why : str
        What a missing release date would hide, for its message.

    Returns
    -------
    Series, shape (n_sessions,), in the unit of the file
        NaN where nothing was released, or what was is too old.

    Raises
    ------
    InvalidDataError
        If a column is absent, above all the release; if a date is none, a release precedes its
        date, or a value is not above 0.

    **Known at:** row t uses rows released by its close. A late correction of an old day does not
    replace a newer one.
    """
    events = check_events(table, name, (column,), ("date",), why)
    dates = pd.to_datetime(events["date"], format="ISO8601", errors="coerce")
    local = events["released"].dt.tz_convert(NEW_YORK).dt.tz_localize(None).dt.normalize()
    for bad, rule in (
        (dates.isna(), "`date` is no date"),
        (local < dates, "it is released before its `date`"),
        (~(events[column] > 0), f"`{column}` must be above 0: leave the row out"),
    ):
        if bad.any():
            row = events[bad].iloc[0]
            raise InvalidDataError(
                f"{name}: date {row['date']}, `{column}` {row[column]:g}, "
                f"released {row['released']:%Y-%m-%d}: {rule}"
            )
    newest = (dates.cummax() == dates).to_numpy()
    if not newest.any():
        return pd.Series(np.nan, index=sessions)
    at, days = first_known(events["released"], sessions, closes)[newest], dates.to_numpy()[newest]
    row = np.searchsorted(at, np.arange(len(sessions)), side="right") - 1
    latest = np.maximum(row, 0)
    age = (sessions.to_numpy() - days[latest]) / np.timedelta64(1, "D")
    values = events[column].to_numpy(dtype=float)[newest][latest]
    return pd.Series(np.where((row >= 0) & (age <= longest_age), values, np.nan), index=sessions)


def _released_times(released: pd.Series, name: str) -> pd.Series:
    """Instants in UTC; times with a zone are taken as they are."""
    try:
        times = pd.to_datetime(released, format="ISO8601", errors="coerce")
    except ValueError:  # some with and some without a time zone
        times = pd.to_datetime(released, format="ISO8601", errors="coerce", utc=True)
    if not isinstance(times.dtype, pd.DatetimeTZDtype):
        times = times.where(times != times.dt.normalize(), times + EVENING)
        times = times.dt.tz_localize(NEW_YORK, ambiguous=True, nonexistent="shift_forward")
    _refuse(
        released,
        times.isna(),
        f"{name}: column `released`",
        "is no date: every row needs the day of publication",
    )
    return times.dt.tz_convert("UTC").dt.as_unit("us").rename("released")


def _refuse(column: pd.Series, bad: pd.Series, location: str, rule: str) -> None:
    odd = np.flatnonzero(bad.to_numpy())
    if odd.size:
        raise InvalidDataError(f"{location}: row {odd[0] + 1}: `{column.iloc[int(odd[0])]}` {rule}")
