"""Sharpe ratios and lengths of records against published numbers, and as laws over noise."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from regime.errors import InvalidDataError
from regime.evaluation.sharpe_tests import (
    SharpeSample,
    deflated_sharpe,
    exact_expected_maximum,
    expected_maximum,
    minimum_backtest,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_sample,
)
from regime.performance import sharpe_ratio

PUBLISHED = SharpeSample(
    sharpe=2.5 / math.sqrt(250), observations=1250, skew=-3, kurtosis=10, a_year=250
)


def series(values):
    return pd.Series(
        values, index=pd.bdate_range("2000-01-03", periods=len(values), name="date"), dtype=float
    )


def test_deflated_sharpe_of_the_paper():
    found = deflated_sharpe(PUBLISHED, trials=100, variance=0.5 / 250)
    assert found.probability == pytest.approx(0.90039683444939, abs=5e-15)
    assert found.hurdle == pytest.approx(0.113172, abs=5e-7)
    assert (found.trials, found.variance, found.sample) == (100, 0.002, PUBLISHED)


def test_hurdle_is_made_with_the_approximate_maximum_and_not_the_exact_one():
    found = deflated_sharpe(PUBLISHED, trials=100, variance=0.5 / 250)
    assert found.hurdle == math.sqrt(0.002) * expected_maximum(100)
    assert math.sqrt(0.002) * exact_expected_maximum(100) == pytest.approx(0.112143, abs=5e-7)


def test_probabilistic_sharpe_of_the_paper():
    sample = SharpeSample(
        sharpe=1.585 / math.sqrt(12), observations=24, skew=-2.448, kurtosis=10.164, a_year=12
    )
    assert probabilistic_sharpe(sample).probability == pytest.approx(0.91323430688486, abs=5e-15)


def test_expected_maximum_of_the_paper():
    assert expected_maximum(100) == pytest.approx(2.5306028932, abs=5e-11)
    assert expected_maximum(1) == 0.0


@pytest.mark.parametrize("trials", [1, 2, 3, 100, 5000, 10**6])
def test_exact_maximum_is_the_integral(trials):
    whole, _ = integrate.quad(
        lambda x: x * trials * stats.norm.pdf(x) * stats.norm.cdf(x) ** (trials - 1),
        -12,
        12,
        epsabs=1e-13,
        epsrel=1e-12,
        limit=500,
        points=[0.0, exact_expected_maximum(trials)],
    )
    assert exact_expected_maximum(trials) == pytest.approx(whole, abs=1e-10)


def test_exact_maximum_of_few_is_known_in_closed_form():
    assert exact_expected_maximum(2) == pytest.approx(1 / math.sqrt(math.pi), abs=1e-12)
    assert exact_expected_maximum(3) == pytest.approx(1.5 / math.sqrt(math.pi), abs=1e-12)


def integrated_maximum(trials):
    """Expected largest of independent standard normals, by adaptive quadrature."""
    whole, _ = integrate.quad(
        lambda x: x * trials * stats.norm.pdf(x) * stats.norm.cdf(x) ** (trials - 1),
        -12,
        12,
        epsabs=1e-13,
        epsrel=1e-12,
        limit=500,
    )
    return whole


def excess(trials):
    """By what share the approximation lies above the exact maximum."""
    return expected_maximum(trials) / exact_expected_maximum(trials) - 1


# Quadrature, trial by trial: the excess rises to its largest at 6 trials and falls from there on.
LARGEST_EXCESS = expected_maximum(6) / integrated_maximum(6) - 1


def test_excess_is_largest_at_six_trials():
    assert abs(LARGEST_EXCESS - 0.02598979) < 5e-9
    by_trials = {
        trials: expected_maximum(trials) / integrated_maximum(trials) - 1 for trials in range(3, 40)
    }
    assert max(by_trials, key=by_trials.get) == 6
    falling = [by_trials[trials] for trials in range(6, 40)]
    assert (np.diff(falling) < 0).all() and (np.diff([by_trials[k] for k in range(3, 7)]) > 0).all()


@given(st.integers(3, 10**7))
def test_approximation_is_conservative_by_no_more_than_at_six_trials(trials):
    assert 0 < excess(trials) <= LARGEST_EXCESS + 1e-11
    if trials >= 6:
        assert excess(2 * trials) < excess(trials)
    assert expected_maximum(trials + 1) > expected_maximum(trials)


def test_a_sample_has_the_moments_of_its_excess():
    rng = np.random.default_rng(5)
    returns, cash = (series(rng.standard_t(5, 700) * size) for size in (0.01, 0.001))
    sample, excess = sharpe_sample(returns, cash), returns - cash
    assert sample.annual == pytest.approx(sharpe_ratio(returns, cash), rel=1e-12)
    assert sample.skew == pytest.approx(stats.skew(excess)) and sample.observations == 700
    assert sample.kurtosis == pytest.approx(stats.kurtosis(excess, fisher=False))


def test_error_is_that_of_normals_and_grows_with_fat_left_tails():
    normal = SharpeSample(sharpe=0.1, observations=101)
    assert normal.error == pytest.approx(math.sqrt((1 + 0.5 * 0.01) / 100))
    assert SharpeSample(sharpe=0.1, observations=101, skew=-2, kurtosis=12).error > normal.error


def test_more_trials_more_spread_or_shorter_records_deflate_more():
    def deflated(observations=2500, **given):
        sample = SharpeSample(sharpe=0.05, observations=observations)
        return deflated_sharpe(sample, **{"trials": 50, "variance": 1e-4} | given).probability

    assert deflated() > deflated(trials=500) and deflated() > deflated(variance=4e-4)
    assert deflated() > deflated(observations=1000)
    alone = deflated_sharpe(SharpeSample(sharpe=0.05, observations=2500), trials=1, variance=1e-4)
    assert alone.probability == probabilistic_sharpe(alone.sample).probability and alone.hurdle == 0


@pytest.mark.parametrize("trials", [20, 200])
def test_the_best_of_noise_is_seldom_above_the_level(trials):
    passed = 0
    for seed in range(40):
        draws = np.random.default_rng(seed).normal(0.0, 0.01, (1000, trials))
        ratios = draws.mean(axis=0) / draws.std(axis=0, ddof=1)
        best = sharpe_sample(series(draws[:, ratios.argmax()]))
        passed += (
            deflated_sharpe(best, trials=trials, variance=ratios.var(ddof=1)).probability > 0.95
        )
    assert passed <= 2


def test_a_true_trend_among_noise_stands():
    draws = np.random.default_rng(1).normal(0.0, 0.01, (2500, 50))
    draws[:, 7] += 0.0015
    ratios = draws.mean(axis=0) / draws.std(axis=0, ddof=1)
    found = deflated_sharpe(
        sharpe_sample(series(draws[:, 7])), trials=50, variance=ratios.var(ddof=1)
    )
    assert ratios.argmax() == 7 and found.probability > 0.99


def test_sentences():
    found = deflated_sharpe(PUBLISHED, trials=1500, variance=0.5 / 250)
    assert str(found) == (
        "The best of 1,500 trials would show a Sharpe ratio of 2.38 a year by chance; this one "
        "shows 2.50: deflated Sharpe ratio 0.584, chance is not excluded (0.95 would be needed)."
    )
    assert "chance is an unlikely explanation" in str(
        deflated_sharpe(PUBLISHED, trials=2, variance=1e-4)
    )
    assert "more than 99.9%" in str(probabilistic_sharpe(PUBLISHED))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SharpeSample(sharpe=0.1, observations=1), "needs 2 observations, got 1"),
        (lambda: SharpeSample(sharpe=math.nan, observations=9), "must be finite"),
        (lambda: SharpeSample(sharpe=0.1, observations=9, kurtosis=0.0), "not the excess over 3"),
        (
            lambda: SharpeSample(sharpe=0.1, observations=9, skew=-2.0, kurtosis=4.0),
            "below 1 \\+ skew",
        ),
        (lambda: expected_maximum(0), "trials 0 must be at least 1"),
        (lambda: exact_expected_maximum(-1), "trials -1 must be"),
        (lambda: deflated_sharpe(PUBLISHED, trials=5, variance=-1.0), "must be 0 or more, got -1"),
        (
            lambda: deflated_sharpe(PUBLISHED, trials=5, variance=math.nan),
            "must be 0 or more, got nan",
        ),
        (lambda: sharpe_sample(series([0.01] * 30)), "30 returns without spread"),
        (lambda: sharpe_sample(series([0.01])), "1 returns without spread"),
        (lambda: sharpe_sample(series([0.01, math.nan])), "a gap is not a zero"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(InvalidDataError, match=message):
        call()


YEARS = SharpeSample(sharpe=2 / math.sqrt(250), observations=1250, a_year=250)


def test_track_record_of_the_paper():
    assert minimum_track_record(YEARS, 1 / math.sqrt(250)).years == pytest.approx(
        2.7311878, abs=5e-8
    )


def test_backtest_of_the_paper():
    assert minimum_backtest(45).years == pytest.approx(4.9980870, abs=5e-8)
    assert minimum_backtest(45, target=2.0).years == pytest.approx(4.9980870 / 4, abs=5e-8)
    assert minimum_backtest(45).years == expected_maximum(45) ** 2
    assert minimum_backtest(1).years == 0


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_a_record_of_that_length_has_that_probability(level):
    given = SharpeSample(sharpe=0.06, observations=100, skew=-1.0, kurtosis=9.0)
    needed = minimum_track_record(given, 0.02, level)
    there = SharpeSample(
        sharpe=0.06, observations=round(needed.observations), skew=-1.0, kurtosis=9.0
    )
    assert probabilistic_sharpe(there, 0.02).probability == pytest.approx(level, abs=1e-3)


def test_a_ratio_that_is_not_above_the_benchmark_is_never_believed():
    needed = minimum_track_record(YEARS, YEARS.sharpe)
    assert needed.observations == needed.years == math.inf
    assert (
        str(needed) == "A Sharpe ratio of 2.00 a year is not above 2.00: no record is long enough."
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: minimum_track_record(YEARS, level=0.5), r"outside \(0.5, 1\)"),
        (lambda: minimum_track_record(YEARS, level=1.0), r"outside \(0.5, 1\)"),
        (lambda: minimum_backtest(10, target=0.0), "must be above 0"),
        (lambda: minimum_backtest(0), "trials 0 must be at least 1"),
    ],
)
def test_lengths_that_make_no_sense_are_refused(call, message):
    with pytest.raises(InvalidDataError, match=message):
        call()
