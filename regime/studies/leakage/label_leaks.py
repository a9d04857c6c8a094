"""Use of the label.

A feature or series that says more of the regime than anybody could know on the day.

What can be known is first said by a small model of price and volatility, out of its own sample. A
column that then takes most of what is left is made from the label, or from what the label is made
of: peaks and troughs are known only later, so no honest column takes more than about a seventh.
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

__all__ = ["knowable", "label_findings"]

FLAGS = tuple(name for name in REGIMES if name != "calm")
SHARE = 0.2  # of the log loss left by what is knowable
LEAST, EVENTS = 400, 40  # rows, and rows of a regime, without which nothing is said
ROWS = 5000  # of a longer history every second, third, ... session is taken
BLOCKS, FOLDS = 20, 5
BINS = 20
PRIOR = 3.0  # rows that hold the offset of a bin at nought
DEPTHS = (1.5, 2.0, 3.0)  # monthly volatilities of the falls whose state is knowable


def knowable(close: pd.Series, returns: pd.Series, vix: pd.Series) -> pd.DataFrame:
    """What the market itself says on the day: raw scores, and the state of falls of three depths.

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
    known: pd.DataFrame,
    places: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Columns that take more of the label's uncertainty than can be known.

    Parameters
    ----------
    table : DataFrame, shape (n_sessions, n_columns)
        Features or series, as known at each close.
    labels : Labels, shape (n_sessions, 4)
        After the fact.
    known : DataFrame, shape (n_sessions, n_scores)
        As from `knowable`.
    places : mapping of str to str, optional
        Where each column is made.

    Returns
    -------
    list of Finding
        Kind ``label use``; size: the share of the log loss left by what is knowable.
    """
    rows = _rows(labels)
    if len(rows) < LEAST:
        return []
    regime = labels.regime.cat.codes.to_numpy()[rows]
    blocks = np.arange(len(rows)) * BLOCKS // len(rows)
    scores = known.iloc[rows].loc[:, known.iloc[rows].nunique() > BINS]
    expected = _expected(scores.to_numpy(dtype=float), regime, blocks)
    worst: dict[str, tuple[float, str]] = {}
    for flag in FLAGS:
        truth = (regime == REGIMES.index(flag)).astype(float)
        if truth.sum() < EVENTS:
            continue
        odds = expected[:, REGIMES.index(flag)]
        for name in table:
            share = _share(table[name].to_numpy(dtype=float)[rows], truth, odds, blocks)
            if share > worst.get(str(name), (SHARE, ""))[0]:
                worst[str(name)] = (share, flag)
    return [
        Finding(
            kind="label use",
            name=name,
            place=(places or {}).get(name, "panel"),
            size=round(share, 3),
            unit="share",
            evidence=f"It takes {share:.0%} of the log loss of `{flag}` that price and "
            "volatility leave; honest columns take at most a seventh.",
        )
        for name, (share, flag) in worst.items()
    ]


def _rows(labels: Labels) -> NDArray[np.int64]:
    """Rows with a label, thinned out where there are many."""
    rows = np.flatnonzero(labels.weights[REGIMES[0]].notna().to_numpy())
    return rows[:: max(len(rows) // ROWS, 1)]


def _expected(scores: Floats, regime: NDArray[np.int8], blocks: NDArray[np.int64]) -> Floats:
    """Log-odds of each regime given what is knowable, each block by a model that has not seen it."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    odds = np.full((len(regime), len(REGIMES)), -4.0)
    model = HistGradientBoostingClassifier(
        max_iter=30, max_leaf_nodes=7, min_samples_leaf=60, early_stopping=False, random_state=7
    )
    with threadpool_limits(
        1
    ):  # several threads of so small a fit wait for each other: ten times slower
        for fold in range(FOLDS):
            held = blocks % FOLDS == fold
            share = np.clip(
                model.fit(scores[~held], regime[~held]).predict_proba(scores[held]), 0.002, 0.998
            )
            odds[np.ix_(held, model.classes_)] = np.log(share / (1 - share))
    return odds


def _share(column: Floats, truth: Floats, odds: Floats, blocks: NDArray[np.int64]) -> float:
    """Share of the log loss that offsets by bins of the column take, halves of the blocks fitted on each other."""
    has = np.isfinite(column)
    if has.sum() < LEAST or truth[has].sum() < EVENTS:
        return 0.0
    x, y, base, block = column[has], truth[has], odds[has], blocks[has]
    edges = np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)))
    bins = (
        np.searchsorted(edges[1:-1], x, side="right")
        if len(edges) > 2
        else (x > edges[0]).astype(np.int64)
    )
    alone, beside = np.zeros(len(y)), np.zeros(len(y))
    for half in (0, 1):
        held = block % 2 == half
        if held.all() or not held.any():
            return 0.0
        slope, shift = _line(base[~held], y[~held])
        straight = slope * base + shift  # the model's own miscalibration is not the column's merit
        offset = _offsets(bins[~held], straight[~held], y[~held], int(bins.max()) + 1)
        alone[held], beside[held] = straight[held], (straight + offset[bins])[held]
    return float(1.0 - _loss(beside, y) / max(_loss(alone, y), 1e-9))


def _line(base: Floats, y: Floats) -> tuple[float, float]:
    """Slope and intercept of a logistic curve over log-odds, by Newton's method with a little ridge."""
    slope, shift = 1.0, 0.0
    for _ in range(15):
        p = 1 / (1 + np.exp(-(slope * base + shift)))
        w, error = p * (1 - p) + 1e-6, y - p
        gradient = np.array([error @ base - (slope - 1.0), error.sum()])
        curvature = np.array([[w @ base**2 + 1.0, w @ base], [w @ base, w.sum() + 1e-3]])
        step = np.linalg.solve(curvature, gradient)
        slope, shift = (
            slope + float(np.clip(step[0], -1, 1)),
            shift + float(np.clip(step[1], -1, 1)),
        )
    return slope, shift


def _offsets(bins: NDArray[np.int64], base: Floats, y: Floats, count: int) -> Floats:
    """Offset of the log-odds in each bin, held at nought by a few rows."""
    offset = np.zeros(count)
    for _ in range(15):
        p = 1 / (1 + np.exp(-(base + offset[bins])))
        gradient = np.bincount(bins, y - p, count) - PRIOR * offset
        curvature = np.bincount(bins, p * (1 - p), count) + PRIOR
        offset = offset + np.clip(gradient / curvature, -2.0, 2.0)
    return offset


def _loss(odds: Floats, y: Floats) -> float:
    bounded = np.clip(odds, -9.0, 9.0)
    return float(np.mean(np.logaddexp(0.0, bounded) - y * bounded))
