"""Whether refits agree on what matters.

Shares of the families in each fold, and ranks from fold to fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.parallel import run_tasks
from regime.pipeline.settings import Settings
from regime.progress import Progress
from regime.schema import FeatureSpec
from regime.workflows.explain_model import refit_model
from regime.workflows.reasons import contributions

__all__ = ["importance_by_refit", "stability_table"]

SAMPLE = 250  # sessions of a block, evenly spread, over which importance is averaged


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
        Blocks that begin later are left out, and sessions after it.
    progress : Progress

    Returns
    -------
    DataFrame, shape (n_refits, n_features), log-odds
        By date of the refit; 0 where a model does not read a feature. Blocks that could not be
        trained are left out.

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
        found = run_tasks(settings.parallel, tasks, stage.advance)
    rows = {fold.refit: own for fold, own in zip(folds, found, strict=True) if own is not None}
    if not rows:
        raise ConfigError(
            f"stability: no refit up to {until:%Y-%m-%d} could be trained; name a later day"
        )
    return pd.DataFrame(rows).T.fillna(0.0).rename_axis("refit")


def stability_table(importance: pd.DataFrame, specs: Sequence[FeatureSpec]) -> pd.DataFrame:
    """Share of each family in every refit, and how far its ranking of features is that of the refit before.

    Parameters
    ----------
    importance : DataFrame, shape (n_refits, n_features), at least 0
    specs : sequence of FeatureSpec

    Returns
    -------
    DataFrame, shape (n_refits, n_families + 1)
        Shares sum to 1; ``rank_correlation`` (Spearman's, over features) is NaN in the first row.
    """
    of = {spec.name: spec.family for spec in specs}
    total = importance.sum(axis=1).clip(lower=1e-300)
    shares = importance.div(total, axis=0).T.groupby(importance.columns.map(of)).sum().T
    ranks = importance.rank(axis=1).to_numpy()
    return shares.assign(
        rank_correlation=[np.nan, *(_correlation(one, other) for one, other in pairwise(ranks))]
    )


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def _importance(
    settings: Settings, features: pd.DataFrame, market: pd.DataFrame, refit: pd.Timestamp
) -> pd.Series | None:
    try:
        model, _ = refit_model(settings, features, market, refit)
    except InvalidDataError:
        return None
    block = features.loc[features.index > refit]
    places = np.unique(np.linspace(0, len(block) - 1, min(SAMPLE, len(block))).astype(int))
    return contributions(model, block.iloc[places]).drop(columns="base").abs().mean()
