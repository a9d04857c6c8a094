"""Venn-Abers against its definition: two isotonic fits a row, each with the row added."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from regime.errors import InvalidDataError
from regime.models.venn_abers import fit_venn_abers

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


def test_each_row_is_scored_alone(noisy):
    curve, asked = fit_venn_abers(*noisy), np.random.default_rng(7).standard_normal(300)
    whole = curve.predict(asked)
    for cut in (1, 17, 299):
        assert curve.predict(asked[:cut]).tobytes() == whole[:cut].tobytes()


def test_missing_score_stays_missing_and_no_rows_are_refused(noisy):
    p = fit_venn_abers(*noisy).predict(np.array([np.nan, 0.0]))
    assert np.isnan(p[0]) and np.isfinite(p[1])
    with pytest.raises(InvalidDataError, match="no rows"):
        fit_venn_abers(np.array([]), np.array([]))
