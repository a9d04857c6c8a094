"""Whether refits agree on what matters: shares of the families, and ranks from fold to fold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.parallel import Progress, run_tasks
from regime.pipeline.settings import Settings
from regime.schema import FeatureSpec
from regime.studies.explain.contributions import sampled_contributions
from regime.studies.explain.model_in_force import refit_model

__all__ = ["importance_by_refit", "stability_table"]


def importance_by_refit(
    settings: Settings,
    features: pd.DataFrame,
    market: pd.DataFrame,
    until: pd.Timestamp,
    progress: Progress,
) -> pd.DataFrame:
    """Mean absolute contribution of each feature in each test block, by that block's own model.

    Parameters
    ----------
    settings : Settings
    features : DataFrame, shape (n_sessions, n_features)
    market : DataFrame, shape (n_sessions, n_assets)
    until : Timestamp
        Blocks that begin later are left out, and so are sessions after it.
    progress : Progress

    Returns
    -------
    DataFrame, shape (n_refits, n_features), log-odds
        By date of the refit; 0 where a model does not use a feature. Blocks that could not be
        trained are left out.

    Raises
    ------
    ConfigError
        If no block could be trained.

    **Known at:** the last session of each block for its row.
    """
    known = features.loc[:until]
    folds = settings.splits.folds(known.index)
    tasks = [
        partial(
            _importance,
            settings,
            known.iloc[: fold.test[-1] + 1],
            market.loc[: fold.refit],
            fold.refit,
        )
        for fold in folds
    ]
    with progress.stage("refits", total=len(folds)) as stage:
        results = run_tasks(settings.parallel, tasks, stage.advance)
    rows = {
        fold.refit: importance
        for fold, importance in zip(folds, results, strict=True)
        if importance is not None
    }
    if not rows:
        raise ConfigError(
            f"stability: no refit up to {until:%Y-%m-%d} could be trained; name a later day"
        )
    return pd.DataFrame(rows).T.fillna(0.0).rename_axis("refit")


def stability_table(importance: pd.DataFrame, specs: Sequence[FeatureSpec]) -> pd.DataFrame:
    """Share of each family by refit, and the rank correlation of importance with the refit before.

    Parameters
    ----------
    importance : DataFrame, shape (n_refits, n_features), at least 0
    specs : sequence of FeatureSpec

    Returns
    -------
    DataFrame, shape (n_refits, n_families + 1)
        Shares sum to 1; ``rank_correlation`` (Spearman's, over features) is NaN in the first row.
    """
    family = {spec.name: spec.family for spec in specs}
    total = importance.sum(axis=1).clip(lower=1e-300)
    shares = importance.div(total, axis=0).T.groupby(importance.columns.map(family)).sum().T
    ranks = importance.rank(axis=1).to_numpy()
    return shares.assign(
        rank_correlation=[
            np.nan,
            *(_correlation(before, after) for before, after in pairwise(ranks)),
        ]
    )


def _correlation(before: np.ndarray, after: np.ndarray) -> float:
    if np.ptp(before) == 0 or np.ptp(after) == 0:
        return float("nan")
    return float(np.corrcoef(before, after)[0, 1])


def _importance(
    settings: Settings, features: pd.DataFrame, market: pd.DataFrame, refit: pd.Timestamp
) -> pd.Series | None:
    try:
        model, _ = refit_model(settings, features, market, refit)
    except InvalidDataError:
        return None
    return sampled_contributions(model, features.loc[features.index > refit]).abs().mean()
