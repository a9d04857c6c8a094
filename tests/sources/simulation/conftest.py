"""Simulated worlds of thirty years, made once for all tests of this folder."""

from datetime import date

import pandas as pd
import pytest

from regime.sources.simulated import SimulatedSource
from regime.sources.simulation.assets import published_series
from regime.sources.simulation.truth import GroundTruth, ground_truth
from regime.sources.simulation.world import SimulatedWorld, simulate_world

SEEDS = range(10)


class Made:
    """One world, what it publishes, and its truth."""

    def __init__(self, seed: int) -> None:
        source = SimulatedSource(seed=seed, years=30, start=date(1992, 1, 2))
        self.world: SimulatedWorld = simulate_world(seed, source.sessions)
        self.published: dict[str, pd.Series] = published_series(self.world)
        self.truth: GroundTruth = ground_truth(self.world)

    def regime(self, name: str) -> pd.Series:
        """Boolean mask of the sessions of one true regime."""
        return self.truth.regimes["regime"] == name

    def daily(self, name: str) -> pd.Series:
        """A published series on the sessions, as of each."""
        return self.published[name].reindex(self.world.sessions, method="ffill")


@pytest.fixture(scope="session")
def worlds() -> list[Made]:
    return [Made(seed) for seed in SEEDS]
