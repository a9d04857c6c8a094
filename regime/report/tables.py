"""Tables of a run as text cells, laid out once for the page and for the terminal.

pandas is imported where a frame is handled: the command line uses this module and starts without.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from regime.formatting import (
    NOTHING,
    QUANTITIES,
    display_name,
    format_value,
    minus_signs,
    percent,
    quantity_of,
)
from regime.report.sentences import DAY, value_before

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = [
    "Row",
    "Table",
    "backtest_table",
    "change_table",
    "detection_table",
    "episode_sentence",
    "episode_table",
    "forecast_score_table",
    "frame_table",
    "importance_table",
    "lineage_table",
    "monthly_return_table",
    "worst_drawdown_table",
]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL_SHADE = 0.06  # a month's return from which its cell is shaded most
YEAR_SHADE = 0.25


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table.

    Parameters
    ----------
    name : str
        Head of the row.
    cells : tuple of str
        Text by column, missing ones as an en dash.
    own : bool
        Whether the row is the model or rule of this run.
    badge : str
        A short mark beside the name, e.g. ``"best baseline"``.
    leads : frozenset of int
        Positions of the cells that are the best of their column.
    tones : tuple of float
        Shade by cell from -1 (a loss) over 0 (none) to 1 (a gain); empty for no shades.
    """

    name: str
    cells: tuple[str, ...]
    own: bool = False
    badge: str = ""
    leads: frozenset[int] = frozenset()
    tones: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """A titled table of text.

    Parameters
    ----------
    title : str
        What the table holds.
    header : tuple of str
        Heads of the name column and of each column of cells; empty for a list of names and values.
    rows : tuple of Row
        Each with as many cells as the header has columns of them.
    note : str
        One sentence on how to read it, or nothing.
    compact : bool
        Whether its cells stand close, as in a calendar.
    folded : bool
        Whether the page shows it on demand alone, under its title.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    compact: bool = False
    folded: bool = False


def forecast_score_table(scores: Mapping[str, Any], columns: Sequence[str] | None = None) -> Table:
    """Scores of the model and of each baseline, the model first, then by log loss.

    Parameters
    ----------
    scores : mapping
        The object ``scores`` of summary.json.
    columns : sequence of str, optional
        Keys to show; all by default.
    """
    best = str(scores.get("best_baseline") or "")
    rows = _named_rows({key: scores[key] for key in ("model", "baselines") if key in scores})
    named = _ranked(_only(rows, columns))
    return Table(
        title="Scores of P(deleveraging), out of sample",
        header=("", *_labels(named)),
        rows=_rows(named, badge=best),
        note="Lower log loss and Brier are better, higher average precision and AUC; the best of "
        "each stands out.",
    )


def detection_table(events: Mapping[str, Any]) -> Table:
    """Episodes caught, lag and false alarms, of the model and of its best baseline.

    Parameters
    ----------
    events : mapping
        The object ``events`` of summary.json.
    """
    named = _named_rows(events)
    return Table(
        title="Detection of deleveraging episodes",
        header=("", *_labels(named)),
        rows=_rows(named),
    )


def backtest_table(backtest: Mapping[str, Any], columns: Sequence[str] | None = None) -> Table:
    """Performance of the rule and of each benchmark, after costs.

    Parameters
    ----------
    backtest : mapping
        The object ``backtest`` of summary.json.
    columns : sequence of str, optional
        Keys to show; all by default.
    """
    rows = _named_rows(
        {key: backtest[key] for key in ("strategy", "benchmarks") if key in backtest}
    )
    named = _only(rows, columns)
    return Table(
        title="Performance after costs",
        header=("", *_labels(named)),
        rows=_rows(named),
        note="Decided at one close, filled at the next; cash earns the bill rate; 252 sessions a "
        "year.",
    )


def importance_table(families: Mapping[str, float]) -> tuple[tuple[str, float, str], ...]:
    """Importance by family, the largest first.

    Parameters
    ----------
    families : mapping of str to float
        Importance, any unit; NaN is left out and less than 0 counts as 0.

    Returns
    -------
    tuple of (str, float, str)
        Name, share of the largest, and share of the whole in words.
    """
    usable = {
        key: max(float(value), 0.0)
        for key, value in families.items()
        if not math.isnan(float(value))
    }
    total = sum(usable.values()) or 1.0
    top = max(usable.values(), default=0.0) or 1.0
    ordered = sorted(usable.items(), key=lambda item: -item[1])
    return tuple((display_name(key), value / top, f"{value / total:.0%}") for key, value in ordered)


def lineage_table(summary: Mapping[str, Any], lineage: Mapping[str, Any]) -> Table:
    """Where the numbers come from: data, hash, config, commit and run.

    Parameters
    ----------
    summary : mapping
        The object of summary.json.
    lineage : mapping
        Further rows.
    """
    data = summary.get("data") or {}
    sample = summary.get("out_of_sample") or {}
    lineage_rows = {display_name(key): value for key, value in lineage.items()}
    pairs = {
        "Config": summary.get("config"),
        "Data": _span(data),
        "Data hash": data.get("hash"),
        "Out of sample": _span(sample),
        "Refits": sample.get("refits"),
        "Commit": summary.get("commit"),
        "Run id": summary.get("mlflow_run_id"),
        "Saved model": summary.get("bundle"),
        "Seconds": summary.get("seconds"),
        **lineage_rows,
    }
    rows = tuple(
        Row(name=name, cells=(format_value("", value),))
        for name, value in pairs.items()
        if value is not None and not isinstance(value, (Mapping, list, tuple))
    )
    return Table(title="Lineage", header=(), rows=rows)


def frame_table(frame: pd.DataFrame, title: str, note: str = "") -> Table:
    """A table of a frame: its index as heads of the rows, known columns under their labels.

    Parameters
    ----------
    frame : DataFrame
        Its index's name becomes the head of the first column.
    title, note : str
    """
    columns = [str(name) for name in frame]
    header = [_label(name) for name in columns]
    rows = tuple(
        Row(
            name=_head(label),
            cells=tuple(
                format_value(name, value) for name, value in zip(columns, values, strict=True)
            ),
        )
        for label, values in zip(frame.index.tolist(), _python_rows(frame), strict=True)
    )
    corner = ", ".join(display_name(str(name)) for name in frame.index.names if name is not None)
    return Table(title=title, header=(corner, *header), rows=rows, note=note)


def monthly_return_table(equity: pd.Series) -> Table:
    """Returns by year and month as a calendar, with the year's.

    Parameters
    ----------
    equity : Series, shape (n_sessions,)
        Value of 1 by date.
    """
    from regime.performance import monthly_table

    calendar = monthly_table(equity.dropna().pct_change().iloc[1:])
    rows = tuple(
        Row(
            name=str(year),
            cells=tuple(_percentage_points(value) for value in row),
            tones=_tones(row),
        )
        for year, row in zip(calendar.index, calendar.to_numpy(), strict=True)
    )
    return Table(
        title="This rule month by month, percent",
        header=("", *MONTHS, "Year"),
        rows=rows,
        compact=True,
        note="After costs. Blue is a gain, orange a loss, stronger shades are larger; the first "
        "and last month and year may be incomplete.",
    )


def worst_drawdown_table(equity: pd.DataFrame) -> Table:
    """The rule's worst drawdowns, and a benchmark's return from the same start to the same trough.

    Parameters
    ----------
    equity : DataFrame, shape (n_sessions, 1 + n_benchmarks)
        With column ``strategy``.
    """
    import pandas as pd

    from regime.performance import drawdown_table

    rule = equity["strategy"].dropna()
    table = drawdown_table(rule.pct_change().iloc[1:])
    benchmarks = [name for name in ("buy_and_hold", *equity) if name in equity]
    benchmark = next((name for name in benchmarks if name != "strategy"), None)
    if benchmark is not None:
        before = equity[benchmark].shift(1)
        returns = [
            equity[benchmark][row.trough] / before[row.start] - 1 for row in table.itertuples()
        ]
        table.insert(4, "market_return", returns)
    table.index = pd.RangeIndex(1, len(table) + 1)
    result = frame_table(
        table,
        "Worst drawdowns of this rule",
        f"Recovered: the first close back at the old high; {NOTHING} where there is none yet.",
    )
    header = tuple(
        display_name(str(benchmark)) if label == "Market" else label for label in result.header
    )
    return replace(result, header=header)


def episode_table(listed: pd.DataFrame) -> Table:
    """Exposure before, inside and after each listed deleveraging, and what that was worth.

    Parameters
    ----------
    listed : DataFrame, one row a listed deleveraging
        ``name`` and columns of `ReportContent.episodes`.
    """
    names = [
        str(name) or f"Episode {number}" for number, name in enumerate(listed["name"], start=1)
    ]
    return frame_table(
        listed.drop(columns="name").set_axis(names, axis=0),
        "Episode by episode",
        "Exposures are means over the 10 sessions before, inside, and the 21 after; returns are "
        "from the first to the last session of an episode; missed after is what the market "
        "returned beyond the rule in the 63 sessions that followed.",
    )


def episode_sentence(listed: pd.DataFrame) -> str:
    """How often, and by how much, the rule lost less than the market inside the episodes."""
    if not {"market_return", "rule_return"} <= set(listed):
        return ""
    measured = listed.dropna(subset=["market_return", "rule_return"])
    if measured.empty:
        return ""
    rule = measured["rule_return"]
    market = measured["market_return"]
    text = (
        f"Inside {len(measured)} listed episodes the rule did better than the market in "
        f"{int((rule > market).sum())}: on average it returned {rule.mean():.1%}, the market "
        f"{market.mean():.1%}"
    )
    if "missed_after" in measured and measured["missed_after"].notna().any():
        missed = measured["missed_after"].mean()
        direction = "fell" if missed > 0 else "got"
        side = "behind" if missed > 0 else "ahead of"
        text += (
            f"; over the 63 sessions after them it {direction} {abs(missed):.1%} {side} the market"
        )
    return minus_signs(text) + "."


def change_table(probabilities: pd.DataFrame, exposure: pd.Series) -> Table:
    """Probabilities and exposure at the last close, the one before, and a week before.

    Parameters
    ----------
    probabilities : DataFrame, shape (n_sessions, 4)
    exposure : Series, shape (n_sessions,)
        Empty for no rule.
    """
    from regime.schema import WEEK  # here: the command line must start without pandas

    times = (0, DAY, WEEK)
    rows = [
        Row(
            name=display_name(name),
            cells=tuple(percent(value_before(probabilities[name], back)) for back in times),
        )
        for name in ("deleveraging", "fragile")
    ]
    likeliest = tuple(
        display_name(str(probabilities.iloc[-1 - min(back, len(probabilities) - 1)].idxmax()))
        for back in times
    )
    rows.append(Row(name="Most likely", cells=likeliest))
    if len(exposure):
        exposures = tuple(f"{value_before(exposure, back):.0%}" for back in times)
        rows.append(Row(name="Rule holds", cells=exposures, own=True))
    return Table(
        title="What changed", header=("", "Now", "A day ago", "A week ago"), rows=tuple(rows)
    )


def _span(sample: Mapping[str, Any]) -> str | None:
    first, last = sample.get("first"), sample.get("last")
    return f"{first} to {last}" if first and last else None


def _named_rows(content: Mapping[str, Any], name: str = "model") -> dict[str, Mapping[str, Any]]:
    """Scalars by name, of one flat mapping or of mappings nested to any depth."""
    if not any(isinstance(value, Mapping) for value in content.values()):
        return {name: content} if content else {}
    rows: dict[str, Mapping[str, Any]] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            rows |= _named_rows(value, key)
    return rows


def _only(
    named: dict[str, Mapping[str, Any]], columns: Sequence[str] | None
) -> dict[str, Mapping[str, Any]]:
    if columns is None:
        return named
    return {name: {key: row[key] for key in columns if key in row} for name, row in named.items()}


def _ranked(named: dict[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    def loss(item: tuple[str, Mapping[str, Any]]) -> tuple[bool, float]:
        value = item[1].get("log_loss")
        return item[0] != "model", math.inf if value is None else float(value)

    return dict(sorted(named.items(), key=loss))


def _columns(named: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Keys of all scalars: known quantities in the order of QUANTITIES, then the others as met."""
    met = dict.fromkeys(
        key
        for row in named.values()
        for key, value in row.items()
        if not isinstance(value, (Mapping, list, tuple))
    )
    known = [key for key in QUANTITIES if key in met]
    return known + [key for key in met if key not in QUANTITIES]


def _labels(named: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    return map(_label, _columns(named))


def _label(key: str) -> str:
    quantity = quantity_of(key)
    return quantity.label if quantity else display_name(key)


def _rows(named: Mapping[str, Mapping[str, Any]], badge: str = "") -> tuple[Row, ...]:
    columns = _columns(named)
    leaders = [_leader(key, named) if len(named) > 1 else None for key in columns]
    return tuple(
        Row(
            name=display_name(name),
            cells=tuple(format_value(key, row.get(key)) for key in columns),
            own=name in ("model", "strategy"),
            badge="best baseline" if name == badge else "",
            leads=_leading(row, columns, leaders),
        )
        for name, row in named.items()
    )


def _leading(
    row: Mapping[str, Any], columns: Sequence[str], leaders: Sequence[float | None]
) -> frozenset[int]:
    return frozenset(
        i
        for i, (key, best) in enumerate(zip(columns, leaders, strict=True))
        if best is not None and row.get(key) == best
    )


def _leader(key: str, named: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Best value of a judged column."""
    better = QUANTITIES[key].better if key in QUANTITIES else 0
    values = [
        row[key]
        for row in named.values()
        if isinstance(row.get(key), numbers.Real) and row[key] == row[key]
    ]
    if not better or not values:
        return None
    return float(max(values) if better > 0 else min(values))


def _percentage_points(value: float) -> str:
    """A return in percent without the sign; rounded to zero it has no minus."""
    return "" if math.isnan(value) else minus_signs(f"{round(100 * value, 1) + 0.0:.1f}")


def _tones(row: np.ndarray) -> tuple[float, ...]:
    """Shades of twelve months and a year; none where there is no return."""
    import numpy as np

    full = np.r_[np.full(len(row) - 1, FULL_SHADE), YEAR_SHADE]
    return tuple(float(tone) for tone in np.round(np.nan_to_num(row / full).clip(-1, 1), 2))


def _python_rows(frame: pd.DataFrame) -> list[list[Any]]:
    """Rows as Python values; a frame's own rows would turn counts into floats."""
    if not len(frame.columns):
        return [[] for _ in range(len(frame))]
    return [list(row) for row in zip(*(frame[name].tolist() for name in frame), strict=True)]


def _head(label: Any) -> str:
    if isinstance(label, tuple):
        return ", ".join(_head(part) for part in label)
    if isinstance(label, str):
        return display_name(label)
    if isinstance(label, (int, float)):
        return minus_signs(f"{label:g}")
    return format_value("first", label)
