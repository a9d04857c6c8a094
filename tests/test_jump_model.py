"""The jump model against all paths by hand, the recursion's laws, and the jumpmodels package."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jumpmodels.jump import JumpModel as Reference

from regime.errors import ConfigError, InvalidDataError
from regime.jump_model import JumpModel, fit_jump_model, jump_features, standardise


def sample(seed, rows=600, features=3, states=2):
    rng = np.random.default_rng(seed)
    state = np.repeat(rng.integers(0, states, rows // 30), 30)
    return standardise(rng.normal(size=(len(state), features)) + 1.5 * state[:, None]), state


def cost(X, centers, labels, penalty):
    return 0.5 * ((X - centers[labels]) ** 2).sum() + penalty * (np.diff(labels) != 0).sum()


def model_of(centers, penalty):
    return JumpModel(
        centers=np.asarray(centers, float),
        labels=np.zeros(0, np.int64),
        objective=0.0,
        penalty=penalty,
    )


@settings(max_examples=40, deadline=None)
@given(
    X=arrays(float, (7, 2), elements=st.floats(-3, 3)),
    penalty=st.floats(0, 5),
    states=st.sampled_from([2, 3]),
)
def test_smoothed_path_costs_no_more_than_any_of_all_paths(X, penalty, states):
    centers = np.array([[-1.0, 0.5], [1.0, -0.5], [0.0, 2.0]])[:states]
    model = model_of(centers, penalty)
    least = min(
        cost(X, centers, np.array(path), penalty) for path in product(range(states), repeat=len(X))
    )
    assert cost(X, centers, model.smoothed(X), penalty) == pytest.approx(least, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 59), penalty=st.floats(0, 10))
def test_online_states_do_not_change_when_rows_are_added(seed, cut, penalty):
    X = np.random.default_rng(seed).normal(size=(60, 2))
    model = model_of([[-1, -1], [1, 1]], penalty)
    assert (model.online(X[:cut]) == model.online(X)[:cut]).all()
    assert model.online(X)[cut - 1] == model.smoothed(X[:cut])[-1]


@pytest.mark.parametrize("penalty", [5.0, 30.0])
@pytest.mark.parametrize("states", [2, 3])
def test_equals_the_jumpmodels_package(penalty, states):
    X, _ = sample(states, states=states)
    own = fit_jump_model(X, n_states=states, penalty=penalty).sorted_by(X[:, 0])
    reference = Reference(n_components=states, jump_penalty=penalty, random_state=0)
    reference.fit(X, ret_ser=-X[:, 0], sort_by="ret")
    assert own.objective == pytest.approx(reference.val_, abs=1e-8)
    assert (own.labels == reference.labels_).all()
    np.testing.assert_allclose(own.centers, reference.centers_, atol=1e-12)
    fresh, _ = sample(99)
    assert (own.online(fresh) == reference.predict_online(fresh)).all()
    assert (own.smoothed(fresh) == reference.predict(fresh)).all()


def test_objective_is_the_cost_of_the_labels_and_the_fit_is_stable():
    X, _ = sample(1)
    model = fit_jump_model(X, n_states=3, penalty=4.0)
    assert model.objective == pytest.approx(cost(X, model.centers, model.labels, 4.0))
    assert (model.smoothed(X) == model.labels).all()
    for state in range(3):
        np.testing.assert_allclose(model.centers[state], X[model.labels == state].mean(axis=0))


def test_finds_planted_spells():
    X, planted = sample(3)
    model = fit_jump_model(X, penalty=10.0).sorted_by(X[:, 0])
    assert (model.labels == planted).mean() > 0.97


def test_no_penalty_is_nearest_centre_and_a_great_one_is_one_state():
    X, _ = sample(4)
    free = fit_jump_model(X, n_states=3, penalty=0.0)
    distances = ((X[:, None] - free.centers) ** 2).sum(axis=2)
    assert (free.labels == distances.argmin(axis=1)).all()
    assert len(np.unique(fit_jump_model(X, penalty=1e9).labels)) == 1


def test_more_starts_are_never_worse_and_a_seed_repeats():
    X, _ = sample(5)
    objectives = [
        fit_jump_model(X, n_states=4, penalty=3.0, n_init=n).objective for n in (1, 5, 20)
    ]
    assert objectives == sorted(objectives, reverse=True)
    first, second = (fit_jump_model(X, penalty=3.0, seed=11) for _ in range(2))
    assert (first.labels == second.labels).all() and (first.centers == second.centers).all()


def test_sorting_renames_states_and_changes_nothing_else():
    X, _ = sample(6)
    model = fit_jump_model(X, n_states=3, penalty=3.0)
    up, down = model.sorted_by(X[:, 0]), model.sorted_by(-X[:, 0])
    assert (up.labels == 2 - down.labels).all()
    assert (np.diff(up.centers[:, 0]) > 0).all()
    assert (up.centers[up.labels] == model.centers[model.labels]).all()
    assert up.objective == model.objective


def test_a_state_that_no_row_belongs_to_is_never_entered():
    X, _ = sample(7)
    model = fit_jump_model(X, penalty=1e9)
    assert np.isinf(model.centers).all(axis=1).tolist().count(True) == 1
    assert len(np.unique(model.online(10 * X))) == 1 == len(np.unique(model.smoothed(10 * X)))


def test_a_state_without_rows_is_sorted_last():
    labels = np.array([1, 1, 1])
    model = JumpModel(centers=np.array([[9.0], [1.0]]), labels=labels, objective=0.0, penalty=1.0)
    assert model.sorted_by(labels).centers.tolist() == [[1.0], [9.0]]
    assert model.sorted_by(labels).labels.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "bad", [{"n_states": 1}, {"penalty": -1.0}, {"penalty": np.nan}, {"n_init": 0}, {"max_iter": 0}]
)
def test_arguments_out_of_range_are_named(bad):
    with pytest.raises(ConfigError, match=f"^{next(iter(bad))}: "):
        fit_jump_model(np.zeros((5, 1)), **{"penalty": 1.0, **bad})


def test_bad_samples_are_refused():
    with pytest.raises(InvalidDataError, match="row 2 of X is not finite"):
        fit_jump_model(np.array([[0.0], [1.0], [np.nan]]), penalty=1.0)
    with pytest.raises(InvalidDataError, match="two dimensions, got 1"):
        fit_jump_model(np.zeros(4), penalty=1.0)
    with pytest.raises(InvalidDataError, match="2 states need at least as many rows, got 1"):
        fit_jump_model(np.zeros((1, 2)), penalty=1.0)


def test_features_by_hand_and_causal_to_the_bit():
    returns = pd.Series(np.random.default_rng(8).normal(0, 0.01, 200))
    table = jump_features(returns)
    assert list(table) == [
        "deviation_5",
        "deviation_21",
        "mean_5",
        "sortino_5",
        "mean_10",
        "sortino_10",
        "mean_21",
        "sortino_21",
    ]
    assert (
        table.isna().all(axis=1).to_numpy()[:62].all()
        and table.notna().all(axis=1).to_numpy()[62:].all()
    )
    weights = 0.5 ** (np.arange(200)[::-1] / 5)
    deviation = np.sqrt((weights * np.minimum(returns, 0) ** 2).sum() / weights.sum())
    mean = (weights * returns).sum() / weights.sum()
    assert table["deviation_5"].iloc[-1] == pytest.approx(deviation)
    assert table["sortino_5"].iloc[-1] == pytest.approx(mean / (deviation + 1e-5))
    for cut in (1, 63, 150):
        pd.testing.assert_frame_equal(jump_features(returns[:cut]), table[:cut], check_exact=True)


def test_standardise_clips_and_leaves_a_constant_column_at_zero():
    X = np.column_stack([np.r_[np.zeros(99), 100.0], np.full(100, 7.0), np.arange(100.0)])
    scaled = standardise(X)
    assert scaled[99, 0] == 3.0 and (scaled[:, 1] == 0).all()
    assert scaled[:, 2].mean() == pytest.approx(0) and scaled[:, 2].std() == pytest.approx(1)
