"""The reading of depth from bars and from the user's own order book."""

import json

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.mechanisms.market_depth.mechanism import MarketDepth, book_depth, spread_estimates
from regime.mechanisms.market_depth.spread_estimators import (
    amihud_illiquidity,
    corwin_schultz_spread,
    edge_spread,
)

DATES = pd.bdate_range("2018-01-01", periods=1600, name="date")


def fund(name, spread, seed, trades=40, volume=1e8):
    """Bars of trades that bounce between bid and ask, whose distance is told for each session."""
    rng = np.random.default_rng(seed)
    middle = np.exp(np.cumsum(rng.normal(0, 0.01 / trades**0.5, 1600 * trades))).reshape(
        1600, trades
    )
    traded = (
        100 * middle * (1 + np.asarray(spread)[:, None] / 2 * rng.choice([-1, 1], (1600, trades)))
    )
    return pd.DataFrame(
        {
            f"{name}_open": traded[:, 0],
            f"{name}_high": traded.max(axis=1),
            f"{name}_low": traded.min(axis=1),
            f"{name}_close": traded[:, -1],
            f"{name}_traded": traded[:, -1],
            f"{name}_volume": volume,
        },
        index=DATES,
    )


@pytest.fixture(scope="module")
def values():
    """The spread of both funds is four times as wide in the last month."""
    spread = np.r_[np.full(1575, 0.01), np.full(25, 0.04)]
    return pd.concat([fund("spy", spread, 1), fund("qqq", spread, 2)], axis=1)


def test_estimates_are_those_of_the_estimators(values):
    got = spread_estimates(values, "spy")
    bars = values[["spy_open", "spy_high", "spy_low", "spy_close"]].set_axis(
        ["open", "high", "low", "close"], axis=1
    )
    pd.testing.assert_series_equal(got["edge"], edge_spread(bars, 21, 14), check_names=False)
    pd.testing.assert_series_equal(
        got["corwin_schultz"], corwin_schultz_spread(bars, 21, 14), check_names=False
    )
    dollars = values["spy_traded"] * values["spy_volume"]
    pd.testing.assert_series_equal(
        got["amihud"], 1000 * amihud_illiquidity(bars["close"], dollars, 21, 14), check_names=False
    )


def test_a_fund_without_columns_has_no_estimates(values):
    got = spread_estimates(values.drop(columns=["spy_open", "spy_volume"]), "spy")
    assert got[["edge", "amihud"]].isna().all(axis=None) and got["corwin_schultz"].notna().any()
    assert spread_estimates(values, "iwm").isna().all(axis=None)


def test_wide_spreads_read_thin_and_narrow_ones_do_not(values):
    told = MarketDepth()(values, DATES[-1]).to_dict()
    assert told["thin"] and told["percentile"] > 0.95 and told["book"] is None
    assert told["estimates"]["spy"]["edge"]["bps"] == pytest.approx(400, rel=0.25)
    assert told["sentence"].startswith("The market looks thin")
    before = MarketDepth()(values, DATES[1500]).to_dict()
    assert 0.05 < before["percentile"] < 0.95
    json.dumps(told, allow_nan=False)


def test_the_reading_ends_at_the_decision(values):
    assert (
        MarketDepth()(values, DATES[1500]).to_dict()
        == MarketDepth()(values.iloc[:1501], DATES[-1]).to_dict()
    )


@pytest.mark.parametrize(
    "given", [lambda v: v.iloc[:150], lambda v: v.iloc[:0], lambda v: v[["spy_volume"]]]
)
def test_too_little_steps_aside(values, given):
    told = MarketDepth()(given(values), DATES[-1])
    assert told.reason.startswith("no bars of SPY or QQQ for a year before 2024-02-16")


def book(days=DATES, depth=None):
    return pd.DataFrame(
        {
            "date": days,
            "depth": np.arange(len(days), 0, -1.0) if depth is None else depth,
            "released": [f"{day:%Y-%m-%d} 15:00" for day in days],
        }
    )


def test_the_own_book_gives_the_reading(values):
    told = MarketDepth()(values, DATES[-1], book()).to_dict()
    assert told["source"] == "the user's own order book" and told["percentile"] == pytest.approx(
        1 - 1 / 1260
    )
    assert (
        told["book"]["depth"] == 1.0
        and told["book"]["to_year"] < 0.01
        and "order book is thin" in told["sentence"]
    )
    alone = MarketDepth()(pd.DataFrame({"sp500": 1.0}, index=DATES), DATES[-1], book()).to_dict()
    assert alone["percentile"] == told["percentile"] and alone["estimates"] == {}
    deep = MarketDepth()(values, DATES[-1], book(depth=np.arange(1.0, 1601))).to_dict()
    assert deep["percentile"] == 0.0 and not deep["thin"] and "is deep" in deep["sentence"]


def test_a_book_that_does_not_reach_so_far_leaves_the_bars(values):
    told = MarketDepth()(values, DATES[-1], book(DATES[:1400])).to_dict()
    assert told["source"] == "estimates from bars"


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (
            book().drop(columns="released"),
            "depth file: column `released` is absent.*a depth counts from the moment",
        ),
        (book().drop(columns="depth"), "depth file: column `depth` is absent"),
        (book(DATES[:2], [10.0, 0.0]), "depth file: date 2018-01-02.*`depth` must be above 0"),
        (
            book(DATES[:2], ["10", "many"]),
            "depth file: column `depth`: row 2: `many` is no number",
        ),
    ],
)
def test_a_broken_book_is_refused(frame, words):
    with pytest.raises(InvalidDataError, match=words):
        book_depth(frame, DATES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"lookback": 3}, "lookback: must be at least 5, got 3"),
        ({"years": 0}, "years: must be at least 1"),
        ({"thin": 1.0}, "thin: must lie between 0 and 1, got 1"),
    ],
)
def test_impossible_parameters_are_refused(arguments, words):
    with pytest.raises(ConfigError, match=words):
        MarketDepth(**arguments)
