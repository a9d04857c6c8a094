"""`regime features`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regime.cli.options import ConfigAndOverrides, Data, Quiet, split_arguments
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout

__all__ = ["features"]


def features(
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE.parquet", help="File to write.", show_default=False),
    ],
    arguments: ConfigAndOverrides = None,
    data: Data = None,
    mechanisms: Annotated[
        bool,
        typer.Option(
            "--mechanisms",
            help="Also the columns of the mechanisms, which the config's model does without.",
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write the features of a config to a file, one row a session."""
    config, overrides = split_arguments(arguments)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.features import build_features

        build_features(
            config,
            data=data,
            out=out,
            overrides=overrides,
            mechanisms=mechanisms,
            progress=progress,
        )
    typer.echo(f"Features: {out}")
