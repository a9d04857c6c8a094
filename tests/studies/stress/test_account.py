"""The light account is the engine's.

Same returns, holdings and turnover, on any prices and decisions.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.errors import ConfigError, InvalidDataError
from regime.studies.stress.account import SingleAssetAccount
from tests.backtest.reference_engine import reference_backtest

DEAR = Costs(bps=20, half_spread_bps=3, impact_bps=50, holding_bps=90)
BOUND = 1e-10


def drawn(seed, n, moves=0.3):
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2010-01-04", periods=n, name="date")
    prices = pd.Series(100 * np.exp(rng.normal(0, 0.02, n).cumsum()), dates, name="SPY")
    cash = pd.Series(rng.uniform(-1e-4, 3e-4, n), dates)
    wanted = pd.Series(rng.choice([0.0, 0.37, 0.5, 0.999, 1.0], n), dates)
    return prices, wanted.where(rng.random(n) < moves).ffill().fillna(1.0), cash


def assert_same(account, result):
    np.testing.assert_allclose(account.returns, result.returns, rtol=0, atol=BOUND)
    np.testing.assert_allclose(account.held, result.exposure, rtol=0, atol=BOUND)
    assert account.turnover == pytest.approx(result.turnover, abs=1e-8)
    assert account.cash.tolist() == result.cash_returns.tolist()
    figures = result.summary()
    assert account.figures() == pytest.approx(
        {name: figures[name] for name in account.figures()}, rel=1e-8, abs=1e-8, nan_ok=True
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(2, 120),
    delay=st.integers(1, 7),
    bps=st.floats(0, 900),
    impact=st.floats(0, 900),
    moves=st.floats(0, 1),
)
def test_the_account_is_that_of_the_reference_engine(seed, n, delay, bps, impact, moves):
    prices, exposure, cash = drawn(seed, n, moves)
    costs = Costs(bps=bps, impact_bps=impact, holding_bps=bps)
    account = SingleAssetAccount(prices=prices, cash=cash, costs=costs).trade(exposure, delay=delay)
    assert_same(account, reference_backtest(prices, exposure, costs, cash, fill_delay=delay))


@pytest.mark.parametrize("costs", [Costs(bps=0), Costs(bps=5), DEAR])
@pytest.mark.parametrize("delay", [1, 5])
def test_the_account_is_that_of_the_engine_over_twenty_years(costs, delay):
    prices, exposure, cash = drawn(1, 5000)
    account = SingleAssetAccount(prices=prices, cash=cash, costs=costs).trade(exposure, delay=delay)
    assert_same(account, backtest(prices, exposure, costs, cash, fill_delay=delay))


def test_decisions_on_some_sessions_stand_until_the_next():
    prices, exposure, cash = drawn(2, 60)
    some = exposure.iloc[[3, 20, 41]]
    account = SingleAssetAccount(prices=prices, cash=cash).trade(some)
    assert_same(account, reference_backtest(prices, some, Costs(), cash))


def test_a_delay_beyond_the_end_is_buy_and_hold():
    prices, exposure, _ = drawn(3, 10)
    account = SingleAssetAccount(prices=prices).trade(exposure, delay=50)
    np.testing.assert_allclose(account.returns, prices.pct_change().iloc[1:])
    assert account.turnover == 0.0 and set(account.held) == {1.0} and set(account.cash) == {0.0}


def test_costs_may_be_replaced_and_the_account_begun_later():
    prices, exposure, cash = drawn(4, 80)
    market = SingleAssetAccount(prices=prices, cash=cash, costs=DEAR)
    free = market.trade(exposure, costs=Costs(bps=0))
    assert free.returns.equals(
        SingleAssetAccount(prices=prices, cash=cash, costs=Costs(bps=0)).trade(exposure).returns
    )
    first = prices.index[30]
    later, known = market.since(first), exposure.loc[first:]
    assert later.sessions[0] == first and later.asset == "SPY"
    assert_same(
        later.trade(known), reference_backtest(prices.loc[first:], known, DEAR, cash.loc[first:])
    )


def test_what_the_engine_refuses_is_refused():
    prices, exposure, cash = drawn(5, 20)
    market = SingleAssetAccount(prices=prices, cash=cash)
    with pytest.raises(ConfigError, match="fill_delay: must be at least 1, got 0"):
        market.trade(exposure, delay=0)
    with pytest.raises(InvalidDataError, match="2010-01-06"):
        market.trade(exposure.where(exposure.index != "2010-01-06"))
    with pytest.raises(InvalidDataError, match="Exposure"):
        market.trade(exposure + 1.0)
    with pytest.raises(InvalidDataError, match="Cash"):
        SingleAssetAccount(prices=prices, cash=cash.iloc[:10])
    with pytest.raises(InvalidDataError, match="2010-01-08 has no price"):
        SingleAssetAccount(prices=prices.where(prices.index != "2010-01-08"))
    with pytest.raises(InvalidDataError, match="above 0"):
        SingleAssetAccount(prices=prices - 200.0)
