"""Series that move before the market does: no genuine series forecasts a liquid close well.

A series whose changes correlate with the *next* returns of assets that trade until the close was
dated too early, smoothed or estimated with later data, or made from the future. Genuine series do
so with correlations below 0.13 over decades of days; the bounds here leave room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.studies.leakage.findings import Finding
from regime.studies.leakage.inputs import ObservedSeries

__all__ = ["lead_findings", "peer_findings"]

ANCHOR = "sp500"
TARGETS = ("sp500", "tlt", "ief", "gld", "eem", "hyg", "uup", "fxy", "uso", "efa")
PERTURBED_SESSIONS = (1, 2, 3, 5, 10, 21)  # sessions of future returns
BACK = (1, 5, 21)  # periods over which a daily series changes
MIN_CORRELATION = 0.15  # a lead must exceed this
MIN_DEVIATIONS = 7.0  # and lie as many standard errors from zero
MARGIN = 0.10  # over the correlation of a target with its own past and with that of the market
MAX_REVISION = 0.35  # correlation that revisions of a series declared revised can explain
SHIFTS = (1, 2, 3, 4, 5)  # sessions by which peers are compared
RELATED = 0.35  # correlation from which two series are peers
PREFERENCE = 0.20  # by which the correlation of a leading series is higher when shifted
MAJORITY = 0.6  # of the peers that must follow
MIN_SESSIONS = 250  # common to two peers
MIN_CHANGES = 60  # of a series, to be tested for a lead


@dataclass(frozen=True, kw_only=True)
class _Lead:
    correlation: float
    deviations: float
    target: str
    ahead: int
    count: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Market:
    """Targets, their future returns by sessions ahead, and the correlation each must exceed."""

    targets: tuple[str, ...]
    futures: Mapping[int, Floats]
    required: Mapping[int, Floats]


def lead_findings(
    series: Mapping[str, ObservedSeries], n_sessions: int, *, thorough: bool = True
) -> list[Finding]:
    """Series whose changes correlate with the returns that follow them.

    Parameters
    ----------
    series : mapping of str to ObservedSeries
        Without ``sp500`` nothing is tested.
    n_sessions : int
    thorough : bool
        Whether to test changes over more than one period as well.

    Returns
    -------
    list of Finding
        Kind ``lead``; size: sessions ahead at which the lead is most significant. A warning where
        the catalogue declares the series revised and the correlation is below 0.35.
    """
    if ANCHOR not in series:
        return []
    targets = [
        name for name in TARGETS if name in series and len(series[name].values) > MIN_SESSIONS
    ]
    market = _market(series, targets, n_sessions)
    findings = []
    for item in series.values():
        best = _best_lead(item, market, n_sessions, thorough)
        if best is not None and best.deviations >= MIN_DEVIATIONS:
            declared = item.revised and abs(best.correlation) < MAX_REVISION
            findings.append(
                Finding(
                    kind="lead",
                    name=item.name,
                    location=item.location,
                    size=float(best.ahead),
                    unit="sessions",
                    severity="warning" if declared else "leak",
                    evidence=f"Its changes have a correlation of {best.correlation:.2f} with the "
                    f"return of {best.target} over the {best.ahead} sessions after it, "
                    f"{best.deviations:.0f} standard errors from zero ({best.count} values).",
                )
            )
    return findings


def peer_findings(series: Mapping[str, ObservedSeries], n_sessions: int) -> list[Finding]:
    """Daily series that most related series follow: dated some sessions too early.

    Parameters
    ----------
    series : mapping of str to ObservedSeries
    n_sessions : int

    Returns
    -------
    list of Finding
        Kind ``lead``; size: sessions. Related series that most others lead are late themselves and
        do not count.
    """
    names = [
        name for name, item in series.items() if item.daily and len(item.values) > MIN_SESSIONS
    ]
    if len(names) < 3:
        return []
    table = np.column_stack(
        [
            _on_sessions(_changes(series[name], 1), series[name].period_positions, n_sessions)
            for name in names
        ]
    )
    same, _ = _correlations(table, table)
    shifted = np.zeros_like(same)
    best = np.zeros(same.shape, dtype=np.int64)
    for shift in SHIFTS:
        value, count = _correlations(table[:-shift], table[shift:])
        better = (np.abs(value) > np.abs(shifted)) & (count >= MIN_SESSIONS)
        shifted = np.where(better, value, shifted)
        best = np.where(better, shift, best)
    related = np.maximum(np.abs(same), np.abs(shifted)) >= RELATED
    np.fill_diagonal(related, False)
    leads = related & (np.abs(shifted) - np.abs(same) >= PREFERENCE)
    late = leads.sum(axis=0) >= MAJORITY * np.maximum(related.sum(axis=0), 1)
    findings = []
    for row, name in enumerate(names):
        peers = related[row] & ~late
        followers = leads[row] & peers
        if peers.sum() < 2 or followers.sum() < MAJORITY * peers.sum():
            continue
        closest = int(np.argmax(np.where(followers, np.abs(shifted[row]), 0.0)))
        findings.append(
            Finding(
                kind="lead",
                name=name,
                location=series[name].location,
                size=float(best[row, closest]),
                unit="sessions",
                evidence=f"{followers.sum()} of {peers.sum()} related series follow it; "
                f"{names[closest]} with a correlation of {shifted[row, closest]:.2f}, against "
                f"{same[row, closest]:.2f} on the same day.",
            )
        )
    return findings


def _market(series: Mapping[str, ObservedSeries], targets: list[str], n_sessions: int) -> _Market:
    returns = np.column_stack(
        [
            _on_sessions(_changes(series[name], 1), series[name].period_positions, n_sessions)
            for name in targets
        ]
    )
    futures = {ahead: _future(returns, ahead) for ahead in PERTURBED_SESSIONS}
    required = {}
    for ahead, future in futures.items():
        explained = np.zeros(len(targets))
        for back in BACK:
            for column, name in enumerate(targets):
                past = _on_sessions(
                    _changes(series[name], back), series[name].period_positions, n_sessions
                )
                value = np.abs(_correlations(past[:, None], future)[0][0])
                # The past of the anchor counts for every target, that of another for itself alone.
                if name != ANCHOR:
                    value = np.where(np.arange(len(targets)) == column, value, 0.0)
                explained = np.maximum(explained, value)
        required[ahead] = np.maximum(MIN_CORRELATION, explained + MARGIN)
    return _Market(targets=tuple(targets), futures=futures, required=required)


def _best_lead(
    item: ObservedSeries, market: _Market, n_sessions: int, thorough: bool
) -> _Lead | None:
    """The most significant lead among those that are large enough."""
    other = np.asarray([target != item.name for target in market.targets])
    timings = [item.period_positions]
    if not np.array_equal(item.period_positions, item.release_positions):
        timings.append(item.release_positions)
    best: _Lead | None = None
    for back in BACK if thorough and item.daily else BACK[:1]:
        changes = _changes(item, back)
        for timing in timings:
            usable = np.isfinite(changes) & (timing < n_sessions)
            if usable.sum() < MIN_CHANGES:
                continue
            positions = timing[usable]
            sample = changes[usable]
            for ahead, future in market.futures.items():
                value, count = _correlations(sample[:, None], future[positions])
                overlap = max(ahead, back if item.daily else 1)
                independent = (positions[-1] - positions[0] + 1) / overlap
                large = other & (np.abs(value[0]) >= market.required[ahead])
                deviations = np.where(
                    large, np.abs(value[0]) * np.sqrt(np.minimum(count[0], independent)), 0.0
                )
                target = int(np.argmax(deviations))
                if deviations[target] > (best.deviations if best else 0.0):
                    best = _Lead(
                        correlation=float(value[0, target]),
                        deviations=float(deviations[target]),
                        ahead=ahead,
                        target=market.targets[target],
                        count=int(count[0, target]),
                    )
    return best


def _changes(item: ObservedSeries, back: int) -> Floats:
    """Changes over `back` periods in units of their earlier deviation, clipped at four."""
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


def _on_sessions(values: Floats, positions: Integers, n_sessions: int) -> Floats:
    """Values by session: the last of several, NaN where there is none."""
    result = np.full(n_sessions, np.nan)
    inside = positions < n_sessions
    result[positions[inside]] = values[inside]
    return result


def _future(returns: Floats, ahead: int) -> Floats:
    """Sum of the next `ahead` returns over the root of `ahead`; NaN where one is missing."""
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
    """Correlation of each column of `a` with each of `b` over common rows, and their count."""
    has_a = np.isfinite(a).astype(float)
    has_b = np.isfinite(b).astype(float)
    a0 = np.where(has_a > 0, a, 0.0)
    b0 = np.where(has_b > 0, b, 0.0)
    count = np.maximum(has_a.T @ has_b, 1.0)
    mean_a = a0.T @ has_b / count
    mean_b = has_a.T @ b0 / count
    covariance = a0.T @ b0 / count - mean_a * mean_b
    variances = ((a0**2).T @ has_b / count - mean_a**2) * (has_a.T @ b0**2 / count - mean_b**2)
    return covariance / np.sqrt(np.maximum(variances, 1e-12)), count
