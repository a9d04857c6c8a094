"""`regime explain`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from regime.cli.options import ConfigAndOverrides, Data, Json, Quiet, split_arguments
from regime.cli.printing import print_json, print_tables
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout
from regime.formatting import NOTHING, sentence_case, signed
from regime.report.tables import Row, Table

__all__ = ["explain"]

SINCE = {
    "now": "Now",
    "since_1": "Since the day before",
    "since_5": "Since 5 sessions",
    "since_21": "Since 21 sessions",
}
FEATURES = 10  # that a terminal has room for; the JSON holds all


def explain(
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of", metavar="DATE", show_default=False, help="Day to explain, as 2024-08-05."
        ),
    ],
    arguments: ConfigAndOverrides = None,
    data: Data = None,
    stability: Annotated[
        bool,
        typer.Option(
            "--stability",
            help="Fit the model of every block up to that day too, and compare their importance.",
        ),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Explain the probability of a day, and the smallest moves that would change the regime.

    The model is that of the day's own test block, never one fitted on later sessions.
    """
    config, overrides = split_arguments(arguments)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.explain import explain as workflow

        summary = workflow(
            config,
            as_of=as_of,
            data=data,
            stability=stability,
            overrides=overrides,
            progress=progress,
        ).summary
    if json:
        print_json(summary)
    else:
        model = summary["model"]
        print_tables(
            list(_tables(summary)),
            [
                *summary["sentences"],
                f"Model fitted at the close of {model['refit']} on "
                f"{model['trained_from']} to {model['trained_to']}; data end on "
                f"{summary['data']['last']}, took {summary['seconds']:.0f} s",
            ],
        )


def _tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    rows = tuple(
        Row(name=_label(row["mechanism"]), cells=tuple(signed(row[key]) for key in SINCE))
        for row in summary["mechanisms"]
    )
    total = Row(
        name="All, with the base",
        cells=(signed(summary["log_odds"]), *("" for _ in list(SINCE)[1:])),
        own=True,
    )
    yield Table(
        title=f"Log-odds of a deleveraging at the close of {summary['session']}, by mechanism",
        header=("", *SINCE.values()),
        rows=(*rows, Row(name="Base", cells=(signed(summary["base"]), "", "", "")), total),
        note="Contribution of each with all others present, and its changes; earlier sessions by "
        "the same model.",
    )
    yield Table(
        title="Features that weigh most",
        header=("", "Value", "Higher than", "Log-odds"),
        rows=tuple(
            Row(
                name=row["feature"],
                cells=(
                    NOTHING if row["value"] is None else f"{row['value']:.4g}",
                    NOTHING if row["rank"] is None else f"{row['rank']:.0%} of days",
                    signed(row["now"]),
                ),
            )
            for row in summary["features"][:FEATURES]
        ),
    )
    yield Table(
        title="Smallest moves that make or end a deleveraging",
        header=("", "Move", "Regime", "P(deleveraging)"),
        rows=tuple(_flip(row) for row in summary["flips"]),
        note="All features of a mechanism moved together, in standard deviations, above 0 towards "
        "a deleveraging; * beyond the historical range.",
    )
    if summary["stability"]:
        heads = [key for key in summary["stability"][0] if key != "refit"]
        yield Table(
            title="Share of each family by refit",
            header=("", *map(_label, heads)),
            rows=tuple(
                Row(name=row["refit"], cells=tuple(_share(key, row[key]) for key in heads))
                for row in summary["stability"]
            ),
            note="Rank correlation: of the features' importance with that of the refit before.",
        )


def _flip(row: Mapping[str, Any]) -> Row:
    if row["move"] is None:
        return Row(name=_label(row["mechanism"]), cells=("none within 4", NOTHING, NOTHING))
    mark = "" if row["seen"] else "*"
    return Row(
        name=_label(row["mechanism"]),
        cells=(f"{signed(row['move'])}{mark}", row["regime"], f"{row['deleveraging']:.0%}"),
    )


def _share(key: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.2f}" if key == "rank_correlation" else f"{value:.0%}"


def _label(text: str) -> str:
    return sentence_case(text.replace("_", " "))
