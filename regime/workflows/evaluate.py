"""`regime evaluate`: somebody else's probabilities against the truth and the rivals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from regime.artifacts import check_place, output_folder, write_json
from regime.errors import InvalidDataError
from regime.progress import NoProgress, Progress
from regime.workflows.data import read_world
from regime.workflows.probabilities import check_forecast, read_probabilities
from regime.workflows.settings import Settings, settings_of
from regime.workflows.verdict import judge, rivals, truth_of

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
        Parquet or CSV with a date and the column ``deleveraging``; the other regimes may stand
        beside it.
    data : str or Path
        Data folder, for the truth and the rivals.
    episodes : str or Path, optional
        A list of episodes to score against; by default the falls of the folder's own risk basket.
    config : str, Path or Settings
        For truth, folds and features of the rivals.
    out : str or Path, optional
        Folder for summary.json.
    overrides : sequence of str
        ``section.key=value``.
    progress : Progress, optional

    Returns
    -------
    dict
        Keys ``data``, ``out_of_sample``, ``scores``, ``events``, as in summary.json of a run.

    Raises
    ------
    InvalidDataError
        If a date is no session of the folder, a value is no probability, or rows repeat.
    """
    watch = progress or NoProgress()
    forecast = (
        probabilities
        if isinstance(probabilities, pd.DataFrame)
        else read_probabilities(Path(probabilities))
    )
    settings = settings_of(config, overrides, data)
    if out is not None:
        check_place(Path(out))
    world = read_world(settings, Path(data) if data is not None else None, watch)
    check_forecast(forecast, world.sessions)
    folds = settings.splits.folds(world.sessions)
    served = {date for fold in folds for date in world.sessions[fold.test]}
    days = forecast.index[[date in served for date in forecast.index]]
    if not len(days):
        raise InvalidDataError(
            f"the probabilities end on {forecast.index[-1]:%Y-%m-%d}, before the first refit of "
            "the "
            f"rivals in {settings.splits.first_test:%Y-%m}: set splits.first_test earlier"
        )
    truth = truth_of(settings, world, Path(episodes) if episodes is not None else None)
    verdict = judge(
        settings,
        truth,
        forecast.loc[days],
        rivals(world, settings.features(world.panel), truth, folds, watch),
    )
    summary = {
        "data": {
            "first": f"{world.sessions[0]:%Y-%m-%d}",
            "last": f"{world.sessions[-1]:%Y-%m-%d}",
            "hash": world.reading.hash,
        },
        "out_of_sample": {
            "first": f"{days[0]:%Y-%m-%d}",
            "last": f"{days[-1]:%Y-%m-%d}",
            "days": len(days),
        },
        **verdict.summary(),
    }
    if out is not None:
        with output_folder(Path(out)) as staged:
            write_json(staged / "summary.json", summary)
    return summary
