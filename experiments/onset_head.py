"""Parked: a second head for whether a fall begins within the next sessions, walked forward."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.models.calibration_curves import known_rows
from regime.models.classifier import DeleveragingClassifier
from regime.schema import REGIMES, STRESS_CODE, Labels
from regime.splits.walk_forward import Fold

__all__ = ["ONSET", "walk_onset"]

ONSET = "onset_21d"


def walk_onset(
    model: DeleveragingClassifier,
    X: pd.DataFrame,
    onset: Labels,
    folds: Iterable[Fold],
    *,
    embargo: int = 21,
    minimum_train: int = 1000,
) -> pd.Series:
    """Probability that a deleveraging begins within the horizon, each block from its own refit.

    Parameters
    ----------
    model : DeleveragingClassifier
        Cloned and fitted for each fold; a challenger will do.
    X : DataFrame, shape (n_sessions, n_features)
    onset : Labels, shape (n_sessions, 4)
        As from `OnsetLabels`, whose known rows never change; on the sessions of `X`.
    folds : iterable of Fold
    embargo : int
        Sessions before a block that never train it.
    minimum_train : int
        A block with fewer training rows, or with one class only, is left out.

    Returns
    -------
    Series, shape (n_sessions,)
        Called ``onset_21d``, in [0, 1]; NaN outside the blocks that could be trained.

    Raises
    ------
    InvalidDataError
        If the sessions of `onset` and `X` differ, or a column of the model is missing.

    Notes
    -----
    **Known at:** each fold trains on rows whose onset was known by its refit, which is a horizon
    and more after them; a forecast uses its own row.
    """
    from sklearn.base import clone

    columns = list(model.columns)
    result = np.full(len(X), np.nan)
    missing = [name for name in columns if name not in X]
    if missing:
        raise InvalidDataError(
            f"the model's column `{missing[0]}` is missing ({len(missing)} in all)"
        )
    weights = onset.weights.to_numpy()
    share = onset.weights[REGIMES[STRESS_CODE]]
    for fold in folds:
        usable = known_rows(share, onset.known_at, fold.refit, X)
        rows = np.flatnonzero(usable[: max(int(fold.test[0]) - embargo, 0)])
        if len(rows) >= minimum_train and 0 < weights[rows, STRESS_CODE].sum() < len(rows):
            fitted = clone(model).fit(X[columns].iloc[rows], weights[rows])
            result[fold.test] = fitted.predict_proba(X[columns].iloc[fold.test])[:, STRESS_CODE]
    return pd.Series(result, index=X.index, name=ONSET)
