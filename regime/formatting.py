"""How the keys of summary.json are named, written and judged for people."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "QUANTITIES",
    "Quantity",
    "Verdict",
    "chance",
    "display_name",
    "format_value",
    "percent",
    "quantity_of",
    "spoken_date",
    "verdict",
]

MISSING = "–"
NAMES = {
    "model": "This model",
    "strategy": "This rule",
    "base_rate": "Base rate",
    "persistence": "Persistence",
    "vix": "VIX",
    "drawdown_252": "Drawdown, 252 days",
    "below_200dma": "Below 200-day average",
    "realised_vol": "Realised volatility",
    "downside_rank": "Downside rank",
    "elastic_net": "Elastic-net logistic",
    "online_jump": "Online jump model",
    "buy_and_hold": "Buy and hold",
    "200dma": "200-day average",
    "vol_target_12": "Volatility target 12%",
    "cross_asset": "Cross-asset selling",
}


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One quantity as a column.

    Parameters
    ----------
    label : str
        Head of its column.
    form : str
        Format of its values.
    better : int
        +1 if more is better, -1 if less is, 0 if it is not judged.
    """

    label: str
    form: str
    better: int = 0


QUANTITIES = {
    "log_loss": Quantity(label="Log loss", form="{:.4f}", better=-1),
    "brier": Quantity(label="Brier", form="{:.4f}", better=-1),
    "average_precision": Quantity(label="Average precision", form="{:.3f}", better=1),
    "auc": Quantity(label="AUC", form="{:.3f}", better=1),
    "multi_log_loss": Quantity(label="Log loss, 4 regimes", form="{:.4f}", better=-1),
    "base_rate": Quantity(label="Base rate", form="{:.1%}"),
    "spells": Quantity(label="Spells", form="{:.0f}"),
    "caught": Quantity(label="Caught", form="{:.0f}"),
    "median_lag": Quantity(label="Median lag, sessions", form="{:.0f}"),
    "false_alarms": Quantity(label="False alarms", form="{:.0f}"),
    "false_alarms_per_year": Quantity(label="False alarms a year", form="{:.2f}"),
    "alarm_sessions": Quantity(label="Sessions of alarm", form="{:,.0f}"),
    "days": Quantity(label="Sessions", form="{:,.0f}"),
    "cagr": Quantity(label="Growth a year", form="{:.1%}", better=1),
    "volatility": Quantity(label="Volatility", form="{:.1%}"),
    "sharpe": Quantity(label="Sharpe", form="{:.2f}", better=1),
    "sortino": Quantity(label="Sortino", form="{:.2f}", better=1),
    "calmar": Quantity(label="Calmar", form="{:.2f}", better=1),
    "max_drawdown": Quantity(label="Deepest drawdown", form="{:.1%}", better=1),
    "cvar_5": Quantity(label="Mean of the worst 5% of days", form="{:.1%}", better=1),
    "hit_rate": Quantity(label="Days above cash", form="{:.0%}"),
    "turnover": Quantity(label="Turnover a year", form="{:.1f}×"),
    "flips_per_year": Quantity(label="Flips a year", form="{:.1f}"),
    "mean_exposure": Quantity(label="Mean exposure", form="{:.0%}"),
    "cost_per_year": Quantity(label="Costs a year", form="{:.2%}"),
    "orders": Quantity(label="Orders", form="{:,.0f}"),
    "deferred": Quantity(label="Deferred orders", form="{:,.0f}"),
    "first": Quantity(label="First", form="{}"),
    "last": Quantity(label="Last", form="{}"),
    "exposure_before": Quantity(label="Exposure before", form="{:.0%}"),
    "exposure_inside": Quantity(label="Inside", form="{:.0%}"),
    "exposure_after": Quantity(label="After", form="{:.0%}"),
    "market_return": Quantity(label="Market", form="{:.1%}"),
    "rule_return": Quantity(label="Rule", form="{:.1%}"),
    "loss_avoided": Quantity(label="Loss avoided", form="{:.1%}"),
    "missed_after": Quantity(label="Missed after", form="{:.1%}"),
    "sessions_to_cut": Quantity(label="Sessions to cut", form="{:.0f}"),
    "sessions_to_return": Quantity(label="Sessions to return", form="{:.0f}"),
    "start": Quantity(label="From", form="{}"),
    "trough": Quantity(label="Trough", form="{}"),
    "end": Quantity(label="Regained", form="{}"),
    "sessions_down": Quantity(label="Sessions down", form="{:.0f}"),
    "sessions_to_regain": Quantity(label="Sessions to regain", form="{:.0f}"),
    "depth": Quantity(label="Depth", form="{:.1%}"),
    "robust_sharpe": Quantity(label="Robust Sharpe", form="{:.2f}"),
    "cost_bps": Quantity(label="Cost, basis points", form="{:.1f}"),
    "wins": Quantity(label="Ahead", form="{:.0%}"),
    "wins_drawdown": Quantity(label="Shallower", form="{:.0%}"),
    "gap": Quantity(label="Gap of Sharpe", form="{:.2f}"),
}


# Of which a table has one column a rival, a percentile, or the worst of many:
# ``sharpe_buy_and_hold``, ``sharpe_5``.
FAMILIES = ("max_drawdown", "sharpe", "cagr", "turnover", "gap")


def quantity_of(key: str) -> Quantity | None:
    """The quantity of a column.

    ``sharpe_vix`` and ``sharpe_5`` are Sharpe ratios, of another and a percentile.
    """
    base = next((name for name in FAMILIES if key.startswith(f"{name}_")), None)
    if key in QUANTITIES or base is None:
        return QUANTITIES.get(key)
    rest = key.removeprefix(f"{base}_")
    whose = f"{rest}% point" if rest.isdigit() else display_name(rest)
    whose = whose[:1].lower() + whose[1:] if whose[1:2].islower() else whose  # VIX stays VIX
    return Quantity(label=f"{QUANTITIES[base].label}, {whose}", form=QUANTITIES[base].form)


def display_name(key: str) -> str:
    """A name for people, e.g. ``Base rate`` for ``base_rate``."""
    text = NAMES.get(key, key.replace("_", " ").strip())
    return text[:1].upper() + text[1:]


def format_value(key: str, value: object) -> str:
    """One value as text in the form of its quantity; missing and NaN as an en dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, date):
        return MISSING if value != value else f"{value.day} {value:%b %Y}"  # NaT is unlike itself
    if isinstance(value, (str, bool)) or not isinstance(value, numbers.Real):
        return str(value)
    quantity = quantity_of(key)
    form = (
        quantity.form
        if quantity
        else "{:,.0f}"
        if isinstance(value, numbers.Integral)
        else "{:.4g}"
    )
    return form.format(float(value)).replace("-", "−")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether the model beats the best baseline.

    Parameters
    ----------
    tone : {"ahead", "unsure", "behind", "unknown"}
        ``unsure`` where the interval of the skill includes zero.
    text : str
        One or two sentences.
    """

    tone: Literal["ahead", "unsure", "behind", "unknown"]
    text: str


def verdict(scores: Mapping[str, Any]) -> Verdict:
    """Plain words on ``skill`` and ``interval`` of the object ``scores`` of summary.json.

    Examples
    --------
    >>> print(verdict({"best_baseline": "vix", "skill": -0.04, "interval": [-0.2, 0.1]}).text)
    The model does not beat the best baseline (VIX): its log loss is 4.0% higher; prefer the
    baseline.
    """
    skill, best = (
        _number(scores.get("skill")),
        display_name(str(scores.get("best_baseline") or "none")),
    )
    if skill is None:
        return Verdict(
            tone="unknown",
            text="There is no verdict: in this period the truth has nothing to score.",
        )
    if skill <= 0:
        change = "the same" if skill == 0 else f"{-skill:.1%} higher"
        return Verdict(
            tone="behind",
            text=f"The model does not beat the best baseline ({best}): "
            f"its log loss is {change}; prefer the baseline.",
        )
    low, high = (_number(end) for end in scores.get("interval") or (None, None))
    gain = f"the best baseline ({best}): its log loss is {skill:.1%} lower"
    if low is None or high is None:
        return Verdict(
            tone="unsure",
            text=f"The model is ahead of {gain}; without an interval this may be chance.",
        )
    span = f"{low:.1%} to {high:.1%}".replace("-", "−")
    if low <= 0:
        return Verdict(
            tone="unsure",
            text=f"The model is ahead of {gain}. "
            f"The 90% interval, {span}, includes zero, so this may be chance.",
        )
    return Verdict(tone="ahead", text=f"The model beats {gain}, 90% interval {span}.")


def chance(value: float) -> str:
    """A probability for people, never a false 0% or 100%."""
    if value < 0.01:
        return "less than 1%"
    return "more than 99%" if value > 0.99 else f"{value:.0%}"


def percent(value: float) -> str:
    """A probability in few letters, never a false 0% or 100%."""
    return "<1%" if value < 0.01 else ">99%" if value > 0.99 else f"{value:.0%}"


def spoken_date(day: pd.Timestamp) -> str:
    """A date as ``14 March 2025``."""
    return f"{day.day} {day:%B %Y}"


def _number(value: Any) -> float | None:
    return None if value is None or math.isnan(float(value)) else float(value)
