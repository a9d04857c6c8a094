"""`regime features`: the features of a data folder as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from regime.artifacts import check_output_path, output_file
from regime.config import find_config
from regime.parallel import NoProgress, Progress
from regime.pipeline.market_data import MarketData, read_all, read_market
from regime.pipeline.settings import Settings, settings_of
from regime.sources.catalogue import load_catalogue
from regime.sources.data_folder import available_series

__all__ = ["build_features"]


def build_features(
    config: str | Path | Settings,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    mechanisms: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Features of every session, and a parquet file of them if `out` is given.

    Parameters
    ----------
    config : str, Path or Settings
        A file, the name of a shipped config, or settings made in Python.
    data : str or Path, optional
        Data folder; not needed by a config that simulates.
    out : str or Path, optional
        The parquet file.
    overrides : sequence of str
        ``section.key=value``.
    mechanisms : bool
        Whether the columns of the mechanisms join, also where the model of the config does without
        them.
    progress : Progress, optional

    Returns
    -------
    DataFrame, shape (n_sessions, n_features), float64
        Columns depend on the config alone; NaN where an input is missing or too short.

    **Known at:** row t rests on what was public at the close of t.
    """
    watch = progress or NoProgress()
    settings = settings_of(config, overrides, data)
    if mechanisms:
        settings = replace(settings, features=settings.features.with_mechanisms)
    if out is not None:
        check_output_path(Path(out), folder=False)
    world = _world(settings, Path(data) if data is not None else None, watch)
    with watch.stage("features"):
        table = settings.features(world.panel)
    if out is not None:
        with output_file(Path(out)) as staged:
            table.to_parquet(staged)
    return table


def _world(settings: Settings, folder: Path | None, watch: Progress) -> MarketData:
    """MarketData of every series that is asked for.

    One that the mechanisms alone read may lack its column.
    """
    with watch.stage("reading series"):
        catalogue = load_catalogue(find_config(settings.catalogue)).only(settings.series)
        core_series = replace(
            settings, features=replace(settings.features, mechanisms=False)
        ).series
        wanted = available_series(catalogue, folder, core_series)
        return read_market(settings, wanted, read_all(settings, wanted, folder))
