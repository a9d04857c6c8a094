"""Scaled moves against pandas, and their edges."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.feature import check_at_least
from regime.transforms import (
    fall_from_high,
    log_moves,
    rolling_percentile,
    scaled_move,
    scaled_moves,
)

DATES = pd.bdate_range("2010-01-04", periods=700, name="date")


@pytest.fixture(scope="module")
def drifting():
    rng = np.random.default_rng(2)
    walks = 100 * np.exp(np.cumsum(rng.normal(0, [0.01, 0.02, 0.05], (700, 3)), axis=0))
    return pd.DataFrame(walks, DATES, ["a", "b", "c"]).mask(rng.random((700, 3)) < 0.01)


@pytest.mark.parametrize("lookback", [1, 5, 21])
def test_scaled_moves_against_pandas(drifting, lookback):
    logs = np.log(drifting)
    daily = logs.diff().ewm(halflife=126, min_periods=20, ignore_na=True).std().shift(1)
    expected = logs.diff(lookback) / (daily * lookback**0.5)
    pd.testing.assert_frame_equal(scaled_moves(drifting, lookback), expected, rtol=1e-9)
    pd.testing.assert_frame_equal(log_moves(drifting, lookback), logs.diff(lookback))


def test_a_move_has_no_unit_and_a_still_price_none(drifting):
    np.testing.assert_allclose(
        scaled_move(drifting["a"] * 1000, 5), scaled_move(drifting["a"], 5), atol=1e-8
    )
    assert scaled_move(pd.Series(5.0, DATES), 5).isna().all()
    assert scaled_move(pd.Series(-37.63, DATES), 5).isna().all()
    assert (
        scaled_move(drifting["a"].iloc[:3], 5).isna().all()
        and scaled_move(drifting["a"].iloc[:0], 1).empty
    )


def test_falls_and_ranks_against_pandas(drifting):
    x = drifting["b"]
    expected = x / x.rolling(63, min_periods=15).max() - 1
    pd.testing.assert_series_equal(fall_from_high(x, 63), expected, check_names=False)
    ranks = x.rolling(250, min_periods=50).rank(pct=True)
    pd.testing.assert_series_equal(rolling_percentile(x, 250, 50), ranks, check_names=False)
    assert fall_from_high(x, 63, 63).first_valid_index() >= DATES[62]


def test_what_is_known_ends_at_the_decision(drifting):
    assert known_until(drifting, "2010-03-07").index[-1] == pd.Timestamp("2010-03-05")
    assert known_until(drifting, "2009-01-01").empty


def test_parameters_below_a_bound_are_all_named():
    with pytest.raises(ConfigError) as told:
        check_at_least(10, window=3, other=20, fast=0)
    assert told.value.faults == (
        "window: must be at least 10, got 3",
        "fast: must be at least 10, got 0",
    )
