"""Volatility control, risk parity and margin debt.

Against hand formulas, a brute-force next day, and their laws.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.mechanisms.base import Capital, NoReading, flow_words
from regime.mechanisms.volatility_targeting.margin_debt import MarginDebt, margin_growth
from regime.mechanisms.volatility_targeting.mechanism import VolControl
from regime.mechanisms.volatility_targeting.risk_parity import (
    RiskParity,
    mean_asset_correlation,
    risk_parity_exposure,
)
from regime.mechanisms.volatility_targeting.vol_control import (
    FAST,
    SLOW,
    two_speed_volatility,
    vol_control_exposure,
)

DATES = pd.bdate_range("2015-01-02", periods=1500, name="date")


def walk(daily=0.01, seed=4, dates=DATES):
    return pd.Series(
        100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, daily, len(dates)))), dates
    )


def world():
    month = pd.Series(DATES.year * 12 + DATES.month, DATES)
    month = month.where(
        pd.Series(DATES.day, DATES) >= 26, month - 1
    )  # known late in the month after
    return pd.DataFrame(
        {
            "sp500": walk(),
            "spy": walk(),
            "ief": walk(0.004, 5),
            "dbc": walk(0.012, 6),
            "margin_debt": 5e5 + 1e3 * (month - month.iloc[0]) * (1 + month % 3),
        }
    )


WORLD = world()
THREE = WORLD[["spy", "ief", "dbc"]]


def test_volatility_is_the_larger_of_two_averages():
    close = walk()
    squares = np.log(close).diff() ** 2
    by_hand = [squares.ewm(alpha=1 - keep, min_periods=63).mean() for keep in (FAST, SLOW)]
    expected = np.sqrt(np.maximum(*by_hand) * 252)
    pd.testing.assert_series_equal(
        two_speed_volatility(close), expected, check_names=False, rtol=1e-9
    )


def test_exposure_is_target_over_volatility_under_a_cap():
    close = walk()
    exposure, volatility = vol_control_exposure(close), two_speed_volatility(close)
    np.testing.assert_allclose(exposure.dropna(), np.minimum(0.12 / volatility.dropna(), 1.5))
    assert (vol_control_exposure(walk(0.001)).dropna() == 1.5).all()
    np.testing.assert_allclose(vol_control_exposure(close * 7), exposure)
    assert vol_control_exposure(pd.Series(100.0, DATES)).isna().all()  # no infinite exposure
    assert vol_control_exposure(-close).isna().all() and exposure.first_valid_index() == DATES[63]


def test_it_is_cut_fast_and_restored_slowly():
    steps = np.full(900, 0.005) * np.where(np.arange(900) % 2, 1, -1)
    steps[600] = -0.06
    exposure = vol_control_exposure(pd.Series(100 * np.exp(np.cumsum(steps)), DATES[:900]))
    assert exposure.iloc[600] < 0.7 * exposure.iloc[599]
    lost = exposure.iloc[599] - exposure.iloc[600]
    assert (
        0 < exposure.iloc[620] - exposure.iloc[600] < 0.7 * lost
        and exposure.iloc[600:].is_monotonic_increasing
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.floats(0.004, 0.03))
def test_a_shock_of_two_sigmas_against_the_recursion(seed, daily):
    close = walk(daily, seed)
    table = VolControl().__call__(pd.DataFrame({"sp500": close}), DATES[-1]).to_dict()
    squares = np.log(close).diff() ** 2
    fast, slow = (float(squares.ewm(alpha=1 - keep).mean().iloc[-1]) for keep in (FAST, SLOW))
    jump = 4 * max(fast, slow)
    after = max(FAST * fast + (1 - FAST) * jump, SLOW * slow + (1 - SLOW) * jump)
    change = min(1.5, 0.12 / np.sqrt(252 * after)) - min(1.5, 0.12 / np.sqrt(252 * max(fast, slow)))
    down, up = (table["sensitivity_usd_bn"][name] for name in ("down_2_sigma", "up_2_sigma"))
    assert down["mid"] == pytest.approx(250 * change, rel=1e-6, abs=1e-9)
    assert up == pytest.approx(down) and down["mid"] <= 0  # volatility has no sign: it never buys


def test_flows_are_changes_of_exposure_times_capital():
    close = WORLD["sp500"]
    table, exposure = VolControl()(WORLD, DATES[-1]).to_dict(), vol_control_exposure(close)
    for flow, back in (
        (table["flows_usd_bn"]["1d"], 1),
        (table["flows_usd_bn"]["1w"], 5),
        (table["due_usd_bn"], 2),
    ):
        change = exposure.iloc[-1] - exposure.iloc[-1 - back]
        assert flow["mid"] == pytest.approx(250 * change)
        assert sorted(flow.values()) == [flow["low"], flow["mid"], flow["high"]]
    assert VolControl(lag=0)(WORLD, DATES[-1]).to_dict()["due_usd_bn"]["mid"] == 0
    assert (
        table["capital_usd_bn"] == {"low": 150.0, "mid": 250.0, "high": 350.0}
        and 0 <= table["percentile"] <= 1
    )


@pytest.mark.parametrize("cut", [400, 1001])
def test_a_prefix_gives_equal_bits(cut):
    def build(v):
        return pd.concat(
            [
                two_speed_volatility(v["sp500"]),
                vol_control_exposure(v["sp500"]),
                risk_parity_exposure(v[list(THREE)]),
                mean_asset_correlation(v[list(THREE)]),
                margin_growth(v["margin_debt"], v["sp500"]),
            ],
            axis=1,
        )

    assert (
        build(WORLD.iloc[:cut]).to_numpy().tobytes() == build(WORLD).iloc[:cut].to_numpy().tobytes()
    )
    reading = VolControl()(WORLD, DATES[cut - 1])
    assert reading.to_dict() == VolControl()(WORLD.iloc[:cut], DATES[cut - 1]).to_dict()
    assert reading.history.index[-1] == DATES[cut - 1]


def test_risk_parity_has_equal_risks_and_its_target_volatility():
    exposure = risk_parity_exposure(THREE, target=0.10, cap=100.0)
    changes = np.log(THREE).diff()
    variance = (changes**2).ewm(halflife=42).mean().iloc[-1]
    risks = exposure.iloc[-1] * np.sqrt(variance * 252)
    np.testing.assert_allclose(risks, risks.iloc[0], rtol=1e-9)
    cross = {
        (a, b): (changes[a] * changes[b]).ewm(halflife=42).mean().iloc[-1]
        for a in THREE
        for b in THREE
    }
    total = sum(
        exposure[a].iloc[-1] * exposure[b].iloc[-1] * cross[a, b] * 252
        for a in THREE
        for b in THREE
    )
    assert np.sqrt(total) == pytest.approx(0.10, rel=1e-9)


def test_risk_parity_is_capped_and_sells_when_its_parts_move_together():
    assert (
        risk_parity_exposure(THREE, cap=0.5).sum(axis=1, skipna=False).dropna() <= 0.5 + 1e-12
    ).all()
    alike = pd.DataFrame({name: walk(0.01, 9) for name in "abc"})
    apart = pd.DataFrame({name: walk(0.01, seed) for seed, name in enumerate("abc")})
    assert mean_asset_correlation(alike).iloc[-1] == pytest.approx(1.0)
    assert (
        risk_parity_exposure(alike).sum(axis=1).iloc[-1]
        < 0.75 * risk_parity_exposure(apart).sum(axis=1).iloc[-1]
    )


def test_risk_parity_waits_for_every_asset_and_is_never_infinite():
    late = THREE.copy()
    late.loc[DATES[:500], "dbc"] = np.nan
    exposure = risk_parity_exposure(late)
    assert exposure.iloc[:626].isna().all(axis=None) and exposure.iloc[627:].notna().all(axis=None)
    assert mean_asset_correlation(late).first_valid_index() == exposure.first_valid_index()
    still = THREE.assign(ief=100.0)
    assert risk_parity_exposure(still).isna().all(axis=None)


def test_risk_parity_shock_against_one_more_session():
    table = RiskParity()(WORLD, DATES[-1]).to_dict()
    daily = np.sqrt((np.log(THREE).diff() ** 2).ewm(halflife=42).mean().iloc[-1])
    after = pd.concat(
        [THREE, (THREE.iloc[-1] * np.exp(-2 * daily)).to_frame(DATES[-1] + pd.Timedelta(days=1)).T]
    )
    change = risk_parity_exposure(after)["spy"].diff().iloc[-1]
    assert (
        table["sensitivity_usd_bn"]["down_2_sigma"]["mid"] == pytest.approx(150 * change)
        and change < 0
    )
    assert set(table["flows_by_asset_usd_bn"]["1w"]) == {"equities", "bonds", "commodities"}


def test_margin_growth_is_that_of_whole_months_and_the_market_of_the_same():
    dates = pd.bdate_range("2020-01-01", "2022-12-30", name="date")
    close = pd.Series(np.linspace(100, 200, len(dates)), dates)
    ends = close.groupby(dates.to_period("M")).last()
    debt_by_month = pd.Series(np.arange(len(ends)) ** 2 + 100.0, ends.index)
    known = pd.Series(np.nan, dates)
    for month, level in debt_by_month.items():  # public on the 26th of the month after
        known[known.index >= (month + 1).start_time + pd.Timedelta(days=25)] = level
    growth = margin_growth(known, close)
    for date in ("2021-03-01", "2021-03-25", "2021-03-29", "2022-12-30"):
        month = pd.Timestamp(date).to_period("M") - (1 if pd.Timestamp(date).day >= 26 else 2)
        assert growth.loc[date, "debt"] == pytest.approx(
            debt_by_month[month] / debt_by_month[month - 12] - 1
        )
        assert growth.loc[date, "market"] == pytest.approx(ends[month] / ends[month - 12] - 1)
    assert growth["debt"].first_valid_index() == pd.Timestamp("2021-02-26")


def test_margin_debt_told_anew_within_a_month_is_not_known_before():
    known = pd.Series(
        5e5 + 1e3 * np.random.default_rng(8).normal(size=len(DATES)).cumsum(), DATES
    )  # every day
    whole = margin_growth(known, WORLD["sp500"])
    for row in (400, 811, 812, 1203):
        cut = margin_growth(known.iloc[: row + 1], WORLD["sp500"].iloc[: row + 1])
        pd.testing.assert_frame_equal(cut, whole.iloc[: row + 1])
    assert whole["debt"].notna().mean() > 0.7


def test_a_month_that_is_missing_is_not_counted_over():
    known = WORLD["margin_debt"].copy()
    gap = (DATES >= "2016-01-26") & (DATES < "2016-02-26")  # December 2015 never came
    known[gap] = np.nan
    growth = margin_growth(known, WORLD["sp500"])
    assert growth.loc["2016-02-10"].isna().all() and growth.loc["2017-02-10", "debt"] is not None
    assert np.isnan(growth.loc["2017-02-10", "debt"]) and growth.loc[
        "2017-03-10", "debt"
    ] == pytest.approx(
        margin_growth(WORLD["margin_debt"], WORLD["sp500"]).loc["2017-03-10", "debt"]
    )


def test_the_parts_step_aside_and_say_so():
    table = VolControl()(WORLD[["sp500"]], DATES[-1]).to_dict()
    assert table["risk_parity"] == {
        "available": False,
        "reason": "risk parity has no price of equities and bonds and commodities",
    }
    assert (
        table["margin_debt"]["available"] is False
        and "Risk parity has no price" in table["sentence"]
    )
    assert isinstance(VolControl()(WORLD.drop(columns="sp500"), DATES[-1]), NoReading)
    assert isinstance(VolControl()(WORLD, DATES[40]), NoReading)  # too short a history
    assert "126 sessions" in RiskParity()(WORLD, DATES[100]).to_dict()["reason"]
    assert "twelve months before" in MarginDebt()(WORLD, DATES[100]).to_dict()["reason"]


def test_the_sentence_says_what_the_numbers_are():
    reading = VolControl()(WORLD, DATES[-1])
    table = reading.to_dict()
    assert f"{table['exposure']:.0%} of their capital" in reading.sentence
    assert "Risk parity is levered" in reading.sentence and "Margin debt is USD" in reading.sentence
    assert flow_words(Capital(low=1, mid=2, high=4).flows(-5)) == "sell USD 10 bn (5-20)"
    assert flow_words({"low": 1.0, "mid": 2.0, "high": 3.0}) == "buy USD 2 bn (1-3)"
    assert flow_words({"low": 0.0, "mid": float("nan"), "high": 0.0}) == "trade next to nothing"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: VolControl(target=0.0), "target: "),
        (lambda: VolControl(cap=0.0), "cap: "),
        (lambda: VolControl(lag=-1), "lag: "),
        (lambda: RiskParity(target=2.0), "target: "),
        (lambda: RiskParity(cap=0.0), "cap: "),
        (lambda: RiskParity(lag=99), "lag: "),
        (lambda: MarginDebt(months=12), "months: "),
        (lambda: Capital(low=2, mid=1, high=3), "low: 0 < low"),
        (lambda: Capital(low=1, mid=2, high=np.inf), "low: 0 < low"),
    ],
)
def test_impossible_parameters_are_refused(call, words):
    with pytest.raises(ConfigError, match=words):
        call()
