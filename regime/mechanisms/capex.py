"""Capital expenditure of the large clouds.

How fast it grows, and what share of revenue it takes where that is given.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from regime.errors import InvalidDataError
from regime.mechanisms.event_table import check_events

__all__ = ["capex_burden", "capex_events"]


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
    own = (
        table
        if "released" in table or "reported" not in table
        else table.assign(released=table["reported"])
    )
    numbers = ("capex_usd_b", *(("revenue_usd_b",) if "revenue_usd_b" in own else ()))
    events = check_events(
        own, name, numbers, ("ticker", "cq"), "a figure counts from the day it was reported"
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
