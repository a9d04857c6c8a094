"""The model in force on a day: its fold of the walk-forward, refitted on what was known then."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from regime.errors import ConfigError, InvalidDataError
from regime.pipeline.settings import Settings
from regime.pipeline.walk_forward import final_model
from regime.runtime.predict import SavedModel

__all__ = ["InForce", "model_in_force", "refit_model"]


@dataclass(frozen=True, kw_only=True)
class InForce:
    """A model and the session that it explains.

    Parameters
    ----------
    model : SavedModel
    session : Timestamp
        Last session up to the requested day.
    refit : Timestamp
        Session at whose close the model was fitted; never after `session`, before it inside a test
        block.
    window : tuple of str
        First and last session that trained it.
    """

    model: SavedModel
    session: pd.Timestamp
    refit: pd.Timestamp
    window: tuple[str, str]


def model_in_force(
    settings: Settings, features: pd.DataFrame, market: pd.DataFrame, day: pd.Timestamp
) -> InForce:
    """Model of a day of the walk-forward; after the last session the one that a run saves.

    Parameters
    ----------
    settings : Settings
    features : DataFrame, shape (n_sessions, n_features)
    market : DataFrame, shape (n_sessions, n_assets)
        Prices that labels are made from, on the same sessions.
    day : Timestamp
        A day without a session counts as the session before it.

    Raises
    ------
    ConfigError
        If the day lies before the first test block.
    InvalidDataError
        If the block of the day had too little history for a model.

    **Known at:** the refit of the block that holds the day.
    """
    sessions = features.index
    if day > sessions[-1]:
        session = sessions[-1]
        refit = sessions[-1]
    else:
        session, refit = _session_and_refit(settings, sessions, day)
    model, window = refit_model(settings, features, market, refit)
    return InForce(model=model, session=session, refit=refit, window=window)


def refit_model(
    settings: Settings, features: pd.DataFrame, market: pd.DataFrame, refit: pd.Timestamp
) -> tuple[SavedModel, tuple[str, str]]:
    """Model of the block that follows a refit, and its first and last training session.

    Parameters
    ----------
    settings : Settings
    features : DataFrame, shape (n_sessions, n_features)
    market : DataFrame, shape (n_sessions, n_assets)
    refit : Timestamp
        A session.

    Raises
    ------
    InvalidDataError
        If too few rows were labelled by then.

    **Known at:** the refit.
    """
    try:
        # Of the data up to the refit, its block's model is the final one.
        model, window = final_model(settings, features.loc[:refit], market.loc[:refit])
    except InvalidDataError:
        raise InvalidDataError(
            f"as_of: no model could be fitted at the close of {refit:%Y-%m-%d}: too few rows were "
            "labelled by then; name a later day or lower splits.minimum_train"
        ) from None
    return SavedModel(model.parts_), window


def _session_and_refit(
    settings: Settings, sessions: pd.DatetimeIndex, day: pd.Timestamp
) -> tuple[pd.Timestamp, pd.Timestamp]:
    folds = settings.splits.folds(sessions)
    position = int(sessions.searchsorted(day, side="right")) - 1
    fold = next((fold for fold in folds if fold.test[0] <= position <= fold.test[-1]), None)
    if fold is None:
        if folds:
            begins = f"the first test block begins on {sessions[folds[0].test[0]]:%Y-%m-%d}"
        else:
            end = f"{sessions[-1]:%Y-%m-%d}"
            begins = f"splits.first_test leaves no session to test in data up to {end}"
        raise ConfigError(
            f"as_of: no model was in force on {day:%Y-%m-%d}: {begins}; name a later day or set "
            "splits.first_test earlier"
        )
    return sessions[position], fold.refit
