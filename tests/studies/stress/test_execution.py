"""Worse terms: the plain case is the plain backtest, every other is what it says, by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.errors import ConfigError, InvalidDataError
from regime.performance import max_drawdown, sharpe_ratio
from regime.studies.stress.account import SingleAssetAccount
from regime.studies.stress.execution import (
    break_even_costs,
    compare_accounts,
    cost_multiples,
    fill_delays,
    leave_one_year_out,
    start_date_sensitivity,
)

N = 1500


@pytest.fixture(scope="module")
def account():
    rng = np.random.default_rng(1)
    dates = pd.bdate_range("2010-01-04", periods=N, name="date")
    prices = pd.Series(100 * np.exp(rng.normal(0.0003, 0.01, N).cumsum()), dates, name="SPY")
    return SingleAssetAccount(
        prices=prices,
        cash=pd.Series(rng.uniform(0, 2e-4, N), dates),
        costs=Costs(bps=8, impact_bps=2),
    )


@pytest.fixture(scope="module")
def exposure(account):
    """Half knowing, so that it beats holding for free and loses to it at some cost."""
    ahead = account.prices.pct_change(20).shift(-20).fillna(1.0)
    noise = np.random.default_rng(2).normal(0, 0.06, N)
    return (
        ((ahead + noise) > 0)
        .astype(float)
        .rolling(5, min_periods=1)
        .mean()
        .round(1)
        .rename("exposure")
    )


@pytest.fixture(scope="module")
def benchmarks(account):
    """Holding, and something between the two that trades less."""
    half = (np.arange(N) // 100 % 2 == 0).astype(float) * 0.5 + 0.5
    return {"hold": pd.Series(1.0, account.sessions), "half": pd.Series(half, account.sessions)}


def figures(result):
    return [result.summary()[name] for name in ("sharpe", "max_drawdown", "cagr", "turnover")]


def test_delay_one_and_cost_once_are_the_plain_backtest(account, exposure, benchmarks):
    late, dear = (
        fill_delays(account, exposure, benchmarks),
        cost_multiples(account, exposure, benchmarks),
    )
    plain = compare_accounts(
        account.trade(exposure), {name: account.trade(own) for name, own in benchmarks.items()}
    )
    assert late.loc[1].to_dict() == plain == dear.loc[1].drop("cost_bps").to_dict()
    engine = backtest(account.prices, exposure, account.costs, account.cash)
    assert list(plain.values())[:4] == pytest.approx(figures(engine), abs=1e-9)
    assert list(late.index) == [1, 2, 3, 4, 5] and list(dear.index) == [0, 1, 2, 5, 10]


@pytest.mark.parametrize("wait", [2, 5])
def test_a_delay_is_the_engines(account, exposure, benchmarks, wait):
    row = fill_delays(account, exposure, benchmarks, sessions=[wait]).loc[wait]
    assert row.iloc[:4].tolist() == pytest.approx(
        figures(backtest(account.prices, exposure, account.costs, account.cash, fill_delay=wait)),
        abs=1e-9,
    )
    theirs = backtest(
        account.prices, benchmarks["half"], account.costs, account.cash, fill_delay=wait
    )
    assert row[["sharpe_half", "max_drawdown_half"]].tolist() == pytest.approx(
        figures(theirs)[:2], abs=1e-9
    )


@pytest.mark.parametrize(
    ("multiple", "costs"), [(0, Costs(bps=0)), (2, Costs(bps=16, impact_bps=4))]
)
def test_a_multiple_is_the_engines(account, exposure, multiple, costs):
    row = cost_multiples(account, exposure, multiples=[multiple]).loc[multiple]
    assert row["cost_bps"] == pytest.approx(costs.bps)
    assert row.iloc[1:].tolist() == pytest.approx(
        figures(backtest(account.prices, exposure, costs, account.cash)), abs=1e-9
    )


def test_costs_hurt_the_rule_and_never_holding(account, exposure, benchmarks):
    table = cost_multiples(account, exposure, benchmarks)
    assert table["sharpe"].is_monotonic_decreasing and table["sharpe_hold"].nunique() == 1
    with pytest.raises(ConfigError, match="bps"):
        cost_multiples(account, exposure, multiples=[-1])


def test_at_the_break_even_cost_the_ratios_are_equal(account, exposure, benchmarks):
    table = break_even_costs(account, exposure, benchmarks)
    for name, row in table.iterrows():
        assert 0 < row["cost_bps"] < 1000 and row["ahead"] == "below" and "bp" in row["reason"]
        paid = Costs(bps=row["cost_bps"])
        ours, theirs = (
            sharpe_ratio(result.returns, result.cash_returns)
            for result in (
                backtest(account.prices, own, paid, account.cash)
                for own in (exposure, benchmarks[name])
            )
        )
        assert ours == pytest.approx(theirs, abs=1e-6) and row["sharpe"] == pytest.approx(
            ours, abs=1e-6
        )
        for factor, sign in ((0.9, 1), (1.1, -1)):
            near = Costs(bps=row["cost_bps"] * factor)
            assert (
                sign
                * (
                    account.trade(exposure, costs=near).sharpe
                    - account.trade(benchmarks[name], costs=near).sharpe
                )
                > 0
            )


def test_where_there_is_no_break_even_the_reason_is_told(account, exposure, benchmarks):
    opposite = 1.0 - exposure
    table = break_even_costs(account, exposure, {"itself": exposure, "opposite": opposite})
    assert table["cost_bps"].isna().all()
    assert table.loc["itself", "reason"] == "the two are equal at any cost"
    assert table.loc["opposite", ["ahead", "reason"]].tolist() == [
        "always",
        "ahead at any cost up to 1000 bp",
    ]
    behind = break_even_costs(account, opposite, {"hold": benchmarks["hold"]}).loc["hold"]
    assert (behind["ahead"], behind["reason"]) == ("never", "behind even at no cost")
    flat = SingleAssetAccount(prices=pd.Series(100.0, account.sessions))
    still = break_even_costs(flat, exposure, benchmarks).loc["hold"]
    assert (
        still["ahead"] == ""
        and still["reason"] == "a Sharpe ratio is not defined: an account has no spread"
    )


def test_a_rival_that_trades_more_is_beaten_above_some_cost(account, exposure, benchmarks):
    row = break_even_costs(account, benchmarks["half"], {"rule": exposure}).loc["rule"]
    assert row["ahead"] == "above"
    assert row["cost_bps"] == pytest.approx(
        break_even_costs(account, exposure, benchmarks).loc["half", "cost_bps"]
    )


def test_without_one_year_by_hand(account, exposure, benchmarks):
    account, hold = account.trade(exposure), account.trade(benchmarks["hold"])
    table = leave_one_year_out(account, {"hold": hold})
    assert list(table.index) == list(range(2010, 2016))
    kept = account.returns[account.returns.index.year != 2012]
    excess = (kept - account.cash[kept.index]).to_numpy()
    by_hand = excess.mean() / excess.std(ddof=1) * math.sqrt(252)
    curve = np.r_[1.0, np.cumprod(1 + kept.to_numpy())]
    deepest = min(curve[i] / curve[: i + 1].max() - 1 for i in range(len(curve)))
    assert table.loc[2012, ["sharpe", "max_drawdown"]].tolist() == pytest.approx(
        [by_hand, deepest], abs=1e-12
    )
    theirs = hold.returns[hold.returns.index.year != 2012]
    assert table.loc[2012, "max_drawdown_hold"] == max_drawdown(theirs)


def test_the_only_year_cannot_be_left_out(account, exposure):
    one = SingleAssetAccount(
        prices=account.prices.loc["2011"], cash=account.cash, costs=account.costs
    )
    assert leave_one_year_out(one.trade(exposure.loc["2011"])).empty


def test_each_start_is_a_backtest_of_its_own(account, exposure, benchmarks):
    signals = exposure.to_frame("wanted")
    table = start_date_sensitivity(
        account, signals, lambda rows: rows["wanted"].cummin(), benchmarks, least=300
    )
    assert list(table.index) == [
        pd.Timestamp(f"{year}-01-0{day}")
        for year, day in [(2010, 4), (2011, 3), (2012, 2), (2013, 1), (2014, 1)]
    ]
    first = table.index[2]
    own = exposure.loc[first:].cummin()
    result = backtest(account.prices.loc[first:], own, account.costs, account.cash.loc[first:])
    assert table.loc[first, "sessions"] == len(own)
    assert table.loc[
        first, ["sharpe", "max_drawdown", "cagr", "turnover"]
    ].tolist() == pytest.approx(figures(result), abs=1e-9)


def test_rivals_must_have_the_sessions_of_the_rule(account, exposure, benchmarks):
    short = account.since(account.sessions[5]).trade(benchmarks["hold"].iloc[5:])
    with pytest.raises(InvalidDataError, match="`hold` has other sessions than the rule"):
        compare_accounts(account.trade(exposure), {"hold": short})
