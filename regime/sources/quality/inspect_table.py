"""One table that no run reads through every check declared for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from regime.errors import InvalidDataError
from regime.sources.data_folder import Archive, Columns
from regime.sources.quality.bars import Chain, adjustment, check_chain, daily_sums, signed_shorts
from regime.sources.quality.calendar_gaps import Gaps, weekend_rows
from regime.sources.quality.expectations import TableSpec
from regime.sources.quality.findings import Finding, Floats, Integers, dated, iso, listed, plural
from regime.sources.quality.inspect_series import (
    Clock,
    Inspection,
    attendance,
    bar_findings,
    sibling_findings,
    value_findings,
)
from regime.sources.quality.values import common_factor

__all__ = ["inspect_table"]


def inspect_table(spec: TableSpec, path: str, archive: Archive, clock: Clock) -> list[Inspection]:
    """Every series of one file: one, or one for each text of the column `by`.

    Parameters
    ----------
    spec : TableSpec
    path : str
        One of its files.
    archive : Archive
    clock : Clock
    """
    form = archive.form(path)
    try:
        groups = archive.groups(path, spec.by) if spec.by else [""]
        return [_inspect(spec, path, group, archive, clock, form) for group in groups]
    except InvalidDataError as error:
        broken = [Finding(check="unreadable", severity="fault", text=text) for text in error.faults]
        return [Inspection(name=path, title=spec.title, path=path, findings=(*form, *broken))]


def _inspect(
    spec: TableSpec,
    path: str,
    group: str,
    archive: Archive,
    clock: Clock,
    form: tuple[Finding, ...],
) -> Inspection:
    columns = archive.read(
        path,
        _names(spec, path, archive),
        {spec.by: group} if spec.by else None,
        rising=spec.frequency != "events" and spec.chain is None,
        missing=spec.missing,
        thousands=spec.thousands,
    )
    name = f"{path}[{group}]" if group else path
    if columns is None or not len(columns.days) or not len(_held(spec, columns)[0]):
        empty = Finding(
            check="empty", severity="warning", text=f"{path} has no values up to the last session"
        )
        return Inspection(name=name, title=spec.title, path=path, findings=(*form, empty))
    first, last = int(columns.days.min()), int(columns.days.max())
    gaps = Gaps()
    found: list[Finding] = []
    if spec.frequency != "events" and spec.chain is None:
        days, values = _held(spec, columns)
        gaps, found = attendance(days, values, spec.frequency, clock.sessions, spec.max_age_days)
        found += weekend_rows(days) if spec.frequency == "daily" else []
    findings = [
        *form,
        *_early(spec, last, clock.now),
        *found,
        *_contents(spec, path, columns, archive, clock),
    ]
    return Inspection(
        name=name,
        title=spec.title,
        path=path,
        rows=len(columns.days),
        first=first,
        last=last,
        age_days=clock.now - last,
        max_age_days=spec.max_age_days,
        gaps=gaps,
        findings=tuple(findings),
    )


def _names(spec: TableSpec, path: str, archive: Archive) -> list[str]:
    """Columns of numbers that the checks of a table need."""
    names = [*spec.columns, *spec.shorts]
    if spec.adjusted:
        names += [
            "close",
            "adj_close",
            *(["unadj_close"] if "unadj_close" in archive.header(path) else []),
        ]
    if spec.records is not None:
        names += [spec.records.total, spec.records.mean, spec.records.count]
    if spec.chain is not None:
        names += [spec.chain.bid, spec.chain.ask, spec.chain.iv, spec.chain.open_interest]
    return list(dict.fromkeys(names))


def _held(spec: TableSpec, columns: Columns) -> tuple[Integers, Floats]:
    """Days on which any column of the table has a value, and these values."""
    matrix = np.column_stack([columns.numbers[name] for name in spec.columns])
    held = ~np.isnan(matrix).all(axis=1)
    return columns.days[held], matrix[held]


def _early(spec: TableSpec, last: int, now: int) -> list[Finding]:
    age = now - last
    if spec.max_age_days is None or age <= spec.max_age_days:
        return []
    return [
        Finding(
            check="stale",
            severity="warning",
            dates=(iso(last),),
            text=(f"ends early: the last row is of {iso(last)}, {age} days before {iso(now)}"),
        )
    ]


def _contents(
    spec: TableSpec, path: str, columns: Columns, archive: Archive, clock: Clock
) -> list[Finding]:
    found: list[Finding] = []
    for position, name in enumerate(spec.columns):
        found += _column(spec, path, name, position == 0, columns, archive)
    numbers = columns.numbers
    for name in spec.shorts:
        found += signed_shorts(columns.finite(name)[1], name)
    if spec.one_unit:
        found += common_factor(columns.days, [numbers[name] for name in spec.columns], spec.columns)
    if spec.bars is not None:
        found += bar_findings(spec.bars, path, archive)
    if spec.adjusted:
        found += adjustment(numbers["close"], numbers["adj_close"], numbers.get("unadj_close"))
    if spec.records is not None:
        names = (spec.records.total, spec.records.mean, spec.records.count)
        found += daily_sums(columns.days, *(numbers[name] for name in names))
    if spec.chain is not None:
        quotes = [
            numbers[name]
            for name in (spec.chain.bid, spec.chain.ask, spec.chain.iv, spec.chain.open_interest)
        ]
        expiry = archive.dates(path, spec.chain.expiry)
        found += check_chain(
            Chain(
                day=columns.days,
                expiry=expiry,
                bid=quotes[0],
                ask=quotes[1],
                iv=quotes[2],
                open_interest=quotes[3],
            ),
            clock.sessions,
        )
    return found + _declared(spec)


def _column(
    spec: TableSpec, path: str, name: str, leading: bool, columns: Columns, archive: Archive
) -> list[Finding]:
    """Checks of one column; siblings belong to the first."""
    numbers = columns.numbers[name]
    out = np.flatnonzero(
        ~np.isnan(numbers)
        & ~(np.isfinite(numbers) & (numbers >= spec.low) & (numbers <= spec.high))
    )
    found = (
        []
        if not len(out)
        else [
            Finding(
                check="out_of_range",
                severity="fault",
                count=len(out),
                dates=dated(np.unique(columns.days[out])),
                text=(
                    f"{plural(len(out), 'value')} outside {spec.low:g}..{spec.high:g} {spec.unit}: "
                    f"{listed([f'{numbers[row]:g} on {iso(columns.days[row])}' for row in out], 3)}"
                ),
            )
        ]
    )
    if spec.frequency == "events" or spec.chain is not None:
        return found
    days, values = columns.finite(name)
    alone = value_findings(
        days, values, spec.changes, (spec.low, spec.high), spec.unit, grouped=spec.one_unit
    )
    found += sibling_findings(
        days, values, spec.changes, spec.siblings if leading else (), archive, alone
    )
    return [_of_column(one, name) for one in found] if len(spec.columns) > 1 else found


def _of_column(finding: Finding, column: str) -> Finding:
    return replace(finding, column=column, text=f"`{column}`: {finding.text}")


def _declared(spec: TableSpec) -> list[Finding]:
    """What is true of every row and must be known."""
    found = []
    if spec.revised:
        found.append(
            Finding(
                check="revised",
                severity="note",
                text=(
                    "old values are re-estimated and this is one vintage: its past knows a little "
                    "of the future"
                ),
            )
        )
    if spec.caveat:
        found.append(Finding(check="caveat", severity="note", text=spec.caveat))
    return found
