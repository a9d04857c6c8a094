"""A data folder, one CSV a series or table, into observations: strictly, all faults together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from regime.arrays import Integers
from regime.errors import InvalidDataError, MissingDataError
from regime.schema import check_observations
from regime.sources.catalogue import Catalogue, SeriesSpec
from regime.sources.data_folder import DataFolder, SeriesRows
from regime.sources.release_rules import ReleaseTimes

__all__ = ["MARKET", "FileSource", "SeriesStatus", "SourceReading"]

# The series whose dates are the sessions, and whose last one is "now".
MARKET = "sp500"

Availability = Literal["ok", "absent", "empty", "not_begun", "stale"]


@dataclass(frozen=True, kw_only=True)
class SeriesStatus:
    """What a folder has of one series.

    Parameters
    ----------
    verdict : {"ok", "absent", "empty", "not_begun", "stale"}
        Absent: no file. Empty: a file without rows or values. Not begun: rows after "now" alone.
        Stale: the last value is older than its maximum age at "now".
    rows : int
        Rows that count.
    first, last : Timestamp, optional
        Their first and last period.
    proxy_rows : int
        How many of them come from a splice that measures something else.
    refused : int
        Values outside the valid range or not finite, treated as missing.
    repaired : int
        Declared repairs that met a row.
    note : str
        The same for people; empty where there is nothing to say.
    """

    verdict: Availability
    rows: int = 0
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None
    proxy_rows: int = 0
    refused: int = 0
    repaired: int = 0
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceReading:
    """What a source gave.

    Parameters
    ----------
    observations : DataFrame
        Long table of `series, period, released, value`, by catalogue order and period.
    status : dict of str to SeriesStatus
        One for each series asked for.
    hash : str
        SHA-256 over the names and bytes of the files read.
    sessions : DatetimeIndex, shape (n_sessions,)
        Dates of the market series, named ``date``; the last one is "now".
    """

    observations: pd.DataFrame
    status: dict[str, SeriesStatus]
    hash: str
    sessions: pd.DatetimeIndex


@dataclass(frozen=True, kw_only=True)
class FileSource:
    """Reader of a folder of CSV files laid out as the catalogue says.

    Examples
    --------
    >>> def at_once(periods, rule):
    ...     return periods
    >>> FileSource().read(Catalogue(), Path("no/such/folder"), release_times=at_once)
    Traceback (most recent call last):
    regime.errors.MissingDataError: no/such/folder: no such folder; give the data folder with --data
    """

    def read(
        self,
        catalogue: Catalogue,
        folder: Path | DataFolder,
        names: Iterable[str] | None = None,
        *,
        release_times: ReleaseTimes,
    ) -> SourceReading:
        """Every series of the catalogue that the folder has, up to its last market session.

        Parameters
        ----------
        catalogue : Catalogue
        folder : Path or DataFolder
            A DataFolder of the same catalogue where one is open already.
        names : iterable of str, optional
            Only these series; the required ones are read and checked in any case.
        release_times : callable
            From periods and a release rule to UTC instants, as
            `regime.panel.release_times.release_times`.

        Returns
        -------
        SourceReading

        Raises
        ------
        MissingDataError
            If the folder or a required series is absent, not begun or stale.
        InvalidDataError
            If a present file breaks a rule: HTML, ragged, dates that repeat or fall, text in
            numbers, a missing column; or, for a required series, no rows or a value outside its
            range. All faults of all files together.

        **Known at:** rows after the last market session are ignored; the clock is never asked.
        """
        path = folder.folder if isinstance(folder, DataFolder) else folder
        if not path.is_dir():
            raise MissingDataError(f"{path}: no such folder; give the data folder with --data")
        wanted = catalogue if names is None else catalogue.only(names)
        read = catalogue.only({*wanted.series, *catalogue.required, MARKET})
        files = folder if isinstance(folder, DataFolder) else DataFolder(folder, read)
        market = files.series(read.series[MARKET], None)
        now = int(market.days[-1]) if len(market.days) else None
        rows = {
            name: market if name == MARKET else files.series(spec, now)
            for name, spec in read.series.items()
        }
        status = {name: _status(read.series[name], rows[name], now) for name in rows}
        faults = [*market.faults, *(fault for each in rows.values() for fault in each.faults)]
        _refuse(read, status, list(dict.fromkeys(faults)))
        kept = {name: rows[name] for name in wanted.series}
        return SourceReading(
            observations=_observations(wanted, kept, release_times),
            hash=files.hash(),
            status={name: status[name] for name in wanted.series},
            sessions=_dates(market.days, "date"),
        )


def _status(spec: SeriesSpec, rows: SeriesRows, now: int | None) -> SeriesStatus:
    if not len(rows.days):
        verdict: Availability = "empty"
        if rows.absent or rows.later:
            verdict = "absent" if rows.absent else "not_begun"
        note = {
            "absent": f"no file {spec.path}",
            "not_begun": "no row up to the last session",
            "empty": f"{spec.path} has no values",
        }[verdict]
        return SeriesStatus(verdict=verdict, refused=len(rows.refused), note=_note([note], rows))
    first, last = _dates(rows.days[[0, -1]], "period")
    proxies = int(rows.proxy.sum())
    age = 0 if now is None else now - int(rows.days[-1])
    stale = age > spec.max_age_days
    notes = (
        [f"last value {last:%Y-%m-%d} is {age} days old, at most {spec.max_age_days} allowed"]
        if stale
        else []
    )
    if proxies:
        notes.append(
            f"{proxies} rows from a proxy, until "
            f"{_dates(rows.days[rows.proxy][-1:], 'period')[0]:%Y-%m-%d}"
        )
    return SeriesStatus(
        verdict="stale" if stale else "ok",
        rows=len(rows.days),
        first=first,
        last=last,
        proxy_rows=proxies,
        refused=len(rows.refused),
        repaired=len(rows.repaired),
        note=_note(notes, rows),
    )


def _note(notes: list[str], rows: SeriesRows) -> str:
    if rows.refused:
        notes.append(f"values refused: {len(rows.refused)}, the first {rows.refused[0]}")
    return "; ".join([*notes, *(f"repaired: {text}" for text in rows.repaired)])


def _refuse(catalogue: Catalogue, status: Mapping[str, SeriesStatus], faults: list[str]) -> None:
    """Raise every fault of the folder at once; broken data outrank missing ones."""
    missing: list[str] = []
    broken = list(faults)
    for name in catalogue.required:
        if name not in status or any(
            fault.startswith(f"{catalogue.series[name].path}: ") for fault in broken
        ):
            continue
        subject = f"{catalogue.series[name].path}: required series `{name}`"
        series = status[name]
        if series.verdict == "absent":
            missing.append(f"{subject}: no such file; put it into the data folder")
        elif series.refused:  # which may be why it is stale, or empty
            broken.append(f"{subject}: {series.note}; correct the file")
        elif series.verdict in ("not_begun", "stale"):
            missing.append(f"{subject}: {series.note}; bring the file up to date")
        elif series.verdict == "empty":
            broken.append(f"{subject}: the file has no values; fetch it again")
    if broken:
        raise InvalidDataError([*broken, *missing])
    if missing:
        raise MissingDataError(missing)


def _observations(
    catalogue: Catalogue, rows: Mapping[str, SeriesRows], release_times: ReleaseTimes
) -> pd.DataFrame:
    """Long table of all series, with the instants of release."""
    names = list(rows)
    released = [_released(catalogue.series[name], rows[name], release_times) for name in names]
    counts = [len(each.days) for each in rows.values()]
    frame = pd.DataFrame(
        {
            "series": pd.Categorical.from_codes(
                np.repeat(np.arange(len(names)), counts), categories=names
            ),
            "period": _dates(_joined([each.days for each in rows.values()], np.int64), "period"),
            "released": pd.DatetimeIndex(_joined(released, np.int64).view("M8[us]")).tz_localize(
                "UTC"
            ),
            "value": _joined([each.values for each in rows.values()], np.float64),
        }
    )
    return check_observations(frame)


def _released(spec: SeriesSpec, rows: SeriesRows, release_times: ReleaseTimes) -> Integers:
    """Microseconds since 1970-01-01 UTC at which each row was public, by the rule of its part."""
    released = np.zeros(len(rows.days), dtype=np.int64)
    for number, part in enumerate(spec.parts):
        of_part = rows.part == number
        if of_part.any():
            rule = part.release or spec.release
            released[of_part] = (
                release_times(_dates(rows.days[of_part], "period"), rule).as_unit("us").asi8
            )
    return released


def _joined(arrays: list[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype=kind), *arrays])


def _dates(days: Integers, name: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(days.astype("M8[D]").astype("M8[us]"), name=name)
