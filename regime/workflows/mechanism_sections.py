"""A part of the page for each mechanism.

One sentence, one small figure of its past, its key numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regime.mechanisms.reading import MechanismReading
from regime.report.figures import DATE, Figure, base_layout, plotly_text, titled_axis
from regime.report.sections.section import Section
from regime.workflows.data import World
from regime.workflows.flows import Readings, read_mechanisms
from regime.workflows.flows_inputs import read_inputs
from regime.workflows.flows_tables import GROUPS, TITLES, number_table, reading_words
from regime.workflows.settings import Settings

__all__ = ["mechanism_sections", "run_sections"]

DAILY, WEEK = (
    1260,
    5,
)  # sessions: five years in full, one in a week before, or the page grows too large
DASHES = ("solid", "dash", "dot", "dashdot")
# Columns of the history that a figure shows, what they are called, and how its axis is written.
LINES: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "cta": ("Exposure, of full size", ".0%", {"exposure": "Exposure"}),
    "gamma": ("Rank in a year", ".0%", {"rank": "Rank of dollar gamma"}),
    "positions": (
        "Net share of open interest",
        ".0%",
        {"sp500": "S&P 500", "ust10": "10-year notes", "jpy": "Yen", "vix": "VIX"},
    ),
    "vol_control": (
        "Exposure",
        ".0%",
        {"vol_control": "Volatility control", "risk_parity_equities": "Risk parity, equities"},
    ),
    "pension": ("Flow due, USD bn", ".0f", {"month": "Month end", "quarter": "Quarter end"}),
    "reserves": (
        "Score",
        ".1f",
        {"score": "Scarcity", "funding": "Funding", "backstop": "Backstops"},
    ),
    "dollar": (
        "Score",
        ".1f",
        {
            "dash": "Dash for dollars",
            "debasement": "Debasement",
            "equity_correlation": "Correlation with equities",
        },
    ),
    "valuation": (
        "From the peak of a year",
        ".0%",
        {"multiple_fall": "Multiple", "basket_fall": "Leaders"},
    ),
    "long_end": (
        "Score",
        ".1f",
        {
            "score": "Strain",
            "bear_steepening": "Bear steepening",
            "rate_volatility": "Volatility of rates",
        },
    ),
    "cross_asset": (
        "Share, or volatilities",
        ".1f",
        {"breadth_10": "Markets sold", "haven_failure": "Failure of havens"},
    ),
    "crypto": ("Share, or fall", ".0%", {"stress": "Alarms", "drawdown": "Bitcoin from its high"}),
    "depth": ("Thinner than", ".0%", {"thinness": "Rank among five years"}),
    "analogs": (
        "Grade",
        ".1f",
        {
            "macro": "312: macro",
            "one_market": "519: one market",
            "volatility_shock": "Shock of volatility",
        },
    ),
}


def run_sections(world: World, settings: Settings, folder: Path | None) -> tuple[Section, ...]:
    """Parts of the page of a run: what the mechanisms said at its last session.

    Parameters
    ----------
    world : World
    settings : Settings
    folder : Path or None
        Data folder; None for a config that simulates.

    Raises
    ------
    MissingDataError, InvalidDataError
        As the source: mechanisms read series and tables that a run does not.

    **Known at:** the close of the last session of the world.
    """
    inputs = read_inputs(settings, folder, f"{world.sessions[-1]:%Y-%m-%d}")
    return mechanism_sections(read_mechanisms(inputs).readings, settings.splits.first_test)


def mechanism_sections(readings: Readings, since: date | None = None) -> tuple[Section, ...]:
    """One part of the page a mechanism, in the order of the groups.

    Parameters
    ----------
    readings : mapping of str to MechanismReading or Absent
    since : date, optional
        First day of the figures; all of history by default.

    Returns
    -------
    tuple of Section
        One without data says so, and has no figure.
    """
    names = [name for group in GROUPS.values() for name in group if name in readings]
    return tuple(_section(name, readings, since) for name in names)


def _section(name: str, readings: Readings, since: date | None) -> Section:
    reading, key = readings[name], f"mechanism-{name.replace('_', '-')}"
    table = number_table(reading)
    figure = (
        _figure(name, key, _since(reading.history, since))
        if isinstance(reading, MechanismReading)
        else None
    )
    return Section(
        key=key,
        title=TITLES[name],
        sentence=reading_words(reading),
        figure=figure,
        tables=(table,) if table.rows else (),
    )


def _since(history: pd.DataFrame, first: date | None) -> pd.DataFrame:
    return history if first is None or history.empty else history.loc[pd.Timestamp(first) :]


def _figure(name: str, key: str, history: pd.DataFrame) -> Figure | None:
    """Lines of the past; None where there is nothing to draw."""
    axis, form, lines = LINES[name]
    begin = max(len(history) - DAILY, 0)
    recent = history.iloc[[*range(0, begin, WEEK), *range(begin, len(history))]]
    known = [column for column in lines if column in recent and recent[column].notna().any()]
    if not known:
        return None
    words = ", ".join(lines[column] for column in known)
    zero = {"zeroline": True, "zerolinecolor": "var(--line)"}
    return Figure(
        key=f"{key}-figure",
        title=TITLES[name],
        height=220,
        regimes=False,
        coarse=tuple(known),
        caption=f"{words}, as known at each close."
        if len(known) > 1
        else "As known at each close.",
        alternative=f"{words} from {recent.index[0]:%Y-%m-%d} to {recent.index[-1]:%Y-%m-%d}.",
        columns={
            "date": recent.index.to_numpy(),
            **{column: recent[column].to_numpy(dtype=np.float64) for column in known},
        },
        traces=[_trace(column, lines[column], place, form) for place, column in enumerate(known)],
        layout=base_layout(
            yaxis=titled_axis(axis) | {"tickformat": form, "nticks": 5} | zero,
            showlegend=len(known) > 1,
            margin={"l": 58, "r": 10, "t": 30, "b": 28},
        ),
    )


def _trace(column: str, words: str, place: int, form: str) -> dict[str, Any]:
    colour = "var(--accent)" if place == 0 else f"var(--bench-{(place - 1) % 4 + 1})"
    return {
        "type": "scatter",
        "mode": "lines",
        "x": DATE,
        "y": {"column": column},
        "name": plotly_text(words),
        "line": {"color": colour, "width": 1.8 if place == 0 else 1.3, "dash": DASHES[place % 4]},
        "hovertemplate": f"%{{y:{form}}}",
    }
