"""The model beside its baselines: probabilities row by row, and a reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from regime.formatting import chance, display_name
from regime.report.figures import DATE, Figure, figure_layout, plotly_text, shades, titled_axis
from regime.schema import STRESS

__all__ = ["baseline_figure", "reliability_figure"]

# Heights in pixels: a row of the figure, its legend, its dates.
ROW = 76
HEAD = 40
FOOT = 28
GAP = 0.26  # share of a row that its title takes
LOOKS = (
    ("var(--accent)", "circle"),
    ("var(--bench-2)", "square"),
    ("var(--bench-3)", "diamond"),
    ("var(--bench-4)", "triangle-up"),
)  # as many forecasters as one diagram has room for
MANY = 30  # sessions from which a bin is worth a sentence


def baseline_figure(
    baselines: pd.DataFrame,
    probabilities: pd.DataFrame,
    truth: pd.Series,
    losses: Mapping[str, float | None],
) -> Figure:
    """The probability of a deleveraging by the model and by every baseline, one row a baseline.

    Parameters
    ----------
    baselines : DataFrame, shape (n_days, n_baselines)
        NaN where a baseline has no forecast.
    probabilities : DataFrame, shape (n_sessions, 4)
        Of the model; gives the dates.
    truth : Series, shape (n_labels,)
        Regime after the fact, to shade by; may be empty.
    losses : mapping of str to float
        Log loss by baseline, to order the rows by and to name; may lack some.
    """
    index = probabilities.index
    model = probabilities[STRESS]
    shown = baselines.reindex(index).astype(float)
    order = sorted(shown, key=lambda name: _rank(losses, name))
    traces = [trace for row, name in enumerate(order) for trace in _row(name, row)]
    true_stress = truth.reindex(index).astype(object).eq(STRESS)
    return Figure(
        key="baselines",
        title="The model and its baselines, row by row",
        height=HEAD + FOOT + ROW * len(order),
        regimes=False,
        traces=traces,
        sentence=_baseline_sentence(shown, model, true_stress),
        caption="Probability of a deleveraging at each close, 0 to 100% in each row: the baseline "
        "as an area, the model as a line; the best baseline stands first."
        + (" Shaded: deleveraging, as determined after the fact." if true_stress.any() else ""),
        alternative=f"{len(order)} rows, each with the model's probability of a deleveraging over "
        f"that of a baseline: {', '.join(display_name(name) for name in order)}.",
        columns={
            "date": index.to_numpy(),
            "model": model.to_numpy(dtype=float),
            **{f"baseline {name}": shown[name].to_numpy() for name in order},
        },
        coarse=("model", *(f"baseline {name}" for name in order)),
        layout=_rows_layout(order, losses, true_stress),
    )


def _row(name: str, row: int) -> list[dict[str, Any]]:
    """Area of a baseline and line of the model on the axis of their row."""
    axis = {"yaxis": f"y{row + 1}" if row else "y"}
    common = {"type": "scatter", "mode": "lines", "x": DATE, "hovertemplate": "%{y:.0%}"} | axis
    return [
        common
        | {
            "y": {"column": f"baseline {name}"},
            "name": plotly_text(name) if row else "Baseline of the row",
            "line": {"width": 0.6, "color": "var(--bench-1)"},
            "fill": "tozeroy",
            "fillcolor": "var(--area)",
            "legendgroup": "baseline",
            "showlegend": not row,
        },
        common
        | {
            "y": {"column": "model"},
            "name": "This model",
            "line": {"width": 1.1, "color": "var(--accent)"},
            "legendgroup": "model",
            "showlegend": not row,
        },
    ]


def _rows_layout(
    order: list[str], losses: Mapping[str, float | None], true_stress: pd.Series
) -> dict[str, Any]:
    count = max(len(order), 1)
    axes = {}
    titles = []
    for row, name in enumerate(order):
        low = 1 - (row + 1) / count
        axes[f"yaxis{row + 1}" if row else "yaxis"] = {
            "domain": [low, low + (1 - GAP) / count],
            "range": [0, 1],
            "tickvals": [0, 0.5, 1],
            "fixedrange": True,
            "ticktext": ["0", "", "100%"],
            "tickfont": {"size": 10},
        }
        loss = losses.get(name)
        titles.append(
            {
                "text": plotly_text(name) + ("" if loss is None else f", log loss {loss:.4f}"),
                "xref": "paper",
                "yref": "paper",
                "x": 0,
                "y": low + (1 - GAP) / count,
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 11, "color": "var(--ink)"},
            }
        )
    height = ROW * count
    return figure_layout(
        xaxis={"anchor": f"y{count}" if count > 1 else "y"},
        annotations=titles,
        shapes=shades(true_stress, 0.2),
        margin={"l": 44, "r": 10, "t": HEAD, "b": FOOT},
        **axes,
        legend={"y": 1 + 10 / height, "yanchor": "bottom"},
    )


def _rank(losses: Mapping[str, float | None], name: str) -> tuple[bool, float]:
    """By log loss, those without one last."""
    loss = losses.get(name)
    return loss is None, 0.0 if loss is None else float(loss)


def _baseline_sentence(shown: pd.DataFrame, model: pd.Series, true_stress: pd.Series) -> str:
    """Mean probabilities inside and outside of true deleveragings."""
    best = shown.columns[0] if len(shown.columns) else None
    if not true_stress.any() or best is None:
        return ""
    inside = shown[true_stress].mean()
    strongest = str(inside.idxmax())
    return (
        "On sessions of deleveraging the model's probability averages "
        f"{chance(model[true_stress].mean())}, on all others {chance(model[~true_stress].mean())}; "
        f"of the baselines {display_name(strongest)} has the highest, {chance(inside[strongest])} "
        f"and {chance(shown.loc[~true_stress, strongest].mean())}."
    )


def reliability_figure(reliability: pd.DataFrame, losses: Mapping[str, float | None]) -> Figure:
    """Observed share over mean forecast by bin, and the sessions in each bin.

    Parameters
    ----------
    reliability : DataFrame
        Columns `forecaster`, `forecast`, `observed`, `sessions`.
    losses : mapping of str to float
        Log loss by baseline: the model is drawn with the best baselines; may lack some.
    """
    every = sorted(
        reliability["forecaster"].unique(), key=lambda name: (name != "model", *_rank(losses, name))
    )
    names = every[: len(LOOKS)]
    table = reliability[reliability["forecaster"].isin(names)]
    table = table.sort_values("forecast", kind="stable").reset_index(drop=True)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0, 1],
            "y": [0, 1],
            "hoverinfo": "skip",
            "showlegend": False,
            "name": "diagonal",
            "line": {"color": "var(--soft)", "width": 1, "dash": "dot"},
        }
    ]
    for number, name in enumerate(names):
        traces += _reliability_traces(name, number)
    rows = {name: table["forecaster"].eq(name) for name in names}
    columns = {
        "forecast": table["forecast"].to_numpy(dtype=float),
        **{
            f"{part} {name}": table[part].where(mask).to_numpy(dtype=float)
            for name, mask in rows.items()
            for part in ("observed", "sessions")
        },
    }
    return Figure(
        key="reliability",
        title="Forecast and observed frequency",
        height=480,
        regimes=False,
        traces=traces,
        columns=columns,
        sentence=_reliability_sentence(table[table["forecaster"] == "model"]),
        caption="Above: share of sessions of deleveraging over the mean forecast, by bin of the "
        "forecast; on the dotted line a forecast of 30% comes true 30% of the time. Below: "
        "sessions in each bin, on a log scale; bins of few sessions scatter by chance."
        + (
            f" The {len(names) - 1} best baselines of {len(every) - 1} are drawn; tap a name to "
            "show or hide it."
            if len(names) < len(every)
            else ""
        ),
        alternative=_reliability_text(table, names),
        layout=_reliability_layout(),
    )


def _reliability_traces(name: str, number: int) -> list[dict[str, Any]]:
    colour, symbol = LOOKS[number % len(LOOKS)]
    common = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": {"column": "forecast"},
        "name": plotly_text(name),
        "connectgaps": True,
        "line": {"color": colour, "width": 2 if number == 0 else 1.3},
        "marker": {"symbol": symbol, "size": 8, "color": colour},
        "legendgroup": f"group {number}",
        "visible": True if number < 2 else "legendonly",
    }
    return [
        common
        | {
            "y": {"column": f"observed {name}"},
            "hovertemplate": "forecast %{x:.0%}, observed %{y:.0%}",
        },
        common
        | {
            "y": {"column": f"sessions {name}"},
            "yaxis": "y2",
            "showlegend": False,
            "hovertemplate": "%{y:,.0f} sessions",
        },
    ]


def _reliability_layout() -> dict[str, Any]:
    return figure_layout(
        hovermode="closest",
        yaxis=titled_axis("Observed share")
        | {"range": [-0.03, 1.03], "tickformat": ".0%", "domain": [0.34, 1]},
        yaxis2=titled_axis("Sessions")
        | {"type": "log", "domain": [0, 0.24], "dtick": 1, "tickformat": ",~s"},
        xaxis={
            "type": "linear",
            "showgrid": True,
            "fixedrange": True,
            "range": [-0.03, 1.03],
            "tickformat": ".0%",
            "anchor": "y2",
            "hoverformat": ".0%",
            "title": {"text": "Mean forecast", "font": {"size": 11}},
        },
        margin={"l": 62, "r": 14, "t": 62, "b": 44},
    )


def _reliability_sentence(model: pd.DataFrame) -> str:
    if model.empty:
        return ""
    usable = model[model["sessions"] >= MANY]
    top = (usable if len(usable) else model).iloc[-1]
    gap = float(
        np.average((model["observed"] - model["forecast"]).abs(), weights=model["sessions"])
    )
    return (
        f"Where the model forecast {chance(top['forecast'])} on average, a deleveraging was under "
        f"way on {chance(top['observed'])} of {top['sessions']:,.0f} sessions; over all bins the "
        f"forecast is {100 * gap:.1f} points off the observed share."
    )


def _reliability_text(table: pd.DataFrame, names: list[str]) -> str:
    shown = table[table["forecaster"] == names[0]] if names else table
    parts = [
        f"{chance(row.forecast)} forecast, {chance(row.observed)} observed in {row.sessions:,.0f} "
        "sessions"
        for row in shown.itertuples()
    ]
    return f"{display_name(names[0]) if names else 'Nothing'} by bin: {'; '.join(parts)}."
