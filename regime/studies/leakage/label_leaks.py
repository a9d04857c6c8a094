"""Features and series that explain more of the label than could be known on the day.

A small model of price and volatility first explains what can be known, out of sample. A column that
then removes much of the remaining log loss is made from the label, or from what the label is made
of: peaks and troughs are known only later, so no causal column removes more than about a seventh.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime import kernels
from regime.arrays import Floats
from regime.models.baselines import rule_of_thumb_scores
from regime.schema import REGIMES, Labels
from regime.studies.leakage.findings import Finding

__all__ = ["label_findings", "point_in_time_scores"]

FLAGS = tuple(name for name in REGIMES if name != "calm")
MAX_SHARE = 0.2  # of the log loss that the point-in-time scores leave
MIN_ROWS = 400  # with a label, below which nothing is tested
MIN_EVENTS = 40  # rows of a regime, below which it is not tested
MAX_ROWS = 5000  # of a longer history every second, third, ... session is taken
BLOCKS = 20
FOLDS = 5
BINS = 20
PRIOR = 3.0  # rows that shrink the offset of a bin to zero
DEPTHS = (1.5, 2.0, 3.0)  # of the falls whose state is known on the day, monthly volatilities


def point_in_time_scores(close: pd.Series, returns: pd.Series, vix: pd.Series) -> pd.DataFrame:
    """Rule-of-thumb scores of the market, and the state of falls of three depths, on the day.

    Parameters
    ----------
    close, returns, vix : Series, shape (n_sessions,)

    Returns
    -------
    DataFrame, shape (n_sessions, n_columns)
        NaN where history is too short.

    **Known at:** row t uses rows up to t.
    """
    table = rule_of_thumb_scores(close, returns, vix)
    logs = np.log(close.to_numpy(dtype=float))
    daily = kernels.ewm_std(np.diff(logs, prepend=np.nan), 252.0, 60)
    for depth in DEPTHS:
        state = kernels.fall_state(logs, daily * np.sqrt(21), depth, 0.5)
        for column in range(state.shape[1]):
            table[f"fall_{depth}_{column}"] = state[:, column]
    return table


def label_findings(
    table: pd.DataFrame,
    labels: Labels,
    scores: pd.DataFrame,
    locations: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Columns that remove more of the label's uncertainty than can be known.

    Parameters
    ----------
    table : DataFrame, shape (n_sessions, n_columns)
        Features or series, as known at each close.
    labels : Labels, shape (n_sessions, 4)
        After the fact.
    scores : DataFrame, shape (n_sessions, n_scores)
        As from `point_in_time_scores`.
    locations : mapping of str to str, optional
        Where each column is made.

    Returns
    -------
    list of Finding
        Kind ``label use``; size: share of the log loss left by the scores that the column removes.
    """
    rows = _rows(labels)
    if len(rows) < MIN_ROWS:
        return []
    regime = labels.regime.cat.codes.to_numpy()[rows]
    blocks = np.arange(len(rows)) * BLOCKS // len(rows)
    sample = scores.iloc[rows]
    varied = sample.loc[:, sample.nunique() > BINS]
    expected = _expected(varied.to_numpy(dtype=float), regime, blocks)
    worst: dict[str, tuple[float, str]] = {}
    for flag in FLAGS:
        truth = (regime == REGIMES.index(flag)).astype(float)
        if truth.sum() < MIN_EVENTS:
            continue
        odds = expected[:, REGIMES.index(flag)]
        for name in table:
            share = _share(table[name].to_numpy(dtype=float)[rows], truth, odds, blocks)
            if share > worst.get(str(name), (MAX_SHARE, ""))[0]:
                worst[str(name)] = (share, flag)
    return [
        Finding(
            kind="label use",
            name=name,
            location=(locations or {}).get(name, "panel"),
            size=round(share, 3),
            unit="share",
            evidence=f"It removes {share:.0%} of the log loss of `{flag}` that price and "
            "volatility leave; a causal column removes at most a seventh.",
        )
        for name, (share, flag) in worst.items()
    ]


def _rows(labels: Labels) -> NDArray[np.int64]:
    """Rows with a label, every nth where there are many."""
    rows = np.flatnonzero(labels.weights[REGIMES[0]].notna().to_numpy())
    return rows[:: max(len(rows) // MAX_ROWS, 1)]


def _expected(scores: Floats, regime: NDArray[np.int8], blocks: NDArray[np.int64]) -> Floats:
    """Out-of-sample log-odds of each regime by the point-in-time scores."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    odds = np.full((len(regime), len(REGIMES)), -4.0)
    model = HistGradientBoostingClassifier(
        max_iter=30, max_leaf_nodes=7, min_samples_leaf=60, early_stopping=False, random_state=7
    )
    # Several threads of so small a fit wait for each other: ten times slower.
    with threadpool_limits(1):
        for fold in range(FOLDS):
            test = blocks % FOLDS == fold
            model.fit(scores[~test], regime[~test])
            probability = np.clip(model.predict_proba(scores[test]), 0.002, 0.998)
            odds[np.ix_(test, model.classes_)] = np.log(probability / (1 - probability))
    return odds


def _share(column: Floats, truth: Floats, odds: Floats, blocks: NDArray[np.int64]) -> float:
    """Share of the log loss that offsets by bins of the column remove, two-fold by blocks."""
    present = np.isfinite(column)
    if present.sum() < MIN_ROWS or truth[present].sum() < MIN_EVENTS:
        return 0.0
    x = column[present]
    y = truth[present]
    base = odds[present]
    block = blocks[present]
    edges = np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)))
    bins = (
        np.searchsorted(edges[1:-1], x, side="right")
        if len(edges) > 2
        else (x > edges[0]).astype(np.int64)
    )
    without = np.zeros(len(y))
    with_column = np.zeros(len(y))
    for half in (0, 1):
        test = block % 2 == half
        if test.all() or not test.any():
            return 0.0
        # Recalibrated first: a miscalibrated model must not count in favour of the column.
        slope, intercept = _fit_logistic_line(base[~test], y[~test])
        calibrated = slope * base + intercept
        offset = _fit_offsets(bins[~test], calibrated[~test], y[~test], int(bins.max()) + 1)
        without[test] = calibrated[test]
        with_column[test] = (calibrated + offset[bins])[test]
    return float(1.0 - _log_loss(with_column, y) / max(_log_loss(without, y), 1e-9))


def _fit_logistic_line(base: Floats, y: Floats) -> tuple[float, float]:
    """Slope and intercept of a logistic curve over log-odds: Newton steps with a small ridge."""
    slope = 1.0
    intercept = 0.0
    for _ in range(15):
        p = 1 / (1 + np.exp(-(slope * base + intercept)))
        w = p * (1 - p) + 1e-6
        error = y - p
        gradient = np.array([error @ base - (slope - 1.0), error.sum()])
        curvature = np.array([[w @ base**2 + 1.0, w @ base], [w @ base, w.sum() + 1e-3]])
        step = np.linalg.solve(curvature, gradient)
        slope += float(np.clip(step[0], -1, 1))
        intercept += float(np.clip(step[1], -1, 1))
    return slope, intercept


def _fit_offsets(bins: NDArray[np.int64], base: Floats, y: Floats, count: int) -> Floats:
    """Offset of the log-odds in each bin, shrunk to zero by a few rows."""
    offset = np.zeros(count)
    for _ in range(15):
        p = 1 / (1 + np.exp(-(base + offset[bins])))
        gradient = np.bincount(bins, y - p, count) - PRIOR * offset
        curvature = np.bincount(bins, p * (1 - p), count) + PRIOR
        offset = offset + np.clip(gradient / curvature, -2.0, 2.0)
    return offset


def _log_loss(odds: Floats, y: Floats) -> float:
    bounded = np.clip(odds, -9.0, 9.0)
    return float(np.mean(np.logaddexp(0.0, bounded) - y * bounded))
