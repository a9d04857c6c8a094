"""Pension funds.

The laws of returning to a weight, the calendar, and the scale of November 2020.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.mechanisms.base import Capital, NoReading
from regime.mechanisms.pension import (
    PensionFunds,
    rebalancing_flow,
    return_to_date,
    sessions_left,
    weekdays_left,
)

DATES = pd.bdate_range("2019-12-02", "2021-03-31", name="date")
RNG = np.random.default_rng(8)
WORLD = pd.DataFrame(
    {
        "spy": 300 * np.exp(np.cumsum(RNG.normal(0, 0.012, len(DATES)))),
        "ief": 110 * np.exp(np.cumsum(RNG.normal(0, 0.004, len(DATES)))),
    },
    index=DATES,
)
RETURNS = st.floats(-0.5, 0.5)


@given(RETURNS, RETURNS, st.floats(0.05, 0.95))
def test_the_flow_is_what_is_left_when_the_weight_is_taken_of_the_new_capital(equity, bond, weight):
    flow = rebalancing_flow(pd.Series([equity]), pd.Series([bond]), weight).iloc[0]
    capital = weight * (1 + equity) + (1 - weight) * (1 + bond)
    assert flow == pytest.approx(weight * capital - weight * (1 + equity), abs=1e-12)


@given(RETURNS, RETURNS)
def test_sign_zero_and_mirror(equity, bond):
    flow = rebalancing_flow(pd.Series([equity, bond, bond]), pd.Series([bond, equity, bond]), 0.6)
    assert flow.iloc[2] == 0.0 and flow.iloc[0] == -flow.iloc[1]
    assert (
        equity == bond
        or np.sign(flow.iloc[0]) == np.sign(bond - equity)
        or abs(equity - bond) < 1e-300
    )


def test_returns_since_the_end_of_the_period_before():
    month, quarter = (return_to_date(WORLD["spy"], period) for period in ("month", "quarter"))
    for date in ("2020-02-03", "2020-02-14", "2020-02-28"):
        assert month[date] == pytest.approx(WORLD["spy"][date] / WORLD["spy"]["2020-01-31"] - 1)
        assert quarter[date] == pytest.approx(WORLD["spy"][date] / WORLD["spy"]["2019-12-31"] - 1)
    assert month[:"2019-12-31"].isna().all() and quarter[:"2019-12-31"].isna().all()
    assert month["2020-01-01":].notna().all() and quarter["2020-01-01":].notna().all()


def test_a_quarter_accumulates_its_months():
    month, quarter = (return_to_date(WORLD["spy"], period) for period in ("month", "quarter"))
    ends = month.groupby(DATES.to_period("M")).last().iloc[1:]
    for start in range(0, 15, 3):
        months = ends.iloc[start : start + 3]
        grown = (1 + months).cumprod() - 1
        last = quarter.groupby(DATES.to_period("M")).last()[months.index]
        np.testing.assert_allclose(last, grown, rtol=1e-9)


def test_a_gap_is_bridged_but_not_filled():
    gapped = WORLD["spy"].copy()
    gapped["2020-01-31"], gapped["2020-02-12"] = np.nan, -1.0
    month = return_to_date(gapped, "month")
    assert np.isnan(month["2020-02-12"])
    assert month["2020-02-13"] == pytest.approx(
        WORLD["spy"]["2020-02-13"] / WORLD["spy"]["2020-01-30"] - 1
    )


@pytest.mark.parametrize("cut", [30, 151, 260])
def test_a_prefix_gives_equal_bits(cut):
    def build(v):
        gap = [
            rebalancing_flow(return_to_date(v["spy"], p), return_to_date(v["ief"], p))
            for p in ("month", "quarter")
        ]
        return pd.concat(
            [*gap, weekdays_left(v.index, "month"), weekdays_left(v.index, "quarter")], axis=1
        )

    assert (
        build(WORLD.iloc[:cut]).to_numpy().tobytes() == build(WORLD).iloc[:cut].to_numpy().tobytes()
    )
    assert (
        PensionFunds()(WORLD, DATES[cut - 1]).to_dict()
        == PensionFunds()(WORLD.iloc[:cut], DATES[cut - 1]).to_dict()
    )


@pytest.mark.parametrize(
    ("date", "period", "left"),
    [
        ("2020-02-25", "month", 3),
        ("2020-02-25", "quarter", 25),
        ("2020-02-28", "month", 0),
        ("2020-03-31", "quarter", 0),
        ("2019-12-31", "quarter", 0),
        ("2020-01-01", "quarter", 64),
        ("1969-12-30", "month", 1),
    ],
)
def test_weekdays_left(date, period, left):
    assert sessions_left(pd.Timestamp(date), period) == left


@settings(max_examples=50, deadline=None)
@given(
    st.dates(
        min_value=pd.Timestamp("1960-01-01").date(), max_value=pd.Timestamp("2100-01-01").date()
    )
)
def test_weekdays_left_against_a_list_of_them(date):
    date = pd.Timestamp(date)
    calendar = pd.bdate_range(date, periods=80)
    for period in ("month", "quarter"):
        assert sessions_left(date, period) == sessions_left(date, period, calendar)


def test_a_calendar_knows_of_holidays():
    november = pd.bdate_range("2020-11-02", "2020-12-31").drop(pd.Timestamp("2020-11-26"))
    assert sessions_left(pd.Timestamp("2020-11-24"), "month", november) == 3
    assert sessions_left(pd.Timestamp("2020-11-24"), "month") == 4
    read = PensionFunds()(WORLD, pd.Timestamp("2020-11-24"), november).to_dict()
    assert read["month"]["sessions_left"] == 3


def test_november_2020_is_about_minus_36():
    dates = pd.DatetimeIndex(["2020-09-30", "2020-10-30", "2020-11-30"], name="date")
    prices = pd.DataFrame(
        {"spy": [100.0, 100.0, 110.5], "ief": [100.0, 100.0, 100.05]}, index=dates
    )
    read = PensionFunds()(prices, dates[-1]).to_dict()
    # -0.6 x 0.4 x 1435 x (0.1050 - 0.0005)
    assert read["month"]["flow_usd_bn"]["mid"] == pytest.approx(-35.99, abs=0.005)
    assert read["month"]["flow_usd_bn"] == pytest.approx(
        {"low": -71.98, "mid": -35.99, "high": -17.99}, abs=0.01
    )
    assert read["quarter"]["flow_usd_bn"] == pytest.approx(read["month"]["flow_usd_bn"])
    assert (
        "sell USD 36 bn (18-72) of equities for the month" in read["sentence"]
        and "1,435" in read["assumptions"]
    )


def test_history_is_in_dollars_up_to_the_date():
    reading = PensionFunds()(WORLD, DATES[200])
    assert reading.history.index[-1] == DATES[200] and list(reading.history) == ["month", "quarter"]
    assert reading.history["month"].iloc[-1] == pytest.approx(
        reading.values["month"]["flow_usd_bn"]["mid"]
    )


def test_it_steps_aside_without_prices():
    for values, words in (
        (WORLD.drop(columns="ief"), "ief"),
        (WORLD[[]], "spy and ief"),
        (WORLD.iloc[:10], "end of the month before"),
        (WORLD.iloc[:0], "spy and ief"),
    ):
        absent = PensionFunds()(values, DATES[9])
        assert isinstance(absent, NoReading) and words in absent.reason


def test_the_first_quarter_of_the_data_is_silent_about_itself():
    dates = pd.bdate_range("2020-01-15", "2020-02-14", name="date")
    read = PensionFunds()(WORLD.reindex(dates), dates[-1]).to_dict()
    assert read["quarter"]["equity_less_bond"] is None and "quarter" not in read["sentence"]


def test_impossible_parameters_are_refused():
    with pytest.raises(ConfigError, match="weight: "):
        PensionFunds(weight=1.0)
    scaled = PensionFunds(capital=Capital(low=10, mid=10, high=10))(WORLD, DATES[-1]).to_dict()
    assert scaled["month"]["flow_usd_bn"]["low"] == scaled["month"]["flow_usd_bn"]["high"]
