"""`regime data check`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from regime.cli.options import Data, Json, Quiet
from regime.cli.printing import print_json, print_tables
from regime.cli.progress import watching
from regime.cli.streams import reserved_stdout
from regime.formatting import NOTHING
from regime.report.tables import Row, Table

__all__ = ["check"]

HEADER = (
    "First",
    "Last",
    "Released (UTC)",
    "Age",
    "Limit",
    "Gaps",
    "Repeats",
    "Outliers",
    "Verdict",
)


def check(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CATALOGUE|CONFIG",
            show_default=False,
            help=(
                "A catalogue of series, or a config that names one; series.yaml where none is "
                "named."
            ),
        ),
    ] = "series.yaml",
    data: Data = None,
    json: Json = False,
    notes: Annotated[
        bool, typer.Option("--notes", help="Print what must be known too, beside what is wrong.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Check a folder of data, series by series.

    Gaps, repeats, outliers, units, and whether a run could use it.

    Exits with 0 where a run could use the folder, and as a run would otherwise: 3 where required
    data are missing or out of date, 4 where data break a rule or a required series has a fault.
    Warnings never fail.
    """
    with reserved_stdout(), watching(quiet) as progress:
        from regime.workflows.data_check import check_data

        result = check_data(config, data=data, progress=progress)
    if json:
        print_json(result.summary)
    else:
        print_tables(
            [
                _table("Series", result.summary["series"]),
                _table("Tables that no run reads", result.summary["tables"]),
            ],
            [*_findings(result.summary, notes), *_ending(result.summary)],
        )
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _table(title: str, inspections: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = tuple(
        Row(name=name, cells=_cells(inspection), badge="required" if inspection["required"] else "")
        for name, inspection in inspections.items()
    )
    return Table(
        title=title,
        header=("", *HEADER),
        rows=rows,
        note=(
            "Age and limit in calendar days; gaps are missing sessions, weeks, months or days, by "
            "the series' frequency."
        ),
    )


def _cells(inspection: Mapping[str, Any]) -> tuple[str, ...]:
    released = (
        str(inspection["released"])[:16].replace("T", " ") if inspection["released"] else None
    )
    numbers = (
        inspection["age_days"],
        inspection["max_age_days"],
        inspection["gaps"]["missing"] or None,
        inspection["repeats"] or None,
        inspection["outliers"] or None,
    )
    return tuple(
        NOTHING if value is None else f"{value:,}" if isinstance(value, int) else str(value)
        for value in (
            inspection["first"],
            inspection["last"],
            released,
            *numbers,
            inspection["verdict"],
        )
    )


def _findings(summary: Mapping[str, Any], notes: bool) -> list[str]:
    """One line a finding, the most severe first."""
    findings = [
        (finding, name)
        for section in ("series", "tables")
        for name, inspection in summary[section].items()
        for finding in inspection["findings"]
    ]
    lines: list[str] = []
    for severity, head in (("fault", "Faults"), ("warning", "Warnings"), ("note", "Notes")):
        of_severity = [
            (finding, name) for finding, name in findings if finding["severity"] == severity
        ]
        chosen = [
            f"  {name}: {finding['text']}"
            for finding, name in of_severity
            if finding["check"] != "absent"
        ]
        absent = [name for finding, name in of_severity if finding["check"] == "absent"]
        chosen += [f"  no file for {len(absent)} series: {', '.join(absent)}"] if absent else []
        if chosen and (notes or severity != "note"):
            lines += [f"{head}:", *chosen, ""]
    kinds = Counter(finding["check"] for finding, _ in findings if finding["severity"] == "note")
    if kinds and not notes:
        listed = ", ".join(f"{check} {count}" for check, count in sorted(kinds.items()))
        lines += [f"Notes, shown by --notes and --json: {listed}", ""]
    return lines


def _ending(summary: Mapping[str, Any]) -> list[str]:
    data, counts = summary["data"], summary["data"]["counts"]
    unread = data["unlisted"]
    lines = [f"Files that nothing reads: {', '.join(unread)}"] if unread else []
    lines += [f"A run would stop: {text}" for text in data["stops"]]
    counted = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    now = data["now"] or "unknown"
    return [
        *lines,
        f"Verdict: {summary['verdict']} ({counted}), now {now}, took {data['seconds']:.0f} s",
    ]
