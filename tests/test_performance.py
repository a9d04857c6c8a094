"""Performance formulas against hand calculations, empyrical-reloaded and identities."""

import math

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime.errors import InvalidDataError
from regime.performance import (
    cagr,
    drawdown_table,
    drawdowns,
    excess_values,
    finite_values,
    max_drawdown,
    monthly_returns,
    monthly_table,
    performance_table,
    realised_volatility,
    rolling_sharpe,
    sharpe_ratio,
)

DATES = pd.bdate_range("2024-01-01", periods=4, name="date")
RETURNS = pd.Series([0.10, -0.20, 0.05, 0.10], index=DATES)


def series(values):
    return pd.Series(
        values, index=pd.bdate_range("2020-01-01", periods=len(values), name="date"), dtype=float
    )


# Checked numbers


def test_numbers_come_through_and_cash_is_taken_from_each():
    assert finite_values(RETURNS).tolist() == RETURNS.tolist()
    assert finite_values(pd.Series([1, 2], index=DATES[:2])).dtype == float
    assert excess_values(RETURNS).tolist() == RETURNS.tolist()
    assert excess_values(RETURNS, 0.1).tolist() == pytest.approx([0.0, -0.3, -0.05, 0.0])
    assert excess_values(RETURNS, RETURNS).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_gap_is_refused_with_its_date(bad):
    gap = RETURNS.where(RETURNS > -0.1, bad)
    for figure in (finite_values, sharpe_ratio, max_drawdown, drawdown_table, monthly_table):
        with pytest.raises(InvalidDataError, match=r"2024-01-02.*is not a finite number"):
            figure(gap)
    with pytest.raises(InvalidDataError, match="2024-01-02"):
        excess_values(RETURNS, gap)
    with pytest.raises(InvalidDataError, match="2024-01-02"):
        performance_table(RETURNS, 0.0, gap)


def test_no_session_and_other_dates_are_refused():
    with pytest.raises(InvalidDataError, match="at least one session"):
        finite_values(RETURNS[:0])
    for figure in (excess_values, sharpe_ratio, performance_table):
        with pytest.raises(InvalidDataError, match="must have the dates of `returns`"):
            figure(RETURNS, RETURNS[1:])


def test_the_series_is_left_as_it_was():
    before = RETURNS.copy()
    excess_values(RETURNS, 0.5)
    performance_table(RETURNS, 0.001, RETURNS)
    pd.testing.assert_series_equal(before, RETURNS)


# Growth and risk


def test_growth_by_hand():
    # 1.1 * 0.8 * 1.05 * 1.1 = 1.01640; four sessions are 4 / 252 of a year.
    assert cagr(RETURNS) == pytest.approx(1.0164**63 - 1, rel=1e-12)
    assert cagr(series([0.1, -1.0, 0.1])) == -1.0
    assert cagr(series([99.0])) == math.inf


def test_volatility_and_sharpe_by_hand():
    # mean 0.0125; squared distances .00765625 .04515625 .00140625 .00765625, sum .061875, / 3 =
    # .020625.
    table = performance_table(RETURNS)
    assert table["volatility"] == pytest.approx(math.sqrt(0.020625 * 252), rel=1e-12)
    assert table["sharpe"] == pytest.approx(
        0.0125 / math.sqrt(0.020625) * math.sqrt(252), rel=1e-12
    )


def test_cash_is_taken_from_every_session():
    cash = pd.Series([0.01, 0.0, 0.01, 0.02], index=DATES)
    # Excess .09 -.20 .04 .08: mean .0025, squares about it .00765625 .04100625 .00140625 .00600625
    # = .056075.
    assert sharpe_ratio(RETURNS, cash) == pytest.approx(
        0.0025 / math.sqrt(0.056075 / 3 / 252), rel=1e-12
    )
    assert sharpe_ratio(RETURNS, 0.0125) == pytest.approx(0.0, abs=1e-12)


def test_sortino_calmar_and_ulcer_by_hand():
    table = performance_table(RETURNS)
    # One loss of .20 in four sessions: downside deviation sqrt(.04 / 4) = .1.
    assert table["sortino"] == pytest.approx(0.0125 / 0.1 * math.sqrt(252), rel=1e-12)
    assert table["calmar"] == pytest.approx((1.0164**63 - 1) / 0.2)
    # Drawdowns 0, .2, .16 and .076: squares 0, .04, .0256, .005776 have mean .017844.
    assert table["ulcer"] == pytest.approx(math.sqrt(0.017844), rel=1e-12)
    assert performance_table(series([0.1, 0.0, 0.2]))["ulcer"] == 0


def test_value_at_risk_is_the_mean_of_the_worst_twentieth_by_hand():
    # floor(4 * .05) + 1 = 1 of five sessions, floor(24 * .05) + 1 = 2 of 25.
    assert performance_table(series([0.10, -0.05, 0.0, -0.10, 0.05]))["cvar_5"] == -0.10
    assert performance_table(series([0.01] * 23 + [-0.10, -0.05]))["cvar_5"] == pytest.approx(
        -0.075
    )


def test_turnover_flips_and_hits_by_hand():
    table = performance_table(RETURNS, 0.06, series([1.0, 0.0, 0.25, 1.0]))
    assert table["turnover"] == pytest.approx(2.0 / 4 * 252)
    assert table["flips_per_year"] == pytest.approx(2 / 4 * 252)
    assert table["mean_exposure"] == pytest.approx(2.25 / 4)
    assert table["hit_rate"] == 0.5
    assert performance_table(RETURNS)["hit_rate"] == 0.75


def test_the_table_holds_the_single_figures_to_the_bit():
    rng = np.random.default_rng(8)
    returns, cash, held = (series(rng.normal(0.0003, size, 1500)) for size in (0.01, 0.0001, 0.3))
    table = performance_table(returns, cash, held)
    assert table["sharpe"] == sharpe_ratio(returns, cash)
    assert table["max_drawdown"] == max_drawdown(returns)
    assert table["cagr"] == cagr(returns)
    assert (table["days"], table["mean_exposure"]) == (1500.0, float(held.mean()))
    assert all(type(value) is float for value in table.values())
    assert "turnover" not in performance_table(returns)


@pytest.mark.parametrize("seed", range(3))
def test_equal_to_empyrical(seed):
    rng = np.random.default_rng(seed)
    returns, cash = (series(rng.normal(0.0004, size, 2000)) for size in (0.012, 0.0001))
    plain, over_cash = performance_table(returns), performance_table(returns, cash)
    for ours, theirs in [
        (plain["cagr"], empyrical.annual_return(returns)),
        (plain["volatility"], empyrical.annual_volatility(returns)),
        (over_cash["sharpe"], empyrical.sharpe_ratio(returns, cash)),
        (over_cash["sortino"], empyrical.sortino_ratio(returns, cash)),
        (plain["calmar"], empyrical.calmar_ratio(returns)),
        (plain["cvar_5"], empyrical.conditional_value_at_risk(returns)),
        (plain["max_drawdown"], empyrical.max_drawdown(returns)),
        (max_drawdown(-returns.abs()), empyrical.max_drawdown(-returns.abs())),
    ]:
        assert ours == pytest.approx(theirs, rel=1e-10)
    rolled = rolling_sharpe(returns, 0.0001, lookback=252).dropna()
    theirs = empyrical.roll_sharpe_ratio(returns, 252, risk_free=0.0001)
    assert rolled.to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-7)
    assert rolled.index.equals(theirs.index)


def test_rolling_sharpe_by_hand():
    assert rolling_sharpe(RETURNS, lookback=4).isna().tolist() == [True] * 3 + [False]
    assert rolling_sharpe(RETURNS, 0.01, lookback=4).iloc[3] == pytest.approx(
        sharpe_ratio(RETURNS, 0.01)
    )
    assert rolling_sharpe(RETURNS, lookback=2).iloc[1] == pytest.approx(sharpe_ratio(RETURNS[:2]))
    quiet = series([0.02, -0.01] * 40 + [0.001] * 60)
    rolled = rolling_sharpe(quiet, lookback=20)
    assert rolled.iloc[19:80].notna().all() and rolled.iloc[-1:].isna().all()


def test_realised_volatility_is_known_at_its_close():
    returns = series(np.random.default_rng(0).normal(0, 0.01, 300))
    whole = realised_volatility(returns)
    assert np.isnan(whole.iloc[0])
    # Two returns of weight w and 1: the unbiased weighted deviation is |difference| / sqrt(2).
    assert whole.iloc[1] == pytest.approx(
        abs(returns.iloc[0] - returns.iloc[1]) / math.sqrt(2) * math.sqrt(252)
    )
    assert realised_volatility(returns[:200]).equals(whole[:200])


def test_undefined_figures_are_nan_not_huge():
    table = performance_table(series([0.001] * 50))
    assert all(math.isnan(table[name]) for name in ("sharpe", "sortino", "calmar"))
    assert math.isnan(performance_table(series([0.001]))["volatility"])


@given(st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=60))
def test_laws(values):
    table = performance_table(series(values))
    assert min(values) <= table["cvar_5"] <= np.mean(values) + 1e-12
    assert -1 <= table["max_drawdown"] <= -table["ulcer"] + 1e-12 <= 1e-12
    growth = (1 + table["cagr"]) ** (len(values) / 252)
    assert growth == pytest.approx(float(np.prod(1 + np.array(values))), rel=1e-6)


# Drawdowns


def test_drawdowns_by_hand():
    assert drawdowns(RETURNS.to_numpy()).tolist() == pytest.approx(
        [0.0, -0.2, -0.16, -0.076], abs=1e-12
    )
    assert max_drawdown(RETURNS) == pytest.approx(-0.2)


def test_a_loss_on_the_first_day_is_a_drawdown():
    assert max_drawdown(series([-0.1, 0.05])) == pytest.approx(-0.1)


def test_lost_capital_stays_lost():
    assert drawdowns(np.array([0.1, -1.0, 0.5])).tolist() == [0, -1, -1]
    table = drawdown_table(series([0.1, -1.0, 0.5]))
    assert table["depth"].tolist() == [-1] and table["end"].isna().all()


def test_drawdown_table_by_hand():
    # Peak 1.1, then .88, .924, 1.1 again; peak 1.21, then 1.0890 and 1.1979, still below it.
    table = drawdown_table(series([0.10, -0.20, 0.05, 1.1 / 0.924 - 1, 0.10, -0.10, 0.10]))
    days = pd.bdate_range("2020-01-01", periods=7)
    assert table["start"].tolist() == [days[1], days[5]]
    assert table["trough"].tolist() == [days[1], days[5]]
    assert table["end"][0] == days[3] and pd.isna(table["end"][1])
    assert table["depth"].tolist() == pytest.approx([-0.2, -0.1])
    assert table["sessions_down"].tolist() == [1, 1]
    assert table["sessions_to_regain"][0] == 2 and math.isnan(table["sessions_to_regain"][1])


def test_a_slow_drawdown_is_counted_from_its_peak():
    table = drawdown_table(series([-0.1, 0.0, 0.05, -0.1, 0.0, 1.0]))
    assert table[["sessions_down", "sessions_to_regain"]].to_numpy().tolist() == [[4, 2]]
    assert table["start"][0] == pd.Timestamp("2020-01-01")


def test_rounding_at_the_peak_is_no_drawdown():
    table = drawdown_table(series([0.1, 1 / 1.1 - 1, 0.1] * 50), count=1000)
    assert len(table) == 50 and table["end"].notna().all()
    assert (table["sessions_to_regain"] == 1).all()


def test_without_a_drawdown_the_table_is_empty_but_whole():
    table = drawdown_table(series([0.1, 0.0, 0.2]))
    assert table.empty and table["end"].dtype.kind == "M" and table["depth"].dtype == float
    assert list(table) == ["start", "trough", "end", "depth", "sessions_down", "sessions_to_regain"]
    assert list(drawdown_table(RETURNS, count=0)) == list(table)


@given(st.lists(st.sampled_from([-0.5, -0.1, 0.0, 0.1, 0.25, 1.0]), min_size=1, max_size=60))
def test_the_drawdown_table_equals_a_walk_along_the_curve(values):
    returns, peak, level, fall, falls = series(values), 1.0, 1.0, None, []
    for t, value in enumerate(values):
        level *= 1 + value
        if level / peak - 1 >= -1e-12:
            if fall:
                falls.append((*fall, t))
            fall, peak = None, max(peak, level)
        else:
            depth = level / peak - 1
            start, low, trough = fall or (t, 0.0, t)
            fall = (start, depth, t) if depth < low else (start, low, trough)
    if fall:
        falls.append((*fall, None))
    table = drawdown_table(returns, count=100)
    falls.sort(key=lambda fall: fall[1])
    assert table["depth"].tolist() == pytest.approx([fall[1] for fall in falls], abs=1e-12)
    # Depths that rounding cannot tell apart may come in either order.
    rows = sorted(
        (row.start, pd.NaT if pd.isna(row.end) else row.end) for row in table.itertuples()
    )
    dates = returns.index
    walk = sorted((dates[a], pd.NaT if end is None else dates[end]) for a, _, _, end in falls)
    assert [a for a, _ in rows] == [a for a, _ in walk]
    assert [b for _, b in rows if b is not pd.NaT] == [b for _, b in walk if b is not pd.NaT]
    below = pd.Series(drawdowns(returns.to_numpy()), dates)
    assert (table["depth"].to_numpy() == below[table["trough"]].to_numpy()).all()
    if len(table):
        assert table["depth"][0] == max_drawdown(returns)


# Calendar months

SOME_DAYS = pd.Series(
    [0.10, 0.20, -0.10, -0.05],
    index=pd.DatetimeIndex(["2023-11-30", "2023-12-01", "2023-12-29", "2024-02-01"], name="date"),
)


def test_months_by_hand():
    assert monthly_returns(SOME_DAYS).to_dict() == {
        pd.Period("2023-11", "M"): pytest.approx(0.10),
        pd.Period("2023-12", "M"): pytest.approx(0.08),
        pd.Period("2024-02", "M"): pytest.approx(-0.05),
    }


def test_monthly_table_by_hand():
    table = monthly_table(SOME_DAYS)
    assert list(table) == [*range(1, 13), "year"] and table.index.tolist() == [2023, 2024]
    assert table.loc[2023, [11, 12, "year"]].tolist() == pytest.approx(
        [0.10, 0.08, 1.10 * 1.08 - 1]
    )
    assert math.isnan(table.loc[2024, 1]) and table.loc[2024, "year"] == pytest.approx(-0.05)
    assert int(table.drop(columns="year").notna().sum().sum()) == 3


def test_a_year_without_sessions_is_missing():
    days = pd.DatetimeIndex(["2020-01-02", "2022-01-03"], name="date")
    table = monthly_table(pd.Series([0.1, 0.1], days))
    assert table.index.tolist() == [2020, 2021, 2022] and table.loc[2021].isna().all()


def test_months_and_years_equal_empyrical():
    dates = pd.bdate_range("2018-11-15", "2024-02-09", name="date")
    market = pd.Series(np.random.default_rng(11).normal(0.0004, 0.01, len(dates)), index=dates)
    theirs = empyrical.aggregate_returns(market, "monthly")
    assert monthly_returns(market).to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-10)
    years = empyrical.aggregate_returns(market, "yearly")
    assert monthly_table(market)["year"].to_numpy() == pytest.approx(years.to_numpy(), rel=1e-10)


def test_months_out_of_order_are_refused():
    for returns in (SOME_DAYS[::-1], SOME_DAYS.reset_index(drop=True)):
        with pytest.raises(InvalidDataError, match="ordered dates"):
            monthly_returns(returns)
