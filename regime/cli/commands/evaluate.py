"""`regime evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regime.cli.options import ConfigAndOverrides, Episodes, Json, Out, Quiet, split_arguments
from regime.cli.printing import print_json, print_summary
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout

__all__ = ["evaluate"]

TRUTH = "configs/us_macro.yaml"


def evaluate(
    probabilities: Annotated[
        Path,
        typer.Argument(
            metavar="PROBABILITIES",
            show_default=False,
            help="Parquet or CSV with a date and a column `deleveraging`.",
        ),
    ],
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Folder of the data.", show_default=False)
    ],
    arguments: ConfigAndOverrides = None,
    episodes: Episodes = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score anybody's probabilities against simple baselines.

    CONFIG gives the truth, the folds and the features of the baselines; it is us_macro.yaml where
    none is named.
    """
    config, overrides = split_arguments(arguments, TRUTH)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.evaluate import evaluate as workflow

        summary = workflow(
            probabilities,
            data=data,
            episodes=episodes,
            config=config,
            out=out,
            overrides=overrides,
            progress=progress,
        )
    if json:
        print_json(summary)
    else:
        print_summary(summary)
