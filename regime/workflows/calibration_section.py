"""A part of the page: whether a run's probabilities mean what they say."""

from __future__ import annotations

import pandas as pd

from regime.report.sections.section import Section
from regime.report.tables import Row, Table
from regime.workflows.calibration import WORDS, CalibrationAccount

__all__ = ["calibration_section"]


def calibration_section(found: CalibrationAccount) -> Section:
    """Part "Do the probabilities mean what they say?" of the page."""
    tables: tuple[Table, ...] = ()
    if not found.sets.empty:
        tables = (
            _ways_table(found.ways),
            _regimes_table(found.regimes),
            _sets_table(found.sets, found.aim),
        )
    return Section(
        key="calibration",
        title="Do the probabilities mean what they say?",
        sentence=" ".join(found.sentences()),
        tables=tables,
    )


def _ways_table(ways: pd.DataFrame) -> Table:
    rows = tuple(
        Row(
            name=WORDS[str(way)],
            cells=(
                f"{row['log_loss']:.4f}",
                f"{row['brier']:.4f}",
                f"{row['reliability']:.4f}",
                f"{row['resolution']:.4f}",
                ""
                if way == "none"
                else f"{row['gain']:+.1f} ({row['low']:+.1f} to {row['high']:+.1f})".replace(
                    "-", "−"
                ),
            ),
            badge="in force" if way == "none" else "",
        )
        for way, row in ways.iterrows()
    )
    return Table(
        title="Calibrated once more, at each refit on earlier forecasts",
        rows=rows,
        header=("", "Log loss", "Brier", "Reliability", "Resolution", "Gain"),
        note="Against the config's own definition of a fall. Reliability: mean squared distance of forecast "
        "and frequency, less is better. Gain: thousandths of a nat a day, with its 90% interval.",
    )


def _regimes_table(regimes: pd.DataFrame) -> Table:
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


def _sets_table(sets: pd.DataFrame, aim: float) -> Table:
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
        title=f"Sets of regimes meant to hold {aim:.0%}, by year and by regime",
        rows=rows,
        folded=True,
        header=("", "Sessions", "Held the true one", "Regimes in a set", "Sets of one"),
        note="The promise is about all sessions together; a year, or a regime that came, may lie far below.",
    )
