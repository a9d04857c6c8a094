"""What every figure takes: checked numbers and excess over cash."""

import math

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.returns import excess_values, finite_values

DATES = pd.bdate_range("2024-01-01", periods=3, name="date")
RETURNS = pd.Series([0.1, -0.2, 0.05], index=DATES)


def test_numbers_come_through_and_cash_is_taken_from_each():
    assert finite_values(RETURNS).tolist() == [0.1, -0.2, 0.05]
    assert finite_values(pd.Series([1, 2], index=DATES[:2])).dtype == float
    assert excess_values(RETURNS).tolist() == RETURNS.tolist()
    assert excess_values(RETURNS, 0.1).tolist() == pytest.approx([0.0, -0.3, -0.05])
    assert excess_values(RETURNS, RETURNS).tolist() == [0, 0, 0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_gap_is_refused_with_its_date(bad):
    with pytest.raises(
        InvalidDataError, match=r"2024-01-02.*is not a finite number; a gap is not a zero"
    ):
        finite_values(RETURNS.where(RETURNS > -0.1, bad))
    with pytest.raises(InvalidDataError, match="2024-01-03"):
        excess_values(RETURNS, pd.Series([0.0, 0.0, bad], index=DATES))


def test_nothing_and_other_dates_are_refused():
    with pytest.raises(InvalidDataError, match="at least one session"):
        finite_values(RETURNS[:0])
    with pytest.raises(InvalidDataError, match="must have the dates of `returns`"):
        excess_values(RETURNS, RETURNS[1:])


def test_the_series_is_left_as_it_was():
    before = RETURNS.copy()
    excess_values(RETURNS, 0.5)
    pd.testing.assert_series_equal(before, RETURNS)
    assert np.array_equal(finite_values(RETURNS), before)
