"""Figures of a simulated world: its true regimes and crises, flows, reserves and trigger prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.formatting import display_name
from regime.report.figures import DATE, Figure, base_layout, shades, titled
from regime.schema import REGIMES

__all__ = ["SimulatedView", "world_figures"]

# Marks of the crises: words, symbol, colour, panel.
MARKS = {
    "312": ("312: everything sold", "triangle-down", "var(--deleveraging)", "y"),
    "unwind": ("Unwind: havens held", "triangle-down-open", "var(--deleveraging)", "y"),
    "slow_bear": ("Slow bear, no forced selling", "square-open", "var(--bench-2)", "y"),
    "false_alarm": ("False alarm", "circle-open", "var(--soft)", "y"),
    "519": ("519: crypto alone", "diamond", "var(--accent)", "y2"),
}
# Those who trade by rule or by margin; households and value investors take the other side.
AGENTS = {
    "levered_funds": ("Levered funds", "var(--deleveraging)"),
    "dealers": ("Option dealers", "var(--fragile)"),
    "volatility_targets": ("Volatility targets", "var(--bench-2)"),
    "risk_parity": ("Risk parity", "var(--bench-4)"),
    "trend_followers": ("Trend followers", "var(--accent)"),
    "pension": ("Pension fund", "var(--bench-3)"),
}
SPEEDS = {
    "short": ("var(--bench-2)", "dot"),
    "medium": ("var(--bench-3)", "dash"),
    "long": ("var(--bench-4)", "solid"),
}


@dataclass(frozen=True, kw_only=True)
class SimulatedView:
    """What a page shows of a simulated world beside the model.

    The truth stays out of every forecast.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_series)
        Published closes on the sessions, with ``sp500``, ``btc`` and what the facts need; see
        `world_facts`.
    regimes : Series, shape (n_sessions,)
        True regime by session.
    crises : DataFrame
        Columns `type`, `start`, `end`.
    flows : DataFrame, shape (n_sessions, n_agents), USD bn
        What each agent bought of equity.
    triggers : DataFrame, shape (n_sessions, n_speeds), index points
        Close of the next session at which each speed of the trend followers flips.
    trend_exposure : Series, shape (n_sessions,)
        Trend followers' position, multiples of their size.
    reserves, funding : Series, shape (n_sessions,)
        Reserves as percent of the central bank's assets; SOFR less the rate on reserves, basis
        points.
    """

    prices: pd.DataFrame
    regimes: pd.Series
    crises: pd.DataFrame
    flows: pd.DataFrame
    triggers: pd.DataFrame
    trend_exposure: pd.Series
    reserves: pd.Series
    funding: pd.Series


def world_figures(view: SimulatedView, index: pd.DatetimeIndex) -> list[Figure]:
    """Four figures over the dates of `index`, so that they zoom with those of the model."""
    return [
        _price_figure(view, index),
        _flow_figure(view, index),
        _trigger_figure(view, index),
        _reserve_figure(view, index),
    ]


def _price_figure(view: SimulatedView, index: pd.DatetimeIndex) -> Figure:
    """Equity and crypto, the true regime under them, a mark at each crisis."""
    prices, regimes = view.prices.loc[index], view.regimes.loc[index].astype(object)
    codes = regimes.map({name: float(place) for place, name in enumerate(REGIMES)}).to_numpy(
        dtype=float
    )
    marks = _marks(view, index)
    steps = len(REGIMES)
    scale = [
        [edge / steps, f"var(--{name})"] for i, name in enumerate(REGIMES) for edge in (i, i + 1)
    ]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": DATE,
            "y": {"column": column},
            "yaxis": axis,
            "name": words,
            "line": {"color": "var(--ink)", "width": 1.2},
            "showlegend": False,
            "hovertemplate": "%{y:,.0f}",
        }
        for column, axis, words in (("sp500", "y", "S&P 500"), ("btc", "y2", "Bitcoin"))
    ]
    traces += [
        {
            "type": "scatter",
            "mode": "markers",
            "x": DATE,
            "y": {"column": kind},
            "yaxis": MARKS[kind][3],
            "name": MARKS[kind][0],
            "hovertemplate": "%{y:,.0f}",
            "marker": {
                "symbol": MARKS[kind][1],
                "color": MARKS[kind][2],
                "size": 10,
                "line": {"width": 1.6, "color": MARKS[kind][2]},
            },
        }
        for kind in marks
    ]
    traces.append(
        {
            "type": "heatmap",
            "x": DATE,
            "y": [0],
            "z": [{"column": "regime"}],
            "yaxis": "y3",
            "zmin": -0.5,
            "zmax": steps - 0.5,
            "colorscale": scale,
            "showscale": False,
            "hoverinfo": "skip",
            "name": "regime",
        }
    )
    return Figure(
        key="world-prices",
        title="The simulated world: true regimes and crises",
        height=520,
        fit=("yaxis", "yaxis2"),
        caption="Closes on log scales. Nothing of this was shown to the model: the strip is the true regime, from the "
        "forced flows of the agents; marks stand at the start of each event.",
        alternative=_price_words(view, index),
        sentence=_price_words(view, index),
        traces=traces,
        columns={
            "date": index.to_numpy(),
            "sp500": prices["sp500"].to_numpy(dtype=float),
            "btc": prices["btc"].to_numpy(dtype=float),
            "regime": codes,
            **marks,
        },
        layout=_price_layout(regimes),
    )


def _marks(view: SimulatedView, index: pd.DatetimeIndex) -> dict[str, np.ndarray]:
    """Height of the mark of each type of crisis on the session of its start, NaN elsewhere."""
    marks = {}
    for kind, (_, _, _, axis) in MARKS.items():
        rows = view.crises[(view.crises["type"] == kind) & view.crises["start"].isin(index)]
        line = view.prices["sp500" if axis == "y" else "btc"].loc[index]
        heights = pd.Series(np.nan, index=index)
        heights[rows["start"]] = line[rows["start"]] * (1.05 if axis == "y" else 1.3)
        marks[kind] = heights.to_numpy(dtype=float)
    return marks


def _price_layout(regimes: pd.Series) -> dict[str, Any]:
    return base_layout(
        yaxis=titled("S&P 500") | {"type": "log", "tickformat": ",.0f", "domain": [0.42, 1]},
        yaxis2=titled("Bitcoin")
        | {"type": "log", "tickformat": ",.0f", "domain": [0.09, 0.36], "nticks": 4},
        yaxis3={
            "domain": [0, 0.05],
            "showticklabels": False,
            "showgrid": False,
            "fixedrange": True,
        },
        xaxis={"anchor": "y3"},
        margin={"l": 62, "r": 10, "t": 34, "b": 28},
        shapes=shades(regimes == "deleveraging", y0=0.06),
    )


def _flow_figure(view: SimulatedView, index: pd.DatetimeIndex) -> Figure:
    """Weekly purchases of equity by agent, stacked both ways."""
    weekly = view.flows.loc[index].resample("W-FRI").sum()
    regimes = view.regimes.loc[index].astype(object)
    shown = [name for name in AGENTS if name in weekly]
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "x": DATE,
            "y": {"column": name},
            "name": AGENTS[name][0],
            "hovertemplate": "%{y:,.1f} bn",
            "marker": {"color": AGENTS[name][1], "line": {"width": 0}},
        }
        for name in shown
    ]
    table = weekly[shown]
    ends = {"bought": table.clip(lower=0.0).sum(axis=1), "sold": table.clip(upper=0.0).sum(axis=1)}
    # Unseen lines at the ends of the bars: the axis follows what is in view, and no bar says how
    # high it stacks.
    traces += [
        {
            "type": "scatter",
            "mode": "lines",
            "x": DATE,
            "y": {"column": end},
            "line": {"width": 0},
            "name": end,
            "showlegend": False,
            "hoverinfo": "skip",
        }
        for end in ends
    ]
    worst = weekly["levered_funds"].idxmin()
    told = (
        f"Levered funds sold most in the week to {worst:%-d %B %Y}: "
        f"{-weekly['levered_funds'].min():,.0f} bn of "
        "equity."
    )
    return Figure(
        key="world-flows",
        title="Who bought and who had to sell",
        height=420,
        fit=("yaxis",),
        regimes=False,
        caption="True net purchases of equity a week by those who trade by rule or by margin, USD bn, stacked; "
        "households and value investors take the other side, at a price. Shaded: the true regime "
        "is a "
        "deleveraging.",
        alternative=told,
        sentence=told,
        columns={
            "date": weekly.index.to_numpy(),
            **{name: weekly[name].to_numpy(dtype=float) for name in shown},
            **{end: values.to_numpy(dtype=float) for end, values in ends.items()},
        },
        traces=traces,
        layout=base_layout(
            yaxis=titled("USD bn a week") | {"tickformat": ",.0f"},
            barmode="relative",
            bargap=0,
            shapes=shades(regimes == "deleveraging", 0.12),
            margin={"l": 62, "r": 10, "t": 52, "b": 28},
        ),
    )


def _trigger_figure(view: SimulatedView, index: pd.DatetimeIndex) -> Figure:
    """Closes against the trigger prices, and what trend followers held."""
    close, exposure = view.prices["sp500"].loc[index], view.trend_exposure.loc[index]
    triggers = view.triggers.loc[index]
    below = (triggers.to_numpy(dtype=float) > close.to_numpy(dtype=float)[:, None]).all(axis=1)
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": DATE,
            "y": {"column": speed},
            "hovertemplate": "%{y:,.0f}",
            "name": f"{display_name(speed)} trigger",
            "line": {"color": colour, "width": 1.1, "dash": dash},
        }
        for speed, (colour, dash) in SPEEDS.items()
    ]
    price = {
        "type": "scatter",
        "mode": "lines",
        "x": DATE,
        "y": {"column": "close"},
        "name": "S&P 500",
        "line": {"color": "var(--ink)", "width": 1.3},
        "hovertemplate": "%{y:,.0f}",
    }
    told = (
        f"The S&P 500 closed below all three triggers on {below.mean():.0%} of sessions; the "
        "position ranges from "
        f"{exposure.min():.2f} to {exposure.max():.2f}.".replace("-", "−")
    )
    held = {
        "type": "scatter",
        "mode": "lines",
        "x": DATE,
        "y": {"column": "exposure"},
        "yaxis": "y2",
        "name": "Position",
        "showlegend": False,
        "fill": "tozeroy",
        "fillcolor": "var(--accent-soft)",
        "line": {"color": "var(--accent)", "width": 1},
        "hovertemplate": "%{y:.2f}",
    }
    return Figure(
        key="world-triggers",
        title="Trigger prices of the trend followers",
        height=470,
        fit=("yaxis",),
        regimes=False,
        coarse=("exposure",),
        caption="The close of the next session at which each speed flips between long and short, as it stood at every "
        "close; under it the position that they held, in multiples of their size (negative is "
        "short).",
        alternative=told,
        sentence=told,
        columns={
            "date": index.to_numpy(),
            "close": close.to_numpy(dtype=float),
            "exposure": exposure.to_numpy(dtype=float),
            **{speed: triggers[speed].to_numpy(dtype=float) for speed in SPEEDS},
        },
        traces=[price, *lines, held],
        layout=base_layout(
            yaxis=titled("Index points")
            | {"type": "log", "tickformat": ",.0f", "domain": [0.30, 1]},
            yaxis2=titled("Position")
            | {
                "domain": [0, 0.24],
                "nticks": 4,
                "tickformat": ".1f",
                "zeroline": True,
                "zerolinecolor": "var(--line)",
            },
            xaxis={"anchor": "y2"},
            margin={"l": 62, "r": 10, "t": 34, "b": 28},
        ),
    )


def _reserve_figure(view: SimulatedView, index: pd.DatetimeIndex) -> Figure:
    """The funding spread over the reserve share, one mark a session, coloured by the true regime."""
    share, spread = view.reserves.loc[index], view.funding.loc[index]
    regimes = view.regimes.loc[index].astype(object)
    order = ("calm", "recovery", "fragile", "deleveraging")
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": {"column": "share"},
            "y": {"column": name},
            "name": display_name(name),
            "showlegend": False,
            "hovertemplate": "%{x:.1f}%, %{y:.0f} bp",
            "marker": {"color": f"var(--{name})", "size": 5, "opacity": 0.75},
        }
        for name in order
    ]
    low, high = (
        spread[rank].mean() for rank in (share <= share.quantile(0.1), share > share.median())
    )
    told = (
        f"In the tenth of sessions with the least reserves the spread averages {low:.0f} basis "
        "points, in the "
        f"upper half {high:.0f}.".replace("-", "−")
    )
    return Figure(
        key="world-reserves",
        title="Scarce reserves make funding dear",
        height=400,
        coarse=("share", *order),
        caption="One mark a session: reserves as a share of the central bank's assets against SOFR less the rate on "
        "reserves. The demand curve is flat while reserves abound and steep where they are "
        "scarce; marks above "
        "it are month ends, and days on which banks hoard because others must sell.",
        alternative=told,
        sentence=told,
        columns={
            "share": share.to_numpy(dtype=float),
            **{name: spread.where(regimes == name).to_numpy(dtype=float) for name in order},
        },
        traces=traces,
        layout=base_layout(
            hovermode="closest",
            xaxis={
                "type": "linear",
                "showgrid": True,
                "fixedrange": True,
                "ticksuffix": "%",
                "hoverformat": ".1f",
                "title": {"text": "Reserves, share of assets", "font": {"size": 11}},
            },
            yaxis=titled("SOFR − IORB, basis points") | {"tickformat": ".0f"},
            margin={"l": 62, "r": 14, "t": 14, "b": 44},
        ),
    )


def _price_words(view: SimulatedView, index: pd.DatetimeIndex) -> str:
    inside = view.crises[view.crises["start"].isin(index)]
    counts: Mapping[str, int] = inside["type"].value_counts().to_dict()
    share = float((view.regimes.loc[index] == "deleveraging").mean())
    parts = [
        f"{counts[kind]} of type {words.lower()}"
        for kind, (words, *_) in MARKS.items()
        if kind in counts
    ]
    return (
        f"Between {index[0]:%-d %B %Y} and {index[-1]:%-d %B %Y} the true regime is a "
        f"deleveraging on {share:.0%} "
        f"of sessions. Events: {', '.join(parts) or 'none'}."
    )
