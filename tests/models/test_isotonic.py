"""The isotonic curve against scikit-learn's, and its hulls against the fit of every prefix and suffix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from regime.errors import InvalidDataError
from regime.models.isotonic import fit_isotonic, hull_after, hull_before, pooled_scores

ROWS = st.lists(
    st.tuples(st.integers(-4, 4), st.sampled_from([0.0, 0.25, 0.5, 1.0])), min_size=1, max_size=40
)


def arrays(rows):
    return np.array([float(row[0]) for row in rows]), np.array([row[1] for row in rows])


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_curve_equals_sklearn_within_its_bounds(rows):
    score, truth = arrays(rows)
    curve, asked = fit_isotonic(score, truth), np.linspace(-5, 5, 41)
    bound = 1 / (len(score) + 2)
    # sklearn answers between two scores from the unbounded values: hold its values first, then ask.
    fitted = np.clip(
        IsotonicRegression(out_of_bounds="clip").fit(score, truth).predict(np.unique(score)),
        bound,
        1 - bound,
    )
    assert curve.predict(asked) == pytest.approx(
        np.interp(asked, np.unique(score), fitted), abs=1e-12
    )


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_hulls_solve_every_prefix_and_suffix(rows):
    scores, count, total = pooled_scores(*arrays(rows))
    before, after, k = hull_before(count, total), hull_after(count, total), len(scores)
    means, weight = np.diff(total) / np.diff(count), np.diff(count)
    for i in range(1, k + 1):
        fit = IsotonicRegression().fit_transform(np.arange(i), means[:i], sample_weight=weight[:i])
        j = before[i]
        assert (total[i] - total[j]) / (count[i] - count[j]) == pytest.approx(fit[-1])
    for i in range(k):
        fit = IsotonicRegression().fit_transform(
            np.arange(k - i), means[i:], sample_weight=weight[i:]
        )
        j = after[i]
        assert (total[j] - total[i]) / (count[j] - count[i]) == pytest.approx(fit[0])
    assert before[0] == 0 and after[k] == k


def test_rising_and_off_the_edge():
    rng = np.random.default_rng(0)
    score = rng.standard_normal(500)
    curve = fit_isotonic(score, (score > 0).astype(float))
    p = curve.predict(np.array([-1e9, -3.0, 0.0, 3.0, 1e9]))
    assert (np.diff(p) >= 0).all() and p[0] == 1 / 502 and p[-1] == 1 - 1 / 502


def test_unit_of_the_score_does_not_matter():
    rng = np.random.default_rng(1)
    score = rng.standard_normal(200)
    truth = (rng.random(200) < 1 / (1 + np.exp(-score))).astype(float)
    one, other = fit_isotonic(score, truth), fit_isotonic(np.exp(score), truth)
    assert one.predict(score).tolist() == other.predict(np.exp(score)).tolist()


def test_missing_score_stays_missing_and_no_rows_are_refused():
    assert np.isnan(
        fit_isotonic(np.array([1.0]), np.array([0.5])).predict(np.array([np.nan]))
    ).all()
    with pytest.raises(InvalidDataError, match="no rows"):
        fit_isotonic(np.array([]), np.array([]))


def test_each_row_is_scored_alone():
    rng = np.random.default_rng(2)
    score = rng.standard_normal(300)
    curve = fit_isotonic(score, rng.random(300))
    asked = rng.standard_normal(700)
    whole = curve.predict(asked)
    for cut in (
        1,
        5,
        299,
        301,
        640,
    ):  # more or fewer than the curve has points: bits must not depend on it
        assert curve.predict(asked[:cut]).tobytes() == whole[:cut].tobytes()
