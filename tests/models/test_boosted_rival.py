"""Trees on a rival's log-odds.

The arithmetic of one leaf, the curve without trees, and the saved form.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from regime.config import build, dump
from regime.errors import ConfigError
from regime.models.boosted_rival import BoostedOnRival
from regime.models.calibration_curves import fit_platt
from regime.models.classifier import DeleveragingClassifier, TreeSettings
from regime.runtime.bundle import write_bundle
from regime.runtime.formula import stress_log_odds
from regime.runtime.predict import SavedModel, load_model
from regime.schema import REGIMES

STRESS = REGIMES.index("deleveraging")
LEAFLESS = TreeSettings(leaf_rows=10**6)
SMALL = TreeSettings(rounds=60, leaf_rows=20, column_share=1.0)


def logit(p):
    return np.log(p / (1 - p))


@pytest.fixture(scope="module")
def days():
    """`rank` tells most of it, `a` tells some that `rank` does not."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(800, 4)), columns=["rank", "a", "b", "c"])
    stress = rng.random(800) < 1 / (
        1 + np.exp(-(1.5 * X["rank"] + np.where(X["a"] > 0.5, 2.0, 0.0) - 2))
    )
    return X.mask(rng.random(X.shape) < 0.02), np.where(stress, "deleveraging", "calm")


def test_one_tree_adds_what_the_arithmetic_of_its_leaves_says():
    rank = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    side = np.array([0.0, 1, 0, 1, 0, 1, 0, 1])
    stress = np.array([0.0, 0, 0, 1, 0, 1, 1, 1])
    tree = TreeSettings(
        rounds=1, leaves=2, leaf_rows=1, learning_rate=1.0, column_share=1.0, l2=0.0
    )
    X = pd.DataFrame({"side": side, "rank": rank})
    model = BoostedOnRival(core=("side",), rival="rank", trees=tree, seeds=1, clip=10.0).fit(
        X, np.where(stress == 1, "deleveraging", "calm")
    )
    start = fit_platt(rank, stress).predict(rank)
    expected = logit(start)
    for value in (0.0, 1.0):  # a Newton step: sum of errors over sum of p (1 - p)
        leaf = side == value
        expected[leaf] += (stress - start)[leaf].sum() / (start * (1 - start))[leaf].sum()
    np.testing.assert_allclose(logit(model.predict_proba(X)[:, STRESS]), expected, atol=1e-6)


def test_without_a_split_it_is_the_rivals_own_curve(days):
    X, y = days
    known = X["rank"].notna().to_numpy()
    curve = fit_platt(X["rank"].to_numpy()[known], (y == "deleveraging")[known].astype(float))
    model = BoostedOnRival(
        core=("a", "b"), rival="rank", trees=LEAFLESS, phase_trees=LEAFLESS, clip=10.0
    ).fit(X, y)
    p = model.predict_proba(X)[:, STRESS]
    np.testing.assert_allclose(p[known], curve.predict(X["rank"].to_numpy()[known]), atol=1e-12)
    np.testing.assert_allclose(p[~known], curve.predict([curve.mean])[0], atol=1e-12)


def test_a_rival_without_a_value_yet_says_how_often_it_happens(days):
    X, y = days
    model = BoostedOnRival(core=("a", "b"), rival="rank", trees=LEAFLESS).fit(
        X.assign(rank=np.nan), y
    )
    np.testing.assert_allclose(
        model.predict_proba(X)[:, STRESS], (y == "deleveraging").mean(), atol=1e-9
    )


def test_without_a_split_and_a_rival_it_is_the_logistic_of_the_classifier(days):
    X, y = days
    plan = {
        "core": ("a", "b"),
        "composites": {"rest": ("c",)},
        "signs": {"c": 1},
        "phase_trees": LEAFLESS,
    }
    ours = BoostedOnRival(**plan, rival="", trees=LEAFLESS).fit(X, y)
    theirs = DeleveragingClassifier(**plan, linear_weight=1.0).fit(X, y)
    assert ours.columns == theirs.columns == ("a", "b", "c")
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-12)


def test_the_sum_is_taken_to_the_last_bit(days):
    X, y = days
    model = BoostedOnRival(core=("a", "b"), rival="rank", trees=SMALL, seeds=1).fit(X, y)
    saved = SavedModel(model.parts_)
    line = model.parts_.linear
    score = np.clip((X["rank"].to_numpy() - line.center[2]) / line.scale[2], -3, 3)
    base = line.intercept + np.where(np.isnan(score), 0.0, score) * line.coef[2]
    raw = saved._stress[0].raw_scores(X[["a", "b", "rank"]].to_numpy())
    parts = model.parts_
    blend = stress_log_odds(
        X[["a", "b", "rank"]].to_numpy(),
        raw[:, None],
        linear=line,
        linear_weight=parts.linear_weight,
    )
    assert (parts.slope * blend + parts.intercept).tobytes() == (base + raw).tobytes()
    np.testing.assert_allclose(logit(saved.predict_proba(X)[:, STRESS]), base + raw, atol=1e-9)


def test_trees_find_what_the_rival_leaves_over(days):
    X, y = days
    hit = (y == "deleveraging").astype(float)

    def loss(model):
        p = model.predict_proba(X[400:])[:, STRESS]
        return -np.mean(np.log(np.where(hit[400:] == 1, p, 1 - p)))

    alone, boosted = (
        BoostedOnRival(core=("a", "b"), rival="rank", trees=trees).fit(X[:400], y[:400])
        for trees in (LEAFLESS, SMALL)
    )
    assert loss(boosted) < loss(alone) - 0.02


def test_what_is_saved_is_what_was_fitted(days, tmp_path):
    X, y = days
    model = BoostedOnRival(core=("a", "b"), rival="rank", trees=SMALL, phase_trees=SMALL).fit(X, y)
    write_bundle(
        tmp_path / "bundle",
        model.parts_,
        golden=X[list(model.columns)][:20],
        golden_probabilities=model.predict_proba(X[:20]),
        rule={},
        data_hash="0" * 64,
        training_window=("2000-01-03", "2003-01-03"),
    )
    loaded = load_model(tmp_path / "bundle")
    assert loaded.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
    np.testing.assert_allclose(
        loaded.contributions(X).sum(axis=1), logit(model.predict_proba(X)[:, STRESS]), atol=1e-9
    )


def test_columns_bits_and_seeds_are_as_the_classifiers(days):
    X, y = days
    model = BoostedOnRival(
        core=("a", "b"), rival="rank", composites={"rest": ("c",)}, signs={"c": 1}, trees=SMALL
    )
    assert model.columns == ("a", "b", "rank")
    assert BoostedOnRival(core=("a", "rank"), rival="rank").columns == ("a", "rank")
    p = model.fit(X, y).predict_proba(X)
    assert p.shape == (800, 4) and np.abs(p.sum(axis=1) - 1).max() < 1e-12
    assert p[:, [1, 3]].max() < 0.01  # neither fragile nor recovery ever came
    assert clone(model).fit(X[["c", "rank", "b", "a"]], y).predict_proba(X).tobytes() == p.tobytes()
    assert model.predict_proba(X.iloc[[5]]).tobytes() == p[[5]].tobytes()
    assert clone(model).set_params(seed=8).fit(X, y).predict_proba(X).tobytes() != p.tobytes()


def test_its_parameters(days):
    model = BoostedOnRival(core=("a",), rival="rank")
    assert build(BoostedOnRival, dump(model), "x.yaml").get_params(deep=False) == model.get_params(
        deep=False
    )
    assert clone(model).get_params(deep=False) == model.get_params(deep=False)
    with pytest.raises(ConfigError, match=r"linear_weight: .* taken whole; leave it out, got 0\.7"):
        BoostedOnRival(core=("a",), linear_weight=0.7)
