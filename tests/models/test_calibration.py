from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from regime.errors import InvalidDataError
from regime.models.calibration import calibrated, fit_platt, known_rows


@pytest.fixture(scope="module")
def world():
    """Score, truth that follows it, known 30 sessions later, and yearly folds."""
    rng = np.random.default_rng(4)
    index = pd.bdate_range("2000-01-03", periods=1500, name="date")
    score = pd.Series(rng.standard_normal(1500).cumsum() * 0.3, index)
    truth = pd.Series((rng.random(1500) < 1 / (1 + np.exp(1.5 - score))).astype(float), index)
    known_at = pd.Series(index, index=index).shift(-30)
    folds = [
        SimpleNamespace(refit=index[a - 1], test=np.arange(a, min(a + 250, 1500)))
        for a in range(500, 1500, 250)
    ]
    return score, truth, known_at, folds


def test_curve_equals_sklearn():
    rng = np.random.default_rng(1)
    x = 5 + 3 * rng.standard_normal(400)
    y = (rng.random(400) < 1 / (1 + np.exp(4 - 0.6 * x))).astype(float)
    z = (x - x.mean()) / x.std(ddof=1)
    expected = (
        LogisticRegression(C=10, tol=1e-10).fit(z[:, None], y).predict_proba(z[:, None])[:, 1]
    )
    assert fit_platt(x, y).predict(x) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.01, 1.0, 10.0, 1e4]), st.floats(0.0, 50.0))
def test_newton_finds_the_minimum_even_on_separable_scores(seed, C, sharpness):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(60)
    y = (rng.random(60) < 1 / (1 + np.exp(np.clip(-sharpness * x, -500, 500)))).astype(float)
    if y.min() == y.max():
        return
    curve = fit_platt(x, y, C=C)
    z = (x - curve.mean) / curve.scale
    residual = curve.predict(x) - y
    assert abs(residual.sum()) * C < 1e-4 * max(1.0, C)
    assert abs(curve.slope + C * (residual * z).sum()) < 1e-4 * max(1.0, C)


def test_monotone_in_the_score_and_mean_equals_the_base_rate(world):
    score, truth, _, _ = world
    curve = fit_platt(score.to_numpy(), truth.to_numpy())
    p = curve.predict(np.linspace(-20, 20, 50))
    assert curve.slope > 0 and (np.diff(p) > 0).all() and p.min() >= 0 and p.max() <= 1
    assert curve.predict(score.to_numpy()).mean() == pytest.approx(truth.mean(), abs=1e-8)


def test_unit_of_the_score_does_not_matter(world):
    score, truth, known_at, folds = world
    one = calibrated(score, truth, known_at, folds)
    other = calibrated(score * 1000 - 7, truth, known_at, folds)
    pd.testing.assert_series_equal(one, other, rtol=1e-7)


def test_soft_truth_equals_weighted_rows():
    x = np.array([0.0, 1, 2, 3, 4])
    soft = fit_platt(x, np.array([0.0, 0.25, 0.5, 0.5, 1]))
    z = ((x - x.mean()) / x.std(ddof=1))[:, None]
    y, w = np.r_[np.ones(5), np.zeros(5)], np.r_[0, 0.25, 0.5, 0.5, 1, 1, 0.75, 0.5, 0.5, 0]
    expected = (
        LogisticRegression(C=10, tol=1e-10)
        .fit(np.r_[z, z], y, sample_weight=w)
        .predict_proba(z)[:, 1]
    )
    assert soft.predict(x) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("outcome", "rate"), [(0.0, 1 / 12), (1.0, 11 / 12)])
def test_one_class_gives_a_flat_curve_off_the_edge(outcome, rate):
    curve = fit_platt(np.arange(10.0), np.full(10, outcome))
    assert curve.slope == 0 and curve.predict(np.array([-99.0, 99.0])) == pytest.approx(
        [rate, rate]
    )


def test_constant_score_gives_the_base_rate():
    curve = fit_platt(np.full(8, 3.0), np.array([0, 0, 0, 1, 0, 0, 1, 0.0]))
    assert curve.predict(np.array([3.0])) == pytest.approx([0.25])


def test_no_rows_are_refused():
    with pytest.raises(InvalidDataError, match="no rows to fit on"):
        fit_platt(np.array([]), np.array([]))


def test_each_fold_equals_a_fit_by_hand(world):
    score, truth, known_at, folds = world
    result = calibrated(score, truth, known_at, folds)
    assert result.iloc[:500].isna().all() and result.iloc[500:].notna().all()
    for fold in folds:
        rows = np.arange(
            fold.test[0] - 30
        )  # known 30 sessions later, by the session before the block
        curve = fit_platt(score.to_numpy()[rows], truth.to_numpy()[rows])
        assert (result.to_numpy()[fold.test] == curve.predict(score.to_numpy()[fold.test])).all()


def test_truth_not_known_by_the_refit_changes_nothing(world):
    score, truth, known_at, folds = world
    late = truth.copy()
    late.iloc[fold_start(folds[0]) - 30 :] = 1 - late.iloc[fold_start(folds[0]) - 30 :]
    first = folds[0].test
    one, other = (calibrated(score, y, known_at, folds).iloc[first] for y in (truth, late))
    pd.testing.assert_series_equal(one, other)


def fold_start(fold) -> int:
    return int(fold.test[0])


def test_cut_history_gives_equal_bits(world):
    score, truth, known_at, folds = world
    whole = calibrated(score, truth, known_at, folds)
    cut = [fold for fold in folds if fold.test[-1] < 1000]
    short = calibrated(score[:1000], truth[:1000], known_at[:1000], cut)
    assert whole[:1000].to_numpy().tobytes() == short.to_numpy().tobytes()


def test_holes_take_the_median_so_far_and_stay_open_before_the_first_score(world):
    score, truth, known_at, folds = world
    holes = score.copy()
    holes.iloc[:600] = np.nan
    holes.iloc[700] = np.nan
    result = calibrated(holes, truth, known_at, folds)
    assert result.iloc[:750].isna().all()  # the first fold has nothing to fit on
    assert result.iloc[750:].notna().all()
    filled = holes.copy()
    filled.iloc[700] = holes.iloc[600:700].median()
    pd.testing.assert_series_equal(result, calibrated(filled, truth, known_at, folds))


def test_known_rows_needs_truth_and_its_day(world):
    _, truth, known_at, _ = world
    holes = truth.copy()
    holes.iloc[3] = np.nan
    rows = known_rows(holes, known_at, truth.index[100])
    assert rows.sum() == 70 and not rows[3] and rows[70] and not rows[71]


def test_indexes_that_differ_are_refused(world):
    score, truth, known_at, folds = world
    with pytest.raises(InvalidDataError, match="`known_at` has 1499 rows, `truth` 1500"):
        calibrated(score, truth, known_at.iloc[1:], folds)
    with pytest.raises(InvalidDataError, match="`score` has 1499 rows"):
        calibrated(score.iloc[1:], truth, known_at, folds)
