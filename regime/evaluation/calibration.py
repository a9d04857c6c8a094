"""Whether probabilities mean what they say.

How often a stated probability comes true, and how often a set of regimes holds the true one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.evaluation.scores import scored_rows
from regime.evaluation.truth import Truth
from regime.schema import REGIMES

__all__ = [
    "BrierParts",
    "binned_brier_parts",
    "brier_parts",
    "coverage_table",
    "reliability_table",
]


@dataclass(frozen=True, kw_only=True)
class BrierParts:
    """Murphy's parts of a Brier score.

    ``brier = reliability - resolution + uncertainty`` over distinct forecasts.

    Parameters
    ----------
    reliability : float
        Mean squared distance of a forecast from the share of stress after it; 0 is best.
    resolution : float
        Mean squared distance of that share from the base rate; more is better.
    uncertainty : float
        Variance of the truth.

    Examples
    --------
    >>> round(BrierParts(reliability=0.0, resolution=0.0656, uncertainty=0.2176).brier, 4)
    0.152
    """

    reliability: float
    resolution: float
    uncertainty: float

    @property
    def brier(self) -> float:
        """The score that the parts add up to."""
        return self.reliability - self.resolution + self.uncertainty


def reliability_table(
    truth: Truth, forecasts: Mapping[str, pd.Series | pd.DataFrame], bins: int = 10
) -> pd.DataFrame:
    """Mean forecast against observed share, in equal bins of the forecast.

    Parameters
    ----------
    truth : Truth
    forecasts : mapping of str to Series or DataFrame, shape (n_sessions,) or (n_sessions, 4)
        Probability of a deleveraging, or of all regimes.
    bins : int
        Of equal width over [0, 1]; those without a session are left out.

    Returns
    -------
    DataFrame, one row a forecaster and bin
        ``forecaster``, ``forecast`` (mean), ``observed`` (share of deleveraging), ``sessions``
        (count).

    Raises
    ------
    InvalidDataError
        If there is no bin, or as `evaluation.scores`.
    """
    if bins < 1:
        raise InvalidDataError(f"reliability: needs at least one bin, got {bins}")
    parts = []
    for name, forecast in forecasts.items():
        stress, probability = scored_rows(truth, forecast, name)
        bin_number = np.minimum((probability * bins).astype(int), bins - 1)
        table = pd.DataFrame({"forecast": probability, "observed": stress}).groupby(bin_number)
        rows = table.mean().assign(sessions=table.size()).reset_index(drop=True)
        rows.insert(0, "forecaster", name)
        parts.append(rows)
    columns = ["forecaster", "forecast", "observed", "sessions"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def brier_parts(stress: np.ndarray, probability: np.ndarray) -> BrierParts:
    """Parts of the Brier score of forecasts that take few values; round a continuous one first.

    Parameters
    ----------
    stress : ndarray, shape (n_sessions,)
        0 or 1.
    probability : ndarray, shape (n_sessions,)
        In [0, 1].

    Notes
    -----
    **Source:** Murphy (1973), "A New Vector Partition of the Probability Score".

    Examples
    --------
    >>> stress = np.repeat([1, 0, 1, 0, 1, 0], [1, 9, 3, 7, 4, 1])
    >>> parts = brier_parts(stress, np.repeat([0.1, 0.3, 0.8], [10, 10, 5]))
    >>> round(parts.resolution, 4), round(parts.uncertainty, 4), round(parts.brier, 4)
    (0.0656, 0.2176, 0.152)
    """
    values, positions = np.unique(probability, return_inverse=True)
    count = np.bincount(positions)
    share = np.bincount(positions, weights=stress) / count
    rate = float(np.mean(stress))
    n = len(stress)
    return BrierParts(
        reliability=float((count * (values - share) ** 2).sum() / n),
        resolution=float((count * (share - rate) ** 2).sum() / n),
        uncertainty=rate * (1 - rate),
    )


def binned_brier_parts(stress: np.ndarray, probability: np.ndarray, bins: int = 20) -> BrierParts:
    """Parts of the Brier score of continuous forecasts, each taken as the mean of its bin.

    Parameters
    ----------
    stress, probability : ndarray, shape (n_sessions,)
        As for `brier_parts`.
    bins : int
        Of equal width over [0, 1].

    Examples
    --------
    >>> parts = binned_brier_parts(np.array([0, 0, 1, 1]), np.array([0.11, 0.13, 0.86, 0.88]))
    >>> round(parts.reliability, 4), parts.resolution
    (0.0157, 0.25)
    """
    bin_number = np.minimum((probability * bins).astype(int), bins - 1)
    count = np.maximum(np.bincount(bin_number, minlength=bins), 1)
    return brier_parts(
        stress, (np.bincount(bin_number, weights=probability, minlength=bins) / count)[bin_number]
    )


def coverage_table(sets: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Realised coverage over all sessions, by calendar year and by true regime.

    The target holds over all sessions together: single years and regimes may lie far below it.

    Parameters
    ----------
    sets : DataFrame, shape (n_sessions, 4 or more)
        Whether each regime is in the set, in columns of `REGIMES`.
    truth : Truth
        With its regimes; sessions whose regime is unknown are left out.

    Returns
    -------
    DataFrame, index ``all``, the years, then the true regimes
        ``sessions`` (count), ``covered`` (share whose regime was in the set), ``regimes`` (mean
        number in a set), ``single`` (share of sets of one regime), ``empty`` (share of sets of
        none). NaN shares without a session.

    Raises
    ------
    InvalidDataError
        If the truth has no regimes, or lacks a session of the sets.
    """
    if truth.regime is None:
        raise InvalidDataError("coverage: the truth has no regimes; make it from labels")
    if not sets.index.isin(truth.regime.index).all():
        raise InvalidDataError(
            "coverage: the truth lacks a session of the sets; make both over one index"
        )
    regime = truth.regime.reindex(sets.index)
    rows = regime.notna().to_numpy()
    inside = sets.loc[rows, list(REGIMES)].to_numpy(dtype=bool)
    codes = regime.cat.codes.to_numpy()[rows]
    size = inside.sum(axis=1)
    table = pd.DataFrame(
        {
            "sessions": 1.0,
            "covered": inside[np.arange(len(codes)), codes].astype(float),
            "regimes": size.astype(float),
            "single": (size == 1).astype(float),
            "empty": (size == 0).astype(float),
        },
        index=sets.index[rows],
    )
    years = [(str(year), table[table.index.year == year]) for year in sorted(set(table.index.year))]
    by_regime = [
        (name, table[codes == code]) for code, name in enumerate(REGIMES) if (codes == code).any()
    ]
    parts = {
        name: part.mean().to_frame(name).T.assign(sessions=len(part))
        for name, part in (("all", table), *years, *by_regime)
    }
    return pd.concat(list(parts.values()))
