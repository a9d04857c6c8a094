"""How the rule's Sharpe ratio depends on its own settings, on costs and on delays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from regime.formatting import display_name, minus_signs
from regime.report.figures import Figure, figure_layout, plotly_text, titled_axis

__all__ = ["curve_figure", "sweep_figure"]

LEGIBLE = 8  # columns up to which cells of a heat map show their value, at phone width too
CURVES = {
    "costs": ("Multiple of the costs", "At {:g} times the costs"),
    "delays": ("Sessions to the fill", "Filled {:g} sessions after the decision"),
}
RULE = {"color": "var(--accent)", "width": 2}
BENCHMARKS = tuple(
    {"color": f"var(--bench-{number + 1})", "width": 1.3, "dash": dash}
    for number, dash in enumerate(("solid", "dash", "dot", "dashdot"))
)
SCALE = [[0, "var(--heat-0)"], [0.5, "var(--heat-1)"], [1, "var(--heat-2)"]]
EXTRA = ("robust_sharpe", "chosen")


def sweep_figure(sweep: pd.DataFrame) -> Figure:
    """Heat map of the robust Sharpe ratio over two parameters, the chosen setting framed.

    Parameters
    ----------
    sweep : DataFrame
        Two parameters, `robust_sharpe` and `chosen`; see `ReportContent.sweep`.
    """
    across, up = (str(name) for name in sweep if name not in EXTRA)
    grid = sweep.pivot_table(index=up, columns=across, values="robust_sharpe", dropna=False)
    chosen = sweep[sweep["chosen"].astype(bool)]
    cells = [
        [None if np.isnan(value) else round(float(value), 4) for value in row]
        for row in grid.to_numpy()
    ]
    heat = {
        "type": "heatmap",
        "x": _labels(grid.columns),
        "y": _labels(grid.index),
        "z": cells,
        "colorscale": SCALE,
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "hovertemplate": f"{plotly_text(across)} %{{x}}<br>{plotly_text(up)} %{{y}}<br>"
        "Sharpe %{z:.2f}<extra></extra>",
        "colorbar": {
            "thickness": 10,
            "outlinewidth": 0,
            "tickformat": ".2f",
            "nticks": 6,
            "xpad": 6,
        },
    }
    if len(grid.columns) <= LEGIBLE:
        heat |= {"texttemplate": "%{z:.2f}", "textfont": {"size": 12}}
    marks = [_frame(grid, row[across], row[up]) for _, row in chosen.iterrows()]
    axis = {"type": "category", "showgrid": False, "automargin": True}
    return Figure(
        key="sweep",
        title="Settings of the rule",
        height=max(300, min(560, 120 + 34 * len(grid))),
        regimes=False,
        columns={},
        traces=[heat],
        sentence=_sweep_sentence(sweep, chosen, across, up),
        caption="Robust Sharpe ratio by setting: a median over its neighbours and blocks of years. "
        "A plateau is worth more than a peak. The frame marks the setting in use.",
        alternative=f"Robust Sharpe ratios from {sweep['robust_sharpe'].min():.2f} to "
        f"{sweep['robust_sharpe'].max():.2f} over {display_name(across)} and {display_name(up)}.",
        layout=figure_layout(
            hovermode="closest",
            shapes=marks,
            yaxis=titled_axis(plotly_text(up)) | axis,
            xaxis=titled_axis(plotly_text(across)) | axis,
            margin={"l": 62, "r": 6, "t": 12, "b": 46},
        ),
    )


def _frame(grid: pd.DataFrame, across: Any, up: Any) -> dict[str, Any]:
    """A rectangle around one cell."""
    column, row = grid.columns.get_loc(across), grid.index.get_loc(up)
    return {
        "type": "rect",
        "x0": column - 0.5,
        "x1": column + 0.5,
        "y0": row - 0.5,
        "y1": row + 0.5,
        "line": {"color": "var(--mark)", "width": 3},
    }


def _labels(index: pd.Index) -> list[str]:
    return [
        f"{value:g}" if isinstance(value, (int, float)) else plotly_text(str(value))
        for value in index.tolist()
    ]


def _sweep_sentence(sweep: pd.DataFrame, chosen: pd.DataFrame, across: str, up: str) -> str:
    values = sweep["robust_sharpe"].dropna()
    median = f"half of the settings shown reach {values.median():.2f}"
    if chosen.empty:
        return f"No setting is marked; {median}."
    row = chosen.iloc[0]
    below = float((values < row["robust_sharpe"]).mean())
    setting = f"{display_name(across)} {row[across]} and {display_name(up)} {row[up]}"
    return (
        f"The setting in use, {setting}, has a robust Sharpe of {row['robust_sharpe']:.2f}, more "
        f"than {below:.0%} of those shown; {median}."
    )


def curve_figure(stress: Mapping[str, pd.DataFrame]) -> Figure | None:
    """The Sharpe ratio over costs and over delay, side by side; None where the tables hold neither.

    Parameters
    ----------
    stress : mapping of str to DataFrame
        ``costs`` and ``delays``, each with a numeric index and column `sharpe`, and `sharpe_NAME`
        of benchmarks; others are ignored.
    """
    tables = {
        name: stress[name].sort_index()
        for name in CURVES
        if name in stress and _drawable(stress[name])
    }
    if not tables:
        return None
    curves = {name: _curve(table["sharpe"]) for name, table in tables.items()}
    benchmarks = list(
        dict.fromkeys(
            column for table in tables.values() for column in table if _is_benchmark(column)
        )
    )
    traces = [
        trace
        for number, table in enumerate(tables.values())
        for trace in _panel(table, number, benchmarks)
    ]
    return Figure(
        key="curves",
        title="Costs and delay",
        height=330,
        regimes=False,
        columns={},
        traces=traces,
        sentence=" ".join(_curve_sentence(name, curve) for name, curve in curves.items()),
        caption="Sharpe ratio after costs, all else equal; benchmarks trade under the same terms. "
        "Steps are drawn at equal distances.",
        alternative="Sharpe ratios of the rule. "
        + "; ".join(
            f"{CURVES[name][0]}: " + ", ".join(f"{x:g} gives {y:.2f}" for x, y in curve.items())
            for name, curve in curves.items()
        )
        + ".",
        layout=_curve_layout(tables, benchmarks),
    )


def _panel(table: pd.DataFrame, number: int, benchmarks: list[str]) -> list[dict[str, Any]]:
    """Lines of one panel, the rule last and in front, with its values."""
    traces = []
    for column in (*(name for name in benchmarks if name in table), "sharpe"):
        curve = _curve(table[column])
        position = 0 if column == "sharpe" else benchmarks.index(column)
        look = RULE if column == "sharpe" else BENCHMARKS[position % len(BENCHMARKS)]
        trace = {
            "type": "scatter",
            "mode": "lines+markers",
            "x": [f"{x:g}" for x in curve],
            "y": list(curve.values()),
            "xaxis": "x2" if number else "x",
            "yaxis": "y2" if number else "y",
            "showlegend": not number,
            "legendgroup": column,
            "name": plotly_text(
                column.removeprefix("sharpe_") if column != "sharpe" else "strategy"
            ),
            "line": look,
            "marker": {"size": 7 if column == "sharpe" else 4, "color": look["color"]},
            "cliponaxis": False,
            "legendrank": 999 if column == "sharpe" else 1000,
            "hovertemplate": "%{y:.2f}",
        }
        if column == "sharpe":
            trace |= {
                "mode": "lines+markers+text",
                "textposition": "top center",
                "text": [
                    minus_signs(f"{y:.2f}")
                    if x == _base_case(curve) or x == list(curve)[-1]
                    else ""
                    for x, y in curve.items()
                ],
                "textfont": {"size": 11, "color": "var(--ink)"},
            }
        traces.append(trace)
    return traces


def _drawable(table: pd.DataFrame) -> bool:
    return (
        "sharpe" in table
        and pd.api.types.is_numeric_dtype(table.index)
        and bool(table["sharpe"].notna().any())
    )


def _is_benchmark(column: object) -> bool:
    return isinstance(column, str) and column.startswith("sharpe_")


def _curve(values: pd.Series) -> dict[float, float]:
    return {float(x): round(float(y), 4) for x, y in values.dropna().items()}


def _base_case(curve: Mapping[float, float]) -> float:
    """Actual costs and a fill at the next close are both 1."""
    return 1.0 if 1.0 in curve else next(iter(curve))


def _curve_sentence(name: str, curve: Mapping[float, float]) -> str:
    """The last case against the base case."""
    base = _base_case(curve)
    last, after = list(curve.items())[-1]
    return minus_signs(
        f"{CURVES[name][1].format(last)} the Sharpe ratio is {after:.2f} instead of "
        f"{curve[base]:.2f} at {base:g}."
    )


def _curve_layout(tables: Mapping[str, pd.DataFrame], benchmarks: list[str]) -> dict[str, Any]:
    """One panel or two beside each other, on one scale."""
    values = [
        y
        for table in tables.values()
        for name in ("sharpe", *benchmarks)
        if name in table
        for y in _curve(table[name]).values()
    ]
    low = min(0.0, *values)
    high = max(0.0, *values)
    margin = 0.16 * (high - low or 1.0)
    span = {
        "range": [low - (margin if low < 0 else 0), high + margin],
        "tickformat": ".1f",
        "nticks": 6,
    }
    halves = [[0, 0.47], [0.53, 1]] if len(tables) == 2 else [[0, 1]]
    axes: dict[str, Any] = {}
    for number, (name, half) in enumerate(zip(tables, halves, strict=True)):
        suffix = str(number + 1) if number else ""
        axes[f"xaxis{suffix}"] = titled_axis(CURVES[name][0]) | {
            "type": "category",
            "domain": half,
            "anchor": f"y{suffix}",
            "showgrid": False,
            "linecolor": "var(--grid)",
            "zeroline": False,
            "ticks": "",
        }
        axes[f"yaxis{suffix}"] = span | {
            "anchor": f"x{suffix}",
            "fixedrange": True,
            "showticklabels": not number,
        }
    axes["yaxis"] |= titled_axis("Sharpe")
    return figure_layout(
        hovermode="x unified",
        margin={"l": 48, "r": 18, "t": 56 if benchmarks else 18, "b": 44},
        **axes,
    )
