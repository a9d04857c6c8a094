"""One small simulated market, the inner sample of its first block, and parameters to score."""

from collections.abc import Sequence

import pandas as pd
import pytest

from regime.parallel import NoProgress
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings, load_settings
from regime.pipeline.tuned_choices import TunedParameters
from regime.studies.tuning.objective import InnerSample, inner_sample, outer_blocks
from regime.studies.tuning.search_space import SearchSpace
from regime.studies.tuning.trial import replay

OVERRIDES = (
    "source.SimulatedSource.years=9",
    "splits.first_test=2012-01-01",
    "splits.minimum_train=500",
    "model.seeds=1",
    "tracking=NullTracker",
    "parallel.jobs=1",
)


@pytest.fixture(scope="session")
def tiny() -> Settings:
    return load_settings("demo.yaml", OVERRIDES)


@pytest.fixture(scope="session")
def tiny_market_data(tiny: Settings) -> MarketData:
    return read_market_data(tiny, None, NoProgress())


@pytest.fixture(scope="session")
def tiny_features(tiny: Settings, tiny_market_data: MarketData) -> pd.DataFrame:
    return tiny.features(tiny_market_data.panel)


@pytest.fixture(scope="session")
def sample(
    tiny: Settings, tiny_market_data: MarketData, tiny_features: pd.DataFrame
) -> InnerSample:
    block = outer_blocks(tiny, tiny_market_data.sessions)[0]
    return inner_sample(tiny, tiny_market_data, tiny_features, block, NoProgress())


@pytest.fixture(scope="session")
def candidates(tiny: Settings) -> Sequence[TunedParameters]:
    """Those of the config itself, one of all that tuning can choose, one of trees alone."""
    space = SearchSpace(smoothing=(0.0, 1.0, 2.0))
    start = space.start(tiny)
    every = {
        **start,
        **{name: True for name in start if name.startswith("in.")},
        "jump_share": 0.3,
        "jump_states": 2,
        "smoothing": 2.0,
        "monotone": True,
        "partial": True,
    }
    trees = {**start, "linear_weight": 0.0}
    return [replay(lambda trial: space(trial, tiny), params) for params in (start, every, trees)]
