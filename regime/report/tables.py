"""Tables of a run as text cells, laid out once for the page and for the terminal.

Depends on: nothing (plain mappings in, plain text out).
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Row",
    "Table",
    "display_name",
    "event_table",
    "format_value",
    "importance_table",
    "lineage_table",
    "performance_table",
    "score_table",
]

MISSING = "–"
NAMES = {
    "model": "This model", "strategy": "This rule", "base_rate": "Base rate", "persistence": "Persistence",
    "vix": "VIX", "drawdown_252": "Drawdown, 252 days", "below_200dma": "Below 200-day average",
    "realised_vol": "Realised volatility", "downside_rank": "Downside rank", "elastic_net": "Elastic-net logistic",
    "online_jump": "Online jump model", "buy_and_hold": "Buy and hold", "200dma": "200-day average",
    "average_200": "200-day average", "vol_target_12": "Volatility target 12%", "cross_asset": "Cross-asset selling",
}


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """How one quantity is headed, written and judged; `better` is +1, -1 or 0 for not judged."""

    label: str
    form: str
    better: int = 0


QUANTITIES = {
    "log_loss": Quantity(label="Log loss", form="{:.4f}", better=-1),
    "multiclass_log_loss": Quantity(label="Log loss, 4 regimes", form="{:.4f}", better=-1),
    "brier": Quantity(label="Brier", form="{:.4f}", better=-1),
    "average_precision": Quantity(label="Average precision", form="{:.3f}", better=1),
    "auc": Quantity(label="AUC", form="{:.3f}", better=1),
    "base_rate": Quantity(label="Base rate", form="{:.1%}"),
    "spells": Quantity(label="Spells", form="{:.0f}"),
    "caught": Quantity(label="Caught", form="{:.0f}"),
    "median_lag": Quantity(label="Median lag, sessions", form="{:.0f}"),
    "false_alarms": Quantity(label="False alarms", form="{:.0f}"),
    "false_alarms_per_year": Quantity(label="False alarms a year", form="{:.2f}"),
    "days": Quantity(label="Sessions", form="{:,.0f}"),
    "cagr": Quantity(label="Growth a year", form="{:.1%}", better=1),
    "volatility": Quantity(label="Volatility", form="{:.1%}"),
    "sharpe": Quantity(label="Sharpe", form="{:.2f}", better=1),
    "sharpe_ratio": Quantity(label="Sharpe", form="{:.2f}", better=1),
    "sortino": Quantity(label="Sortino", form="{:.2f}", better=1),
    "calmar": Quantity(label="Calmar", form="{:.2f}", better=1),
    "max_drawdown": Quantity(label="Deepest drawdown", form="{:.1%}", better=1),
    "turnover": Quantity(label="Turnover a year", form="{:.1f}×"),
    "flips_per_year": Quantity(label="Flips a year", form="{:.1f}"),
    "mean_exposure": Quantity(label="Mean exposure", form="{:.0%}"),
    "exposure": Quantity(label="Mean exposure", form="{:.0%}"),
    "costs": Quantity(label="Costs", form="{:.2%}"),
    "final": Quantity(label="Growth of 1", form="{:.2f}"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table.

    Parameters
    ----------
    name : str
        Head of the row.
    cells : tuple of str
        Text by column, missing ones as an en dash.
    own : bool
        Whether the row is the model or rule of this run.
    badge : str
        A short mark beside the name, e.g. ``"best baseline"``.
    leads : frozenset of int
        Positions of the cells that are the best of their column.
    """

    name: str
    cells: tuple[str, ...]
    own: bool = False
    badge: str = ""
    leads: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Table:
    """A titled table of text.

    Parameters
    ----------
    title : str
        What the table holds.
    header : tuple of str
        Heads of the name column and of each column of cells.
    rows : tuple of Row
        Each with ``len(header) - 1`` cells.
    note : str
        One sentence on how to read it, or nothing.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


def display_name(key: str) -> str:
    """A name for people of a key of summary.json, e.g. ``vix`` as ``VIX``."""
    text = NAMES.get(key, key.replace("_", " ").strip())
    return text[:1].upper() + text[1:]


def format_value(key: str, value: object) -> str:
    """One value as text in the form of its quantity; missing and NaN as an en dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, (str, bool)) or not isinstance(value, numbers.Real):
        return str(value)
    quantity = QUANTITIES.get(key)
    form = quantity.form if quantity else "{:,.0f}" if isinstance(value, numbers.Integral) else "{:.4g}"
    return form.format(float(value)).replace("-", "−")


def score_table(scores: Mapping[str, Any]) -> Table:
    """Scores of the model and of each baseline, the model first, then by log loss.

    Parameters
    ----------
    scores : mapping
        The object ``scores`` of summary.json.
    """
    best = str(scores.get("best_baseline") or "")
    named = _ranked(_named_rows({key: scores[key] for key in ("model", "baselines") if key in scores}))
    return Table(
        title="Scores of P(deleveraging), out of sample", header=("", *_labels(named)), rows=_rows(named, badge=best),
        note="Lower log loss and Brier are better, higher average precision and AUC; the best of each column is bold.")


def event_table(events: Mapping[str, Any]) -> Table:
    """Spells caught, lag and false alarms, of the model and of whatever stands beside it."""
    named = _named_rows(events)
    return Table(title="Spells of deleveraging", header=("", *_labels(named)), rows=_rows(named))


def performance_table(backtest: Mapping[str, Any]) -> Table:
    """Performance of the rule and of each benchmark, after costs.

    Parameters
    ----------
    backtest : mapping
        The object ``backtest`` of summary.json.
    """
    named = _named_rows({key: backtest[key] for key in ("strategy", "benchmarks") if key in backtest})
    return Table(title="Performance after costs", header=("", *_labels(named)), rows=_rows(named),
                 note="Decided at one close, filled at the next; cash earns the bill rate; 252 sessions a year.")


def importance_table(families: Mapping[str, float]) -> tuple[tuple[str, float, str], ...]:
    """Name, share of the largest and share of the whole in words, by family, largest first."""
    usable = {key: max(float(value), 0.0) for key, value in families.items() if not math.isnan(float(value))}
    total, top = sum(usable.values()) or 1.0, max(usable.values(), default=0.0) or 1.0
    ordered = sorted(usable.items(), key=lambda item: -item[1])
    return tuple((display_name(key), value / top, f"{value / total:.0%}") for key, value in ordered)


def lineage_table(summary: Mapping[str, Any], lineage: Mapping[str, Any]) -> Table:
    """Where the numbers come from: data, hash, config, commit and run."""
    data, sample = summary.get("data") or {}, summary.get("out_of_sample") or {}
    pairs = {
        "Config": summary.get("config"), "Data": _span(data), "Data hash": data.get("hash"),
        "Out of sample": _span(sample), "Refits": sample.get("refits"), "Commit": summary.get("commit"),
        "Run id": summary.get("mlflow_run_id"), "Saved model": summary.get("bundle"),
        "Seconds": summary.get("seconds"), **{display_name(key): value for key, value in lineage.items()},
    }
    rows = tuple(Row(name=name, cells=(format_value("", value),)) for name, value in pairs.items()
                 if value is not None and not isinstance(value, (Mapping, list, tuple)))
    return Table(title="Lineage", header=("", "Value"), rows=rows)


def _span(sample: Mapping[str, Any]) -> str | None:
    first, last = sample.get("first"), sample.get("last")
    return f"{first} to {last}" if first and last else None


def _named_rows(content: Mapping[str, Any], name: str = "model") -> dict[str, Mapping[str, Any]]:
    """Scalars by name, whatever the nesting: ``{model: {..}, baselines: {vix: {..}}}`` or one flat mapping."""
    if not any(isinstance(value, Mapping) for value in content.values()):
        return {name: content} if content else {}
    rows: dict[str, Mapping[str, Any]] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            rows |= _named_rows(value, key)
    return rows


def _ranked(named: dict[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    def loss(item: tuple[str, Mapping[str, Any]]) -> tuple[bool, float]:
        value = item[1].get("log_loss")
        return item[0] != "model", math.inf if value is None else float(value)
    return dict(sorted(named.items(), key=loss))


def _columns(named: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Keys of all scalars: known quantities in the order of QUANTITIES, then the others as met."""
    met = dict.fromkeys(key for row in named.values() for key, value in row.items()
                        if not isinstance(value, (Mapping, list, tuple)))
    known = [key for key in QUANTITIES if key in met]
    return known + [key for key in met if key not in QUANTITIES]


def _labels(named: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    return (QUANTITIES[key].label if key in QUANTITIES else display_name(key) for key in _columns(named))


def _rows(named: Mapping[str, Mapping[str, Any]], badge: str = "") -> tuple[Row, ...]:
    columns = _columns(named)
    leaders = [_leader(key, named) if len(named) > 1 else None for key in columns]
    return tuple(
        Row(name=display_name(name), cells=tuple(format_value(key, row.get(key)) for key in columns),
            own=name in ("model", "strategy"), badge="best baseline" if name == badge else "",
            leads=_places(row, columns, leaders))
        for name, row in named.items())


def _places(row: Mapping[str, Any], columns: Sequence[str], leaders: Sequence[float | None]) -> frozenset[int]:
    return frozenset(i for i, (key, best) in enumerate(zip(columns, leaders, strict=True))
                     if best is not None and row.get(key) == best)


def _leader(key: str, named: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Best value of a judged column."""
    better = QUANTITIES[key].better if key in QUANTITIES else 0
    values = [row[key] for row in named.values() if isinstance(row.get(key), numbers.Real) and row[key] == row[key]]
    if not better or not values:
        return None
    return float(max(values) if better > 0 else min(values))
