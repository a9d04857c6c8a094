"""Features of futures positions, of funds that trade on volatility, and of pension funds.

What they read, that nothing has a unit, and that no row knows what follows it.
"""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.futures_positioning.features import FuturesPositioningFeatures
from regime.mechanisms.pension import PensionFeatures
from regime.mechanisms.volatility_targeting.features import VolatilityTargetingFeatures

FEATURES = (
    *FuturesPositioningFeatures(crowding=500).features(),
    *VolatilityTargetingFeatures(crowding=500).features(),
    *PensionFeatures().features(),
)
DATES = pd.bdate_range("2015-01-02", periods=1300, name="date")


def market_data():
    """Every input; reports weekly, margin debt monthly, the rest walks."""
    rng, columns = np.random.default_rng(2), {}
    for name in sorted({name for feature in FEATURES for name in feature.spec.inputs}):
        walk = np.cumsum(rng.normal(0, 0.01, len(DATES)))
        if name.startswith("cot_"):
            walk = np.repeat(walk[::5], 5)[: len(DATES)]
            columns[name] = (
                1e5 * walk
                if "net" in name
                else 1e5 * np.exp(walk) * (5 if "interest" in name else 1)
            )
        elif name == "dgs3mo":
            columns[name] = np.full(len(DATES), 3.0)
        elif name == "margin_debt":
            columns[name] = 5e5 * np.exp(
                pd.Series(walk, DATES).groupby(DATES.to_period("M")).transform("first")
            )
        else:
            columns[name] = 100 * np.exp(walk)
    return pd.DataFrame(columns, index=DATES)


VALUES = market_data()


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.spec.name)
def test_each_moves_is_finite_and_causal(feature):
    column = feature(VALUES)
    known = column.dropna()
    assert (
        len(known) > 300
        and np.isfinite(known).all()
        and known.nunique() > 5
        and known.abs().max() < 20
    )
    assert feature(VALUES.iloc[:900]).to_numpy().tobytes() == column.iloc[:900].to_numpy().tobytes()


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.spec.name)
def test_none_knows_a_unit(feature):
    """Prices, contracts and dollars in another unit, yields as they are."""
    scaled = VALUES.apply(lambda column: column if column.name == "dgs3mo" else column * 8)
    pd.testing.assert_series_equal(feature(scaled), feature(VALUES), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.spec.name)
def test_without_data_there_is_no_number(feature):
    assert feature(pd.DataFrame(index=DATES)).isna().all()


def test_three_features_or_more_a_mechanism():
    mechanisms = [feature.spec.mechanism for feature in FEATURES]
    assert len(set(feature.spec.name for feature in FEATURES)) == len(FEATURES)
    assert {feature.spec.family for feature in FEATURES} == {"positioning"}
    assert min(mechanisms.count(name) for name in set(mechanisms)) >= 3


@pytest.mark.parametrize("family", [FuturesPositioningFeatures, VolatilityTargetingFeatures])
def test_an_impossible_lookback_is_refused(family):
    with pytest.raises(ConfigError, match="crowding: must be positive"):
        family(crowding=0)
