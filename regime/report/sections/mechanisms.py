"""The readings of the mechanisms, for the page and as tables for the terminal.

A part of the page for each: one sentence, one small figure of its past, its key numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import Chart, MechanismReading, NoReading
from regime.pipeline.market_data import MarketData
from regime.pipeline.mechanism_inputs import read_view
from regime.pipeline.mechanism_readings import Readings, read_mechanisms
from regime.pipeline.settings import Settings
from regime.report.figures import DATE, Figure, figure_layout, plotly_text, titled_axis
from regime.report.sections.section import Section
from regime.report.tables import Row, Table

__all__ = ["mechanism_sections", "number_rows", "reading_tables", "reading_words", "run_sections"]

# Five years in full, one session a week before: every session would make the page too large.
DAILY = 1260
WEEK = 5
DASHES = ("solid", "dash", "dot", "dashdot")


def run_sections(
    market_data: MarketData, settings: Settings, folder: Path | None
) -> tuple[Section, ...]:
    """Parts of the page of a run: what the mechanisms say at its last session.

    Parameters
    ----------
    market_data : MarketData
    settings : Settings
    folder : Path or None
        Data folder; None for a config that simulates.

    Raises
    ------
    MissingDataError, InvalidDataError
        As the source: mechanisms read series and tables that a run does not.

    **Known at:** the close of the last session of the market data.
    """
    view = read_view(settings, folder, f"{market_data.sessions[-1]:%Y-%m-%d}")
    return mechanism_sections(read_mechanisms(view).readings, settings.splits.first_test)


def mechanism_sections(readings: Readings, since: date | None = None) -> tuple[Section, ...]:
    """One part of the page a mechanism, in the order of the registry.

    Parameters
    ----------
    readings : mapping of str to MechanismReading or NoReading
    since : date, optional
        First day of the figures; all of history by default.

    Returns
    -------
    tuple of Section
        One without data says so, and has no figure.
    """
    return tuple(_section(key, readings[key], since) for key in MECHANISMS if key in readings)


def reading_tables(readings: Readings) -> list[Table]:
    """For each group of mechanisms its readings in words, then its key numbers.

    Parameters
    ----------
    readings : mapping of str to MechanismReading or NoReading
    """
    groups: dict[str, list[str]] = {}
    for key, mechanism in MECHANISMS.items():
        if key in readings:
            groups.setdefault(mechanism.group, []).append(key)
    tables = []
    for group, keys in groups.items():
        sentences = tuple(
            Row(name=MECHANISMS[key].title, cells=(reading_words(readings[key]),)) for key in keys
        )
        numbers = tuple(
            Row(name=f"{MECHANISMS[key].title}: {row.name}", cells=row.cells)
            for key in keys
            for row in number_rows(readings[key])
        )
        tables += [
            Table(title=group, header=("", "Reading"), rows=sentences),
            Table(title=f"{group}: numbers", header=("", "Value"), rows=numbers),
        ]
    return tables


def reading_words(reading: MechanismReading | NoReading) -> str:
    """The sentence, or why there is none."""
    if isinstance(reading, MechanismReading):
        return reading.sentence
    return f"No reading: {reading.reason}."


def number_rows(reading: MechanismReading | NoReading) -> tuple[Row, ...]:
    """Key numbers of one mechanism; what is not known is left out."""
    if not isinstance(reading, MechanismReading):
        return ()
    rows = []
    for number in MECHANISMS[reading.name].numbers:
        value = _value_at(reading.values, number.path)
        if value is not None:
            rows.append(Row(name=number.label, cells=(number.write(value),)))
    return tuple(rows)


def _value_at(values: Any, path: str) -> Any:
    """The value at a path; None where the path ends."""
    for key in path.split("."):
        if isinstance(values, list):
            values = values[int(key)] if int(key) < len(values) else None
        else:
            values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _section(name: str, reading: MechanismReading | NoReading, since: date | None) -> Section:
    mechanism = MECHANISMS[name]
    key = f"mechanism-{name.replace('_', '-')}"
    numbers = number_rows(reading)
    figure = None
    if isinstance(reading, MechanismReading) and mechanism.chart is not None:
        history = _since(reading.history, since)
        figure = _figure(mechanism.chart, mechanism.title, f"{key}-figure", history)
    return Section(
        key=key,
        title=mechanism.title,
        sentence=reading_words(reading),
        figure=figure,
        tables=(Table(title="All numbers", header=(), rows=numbers, folded=True),)
        if numbers
        else (),
    )


def _since(history: pd.DataFrame, first: date | None) -> pd.DataFrame:
    return history if first is None or history.empty else history.loc[pd.Timestamp(first) :]


def _figure(chart: Chart, title: str, key: str, history: pd.DataFrame) -> Figure | None:
    """Lines of the past; None where there is nothing to draw."""
    begin = max(len(history) - DAILY, 0)
    recent = history.iloc[[*range(0, begin, WEEK), *range(begin, len(history))]]
    known = [name for name in chart.lines if name in recent and recent[name].notna().any()]
    if not known:
        return None
    labels = ", ".join(chart.lines[column] for column in known)
    several = len(known) > 1
    axis = titled_axis(chart.axis) | {
        "tickformat": chart.tick_format,
        "nticks": 5,
        "zeroline": True,
        "zerolinecolor": "var(--line)",
    }
    return Figure(
        key=key,
        title=title,
        height=220,
        regimes=False,
        coarse=tuple(known),
        caption=f"{labels}, as known at each close." if several else "As known at each close.",
        alternative=f"{labels} from {recent.index[0]:%Y-%m-%d} to {recent.index[-1]:%Y-%m-%d}.",
        columns={
            "date": recent.index.to_numpy(),
            **{column: recent[column].to_numpy(dtype=np.float64) for column in known},
        },
        traces=[
            _trace(column, chart.lines[column], position, chart.tick_format)
            for position, column in enumerate(known)
        ],
        layout=figure_layout(
            yaxis=axis, showlegend=several, margin={"l": 58, "r": 10, "t": 30, "b": 28}
        ),
    )


def _trace(column: str, label: str, position: int, tick_format: str) -> dict[str, Any]:
    first = position == 0
    colour = "var(--accent)" if first else f"var(--bench-{(position - 1) % 4 + 1})"
    return {
        "type": "scatter",
        "mode": "lines",
        "x": DATE,
        "y": {"column": column},
        "name": plotly_text(label),
        "line": {
            "color": colour,
            "width": 1.8 if first else 1.3,
            "dash": DASHES[position % len(DASHES)],
        },
        "hovertemplate": f"%{{y:{tick_format}}}",
    }
