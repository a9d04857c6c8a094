"""Months by hand and against empyrical-reloaded."""

import math

import empyrical
import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.months import down_capture, monthly_hit_rate, monthly_returns, monthly_table, up_capture

RNG = np.random.default_rng(11)
DATES = pd.bdate_range("2018-11-15", "2024-02-09", name="date")
MARKET = pd.Series(RNG.normal(0.0004, 0.01, len(DATES)), index=DATES)
OURS = 0.5 * MARKET + RNG.normal(0, 0.002, len(DATES))


def on(*pairs):
    return pd.Series(
        [value for _, value in pairs],
        index=pd.DatetimeIndex([day for day, _ in pairs], name="date"),
    )


SMALL = on(("2023-11-30", 0.10), ("2023-12-01", 0.20), ("2023-12-29", -0.10), ("2024-02-01", -0.05))


def test_months_by_hand():
    assert monthly_returns(SMALL).to_dict() == {
        pd.Period("2023-11", "M"): pytest.approx(0.10),
        pd.Period("2023-12", "M"): pytest.approx(0.08),
        pd.Period("2024-02", "M"): pytest.approx(-0.05),
    }


def test_table_by_hand():
    table = monthly_table(SMALL)
    assert list(table) == [*range(1, 13), "year"] and table.index.tolist() == [2023, 2024]
    assert table.loc[2023, [11, 12, "year"]].tolist() == pytest.approx(
        [0.10, 0.08, 1.10 * 1.08 - 1]
    )
    assert math.isnan(table.loc[2024, 1]) and table.loc[2024, "year"] == pytest.approx(-0.05)
    assert int(table.drop(columns="year").notna().sum().sum()) == 3


def test_a_year_without_sessions_is_missing():
    table = monthly_table(on(("2020-01-02", 0.1), ("2022-01-03", 0.1)))
    assert table.index.tolist() == [2020, 2021, 2022] and table.loc[2021].isna().all()


def test_months_and_years_equal_empyrical():
    theirs = empyrical.aggregate_returns(MARKET, "monthly")
    assert monthly_returns(MARKET).to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-10)
    years = empyrical.aggregate_returns(MARKET, "yearly")
    assert monthly_table(MARKET)["year"].to_numpy() == pytest.approx(years.to_numpy(), rel=1e-10)


def test_hit_rate_by_hand():
    assert monthly_hit_rate(SMALL) == pytest.approx(2 / 3)
    # Two sessions of 4.5 % compound to 9.2 % in December, above its 8 %.
    assert monthly_hit_rate(SMALL, 0.045) == pytest.approx(1 / 3)
    assert monthly_hit_rate(SMALL, SMALL) == 0


def test_capture_by_hand():
    market = on(
        ("2024-01-02", 0.10), ("2024-02-01", 0.21), ("2024-03-01", -0.20), ("2024-04-01", 0.0)
    )
    ours = on(
        ("2024-01-02", 0.10), ("2024-02-01", 0.00), ("2024-03-01", -0.05), ("2024-04-01", 0.5)
    )
    assert up_capture(ours, market) == pytest.approx(
        (math.sqrt(1.1) - 1) / (math.sqrt(1.1 * 1.21) - 1)
    )
    assert down_capture(ours, market) == pytest.approx(0.25)
    assert up_capture(market, market) == down_capture(market, market) == 1
    assert down_capture(-market, market) == pytest.approx(-1)
    assert math.isnan(up_capture(ours, -market.abs())) and math.isnan(
        down_capture(ours, market.abs())
    )
    assert down_capture(
        on(*zip(market.index, [0, 0, -1.0, 0], strict=True)), market
    ) == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(up_capture, empyrical.up_capture), (down_capture, empyrical.down_capture)]
)
def test_capture_equals_empyrical_on_months_without_annualising(ours, theirs):
    # empyrical compounds the chosen periods to a year first. On days that is absurd (below), on
    # months it bends the ratio; a "year" of one month leaves the geometric means that are meant.
    months = [monthly_returns(x).to_timestamp() for x in (OURS, MARKET)]
    assert ours(OURS, MARKET) == pytest.approx(theirs(*months, period="yearly"), rel=1e-10)


def test_half_the_exposure_captures_half_and_not_a_quarter():
    assert up_capture(0.5 * MARKET, MARKET) == pytest.approx(0.5, abs=0.02)
    assert down_capture(0.5 * MARKET, MARKET) == pytest.approx(0.5, abs=0.02)
    assert empyrical.up_capture(0.5 * MARKET, MARKET) < 0.3


def test_other_dates_gaps_and_disorder_are_refused():
    with pytest.raises(InvalidDataError, match="must have the dates"):
        up_capture(SMALL, SMALL[1:])
    with pytest.raises(InvalidDataError, match="must have the dates"):
        monthly_hit_rate(SMALL, SMALL[1:])
    with pytest.raises(InvalidDataError, match="a gap is not a zero"):
        monthly_table(SMALL.where(SMALL > 0))
    with pytest.raises(InvalidDataError, match="ordered dates"):
        monthly_returns(SMALL[::-1])
    with pytest.raises(InvalidDataError, match="ordered dates"):
        monthly_returns(SMALL.reset_index(drop=True))
