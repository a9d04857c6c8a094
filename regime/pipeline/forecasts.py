"""Probabilities for a rule or a score: from a file, or made by the walk-forward of a config."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from regime.errors import InvalidDataError, MissingDataError
from regime.parallel import Progress
from regime.pipeline.market_data import MarketData
from regime.pipeline.settings import Settings
from regime.pipeline.walk_forward import walk_forward
from regime.schema import REGIMES, STRESS, check_dates, check_probabilities

__all__ = ["check_forecast", "read_or_forecast", "read_probabilities"]


def read_or_forecast(
    settings: Settings, market_data: MarketData, path: Path | None, progress: Progress
) -> pd.DataFrame:
    """Probabilities read from a file, or those of the config's own walk-forward.

    Parameters
    ----------
    settings : Settings
    market_data : MarketData
    path : Path or None
        Parquet or CSV, as `read_probabilities` takes it.
    progress : Progress

    Returns
    -------
    DataFrame, shape (n_days, 1 or 4)
        Column ``deleveraging``, with the other regimes where they are known.

    Raises
    ------
    MissingDataError, InvalidDataError
        As `read_probabilities` and `check_forecast`.
    """
    if path is None:
        return walk_forward(
            settings, settings.features(market_data.panel), market_data.market, progress
        ).probabilities
    forecast = read_probabilities(path)
    check_forecast(forecast, market_data.sessions)
    return forecast


def read_probabilities(path: Path) -> pd.DataFrame:
    """Date-indexed table with the column ``deleveraging`` from parquet or CSV.

    Raises
    ------
    MissingDataError
        If there is no such file.
    InvalidDataError
        If it is no table, or the column or the dates are missing.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file")
    try:
        table = pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidDataError(f"{path}: not a table in parquet or CSV ({reason})") from None
    if "date" in table:
        dates = pd.to_datetime(table["date"], format="ISO8601", errors="coerce")
        if dates.isna().any():
            row = int(dates.isna().to_numpy().argmax())
            raise InvalidDataError(
                f"{path}: row {row + 1}: `{table['date'].iloc[row]}` is not a date as 2024-12-31"
            )
        table = table.drop(columns="date").set_index(pd.DatetimeIndex(dates, name="date"))
    if STRESS not in table:
        raise InvalidDataError(
            f"{path}: column `{STRESS}` is missing; got {', '.join(map(str, table.columns))}"
        )
    return table[list(REGIMES)] if set(REGIMES) <= set(table.columns) else table[[STRESS]]


def check_forecast(forecast: pd.DataFrame, sessions: pd.DatetimeIndex) -> None:
    """Refuse a forecast that is none of these sessions.

    Parameters
    ----------
    forecast : DataFrame, shape (n_days, 1 or 4)
    sessions : DatetimeIndex, shape (n_sessions,)

    Raises
    ------
    InvalidDataError
        Naming the first date that is no session, or value that is no probability.
    """
    index = check_dates(forecast.index, "probabilities")
    strangers = index.difference(sessions)
    if len(strangers):
        raise InvalidDataError(
            f"probabilities: {strangers[0]:%Y-%m-%d} is no session of the data "
            f"({len(strangers)} such dates); leave them out"
        )
    if set(REGIMES) <= set(forecast.columns):
        check_probabilities(forecast, "probabilities")
    values = pd.to_numeric(forecast[STRESS], errors="coerce")
    odd = ~values.between(0, 1).to_numpy()
    if odd.any():
        first = index[int(odd.argmax())]
        raise InvalidDataError(
            f"probabilities: {first:%Y-%m-%d}: {forecast[STRESS][first]} lies outside [0, 1]"
        )
