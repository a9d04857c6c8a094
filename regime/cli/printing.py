"""What a command leaves on standard output: one line of JSON, or tables for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from regime.formatting import verdict
from regime.report.sentences import refused_values, unfit_series
from regime.report.tables import Row, Table, event_table, performance_table, score_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

__all__ = ["as_json", "print_json", "print_summary", "print_tables"]

# What a terminal has room for; the report holds all.
SCORES = ("log_loss", "brier", "average_precision", "auc")
PERFORMANCE = ("cagr", "volatility", "sharpe", "max_drawdown", "turnover", "mean_exposure")
WIDTH = 120  # of tables that no terminal bounds
LONGEST_NUMBER = 32  # characters; longer cells are sentences, and are folded
PLAIN = str.maketrans({"−": "-", "–": "-", "×": "x"})
TONES = {"ahead": "green", "unsure": "yellow", "behind": "red", "unknown": "yellow"}


def as_json(content: Any) -> str:
    """One line of strict JSON.

    NaN and infinities as null, dates and paths as text, numpy's numbers as numbers.
    """
    return json.dumps(_jsonable(content), allow_nan=False, ensure_ascii=False)


def print_json(content: Any) -> None:
    """Write `content` as one line of JSON to standard output."""
    sys.stdout.write(as_json(content) + "\n")


def print_summary(summary: Mapping[str, Any]) -> None:
    """Tables of scores, events and performance, the verdict in plain words, and where the files are.

    Parameters
    ----------
    summary : mapping
        The object of summary.json, or a part of it; what is missing is left out.
    """
    console = _console()
    with console.capture() as printed:
        _print_all(console, summary)
    sys.stdout.write(printed.get())


def print_tables(tables: Sequence[Table], lines: Sequence[str] = ()) -> None:
    """Tables to standard output, those without rows left out, then lines as they are."""
    console = _console()
    with console.capture() as printed:
        for table in tables:
            if table.rows:
                console.print(_rich(table, ascii_only=console.options.ascii_only), "", sep="\n")
        for line in lines:
            console.print(_text(line, console), soft_wrap=True)
    sys.stdout.write(printed.get())


def _print_all(console: Console, summary: Mapping[str, Any]) -> None:
    _print_period(console, summary)
    scores, events, backtest = (summary.get(key) or {} for key in ("scores", "events", "backtest"))
    for table in (
        score_table(scores, SCORES),
        event_table(events),
        performance_table(backtest, PERFORMANCE),
    ):
        if table.rows:
            console.print(_rich(table, ascii_only=console.options.ascii_only), "", sep="\n")
    if scores:
        found = verdict(scores)
        console.print(_text(found.text, console), style=TONES[found.tone])
    _print_places(console, summary)


def _print_period(console: Console, summary: Mapping[str, Any]) -> None:
    sample, data = summary.get("out_of_sample") or {}, summary.get("data") or {}
    if sample.get("first"):
        days, refits = sample.get("days"), sample.get("refits")
        counts = [
            f"{days:,} sessions" if days is not None else "",
            f"{refits} refits" if refits is not None else "",
        ]
        told = ", ".join(filter(None, counts))
        console.print(
            f"Out of sample {sample['first']} to {sample.get('last')}{f' ({told})' if told else ''}"
        )
    unfit = unfit_series(data)
    if unfit:
        console.print(f"Missing or stale: {', '.join(unfit)}", style="yellow")
    refused = refused_values(data)
    if refused:
        console.print(f"Values refused: {', '.join(refused)}", style="yellow")
    console.print()


def _print_places(console: Console, summary: Mapping[str, Any]) -> None:
    names = {"report": "Report", "bundle": "Saved model", "mlflow_run_id": "MLflow run"}
    for key, name in names.items():
        if summary.get(key):
            console.print(f"{name}: {summary[key]}", soft_wrap=True)
    if summary.get("seconds") is not None:
        console.print(f"Took {float(summary['seconds']):.0f} s")


def _console() -> Console:
    """A console that takes text as it is: no markup, no guessing of colours."""
    from rich.console import Console

    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    return (
        console
        if console.is_terminal
        else Console(file=sys.stdout, markup=False, highlight=False, emoji=False, width=WIDTH)
    )


def _rich(table: Table, *, ascii_only: bool) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable

    drawn = RichTable(
        title=table.title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption=table.note or None,
        caption_justify="left",
    )
    for place, head in enumerate(
        table.header
    ):  # a narrow terminal folds heads and names, never a number
        widest = max(len(row.cells[place - 1]) for row in table.rows) if place else 0
        words = not place or widest > LONGEST_NUMBER
        drawn.add_column(
            head,
            justify="left" if words else "right",
            min_width=None if words else widest,
            overflow="fold",
        )
    for row in table.rows:
        drawn.add_row(*_cells(row, ascii_only), style="bold" if row.own else "")
    return drawn


def _cells(row: Row, ascii_only: bool) -> list[Any]:
    from rich.text import Text

    cells = [row.name + (f" ({row.badge})" if row.badge else ""), *row.cells]
    return [
        Text(
            cell.translate(PLAIN) if ascii_only else cell,
            style="green" if place - 1 in row.leads else "",
        )
        for place, cell in enumerate(cells)
    ]


def _text(text: str, console: Console) -> str:
    return text.translate(PLAIN) if console.options.ascii_only else text


def _jsonable(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _jsonable(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_jsonable(item) for item in content]
    if isinstance(content, (str, bool, int)) or content is None:
        return content
    if isinstance(content, float):
        return float(content) if math.isfinite(content) else None
    if isinstance(content, PurePath):
        return str(content)
    if hasattr(content, "isoformat"):
        return content.isoformat()
    return _jsonable(content.tolist()) if hasattr(content, "tolist") else str(content)
