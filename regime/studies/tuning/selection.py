"""Which trial of a study to keep: the simplest within one standard error of the best."""

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
    "choose_trial",
    "fold_deviation",
    "parameter_plateau",
    "robust_mean",
    "standard_error",
    "trial_state",
    "trial_table",
]

# User attributes of a trial in its storage; a study that was begun with them reads them for ever.
FOLDS = "folds"
SECONDS = "seconds"


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


def fold_deviation(values: Sequence[float]) -> float:
    """Standard deviation of a trial's folds, with n - 1; 0 for a single one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def standard_error(values: Sequence[float]) -> float:
    """Standard error of the mean over a trial's folds."""
    return fold_deviation(values) / float(np.sqrt(len(values)))


def robust_mean(values: Sequence[float], deviations: float) -> float:
    """Mean over folds less so many standard deviations: one good decade is not enough.

    Examples
    --------
    >>> robust_mean([0.1, 0.3], 0.5) < robust_mean([0.2, 0.2], 0.5)
    True
    """
    return float(np.mean(values)) - deviations * fold_deviation(values)


def choose_trial(
    trials: pd.DataFrame, simplicity: Callable[[int], tuple[float, ...]]
) -> TrialChoice:
    """Simplest complete trial within one standard error of the best.

    Parameters
    ----------
    trials : DataFrame, one row a trial
        Index its number; columns ``state``, ``value`` and ``standard_error``.
    simplicity : callable
        From the number of a trial to a key; the lowest is the simplest. Of equally simple trials
        the better is chosen, of equally good ones the earlier.

    Returns
    -------
    TrialChoice

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
            "the study has no complete trial to choose from; ask for more trials"
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


def parameter_plateau(params: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """How wide the plateau of good trials is in each parameter.

    Parameters
    ----------
    params : sequence of dict
        Of the trials within one standard error of the best.

    Returns
    -------
    dict of str to dict
        For numbers ``low``, ``median`` and ``high``; for all else how many trials have each value.
        Trials without a parameter do not count for it.
    """
    names = sorted({name for trial in params for name in trial})
    return {name: _summarise([trial[name] for trial in params if name in trial]) for name in names}


def _summarise(values: list[Any]) -> dict[str, Any]:
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return {"low": min(values), "median": float(np.median(values)), "high": max(values)}
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    return {text: texts.count(text) for text in sorted(set(texts))}


def trial_table(trials: Iterable[Any]) -> pd.DataFrame:
    """Table of trials and what was recorded of each.

    Parameters
    ----------
    trials : iterable
        Frozen trials of optuna.

    Returns
    -------
    DataFrame, one row a trial
        Index ``number``; ``state`` (complete, pruned, failed, running, waiting), ``value``, then
        ``mean``, ``deviation`` and ``standard_error`` over its ``folds``, and ``seconds``. NaN
        where a trial has none.
    """
    rows = {trial.number: _trial_row(trial) for trial in trials}
    names = ("state", "value", "mean", "deviation", "standard_error", "folds", "seconds")
    return (
        pd.DataFrame.from_dict(rows, orient="index", columns=list(names))
        .rename_axis("number")
        .sort_index()
    )


def trial_state(trial: Any) -> str:
    """State of a frozen trial in one lower-case word."""
    name = str(trial.state.name).lower()
    return "failed" if name == "fail" else name


def _trial_row(trial: Any) -> tuple[Any, ...]:
    folds = trial.user_attrs.get(FOLDS) or []
    mean = float(np.mean(folds)) if folds else np.nan
    deviation = fold_deviation(folds) if folds else np.nan
    error = standard_error(folds) if folds else np.nan
    value = float(trial.value) if trial.value is not None else np.nan
    seconds = float(trial.user_attrs.get(SECONDS, np.nan))
    return trial_state(trial), value, mean, deviation, error, len(folds), seconds
