"""The walk-forward: at each refit labels, training rows and a new model, then the next block.

Depends on: schema, workflows.settings, labels, splits, models.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.models.classifier import DeleveragingClassifier
from regime.progress import Progress
from regime.schema import REGIMES, Labels
from regime.splits.walk_forward import Fold, PurgedWalkForward
from regime.workflows.settings import Settings

__all__ = ["Forecast", "final_model", "signed_model", "walk_forward"]

Labeller = Callable[[pd.DataFrame, pd.Timestamp | None], Labels]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the walk-forward gave.

    Parameters
    ----------
    probabilities : DataFrame, shape (n_test_sessions, 4)
        Out of sample, `REGIMES` order, no NaN.
    folds : tuple of Fold
        The folds that could be trained, in order.
    """

    probabilities: pd.DataFrame
    folds: tuple[Fold, ...]


def signed_model(settings: Settings) -> DeleveragingClassifier:
    """Model of the config, with the prior signs of the features outside its core.

    A core column's sign given the other core columns is not its sign alone, so these stay free.
    """
    core = set(settings.model.core)
    priors = {spec.name: spec.sign for spec in settings.features.specs if spec.name not in core}
    return replace(settings.model, signs={**priors, **settings.model.signs})


def walk_forward(settings: Settings, features: pd.DataFrame, market: pd.DataFrame, progress: Progress) -> Forecast:
    """Probabilities of every test block, each from a model fitted on what was known at its refit.

    Parameters
    ----------
    settings : Settings
    features : DataFrame, shape (n_sessions, n_features)
    market : DataFrame, shape (n_sessions, n_assets)
        Prices that the labels are made from, on the same sessions.
    progress : Progress

    Raises
    ------
    ConfigError
        If the first test lies after the last session.
    InvalidDataError
        If history is too short for any refit.

    **Known at:** the block after a refit uses rows up to the refit for the fit, and for each session its own row.
    """
    from joblib import Parallel, delayed

    model, folds = signed_model(settings), settings.splits.folds(features.index)
    if not folds:
        raise ConfigError(f"splits.first_test: {settings.splits.first_test} leaves no session to test in a history "
                          f"from {features.index[0]:%Y-%m-%d} to {features.index[-1]:%Y-%m-%d}; give an earlier one")
    columns = features[list(model.columns)]
    task = delayed(_one_block)
    # Memory-mapped frames would be read-only in workers and slower to slice; these are a few megabytes.
    pool = Parallel(n_jobs=min(settings.parallel.jobs, os.cpu_count() or 1), return_as="generator", max_nbytes=None,
                    initializer=_end_with, initargs=(os.getpid(),))
    blocks = []
    with progress.stage("refits", total=len(folds)) as stage:
        for block in pool(task(fold, columns.iloc[:fold.test[-1] + 1], market.loc[:fold.refit], model,
                               settings.labels, settings.splits) for fold in folds):
            blocks.append(block)
            stage.advance()
    kept = [(fold, block) for fold, block in zip(folds, blocks, strict=True) if block is not None]
    if not kept:
        raise InvalidDataError(f"{len(features)} sessions from {features.index[0]:%Y-%m-%d} are too short a history: "
                               "no refit has enough labelled rows; start earlier or lower splits.minimum_train")
    return Forecast(probabilities=pd.concat([block for _, block in kept]), folds=tuple(fold for fold, _ in kept))


def final_model(settings: Settings, features: pd.DataFrame, market: pd.DataFrame) -> tuple[DeleveragingClassifier,
                                                                                           tuple[str, str]]:
    """Model fitted on all that is known at the last session, and its first and last training session."""
    now = features.index[-1]
    fold = Fold(refit=now, test=np.asarray([len(features)], dtype=np.int64))
    model, rows = _fit(fold, features[list(signed_model(settings).columns)], market, signed_model(settings),
                       settings.labels, settings.splits)
    if model is None:
        raise InvalidDataError("no model can be fitted at the last session: too few labelled rows")
    return model, (f"{features.index[rows[0]]:%Y-%m-%d}", f"{features.index[rows[-1]]:%Y-%m-%d}")


def _end_with(parent: int) -> None:
    """End this worker soon after its parent; one that is killed outright leaves its workers waiting for ever."""
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    if os.getpid() != parent:
        threading.Thread(target=watch, daemon=True).start()


def _one_block(fold: Fold, features: pd.DataFrame, market: pd.DataFrame, model: DeleveragingClassifier,
               labeller: Labeller, splits: PurgedWalkForward) -> pd.DataFrame | None:
    """One fold as a pure task: the market ends at the refit, so labels cannot see past it."""
    fitted, _ = _fit(fold, features.iloc[:fold.test[0]], market, model, labeller, splits)
    if fitted is None:
        return None
    block = features.iloc[fold.test]
    return pd.DataFrame(fitted.predict_proba(block), index=block.index, columns=list(REGIMES))


def _fit(fold: Fold, features: pd.DataFrame, market: pd.DataFrame, model: DeleveragingClassifier, labeller: Labeller,
         splits: PurgedWalkForward) -> tuple[DeleveragingClassifier | None, np.ndarray]:
    from sklearn.base import clone

    labels = labeller(market, fold.refit)
    rows = splits.train_rows(fold, labels)
    if not rows.size:
        return None, rows
    fitted = clone(model).fit(features.iloc[rows], labels.weights.to_numpy()[rows])
    return fitted, rows
