"""Statistical checks of the data: whether a series contains later information."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.sources.catalogue import Catalogue
from regime.studies.leakage.findings import Finding
from regime.studies.leakage.inputs import ObservedSeries, collect_series
from regime.studies.leakage.series_fills import fill_findings
from regime.studies.leakage.series_leads import lead_findings, peer_findings

__all__ = ["forward_multiple_findings", "series_findings"]

EARNINGS = "sp500_earnings"
PRICES = ("sp500", "ndx", "nasdaq", "xlk")
FORWARD = "forward_pe"  # prefix of the names of forward multiples
MONTHS = range(3, 19)  # ahead; what was earned up to now is known within a quarter
MIN_VALUES = 18  # that overlap with later earnings
MIN_GROWTH = 0.06  # deviation of the growth to be forecast, in logs
MAX_ERROR = 0.045  # deviation of implied from later earnings, in logs
MAX_ERROR_SHARE = 0.3  # of the deviation of growth


def series_findings(
    observations: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    catalogue: Catalogue,
    *,
    thorough: bool = True,
) -> list[Finding]:
    """Series that lead the market or related series, or are filled from or scaled by the future.

    Parameters
    ----------
    observations : DataFrame
        Long table of `series, period, released, value`.
    sessions : DatetimeIndex, shape (n_sessions,)
    catalogue : Catalogue
    thorough : bool
        Whether to run the slower tests as well.

    Returns
    -------
    list of Finding
        Kinds ``lead``, ``straight line``, ``back-fill``, ``whole-sample scale``, ``forward
        multiple``.
    """
    series = collect_series(observations, sessions, catalogue)
    findings = lead_findings(series, len(sessions), thorough=thorough)
    findings += fill_findings(series, sessions)
    if thorough:
        findings += peer_findings(series, len(sessions))
    return findings + forward_multiple_findings(series)


def forward_multiple_findings(series: Mapping[str, ObservedSeries]) -> list[Finding]:
    """Forward price-earnings ratios that imply the later earnings better than any forecast could.

    Parameters
    ----------
    series : mapping of str to ObservedSeries
        Series whose name begins with ``forward_pe`` are compared with ``sp500_earnings``; where
        either is missing nothing is tested.

    Returns
    -------
    list of Finding
        Kind ``forward multiple``; size: days ahead. Consensus missed by 9 to 20 % (one deviation)
        in 2018-2024.
    """
    if EARNINGS not in series:
        return []
    reported = series[EARNINGS]
    months = reported.periods.to_period("M")
    earnings = pd.Series(np.log(reported.values), index=months)
    earnings = earnings[~earnings.index.duplicated()]
    findings = []
    for name, item in series.items():
        prices = [series[price] for price in PRICES if price in series]
        if name.startswith(FORWARD):
            by_price = (_forward_multiple(item, price, earnings) for price in prices)
            findings += [finding for finding in by_price if finding is not None][:1]
    return findings


def _forward_multiple(
    item: ObservedSeries, price: ObservedSeries, earnings: pd.Series
) -> Finding | None:
    positions = price.periods.searchsorted(item.periods, side="right") - 1
    usable = (positions >= 0) & (item.values > 0)
    implied = np.log(price.values[np.maximum(positions, 0)] / np.where(usable, item.values, 1.0))
    months = item.periods.to_period("M")
    now = earnings.reindex(months).to_numpy(dtype=float)
    for ahead in MONTHS:
        later = earnings.reindex(months + ahead).to_numpy(dtype=float)
        both = usable & np.isfinite(now) & np.isfinite(later)
        if both.sum() < MIN_VALUES:
            continue
        growth = _deviation((later - now)[both])
        error = _deviation((implied - later)[both])
        if growth >= MIN_GROWTH and error <= MAX_ERROR and error <= MAX_ERROR_SHARE * growth:
            return Finding(
                kind="forward multiple",
                name=item.name,
                location=item.location,
                size=float(ahead * 30.4),
                unit="days",
                evidence=f"Price divided by it gives the earnings of {ahead} months later within "
                f"{error:.1%}, while earnings moved by {growth:.0%} (one deviation each, "
                f"{both.sum()} values): no forecast is so accurate.",
            )
    return None


def _deviation(values: Floats) -> float:
    """Half the distance between the 16th and the 84th percentile, robust to a few outliers."""
    low, high = np.quantile(values, [0.16, 0.84])
    return float(high - low) / 2
