"""One self-contained HTML page a run: no remote request, escaped throughout, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from regime.formatting import display_name, percent, spoken_date, verdict
from regime.report.content import ReportContent
from regime.report.figures import Figure
from regime.report.frame_tables import (
    change_table,
    fall_table,
    frame_table,
    month_table,
    spell_sentence,
    spell_table,
)
from regime.report.inline import encode, script_policy
from regime.report.reasons import reason_bars, reason_sentence
from regime.report.regime_figures import probability_figure, regime_figure
from regime.report.rival_figures import reliability_figure, rival_figure
from regime.report.robustness_figures import curve_figure, sweep_figure
from regime.report.sentences import audit_verdict, headline
from regime.report.tables import (
    event_table,
    importance_table,
    lineage_table,
    performance_table,
    score_table,
)
from regime.report.wealth_figures import rolling_figure, wealth_figure
from regime.report.world_facts import fact_table
from regime.report.world_figures import world_figures
from regime.schema import REGIMES

__all__ = ["ReportContent", "figures_of", "render"]

FOLDER = Path(__file__).parent
STRESS_TITLES = {
    "delays": "Filled later",
    "costs": "Dearer trades",
    "break_even": "Break-even cost, one way",
    "starts": "Begun in another year",
    "leave_one_year_out": "Without one year",
    "missing_days": "Days without data",
    "noise": "Noise on the probabilities",
    "bootstrap": "Paths drawn from blocks of history",
    "worlds": "Simulated worlds",
}


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

    room = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    room.filters["spoken"] = spoken_date
    room.policies["json.dumps_kwargs"] = {
        "sort_keys": True,
        "allow_nan": False,
    }  # a browser reads no NaN
    figures = figures_of(content)
    scripts = [get_plotlyjs(), _read("page.js")]
    return room.get_template("page.html.j2").render(
        title=content.title,
        policy=script_policy(scripts),
        scripts=scripts,
        style=_read("page.css"),
        last=content.probabilities.index[-1],
        regimes=[(name, display_name(name)) for name in REGIMES],
        figures={figure.key: figure for figure in figures},
        data=encode(figures),
        world=[figure.key for figure in figures if figure.key.startswith("world-")],
        content=content,
        **_first_screen(content),
        **_words(content),
        **_tables(content),
    )


def _first_screen(content: ReportContent) -> dict[str, Any]:
    ends = (
        content.spread.reindex(content.probabilities.index[-1:]).iloc[0]
        if len(content.spread)
        else None
    )
    sure = (
        None
        if ends is None or ends[["low", "high"]].isna().any()
        else (float(ends["low"]), float(ends["high"]))
    )
    return {
        "sentences": headline(
            content.probabilities, content.exposure, content.summary.get("data") or {}, sure
        ),
        "today": _today(content.probabilities),
        "verdict": verdict(content.summary.get("scores") or {}),
        "audit": audit_verdict(content.summary.get("audit") or {}),
        "changes": change_table(content.probabilities, content.exposure),
    }


def _words(content: ReportContent) -> dict[str, Any]:
    return {
        "families": importance_table(content.families),
        "reasons": reason_bars(content.reasons),
        "reason_sentence": reason_sentence(content.reasons),
        "spell_sentence": spell_sentence(content.spells),
    }


def _tables(content: ReportContent) -> dict[str, Any]:
    scores, events, backtest = (
        content.summary.get(key) or {} for key in ("scores", "events", "backtest")
    )
    own = "strategy" in content.equity and content.equity["strategy"].notna().sum() > 1
    world = content.world
    return {
        "scores": score_table(scores),
        "events": event_table(events),
        "performance": performance_table(backtest),
        "lineage": lineage_table(content.summary, content.lineage),
        "months": month_table(content.equity["strategy"]) if own else None,
        "falls": fall_table(content.equity) if own else None,
        "spells": spell_table(content.spells) if len(content.spells) else None,
        "stress": [
            frame_table(table, STRESS_TITLES.get(name, display_name(name)))
            for name, table in content.stress.items()
        ],
        "facts": None
        if world is None
        else fact_table(world.prices, world.regimes, world.reserves, world.funding),
    }


def figures_of(content: ReportContent) -> list[Figure]:
    """Every figure of a page.

    Its own, each where there is something to draw, those of the sections, the world's.
    """
    scores = content.summary.get("scores") or {}
    found: list[Figure | None] = [
        regime_figure(content.prices, content.truth, content.probabilities),
        probability_figure(content.probabilities, content.spread),
    ]
    losses = {name: row.get("log_loss") for name, row in (scores.get("baselines") or {}).items()}
    if len(content.rivals):
        found.append(rival_figure(content.rivals, content.probabilities, content.truth, losses))
    if len(content.reliability):
        found.append(reliability_figure(content.reliability, losses))
    if not content.equity.empty:
        found += [
            wealth_figure(content.equity, content.exposure),
            rolling_figure(content.equity, content.cash),
        ]
    if len(content.sweep):
        found.append(sweep_figure(content.sweep))
    found.append(curve_figure(content.stress))
    found += [part.figure for part in content.sections]
    if content.world is not None:
        found += world_figures(content.world, content.probabilities.index)
    return [figure for figure in found if figure is not None]


def _today(probabilities: pd.DataFrame) -> list[dict[str, Any]]:
    """Probabilities of the last session, with the width of their bars."""
    last = probabilities.iloc[-1]
    return [
        {
            "key": name,
            "name": display_name(name),
            "words": percent(last[name]),
            "share": round(float(last[name]), 4),
            "likeliest": name == last.idxmax(),
        }
        for name in REGIMES
    ]


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
