"""Days that a series has and lacks, against its frequency and the sessions of the exchange."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regime.arrays import Booleans, Integers
from regime.sources.quality.findings import DataFinding, dated, iso, listed, plural

__all__ = [
    "Gaps",
    "Sessions",
    "check_gaps",
    "find_gaps",
    "holiday_repeats",
    "sparse_periods",
    "weekend_rows",
]

# Fewer rows than every other session, over a year: published on some days only.
SPARSE_SHARE = 0.5
SPARSE_SESSIONS = 250
SEVEN_DAYS = 0.2  # share of weekend rows (of 2 in 7) from which a source publishes on all days
# Days between neighbouring rows that each frequency brings with it.
GAP_TOLERANCE = {"daily": 10, "continuous": 7, "weekly": 16, "monthly": 70, "irregular": 200}


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """The calendar that a folder is compared with.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
        Sessions of the exchange as days since 1970-01-01, rising.
    federal : ndarray of int64, shape (m,)
        Federal holidays on which the exchange is open.
    now : int
        The last session of the folder.
    """

    days: Integers
    federal: Integers
    now: int


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """Periods that a series lacks between its first and its last.

    Parameters
    ----------
    missing : int
        Periods of its frequency without a row: sessions, days, weeks or months; 0 for irregular
        ones.
    federal : int
        How many of them are federal holidays.
    longest_days : int
        Most calendar days between neighbouring rows; 0 for fewer than two rows.
    since, until : int
        The rows before and after that gap.
    """

    missing: int = 0
    federal: int = 0
    longest_days: int = 0
    since: int = 0
    until: int = 0


def find_gaps(days: Integers, frequency: str, sessions: Sessions) -> Gaps:
    """Gaps of one series.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
        Rising.
    frequency : str
        As in the catalogue.
    sessions : Sessions
    """
    if len(days) < 2:
        return Gaps()
    steps = np.diff(days)
    position = int(np.argmax(steps))
    missing, federal = _missing(days, steps, frequency, sessions)
    return Gaps(
        missing=missing,
        federal=federal,
        longest_days=int(steps[position]),
        since=int(days[position]),
        until=int(days[position + 1]),
    )


def _missing(
    days: Integers, steps: Integers, frequency: str, sessions: Sessions
) -> tuple[int, int]:
    if frequency == "daily":
        absent = np.setdiff1d(_within(sessions.days, days), days, assume_unique=True)
        return len(absent), int(np.isin(absent, sessions.federal).sum())
    if frequency == "monthly":
        months = days.astype("M8[D]").astype("M8[M]").astype(np.int64)
        return int(np.maximum(np.diff(months) - 1, 0).sum()), 0
    usual = {"continuous": 1.0, "weekly": 7.0}.get(frequency)
    return (0 if usual is None else int(np.maximum(np.round(steps / usual) - 1, 0).sum())), 0


def _within(sessions: Integers, days: Integers) -> Integers:
    return np.asarray(sessions[(sessions >= days[0]) & (sessions <= days[-1])])


def check_gaps(
    days: Integers, gaps: Gaps, frequency: str, sessions: Sessions, limit: int | None = None
) -> list[DataFinding]:
    """Missing periods as a note, and holes that leave a value older than `limit` as a warning.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
    gaps : Gaps
        As `find_gaps` of the same days.
    frequency : str
    sessions : Sessions
        Where the exchange itself was closed, a daily series has no hole.
    limit : int, optional
        Largest age in days; never less than what the frequency brings with it.
    """
    findings = []
    if gaps.missing:
        word = {"daily": "US session", "weekly": "week", "monthly": "month"}.get(frequency, "day")
        holidays = (
            f", {gaps.federal:,} of them federal holidays on which the exchange is open"
            if gaps.federal
            else ""
        )
        findings.append(
            DataFinding(
                check="gaps",
                severity="note",
                count=gaps.missing,
                text=(
                    f"no row on {plural(gaps.missing, word)} between its first and its "
                    f"last{holidays}; the longest gap is {gaps.longest_days} days, "
                    f"{iso(gaps.since)} to {iso(gaps.until)}"
                ),
            )
        )
    steps = np.diff(days)
    tolerance = max(limit or 0, GAP_TOLERANCE[frequency])
    holes = np.flatnonzero(steps > tolerance)
    if frequency == "daily":  # where the exchange itself was closed, nothing is missing
        holes = holes[
            np.array(
                [
                    bool(((sessions.days > days[hole]) & (sessions.days < days[hole + 1])).any())
                    for hole in holes
                ],
                dtype=bool,
            )
        ]
    if len(holes):
        examples = [
            f"{iso(days[hole])} to {iso(days[hole + 1])} ({steps[hole]} days)" for hole in holes
        ]
        findings.append(
            DataFinding(
                check="hole",
                severity="warning",
                count=len(holes),
                dates=dated(days[holes]),
                text=(
                    f"{plural(len(holes), 'hole')} longer than {tolerance} days: "
                    f"{listed(examples, 4)}"
                ),
            )
        )
    return findings


def sparse_periods(days: Integers, sessions: Sessions) -> list[DataFinding]:
    """Periods of a year and more in which some sessions have a row, but fewer than half."""
    expected = _within(sessions.days, days) if len(days) else sessions.days[:0]
    if len(expected) < 2 * SPARSE_SESSIONS:
        return []
    present = np.cumsum(np.concatenate([[0], np.isin(expected, days)]))
    share = (present[SPARSE_SESSIONS:] - present[:-SPARSE_SESSIONS]) / SPARSE_SESSIONS
    # A window is thin as a whole: its rows are those from any thin start to as many rows on.
    starts = np.concatenate([share < SPARSE_SHARE, np.zeros(SPARSE_SESSIONS, dtype=bool)])
    covered = np.cumsum(starts) - np.concatenate(
        [np.zeros(SPARSE_SESSIONS), np.cumsum(starts)[:-SPARSE_SESSIONS]]
    )
    findings = []
    for span in _spans(covered[: len(expected)] > 0):
        start, stop = _thinnest(np.diff(present)[span[0] : span[1]], span[0])
        rows = int(present[stop] - present[start])
        if rows:
            findings.append(
                DataFinding(
                    check="sparse",
                    severity="warning",
                    count=stop - start - rows,
                    dates=(iso(expected[start]), iso(expected[stop - 1])),
                    text=(
                        f"rows on {rows:,} of {stop - start:,} sessions from "
                        f"{iso(expected[start])} to {iso(expected[stop - 1])}: published on some "
                        "days only, or too few trades; the last value is often old"
                    ),
                )
            )
    return findings


def _thinnest(present: Integers, offset: int) -> tuple[int, int]:
    """The stretch of a span with the largest surplus of absent sessions; dense ends are cut."""
    surplus = np.cumsum(0.5 - present)
    stop = int(np.argmax(surplus)) + 1
    start = int(np.argmin(np.concatenate([[0.0], surplus[:stop]])[:stop]))
    return offset + start, offset + stop


def _spans(mask: Booleans) -> list[tuple[int, int]]:
    """Start and end (excluded) of every run of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def weekend_rows(days: Integers) -> list[DataFinding]:
    """Rows of a daily source on a Saturday or Sunday; a note where it has one on every such day."""
    weekend = days[(days + 3) % 7 >= 5]
    if not len(weekend):
        return []
    if len(weekend) > SEVEN_DAYS * len(days):
        return [
            DataFinding(
                check="seven_days",
                severity="note",
                count=len(weekend),
                text=(
                    f"{plural(len(weekend), 'row')} from {iso(days[0])} to {iso(days[-1])} on a "
                    "Saturday or Sunday: the source repeats Friday's value over the weekend, or "
                    "publishes on all days"
                ),
            )
        ]
    following = weekend.astype("M8[D]") + 1
    ends = int((following.astype("M8[M]").astype("M8[D]") == following).sum())
    at_ends = f"; {ends} of them at the end of a month" if ends else ""
    return [
        DataFinding(
            check="weekend",
            severity="warning",
            count=len(weekend),
            dates=dated(weekend),
            text=(
                f"{plural(len(weekend), 'row')} dated on a Saturday or Sunday{at_ends}: "
                f"{listed(dated(weekend), 3)}"
            ),
        )
    ]


def holiday_repeats(days: Integers, same: Booleans, sessions: Sessions) -> list[DataFinding]:
    """Weekdays without a session whose row repeats the one before, where repeats are rare else.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
    same : ndarray of bool, shape (n,)
        Whether a row repeats the one before in all its columns.
    sessions : Sessions
    """
    reach = (days >= sessions.days[0]) & (days <= sessions.days[-1]) & ((days + 3) % 7 < 5)
    closed = reach & ~np.isin(days, sessions.days)
    filled = closed & same
    on_sessions = reach & ~closed
    usual = float(same[on_sessions].mean()) if on_sessions.any() else 1.0
    if filled.sum() < 3 or filled.sum() < max(0.5, 3 * usual) * closed.sum():
        return []
    return [
        DataFinding(
            check="holiday_repeats",
            severity="warning",
            count=int(filled.sum()),
            dates=dated(days[filled]),
            text=(
                f"{plural(int(filled.sum()), 'row')} on exchange holidays repeat the row before "
                f"(of {int(closed.sum())} holiday rows; on sessions {usual:.1%} repeat): "
                f"{listed(dated(days[filled]), 3)}"
            ),
        )
    ]
