"""Changes of unit: named with date and factor, and not seen where a quantity is wild by nature."""

import numpy as np
import pytest

from regime.sources.checks.findings import iso
from regime.sources.checks.units import common_factor, power_of_ten

ROWS = 1150
DAYS = 12_000 + 7 * np.arange(ROWS)
COLUMNS = ("open_interest", "long", "short")


def balance_sheet(seed=0):
    """Weekly levels that move by half a percent, in millions."""
    return 4e6 * np.exp(np.random.default_rng(seed).normal(scale=0.005, size=ROWS).cumsum())


def positions(seed=0):
    """Three columns of contracts, the last one written negative, that move by a tenth."""
    draws = np.random.default_rng(seed).normal(scale=0.08, size=(ROWS, 3))
    levels = np.exp(0.1 * draws.cumsum(axis=0) + draws) * np.array([4e5, 9e4, -1e5])
    return [levels[:, column] for column in range(3)]


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 0.01, 100.0, 1e3, 1e9])
@pytest.mark.parametrize("place", [40, 600, 1140])
def test_millions_turned_into_billions_are_a_fault_with_date_and_factor(factor, place):
    values = balance_sheet()
    values[place:] *= factor
    (found,) = power_of_ten(DAYS, values, "USD mn")
    assert (found.severity, found.dates) == ("fault", (iso(DAYS[place]),))
    assert found.evidence[0]["factor"] == pytest.approx(factor)
    assert f"from {iso(DAYS[place])} on times {factor:g}" in found.text


def test_there_and_back_are_two_changes():
    values = balance_sheet()
    values[300:340] *= 1e-3
    (found,) = power_of_ten(DAYS, values, "USD mn")
    assert [one["factor"] for one in found.evidence] == pytest.approx([1e-3, 1e3])


def test_a_split_by_ten_is_looked_for_in_prices_only():
    values = balance_sheet()
    values[500:] /= 10
    assert power_of_ten(DAYS, values, "USD") == []
    assert power_of_ten(DAYS, values, "USD", least=1)[0].evidence[0]["factor"] == pytest.approx(0.1)


@pytest.mark.parametrize("step", [3.0, 30.0, 300.0, 2559.0])
def test_real_jumps_are_no_powers(step):
    values = balance_sheet()
    values[500:] *= step
    assert power_of_ten(DAYS, values, "USD mn", least=1) == []


def test_usage_that_leaps_by_itself_signed_quantities_and_short_series_are_not_judged():
    draws = np.random.default_rng(1)
    usage = np.where(draws.random(ROWS) < 0.2, 10.0 ** draws.integers(-3, 4, size=ROWS), 0.0)
    signed = balance_sheet() - 4e6
    signed[600:] *= 1e-3
    assert power_of_ten(DAYS, usage, "USD bn") == []
    assert power_of_ten(DAYS, signed, "index") == []
    assert (
        power_of_ten(DAYS[:10], balance_sheet()[:10] * np.where(np.arange(10) < 5, 1, 1e3), "x")
        == []
    )


@pytest.mark.parametrize(("factor", "named"), [(5.0, 5.0), (0.2, 0.2), (2.0, 2.0), (50.0, 50.0)])
def test_a_factor_of_all_columns_is_a_change_of_unit(factor, named):
    columns = positions()
    for column in columns:
        column[900:] *= factor
    (found,) = common_factor(DAYS, columns, COLUMNS)
    assert (found.severity, found.dates) == ("fault", (iso(DAYS[900]),))
    assert found.evidence[0]["factor"] == pytest.approx(named)
    assert all(name in found.text for name in COLUMNS)


def test_a_factor_of_one_column_and_one_that_does_not_stay_are_none():
    alone, brief = positions(1), positions(2)
    alone[0][900:] *= 5
    for column in brief:
        column[900:902] *= 5
    assert common_factor(DAYS, alone, COLUMNS) == []
    assert common_factor(DAYS, brief, COLUMNS) == []
    assert common_factor(DAYS, positions(3)[:1], COLUMNS[:1]) == []


def test_clean_positions_with_expiries_are_left_alone():
    flagged = 0
    for seed in range(100):
        columns = positions(seed)
        for column in columns:
            column[::13] *= 0.6  # contracts expire in all columns at once
        flagged += bool(common_factor(DAYS, columns, COLUMNS))
    assert flagged <= 1


def test_holes_and_zeros_in_a_column_do_no_harm():
    columns = positions(4)
    for column in columns:
        column[900:] *= 5
    columns[1][100:300], columns[2][50] = np.nan, 0.0
    (found,) = common_factor(DAYS, columns, COLUMNS)
    assert found.dates == (iso(DAYS[900]),)
