"""Which trial of a study to keep.

The simplest that luck cannot tell from the best, and the plateau around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError

__all__ = [
    "FOLDS",
    "SECONDS",
    "TrialChoice",
    "choose",
    "deviation",
    "plateau",
    "robust_mean",
    "standard_error",
    "state_of",
    "trial_table",
]

FOLDS, SECONDS = "folds", "seconds"  # what a trial's own notes are called


@dataclass(frozen=True, kw_only=True)
class TrialChoice:
    """The outcome of a study.

    Parameters
    ----------
    best, chosen : int
        Numbers of the trial of the highest value and of the one to keep.
    threshold : float
        The best trial's value less one standard error of its mean over folds.
    within : tuple of int
        Numbers of all complete trials that reach it, the chosen one among them.
    """

    best: int
    chosen: int
    threshold: float
    within: tuple[int, ...]


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of a trial's folds, with n - 1; 0 for a single one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def standard_error(values: Sequence[float]) -> float:
    """Standard error of the mean over a trial's folds."""
    return deviation(values) / float(np.sqrt(len(values)))


def robust_mean(values: Sequence[float], deviations: float) -> float:
    """Mean over folds less so many standard deviations: good in one decade alone is not good.

    Examples
    --------
    >>> robust_mean([0.1, 0.3], 0.5) < robust_mean([0.2, 0.2], 0.5)
    True
    """
    return float(np.mean(values)) - deviations * deviation(values)


def choose(trials: pd.DataFrame, simplicity: Callable[[int], tuple[float, ...]]) -> TrialChoice:
    """Simplest complete trial within one standard error of the best.

    Parameters
    ----------
    trials : DataFrame, one row a trial
        Index its number; columns ``state``, ``value`` and ``standard_error``.
    simplicity : callable
        From the number of a trial to a key; the lowest is the simplest. Of equals the better one is
        chosen, of equally good ones the earlier.

    Raises
    ------
    InvalidDataError
        If no trial is complete.

    Notes
    -----
    **Source:** Breiman, Friedman, Olshen and Stone (1984), "Classification and Regression Trees",
    3.4.3.
    """
    complete = trials[trials["state"] == "complete"].sort_index()
    if complete.empty:
        raise InvalidDataError(
            "the study has no complete trial to choose from; ask for more of them"
        )
    best = int(complete["value"].idxmax())
    threshold = float(complete.loc[best, "value"] - complete.loc[best, "standard_error"])
    within = complete.index[complete["value"] >= threshold]
    chosen = min(
        within,
        key=lambda number: (*simplicity(int(number)), -complete.loc[number, "value"], number),
    )
    return TrialChoice(
        best=best, chosen=int(chosen), threshold=threshold, within=tuple(map(int, within))
    )


def plateau(params: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """How wide the plateau is in each parameter.

    Parameters
    ----------
    params : sequence of dict
        Of the trials within one standard error of the best.

    Returns
    -------
    dict of str to dict
        For numbers ``low``, ``median`` and ``high``; for all else how many trials have each value.
        A parameter that some trials do not have is told of the others.
    """
    names = sorted({name for own in params for name in own})
    return {name: _spread([own[name] for own in params if name in own]) for name in names}


def _spread(values: list[Any]) -> dict[str, Any]:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return {"low": min(values), "median": float(np.median(values)), "high": max(values)}
    told = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    return {name: told.count(name) for name in sorted(set(told))}


def trial_table(trials: Iterable[Any]) -> pd.DataFrame:
    """Table of trials and what they noted.

    Parameters
    ----------
    trials : iterable
        As optuna freezes them.

    Returns
    -------
    DataFrame, one row a trial
        Index ``number``; ``state`` (complete, pruned, failed, running, waiting), ``value``, then
        ``mean``, ``deviation`` and ``standard_error`` over its ``folds``, and ``seconds``. NaN
        where a trial has none.
    """
    rows = {trial.number: _row(trial) for trial in trials}
    names = ("state", "value", "mean", "deviation", "standard_error", "folds", "seconds")
    return (
        pd.DataFrame.from_dict(rows, orient="index", columns=list(names))
        .rename_axis("number")
        .sort_index()
    )


def state_of(trial: Any) -> str:
    """State of a frozen trial in one lower-case word."""
    name = str(trial.state.name).lower()
    return "failed" if name == "fail" else name


def _row(trial: Any) -> tuple[Any, ...]:
    folds = trial.user_attrs.get(FOLDS) or []
    figures = (
        (float(np.mean(folds)), deviation(folds), standard_error(folds)) if folds else (np.nan,) * 3
    )
    value = trial.value if trial.value is not None else np.nan
    return (
        state_of(trial),
        float(value),
        *figures,
        len(folds),
        float(trial.user_attrs.get(SECONDS, np.nan)),
    )
