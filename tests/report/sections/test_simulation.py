from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.pipeline.settings import Settings, load_settings
from regime.report.sections.simulation import simulated_view
from regime.report.simulation_figures import simulation_figures
from regime.sources.file_source import FileSource
from regime.sources.simulated import SimulatedSource


@pytest.fixture(scope="module")
def simulated_settings() -> Settings:
    return replace(load_settings("demo.yaml"), source=SimulatedSource(seed=3, years=4))


def test_the_view_is_the_truth_of_the_configs_simulation(simulated_settings: Settings) -> None:
    view, truth = simulated_view(simulated_settings), simulated_settings.source.truth()
    assert view is not None and view.regimes.equals(simulated_settings.source.true_regimes())
    sessions = simulated_settings.source.sessions
    for frame in (
        view.prices,
        view.flows,
        view.triggers,
        view.trend_exposure,
        view.reserves,
        view.funding,
    ):
        assert frame.index.equals(sessions) and np.isfinite(frame.to_numpy()).all()
    pd.testing.assert_series_equal(
        view.flows["dealers"], truth.flows["dealers", "equity"], check_names=False
    )
    assert 3 < view.reserves.mean() < 40 and -20 < view.funding.median() < 50
    assert len(simulation_figures(view, sessions[-500:])) == 4


def test_a_config_that_reads_files_has_no_such_view(simulated_settings: Settings) -> None:
    assert simulated_view(replace(simulated_settings, source=FileSource())) is None
