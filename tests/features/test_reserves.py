"""Features of reserve scarcity: what holds for each on the simulated world, and the sign that theory gives it."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.features.reserves import ReserveFeatures
from regime.panel.as_of import AsOf
from regime.panel.releases import release_times
from regime.schema import check_features
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource

FEATURES = ReserveFeatures().features()
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
    own = {feature.spec.name: feature.spec for feature in FEATURES}
    assert len(own) >= 3 and {spec.family for spec in own.values()} == {"liquidity"}
    for name in ("liquidity_net_liquidity_pace_20", "liquidity_reserve_band_distance", "liquidity_reserve_buffer"):
        assert own[name].sign == 0  # they flip between decades
    assert own["liquidity_demand_slope_252"].sign == -1 and own["liquidity_reserve_scarcity_252"].sign == 1
    assert own["liquidity_funding_pressure_252"].proxy


def test_balances_have_no_unit_of_their_own(values):
    """Twice the money in twice the banks is the same scarcity, but for what is held against the trend."""
    balances = values.assign(**{name: 2 * values[name] for name in ("reserves", "fed_assets", "tga", "rrp")})
    for feature in FEATURES:
        if not {"reserves", "fed_assets"} & set(feature.spec.inputs) or feature.spec.proxy:
            continue
        pd.testing.assert_series_equal(feature(balances), feature(values))


def test_impossible_lookbacks_are_refused():
    with pytest.raises(ConfigError, match="lookback: must be positive, got 0"):
        ReserveFeatures(lookback=0)
