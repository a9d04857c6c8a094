"""One self-contained HTML page a run: no remote request, escaped throughout, light and dark.

Depends on: errors, schema, the other modules of report; plotly (its script only) and jinja2, on use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from regime.errors import InvalidDataError
from regime.report.figures import Figure
from regime.report.inline import encode, script_policy
from regime.report.quantities import display_name
from regime.report.regime_figures import probability_figure, regime_figure
from regime.report.sentences import headline, percent, spoken_date, verdict
from regime.report.tables import Table, event_table, importance_table, lineage_table, performance_table, score_table
from regime.report.wealth_figures import wealth_figure
from regime.report.world_facts import fact_table
from regime.report.world_figures import SimulatedView, world_figures
from regime.schema import REGIMES, check_exposure, check_probabilities

__all__ = ["ReportContent", "render"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything that one page shows.

    Parameters
    ----------
    title : str
        Heading of the page.
    summary : mapping
        The object of summary.json.
    prices : Series, shape (n_days,)
        S&P 500 closes, index points.
    truth : Series, shape (n_labels,)
        Name of the regime found after the fact, by date; missing where unknown, empty for no truth.
    probabilities : DataFrame, shape (n_sessions, 4)
        Rows sum to 1, out of sample, no NaN.
    exposure : Series, shape (n_sessions,)
        Fraction of capital decided at each close; empty for no rule.
    equity : DataFrame, shape (n_sessions, 1 + n_benchmarks)
        Value of 1 after costs: ``strategy`` and each benchmark; empty for no backtest.
    notes : tuple of str
        What the reader must know: series that are missing or stale, warnings of the run.
    config_text : str
        The resolved config as text.
    families : mapping of str to float
        Importance by family of features; empty for none.
    lineage : mapping
        Further rows of the lineage table, e.g. ``{"commit": ..., "lightgbm": ...}``.
    world : SimulatedView, optional
        The truth behind a simulated market, shown in a section of its own.

    Raises
    ------
    InvalidDataError
        If probabilities are empty or not probabilities, or an exposure lies outside [0, 1].
    """

    title: str
    summary: Mapping[str, Any]
    prices: pd.Series
    truth: pd.Series
    probabilities: pd.DataFrame
    exposure: pd.Series
    equity: pd.DataFrame
    notes: tuple[str, ...] = ()
    config_text: str = ""
    families: Mapping[str, float] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    world: SimulatedView | None = None

    def __post_init__(self) -> None:
        check_probabilities(self.probabilities, "ReportContent.probabilities")
        if self.probabilities.empty:
            raise InvalidDataError("ReportContent.probabilities: a report needs at least one session, got none")
        if len(self.exposure):
            check_exposure(self.exposure, "ReportContent.exposure")


def render(content: ReportContent) -> str:
    """One page of HTML that shows `content`, the same bytes for the same content.

    Parameters
    ----------
    content : ReportContent

    Returns
    -------
    str
        A whole document of about 5 MB, nearly all of it plotly's script; write it as UTF-8.
    """
    from jinja2 import Environment, FileSystemLoader
    from plotly.offline import get_plotlyjs

    room = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    room.filters["spoken"] = spoken_date
    inside = [] if content.world is None else world_figures(content.world, content.probabilities.index)
    figures = [*_figures(content), *inside]
    scripts = [get_plotlyjs(), _read("page.js")]
    return room.get_template("page.html.j2").render(
        title=content.title, policy=script_policy(scripts), scripts=scripts, style=_read("page.css"),
        last=content.probabilities.index[-1], sentences=_sentences(content), today=_today(content.probabilities),
        regimes=[(name, display_name(name)) for name in REGIMES], figures={figure.key: figure for figure in figures},
        data=encode(figures), notes=content.notes, config_text=content.config_text,
        families=importance_table(content.families), world=[figure.key for figure in inside],
        facts=_facts(content.world), **_tables(content))


def _sentences(content: ReportContent) -> tuple[str, str]:
    return headline(content.probabilities, content.exposure, content.summary.get("data") or {})


def _tables(content: ReportContent) -> dict[str, Any]:
    scores, events, backtest = (content.summary.get(key) or {} for key in ("scores", "events", "backtest"))
    return {"verdict": verdict(scores), "scores": score_table(scores), "events": event_table(events),
            "performance": performance_table(backtest), "lineage": lineage_table(content.summary, content.lineage)}


def _figures(content: ReportContent) -> list[Figure]:
    figures = [regime_figure(content.prices, content.truth, content.probabilities),
               probability_figure(content.probabilities)]
    return figures if content.equity.empty else [*figures, wealth_figure(content.equity, content.exposure)]


def _facts(world: SimulatedView | None) -> Table | None:
    return None if world is None else fact_table(world.prices, world.regimes, world.reserves, world.funding)


def _today(probabilities: pd.DataFrame) -> list[dict[str, Any]]:
    """Probabilities of the last session, with the width of their bars."""
    last = probabilities.iloc[-1]
    return [{"key": name, "name": display_name(name), "words": percent(last[name]),
             "share": round(float(last[name]), 4), "likeliest": name == last.idxmax()} for name in REGIMES]


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
