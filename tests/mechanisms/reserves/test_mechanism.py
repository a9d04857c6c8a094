"""Reserve scarcity in a made world.

A squeeze stands out, a quarter end does not, and what is unknown is said.
"""

import json

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.reserves.demand_curve import fed_funds_spread
from regime.mechanisms.reserves.funding import (
    INPUTS,
    backstop_use,
    funding_pressure,
    funding_spread,
    funding_tail,
    net_liquidity,
)
from regime.mechanisms.reserves.mechanism import PARTS, ReserveScarcity
from regime.mechanisms.reserves.money_calendar import KINDS, calendar_kinds, rate_days

DATES = pd.bdate_range("2015-01-05", "2020-12-31", name="date")
SQUEEZE = DATES.get_loc("2019-09-18")


@pytest.fixture(scope="module")
def calm():
    """Five years of ample reserves with dearer quarter ends."""
    rng, n = np.random.default_rng(7), len(DATES)
    ends = calendar_kinds(rate_days(DATES)) == KINDS.index("quarter end")
    week = np.arange(n) // 5
    reserves = 3.2e6 + 1e4 * np.cumsum(rng.normal(size=week[-1] + 1))[week]
    interest = np.full(n, 2.0)
    return pd.DataFrame(
        {
            "sofr": interest - 0.05 + 0.005 * rng.normal(size=n) + 0.25 * ends,
            "sofr99": interest + 0.05 + 0.8 * ends,
            "effr": interest - 0.08 + 0.003 * rng.normal(size=n),
            "iorb": interest,
            "reserves": reserves,
            "fed_assets": 6.0e6,
            "fed_securities": 5.5e6 - 10.0 * np.arange(n),
            "tga": 4e5,
            "rrp": 50.0,
            "srf": np.nan,
            "discount_window": 20.0,
            "swap_lines": 60.0,
        },
        DATES,
    )


@pytest.fixture(scope="module")
def squeezed(calm):
    """The same, with two days in which repo triples and the Desk must lend."""
    v = calm.copy()
    rows = slice(SQUEEZE, SQUEEZE + 2)
    v.iloc[rows, v.columns.get_loc("sofr")] += 3.0
    v.iloc[rows, v.columns.get_loc("sofr99")] += 6.0
    v.iloc[rows, v.columns.get_loc("effr")] += 0.25
    v.iloc[rows, v.columns.get_loc("srf")] = 75.0
    return v


def test_a_squeeze_stands_out_and_quarter_ends_do_not(calm, squeezed):
    score = ReserveScarcity().score(squeezed)
    assert score.idxmax() == DATES[SQUEEZE] and score.iloc[SQUEEZE] > 0.7
    rest = score.drop(DATES[SQUEEZE : SQUEEZE + 2])
    assert rest.max() < 0.35
    ends = calendar_kinds(rate_days(DATES)) == KINDS.index("quarter end")
    late = DATES >= "2016-06-01"
    quiet = ReserveScarcity().score(calm)
    assert quiet[ends & late].median() == pytest.approx(quiet[~ends & late].median(), abs=0.05)
    raw = funding_spread(calm, adjusted=False)
    assert raw[ends & late].median() - raw[~ends & late].median() == pytest.approx(25, abs=2)
    assert funding_pressure(calm)[ends & late].abs().max() < 5


def test_reading_of_the_squeeze(squeezed):
    reading = ReserveScarcity()(squeezed, DATES[SQUEEZE]).to_dict()
    assert reading["state"] == "scarce" and set(reading["parts"]) == set(PARTS)
    assert reading["score"] == pytest.approx(np.mean(list(reading["parts"].values())))
    assert reading["funding"]["sofr_iorb_bp"] == pytest.approx(295, abs=3)
    assert (
        reading["funding"]["rate_day"] == "2019-09-17"
        and reading["funding"]["kind_of_day"] == "ordinary"
    )
    assert reading["backstops"]["desk_repo_usd_bn"] == 75.0
    assert reading["runoff"]["usd_bn_per_month"] == pytest.approx(-10 * 65 / 3 / 1000)
    assert reading["net_liquidity"]["usd_bn"] == pytest.approx(6000 - 400 - 50)
    assert "scarce" in reading["sentence"] and "above the interest" in reading["sentence"]
    json.dumps(reading, allow_nan=False)


def test_reading_ends_at_its_date(squeezed):
    own = ReserveScarcity()(squeezed, DATES[SQUEEZE - 1])
    assert own.to_dict() == ReserveScarcity()(squeezed.iloc[:SQUEEZE]).to_dict()
    assert own.to_dict()["state"] == "ample" and own.history.index[-1] == DATES[SQUEEZE - 1]
    weekend = ReserveScarcity()(squeezed, pd.Timestamp("2019-09-22"))
    assert weekend.to_dict() == ReserveScarcity()(squeezed, pd.Timestamp("2019-09-20")).to_dict()


def test_spreads_by_hand():
    v = pd.DataFrame(
        {"sofr": [2.0, 5.25], "sofr99": [2.2, 9.0], "effr": [2.1, 2.3], "iorb": [2.1, 1.8]},
        DATES[:2],
    )
    assert funding_spread(v, adjusted=False).iloc[1] == pytest.approx(315)  # both of the day before
    assert funding_tail(v, adjusted=False).iloc[1] == pytest.approx(375)
    assert fed_funds_spread(v).iloc[1] == pytest.approx(20)


def test_backstops_count_the_desk_only_where_reserves_earn_interest():
    v = pd.DataFrame(
        {
            "discount_window": [10.0, 10.0, np.nan],
            "swap_lines": [np.nan, 5.0, 5.0],
            "srf": [8.0, np.nan, 3.0],
            "iorb": [np.nan, 0.25, 0.25],
        },
        DATES[:3],
    )
    assert backstop_use(v).iloc[:2].to_numpy().tolist() == [[10.0, 0.0, 0.0], [10.0, 5.0, 0.0]]
    assert backstop_use(v).iloc[2].isna().all()
    v.loc[DATES[1], "srf"] = 8.0
    assert backstop_use(v)["desk_repo"].iloc[1] == 8000.0


def test_net_liquidity_takes_the_facility_in_billions():
    v = pd.DataFrame(
        {"fed_assets": [8e6, 8e6], "tga": [5e5, 5e5], "rrp": [2000.0, np.nan]}, DATES[:2]
    )
    assert net_liquidity(v).tolist() == [5.5e6, 7.5e6]


def test_the_proxy_before_sofr_is_no_norm_for_it(calm):
    v = calm.copy()
    cut = DATES.get_loc("2018-04-03")
    v.iloc[:cut, v.columns.get_loc("sofr99")] = np.nan
    v.iloc[:cut, v.columns.get_loc("sofr")] -= 0.2
    pressure = funding_pressure(v)
    assert pressure.iloc[cut : cut + 60].isna().all()
    assert pressure.dropna().abs().max() < 30 and pressure.iloc[cut + 400 :].abs().median() < 2


def test_without_repo_there_is_no_scarcity_and_without_parts_no_score(squeezed):
    old = squeezed.assign(sofr=np.nan, sofr99=np.nan, discount_window=3e5)
    reading = ReserveScarcity(scarce=0.3)(old, DATES[SQUEEZE]).to_dict()
    assert (
        reading["score"] >= 0.3
        and reading["state"] == "tight"
        and reading["funding"]["source"] is None
    )
    few = squeezed[["reserves", "discount_window"]]
    reading = ReserveScarcity()(few, DATES[SQUEEZE]).to_dict()
    assert (
        reading["state"] is None
        and reading["score"] is None
        and "too few parts" in reading["sentence"]
    )


def test_it_steps_aside_without_reserves_and_rates(squeezed):
    for values in (
        squeezed[["sofr", "srf"]],
        squeezed.iloc[:0],
        squeezed.assign(reserves=np.nan, effr=np.nan),
    ):
        absent = ReserveScarcity()(values)
        assert not absent.available and "reserve balances" in absent.reason


def test_reported_bank_assets_take_the_place_of_the_trend(squeezed):
    reading = ReserveScarcity()(
        squeezed.assign(bank_assets=squeezed["reserves"] * 10), DATES[SQUEEZE]
    ).to_dict()
    assert (
        reading["share_of_bank_assets"] == pytest.approx(0.1)
        and reading["basis"] == "bank assets as reported"
    )
    assert reading["distance_to_band_points"] == pytest.approx(-2.0)


@pytest.mark.parametrize(
    "build",
    [
        funding_spread,
        funding_pressure,
        funding_tail,
        fed_funds_spread,
        net_liquidity,
        backstop_use,
        ReserveScarcity().parts,
        ReserveScarcity().score,
    ],
)
def test_nothing_is_known_of_what_comes_after(squeezed, build):
    v = squeezed.reindex(columns=INPUTS)
    whole = build(v)
    for cut in (1, 500, SQUEEZE, SQUEEZE + 1):
        assert whole.iloc[:cut].to_numpy().tobytes() == build(v.iloc[:cut]).to_numpy().tobytes()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"full_bp": 0.0}, "full_bp: must be positive"),
        ({"full_backstop": -1.0}, "full_backstop: must be positive"),
        ({"tight": 0.6}, "tight: must lie above 0 and below scarce"),
        ({"minimum": 6}, r"minimum: must lie in 1\.\.5"),
    ],
)
def test_impossible_parameters_are_refused(wrong, words):
    with pytest.raises(ConfigError, match=words):
        ReserveScarcity(**wrong)
