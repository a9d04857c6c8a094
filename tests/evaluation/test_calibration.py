"""Reliability tables, the parts of the Brier score, and realised coverage of sets."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime.errors import InvalidDataError
from regime.evaluation.calibration import brier_parts, coverage_table, reliability_table
from regime.evaluation.truth import Truth
from regime.schema import REGIMES

DAYS = pd.bdate_range("2020-01-01", periods=1000, name="date")


def truth_of(stress):
    return Truth(stress=pd.Series(stress, DAYS), known_at=pd.Series(DAYS, DAYS))


def test_bins_are_of_equal_width_and_lose_no_session():
    rng = np.random.default_rng(0)
    p = rng.random(1000)
    stress = (rng.random(1000) < p).astype(float)
    table = reliability_table(truth_of(stress), {"model": pd.Series(p, DAYS)})
    assert len(table) == 10 and table["sessions"].sum() == 1000
    assert (np.floor(table["forecast"] * 10) == np.arange(10)).all()
    assert (table["forecast"] - table["observed"]).abs().max() < 0.15
    assert table["observed"].mul(table["sessions"]).sum() == pytest.approx(stress.sum())


def test_empty_bins_are_left_out_and_one_is_in_the_last():
    p = pd.Series(np.repeat([0.1, 1.0], 500), DAYS)
    table = reliability_table(truth_of(np.repeat([0.0, 1.0], 500)), {"a": p, "b": 1 - p})
    assert table["sessions"].tolist() == [500] * 4
    assert table.loc[table["forecaster"] == "b", "observed"].tolist() == [1.0, 0.0]


def test_no_bin_is_refused():
    with pytest.raises(InvalidDataError, match="at least one bin"):
        reliability_table(truth_of(np.zeros(1000)), {}, bins=0)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_the_parts_add_up_to_the_brier_score(rows):
    p, stress = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    parts = brier_parts(stress, p)
    assert parts.brier == pytest.approx(np.mean((p - stress) ** 2), abs=1e-12)
    assert parts.reliability >= 0 and parts.resolution >= -1e-15


FIVE_DAYS = pd.DatetimeIndex(
    ["2020-12-30", "2020-12-31", "2021-01-04", "2021-01-05", "2021-01-06"], name="date"
)


def regimes_of(names):
    regime = pd.Series(pd.Categorical(names, categories=list(REGIMES), ordered=True), FIVE_DAYS)
    return Truth(
        stress=regime.eq("deleveraging").astype(float).where(regime.notna()),
        known_at=pd.Series(FIVE_DAYS, FIVE_DAYS),
        regime=regime,
    )


def sets_of(*rows):
    return pd.DataFrame(
        [[name in row for name in REGIMES] for row in rows], FIVE_DAYS, columns=list(REGIMES)
    )


def test_by_hand():
    sets = sets_of(["calm"], ["calm", "fragile"], [], ["deleveraging", "recovery"], list(REGIMES))
    table = coverage_table(sets, regimes_of(["calm", "fragile", "calm", "calm", None]))
    assert list(table.index) == ["all", "2020", "2021", "calm", "fragile"]
    assert table.loc["all"].to_dict() == {
        "sessions": 4.0,
        "covered": 0.5,
        "regimes": 1.25,
        "single": 0.25,
        "empty": 0.25,
    }
    assert table["covered"].tolist() == pytest.approx([0.5, 1.0, 0.0, 1 / 3, 1.0])


def test_more_columns_are_let_be_and_nothing_known_is_nothing_covered():
    sets = sets_of(*[["calm"]] * 5).assign(threshold=0.3)
    table = coverage_table(sets, regimes_of([None] * 5))
    assert (
        list(table.index) == ["all"]
        and table.loc["all", "sessions"] == 0
        and np.isnan(table.loc["all", "covered"])
    )


def test_a_truth_without_regimes_or_sessions_is_refused():
    sets, truth = sets_of(*[["calm"]] * 5), regimes_of(["calm"] * 5)
    with pytest.raises(InvalidDataError, match="the truth has no regimes"):
        coverage_table(sets, Truth(stress=truth.stress, known_at=truth.known_at))
    with pytest.raises(InvalidDataError, match="lacks a session of the sets"):
        coverage_table(sets.set_axis(FIVE_DAYS + pd.Timedelta(days=900)), truth)
