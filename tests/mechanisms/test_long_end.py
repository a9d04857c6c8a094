"""The long end in made worlds: four ways a curve can move, and what makes it strain."""

import json

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.long_end import (
    INPUTS,
    PARTS,
    LongEnd,
    bear_steepening,
    bull_steepening,
    curve_states,
    mortgage_spread,
    rate_volatility,
)

DATES = pd.bdate_range("2015-01-01", periods=1400, name="date")
EVENT = 1300


def world(two=0.0, thirty=0.0, mortgage=0.0, move=0.0, seed=6):
    """Walks of 5 bp a day.

    Over the 63 sessions up to EVENT the named ones move by so many points.
    """
    rng = np.random.default_rng(seed)
    path = np.clip((np.arange(len(DATES)) - (EVENT - 63)) / 63, 0, 1)
    walk = np.cumsum(rng.normal(0, 0.05, (len(DATES), 2)), axis=0)
    still = np.clip(
        np.arange(len(DATES)), None, EVENT - 63
    )  # the quarter itself holds the event alone
    two_, thirty_ = 3.0 + walk[still, 0] + two * path, 4.0 + walk[still, 1] + thirty * path
    ten = 0.5 * (two_ + thirty_)
    weekly = (ten + 1.7 + mortgage * path)[(np.arange(len(DATES)) // 5) * 5]
    level = 80 * np.exp(0.1 * rng.normal(size=len(DATES)) + move * path)
    return pd.DataFrame(
        {"dgs2": two_, "dgs10": ten, "dgs30": thirty_, "mortgage30": weekly, "move": level}, DATES
    )


@pytest.mark.parametrize(
    ("two", "thirty", "state"),
    [
        (0.2, 0.8, "bear steepening"),
        (0.8, 0.2, "bear flattening"),
        (-0.8, -0.2, "bull steepening"),
        (-0.2, -0.8, "bull flattening"),
    ],
)
def test_four_ways(two, thirty, state):
    v = world(two, thirty)
    assert curve_states(v).iloc[EVENT] == state
    assert (bear_steepening(v).iloc[EVENT] > 0) == (state == "bear steepening")
    assert (bull_steepening(v).iloc[EVENT] > 0) == (state == "bull steepening")
    assert LongEnd()(v, DATES[EVENT]).to_dict()["curve"]["state"] == state


def test_steepening_against_pandas():
    v = world(0.1, 0.9)
    two = [
        x.diff(63) / (x.diff().ewm(halflife=126, min_periods=20).std().shift(1) * 63**0.5)
        for x in (v["dgs30"], v["dgs30"] - v["dgs2"])
    ]
    expected = pd.concat(two, axis=1).min(axis=1, skipna=False).clip(lower=0)
    pd.testing.assert_series_equal(bear_steepening(v), expected, rtol=1e-9)


def test_a_curve_that_has_not_moved_or_is_not_known_has_no_state():
    v = world()
    flat = v.assign(dgs2=2.0, dgs30=4.0)
    assert curve_states(flat).isna().all() and curve_states(v.assign(dgs30=np.nan)).isna().all()
    assert LongEnd()(v.assign(dgs30=np.nan)).to_dict()["curve"]["state"] is None


def test_mortgages_and_volatility_by_hand():
    v = world()
    expected = v["mortgage30"] - v["dgs10"].rolling(5, min_periods=3).mean()
    pd.testing.assert_series_equal(mortgage_spread(v), expected)
    logs = np.log(v["move"])
    pd.testing.assert_series_equal(
        rate_volatility(v), logs - logs.rolling(252, min_periods=126).mean()
    )
    assert np.isfinite(
        rate_volatility(v.assign(move=v["move"].where(v["move"] > 75, 0.0))).dropna()
    ).all()


def test_strain_comes_from_dear_long_money_and_not_from_cheap():
    strained, quiet = world(0.3, 1.2, 0.6, 0.8), world(-0.3, -1.2, -0.3, -0.2)
    assert LongEnd().score(strained).iloc[EVENT] > 0.7 and LongEnd().score(quiet).iloc[EVENT] < 0.1
    reading = LongEnd()(strained, DATES[EVENT]).to_dict()
    assert reading["state"] == "strained" and set(reading["parts"]) == set(PARTS)
    assert reading["score"] == pytest.approx(np.mean(list(reading["parts"].values())))
    assert reading["thirty_year"]["change_63_bp"] == pytest.approx(120, abs=1e-6)
    assert "strained" in reading["sentence"] and "bear steepening" in reading["sentence"]
    assert LongEnd()(quiet, DATES[EVENT]).to_dict()["state"] == "quiet"
    json.dumps(reading, allow_nan=False)


def test_term_premium_is_read_inside_its_vintage_and_tagged():
    history = pd.Series(np.linspace(-1, 1, 200), pd.bdate_range("2019-01-01", periods=200))
    told = LongEnd()(world(), DATES[EVENT], term_premium=history).to_dict()["term_premium"]
    assert told["percent"] == 1.0 and told["change_63_points"] == pytest.approx(63 * 2 / 199)
    assert told["vintage"] == "one, revised"
    assert LongEnd()(world()).to_dict()["term_premium"]["vintage"] is None
    assert (
        LongEnd()(world(), DATES[EVENT], term_premium=history[:0]).to_dict()["term_premium"][
            "percent"
        ]
        is None
    )


def test_reading_ends_at_its_date_and_steps_aside_without_yields():
    v = world(0.3, 1.2)
    assert LongEnd()(v, DATES[900]).to_dict() == LongEnd()(v.iloc[:901]).to_dict()
    for values in (v[["dgs2", "move"]], v.iloc[:0], v.assign(dgs10=np.nan)):
        assert LongEnd()(values).to_dict() == {
            "available": False,
            "reason": "the 10-year yield is not known",
        }
    few = LongEnd()(v[["dgs10", "move"]]).to_dict()
    assert few["state"] is None and "too few parts" in few["sentence"]


@pytest.mark.parametrize(
    "build",
    [
        bear_steepening,
        bull_steepening,
        mortgage_spread,
        rate_volatility,
        LongEnd().parts,
        LongEnd().score,
    ],
)
def test_nothing_is_known_of_what_comes_after(build):
    v = world(0.3, 1.2).mask(np.random.default_rng(3).random((len(DATES), len(INPUTS))) < 0.02)
    whole = build(v)
    for cut in (1, 300, 777, EVENT):
        assert whole.iloc[:cut].to_numpy().tobytes() == build(v.iloc[:cut]).to_numpy().tobytes()


def test_words_of_the_curve_know_nothing_of_what_comes_after():
    v = world(0.3, 1.2)
    assert (
        curve_states(v).iloc[:500].fillna("").tolist()
        == curve_states(v.iloc[:500]).fillna("").tolist()
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"full_move": 0.0}, "full_move: must be positive"),
        ({"strained": 0.2}, "strained: must lie above rising"),
        ({"minimum": 5}, "minimum: must not exceed the 4 parts"),
    ],
)
def test_impossible_parameters_are_refused(wrong, words):
    with pytest.raises(ConfigError, match=words):
        LongEnd(**wrong)
