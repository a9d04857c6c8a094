"""Trend followers against the textbook formula in pandas, with its signs and units."""

import numpy as np
import pandas as pd
import pytest

from regime.mechanisms.cta.exposure import SPANS, SPEEDS, trend_exposure, triggers_broken

DATES = pd.bdate_range("2000-01-03", periods=1500, name="date")


def walk(drift=0.0, daily=0.01, seed=4):
    steps = np.random.default_rng(seed).normal(drift, daily, len(DATES))
    return pd.Series(100 * np.exp(np.cumsum(steps)), DATES)


def expected_exposure(close, speeds):
    logs = np.log(close)
    daily = logs.diff().ewm(halflife=63, min_periods=20).std()
    total = sum(
        (
            (
                logs.ewm(span=fast, min_periods=fast // 4).mean()
                - logs.ewm(span=slow, min_periods=slow // 4).mean()
            )
            / (daily * np.sqrt(slow - fast))
        ).clip(-2, 2)
        for fast, slow in speeds
    )
    return total / (2 * len(speeds)) * (0.10 / (daily * np.sqrt(252))).clip(upper=3.0)


@pytest.mark.parametrize("speeds", [SPEEDS, ((5, 20),)])
def test_exposure_against_pandas(speeds):
    close = walk()
    pd.testing.assert_series_equal(
        trend_exposure(close, speeds),
        expected_exposure(close, speeds),
        check_names=False,
        rtol=1e-9,
    )


def test_exposure_follows_the_trend_and_shrinks_with_volatility():
    rising, falling = trend_exposure(walk(drift=0.002)), trend_exposure(walk(drift=-0.002))
    assert rising.iloc[200:].mean() > 0.1 and falling.iloc[200:].mean() < -0.1
    calm, wild = walk(daily=0.01), walk(daily=0.02)  # the same walk, twice as wide
    np.testing.assert_allclose(
        trend_exposure(wild).iloc[100:], trend_exposure(calm).iloc[100:] / 2, rtol=1e-9
    )
    assert trend_exposure(walk(drift=0.001, daily=0.0005)).abs().max() <= 3.0


def test_exposure_has_no_unit():
    close = walk()
    np.testing.assert_allclose(
        trend_exposure(close * 1000).iloc[30:], trend_exposure(close).iloc[30:], atol=1e-9
    )
    assert trend_exposure(close).first_valid_index() == DATES[SPEEDS[-1][1] // 4 - 1]


def test_a_long_rise_then_a_fall_turns_the_position_fast_before_slow():
    path = np.r_[np.linspace(0, 1, 1000), np.linspace(1, 0.7, 100)] + 0.004 * np.sin(
        np.arange(1100)
    )
    close = pd.Series(np.exp(path), DATES[:1100])
    turned = [
        int((trend_exposure(close, (speed,)).iloc[1000:] < 0).to_numpy().argmax())
        for speed in SPEEDS
    ]
    assert 0 < turned[0] < turned[1] < turned[2]


def test_triggers_against_pandas():
    close = walk()
    broken = triggers_broken(close)
    averages = [close.ewm(span=span, min_periods=span // 4).mean() for span in SPANS]
    expected = sum((close < average).astype(float) for average in averages) / len(SPANS)
    pd.testing.assert_series_equal(broken, expected.where(averages[-1].notna()), check_names=False)
    assert broken.first_valid_index() == DATES[SPANS[-1] // 4 - 1]
    assert {0.0, 1.0} <= set(broken.dropna().round(6)) <= {0.0, 0.333333, 0.666667, 1.0}


def test_a_gap_or_a_price_that_is_not_positive_is_missing_and_no_more():
    close = walk()
    gapped, negative = close.copy(), close.copy()
    gapped.iloc[700], negative.iloc[700] = np.nan, -37.6
    for own in (trend_exposure(gapped), trend_exposure(negative)):
        assert own.notna().sum() >= trend_exposure(close).notna().sum() - 1
        np.testing.assert_allclose(own.iloc[1400:], trend_exposure(close).iloc[1400:], atol=0.05)
    assert triggers_broken(gapped).iloc[701:].notna().all()
