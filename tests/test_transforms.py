"""Transforms against the same formulas in pandas, and their NaN rules."""

import numpy as np
import pandas as pd
import pytest

from regime.transforms import (
    change_scale,
    excess_over_median,
    fall_from_high,
    last_value,
    log_moves,
    mean_of_known,
    panel_columns,
    rolling_percentile,
    saturate,
    scaled_change,
    scaled_move,
    scaled_moves,
)

DAYS = pd.bdate_range("2010-01-04", periods=700, name="date")
DATES = pd.bdate_range("2015-01-01", periods=900, name="date")
PRICE = pd.Series(100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 900))), DATES)


def test_against_pandas():
    logs = np.log(PRICE)
    scale = logs.diff().ewm(halflife=126, min_periods=20).std().shift(1) * 10**0.5
    pd.testing.assert_series_equal(change_scale(logs, 10), scale, rtol=1e-9)
    pd.testing.assert_series_equal(scaled_move(PRICE, 10), logs.diff(10) / scale, rtol=1e-9)
    pd.testing.assert_series_equal(
        rolling_percentile(PRICE, 100), PRICE.rolling(100, min_periods=50).rank(pct=True)
    )
    pd.testing.assert_series_equal(
        excess_over_median(PRICE, 60), PRICE - PRICE.rolling(60, min_periods=30).median()
    )


def test_a_move_has_no_unit_and_what_stands_still_no_move():
    np.testing.assert_allclose(
        scaled_move(PRICE * 7, 5).iloc[30:], scaled_move(PRICE, 5).iloc[30:], atol=1e-9
    )
    assert scaled_change(pd.Series(0.1 + 0.2, DATES), 5).isna().all()
    holed = PRICE.copy()
    holed.iloc[400] = -37.6
    assert np.isfinite(scaled_move(holed, 5).iloc[410:]).all() and np.isnan(
        scaled_move(holed, 5).iloc[400]
    )


@pytest.mark.parametrize(
    "gauge",
    [
        lambda x: scaled_move(x, 21),
        lambda x: rolling_percentile(x, 252),
        lambda x: excess_over_median(x, 252),
    ],
)
def test_nothing_is_known_of_what_comes_after(gauge):
    whole = gauge(PRICE)
    for cut in (1, 300, 777):
        assert whole.iloc[:cut].to_numpy().tobytes() == gauge(PRICE.iloc[:cut]).to_numpy().tobytes()


def test_composite_is_the_mean_of_what_is_known():
    parts = {
        "a": pd.Series([0.2, np.nan, np.nan]),
        "b": pd.Series([0.4, 0.5, np.nan]),
        "c": pd.Series([0.6, 1.0, 1.0]),
    }
    np.testing.assert_allclose(mean_of_known(parts, 2), [0.4, 0.75, np.nan])
    np.testing.assert_allclose(mean_of_known(parts, 1), [0.4, 0.75, 1.0])
    assert saturate(pd.Series([-3.0, 5.0, 30.0, np.nan]), 10.0).tolist()[:3] == [0.0, 0.5, 1.0]


def test_columns_up_to_a_date():
    values = pd.DataFrame({"a": [1, 2, 3]}, DATES[:3])
    table = panel_columns(values, ("b", "a"), DATES[1] + pd.Timedelta(hours=1))
    assert table["a"].tolist() == [1.0, 2.0] and table["b"].isna().all()
    assert last_value(table["a"], 10.0) == 20.0 and np.isnan(last_value(table["a"].iloc[:0]))


@pytest.fixture(scope="module")
def drifting():
    rng = np.random.default_rng(2)
    walks = 100 * np.exp(np.cumsum(rng.normal(0, [0.01, 0.02, 0.05], (700, 3)), axis=0))
    return pd.DataFrame(walks, DAYS, ["a", "b", "c"]).mask(rng.random((700, 3)) < 0.01)


@pytest.mark.parametrize("lookback", [1, 5, 21])
def test_scaled_moves_against_pandas(drifting, lookback):
    logs = np.log(drifting)
    daily = logs.diff().ewm(halflife=126, min_periods=20, ignore_na=True).std().shift(1)
    expected = logs.diff(lookback) / (daily * lookback**0.5)
    pd.testing.assert_frame_equal(scaled_moves(drifting, lookback), expected, rtol=1e-9)
    pd.testing.assert_frame_equal(log_moves(drifting, lookback), logs.diff(lookback))


def test_moves_have_no_unit_and_a_constant_price_none(drifting):
    np.testing.assert_allclose(
        scaled_move(drifting["a"] * 1000, 5), scaled_move(drifting["a"], 5), atol=1e-8
    )
    assert scaled_move(pd.Series(5.0, DAYS), 5).isna().all()
    assert scaled_move(pd.Series(-37.63, DAYS), 5).isna().all()
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
    assert fall_from_high(x, 63, 63).first_valid_index() >= DAYS[62]
