"""Sentences of the page's first screen: where the model and the rule stand, and on which data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from regime.formatting import Judgement, chance, spoken_date

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "headline",
    "judge_audit",
    "refused_values",
    "unfit_series",
    "value_before",
]

DAY = 1
UNCHANGED = 0.02  # a smaller change of a probability counts as none
CHECKED = {"label use": "columns held against the labels", "releases": "release rules"}


def judge_audit(audit: Mapping[str, Any]) -> Judgement:
    """Whether the audit for look-ahead passed, in words; unknown where none was run.

    Parameters
    ----------
    audit : mapping
        The object ``audit`` of summary.json.

    Examples
    --------
    >>> audit = {"verdict": "clean", "checks": {"builders": {"checked": 12, "warnings": 1}}}
    >>> print(judge_audit(audit).text)
    Audit clean: nothing looks ahead in 12 builders; 1 known impurity.
    """
    if not audit.get("verdict"):
        return Judgement(
            tone="unknown", text="Not audited: no check for the use of future data was run."
        )
    checks = audit.get("checks") or {}
    scope = ", ".join(
        f"{check.get('checked', 0):,} {CHECKED.get(name, name)}" for name, check in checks.items()
    )
    scope = scope or "what was checked"
    if audit["verdict"] != "clean":
        leaks = sum(int(check.get("leaks", 0)) for check in checks.values())
        leaks = leaks or len(audit.get("findings") or ()) or 1
        return Judgement(
            tone="behind",
            text=f"Audit failed: {leaks} leak{'' if leaks == 1 else 's'} in {scope}; "
            "do not rely on any figure of this page.",
        )
    warnings = sum(int(check.get("warnings", 0)) for check in checks.values())
    rest = f"; {warnings} known impurit{'y' if warnings == 1 else 'ies'}" if warnings else ""
    return Judgement(tone="ahead", text=f"Audit clean: nothing looks ahead in {scope}{rest}.")


def headline(
    probabilities: pd.DataFrame,
    exposure: pd.Series,
    data: Mapping[str, Any],
    member_range: tuple[float, float] | None = None,
) -> tuple[str, str]:
    """Two sentences: the regime of the last session, and what the rule holds on which data.

    Parameters
    ----------
    probabilities : DataFrame, shape (n_sessions, 4)
        Without NaN, at least one row.
    exposure : Series, shape (n_sessions,)
        Fraction of capital decided at each close.
    data : mapping
        The object ``data`` of summary.json.
    member_range : tuple of float, optional
        Least and greatest probability of a deleveraging over the members of the model.

    Returns
    -------
    tuple of str
    """
    from regime.schema import STRESS, WEEK  # here: the command line must start without pandas

    last = probabilities.iloc[-1]
    stress = probabilities[STRESS]
    regime = str(last.idxmax())
    day = probabilities.index[-1]
    if last[regime] < 0.5:
        likeliest = f"{regime}, though with {chance(last[regime])} it has no majority"
    else:
        likeliest = f"{regime}, with a probability of {chance(last[regime])}"
    members = f" ({_between(*member_range)} over its members)" if member_range else ""
    if regime != STRESS:
        members = f"; a deleveraging has {chance(last[STRESS])}{members}"
    change = _change(last[STRESS], value_before(stress, DAY), value_before(stress, WEEK))
    return (
        f"At the close of {spoken_date(day)} the most likely regime is {likeliest}{members}, "
        f"{change}.",
        f"{_holding(exposure)}; {_freshness(data, day)}.",
    )


def value_before(values: pd.Series, sessions: int) -> float:
    """Value so many sessions before the last; the first where there are fewer."""
    return float(values.iloc[-1 - min(sessions, len(values) - 1)])


def unfit_series(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the series that are missing or stale.

    Empty where the object ``data`` of summary.json holds no status by name.
    """
    series = data.get("series")
    if not isinstance(series, Mapping):
        return ()
    verdicts = {
        name: status.get("verdict") if isinstance(status, Mapping) else status
        for name, status in series.items()
    }
    return tuple(name for name, verdict in verdicts.items() if verdict != "ok")


def refused_values(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Series of which values were refused and treated as missing, with the count: ``move (3)``."""
    series = data.get("series")
    if not isinstance(series, Mapping):
        return ()
    counts = {
        name: status.get("refused")
        for name, status in series.items()
        if isinstance(status, Mapping)
    }
    return tuple(f"{name} ({count})" for name, count in counts.items() if count)


def _change(now: float, day: float, week: float) -> str:
    """Against the day before and the week before, each only where it differs."""

    def direction(before: float) -> str:
        return f"{'up' if now > before else 'down'} from {chance(before)}"

    moved_in_a_day = abs(now - day) >= UNCHANGED
    moved_in_a_week = abs(now - week) >= UNCHANGED
    if not moved_in_a_day and not moved_in_a_week:
        return "hardly changed in a week"
    if not moved_in_a_day:
        return f"{direction(week)} a week earlier"
    if not moved_in_a_week:
        return f"{direction(day)} the day before and where it stood a week earlier"
    if chance(day) == chance(week):
        return f"{direction(day)} the day before and a week earlier"
    same_way = (now > day) == (now > week)
    against_week = f" and {chance(week)}" if same_way else f" but {direction(week)}"
    return f"{direction(day)} the day before{against_week} a week earlier"


def _between(low: float, high: float) -> str:
    return chance(low) if chance(low) == chance(high) else f"{chance(low)} to {chance(high)}"


def _holding(exposure: pd.Series) -> str:
    """The fraction decided last, which the next close fills, against that of the session before."""
    if exposure.empty:
        return "No rule was run"
    now = float(exposure.iloc[-1])
    before = float(exposure.iloc[-2 if len(exposure) > 1 else -1])
    if abs(now - before) >= 0.005:
        return (
            f"The rule moves from {before:.0%} to {now:.0%} of capital in equities, filled at the "
            "next close"
        )
    if 0.005 < now < 0.995:
        return f"The rule keeps {now:.0%} of capital in equities and the rest in bills"
    return f"The rule keeps all capital in {'equities' if now > 0.5 else 'bills'}"


def _freshness(data: Mapping[str, Any], day: pd.Timestamp) -> str:
    last = str(data.get("last") or f"{day:%Y-%m-%d}")
    series = data.get("series")
    until = "the data end that day" if last == f"{day:%Y-%m-%d}" else f"the data end on {last}"
    if isinstance(series, Mapping):
        unfit = unfit_series(data)
        if not unfit:
            return until
        return f"{until}, with {len(unfit)} of {len(series)} series missing or stale"
    count = len(series) if isinstance(series, (list, tuple)) else series
    return f"{until} and hold {count} series" if count else until
