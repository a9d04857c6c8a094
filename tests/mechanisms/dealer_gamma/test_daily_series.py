"""Daily gamma made comparable: by hand, by pandas, and without knowledge of what comes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.mechanisms.dealer_gamma.daily_series import (
    days_since_negative,
    gamma_rank,
    negative_share,
    relative_gamma,
)

NAN = np.nan
QUANTITIES = {
    "rank": gamma_rank,
    "relative": relative_gamma,
    "share": negative_share,
    "since": days_since_negative,
}


def series(values):
    return pd.Series(
        values, pd.bdate_range("2020-01-01", periods=len(values), name="date"), dtype=float
    )


@pytest.fixture(scope="module")
def gex():
    rng = np.random.default_rng(4)
    values = np.cumsum(rng.normal(0, 1e9, 900)) * 0.3 + rng.normal(2e9, 1e9, 900)
    return series(values).mask(rng.random(900) < 0.02)


@pytest.mark.parametrize(
    ("values", "cap", "since"),
    [
        ([1, -1, 2, 3, -2, 5], 10, [NAN, 0, 1, 2, 0, 1]),
        ([1, 2, 3, 4, 5], 3, [NAN, NAN, 3, 3, 3]),
        ([-1, NAN, 1, NAN, NAN, 1], 10, [0, NAN, 2, NAN, NAN, 5]),
        ([NAN, NAN, 1], 2, [NAN, NAN, NAN]),
        ([-1, 1, 1, 1, 1], 3, [0, 1, 2, 3, 3]),
        ([0, 0], 2, [NAN, 2]),
        ([], 5, []),
    ],
)
def test_days_since_negative_by_hand(values, cap, since):
    np.testing.assert_array_equal(
        days_since_negative(series(values), cap), np.array(since, dtype=float)
    )


def test_the_others_are_what_pandas_says(gex):
    pd.testing.assert_series_equal(
        gamma_rank(gex, 60), gex.rolling(60, min_periods=30).rank(pct=True)
    )
    size = gex.abs().rolling(60, min_periods=30).mean()
    pd.testing.assert_series_equal(relative_gamma(gex, 60), gex / size, check_names=False)
    below = (gex < 0).astype(float).where(gex.notna())
    pd.testing.assert_series_equal(
        negative_share(gex, 21), below.rolling(21, min_periods=10).mean()
    )


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_prefix_gives_equal_bits_and_the_unit_does_not_matter(gex, name):
    whole = QUANTITIES[name](gex)
    for t in (300, 417, 899):
        pd.testing.assert_series_equal(
            QUANTITIES[name](gex.iloc[:t]), whole.iloc[:t], check_exact=True
        )
    pd.testing.assert_series_equal(QUANTITIES[name](gex * 1024), whole, check_exact=True)
    assert whole.notna().mean() > 0.6 and np.isfinite(whole.dropna()).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([NAN, 0.0, -1e9, 1e9, 3.0]), max_size=60))
def test_nothing_is_infinite_or_out_of_range(values):
    x = series(values)
    for name, low, high in (("rank", 0, 1), ("share", 0, 1), ("since", 0, 8), ("relative", -8, 8)):
        found = QUANTITIES[name](x, 8).dropna()
        assert ((found >= low) & (found <= high)).all(), name


@pytest.mark.parametrize("name", QUANTITIES)
def test_a_window_of_one_is_refused(name):
    with pytest.raises(ConfigError, match=r"^lookback: must be at least 2 sessions, got 1"):
        QUANTITIES[name](series([1.0, 2.0]), 1)
