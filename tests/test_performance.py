"""Performance formulas against hand calculations and against each other's identities."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime import performance as perf
from regime.errors import InvalidDataError

DATES = pd.bdate_range("2024-01-01", periods=4, name="date")
RETURNS = pd.Series([0.10, -0.20, 0.05, 0.10], index=DATES)


def series(values):
    return pd.Series(values, index=pd.bdate_range("2020-01-01", periods=len(values), name="date"), dtype=float)


def test_growth_by_hand():
    # 1.1 * 0.8 * 1.05 * 1.1 = 1.01640; four sessions are 4 / 252 of a year.
    assert perf.cagr(RETURNS) == pytest.approx(1.0164 ** 63 - 1, rel=1e-12)


def test_volatility_and_sharpe_by_hand():
    # mean 0.0125; squared distances .00765625 .04515625 .00140625 .00765625, sum .061875, / 3 = .020625.
    assert perf.annual_volatility(RETURNS) == pytest.approx(math.sqrt(0.020625 * 252), rel=1e-12)
    assert perf.sharpe_ratio(RETURNS) == pytest.approx(0.0125 / math.sqrt(0.020625) * math.sqrt(252), rel=1e-12)


def test_cash_is_taken_from_every_session():
    cash = pd.Series([0.01, 0.0, 0.01, 0.02], index=DATES)
    # Excess .09 -.20 .04 .08: mean .0025, squares about it .00765625 .04100625 .00140625 .00600625 = .056075.
    assert perf.sharpe_ratio(RETURNS, cash) == pytest.approx(0.0025 / math.sqrt(0.056075 / 3 / 252), rel=1e-12)
    assert perf.sharpe_ratio(RETURNS, 0.0125) == pytest.approx(0.0, abs=1e-12)


def test_sortino_by_hand():
    # One loss of .20 in four sessions: downside deviation sqrt(.04 / 4) = .1.
    assert perf.sortino_ratio(RETURNS) == pytest.approx(0.0125 / 0.1 * math.sqrt(252), rel=1e-12)


def test_drawdown_by_hand():
    assert perf.drawdown(RETURNS).tolist() == pytest.approx([0.0, -0.2, -0.16, -0.076], abs=1e-12)
    assert perf.max_drawdown(RETURNS) == pytest.approx(-0.2)
    assert perf.calmar_ratio(RETURNS) == pytest.approx((1.0164 ** 63 - 1) / 0.2)


def test_a_loss_on_the_first_day_is_a_drawdown():
    assert perf.max_drawdown(series([-0.1, 0.05])) == pytest.approx(-0.1)


@pytest.mark.parametrize(("level", "expected"), [(0.05, -0.10), (0.25, -0.075), (1.0, 0.0)])
def test_conditional_value_at_risk_by_hand(level, expected):
    # Worst first: -.10 -.05 .00 .05 .10; floor(4 * level) + 1 of them are 1, 2 and 5.
    assert perf.conditional_value_at_risk(series([0.10, -0.05, 0.0, -0.10, 0.05]), level) == pytest.approx(expected)


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
    assert whole.iloc[1] == pytest.approx(abs(returns.iloc[0] - returns.iloc[1]) / math.sqrt(2) * math.sqrt(252))
    assert perf.realised_volatility(returns[:200]).equals(whole[:200])


def test_table_holds_the_single_figures():
    table = perf.performance_table(RETURNS, 0.001, pd.Series([1.0, 0.5, 0.5, 1.0], index=DATES))
    assert table["sharpe"] == perf.sharpe_ratio(RETURNS, 0.001)
    assert table["max_drawdown"] == perf.max_drawdown(RETURNS)
    assert (table["turnover"], table["mean_exposure"], table["days"]) == (63.0, 0.75, 4.0)
    assert all(type(value) is float for value in table.values())
    assert "turnover" not in perf.performance_table(RETURNS)


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
    below = perf.drawdown(returns)
    assert ((below <= 0) & (below > -1)).all()
    assert perf.conditional_value_at_risk(returns, 0.05) <= perf.conditional_value_at_risk(returns, 0.5) + 1e-12
    growth = (1 + perf.cagr(returns)) ** (len(returns) / 252)
    assert growth == pytest.approx(float(np.prod(1 + np.array(values))), rel=1e-6)
