"""Tables of a run as text cells, laid out once for the page and for the terminal."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regime.formatting import QUANTITIES, display_name, format_value

__all__ = [
    "Row",
    "Table",
    "event_table",
    "importance_table",
    "lineage_table",
    "performance_table",
    "score_table",
]


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


def score_table(scores: Mapping[str, Any], columns: Sequence[str] | None = None) -> Table:
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
        note="Lower log loss and Brier are better, higher average precision and AUC; the best of each stands out.",
    )


def event_table(events: Mapping[str, Any]) -> Table:
    """Spells caught, lag and false alarms, of the model and of whatever stands beside it."""
    named = _named_rows(events)
    return Table(title="Spells of deleveraging", header=("", *_labels(named)), rows=_rows(named))


def performance_table(backtest: Mapping[str, Any], columns: Sequence[str] | None = None) -> Table:
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
        note="Decided at one close, filled at the next; cash earns the bill rate; 252 sessions a year.",
    )


def importance_table(families: Mapping[str, float]) -> tuple[tuple[str, float, str], ...]:
    """Name, share of the largest and share of the whole in words, by family, largest first."""
    usable = {
        key: max(float(value), 0.0)
        for key, value in families.items()
        if not math.isnan(float(value))
    }
    total, top = sum(usable.values()) or 1.0, max(usable.values(), default=0.0) or 1.0
    ordered = sorted(usable.items(), key=lambda item: -item[1])
    return tuple((display_name(key), value / top, f"{value / total:.0%}") for key, value in ordered)


def lineage_table(summary: Mapping[str, Any], lineage: Mapping[str, Any]) -> Table:
    """Where the numbers come from: data, hash, config, commit and run."""
    data, sample = summary.get("data") or {}, summary.get("out_of_sample") or {}
    own = {display_name(key): value for key, value in lineage.items()}
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
        **own,
    }
    rows = tuple(
        Row(name=name, cells=(format_value("", value),))
        for name, value in pairs.items()
        if value is not None and not isinstance(value, (Mapping, list, tuple))
    )
    return Table(title="Lineage", header=(), rows=rows)


def _span(sample: Mapping[str, Any]) -> str | None:
    first, last = sample.get("first"), sample.get("last")
    return f"{first} to {last}" if first and last else None


def _named_rows(content: Mapping[str, Any], name: str = "model") -> dict[str, Mapping[str, Any]]:
    """Scalars by name, whatever the nesting: ``{model: {..}, baselines: {vix.

    {..}}}`` or one flat mapping.
    """
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
    return (
        QUANTITIES[key].label if key in QUANTITIES else display_name(key) for key in _columns(named)
    )


def _rows(named: Mapping[str, Mapping[str, Any]], badge: str = "") -> tuple[Row, ...]:
    columns = _columns(named)
    leaders = [_leader(key, named) if len(named) > 1 else None for key in columns]
    return tuple(
        Row(
            name=display_name(name),
            cells=tuple(format_value(key, row.get(key)) for key in columns),
            own=name in ("model", "strategy"),
            badge="best baseline" if name == badge else "",
            leads=_places(row, columns, leaders),
        )
        for name, row in named.items()
    )


def _places(
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
