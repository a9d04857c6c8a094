"""A simulated market on the page: regimes, crises, flows, reserves, triggers and its facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from regime.formatting import NOTHING, display_name, minus_signs, spoken_date
from regime.report.figures import DATE, Figure, figure_layout, shades, titled_axis
from regime.report.tables import Row, Table
from regime.schema import QUARTER, REGIMES, STRESS, YEAR

__all__ = ["RISKY", "SimulatedView", "fact_table", "simulation_figures"]

# Marks of the crises: label, symbol, colour, panel.
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
# Markets of which the correlation is taken.
RISKY = ("sp500", "nasdaq", "iwm", "eem", "hyg", "crude", "copper", "btc")


@dataclass(frozen=True, kw_only=True)
class SimulatedView:
    """The truth behind a simulated market; no forecast uses it.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_series)
        Published closes on the sessions, with ``sp500``, ``btc`` and what `fact_table` needs.
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


def simulation_figures(view: SimulatedView, index: pd.DatetimeIndex) -> list[Figure]:
    """Four figures over the dates of the model, so that they zoom together.

    Parameters
    ----------
    view : SimulatedView
    index : DatetimeIndex
        Sessions of the model's probabilities.
    """
    return [
        _price_figure(view, index),
        _flow_figure(view, index),
        _trigger_figure(view, index),
        _reserve_figure(view, index),
    ]


def _price_figure(view: SimulatedView, index: pd.DatetimeIndex) -> Figure:
    """Equity and crypto, the true regime under them, a mark at each crisis."""
    prices = view.prices.loc[index]
    regimes = view.regimes.loc[index].astype(object)
    positions = {name: float(position) for position, name in enumerate(REGIMES)}
    codes = regimes.map(positions).to_numpy(dtype=float)
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
            "name": label,
            "line": {"color": "var(--ink)", "width": 1.2},
            "showlegend": False,
            "hovertemplate": "%{y:,.0f}",
        }
        for column, axis, label in (("sp500", "y", "S&P 500"), ("btc", "y2", "Bitcoin"))
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
        key="simulation-prices",
        title="The simulated market: true regimes and crises",
        height=520,
        fit=("yaxis", "yaxis2"),
        caption="Closes on log scales. The model has seen none of this: the strip is the true "
        "regime, from the forced flows of the agents; marks show the start of each event.",
        alternative=_crisis_sentence(view, index),
        sentence=_crisis_sentence(view, index),
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
    return figure_layout(
        yaxis=titled_axis("S&P 500") | {"type": "log", "tickformat": ",.0f", "domain": [0.42, 1]},
        yaxis2=titled_axis("Bitcoin")
        | {"type": "log", "tickformat": ",.0f", "domain": [0.09, 0.36], "nticks": 4},
        yaxis3={
            "domain": [0, 0.05],
            "showticklabels": False,
            "showgrid": False,
            "fixedrange": True,
        },
        xaxis={"anchor": "y3"},
        margin={"l": 62, "r": 10, "t": 34, "b": 28},
        shapes=shades(regimes == STRESS, y0=0.06),
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
    # Invisible lines at the ends of the stacks: the axis follows the lines in view, and no single
    # bar holds the height of its stack.
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
    sentence = (
        f"Levered funds sold most in the week to {spoken_date(worst)}: "
        f"{-weekly['levered_funds'].min():,.0f} bn of equity."
    )
    return Figure(
        key="simulation-flows",
        title="Who bought and who had to sell",
        height=420,
        fit=("yaxis",),
        regimes=False,
        caption="True net purchases of equity a week by those who trade by rule or on margin, USD "
        "bn, stacked; households and value investors take the other side, at a price. Shaded: the "
        "true regime is a deleveraging.",
        alternative=sentence,
        sentence=sentence,
        columns={
            "date": weekly.index.to_numpy(),
            **{name: weekly[name].to_numpy(dtype=float) for name in shown},
            **{end: values.to_numpy(dtype=float) for end, values in ends.items()},
        },
        traces=traces,
        layout=figure_layout(
            yaxis=titled_axis("USD bn a week") | {"tickformat": ",.0f"},
            barmode="relative",
            bargap=0,
            shapes=shades(regimes == STRESS, 0.12),
            margin={"l": 62, "r": 10, "t": 52, "b": 28},
        ),
    )


def _trigger_figure(view: SimulatedView, index: pd.DatetimeIndex) -> Figure:
    """Closes against the trigger prices, and what trend followers held."""
    close = view.prices["sp500"].loc[index]
    exposure = view.trend_exposure.loc[index]
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
    sentence = f"The S&P 500 closed below all three triggers on {below.mean():.0%} of sessions; "
    sentence += minus_signs(
        f"the position ranges from {exposure.min():.2f} to {exposure.max():.2f}."
    )
    position = {
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
        key="simulation-triggers",
        title="Trigger prices of the trend followers",
        height=470,
        fit=("yaxis",),
        regimes=False,
        coarse=("exposure",),
        caption="The close of the next session at which each speed changes between long and short, "
        "as of every close; below it their position, in multiples of their size (negative is "
        "short).",
        alternative=sentence,
        sentence=sentence,
        columns={
            "date": index.to_numpy(),
            "close": close.to_numpy(dtype=float),
            "exposure": exposure.to_numpy(dtype=float),
            **{speed: triggers[speed].to_numpy(dtype=float) for speed in SPEEDS},
        },
        traces=[price, *lines, position],
        layout=figure_layout(
            yaxis=titled_axis("Index points")
            | {"type": "log", "tickformat": ",.0f", "domain": [0.30, 1]},
            yaxis2=titled_axis("Position")
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
    """The funding spread over the reserve share, one mark a session in its regime's colour."""
    share = view.reserves.loc[index]
    spread = view.funding.loc[index]
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
    scarce = spread[share <= share.quantile(0.1)].mean()
    ample = spread[share > share.median()].mean()
    sentence = minus_signs(
        f"In the tenth of sessions with the least reserves the spread averages {scarce:.0f} basis "
        f"points, in the upper half {ample:.0f}."
    )
    return Figure(
        key="simulation-reserves",
        title="Scarce reserves make funding expensive",
        height=400,
        coarse=("share", *order),
        caption="One mark a session: reserves as a share of the central bank's assets against SOFR "
        "less the rate on reserves. The demand curve is flat while reserves are ample and steep "
        "where they are scarce; marks above it are month ends, and days on which banks hoard "
        "because others must sell.",
        alternative=sentence,
        sentence=sentence,
        columns={
            "share": share.to_numpy(dtype=float),
            **{name: spread.where(regimes == name).to_numpy(dtype=float) for name in order},
        },
        traces=traces,
        layout=figure_layout(
            hovermode="closest",
            xaxis={
                "type": "linear",
                "showgrid": True,
                "fixedrange": True,
                "ticksuffix": "%",
                "hoverformat": ".1f",
                "title": {"text": "Reserves, share of assets", "font": {"size": 11}},
            },
            yaxis=titled_axis("SOFR − IORB, basis points") | {"tickformat": ".0f"},
            margin={"l": 62, "r": 14, "t": 14, "b": 44},
        ),
    )


def _crisis_sentence(view: SimulatedView, index: pd.DatetimeIndex) -> str:
    inside = view.crises[view.crises["start"].isin(index)]
    counts: Mapping[str, int] = inside["type"].value_counts().to_dict()
    share = float((view.regimes.loc[index] == STRESS).mean())
    parts = [
        f"{counts[kind]} of type {label.lower()}"
        for kind, (label, *_) in MARKS.items()
        if kind in counts
    ]
    return (
        f"Between {spoken_date(index[0])} and {spoken_date(index[-1])} the true regime is a "
        f"deleveraging on {share:.0%} of sessions. Events: {', '.join(parts) or 'none'}."
    )


def fact_table(
    prices: pd.DataFrame, regimes: pd.Series, reserves: pd.Series, funding: pd.Series
) -> Table:
    """Stylised facts of a simulated market beside those of real ones, over all its sessions.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_series)
        Closes of ``sp500``, ``vix`` and, as far as there are, `RISKY`.
    regimes : Series, shape (n_sessions,)
        True regime.
    reserves, funding : Series, shape (n_sessions,)
        Percent of central-bank assets; basis points.
    """
    moves = np.log(prices["sp500"]).diff().dropna()
    rows = [
        *_levels(prices, moves),
        *_dynamics(moves),
        *_stress(prices, regimes, reserves, funding),
    ]
    return Table(
        title=f"Stylised facts, {prices.index[0]:%Y} to {prices.index[-1]:%Y}",
        header=("", "This market", "Usual in markets"),
        rows=tuple(rows),
        note="Usual: the S&P 500 and what moved with it, about 1992–2021, rounded.",
    )


def _levels(prices: pd.DataFrame, moves: pd.Series) -> Iterator[Row]:
    years = len(moves) / YEAR
    growth = (prices["sp500"].iloc[-1] / prices["sp500"].iloc[0]) ** (1 / years) - 1
    yield _fact("Growth of the S&P 500 a year", f"{growth:.1%}", "3% to 10%")
    yield _fact("Volatility a year", f"{moves.std() * YEAR**0.5:.1%}", "12% to 22%")
    yield _fact("VIX, mean", f"{prices['vix'].mean():.1f}", "15 to 25")


def _dynamics(moves: pd.Series) -> Iterator[Row]:
    size = moves.abs()
    memory = [size.autocorr(lag) for lag in range(1, 51)]
    leverage = float(np.mean([moves.corr(size.shift(-lag)) for lag in range(1, 21)]))
    ratio = moves.rolling(QUARTER).sum().var() / QUARTER / moves.var()
    yield _fact("Excess kurtosis of daily returns", f"{moves.kurt():.1f}", "5 to 15")
    yield _fact("Autocorrelation of returns, lag 1", f"{moves.autocorr(1):.2f}", "−0.1 to 0.1")
    yield _fact(
        "… of their size, lags 1, 10, 41 to 50",
        f"{memory[0]:.2f}, {memory[9]:.2f}, {np.mean(memory[40:]):.2f}",
        "0.3, 0.3, 0.1",
    )
    yield _fact("Return against later size, lags 1 to 20", f"{leverage:.2f}", "−0.07")
    yield _fact("Variance ratio, 63 sessions", f"{ratio:.2f}", "0.7")


def _stress(
    prices: pd.DataFrame, regimes: pd.Series, reserves: pd.Series, funding: pd.Series
) -> Iterator[Row]:
    table = np.log(prices[[name for name in RISKY if name in prices]]).diff()
    calm = _mean_correlation(table[regimes == "calm"])
    stress = _mean_correlation(table[regimes == STRESS])
    yield _fact(
        "Correlation of risky markets, calm and deleveraging",
        f"{calm:.2f}, {stress:.2f}",
        "0.4, 0.5",
    )
    edges = np.quantile(reserves, [0.0, 0.15, 0.5, 1.0])
    means = [
        funding[(reserves >= low) & (reserves <= high)].mean() for low, high in pairwise(edges)
    ]
    yield _fact(
        "SOFR − IORB by reserves: least 15%, up to half, upper half",
        ", ".join(f"{mean:.0f}" for mean in means) + " bp",
        "convex",
    )
    for name in ("calm", "fragile", "deleveraging", "recovery"):
        inside = np.log(prices["sp500"]).diff()[regimes == name]
        drift = inside.mean() * YEAR
        risk = inside.std() * YEAR**0.5
        yield _fact(
            f"{name.capitalize()}: share of sessions, drift and volatility a year",
            f"{len(inside) / len(regimes):.0%}, {drift:+.0%}, {risk:.0%}",
            NOTHING,
        )


def _mean_correlation(table: pd.DataFrame) -> float:
    matrix = table.corr().to_numpy()
    return float(matrix[~np.eye(len(matrix), dtype=bool)].mean())


def _fact(name: str, value: str, usual: str) -> Row:
    return Row(name=name, cells=(minus_signs(value), usual))
