"""Equity, drawdown and exposure of the rule and its benchmarks, and Sharpe ratios by year."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from regime.formatting import display_name, minus_signs
from regime.performance import rolling_sharpe
from regime.report.figures import DATE, Figure, figure_layout, plotly_text, titled_axis

__all__ = ["equity_drawdown", "rolling_figure", "wealth_figure"]

DASHES = ("solid", "dash", "dot", "dashdot")


def equity_drawdown(equity: pd.DataFrame) -> pd.DataFrame:
    """Drawdown of each column from its highest value so far, the starting 1 included.

    Parameters
    ----------
    equity : DataFrame, shape (n_sessions, n_accounts)
        Value of 1 by date.

    Returns
    -------
    DataFrame, shape (n_sessions, n_accounts), fraction, <= 0
        NaN where the value is.

    **Known at:** row t uses rows up to t.
    """
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
    drawdowns = equity_drawdown(equity)
    ordered = sorted(equity.columns, key=lambda name: name == "strategy")
    looks = {name: _look(name, number) for number, name in enumerate(ordered)}
    traces = [
        _line(name, rank, look, part)
        for part in ("equity", "drawdown")
        for rank, (name, look) in enumerate(looks.items())
    ]
    traces.append(
        {
            "type": "scatter",
            "mode": "lines",
            "x": DATE,
            "y": {"column": "exposure"},
            "yaxis": "y3",
            "name": "Exposure",
            "line": {"color": "var(--accent)", "width": 1, "shape": "hv"},
            "fill": "tozeroy",
            "fillcolor": "var(--accent-soft)",
            "showlegend": False,
            "hovertemplate": "%{y:.0%}",
        }
    )
    return Figure(
        key="wealth",
        title="Equity, drawdown and exposure",
        height=620,
        traces=traces,
        fit=("yaxis", "yaxis2"),
        regimes=False,
        sentence=_wealth_sentence(equity, drawdowns),
        coarse=("exposure", *(f"drawdown {name}" for name in ordered)),
        caption="Growth of 1 after costs (log scale), drawdown from the highest value so far, and "
        "the fraction of capital in equities that the rule decided at each close; it is filled at "
        "the next close.",
        alternative="Equity, drawdown and exposure by date. " + _wealth_sentence(equity, drawdowns),
        columns={
            "date": equity.index.to_numpy(),
            "exposure": exposure.reindex(equity.index).to_numpy(dtype=float),
            **{f"equity {name}": equity[name].to_numpy(dtype=float) for name in ordered},
            **{f"drawdown {name}": drawdowns[name].to_numpy(dtype=float) for name in ordered},
        },
        layout=_wealth_layout(),
    )


def rolling_figure(equity: pd.DataFrame, cash: pd.Series) -> Figure | None:
    """Sharpe ratio of the last year by date; None where no year is full.

    Parameters
    ----------
    equity : DataFrame, shape (n_sessions, 1 + n_benchmarks)
    cash : Series, shape (n_sessions,), fraction a session
        What cash earned; empty for nothing, and a gap counts as nothing.
    """
    ratios = pd.DataFrame({name: _ratios(equity[name], cash) for name in equity}).reindex(
        equity.index
    )
    ordered = sorted(
        (name for name in ratios if ratios[name].notna().any()), key=lambda name: name == "strategy"
    )
    if not ordered:
        return None
    looks = {
        name: _look(name, number)
        for number, name in enumerate(sorted(equity, key=lambda name: name == "strategy"))
    }
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": DATE,
            "y": {"column": f"ratio {name}"},
            "name": plotly_text(name),
            "line": looks[name],
            "legendrank": 1000 - rank,
            "hovertemplate": "%{y:.2f}",
        }
        for rank, name in enumerate(ordered)
    ]
    over = "over bills" if len(cash) else "of returns in full, bills not subtracted"
    return Figure(
        key="rolling",
        title="Sharpe ratio, year by year",
        height=340,
        regimes=False,
        traces=traces,
        sentence=_rolling_sentence(ratios),
        alternative="Sharpe ratio of the last 252 sessions. " + _rolling_sentence(ratios),
        caption=f"Annual Sharpe ratio of the last 252 sessions at each close, {over}, after costs.",
        columns={
            "date": equity.index.to_numpy(),
            **{f"ratio {name}": ratios[name].to_numpy(dtype=float) for name in ordered},
        },
        coarse=tuple(f"ratio {name}" for name in ordered),
        layout=figure_layout(
            yaxis=titled_axis("Sharpe, 252 sessions")
            | {
                "range": _axis_range(ratios),
                "tickformat": ".1f",
                "zeroline": True,
                "nticks": 6,
                "zerolinecolor": "var(--line)",
            },
            margin={"l": 52, "r": 10, "t": 34, "b": 28},
        ),
    )


def _ratios(equity: pd.Series, cash: pd.Series) -> pd.Series:
    """Rolling Sharpe ratio of one account; nothing where it has fewer than two sessions."""
    returns = equity.dropna().pct_change().iloc[1:]
    if returns.empty:
        return returns
    return rolling_sharpe(returns, cash.reindex(returns.index).fillna(0.0) if len(cash) else 0.0)


def _axis_range(ratios: pd.DataFrame) -> list[float]:
    """Ends of the axis, outliers left out: a year spent in bills would flatten all others."""
    quantiles = np.nanquantile(ratios.to_numpy(dtype=float), [0.005, 0.995])
    low = min(quantiles[0], 0.0)
    high = max(quantiles[1], 0.0)
    margin = 0.06 * (high - low or 1.0)
    return [round(float(low - margin), 3), round(float(high + margin), 3)]


def _rolling_sentence(ratios: pd.DataFrame) -> str:
    """The rule against buy and hold, or against the first benchmark where that is missing."""
    others = [name for name in ratios if name != "strategy" and ratios[name].notna().any()]
    if "strategy" not in ratios or not others or ratios["strategy"].isna().all():
        return "The rule and its benchmarks have no full year in common."
    other = "buy_and_hold" if "buy_and_hold" in others else others[0]
    both = ratios[["strategy", other]].dropna()
    last = both.iloc[-1]
    ahead = (both["strategy"] > both[other]).mean()
    return (
        minus_signs(f"Over the last year this rule has a Sharpe ratio of {last['strategy']:.2f}, ")
        + f"{display_name(other).lower()} "
        + minus_signs(f"{last[other]:.2f}; it was ahead on {ahead:.0%} of all sessions.")
    )


def _look(name: str, number: int) -> dict[str, Any]:
    if name == "strategy":
        return {"color": "var(--accent)", "width": 2.2}
    return {"color": f"var(--bench-{number % 4 + 1})", "width": 1.3, "dash": DASHES[number % 4]}


def _line(name: str, rank: int, look: dict[str, Any], part: str) -> dict[str, Any]:
    trace = {
        "type": "scatter",
        "mode": "lines",
        "x": DATE,
        "y": {"column": f"{part} {name}"},
        "name": plotly_text(name),
        "line": look,
        "legendgroup": f"group {rank}",
        "legendrank": 1000 - rank,
        "hovertemplate": "%{y:.2f}",
    }
    if part == "equity":
        return trace
    fill = {"fill": "tozeroy", "fillcolor": "var(--accent-soft)"} if name == "strategy" else {}
    return trace | {"yaxis": "y2", "showlegend": False, "hovertemplate": "%{y:.1%}"} | fill


def _wealth_layout() -> dict[str, Any]:
    return figure_layout(
        yaxis=titled_axis("Growth of 1") | {"type": "log", "tickformat": "~g", "domain": [0.48, 1]},
        yaxis2=titled_axis("Drawdown") | {"tickformat": ".0%", "domain": [0.19, 0.44], "nticks": 5},
        yaxis3=titled_axis("Exposure")
        | {"tickformat": ".0%", "domain": [0, 0.14], "range": [0, 1.02], "nticks": 3},
        xaxis={"anchor": "y3"},
        margin={"l": 62, "r": 10, "t": 34, "b": 28},
        hoversubplots="axis",
    )


def _wealth_sentence(equity: pd.DataFrame, drawdowns: pd.DataFrame) -> str:
    parts = [
        f"{display_name(name)} turns 1 into {equity[name].dropna().iloc[-1]:.2f} with a maximum "
        f"drawdown of {-drawdowns[name].min():.0%}"
        for name in equity
        if equity[name].notna().any()
    ]
    return "; ".join(parts) + "."
