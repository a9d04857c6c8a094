"""`regime audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from regime.cli.options import ConfigAndOverrides, Data, Json, Quiet, split_arguments
from regime.cli.printing import print_json, print_tables
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout
from regime.errors import LeakageError
from regime.report.tables import Row, Table

if TYPE_CHECKING:
    from regime.studies.leakage.findings import AuditReport

__all__ = ["audit"]


def audit(
    arguments: ConfigAndOverrides = None,
    data: Data = None,
    dates: Annotated[
        int, typer.Option("--dates", min=1, help="Random dates at which every builder is probed.")
    ] = 50,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check a config and its data for the use of future information.

    Builders, labels, folds, releases, series.

    Exits with 5 where there is any; each leak is reported with its location and size.
    """
    config, overrides = split_arguments(arguments)
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.audit import audit as workflow

        report = workflow(config, data=data, overrides=overrides, dates=dates, progress=progress)
    if json:
        print_json(report.to_dict())
    else:
        print_tables(
            [_table(report)],
            [
                *(f"Warning: {finding}" for finding in report.warnings),
                f"Verdict: {report.verdict}, took {report.seconds:.0f} s",
            ],
        )
    if report.leaks:
        raise LeakageError([str(finding) for finding in report.leaks])


def _table(report: AuditReport) -> Table:
    rows = tuple(
        Row(
            name=check.name,
            cells=(
                f"{check.checked:,}",
                f"{check.probes:,}",
                str(check.leaks),
                str(check.warnings),
                f"{check.seconds:.1f}",
            ),
        )
        for check in report.checks
    )
    return Table(
        title="Audit",
        header=("", "Checked", "Comparisons", "Leaks", "Warnings", "Seconds"),
        rows=rows,
    )
