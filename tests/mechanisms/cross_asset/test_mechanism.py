"""Breadth and havens by hand, and what the reading says on markets whose state is known."""

import json

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.cross_asset.breadth import HAVENS, MARKETS, haven_failure, selling_breadth
from regime.mechanisms.cross_asset.mechanism import CrossAssetSelling
from regime.transforms import scaled_moves

DATES = pd.bdate_range("2015-01-05", periods=900, name="date")
NAMES = (*MARKETS, "tlt")


def world(seed=5, **last):
    """Independent markets of 1 % a day, whose last ten sessions go as told, in fractions."""
    steps = pd.DataFrame(
        np.random.default_rng(seed).normal(0, 0.01, (900, len(NAMES))), DATES, NAMES
    )
    for name, move in last.items():
        steps.loc[DATES[-10] :, name] = np.log1p(move) / 10
    return 100 * np.exp(steps.cumsum())


def test_breadth_is_the_share_below_the_level():
    prices = world()[list(MARKETS)]
    moved = scaled_moves(prices, 10)
    expected = ((moved < -1) & moved.notna()).sum(axis=1) / moved.notna().sum(axis=1)
    pd.testing.assert_series_equal(
        selling_breadth(prices), expected.where(moved.notna().sum(axis=1) >= 4)
    )
    sold = world(**dict.fromkeys(MARKETS[:4], -0.2))[list(MARKETS)]
    assert selling_breadth(sold).iloc[-1] >= 4 / len(MARKETS)
    assert selling_breadth(prices[["sp500", "nasdaq", "eem"]]).isna().all()


def test_a_market_without_a_price_takes_no_part():
    prices = world(**dict.fromkeys(MARKETS, -0.2))[list(MARKETS)]
    prices[list(MARKETS[5:])] = np.nan
    assert selling_breadth(prices).iloc[-1] == 1.0


def test_havens_fail_by_the_least_fall():
    v = world(sp500=-0.1, gold_future=-0.05, tlt=-0.08)
    legs = [v[name] for name in HAVENS]
    moved = scaled_moves(v[list(HAVENS)], 10).iloc[-1]
    assert (
        haven_failure(*legs).iloc[-1] == pytest.approx(-moved["gold_future"])
        and moved["gold_future"] < -1
    )
    bid = world(sp500=-0.1, gold_future=-0.05, tlt=0.08)
    assert haven_failure(*(bid[name] for name in HAVENS)).iloc[-1] < 0
    assert np.isnan(haven_failure(*legs[:2], legs[2] * np.nan).iloc[-1])


def test_a_reading_of_quiet_markets():
    told = CrossAssetSelling()(world(), DATES[-1]).to_dict()
    assert (
        told["available"]
        and told["breadth"]["markets"] == len(MARKETS)
        and told["breadth"]["10"] < 0.5
    )
    assert told["havens"]["failed"] is False and "No haven" not in told["sentence"]
    json.dumps(told, allow_nan=False)


def test_a_reading_of_a_312():
    everything = CrossAssetSelling()(world(**dict.fromkeys(NAMES, -0.15)), DATES[-1])
    told = everything.to_dict()
    assert (
        told["breadth"]["10"] == 1.0
        and told["havens"]["failed"]
        and len(told["sold"]) == len(MARKETS)
    )
    assert told["turbulence"]["percentile"] > 0.9 or told["turbulence"]["week"] > 1
    assert (
        told["sentence"].startswith("Selling is broad: 16 of 16 markets")
        and "no haven holds" in told["sentence"]
    )
    assert everything.history.index.equals(DATES) and np.isfinite(everything.history.iloc[-1]).all()


def test_one_market_alone_is_named_and_is_no_broad_selling():
    told = CrossAssetSelling()(
        world(seed=8, **dict.fromkeys(NAMES, 0.01) | {"btc": -0.4}), DATES[-1]
    ).to_dict()
    assert told["sold"] == ["Bitcoin"] and told["breadth"]["10"] == pytest.approx(1 / 16)
    assert (
        told["sentence"].startswith("Some markets are sold: 1 of 16")
        and "not called upon" in told["sentence"]
    )


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ({"sp500": -0.05, "gold_future": 0.05, "tlt": 0.05}, "; havens hold."),
        ({"sp500": -0.05, "gold_future": -0.002, "tlt": -0.05}, "though by little"),
    ],
)
def test_havens_in_words(last, words):
    assert words in CrossAssetSelling(failed=0.9)(world(**last), DATES[-1]).sentence


def test_without_treasuries_nobody_knows_of_havens():
    told = CrossAssetSelling()(world().drop(columns="tlt"), DATES[-1]).to_dict()
    assert told["havens"]["failed"] is None and "not known" in told["sentence"]


def test_the_reading_ends_at_the_decision():
    v = world()
    later = v.copy()
    later.iloc[800:] *= 0.5
    read = CrossAssetSelling()
    assert (
        read(v, DATES[799]).to_dict()
        == read(later, DATES[799]).to_dict()
        == read(v.iloc[:800], DATES[-1]).to_dict()
    )


@pytest.mark.parametrize(
    "values",
    [
        world().iloc[:200],
        world()[["sp500", "nasdaq", "tlt"]],
        world().iloc[:0],
        pd.DataFrame({"vix": 20.0}, index=DATES),
    ],
)
def test_too_little_steps_aside(values):
    told = CrossAssetSelling()(values, DATES[-1])
    assert not told.available and told.reason.startswith(
        "needs 300 sessions with four of its markets, has"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"level": 0.0}, "level: must be below 0"),
        ({"broad": 1.0}, "broad: must lie between 0 and 1"),
        ({"failed": -1.0}, "failed: must be at least 0"),
        ({"correlation": 5}, "correlation: must be at least 10, got 5"),
    ],
)
def test_impossible_parameters_are_refused(arguments, words):
    with pytest.raises(ConfigError, match=words):
        CrossAssetSelling(**arguments)
