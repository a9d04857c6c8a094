"""The bounded logistic against scikit-learn's, and against its own optimum under bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from regime.errors import ConfigError
from regime.models.linear_head import fit_logistic, loadings


def sample(seed=1, n=400, k=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k))
    odds = x @ np.array([1.0, -0.7, 0.0, 0.3])[:k] - 1.0
    return x, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)


def loss(x, y, coef, intercept, penalty):
    z = x @ coef + intercept
    return np.sum(np.logaddexp(0, z) - y * z) + 0.5 * penalty * coef @ coef


def free(x):
    return np.zeros(x.shape[1], dtype=np.int64)


@pytest.mark.parametrize("penalty", [0.1, 3.0, 200.0])
def test_without_bounds_it_is_scikit_learns(penalty):
    x, y = sample()
    coef, intercept = fit_logistic(x, y, penalty=penalty, signs=free(x))
    theirs = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=5000).fit(x, y)
    np.testing.assert_allclose(coef, theirs.coef_[0], atol=2e-5)
    assert intercept == pytest.approx(theirs.intercept_[0], abs=2e-5)


def test_a_soft_label_is_two_weighted_rows():
    x, _ = sample()
    y = np.random.default_rng(2).random(len(x))
    coef, intercept = fit_logistic(x, y, penalty=5.0, signs=free(x))
    theirs = LogisticRegression(C=0.2, tol=1e-10, max_iter=5000).fit(
        np.r_[x, x], np.r_[np.ones(len(x)), np.zeros(len(x))], sample_weight=np.r_[y, 1 - y]
    )
    np.testing.assert_allclose(coef, theirs.coef_[0], atol=2e-5)
    assert intercept == pytest.approx(theirs.intercept_[0], abs=2e-5)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 999), signs=st.lists(st.sampled_from([-1, 0, 1]), min_size=4, max_size=4)
)
def test_bounds_hold_and_nothing_within_them_is_better(seed, signs):
    x, y = sample(seed, n=150)
    signs = np.array(signs)
    coef, intercept = fit_logistic(x, y, penalty=2.0, signs=signs)
    assert (coef * signs >= 0).all()
    best, rng = loss(x, y, coef, intercept, 2.0), np.random.default_rng(seed)
    for size in (1e-3, 1e-2, 0.1):
        for step in rng.normal(0, size, (20, 5)):
            near = np.where(
                signs != 0, signs * np.maximum(signs * (coef + step[:4]), 0), coef + step[:4]
            )
            assert loss(x, y, near, intercept + step[4], 2.0) >= best - 1e-7 * abs(best)


def test_a_coefficient_against_its_sign_is_zero_not_fitted():
    x, y = sample()
    coef, _ = fit_logistic(x, y, penalty=1.0, signs=np.array([-1, 1, 0, 1]))
    assert coef[0] == coef[1] == 0.0 and coef[3] > 0.1


def test_a_heavy_penalty_leaves_the_base_rate():
    x, y = sample()
    coef, intercept = fit_logistic(x, y, penalty=1e9, signs=free(x))
    assert np.abs(coef).max() < 1e-5 and 1 / (1 + np.exp(-intercept)) == pytest.approx(
        y.mean(), abs=1e-4
    )


def test_one_class_alone_stays_finite():
    x, _ = sample()
    for y in (np.zeros(len(x)), np.ones(len(x))):
        coef, intercept = fit_logistic(x, y, penalty=1.0, signs=free(x))
        assert np.isfinite(coef).all() and np.isfinite(intercept)


def test_loadings_by_hand():
    load, allowed = loadings(
        ("a", "b", "c", "d"),
        ("a", "b"),
        {"both": ("c", "d"), "one": ("d",)},
        {"b": -1, "c": -1, "d": 1},
        0.5,
    )
    np.testing.assert_array_equal(
        load, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -0.25, 0], [0, 0, 0.25, 0.5]]
    )
    assert allowed.tolist() == [0, -1, 1, 1]


def test_a_composite_of_no_known_sign_is_refused():
    with pytest.raises(ConfigError, match="2 faults") as caught:
        loadings(("a", "b", "c"), ("a",), {"mixed": ("b", "c")}, {"c": 0}, 1.0)
    assert "mixed: `b` has no expected sign" in str(caught.value) and "`c`" in str(caught.value)
