"""A forecast as a sum over mechanisms: at a session, and what has changed since earlier ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from regime.errors import RegimeError
from regime.runtime.predict import SavedModel
from regime.schema import STRESS_CODE, FeatureSpec
from regime.workflows.reasons import contributions

__all__ = ["CHANGES", "checked_contributions", "mechanism_table", "raw_scores"]

# Sessions back by the name of the column: yesterday, a week and a month ago.
CHANGES = {"since_1": 1, "since_5": 5, "since_21": 21}
ROOM = 1e-6  # log-odds


def raw_scores(model: SavedModel, features: pd.DataFrame) -> pd.Series:
    """Log-odds of a deleveraging, from the probabilities that the model gives.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)

    Returns
    -------
    Series, shape (n_sessions,), log-odds
    """
    probabilities = model.predict_proba(features[list(model.features)])
    rest = np.delete(probabilities, STRESS_CODE, axis=1).sum(
        axis=1
    )  # 1 - p would lose the digits of a small rest
    return pd.Series(
        np.log(probabilities[:, STRESS_CODE]) - np.log(rest), index=features.index, name="log_odds"
    )


def checked_contributions(model: SavedModel, features: pd.DataFrame) -> pd.DataFrame:
    """What each feature adds to the log-odds of a deleveraging, after a check that it adds up.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)

    Returns
    -------
    DataFrame, shape (n_sessions, n_model_features + 1), log-odds
        The last column, ``base``, is what the model says where nothing is known.

    Raises
    ------
    RegimeError
        If a row's sum is further than 1e-6 from the raw score: what is told would not be what was
        scored.
    """
    parts, score = contributions(model, features), raw_scores(model, features)
    far = ~((parts.sum(axis=1) - score).abs() <= ROOM).to_numpy()
    if far.any():
        row = int(far.argmax())
        raise RegimeError(
            f"explain: the contributions of {features.index[row]:%Y-%m-%d} sum to "
            f"{parts.iloc[row].sum():.9g}, the raw score is {score.iloc[row]:.9g} (at most "
            f"{ROOM:g} "
            "apart): this model has a part that contributions leave out; do not use the explanation"
        )
    return parts


def mechanism_table(
    model: SavedModel, features: pd.DataFrame, specs: Sequence[FeatureSpec]
) -> pd.DataFrame:
    """Contributions of the last session by mechanism, the strongest first, and how they have changed.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)
        The last row is explained.
    specs : sequence of FeatureSpec

    Returns
    -------
    DataFrame, one row a mechanism, log-odds
        ``now``; ``since_1``, ``since_5``, ``since_21``: now less so many sessions before, by the
        same model, so that only features move; NaN where there is no such session.
    """
    of = {spec.name: spec.mechanism for spec in specs}
    parts = checked_contributions(model, features.iloc[-1 - max(CHANGES.values()) :]).drop(
        columns="base"
    )
    totals = parts.T.groupby(parts.columns.map(of)).sum().T
    table = pd.DataFrame(
        {"now": totals.iloc[-1], **{name: _change(totals, back) for name, back in CHANGES.items()}}
    )
    return table.loc[
        table["now"].abs().sort_values(ascending=False, kind="stable").index
    ].rename_axis("mechanism")


def _change(totals: pd.DataFrame, back: int) -> pd.Series:
    return totals.iloc[-1] - totals.shift(back).iloc[-1]
