"""The dollar in made worlds: who is sold for whom, against formulas in pandas."""

import json

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.dollar.mechanism import DollarStress
from regime.mechanisms.dollar.stress import (
    INPUTS,
    carry_unwind,
    correlation_flips,
    dash_for_dollars,
    debasement,
    distance_to_extreme,
    equity_correlation,
    yen_volatility,
)

DATES = pd.bdate_range("2018-01-01", periods=1200, name="date")
EVENT = 1000


def world(seed=2, **drifts):
    """Independent walks.

    From EVENT on each named one moves by its drift, in daily volatilities, for ten sessions.
    """
    rng = np.random.default_rng(seed)
    prices = {}
    for name in INPUTS:
        steps = rng.normal(0, 0.01, len(DATES))
        steps[EVENT : EVENT + 10] = 0.01 * drifts.get(name, 0.0)
        prices[name] = 100 * np.exp(np.cumsum(steps))
    return pd.DataFrame(prices, DATES)


DASH = {"dollar_index": 1.0, "sp500": -2.0, "eem": -2.0, "copper": -1.5, "hyg": -1.0, "gold": -1.2}


def test_a_dash_needs_all_of_them():
    score = dash_for_dollars(world(**DASH))
    assert (
        score.iloc[EVENT + 9] > 2.0
        and score.iloc[EVENT + 9] == score.iloc[EVENT - 5 : EVENT + 12].max()
    )
    for name in ("dollar_index", "sp500", "gold"):
        assert dash_for_dollars(world(**{**DASH, name: -DASH[name]})).iloc[EVENT + 9] < 0.8


def test_dash_against_pandas():
    v = world(**DASH)
    logs = np.log(v)
    unit = logs.diff().ewm(halflife=126, min_periods=20).std().shift(1)
    speeds = []
    for days in (5, 10, 21):
        m = logs.diff(days) / (unit * days**0.5)
        risk = m[["sp500", "eem", "copper", "hyg"]].mean(axis=1)
        four = pd.concat([m["dollar_index"], -m["sp500"], -risk, -m["gold"]], axis=1)
        speeds.append(four.min(axis=1, skipna=False).clip(lower=0))
    pd.testing.assert_series_equal(
        dash_for_dollars(v), pd.concat(speeds, axis=1).max(axis=1, skipna=False), rtol=1e-9
    )
    only = v[["dollar_index", "sp500", "gold"]]
    assert dash_for_dollars(only).notna().iloc[50:].all()
    assert dash_for_dollars(v.assign(gold=np.nan)).isna().all()


def test_debasement_is_low_dollar_and_high_gold():
    slope = np.linspace(0, 1, len(DATES))
    v = pd.DataFrame({"dollar_index": np.exp(-slope), "gold": np.exp(slope)}, DATES)
    assert debasement(v).iloc[-1] == pytest.approx(1 - 1 / 504)
    assert debasement(v.assign(gold=np.exp(-slope))).iloc[-1] < 0.01
    assert debasement(v).iloc[:251].isna().all()


def test_extremes_by_hand():
    price = pd.Series([1.0, 2.0, 4.0, 1.0, 2.0], DATES[:5])
    np.testing.assert_allclose(
        distance_to_extreme(price, 4, 1), [np.nan, 0, 0, -np.log(4), -np.log(2)]
    )
    np.testing.assert_allclose(
        distance_to_extreme(price, 4, -1), [np.nan, np.log(2), np.log(4), 0, np.log(2)]
    )


def test_correlation_is_that_of_the_same_days():
    rng = np.random.default_rng(1)
    daily = rng.normal(0, 0.01, len(DATES))
    equities = pd.Series(np.exp(np.cumsum(daily)), DATES)
    dollar = pd.Series(np.exp(-np.cumsum(daily)), DATES).shift(1)  # counts from the session after
    link = equity_correlation(pd.DataFrame({"dollar_index": dollar, "sp500": equities}))
    assert link.iloc[100:].max() < -0.999
    aligned = equity_correlation(
        pd.DataFrame({"dollar_index": dollar.shift(-1), "sp500": equities})
    )
    assert abs(aligned.iloc[-1]) < 0.4


def test_a_sign_flips_beyond_the_band_only():
    v = world()
    link, state = equity_correlation(v), correlation_flips(v, band=0.15)
    sign, age = np.nan, np.nan
    for t in range(len(DATES)):
        beyond = np.sign(link.iloc[t]) if abs(link.iloc[t]) > 0.15 else sign
        sign, age = beyond, 0.0 if beyond != sign and not np.isnan(beyond) else age + 1
        np.testing.assert_array_equal(state.iloc[t], [sign, age])
    assert {-1.0, 1.0} <= set(state["sign"]) and (
        (link * state["sign"]).dropna() < 0
    ).any()  # inside the band


def test_yen():
    v = world(fxy=2.0)
    assert (
        carry_unwind(v).iloc[EVENT + 4] > 3.5
        and yen_volatility(v).iloc[EVENT - 100 : EVENT].abs().median() < 0.3
    )
    wild = v.assign(
        fxy=np.exp(np.r_[np.log(v["fxy"].iloc[:EVENT]), 4.6 + 0.05 * (-1.0) ** np.arange(200)])
    )
    assert yen_volatility(wild).iloc[EVENT + 15] > 1.0


def test_reading_of_a_dash():
    reading = DollarStress()(world(**DASH, fxy=2.5), DATES[EVENT + 9]).to_dict()
    assert reading["dash"]["state"] == "severe" and reading["carry"]["state"] == "unwinding"
    assert (
        set(reading["momentum"]) == {"21", "63", "126", "252"}
        and reading["debasement"]["state"] is False
    )
    assert (
        "dash for dollars" in reading["sentence"] and "carry trade comes off" in reading["sentence"]
    )
    assert reading["broad"] == {"index": None, "move_63": None, "vintage": None}
    json.dumps(reading, allow_nan=False)


def test_reading_ends_at_its_date_and_names_an_extreme():
    v = world(**DASH)
    assert DollarStress()(v, DATES[600]).to_dict() == DollarStress()(v.iloc[:601]).to_dict()
    v.loc[DATES[600], "dollar_index"] = 1e4
    level = DollarStress()(v, DATES[600]).to_dict()["dollar"]
    assert level["at_extreme"] == "high" and level["to_high"] == 0.0 and level["percentile"] == 1.0


def test_the_broad_index_is_read_inside_its_vintage():
    broad = world()["dollar_index"].iloc[:500]
    told = DollarStress()(world(), DATES[600], broad=broad).to_dict()["broad"]
    assert told["index"] == pytest.approx(broad.iloc[-1]) and told["vintage"] == "one, revised"


def test_what_is_missing_is_unknown_and_without_the_dollar_it_steps_aside():
    reading = DollarStress()(world()[["dollar_index"]]).to_dict()
    assert reading["dash"] == {"score": None, "state": None} and reading["carry"]["state"] is None
    assert reading["debasement"]["state"] is None and reading["equity_correlation"]["sign"] is None
    assert "not known" in reading["sentence"]
    for values in (world()[["gold", "sp500"]], world().iloc[:0]):
        assert DollarStress()(values).to_dict() == {
            "available": False,
            "reason": "the dollar index is not known",
        }


@pytest.mark.parametrize(
    "build",
    [
        dash_for_dollars,
        debasement,
        equity_correlation,
        carry_unwind,
        yen_volatility,
        lambda v: distance_to_extreme(v["dollar_index"], 504, 1),
        correlation_flips,
    ],
)
def test_nothing_is_known_of_what_comes_after(build):
    v = world(**DASH).mask(np.random.default_rng(3).random((len(DATES), len(INPUTS))) < 0.02)
    whole = build(v)
    for cut in (1, 300, EVENT, EVENT + 7):
        assert whole.iloc[:cut].to_numpy().tobytes() == build(v.iloc[:cut]).to_numpy().tobytes()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"extreme": 0}, "extreme: must be positive"),
        ({"severe_dash": 0.4}, "severe_dash: must be above dash = 0.5"),
    ],
)
def test_impossible_parameters_are_refused(wrong, words):
    with pytest.raises(ConfigError, match=words):
        DollarStress(**wrong)
