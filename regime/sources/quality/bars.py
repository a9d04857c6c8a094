"""Bars of a session, and quotes of an option chain, against themselves.

Closes outside the range, bars that did not move, adjusted prices, daily sums, signs of short
positions; expired, crossed and empty quotes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.sources.quality.calendar_gaps import Sessions
from regime.sources.quality.findings import DataFinding, FindingSeverity, dated, iso, listed, plural

__all__ = [
    "ChainQuotes",
    "adjustment",
    "check_chain_quotes",
    "daily_sums",
    "outside_bar",
    "signed_shorts",
    "stale_bars",
]


EQUAL = 1e-6  # relative distance below which two prices are one
CHAINED_SHARE = 0.7  # share of the rows around whose open is the close before
AROUND = 61  # rows around, of which that share is taken


def outside_bar(days: Integers, close: Floats, high: Floats, low: Floats) -> list[DataFinding]:
    """Closes outside the high-low range of their own row, and ranges that are upside down.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
    close, high, low : ndarray of float64, shape (n,)
        NaN where the file has none.
    """
    room = EQUAL * np.abs(close)
    over, under = close - high, low - close
    worst = np.fmax(over, under)
    rows = np.flatnonzero(worst > room)
    findings = []
    if len(rows):
        first = int(rows[np.argmax(worst[rows] / np.abs(close[rows]))])
        compared = int(np.isfinite(worst).sum())
        evidence: tuple[dict[str, float | str], ...] = tuple(
            {
                "date": iso(days[row]),
                "close": float(close[row]),
                "high": float(high[row]),
                "low": float(low[row]),
            }
            for row in rows
        )
        findings.append(
            DataFinding(
                check="outside_bar",
                severity="warning",
                count=len(rows),
                dates=dated(days[rows]),
                evidence=evidence,
                text=(
                    f"{plural(len(rows), 'close')} of {compared:,} outside the high-low range of "
                    f"the row, the farthest {close[first]:g} on {iso(days[first])} outside "
                    f"{low[first]:g}..{high[first]:g}"
                ),
            )
        )
    turned = np.flatnonzero(low - high > room)
    if len(turned):
        findings.append(
            DataFinding(
                check="upside_down",
                severity="warning",
                count=len(turned),
                dates=dated(days[turned]),
                text=(
                    f"{plural(len(turned), 'row')} with high below low: "
                    f"{listed(dated(days[turned]), 3)}"
                ),
            )
        )
    return findings


def stale_bars(
    days: Integers, opening: Floats, high: Floats, low: Floats, close: Floats
) -> list[DataFinding]:
    """Bars without a move that repeat the close before, although the next bar opens elsewhere.

    In files whose open is the close of the row before, an open that is not shows what that close
    really was.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
    opening, high, low, close : ndarray of float64, shape (n,)
        NaN where the file has none.
    """
    if len(days) < 3:
        return []
    chained = np.concatenate(
        [[False], np.abs(opening[1:] - close[:-1]) <= EQUAL * np.abs(close[:-1])]
    )
    usual = (
        pd.Series(chained.astype(np.float64))
        .rolling(AROUND, center=True, min_periods=10)
        .mean()
        .to_numpy()
    )
    flat = (high == low) & (low == close) & np.concatenate([[False], close[1:] == close[:-1]])
    elsewhere = np.concatenate([~chained[1:] & np.isfinite(opening[1:]), [False]])
    rows = np.flatnonzero(flat & chained & elsewhere & (usual >= CHAINED_SHARE))
    if not len(rows):
        return []
    evidence: list[dict[str, float | str]] = [
        {
            "date": iso(days[row]),
            "value": float(close[row]),
            "next_open": float(opening[row + 1]),
            "chained": round(float(usual[row]), 2),
        }
        for row in rows
    ]
    examples = [
        f"{item['date']} {item['value']:g}, next open {item['next_open']:g}" for item in evidence
    ]
    return [
        DataFinding(
            check="stale_bar",
            severity="warning",
            count=len(rows),
            dates=dated(days[rows]),
            evidence=tuple(evidence),
            text=(
                f"{plural(len(rows), 'stale bar')}: flat at the close before, although the next "
                f"open, which equals the close before on {usual[rows[0]]:.0%} of the rows around, "
                f"differs: {listed(examples, 4)}"
            ),
        )
    ]


def adjustment(close: Floats, adjusted: Floats, traded: Floats | None) -> list[DataFinding]:
    """Whether `close` is adjusted for later dividends.

    Parameters
    ----------
    close, adjusted : ndarray of float64, shape (n,)
    traded : ndarray of float64, shape (n,), optional
        The unadjusted close, where the file has one.
    """
    differ = float((np.abs(close - adjusted) > 1e-4 * np.abs(close)).mean()) if len(close) else 0.0
    if differ > 0:
        return [
            DataFinding(
                check="adjusted",
                severity="note",
                count=len(close),
                text=(
                    "`close` is the traded price, `adj_close` is adjusted for later dividends "
                    f"(they differ on {differ:.0%} of rows)"
                ),
            )
        ]
    if traded is None:
        return [
            DataFinding(
                check="adjusted",
                severity="note",
                count=len(close),
                text=(
                    "`close` equals `adj_close` on every row: it is adjusted for later dividends, "
                    "or none were paid; use ratios only"
                ),
            )
        ]
    gap = float(np.nanmax(np.abs(traded / close - 1))) if len(close) else 0.0
    return [
        DataFinding(
            check="adjusted",
            severity="note",
            count=len(close),
            text=(
                "`close` is adjusted for later dividends (it equals `adj_close`); `unadj_close` "
                f"is the traded price, up to {gap:.0%} apart: use ratios only, never levels"
            ),
        )
    ]


def daily_sums(days: Integers, total: Floats, mean: Floats, count: Floats) -> list[DataFinding]:
    """Daily sums of records: how many make a day, and the days that lack some.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
    total, mean, count : ndarray of float64, shape (n,)
        Sum, mean and number of the records of each day.
    """
    if not len(days):
        return []
    usual = float(pd.Series(count).mode().iloc[0])
    agrees = float((np.abs(total - mean * count) <= 1e-9 + 1e-6 * np.abs(total)).mean())
    odd = np.flatnonzero(count != usual)
    lacking = (
        f"; {plural(len(odd), 'day')} of another number: {listed(dated(days[odd]), 3)}"
        if len(odd)
        else ""
    )
    return [
        DataFinding(
            check="daily_sum",
            severity="warning" if len(odd) else "note",
            count=max(len(odd), 1),
            dates=dated(days[odd]),
            text=(
                f"a row is the sum of {usual:g} records a day (sum = mean times "
                f"number on {agrees:.0%} of rows){lacking}"
            ),
        )
    ]


def signed_shorts(values: Floats, column: str) -> list[DataFinding]:
    """Short positions written as negative numbers."""
    negative = int((values < 0).sum())
    if not negative:
        return []
    share = negative / len(values)
    return [
        DataFinding(
            check="negative_shorts",
            severity="note" if share > 0.9 else "warning",
            count=negative,
            column=column,
            text=f"`{column}`: short positions are written negative on {share:.0%} of the rows: "
            "add them to the longs for the net, do not subtract them",
        )
    ]


@dataclass(frozen=True, kw_only=True)
class ChainQuotes:
    """Quotes of one snapshot.

    Parameters
    ----------
    day, expiry : ndarray of int64, shape (n,)
        Days since 1970-01-01 of the snapshot and of the expiry.
    bid, ask, iv, open_interest : ndarray of float64, shape (n,)
        NaN where the file has none.
    """

    day: Integers
    expiry: Integers
    bid: Floats
    ask: Floats
    iv: Floats
    open_interest: Floats


def check_chain_quotes(chain: ChainQuotes, sessions: Sessions) -> list[DataFinding]:
    """Snapshots off session; expired, crossed and empty quotes; quotes without a volatility."""
    open_ = chain.open_interest > 0
    no_iv = ~(chain.iv > 0)
    rules = {
        "expired": (chain.expiry < chain.day, "of options that had expired before the snapshot"),
        "expires_today": (
            chain.expiry == chain.day,
            "of options that expire on the day of the snapshot",
        ),
        "crossed": (chain.bid > chain.ask, "with the bid above the ask"),
        "no_quote": (~(chain.bid > 0) & ~(chain.ask > 0), "without a bid or an ask"),
        "empty": (~open_ & no_iv, "with zero open interest and zero implied volatility"),
        "no_volatility": (
            open_ & no_iv & (chain.expiry >= chain.day),
            "not expired, with open interest but no implied volatility",
        ),
    }
    findings = _off_session(chain.day, sessions)
    for check, (mask, description) in rules.items():
        if mask.any():
            severity: FindingSeverity = "note" if check == "expires_today" else "warning"
            findings.append(
                DataFinding(
                    check=check,
                    severity=severity,
                    count=int(mask.sum()),
                    text=f"{plural(int(mask.sum()), 'row')} of {len(mask):,} {description}",
                )
            )
    return findings


def _off_session(days: Integers, sessions: Sessions) -> list[DataFinding]:
    off = np.setdiff1d(np.unique(days), sessions.days)
    if not len(off):
        return []
    names = [f"{iso(day)} ({np.datetime64(int(day), 'D').astype(object):%A})" for day in off]
    return [
        DataFinding(
            check="off_session",
            severity="warning",
            count=len(off),
            dates=tuple(iso(day) for day in off),
            text=(
                f"the snapshot is dated on a day without a session: {listed(names)}; its prices "
                "are those of the session before"
            ),
        )
    ]
