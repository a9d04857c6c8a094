"""Frames as tables of the page.

Any by its columns, calendars of returns, falls, spells, what changed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from regime.performance import drawdown_table, monthly_table
from regime.report.quantities import MISSING, display_name, format_value, quantity_of
from regime.report.sentences import DAY, earlier, percent
from regime.report.tables import Row, Table
from regime.sessions import WEEK

__all__ = [
    "change_table",
    "fall_table",
    "frame_table",
    "month_table",
    "spell_sentence",
    "spell_table",
]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL_SHADE = 0.06  # a month's return from which its cell is shaded most
YEAR_SHADE = 0.25


def frame_table(frame: pd.DataFrame, title: str, note: str = "") -> Table:
    """A table of a frame.

    Its index as heads of the rows, known columns under their labels and in their form.

    Parameters
    ----------
    frame : DataFrame
        Its index's name becomes the head of the first column.
    title, note : str
    """
    columns = [str(name) for name in frame]
    known = [quantity_of(name) for name in columns]
    header = tuple(
        found.label if found else display_name(name)
        for name, found in zip(columns, known, strict=True)
    )
    rows = tuple(
        Row(
            name=_head(place),
            cells=tuple(
                format_value(name, value) for name, value in zip(columns, values, strict=True)
            ),
        )
        for place, values in zip(frame.index.tolist(), _values(frame), strict=True)
    )
    corner = ", ".join(display_name(str(name)) for name in frame.index.names if name is not None)
    return Table(title=title, header=(corner, *header), rows=rows, note=note)


def month_table(equity: pd.Series) -> Table:
    """Returns by year and month as a calendar, with the year's.

    Parameters
    ----------
    equity : Series, shape (n_sessions,)
        Value of 1 by date.
    """
    calendar = monthly_table(equity.dropna().pct_change().iloc[1:])
    rows = tuple(
        Row(name=str(year), cells=tuple(_points(value) for value in row), tones=_tones(row))
        for year, row in zip(calendar.index, calendar.to_numpy(), strict=True)
    )
    return Table(
        title="This rule month by month, percent",
        header=("", *MONTHS, "Year"),
        rows=rows,
        compact=True,
        note="After costs. Blue gained, orange lost, and the more the stronger the shade; the first and last "
        "month and year may be parts of one.",
    )


def fall_table(equity: pd.DataFrame) -> Table:
    """The rule's deepest falls, and what a benchmark did from the same start to the same trough.

    Parameters
    ----------
    equity : DataFrame, shape (n_sessions, 1 + n_benchmarks)
        With column ``strategy``.
    """
    own = equity["strategy"].dropna()
    table = drawdown_table(own.pct_change().iloc[1:])
    other = next(
        (name for name in ("buy_and_hold", *equity) if name in equity and name != "strategy"), None
    )
    if other is not None:
        before = equity[other].shift(1)
        table.insert(
            4,
            "market_return",
            [equity[other][row.trough] / before[row.start] - 1 for row in table.itertuples()],
        )
    table.index = pd.RangeIndex(1, len(table) + 1)
    made = frame_table(
        table,
        "Deepest falls of this rule",
        f"Regained: the first close at the old high again; {MISSING} where there is none yet.",
    )
    head = tuple(display_name(str(other)) if label == "Market" else label for label in made.header)
    return replace(made, header=head)


def spell_table(spells: pd.DataFrame) -> Table:
    """Listed spells of deleveraging.

    What the rule held before, inside and after, and what that was worth.
    """
    names = [str(name) or f"Spell {place}" for place, name in enumerate(spells["name"], 1)]
    table = spells.drop(columns="name").set_axis(names, axis=0)
    return frame_table(
        table,
        "Spell by spell",
        "Exposures are means over the 10 sessions before, inside, and the 21 "
        "after; returns are from the first to the last session of a spell; missed after is what "
        "the "
        "market returned beyond the rule in the 63 sessions that followed.",
    )


def spell_sentence(spells: pd.DataFrame) -> str:
    """How often, and by how much, the rule lost less than the market inside the spells."""
    if not {"market_return", "rule_return"} <= set(spells):
        return ""
    known = spells.dropna(subset=["market_return", "rule_return"])
    if known.empty:
        return ""
    ours, theirs = known["rule_return"], known["market_return"]
    better = int((ours > theirs).sum())
    text = (
        f"Inside {len(known)} listed spells the rule did better than the market in {better}: on "
        "average it "
        f"returned {ours.mean():.1%}, the market {theirs.mean():.1%}"
    )
    if "missed_after" in known and known["missed_after"].notna().any():
        missed = known["missed_after"].mean()
        text += (
            f"; over the 63 sessions after them it {'fell' if missed > 0 else 'got'} "
            f"{abs(missed):.1%} "
            f"{'behind' if missed > 0 else 'ahead of'} the market"
        )
    return text.replace("-", "−") + "."


def change_table(probabilities: pd.DataFrame, exposure: pd.Series) -> Table:
    """What the model and the rule said at the last close, the one before, and a week before."""
    times = (0, DAY, WEEK)
    rows = [
        Row(
            name=display_name(name),
            cells=tuple(percent(earlier(probabilities[name], back)) for back in times),
        )
        for name in ("deleveraging", "fragile")
    ]
    likeliest = tuple(
        display_name(str(probabilities.iloc[-1 - min(back, len(probabilities) - 1)].idxmax()))
        for back in times
    )
    rows.append(Row(name="Most likely", cells=likeliest))
    if len(exposure):
        held = tuple(f"{earlier(exposure, back):.0%}" for back in times)
        rows.append(Row(name="Rule holds", cells=held, own=True))
    return Table(
        title="What changed", header=("", "Now", "A day ago", "A week ago"), rows=tuple(rows)
    )


def _points(value: float) -> str:
    return (
        "" if math.isnan(value) else f"{round(100 * value, 1) + 0.0:.1f}".replace("-", "−")
    )  # no minus nought


def _tones(row: np.ndarray) -> tuple[float, ...]:
    """Shades of twelve months and a year; none where nothing was."""
    full = np.r_[np.full(len(row) - 1, FULL_SHADE), YEAR_SHADE]
    return tuple(float(tone) for tone in np.round(np.nan_to_num(row / full).clip(-1, 1), 2))


def _values(frame: pd.DataFrame) -> list[list[Any]]:
    """Rows as Python values; a frame's own rows would turn counts into floats."""
    return (
        [list(row) for row in zip(*(frame[name].tolist() for name in frame), strict=True)]
        if len(frame.columns)
        else [[] for _ in range(len(frame))]
    )


def _head(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_head(part) for part in value)
    if isinstance(value, str):
        return display_name(value)
    return (
        f"{value:g}".replace("-", "−")
        if isinstance(value, (int, float))
        else format_value("first", value)
    )
