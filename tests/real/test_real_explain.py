"""Explanations on the real folder: the model of the day itself, and sums that are exact."""

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
    result = explain("us_macro.yaml", as_of=day, data=real_data, overrides=["tracking=NullTracker"])
    assert (result.summary["session"], result.summary["model"]["refit"]) == (
        session,
        refit,
    )
    assert result.summary["model"]["trained_to"] < refit
    assert abs(result.mechanisms["now"].sum() + result.base - result.log_odds) < 1e-6
    assert (
        result.mechanisms["since_1"].notna().all()
        and len(result.flips) == len(result.mechanisms) >= 5
    )
    assert result.flips["move"].dropna().abs().le(4).all() and result.flips["move"].notna().any()
