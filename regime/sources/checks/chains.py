"""Option chains: rows that no sum may contain, counted by what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regime.sources.checks.attendance import Sessions
from regime.sources.checks.findings import Finding, Floats, Integers, Severity, iso, listed, plural

__all__ = ["Chain", "check_chain"]


@dataclass(frozen=True, kw_only=True)
class Chain:
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


def check_chain(chain: Chain, sessions: Sessions) -> list[Finding]:
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
            grave: Severity = "note" if check == "expires_today" else "warning"
            found.append(
                Finding(
                    check=check,
                    severity=grave,
                    count=int(mask.sum()),
                    text=f"{plural(int(mask.sum()), 'row')} of {len(mask):,} {words}",
                )
            )
    return found


def _off_session(day: Integers, sessions: Sessions) -> list[Finding]:
    off = np.setdiff1d(np.unique(day), sessions.days)
    if not len(off):
        return []
    names = [f"{iso(one)} ({np.datetime64(int(one), 'D').astype(object):%A})" for one in off]
    return [
        Finding(
            check="off_session",
            severity="warning",
            count=len(off),
            dates=tuple(iso(one) for one in off),
            text=f"the snapshot is of no session: {listed(names)}; its prices are those of the session before",
        )
    ]
