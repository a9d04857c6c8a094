"""Reliability tables and the parts of the Brier score."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime.errors import InvalidDataError
from regime.evaluation.reliability import brier_parts, reliability_table
from regime.evaluation.truth import Truth

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
