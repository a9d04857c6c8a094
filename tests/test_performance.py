"""Performance formulas against hand calculations, empyrical-reloaded and each other's identities."""

import math

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime import performance as perf
from regime.drawdowns import max_drawdown, ulcer_index
from regime.errors import InvalidDataError

DATES = pd.bdate_range("2024-01-01", periods=4, name="date")
RETURNS = pd.Series([0.10, -0.20, 0.05, 0.10], index=DATES)


def series(values):
    return pd.Series(
        values, index=pd.bdate_range("2020-01-01", periods=len(values), name="date"), dtype=float
    )


def test_growth_by_hand():
    # 1.1 * 0.8 * 1.05 * 1.1 = 1.01640; four sessions are 4 / 252 of a year.
    assert perf.cagr(RETURNS) == pytest.approx(1.0164**63 - 1, rel=1e-12)


def test_volatility_and_sharpe_by_hand():
    # mean 0.0125; squared distances .00765625 .04515625 .00140625 .00765625, sum .061875, / 3 =
    # .020625.
    assert perf.annual_volatility(RETURNS) == pytest.approx(math.sqrt(0.020625 * 252), rel=1e-12)
    assert perf.sharpe_ratio(RETURNS) == pytest.approx(
        0.0125 / math.sqrt(0.020625) * math.sqrt(252), rel=1e-12
    )


def test_cash_is_taken_from_every_session():
    cash = pd.Series([0.01, 0.0, 0.01, 0.02], index=DATES)
    # Excess .09 -.20 .04 .08: mean .0025, squares about it .00765625 .04100625 .00140625 .00600625
    # = .056075.
    assert perf.sharpe_ratio(RETURNS, cash) == pytest.approx(
        0.0025 / math.sqrt(0.056075 / 3 / 252), rel=1e-12
    )
    assert perf.sharpe_ratio(RETURNS, 0.0125) == pytest.approx(0.0, abs=1e-12)


def test_sortino_by_hand():
    # One loss of .20 in four sessions: downside deviation sqrt(.04 / 4) = .1.
    assert perf.sortino_ratio(RETURNS) == pytest.approx(0.0125 / 0.1 * math.sqrt(252), rel=1e-12)


def test_calmar_by_hand():
    assert perf.calmar_ratio(RETURNS) == pytest.approx((1.0164**63 - 1) / 0.2)


@pytest.mark.parametrize(("level", "expected"), [(0.05, -0.10), (0.25, -0.075), (1.0, 0.0)])
def test_conditional_value_at_risk_by_hand(level, expected):
    # Worst first: -.10 -.05 .00 .05 .10; floor(4 * level) + 1 of them are 1, 2 and 5.
    assert perf.conditional_value_at_risk(
        series([0.10, -0.05, 0.0, -0.10, 0.05]), level
    ) == pytest.approx(expected)


def test_turnover_flips_and_hits_by_hand():
    exposure = series([1.0, 0.0, 0.25, 1.0])
    assert perf.turnover(exposure) == pytest.approx(2.0 / 4 * 252)
    assert perf.flips_per_year(exposure) == pytest.approx(2 / 4 * 252)
    assert perf.hit_rate(RETURNS) == 0.75
    assert perf.hit_rate(RETURNS, 0.06) == 0.5


def test_realised_volatility_is_known_at_its_close():
    returns = series(np.random.default_rng(0).normal(0, 0.01, 300))
    whole = perf.realised_volatility(returns)
    assert np.isnan(whole.iloc[0])
    # Two returns of weight w and 1: the unbiased weighted deviation is |difference| / sqrt(2).
    assert whole.iloc[1] == pytest.approx(
        abs(returns.iloc[0] - returns.iloc[1]) / math.sqrt(2) * math.sqrt(252)
    )
    assert perf.realised_volatility(returns[:200]).equals(whole[:200])


def test_table_holds_the_single_figures():
    table = perf.performance_table(RETURNS, 0.001, pd.Series([1.0, 0.5, 0.5, 1.0], index=DATES))
    assert table["sharpe"] == perf.sharpe_ratio(RETURNS, 0.001)
    assert table["max_drawdown"] == max_drawdown(RETURNS)
    assert (table["turnover"], table["mean_exposure"], table["days"]) == (63.0, 0.75, 4.0)
    assert all(type(value) is float for value in table.values())
    assert "turnover" not in perf.performance_table(RETURNS)


def test_table_is_the_single_figures_to_the_bit():
    rng = np.random.default_rng(8)
    returns, cash, held = (series(rng.normal(0.0003, size, 1500)) for size in (0.01, 0.0001, 0.3))
    single = {
        "sharpe": perf.sharpe_ratio(returns, cash),
        "sortino": perf.sortino_ratio(returns, cash),
        "calmar": perf.calmar_ratio(returns),
        "max_drawdown": max_drawdown(returns),
        "ulcer": ulcer_index(returns),
        "cagr": perf.cagr(returns),
        "volatility": perf.annual_volatility(returns),
        "cvar_5": perf.conditional_value_at_risk(returns),
        "hit_rate": perf.hit_rate(returns, cash),
        "days": 1500.0,
        "turnover": perf.turnover(held),
        "flips_per_year": perf.flips_per_year(held),
        "mean_exposure": float(held.mean()),
    }
    assert perf.performance_table(returns, cash, held) == single


@pytest.mark.parametrize("seed", range(3))
def test_equal_to_empyrical(seed):
    rng = np.random.default_rng(seed)
    returns, cash = (series(rng.normal(0.0004, size, 2000)) for size in (0.012, 0.0001))
    for ours, theirs in [
        (perf.cagr(returns), empyrical.annual_return(returns)),
        (perf.annual_volatility(returns), empyrical.annual_volatility(returns)),
        (perf.sharpe_ratio(returns, cash), empyrical.sharpe_ratio(returns, cash)),
        (perf.sortino_ratio(returns, cash), empyrical.sortino_ratio(returns, cash)),
        (perf.calmar_ratio(returns), empyrical.calmar_ratio(returns)),
        (perf.conditional_value_at_risk(returns), empyrical.conditional_value_at_risk(returns)),
    ]:
        assert ours == pytest.approx(theirs, rel=1e-10)
    rolled = perf.rolling_sharpe(returns, 0.0001, lookback=252).dropna()
    theirs = empyrical.roll_sharpe_ratio(returns, 252, risk_free=0.0001)
    assert rolled.to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-7)
    assert rolled.index.equals(theirs.index)


def test_rolling_sharpe_by_hand():
    assert perf.rolling_sharpe(RETURNS, lookback=4).isna().tolist() == [True] * 3 + [False]
    assert perf.rolling_sharpe(RETURNS, 0.01, lookback=4).iloc[3] == pytest.approx(
        perf.sharpe_ratio(RETURNS, 0.01)
    )
    assert perf.rolling_sharpe(RETURNS, lookback=2).iloc[1] == pytest.approx(
        perf.sharpe_ratio(RETURNS[:2])
    )
    quiet = series([0.02, -0.01] * 40 + [0.001] * 60)
    rolled = perf.rolling_sharpe(quiet, lookback=20)
    assert rolled.iloc[19:80].notna().all() and rolled.iloc[-1:].isna().all()


def test_undefined_figures_are_nan_not_huge():
    flat = series([0.001] * 50)
    assert math.isnan(perf.sharpe_ratio(flat))
    assert math.isnan(perf.sortino_ratio(flat))
    assert math.isnan(perf.calmar_ratio(flat))
    assert math.isnan(perf.annual_volatility(flat[:1]))
    assert perf.cagr(series([0.1, -1.0, 0.1])) == -1.0
    assert perf.cagr(series([99.0])) == math.inf


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gap_is_refused_with_its_date(bad):
    with pytest.raises(InvalidDataError, match=r"2020-01-02.*not a finite number"):
        perf.sharpe_ratio(series([0.1, bad, 0.1]))


def test_empty_and_misaligned_input_is_refused():
    with pytest.raises(InvalidDataError, match="at least one session"):
        perf.cagr(series([]))
    with pytest.raises(InvalidDataError, match="must have the dates of `returns`"):
        perf.sharpe_ratio(RETURNS, RETURNS.iloc[1:])
    with pytest.raises(InvalidDataError, match=r"outside \(0, 1\]"):
        perf.conditional_value_at_risk(RETURNS, 0.0)


@given(st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=60))
def test_laws(values):
    returns = series(values)
    assert (
        perf.conditional_value_at_risk(returns, 0.05)
        <= perf.conditional_value_at_risk(returns, 0.5) + 1e-12
    )
    growth = (1 + perf.cagr(returns)) ** (len(returns) / 252)
    assert growth == pytest.approx(float(np.prod(1 + np.array(values))), rel=1e-6)
