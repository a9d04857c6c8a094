"""From probabilities to equity: a day's own return cannot be earned, and the account is the engine's."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.backtest.reference import reference_backtest
from regime.performance import sharpe_ratio
from regime.progress import NoProgress
from regime.schema import REGIMES, check_exposure
from regime.workflows.data import read_world
from regime.workflows.settings import load_settings
from regime.workflows.strategy import decide, signals, trade

FREE = Costs(bps=0)


@pytest.fixture(scope="module")
def settings():
    return load_settings("demo.yaml", ["tracking=NullTracker"])


@pytest.fixture(scope="module")
def world(settings):
    return read_world(settings, None, NoProgress())


@pytest.fixture(scope="module")
def fair(settings, world):
    """The simulated world less the mean return of each planted regime.

    Regimes last for weeks and each has its own drift, so a day's sign honestly tells a little about the
    days after; without the drift nothing is left to earn but by seeing the day itself.
    """
    excess = world.returns.fillna(0.0) - world.cash
    drift = excess.groupby(settings.source.world(), observed=True).transform("mean")
    return replace(world, returns=(excess - drift + world.cash).rename("returns"))


@pytest.fixture(scope="module")
def forecast(world):
    """Probabilities of some shape over the last eight years."""
    days = world.sessions[-2000:]
    odds = pd.Series(np.random.default_rng(3).normal(0, 0.3, 2000), days).ewm(halflife=10).mean() * 8
    stress = 1 / (1 + np.exp(-odds))
    return pd.DataFrame({name: stress if name == "deleveraging" else (1 - stress) / 3 for name in REGIMES})


def oracle(world):
    """In the market on exactly the days that beat cash: what nobody can decide in time."""
    return (world.returns > world.cash).astype(float).rename("exposure")


def sharpe(result):
    return sharpe_ratio(result.returns, result.cash_returns)


def two_errors(result):
    """Twice the standard error of an annual Sharpe ratio near zero."""
    return 2 / np.sqrt(len(result.returns) / 252)


@pytest.mark.parametrize("delay", [1, 2, 5])
def test_an_oracle_of_the_same_days_return_earns_nothing(fair, delay):
    result = backtest(fair.total_return, oracle(fair), FREE, fair.cash, fill_delay=delay)
    assert abs(sharpe(result)) < two_errors(result)
    assert len(result.orders) > 1000


def test_with_the_same_bar_flag_it_earns_a_great_deal(fair):
    result = backtest(fair.total_return, oracle(fair), FREE, fair.cash, same_bar=True)
    assert sharpe(result) > 10 * two_errors(result)
    assert (result.returns >= result.cash_returns - 1e-12).all()
    assert result.notes[0].startswith("LOOK-AHEAD")


def test_an_oracle_of_the_return_that_it_can_earn_does(fair):
    """Two sessions ahead is the first return that a decision earns; the engine loses no day on the way."""
    ahead = oracle(fair).shift(-2, fill_value=0.0)
    result = backtest(fair.total_return, ahead, FREE, fair.cash)
    assert (result.returns.iloc[2:] >= result.cash_returns.iloc[2:] - 1e-12).all()
    for wrong in (-1, -3):
        missed = backtest(fair.total_return, oracle(fair).shift(wrong, fill_value=0.0), FREE, fair.cash)
        assert abs(sharpe(missed)) < 0.1 * sharpe(result)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_worlds_of_other_seeds_agree(seed):
    settings = load_settings("demo.yaml", [f"source.SimulatedSource.seed={seed}", "tracking=NullTracker"])
    names = settings.source.world()
    rng = np.random.default_rng(seed)
    # Volatility comes and goes with the regimes, and is known; the sign of a day is not.
    volatility = names.map(dict(zip(REGIMES, (0.006, 0.009, 0.02, 0.012), strict=True))).astype(float)
    returns = volatility * rng.standard_t(5, len(names))
    price, seen = (1 + returns).cumprod(), (returns > 0).astype(float)
    default, cheating = backtest(price, seen, FREE), backtest(price, seen, FREE, same_bar=True)
    assert abs(sharpe(default)) < two_errors(default) and sharpe(cheating) > 10 * two_errors(cheating)


def test_the_workflow_trades_through_the_default_engine(settings, fair):
    exposure = oracle(fair)
    strategy = trade(replace(settings, costs=FREE), fair, exposure, NoProgress())
    assert strategy.result.equity.equals(backtest(fair.total_return, exposure, FREE, fair.cash).equity)
    assert abs(sharpe(strategy.result)) < two_errors(strategy.result)


def test_signals_hold_what_rules_read(settings, world, forecast):
    table = signals(world, forecast)
    assert table[list(REGIMES)].equals(forecast) and set(settings.rule.needs) <= set(table)
    by_hand = world.returns.loc[:forecast.index[100]].ewm(halflife=21).std().iloc[-1] * 252 ** 0.5
    assert table["volatility"].iloc[100] == pytest.approx(by_hand, rel=1e-12)


def test_exposure_is_decided_row_by_row(settings, world, forecast):
    exposure = check_exposure(decide(settings, world, forecast))
    rule, rows = settings.rule, signals(world, forecast)
    state = rule.start()
    for date, row in rows.iloc[:300].iterrows():
        state, now = rule.step(state, row.to_dict(), 1.0)
        assert now == exposure[date]
    assert exposure.nunique() > 10 and exposure.name == "exposure"


def test_the_account_of_a_strategy_agrees_with_the_reference_engine(settings, world, forecast):
    exposure = decide(settings, world, forecast)
    strategy = trade(settings, world, exposure, NoProgress())
    days = exposure.index
    theirs = reference_backtest(world.total_return.loc[days], exposure, settings.costs, world.cash.loc[days])
    np.testing.assert_allclose(strategy.result.equity, theirs.equity, rtol=1e-10)
    assert list(strategy.equity) == ["strategy", "buy_and_hold", "200dma", "vol_target_12"]
    hold = strategy.benchmarks["buy_and_hold"].equity
    np.testing.assert_allclose(hold, world.total_return.loc[days] / world.total_return.loc[days[0]], rtol=1e-10)


def test_the_summary_is_plain(settings, world, forecast):
    summary = trade(settings, world, decide(settings, world, forecast), NoProgress()).summary()
    assert set(summary) == {"strategy", "benchmarks"}
    for figures in (summary["strategy"], *summary["benchmarks"].values()):
        assert all(value is None or isinstance(value, float) for value in figures.values())
        assert {"sharpe", "cagr", "max_drawdown", "turnover", "cost_per_year"} <= set(figures)
    assert summary["benchmarks"]["buy_and_hold"]["turnover"] == 0.0
