"""Release rules of the catalogue against a second statement of the publishers' schedules.

The catalogue says when a value counts as known; `PUBLISHERS` says before which instant it cannot
be. Days are counted over Monday to Friday alone: a holiday only delays, so leaving holidays out
errs on the safe side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from regime.arrays import Booleans, Floats
from regime.sources.catalogue import Catalogue, SeriesSpec
from regime.sources.release_rules import ReleaseTimes
from regime.studies.leakage.findings import Finding

__all__ = [
    "PUBLISHERS",
    "WEEKDAYS",
    "Publisher",
    "find_publisher",
    "release_findings",
    "revised_input_findings",
    "rule_findings",
]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = WEEKDAYS[:5]
RARE = 1 / 30  # share of short sessions, and of periods that a holiday moves to another weekday
RUN = 6  # periods in a row on a wrong weekday: no run of holidays is so long
ONE_SECOND = 1 / 86_400  # days


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """One publisher, and the earliest instant at which a value of its series can be public.

    Parameters
    ----------
    name : str
    paths : tuple of str
        Patterns of the files, as the catalogue names them.
    source : str
        Where the rule comes from.
    weekdays : int
        Monday-to-Friday days after the period; negative where values are announced beforehand.
    calendar_days : int
        Calendar days after the period, before weekdays are counted.
    next_weekday : str, optional
        Instead: the first such weekday strictly after the period.
    time, zone : str
        Earliest time of that day.
    short_days : str, optional
        Earliest time on the few short sessions of a year.
    period_weekdays : tuple of str
        Weekdays that a period can fall on.
    revised : bool
        Whether old values are re-estimated.
    interruptions : tuple of (date, date, date)
        First and last period of a stretch of which nothing was public before the third date.

    Examples
    --------
    >>> fed = find_publisher("macro/WALCL.csv")
    >>> str(fed.earliest(pd.DatetimeIndex(["2024-05-01"]))[0])
    '2024-05-02 20:30:00+00:00'
    """

    name: str
    paths: tuple[str, ...]
    source: str
    weekdays: int = 0
    calendar_days: int = 0
    next_weekday: str | None = None
    time: str = "16:00"
    zone: str = "America/New_York"
    short_days: str | None = None
    period_weekdays: tuple[str, ...] = WEEKDAYS
    revised: bool = False
    interruptions: tuple[tuple[date, date, date], ...] = ()

    def earliest(self, periods: pd.DatetimeIndex, *, short: bool = False) -> pd.DatetimeIndex:
        """Instants before which the periods cannot have been public, shape (n,), UTC.

        Parameters
        ----------
        periods : DatetimeIndex, shape (n,)
            Naive dates.
        short : bool
            Whether to take every session for a short one.
        """
        days = periods.to_numpy().astype("M8[D]") + np.timedelta64(self.calendar_days, "D")
        if self.next_weekday is not None:
            weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
            wait = (WEEKDAYS.index(self.next_weekday) - weekday - 1) % 7 + 1
            days = days + wait.astype("m8[D]")
        elif self.weekdays:
            days = np.busday_offset(
                days, self.weekdays, roll="backward" if self.weekdays > 0 else "forward"
            )
        for first, last, public in self.interruptions:
            inside = (periods >= pd.Timestamp(first)) & (periods <= pd.Timestamp(last))
            days = np.where(inside, np.maximum(days, np.datetime64(public)), days)
        clock = self.short_days if short and self.short_days else self.time
        hours, minutes = clock.split(":")
        local = pd.DatetimeIndex(days.astype("M8[us]")) + pd.Timedelta(
            hours=int(hours), minutes=int(minutes)
        )
        daylight_saving = np.zeros(len(local), dtype=bool)
        return local.tz_localize(
            self.zone, ambiguous=daylight_saving, nonexistent="shift_forward"
        ).tz_convert("UTC")


def release_findings(observations: pd.DataFrame, catalogue: Catalogue) -> list[Finding]:
    """Values used before their publisher can have released them, and periods on wrong weekdays.

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
    findings = []
    for name, rows in observations.groupby("series", observed=True, sort=False):
        spec = catalogue.series.get(str(name))
        if spec is not None and len(rows):
            periods = pd.DatetimeIndex(rows["period"])
            findings += _early_releases(spec, periods, pd.DatetimeIndex(rows["released"]))
            findings += _wrong_weekdays(spec, periods)
    for spec in catalogue.series.values():
        findings += _undeclared_revisions(spec)
    return findings


def rule_findings(
    catalogue: Catalogue, names: Iterable[str], release_times: ReleaseTimes
) -> list[Finding]:
    """Early release rules of series without values, over ten years of generated periods.

    Parameters
    ----------
    catalogue : Catalogue
    names : iterable of str
        Series to check.
    release_times : callable
        `regime.panel.release_times.release_times`.
    """
    days = pd.date_range("2010-01-04", "2019-12-31")
    findings = []
    for name in names:
        spec = catalogue.series[name]
        expected = find_publisher(spec.path).period_weekdays
        periods = days[np.isin(np.asarray(WEEKDAYS)[days.day_of_week], expected)]
        findings += _early_releases(spec, periods, release_times(periods, spec.release))
    return findings


def revised_input_findings(catalogue: Catalogue, used: Iterable[str]) -> list[Finding]:
    """A warning for each revised series, of which there is one vintage, that a feature reads."""
    return [
        Finding(
            kind="revised",
            name=name,
            location=_location(catalogue.series[name]),
            severity="warning",
            evidence="A feature reads it, and its only vintage contains later revisions "
            f"({find_publisher(catalogue.series[name].path).source}).",
        )
        for name in sorted(set(used))
        if name in catalogue.series and catalogue.series[name].revised
    ]


def find_publisher(path: str) -> Publisher:
    """The first publisher with a pattern for the file; `UNKNOWN_PUBLISHER` if there is none."""
    for publisher in PUBLISHERS:
        if any(fnmatchcase(path, pattern) for pattern in publisher.paths):
            return publisher
    return UNKNOWN_PUBLISHER


def _early_releases(
    spec: SeriesSpec, periods: pd.DatetimeIndex, released: pd.DatetimeIndex
) -> list[Finding]:
    publishers = {}
    for part in spec.parts:
        publisher = find_publisher(part.path)
        publishers[publisher.name] = publisher
    # Which publisher of a spliced series a row comes from is not recorded: the most lenient counts.
    lead = np.minimum.reduce(
        [_days_early(publisher, periods, released) for publisher in publishers.values()]
    )
    early = np.flatnonzero(lead > ONE_SECOND)
    if not early.size:
        return []
    first = early[0]
    publisher = next(iter(publishers.values()))
    return [
        Finding(
            kind="release",
            name=spec.name,
            location=_location(spec),
            size=float(lead[early].max()),
            unit="days",
            evidence=f"{early.size} of {len(periods)} values count as known too early, the first "
            f"that of {periods[first]:%Y-%m-%d}, known {released[first]:%Y-%m-%d %H:%M} UTC; "
            f"{publisher.name}: {publisher.source}.",
        )
    ]


def _days_early(
    publisher: Publisher, periods: pd.DatetimeIndex, released: pd.DatetimeIndex
) -> Floats:
    """Days by which each release precedes the earliest possible instant; <= 0 where none does."""
    lead = _days_between(released, publisher.earliest(periods))
    if publisher.short_days is None:
        return lead
    short = _days_between(released, publisher.earliest(periods, short=True))
    only_if_short = (lead > 0) & (short <= 0)
    return short if only_if_short.mean() <= RARE or len(periods) < 1 / RARE else lead


def _days_between(first: pd.DatetimeIndex, second: pd.DatetimeIndex) -> Floats:
    return np.asarray((second - first).total_seconds()) / 86_400


def _wrong_weekdays(spec: SeriesSpec, periods: pd.DatetimeIndex) -> list[Finding]:
    expected = {
        weekday for part in spec.parts for weekday in find_publisher(part.path).period_weekdays
    }
    wrong = ~np.isin(np.asarray(WEEKDAYS)[periods.day_of_week], sorted(expected))
    if wrong.mean() <= RARE and _longest_run(wrong) < RUN:
        return []
    first = periods[int(wrong.argmax())]
    return [
        Finding(
            kind="weekday",
            name=spec.name,
            location=_location(spec),
            size=float(wrong.sum()),
            unit="rows",
            evidence=f"{wrong.sum()} of {len(periods)} periods fall on a weekday that the "
            f"publisher does not use, the first {first:%a %Y-%m-%d}; expected "
            f"{', '.join(sorted(expected, key=WEEKDAYS.index))}.",
        )
    ]


def _undeclared_revisions(spec: SeriesSpec) -> list[Finding]:
    publisher = find_publisher(spec.path)
    if spec.revised or not publisher.revised:
        return []
    return [
        Finding(
            kind="revised",
            name=spec.name,
            location=_location(spec),
            evidence=f"{publisher.name} re-estimates old values, and the catalogue does not "
            "declare it: set `revised: true`.",
        )
    ]


def _longest_run(mask: Booleans) -> int:
    edges = np.flatnonzero(np.diff(np.r_[0, mask.astype(np.int8), 0]))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0


def _location(spec: SeriesSpec) -> str:
    return f"series.yaml, series.{spec.name}: {spec.path}"


UNKNOWN_PUBLISHER = Publisher(
    name="unknown publisher",
    paths=("*",),
    time="13:00",
    source="no value of a day is public before the close of that day's session",
)

PUBLISHERS: tuple[Publisher, ...] = (
    Publisher(
        name="crypto exchanges",
        paths=("prices/BTC*", "prices/ETH*"),
        calendar_days=1,
        time="00:00",
        zone="UTC",
        source="days end at midnight UTC",
    ),
    Publisher(
        name="Tokyo",
        paths=("prices/^N225.csv",),
        time="15:00",
        zone="Asia/Tokyo",
        period_weekdays=WORKDAYS,
        source="closing auction",
    ),
    Publisher(
        name="Hong Kong",
        paths=("prices/^HSI.csv",),
        time="16:00",
        zone="Asia/Hong_Kong",
        short_days="12:00",
        period_weekdays=WORKDAYS,
        source="closing auction; noon on the eves of holidays",
    ),
    Publisher(
        name="Frankfurt",
        paths=("prices/^GDAXI.csv",),
        time="17:30",
        zone="Europe/Berlin",
        short_days="14:00",
        period_weekdays=WORKDAYS,
        source="closing auction",
    ),
    Publisher(
        name="London",
        paths=("prices/^FTSE.csv",),
        time="16:30",
        zone="Europe/London",
        short_days="12:30",
        period_weekdays=WORKDAYS,
        source="closing auction",
    ),
    Publisher(
        name="LBMA",
        paths=("prices/XAU_LBMA.csv",),
        time="15:00",
        zone="Europe/London",
        short_days="10:30",
        period_weekdays=WORKDAYS,
        source="afternoon auction at 15:00",
    ),
    Publisher(
        name="Federal Reserve H.10",
        paths=("prices/USDJPY_FRED.csv", "macro/DEX*"),
        next_weekday="mon",
        time="16:15",
        period_weekdays=WORKDAYS,
        source="noon rates of a week are published on the Monday after it",
    ),
    Publisher(
        name="Federal Reserve H.10 indices",
        paths=("macro/DTWEX*",),
        next_weekday="mon",
        time="16:15",
        period_weekdays=WORKDAYS,
        revised=True,
        source="as H.10; weights are revised every year",
    ),
    Publisher(
        name="ICE dollar index",
        paths=("prices/DX-Y.NYB.csv",),
        time="17:00",
        period_weekdays=WORKDAYS,
        source="the day's bar ends at 17:00",
    ),
    Publisher(
        name="Cboe, via FRED",
        paths=("macro/VXNCLS.csv", "macro/VIXCLS.csv", "macro/VXVCLS.csv"),
        short_days="13:00",
        source="close of the session",
    ),
    Publisher(
        name="New York close",
        paths=("prices/*",),
        short_days="13:00",
        source="close of the session",
    ),
    Publisher(
        name="MOVE",
        paths=("macro/MOVE.csv",),
        time="16:30",
        period_weekdays=WORKDAYS,
        source="posted in the evening",
    ),
    Publisher(
        name="Federal Reserve H.15",
        time="16:15",
        period_weekdays=WORKDAYS,
        paths=(
            "macro/DGS*",
            "macro/T10Y*",
            "macro/T5Y*",
            "macro/DFII*",
            "macro/DTB*",
            "macro/BAA10Y.csv",
            "macro/AAA10Y.csv",
        ),
        source="yields of a day are posted after its close",
    ),
    Publisher(
        name="St. Louis Fed, TED spread",
        paths=("macro/TEDRATE.csv",),
        weekdays=1,
        time="16:15",
        period_weekdays=WORKDAYS,
        source="computed from bill rates of H.15, released on the evening of the next business day",
    ),
    Publisher(
        name="Kim-Wright",
        paths=("macro/THREEFYTP*", "macro/ACMTP*"),
        weekdays=5,
        time="16:15",
        period_weekdays=WORKDAYS,
        revised=True,
        source="posted with a week's delay and re-estimated each time",
    ),
    Publisher(
        name="Freddie Mac",
        paths=("macro/MORTGAGE30US.csv",),
        time="10:00",
        period_weekdays=("wed", "thu", "fri", "sat"),
        source="dated by the day of publication, Thursday at 10:00, since 2022 at noon",
    ),
    Publisher(
        name="New York Fed, federal funds",
        paths=("macro/EFFR*", "macro/OBFR*"),
        weekdays=1,
        time="09:00",
        period_weekdays=WORKDAYS,
        source="next business day at 09:00",
    ),
    Publisher(
        name="Federal Reserve, federal funds",
        paths=("macro/DFF.csv",),
        weekdays=1,
        time="09:00",
        source="average of all calendar days, next business day",
    ),
    Publisher(
        name="New York Fed, repo",
        paths=("macro/SOFR*", "macro/TGCR*", "macro/BGCR*", "macro/OFR_REPO_*"),
        weekdays=1,
        time="08:00",
        period_weekdays=WORKDAYS,
        source="next business day at 08:00",
    ),
    Publisher(
        name="administered rates",
        paths=("macro/IORB.csv", "macro/IOER.csv", "macro/DFEDTAR*"),
        weekdays=-1,
        time="14:00",
        source="announced on the afternoon before they take effect",
    ),
    Publisher(
        name="Federal Reserve commercial paper",
        paths=("macro/RIFSPP*", "macro/DCP*", "macro/CPFF.csv"),
        weekdays=1,
        time="13:00",
        period_weekdays=WORKDAYS,
        source="next business day at 13:00",
    ),
    Publisher(
        name="New York Fed Desk, reverse repo",
        paths=("macro/RRPONTSYD*",),
        time="13:15",
        period_weekdays=WORKDAYS,
        source="operation from 12:45 to 13:15",
    ),
    Publisher(
        name="New York Fed Desk, repo",
        paths=("macro/RPONTSYD.csv", "macro/RPTSYD.csv"),
        time="09:00",
        period_weekdays=WORKDAYS,
        source="morning operations before 2021, 13:45 since",
    ),
    Publisher(
        name="Federal Reserve H.4.1",
        paths=("macro/W[A-Z]*", "macro/TREAST.csv", "macro/SWPT.csv", "macro/H41*"),
        next_weekday="thu",
        time="16:30",
        period_weekdays=("wed",),
        source="Thursday at 16:30 for Wednesday",
    ),
    Publisher(
        name="ICE BofA indices",
        paths=("macro/BAML*",),
        time="17:00",
        source="index levels after the close",
    ),
    Publisher(
        name="Chicago Fed",
        paths=("macro/NFCI.csv", "macro/ANFCI.csv"),
        next_weekday="wed",
        time="08:30",
        period_weekdays=("fri",),
        revised=True,
        source="Wednesday at 08:30 for the week to Friday; all history is re-estimated",
    ),
    Publisher(
        name="St. Louis Fed",
        paths=("macro/STLFSI*",),
        next_weekday="thu",
        time="10:00",
        period_weekdays=("fri",),
        revised=True,
        source="Thursday for the week to Friday; all history is re-estimated",
    ),
    Publisher(
        name="newspaper indices",
        paths=("macro/GPRD*", "macro/USEPU*"),
        next_weekday="mon",
        time="09:00",
        revised=True,
        source="updated on Mondays and rescaled",
    ),
    Publisher(
        name="SqueezeMetrics",
        paths=("positioning/squeezemetrics*",),
        time="17:00",
        period_weekdays=WORKDAYS,
        source="posted after the close",
    ),
    Publisher(
        name="Cboe statistics",
        paths=("positioning/cboe_*",),
        time="16:30",
        period_weekdays=WORKDAYS,
        source="posted after the close",
    ),
    Publisher(
        name="NAAIM",
        paths=("positioning/naaim*",),
        next_weekday="thu",
        time="09:00",
        period_weekdays=("tue", "wed"),
        source="Thursday for the survey to Wednesday",
    ),
    Publisher(
        name="AAII",
        paths=("positioning/aaii*",),
        time="06:00",
        period_weekdays=("wed", "thu", "fri"),
        source="dated by the day of publication",
    ),
    Publisher(
        name="FINRA",
        paths=("positioning/finra*",),
        calendar_days=25,
        time="16:00",
        source="the third week of the month after, later in months with holidays",
    ),
    Publisher(
        name="CFTC",
        paths=("positioning/cot_*",),
        next_weekday="fri",
        time="15:30",
        period_weekdays=("tue",),
        source="Friday at 15:30 for Tuesday; interrupted by the shutdowns of 2013 and 2018-19 and "
        "by the ION attack",
        interruptions=(
            (date(2013, 10, 1), date(2013, 10, 15), date(2013, 10, 21)),
            (date(2018, 12, 24), date(2018, 12, 24), date(2019, 2, 1)),
            (date(2018, 12, 31), date(2019, 1, 2), date(2019, 2, 5)),
            (date(2019, 1, 8), date(2019, 1, 8), date(2019, 2, 8)),
            (date(2019, 1, 15), date(2019, 1, 15), date(2019, 2, 12)),
            (date(2019, 1, 22), date(2019, 1, 22), date(2019, 2, 15)),
            (date(2019, 1, 29), date(2019, 1, 29), date(2019, 2, 19)),
            (date(2019, 2, 5), date(2019, 2, 5), date(2019, 2, 22)),
            (date(2019, 2, 12), date(2019, 2, 12), date(2019, 2, 26)),
            (date(2019, 2, 19), date(2019, 2, 19), date(2019, 3, 1)),
            (date(2019, 2, 26), date(2019, 2, 26), date(2019, 3, 5)),
            (date(2023, 1, 31), date(2023, 2, 14), date(2023, 2, 24)),
        ),
    ),
    Publisher(
        name="consensus estimates",
        paths=("valuation/forward_pe*", "valuation/trailing_pe*"),
        time="16:15",
        source="price of the day over estimates",
    ),
    Publisher(
        name="Shiller, earnings",
        paths=("valuation/shiller_sp500.csv",),
        calendar_days=120,
        time="16:00",
        revised=True,
        source="reports of a quarter are complete after about four months, interpolated in between",
    ),
    Publisher(
        name="Shiller",
        paths=("valuation/shiller*",),
        calendar_days=30,
        time="16:00",
        revised=True,
        source="monthly, with earnings that are reported and revised months later",
    ),
)
