"""Weekends and alarms of crypto by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.crypto import CryptoStress, open_interest_change, weekend_move

DATES = pd.bdate_range(
    "2020-01-06", periods=300, name="date"
)  # Monday first, no holidays: Friday is every fifth


def market(daily=0.03, seed=1, **last):
    steps = pd.DataFrame(
        np.random.default_rng(seed).normal(0, daily, (300, 2)), DATES, ["btc", "eth"]
    )
    for name, move in last.items():
        steps.loc[DATES[-5] :, name] = np.log1p(move) / 5
    v = 10_000 * np.exp(steps.cumsum())
    return v.assign(btc_funding=0.0003, btc_open_interest=1.0e10)


def test_a_weekend_is_measured_in_the_days_it_has():
    price = market()["btc"]
    logs = np.log(price).diff()
    days = price.index.to_series().diff().dt.days
    daily = (
        (logs / days.clip(lower=1) ** 0.5)
        .ewm(halflife=126, min_periods=20, ignore_na=True)
        .std()
        .shift(1)
    )
    expected = (logs / (daily * days**0.5)).where(days >= 3).ffill()
    pd.testing.assert_series_equal(weekend_move(price), expected, check_names=False, rtol=1e-9)
    mondays = weekend_move(price).dropna()
    assert (mondays.groupby(mondays.index.to_period("W")).nunique() == 1).all()  # kept for the week


def test_a_market_that_stands_still_or_has_no_break_has_no_weekend():
    assert weekend_move(pd.Series(5.0, DATES)).isna().all()
    daily = pd.Series(
        np.exp(np.random.default_rng(1).normal(size=90)), pd.date_range("2024-01-01", periods=90)
    )
    assert weekend_move(daily).isna().all() and weekend_move(daily.iloc[:0]).empty


def test_open_interest_is_held_against_its_high():
    interest = pd.Series([10.0, 10, 10, 12, 12, 9], DATES[:6])
    assert open_interest_change(interest, 4).tolist() == pytest.approx(
        [np.nan, 0, 0, 0, 0, -0.25], nan_ok=True
    )


def test_a_quiet_market_rings_no_alarm():
    told = CryptoStress()(
        market(btc=0.0, eth=0.0).assign(btc_open_interest=1e10), DATES[-1]
    ).to_dict()
    alarms = {
        name: on for name, on in told["alarms"].items() if name not in ("drawdown", "weekend")
    }
    assert alarms == {"fall": False, "funding": False, "open_interest": False}
    json.dumps(told, allow_nan=False)


def test_every_alarm_of_a_crash_rings():
    v = market(btc=-0.5, eth=-0.6)
    v.loc[DATES[-5] :, "btc_funding"] = -0.001
    v.loc[DATES[-2] :, "btc_open_interest"] = 6e9
    v.loc[DATES[-5], ["btc", "eth"]] *= 0.8  # a Monday
    told = CryptoStress()(v, DATES[-1]).to_dict()
    assert told["stress"] == 1.0 and all(told["alarms"].values())
    assert (
        told["open_interest"]["change"] == pytest.approx(-0.4)
        and told["bitcoin"]["drawdown"] < -0.4
    )
    assert told["sentence"].startswith("Crypto is under heavy stress: 5 of 5 alarms ring")


def test_what_has_no_data_rings_no_alarm_and_counts_for_none():
    v = market(btc=-0.5, eth=-0.6)[["btc"]]
    told = CryptoStress()(v, DATES[-1]).to_dict()
    assert told["alarms"]["funding"] is None and told["alarms"]["open_interest"] is None
    assert (
        told["stress"] in (2 / 3, 1.0)
        and told["ether"]["move_5"] is None
        and " of 3 alarms" in told["sentence"]
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (market().drop(columns="btc"), "no price of Bitcoin is known"),
        (market().assign(btc=np.nan), "no price of Bitcoin is known"),
        (market().iloc[:0], "no price of Bitcoin is known"),
        (market().iloc[:50], "needs 90 sessions of Bitcoin, has 50"),
    ],
)
def test_too_little_steps_aside(values, words):
    assert CryptoStress()(values, DATES[-1]).reason.startswith(words)


def test_the_reading_ends_at_the_decision():
    v, later = market(), market()
    later.iloc[250:] *= 0.3
    assert CryptoStress()(v, DATES[249]).to_dict() == CryptoStress()(later, DATES[249]).to_dict()
    pd.testing.assert_frame_equal(
        CryptoStress().history(v).iloc[:200], CryptoStress().history(v.iloc[:200]), check_exact=True
    )


def test_alarms_ring_downwards_alone():
    with pytest.raises(ConfigError) as told:
        CryptoStress(move=0.0, weekend=1.0)
    assert told.value.faults == ("move: must be below 0, got 0", "weekend: must be below 0, got 1")
