"""Release rules held against the publishers' own.

A value used before it was public, a day that cannot be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from regime.sources.catalogue import Catalogue, Release, SeriesSpec
from regime.studies.leakage.findings import Finding

__all__ = [
    "PUBLISHERS",
    "WEEKDAYS",
    "Publisher",
    "publisher_of",
    "release_findings",
    "rule_findings",
    "use_of_revised",
]

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


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = WEEKDAYS[:5]


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """One source of numbers and the earliest instant at which it can have given them.

    Parameters
    ----------
    name : str
    paths : tuple of str
        Patterns of the files, as the catalogue names them.
    says : str
        Where the rule comes from.
    weekdays : int
        Monday-to-Friday days after the period; negative for announced beforehand.
    calendar_days : int
        Calendar days after the period, before weekdays are counted.
    next : str, optional
        The first such weekday strictly after the period instead.
    time, zone : str
        Earliest time of that day.
    short_days : str, optional
        Earliest time on the few short sessions of a year.
    stamps : tuple of str
        Weekdays that a period can fall on.
    revised : bool
        Whether old values are estimated again.
    stopped : tuple of (date, date, date)
        First and last period of a stretch of which nothing was public before the third date.
    """

    name: str
    paths: tuple[str, ...]
    says: str
    weekdays: int = 0
    calendar_days: int = 0
    next: str | None = None
    time: str = "16:00"
    zone: str = "America/New_York"
    short_days: str | None = None
    stamps: tuple[str, ...] = WEEKDAYS
    revised: bool = False
    stopped: tuple[tuple[date, date, date], ...] = ()

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
        if self.next is not None:
            today = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
            days = days + ((WEEKDAYS.index(self.next) - today - 1) % 7 + 1).astype("m8[D]")
        elif self.weekdays:
            days = np.busday_offset(
                days, self.weekdays, roll="backward" if self.weekdays > 0 else "forward"
            )
        for first, last, public in self.stopped:
            inside = (periods >= pd.Timestamp(first)) & (periods <= pd.Timestamp(last))
            days = np.where(inside, np.maximum(days, np.datetime64(public)), days)
        hours, minutes = (self.short_days if short and self.short_days else self.time).split(":")
        local = pd.DatetimeIndex(days.astype("M8[us]")) + pd.Timedelta(
            hours=int(hours), minutes=int(minutes)
        )
        repeated = np.zeros(len(local), dtype=bool)
        return local.tz_localize(
            self.zone, ambiguous=repeated, nonexistent="shift_forward"
        ).tz_convert("UTC")


def publisher_of(path: str) -> Publisher:
    """The first publisher whose patterns hold the file.

    For a stranger, that no day is public before its close.
    """
    return next(
        (
            publisher
            for publisher in PUBLISHERS
            if any(fnmatchcase(path, pattern) for pattern in publisher.paths)
        ),
        STRANGER,
    )


STRANGER = Publisher(
    name="unknown publisher",
    paths=("*",),
    time="13:00",
    says="no number of a day is public before that day's session is over",
)

PUBLISHERS: tuple[Publisher, ...] = (
    Publisher(
        name="crypto exchanges",
        paths=("prices/BTC*", "prices/ETH*"),
        calendar_days=1,
        time="00:00",
        zone="UTC",
        says="days end at midnight UTC",
    ),
    Publisher(
        name="Tokyo",
        paths=("prices/^N225.csv",),
        time="15:00",
        zone="Asia/Tokyo",
        stamps=WORKDAYS,
        says="closing auction",
    ),
    Publisher(
        name="Hong Kong",
        paths=("prices/^HSI.csv",),
        time="16:00",
        zone="Asia/Hong_Kong",
        short_days="12:00",
        stamps=WORKDAYS,
        says="closing auction; noon on the eves of holidays",
    ),
    Publisher(
        name="Frankfurt",
        paths=("prices/^GDAXI.csv",),
        time="17:30",
        zone="Europe/Berlin",
        short_days="14:00",
        stamps=WORKDAYS,
        says="closing auction",
    ),
    Publisher(
        name="London",
        paths=("prices/^FTSE.csv",),
        time="16:30",
        zone="Europe/London",
        short_days="12:30",
        stamps=WORKDAYS,
        says="closing auction",
    ),
    Publisher(
        name="LBMA",
        paths=("prices/XAU_LBMA.csv",),
        time="15:00",
        zone="Europe/London",
        short_days="10:30",
        stamps=WORKDAYS,
        says="afternoon auction at 15:00",
    ),
    Publisher(
        name="Federal Reserve H.10",
        paths=("prices/USDJPY_FRED.csv", "macro/DEX*"),
        next="mon",
        time="16:15",
        stamps=WORKDAYS,
        says="noon rates of a week are published on the Monday after it",
    ),
    Publisher(
        name="Federal Reserve H.10 indices",
        paths=("macro/DTWEX*",),
        next="mon",
        time="16:15",
        stamps=WORKDAYS,
        revised=True,
        says="as H.10; weights are revised every year",
    ),
    Publisher(
        name="ICE dollar index",
        paths=("prices/DX-Y.NYB.csv",),
        time="17:00",
        stamps=WORKDAYS,
        says="the day's bar ends at 17:00",
    ),
    Publisher(
        name="Cboe, via FRED",
        paths=("macro/VXNCLS.csv", "macro/VIXCLS.csv", "macro/VXVCLS.csv"),
        short_days="13:00",
        says="close of the session",
    ),
    Publisher(
        name="New York close", paths=("prices/*",), short_days="13:00", says="close of the session"
    ),
    Publisher(
        name="MOVE",
        paths=("macro/MOVE.csv",),
        time="16:30",
        stamps=WORKDAYS,
        says="posted in the evening",
    ),
    Publisher(
        name="Federal Reserve H.15",
        time="16:15",
        stamps=WORKDAYS,
        paths=(
            "macro/DGS*",
            "macro/T10Y*",
            "macro/T5Y*",
            "macro/DFII*",
            "macro/DTB*",
            "macro/BAA10Y.csv",
            "macro/AAA10Y.csv",
        ),
        says="yields of a day are posted after its close",
    ),
    Publisher(
        name="St. Louis Fed, TED spread",
        paths=("macro/TEDRATE.csv",),
        weekdays=1,
        time="16:15",
        stamps=WORKDAYS,
        says="made from bill rates of H.15, which came on the evening of the next business day",
    ),
    Publisher(
        name="Kim-Wright",
        paths=("macro/THREEFYTP*", "macro/ACMTP*"),
        weekdays=5,
        time="16:15",
        stamps=WORKDAYS,
        revised=True,
        says="posted with a week's delay and estimated again each time",
    ),
    Publisher(
        name="Freddie Mac",
        paths=("macro/MORTGAGE30US.csv",),
        time="10:00",
        stamps=("wed", "thu", "fri", "sat"),
        says="dated by the day of publication, Thursday at 10:00, since 2022 at noon",
    ),
    Publisher(
        name="New York Fed, federal funds",
        paths=("macro/EFFR*", "macro/OBFR*"),
        weekdays=1,
        time="09:00",
        stamps=WORKDAYS,
        says="next business day at 09:00",
    ),
    Publisher(
        name="Federal Reserve, federal funds",
        paths=("macro/DFF.csv",),
        weekdays=1,
        time="09:00",
        says="average of all calendar days, next business day",
    ),
    Publisher(
        name="New York Fed, repo",
        paths=("macro/SOFR*", "macro/TGCR*", "macro/BGCR*", "macro/OFR_REPO_*"),
        weekdays=1,
        time="08:00",
        stamps=WORKDAYS,
        says="next business day at 08:00",
    ),
    Publisher(
        name="administered rates",
        paths=("macro/IORB.csv", "macro/IOER.csv", "macro/DFEDTAR*"),
        weekdays=-1,
        time="14:00",
        says="announced on the afternoon before they hold",
    ),
    Publisher(
        name="Federal Reserve commercial paper",
        paths=("macro/RIFSPP*", "macro/DCP*", "macro/CPFF.csv"),
        weekdays=1,
        time="13:00",
        stamps=WORKDAYS,
        says="next business day at 13:00",
    ),
    Publisher(
        name="New York Fed Desk, reverse repo",
        paths=("macro/RRPONTSYD*",),
        time="13:15",
        stamps=WORKDAYS,
        says="operation from 12:45 to 13:15",
    ),
    Publisher(
        name="New York Fed Desk, repo",
        paths=("macro/RPONTSYD.csv", "macro/RPTSYD.csv"),
        time="09:00",
        stamps=WORKDAYS,
        says="morning operations before 2021, 13:45 since",
    ),
    Publisher(
        name="Federal Reserve H.4.1",
        paths=("macro/W[A-Z]*", "macro/TREAST.csv", "macro/SWPT.csv", "macro/H41*"),
        next="thu",
        time="16:30",
        stamps=("wed",),
        says="Thursday at 16:30 for Wednesday",
    ),
    Publisher(
        name="ICE BofA indices",
        paths=("macro/BAML*",),
        time="17:00",
        says="index levels after the close",
    ),
    Publisher(
        name="Chicago Fed",
        paths=("macro/NFCI.csv", "macro/ANFCI.csv"),
        next="wed",
        time="08:30",
        stamps=("fri",),
        revised=True,
        says="Wednesday at 08:30 for the week to Friday; all history is estimated again",
    ),
    Publisher(
        name="St. Louis Fed",
        paths=("macro/STLFSI*",),
        next="thu",
        time="10:00",
        stamps=("fri",),
        revised=True,
        says="Thursday for the week to Friday; all history is estimated again",
    ),
    Publisher(
        name="newspaper indices",
        paths=("macro/GPRD*", "macro/USEPU*"),
        next="mon",
        time="09:00",
        revised=True,
        says="updated on Mondays and scaled again",
    ),
    Publisher(
        name="SqueezeMetrics",
        paths=("positioning/squeezemetrics*",),
        time="17:00",
        stamps=WORKDAYS,
        says="posted after the close",
    ),
    Publisher(
        name="Cboe statistics",
        paths=("positioning/cboe_*",),
        time="16:30",
        stamps=WORKDAYS,
        says="posted after the close",
    ),
    Publisher(
        name="NAAIM",
        paths=("positioning/naaim*",),
        next="thu",
        time="09:00",
        stamps=("tue", "wed"),
        says="Thursday for the survey to Wednesday",
    ),
    Publisher(
        name="AAII",
        paths=("positioning/aaii*",),
        time="06:00",
        stamps=("wed", "thu", "fri"),
        says="dated by the day of publication",
    ),
    Publisher(
        name="FINRA",
        paths=("positioning/finra*",),
        calendar_days=25,
        time="16:00",
        says="the third week of the month after, later in months with holidays",
    ),
    Publisher(
        name="CFTC",
        paths=("positioning/cot_*",),
        next="fri",
        time="15:30",
        stamps=("tue",),
        says="Friday at 15:30 for Tuesday; stopped in the shutdowns of 2013 and 2018-19 and after the ION attack",
        stopped=(
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
        says="price of the day over estimates",
    ),
    Publisher(
        name="Shiller, earnings",
        paths=("valuation/shiller_sp500.csv",),
        calendar_days=120,
        time="16:00",
        revised=True,
        says="reports of a quarter are complete about four months later, and straight in between",
    ),
    Publisher(
        name="Shiller",
        paths=("valuation/shiller*",),
        calendar_days=30,
        time="16:00",
        revised=True,
        says="monthly, with earnings that are reported and revised months later",
    ),
)
