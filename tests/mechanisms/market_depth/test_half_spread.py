"""Half-spreads are those of the sessions before, and never nothing."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.market_depth.spread_estimators import HalfSpread, edge_spread

NAN = np.nan


def bounced(spread, days=600, trades=30, seed=1):
    """Bars of trades at bid or ask, by the toss of a coin, around a mid that moves 1 % a day."""
    rng = np.random.default_rng(seed)
    middle = 100 * np.exp(np.cumsum(rng.normal(0, 0.01 / trades**0.5, days * trades)))
    traded = (middle * (1 + spread / 2 * rng.choice([-1, 1], days * trades))).reshape(days, trades)
    return pd.DataFrame(
        {
            "open": traded[:, 0],
            "high": traded.max(axis=1),
            "low": traded.min(axis=1),
            "close": traded[:, -1],
        },
        index=pd.bdate_range("2000-01-03", periods=days, name="date"),
    )


def test_a_half_spread_is_that_of_the_sessions_before():
    bars = bounced(0.01, days=300, trades=200)
    rule = HalfSpread(lookback=63, minimum=21, floor_bps=2.0, unknown_bps=7.0)
    half = rule(bars)
    expected = edge_spread(bars, 63, 21, signed=True) / 2 * 1e4
    assert (half.iloc[:21] == 7.0).all() and half.name == "half_spread"
    np.testing.assert_allclose(
        half.iloc[22:], expected.shift(1).iloc[22:].clip(lower=2.0), rtol=1e-12
    )
    stirred = bars.copy()
    stirred.iloc[200] *= [1.0, 1.2, 0.8, 1.1]
    assert (
        rule(stirred).iloc[:201].equals(half.iloc[:201])
        and rule(stirred).iloc[201] != half.iloc[201]
    )
    assert half.iloc[21:].median() == pytest.approx(50.0, rel=0.1)


def test_a_half_spread_is_never_missing_nor_below_its_floor():
    calm = bounced(0.0)
    gapped = bounced(0.005).mask(np.random.default_rng(3).random(calm.shape) < 0.02)
    for bars in (
        gapped,
        calm,
        calm * np.nan,
        calm.iloc[:0],
        calm.assign(open=50.0, high=50.0, low=50.0, close=50.0),
    ):
        half = HalfSpread(floor_bps=3.0)(bars)
        assert (half >= 3.0).all() and len(half) == len(bars)
    assert (HalfSpread(floor_bps=3.0)(calm) == 3.0).any()
    assert str(HalfSpread()).startswith(
        "half-spread by EDGE over the 63 sessions before, at least 0.5 bp, 5 bp until"
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"lookback": 2}, "lookback: must be at least 3"),
        ({"minimum": 64}, "minimum: must lie in"),
        ({"floor_bps": -1.0}, "floor_bps: must lie in"),
        ({"unknown_bps": NAN}, "unknown_bps: must lie in"),
        ({"floor_bps": 6.0}, "unknown_bps: must be at least floor_bps"),
    ],
)
def test_an_impossible_half_spread_is_refused(change, fault):
    with pytest.raises(ConfigError, match=fault):
        HalfSpread(**change)
