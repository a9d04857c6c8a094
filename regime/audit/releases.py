"""Release rules held against the publishers' own.

A value used before it was public, a day that cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from regime.audit.findings import Finding
from regime.audit.publishers import WEEKDAYS, Publisher, publisher_of
from regime.sources.catalogue import Catalogue, Release, SeriesSpec

__all__ = ["release_findings", "rule_findings", "use_of_revised"]

RARE = 1 / 30  # share of short sessions, and of periods that a holiday moves to another weekday
RUN = 6  # periods in a row on a wrong weekday: no run of holidays is so long
Times = Callable[[pd.DatetimeIndex, Release], pd.DatetimeIndex]


def release_findings(observations: pd.DataFrame, catalogue: Catalogue) -> list[Finding]:
    """Values that count as known before their publisher can have given them, and periods on impossible weekdays.

    Parameters
    ----------
    observations : DataFrame
        Long table of `series, period, released, value`.
    catalogue : Catalogue
        Where each series comes from.

    Returns
    -------
    list of Finding
        Kinds ``release`` (size: the largest lead in days), ``weekday`` (size: rows) and
        ``revised``.
    """
    found = []
    for name, rows in observations.groupby("series", observed=True, sort=False):
        spec = catalogue.series.get(str(name))
        if spec is not None and len(rows):
            periods = pd.DatetimeIndex(rows["period"])
            found += _early(spec, periods, pd.DatetimeIndex(rows["released"]))
            found += _weekdays(spec, periods)
    return found + [finding for spec in catalogue.series.values() for finding in _untagged(spec)]


def rule_findings(
    catalogue: Catalogue, names: Iterable[str], release_times: Times
) -> list[Finding]:
    """The same for rules whose series have no values here, over ten years of made-up periods.

    Parameters
    ----------
    catalogue : Catalogue
    names : iterable of str
        Series to look at.
    release_times : callable
        `regime.panel.release_times.release_times`.
    """
    days = pd.date_range("2010-01-04", "2019-12-31")
    found = []
    for name in names:
        spec = catalogue.series[name]
        stamps = publisher_of(spec.path).stamps
        periods = days[np.isin(np.asarray(WEEKDAYS)[days.day_of_week], stamps)]
        found += _early(spec, periods, release_times(periods, spec.release))
    return found


def use_of_revised(catalogue: Catalogue, used: Iterable[str]) -> list[Finding]:
    """A warning for each single-vintage revised series that a feature reads."""
    return [
        Finding(
            kind="revised",
            name=name,
            place=_place(catalogue.series[name]),
            severity="warning",
            evidence=f"A feature reads it, and its one vintage knows a little of the future "
            f"({publisher_of(catalogue.series[name].path).says}).",
        )
        for name in sorted(set(used))
        if name in catalogue.series and catalogue.series[name].revised
    ]


def _early(
    spec: SeriesSpec, periods: pd.DatetimeIndex, released: pd.DatetimeIndex
) -> list[Finding]:
    publishers = {
        publisher.name: publisher for publisher in (publisher_of(part.path) for part in spec.parts)
    }
    leads = [_lead(publisher, periods, released) for publisher in publishers.values()]
    lead = np.minimum.reduce(
        leads
    )  # a splice may stem from an earlier publisher; which row does is not recorded
    early = np.flatnonzero(lead > 1 / 86_400)
    if not early.size:
        return []
    worst, first = float(lead[early].max()), early[0]
    publisher = next(iter(publishers.values()))
    return [
        Finding(
            kind="release",
            name=spec.name,
            place=_place(spec),
            size=worst,
            unit="days",
            evidence=f"{early.size} of {len(periods)} values count as known too early, the first that of "
            f"{periods[first]:%Y-%m-%d}, known {released[first]:%Y-%m-%d %H:%M} UTC; "
            f"{publisher.name}: {publisher.says}.",
        )
    ]


def _lead(
    publisher: Publisher, periods: pd.DatetimeIndex, released: pd.DatetimeIndex
) -> np.ndarray:
    """Days by which each release lies before the earliest possible instant.

    <= 0 where it does not.
    """
    lead = _days(publisher.earliest(periods), released)
    if publisher.short_days is None:
        return lead
    short = _days(publisher.earliest(periods, short=True), released)
    before_usual = (lead > 0) & (short <= 0)
    return short if before_usual.mean() <= RARE or len(periods) < 1 / RARE else lead


def _days(earliest: pd.DatetimeIndex, released: pd.DatetimeIndex) -> np.ndarray:
    return np.asarray((earliest - released).total_seconds()) / 86_400


def _weekdays(spec: SeriesSpec, periods: pd.DatetimeIndex) -> list[Finding]:
    stamps = {stamp for part in spec.parts for stamp in publisher_of(part.path).stamps}
    odd = ~np.isin(np.asarray(WEEKDAYS)[periods.day_of_week], sorted(stamps))
    run = _longest(odd)
    if odd.mean() <= RARE and run < RUN:
        return []
    first = periods[int(odd.argmax())]
    return [
        Finding(
            kind="weekday",
            name=spec.name,
            place=_place(spec),
            size=float(odd.sum()),
            unit="rows",
            evidence=f"{odd.sum()} of {len(periods)} periods fall on a weekday that the publisher does not "
            f"date, the first {first:%a %Y-%m-%d}; expected "
            f"{', '.join(sorted(stamps, key=WEEKDAYS.index))}.",
        )
    ]


def _untagged(spec: SeriesSpec) -> list[Finding]:
    publisher = publisher_of(spec.path)
    if spec.revised or not publisher.revised:
        return []
    return [
        Finding(
            kind="revised",
            name=spec.name,
            place=_place(spec),
            evidence=f"{publisher.name} estimates old values again, and the catalogue does not say so: "
            "set `revised: true`.",
        )
    ]


def _longest(mask: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.r_[0, mask.astype(np.int8), 0]))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


def _place(spec: SeriesSpec) -> str:
    return f"series.yaml, series.{spec.name}: {spec.path}"
