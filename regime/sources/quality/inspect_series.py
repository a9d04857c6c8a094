"""One series of the catalogue through every check that concerns it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.errors import InvalidDataError
from regime.sources.catalogue import SeriesSpec
from regime.sources.data_folder import DataFolder, SeriesRows
from regime.sources.quality.bars import outside_bar, stale_bars
from regime.sources.quality.calendar_gaps import (
    Gaps,
    Sessions,
    check_gaps,
    find_gaps,
    holiday_repeats,
    sparse_periods,
    weekend_rows,
)
from regime.sources.quality.cross_series import (
    check_direction,
    compare_with_reference,
    confirm_ticks,
)
from regime.sources.quality.expectations import BarColumns, Expectation, ReferenceSeries
from regime.sources.quality.findings import (
    CheckVerdict,
    DataFinding,
    FindingSeverity,
    iso,
    listed,
    plural,
    verdict_of,
)
from regime.sources.quality.values import (
    bad_ticks,
    check_file_format,
    frozen_runs,
    negative_prices,
    power_of_ten,
    step_function,
)
from regime.sources.release_rules import ReleaseTimes
from regime.sources.repairs import repaired_days

__all__ = [
    "CalendarContext",
    "Inspection",
    "bar_findings",
    "calendar_findings",
    "inspect_series",
    "reference_findings",
    "value_findings",
]


REPEATS = {"frozen", "holiday_repeats", "stale_bar"}
OUTLIERS = {
    "bad_tick",
    "cross_series",
    "outside_bar",
    "upside_down",
    "out_of_range",
    "not_finite",
    "negative",
}
SessionCloses = Callable[[pd.DatetimeIndex], pd.DatetimeIndex]


@dataclass(frozen=True, kw_only=True)
class CalendarContext:
    """Everything about time that an inspection needs.

    Parameters
    ----------
    sessions : Sessions
    release_times : callable
        `regime.panel.release_times.release_times`.
    session_closes : callable
        `regime.panel.calendar.session_closes`.

    Examples
    --------
    >>> days = np.arange(19_000, 19_005)
    >>> sessions = Sessions(days=days, federal=days[:0], now=19_004)
    >>> CalendarContext(
    ...     sessions=sessions,
    ...     release_times=lambda periods, rule: periods,
    ...     session_closes=lambda days: days,
    ... ).now
    19004
    """

    sessions: Sessions
    release_times: ReleaseTimes
    session_closes: SessionCloses

    @property
    def now(self) -> int:
        """The last session of the folder, as days since 1970-01-01."""
        return self.sessions.now


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Findings of all checks on one series or table.

    Parameters
    ----------
    name, title, path : str
    required : bool
        Whether a run cannot do without it.
    rows : int
        Rows that count.
    first, last : int, optional
        First and last period, as days since 1970-01-01.
    released : Timestamp, optional
        Instant (UTC) at which the last value was public.
    age_days, max_age_days : int, optional
        Calendar days from the last period to "now", and how many are allowed.
    gaps : Gaps
    findings : tuple of DataFinding

    Examples
    --------
    >>> Inspection(name="oil", title="Oil", path="oil.csv").sentence
    'no warning and no fault'
    """

    name: str
    title: str
    path: str
    required: bool = False
    rows: int = 0
    first: int | None = None
    last: int | None = None
    released: pd.Timestamp | None = None
    age_days: int | None = None
    max_age_days: int | None = None
    gaps: Gaps = field(default_factory=Gaps)
    findings: tuple[DataFinding, ...] = ()

    @property
    def verdict(self) -> CheckVerdict:
        """The gravest finding; notes leave it "ok"."""
        return verdict_of(self.findings)

    @property
    def sentence(self) -> str:
        """The findings that made the verdict."""
        texts = [finding.text for finding in self.findings if finding.severity == self.verdict]
        return "; ".join(texts) if texts else "no warning and no fault"

    @property
    def repeats(self) -> int:
        """Runs and rows that stand still where they should not."""
        return sum(finding.count for finding in self.findings if finding.check in REPEATS)

    @property
    def outliers(self) -> int:
        """Values that a check doubts."""
        return sum(finding.count for finding in self.findings if finding.check in OUTLIERS)


def inspect_series(
    spec: SeriesSpec, expectation: Expectation, folder: DataFolder, context: CalendarContext
) -> Inspection:
    """One series of the catalogue, read as a run reads it and, beside that, as its files have it.

    Parameters
    ----------
    spec : SeriesSpec
    expectation : Expectation
        What it is compared with.
    folder : DataFolder
        Of the catalogue.
    context : CalendarContext
    """
    rows = folder.series(spec, context.now)
    file_format = [
        finding for part in spec.parts for finding in folder.computed(part.path, check_file_format)
    ]
    if rows.faults or not len(rows.days):
        reasons = [
            DataFinding(check="unreadable", severity="fault", text=text) for text in rows.faults
        ] or [_empty(spec, rows)]
        return Inspection(
            name=spec.name,
            title=spec.title,
            path=spec.path,
            required=spec.required,
            max_age_days=spec.max_age_days,
            findings=(*file_format, *reasons),
        )
    gaps, present = calendar_findings(
        rows.days, rows.values, spec.frequency, context.sessions, spec.max_age_days
    )
    if spec.frequency == "daily":
        present += [
            finding
            for number in range(len(spec.parts))
            for finding in weekend_rows(rows.days[rows.part == number])
        ]
    findings = [
        *file_format,
        *_reading_findings(spec, rows, context),
        *present,
        *_value_findings(spec, expectation, folder, context),
        *_declared_findings(spec, rows, context),
    ]
    return Inspection(
        name=spec.name,
        title=spec.title,
        path=spec.path,
        required=spec.required,
        rows=len(rows.days),
        first=int(rows.days[0]),
        last=int(rows.days[-1]),
        released=_released(spec, rows, context),
        age_days=context.now - int(rows.days[-1]),
        max_age_days=spec.max_age_days,
        gaps=gaps,
        findings=tuple(findings),
    )


def _empty(spec: SeriesSpec, rows: SeriesRows) -> DataFinding:
    severity: FindingSeverity = "fault" if spec.required else "warning"
    if rows.absent:
        return DataFinding(check="absent", severity=severity, text=f"no file {spec.path}")
    text = f"{spec.path} has no values"
    if rows.later:
        text = "no row up to the last session"
    if rows.refused:
        text = f"{plural(len(rows.refused), 'value')} refused, none left: {rows.refused[0]}"
    return DataFinding(check="empty", severity=severity, text=text)


def _reading_findings(
    spec: SeriesSpec, rows: SeriesRows, context: CalendarContext
) -> list[DataFinding]:
    """What a run itself would report: age, refused values, repairs, splices."""
    findings = []
    age = context.now - int(rows.days[-1])
    severity: FindingSeverity = "fault" if spec.required else "warning"
    if age > spec.max_age_days:
        findings.append(
            DataFinding(
                check="stale",
                severity=severity,
                text=(
                    f"ends early: the last value is of {iso(rows.days[-1])}, {age} days before "
                    f"{iso(context.now)}, and at most {spec.max_age_days} are allowed"
                ),
            )
        )
    if rows.refused:
        findings.append(
            DataFinding(
                check="out_of_range",
                severity="fault",
                count=len(rows.refused),
                text=(f"{plural(len(rows.refused), 'value')} refused, the first {rows.refused[0]}"),
            )
        )
    if rows.later:
        findings.append(
            DataFinding(
                check="later", severity="note", text=f"rows after {iso(context.now)} are left out"
            )
        )
    findings += [
        DataFinding(check="repaired", severity="note", text=f"declared repair, {text}")
        for text in rows.repaired
    ]
    for number, part in enumerate(spec.splice, start=1):
        spliced = rows.days[rows.part == number]
        if len(spliced):
            kind = "a proxy" if part.proxy else "an older source"
            findings.append(
                DataFinding(
                    check="proxy" if part.proxy else "splice",
                    severity="note",
                    count=len(spliced),
                    text=(
                        f"{plural(len(spliced), 'row')} from {iso(spliced[0])} to "
                        f"{iso(spliced[-1])} come from {part.path}, {kind}"
                    ),
                )
            )
    return findings


def _declared_findings(
    spec: SeriesSpec, rows: SeriesRows, context: CalendarContext
) -> list[DataFinding]:
    """What is true of every row and must be known: vintage, hour of release, caveat."""
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
    return findings + _late(spec, rows, context)


def _late(spec: SeriesSpec, rows: SeriesRows, context: CalendarContext) -> list[DataFinding]:
    """Prices that are complete after the close of their own date only."""
    bars = spec.frequency == "continuous" or (spec.frequency == "daily" and spec.changes == "log")
    if not bars or spec.release.at_close:
        return []
    periods = _dates(rows.days[np.isin(rows.days, context.sessions.days)][-250:])
    if not len(periods):
        return []
    delays = context.release_times(periods, spec.release) - context.session_closes(periods)
    hours = float(np.min(delays.total_seconds() / 3600))
    if hours <= 0:
        return []
    return [
        DataFinding(
            check="late_known",
            severity="note",
            text=(
                f"a day's value is public at {spec.release.time} {spec.release.zone}, at the "
                f"earliest {hours:.0f} hours after the New York close of its date: it counts "
                "from the next session"
            ),
        )
    ]


def _value_findings(
    spec: SeriesSpec, expectation: Expectation, folder: DataFolder, context: CalendarContext
) -> list[DataFinding]:
    """Checks of the values after repairs; what repairs have corrected is a note."""
    unbounded = replace(spec, low=-np.inf, high=np.inf, max_step=None)
    repaired = folder.series(unbounded, context.now)
    findings = _compared(spec, expectation, repaired, folder, context)
    if not spec.repairs:
        return findings
    unrepaired = folder.series(replace(unbounded, repairs=()), context.now)
    days = unrepaired.days
    touched = {iso(day) for day in days[repaired_days(spec.repairs, days)]}
    remaining = {(finding.check, date) for finding in findings for date in finding.dates}
    corrected = [
        _corrected(finding)
        for finding in _compared(spec, expectation, unrepaired, folder, context)
        if finding.dates and not any((finding.check, date) in remaining for date in finding.dates)
    ]
    return [
        _corrected(finding) if finding.dates and set(finding.dates) <= touched else finding
        for finding in findings
    ] + corrected


def _corrected(finding: DataFinding) -> DataFinding:
    text = finding.text.removesuffix("; declare a repair `scale`")
    return replace(finding, severity="note", text=f"{text}; corrected by a declared repair")


def _compared(
    spec: SeriesSpec,
    expectation: Expectation,
    rows: SeriesRows,
    folder: DataFolder,
    context: CalendarContext,
) -> list[DataFinding]:
    alone = value_findings(
        rows.days,
        rows.values,
        spec.changes,
        (spec.low, spec.high),
        spec.unit,
        grouped=bool(expectation.one_unit),
    )
    findings = reference_findings(
        rows.days, rows.values, spec.changes, expectation.references, folder, context.now, alone
    )
    if expectation.bars is not None:
        findings += bar_findings(expectation.bars, spec.path, folder, context.now)
    return findings


def _released(spec: SeriesSpec, rows: SeriesRows, context: CalendarContext) -> pd.Timestamp:
    rule = spec.parts[int(rows.part[-1])].release or spec.release
    return context.release_times(_dates(rows.days[-1:]), rule)[0]


def _dates(days: Integers) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(days.astype("M8[D]").astype("M8[us]"))


def calendar_findings(
    days: Integers, values: Floats, frequency: str, sessions: Sessions, limit: int | None
) -> tuple[Gaps, list[DataFinding]]:
    """Gaps, holes, sparse periods, weekend rows and repeated holiday rows of a series or table.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
    values : ndarray of float64, shape (n,) or (n, k)
    frequency : str
    sessions : Sessions
    limit : int, optional
        Age in days beyond which a value may not be used.
    """
    gaps = find_gaps(days, frequency, sessions)
    findings = check_gaps(days, gaps, frequency, sessions, limit)
    if frequency == "daily":
        sparse = sparse_periods(days, sessions)
        if sparse:  # a sparse period has holes of any length, and one finding is enough
            findings = [finding for finding in findings if finding.check != "hole"]
        findings += sparse
        matrix = values.reshape(len(days), -1)
        alike = ((matrix[1:] == matrix[:-1]) | (np.isnan(matrix[1:]) & np.isnan(matrix[:-1]))).all(
            axis=1
        )
        findings += holiday_repeats(days, np.concatenate([[False], alike]), sessions)
    return gaps, findings


def value_findings(
    days: Integers,
    values: Floats,
    changes: str,
    bounds: tuple[float, float],
    unit: str,
    *,
    grouped: bool = False,
) -> list[DataFinding]:
    """Checks of one column alone, as far as its kind of change allows them.

    Parameters
    ----------
    days, values : ndarray, shape (n,)
        Finite values by rising day.
    changes : {"log", "linear", "none"}
    bounds : tuple of float
    unit : str
    grouped : bool
        Whether its unit is judged together with that of other columns.
    """
    findings = step_function(days, values)
    if not grouped:
        findings += power_of_ten(days, values, unit, 1 if changes == "log" else 2)
    if changes == "none":
        return findings
    if changes == "log":
        findings += negative_prices(days, values, *bounds, unit)
    return findings + bad_ticks(days, values, changes) + frozen_runs(days, values)


def reference_findings(
    days: Integers,
    values: Floats,
    changes: str,
    references: Sequence[ReferenceSeries],
    folder: DataFolder,
    now: int,
    alone: Sequence[DataFinding] = (),
) -> list[DataFinding]:
    """Findings of one column alone, and of its comparison with every reference series there is.

    Parameters
    ----------
    days, values : ndarray, shape (n,)
        Finite values by rising day.
    changes : {"log", "linear", "none"}
    references : sequence of ReferenceSeries
        One that cannot be read is a warning.
    folder : DataFolder
    now : int
        Last day of the reference series that counts, since 1970-01-01.
    alone : sequence of DataFinding
        As `value_findings`; bad ticks among them become notes where a reference has them too.
    """
    findings = list(alone)
    for reference in references:
        name = reference.path
        if reference.column not in ("value", "close"):
            name = f"{reference.path}, {reference.column}"
        try:
            columns = folder.columns(reference.path, [reference.column], reference.where, now=now)
        except InvalidDataError as error:
            findings.append(
                DataFinding(
                    check="no_reference",
                    severity="warning",
                    text=f"not compared: {listed(error.faults, 1)}",
                )
            )
            continue
        if columns is None:
            continue
        other_days, numbers = columns.finite(reference.column)
        other = (other_days, numbers * reference.scale)
        if reference.direction:
            findings += check_direction(days, values, other, name)
            continue
        comparison = compare_with_reference(
            days,
            values,
            other,
            name,
            reference.tolerance,
            changes=changes,
            neighbours=reference.neighbours,
        )
        findings = [
            confirm_ticks(
                finding,
                days,
                values,
                other,
                name,
                reference.tolerance,
                changes=changes,
                neighbours=reference.neighbours,
            )
            if finding.check == "bad_tick"
            else finding
            for finding in findings
        ]
        findings += comparison
    return findings


def bar_findings(bars: BarColumns, path: str, folder: DataFolder, now: int) -> list[DataFinding]:
    """Checks of the bars of a file; one that cannot be read is a warning.

    Parameters
    ----------
    bars : BarColumns
    path : str
        File of the series, where `bars` names no other.
    folder : DataFolder
    now : int
        Last day of the bars that counts, since 1970-01-01.
    """
    try:
        columns = folder.columns(bars.path or path, bars.names, now=now)
    except InvalidDataError as error:
        text = f"not compared: {listed(error.faults, 1)}"
        return [DataFinding(check="no_bars", severity="warning", text=text)]
    if columns is None:
        return []
    close, high, low = (columns.numbers[name] for name in (bars.close, bars.high, bars.low))
    findings = outside_bar(columns.days, close, high, low)
    if bars.open:
        findings += stale_bars(columns.days, columns.numbers[bars.open], high, low, close)
    return findings
