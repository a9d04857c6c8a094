"""`regime flows`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regime.cli.options import ConfigAndOverrides, Data, Json, Quiet, split_arguments
from regime.cli.printing import print_json, print_tables
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["flows"]

CONFIG = "us_macro.yaml"
CLOSED = 7  # days


def flows(
    arguments: ConfigAndOverrides = None,
    data: Data = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            help=(
                "Decision date: what was public at 16:00 New York on it; the session before where "
                "it is none."
            ),
        ),
    ] = None,
    chain: Annotated[
        Path | None,
        typer.Option("--chain", metavar="FILE", help=("Option chain for dealers' gamma.")),
    ] = None,
    pe: Annotated[
        Path | None,
        typer.Option(
            "--pe", metavar="FILE", help=("Forward multiple: date, forward_pe, released.")
        ),
    ] = None,
    book: Annotated[
        Path | None,
        typer.Option(
            "--book",
            metavar="FILE",
            help=("Depth at the top of the order book: date, depth, released."),
        ),
    ] = None,
    caps: Annotated[
        Path | None,
        typer.Option(
            "--caps",
            metavar="FILE",
            help=("Market capitalisations: date, ticker, market_cap, released."),
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what every mechanism of a deleveraging does on a date.

    Who must sell, at which level, how much.

    CONFIG gives the source and the catalogue; it is us_macro.yaml where none is named. A mechanism
    without data for the date is unavailable and says why.
    """
    config, overrides = split_arguments(arguments, CONFIG)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.pipeline.mechanism_inputs import UserFiles
        from regime.report.sections.mechanisms import reading_tables
        from regime.workflows.flows import flows as workflow

        user_files = UserFiles(chain=chain, pe=pe, book=book, caps=caps)
        result = workflow(
            config,
            data=data,
            as_of=as_of,
            user_files=user_files,
            overrides=overrides,
            progress=progress,
        )
    late = _too_late(as_of, result.as_of)
    if json:
        print_json(result.to_dict())
        for warning in late:
            print(warning, file=sys.stderr)
    else:
        print_tables(reading_tables(result.readings), [f"As of {result.as_of:%Y-%m-%d}", *late])


def _too_late(asked: str | None, read: pd.Timestamp) -> tuple[str, ...]:
    """A warning where the data end before the date asked for.

    No exchange was closed for longer.
    """
    days = 0 if asked is None else (type(read)(asked) - read).days
    warning = (
        f"The data end on {read:%Y-%m-%d}, {days:,} days before {asked}: this is no reading of "
        "that day."
    )
    return (warning,) if days > CLOSED else ()
