"""Figures of the regimes: the strips under the S&P 500, and the stacked probabilities.

Depends on: schema, report.figures, report.quantities, report.sentences.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from regime.report.figures import DATE, Figure, base_layout, spans
from regime.report.quantities import display_name
from regime.report.sentences import chance, spoken_date
from regime.schema import REGIMES

__all__ = ["probability_figure", "regime_figure"]

STACK = ("deleveraging", "fragile", "recovery", "calm")  # the dangerous one stands on the ground line


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
             "text": {"regimes": [[short, key] for key, _, short, _, _ in strips]},
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
        alternative=f"The probability of a deleveraging averages {chance(stress.mean())}. It was highest on "
                    f"{spoken_date(stress.idxmax())}, {chance(stress.max())}, and ends at {chance(stress.iloc[-1])}.",
        columns={"date": index.to_numpy(), **{name: probabilities[name].to_numpy() for name in REGIMES}},
        layout=base_layout(yaxis={"range": [0, 1], "tickformat": ".0%", "fixedrange": True}))


def _codes(regimes: pd.Series) -> np.ndarray:
    """Place of each name in REGIMES as float, NaN where missing or unknown."""
    places = {name: float(place) for place, name in enumerate(REGIMES)}
    return np.asarray(regimes.astype(object).map(places), dtype=float)


def _strip(key: str, axis: str) -> dict[str, Any]:
    """One row of cells coloured by regime."""
    steps = len(REGIMES)
    scale = [[edge / steps, f"var(--{name})"] for i, name in enumerate(REGIMES) for edge in (i, i + 1)]
    return {"type": "heatmap", "x": DATE, "y": [0], "z": [{"column": key}], "yaxis": axis, "zmin": -0.5,
            "zmax": steps - 0.5, "colorscale": scale, "showscale": False, "hoverinfo": "skip", "name": key}


def _regime_layout(falls: list[tuple[pd.Timestamp, pd.Timestamp]], strips: list[tuple[str, str]]) -> dict[str, Any]:
    """Price above, one strip under the other, each with its words over it."""
    tops = [0.15, 0.05][-len(strips):] if len(strips) == 2 else [0.05]
    axes = {f"yaxis{axis[1:]}": {"domain": [top - 0.05, top], "showticklabels": False, "showgrid": False, "ticks": "",
                                 "fixedrange": True} for top, (axis, _) in zip(tops, strips, strict=True)}
    words = [{"text": text, "xref": "paper", "yref": "paper", "x": 0, "y": top + 0.003, "xanchor": "left",
              "yanchor": "bottom", "showarrow": False, "font": {"size": 11, "color": "var(--soft)"}}
             for top, (_, text) in zip(tops, strips, strict=True)]
    shades = [{"type": "rect", "xref": "x", "yref": "y domain", "x0": f"{a:%Y-%m-%d}", "x1": f"{b:%Y-%m-%d}",
               "y0": 0, "y1": 1, "fillcolor": "var(--deleveraging)", "opacity": 0.2, "line": {"width": 0},
               "layer": "below"} for a, b in falls]
    return base_layout(yaxis={"type": "log", "tickformat": ",.0f", "domain": [tops[0] + 0.1, 1], "fixedrange": True},
                   xaxis={"anchor": strips[-1][0]}, annotations=words, shapes=shades, **axes)


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
