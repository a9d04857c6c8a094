"""Realised coverage by hand."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.evaluation.coverage import coverage_table
from regime.evaluation.truth import Truth
from regime.schema import REGIMES

DAYS = pd.DatetimeIndex(
    ["2020-12-30", "2020-12-31", "2021-01-04", "2021-01-05", "2021-01-06"], name="date"
)


def truth_of(names):
    regime = pd.Series(pd.Categorical(names, categories=list(REGIMES), ordered=True), DAYS)
    return Truth(
        stress=regime.eq("deleveraging").astype(float).where(regime.notna()),
        known_at=pd.Series(DAYS, DAYS),
        regime=regime,
    )


def sets_of(*rows):
    return pd.DataFrame(
        [[name in row for name in REGIMES] for row in rows], DAYS, columns=list(REGIMES)
    )


def test_by_hand():
    sets = sets_of(["calm"], ["calm", "fragile"], [], ["deleveraging", "recovery"], list(REGIMES))
    table = coverage_table(sets, truth_of(["calm", "fragile", "calm", "calm", None]))
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
    table = coverage_table(sets, truth_of([None] * 5))
    assert (
        list(table.index) == ["all"]
        and table.loc["all", "sessions"] == 0
        and np.isnan(table.loc["all", "covered"])
    )


def test_a_truth_without_regimes_or_sessions_is_refused():
    sets, truth = sets_of(*[["calm"]] * 5), truth_of(["calm"] * 5)
    with pytest.raises(InvalidDataError, match="tells no regimes apart"):
        coverage_table(sets, Truth(stress=truth.stress, known_at=truth.known_at))
    with pytest.raises(InvalidDataError, match="that the truth has not"):
        coverage_table(sets.set_axis(DAYS + pd.Timedelta(days=900)), truth)
