"""`regime backtest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from regime.cli.options import (
    ConfigAndOverrides,
    Data,
    Episodes,
    Json,
    Out,
    Probabilities,
    Quiet,
    split_arguments,
)
from regime.cli.printing import print_json, print_tables
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout
from regime.formatting import NOTHING
from regime.report.tables import Row, Table, backtest_table

__all__ = ["backtest"]

# What a terminal has room for.
PERFORMANCE = (
    "cagr",
    "volatility",
    "sharpe",
    "max_drawdown",
    "turnover",
    "flips_per_year",
    "mean_exposure",
)
CASES = {
    "sharpe": "Sharpe",
    "max_drawdown": "Deepest drawdown",
    "sharpe_buy_and_hold": "Sharpe of holding",
    "sharpe_vol_target_12": "of the volatility target",
}
SPELLS = {
    "exposure_before": "Before",
    "exposure_inside": "In",
    "exposure_after": "After",
    "market_return": "Market",
    "rule_return": "Rule",
    "loss_avoided": "Avoided",
    "missed_after": "Missed",
}


def backtest(
    arguments: ConfigAndOverrides = None,
    probabilities: Probabilities = None,
    data: Data = None,
    episodes: Episodes = None,
    out: Out = None,
    stress: Annotated[
        bool,
        typer.Option("--stress/--no-stress", help="Try worse fills, costs, data and histories."),
    ] = True,
    worlds: Annotated[
        int,
        typer.Option("--worlds", min=0, help="Simulated worlds to try too; half a minute each."),
    ] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Trade the rule of a config, after costs, and show what is left of it under stress.

    The rule reads probabilities from a file or, where none is given, from the config's own
    walk-forward.
    """
    config, overrides = split_arguments(arguments)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.backtest import StressPlan, backtest_rule

        plan = StressPlan(worlds=tuple(range(1, worlds + 1)))
        result = backtest_rule(
            config,
            probabilities=probabilities,
            data=data,
            episodes=episodes,
            out=out,
            overrides=overrides,
            stressed=stress,
            plan=plan,
            progress=progress,
        )
    summary = result.summary
    if json:
        print_json(summary)
        return
    stress_summary = summary["stress"] or {}
    print_tables(
        [backtest_table(summary["backtest"], PERFORMANCE), *_stress_tables(stress_summary)],
        [
            f"Rule: {summary['rule']}",
            *summary["intervals"],
            *stress_summary.get("sentences", ()),
            f"From {summary['first']} to {summary['last']}, took {summary['seconds']:.0f} s",
        ],
    )


def _stress_tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    """The tables that a terminal has room for; the JSON and the report hold all."""
    for key, title, case, head in (
        ("delays", "Filled later", "delay", "sessions"),
        ("costs", "Costs", "multiple", "times"),
    ):
        rows = summary.get(key) or []
        if rows:
            yield Table(
                title=title,
                header=(head, *CASES.values()),
                rows=tuple(
                    Row(
                        name=f"{row[case]:g}", cells=tuple(_number(row.get(name)) for name in CASES)
                    )
                    for row in rows
                ),
            )
    spells = summary.get("spells") or []
    if spells:
        yield Table(
            title="Spells",
            header=("", *SPELLS.values()),
            rows=tuple(
                Row(
                    name=f"{row['first']} to {row['last']}",
                    cells=tuple(_percent(row[name]) for name in SPELLS),
                )
                for row in spells
            ),
            note="Held before, in and after each spell; missed: over the 63 sessions after it.",
        )


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0%}"
