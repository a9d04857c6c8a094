"""Why the model says what it says today: contributions to the log-odds as bars in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from regime.formatting import display_name

__all__ = ["Reason", "reason_bars", "reason_sentence"]

MOVED = 0.05  # log-odds below which nothing is said to have moved


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One bar: from the middle to the right for a deleveraging, to the left against it.

    Parameters
    ----------
    name, text : str
        What it is, and what it reads.
    words, change : str
        Log-odds now with their sign, and against a week ago; empty where that is not known.
    left, width : float
        Percent of the room.
    mark : float, optional
        Where it stood a week ago, percent of the room.
    """

    name: str
    text: str
    words: str
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
    """What speaks most for a deleveraging and most against it, and what moved most in a week."""
    usable = _usable(reasons)
    if usable.empty:
        return ""
    parts: list[str] = []
    for word, row in (
        ("for", usable.loc[usable["now"].idxmax()]),
        ("against", usable.loc[usable["now"].idxmin()]),
    ):
        if row["now"] * (1 if word == "for" else -1) > 0:
            verb = (
                "multiplies its odds by"
                if word == "for"
                else "divides them by"
                if parts
                else "divides its odds by"
            )
            parts.append(
                f"{display_name(row['name'])} speaks most {word} a deleveraging and {verb} "
                f"{_factor(abs(row['now']))}"
                if not parts
                else f"{display_name(row['name'])} most {word} it and {verb} {_factor(abs(row['now']))}"
            )
    moved = (usable["now"] - usable["week_ago"]).dropna()
    if len(moved) and moved.abs().max() >= MOVED:
        place = moved.abs().idxmax()
        way = "up" if moved[place] > 0 else "down"
        parts.append(
            f"in a week {display_name(usable.loc[place, 'name'])} moved most, {way} by "
            f"{abs(moved[place]):.2f} log-odds"
        )
    return "; ".join(parts) + "." if parts else "Nothing speaks for a deleveraging or against it."


def _usable(reasons: pd.DataFrame) -> pd.DataFrame:
    """Rows with a number for now, strongest first, gaps where a column is away."""
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
        words=_signed(now),
        change=f"{_signed(before)} a week ago" if known else "",
        left=round(50 + min(half, 0), 2),
        width=round(abs(half), 2),
        mark=round(50 + 50 * before / reach, 2) if known else None,
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _factor(value: float) -> str:
    factor = math.exp(min(value, 50.0))
    return f"{factor:.1f}" if factor < 20 else f"{factor:,.0f}"
