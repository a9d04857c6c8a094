"""Costs by hand: what a trade pays, what a day of holding takes, and which costs are refused."""

import math

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.config import build, dump
from regime.errors import ConfigError, InvalidDataError
from tests.backtest.reference_engine import reference_backtest

ENGINES = pytest.mark.parametrize("engine", [backtest, reference_backtest])
DATES = pd.bdate_range("2024-01-01", periods=5, name="date")
FLAT = pd.Series(100.0, DATES, name="SPY")
OUT = pd.Series(
    [1.0, 0.0, 0.0, 0.0, 0.0], DATES
)  # decided on the 2nd session, filled at the 3rd close
HALF = pd.Series([1.0, 0.5, 0.5, 0.5, 0.5], DATES)
PAIR = pd.DataFrame({"SPY": FLAT, "HYG": FLAT})
LEAVE = pd.DataFrame({"SPY": OUT * 0.5, "HYG": OUT * 0.5})
BOTH = {"SPY": 0.5, "HYG": 0.5}


@ENGINES
def test_commission_half_spread_and_impact_add_up(engine):
    result = engine(FLAT, OUT, Costs(bps=1, half_spread_bps=2, impact_bps=10))
    # Capital 1 is sold in one go: 1 + 2 + 10 x |0 - 1| bp of it.
    assert result.costs.tolist() == pytest.approx([0, 0, 0.0013, 0, 0], abs=1e-15)
    assert result.equity.iloc[-1] == pytest.approx(1 - 0.0013)


@ENGINES
def test_impact_grows_with_the_square_of_the_change(engine):
    # Half of the capital is sold at a rate of 10 bp x one half: a quarter of what all of it would
    # pay.
    result = engine(FLAT, HALF, Costs(bps=0, impact_bps=10))
    assert result.costs.sum() == pytest.approx(0.5 * 0.0005)


@ENGINES
def test_restoring_a_drifted_weight_has_no_impact(engine):
    prices = pd.Series([100.0, 200.0, 100.0, 200.0, 100.0], DATES, name="SPY")
    half = pd.Series(0.5, DATES)
    costs = Costs(bps=0, impact_bps=1000)
    result = engine(prices, half, costs, initial=0.5, rebalance="daily")
    assert len(result.orders) == 5 and result.costs.sum() == 0.0


@ENGINES
def test_each_asset_pays_its_own_half_spread(engine):
    result = engine(
        PAIR, LEAVE, Costs(bps=1, half_spread_bps={"SPY": 0, "HYG": 9, "unused": 50}), initial=BOTH
    )
    paid = result.orders[result.orders["date"] == DATES[2]].set_index("asset")["cost"]
    assert paid.to_dict() == pytest.approx({"SPY": 0.5 * 1e-4, "HYG": 0.5 * 10e-4})


@ENGINES
def test_half_spreads_by_day_take_the_place_of_the_constant(engine):
    table = pd.DataFrame(
        {"HYG": [math.nan, 7.0, 99.0], "SPY": [3.0, math.nan, 99.0], "other": 1.0},
        index=pd.DatetimeIndex(["2023-12-30", "2024-01-02", "2024-01-04"], name="date"),
    )
    result = engine(PAIR, LEAVE, Costs(bps=0, half_spread_bps=50), initial=BOTH, half_spreads=table)
    # Filled on 2024-01-03: SPY's last estimate is that of a Saturday, HYG's that of the day before.
    paid = result.orders[result.orders["date"] == DATES[2]].set_index("asset")["cost"]
    assert paid.to_dict() == pytest.approx({"SPY": 0.5 * 3e-4, "HYG": 0.5 * 7e-4})
    assert "half-spreads estimated day by day" in result.notes
    late = engine(
        FLAT, OUT, Costs(bps=0, half_spread_bps=50), half_spreads=pd.Series([1.0], DATES[3:4])
    )
    assert late.costs.sum() == pytest.approx(50e-4)  # no estimate yet


@ENGINES
def test_holding_is_taken_out_of_the_level_each_session(engine):
    cash = pd.Series(1e-4, DATES)
    result = engine(FLAT, OUT, Costs(bps=0, holding_bps=252), cash)
    # 252 bp a year is 1 bp a session, for the two sessions over which it is held; then cash earns.
    kept = 1 - 1e-4
    assert result.equity.tolist() == pytest.approx(
        [1, kept, kept**2, kept**2 * 1.0001, kept**2 * 1.0001**2]
    )
    assert result.costs.sum() == 0.0 and result.returns.iloc[0] == pytest.approx(-1e-4)


@ENGINES
def test_holding_by_asset_and_over_a_gap(engine):
    prices = PAIR.drop(DATES[2]).reindex(DATES)
    stay = pd.DataFrame(0.5, DATES, ["SPY", "HYG"])
    result = engine(prices, stay, Costs(bps=0, holding_bps={"SPY": 0, "HYG": 252}), initial=BOTH)
    # On the session without a price the last value stands; the fee of both days is seen at the next
    # price.
    assert result.positions["HYG"].tolist() == pytest.approx(
        [0.5 * (1 - 1e-4) ** n for n in (0, 1, 1, 3, 4)]
    )
    assert result.positions["SPY"].tolist() == pytest.approx([0.5] * 5)


def test_costs_of_nothing_are_todays_numbers():
    rng = np.random.default_rng(3)
    prices = pd.Series(
        np.exp(np.cumsum(rng.normal(0, 0.02, 300))),
        pd.bdate_range("2020-01-01", periods=300),
        name="A",
    )
    exposure = pd.Series(rng.integers(0, 3, 300) / 2, prices.index)
    plain = backtest(prices, exposure, Costs(bps=5))
    spelled = backtest(
        prices,
        exposure,
        Costs(bps=5, half_spread_bps={"A": 0}, impact_bps=0, holding_bps=0.0),
        half_spreads=pd.Series(0.0, prices.index),
    )
    assert plain.equity.equals(spelled.equity) and plain.orders.equals(spelled.orders)


def test_the_yaml_form_and_back():
    assert build(Costs, {"bps": 5.0}, "costs") == Costs()
    content = {
        "bps": 1.0,
        "half_spread_bps": {"SPY": 0.5, "HYG": 2.0},
        "impact_bps": 10.0,
        "holding_bps": 9.0,
    }
    assert dump(build(Costs, content, "costs")) == content


@pytest.mark.parametrize("bps", [-1.0, math.nan, 1001.0])
@pytest.mark.parametrize("name", ["bps", "half_spread_bps", "impact_bps", "holding_bps"])
def test_costs_have_a_range(name, bps):
    with pytest.raises(ConfigError, match=rf"^{name}: must lie in \[0, 1000\] basis points"):
        Costs(**{name: bps})


def test_the_asset_out_of_range_is_named():
    with pytest.raises(ConfigError, match=r"^half_spread_bps: `HYG` must lie in .* got -2"):
        Costs(half_spread_bps={"SPY": 1, "HYG": -2})


@pytest.mark.parametrize("name", ["half_spread_bps", "holding_bps"])
def test_an_asset_without_a_number_is_refused(name):
    with pytest.raises(
        ConfigError, match=rf"^{name}: `HYG` is traded and has no number; given: SPY"
    ):
        backtest(PAIR, LEAVE, Costs(**{name: {"SPY": 1.0}}))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"SPY": 1.0}, DATES), "Half-spreads: `HYG` is traded and has no column"),
        (
            PAIR * -1,
            r"Half-spreads: 2024-01-01: `SPY` is -100.0: must lie in \[0, 1000\] basis points",
        ),
        (PAIR * 11, "Half-spreads: 2024-01-01: `SPY` is 1100.0"),
        (PAIR * math.inf, "Half-spreads: 2024-01-01: `SPY` is inf"),
        (PAIR.iloc[::-1], "Half-spreads: dates must rise strictly"),
        (PAIR.astype(str) + "x", "Half-spreads: must hold numbers"),
    ],
)
def test_bad_half_spreads_are_refused(table, message):
    with pytest.raises(InvalidDataError, match=message):
        backtest(PAIR, LEAVE, Costs(), half_spreads=table)
