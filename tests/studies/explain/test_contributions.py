import numpy as np
import pytest

from regime.errors import RegimeError
from regime.runtime.predict import SavedModel
from regime.studies.explain.contributions import (
    checked_contributions,
    mechanism_contributions,
    model_log_odds,
)


class Incomplete(SavedModel):
    """A model with a part that its contributions leave out."""

    def contributions(self, columns):
        return super().contributions(columns) + 2e-6


def test_contributions_that_do_not_add_up_are_refused(history, linear):
    with pytest.raises(
        RegimeError, match=r"2020-01-01 sum to .*the raw score is .*do not use the explanation"
    ):
        checked_contributions(Incomplete(linear().parts), history)
    assert checked_contributions(linear(), history).shape == (500, 5)


def test_scores_far_out_keep_their_digits(history, linear):
    model = linear(intercept=-200.0)
    direct = history.to_numpy() @ np.array([0.5, -0.25, -0.5, 2.0]) - 200.0
    np.testing.assert_allclose(model_log_odds(model, history), direct, rtol=1e-12)


def test_changes_are_of_the_features_and_not_of_the_model(history, linear, specs):
    table = mechanism_contributions(linear(), history, specs)
    flows = 0.5 * history["a"] - 0.25 * history["b"]
    for column, back in (("since_1", 1), ("since_5", 5), ("since_21", 21)):
        assert table.loc["flows", column] == pytest.approx(flows.iloc[-1] - flows.iloc[-1 - back])
        assert table.loc["falls", column] == 0.0
    assert table["now"].abs().is_monotonic_decreasing and set(table.index) == {
        "flows",
        "funding",
        "falls",
    }
    short = mechanism_contributions(linear(), history.iloc[:3], specs)
    assert short["since_1"].notna().all() and short[["since_5", "since_21"]].isna().all(axis=None)
