"""Lengths of records and backtests against published numbers, and consistent with the probabilities."""

import math

import pytest

from regime.errors import InvalidDataError
from regime.evaluation.overfitting import SharpeSample, expected_maximum, probabilistic_sharpe
from regime.evaluation.track_record import minimum_backtest, minimum_track_record

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
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(InvalidDataError, match=message):
        call()
