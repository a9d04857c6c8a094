"""One self-contained HTML page a run: no remote request, escaped throughout, light and dark."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regime.formatting import display_name, judge_skill, percent, spoken_date
from regime.report.baseline_figures import baseline_figure, reliability_figure
from regime.report.content import ReportContent
from regime.report.figures import Figure
from regime.report.reasons import reason_bars, reason_sentence
from regime.report.regime_figures import probability_figure, regime_figure
from regime.report.robustness_figures import curve_figure, sweep_figure
from regime.report.sentences import headline, judge_audit
from regime.report.simulation_figures import fact_table, simulation_figures
from regime.report.tables import (
    backtest_table,
    change_table,
    detection_table,
    episode_sentence,
    episode_table,
    forecast_score_table,
    frame_table,
    importance_table,
    lineage_table,
    monthly_return_table,
    worst_drawdown_table,
)
from regime.report.wealth_figures import rolling_figure, wealth_figure
from regime.schema import REGIMES

__all__ = ["embedded_data", "figures_of", "render", "script_policy"]

FOLDER = Path(__file__).parent
FEW = 0.25  # share of known values below which a column holds those with their positions
# Codes of a gap in a column of one byte a value, and of two.
GAP_BYTE = 255
GAP_SHORT = 65535
STRESS_TITLES = {
    "delays": "Later fills",
    "costs": "Higher costs",
    "break_even": "Break-even cost, one way",
    "starts": "Started in another year",
    "leave_one_year_out": "One year left out",
    "missing_days": "Days without data",
    "noise": "Noise on the probabilities",
    "bootstrap": "Resampled histories",
    "worlds": "Simulated markets",
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

    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["spoken"] = spoken_date
    environment.policies["json.dumps_kwargs"] = {
        "sort_keys": True,
        "allow_nan": False,
    }  # a browser reads no NaN
    figures = figures_of(content)
    scripts = [get_plotlyjs(), _read("page.js")]
    return environment.get_template("page.html.j2").render(
        title=content.title,
        policy=script_policy(scripts),
        scripts=scripts,
        style=_read("page.css"),
        last=content.probabilities.index[-1],
        regimes=[(name, display_name(name)) for name in REGIMES],
        figures={figure.key: figure for figure in figures},
        data=embedded_data(figures),
        simulation=[figure.key for figure in figures if figure.key.startswith("simulation-")],
        content=content,
        **_first_screen(content),
        **_sentences(content),
        **_tables(content),
    )


def _first_screen(content: ReportContent) -> dict[str, Any]:
    data = content.summary.get("data") or {}
    return {
        "sentences": headline(
            content.probabilities, content.exposure, data, _last_member_range(content)
        ),
        "today": _today(content.probabilities),
        "skill": judge_skill(content.summary.get("scores") or {}),
        "audit": judge_audit(content.summary.get("audit") or {}),
        "changes": change_table(content.probabilities, content.exposure),
    }


def _last_member_range(content: ReportContent) -> tuple[float, float] | None:
    """Lowest and highest probability of the members at the last session, if known."""
    if not len(content.member_range):
        return None
    ends = content.member_range.reindex(content.probabilities.index[-1:]).iloc[0]
    if ends[["low", "high"]].isna().any():
        return None
    return float(ends["low"]), float(ends["high"])


def _sentences(content: ReportContent) -> dict[str, Any]:
    return {
        "families": importance_table(content.families),
        "reasons": reason_bars(content.reasons),
        "reason_sentence": reason_sentence(content.reasons),
        "episode_sentence": episode_sentence(content.episodes),
    }


def _tables(content: ReportContent) -> dict[str, Any]:
    scores, events, backtest = (
        content.summary.get(key) or {} for key in ("scores", "events", "backtest")
    )
    traded = "strategy" in content.equity and content.equity["strategy"].notna().sum() > 1
    view = content.simulation
    return {
        "scores": forecast_score_table(scores),
        "events": detection_table(events),
        "performance": backtest_table(backtest),
        "lineage": lineage_table(content.summary, content.lineage),
        "months": monthly_return_table(content.equity["strategy"]) if traded else None,
        "drawdowns": worst_drawdown_table(content.equity) if traded else None,
        "episodes": episode_table(content.episodes) if len(content.episodes) else None,
        "stress": [
            frame_table(table, STRESS_TITLES.get(name, display_name(name)))
            for name, table in content.stress.items()
        ],
        "facts": None
        if view is None
        else fact_table(view.prices, view.regimes, view.reserves, view.funding),
    }


def figures_of(content: ReportContent) -> list[Figure]:
    """Every figure of a page: its own where there are data, the sections', the simulation's.

    Parameters
    ----------
    content : ReportContent
    """
    scores = content.summary.get("scores") or {}
    figures: list[Figure | None] = [
        regime_figure(content.prices, content.truth, content.probabilities),
        probability_figure(content.probabilities, content.member_range),
    ]
    losses = {name: row.get("log_loss") for name, row in (scores.get("baselines") or {}).items()}
    if len(content.baselines):
        figures.append(
            baseline_figure(content.baselines, content.probabilities, content.truth, losses)
        )
    if len(content.reliability):
        figures.append(reliability_figure(content.reliability, losses))
    if not content.equity.empty:
        figures += [
            wealth_figure(content.equity, content.exposure),
            rolling_figure(content.equity, content.cash),
        ]
    if len(content.sweep):
        figures.append(sweep_figure(content.sweep))
    figures.append(curve_figure(content.stress))
    figures += [part.figure for part in content.sections]
    if content.simulation is not None:
        figures += simulation_figures(content.simulation, content.probabilities.index)
    return [figure for figure in figures if figure is not None]


def embedded_data(figures: Sequence[Figure]) -> dict[str, Any]:
    """Figures as JSON content; a column that several share is written once, named by its digest.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    dict
        ``columns`` by digest, ``figures`` by key, and the names of the ``regimes``.
    """
    columns: dict[str, dict[str, Any]] = {}
    specs = {}
    for figure in figures:
        names = {}
        for name, values in figure.columns.items():
            encoded = _column(values, coarse=name in figure.coarse)
            names[name] = hashlib.sha256(repr(encoded).encode()).hexdigest()[:12]
            columns[names[name]] = encoded
        specs[figure.key] = {
            "columns": names,
            "traces": figure.traces,
            "layout": figure.layout,
            "fit": figure.fit,
        }
    return {
        "columns": columns,
        "figures": specs,
        "regimes": [display_name(name) for name in REGIMES],
    }


def script_policy(scripts: Sequence[str]) -> str:
    """Content security policy: nothing is fetched, and no script runs but these.

    Parameters
    ----------
    scripts : sequence of str
        Text of the page's own scripts.
    """
    digests = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts
    )
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _today(probabilities: pd.DataFrame) -> list[dict[str, Any]]:
    """Probabilities of the last session, with the width of their bars."""
    last = probabilities.iloc[-1]
    return [
        {
            "key": name,
            "name": display_name(name),
            "chance": percent(last[name]),
            "share": round(float(last[name]), 4),
            "likeliest": name == last.idxmax(),
        }
        for name in REGIMES
    ]


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _column(values: np.ndarray, *, coarse: bool) -> dict[str, Any]:
    """Little-endian bytes in base64, of the shortest form that holds the column.

    Dates are days since 1970. Numbers are single precision (7 digits); whole ones up to 254 take
    one byte, coarse ones two (steps of `step` from `low`), columns with few values hold those with
    their positions.
    """
    if np.issubdtype(values.dtype, np.datetime64):
        return {"kind": "date", "bytes": _base64(values.astype("datetime64[D]").astype("<i4"))}
    known = np.isfinite(values)
    if known.sum() < FEW * len(values):
        return {
            "kind": "sparse",
            "length": len(values),
            "at": _base64(np.flatnonzero(known).astype("<i4")),
            "bytes": _base64(values[known].astype("<f4")),
        }
    if known.any() and np.isin(values[known], np.arange(GAP_BYTE)).all():
        return {"kind": "byte", "bytes": _base64(np.where(known, values, GAP_BYTE).astype("u1"))}
    if coarse and known.any():
        low = float(values[known].min())
        high = float(values[known].max())
        step = (high - low) / (GAP_SHORT - 1) or 1.0
        steps = np.where(known, np.rint((np.where(known, values, low) - low) / step), GAP_SHORT)
        return {"kind": "short", "low": low, "step": step, "bytes": _base64(steps.astype("<u2"))}
    return {"kind": "number", "bytes": _base64(values.astype("<f4"))}


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
