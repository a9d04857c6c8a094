"""`regime sweep`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from regime.cli.options import (
    ConfigAndOverrides,
    Data,
    Json,
    Out,
    Probabilities,
    Quiet,
    split_arguments,
)
from regime.cli.printing import print_json, print_tables
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout
from regime.report.tables import Row, Table

__all__ = ["sweep"]

HEADER = ("Robust score", "Sharpe", "Deepest drawdown", "Turnover", "Orders")


def sweep(
    arguments: ConfigAndOverrides = None,
    grid: Annotated[
        str, typer.Option("--grid", metavar="FILE", help="Settings to try, in YAML.")
    ] = "sweep.yaml",
    probabilities: Probabilities = None,
    data: Data = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Try very many settings of a rule, and say how much of the best one is chance.

    A setting is ranked by the median Sharpe ratio of spans of years, its own and its neighbours',
    and chosen for each test year on the years before it.
    """
    config, overrides = split_arguments(arguments)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.sweep import sweep_rules

        report = sweep_rules(
            config,
            grid=grid,
            probabilities=probabilities,
            data=data,
            out=out,
            overrides=overrides,
            progress=progress,
        )
    if json:
        print_json(report.summary)
        return
    rows = tuple(Row(name=best["rule"], cells=_cells(best)) for best in report.summary["top"])
    print_tables(
        [Table(title="Best settings by the robust score", header=("", *HEADER), rows=rows)],
        [*report.summary["sentences"], f"Took {report.summary['seconds']:.0f} s"],
    )


def _cells(figures: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{figures['robust_score']:.2f}",
        f"{figures['sharpe']:.2f}",
        f"{figures['max_drawdown']:.1%}",
        f"{figures['turnover']:.1f}×",
        f"{figures['orders']:,.0f}",
    )
