"""The gamma features.

Specs by the house rule, values by hand, scale-free, causal and never constant.
"""

import re

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.dealer_gamma.daily_series import GammaFeatures
from regime.schema import check_features
from regime.sources.catalogue import load_catalogue

FEATURES = GammaFeatures().features()


@pytest.fixture(scope="module")
def values():
    rng, dates = np.random.default_rng(2), pd.bdate_range("2012-01-02", periods=1800, name="date")
    gex = 2e9 + np.cumsum(rng.normal(0, 2e8, 1800)) + rng.normal(0, 1.5e9, 1800)
    return pd.DataFrame({"gex": gex, "dix": rng.uniform(0.35, 0.5, 1800)}, dates).mask(
        rng.random((1800, 2)) < 0.01
    )


def table(values, features=FEATURES):
    return pd.DataFrame({feature.spec.name: feature(values) for feature in features})


def test_names_inputs_and_signs():
    names = [feature.spec.name for feature in FEATURES]
    assert len(set(names)) == len(names) >= 3
    for feature in FEATURES:
        spec = feature.spec
        assert spec.family == "positioning" and spec.mechanism == "dealer gamma"
        assert set(spec.inputs) <= set(load_catalogue().series)
        assert re.fullmatch(r"positioning_[a-z_]+_[1-9]\d*", spec.name) and spec.name.endswith(
            f"_{spec.lookback}"
        )
    # Short gamma feeds a fall: only the share of negative sessions rises with stress.
    assert {
        name: f.spec.sign for name, f in zip(names, FEATURES, strict=True) if "gex" in name
    } == {name: 1 if "negative_share" in name else -1 for name in names if "gex" in name}


def test_values_are_finite_vary_and_know_nothing_of_the_unit(values):
    made = check_features(table(values), [feature.spec for feature in FEATURES])
    assert (made.nunique() > 15).all() and made.iloc[-1].notna().all()
    pd.testing.assert_frame_equal(
        table(values.assign(gex=values["gex"] * 4096)), made, check_exact=True
    )


def test_a_prefix_gives_equal_bits(values):
    whole = table(values)
    for t in (300, 999, 1500):
        pd.testing.assert_frame_equal(table(values.iloc[:t]), whole.iloc[:t], check_exact=True)


def test_the_count_of_calm_days_by_hand():
    dates = pd.bdate_range("2020-01-01", periods=4, name="date")
    made = table(
        pd.DataFrame({"gex": [-1.0, 1, 2, -3], "dix": 0.4}, dates),
        GammaFeatures(lookback=7).features(),
    )
    np.testing.assert_allclose(
        made["positioning_gex_days_since_negative_7"], np.log([1, 2, 3, 1]) / np.log(8)
    )
    assert made["positioning_gex_relative_7"].iloc[-1] == pytest.approx(-3 / 1.75)


def test_before_the_series_begins_nothing_is_known(values):
    made = table(values.assign(gex=np.nan))
    assert made.filter(like="gex").isna().all().all()


def test_a_window_that_is_not_positive_is_refused():
    with pytest.raises(ConfigError, match="month: must be positive, got 0"):
        GammaFeatures(month=0)
