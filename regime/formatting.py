"""Numbers, dates and names as people read them, on the page and in a terminal alike."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

__all__ = [
    "NOTHING",
    "QUANTITIES",
    "Judgement",
    "Quantity",
    "chance",
    "display_name",
    "format_value",
    "judge_skill",
    "minus_signs",
    "percent",
    "quantity_of",
    "sentence_case",
    "signed",
    "spoken_date",
]

NOTHING = "–"  # stands for a value that is missing
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
    "spells": Quantity(label="Episodes", form="{:.0f}"),
    "caught": Quantity(label="Caught", form="{:.0f}"),
    "median_lag": Quantity(label="Median lag, sessions", form="{:.0f}"),
    "false_alarms": Quantity(label="False alarms", form="{:.0f}"),
    "false_alarms_per_year": Quantity(label="False alarms a year", form="{:.2f}"),
    "alarm_sessions": Quantity(label="Sessions on alarm", form="{:,.0f}"),
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
    "flips_per_year": Quantity(label="Changes a year", form="{:.1f}"),
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
    "end": Quantity(label="Recovered", form="{}"),
    "sessions_down": Quantity(label="Sessions down", form="{:.0f}"),
    "sessions_to_regain": Quantity(label="Sessions to recovery", form="{:.0f}"),
    "depth": Quantity(label="Depth", form="{:.1%}"),
    "robust_sharpe": Quantity(label="Robust Sharpe", form="{:.2f}"),
    "cost_bps": Quantity(label="Cost, basis points", form="{:.1f}"),
    "wins": Quantity(label="Ahead", form="{:.0%}"),
    "wins_drawdown": Quantity(label="Shallower", form="{:.0%}"),
    "gap": Quantity(label="Difference in Sharpe", form="{:.2f}"),
}


# Quantities of which a table has a column for each benchmark, for a percentile, or for the worst
# case: ``sharpe_buy_and_hold``, ``sharpe_5``.
FAMILIES = ("max_drawdown", "sharpe", "cagr", "turnover", "gap")


def quantity_of(key: str) -> Quantity | None:
    """The quantity of a column, None for an unknown one.

    ``sharpe_vix`` and ``sharpe_5`` are Sharpe ratios: of a benchmark, and a percentile.
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
    return sentence_case(NAMES.get(key, key.replace("_", " ").strip()))


def format_value(key: str, value: object) -> str:
    """One value as text in the form of its quantity; missing and NaN as an en dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if isinstance(value, date):
        is_missing = value != value  # NaT alone differs from itself
        return NOTHING if is_missing else f"{value.day} {value:%b %Y}"
    if isinstance(value, (str, bool)) or not isinstance(value, numbers.Real):
        return str(value)
    quantity = quantity_of(key)
    unknown_form = "{:,.0f}" if isinstance(value, numbers.Integral) else "{:.4g}"
    form = quantity.form if quantity else unknown_form
    return minus_signs(form.format(float(value)))


def minus_signs(text: str) -> str:
    """Hyphens of a formatted number as minus signs.

    Examples
    --------
    >>> minus_signs(f"{-0.178:.1%}")
    '−17.8%'
    """
    return text.replace("-", "−")


def signed(value: float | None, decimals: int = 2) -> str:
    """A number with its sign in front, an en dash for None.

    Examples
    --------
    >>> signed(0.5), signed(-1.25, 1), signed(None)
    ('+0.50', '−1.2', '–')
    """
    return NOTHING if value is None else minus_signs(f"{value:+.{decimals}f}")


def sentence_case(text: str) -> str:
    """Text with a capital first letter; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def chance(value: float) -> str:
    """A probability in words of a sentence, never a false 0% or 100%."""
    if value < 0.01:
        return "less than 1%"
    return "more than 99%" if value > 0.99 else f"{value:.0%}"


def percent(value: float) -> str:
    """A probability in few characters, never a false 0% or 100%."""
    if value < 0.01:
        return "<1%"
    return ">99%" if value > 0.99 else f"{value:.0%}"


def spoken_date(day: date) -> str:
    """A date as ``14 March 2025``."""
    return f"{day.day} {day:%B %Y}"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A finding in words, and how good it is.

    Parameters
    ----------
    tone : {"ahead", "unsure", "behind", "unknown"}
        ``unsure`` where the evidence does not decide.
    text : str
        One or two sentences.
    """

    tone: Literal["ahead", "unsure", "behind", "unknown"]
    text: str


def judge_skill(scores: Mapping[str, Any]) -> Judgement:
    """Whether the model beats the best baseline, in words.

    Parameters
    ----------
    scores : mapping
        The object ``scores`` of summary.json: ``skill``, ``interval`` and ``best_baseline`` are
        read.

    Examples
    --------
    >>> judge_skill({"best_baseline": "vix", "skill": -0.04, "interval": [-0.2, 0.1]}).tone
    'behind'
    """
    skill = _number_or_none(scores.get("skill"))
    best = display_name(str(scores.get("best_baseline") or "none"))
    if skill is None:
        return Judgement(
            tone="unknown",
            text="No skill can be measured: the scored period has only one class.",
        )
    if skill <= 0:
        change = "the same" if skill == 0 else f"{-skill:.1%} higher"
        return Judgement(
            tone="behind",
            text=f"The model does not beat the best baseline ({best}): "
            f"its log loss is {change}; prefer the baseline.",
        )
    low, high = (_number_or_none(end) for end in scores.get("interval") or (None, None))
    gain = f"the best baseline ({best}): its log loss is {skill:.1%} lower"
    if low is None or high is None:
        return Judgement(
            tone="unsure",
            text=f"The model is ahead of {gain}; without an interval this may be chance.",
        )
    interval = minus_signs(f"{low:.1%} to {high:.1%}")
    if low <= 0:
        return Judgement(
            tone="unsure",
            text=f"The model is ahead of {gain}. "
            f"The 90% interval, {interval}, includes zero, so this may be chance.",
        )
    return Judgement(tone="ahead", text=f"The model beats {gain}, 90% interval {interval}.")


def _number_or_none(value: Any) -> float | None:
    return None if value is None or math.isnan(float(value)) else float(value)
