"""Features of leadership, selling, crypto and depth.

On the simulated world, cut short, and by what they should say.
"""

import re

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.cross_asset.breadth import MARKETS
from regime.mechanisms.cross_asset.features import SellingFeatures
from regime.mechanisms.crypto import CryptoFeatures
from regime.mechanisms.market_depth.mechanism import DepthFeatures
from regime.mechanisms.tech_valuation.leadership import LeadershipFeatures
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource

KINDS = (LeadershipFeatures, SellingFeatures, CryptoFeatures, DepthFeatures)
FEATURES = [feature for kind in KINDS for feature in kind().features()]


@pytest.fixture(scope="module")
def values():
    catalogue = load_catalogue()
    names = sorted({name for feature in FEATURES for name in feature.spec.inputs} | {"sp500"})
    reading = SimulatedSource(seed=11, years=8).read(catalogue, names, release_times=release_times)
    panel = AsOf(
        reading.observations, {name: catalogue.series[name].max_age_days for name in names}
    )
    rng = np.random.default_rng(1)
    return panel.panel(reading.sessions).values.assign(  # its world counts no shares traded
        spy_volume=lambda v: 1e8 * np.exp(rng.normal(0, 0.3, len(v))), spy_traded=lambda v: v["spy"]
    )


@pytest.fixture(scope="module")
def table(values):
    return pd.DataFrame({feature.spec.name: feature(values) for feature in FEATURES})


def test_names_signs_and_inputs():
    known = set(load_catalogue().series)
    for feature in FEATURES:
        spec = feature.spec
        quantity = spec.name.removeprefix(f"{spec.family}_").removesuffix(f"_{spec.lookback}")
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]*[a-z][a-z0-9]*)*", quantity), spec.name
        assert set(spec.inputs) <= known and spec.sign in (-1, 0, 1)
    names = [feature.spec.name for feature in FEATURES]
    assert len(set(names)) == len(names) and all(len(kind().features()) >= 6 for kind in KINDS)
    assert {spec.spec.name for spec in FEATURES if spec.spec.sign == 0} >= {
        "cross_asset_absorption_shift_15"
    }


def test_columns_are_finite_vary_and_have_no_unit(table):
    for name in table:
        column = table[name].dropna()
        assert len(column) > 250 and np.isfinite(column).all() and column.nunique() > 3, name
        assert column.abs().max() < 20, name


@pytest.mark.parametrize("cut", [400, 1301])
def test_a_prefix_gives_equal_bits(values, table, cut):
    for feature in FEATURES:
        part, whole = feature(values.iloc[:cut]), table[feature.spec.name].iloc[:cut]
        pd.testing.assert_series_equal(part, whole, check_exact=True, check_freq=False)


def test_levels_do_not_matter(values, table):
    """Every price in another currency gives the same feature."""
    priced = [name for name in values if not name.startswith(("forward_pe", "cape", "btc_funding"))]
    scaled = values.assign(**{name: 7.0 * values[name] for name in priced})
    for feature in FEATURES:
        got, expected = feature(scaled).to_numpy(), table[feature.spec.name].to_numpy()
        off = np.nanquantile(
            np.abs(got - expected), 0.99
        )  # shares below a level may tip on the last bit
        assert off < 1e-6, feature.spec.name


def test_everything_sold_is_seen(values):
    fallen = values.copy()
    fallen.loc[fallen.index[-5] :, [*MARKETS, "tlt"]] *= np.array([0.97, 0.93, 0.88, 0.84, 0.80])[
        :, None
    ]
    read = {feature.spec.name: feature(fallen).iloc[-1] for feature in SellingFeatures().features()}
    assert read["cross_asset_selling_5"] > 0.9 and read["cross_asset_havens_sold_5"] > 1
    assert read["cross_asset_odd_week_5"] > 0.95


def test_what_the_source_does_not_know_is_missing_and_not_constant(values):
    for feature in FEATURES:
        assert feature(values[["sp500"]] * np.nan).isna().all(), feature.spec.name


def test_impossible_parameters_are_refused():
    for kind in KINDS:
        first = next(iter(kind.__dataclass_fields__))
        with pytest.raises(ConfigError, match=f"{first}: must be positive, got 0"):
            kind(**{first: 0})
