"""`regime run`."""

from __future__ import annotations

import typer

from regime.cli.options import ConfigAndOverrides, Data, Episodes, Json, Out, Quiet, split_arguments
from regime.cli.printing import print_json, print_summary
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout

__all__ = ["run"]

DEMO = "configs/demo.yaml"


def run(
    arguments: ConfigAndOverrides = None,
    data: Data = None,
    out: Out = None,
    episodes: Episodes = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train, test, trade and report.

    Everything is out of sample and after costs. CONFIG is configs/demo.yaml where none is named.
    """
    config, overrides = split_arguments(arguments, DEMO)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.run import run as workflow

        result = workflow(
            config, data=data, out=out, episodes=episodes, overrides=overrides, progress=progress
        )
    if json:
        print_json(result.summary)
    else:
        print_summary(result.summary)
        gate = result.summary.get("skill_gate") or {}
        if gate and not gate["passed"]:
            typer.echo(f"Skill gate: {gate['text']}")
