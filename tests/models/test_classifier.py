"""The classifier.

Scikit-learn's contract, columns by name, all four regimes, prior signs, equal bits.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from regime.errors import ConfigError, InvalidDataError
from regime.models.classifier import DeleveragingClassifier, TreeSettings
from regime.runtime.predict import SavedModel
from regime.schema import REGIMES

SMALL = TreeSettings(rounds=15, leaf_rows=20, column_share=0.8)
CORE, COMPOSITES = ("a", "b"), {"rates": ("c", "d"), "trend": ("e",)}
SIGNS = {"c": 1, "d": -1, "e": -1}


def model(**arguments):
    return DeleveragingClassifier(
        **{
            "core": CORE,
            "composites": COMPOSITES,
            "signs": SIGNS,
            "trees": SMALL,
            "phase_trees": SMALL,
            **arguments,
        }
    )


@pytest.fixture(scope="module")
def fitted(sample):
    return model().fit(*sample)


def stress_of(fitted, X):
    return fitted.predict_proba(X)[:, REGIMES.index("deleveraging")]


def test_parameters_come_and_go_as_scikit_learn_has_it():
    original = model(penalty=7.0)
    copy = clone(original)
    assert copy is not original and copy.get_params(deep=False) == original.get_params(deep=False)
    assert clone(original.set_params(penalty=8.0)).penalty == 8.0
    assert set(original.get_params(deep=False)) == {
        "core",
        "composites",
        "signs",
        "penalty",
        "composite_weight",
        "linear_weight",
        "clip",
        "seeds",
        "trees",
        "phase_trees",
        "seed",
    }
    assert not hasattr(copy, "parts_")


def test_fit_gives_itself_and_what_ends_in_an_underscore(sample, fitted):
    X, y = sample
    again = model()
    assert again.fit(X, y) is again
    assert fitted.classes_.tolist() == list(REGIMES) and fitted.n_features_in_ == 6
    assert fitted.feature_names_in_.tolist() == list("abcdex")
    assert fitted.columns == fitted.parts_.features == tuple("abcde")
    assert 0.5 < fitted.score(X, y) <= 1


def test_before_the_fit_there_is_no_prediction(sample):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        model().predict_proba(sample[0])


def test_probabilities_are_four_columns_in_the_one_order(sample, fitted):
    X, y = sample
    p = fitted.predict_proba(X)
    assert p.shape == (900, 4) and (p >= 0).all() and not np.isnan(p).any()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    for position, regime in enumerate(REGIMES):
        assert p[y == regime, position].mean() > 1.1 * p[y != regime, position].mean(), regime
    assert (fitted.predict(X) == np.asarray(REGIMES)[p.argmax(axis=1)]).all()


def test_columns_are_taken_by_name(sample, fitted):
    X, y = sample
    p = fitted.predict_proba(X)
    shuffled = X[list("xedcba")].assign(extra=np.nan)
    assert fitted.predict_proba(shuffled).tobytes() == p.tobytes()
    assert model().fit(shuffled, y).predict_proba(X).tobytes() == p.tobytes()
    with pytest.raises(InvalidDataError, match="column `d` is missing"):
        fitted.predict_proba(X.drop(columns="d"))
    with pytest.raises(InvalidDataError, match="column `d` is missing"):
        model().fit(X.drop(columns="d"), y)


def test_one_row_alone_has_the_bits_it_has_among_many(sample, fitted):
    X = sample[0]
    p = fitted.predict_proba(X)
    for rows in ([0], [899], [3, 500], range(0, 900, 7)):
        assert fitted.predict_proba(X.iloc[list(rows)]).tobytes() == p[list(rows)].tobytes()
    assert fitted.predict_proba(X.iloc[:0]).shape == (0, 4)


def test_two_fits_are_equal_bit_for_bit(sample, fitted):
    X, y = sample
    again = clone(fitted).fit(X, y)
    assert (
        again.parts_ == fitted.parts_
        and again.predict_proba(X).tobytes() == fitted.predict_proba(X).tobytes()
    )
    other = model(seed=8).fit(X, y)
    assert other.parts_.stress_boosters != fitted.parts_.stress_boosters
    assert len(set(fitted.parts_.stress_boosters)) == fitted.seeds


def test_what_is_saved_is_what_was_tested(sample, fitted):
    assert (
        SavedModel(fitted.parts_).predict_proba(sample[0]).tobytes()
        == fitted.predict_proba(sample[0]).tobytes()
    )


@pytest.mark.parametrize("missing", ["calm", "fragile", "recovery"])
def test_a_class_that_never_came_still_has_its_column(sample, missing):
    X, y = sample
    rows = y != missing
    p = model().fit(X[rows], y[rows]).predict_proba(X)
    assert p.shape == (900, 4) and p[:, REGIMES.index(missing)].max() < 0.01
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)


def test_one_class_alone_cannot_be_learnt(sample):
    X, y = sample
    for rows in (y == "deleveraging", y != "deleveraging"):
        with pytest.raises(InvalidDataError, match="one class only; widen"):
            model().fit(X[rows], y[rows])


def test_one_hot_weights_are_hard_labels(sample, fitted):
    X, y = sample
    onehot = (y[:, None] == np.asarray(REGIMES)).astype(float)
    assert model().fit(X, onehot).parts_ == fitted.parts_
    assert model().fit(X, pd.DataFrame(onehot, columns=list(REGIMES))).parts_ == fitted.parts_


def test_soft_labels_lie_between_the_hard_ones(sample, fitted):
    X, y = sample
    hard = (y[:, None] == np.asarray(REGIMES)).astype(float)
    soft = model().fit(X, 0.5 * hard + 0.5 * hard.mean(axis=0)).predict_proba(X)
    sharp = fitted.predict_proba(X)
    assert soft.std(axis=0)[2] < sharp.std(axis=0)[2]
    assert abs(soft[:, 2].mean() - hard[:, 2].mean()) < 0.02
    assert np.corrcoef(soft[:, 2], sharp[:, 2])[0, 1] > 0.95


@pytest.mark.parametrize("linear_weight", [0.3, 1.0])
def test_a_composite_member_moves_the_probability_its_own_way_or_not_at_all(sample, linear_weight):
    X, y = sample
    fitted = model(linear_weight=linear_weight).fit(X, y)
    against = model(linear_weight=linear_weight, signs={"c": 1, "d": -1, "e": 1}).fit(
        X, y
    )  # the data say minus
    for name, sign in SIGNS.items():
        for step in (0.1, 1.0, 10.0):
            before, after = (
                stress_of(fitted, X),
                stress_of(fitted, X.assign(**{name: X[name] + sign * step})),
            )
            assert (after >= before).all(), name
    assert (stress_of(fitted, X.assign(e=X["e"] - 1)) > stress_of(fitted, X)).mean() > 0.8
    assert (stress_of(against, X.assign(e=X["e"] - 1)) == stress_of(against, X)).all()


@pytest.mark.parametrize("linear_weight", [0.0, 0.5])
def test_a_signed_core_column_binds_the_trees_too(sample, linear_weight):
    X, y = sample
    rising = model(linear_weight=linear_weight, signs={**SIGNS, "a": 1}).fit(X, y)
    falling = model(linear_weight=linear_weight, signs={**SIGNS, "a": -1}).fit(X, y)
    for step in (0.2, 2.0):
        moved = X.assign(a=X["a"] + step)
        assert (stress_of(rising, moved) >= stress_of(rising, X)).all()
        assert (stress_of(falling, moved) <= stress_of(falling, X)).all()
    assert np.ptp(stress_of(rising, X.assign(b=0.0, c=0.0, d=0.0, e=0.0))) > 0.1


def test_boosters_read_the_core_alone(sample, fitted):
    import lightgbm

    for text in (*fitted.parts_.stress_boosters, fitted.parts_.phase_booster):
        assert tuple(lightgbm.Booster(model_str=text).feature_name()) == CORE
    X, y = sample
    trees_only = model(linear_weight=0.0).fit(X, y)
    scrambled = X.assign(c=0.0, d=9.0, e=np.nan)
    assert trees_only.parts_.linear is None
    assert trees_only.predict_proba(scrambled).tobytes() == trees_only.predict_proba(X).tobytes()


def test_a_logistic_alone_has_no_boosters(sample):
    alone = model(linear_weight=1.0).fit(*sample)
    assert alone.parts_.stress_boosters == () and alone.parts_.linear is not None
    heavy = model(linear_weight=1.0, penalty=1e9).fit(*sample)
    assert np.ptp(stress_of(heavy, sample[0])) < 1e-4


def test_a_phase_too_rare_to_learn_is_shared_out_by_its_frequency(sample):
    X, y = sample
    rare = model(phase_trees=TreeSettings(leaf_rows=600)).fit(X, y)
    p = rare.predict_proba(X)
    assert rare.parts_.phase_booster is None
    rest = (
        np.array([(y == name).sum() for name in ("calm", "fragile", "recovery")])
        / (y != "deleveraging").sum()
    )
    np.testing.assert_allclose(
        p[:, [0, 1, 3]] / (1 - p[:, [2]]), np.tile(rest, (900, 1)), rtol=1e-9
    )


def test_missing_values_and_constant_columns_are_no_fault(sample):
    X, y = sample
    hollow = X.assign(c=np.nan, b=1.0)
    p = model().fit(hollow, y).predict_proba(hollow)
    assert np.isfinite(p).all()
    assert np.isfinite(model().fit(X, y).predict_proba(X * np.nan)).all()


def test_probabilities_do_not_depend_on_the_unit_of_a_column(sample, fitted):
    X, y = sample
    scaled = X * [100, 0.01, 1000, 1, 10, 1]
    np.testing.assert_allclose(
        model().fit(scaled, y).predict_proba(scaled), fitted.predict_proba(X), atol=0.02
    )


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (lambda y: np.where(y == "calm", "quiet", y), "`quiet` is no regime"),
        (lambda y: y[:-1], "X has 900 rows, y 899"),
        (lambda y: np.full((900, 4), 0.3), "sum to 1"),
        (lambda y: np.full((900, 4), np.nan), "sum to 1"),
        (lambda y: np.full((900, 3), 1 / 3), "4 weights a row"),
    ],
)
def test_labels_that_break_a_rule_are_refused(sample, labels, fault):
    X, y = sample
    with pytest.raises(InvalidDataError, match=fault):
        model().fit(X, labels(y))


def test_a_composite_without_a_sign_is_refused(sample):
    with pytest.raises(ConfigError, match="trend: `e` has no expected sign"):
        model(signs={"c": 1, "d": -1}).fit(*sample)


@pytest.mark.parametrize(
    "bad", [{"rounds": 0}, {"leaf_rows": 0}, {"leaves": 1}, {"column_share": 0.0}]
)
def test_tree_settings_out_of_range_are_named(bad):
    with pytest.raises(ConfigError, match=f"^{next(iter(bad))}: "):
        TreeSettings(**bad)
