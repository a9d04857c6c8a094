"""Explanations.

The model of the day's own block, sums that add up, moves that flip, importance that lasts.
"""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.cli import main
from regime.errors import ConfigError, InvalidDataError, RegimeError
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.walk_forward import final_model, walk_forward
from regime.progress import NoProgress
from regime.runtime.formula import Linear, ModelParts
from regime.runtime.predict import SavedModel
from regime.schema import REGIMES, FeatureSpec
from regime.workflows.explain import explain
from regime.workflows.explain_flips import directions, flip_table
from regime.workflows.explain_mechanisms import checked_contributions, mechanism_table, raw_scores
from regime.workflows.explain_model import model_in_force
from regime.workflows.explain_stability import importance_by_refit, stability_table

QUIET = NoProgress()
OVERRIDES = [
    "source.SimulatedSource.years=9",
    "splits.first_test=2012-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
    "parallel.jobs=1",
    "tracking=NullTracker",
]
NAMES = ("a", "b", "c", "mark")


@pytest.fixture(scope="module")
def quick():
    """Settings of a small run, its world and its features."""
    settings = load_settings("demo.yaml", OVERRIDES)
    world = read_market_data(settings, None, QUIET)
    return settings, world, settings.features(world.panel)


@pytest.fixture(scope="module")
def forecast(quick):
    settings, world, features = quick
    return walk_forward(settings, features, world.market, QUIET)


@pytest.fixture(scope="module")
def told():
    """The explanation of one day, with importance over refits."""
    return explain("demo.yaml", as_of="2014-06-17", stability=True, overrides=OVERRIDES)


def spec(name, mechanism, sign=0):
    return FeatureSpec(
        name=name, family="positioning", mechanism=mechanism, sign=sign, lookback=1, inputs=("vix",)
    )


SPECS = (
    spec("a", "flows", 1),
    spec("b", "flows", -1),
    spec("c", "funding"),
    spec("mark", "falls", 1),
)


def linear(coef=(0.5, -0.25, -0.5, 2.0), intercept=-1.0, clip=50.0):
    line = Linear(
        center=(0.0,) * 4, scale=(1.0,) * 4, clip=(clip,) * 4, coef=coef, intercept=intercept
    )
    return SavedModel(
        ModelParts(features=NAMES, linear=line, linear_weight=1.0, phase_prior=(1.0, 0.0, 0.0))
    )


@pytest.fixture
def history():
    draws = np.random.default_rng(4).normal(size=(500, 3)) * [1.0, 2.0, 0.5]
    mark = np.r_[np.zeros(250), np.ones(250)]
    return pd.DataFrame(
        np.column_stack([draws, mark]),
        columns=list(NAMES),
        index=pd.bdate_range("2020-01-01", periods=500, name="date"),
    )


def test_the_model_of_every_block_gives_the_bits_of_the_walk_forward(quick, forecast):
    settings, world, features = quick
    for fold in forecast.folds:
        for place in (fold.test[0], fold.test[len(fold.test) // 2], fold.test[-1]):
            day = features.index[place]
            found = model_in_force(settings, features, world.market, day)
            assert (found.session, found.refit) == (day, fold.refit)
            told = found.model.predict_proba(features.loc[[day]])[0]
            assert told.tobytes() == forecast.probabilities.loc[day].to_numpy().tobytes()


def test_sessions_after_the_day_change_nothing(quick):
    settings, world, features = quick
    day = pd.Timestamp("2013-10-09")
    spoilt, market = features.copy(), world.market.copy()
    spoilt.loc[spoilt.index > day] = 99.0
    market.loc[market.index > day] *= np.random.default_rng(1).uniform(
        0.1, 9.0, size=market[market.index > day].shape
    )
    honest, other = (
        model_in_force(settings, *frames, day)
        for frames in ((features, world.market), (spoilt, market))
    )
    assert honest.model.parts == other.model.parts and honest.window == other.window


def test_a_day_without_a_session_counts_as_the_one_before(quick):
    settings, world, features = quick
    saturday = pd.Timestamp("2013-10-12")
    assert saturday not in features.index
    assert model_in_force(settings, features, world.market, saturday).session == pd.Timestamp(
        "2013-10-11"
    )


def test_after_the_last_session_it_is_the_model_that_a_run_saves(quick):
    settings, world, features = quick
    found = model_in_force(
        settings, features, world.market, features.index[-1] + pd.Timedelta(days=40)
    )
    saved, window = final_model(settings, features, world.market)
    assert found.session == found.refit == features.index[-1]
    assert found.model.parts == saved.parts_ and found.window == window
    inside = model_in_force(settings, features, world.market, features.index[-1])
    assert inside.refit < features.index[-1] and inside.model.parts != saved.parts_


@pytest.mark.parametrize("day", ["2011-12-30", "2012-01-02", "1999-01-04"])
def test_before_the_first_block_there_is_no_model(quick, day):
    settings, world, features = quick
    with pytest.raises(
        ConfigError,
        match=r"as_of: no model was in force on .*begins on 2012-01-03; name a later day",
    ):
        model_in_force(settings, features, world.market, pd.Timestamp(day))


def test_a_block_that_had_too_little_history_is_said(quick):
    settings, world, features = quick
    strict = replace(settings, splits=replace(settings.splits, minimum_train=1700))
    with pytest.raises(
        InvalidDataError, match="no model could be fitted at the close of 2011-12-30"
    ):
        model_in_force(strict, features, world.market, pd.Timestamp("2012-05-01"))


@pytest.mark.parametrize("text", ["2014-13-01", "yesterday", "", "14-01-02 03:00"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ConfigError, match="as_of: must be a date as 2024-08-05"):
        explain("demo.yaml", as_of=text, overrides=OVERRIDES)


def test_contributions_add_up_to_the_raw_score(quick, told):
    parts = told.mechanisms["now"].sum() + told.base
    odds = told.probabilities["deleveraging"] / (1 - told.probabilities["deleveraging"])
    assert abs(parts - told.log_odds) < 1e-9 and abs(told.log_odds - np.log(odds)) < 1e-9
    by_feature = told.features.groupby("mechanism")["now"].sum()
    pd.testing.assert_series_equal(
        by_feature, told.mechanisms["now"].sort_index(), check_names=False
    )


class Dishonest(SavedModel):
    """A model with a part that its contributions leave out."""

    def contributions(self, columns):
        return super().contributions(columns) + 2e-6


def test_contributions_that_do_not_add_up_are_refused(history):
    with pytest.raises(
        RegimeError, match=r"2020-01-01 sum to .*the raw score is .*do not use the explanation"
    ):
        checked_contributions(Dishonest(linear().parts), history)
    assert checked_contributions(linear(), history).shape == (500, 5)


def test_scores_far_out_keep_their_digits(history):
    model = linear(intercept=-200.0)
    direct = history.to_numpy() @ np.array([0.5, -0.25, -0.5, 2.0]) - 200.0
    np.testing.assert_allclose(raw_scores(model, history), direct, rtol=1e-12)


def test_changes_are_of_the_features_and_not_of_the_model(history):
    table = mechanism_table(linear(), history, SPECS)
    flows = 0.5 * history["a"] - 0.25 * history["b"]
    for column, back in (("since_1", 1), ("since_5", 5), ("since_21", 21)):
        assert table.loc["flows", column] == pytest.approx(flows.iloc[-1] - flows.iloc[-1 - back])
        assert table.loc["falls", column] == 0.0
    assert table["now"].abs().is_monotonic_decreasing and set(table.index) == {
        "flows",
        "funding",
        "falls",
    }
    short = mechanism_table(linear(), history.iloc[:3], SPECS)
    assert short["since_1"].notna().all() and short[["since_5", "since_21"]].isna().all(axis=None)


def test_features_move_together_where_their_signs_point(history):
    moves = directions(linear(), history, SPECS)
    spread = history.std(ddof=0)
    assert moves == {
        "flows": {"a": spread["a"], "b": -spread["b"]},
        "funding": {"c": -spread["c"]},
        "falls": {"mark": 0.5},
    }
    still = directions(linear(), history.assign(a=1.0, c=np.nan), SPECS)
    assert {name: list(own) for name, own in still.items()} == {
        "flows": ["b"],
        "funding": [],
        "falls": ["mark"],
    }
    table = flip_table(linear(), history.iloc[[0]].assign(c=np.nan), still, history)
    assert set(table.index) == set(still) and table.loc["funding", "move"] is None


def test_the_smallest_move_is_the_one_of_the_formula(history):
    model, row = linear(), history.iloc[[100]].assign(a=0.3, b=0.2, c=0.1)
    moves = directions(model, history, SPECS)
    table = flip_table(model, row, moves, history)
    score, spread = raw_scores(model, row).iloc[0], history.std(ddof=0)
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
    back = flip_table(model, row.assign(a=4.0), moves, history).loc["flows"]
    assert back["move"] < 0 and back["regime"] == "calm"


def test_a_mark_is_there_or_not(history):
    model, row = linear(intercept=-1.5), history.iloc[[0]].assign(a=0.0, b=0.0, c=0.0)
    found = flip_table(model, row, directions(model, history, SPECS), history).loc["falls"]
    assert found["move"] == pytest.approx(
        1.0, abs=2e-6
    )  # half of the mark, of a deviation of a half
    assert found["features"] == {"mark": 1.0} and found["seen"] is True


def test_what_is_unknown_does_not_move_and_what_is_beyond_reach_flips_nothing(history):
    model, row = linear(), history.iloc[[100]].assign(a=np.nan, b=np.nan, c=0.1)
    table = flip_table(model, row, directions(model, history, SPECS), history)
    assert table.loc["flows", "move"] is None and table.loc["flows", "features"] == {}
    far = flip_table(linear(intercept=-30.0), row, directions(model, history, SPECS), history)
    assert far["move"].tolist() == [None, None, None] and far["regime"].tolist() == [
        None,
        None,
        None,
    ]


def test_a_move_beyond_history_is_marked(history):
    row = history.iloc[[100]].assign(a=history["a"].max(), b=history["b"].min(), c=0.0, mark=0.0)
    short = linear(intercept=-0.5 - float(raw_scores(linear(intercept=0.0), row).iloc[0]))
    found = flip_table(short, row, directions(short, history, SPECS), history).loc["flows"]
    assert found["move"] == pytest.approx(
        0.5 / (0.5 * history["a"].std(ddof=0) + 0.25 * history["b"].std(ddof=0)), abs=2e-6
    )
    assert found["seen"] is False


def test_no_shorter_move_flips(told, quick):
    _, _, features = quick
    model, row = told.in_force.model, features.loc[[told.in_force.session]]
    history = features.loc[: told.in_force.refit]
    moves = directions(model, history, quick[0].features.specs)
    start = told.probabilities.idxmax() == "deleveraging"
    for name, found in told.flips.iterrows():
        limit = 4.0 if found["move"] is None else abs(found["move"]) - 2e-6
        steps = np.arange(0, limit, 0.01)
        sizes = np.r_[steps, -steps]
        moved = pd.concat([row] * len(sizes), ignore_index=True)
        for feature, step in moves[name].items():
            levels = sorted(history[feature].dropna().unique())
            value = moved[feature] + sizes * step
            moved[feature] = (
                value
                if len(levels) != 2
                else np.where(value > sum(levels) / 2, levels[1], levels[0])
            )
        assert (
            (model.predict_proba(moved).argmax(axis=1) == REGIMES.index("deleveraging")) == start
        ).all()


def test_importance_is_of_each_blocks_own_model(quick, forecast, told):
    settings, world, features = quick
    importance = importance_by_refit(
        settings, features, world.market, pd.Timestamp("2013-06-03"), QUIET
    )
    assert list(importance.index) == [fold.refit for fold in forecast.folds[:2]]
    assert set(importance.columns) == set(settings.model.columns) and (importance >= 0).all(
        axis=None
    )
    pd.testing.assert_frame_equal(
        stability_table(importance, settings.features.specs).iloc[:1], told.stability.iloc[:1]
    )
    shares = told.stability.drop(columns="rank_correlation")
    assert np.allclose(shares.sum(axis=1), 1.0) and len(told.stability) == 3
    assert np.isnan(told.stability["rank_correlation"].iloc[0])
    assert told.stability["rank_correlation"].iloc[1:].between(-1, 1).all()


def test_rank_correlation_is_one_for_the_same_order_and_minus_one_for_the_reverse():
    importance = pd.DataFrame(
        [[3.0, 2.0, 1.0], [9.0, 5.0, 4.0], [1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], columns=list("abc")
    )
    found = stability_table(importance, SPECS)["rank_correlation"]
    np.testing.assert_allclose(found, [np.nan, 1.0, -1.0, np.nan])


def test_without_a_trained_refit_there_is_no_stability(quick):
    settings, world, features = quick
    strict = replace(settings, splits=replace(settings.splits, minimum_train=10**6))
    with pytest.raises(ConfigError, match="stability: no refit up to 2014-01-02 could be trained"):
        importance_by_refit(strict, features, world.market, pd.Timestamp("2014-01-02"), QUIET)


def test_the_summary_is_plain_and_says_whose_model_it_is(told):
    summary = json.loads(json.dumps(told.summary, allow_nan=False))
    assert (
        summary["session"] == summary["as_of"] == "2014-06-17"
        and summary["model"]["refit"] == "2013-12-31"
    )
    assert summary["model"]["trained_to"] < "2013-12-31" and summary["data"]["last"] == "2014-12-31"
    assert sum(summary["probabilities"].values()) == pytest.approx(1.0)
    assert [row["mechanism"] for row in summary["mechanisms"]] == list(told.mechanisms.index)
    assert {"move", "regime", "deleveraging", "seen", "features"} <= set(summary["flips"][0])
    assert len(summary["stability"]) == 3 and summary["stability"][0]["rank_correlation"] is None
    assert any(
        "At the close of 17 June 2014 the model fitted on 31 December 2013" in line
        for line in summary["sentences"]
    )


def test_the_command_prints_one_line_of_json_or_tables(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["explain", "demo.yaml", "--as-of", "2013-04-02", "--quiet", *OVERRIDES]
    assert main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and err == "" and json.loads(out)["stability"] is None
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert (
        "by mechanism" in out
        and "Smallest move" in out
        and "Model fitted at the close of 2012-12-31" in out
    )
    assert main([*arguments[:3], "2011-12-30", *arguments[4:]]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("regime: error: as_of: no model was in force on 2011-12-30")
    assert not list(tmp_path.iterdir())
