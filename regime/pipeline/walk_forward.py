"""The walk-forward: at each refit labels, training rows and a new model, then the next block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd

from regime.config import find_config
from regime.errors import ConfigError, InvalidDataError
from regime.labels.basket import Labeller
from regime.labels.ensemble import EnsembleLabels
from regime.models.classifier import DeleveragingClassifier
from regime.parallel import Progress, run_tasks
from regime.pipeline.settings import Settings
from regime.pipeline.tuned_choices import load_tuned, settings_by_fold
from regime.runtime.formula import ModelParts
from regime.runtime.predict import SavedModel
from regime.schema import REGIMES, STRESS_CODE
from regime.splits.walk_forward import Fold, PurgedWalkForward

__all__ = ["Forecast", "final_model", "in_force", "member_range", "signed_model", "walk_forward"]

BlockForecast = tuple[pd.DataFrame, pd.DataFrame]  # probabilities, and the range of members


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What the walk-forward gave.

    Parameters
    ----------
    probabilities : DataFrame, shape (n_test_sessions, 4)
        Out of sample, `REGIMES` order, no NaN.
    folds : tuple of Fold
        The folds that could be trained, in order.
    member_range : DataFrame, shape (n_test_sessions, 2)
        ``low`` and ``high`` over the members, see `member_range`; empty where it was not asked
        for.
    """

    probabilities: pd.DataFrame
    folds: tuple[Fold, ...]
    member_range: pd.DataFrame = field(default_factory=pd.DataFrame)


def signed_model(settings: Settings) -> DeleveragingClassifier:
    """Model of the config, with the prior signs of the features outside its core.

    A core column's sign given the other core columns is not its sign alone, so these stay free.
    """
    core = set(settings.model.core)
    priors = {spec.name: spec.sign for spec in settings.features.specs if spec.name not in core}
    return replace(settings.model, signs={**priors, **settings.model.signs})


def walk_forward(
    settings: Settings,
    features: pd.DataFrame,
    market: pd.DataFrame,
    progress: Progress,
    *,
    members: bool = False,
) -> Forecast:
    """Probabilities of every test block, each from a model fitted on what was known at its refit.

    Parameters
    ----------
    settings : Settings
        With a file of tuned choices, each fold takes the one of its own block.
    features : DataFrame, shape (n_sessions, n_features)
    market : DataFrame, shape (n_sessions, n_assets)
        Prices that the labels are made from, on the same sessions.
    progress : Progress
    members : bool
        Whether to ask how far apart the members of each forecast are, which costs half as much
        again.

    Raises
    ------
    ConfigError
        If the first test lies after the last session.
    InvalidDataError
        If history is too short for any refit.
    RegimeError
        If folds cannot be run as the settings ask, see `run_tasks`.

    **Known at:** the block after a refit uses rows up to the refit for the fit, and for each
    session its own row.
    """
    folds = settings.splits.folds(features.index)
    if not folds:
        raise ConfigError(
            f"splits.first_test: {settings.splits.first_test} leaves no session to test in a "
            f"history from {features.index[0]:%Y-%m-%d} to {features.index[-1]:%Y-%m-%d}; give an "
            "earlier one"
        )
    chosen = [
        (fold_settings, signed_model(fold_settings))
        for fold_settings in in_force(settings, folds, features.index)
    ]
    # One table for all folds of a model, which slice it: a copy for each would be gigabytes at
    # monthly refits.
    tables = {
        names: features[list(names)] for names in {tuple(model.columns) for _, model in chosen}
    }
    tasks = [
        partial(
            _one_block,
            fold,
            tables[tuple(model.columns)].iloc[: fold.test[-1] + 1],
            market.loc[: fold.refit],
            model,
            fold_settings.labels,
            fold_settings.splits,
            members,
        )
        for fold, (fold_settings, model) in zip(folds, chosen, strict=True)
    ]
    with progress.stage("refits", total=len(folds)) as stage:
        blocks = run_tasks(settings.parallel, tasks, stage.advance)
    kept = [(fold, block) for fold, block in zip(folds, blocks, strict=True) if block is not None]
    if not kept:
        raise InvalidDataError(
            f"{len(features)} sessions from {features.index[0]:%Y-%m-%d} are too short a history: "
            "no refit has enough labelled rows; start earlier or lower splits.minimum_train"
        )
    return Forecast(
        probabilities=pd.concat([block for _, (block, _) in kept]),
        folds=tuple(fold for fold, _ in kept),
        member_range=pd.concat([apart for _, (_, apart) in kept]),
    )


def in_force(
    settings: Settings, folds: Sequence[Fold], sessions: pd.DatetimeIndex
) -> tuple[Settings, ...]:
    """Settings of each fold: those of the config, or the tuned choice of the fold's own block."""
    if not settings.tuned:
        return (settings,) * len(folds)
    return settings_by_fold(settings, load_tuned(find_config(settings.tuned)), folds, sessions)


def final_model(
    settings: Settings, features: pd.DataFrame, market: pd.DataFrame
) -> tuple[DeleveragingClassifier, tuple[str, str]]:
    """Model fitted on all known at the last session, and its first and last training session."""
    now = features.index[-1]
    fold = Fold(refit=now, test=np.asarray([len(features)], dtype=np.int64))
    (fold_settings,) = in_force(settings, [fold], pd.DatetimeIndex(features.index))
    signed = signed_model(fold_settings)
    model, rows = _fit(
        fold,
        features[list(signed.columns)],
        market,
        signed,
        fold_settings.labels,
        fold_settings.splits,
    )
    if model is None:
        raise InvalidDataError("no model can be fitted at the last session: too few labelled rows")
    return model, (f"{features.index[rows[0]]:%Y-%m-%d}", f"{features.index[rows[-1]]:%Y-%m-%d}")


def _one_block(
    fold: Fold,
    features: pd.DataFrame,
    market: pd.DataFrame,
    model: DeleveragingClassifier,
    labeller: Labeller,
    splits: PurgedWalkForward,
    members: bool,
) -> BlockForecast | None:
    """One fold as a pure task: the market ends at the refit, so labels cannot see past it."""
    past = features.iloc[: fold.test[0]]
    fitted, _ = _fit(fold, past, market, model, labeller, splits)
    if fitted is None:
        return None
    block = features.iloc[fold.test]
    table = pd.DataFrame(fitted.predict_proba(block), index=block.index, columns=list(REGIMES))
    return table, member_range(
        fitted, block, past, market, labeller, splits, fold
    ) if members else pd.DataFrame()


def _fit(
    fold: Fold,
    features: pd.DataFrame,
    market: pd.DataFrame,
    model: DeleveragingClassifier,
    labeller: Labeller,
    splits: PurgedWalkForward,
) -> tuple[DeleveragingClassifier | None, np.ndarray]:
    from sklearn.base import clone

    labels = labeller(market, fold.refit)
    rows = splits.train_rows(fold, labels)
    if not rows.size:
        return None, rows
    fitted = clone(model).fit(features.iloc[rows], labels.weights.to_numpy()[rows])
    return fitted, rows


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
    fitting them again for each would cost as much as the run.

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
    parts = fitted.parts_
    if len(parts.stress_boosters) > 1:
        yield from (replace(parts, stress_boosters=(text,)) for text in parts.stress_boosters)
    if parts.linear is None or not isinstance(labeller, EnsembleLabels):
        return
    for single in labeller.labellers:
        labels = single(market, fold.refit)
        rows = splits.train_rows(fold, labels)
        weights = labels.weights.to_numpy()[rows]
        if rows.size and 0 < weights[:, STRESS_CODE].sum() < len(rows):
            yield replace(parts, linear=fitted.linear_on(features.iloc[rows], weights))
