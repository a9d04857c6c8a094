"""`regime data check`: what a data folder holds, series by series, and whether a run could use it.

The exit code is the one with which a run over the whole catalogue would stop: 3 where required data
are missing or out of date, 4 where data break a rule, and 4 as well where a check finds a fault in
a required series that reading alone does not see (a changed unit). Warnings, and faults of
optional series and of tables, do not stop anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regime.config import find_config, read_yaml
from regime.errors import ConfigError, InvalidDataError, MissingDataError
from regime.panel.calendar import business_days, session_closes
from regime.panel.release_times import release_times
from regime.progress import NoProgress, Progress
from regime.sources.catalogue import Catalogue, load_catalogue
from regime.sources.data_folder import Archive, Shelf
from regime.sources.file_source import MARKET, FileSource
from regime.sources.quality.calendar_gaps import Sessions
from regime.sources.quality.expectations import Expectations, Watch, load_expectations
from regime.sources.quality.findings import Finding, Integers, Verdict, iso
from regime.sources.quality.inspect_series import Clock, Inspection, inspect_series
from regime.sources.quality.inspect_table import inspect_table
from regime.sources.quality.values import common_factor

__all__ = ["DataCheck", "check_data"]

FIRST_SESSION = 0  # 1970-01-01: the exchange's own calendar begins here
UNKNOWN = -(10**6)  # "now" of a folder without a single row: before any


@dataclass(frozen=True, kw_only=True)
class DataCheck:
    """What a check found.

    Parameters
    ----------
    summary : dict
        ``data`` (the folder as a whole), ``series`` and ``tables`` by name, and ``verdict``: plain
        and finite.
    exit_code : int
        0, or the code with which a run would stop.
    """

    summary: dict[str, Any]
    exit_code: int


def check_data(
    config: str | Path = "series.yaml", *, data: str | Path | None, progress: Progress | None = None
) -> DataCheck:
    """Check every series of a catalogue, and every table declared beside it, in a data folder.

    Parameters
    ----------
    config : str or Path
        A catalogue, or a config that names one.
    data : str or Path
        The data folder.
    progress : Progress, optional

    Returns
    -------
    DataCheck

    Raises
    ------
    ConfigError
        If no folder is named, or the catalogue is wrong.
    MissingDataError
        If the folder is not there.

    **Known at:** "now" is the last session of the market series, as for a run; the clock is never
    asked.
    """
    begun, watch = time.perf_counter(), progress or NoProgress()
    if data is None:
        raise ConfigError("a data check reads files; name their folder with --data DIR")
    folder, path = Path(data), _catalogue_of(config)
    if not folder.is_dir():
        raise MissingDataError(f"{folder}: no such folder; give the data folder with --data")
    catalogue, expected = load_catalogue(path), load_expectations(path)
    shelf = Shelf(folder, catalogue)
    clock = _clock(catalogue, shelf)
    archive = Archive(folder, clock.now)
    # What cannot be compared, because a value is absent or absurd, compares as false: nothing is
    # found in it.
    with np.errstate(all="ignore"):
        with watch.stage("series"):
            series = _series(catalogue, expected, shelf, archive, clock)
        with watch.stage("tables"):
            tables, read = _tables(expected, archive, clock)
    stops, code = _stops(catalogue, folder, series)
    read |= {part.path for spec in catalogue.series.values() for part in spec.parts}
    summary = {
        "data": {
            "folder": str(folder),
            "catalogue": str(path),
            "now": iso(clock.now) if clock.now != UNKNOWN else None,
            "stops": stops,
            "exit_code": code,
            "counts": _counts([*series.values(), *tables.values()]),
            "unlisted": sorted(set(archive.files()) - read),
            "seconds": round(time.perf_counter() - begun, 1),
        },
        "series": {name: _plain(found) for name, found in series.items()},
        "tables": {name: _plain(found) for name, found in tables.items()},
        "verdict": _verdict(code, [*series.values(), *tables.values()]),
    }
    return DataCheck(summary=summary, exit_code=code)


def _catalogue_of(config: str | Path) -> Path:
    """A catalogue as given, or the one that a config names."""
    path = find_config(config)
    content = read_yaml(path)
    if (
        isinstance(content, Mapping)
        and "series" not in content
        and ("catalogue" in content or "extends" in content)
    ):
        if "catalogue" not in content:
            return _catalogue_of(path.parent / str(content["extends"]))
        return find_config(path.parent / str(content["catalogue"]))
    return path


def _clock(catalogue: Catalogue, shelf: Shelf) -> Clock:
    """Calendar up to the last market session.

    Without one, up to the last day that any series has.
    """
    market = (
        shelf.read(catalogue.series[MARKET], None).days
        if MARKET in catalogue.series
        else np.zeros(0, np.int64)
    )
    if not len(market):
        lasts = [
            rows.days[-1]
            for spec in catalogue.series.values()
            if len((rows := shelf.read(spec, None)).days)
        ]
        market = np.array([max(lasts, default=UNKNOWN)], dtype=np.int64)
    now = int(market[-1])
    shelf.faults.clear()
    return Clock(
        sessions=_sessions(market, now), release_times=release_times, session_closes=session_closes
    )


def _sessions(market: Integers, now: int) -> Sessions:
    """Sessions of the exchange since 1970, those of the market series before."""
    exchange = business_days(FIRST_SESSION, max(now, FIRST_SESSION), False)
    open_ = business_days(FIRST_SESSION, max(now, FIRST_SESSION), True)
    since = exchange[(exchange >= FIRST_SESSION) & (exchange <= now)]
    return Sessions(
        days=np.concatenate([market[market < FIRST_SESSION], since]),
        federal=np.setdiff1d(since, open_),
        now=now,
    )


def _series(
    catalogue: Catalogue, expected: Expectations, shelf: Shelf, archive: Archive, clock: Clock
) -> dict[str, Inspection]:
    unknown = sorted(set(expected.series) - set(catalogue.series))
    if unknown:
        raise ConfigError([f"checks, series.{name}: not in the catalogue" for name in unknown])
    found = {
        name: inspect_series(spec, expected.series.get(name, Watch()), shelf, archive, clock)
        for name, spec in catalogue.series.items()
    }
    for name, watch in expected.series.items():
        for finding in _one_unit([name, *watch.one_unit], catalogue, shelf, clock.now):
            for member in (name, *watch.one_unit):
                found[member] = replace(found[member], findings=(*found[member].findings, finding))
    return found


def _one_unit(names: list[str], catalogue: Catalogue, shelf: Shelf, now: int) -> list[Finding]:
    """A common factor in series of one unit; where declared repairs take it away, a note."""
    if len(names) < 2:
        return []
    specs = [
        replace(catalogue.series[name], low=-np.inf, high=np.inf, max_step=None) for name in names
    ]
    mended = _factor([shelf.read(spec, now) for spec in specs], names)
    raw = _factor([shelf.read(replace(spec, repairs=()), now) for spec in specs], names)
    still = {date for finding in mended for date in finding.dates}
    return mended + [
        replace(
            finding,
            severity="note",
            text=finding.text.replace("declare a repair `scale`", "mended by a repair"),
        )
        for finding in raw
        if not still & set(finding.dates)
    ]


def _factor(rows: list[Any], names: list[str]) -> list[Finding]:
    days = rows[0].days
    for other in rows[1:]:
        days = np.intersect1d(days, other.days, assume_unique=True)
    return common_factor(days, [each.values[np.isin(each.days, days)] for each in rows], names)


def _tables(
    expected: Expectations, archive: Archive, clock: Clock
) -> tuple[dict[str, Inspection], set[str]]:
    """Tables that the folder has, by file and series; and the files read."""
    found: dict[str, Inspection] = {}
    read: set[str] = set()
    for spec in expected.tables.values():
        for path in dict.fromkeys(
            path for pattern in spec.paths for path in archive.matching(pattern)
        ):
            read.add(path)
            found |= {one.name: one for one in inspect_table(spec, path, archive, clock)}
    return found, read


def _stops(
    catalogue: Catalogue, folder: Path, series: Mapping[str, Inspection]
) -> tuple[list[str], int]:
    """What a run over the whole catalogue would stop at, and its exit code."""
    told: list[str] = []
    code = 0
    try:
        FileSource().read(catalogue, folder, release_times=release_times)
    except (MissingDataError, InvalidDataError) as error:
        told, code = list(error.faults), error.exit_code
    own = [
        f"{found.path}: required series `{found.name}`: {finding.text}"
        for found in series.values()
        if found.required
        for finding in found.findings
        if finding.severity == "fault" and not code
    ]
    return told + own, InvalidDataError.exit_code if own else code


def _verdict(code: int, found: Iterable[Inspection]) -> Verdict:
    if code:
        return "fault"
    return "ok" if all(one.verdict == "ok" for one in found) else "warning"


def _counts(found: list[Inspection]) -> dict[str, int]:
    verdicts = [one.verdict for one in found]
    return {verdict: verdicts.count(verdict) for verdict in ("ok", "warning", "fault")}


def _plain(found: Inspection) -> dict[str, Any]:
    """One inspection as plain content."""
    dates = {
        key: None if day is None else iso(day)
        for key, day in (("first", found.first), ("last", found.last))
    }
    gaps = found.gaps
    return {
        "verdict": found.verdict,
        "sentence": found.sentence,
        "title": found.title,
        "path": found.path,
        "required": found.required,
        "rows": found.rows,
        **dates,
        "released": None if found.released is None else pd.Timestamp(found.released).isoformat(),
        "age_days": found.age_days,
        "max_age_days": found.max_age_days,
        "gaps": {
            "missing": gaps.missing,
            "federal": gaps.federal,
            "longest_days": gaps.longest_days,
            "since": iso(gaps.since) if gaps.longest_days else None,
            "until": iso(gaps.until) if gaps.longest_days else None,
        },
        "repeats": found.repeats,
        "outliers": found.outliers,
        "findings": [asdict(finding) for finding in found.findings],
    }
