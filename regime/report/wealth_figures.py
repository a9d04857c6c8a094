"""The figure of money: equity, drawdown and exposure of the rule and its benchmarks.

Depends on: report.figures, report.quantities.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from regime.report.figures import DATE, Figure, base_layout, plain
from regime.report.quantities import display_name

__all__ = ["drawdown", "wealth_figure"]

DASHES = ("solid", "dash", "dot", "dashdot")


def drawdown(equity: pd.DataFrame) -> pd.DataFrame:
    """Fall of each column from its highest value so far, the starting 1 included: <= 0, shape of `equity`."""
    return equity / equity.cummax().clip(lower=1.0) - 1.0


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
    traces = [_line(name, rank, look, part) for part in ("equity", "under")
              for rank, (name, look) in enumerate(looks.items())]
    traces.append({"type": "scatter", "mode": "lines", "x": DATE, "y": {"column": "exposure"}, "yaxis": "y3",
                   "name": "Exposure", "line": {"color": "var(--accent)", "width": 1, "shape": "hv"}, "fill": "tozeroy",
                   "fillcolor": "var(--accent-soft)", "showlegend": False, "hovertemplate": "%{y:.0%}"})
    return Figure(
        key="wealth", title="Equity, drawdown and exposure", height=620, traces=traces, fit=("yaxis", "yaxis2"),
        regimes=False,
        caption="Growth of 1 after costs (log scale), fall from the highest value so far, and the fraction of capital "
                "in equities that the rule decided at each close; it is filled at the next close.",
        alternative=_wealth_words(equity, under),
        columns={"date": equity.index.to_numpy(), "exposure": exposure.reindex(equity.index).to_numpy(dtype=float),
                 **{f"equity {name}": equity[name].to_numpy(dtype=float) for name in ordered},
                 **{f"under {name}": under[name].to_numpy(dtype=float) for name in ordered}},
        layout=_wealth_layout())


def _look(name: str, place: int) -> dict[str, Any]:
    if name == "strategy":
        return {"color": "var(--accent)", "width": 2.2}
    return {"color": f"var(--bench-{place % 4 + 1})", "width": 1.3, "dash": DASHES[place % 4]}


def _line(name: str, rank: int, look: dict[str, Any], part: str) -> dict[str, Any]:
    trace = {"type": "scatter", "mode": "lines", "x": DATE, "y": {"column": f"{part} {name}"}, "name": plain(name),
             "line": look, "legendgroup": f"group {rank}", "legendrank": 1000 - rank, "hovertemplate": "%{y:.2f}"}
    if part == "equity":
        return trace
    fill = {"fill": "tozeroy", "fillcolor": "var(--accent-soft)"} if name == "strategy" else {}
    return trace | {"yaxis": "y2", "showlegend": False, "hovertemplate": "%{y:.1%}"} | fill


def _wealth_layout() -> dict[str, Any]:
    def title(text: str) -> dict[str, Any]:
        return {"title": {"text": text, "font": {"size": 11}, "standoff": 4}, "fixedrange": True}
    return base_layout(
        yaxis=title("Growth of 1") | {"type": "log", "tickformat": "~g", "domain": [0.48, 1]},
        yaxis2=title("Drawdown") | {"tickformat": ".0%", "domain": [0.19, 0.44], "nticks": 5},
        yaxis3=title("Exposure") | {"tickformat": ".0%", "domain": [0, 0.14], "range": [0, 1.02], "nticks": 3},
        xaxis={"anchor": "y3"}, margin={"l": 62, "r": 10, "t": 34, "b": 28}, hoversubplots="axis")


def _wealth_words(equity: pd.DataFrame, under: pd.DataFrame) -> str:
    parts = [f"{display_name(name)} turns 1 into {equity[name].dropna().iloc[-1]:.2f} with a deepest fall of "
             f"{-under[name].min():.0%}" for name in equity if equity[name].notna().any()]
    return "; ".join(parts) + "."
