"""Contributions to today's log-odds of a deleveraging, as bars and in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from regime.formatting import display_name, signed

__all__ = ["Reason", "reason_bars", "reason_sentence"]

MOVED = 0.05  # log-odds below which nothing is reported to have moved


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One bar, from the middle to the right for a deleveraging, to the left against it.

    Parameters
    ----------
    name, text : str
        Of a mechanism, and its reading.
    amount, change : str
        Log-odds now with their sign, and against a week ago; empty where that is not known.
    left, width : float
        Percent of the width of the chart.
    mark : float, optional
        Its end a week ago, percent of the width of the chart.
    """

    name: str
    text: str
    amount: str
    change: str
    left: float
    width: float
    mark: float | None


def reason_bars(reasons: pd.DataFrame) -> tuple[Reason, ...]:
    """Bars of all reasons, the strongest first.

    Parameters
    ----------
    reasons : DataFrame
        `name`, `now` (log-odds) and perhaps `week_ago` and `text`; a row without a number for now
        is left out.
    """
    usable = _usable(reasons)
    top = float(usable[["now", "week_ago"]].abs().max(axis=None)) if len(usable) else 0.0
    reach = top if top > 0 else 1.0
    return tuple(
        _bar(str(row.name), row.now, row.week_ago, row.text, reach)
        for row in usable.itertuples(index=False, name="Reason")
    )


def reason_sentence(reasons: pd.DataFrame) -> str:
    """What speaks most for a deleveraging and most against it, and what moved most in a week.

    Parameters
    ----------
    reasons : DataFrame
        As in `reason_bars`.
    """
    usable = _usable(reasons)
    if usable.empty:
        return ""
    parts: list[str] = []
    strongest = usable.loc[usable["now"].idxmax()]
    if strongest["now"] > 0:
        parts.append(
            f"{display_name(strongest['name'])} speaks most for a deleveraging and multiplies its "
            f"odds by {_factor(strongest['now'])}"
        )
    weakest = usable.loc[usable["now"].idxmin()]
    if weakest["now"] < 0:
        name = display_name(weakest["name"])
        divisor = _factor(-weakest["now"])
        parts.append(
            f"{name} most against it and divides them by {divisor}"
            if parts
            else f"{name} speaks most against a deleveraging and divides its odds by {divisor}"
        )
    moved = (usable["now"] - usable["week_ago"]).dropna()
    if len(moved) and moved.abs().max() >= MOVED:
        row = moved.abs().idxmax()
        direction = "up" if moved[row] > 0 else "down"
        parts.append(
            f"in a week {display_name(usable.loc[row, 'name'])} moved most, {direction} by "
            f"{abs(moved[row]):.2f} log-odds"
        )
    if not parts:
        return "Nothing speaks for a deleveraging or against it."
    return "; ".join(parts) + "."


def _usable(reasons: pd.DataFrame) -> pd.DataFrame:
    """Rows with a number for now, strongest first, gaps where a column is missing."""
    table = reasons.reindex(columns=["name", "now", "week_ago", "text"])
    table = table.astype({"now": float, "week_ago": float}).dropna(subset="now")
    return table.sort_values("now", key=lambda values: -values.abs(), kind="stable").reset_index(
        drop=True
    )


def _bar(name: str, now: float, before: float, text: object, reach: float) -> Reason:
    half = 50 * now / reach
    known = not math.isnan(before)
    return Reason(
        name=display_name(name),
        text=text if isinstance(text, str) else "",
        amount=signed(now),
        change=f"{signed(before)} a week ago" if known else "",
        left=round(50 + min(half, 0), 2),
        width=round(abs(half), 2),
        mark=round(50 + 50 * before / reach, 2) if known else None,
    )


def _factor(value: float) -> str:
    factor = math.exp(min(value, 50.0))
    return f"{factor:.1f}" if factor < 20 else f"{factor:,.0f}"
