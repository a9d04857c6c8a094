"""A small simulated run to explain, its forecast, and a linear model with a known formula."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.walk_forward import walk_forward
from regime.runtime.formula import Linear, ModelParts
from regime.runtime.predict import SavedModel
from regime.schema import FeatureSpec

OVERRIDES = [
    "source.SimulatedSource.years=9",
    "splits.first_test=2012-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
    "parallel.jobs=1",
    "tracking=NullTracker",
]
NAMES = ("a", "b", "c", "mark")


@pytest.fixture(scope="session")
def quick():
    """Settings of a small run, its market data and its features."""
    settings = load_settings("demo.yaml", OVERRIDES)
    market_data = read_market_data(settings, None, NoProgress())
    return settings, market_data, settings.features(market_data.panel)


@pytest.fixture(scope="session")
def forecast(quick):
    settings, market_data, features = quick
    return walk_forward(settings, features, market_data.market, NoProgress())


def _spec(name: str, mechanism: str, sign: int = 0) -> FeatureSpec:
    return FeatureSpec(
        name=name, family="positioning", mechanism=mechanism, sign=sign, lookback=1, inputs=("vix",)
    )


@pytest.fixture(scope="session")
def specs() -> tuple[FeatureSpec, ...]:
    """Two features of one mechanism with opposite signs, one without a sign, and a flag."""
    return (
        _spec("a", "flows", 1),
        _spec("b", "flows", -1),
        _spec("c", "funding"),
        _spec("mark", "falls", 1),
    )


@pytest.fixture(scope="session")
def linear() -> Callable[..., SavedModel]:
    """A logistic model of the four features, by its coefficients."""

    def made(coef=(0.5, -0.25, -0.5, 2.0), intercept=-1.0):
        line = Linear(
            center=(0.0,) * 4, scale=(1.0,) * 4, clip=(50.0,) * 4, coef=coef, intercept=intercept
        )
        return SavedModel(
            ModelParts(features=NAMES, linear=line, linear_weight=1.0, phase_prior=(1.0, 0.0, 0.0))
        )

    return made


@pytest.fixture
def history():
    draws = np.random.default_rng(4).normal(size=(500, 3)) * [1.0, 2.0, 0.5]
    mark = np.r_[np.zeros(250), np.ones(250)]
    return pd.DataFrame(
        np.column_stack([draws, mark]),
        columns=list(NAMES),
        index=pd.bdate_range("2020-01-01", periods=500, name="date"),
    )
