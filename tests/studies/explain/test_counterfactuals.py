import numpy as np
import pandas as pd
import pytest

from regime.schema import STRESS_CODE
from regime.studies.explain.contributions import model_log_odds
from regime.studies.explain.counterfactuals import counterfactual_table, move_directions
from regime.studies.explain.model_in_force import model_in_force


def test_features_move_together_where_their_signs_point(history, linear, specs):
    moves = move_directions(linear(), history, specs)
    spread = history.std(ddof=0)
    assert moves == {
        "flows": {"a": spread["a"], "b": -spread["b"]},
        "funding": {"c": -spread["c"]},
        "falls": {"mark": 0.5},
    }
    still = move_directions(linear(), history.assign(a=1.0, c=np.nan), specs)
    assert {name: list(own) for name, own in still.items()} == {
        "flows": ["b"],
        "funding": [],
        "falls": ["mark"],
    }
    table = counterfactual_table(linear(), history.iloc[[0]].assign(c=np.nan), still, history)
    assert set(table.index) == set(still) and table.loc["funding", "move"] is None


def test_the_smallest_move_is_the_one_of_the_formula(history, linear, specs):
    model, row = linear(), history.iloc[[100]].assign(a=0.3, b=0.2, c=0.1)
    moves = move_directions(model, history, specs)
    table = counterfactual_table(model, row, moves, history)
    score, spread = model_log_odds(model, row).iloc[0], history.std(ddof=0)
    assert score < 0  # calm takes all the rest here, so the regime flips where the log-odds are 0
    for name, slope in (
        ("flows", 0.5 * spread["a"] + 0.25 * spread["b"]),
        ("funding", 0.5 * spread["c"]),
    ):
        expected = -score / slope
        found = table.loc[name]
        assert (
            (found["move"] is None)
            if expected > 4
            else found["move"] == pytest.approx(expected, abs=2e-6)
        )
    assert (
        table.loc["flows", "regime"] == "deleveraging" and table.loc["flows", "deleveraging"] >= 0.5
    )
    back = counterfactual_table(model, row.assign(a=4.0), moves, history).loc["flows"]
    assert back["move"] < 0 and back["regime"] == "calm"


def test_a_mark_is_there_or_not(history, linear, specs):
    model, row = linear(intercept=-1.5), history.iloc[[0]].assign(a=0.0, b=0.0, c=0.0)
    found = counterfactual_table(model, row, move_directions(model, history, specs), history).loc[
        "falls"
    ]
    assert found["move"] == pytest.approx(
        1.0, abs=2e-6
    )  # half of the mark, of a deviation of a half
    assert found["features"] == {"mark": 1.0} and found["seen"] is True


def test_what_is_unknown_does_not_move_and_what_is_beyond_reach_changes_nothing(
    history, linear, specs
):
    model, row = linear(), history.iloc[[100]].assign(a=np.nan, b=np.nan, c=0.1)
    table = counterfactual_table(model, row, move_directions(model, history, specs), history)
    assert table.loc["flows", "move"] is None and table.loc["flows", "features"] == {}
    far = counterfactual_table(
        linear(intercept=-30.0), row, move_directions(model, history, specs), history
    )
    assert far["move"].tolist() == [None, None, None] and far["regime"].tolist() == [
        None,
        None,
        None,
    ]


def test_a_move_beyond_history_is_marked(history, linear, specs):
    row = history.iloc[[100]].assign(a=history["a"].max(), b=history["b"].min(), c=0.0, mark=0.0)
    short = linear(intercept=-0.5 - float(model_log_odds(linear(intercept=0.0), row).iloc[0]))
    found = counterfactual_table(short, row, move_directions(short, history, specs), history).loc[
        "flows"
    ]
    assert found["move"] == pytest.approx(
        0.5 / (0.5 * history["a"].std(ddof=0) + 0.25 * history["b"].std(ddof=0)), abs=2e-6
    )
    assert found["seen"] is False


def test_no_shorter_move_changes_the_regime(quick):
    settings, market_data, features = quick
    day = pd.Timestamp("2014-06-17")
    in_force = model_in_force(settings, features, market_data.market, day)
    model = in_force.model
    row = features.loc[[day]]
    history = features.loc[: in_force.refit]
    moves = move_directions(model, history, settings.features.specs)
    start = model.predict_proba(row).argmax() == STRESS_CODE
    for name, result in counterfactual_table(model, row, moves, history).iterrows():
        limit = 4.0 if result["move"] is None else abs(result["move"]) - 2e-6
        steps = np.arange(0, limit, 0.01)
        sizes = np.r_[steps, -steps]
        moved = pd.concat([row] * len(sizes), ignore_index=True)
        for feature, step in moves[name].items():
            levels = sorted(history[feature].dropna().unique())
            value = moved[feature] + sizes * step
            if len(levels) == 2:
                value = np.where(value > sum(levels) / 2, levels[1], levels[0])
            moved[feature] = value
        assert ((model.predict_proba(moved).argmax(axis=1) == STRESS_CODE) == start).all()
