"""A section of the page: whether a run's probabilities are calibrated."""

from __future__ import annotations

import pandas as pd

from regime.report.sections.section import Section
from regime.report.tables import Row, Table
from regime.studies.significance.calibration import METHOD_NAMES, CalibrationAssessment

__all__ = ["calibration_section"]


def calibration_section(result: CalibrationAssessment) -> Section:
    """Recalibrations compared, each regime against the rest, and the coverage of sets."""
    tables: tuple[Table, ...] = ()
    if not result.sets.empty:
        tables = (
            _method_table(result.methods),
            _regime_table(result.regimes),
            _set_table(result.sets, result.target),
        )
    return Section(
        key="calibration",
        title="Are the probabilities calibrated?",
        sentence=" ".join(result.sentences()),
        tables=tables,
    )


def _method_table(methods: pd.DataFrame) -> Table:
    rows = tuple(
        Row(
            name=METHOD_NAMES[str(method)],
            cells=(
                f"{row['log_loss']:.4f}",
                f"{row['brier']:.4f}",
                f"{row['reliability']:.4f}",
                f"{row['resolution']:.4f}",
                "" if method == "none" else _gain(row),
            ),
            badge="in force" if method == "none" else "",
        )
        for method, row in methods.iterrows()
    )
    return Table(
        title="Recalibrated at each refit on earlier forecasts",
        rows=rows,
        header=("", "Log loss", "Brier", "Reliability", "Resolution", "Gain"),
        note="Against the config's own definition of a fall. Reliability: mean squared distance of "
        "forecast and frequency, less is better. Gain: thousandths of a nat a day, with its 90% "
        "interval.",
    )


def _gain(row: pd.Series) -> str:
    text = f"{row['gain']:+.1f} ({row['low']:+.1f} to {row['high']:+.1f})"
    return text.replace("-", "−")


def _regime_table(regimes: pd.DataFrame) -> Table:
    rows = tuple(
        Row(
            name=str(regime),
            cells=(
                f"{row['forecast']:.1%}",
                f"{row['observed']:.1%}",
                f"{row['brier']:.4f}",
                f"{row['reliability']:.4f}",
                f"{row['resolution']:.4f}",
            ),
        )
        for regime, row in regimes.iterrows()
    )
    return Table(
        title="Each regime against the rest",
        rows=rows,
        header=("", "Forecast", "Observed", "Brier", "Reliability", "Resolution"),
    )


def _set_table(sets: pd.DataFrame, target: float) -> Table:
    rows = tuple(
        Row(
            name="All sessions" if name == "all" else str(name),
            cells=(
                f"{row['sessions']:,.0f}",
                f"{row['covered']:.1%}",
                f"{row['regimes']:.2f}",
                f"{row['single']:.0%}",
            ),
        )
        for name, row in sets.iterrows()
    )
    return Table(
        title=f"Sets of regimes with {target:.0%} target coverage, by year and by regime",
        rows=rows,
        folded=True,
        header=("", "Sessions", "Held the true one", "Regimes in a set", "Sets of one"),
        note="The target is for all sessions together; a single year or true regime may lie far "
        "below it.",
    )
