"""One table that no run reads through every check declared for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from regime.arrays import Floats, Integers
from regime.errors import InvalidDataError
from regime.sources.data_folder import ColumnValues, DataFolder
from regime.sources.quality.bars import (
    ChainQuotes,
    adjustment,
    check_chain_quotes,
    daily_sums,
    signed_shorts,
)
from regime.sources.quality.calendar_gaps import Gaps, weekend_rows
from regime.sources.quality.expectations import TableSpec
from regime.sources.quality.findings import DataFinding, dated, iso, listed, plural
from regime.sources.quality.inspect_series import (
    CalendarContext,
    Inspection,
    bar_findings,
    calendar_findings,
    reference_findings,
    value_findings,
)
from regime.sources.quality.values import check_file_format, common_factor

__all__ = ["inspect_table"]


def inspect_table(
    spec: TableSpec, path: str, folder: DataFolder, context: CalendarContext
) -> list[Inspection]:
    """Every series of one file: one, or one for each text of the column `by`.

    Parameters
    ----------
    spec : TableSpec
    path : str
        One of its files.
    folder : DataFolder
    context : CalendarContext
    """
    file_format = folder.computed(path, check_file_format)
    try:
        groups = folder.texts(path, spec.by) if spec.by else [""]
        return [_inspect(spec, path, group, folder, context) for group in groups]
    except InvalidDataError as error:
        unreadable = [
            DataFinding(check="unreadable", severity="fault", text=text) for text in error.faults
        ]
        findings = (*file_format, *unreadable)
        return [Inspection(name=path, title=spec.title, path=path, findings=findings)]


def _inspect(
    spec: TableSpec, path: str, group: str, folder: DataFolder, context: CalendarContext
) -> Inspection:
    file_format = folder.computed(path, check_file_format)
    columns = folder.columns(
        path,
        _numbers(spec, path, folder),
        {spec.by: group} if spec.by else None,
        now=context.now,
        rising=spec.frequency != "events" and spec.chain is None,
        missing=spec.missing,
        thousands=spec.thousands,
    )
    name = f"{path}[{group}]" if group else path
    if columns is None or not len(columns.days) or not len(_present(spec, columns)[0]):
        empty = DataFinding(
            check="empty", severity="warning", text=f"{path} has no values up to the last session"
        )
        return Inspection(name=name, title=spec.title, path=path, findings=(*file_format, empty))
    first, last = int(columns.days.min()), int(columns.days.max())
    gaps = Gaps()
    present: list[DataFinding] = []
    if spec.frequency != "events" and spec.chain is None:
        days, values = _present(spec, columns)
        gaps, present = calendar_findings(
            days, values, spec.frequency, context.sessions, spec.max_age_days
        )
        present += weekend_rows(days) if spec.frequency == "daily" else []
    findings = [
        *file_format,
        *_early(spec, last, context.now),
        *present,
        *_contents(spec, path, columns, folder, context),
    ]
    return Inspection(
        name=name,
        title=spec.title,
        path=path,
        rows=len(columns.days),
        first=first,
        last=last,
        age_days=context.now - last,
        max_age_days=spec.max_age_days,
        gaps=gaps,
        findings=tuple(findings),
    )


def _numbers(spec: TableSpec, path: str, folder: DataFolder) -> list[str]:
    """Columns of numbers that its checks read; an unadjusted close only where there is one."""
    names = spec.numbers
    if spec.adjusted and "unadj_close" not in folder.header(path):
        names = [name for name in names if name != "unadj_close"]
    return names


def _present(spec: TableSpec, columns: ColumnValues) -> tuple[Integers, Floats]:
    """Days on which any column of the table has a value, and these values."""
    matrix = np.column_stack([columns.numbers[name] for name in spec.columns])
    present = ~np.isnan(matrix).all(axis=1)
    return columns.days[present], matrix[present]


def _early(spec: TableSpec, last: int, now: int) -> list[DataFinding]:
    age = now - last
    if spec.max_age_days is None or age <= spec.max_age_days:
        return []
    return [
        DataFinding(
            check="stale",
            severity="warning",
            dates=(iso(last),),
            text=(f"ends early: the last row is of {iso(last)}, {age} days before {iso(now)}"),
        )
    ]


def _contents(
    spec: TableSpec, path: str, columns: ColumnValues, folder: DataFolder, context: CalendarContext
) -> list[DataFinding]:
    findings: list[DataFinding] = []
    for position, name in enumerate(spec.columns):
        findings += _column(spec, path, name, position == 0, columns, folder, context.now)
    numbers = columns.numbers
    for name in spec.shorts:
        findings += signed_shorts(columns.finite(name)[1], name)
    if spec.one_unit:
        findings += common_factor(
            columns.days, [numbers[name] for name in spec.columns], spec.columns
        )
    if spec.bars is not None:
        findings += bar_findings(spec.bars, path, folder, context.now)
    if spec.adjusted:
        findings += adjustment(numbers["close"], numbers["adj_close"], numbers.get("unadj_close"))
    if spec.records is not None:
        names = (spec.records.total, spec.records.mean, spec.records.count)
        findings += daily_sums(columns.days, *(numbers[name] for name in names))
    if spec.chain is not None:
        quotes = [
            numbers[name]
            for name in (spec.chain.bid, spec.chain.ask, spec.chain.iv, spec.chain.open_interest)
        ]
        expiry = folder.dates(path, spec.chain.expiry, context.now)
        findings += check_chain_quotes(
            ChainQuotes(
                day=columns.days,
                expiry=expiry,
                bid=quotes[0],
                ask=quotes[1],
                iv=quotes[2],
                open_interest=quotes[3],
            ),
            context.sessions,
        )
    return findings + _declared(spec)


def _column(
    spec: TableSpec,
    path: str,
    name: str,
    leading: bool,
    columns: ColumnValues,
    folder: DataFolder,
    now: int,
) -> list[DataFinding]:
    """Checks of one column; references belong to the first."""
    numbers = columns.numbers[name]
    out = np.flatnonzero(
        ~np.isnan(numbers)
        & ~(np.isfinite(numbers) & (numbers >= spec.low) & (numbers <= spec.high))
    )
    findings = (
        []
        if not len(out)
        else [
            DataFinding(
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
        return findings
    days, values = columns.finite(name)
    alone = value_findings(
        days, values, spec.changes, (spec.low, spec.high), spec.unit, grouped=spec.one_unit
    )
    findings += reference_findings(
        days, values, spec.changes, spec.references if leading else (), folder, now, alone
    )
    if len(spec.columns) == 1:
        return findings
    return [_of_column(finding, name) for finding in findings]


def _of_column(finding: DataFinding, column: str) -> DataFinding:
    return replace(finding, column=column, text=f"`{column}`: {finding.text}")


def _declared(spec: TableSpec) -> list[DataFinding]:
    """What is true of every row and must be known."""
    findings = []
    if spec.revised:
        findings.append(
            DataFinding(
                check="revised",
                severity="note",
                text=(
                    "old values are re-estimated and this is one vintage: its past contains a "
                    "little of the future"
                ),
            )
        )
    if spec.caveat:
        findings.append(DataFinding(check="caveat", severity="note", text=spec.caveat))
    return findings
