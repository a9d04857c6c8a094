"""Figures of a run as plain plotly specifications over shared columns, themed by the page's CSS variables.

A figure names its data (``{"column": "date"}``) and its colours (``"var(--calm)"``); the page's script
puts both in, so each column stands once in the page and light and dark need no second figure.

Depends on: schema, report.sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from regime.report.sentences import chance, spoken_date
from regime.report.tables import display_name
from regime.schema import REGIMES

__all__ = ["Figure", "drawdown", "probability_figure", "regime_figure", "spans", "wealth_figure"]

STACK = ("deleveraging", "fragile", "recovery", "calm")  # the dangerous one stands on the ground line
DASHES = ("solid", "dash", "dot", "dashdot")
DATE = {"column": "date"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of the page.

    Parameters
    ----------
    key : str
        Its id in the page.
    title, caption, alternative : str
        Heading; how to read it; what it shows, in words, for who cannot see it.
    height : int
        Pixels.
    columns : mapping of str to array
        ``datetime64`` or float, all of one length; NaN is a gap.
    traces : list of dict
        Plotly traces that name columns.
    layout : dict
        Plotly layout.
    fit : tuple of str
        Vertical axes that follow the dates in view.
    """

    key: str
    title: str
    caption: str
    alternative: str
    height: int
    columns: Mapping[str, np.ndarray]
    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    fit: tuple[str, ...] = field(default=())


def spans(mask: pd.Series) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """First and last date of each run of True, in order."""
    edges = np.flatnonzero(np.diff(np.r_[0, mask.to_numpy(dtype=np.int8), 0]))
    return [(mask.index[a], mask.index[b - 1]) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def drawdown(equity: pd.DataFrame) -> pd.DataFrame:
    """Fall of each column from its highest value so far, a fraction <= 0, shape of `equity`."""
    return equity / equity.cummax() - 1.0


def regime_figure(prices: pd.Series, truth: pd.Series, probabilities: pd.DataFrame) -> Figure:
    """The S&P 500 with the likeliest regime of the model and the regime found after the fact.

    Parameters
    ----------
    prices : Series, shape (n_days,)
        Close, index points; dates before the first probability are left out, and the caption says so.
    truth : Series, shape (n_labels,)
        Name of the regime by date; missing where unknown, empty where there is no truth.
    probabilities : DataFrame, shape (n_sessions, 4)
        Gives the dates.
    """
    index = probabilities.index
    shown = prices.reindex(index).astype(float)
    model, known = _codes(probabilities.idxmax(axis=1)), _codes(truth.reindex(index))
    falls = spans(pd.Series(known == REGIMES.index("deleveraging"), index=index))
    strips = [("model", "y2", "Model", "Most likely regime by the model", model)]
    if np.isfinite(known).any():
        strips.append(("known", "y3", "After the fact", "Regime found after the fact", known))
    price = {"type": "scatter", "mode": "lines", "x": DATE, "y": {"column": "price"}, "name": "S&P 500",
             "line": {"color": "var(--ink)", "width": 1.3}, "showlegend": False,
             "text": {"regimes": {short: key for key, _, short, _, _ in strips}},
             "hovertemplate": "%{y:,.0f}<br>%{text}<extra></extra>"}
    return Figure(
        key="regimes", title="Regimes over the S&P 500", height=470, fit=("yaxis",),
        caption=_regime_caption(prices, shown, bool(falls)), alternative=_regime_words(shown, falls, model),
        columns={"date": index.to_numpy(), "price": shown.to_numpy(), **{key: codes for key, *_, codes in strips}},
        traces=[price, *(_strip(key, axis) for key, axis, *_ in strips)],
        layout=_regime_layout(falls, [(axis, words) for _, axis, _, words, _ in strips]))


def probability_figure(probabilities: pd.DataFrame) -> Figure:
    """Probabilities of the four regimes, stacked to one, deleveraging on the ground line."""
    stress, index = probabilities["deleveraging"], probabilities.index
    traces = [{"type": "scatter", "mode": "lines", "x": DATE, "y": {"column": name}, "name": display_name(name),
               "stackgroup": "all", "line": {"width": 0}, "fillcolor": f"var(--{name})", "showlegend": False,
               "hovertemplate": "%{y:.0%}"} for name in STACK]
    return Figure(
        key="probabilities", title="Probabilities", height=340, traces=traces,
        caption="Each session's probabilities as they stood at its close, out of sample, stacked to 100%.",
        alternative=f"The probability of a deleveraging averages {chance(stress.mean())}; it was highest, "
                    f"{chance(stress.max())}, on {spoken_date(stress.idxmax())}, and ends at {chance(stress.iloc[-1])}.",
        columns={"date": index.to_numpy(), **{name: probabilities[name].to_numpy() for name in REGIMES}},
        layout=_layout(yaxis={"range": [0, 1], "tickformat": ".0%", "fixedrange": True}))


def wealth_figure(equity: pd.DataFrame, exposure: pd.Series) -> Figure:
    """Growth of 1, drawdown, and the fraction of capital that the rule decided.

    Parameters
    ----------
    equity : DataFrame, shape (n_sessions, 1 + n_benchmarks)
        Value of 1 by date after costs; the column ``strategy`` and one for each benchmark.
    exposure : Series, shape (n_days,)
        Fraction decided at each close.
    """
    under, ordered = drawdown(equity), sorted(equity.columns, key=lambda name: name == "strategy")
    looks = {name: _look(name, place) for place, name in enumerate(ordered)}
    traces = [_line(name, i, look, part) for part in ("equity", "under") for i, (name, look) in enumerate(looks.items())]
    traces.append({"type": "scatter", "mode": "lines", "x": DATE, "y": {"column": "exposure"}, "yaxis": "y3",
                   "name": "Exposure", "line": {"color": "var(--accent)", "width": 1, "shape": "hv"}, "fill": "tozeroy",
                   "fillcolor": "var(--accent-soft)", "showlegend": False, "hovertemplate": "%{y:.0%}"})
    return Figure(
        key="wealth", title="Equity, drawdown and exposure", height=620, traces=traces, fit=("yaxis", "yaxis2"),
        caption="Growth of 1 after costs (log scale), fall from the highest value so far, and the fraction of capital in "
                "equities that the rule decided at each close; it is filled at the next close.",
        alternative=_wealth_words(equity, under),
        columns={"date": equity.index.to_numpy(), "exposure": exposure.reindex(equity.index).to_numpy(dtype=float),
                 **{f"equity {name}": equity[name].to_numpy(dtype=float) for name in ordered},
                 **{f"under {name}": under[name].to_numpy(dtype=float) for name in ordered}},
        layout=_wealth_layout())


def _codes(regimes: pd.Series) -> np.ndarray:
    """Place of each name in REGIMES as float, NaN where missing or unknown."""
    return regimes.astype(object).map({name: float(i) for i, name in enumerate(REGIMES)}).to_numpy(dtype=float)


def _strip(key: str, axis: str) -> dict[str, Any]:
    """One row of cells coloured by regime."""
    steps = len(REGIMES)
    scale = [[edge / steps, f"var(--{name})"] for i, name in enumerate(REGIMES) for edge in (i, i + 1)]
    return {"type": "heatmap", "x": DATE, "y": [0], "z": [{"column": key}], "yaxis": axis, "zmin": -0.5,
            "zmax": steps - 0.5, "colorscale": scale, "showscale": False, "hoverinfo": "skip", "name": key}


def _look(name: str, place: int) -> dict[str, Any]:
    if name == "strategy":
        return {"color": "var(--accent)", "width": 2.2}
    return {"color": f"var(--bench-{place % 4 + 1})", "width": 1.3, "dash": DASHES[place % 4]}


def _line(name: str, rank: int, look: dict[str, Any], part: str) -> dict[str, Any]:
    trace = {"type": "scatter", "mode": "lines", "x": DATE, "y": {"column": f"{part} {name}"}, "name": _plain(name),
             "line": look, "legendgroup": f"group {rank}", "legendrank": 1000 - rank, "hovertemplate": "%{y:.2f}"}
    if part == "equity":
        return trace
    fill = {"fill": "tozeroy", "fillcolor": "var(--accent-soft)"} if name == "strategy" else {}
    return trace | {"yaxis": "y2", "showlegend": False, "hovertemplate": "%{y:.1%}"} | fill


def _plain(name: str) -> str:
    """A name that plotly shows letter by letter: its labels would read tags."""
    return escape(display_name(name), quote=False)


def _layout(**more: Any) -> dict[str, Any]:
    """Layout shared by all figures; axes given in `more` are laid over the common axis."""
    axis = {"gridcolor": "var(--grid)", "zeroline": False, "linecolor": "var(--grid)", "automargin": False}
    layout: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 12, "color": "var(--soft)"},
        "margin": {"l": 50, "r": 10, "t": 10, "b": 28}, "hovermode": "x unified", "dragmode": "zoom",
        "hoverlabel": {"bgcolor": "var(--card)", "bordercolor": "var(--line)", "font": {"color": "var(--ink)"}},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom",
                   "bgcolor": "rgba(0,0,0,0)", "font": {"color": "var(--ink)"}},
        "xaxis": axis | {"type": "date", "showgrid": False, "hoverformat": "%a %-d %b %Y"}, "yaxis": axis,
    }
    for key, value in more.items():
        layout[key] = (axis | value) if key.startswith("yaxis") else layout.get(key, {}) | value \
            if isinstance(value, dict) else value
    return layout


def _regime_layout(falls: list[tuple[pd.Timestamp, pd.Timestamp]], strips: list[tuple[str, str]]) -> dict[str, Any]:
    """Price above, one strip under the other, each with its words over it."""
    tops = [0.15, 0.05][-len(strips):] if len(strips) == 2 else [0.05]
    axes = {f"yaxis{axis[1:]}": {"domain": [top - 0.05, top], "showticklabels": False, "showgrid": False,
                                 "fixedrange": True} for top, (axis, _) in zip(tops, strips, strict=True)}
    words = [{"text": text, "xref": "paper", "yref": "paper", "x": 0, "y": top + 0.003, "xanchor": "left",
              "yanchor": "bottom", "showarrow": False, "font": {"size": 11, "color": "var(--soft)"}}
             for top, (_, text) in zip(tops, strips, strict=True)]
    shades = [{"type": "rect", "xref": "x", "yref": "y domain", "x0": f"{a:%Y-%m-%d}", "x1": f"{b:%Y-%m-%d}",
               "y0": 0, "y1": 1, "fillcolor": "var(--deleveraging)", "opacity": 0.2, "line": {"width": 0},
               "layer": "below"} for a, b in falls]
    return _layout(yaxis={"type": "log", "tickformat": ",.0f", "domain": [tops[0] + 0.1, 1], "fixedrange": True},
                   xaxis={"anchor": strips[-1][0]}, annotations=words, shapes=shades, **axes)


def _wealth_layout() -> dict[str, Any]:
    def title(text: str) -> dict[str, Any]:
        return {"title": {"text": text, "font": {"size": 11}, "standoff": 4}, "fixedrange": True}
    return _layout(
        yaxis=title("Growth of 1") | {"type": "log", "tickformat": "~g", "domain": [0.48, 1]},
        yaxis2=title("Drawdown") | {"tickformat": ".0%", "domain": [0.19, 0.44], "nticks": 5},
        yaxis3=title("Exposure") | {"tickformat": ".0%", "domain": [0, 0.14], "range": [0, 1.02], "nticks": 3},
        xaxis={"anchor": "y3"}, margin={"l": 62, "r": 10, "t": 34, "b": 28}, hoversubplots="axis")


def _regime_caption(prices: pd.Series, shown: pd.Series, falls: bool) -> str:
    text = "Closes on a log scale."
    if falls:
        text += " Shaded: sessions that were a deleveraging, as found after the fact."
    if len(prices) and prices.index[0] < shown.index[0]:
        text += f" Closes before {spoken_date(shown.index[0])}, the first session out of sample, are not shown."
    return text


def _regime_words(shown: pd.Series, falls: list[tuple[pd.Timestamp, pd.Timestamp]], model: np.ndarray) -> str:
    share = float(np.mean(model == REGIMES.index("deleveraging")))
    known = shown.dropna()
    text = f"The model held a deleveraging for the most likely regime on {chance(share)} of sessions."
    if len(known):
        text = (f"The S&P 500 goes from {known.iloc[0]:,.0f} on {spoken_date(known.index[0])} to {known.iloc[-1]:,.0f} "
                f"on {spoken_date(known.index[-1])}. ") + text
    if falls:
        text += (f" After the fact there were {len(falls)} spells of deleveraging, the last from "
                 f"{spoken_date(falls[-1][0])} to {spoken_date(falls[-1][1])}.")
    return text


def _wealth_words(equity: pd.DataFrame, under: pd.DataFrame) -> str:
    parts = [f"{display_name(name)} turns 1 into {equity[name].dropna().iloc[-1]:.2f} with a deepest fall of "
             f"{-under[name].min():.0%}" for name in equity if equity[name].notna().any()]
    return "; ".join(parts) + "."
