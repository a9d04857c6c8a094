"""Series that move before the market does: nothing honest forecasts a liquid close well.

A series whose changes go with the *next* returns of assets that trade until the close was dated too
early, smoothed or estimated with later data, or made from the future. Honest series do so with
correlations below 0.13 on decades of days; the bounds here leave room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.studies.leakage.findings import Finding
from regime.studies.leakage.inputs import Observed

__all__ = ["lead_findings", "peer_findings"]

ANCHOR = "sp500"
TARGETS = ("sp500", "tlt", "ief", "gld", "eem", "hyg", "uup", "fxy", "uso", "efa")
AHEAD = (1, 2, 3, 5, 10, 21)  # sessions of future returns
BACK = (1, 5, 21)  # periods over which a daily series changes
CORRELATION, DEVIATIONS = 0.15, 7.0  # both must be passed
MARGIN = 0.10  # over what the past of the market and of the target itself says of it
ESTIMATED = (
    0.35  # of a series that the catalogue calls revised, a lead beyond this is more than revision
)
SHIFTS = (1, 2, 3, 4, 5)
RELATED, PREFERS, MAJORITY = 0.35, 0.20, 0.6
LEAST = 250  # common sessions of two peers


@dataclass(frozen=True, kw_only=True)
class _Lead:
    correlation: float
    deviations: float
    target: str
    ahead: int
    count: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Market:
    """Targets, their future returns by sessions ahead, and the least correlation that counts for each."""

    targets: tuple[str, ...]
    futures: Mapping[int, Floats]
    least: Mapping[int, Floats]


def lead_findings(
    series: Mapping[str, Observed], n_sessions: int, *, thorough: bool = True
) -> list[Finding]:
    """Series whose changes go with the returns that follow them.

    Parameters
    ----------
    series : mapping of str to Observed
        Must hold ``sp500``; without it nothing can be said.
    n_sessions : int
    thorough : bool
        Whether to look at changes over more than one period as well.

    Returns
    -------
    list of Finding
        Kind ``lead``; size: sessions ahead that the series knows best. A warning where the
        catalogue calls the series revised and the correlation is below 0.35.
    """
    if ANCHOR not in series:
        return []
    targets = [name for name in TARGETS if name in series and len(series[name].values) > LEAST]
    market = _market(series, targets, n_sessions)
    found = []
    for item in series.values():
        best = _best_lead(item, market, n_sessions, thorough)
        if best is not None and best.deviations >= DEVIATIONS:
            mild = item.revised and abs(best.correlation) < ESTIMATED
            found.append(
                Finding(
                    kind="lead",
                    name=item.name,
                    place=item.place,
                    size=float(best.ahead),
                    unit="sessions",
                    severity="warning" if mild else "leak",
                    evidence=f"Its changes have a correlation of {best.correlation:.2f} with the "
                    f"return of {best.target} over the {best.ahead} sessions after it, "
                    f"{best.deviations:.0f} deviations from none ({best.count} values).",
                )
            )
    return found


def peer_findings(series: Mapping[str, Observed], n_sessions: int) -> list[Finding]:
    """Daily series that most of their relatives follow: dated some sessions too early.

    Parameters
    ----------
    series : mapping of str to Observed
    n_sessions : int

    Returns
    -------
    list of Finding
        Kind ``lead``; size: sessions. Relatives that nearly all others lead are late themselves and
        do not count.
    """
    names = [name for name, item in series.items() if item.daily and len(item.values) > LEAST]
    if len(names) < 3:
        return []
    table = np.column_stack(
        [_on_sessions(_changes(series[name], 1), series[name].dated, n_sessions) for name in names]
    )
    same, _ = _correlations(table, table)
    shifted, best = np.zeros_like(same), np.zeros(same.shape, dtype=np.int64)
    for shift in SHIFTS:
        value, count = _correlations(table[:-shift], table[shift:])
        better = (np.abs(value) > np.abs(shifted)) & (count >= LEAST)
        shifted, best = np.where(better, value, shifted), np.where(better, shift, best)
    related = np.maximum(np.abs(same), np.abs(shifted)) >= RELATED
    np.fill_diagonal(related, False)
    leads = related & (np.abs(shifted) - np.abs(same) >= PREFERS)
    late = leads.sum(axis=0) >= MAJORITY * np.maximum(related.sum(axis=0), 1)
    found = []
    for place, name in enumerate(names):
        others = related[place] & ~late
        if others.sum() >= 2 and (leads[place] & others).sum() >= MAJORITY * others.sum():
            whom = int(np.argmax(np.where(leads[place] & others, np.abs(shifted[place]), 0.0)))
            found.append(
                Finding(
                    kind="lead",
                    name=name,
                    place=series[name].place,
                    size=float(best[place, whom]),
                    unit="sessions",
                    evidence=f"{(leads[place] & others).sum()} of {others.sum()} related series follow it; "
                    f"{names[whom]} with a correlation of {shifted[place, whom]:.2f}, {same[place, whom]:.2f} "
                    "on the day.",
                )
            )
    return found


def _market(series: Mapping[str, Observed], targets: list[str], n_sessions: int) -> _Market:
    returns = np.column_stack(
        [
            _on_sessions(_changes(series[name], 1), series[name].dated, n_sessions)
            for name in targets
        ]
    )
    futures = {ahead: _future(returns, ahead) for ahead in AHEAD}
    least = {}
    for ahead, future in futures.items():
        said = np.zeros(len(targets))
        for back in BACK:
            for place, name in enumerate(targets):
                past = _on_sessions(_changes(series[name], back), series[name].dated, n_sessions)
                value = np.abs(_correlations(past[:, None], future)[0][0])
                if (
                    name != ANCHOR
                ):  # the anchor may speak for every target, another target for itself alone
                    value = np.where(np.arange(len(targets)) == place, value, 0.0)
                said = np.maximum(said, value)
        least[ahead] = np.maximum(CORRELATION, said + MARGIN)
    return _Market(targets=tuple(targets), futures=futures, least=least)


def _best_lead(item: Observed, market: _Market, n_sessions: int, thorough: bool) -> _Lead | None:
    """The lead that is furthest from chance among those that are large enough."""
    own = np.asarray([target != item.name for target in market.targets])
    anchors = [item.dated] if np.array_equal(item.dated, item.known) else [item.dated, item.known]
    best: _Lead | None = None
    for back in BACK if thorough and item.daily else BACK[:1]:
        changes = _changes(item, back)
        for anchor in anchors:
            usable = np.isfinite(changes) & (anchor < n_sessions)
            if usable.sum() < 60:
                continue
            place, size = anchor[usable], changes[usable]
            for ahead, future in market.futures.items():
                value, count = _correlations(size[:, None], future[place])
                span = (place[-1] - place[0] + 1) / max(ahead, back if item.daily else 1)
                large = own & (np.abs(value[0]) >= market.least[ahead])
                deviations = np.where(
                    large, np.abs(value[0]) * np.sqrt(np.minimum(count[0], span)), 0.0
                )
                which = int(np.argmax(deviations))
                if deviations[which] > (best.deviations if best else 0.0):
                    best = _Lead(
                        correlation=float(value[0, which]),
                        deviations=float(deviations[which]),
                        ahead=ahead,
                        target=market.targets[which],
                        count=int(count[0, which]),
                    )
    return best


def _changes(item: Observed, back: int) -> Floats:
    """Changes over `back` periods in units of their own earlier size, within four of them."""
    x = item.scaled
    moves = np.full(len(x), np.nan)
    moves[back:] = x[back:] - x[:-back]
    halflife = 63 if item.daily else 26
    size = np.sqrt(
        pd.Series(moves**2).ewm(halflife=halflife, min_periods=min(20, max(len(x) // 4, 2))).mean()
    )
    earlier = size.shift(back).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.clip(np.where(earlier > 0, moves / earlier, np.nan), -4.0, 4.0))


def _on_sessions(values: Floats, place: Integers, n_sessions: int) -> Floats:
    """Values at their sessions; the last of several, NaN where there is none."""
    result = np.full(n_sessions, np.nan)
    inside = place < n_sessions
    result[place[inside]] = values[inside]
    return result


def _future(returns: Floats, ahead: int) -> Floats:
    """Sum of the next `ahead` returns over its root, shape of `returns`.

    NaN where one is missing.
    """
    known = np.isfinite(returns)
    total = np.vstack(
        [np.zeros((1, returns.shape[1])), np.cumsum(np.where(known, returns, 0.0), axis=0)]
    )
    count = np.vstack([np.zeros((1, returns.shape[1])), np.cumsum(known, axis=0)])
    result = np.full(returns.shape, np.nan)
    last = len(returns) - ahead
    complete = count[1 + ahead :] - count[1 : last + 1] == ahead
    result[:last] = np.where(
        complete, (total[1 + ahead :] - total[1 : last + 1]) / np.sqrt(ahead), np.nan
    )
    return result


def _correlations(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Correlation of each column of `a` with each of `b` over their common rows, and how many these are."""
    has_a, has_b = np.isfinite(a).astype(float), np.isfinite(b).astype(float)
    a0, b0 = np.where(has_a > 0, a, 0.0), np.where(has_b > 0, b, 0.0)
    count = np.maximum(has_a.T @ has_b, 1.0)
    mean_a, mean_b = a0.T @ has_b / count, has_a.T @ b0 / count
    covariance = a0.T @ b0 / count - mean_a * mean_b
    spread = ((a0**2).T @ has_b / count - mean_a**2) * (has_a.T @ b0**2 / count - mean_b**2)
    return covariance / np.sqrt(np.maximum(spread, 1e-12)), count
