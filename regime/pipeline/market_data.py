"""From a source to what a run works on: panel, features, the market that is labelled and traded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from regime.config import find_config
from regime.errors import ConfigError, InvalidDataError
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.parallel import Progress
from regime.pipeline.settings import Settings
from regime.schema import Panel
from regime.sources.catalogue import Catalogue, load_catalogue
from regime.sources.file_source import SourceReading
from regime.sources.simulated import SimulatedSource

__all__ = ["MarketData", "read_all", "read_market", "read_market_data"]


@dataclass(frozen=True, kw_only=True)
class MarketData:
    """Everything that a run reads, aligned to one index of sessions.

    Parameters
    ----------
    reading : SourceReading
        Observations, what each series had to say, and the hash of the data.
    panel : Panel, shape (n_sessions, n_series)
        What was known at each close.
    market : DataFrame, shape (n_sessions, n_assets), prices
        The risk basket, S&P 500 first.
    returns : Series, shape (n_sessions,), fraction
        Total return of the S&P 500 (SPY's where there is one), close to close.
    cash : Series, shape (n_sessions,), fraction
        What bills earned over each session: the rate known at the close before, a 252nd of it.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=2, name="date")
    >>> flat = pd.Series(0.0, index=dates)
    >>> close = pd.DataFrame({"sp500": [100.0, 110.0]}, index=dates)
    >>> MarketData(reading=None, panel=None, market=close, cash=flat,
    ...            returns=pd.Series([np.nan, 0.1], index=dates)).total_return.round(2).tolist()
    [1.0, 1.1]
    """

    reading: SourceReading
    panel: Panel
    market: pd.DataFrame
    returns: pd.Series
    cash: pd.Series

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Dates of the panel; the last is "now"."""
        return self.panel.values.index

    @property
    def close(self) -> pd.Series:
        """S&P 500 closes, index points."""
        return self.market["sp500"]

    @property
    def total_return(self) -> pd.Series:
        """Value of 1 held in the S&P 500 from the first session on."""
        return (1.0 + self.returns.fillna(0.0)).cumprod().rename("sp500")


def read_market_data(settings: Settings, data: Path | None, progress: Progress) -> MarketData:
    """Read the source and build the panel.

    Parameters
    ----------
    settings : Settings
    data : Path or None
        A data folder; None for a config that simulates.
    progress : Progress

    Raises
    ------
    ConfigError
        If the config reads files and no folder is named.
    MissingDataError, InvalidDataError
        As the source, every fault together.
    """
    with progress.stage("reading series"):
        catalogue = load_catalogue(find_config(settings.catalogue))
        reading = _read(settings, catalogue, data, settings.series)
        return read_market(settings, catalogue, reading)


def read_market(settings: Settings, catalogue: Catalogue, reading: SourceReading) -> MarketData:
    """MarketData of a reading, from the config's first session on."""
    sessions = reading.sessions[reading.sessions >= pd.Timestamp(settings.start)]
    if len(sessions) < 2:
        raise InvalidDataError(
            f"start: {settings.start} leaves {len(sessions)} sessions of the data; "
            "give an earlier one, as in `start=1962-01-02`"
        )
    ages = {name: spec.max_age_days for name, spec in catalogue.series.items()}
    panel = AsOf(reading.observations, ages).panel(sessions)
    values = panel.values.reindex(columns=sorted({*panel.values.columns, *settings.series}))
    panel = Panel(values=values, age=panel.age.reindex(columns=values.columns))
    traded = _on_their_day(reading, "spy", sessions).pct_change(fill_method=None)
    returns = traded.fillna(values["sp500"].pct_change(fill_method=None)).rename("returns")
    cash = (values["dgs3mo"].shift(1) / 100 / 252).fillna(0.0).rename("cash")
    return MarketData(
        reading=reading,
        panel=panel,
        market=values[list(settings.basket)],
        returns=returns,
        cash=cash,
    )


def read_all(settings: Settings, catalogue: Catalogue, data: Path | None) -> SourceReading:
    """Every series of the catalogue that the source has, whether the config reads it or not."""
    return _read(settings, catalogue, data, None)


def _read(
    settings: Settings, catalogue: Catalogue, data: Path | None, names: Iterable[str] | None
) -> SourceReading:
    source = settings.source
    if isinstance(source, SimulatedSource):
        return source.read(catalogue, names, release_times=release_times)
    if data is None:
        raise ConfigError(f"{settings.name} reads files; name their folder with --data DIR")
    return source.read(catalogue, data, names, release_times=release_times)


def _on_their_day(reading: SourceReading, name: str, sessions: pd.DatetimeIndex) -> pd.Series:
    """Values of a series on the sessions of their own period; NaN where it has none."""
    rows = reading.observations[reading.observations["series"] == name]
    values = pd.Series(
        rows["value"].to_numpy(dtype=np.float64), index=pd.DatetimeIndex(rows["period"])
    )
    return values.reindex(sessions)
