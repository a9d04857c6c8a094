"""What a report moves: the return after it for each unit of surprise, beats against misses.

A market that pays for good news rises on beats more than it falls on misses; late in a boom a beat
is no longer enough. A report counts from the first close after it: one after the close moves the
next session. Capital expenditure of the large clouds is read from its reports in the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats
from regime.errors import InvalidDataError
from regime.mechanisms.events import NEW_YORK, check_events, first_known

__all__ = [
    "capex_burden",
    "capex_events",
    "earnings_events",
    "reaction_asymmetry",
    "report_reactions",
    "trailing_earnings",
]

LARGEST_SURPRISE = 20.0  # percent: a small estimate in the denominator makes thousands of it
REPORTS_A_YEAR = 4
FRESH_DAYS = 140  # a company that has not reported for so long says nothing about today


def earnings_events(table: pd.DataFrame, name: str = "earnings") -> pd.DataFrame:
    """Announcements of a vendor's file as events, one a company and release.

    Parameters
    ----------
    table : DataFrame, shape (n_rows, n_columns)
        Columns ticker and surprise_pct (percent); released, or announce_time in New York;
        reported_eps if there is any.
    name : str
        How messages call it.

    Returns
    -------
    DataFrame, shape (n_events, 4)
        ticker (lower case), released (UTC), surprise (percent), eps (NaN where not given), by
        release. The hour of 16:00 stands for "after the close"; an hour of 00:00 is unknown and
        counts as the evening.

    Raises
    ------
    InvalidDataError
        If a column is absent or holds something else.
    """
    reports = table
    if "released" not in reports and "announce_time" in reports:
        reports = reports.assign(released=reports["announce_time"])
    numbers = ("surprise_pct", *(("reported_eps",) if "reported_eps" in reports else ()))
    events = check_events(
        reports, name, numbers, ("ticker",), "a report counts from its announcement"
    )
    events["ticker"] = events["ticker"].astype(str).str.strip().str.lower()
    local = events["released"].dt.tz_convert(NEW_YORK)
    at_close = (local.dt.hour == 16) & (local.dt.minute == 0)
    events["released"] = events["released"].where(
        ~at_close, events["released"] + pd.Timedelta(minutes=1)
    )
    events["eps"] = events.get("reported_eps", np.nan)
    kept = events.rename(columns={"surprise_pct": "surprise"})[
        ["ticker", "released", "surprise", "eps"]
    ]
    return kept.drop_duplicates(["ticker", "released"], keep="last", ignore_index=True)


def report_reactions(
    events: pd.DataFrame,
    prices: pd.DataFrame,
    market: pd.Series,
    closes: pd.DatetimeIndex | None = None,
) -> pd.DataFrame:
    """Return of the session that first closes after each report, less the market's.

    Parameters
    ----------
    events : DataFrame, shape (n_events, 3 or more)
        As of `earnings_events`; companies without a price are left out.
    prices : DataFrame, shape (n_sessions, n_companies)
        Columns are lower-case tickers.
    market : Series, shape (n_sessions,)
        What the return is measured against.
    closes : DatetimeIndex, optional
        Cut-off of each session; 16:00 in New York where not given.

    Returns
    -------
    DataFrame, shape (n_known, 4)
        ticker, session (position), surprise, reaction (fraction); reports whose session has closed.

    **Known at:** the close of its session, for each row.
    """
    reports = events[events["ticker"].isin([str(name) for name in prices.columns])]
    sessions = pd.DatetimeIndex(prices.index)
    position = first_known(reports["released"], sessions, closes)
    inside = (position > 0) & (position < len(sessions))
    reports, position = reports[inside], position[inside]
    excess = (
        prices.pct_change(fill_method=None)
        .sub(market.pct_change(fill_method=None), axis=0)
        .to_numpy(dtype=float)
    )
    column = prices.columns.get_indexer(reports["ticker"])
    table = pd.DataFrame(
        {
            "ticker": reports["ticker"].to_numpy(),
            "session": position,
            "surprise": reports["surprise"].to_numpy(dtype=float),
            "reaction": excess[position, column],
        }
    )
    table = table[
        table["surprise"].notna() & table["reaction"].notna() & np.isfinite(table["reaction"])
    ]
    return table.sort_values("session", kind="stable", ignore_index=True)


def reaction_asymmetry(
    reactions: pd.DataFrame, sessions: pd.DatetimeIndex, lookback: int = 252, minimum: int = 6
) -> pd.DataFrame:
    """How beats and misses were answered over the last sessions.

    Parameters
    ----------
    reactions : DataFrame, shape (n_reports, 4)
        As of `report_reactions`.
    sessions : DatetimeIndex, shape (n_sessions,)
    lookback : int
        Sessions of the window.
    minimum : int
        Reports of a kind that a figure needs.

    Returns
    -------
    DataFrame, shape (n_sessions, 8)
        beats, misses (counts); beat_reaction, miss_reaction (mean return); beat_per_unit,
        miss_per_unit (return for each percent of surprise, surprises beyond 20 % counted as 20);
        beats_sold (share of beats that fell); asymmetry (mean return of beats plus that of misses:
        below 0 where misses are punished more than beats are paid). NaN under `minimum`.

    Raises
    ------
    InvalidDataError
        If a report lies outside the sessions.

    **Known at:** row t uses reports whose session is t or before.
    """
    session_rows = reactions["session"].to_numpy()
    if len(session_rows) and (session_rows.min() < 0 or session_rows.max() >= len(sessions)):
        raise InvalidDataError(
            f"reactions: session {session_rows.max()} lies outside the {len(sessions)} sessions"
        )
    surprise = reactions["surprise"].to_numpy(dtype=float)
    moved = reactions["reaction"].to_numpy(dtype=float)
    size = np.minimum(np.abs(surprise), LARGEST_SURPRISE)
    table: dict[str, Floats] = {}
    for kind, chosen in (("beat", surprise > 0), ("miss", surprise < 0)):
        count, total, units, fallen = (
            _rolling(session_rows[chosen], values[chosen], len(sessions), lookback)
            for values in (np.ones(len(session_rows)), moved, size, (moved < 0).astype(float))
        )
        enough = count >= minimum
        table["beats" if kind == "beat" else "misses"] = count
        table[f"{kind}_reaction"] = np.where(enough, total / np.maximum(count, 1.0), np.nan)
        table[f"{kind}_per_unit"] = np.where(
            enough & (units > 0), total / np.maximum(units, 1e-9), np.nan
        )
        if kind == "beat":
            table["beats_sold"] = np.where(enough, fallen / np.maximum(count, 1.0), np.nan)
    table["asymmetry"] = table["beat_reaction"] + table["miss_reaction"]
    return pd.DataFrame(table, index=sessions)


def trailing_earnings(
    events: pd.DataFrame, sessions: pd.DatetimeIndex, closes: pd.DatetimeIndex | None = None
) -> pd.DataFrame:
    """Earnings for a share over the last four reports of each company, as announced by each close.

    Parameters
    ----------
    events : DataFrame, shape (n_events, 4)
        As of `earnings_events`, with eps.
    sessions : DatetimeIndex, shape (n_sessions,)
    closes : DatetimeIndex, optional

    Returns
    -------
    DataFrame, shape (n_sessions, n_companies), USD
        NaN before a fourth report, where four reports span more than 400 days, and 140 days after
        the last one.

    **Known at:** row t uses reports released by its close.
    """
    known = events[events["eps"].notna()]
    columns = {}
    for ticker, reports in known.groupby("ticker", sort=True):
        total = reports["eps"].rolling(REPORTS_A_YEAR).sum().to_numpy()
        span = (
            reports["released"] - reports["released"].shift(REPORTS_A_YEAR - 1)
        ).dt.days.to_numpy(dtype=float)
        at = first_known(reports["released"], sessions, closes)
        row = np.searchsorted(at, np.arange(len(sessions)), side="right") - 1
        last = reports["released"].dt.tz_convert(None).to_numpy()[np.maximum(row, 0)]
        age = (sessions.to_numpy() - last) / np.timedelta64(1, "D")
        value = np.where(span <= 400, total, np.nan)[np.maximum(row, 0)]
        columns[str(ticker)] = np.where((row >= 0) & (age <= FRESH_DAYS), value, np.nan)
    return pd.DataFrame(columns, index=sessions, dtype=float)


def _rolling(session_rows: np.ndarray, values: Floats, rows: int, lookback: int) -> Floats:
    """Sum over the last rows of what happened at places; whole numbers stay whole."""
    daily = (
        np.bincount(session_rows, weights=values, minlength=rows)
        if len(session_rows)
        else np.zeros(rows)
    )
    # Partial windows are means over what there is: padded in front, every window is whole.
    padded = np.concatenate([np.zeros(lookback), daily])
    return np.round(kernels.rolling_mean(padded, lookback, lookback)[lookback:] * lookback, 12)


def capex_events(table: pd.DataFrame, name: str = "capex") -> pd.DataFrame:
    """Reported capital expenditure as events, by release.

    Parameters
    ----------
    table : DataFrame, shape (n_rows, n_columns)
        Columns ticker, cq (calendar quarter such as 2024Q3), capex_usd_b, released or reported (its
        day); revenue_usd_b if there is any.
    name : str
        How messages call it.

    Returns
    -------
    DataFrame, shape (n_events, 5)
        ticker, quarter (period), capex, revenue (USD bn; NaN where not given), released (UTC).

    Raises
    ------
    InvalidDataError
        If a column is absent or holds something else.
    """
    reports = (
        table
        if "released" in table or "reported" not in table
        else table.assign(released=table["reported"])
    )
    numbers = ("capex_usd_b", *(("revenue_usd_b",) if "revenue_usd_b" in reports else ()))
    events = check_events(
        reports, name, numbers, ("ticker", "cq"), "a figure counts from the day it was reported"
    )
    try:
        quarter = pd.PeriodIndex(events["cq"].astype(str), freq="Q")
    except ValueError as error:
        raise InvalidDataError(
            f"{name}: column `cq`: {error}; write a calendar quarter as in 2024Q3"
        ) from None
    return pd.DataFrame(
        {
            "ticker": events["ticker"].astype(str).str.strip().str.lower(),
            "quarter": quarter,
            "capex": events["capex_usd_b"],
            "revenue": events.get("revenue_usd_b", float("nan")),
            "released": events["released"],
        }
    )


def capex_burden(events: pd.DataFrame, cutoff: pd.Timestamp) -> dict[str, Any] | None:
    """Growth of capital expenditure as known at an instant.

    Parameters
    ----------
    events : DataFrame, shape (n_events, 5)
        As of `capex_events`.
    cutoff : Timestamp, with time zone

    Returns
    -------
    mapping or None
        quarter and companies of the last quarter that as many have reported as the quarter before;
        total (USD bn); growth on that quarter and growth_year on the year, fractions; to_revenue.
        None before two such quarters.

    **Known at:** events released by the cut-off.
    """
    known = events[(events["released"] <= cutoff) & events["capex"].notna()]
    latest = known.drop_duplicates(["ticker", "quarter"], keep="last")
    by_quarter = latest.set_index(["quarter", "ticker"])
    spent = by_quarter["capex"].unstack()  # noqa: PD010
    revenue = by_quarter["revenue"].unstack()  # noqa: PD010
    for quarter in reversed(spent.index):
        now, before = _pair(spent, quarter, 1)
        if len(now) < 2 or len(now) < spent.loc[:quarter].notna().any().sum():
            continue  # some have not reported yet
        year_now, year_before = _pair(spent, quarter, 4)
        sold = revenue.loc[quarter, now.index]
        return {
            "quarter": str(quarter),
            "companies": [str(name) for name in now.index],
            "total_usd_bn": now.sum(),
            "growth": now.sum() / before.sum() - 1 if before.sum() > 0 else None,
            "growth_year": year_now.sum() / year_before.sum() - 1
            if year_before.sum() > 0
            else None,
            "to_revenue": now.sum() / sold.sum() if sold.notna().all() and sold.sum() > 0 else None,
        }
    return None


def _pair(spent: pd.DataFrame, quarter: pd.Period, back: int) -> tuple[pd.Series, pd.Series]:
    """Figures of a quarter and of one before it, for the companies that have both."""
    if quarter - back not in spent.index:
        return pd.Series(dtype=float), pd.Series(dtype=float)
    both = spent.columns[spent.loc[[quarter, quarter - back]].notna().all()]
    return spent.loc[quarter, both], spent.loc[quarter - back, both]
