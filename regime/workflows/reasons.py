"""Why a model says what it says: contributions of features, added up by mechanism and by family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from regime.runtime.predict import SavedModel
from regime.schema import FeatureSpec
from regime.sessions import WEEK

__all__ = ["contributions", "family_shares", "reasons"]

# sessions over which importance is averaged, evenly spread: Shapley values of all would be slow
SAMPLE = 250


def contributions(model: SavedModel, features: pd.DataFrame) -> pd.DataFrame:
    """What each feature adds to the log-odds of a deleveraging.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)

    Returns
    -------
    DataFrame, shape (n_sessions, n_model_features + 1), log-odds
        The last column, ``base``, is what the model says where nothing is known; rows sum to the
        log-odds.
    """
    names = list(model.features)
    return pd.DataFrame(
        model.contributions(features[names]), index=features.index, columns=[*names, "base"]
    )


def reasons(
    model: SavedModel, features: pd.DataFrame, specs: Sequence[FeatureSpec]
) -> pd.DataFrame:
    """Contributions of the last session by mechanism, the strongest first.

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
    """
    mechanism = {spec.name: spec.mechanism for spec in specs}
    rows = contributions(model, features.iloc[-1 - WEEK :]).drop(columns="base")
    totals = rows.T.groupby(rows.columns.map(mechanism)).sum().T
    now, before = totals.iloc[-1], totals.iloc[0]
    order = now.abs().sort_values(ascending=False, kind="stable").index
    text = {
        name: _strongest(rows.iloc[-1], features, [own for own in rows if mechanism[own] == name])
        for name in order
    }
    return pd.DataFrame(
        {
            "name": [_sentence_case(name) for name in order],
            "now": now[order].to_numpy(),
            "week_ago": before[order].to_numpy(),
            "text": [text[name] for name in order],
        }
    )


def family_shares(
    model: SavedModel, features: pd.DataFrame, specs: Sequence[FeatureSpec]
) -> dict[str, float]:
    """Share of each family in the mean absolute contributions over sessions spread evenly.

    Sums to 1.

    Parameters
    ----------
    model : SavedModel
    features : DataFrame, shape (n_sessions, n_features)
    specs : sequence of FeatureSpec
    """
    family = {spec.name: spec.family for spec in specs}
    places = np.unique(np.linspace(0, len(features) - 1, min(SAMPLE, len(features))).astype(int))
    sizes = contributions(model, features.iloc[places]).drop(columns="base").abs().mean()
    shares = sizes.groupby(sizes.index.map(family)).sum()
    return {str(name): float(value) for name, value in (shares / max(shares.sum(), 1e-300)).items()}


def _strongest(row: pd.Series, features: pd.DataFrame, names: list[str]) -> str:
    """The feature of a mechanism that moves the forecast most, and where it stands in its own history."""
    name = str(row[names].abs().idxmax())
    history = features[name].dropna()
    if history.empty or np.isnan(features[name].iloc[-1]):
        return f"{name} is not known"
    return (
        f"most of it {name}, higher than on {(history < history.iloc[-1]).mean():.0%} of its days"
    )


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]
