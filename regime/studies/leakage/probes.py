"""Truncate, perturb and delay: whether a builder's rows up to t use only what was known at t.

- **truncate**: with the future cut off, every row up to t has the same bits.
- **perturb**: with the future replaced by other values, likewise.
- **delay**: with every input known one session later the output changes; if not, it was not made
  from the inputs.

The history is divided into equal stretches and one date is drawn from each, so that no long stretch
is missed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.studies.leakage.findings import Finding
from regime.studies.leakage.inputs import ProbeInput

__all__ = [
    "PROBES",
    "Builder",
    "changed_columns",
    "look_ahead_distance",
    "probe",
    "probe_dates",
    "source_location",
]

PROBES = ("truncate", "perturb", "delay")
MEASURED_DATES = 3  # failing dates at which the size of a leak is measured
MEASURED_COLUMNS = 12  # columns of one builder that are measured; a leak in more is one leak
START_OFFSETS = (1, 5, 20)  # sessions after the first output, where back-filled beginnings show


@dataclass(frozen=True, kw_only=True, eq=False)
class Builder:
    """Something that makes rows from data, and how to call it.

    Parameters
    ----------
    name, location : str
        Dotted name, and file and line.
    inputs : ProbeInput
        What it is built from.
    build : callable
        From an input like `inputs` and a position t to a table of one row a session, of which rows
        up to t are known at t; None where this input gives no result to compare.
    depends_on_date : bool
        Whether the result depends on t, as labels that are refitted do.
    moves_with_delay : bool
        Whether its output must change when its input comes a session later.
    exempt_from_delay : tuple of str
        Columns that need not: outcomes of a session, dated by it whenever they were published.
    for_column : callable, optional
        From a column to the builder of that column alone, which is quicker to measure.
    """

    name: str
    location: str
    inputs: ProbeInput
    build: Callable[[Any, int], pd.DataFrame | None]
    depends_on_date: bool = False
    moves_with_delay: bool = True
    exempt_from_delay: tuple[str, ...] = ()
    for_column: Callable[[str], Builder] | None = None


@dataclass(frozen=True, kw_only=True)
class _Failure:
    kind: str
    t: int
    row: int


def probe(
    builder: Builder,
    *,
    dates: int = 50,
    seed: int = 7,
    kinds: tuple[str, ...] = PROBES,
) -> list[Finding]:
    """Leaks of one builder, one finding a column.

    Parameters
    ----------
    builder : Builder
    dates : int
        Random dates of truncation and of perturbation.
    seed : int
    kinds : tuple of str
        Which of `PROBES` to run.

    Returns
    -------
    list of Finding
        With the size of each: the largest distance from which later information still changed a
        value.
    """
    inputs = builder.inputs
    sessions = inputs.sessions
    full = builder.build(inputs, len(sessions) - 1)
    if full is None:
        return []
    rng = np.random.default_rng(seed)
    failures: dict[str, list[_Failure]] = {}
    for t in probe_dates(full.reindex(sessions), dates, rng, inputs.suspect_positions()):
        expected = builder.build(inputs, t) if builder.depends_on_date else full
        if expected is None:
            continue
        for kind, changed in _changed_inputs(inputs, t, seed, kinds):
            for column, row in _compare(builder, expected, changed, t).items():
                failures.setdefault(column, []).append(_Failure(kind=kind, t=t, row=row))
    findings = [
        _look_ahead(builder, column, failed, seed)
        for column, failed in list(failures.items())[:MEASURED_COLUMNS]
    ]
    if "delay" in kinds and builder.moves_with_delay:
        findings += _unmoved(builder, full, skip={*failures, *builder.exempt_from_delay})
    return findings


def probe_dates(
    full: pd.DataFrame,
    dates: int,
    rng: np.random.Generator,
    suspect: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Positions at which to probe.

    Parameters
    ----------
    full : DataFrame, shape (n_sessions, n_columns)
        Output on all data.
    dates : int
    rng : Generator
    suspect : ndarray of int, optional
        Positions where leaks are likely to show.

    Returns
    -------
    ndarray of int
        Rising: one from each of `dates` equal stretches after the first output, a few right after
        it, and half as many evenly among the suspect ones.
    """
    has_output = full.notna().any(axis=1).to_numpy()
    first = int(has_output.argmax()) if has_output.any() else 0
    last = len(full) - 2
    if last <= first:
        return np.asarray([max(last, 0)])
    edges = np.linspace(first, last, dates + 1)
    drawn = np.floor(edges[:-1] + rng.random(dates) * np.diff(edges)).astype(np.int64)
    early = first + np.asarray(START_OFFSETS, dtype=np.int64)
    inside = np.zeros(0, dtype=np.int64)
    if suspect is not None:
        inside = suspect[(suspect >= first) & (suspect <= last)]
    if inside.size:
        count = min(max(dates // 2, 1), inside.size)
        inside = inside[np.linspace(0, inside.size - 1, count).astype(np.int64)]
    return np.unique(np.concatenate([drawn, early[early <= last], inside]))


def changed_columns(
    full: pd.DataFrame, other: pd.DataFrame, rows: pd.DatetimeIndex
) -> dict[str, int]:
    """First of `rows`, as a position, at which each column has other bits.

    Columns that agree are left out.
    """
    result = {}
    for column in full.columns.union(other.columns, sort=False):
        a = _values_at(full, column, rows)
        b = _values_at(other, column, rows)
        changed = np.flatnonzero(~((a == b) | (np.isnan(a) & np.isnan(b))))
        if changed.size:
            result[str(column)] = int(changed[0])
    return result


def look_ahead_distance(
    builder: Builder, t: int, column: str | None = None, seed: int = 7
) -> float:
    """Largest distance after t at which new information still changes rows up to t; 0 if none does.

    Parameters
    ----------
    builder : Builder
    t : int
        Position of the date.
    column : str, optional
        Only this column of the output.
    seed : int
    """
    inputs = builder.inputs
    full = builder.build(inputs, t if builder.depends_on_date else len(inputs.sessions) - 1)
    distances = inputs.release_distances(t)
    if full is None or not distances.size:
        return 0.0

    def changes(position: int) -> bool:
        for attempt in (seed, seed + 1):
            other = inputs.perturbed(t, attempt, float(distances[position]), None)
            changed = _compare(builder, full, other, t)
            if changed and (column is None or column in changed):
                return True
        return False

    if not changes(0):
        return 0.0
    low = 0
    high = 1
    while high < distances.size and changes(high):
        low = high
        high *= 2
    high = min(high, distances.size)
    while high - low > 1:
        middle = (low + high) // 2
        if changes(middle):
            low = middle
        else:
            high = middle
    return float(distances[low])


def source_location(target: Any) -> str:
    """File and line where something is defined, the file from the package's folder on."""
    function = getattr(target, "__func__", target)  # of a bound method
    plain = inspect.unwrap(getattr(function, "py_func", function))
    defined = plain if inspect.isfunction(plain) or inspect.isclass(plain) else type(plain)
    try:
        file = inspect.getsourcefile(defined)
        line = inspect.getsourcelines(defined)[1]
    except (OSError, TypeError):
        return str(getattr(defined, "__module__", "?"))
    parts = Path(str(file)).parts
    package = defined.__module__.split(".")[0]
    start = max(
        (position for position, part in enumerate(parts) if part == package),
        default=len(parts) - 1,
    )
    return f"{'/'.join(parts[start:])}:{line}"


def _changed_inputs(
    inputs: ProbeInput, t: int, seed: int, kinds: tuple[str, ...]
) -> Iterator[tuple[str, ProbeInput]]:
    if "truncate" in kinds:
        yield "truncate", inputs.truncated(t)
    if "perturb" in kinds:
        yield "perturb", inputs.perturbed(t, seed)


def _compare(builder: Builder, full: pd.DataFrame, changed: ProbeInput, t: int) -> dict[str, int]:
    """Columns whose rows up to t differ; all columns where the builder fails on the changed input.

    A builder that gives values on all data must not need later rows to run, whatever it raises.
    """
    rows = builder.inputs.sessions[: t + 1]
    try:
        other = builder.build(changed, t)
        return {} if other is None else changed_columns(full, other, rows)
    except Exception as error:
        if full.reindex(rows).notna().to_numpy().any():
            return {f"{column}": t for column in full.columns} or {type(error).__name__: t}
        return {}


def _look_ahead(builder: Builder, column: str, failures: list[_Failure], seed: int) -> Finding:
    single = builder.for_column(column) if builder.for_column is not None else builder
    size = max(
        look_ahead_distance(single, failure.t, column, seed) for failure in _spread(failures)
    )
    sessions = builder.inputs.sessions
    first = failures[0]
    subject = ""
    if builder.for_column is None and column != builder.name:
        subject = f"column `{column}`: "
    how = "is cut off" if first.kind == "truncate" else "is replaced"
    tail = "" if size else "; no later value matters, so it depends on the length of the data"
    return Finding(
        kind="look-ahead",
        name=column if builder.for_column is not None else builder.name,
        location=single.location,
        size=size or None,
        unit=builder.inputs.unit if size else "",
        evidence=f"{subject}the value of {sessions[first.row]:%Y-%m-%d} changes when everything "
        f"after {sessions[first.t]:%Y-%m-%d} {how} "
        f"({len({failure.t for failure in failures})} of the probed dates){tail}.",
    )


def _spread(failures: list[_Failure]) -> list[_Failure]:
    """A few failures from the first to the last date."""
    positions = np.unique(np.linspace(0, len(failures) - 1, MEASURED_DATES).astype(int))
    return [failures[position] for position in positions]


def _unmoved(builder: Builder, full: pd.DataFrame, skip: set[str]) -> Iterator[Finding]:
    """Columns that do not change although every input came a session later."""
    late = builder.build(builder.inputs.delayed(), len(builder.inputs.sessions) - 1)
    if late is None:
        return
    changed = changed_columns(full, late, builder.inputs.sessions)
    for column in full.columns:
        values = full[column].to_numpy(dtype=float)
        # A column that changes only at refits may not react to one session; monthly values and
        # faster ones must.
        varies = np.unique(values[np.isfinite(values)]).size > 1 + len(values) // 50
        if varies and str(column) not in changed and str(column) not in skip:
            yield Finding(
                kind="delay",
                name=str(column) if builder.for_column is not None else builder.name,
                location=builder.location,
                evidence=f"column `{column}` does not change when every input is known one session "
                "later, so it is made from something that has no release time.",
            )


def _values_at(table: pd.DataFrame, column: Any, rows: pd.DatetimeIndex) -> NDArray[np.float64]:
    if column not in table.columns:
        return np.full(len(rows), np.nan)
    values = table[column]
    if not table.index[: len(rows)].equals(rows):
        values = values.reindex(rows)
    return np.asarray(values.to_numpy(dtype=float)[: len(rows)])
