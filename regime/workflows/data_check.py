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

from regime.arrays import Integers
from regime.config import find_config, read_yaml
from regime.errors import ConfigError, InvalidDataError, MissingDataError
from regime.panel.calendar import business_days, session_closes
from regime.panel.release_times import release_times
from regime.parallel import NoProgress, Progress
from regime.sources.catalogue import Catalogue, load_catalogue
from regime.sources.data_folder import DataFolder, SeriesRows
from regime.sources.file_source import MARKET, FileSource
from regime.sources.quality.calendar_gaps import Sessions
from regime.sources.quality.expectations import Expectation, Expectations, load_expectations
from regime.sources.quality.findings import CheckVerdict, DataFinding, iso
from regime.sources.quality.inspect_series import CalendarContext, Inspection, inspect_series
from regime.sources.quality.inspect_table import inspect_table
from regime.sources.quality.values import common_factor

__all__ = ["DataCheck", "check_data"]

FIRST_SESSION = 0  # 1970-01-01: the exchange's own calendar begins here
UNKNOWN = -(10**6)  # "now" of a folder without a single row: before any


@dataclass(frozen=True, kw_only=True)
class DataCheck:
    """Result of a check.

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

    **Known at:** "now" is the last session of the market series, as for a run; the context is never
    asked.
    """
    begun = time.perf_counter()
    reporter = progress or NoProgress()
    if data is None:
        raise ConfigError("a data check reads files; name their folder with --data DIR")
    if not Path(data).is_dir():
        raise MissingDataError(f"{data}: no such folder; give the data folder with --data")
    path = _catalogue_of(config)
    catalogue = load_catalogue(path)
    expected = load_expectations(path)
    folder = DataFolder(Path(data), catalogue)
    paths = _table_paths(expected, folder)
    _announce(expected, catalogue, paths, folder)
    context = _context(catalogue, folder)
    # What cannot be compared, because a value is absent or absurd, compares as false: it gives no
    # finding.
    with np.errstate(all="ignore"):
        with reporter.stage("series"):
            series = _series(catalogue, expected, folder, context)
        with reporter.stage("tables"):
            tables = _tables(expected, paths, folder, context)
    reasons, code = _run_stops(catalogue, folder, series)
    read = {path for matching in paths.values() for path in matching}
    read |= {part.path for spec in catalogue.series.values() for part in spec.parts}
    summary = {
        "data": {
            "folder": str(data),
            "catalogue": str(path),
            "now": iso(context.now) if context.now != UNKNOWN else None,
            "stops": reasons,
            "exit_code": code,
            "counts": _counts([*series.values(), *tables.values()]),
            "unlisted": sorted(set(folder.files()) - read),
            "seconds": round(time.perf_counter() - begun, 1),
        },
        "series": {name: _plain(inspection) for name, inspection in series.items()},
        "tables": {name: _plain(inspection) for name, inspection in tables.items()},
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


def _context(catalogue: Catalogue, folder: DataFolder) -> CalendarContext:
    """Calendar up to the last market session.

    Without one, up to the last day that any series has.
    """
    market = np.zeros(0, np.int64)
    if MARKET in catalogue.series:
        market = folder.series(catalogue.series[MARKET], None).days
    if not len(market):
        read = [folder.series(spec, None).days for spec in catalogue.series.values()]
        last = max((days[-1] for days in read if len(days)), default=UNKNOWN)
        market = np.array([last], dtype=np.int64)
    now = int(market[-1])
    return CalendarContext(
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
    catalogue: Catalogue, expected: Expectations, folder: DataFolder, context: CalendarContext
) -> dict[str, Inspection]:
    unknown = sorted(set(expected.series) - set(catalogue.series))
    if unknown:
        raise ConfigError([f"checks, series.{name}: not in the catalogue" for name in unknown])
    inspections = {
        name: inspect_series(spec, expected.series.get(name, Expectation()), folder, context)
        for name, spec in catalogue.series.items()
    }
    for name, expectation in expected.series.items():
        members = [name, *expectation.one_unit]
        for finding in _one_unit(members, catalogue, folder, context.now):
            for member in members:
                findings = (*inspections[member].findings, finding)
                inspections[member] = replace(inspections[member], findings=findings)
    return inspections


def _one_unit(
    names: list[str], catalogue: Catalogue, folder: DataFolder, now: int
) -> list[DataFinding]:
    """A common factor in series of one unit; where declared repairs take it away, a note."""
    if len(names) < 2:
        return []
    specs = [
        replace(catalogue.series[name], low=-np.inf, high=np.inf, max_step=None) for name in names
    ]
    repaired = _common_factor([folder.series(spec, now) for spec in specs], names)
    unrepaired = _common_factor(
        [folder.series(replace(spec, repairs=()), now) for spec in specs], names
    )
    remaining = {date for finding in repaired for date in finding.dates}
    return repaired + [
        replace(
            finding,
            severity="note",
            text=finding.text.replace("declare a repair `scale`", "corrected by a declared repair"),
        )
        for finding in unrepaired
        if not remaining & set(finding.dates)
    ]


def _common_factor(rows: list[SeriesRows], names: list[str]) -> list[DataFinding]:
    days = rows[0].days
    for other in rows[1:]:
        days = np.intersect1d(days, other.days, assume_unique=True)
    return common_factor(days, [each.values[np.isin(each.days, days)] for each in rows], names)


def _table_paths(expected: Expectations, folder: DataFolder) -> dict[str, list[str]]:
    """Files of each table that the folder has, by name of the table."""
    return {
        name: list(dict.fromkeys(path for each in spec.paths for path in folder.matching(each)))
        for name, spec in expected.tables.items()
    }


def _announce(
    expected: Expectations,
    catalogue: Catalogue,
    paths: Mapping[str, list[str]],
    folder: DataFolder,
) -> None:
    """Announce every column that the checks will read, so that each file is parsed in one pass."""
    for path, columns in expected.columns(catalogue).items():
        folder.announce(path, columns)
    for name, spec in expected.tables.items():
        for path in paths[name]:
            folder.announce(path, spec.all_columns)


def _tables(
    expected: Expectations,
    paths: Mapping[str, list[str]],
    folder: DataFolder,
    context: CalendarContext,
) -> dict[str, Inspection]:
    """Tables that the folder has, by file and series."""
    inspections: dict[str, Inspection] = {}
    for name, spec in expected.tables.items():
        for path in paths[name]:
            for inspection in inspect_table(spec, path, folder, context):
                inspections[inspection.name] = inspection
    return inspections


def _run_stops(
    catalogue: Catalogue, folder: DataFolder, series: Mapping[str, Inspection]
) -> tuple[list[str], int]:
    """What a run over the whole catalogue would stop at, and its exit code."""
    try:
        FileSource().read(catalogue, folder, release_times=release_times)
    except (MissingDataError, InvalidDataError) as error:
        return list(error.faults), error.exit_code
    faults = [
        f"{inspection.path}: required series `{inspection.name}`: {finding.text}"
        for inspection in series.values()
        if inspection.required
        for finding in inspection.findings
        if finding.severity == "fault"
    ]
    return faults, InvalidDataError.exit_code if faults else 0


def _verdict(code: int, inspections: Iterable[Inspection]) -> CheckVerdict:
    if code:
        return "fault"
    return "ok" if all(each.verdict == "ok" for each in inspections) else "warning"


def _counts(inspections: list[Inspection]) -> dict[str, int]:
    verdicts = [inspection.verdict for inspection in inspections]
    return {verdict: verdicts.count(verdict) for verdict in ("ok", "warning", "fault")}


def _plain(inspection: Inspection) -> dict[str, Any]:
    """One inspection as plain content."""
    dates = {
        key: None if day is None else iso(day)
        for key, day in (("first", inspection.first), ("last", inspection.last))
    }
    gaps = inspection.gaps
    return {
        "verdict": inspection.verdict,
        "sentence": inspection.sentence,
        "title": inspection.title,
        "path": inspection.path,
        "required": inspection.required,
        "rows": inspection.rows,
        **dates,
        "released": None
        if inspection.released is None
        else pd.Timestamp(inspection.released).isoformat(),
        "age_days": inspection.age_days,
        "max_age_days": inspection.max_age_days,
        "gaps": {
            "missing": gaps.missing,
            "federal": gaps.federal,
            "longest_days": gaps.longest_days,
            "since": iso(gaps.since) if gaps.longest_days else None,
            "until": iso(gaps.until) if gaps.longest_days else None,
        },
        "repeats": inspection.repeats,
        "outliers": inspection.outliers,
        "findings": [asdict(finding) for finding in inspection.findings],
    }
