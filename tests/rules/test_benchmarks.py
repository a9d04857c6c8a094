"""The simple rules: by hand, causal, and equal to the overlay that they share a formula with."""

import math

import numpy as np
import pandas as pd
import pytest

from regime.performance import realised_volatility
from regime.rules.benchmarks import above_average, buy_and_hold, volatility_target
from regime.rules.overlays import VolatilityTarget


@pytest.fixture
def walk():
    dates = pd.bdate_range("2020-01-01", periods=500, name="date")
    return pd.Series(
        100 * np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.02, 500))), index=dates
    )


def test_buy_and_hold_is_one_on_every_date(walk):
    assert buy_and_hold(walk).eq(1.0).all()
    assert buy_and_hold(walk).index.equals(walk.index)


def test_above_average_by_hand():
    dates = pd.bdate_range("2024-01-01", periods=6, name="date")
    prices = pd.Series([10.0, 12.0, 11.0, math.nan, 9.0, 13.0], index=dates)
    # Means of three: 11 (11 is not above), none, 32/3 (9 below), 11 (13 above).
    assert above_average(prices, days=3).tolist() == [1, 1, 0, 0, 0, 1]


def test_volatility_target_equals_the_overlay(walk):
    returns = walk.pct_change(fill_method=None)
    table = realised_volatility(returns).to_frame("volatility")
    overlay = VolatilityTarget(target=0.12)(table)
    assert volatility_target(returns).tolist() == pytest.approx(overlay.tolist(), rel=1e-12)


@pytest.mark.parametrize(
    "rule",
    [
        buy_and_hold,
        above_average,
        lambda prices: volatility_target(prices.pct_change(fill_method=None)),
    ],
)
def test_causal_and_within_bounds(walk, rule):
    whole = rule(walk)
    assert whole.between(0, 1).all()
    for cut in (1, 2, 199, 200, 333):
        assert rule(walk[:cut]).equals(whole[:cut])
