"""From probabilities to equity.

A day's own return cannot be earned, and the account is the engine's.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.parallel import NoProgress
from regime.performance import sharpe_ratio
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.strategy import decide, signals, trade
from regime.schema import REGIMES, check_exposure
from tests.backtest.reference_engine import reference_backtest

FREE = Costs(bps=0)


@pytest.fixture(scope="module")
def settings():
    return load_settings("demo.yaml", ["tracking=NullTracker"])


@pytest.fixture(scope="module")
def market_data(settings):
    return read_market_data(settings, None, NoProgress())


def fair(market_data, seed):
    """The simulated world with the sign of each day's excess return drawn anew.

    Its regimes and its agents make days depend on the days before, which an honest rule may earn.
    With fair signs on the same moves, in the same clusters, there is nothing left to earn but by
    seeing the day itself.
    """
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(market_data.returns))
    excess = (market_data.returns.fillna(0.0) - market_data.cash).abs() * signs
    return replace(market_data, returns=(excess + market_data.cash).rename("returns"))


@pytest.fixture(scope="module")
def forecast(market_data):
    """Probabilities of some shape over the last eight years."""
    days = market_data.sessions[-2000:]
    odds = (
        pd.Series(np.random.default_rng(3).normal(0, 0.3, 2000), days).ewm(halflife=10).mean() * 8
    )
    stress = 1 / (1 + np.exp(-odds))
    return pd.DataFrame(
        {name: stress if name == "deleveraging" else (1 - stress) / 3 for name in REGIMES}
    )


def oracle(market_data):
    """In the market on exactly the days that beat cash: what nobody can decide in time."""
    return (market_data.returns > market_data.cash).astype(float).rename("exposure")


def sharpe(result):
    return sharpe_ratio(result.returns, result.cash_returns)


def two_errors(result):
    """Twice the standard error of an annual Sharpe ratio near zero."""
    return 2 / np.sqrt(len(result.returns) / 252)


@pytest.mark.parametrize("delay", [1, 2, 5])
def test_an_oracle_of_the_same_days_return_earns_nothing(market_data, delay):
    ratios = []
    for seed in range(12):
        drawn = fair(market_data, seed)
        result = backtest(drawn.total_return, oracle(drawn), FREE, drawn.cash, fill_delay=delay)
        ratios.append(sharpe(result) / two_errors(result))
        assert len(result.orders) > 1000
    assert abs(ratios[0]) < 1 and np.mean(np.abs(ratios) < 1) >= 0.75
    assert abs(np.mean(ratios)) < 1 / np.sqrt(len(ratios))  # nor anything on average


def test_with_the_same_bar_flag_it_earns_a_great_deal(market_data):
    drawn = fair(market_data, 0)
    result = backtest(drawn.total_return, oracle(drawn), FREE, drawn.cash, same_bar=True)
    assert sharpe(result) > 10 * two_errors(result)
    assert (result.returns >= result.cash_returns - 1e-12).all()
    assert result.notes[0].startswith("LOOK-AHEAD")


def test_in_the_world_as_it_is_the_day_itself_is_lost_too(market_data):
    """What one day tells of the next ones may be earned, not the day."""
    default, cheating = (
        backtest(
            market_data.total_return, oracle(market_data), FREE, market_data.cash, same_bar=flag
        )
        for flag in (False, True)
    )
    assert sharpe(cheating) > 10 * two_errors(cheating) and abs(sharpe(default)) < 0.3 * sharpe(
        cheating
    )


def test_an_oracle_of_the_return_that_it_can_earn_does(market_data):
    """Two sessions ahead is the first return that a decision earns.

    The engine loses no day on the way.
    """
    drawn = fair(market_data, 0)
    ahead = oracle(drawn).shift(-2, fill_value=0.0)
    result = backtest(drawn.total_return, ahead, FREE, drawn.cash)
    assert (result.returns.iloc[2:] >= result.cash_returns.iloc[2:] - 1e-12).all()
    for wrong in (-1, -3):
        missed = backtest(
            drawn.total_return, oracle(drawn).shift(wrong, fill_value=0.0), FREE, drawn.cash
        )
        assert abs(sharpe(missed)) < 0.15 * sharpe(result)


def test_the_workflow_trades_through_the_default_engine(settings, market_data):
    drawn = fair(market_data, 0)
    exposure = oracle(drawn)
    strategy = trade(replace(settings, costs=FREE), drawn, exposure, NoProgress())
    assert strategy.result.equity.equals(
        backtest(drawn.total_return, exposure, FREE, drawn.cash).equity
    )
    assert abs(sharpe(strategy.result)) < two_errors(strategy.result)


def test_signals_hold_what_rules_read(settings, market_data, forecast):
    table = signals(market_data, forecast)
    assert table[list(REGIMES)].equals(forecast) and set(settings.rule.needs) <= set(table)
    by_hand = (
        market_data.returns.loc[: forecast.index[100]].ewm(halflife=21).std().iloc[-1] * 252**0.5
    )
    assert table["volatility"].iloc[100] == pytest.approx(by_hand, rel=1e-12)


def test_exposure_is_decided_row_by_row(settings, market_data, forecast):
    exposure = check_exposure(decide(settings, market_data, forecast))
    rule, rows = settings.rule, signals(market_data, forecast)
    state = rule.start()
    for date, row in rows.iloc[:300].iterrows():
        state, now = rule.step(state, row.to_dict(), 1.0)
        assert now == exposure[date]
    assert exposure.nunique() > 10 and exposure.name == "exposure"


def test_the_account_of_a_strategy_agrees_with_the_reference_engine(
    settings, market_data, forecast
):
    exposure = decide(settings, market_data, forecast)
    strategy = trade(settings, market_data, exposure, NoProgress())
    days = exposure.index
    theirs = reference_backtest(
        market_data.total_return.loc[days], exposure, settings.costs, market_data.cash.loc[days]
    )
    np.testing.assert_allclose(strategy.result.equity, theirs.equity, rtol=1e-10)
    assert list(strategy.equity) == ["strategy", "buy_and_hold", "200dma", "vol_target_12"]
    hold = strategy.benchmarks["buy_and_hold"].equity
    np.testing.assert_allclose(
        hold, market_data.total_return.loc[days] / market_data.total_return.loc[days[0]], rtol=1e-10
    )


def test_the_summary_is_plain(settings, market_data, forecast):
    summary = trade(
        settings, market_data, decide(settings, market_data, forecast), NoProgress()
    ).summary()
    assert set(summary) == {"strategy", "benchmarks"}
    for figures in (summary["strategy"], *summary["benchmarks"].values()):
        assert all(value is None or isinstance(value, float) for value in figures.values())
        assert {"sharpe", "cagr", "max_drawdown", "turnover", "cost_per_year"} <= set(figures)
    assert summary["benchmarks"]["buy_and_hold"]["turnover"] == 0.0
