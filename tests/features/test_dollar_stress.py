"""Features of the dollar under stress: what holds for each on the simulated world, and the sign that theory gives."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.features.dollar_stress import DollarStressFeatures
from regime.panel.as_of import AsOf
from regime.panel.releases import release_times
from regime.schema import check_features
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource

FEATURES = DollarStressFeatures().features()
INPUTS = sorted({name for feature in FEATURES for name in feature.spec.inputs})


@pytest.fixture(scope="module")
def values():
    catalogue = load_catalogue()
    reading = SimulatedSource(seed=11, years=7).read(catalogue, INPUTS, release_times=release_times)
    ages = {name: catalogue.series[name].max_age_days for name in INPUTS}
    return AsOf(reading.observations, ages).panel(reading.sessions).values


def test_columns_keep_the_schema_and_know_something(values):
    table = pd.DataFrame({feature.spec.name: feature(values) for feature in FEATURES}, index=values.index)
    check_features(table, tuple(feature.spec for feature in FEATURES))
    assert (table.iloc[900:].notna().mean() > 0.9).all() and not np.isinf(table).any(axis=None)
    assert (table.iloc[900:].nunique() > 3).all(), "a constant column"


def test_nothing_is_known_of_what_comes_after(values):
    for feature in FEATURES:
        whole = feature(values)
        for cut in (300, 1111):
            assert whole.iloc[:cut].to_numpy().tobytes() == feature(values.iloc[:cut]).to_numpy().tobytes()


def test_signs_and_scales(values):
    own = {feature.spec.name: feature.spec.sign for feature in FEATURES}
    assert len(own) >= 3 and {feature.spec.family for feature in FEATURES} == {"dollar"}
    assert own["dollar_dash_score"] == own["dollar_link_age_63"] == 0  # they flip between decades
    assert own["dollar_carry_unwind_5"] == 1
    for feature in FEATURES:  # no feature knows the unit of a price
        np.testing.assert_allclose(feature(3 * values).iloc[200:], feature(values).iloc[200:], atol=1e-6)


def test_impossible_lookbacks_are_refused():
    with pytest.raises(ConfigError, match="lookback: must be positive, got 0"):
        DollarStressFeatures(lookback=0)
