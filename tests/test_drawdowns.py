"""Falls by hand, against a slow reading of the equity curve, and against empyrical-reloaded."""

import math

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime.drawdowns import depths, drawdown, drawdown_table, max_drawdown, ulcer_index
from regime.errors import InvalidDataError


def series(values):
    return pd.Series(
        values, index=pd.bdate_range("2024-01-01", periods=len(values), name="date"), dtype=float
    )


RETURNS = series([0.10, -0.20, 0.05, 0.10])
RANDOM = series(np.random.default_rng(3).normal(0.0003, 0.01, 3000))


def test_drawdown_by_hand():
    assert drawdown(RETURNS).tolist() == pytest.approx([0.0, -0.2, -0.16, -0.076], abs=1e-12)
    assert drawdown(RETURNS).index.equals(RETURNS.index) and drawdown(RETURNS).name == "drawdown"
    assert max_drawdown(RETURNS) == pytest.approx(-0.2)


def test_a_loss_on_the_first_day_is_a_drawdown():
    assert max_drawdown(series([-0.1, 0.05])) == pytest.approx(-0.1)


def test_ulcer_index_by_hand():
    # Squares 0, .04, .0256, .005776 have mean .017844.
    assert ulcer_index(RETURNS) == pytest.approx(math.sqrt(0.017844), rel=1e-12)
    assert ulcer_index(series([0.1, 0.0, 0.2])) == 0


def test_equal_to_empyrical():
    assert max_drawdown(RANDOM) == pytest.approx(empyrical.max_drawdown(RANDOM), rel=1e-12)
    assert max_drawdown(-RANDOM.abs()) == pytest.approx(
        empyrical.max_drawdown(-RANDOM.abs()), rel=1e-12
    )


def test_table_by_hand():
    # Peak 1.1, then .88, .924, 1.1 again; peak 1.21, then 1.0890 and 1.1979, still below it.
    table = drawdown_table(series([0.10, -0.20, 0.05, 1.1 / 0.924 - 1, 0.10, -0.10, 0.10]))
    days = pd.bdate_range("2024-01-01", periods=7)
    assert table["start"].tolist() == [days[1], days[5]]
    assert table["trough"].tolist() == [days[1], days[5]]
    assert table["end"][0] == days[3] and pd.isna(table["end"][1])
    assert table["depth"].tolist() == pytest.approx([-0.2, -0.1])
    assert table["sessions_down"].tolist() == [1, 1]
    assert table["sessions_to_regain"][0] == 2 and math.isnan(table["sessions_to_regain"][1])


def test_a_slow_fall_is_counted_from_its_peak():
    table = drawdown_table(series([-0.1, 0.0, 0.05, -0.1, 0.0, 1.0]))
    assert table[["sessions_down", "sessions_to_regain"]].to_numpy().tolist() == [[4, 2]]
    assert table["start"][0] == pd.Timestamp("2024-01-01")


def test_rounding_at_the_peak_is_no_fall():
    values = [0.1, 1 / 1.1 - 1, 0.1] * 50
    table = drawdown_table(series(values), count=1000)
    assert len(table) == 50 and table["end"].notna().all()
    assert (table["sessions_to_regain"] == 1).all()


def test_without_a_fall_the_table_is_empty_but_whole():
    table = drawdown_table(series([0.1, 0.0, 0.2]))
    assert table.empty and table["end"].dtype.kind == "M" and table["depth"].dtype == float
    assert list(table) == ["start", "trough", "end", "depth", "sessions_down", "sessions_to_regain"]
    assert list(drawdown_table(RETURNS, count=0)) == list(table)


@given(st.lists(st.sampled_from([-0.5, -0.1, 0.0, 0.1, 0.25, 1.0]), min_size=1, max_size=60))
def test_table_equals_a_walk_along_the_curve(values):
    returns, peak, level, spell, spells = series(values), 1.0, 1.0, None, []
    for t, value in enumerate(values):
        level *= 1 + value
        if level / peak - 1 >= -1e-12:
            if spell:
                spells.append((*spell, t))
            spell, peak = None, max(peak, level)
        else:
            depth = level / peak - 1
            start, low, trough = spell or (t, 0.0, t)
            spell = (start, depth, t) if depth < low else (start, low, trough)
    if spell:
        spells.append((*spell, None))
    table = drawdown_table(returns, count=100)
    spells.sort(key=lambda s: s[1])
    assert table["depth"].tolist() == pytest.approx([s[1] for s in spells], abs=1e-12)
    # Depths that rounding cannot tell apart may come in either order.
    found = sorted(
        (row.start, pd.NaT if pd.isna(row.end) else row.end) for row in table.itertuples()
    )
    dates = returns.index
    told = sorted((dates[a], pd.NaT if end is None else dates[end]) for a, _, _, end in spells)
    assert [a for a, _ in found] == [a for a, _ in told]
    assert [b for _, b in found if b is not pd.NaT] == [b for _, b in told if b is not pd.NaT]
    assert (table["depth"].to_numpy() == drawdown(returns)[table["trough"]].to_numpy()).all()
    if len(table):
        assert table["depth"][0] == max_drawdown(returns)


def test_a_gap_is_refused():
    for figure in (drawdown, max_drawdown, ulcer_index, drawdown_table):
        with pytest.raises(InvalidDataError, match="a gap is not a zero"):
            figure(series([0.1, math.nan]))


def test_lost_capital_stays_lost():
    assert depths(np.array([0.1, -1.0, 0.5])).tolist() == [0, -1, -1]
    table = drawdown_table(series([0.1, -1.0, 0.5]))
    assert table["depth"].tolist() == [-1] and table["end"].isna().all()
