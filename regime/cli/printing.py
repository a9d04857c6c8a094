"""The answer of a command on standard output: one line of JSON, or tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from regime.formatting import judge_skill
from regime.migrations import SCHEMA_VERSION
from regime.report.sentences import refused_values, unfit_series
from regime.report.tables import (
    Row,
    Table,
    backtest_table,
    detection_table,
    forecast_score_table,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

__all__ = ["as_json", "print_json", "print_summary", "print_tables"]

# Columns that a terminal has room for; the report holds all.
SCORES = ("log_loss", "brier", "average_precision", "auc")
PERFORMANCE = ("cagr", "volatility", "sharpe", "max_drawdown", "turnover", "mean_exposure")
WIDTH = 120  # of tables that no terminal bounds
LONGEST_NUMBER = 32  # characters; longer cells are sentences and are wrapped
ASCII = str.maketrans({"−": "-", "–": "-", "×": "x"})
TONES = {"ahead": "green", "unsure": "yellow", "behind": "red", "unknown": "yellow"}


def as_json(content: Mapping[str, Any] | Sequence[Any]) -> str:
    """One line of strict JSON: an object whose first key is ``schema_version``.

    Parameters
    ----------
    content : mapping or sequence
        A sequence becomes the key ``items`` of the object.

    Returns
    -------
    str
        NaN and infinities as null, dates and paths as text, numbers of numpy as numbers.

    Raises
    ------
    InvalidDataError
        If something has no form in JSON; its location is named.
    """
    from regime.artifacts import to_json_value

    fields = content if isinstance(content, Mapping) else {"items": content}
    values = to_json_value(fields, "answer", infinite_as_null=True)
    document = {"schema_version": SCHEMA_VERSION, **values}
    return json.dumps(document, allow_nan=False, ensure_ascii=False)


def print_json(content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write `content` as one line of JSON to standard output; see `as_json`."""
    sys.stdout.write(as_json(content) + "\n")


def print_summary(summary: Mapping[str, Any]) -> None:
    """Tables of scores, detection and performance, the skill in words, and paths of the files.

    Parameters
    ----------
    summary : mapping
        The object of summary.json, or a part of it; missing parts are left out.
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
    scores = summary.get("scores") or {}
    events = summary.get("events") or {}
    backtest = summary.get("backtest") or {}
    for table in (
        forecast_score_table(scores, SCORES),
        detection_table(events),
        backtest_table(backtest, PERFORMANCE),
    ):
        if table.rows:
            console.print(_rich(table, ascii_only=console.options.ascii_only), "", sep="\n")
    if scores:
        skill = judge_skill(scores)
        console.print(_text(skill.text, console), style=TONES[skill.tone])
    _print_paths(console, summary)


def _print_period(console: Console, summary: Mapping[str, Any]) -> None:
    sample = summary.get("out_of_sample") or {}
    data = summary.get("data") or {}
    if sample.get("first"):
        days = sample.get("days")
        refits = sample.get("refits")
        counts = [
            f"{days:,} sessions" if days is not None else "",
            f"{refits} refits" if refits is not None else "",
        ]
        text = ", ".join(filter(None, counts))
        period = f"{sample['first']} to {sample.get('last')}"
        console.print(f"Out of sample {period} ({text})" if text else f"Out of sample {period}")
    unfit = unfit_series(data)
    if unfit:
        console.print(f"Missing or stale: {', '.join(unfit)}", style="yellow")
    refused = refused_values(data)
    if refused:
        console.print(f"Values refused: {', '.join(refused)}", style="yellow")
    console.print()


def _print_paths(console: Console, summary: Mapping[str, Any]) -> None:
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
    # A narrow terminal wraps heads and names, never a number.
    for column, head in enumerate(table.header):
        widest = max(len(row.cells[column - 1]) for row in table.rows) if column else 0
        is_text = not column or widest > LONGEST_NUMBER
        drawn.add_column(
            head,
            justify="left" if is_text else "right",
            min_width=None if is_text else widest,
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
            cell.translate(ASCII) if ascii_only else cell,
            style="green" if column - 1 in row.leads else "",
        )
        for column, cell in enumerate(cells)
    ]


def _text(text: str, console: Console) -> str:
    return text.translate(ASCII) if console.options.ascii_only else text
