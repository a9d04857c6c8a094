"""One series of the catalogue through every check that concerns it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.sources.catalogue import Release, SeriesSpec
from regime.sources.data_folder import Archive, Rows, Shelf
from regime.sources.quality import bars as bar_checks
from regime.sources.quality.calendar_gaps import (
    Gaps,
    Sessions,
    check_gaps,
    find_gaps,
    holiday_repeats,
    sparse_spells,
    weekend_rows,
)
from regime.sources.quality.cross_series import against_sibling, confirmed_ticks, runs_against
from regime.sources.quality.expectations import Bars, Sibling, Watch
from regime.sources.quality.findings import (
    Finding,
    Floats,
    Integers,
    Severity,
    Verdict,
    iso,
    listed,
    plural,
    verdict_of,
)
from regime.sources.quality.values import (
    bad_ticks,
    frozen_runs,
    negative_prices,
    power_of_ten,
    step_function,
)
from regime.sources.repairs import repaired_days

__all__ = [
    "Clock",
    "Inspection",
    "attendance",
    "bar_findings",
    "inspect_series",
    "sibling_findings",
    "value_findings",
]


REPEATS = {"frozen", "holiday_repeats", "stale_bar"}
OUTLIERS = {
    "bad_tick",
    "sibling",
    "outside_bar",
    "upside_down",
    "out_of_range",
    "not_finite",
    "negative",
}
ReleaseTimes = Callable[[pd.DatetimeIndex, Release], pd.DatetimeIndex]
SessionCloses = Callable[[pd.DatetimeIndex], pd.DatetimeIndex]


@dataclass(frozen=True, kw_only=True)
class Clock:
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
    >>> Clock(sessions=sessions, release_times=lambda periods, rule: periods, session_closes=lambda days: days).now
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
    """What the checks have to say on one series or table.

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
    findings : tuple of Finding

    Examples
    --------
    >>> Inspection(name="oil", title="Oil", path="oil.csv").sentence
    'nothing to object to'
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
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The gravest finding; notes leave it "ok"."""
        return verdict_of(self.findings)

    @property
    def sentence(self) -> str:
        """What made the verdict."""
        told = [finding.text for finding in self.findings if finding.severity == self.verdict]
        return "; ".join(told) if told else "nothing to object to"

    @property
    def repeats(self) -> int:
        """Runs and rows that stand still where they should not."""
        return sum(finding.count for finding in self.findings if finding.check in REPEATS)

    @property
    def outliers(self) -> int:
        """Values that something speaks against."""
        return sum(finding.count for finding in self.findings if finding.check in OUTLIERS)


def inspect_series(
    spec: SeriesSpec, watch: Watch, shelf: Shelf, archive: Archive, clock: Clock
) -> Inspection:
    """One series of the catalogue, read as a run reads it and, beside that, as its files have it.

    Parameters
    ----------
    spec : SeriesSpec
    watch : Watch
        What it is compared with.
    shelf : Shelf
        Of the catalogue; its faults of this series become findings.
    archive : Archive
        Of the same folder.
    clock : Clock
    """
    before = len(shelf.faults)
    rows = shelf.read(spec, clock.now)
    form = [finding for part in spec.parts for finding in archive.form(part.path)]
    told = shelf.faults[before:]
    if not told and not len(
        rows.days
    ):  # a shared file is opened once, and what is wrong with it told once
        told = [
            fault
            for fault in shelf.faults
            for part in spec.parts
            if fault.startswith(f"{part.path}: ")
        ]
    broken = [
        Finding(check="unreadable", severity="fault", text=text) for text in dict.fromkeys(told)
    ]
    if broken or not len(rows.days):
        empty = [] if broken else [_empty(spec, rows)]
        return Inspection(
            name=spec.name,
            title=spec.title,
            path=spec.path,
            required=spec.required,
            max_age_days=spec.max_age_days,
            findings=tuple([*form, *broken, *empty]),
        )
    gaps, present = attendance(
        rows.days, rows.values, spec.frequency, clock.sessions, spec.max_age_days
    )
    if spec.frequency == "daily":
        present += [
            one
            for number in range(len(spec.parts))
            for one in weekend_rows(rows.days[rows.part == number])
        ]
    findings = [
        *form,
        *_reading(spec, rows, clock),
        *present,
        *_values(spec, watch, shelf, archive, clock),
        *_nature(spec, rows, clock),
    ]
    return Inspection(
        name=spec.name,
        title=spec.title,
        path=spec.path,
        required=spec.required,
        rows=len(rows.days),
        first=int(rows.days[0]),
        last=int(rows.days[-1]),
        released=_released(spec, rows, clock),
        age_days=clock.now - int(rows.days[-1]),
        max_age_days=spec.max_age_days,
        gaps=gaps,
        findings=tuple(findings),
    )


def _empty(spec: SeriesSpec, rows: Rows) -> Finding:
    grave: Severity = "fault" if spec.required else "warning"
    if rows.absent:
        return Finding(check="absent", severity=grave, text=f"no file {spec.path}")
    told = "no row up to the last session" if rows.later else f"{spec.path} has no values"
    if rows.refused:
        told = f"{plural(len(rows.refused), 'value')} refused, none left: {rows.refused[0]}"
    return Finding(check="empty", severity=grave, text=told)


def _reading(spec: SeriesSpec, rows: Rows, clock: Clock) -> list[Finding]:
    """What the run itself would say: age, refused values, repairs, splices."""
    found, age = [], clock.now - int(rows.days[-1])
    grave: Severity = "fault" if spec.required else "warning"
    if age > spec.max_age_days:
        found.append(
            Finding(
                check="stale",
                severity=grave,
                text=(
                    f"ends early: the last value is of {iso(rows.days[-1])}, {age} days before "
                    f"{iso(clock.now)}, and at most "
                    f"{spec.max_age_days} are allowed"
                ),
            )
        )
    if rows.refused:
        found.append(
            Finding(
                check="out_of_range",
                severity="fault",
                count=len(rows.refused),
                text=(f"{plural(len(rows.refused), 'value')} refused, the first {rows.refused[0]}"),
            )
        )
    if rows.later:
        found.append(
            Finding(
                check="later", severity="note", text=f"rows after {iso(clock.now)} are left out"
            )
        )
    found += [
        Finding(check="repaired", severity="note", text=f"declared repair, {told}")
        for told in rows.repaired
    ]
    for number, part in enumerate(spec.splice, start=1):
        own = rows.days[rows.part == number]
        if len(own):
            kind = "a proxy" if part.proxy else "an older source"
            found.append(
                Finding(
                    check="proxy" if part.proxy else "splice",
                    severity="note",
                    count=len(own),
                    text=(
                        f"{plural(len(own), 'row')} from {iso(own[0])} to {iso(own[-1])} come "
                        f"from {part.path}, {kind}"
                    ),
                )
            )
    return found


def _nature(spec: SeriesSpec, rows: Rows, clock: Clock) -> list[Finding]:
    """What is true of every row and must be known: vintage, hour of release, caveat."""
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
    return found + _late(spec, rows, clock)


def _late(spec: SeriesSpec, rows: Rows, clock: Clock) -> list[Finding]:
    """Prices that are complete after the close of their own date only."""
    bars = spec.frequency == "continuous" or (spec.frequency == "daily" and spec.changes == "log")
    if not bars or spec.release.at_close:
        return []
    periods = _dates(rows.days[np.isin(rows.days, clock.sessions.days)][-250:])
    if not len(periods):
        return []
    delay = (
        clock.release_times(periods, spec.release) - clock.session_closes(periods)
    ).total_seconds() / 3600
    if float(np.min(delay)) <= 0:
        return []
    return [
        Finding(
            check="late_known",
            severity="note",
            text=(
                f"a day's value is public at {spec.release.time} {spec.release.zone}, at the "
                "earliest "
                f"{float(np.min(delay)):.0f} hours after the New York close of its date: it "
                "counts from the next session"
            ),
        )
    ]


def _values(
    spec: SeriesSpec, watch: Watch, shelf: Shelf, archive: Archive, clock: Clock
) -> list[Finding]:
    """Checks of the values after repairs; what repairs have mended is a note."""
    loose = replace(spec, low=-np.inf, high=np.inf, max_step=None)
    mended = shelf.read(loose, clock.now)
    found = _compared(spec, watch, mended, archive)
    if not spec.repairs:
        return found
    raw = shelf.read(replace(loose, repairs=()), clock.now)
    touched = {iso(day) for day in raw.days[repaired_days(spec.repairs, raw.days)]}
    still = {(one.check, date) for one in found for date in one.dates}
    return [_mended(one, touched) for one in found] + [
        _noted(one)
        for one in _compared(spec, watch, raw, archive)
        if one.dates and not any((one.check, date) in still for date in one.dates)
    ]


def _mended(finding: Finding, touched: set[str]) -> Finding:
    return _noted(finding) if finding.dates and set(finding.dates) <= touched else finding


def _noted(finding: Finding) -> Finding:
    return replace(
        finding,
        severity="note",
        text=f"{finding.text.removesuffix('; declare a repair `scale`')}; "
        "mended by a declared repair",
    )


def _compared(spec: SeriesSpec, watch: Watch, rows: Rows, archive: Archive) -> list[Finding]:
    found = value_findings(
        rows.days,
        rows.values,
        spec.changes,
        (spec.low, spec.high),
        spec.unit,
        grouped=bool(watch.one_unit),
    )
    found = sibling_findings(rows.days, rows.values, spec.changes, watch.siblings, archive, found)
    return found + (bar_findings(watch.bars, spec.path, archive) if watch.bars is not None else [])


def _released(spec: SeriesSpec, rows: Rows, clock: Clock) -> pd.Timestamp:
    rule = spec.parts[int(rows.part[-1])].release or spec.release
    return clock.release_times(_dates(rows.days[-1:]), rule)[0]


def _dates(days: Integers) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(days.astype("M8[D]").astype("M8[us]"))


def attendance(
    days: Integers, values: Floats, frequency: str, sessions: Sessions, limit: int | None
) -> tuple[Gaps, list[Finding]]:
    """Gaps, holes, thin spells, weekend rows and holiday rows that repeat, of one series or table.

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
    found = check_gaps(days, gaps, frequency, sessions, limit)
    if frequency == "daily":
        thin = sparse_spells(days, sessions)
        if thin:  # between operation days there are holes of any length, and one finding says so
            found = [one for one in found if one.check != "hole"]
        found += thin
        matrix = values.reshape(len(days), -1)
        alike = ((matrix[1:] == matrix[:-1]) | (np.isnan(matrix[1:]) & np.isnan(matrix[:-1]))).all(
            axis=1
        )
        found += holiday_repeats(days, np.concatenate([[False], alike]), sessions)
    return gaps, found


def value_findings(
    days: Integers,
    values: Floats,
    changes: str,
    bounds: tuple[float, float],
    unit: str,
    *,
    grouped: bool = False,
) -> list[Finding]:
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
    found = step_function(days, values)
    if not grouped:
        found += power_of_ten(days, values, unit, 1 if changes == "log" else 2)
    if changes == "none":
        return found
    if changes == "log":
        found += negative_prices(days, values, *bounds, unit)
    return found + bad_ticks(days, values, changes) + frozen_runs(days, values)


def sibling_findings(
    days: Integers,
    values: Floats,
    changes: str,
    siblings: Sequence[Sibling],
    archive: Archive,
    alone: Sequence[Finding] = (),
) -> list[Finding]:
    """What `value_findings` found, with what every sibling that the folder has says to it.

    Parameters
    ----------
    days, values : ndarray, shape (n,)
        Finite values by rising day.
    changes : {"log", "linear", "none"}
    siblings : sequence of Sibling
        One that cannot be read is a warning.
    archive : Archive
    alone : sequence of Finding
        Bad ticks among them become notes where a sibling has them too.
    """
    found = list(alone)
    for sibling in siblings:
        name = (
            sibling.path
            if sibling.column in ("value", "close")
            else f"{sibling.path}, {sibling.column}"
        )
        try:
            columns = archive.read(sibling.path, [sibling.column], sibling.where)
        except InvalidDataError as error:
            found.append(
                Finding(
                    check="no_sibling",
                    severity="warning",
                    text=f"not compared: {listed(error.faults, 1)}",
                )
            )
            continue
        if columns is None:
            continue
        theirs, numbers = columns.finite(sibling.column)
        other = (theirs, numbers * sibling.scale)
        if sibling.direction:
            found += runs_against(days, values, other, name)
            continue
        found = [
            confirmed_ticks(
                one,
                days,
                values,
                other,
                name,
                sibling.tolerance,
                changes=changes,
                neighbours=sibling.neighbours,
            )
            if one.check == "bad_tick"
            else one
            for one in found
        ]
        found += against_sibling(
            days,
            values,
            other,
            name,
            sibling.tolerance,
            changes=changes,
            neighbours=sibling.neighbours,
        )
    return found


def bar_findings(bars: Bars, path: str, archive: Archive) -> list[Finding]:
    """Checks of the bars of a file.

    Those of a file that cannot be read are left to whoever reads it.
    """
    names = [name for name in (bars.open, bars.high, bars.low, bars.close) if name]
    try:
        columns = archive.read(bars.path or path, names)
    except InvalidDataError as error:
        return [
            Finding(
                check="no_bars", severity="warning", text=f"not compared: {listed(error.faults, 1)}"
            )
        ]
    if columns is None:
        return []
    days, numbers = columns.days, columns.numbers
    close, high, low = (numbers[name] for name in (bars.close, bars.high, bars.low))
    found = bar_checks.outside_bar(days, close, high, low)
    return found + (
        bar_checks.stale_bars(days, numbers[bars.open], high, low, close) if bars.open else []
    )
