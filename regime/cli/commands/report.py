"""`regime report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regime.cli.options import Json
from regime.cli.printing import print_json
from regime.cli.streams import reserved_stdout

__all__ = ["report"]


def report(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="Output folder of a run, or the id of its MLflow run."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Page to write.")
    ] = None,
    tracking: Annotated[
        Path, typer.Option("--tracking", metavar="DIR", help="Folder of the MLflow runs.")
    ] = Path("mlruns"),
    json: Json = False,
) -> None:
    """Draw the page of an earlier run again, without data and without training."""
    with reserved_stdout():
        from regime.workflows.report import report as workflow

        page = workflow(run, out=out, tracking=tracking)
    if json:
        print_json({"report": str(page)})
    else:
        typer.echo(f"Report: {page}")
