"""The frames that travel between stages, each with a checker that names the first fault.

A frame is a plain pandas object with a stated shape; a checker returns it unchanged or raises
`InvalidDataError` naming column, row and date. Every date index is called ``date``, holds session
labels at midnight without a time zone, and rises strictly.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError

__all__ = [
    "MONTH",
    "QUARTER",
    "REGIMES",
    "STRESS",
    "STRESS_CODE",
    "WEEK",
    "YEAR",
    "FeatureSpec",
    "Labels",
    "Panel",
    "Regime",
    "check_dates",
    "check_exposure",
    "check_features",
    "check_observations",
    "check_probabilities",
    "check_weights",
]

# Usual spans in trading sessions.
WEEK = 5
MONTH = 21
QUARTER = 63
YEAR = 252


class Regime(StrEnum):
    """The four regimes, in the one order used everywhere (also the order of columns)."""

    CALM = "calm"
    FRAGILE = "fragile"
    DELEVERAGING = "deleveraging"
    RECOVERY = "recovery"


REGIMES: tuple[str, ...] = tuple(regime.value for regime in Regime)
# The regime that everything is about: its column, and its position among the columns.
STRESS: str = Regime.DELEVERAGING.value
STRESS_CODE = REGIMES.index(STRESS)
OBSERVATION_COLUMNS = ("series", "period", "released", "value")
Family = Literal["liquidity", "dollar", "valuation", "positioning", "cross_asset"]


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """What one feature column is, independent of any data.

    Parameters
    ----------
    name : str
        Column name, ``family_quantity_lookback``.
    family : str
        One of the five families.
    mechanism : str
        The mechanism that it reads, e.g. ``"trend followers"``.
    sign : int
        Expected sign of its effect on P(deleveraging): +1, -1, or 0 where theory is silent or the
        sign is known to flip.
    lookback : int
        Sessions of history that one value uses; 0 for an expanding one.
    inputs : tuple of str
        Catalogue names of the series that it reads.
    proxy : bool
        Whether it stands in for a quantity that cannot be had.
    """

    name: str
    family: Family
    mechanism: str
    sign: Literal[-1, 0, 1]
    lookback: int
    inputs: tuple[str, ...]
    proxy: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What was known at each decision.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series), float64
        Latest value released by the cut-off of each session. NaN where nothing was, or where the
        value is older than the series' maximum age.
    age : DataFrame, shape (n_sessions, n_series), float64
        Calendar days from the value's period to the session; NaN where nothing was released.

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=2, name="date")
    >>> vix = pd.DataFrame({"vix": [13.2, 14.0]}, index=days)
    >>> Panel(values=vix, age=vix * 0.0).values.columns.tolist()
    ['vix']
    """

    values: pd.DataFrame
    age: pd.DataFrame

    def __post_init__(self) -> None:
        check_dates(self.values.index, "Panel")
        if not (
            self.values.index.equals(self.age.index)
            and self.values.columns.equals(self.age.columns)
        ):
            raise InvalidDataError("Panel: `values` and `age` must have the same dates and series")


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Regimes after the fact, with the day from which each is known.

    Parameters
    ----------
    weights : DataFrame, shape (n_sessions, 4), float64
        Soft membership in `REGIMES` order; rows sum to 1. A row is NaN where the regime is unknown:
        unknown is missing, never calm.
    span_end : Series, shape (n_sessions,), datetime64
        Last session whose data the label rests on; NaT where unknown.
    known_at : Series, shape (n_sessions,), datetime64
        First session at whose close the label can be computed; NaT where unknown.

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=2, name="date")
    >>> rows = [[0.7, 0.3, 0.0, 0.0], [np.nan] * 4]
    >>> weights = pd.DataFrame(rows, index=days, columns=list(REGIMES))
    >>> known = pd.Series([days[1], pd.NaT], index=days)
    >>> labels = Labels(weights=weights, span_end=known, known_at=known)
    >>> labels.regime.iloc[0], labels.known_by(days[0]).tolist(), labels.known_by(days[1]).tolist()
    ('calm', [False, False], [True, False])
    """

    weights: pd.DataFrame
    span_end: pd.Series
    known_at: pd.Series

    def __post_init__(self) -> None:
        check_probabilities(self.weights, "Labels", missing=True)
        for column in (self.span_end, self.known_at):
            if not column.index.equals(self.weights.index):
                raise InvalidDataError(
                    "Labels: `weights`, `span_end` and `known_at` must share one index"
                )
        unknown = self.weights[REGIMES[0]].isna().to_numpy()
        if (self.known_at.isna().to_numpy() != unknown).any():
            raise InvalidDataError(
                "Labels: `known_at` must be missing exactly where the regime is unknown"
            )

    @property
    def regime(self) -> pd.Series:
        """Regime of largest weight, shape (n_sessions,), ordered categorical.

        Missing where unknown.
        """
        known = self.weights[REGIMES[0]].notna().to_numpy()
        codes = np.where(known, self.weights.fillna(0.0).to_numpy().argmax(axis=1), -1)
        values = pd.Categorical.from_codes(codes, categories=list(REGIMES), ordered=True)
        return pd.Series(values, index=self.weights.index, name="regime")

    def known_by(self, date: pd.Timestamp) -> pd.Series:
        """Boolean mask of the rows whose label could be computed by the close of `date`."""
        return (self.known_at <= date).fillna(False)


def check_dates(index: pd.Index, name: str) -> pd.DatetimeIndex:
    """Return `index` if it is a rising, unique, naive DatetimeIndex of midnights called ``date``.

    Raises
    ------
    InvalidDataError
        Naming the first date that breaks the rule.
    """
    if not isinstance(index, pd.DatetimeIndex):
        raise InvalidDataError(
            f"{name}: the index must be a DatetimeIndex, got {type(index).__name__}"
        )
    if index.tz is not None:
        raise InvalidDataError(
            f"{name}: the index carries time zone {index.tz}; drop it with tz_localize(None)"
        )
    if index.hasnans:
        raise InvalidDataError(f"{name}: the index holds a missing date")
    if not index.is_monotonic_increasing or not index.is_unique:
        first = int(np.flatnonzero(np.diff(index.asi8) <= 0)[0]) + 1
        raise InvalidDataError(
            f"{name}: dates must rise strictly; row {first} is {index[first]:%Y-%m-%d} "
            f"after {index[first - 1]:%Y-%m-%d}: sort and drop duplicates"
        )
    odd = np.flatnonzero(index != index.normalize())
    if odd.size:
        raise InvalidDataError(
            f"{name}: row {odd[0]} has a time of day ({index[odd[0]]}); use session dates"
        )
    return index


def check_observations(frame: pd.DataFrame, name: str = "Observations") -> pd.DataFrame:
    """Return a long table of `series, period, released, value` if it keeps its rules.

    `period` is naive, `released` is UTC, `value` is finite; no series repeats a period.

    Raises
    ------
    InvalidDataError
        Naming the first series and period that break the rule.
    """
    missing = [column for column in OBSERVATION_COLUMNS if column not in frame]
    if missing:
        raise InvalidDataError(f"{name}: column `{missing[0]}` is missing")
    if str(getattr(frame["released"].dtype, "tz", None)) != "UTC":
        raise InvalidDataError(f"{name}: `released` must be in UTC, got {frame['released'].dtype}")
    bad = ~np.isfinite(frame["value"].to_numpy(dtype=float))
    _refuse_row(frame, bad, name, "value is not finite; leave the row out")
    _refuse_row(
        frame, frame.duplicated(["series", "period"]).to_numpy(), name, "series repeats a period"
    )
    return frame


def _refuse_row(frame: pd.DataFrame, bad: np.ndarray, name: str, rule: str) -> None:
    if bad.any():
        row = frame.iloc[int(np.flatnonzero(bad)[0])]
        raise InvalidDataError(f"{name}: {row['series']} {row['period']:%Y-%m-%d}: {rule}")


def check_features(
    frame: pd.DataFrame, specs: tuple[FeatureSpec, ...], name: str = "Features"
) -> pd.DataFrame:
    """Return a date x feature table if its columns are those of `specs`, float64, finite or NaN."""
    check_dates(frame.index, name)
    expected = [spec.name for spec in specs]
    if list(frame.columns) != expected:
        odd = sorted(set(frame.columns).symmetric_difference(expected)) or ["(order)"]
        raise InvalidDataError(
            f"{name}: columns differ from their specs: {', '.join(map(str, odd[:5]))}"
        )
    for column in frame:
        if frame[column].dtype != np.float64:
            raise InvalidDataError(
                f"{name}: column `{column}` is {frame[column].dtype}, must be float64"
            )
        infinite = np.isinf(frame[column].to_numpy())
        if infinite.any():
            first = frame.index[int(np.flatnonzero(infinite)[0])]
            raise InvalidDataError(f"{name}: column `{column}` is infinite on {first:%Y-%m-%d}")
    return frame


def check_probabilities(
    frame: pd.DataFrame, name: str = "Probabilities", *, missing: bool = False
) -> pd.DataFrame:
    """Return a date x regime table if rows lie in [0, 1] and sum to 1 within 1e-9.

    Parameters
    ----------
    frame : DataFrame, shape (n_sessions, 4)
    name : str
        How messages call it.
    missing : bool
        Whether whole rows may be NaN.
    """
    check_dates(frame.index, name)
    if tuple(frame.columns) != REGIMES:
        got = ", ".join(map(str, frame.columns))
        raise InvalidDataError(f"{name}: columns must be {', '.join(REGIMES)}, got {got}")
    values = frame.to_numpy(dtype=float)
    absent = np.isnan(values)
    bad = ~(
        (absent.all(axis=1) & missing)
        | (
            (values >= 0).all(axis=1)
            & (values <= 1).all(axis=1)
            & (np.abs(values.sum(axis=1) - 1) < 1e-9)
        )
    )
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InvalidDataError(
            f"{name}: {frame.index[row]:%Y-%m-%d}: {values[row].tolist()} "
            "are not probabilities that sum to 1"
        )
    return frame


def check_exposure(exposure: pd.Series, name: str = "Exposure") -> pd.Series:
    """Return a date-indexed fraction of capital if every value lies in [0, 1]."""
    check_dates(exposure.index, name)
    values = exposure.to_numpy(dtype=float)
    bad = ~((values >= 0) & (values <= 1))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InvalidDataError(
            f"{name}: {exposure.index[row]:%Y-%m-%d}: {values[row]} lies outside [0, 1]"
        )
    return exposure


def check_weights(weights: pd.DataFrame, name: str = "Weights") -> pd.DataFrame:
    """Return a date x asset table of fractions of capital.

    Each lies in [0, 1]; a row sums to at most 1 within 1e-9.
    """
    check_dates(weights.index, name)
    if not weights.columns.is_unique or not len(weights.columns):
        raise InvalidDataError(f"{name}: columns must name one or more assets, each once")
    for asset in weights:
        check_exposure(weights[asset], f"{name}, `{asset}`")
    total = weights.to_numpy(dtype=float).sum(axis=1)
    if (total > 1 + 1e-9).any():
        row = int(np.flatnonzero(total > 1 + 1e-9)[0])
        raise InvalidDataError(
            f"{name}: {weights.index[row]:%Y-%m-%d}: weights sum to {total[row]}, must be at most 1"
        )
    return weights
