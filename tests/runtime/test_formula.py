"""The formula against its definition, and a row's independence of the other rows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regime.errors import InvalidDataError
from regime.runtime.formula import (
    REGIMES,
    Linear,
    ModelParts,
    linear_log_odds,
    probabilities,
    stress_log_odds,
)

PRIOR = (0.5, 0.3, 0.2)


def line(n, seed=0):
    random = np.random.default_rng(seed)
    return Linear(
        center=tuple(random.normal(size=n)),
        scale=tuple(random.uniform(0.1, 3, n)),
        clip=(2.5,) * n,
        coef=tuple(random.normal(size=n)),
        intercept=0.25,
    )


def test_the_order_of_regimes_is_that_of_the_schema():
    from regime import schema

    assert REGIMES == schema.REGIMES


def test_linear_log_odds_follow_the_definition_term_by_term():
    linear = Linear(
        center=(1.0, 0.0, 5.0),
        scale=(2.0, 1.0, 1.0),
        clip=(3.0, 0.5, 3.0),
        coef=(0.5, -1.0, 9.0),
        intercept=0.1,
    )
    # (4 - 1) / 2 = 1.5 -> 0.75; clip(-7) = -0.5 -> +0.5; NaN -> 0.
    assert linear_log_odds(np.array([[4.0, -7.0, np.nan]]), linear)[0] == pytest.approx(
        0.1 + 0.75 + 0.5, abs=1e-15
    )


@pytest.mark.parametrize("n_features", [1, 2, 7, 8, 9, 40, 129, 300])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_row_has_equal_bits_alone_and_among_many(n_features, order):
    random = np.random.default_rng(n_features)
    x = random.normal(size=(65, n_features)) * 3
    x[random.random(x.shape) < 0.1] = np.nan
    raw, phase, linear = random.normal(size=(65, 5)), random.normal(size=(65, 3)), line(n_features)

    def score(rows):
        blend = stress_log_odds(
            np.array(x[rows], order=order), raw[rows], linear=linear, linear_weight=0.3
        )
        return probabilities(blend, phase[rows], slope=1.2, intercept=-0.1, phase_prior=PRIOR)

    whole = score(slice(None))
    for rows in [slice(i, i + 1) for i in range(65)] + [slice(0, k) for k in (2, 3, 8, 17, 64)]:
        np.testing.assert_array_equal(score(rows), whole[rows])


def test_the_blend_is_the_weighted_mean_of_linear_and_boosters():
    x, raw, linear = np.ones((2, 3)), np.array([[1.0, 3.0], [-1.0, 0.0]]), line(3)
    expected = 0.25 * linear_log_odds(x, linear) + 0.75 * np.array([2.0, -0.5])
    np.testing.assert_allclose(
        stress_log_odds(x, raw, linear=linear, linear_weight=0.25), expected, rtol=1e-15
    )


@given(
    arrays(float, 6, elements=st.floats(-800, 800)),
    arrays(float, (6, 3), elements=st.floats(-700, 700)),
    st.floats(0, 5),
    st.floats(-50, 50),
)
@settings(deadline=None, max_examples=60)
def test_rows_are_probabilities_however_extreme_the_scores(log_odds, phase, slope, intercept):
    result = probabilities(log_odds, phase, slope=slope, intercept=intercept, phase_prior=PRIOR)
    assert ((result >= 0) & (result <= 1)).all()
    assert np.abs(result.sum(axis=1) - 1).max() <= 1e-12


def test_probabilities_follow_the_definition():
    given_odds, phase = np.array([0.7, -2.0]), np.array([[0.1, 0.5, -1.0], [2.0, 0.0, 0.0]])
    result = probabilities(given_odds, phase, slope=1.5, intercept=0.2, phase_prior=PRIOR)
    for row in range(2):
        stress = 1 / (1 + math.exp(-(1.5 * given_odds[row] + 0.2)))
        powers = [math.exp(score) for score in phase[row]]
        calm, fragile, recovery = ((1 - stress) * power / sum(powers) for power in powers)
        np.testing.assert_allclose(result[row], [calm, fragile, stress, recovery], rtol=1e-14)


def test_the_prior_shares_out_the_rest_where_there_is_no_phase_booster():
    result = probabilities(np.array([-1.0]), None, slope=1.0, intercept=0.0, phase_prior=PRIOR)
    np.testing.assert_allclose(result[0, [0, 1, 3]] / (1 - result[0, 2]), PRIOR, rtol=1e-14)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": ("a", "a")}, "features"),
        ({"features": ("a", "b")}, "1 coefficients for 2 features"),
        ({"linear_weight": 0.5}, "gives weight to a part that is missing"),
        ({"linear_weight": 1.5}, "must lie in"),
        ({"linear": None}, "both missing"),
        ({"slope": -1.0}, "slope"),
        ({"intercept": float("nan")}, "finite"),
        ({"phase_prior": (0.5, 0.5, 0.5)}, "sum to 1"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    good = {"features": ("a",), "linear": line(1), "linear_weight": 1.0, "phase_prior": PRIOR}
    with pytest.raises(InvalidDataError, match=message):
        ModelParts(**{**good, **change})


@pytest.mark.parametrize(
    "change", [{"scale": (0.0,)}, {"clip": (-1.0,)}, {"coef": (np.inf,)}, {"center": (0.0, 1.0)}]
)
def test_a_linear_part_that_cannot_score_is_refused(change):
    good = {"center": (0.0,), "scale": (1.0,), "clip": (3.0,), "coef": (1.0,), "intercept": 0.0}
    with pytest.raises(InvalidDataError, match="Linear"):
        Linear(**{**good, **change})
