"""The three curves against scikit-learn's fits and their own definitions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from regime.errors import InvalidDataError
from regime.models.calibration_curves import (
    calibrated,
    fit_isotonic,
    fit_platt,
    fit_venn_abers,
    hull_after,
    hull_before,
    known_rows,
    pooled_scores,
)


@pytest.fixture(scope="module")
def sample():
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


def test_monotone_in_the_score_and_mean_equals_the_base_rate(sample):
    score, truth, _, _ = sample
    curve = fit_platt(score.to_numpy(), truth.to_numpy())
    p = curve.predict(np.linspace(-20, 20, 50))
    assert curve.slope > 0 and (np.diff(p) > 0).all() and p.min() >= 0 and p.max() <= 1
    assert curve.predict(score.to_numpy()).mean() == pytest.approx(truth.mean(), abs=1e-8)


def test_unit_of_the_score_does_not_matter(sample):
    score, truth, known_at, folds = sample
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


def test_each_fold_equals_a_fit_by_hand(sample):
    score, truth, known_at, folds = sample
    result = calibrated(score, truth, known_at, folds)
    assert result.iloc[:500].isna().all() and result.iloc[500:].notna().all()
    for fold in folds:
        rows = np.arange(
            fold.test[0] - 30
        )  # known 30 sessions later, by the session before the block
        curve = fit_platt(score.to_numpy()[rows], truth.to_numpy()[rows])
        assert (result.to_numpy()[fold.test] == curve.predict(score.to_numpy()[fold.test])).all()


def test_truth_not_known_by_the_refit_changes_nothing(sample):
    score, truth, known_at, folds = sample
    late = truth.copy()
    late.iloc[fold_start(folds[0]) - 30 :] = 1 - late.iloc[fold_start(folds[0]) - 30 :]
    first = folds[0].test
    one, other = (calibrated(score, y, known_at, folds).iloc[first] for y in (truth, late))
    pd.testing.assert_series_equal(one, other)


def fold_start(fold) -> int:
    return int(fold.test[0])


def test_cut_history_gives_equal_bits(sample):
    score, truth, known_at, folds = sample
    whole = calibrated(score, truth, known_at, folds)
    cut = [fold for fold in folds if fold.test[-1] < 1000]
    short = calibrated(score[:1000], truth[:1000], known_at[:1000], cut)
    assert whole[:1000].to_numpy().tobytes() == short.to_numpy().tobytes()


def test_holes_take_the_median_so_far_and_stay_open_before_the_first_score(sample):
    score, truth, known_at, folds = sample
    holes = score.copy()
    holes.iloc[:600] = np.nan
    holes.iloc[700] = np.nan
    result = calibrated(holes, truth, known_at, folds)
    assert result.iloc[:750].isna().all()  # the first fold has nothing to fit on
    assert result.iloc[750:].notna().all()
    filled = holes.copy()
    filled.iloc[700] = holes.iloc[600:700].median()
    pd.testing.assert_series_equal(result, calibrated(filled, truth, known_at, folds))


def test_known_rows_needs_truth_and_its_day(sample):
    _, truth, known_at, _ = sample
    holes = truth.copy()
    holes.iloc[3] = np.nan
    rows = known_rows(holes, known_at, truth.index[100])
    assert rows.sum() == 70 and not rows[3] and rows[70] and not rows[71]


def test_indexes_that_differ_are_refused(sample):
    score, truth, known_at, folds = sample
    with pytest.raises(InvalidDataError, match="`known_at` has 1499 rows, `truth` 1500"):
        calibrated(score, truth, known_at.iloc[1:], folds)
    with pytest.raises(InvalidDataError, match="`score` has 1499 rows"):
        calibrated(score.iloc[1:], truth, known_at, folds)


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


def test_unit_of_an_isotonic_score_does_not_matter():
    rng = np.random.default_rng(1)
    score = rng.standard_normal(200)
    truth = (rng.random(200) < 1 / (1 + np.exp(-score))).astype(float)
    one, other = fit_isotonic(score, truth), fit_isotonic(np.exp(score), truth)
    assert one.predict(score).tolist() == other.predict(np.exp(score)).tolist()


def test_isotonic_missing_score_stays_missing_and_no_rows_are_refused():
    assert np.isnan(
        fit_isotonic(np.array([1.0]), np.array([0.5])).predict(np.array([np.nan]))
    ).all()
    with pytest.raises(InvalidDataError, match="no rows"):
        fit_isotonic(np.array([]), np.array([]))


def test_isotonic_scores_each_row_alone():
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


GRID = [-9.0, *np.arange(-4, 4.5, 0.5), 9.0]


def by_definition(score, truth, asked):
    pairs = []
    for one in asked:
        x = np.r_[score, one]
        pairs.append(
            [
                IsotonicRegression().fit(x, np.r_[truth, outcome]).predict([one])[0]
                for outcome in (0.0, 1.0)
            ]
        )
    return np.array(pairs)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-4, 4), st.sampled_from([0.0, 0.3, 1.0])), min_size=1, max_size=30
    )
)
def test_intervals_equal_the_definition(rows):
    score, truth = np.array([float(row[0]) for row in rows]), np.array([row[1] for row in rows])
    curve = fit_venn_abers(score, truth)
    assert curve.intervals(np.array(GRID)) == pytest.approx(
        by_definition(score, truth, GRID), abs=1e-12
    )


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(5)
    score = rng.standard_normal(800)
    return score, (rng.random(800) < 1 / (1 + np.exp(1 - 2 * score))).astype(float)


def test_long_samples_equal_the_definition(noisy):
    score, truth = noisy
    asked = np.random.default_rng(6).standard_normal(40)
    assert fit_venn_abers(score, truth).intervals(asked) == pytest.approx(
        by_definition(score, truth, asked), abs=1e-12
    )


def test_the_probability_lies_between_and_never_at_an_edge(noisy):
    curve = fit_venn_abers(*noisy)
    asked = np.array([-1e9, *np.linspace(-4, 4, 100), 1e9])
    low, high = curve.intervals(asked).T
    p = curve.predict(asked)
    assert ((low <= p) & (p <= high)).all() and (p > 0).all() and (p < 1).all()
    assert (np.diff(low) >= -1e-15).all() and (np.diff(high) >= -1e-15).all()
    fewer = np.diff(fit_venn_abers(noisy[0][:60], noisy[1][:60]).intervals(asked)).mean()
    assert (
        fewer > 3 * (high - low).mean()
    )  # an interval says how much data stands behind a probability


def test_least_regret_in_log_loss():
    curve = fit_venn_abers(np.array([0.0, 1, 2, 3]), np.array([0.0, 1, 0, 1]))
    (low, high), p = curve.intervals(np.array([1.5]))[0], curve.predict(np.array([1.5]))[0]
    # Being wrong about which of the two holds costs the same either way.
    assert np.log((1 - low) / (1 - p)) == pytest.approx(np.log(high / p))


def test_venn_abers_scores_each_row_alone(noisy):
    curve, asked = fit_venn_abers(*noisy), np.random.default_rng(7).standard_normal(300)
    whole = curve.predict(asked)
    for cut in (1, 17, 299):
        assert curve.predict(asked[:cut]).tobytes() == whole[:cut].tobytes()


def test_venn_abers_missing_score_stays_missing_and_no_rows_are_refused(noisy):
    p = fit_venn_abers(*noisy).predict(np.array([np.nan, 0.0]))
    assert np.isnan(p[0]) and np.isfinite(p[1])
    with pytest.raises(InvalidDataError, match="no rows"):
        fit_venn_abers(np.array([]), np.array([]))
