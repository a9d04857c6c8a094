"""Proper and ranking scores of a probability of stress, and the skill of one forecast over another.

All are means over sessions. Rows whose truth is unknown are left out by every table here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.evaluation.truth import Truth
from regime.schema import REGIMES, check_probabilities

__all__ = [
    "ForecastBlock",
    "Skill",
    "average_precision",
    "best_baseline",
    "brier_score",
    "fold_scores",
    "log_losses",
    "measure_skill",
    "multiclass_log_loss",
    "ranking_scores",
    "roc_auc",
    "score_table",
    "scored_rows",
    "skill_interval",
]

CLIP = 1e-4
MISSING_LIMIT = 0.005


class ForecastBlock(Protocol):
    """Part of a fold that scoring needs."""

    @property
    def test(self) -> np.ndarray:
        """Positions of the forecast sessions in the truth's index."""


def log_losses(stress: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Binary log loss of each row in nats, shape (n,).

    Probabilities are clipped to [1e-4, 1 - 1e-4].
    """
    p = np.clip(probability, CLIP, 1 - CLIP)
    return np.asarray(-(stress * np.log(p) + (1 - stress) * np.log1p(-p)))


def brier_score(stress: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared error of the probability, in [0, 1]."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(stress, probability, pos_label=1))


def multiclass_log_loss(regime: pd.Series, probabilities: pd.DataFrame) -> float:
    """Mean log loss of the true regime, in nats.

    Parameters
    ----------
    regime : Series, shape (n,)
        Ordered categorical; missing rows are left out.
    probabilities : DataFrame, shape (n, 4)
        `REGIMES` order; clipped from below at 1e-4.

    Returns
    -------
    float
        NaN if no regime is known.
    """
    check_probabilities(probabilities)
    codes = regime.cat.set_categories(list(REGIMES)).cat.codes.to_numpy()
    rows = np.flatnonzero(codes >= 0)
    chosen = probabilities.to_numpy(dtype=float)[rows, codes[rows]]
    return float(np.mean(-np.log(np.maximum(chosen, CLIP)))) if len(rows) else float("nan")


def average_precision(stress: np.ndarray, score: np.ndarray) -> float:
    """Precision averaged over recall, from the highest score down; equal scores are one step.

    Parameters
    ----------
    stress : ndarray, shape (n,)
        0 or 1.
    score : ndarray, shape (n,)
        Any unit, finite.

    Returns
    -------
    float
        In (0, 1]; its chance level is the base rate. NaN without a positive.
    """
    from sklearn.metrics import average_precision_score

    if not np.any(stress):
        return float("nan")
    return float(average_precision_score(stress, score))


def roc_auc(stress: np.ndarray, score: np.ndarray) -> float:
    """Probability that a stress session scores above a calm one, ties counting half.

    NaN with one class only.
    """
    from sklearn.metrics import roc_auc_score

    if np.ptp(stress) == 0:
        return float("nan")
    return float(roc_auc_score(stress, score))


def score_table(
    truth: Truth, probabilities: Mapping[str, pd.Series | pd.DataFrame]
) -> pd.DataFrame:
    """Scores of several forecasts of the same sessions.

    Parameters
    ----------
    truth : Truth
        Rows unknown are left out.
    probabilities : mapping of name to Series or DataFrame
        Probability of stress, or of all regimes; all on one index within the truth's. A missing
        value counts as the base rate.

    Returns
    -------
    DataFrame, one row a forecast
        `log_loss`, `brier`, `average_precision`, `auc`, `multi_log_loss` (NaN unless all regimes
        are forecast and known), `base_rate`, `days`. Ranking scores are NaN with one class only,
        all are without a row.

    Raises
    ------
    InvalidDataError
        If a date has no truth row, more than 0.5 % are missing or a value lies outside [0, 1].
    """
    return pd.DataFrame(
        {name: _scores(truth, forecast, name) for name, forecast in probabilities.items()}
    ).T


def ranking_scores(truth: Truth, scores: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Average precision and AUC of raw scores of any unit, and the base rate.

    Parameters
    ----------
    truth : Truth
    scores : mapping of name to Series
        Higher is more stress; a missing one takes the median of that score.

    Returns
    -------
    DataFrame, one row a score
        `average_precision`, `auc`, `base_rate`. NaN with one class only.
    """
    rows = {}
    for name, score in scores.items():
        stress, values = _aligned(truth, score.fillna(score.median()), name)
        rows[name] = {
            "average_precision": average_precision(stress, values),
            "auc": roc_auc(stress, values),
            "base_rate": float(stress.mean()),
        }
    return pd.DataFrame(rows).T


def fold_scores(
    truth: Truth,
    probabilities: Mapping[str, pd.Series | pd.DataFrame],
    folds: Iterable[ForecastBlock],
) -> pd.DataFrame:
    """Scores of each test block.

    Parameters
    ----------
    truth : Truth
    probabilities : mapping of name to Series or DataFrame
        On the truth's index; NaN outside the test blocks.
    folds : iterable
        Anything with `test`, positions in the truth's index.

    Returns
    -------
    DataFrame
        Index `fold`, `first`, `model`; columns of `score_table`. A block without a known row is
        left out.
    """
    tables = []
    for number, fold in enumerate(folds):
        dates = truth.stress.index[fold.test]
        if truth.stress.loc[dates].notna().any():
            table = score_table(
                truth, {name: forecast.loc[dates] for name, forecast in probabilities.items()}
            )
            tables.append(
                table.rename_axis("model").reset_index().assign(fold=number, first=dates[0])
            )
    if not tables:
        raise InvalidDataError(
            "fold_scores: no test block has a known truth; end the folds earlier"
        )
    return pd.concat(tables).set_index(["fold", "first", "model"])


def scored_rows(
    truth: Truth, forecast: pd.Series | pd.DataFrame, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Truth and probability of stress of the sessions that count.

    Parameters
    ----------
    truth : Truth
    forecast : Series or DataFrame
        As in `score_table`.
    name : str
        Its name in messages.

    Returns
    -------
    tuple of ndarray, each shape (n_known,)
        0 or 1, and a probability; no NaN.

    Raises
    ------
    InvalidDataError
        As `score_table`.
    """
    return _aligned(truth, _filled(truth, forecast, name), name)


def _scores(truth: Truth, forecast: pd.Series | pd.DataFrame, name: str) -> dict[str, float]:
    stress, p = scored_rows(truth, forecast, name)
    if len(stress) == 0:
        return dict.fromkeys(
            ("log_loss", "brier", "average_precision", "auc", "multi_log_loss", "base_rate"),
            float("nan"),
        ) | {"days": 0.0}
    return {
        "log_loss": float(log_losses(stress, p).mean()),
        "brier": brier_score(stress, p),
        "average_precision": average_precision(stress, p),
        "auc": roc_auc(stress, p),
        "multi_log_loss": _multi(truth, forecast),
        "base_rate": float(stress.mean()),
        "days": float(len(stress)),
    }


def _multi(truth: Truth, forecast: pd.Series | pd.DataFrame) -> float:
    if truth.regime is None or isinstance(forecast, pd.Series):
        return float("nan")
    whole = forecast.dropna()
    return multiclass_log_loss(truth.regime.loc[whole.index], whole)


def _filled(truth: Truth, forecast: pd.Series | pd.DataFrame, name: str) -> pd.Series:
    """Probability of stress; the few missing ones count as the base rate."""
    p = forecast["deleveraging"] if isinstance(forecast, pd.DataFrame) else forecast
    missing = float(p.isna().mean()) if len(p) else 0.0
    if missing > MISSING_LIMIT:
        raise InvalidDataError(
            f"{name}: {missing:.1%} of {len(p)} probabilities are missing, at most "
            f"{MISSING_LIMIT:.1%} may be; score only the sessions that it forecasts"
        )
    odd = ~(p.between(0, 1) | p.isna()).to_numpy()
    if odd.any():
        first = p.index[int(np.flatnonzero(odd)[0])]
        raise InvalidDataError(f"{name}: {first:%Y-%m-%d}: {p[first]} lies outside [0, 1]")
    return p.fillna(truth.stress.reindex(p.index).mean())


def _aligned(truth: Truth, values: pd.Series, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Truth and values of the rows whose truth is known."""
    unknown = values.index.difference(truth.stress.index)
    if len(unknown):
        raise InvalidDataError(
            f"{name}: {unknown[0]:%Y-%m-%d} is not a session of the truth; reindex to its dates"
        )
    stress = truth.stress.loc[values.index].to_numpy(dtype=float)
    rows = ~np.isnan(stress)
    return stress[rows], values.to_numpy(dtype=float)[rows]


@dataclass(frozen=True, kw_only=True)
class Skill:
    """Relative gain in log loss over a baseline.

    Parameters
    ----------
    against : str
        Name of the baseline.
    skill : float
        ``1 - loss / baseline's loss``; above 0 is better than the baseline.
    interval : tuple of float
        5 % and 95 % of its block bootstrap.
    """

    against: str
    skill: float
    interval: tuple[float, float]


def best_baseline(table: pd.DataFrame, model: str = "model") -> str:
    """Name of the forecast other than `model` with the lowest log loss; the earlier row wins a tie.

    Raises
    ------
    InvalidDataError
        If there is none with a log loss.
    """
    losses = table["log_loss"].drop(model, errors="ignore").dropna()
    if losses.empty:
        raise InvalidDataError(f"best_baseline: the table has no scored row except `{model}`")
    return str(losses.astype(float).idxmin())


def measure_skill(
    truth: Truth,
    model: pd.Series,
    baseline: pd.Series,
    *,
    against: str,
    block: int = 63,
    draws: int = 500,
    seed: int = 7,
) -> Skill:
    """Measure the log-loss skill of one forecast over another on the same sessions.

    Parameters
    ----------
    truth : Truth
    model, baseline : Series, shape (n_sessions,)
        Probabilities of stress on one index.
    against : str
        The baseline's name.
    block, draws, seed : int
        As in `skill_interval`.
    """
    if not model.index.equals(baseline.index):
        raise InvalidDataError(
            f"skill: model has {len(model)} rows, {against} {len(baseline)}; their dates "
            "differ: compare both on the same sessions"
        )
    ours = log_losses(*scored_rows(truth, model, "model"))
    theirs = log_losses(*scored_rows(truth, baseline, against))
    return Skill(
        against=against,
        skill=float(1 - ours.mean() / theirs.mean()),
        interval=skill_interval(ours, theirs, block=block, draws=draws, seed=seed),
    )


def skill_interval(
    model: np.ndarray, baseline: np.ndarray, *, block: int = 63, draws: int = 500, seed: int = 7
) -> tuple[float, float]:
    """Interval of the skill from 5 % to 95 %, by the circular block bootstrap.

    Parameters
    ----------
    model, baseline : ndarray, shape (n,)
        Losses of the same rows; each draw takes the same rows of both.
    block : int
        Rows a block.
    draws, seed : int

    Returns
    -------
    tuple of float

    Notes
    -----
    **Source:** Politis and Romano (1992), "A circular block-resampling procedure for stationary
    data".
    """
    if len(model) != len(baseline) or len(model) == 0:
        raise InvalidDataError(
            f"skill_interval: needs losses of the same rows, got {len(model)} and {len(baseline)}"
        )
    n = len(model)
    starts = np.random.default_rng(seed).integers(0, n, (draws, -(-n // block)))
    gains = np.empty(draws)
    # One draw at a time: the rows of all draws would take gigabytes on long histories.
    for draw in range(draws):
        rows = ((starts[draw][:, None] + np.arange(block)) % n).ravel()[:n]
        gains[draw] = 1 - model[rows].mean() / baseline[rows].mean()
    low, high = np.quantile(gains, [0.05, 0.95])
    return float(low), float(high)
