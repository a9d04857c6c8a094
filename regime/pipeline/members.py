"""How far apart the members of a forecast are.

One definition of a fall at a time, one seed at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from regime.labels.ensemble import EnsembleLabels
from regime.models.classifier import DeleveragingClassifier
from regime.runtime.formula import ModelParts
from regime.runtime.predict import SavedModel
from regime.schema import STRESS_CODE, Labels
from regime.splits.walk_forward import Fold, PurgedWalkForward

__all__ = ["member_range"]

Labeller = Callable[[pd.DataFrame, pd.Timestamp | None], Labels]


def member_range(
    fitted: DeleveragingClassifier,
    block: pd.DataFrame,
    features: pd.DataFrame,
    market: pd.DataFrame,
    labeller: Labeller,
    splits: PurgedWalkForward,
    fold: Fold,
) -> pd.DataFrame:
    """Least and greatest probability of a deleveraging that a member gives.

    A member is the model with a single one of its seeds, or with its logistic fitted on a single
    one of the definitions that the labels are the mean of; its trees stay those of the mean, for
    fitting them anew for each would cost as much as the run.

    Parameters
    ----------
    fitted : DeleveragingClassifier
        The model of this fold.
    block : DataFrame, shape (n_test_sessions, n_features)
    features : DataFrame, shape (n_sessions, n_features)
        Up to the block.
    market : DataFrame, shape (n_sessions, n_assets), prices
    labeller : callable
        ``labeller(market, refit) -> Labels``.
    splits : PurgedWalkForward
    fold : Fold

    Returns
    -------
    DataFrame, shape (n_test_sessions, 2)
        ``low`` and ``high``; the model itself is among the members.

    **Known at:** what the model of the fold knows.
    """
    members = [fitted.predict_proba(block)[:, STRESS_CODE]]
    members += [
        SavedModel(parts).predict_proba(block)[:, STRESS_CODE]
        for parts in _parts(fitted, features, market, labeller, splits, fold)
    ]
    table = np.column_stack(members)
    return pd.DataFrame({"low": table.min(axis=1), "high": table.max(axis=1)}, index=block.index)


def _parts(
    fitted: DeleveragingClassifier,
    features: pd.DataFrame,
    market: pd.DataFrame,
    labeller: Labeller,
    splits: PurgedWalkForward,
    fold: Fold,
) -> Iterator[ModelParts]:
    own = fitted.parts_
    if len(own.stress_boosters) > 1:
        yield from (replace(own, stress_boosters=(text,)) for text in own.stress_boosters)
    if own.linear is None or not isinstance(labeller, EnsembleLabels):
        return
    for single in labeller.labellers:
        labels = single(market, fold.refit)
        rows = splits.train_rows(fold, labels)
        weights = labels.weights.to_numpy()[rows]
        if rows.size and 0 < weights[:, STRESS_CODE].sum() < len(rows):
            yield replace(own, linear=fitted.linear_on(features.iloc[rows], weights))
