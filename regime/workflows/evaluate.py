"""`regime evaluate`: anybody's probabilities against the truth and the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from regime.artifacts import check_output_path, output_folder, write_json
from regime.errors import InvalidDataError
from regime.migrations import SCHEMA_VERSION
from regime.parallel import NoProgress, Progress
from regime.pipeline.forecasts import check_forecast, read_probabilities
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings, settings_of
from regime.splits.walk_forward import Fold
from regime.studies.significance.scoring import fit_baselines, score_forecasts, truth_of

__all__ = ["evaluate"]


def evaluate(
    probabilities: str | Path | pd.DataFrame,
    *,
    data: str | Path | None,
    episodes: str | Path | None = None,
    config: str | Path | Settings = "us_macro.yaml",
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score probabilities from anywhere as a run scores its own.

    Parameters
    ----------
    probabilities : str, Path or DataFrame
        Parquet or CSV with a date and the column ``deleveraging``; the other regimes may be columns
        too.
    data : str or Path
        Data folder, for the truth and the baselines.
    episodes : str or Path, optional
        A list of episodes to score against; by default the falls of the folder's own risk basket.
    config : str, Path or Settings
        For truth, folds and features of the baselines.
    out : str or Path, optional
        Folder for summary.json.
    overrides : sequence of str
        ``section.key=value``.
    progress : Progress, optional

    Returns
    -------
    dict
        Keys ``schema_version``, ``data``, ``out_of_sample``, ``scores``, ``events``, as in
        summary.json of a run.

    Raises
    ------
    InvalidDataError
        If a date is no session of the folder, a value is no probability, or rows repeat.

    **Known at:** the baselines of date t use truth known at their refit; scores use all history.
    """
    watch = progress or NoProgress()
    data_folder = Path(data) if data is not None else None
    forecast = (
        probabilities
        if isinstance(probabilities, pd.DataFrame)
        else read_probabilities(Path(probabilities))
    )
    settings = settings_of(config, overrides, data)
    if out is not None:
        check_output_path(Path(out))
    market_data = read_market_data(settings, data_folder, watch)
    sessions = market_data.sessions
    check_forecast(forecast, sessions)
    folds = settings.splits.folds(sessions)
    tested = _tested_sessions(forecast, folds, market_data, settings)
    truth = truth_of(settings, market_data, Path(episodes) if episodes is not None else None)
    features = settings.features(market_data.panel)
    baselines = fit_baselines(market_data, features, truth, folds, watch)
    scores = score_forecasts(settings, truth, forecast.loc[tested], baselines)
    summary = {
        "schema_version": SCHEMA_VERSION,
        "data": {
            "first": f"{sessions[0]:%Y-%m-%d}",
            "last": f"{sessions[-1]:%Y-%m-%d}",
            "hash": market_data.reading.hash,
        },
        "out_of_sample": {
            "first": f"{tested[0]:%Y-%m-%d}",
            "last": f"{tested[-1]:%Y-%m-%d}",
            "days": len(tested),
        },
        **scores.summary(),
    }
    if out is not None:
        with output_folder(Path(out)) as staged:
            write_json(staged / "summary.json", summary)
    return summary


def _tested_sessions(
    forecast: pd.DataFrame, folds: Sequence[Fold], market_data: MarketData, settings: Settings
) -> pd.Index:
    """Sessions of the forecast that lie in a test block, where the baselines have forecasts."""
    blocks = {date for fold in folds for date in market_data.sessions[fold.test]}
    tested = forecast.index[[date in blocks for date in forecast.index]]
    if not len(tested):
        raise InvalidDataError(
            f"the probabilities end on {forecast.index[-1]:%Y-%m-%d}, before the first refit of "
            f"the baselines in {settings.splits.first_test:%Y-%m}: set splits.first_test earlier"
        )
    return tested
