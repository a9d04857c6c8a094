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
            "--pe", metavar="FILE", help=("Own forward multiple: date, forward_pe, released.")
        ),
    ] = None,
    book: Annotated[
        Path | None,
        typer.Option(
            "--book",
            metavar="FILE",
            help=("Own depth at the top of the order book: date, depth, released."),
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
    without data for the date says so and steps aside.
    """
    config, overrides = split_arguments(arguments, CONFIG)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.flows import flows as workflow
        from regime.workflows.flows_inputs import OwnFiles
        from regime.workflows.flows_tables import reading_tables

        own = OwnFiles(chain=chain, pe=pe, book=book, caps=caps)
        found = workflow(
            config, data=data, as_of=as_of, own=own, overrides=overrides, progress=progress
        )
    late = _too_late(as_of, found.as_of)
    if json:
        print_json(found.to_dict())
        for words in late:
            print(words, file=sys.stderr)
    else:
        print_tables(reading_tables(found.readings), [f"As of {found.as_of:%Y-%m-%d}", *late])


def _too_late(asked: str | None, told: pd.Timestamp) -> tuple[str, ...]:
    """What must be said where the data end before the date asked for.

    No exchange was closed for longer.
    """
    days = 0 if asked is None else (type(told)(asked) - told).days
    words = f"The data end on {told:%Y-%m-%d}, {days:,} days before {asked}: this is no reading of that day."
    return (words,) if days > CLOSED else ()
