"""Challengers.

The classifier's interface law, whoever grows the trees, and what they must not pretend to.
"""

import importlib

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from regime.config import build, dump
from regime.errors import ConfigError, InvalidDataError
from regime.models.challengers import CatBoostChallenger, HistGradientChallenger
from regime.models.classifier import DeleveragingClassifier, TreeSettings
from regime.schema import REGIMES

SMALL = TreeSettings(rounds=15, leaf_rows=20, column_share=0.5)
ARGUMENTS = {
    "core": ("a", "b"),
    "composites": {"rates": ("c", "d"), "trend": ("e",)},
    "signs": {"c": 1, "d": -1, "e": -1},
    "trees": SMALL,
    "phase_trees": SMALL,
}
STRESS = REGIMES.index("deleveraging")


@pytest.fixture(scope="module", params=[HistGradientChallenger, CatBoostChallenger])
def kind(request):
    if request.param is CatBoostChallenger:
        pytest.importorskip("catboost", reason="an optional extra")
    return request.param


@pytest.fixture(scope="module")
def fitted(kind, sample):
    return kind(**ARGUMENTS).fit(*sample)


def stress_of(model, X):
    return model.predict_proba(X)[:, STRESS]


def test_parameters_are_those_of_the_classifier_and_are_cloned(kind):
    original = kind(**ARGUMENTS, penalty=7.0)
    assert set(original.get_params(deep=False)) == set(
        DeleveragingClassifier(**ARGUMENTS).get_params(deep=False)
    )
    copy = clone(original)
    assert type(copy) is kind and copy.get_params(deep=False) == original.get_params(deep=False)
    assert original.columns == tuple("abcde")


def test_it_comes_from_a_config_and_goes_back(kind):
    model = kind(**ARGUMENTS)
    assert build(kind, dump(model), "x.yaml").get_params(deep=False) == model.get_params(deep=False)
    with pytest.raises(ConfigError, match="linear_weight: must lie in"):
        kind(**ARGUMENTS, linear_weight=2.0)


def test_probabilities_are_four_columns_in_the_one_order(sample, fitted):
    X, y = sample
    p = fitted.predict_proba(X)
    assert p.shape == (900, 4) and (p >= 0).all() and not np.isnan(p).any()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    for position, regime in enumerate(REGIMES):
        assert p[y == regime, position].mean() > 1.1 * p[y != regime, position].mean(), regime
    assert fitted.classes_.tolist() == list(REGIMES)
    assert (fitted.predict(X) == np.asarray(REGIMES)[p.argmax(axis=1)]).all()
    assert abs(p[:, STRESS].mean() - (y == "deleveraging").mean()) < 0.05


def test_columns_are_taken_by_name(sample, kind, fitted):
    X, y = sample
    p, shuffled = fitted.predict_proba(X), X[list("xedcba")].assign(extra=np.nan)
    assert fitted.predict_proba(shuffled).tobytes() == p.tobytes()
    assert kind(**ARGUMENTS).fit(shuffled, y).predict_proba(X).tobytes() == p.tobytes()
    for call in (fitted.predict_proba, lambda hollow: kind(**ARGUMENTS).fit(hollow, y)):
        with pytest.raises(InvalidDataError, match="`d`"):
            call(X.drop(columns="d"))


def test_one_row_alone_has_the_bits_it_has_among_many(sample, fitted):
    p = fitted.predict_proba(sample[0])
    for rows in ([0], [899], [3, 500], range(0, 900, 7)):
        assert fitted.predict_proba(sample[0].iloc[list(rows)]).tobytes() == p[list(rows)].tobytes()
    assert fitted.predict_proba(sample[0].iloc[:0]).shape == (0, 4)


def test_a_seed_makes_a_fit_and_another_seed_another(sample, kind, fitted):
    p = fitted.predict_proba(sample[0])
    assert clone(fitted).fit(*sample).predict_proba(sample[0]).tobytes() == p.tobytes()
    assert kind(**ARGUMENTS, seed=8).fit(*sample).predict_proba(sample[0]).tobytes() != p.tobytes()
    assert len(fitted.heads_.stress) == fitted.seeds == 2


def test_seeds_are_averaged_in_log_odds(sample, kind):
    X = sample[0]
    logit = {}
    for seeds, seed in ((1, 7), (1, 8), (2, 7)):
        p = stress_of(kind(**ARGUMENTS, linear_weight=0.0, seeds=seeds, seed=seed).fit(*sample), X)
        logit[seeds, seed] = np.log(p / (1 - p))
    np.testing.assert_allclose(logit[2, 7], (logit[1, 7] + logit[1, 8]) / 2, atol=1e-9)


@pytest.mark.parametrize("missing", ["calm", "fragile", "recovery"])
def test_a_class_that_never_came_still_has_its_column(sample, kind, missing):
    X, y = sample
    p = kind(**ARGUMENTS).fit(X[y != missing], y[y != missing]).predict_proba(X)
    assert p.shape == (900, 4) and p[:, REGIMES.index(missing)].max() < 0.01
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)


def test_one_class_alone_cannot_be_learnt(sample, kind):
    X, y = sample
    for rows in (y == "deleveraging", y != "deleveraging"):
        with pytest.raises(InvalidDataError, match="one class only; widen"):
            kind(**ARGUMENTS).fit(X[rows], y[rows])


def test_one_hot_weights_are_hard_labels_and_soft_ones_lie_between(sample, kind, fitted):
    X, y = sample
    hard = (y[:, None] == np.asarray(REGIMES)).astype(float)
    assert (
        kind(**ARGUMENTS).fit(X, hard).predict_proba(X).tobytes()
        == fitted.predict_proba(X).tobytes()
    )
    soft = kind(**ARGUMENTS).fit(X, 0.5 * hard + 0.5 * hard.mean(axis=0)).predict_proba(X)
    assert soft.std(axis=0)[STRESS] < fitted.predict_proba(X).std(axis=0)[STRESS]
    assert abs(soft[:, STRESS].mean() - hard[:, STRESS].mean()) < 0.03


def test_a_logistic_alone_is_the_classifiers(sample, kind):
    X, y = sample
    ours, theirs = (
        cls(**ARGUMENTS, linear_weight=1.0).fit(X, y) for cls in (kind, DeleveragingClassifier)
    )
    assert ours.heads_.stress == () and ours.heads_.linear == theirs.parts_.linear
    assert stress_of(ours, X).tobytes() == stress_of(theirs, X).tobytes()


def test_a_phase_too_rare_to_learn_is_shared_out_as_the_classifier_does(sample, kind):
    X, y = sample
    rare = {**ARGUMENTS, "phase_trees": TreeSettings(leaf_rows=600)}
    ours, theirs = (cls(**rare).fit(X, y) for cls in (kind, DeleveragingClassifier))
    assert ours.heads_.phase is None and ours.heads_.phase_prior == theirs.parts_.phase_prior


def test_a_signed_core_column_binds_the_trees(sample, kind):
    X, y = sample
    trees = {**ARGUMENTS, "linear_weight": 0.0}
    rising = kind(**{**trees, "signs": {**ARGUMENTS["signs"], "a": 1}}).fit(X, y)
    falling = kind(**{**trees, "signs": {**ARGUMENTS["signs"], "a": -1}}).fit(X, y)
    for step in (0.2, 2.0):
        moved = X.assign(a=X["a"] + step)
        assert (stress_of(rising, moved) >= stress_of(rising, X)).all()
        assert (stress_of(falling, moved) <= stress_of(falling, X)).all()
    assert np.ptp(stress_of(rising, X.assign(b=0.0))) > 0.05


def test_missing_values_and_constant_columns_are_no_fault(sample, kind, fitted):
    X, y = sample
    for hollow in (X.assign(c=np.nan, b=1.0), X.assign(b=np.nan)):
        model = kind(**ARGUMENTS, linear_weight=0.0).fit(hollow, y)
        assert np.isfinite(model.predict_proba(hollow)).all()
        assert (
            model.predict_proba(X).tobytes() == model.predict_proba(hollow).tobytes()
        )  # what never told is not read
    assert np.isfinite(fitted.predict_proba(X * np.nan)).all()
    with pytest.raises(InvalidDataError, match="infinit"):
        fitted.predict_proba(X.assign(a=np.inf))


def test_it_cannot_pass_for_a_model_that_can_be_saved(sample, kind, fitted):
    assert not hasattr(fitted, "parts_")
    with pytest.raises(NotFittedError):
        kind(**ARGUMENTS).predict_proba(sample[0])


def test_nothing_is_written(sample, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind(**ARGUMENTS).fit(*sample)
    assert list(tmp_path.iterdir()) == []


def test_catboost_is_asked_for_by_the_name_of_its_extra(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ConfigError, match=r"install deleverage\[challengers\]"):
        CatBoostChallenger(**ARGUMENTS)
