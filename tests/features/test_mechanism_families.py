"""Reserve scarcity, the long end, the dollar under stress as features.

What holds for each on the simulated world,
and the sign that theory gives it."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.dollar.features import DollarStressFeatures
from regime.mechanisms.long_end import LongEndFeatures
from regime.mechanisms.reserves.features import ReserveFeatures
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.schema import check_features
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource

FAMILIES = {
    ReserveFeatures: "liquidity",
    LongEndFeatures: "liquidity",
    DollarStressFeatures: "dollar",
}
FEATURES = {family: family().features() for family in FAMILIES}
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)


def inputs(family):
    return sorted({name for feature in FEATURES[family] for name in feature.spec.inputs})


def signs(family):
    return {feature.spec.name: feature.spec.sign for feature in FEATURES[family]}


@pytest.fixture(scope="module")
def world():
    catalogue = load_catalogue()
    names = sorted({name for family in FAMILIES for name in inputs(family)})
    reading = SimulatedSource(seed=11, years=7).read(catalogue, names, release_times=release_times)
    ages = {name: catalogue.series[name].max_age_days for name in names}
    return AsOf(reading.observations, ages).panel(reading.sessions).values


@each_family
def test_columns_keep_the_schema_and_know_something(world, family):
    table = pd.DataFrame(
        {feature.spec.name: feature(world) for feature in FEATURES[family]}, index=world.index
    )
    check_features(table, tuple(feature.spec for feature in FEATURES[family]))
    assert (table.iloc[900:].notna().mean() > 0.9).all() and not np.isinf(table).any(axis=None)
    assert (table.iloc[900:].nunique() > 3).all(), "a constant column"
    assert len(table.columns) >= 3
    assert {feature.spec.family for feature in FEATURES[family]} == {FAMILIES[family]}


@each_family
def test_nothing_is_known_of_what_comes_after(world, family):
    for feature in FEATURES[family]:
        whole = feature(world)
        for cut in (300, 1111):
            assert (
                whole.iloc[:cut].to_numpy().tobytes()
                == feature(world.iloc[:cut]).to_numpy().tobytes()
            )


@each_family
def test_impossible_lookbacks_are_refused(family):
    with pytest.raises(ConfigError, match="lookback: must be positive, got 0"):
        family(lookback=0)


def test_signs_are_those_of_theory_and_none_where_they_flip_between_decades():
    reserves, long_end, dollar = (signs(family) for family in FAMILIES)
    assert {name for name, sign in reserves.items() if not sign} == {
        "liquidity_net_liquidity_pace_20",
        "liquidity_reserve_band_distance",
        "liquidity_reserve_buffer",
    }
    assert (
        reserves["liquidity_demand_slope_252"] == -1
        and reserves["liquidity_reserve_scarcity_252"] == 1
    )
    assert set(long_end.values()) == {1}
    assert (
        dollar["dollar_dash_score"] == dollar["dollar_link_age_63"] == 0
        and dollar["dollar_carry_unwind_5"] == 1
    )


def test_no_revised_series_and_no_proxy_goes_unsaid():
    assert "term_premium" not in inputs(LongEndFeatures)  # of one vintage, revised
    assert {feature.spec.name: feature.spec.proxy for feature in FEATURES[ReserveFeatures]}[
        "liquidity_funding_pressure_252"
    ]


@pytest.mark.parametrize(
    ("family", "factor", "warm"), [(DollarStressFeatures, 3, 200), (LongEndFeatures, 100, 600)]
)
def test_no_feature_knows_the_unit_of_its_series(world, family, factor, warm):
    for feature in FEATURES[family]:
        np.testing.assert_allclose(
            feature(factor * world).iloc[warm:], feature(world).iloc[warm:], atol=1e-6
        )


def test_balances_have_no_unit_of_their_own(world):
    """Twice the money in twice the banks is the same scarcity, but for gaps to the trend."""
    balances = world.assign(
        **{name: 2 * world[name] for name in ("reserves", "fed_assets", "tga", "rrp")}
    )
    for feature in FEATURES[ReserveFeatures]:
        if {"reserves", "fed_assets"} & set(feature.spec.inputs) and not feature.spec.proxy:
            pd.testing.assert_series_equal(feature(balances), feature(world))
