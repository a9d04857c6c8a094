"""Real series as known at each session, for the modules that name theirs in NAMES."""

from pathlib import Path

import pandas as pd
import pytest

from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.sources.catalogue import load_catalogue
from regime.sources.file_source import FileSource


@pytest.fixture(scope="module")
def known(real_data: Path, request: pytest.FixtureRequest) -> AsOf:
    names, catalogue = request.module.NAMES, load_catalogue()
    reading = FileSource().read(catalogue, real_data, names, release_times=release_times)
    return AsOf(reading.observations, {name: catalogue.series[name].max_age_days for name in names})


@pytest.fixture(scope="module")
def values(known: AsOf) -> pd.DataFrame:
    sessions = known.history("sp500", pd.Timestamp("2024-12-31")).loc["2002":].index
    return known.panel(pd.DatetimeIndex(sessions, name="date")).values
