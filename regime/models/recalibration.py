"""A model's own forecasts calibrated at each refit, on its earlier out-of-sample forecasts alone.

The rows that a model was trained on cannot calibrate it. Forecasts of earlier blocks can: each came
from a model fitted before it, on labels that ended before it, and is used once its own label is
known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.models.calibration_curves import (
    IsotonicCurve,
    PlattCurve,
    VennAbers,
    fit_isotonic,
    fit_platt,
    fit_venn_abers,
)
from regime.schema import REGIMES, STRESS, STRESS_CODE, Labels
from regime.splits.walk_forward import Fold

__all__ = ["METHODS", "Method", "Recalibration", "log_odds", "with_stress"]

Method: TypeAlias = Literal["none", "platt", "isotonic", "venn_abers"]
CLIP = 1e-6


Curve: TypeAlias = PlattCurve | IsotonicCurve | VennAbers

METHODS: Mapping[str, Callable[[np.ndarray, np.ndarray], Curve]] = {
    "platt": fit_platt,
    "isotonic": fit_isotonic,
    "venn_abers": fit_venn_abers,
}


@dataclass(frozen=True, kw_only=True)
class Recalibration:
    """Calibrate P(deleveraging) at each refit on earlier forecasts.

    The other regimes keep their shares of the rest. Classes are not reweighted: stress is as
    frequent among the rows as in history.

    Parameters
    ----------
    method : {"none", "platt", "isotonic", "venn_abers"}
    minimum_rows : int
        With fewer earlier forecasts of known label a block is not calibrated.
    minimum_stress : float
        The same with less weight of deleveraging, or of the rest, among them; in sessions.
    window : int
        Sessions before the refit that are looked at; 0 for all.
    embargo : int
        Sessions before a block that never calibrate it, at least 1.

    Examples
    --------
    >>> Recalibration(method="platt").minimum_rows
    1000
    """

    method: Method = "none"
    minimum_rows: int = 1000
    minimum_stress: float = 100.0
    window: int = 0
    embargo: int = 21

    def __post_init__(self) -> None:
        if self.method not in ("none", *METHODS):
            raise ConfigError(
                f"method: must be one of none, {', '.join(METHODS)}, got `{self.method}`"
            )
        for name, least in (
            ("minimum_rows", 1),
            ("minimum_stress", 0),
            ("window", 0),
            ("embargo", 1),
        ):
            if not getattr(self, name) >= least:
                raise ConfigError(f"{name}: must be at least {least}, got {getattr(self, name)}")

    def __call__(
        self,
        probabilities: pd.DataFrame,
        labels: Labels | Callable[[pd.Timestamp], Labels],
        folds: Iterable[Fold],
    ) -> pd.DataFrame:
        """Calibrated probabilities of the same sessions.

        Parameters
        ----------
        probabilities : DataFrame, shape (n_sessions, 4)
            Out of sample, on all sessions that the folds count; NaN rows before the first block.
        labels : Labels, shape (n_sessions, 4), or a function from a refit date to Labels
            The function is for labels that are fitted again at each refit.
        folds : iterable of Fold
            Blocks to calibrate; others stay as they are.

        Returns
        -------
        DataFrame, shape (n_sessions, 4)
            NaN where `probabilities` are.

        Raises
        ------
        InvalidDataError
            If the labels' sessions do not begin with those up to each refit.

        **Known at:** a block uses forecasts and labels known at its refit, and each session's own
        forecast.
        """
        stress = probabilities[STRESS].to_numpy(dtype=float, copy=True)
        score = log_odds(stress)
        for fold in folds:
            known = labels(fold.refit) if callable(labels) else labels
            curve = self._fitted(fold, probabilities.index, score, known)
            if curve is not None:
                stress[fold.test] = curve.predict(score[fold.test])
        return with_stress(probabilities, stress)

    def rows(self, fold: Fold, index: pd.Index, score: np.ndarray, labels: Labels) -> np.ndarray:
        """Positions of the forecasts that may calibrate a fold, rising.

        Parameters
        ----------
        fold : Fold
        index : Index, shape (n_sessions,)
        score : ndarray, shape (n_sessions,)
            Of the forecasts; NaN where there is none.
        labels : Labels
            Over `index`, or its sessions up to the refit.

        Returns
        -------
        ndarray of int, shape (n_rows,)
        """
        begin = int(fold.test[0])
        if not labels.weights.index[:begin].equals(index[:begin]):
            raise InvalidDataError(
                f"recalibration: labels and forecasts differ in their sessions up to "
                f"{fold.refit:%Y-%m-%d}; reindex the forecasts to all sessions of the labels"
            )
        usable = (labels.known_by(fold.refit) & (labels.span_end <= fold.refit)).to_numpy()[:begin]
        position = np.arange(begin)
        first = begin - self.window if self.window else 0
        inside = (position < begin - self.embargo) & (position >= first)
        return np.flatnonzero(usable & inside & np.isfinite(score[:begin]))

    def _fitted(
        self, fold: Fold, index: pd.Index, score: np.ndarray, labels: Labels
    ) -> Curve | None:
        if self.method == "none":
            return None
        rows = self.rows(fold, index, score, labels)
        truth = labels.weights[STRESS].to_numpy(dtype=float)[rows]
        if (
            len(rows) < self.minimum_rows
            or min(truth.sum(), (1.0 - truth).sum()) < self.minimum_stress
        ):
            return None
        return METHODS[self.method](score[rows], truth)


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities, shape (n,), finite: they are held within 1e-6 of 0 and 1.

    NaN where they are.
    """
    p = np.clip(np.asarray(probability, dtype=float), CLIP, 1.0 - CLIP)
    return np.asarray(np.log(p) - np.log1p(-p))


def with_stress(probabilities: pd.DataFrame, stress: np.ndarray) -> pd.DataFrame:
    """Rows with another P(deleveraging), the rest shared out in their old proportions.

    Parameters
    ----------
    probabilities : DataFrame, shape (n_sessions, 4)
    stress : ndarray, shape (n_sessions,)
        In [0, 1].

    Returns
    -------
    DataFrame, shape (n_sessions, 4)
        Equal thirds where nothing was left to the rest before; NaN where either is.
    """
    values = probabilities[list(REGIMES)].to_numpy(dtype=float, copy=True)
    others = [column for column in range(len(REGIMES)) if column != STRESS_CODE]
    old = values[:, others[0]] + values[:, others[1]] + values[:, others[2]]
    changed = stress != values[:, STRESS_CODE]  # rows that were not calibrated keep their bits
    for column in others:
        share = np.where(
            old > 0, values[:, column] / np.where(old > 0, old, 1.0), 1.0 / len(others)
        )
        values[:, column] = np.where(changed, (1.0 - stress) * share, values[:, column])
    values[:, STRESS_CODE] = stress
    return pd.DataFrame(values, index=probabilities.index, columns=list(REGIMES))
