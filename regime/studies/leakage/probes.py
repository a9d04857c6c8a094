"""Truncate, stir and delay: whether a builder's rows up to t rest on what was known at t alone.

- **truncate**: with the future cut off, every row up to t has the same bits.
- **perturb**: with the future replaced by something else, likewise.
- **delay**: with every input known one session later the output moves; if not, it was not made from
  them.

Dates are drawn one from each of equal stretches of the history, so that no long stretch goes
unseen.
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
from regime.studies.leakage.inputs import Given

__all__ = ["Builder", "differing", "place_of", "probe", "probe_dates", "reach"]

MEASURED = 3  # failing dates at which a leak is measured
COLUMNS = 12  # columns of one builder that are measured; a leak in more is one leak


@dataclass(frozen=True, kw_only=True, eq=False)
class Builder:
    """Something that makes rows from data, and how to ask it.

    Parameters
    ----------
    name, place : str
        Dotted name, and file and line.
    given : Given
        What it is built from.
    build : callable
        From an input like `given` and a position t to a table of one row a session, of which rows
        up to t are known at t.
    dated : bool
        Whether the answer depends on t, as labels that are fitted anew do.
    delay : bool
        Whether its output must move when its input comes a session later.
    realised : tuple of str
        Columns that need not: what came of a day, dated by it whenever it was told.
    narrow : callable, optional
        From a column to the builder of that column alone, which is quicker to measure.
    """

    name: str
    place: str
    given: Given
    build: Callable[[Any, int], pd.DataFrame | None]
    dated: bool = False
    delay: bool = True
    realised: tuple[str, ...] = ()
    narrow: Callable[[str], Builder] | None = None


@dataclass(frozen=True, kw_only=True)
class _Failure:
    law: str
    t: int
    row: int


def probe(
    builder: Builder,
    *,
    dates: int = 50,
    seed: int = 7,
    laws: tuple[str, ...] = ("truncate", "perturb", "delay"),
) -> list[Finding]:
    """Leaks of one builder, one finding a column.

    Parameters
    ----------
    builder : Builder
    dates : int
        Random dates of truncation and of perturbation.
    seed : int
    laws : tuple of str
        Which of ``truncate``, ``perturb``, ``delay`` to hold.

    Returns
    -------
    list of Finding
        With the size of each: the largest distance from which something still reached back.
    """
    given, n = builder.given, len(builder.given.sessions)
    full = builder.build(given, n - 1)
    if full is None:
        return []
    failures: dict[str, list[_Failure]] = {}
    for t in probe_dates(
        full.reindex(given.sessions), dates, np.random.default_rng(seed), given.marks()
    ):
        asked = builder.build(given, t) if builder.dated else full
        if asked is None:
            continue
        for law, part in _parts(given, t, seed, laws):
            for column, row in _compare(builder, asked, part, t).items():
                failures.setdefault(column, []).append(_Failure(law=law, t=t, row=row))
    findings = [
        _finding(builder, column, failed, seed)
        for column, failed in list(failures.items())[:COLUMNS]
    ]
    if "delay" in laws and builder.delay:
        findings += _unmoved(builder, full, skip={*failures, *builder.realised})
    return findings


def probe_dates(
    full: pd.DataFrame, dates: int, rng: np.random.Generator, marks: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Positions at which to probe.

    Parameters
    ----------
    full : DataFrame, shape (n_sessions, n_columns)
        Output on all that there is.
    dates : int
    rng : Generator
    marks : ndarray of int, optional
        Positions where leaks like to show.

    Returns
    -------
    ndarray of int
        Rising: one from each of `dates` equal stretches after the first output, a few right after
        it, and of the marks evenly half as many.
    """
    alive = full.notna().any(axis=1).to_numpy()
    first, last = int(alive.argmax()) if alive.any() else 0, len(full) - 2
    if last <= first:
        return np.asarray([max(last, 0)])
    edges = np.linspace(first, last, dates + 1)
    drawn = np.floor(edges[:-1] + rng.random(dates) * np.diff(edges)).astype(np.int64)
    early = first + np.asarray(
        [1, 5, 20], dtype=np.int64
    )  # where what fills a beginning backwards shows
    inside = (
        np.zeros(0, dtype=np.int64) if marks is None else marks[(marks >= first) & (marks <= last)]
    )
    if inside.size:
        inside = inside[
            np.linspace(0, inside.size - 1, min(max(dates // 2, 1), inside.size)).astype(np.int64)
        ]
    return np.unique(np.concatenate([drawn, early[early <= last], inside]))


def differing(full: pd.DataFrame, part: pd.DataFrame, rows: pd.DatetimeIndex) -> dict[str, int]:
    """First of `rows` at which each column has other bits, as a position.

    Columns that agree are left out.
    """
    result = {}
    for column in full.columns.union(part.columns, sort=False):
        a, b = _bits(full, column, rows), _bits(part, column, rows)
        odd = np.flatnonzero(~((a == b) | (np.isnan(a) & np.isnan(b))))
        if odd.size:
            result[str(column)] = int(odd[0])
    return result


def reach(builder: Builder, t: int, column: str | None = None, seed: int = 7) -> float:
    """Largest distance after t at which new information still changes rows up to t.

    0 where none does.

    Infinite where only the length of the data matters.

    Parameters
    ----------
    builder : Builder
    t : int
        Position of the date.
    column : str, optional
        Only this column of the output.
    seed : int
    """
    given = builder.given
    full = (
        builder.build(given, t) if builder.dated else builder.build(given, len(given.sessions) - 1)
    )
    steps = given.later(t)
    if full is None:
        return 0.0

    def moved(place: int) -> bool:
        return any(
            column is None or column in found
            for attempt in (seed, seed + 1)
            if (
                found := _compare(
                    builder, full, given.stirred(t, attempt, float(steps[place]), None), t
                )
            )
        )

    if not steps.size or not moved(0):
        return 0.0
    low, high = 0, 1
    while high < steps.size and moved(high):
        low, high = high, 2 * high
    high = min(high, steps.size)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if moved(middle) else (low, middle)
    return float(steps[low])


def place_of(thing: Any) -> str:
    """File and line where something is defined, the file from the package's folder on."""
    plain = inspect.unwrap(getattr(thing, "py_func", thing))
    target = plain if inspect.isfunction(plain) or inspect.isclass(plain) else type(plain)
    try:
        file, line = inspect.getsourcefile(target), inspect.getsourcelines(target)[1]
    except (OSError, TypeError):
        return str(getattr(target, "__module__", "?"))
    parts = Path(str(file)).parts
    start = max(
        (i for i, part in enumerate(parts) if part == target.__module__.split(".")[0]),
        default=len(parts) - 1,
    )
    return f"{'/'.join(parts[start:])}:{line}"


def _parts(given: Given, t: int, seed: int, laws: tuple[str, ...]) -> Iterator[tuple[str, Given]]:
    if "truncate" in laws:
        yield "truncate", given.until(t)
    if "perturb" in laws:
        yield "perturb", given.stirred(t, seed)


def _compare(builder: Builder, full: pd.DataFrame, part: Given, t: int) -> dict[str, int]:
    """Columns that the other future changes in rows up to t.

    All of them where the builder cannot do without it.
    """
    rows = builder.given.sessions[: t + 1]
    try:
        other = builder.build(part, t)
        return {} if other is None else differing(full, other, rows)
    except (
        Exception
    ) as error:  # whatever it raises, it raises it because of rows that it must not need
        if full.reindex(rows).notna().to_numpy().any():
            return {f"{column}": t for column in full.columns} or {type(error).__name__: t}
        return {}


def _finding(builder: Builder, column: str, failed: list[_Failure], seed: int) -> Finding:
    subject = builder.narrow(column) if builder.narrow is not None else builder
    sizes = [reach(subject, failure.t, column, seed) for failure in _spread(failed)]
    size, given = max(sizes), builder.given
    worst = failed[0]
    row, date = given.sessions[worst.row], given.sessions[worst.t]
    what = f"column `{column}`: " if builder.narrow is None and column != builder.name else ""
    how = "is cut off" if worst.law == "truncate" else "is replaced"
    tail = "" if size else "; no later value matters, so it rests on the length of the data"
    return Finding(
        kind="look-ahead",
        name=column if builder.narrow is not None else builder.name,
        place=subject.place,
        size=size or None,
        unit=given.unit if size else "",
        evidence=f"{what}the value of {row:%Y-%m-%d} changes when all after {date:%Y-%m-%d} {how} "
        f"({len({failure.t for failure in failed})} of the probed dates){tail}.",
    )


def _spread(failed: list[_Failure]) -> list[_Failure]:
    """A few failures from the first to the last date."""
    places = np.unique(np.linspace(0, len(failed) - 1, MEASURED).astype(int))
    return [failed[place] for place in places]


def _unmoved(builder: Builder, full: pd.DataFrame, skip: set[str]) -> Iterator[Finding]:
    """Columns that stay as they are though every input came a session later."""
    late = builder.build(builder.given.delayed(), len(builder.given.sessions) - 1)
    if late is None:
        return
    moved = differing(full, late, builder.given.sessions)
    for column in full.columns:
        values = full[column].to_numpy(dtype=float)
        # What moves at refits alone may well miss a day's delay; monthly values and faster ones may
        # not.
        varied = np.unique(values[np.isfinite(values)]).size > 1 + len(values) // 50
        if varied and str(column) not in moved and str(column) not in skip:
            yield Finding(
                kind="delay",
                name=str(column) if builder.narrow is not None else builder.name,
                place=builder.place,
                evidence=f"column `{column}` is the same when every input is known one session later, so it "
                "is made from something that has no release.",
            )


def _bits(table: pd.DataFrame, column: Any, rows: pd.DatetimeIndex) -> NDArray[np.float64]:
    if column not in table.columns:
        return np.full(len(rows), np.nan)
    values = table[column]
    if not table.index[: len(rows)].equals(rows):
        values = values.reindex(rows)
    return np.asarray(values.to_numpy(dtype=float)[: len(rows)])
