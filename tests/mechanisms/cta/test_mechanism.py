"""The table of trend followers.

Its keys, signs and ranges, what it reads, and when it steps aside.
"""

import json

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.base import Capital
from regime.mechanisms.cta.exposure import TrendBook
from regime.mechanisms.cta.futures_price import years_to_expiry
from regime.mechanisms.cta.mechanism import (
    TrendFeatures,
    TrendFollowers,
    held_price,
    trigger_levels,
)

DATES = pd.bdate_range("1998-01-01", periods=1700, name="date")
READ = TrendFollowers()


@pytest.fixture(scope="module")
def values():
    close = pd.Series(
        1000 * np.exp(np.cumsum(np.random.default_rng(8).normal(0.0004, 0.009, len(DATES)))), DATES
    )
    years, _ = years_to_expiry(DATES)
    return pd.DataFrame(
        {
            "sp500": close,
            "es": close * np.exp(0.03 * years),
            "dgs3mo": 5.0,
            "spy": close * np.exp(0.015 * np.arange(len(DATES)) / 252),
        }
    )


def read(values, day=DATES[-1]):
    return READ(values, day).values["sp500"]


def test_the_keys_that_are_promised_and_json(values):
    told = READ(values, DATES[-1]).to_dict()
    own = told["sp500"]
    assert told["available"] is True and json.loads(json.dumps(told)) == told
    assert (
        set(own["triggers"])
        == {"short", "medium", "long"}
        == set(own["broken"])
        == set(own["distance_sigmas"])
    )
    for horizon in ("1w", "1m"):
        assert set(own["flows_usd_bn"][horizon]) == {"up", "flat", "down"}
        assert all(f["low"] <= f["mid"] <= f["high"] for f in own["flows_usd_bn"][horizon].values())
    assert (
        -1 <= own["exposure"] <= 1
        and 0 <= own["percentile"] <= 1
        and isinstance(own["seller_in_every_scenario"], bool)
    )
    assert (
        0 < own["r2"] < 1
        and own["held"] == "the front future, rolled"
        and own["carry"] == pytest.approx(0.03)
    )


def test_the_words_say_what_the_numbers_do(values):
    told = READ(values, DATES[-1])
    own = told.values["sp500"]
    assert (
        f"{own['triggers']['long']:,.0f}" in told.sentence and f"{own['r2']:.0%}" in told.sentence
    )
    side = "long" if own["exposure"] > 0 else "short"
    assert f"Trend followers are {side} the S&P 500 at" in told.sentence


def test_flows_are_changes_of_exposure_times_the_money(values):
    small = TrendFollowers(capital=Capital(low=1, mid=1, high=1))(values, DATES[-1]).values[
        "sp500"
    ]["flows_usd_bn"]
    own, money = read(values), read(values)["usd_bn_per_exposure"]
    for horizon, of in own["flows_usd_bn"].items():
        for scenario, flow in of.items():
            assert flow["mid"] == pytest.approx(small[horizon][scenario]["mid"] * money["mid"])
            assert abs(small[horizon][scenario]["mid"]) <= 2.0
        assert own["down_minus_flat_usd_bn"][horizon]["mid"] == pytest.approx(
            of["down"]["mid"] - of["flat"]["mid"]
        )


@pytest.mark.parametrize("day", [DATES[700], DATES[1200], DATES[-1]])
def test_a_seller_in_every_scenario_sells_in_every_scenario(values, day):
    own = read(values, day)
    assert own["seller_in_every_scenario"] == all(
        flow["mid"] < 0 for flow in own["flows_usd_bn"]["1w"].values()
    )
    nearest = own["nearest"]
    assert abs(nearest["sigmas"]) == pytest.approx(
        min(abs(away) for away in own["distance_sigmas"].values())
    )
    assert own["broken"] == {name: own["close"] < level for name, level in own["triggers"].items()}


@pytest.mark.parametrize("speed", ["short", "medium", "long"])
def test_a_next_close_at_the_level_turns_that_speed(values, speed):
    book, known = TrendBook(), values.iloc[:1400]
    level = read(values, DATES[1399])["triggers"][speed]
    for factor, sign in ((0.999, -1), (1.001, 1)):  # wider than the carry of one session
        row = values.iloc[[1400]].assign(sp500=level * factor, es=np.nan)
        after = held_price(pd.concat([known, row]))
        assert np.sign(book.signals(after)[speed].iloc[-1]) == sign


def test_below_the_level_of_no_exposure_the_order_is_short(values):
    book, known = TrendBook(), values.iloc[:1400]
    level = read(values, DATES[1399])["no_exposure_below"]
    for factor, sign in ((0.995, -1), (1.005, 1)):
        row = values.iloc[[1400]].assign(sp500=level * factor, es=np.nan)
        assert np.sign(book.target(held_price(pd.concat([known, row]))).iloc[-1]) == sign


def test_only_what_was_known_is_read(values):
    stirred = values.copy()
    stirred.iloc[1300:] *= 1.5
    assert READ(values, DATES[1299]).to_dict() == READ(stirred, DATES[1299]).to_dict()
    between = DATES[1299] + pd.Timedelta(hours=12)
    assert READ(values, between).to_dict() == READ(values, DATES[1299]).to_dict()


def test_the_history_holds_exposure_and_levels_since_2000(values):
    history = READ(values, DATES[-1]).history
    assert history.index[0] >= pd.Timestamp("2000-01-01") and history.index[-1] == DATES[-1]
    assert {"exposure", "trigger_short", "trigger_medium", "trigger_long", "sp500"} <= set(history)
    levels = trigger_levels(values["sp500"], held_price(values), TrendBook())
    assert history["trigger_long"].iloc[-1] == levels["long"].iloc[-1]


def test_without_a_future_the_index_pays_bills_and_earns_dividends(values):
    told = read(values.drop(columns="es"))
    assert told["held"] == "the index with bills and dividends" and told["carry"] is None
    alone = read(values[["sp500"]])
    assert (
        alone["held"] == "the index alone" and alone["triggers"]["long"] < told["triggers"]["long"]
    )


def test_it_steps_aside_with_a_reason(values):
    short = READ(values.iloc[:300], DATES[299]).to_dict()
    assert short["available"] is False and "300 are known" in short["reason"]
    assert READ(values.drop(columns="sp500"), DATES[-1]).available is False
    assert READ(values[["sp500"]] * 0 + 100, DATES[-1]).available is False
    assert READ(values, pd.Timestamp("1997-01-01")).available is False


def test_before_the_years_that_are_ranked_there_is_no_rank():
    dates = pd.bdate_range("1994-01-03", periods=700, name="date")
    close = pd.Series(
        400 * np.exp(np.cumsum(np.random.default_rng(8).normal(0.0004, 0.009, 700))), dates
    )
    told = READ(pd.DataFrame({"sp500": close}), dates[-1])
    assert told.values["sp500"]["percentile"] is None and "higher than" not in told.sentence


@pytest.mark.parametrize(
    ("arguments", "word"), [({"size": 0.0}, "size"), ({"since": "soon"}, "since")]
)
def test_impossible_parameters_are_refused(arguments, word):
    with pytest.raises(ConfigError, match=f"^{word}"):
        TrendFollowers(**arguments)


def test_features_are_causal_bounded_and_not_constant(values):
    for feature in TrendFeatures().features():
        whole = feature(values)
        np.testing.assert_array_equal(whole.iloc[:1500], feature(values.iloc[:1500]))
        told = whole.dropna()
        assert (
            len(told) > 300
            and np.isfinite(told).all()
            and told.abs().max() <= 10.0
            and told.std() > 0
        )
        assert feature.spec.family == "positioning" and feature.spec.sign != 0


def test_features_do_without_the_future(values):
    for feature in TrendFeatures().features():
        assert feature(values[["sp500"]]).notna().sum() == feature(values).notna().sum()
    with pytest.raises(ConfigError, match="crowding"):
        TrendFeatures(crowding=0)
