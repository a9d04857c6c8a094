"""Figures of the regimes: the strips under the S&P 500, and the stacked probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from regime.formatting import chance, display_name, spoken_date
from regime.report.figures import DATE, Figure, figure_layout, shades, spans
from regime.schema import REGIMES, STRESS, STRESS_CODE

__all__ = ["probability_figure", "regime_figure"]

STACK = ("deleveraging", "fragile", "recovery", "calm")  # from the zero line upwards


def regime_figure(prices: pd.Series, truth: pd.Series, probabilities: pd.DataFrame) -> Figure:
    """The S&P 500 with the model's most likely regime and the regime determined after the fact.

    Parameters
    ----------
    prices : Series, shape (n_days,)
        Close, index points; dates before the first probability are left out, which the caption
        states.
    truth : Series, shape (n_labels,)
        Name of the regime by date; missing where unknown, empty where there is no truth.
    probabilities : DataFrame, shape (n_sessions, 4)
        Gives the dates.
    """
    index = probabilities.index
    shown = prices.reindex(index).astype(float)
    model = _codes(probabilities.idxmax(axis=1))
    known = _codes(truth.reindex(index))
    true_stress = pd.Series(known == STRESS_CODE, index=index)
    episodes = spans(true_stress)
    strips = [("model", "y2", "Model", "Most likely regime by the model", model)]
    if np.isfinite(known).any():
        strips.append(("known", "y3", "After the fact", "Regime determined after the fact", known))
    price = {
        "type": "scatter",
        "mode": "lines",
        "x": DATE,
        "y": {"column": "price"},
        "name": "S&P 500",
        "line": {"color": "var(--ink)", "width": 1.3},
        "showlegend": False,
        "text": {"regimes": [[short, key] for key, _, short, _, _ in strips]},
        "hovertemplate": "%{y:,.0f}<br>%{text}<extra></extra>",
    }
    return Figure(
        key="regimes",
        title="Regimes over the S&P 500",
        height=470,
        fit=("yaxis",),
        caption=_regime_caption(prices, shown, bool(episodes)),
        sentence=_regime_sentence(episodes, model),
        alternative=_price_sentence(shown) + _regime_sentence(episodes, model),
        columns={
            "date": index.to_numpy(),
            "price": shown.to_numpy(),
            **{key: codes for key, *_, codes in strips},
        },
        traces=[price, *(_strip(key, axis) for key, axis, *_ in strips)],
        layout=_regime_layout(true_stress, [(axis, words) for _, axis, _, words, _ in strips]),
    )


def probability_figure(
    probabilities: pd.DataFrame, member_range: pd.DataFrame | None = None
) -> Figure:
    """Probabilities of the four regimes, stacked to one, and the range over the model's members.

    Parameters
    ----------
    probabilities : DataFrame, shape (n_sessions, 4)
    member_range : DataFrame, shape (n_days, 2), optional
        `low` and `high` of the probability of a deleveraging over the members of the model.
    """
    stress = probabilities[STRESS]
    index = probabilities.index
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": DATE,
            "y": {"column": name},
            "name": display_name(name),
            "stackgroup": "all",
            "line": {"width": 0},
            "fillcolor": f"var(--{name})",
            "showlegend": False,
            "hovertemplate": "%{y:.0%}",
        }
        for name in STACK
    ]
    columns = {
        "date": index.to_numpy(),
        **{name: probabilities[name].to_numpy() for name in REGIMES},
    }
    agreement = ""
    caption = "Each session's probabilities as of its close, out of sample, stacked to 100%."
    height = 340
    layout = figure_layout(yaxis={"range": [0, 1], "tickformat": ".0%", "fixedrange": True})
    if member_range is not None and len(member_range):
        ends = member_range.reindex(index)
        columns |= {name: ends[name].to_numpy(dtype=float) for name in ("low", "high")}
        traces += _band()
        layout = _band_layout()
        height = 500
        width = 100 * float((ends["high"] - ends["low"]).mean())
        agreement = f" The members differ by {width:.0f} points on average."
        caption += (
            " Below: the probability of a deleveraging, between the lowest and the highest of the "
            "model's members."
        )
    sentence = (
        f"The probability of a deleveraging averages {chance(stress.mean())}. It was highest on "
        f"{spoken_date(stress.idxmax())}, {chance(stress.max())}, and ends at "
        f"{chance(stress.iloc[-1])}."
    )
    return Figure(
        key="probabilities",
        title="Probabilities",
        height=height,
        traces=traces,
        layout=layout,
        columns=columns,
        caption=caption,
        sentence=sentence + agreement,
        alternative="Probabilities of the four regimes by date. " + sentence + agreement,
        coarse=tuple(name for name in columns if name != "date"),
    )


def _band() -> list[dict[str, Any]]:
    """Edges of the members' range with the area between them, and the probability over it."""
    common = {"type": "scatter", "mode": "lines", "x": DATE, "yaxis": "y2", "showlegend": False}
    edge = common | {"line": {"width": 0}}
    return [
        edge
        | {"y": {"column": "low"}, "name": "Lowest of the members", "hovertemplate": "%{y:.0%}"},
        edge
        | {
            "y": {"column": "high"},
            "name": "Highest",
            "fill": "tonexty",
            "hovertemplate": "%{y:.0%}",
            "fillcolor": "var(--deleveraging-soft)",
        },
        common
        | {
            "y": {"column": "deleveraging"},
            "name": "Deleveraging",
            "hovertemplate": "%{y:.0%}",
            "line": {"width": 1, "color": "var(--deleveraging)"},
        },
    ]


def _band_layout() -> dict[str, Any]:
    axis = {"range": [0, 1], "tickformat": ".0%", "fixedrange": True}
    label = {
        "text": "Deleveraging, with the range over the members",
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 0.325,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 11, "color": "var(--soft)"},
    }
    return figure_layout(
        yaxis=axis | {"domain": [0.42, 1]},
        yaxis2=axis | {"domain": [0, 0.32], "nticks": 4},
        xaxis={"anchor": "y2"},
        annotations=[label],
    )


def _codes(regimes: pd.Series) -> np.ndarray:
    """Position of each name in REGIMES as float, NaN where missing or unknown."""
    positions = {name: float(position) for position, name in enumerate(REGIMES)}
    return np.asarray(regimes.astype(object).map(positions), dtype=float)


def _strip(key: str, axis: str) -> dict[str, Any]:
    """One row of cells coloured by regime."""
    steps = len(REGIMES)
    scale = [
        [edge / steps, f"var(--{name})"] for i, name in enumerate(REGIMES) for edge in (i, i + 1)
    ]
    return {
        "type": "heatmap",
        "x": DATE,
        "y": [0],
        "z": [{"column": key}],
        "yaxis": axis,
        "zmin": -0.5,
        "zmax": steps - 0.5,
        "colorscale": scale,
        "showscale": False,
        "hoverinfo": "skip",
        "name": key,
    }


def _regime_layout(true_stress: pd.Series, strips: list[tuple[str, str]]) -> dict[str, Any]:
    """Price above, one strip under the other, each with its title above it."""
    tops = [0.15, 0.05][-len(strips) :] if len(strips) == 2 else [0.05]
    axes = {
        f"yaxis{axis[1:]}": {
            "domain": [top - 0.05, top],
            "showticklabels": False,
            "showgrid": False,
            "ticks": "",
            "fixedrange": True,
        }
        for top, (axis, _) in zip(tops, strips, strict=True)
    }
    titles = [
        {
            "text": text,
            "xref": "paper",
            "yref": "paper",
            "x": 0,
            "y": top + 0.003,
            "xanchor": "left",
            "yanchor": "bottom",
            "showarrow": False,
            "font": {"size": 11, "color": "var(--soft)"},
        }
        for top, (_, text) in zip(tops, strips, strict=True)
    ]
    return figure_layout(
        yaxis={
            "type": "log",
            "tickformat": ",.0f",
            "domain": [tops[0] + 0.1, 1],
            "fixedrange": True,
        },
        xaxis={"anchor": strips[-1][0]},
        annotations=titles,
        **axes,
        shapes=shades(true_stress, 0.2, yref="y domain"),
    )


def _regime_caption(prices: pd.Series, shown: pd.Series, shaded: bool) -> str:
    text = "Closes on a log scale."
    if shaded:
        text += " Shaded: sessions of deleveraging, as determined after the fact."
    if len(prices) and prices.index[0] < shown.index[0]:
        text += (
            f" Closes before {spoken_date(shown.index[0])}, the first session out of sample, are "
            "not shown."
        )
    return text


def _price_sentence(shown: pd.Series) -> str:
    known = shown.dropna()
    if known.empty:
        return ""
    return (
        f"The S&P 500 goes from {known.iloc[0]:,.0f} on {spoken_date(known.index[0])} to "
        f"{known.iloc[-1]:,.0f} on {spoken_date(known.index[-1])}. "
    )


def _regime_sentence(stretches: list[tuple[pd.Timestamp, pd.Timestamp]], model: np.ndarray) -> str:
    share = float(np.mean(model == STRESS_CODE))
    text = f"Deleveraging was the model's most likely regime on {chance(share)} of sessions."
    if stretches:
        first, last = stretches[-1]
        count = f"{len(stretches)} episode{'' if len(stretches) == 1 else 's'}"
        text += (
            f" After the fact there were {count} of deleveraging, the last from "
            f"{spoken_date(first)} to {spoken_date(last)}."
        )
    return text
