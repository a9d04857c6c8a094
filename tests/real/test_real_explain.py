"""Explanations on the real folder: the day's own model, told in seconds, its sums exact."""

import time
from pathlib import Path

import pytest

from regime.workflows.explain import explain

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("day", "session", "refit"),
    [("2008-10-10", "2008-10-10", "2008-06-30"), ("2020-03-15", "2020-03-13", "2019-12-31")],
)
def test_a_day_is_explained_by_the_model_of_its_own_block(
    real_data: Path, day: str, session: str, refit: str
) -> None:
    begun = time.perf_counter()
    told = explain("us_macro.yaml", as_of=day, data=real_data, overrides=["tracking=NullTracker"])
    assert time.perf_counter() - begun < 60
    assert (told.summary["session"], told.summary["model"]["refit"]) == (session, refit)
    assert told.summary["model"]["trained_to"] < refit
    assert abs(told.mechanisms["now"].sum() + told.base - told.log_odds) < 1e-6
    assert told.mechanisms["since_1"].notna().all() and len(told.flips) == len(told.mechanisms) >= 5
    assert told.flips["move"].dropna().abs().le(4).all() and told.flips["move"].notna().any()
