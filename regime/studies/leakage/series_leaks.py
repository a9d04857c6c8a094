"""What each series knows that it cannot: statistical checks of the data themselves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.sources.catalogue import Catalogue
from regime.studies.leakage.findings import Finding
from regime.studies.leakage.inputs import Observed, observed
from regime.studies.leakage.series_fills import fill_findings
from regime.studies.leakage.series_leads import lead_findings, peer_findings

__all__ = ["foresight_findings", "series_findings"]


def series_findings(
    observations: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    catalogue: Catalogue,
    *,
    thorough: bool = True,
) -> list[Finding]:
    """Series that lead the market or their relatives, are filled from the future, or scaled by it.

    Parameters
    ----------
    observations : DataFrame
        Long table of `series, period, released, value`.
    sessions : DatetimeIndex, shape (n_sessions,)
    catalogue : Catalogue
    thorough : bool
        Whether to take the slower tests as well.

    Returns
    -------
    list of Finding
        Kinds ``lead``, ``straight line``, ``back-fill``, ``whole-sample scale``, ``foresight``.
    """
    series = observed(observations, sessions, catalogue)
    found = lead_findings(series, len(sessions), thorough=thorough) + fill_findings(
        series, sessions
    )
    if thorough:
        found += peer_findings(series, len(sessions))
    return found + foresight_findings(series)


EARNINGS, PRICES, FORWARD = "sp500_earnings", ("sp500", "ndx", "nasdaq", "xlk"), "forward_pe"
MONTHS = range(3, 19)  # ahead; what was earned up to now is known within a quarter
LEAST = 18  # values that overlap with later earnings
GROWTH = 0.06  # deviation of the growth that there was to be known, in logs
ERROR, RATIO = (
    0.045,
    0.3,
)  # deviation of implied from later earnings, and its share of that of growth


def foresight_findings(series: Mapping[str, Observed]) -> list[Finding]:
    """Forward P/E series that knew later earnings.

    Parameters
    ----------
    series : mapping of str to Observed
        Series whose name begins with ``forward_pe`` are held against ``sp500_earnings``; where
        either is missing nothing can be said.

    Returns
    -------
    list of Finding
        Kind ``foresight``; size: days ahead. Consensus missed by 9 to 20 % (one deviation) in
        2018-2024.
    """
    if EARNINGS not in series:
        return []
    earned = series[EARNINGS]
    months = earned.periods.to_period("M")
    later = pd.Series(np.log(earned.values), index=months)[lambda x: ~x.index.duplicated()]
    found = [
        _foresight(item, series[price], later)
        for name, item in series.items()
        if name.startswith(FORWARD)
        for price in PRICES
        if price in series
    ]
    best: dict[str, Finding] = {}
    for finding in found:
        if finding is not None:
            best.setdefault(finding.name, finding)
    return list(best.values())


def _foresight(item: Observed, price: Observed, later: pd.Series) -> Finding | None:
    place = price.periods.searchsorted(item.periods, side="right") - 1
    usable = (place >= 0) & (item.values > 0)
    implied = np.log(price.values[np.maximum(place, 0)] / np.where(usable, item.values, 1.0))
    months = item.periods.to_period("M")
    now = later.reindex(months).to_numpy(dtype=float)
    for ahead in MONTHS:
        then = later.reindex(months + ahead).to_numpy(dtype=float)
        both = usable & np.isfinite(now) & np.isfinite(then)
        if both.sum() < LEAST:
            continue
        growth, error = _deviation((then - now)[both]), _deviation((implied - then)[both])
        if growth >= GROWTH and error <= ERROR and error <= RATIO * growth:
            return Finding(
                kind="foresight",
                name=item.name,
                place=item.place,
                size=float(ahead * 30.4),
                unit="days",
                evidence=f"Price over it gives what was earned {ahead} months later within {error:.1%}, while earnings "
                f"moved by {growth:.0%} (one deviation each, {both.sum()} values): no forecast is "
                "so good.",
            )
    return None


def _deviation(values: NDArray[np.float64]) -> float:
    """Half the distance between the 16th and the 84th percentile.

    A few odd values must not hide the rest.
    """
    low, high = np.quantile(values, [0.16, 0.84])
    return float(high - low) / 2
