"""`regime tune`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from regime.cli.options import ConfigAndOverrides, Data, Json, Quiet, split_arguments
from regime.cli.printing import print_json, print_tables
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout
from regime.formatting import NOTHING
from regime.report.tables import Row, Table

__all__ = ["tune"]


def tune(
    arguments: ConfigAndOverrides = None,
    data: Data = None,
    trials: Annotated[
        int,
        typer.Option(
            "--trials",
            metavar="N",
            help="Finished trials wanted in each study; one that was stopped resumes.",
        ),
    ] = 200,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            show_default=False,
            help="Processes per study; those of the config by default.",
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            show_default=False,
            help="Database that workers on any host share, as in postgresql://HOST/NAME; "
            "a journal on this host by default.",
        ),
    ] = None,
    block: Annotated[
        int | None,
        typer.Option(
            "--block",
            metavar="YEAR",
            show_default=False,
            help="First year of the one block to tune; all by default.",
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE.yaml", help="File of the choices; others in it stay."),
    ] = Path("experiments/tuned.yaml"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Choose labels, features and model for each block of years, on what was known before it.

    It may be stopped at any time: the same command resumes where it was.
    """
    config, overrides = split_arguments(arguments)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.tune import tune as workflow

        result = workflow(
            config,
            trials=trials,
            workers=workers,
            storage=storage,
            block=block,
            data=data,
            out=out,
            overrides=overrides,
            progress=progress,
        )
    if json:
        print_json(result.summary)
        return
    tables = [
        _choices(result.summary["blocks"]),
        *(_plateau(choice) for choice in result.summary["blocks"]),
    ]
    print_tables(
        tables,
        [
            *(f"Note: {note}" for note in result.notes),
            f"Choices: {result.out}",
            f"Took {result.summary['seconds']:.0f} s",
        ],
    )


def _choices(blocks: list[Mapping[str, Any]]) -> Table:
    rows = tuple(
        Row(
            name=f"{block['first'][:4]}-{block['last'][:4]}",
            cells=(
                *(str(block["trials"][state]) for state in ("complete", "pruned", "failed")),
                str(block["best"]["trial"]),
                f"{block['best']['mean']:.3f}",
                str(block["within"]),
                str(block["chosen"]["trial"]),
                f"{block['chosen']['mean']:.3f}",
                f"{block['chosen']['deviation']:.3f}",
                block["baseline"],
            ),
        )
        for block in blocks
    )
    header = (
        "",
        "Complete",
        "Pruned",
        "Failed",
        "Best",
        "Its skill",
        "Within 1 SE",
        "Chosen",
        "Its skill",
        "Deviation",
        "Baseline",
    )
    return Table(
        title="Choices",
        header=header,
        rows=rows,
        note="Log-loss skill over the baseline on inner folds; chosen is the simplest trial within "
        "one standard error of the best.",
    )


def _plateau(choice: Mapping[str, Any]) -> Table:
    params = choice["chosen"]["params"]
    rows = tuple(
        Row(
            name=name,
            cells=(
                _text(params.get(name)),
                ", ".join(f"{key} {_text(value)}" for key, value in spread.items()),
            ),
        )
        for name, spread in choice["plateau"].items()
    )
    return Table(
        title=f"Plateau before {choice['year']}",
        header=("", "Chosen", "Trials within one standard error"),
        rows=rows,
    )


def _text(value: Any) -> str:
    if value is None:
        return NOTHING
    return f"{value:g}" if isinstance(value, float) else str(value).lower()
