"""The rolled future.

Exact where the carry is exact, and never further from it than the noise of closes.
"""

import numpy as np
import pandas as pd
import pytest

from regime.mechanisms.cta.futures_price import (
    FUNDING,
    dividend_yield,
    excess_log_price,
    future_carry,
    years_to_expiry,
)

DATES = pd.bdate_range("2015-01-05", periods=1500, name="date")
RNG = np.random.default_rng(2)
CLOSE = pd.Series(2000 * np.exp(np.cumsum(RNG.normal(0.0003, 0.01, len(DATES)))), DATES)
RATE, PAID = 0.05, 0.015


def future_of(close, carry, noise=0.0):
    years, _ = years_to_expiry(close.index)
    return close * np.exp(carry * years + np.random.default_rng(1).normal(0, noise, len(close)))


def bills(rate=RATE):
    return pd.Series(100 * rate, DATES)


def fund(paid=PAID):
    return CLOSE * np.exp(paid * np.arange(len(DATES)) / 252)


def slope(log_price):
    gap = (log_price - np.log(CLOSE)).to_numpy()
    years = (DATES - DATES[0]).days.to_numpy() / 365
    return np.polyfit(years[300:], gap[300:], 1)[0]


@pytest.mark.parametrize(
    ("day", "left", "gone"),
    [
        ("2024-06-21", 0, 98),
        ("2024-06-24", 88, 3),
        ("2015-03-20", 0, 91),
        ("2024-12-31", 80, 11),
        ("1969-12-30", 80, 11),
    ],
)
def test_contracts_end_on_third_fridays(day, left, gone):
    years, since = years_to_expiry(pd.DatetimeIndex([day]))
    assert (years[0] * 365, since[0] * 365) == pytest.approx((left, gone))


def test_no_dates_have_no_contracts():
    assert [part.size for part in years_to_expiry(pd.DatetimeIndex([]))] == [0, 0]


def test_every_contract_ends_on_a_friday_of_the_third_week():
    days = pd.date_range("1990-01-01", "2030-12-31")
    ends = days[years_to_expiry(days)[0] == 0]
    assert len(ends) == 4 * 41 and set(ends.month) == {3, 6, 9, 12}
    assert (ends.day_of_week == 4).all() and ((ends.day >= 15) & (ends.day <= 21)).all()


def test_dividends_are_what_the_fund_earned_beyond_the_index():
    assert dividend_yield(CLOSE, fund()).iloc[300:].to_numpy() == pytest.approx(PAID, abs=1e-9)


def test_carry_is_read_off_the_future():
    fair = pd.Series(RATE - PAID, DATES)
    exact = future_carry(CLOSE, future_of(CLOSE, 0.042), fair)
    np.testing.assert_allclose(exact.iloc[1:], 0.042, atol=1e-12)
    noisy = future_carry(CLOSE, future_of(CLOSE, 0.042, noise=0.0005), fair)
    assert abs(noisy.iloc[50:].mean() - 0.042) < 0.001 and noisy.iloc[50:].std() < 0.01


def test_a_future_of_another_hour_is_not_used_and_one_that_ends_is_forgotten():
    fair = pd.Series(RATE - PAID, DATES)
    wrong = future_of(CLOSE, RATE - PAID)
    wrong.iloc[500:510] *= 1.03
    np.testing.assert_allclose(future_carry(CLOSE, wrong, fair).iloc[1:], RATE - PAID, atol=1e-12)
    ended = future_of(CLOSE, RATE - PAID)
    ended.iloc[700:] = np.nan
    carry = future_carry(CLOSE, ended, fair)
    assert carry.iloc[700:720].notna().all() and carry.iloc[721:].isna().all()


def test_the_rolled_future_loses_its_carry_and_nothing_else():
    rolled = excess_log_price(CLOSE, future_of(CLOSE, 0.042), bills(), fund())
    assert slope(rolled) == pytest.approx(-0.042, abs=1e-6)
    moves = rolled.diff().iloc[1:] - np.log(CLOSE).diff().iloc[1:]
    assert moves.abs().max() < 0.042 * 5 / 365 + 1e-9  # a day's carry, a long weekend's at most


def test_a_jump_of_the_carry_is_earned_for_what_is_left_of_the_contract():
    carry = pd.Series(np.where(DATES < "2017-01-16", 0.01, 0.05), DATES)
    rolled = excess_log_price(CLOSE, future_of(CLOSE, carry), bills(0.03), fund())
    gained = (rolled - np.log(CLOSE)).loc["2017-02-28"] - (rolled - np.log(CLOSE)).loc["2017-01-13"]
    begins, ends = (
        years_to_expiry(pd.DatetimeIndex([day]))[0][0] for day in ("2017-01-13", "2017-02-28")
    )
    assert gained == pytest.approx(0.05 * ends - 0.01 * begins, abs=2e-4)  # the average lags


def test_bills_and_dividends_stand_in_for_the_future():
    own = excess_log_price(CLOSE, None, bills(), fund())
    assert slope(own) == pytest.approx(-(RATE + FUNDING - PAID), abs=1e-4)
    assert excess_log_price(CLOSE, CLOSE * np.nan, bills(), fund()).equals(own)
    plain = excess_log_price(CLOSE)
    np.testing.assert_allclose(plain, np.log(CLOSE / CLOSE.iloc[0]), atol=1e-12)
    np.testing.assert_array_equal(excess_log_price(CLOSE, None, bills(), CLOSE * np.nan), plain)


def test_a_session_without_a_close_has_not_moved_and_rows_before_the_first_are_missing():
    gapped = CLOSE.copy()
    gapped.iloc[:3], gapped.iloc[50] = np.nan, -1.0
    own = excess_log_price(gapped)
    assert own.iloc[:3].isna().all() and own.iloc[3] == 0.0 and own.iloc[50] == own.iloc[49]
    assert own.iloc[51] == pytest.approx(np.log(CLOSE.iloc[51] / CLOSE.iloc[3]))


def test_the_future_knows_nothing_of_what_comes_after():
    future = future_of(CLOSE, 0.04, noise=0.0003)
    whole = excess_log_price(CLOSE, future, bills(), fund())
    for t in (300, 777, 1333):
        part = excess_log_price(CLOSE.iloc[:t], future.iloc[:t], bills().iloc[:t], fund().iloc[:t])
        np.testing.assert_array_equal(whole.iloc[:t], part)
