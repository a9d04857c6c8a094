"""Why a model gives its probability: contributions of features, by mechanism and by family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from regime.errors import RegimeError
from regime.formatting import sentence_case
from regime.runtime.predict import SavedModel
from regime.schema import MONTH, STRESS_CODE, WEEK, FeatureSpec

__all__ = [
    "CHANGES",
    "checked_contributions",
    "family_shares",
    "feature_contributions",
    "mechanism_contributions",
    "model_log_odds",
    "reason_table",
    "sampled_contributions",
]

# Sessions back by the name of the column: yesterday, a week and a month ago.
CHANGES = {"since_1": 1, "since_5": WEEK, "since_21": MONTH}
# Sessions, evenly spread, over which importance is averaged: Shapley values of all would be slow.
SAMPLE = 250
TOLERANCE = 1e-6  # log-odds


def feature_contributions(model: SavedModel, features: pd.DataFrame) -> pd.DataFrame:
    """Contribution of each feature to the log-odds of a deleveraging.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)

    Returns
    -------
    DataFrame, shape (n_sessions, n_model_features + 1), log-odds
        The last column, ``base``, is the log-odds where nothing is known; rows sum to the log-odds.

    **Known at:** each row uses that row of the features alone.
    """
    names = list(model.features)
    return pd.DataFrame(
        model.contributions(features[names]), index=features.index, columns=[*names, "base"]
    )


def model_log_odds(model: SavedModel, features: pd.DataFrame) -> pd.Series:
    """Log-odds of a deleveraging, from the model's probabilities.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)

    Returns
    -------
    Series, shape (n_sessions,), log-odds

    **Known at:** each row uses that row of the features alone.
    """
    probabilities = model.predict_proba(features[list(model.features)])
    # 1 - p would lose the digits of a small rest.
    rest = np.delete(probabilities, STRESS_CODE, axis=1).sum(axis=1)
    log_odds = np.log(probabilities[:, STRESS_CODE]) - np.log(rest)
    return pd.Series(log_odds, index=features.index, name="log_odds")


def checked_contributions(model: SavedModel, features: pd.DataFrame) -> pd.DataFrame:
    """`feature_contributions`, after a check that they add up to the model's log-odds.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)

    Returns
    -------
    DataFrame, shape (n_sessions, n_model_features + 1), log-odds

    Raises
    ------
    RegimeError
        If a row's sum is further than 1e-6 from the log-odds: the explanation would not be that of
        the forecast.

    **Known at:** each row uses that row of the features alone.
    """
    parts = feature_contributions(model, features)
    log_odds = model_log_odds(model, features)
    deviates = ~((parts.sum(axis=1) - log_odds).abs() <= TOLERANCE).to_numpy()
    if deviates.any():
        row = int(deviates.argmax())
        raise RegimeError(
            f"explain: the contributions of {features.index[row]:%Y-%m-%d} sum to "
            f"{parts.iloc[row].sum():.9g}, the raw score is {log_odds.iloc[row]:.9g} (at most "
            f"{TOLERANCE:g} apart): this model has a part that contributions leave out; do not use "
            "the explanation"
        )
    return parts


def mechanism_contributions(
    model: SavedModel, features: pd.DataFrame, specs: Sequence[FeatureSpec]
) -> pd.DataFrame:
    """Contributions of the last session by mechanism, the strongest first, and their changes.

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

    **Known at:** the last session.
    """
    parts = checked_contributions(model, features.iloc[-1 - max(CHANGES.values()) :])
    totals = _by_mechanism(parts.drop(columns="base"), specs)
    now = totals.iloc[-1]
    table = pd.DataFrame(
        {
            "now": now,
            **{name: now - totals.shift(back).iloc[-1] for name, back in CHANGES.items()},
        }
    )
    return table.loc[_strongest_first(now)].rename_axis("mechanism")


def reason_table(
    model: SavedModel, features: pd.DataFrame, specs: Sequence[FeatureSpec]
) -> pd.DataFrame:
    """Contributions of the last session by mechanism, the strongest first, each with a sentence.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)
        All of history, for ranks; the last row is explained.
    specs : sequence of FeatureSpec

    Returns
    -------
    DataFrame, one row a mechanism
        ``name``, ``now`` and ``week_ago`` (log-odds), ``text``: the feature that weighs most and
        its rank in history.

    **Known at:** the last session.
    """
    parts = feature_contributions(model, features.iloc[-1 - WEEK :]).drop(columns="base")
    totals = _by_mechanism(parts, specs)
    now = totals.iloc[-1]
    order = _strongest_first(now)
    mechanism = {spec.name: spec.mechanism for spec in specs}
    members = {name: [part for part in parts if mechanism[part] == name] for name in order}
    return pd.DataFrame(
        {
            "name": [sentence_case(name) for name in order],
            "now": now[order].to_numpy(),
            "week_ago": totals.iloc[0][order].to_numpy(),
            "text": [_strongest_feature(parts.iloc[-1], features, members[name]) for name in order],
        }
    )


def family_shares(
    model: SavedModel, features: pd.DataFrame, specs: Sequence[FeatureSpec]
) -> dict[str, float]:
    """Share of each family in the mean absolute contributions.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)
    specs : sequence of FeatureSpec

    Returns
    -------
    dict of str to float
        By family; sums to 1.

    **Known at:** the last session.
    """
    family = {spec.name: spec.family for spec in specs}
    sizes = sampled_contributions(model, features).abs().mean()
    shares = sizes.groupby(sizes.index.map(family)).sum()
    return {str(name): float(value) for name, value in (shares / max(shares.sum(), 1e-300)).items()}


def sampled_contributions(model: SavedModel, features: pd.DataFrame) -> pd.DataFrame:
    """Contributions without the base at up to 250 sessions, spread evenly over the rows."""
    rows = np.unique(np.linspace(0, len(features) - 1, min(SAMPLE, len(features))).astype(int))
    return feature_contributions(model, features.iloc[rows]).drop(columns="base")


def _by_mechanism(parts: pd.DataFrame, specs: Sequence[FeatureSpec]) -> pd.DataFrame:
    """Columns of features added up by mechanism."""
    mechanism = {spec.name: spec.mechanism for spec in specs}
    return parts.T.groupby(parts.columns.map(mechanism)).sum().T


def _strongest_first(values: pd.Series) -> pd.Index:
    return values.abs().sort_values(ascending=False, kind="stable").index


def _strongest_feature(row: pd.Series, features: pd.DataFrame, names: list[str]) -> str:
    """The feature that moves the forecast most, and its rank in its own history."""
    name = str(row[names].abs().idxmax())
    history = features[name].dropna()
    if history.empty or np.isnan(features[name].iloc[-1]):
        return f"{name} is not known"
    below = (history < history.iloc[-1]).mean()
    return f"most of it {name}, higher than on {below:.0%} of its days"
