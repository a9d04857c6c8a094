"""`regime evaluate`.

Depends on: cli, workflows.evaluate on use.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regime.cli.options import Episodes, Json, Out
from regime.cli.printing import print_json, print_summary
from regime.cli.streams import reserved_stdout

__all__ = ["evaluate"]


def evaluate(
    probabilities: Annotated[Path, typer.Argument(metavar="PROBABILITIES", show_default=False,
                                                  help="Parquet or CSV with a date and a column `deleveraging`.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of the data.", show_default=False)],
    episodes: Episodes = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Score anybody's probabilities against simple baselines."""
    with reserved_stdout():
        from regime.workflows.evaluate import evaluate as workflow

        summary = workflow(probabilities, data=data, episodes=episodes, out=out)
    if json:
        print_json(summary)
    else:
        print_summary(summary)
