"""Whether one forecast is better than another, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.evaluation.scores import log_losses, scored_rows
from regime.evaluation.truth import Truth

__all__ = ["Skill", "best_baseline", "skill", "skill_interval"]


@dataclass(frozen=True, kw_only=True)
class Skill:
    """Relative gain in log loss over a rival.

    Parameters
    ----------
    against : str
        The rival.
    skill : float
        ``1 - loss / rival's loss``; above 0 is better than the rival.
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
        raise InvalidDataError(f"best_baseline: the table has no scored row beside `{model}`")
    return str(losses.astype(float).idxmin())


def skill(
    truth: Truth,
    model: pd.Series,
    baseline: pd.Series,
    *,
    against: str,
    block: int = 63,
    draws: int = 500,
    seed: int = 7,
) -> Skill:
    """Log-loss skill of one forecast over another on the same sessions.

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
            f"skill: model has {len(model)} rows, {against} {len(baseline)}; their dates differ: "
            "compare both on the same sessions"
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
    for draw in range(
        draws
    ):  # one at a time: all rows of all draws would be gigabytes on long histories
        rows = ((starts[draw][:, None] + np.arange(block)) % n).ravel()[:n]
        gains[draw] = 1 - model[rows].mean() / baseline[rows].mean()
    low, high = np.quantile(gains, [0.05, 0.95])
    return float(low), float(high)
