"""Bars of a session against themselves.

Closes outside the range, bars that did not move, adjusted prices, sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.sources.quality.calendar_gaps import Sessions
from regime.sources.quality.findings import (
    DataFinding,
    FindingSeverity,
    Floats,
    Integers,
    dated,
    iso,
    listed,
    plural,
)

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
CHAIN, AROUND = 0.7, 61  # share of the rows around whose open is the close before


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
    found = []
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
        found.append(
            DataFinding(
                check="outside_bar",
                severity="warning",
                count=len(rows),
                dates=dated(days[rows]),
                evidence=evidence,
                text=(
                    f"{plural(len(rows), 'close')} of {compared:,} outside the high and low of "
                    "the row, the farthest "
                    f"{close[first]:g} on {iso(days[first])} outside "
                    f"{low[first]:g}..{high[first]:g}"
                ),
            )
        )
    turned = np.flatnonzero(low - high > room)
    if len(turned):
        found.append(
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
    return found


def stale_bars(
    days: Integers, opening: Floats, high: Floats, low: Floats, close: Floats
) -> list[DataFinding]:
    """Bars without a move that repeat the close before, although the next bar opens elsewhere.

    In files whose open is the close of the row before, an open that is not tells what that close
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
    rows = np.flatnonzero(flat & chained & elsewhere & (usual >= CHAIN))
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
    told = [f"{one['date']} {one['value']:g}, next open {one['next_open']:g}" for one in evidence]
    return [
        DataFinding(
            check="stale_bar",
            severity="warning",
            count=len(rows),
            dates=dated(days[rows]),
            evidence=tuple(evidence),
            text=(
                f"{plural(len(rows), 'stale bar')}: flat at the close before, while the next "
                "open, which is "
                f"the close before on {usual[rows[0]]:.0%} of the rows around, says otherwise: "
                f"{listed(told, 4)}"
            ),
        )
    ]


def adjustment(close: Floats, adjusted: Floats, traded: Floats | None) -> list[DataFinding]:
    """Whether `close` carries later dividends.

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
                    "`close` is the traded price, `adj_close` carries later dividends (they "
                    f"differ on {differ:.0%} of rows)"
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
                    "`close` equals `adj_close` on every row: it carries later dividends, or none "
                    "were paid; use ratios only"
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
                "`close` carries later dividends (it equals `adj_close`); `unadj_close` is the "
                f"traded price, up to {gap:.0%} "
                "apart: use ratios only, never levels"
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
    """Snapshots off session, expired rows, crossed quotes, empty rows, and rows without a volatility."""
    held, blank = chain.open_interest > 0, ~(chain.iv > 0)
    rules = {
        "expired": (chain.expiry < chain.day, "of options that had expired before the snapshot"),
        "expires_today": (
            chain.expiry == chain.day,
            "of options that expire on the day of the snapshot",
        ),
        "crossed": (chain.bid > chain.ask, "with the bid above the ask"),
        "no_quote": (~(chain.bid > 0) & ~(chain.ask > 0), "without a bid or an ask"),
        "empty": (~held & blank, "with zero open interest and zero implied volatility"),
        "no_volatility": (
            held & blank & (chain.expiry >= chain.day),
            "with open interest, alive, and no volatility",
        ),
    }
    found = _off_session(chain.day, sessions)
    for check, (mask, words) in rules.items():
        if mask.any():
            grave: FindingSeverity = "note" if check == "expires_today" else "warning"
            found.append(
                DataFinding(
                    check=check,
                    severity=grave,
                    count=int(mask.sum()),
                    text=f"{plural(int(mask.sum()), 'row')} of {len(mask):,} {words}",
                )
            )
    return found


def _off_session(day: Integers, sessions: Sessions) -> list[DataFinding]:
    off = np.setdiff1d(np.unique(day), sessions.days)
    if not len(off):
        return []
    names = [f"{iso(one)} ({np.datetime64(int(one), 'D').astype(object):%A})" for one in off]
    return [
        DataFinding(
            check="off_session",
            severity="warning",
            count=len(off),
            dates=tuple(iso(one) for one in off),
            text=f"the snapshot is of no session: {listed(names)}; its prices are those of the session before",
        )
    ]
