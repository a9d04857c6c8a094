"""What a run found, in plain words: the verdict on the model and the first screen of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from regime.formatting import Verdict, chance, spoken_date
from regime.sessions import WEEK

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "audit_verdict",
    "earlier",
    "headline",
    "refused_values",
    "unfit_series",
]

DAY = 1
STILL = 0.02  # a smaller change of a probability is none
CHECKED = {"label use": "columns held against the labels", "releases": "release rules"}


def audit_verdict(audit: Mapping[str, Any]) -> Verdict:
    """Plain words on the object ``audit`` of summary.json; unknown where no audit was run.

    Examples
    --------
    >>> print(audit_verdict({"verdict": "clean", "checks": {"builders": {"checked": 12, "warnings": 1}}}).text)
    Audit clean: nothing looks ahead in 12 builders; 1 known impurity.
    """
    if not audit.get("verdict"):
        return Verdict(
            tone="unknown", text="Not audited: nobody looked for the use of what was not yet known."
        )
    checks = audit.get("checks") or {}
    looked = (
        ", ".join(
            f"{check.get('checked', 0):,} {CHECKED.get(name, name)}"
            for name, check in checks.items()
        )
        or "what was looked at"
    )
    if audit["verdict"] != "clean":
        count = (
            sum(int(check.get("leaks", 0)) for check in checks.values())
            or len(audit.get("findings") or ())
            or 1
        )
        return Verdict(
            tone="behind",
            text=f"Audit failed: {count} leak{'' if count == 1 else 's'} in {looked}; "
            "believe no figure of this page.",
        )
    known = sum(int(check.get("warnings", 0)) for check in checks.values())
    rest = f"; {known} known impurit{'y' if known == 1 else 'ies'}" if known else ""
    return Verdict(tone="ahead", text=f"Audit clean: nothing looks ahead in {looked}{rest}.")


def headline(
    probabilities: pd.DataFrame,
    exposure: pd.Series,
    data: Mapping[str, Any],
    spread: tuple[float, float] | None = None,
) -> tuple[str, str]:
    """The first screen in two sentences: the regime of the last session, and what the rule holds.

    Parameters
    ----------
    probabilities : DataFrame, shape (n_sessions, 4)
        Without NaN, at least one row.
    exposure : Series, shape (n_sessions,)
        Fraction of capital decided at each close.
    data : mapping
        The object ``data`` of summary.json.
    spread : tuple of float, optional
        Least and greatest probability of a deleveraging over the members of the model.
    """
    last, stress = probabilities.iloc[-1], probabilities["deleveraging"]
    regime, day = str(last.idxmax()), probabilities.index[-1]
    sure = f"{regime}, with a probability of {chance(last[regime])}"
    if last[regime] < 0.5:
        sure = f"{regime}, though with {chance(last[regime])} it has no majority"
    members = f" ({_between(*spread)} over its members)" if spread else ""
    now = (
        members
        if regime == "deleveraging"
        else f"; a deleveraging has {chance(last['deleveraging'])}{members}"
    )
    change = _change(last["deleveraging"], earlier(stress, DAY), earlier(stress, WEEK))
    return (
        f"At the close of {spoken_date(day)} the most likely regime is {sure}{now}, {change}.",
        f"{_holding(exposure)}; {_freshness(data, day)}.",
    )


def earlier(values: pd.Series, sessions: int) -> float:
    """Value so many sessions before the last; the first where there are fewer."""
    return float(values.iloc[-1 - min(sessions, len(values) - 1)])


def unfit_series(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the series that are missing or stale, where the object ``data`` tells a verdict by name."""
    series = data.get("series")
    if not isinstance(series, Mapping):
        return ()
    found = {
        name: status.get("verdict") if isinstance(status, Mapping) else status
        for name, status in series.items()
    }
    return tuple(name for name, status in found.items() if status != "ok")


def refused_values(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Series of which values were refused and taken for missing, with how many, as ``move (3)``."""
    series = data.get("series")
    told = (
        {
            name: status.get("refused")
            for name, status in series.items()
            if isinstance(status, Mapping)
        }
        if isinstance(series, Mapping)
        else {}
    )
    return tuple(f"{name} ({count})" for name, count in told.items() if count)


def _change(now: float, day: float, week: float) -> str:
    """Against the day before and the week before, each only where it differs."""

    def way(before: float) -> str:
        return f"{'up' if now > before else 'down'} from {chance(before)}"

    moved = abs(now - day) >= STILL, abs(now - week) >= STILL
    if moved == (False, False):
        return "hardly changed in a week"
    if moved == (False, True):
        return f"{way(week)} a week earlier"
    if moved == (True, False):
        return f"{way(day)} the day before and where it stood a week earlier"
    if chance(day) == chance(week):
        return f"{way(day)} the day before and a week earlier"
    joint = f" and {chance(week)}" if (now > day) == (now > week) else f" but {way(week)}"
    return f"{way(day)} the day before{joint} a week earlier"


def _between(low: float, high: float) -> str:
    return chance(low) if chance(low) == chance(high) else f"{chance(low)} to {chance(high)}"


def _holding(exposure: pd.Series) -> str:
    """The fraction decided last, which the next close fills, against the one decided the session before."""
    if exposure.empty:
        return "No rule was run"
    now, before = float(exposure.iloc[-1]), float(exposure.iloc[-2 if len(exposure) > 1 else -1])
    if abs(now - before) >= 0.005:
        return f"The rule moves from {before:.0%} to {now:.0%} of capital in equities, filled at the next close"
    if 0.005 < now < 0.995:
        return f"The rule keeps {now:.0%} of capital in equities and the rest in bills"
    return f"The rule keeps all capital in {'equities' if now > 0.5 else 'bills'}"


def _freshness(data: Mapping[str, Any], day: pd.Timestamp) -> str:
    last, series = str(data.get("last") or f"{day:%Y-%m-%d}"), data.get("series")
    until = "the data end that day" if last == f"{day:%Y-%m-%d}" else f"the data end on {last}"
    if isinstance(series, Mapping):
        unfit = unfit_series(data)
        return (
            f"{until}, with {len(unfit)} of {len(series)} series missing or stale"
            if unfit
            else until
        )
    count = len(series) if isinstance(series, (list, tuple)) else series
    return f"{until} and hold {count} series" if count else until
