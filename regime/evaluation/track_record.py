"""How long a record or a backtest must be before its Sharpe ratio means anything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from regime.errors import InvalidDataError
from regime.evaluation.overfitting import SharpeSample, expected_maximum

__all__ = ["MinimumBacktest", "MinimumTrackRecord", "minimum_backtest", "minimum_track_record"]


@dataclass(frozen=True, kw_only=True)
class MinimumTrackRecord:
    """How long a record must be before its Sharpe ratio can be believed.

    Parameters
    ----------
    observations : float
        Needed, its + 1 included; infinite where the ratio is not above the benchmark.
    level : float
        Confidence asked for.
    sample : SharpeSample
        Of the record that there is.
    benchmark : float
        Per observation.

    Examples
    --------
    >>> print(minimum_track_record(SharpeSample(sharpe=0.04, observations=5000)))
    A Sharpe ratio of 0.63 a year needs 6.7 years to be above 0.00 with 95% confidence; there are
    19.8.
    """

    observations: float
    level: float
    sample: SharpeSample
    benchmark: float

    @property
    def years(self) -> float:
        """The same in years."""
        return self.observations / self.sample.a_year

    def __str__(self) -> str:
        bar = self.benchmark * math.sqrt(self.sample.a_year)
        ratio = f"A Sharpe ratio of {self.sample.annual:.2f} a year"
        if math.isinf(self.observations):
            return f"{ratio} is not above {bar:.2f}: no record is long enough."
        there = self.sample.observations / self.sample.a_year
        return (
            f"{ratio} needs {self.years:.1f} years to be above {bar:.2f} with {self.level:.0%} "
            "confidence; "
            f"there are {there:.1f}."
        )


@dataclass(frozen=True, kw_only=True)
class MinimumBacktest:
    """How long a backtest must be for so many trials to mean anything.

    Parameters
    ----------
    years : float
        Below it the best of the trials is expected to reach `target` without skill.
    trials : int
    target : float
        Sharpe ratio a year.

    Examples
    --------
    >>> print(minimum_backtest(45))
    On less than 5.0 years the best of 45 trials without skill is expected to show a Sharpe ratio of
    1 a year.
    """

    years: float
    trials: int
    target: float

    def __str__(self) -> str:
        return (
            f"On less than {self.years:.1f} years the best of {self.trials:,} trials without "
            "skill is expected to "
            f"show a Sharpe ratio of {self.target:g} a year."
        )


def minimum_track_record(
    sample: SharpeSample, benchmark: float = 0.0, level: float = 0.95
) -> MinimumTrackRecord:
    """Observations after which the sample's Sharpe ratio would be above a benchmark with confidence.

    Parameters
    ----------
    sample : SharpeSample
    benchmark : float
        Per observation.
    level : float
        In (0.5, 1).

    Notes
    -----
    **Source:** Bailey and Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier".
    """
    if not 0.5 < level < 1:
        raise InvalidDataError(f"level {level} lies outside (0.5, 1)")
    distance = sample.sharpe - benchmark
    needed = (
        1 + sample.estimate_variance * (NormalDist().inv_cdf(level) / distance) ** 2
        if distance > 0
        else math.inf
    )
    return MinimumTrackRecord(observations=needed, level=level, sample=sample, benchmark=benchmark)


def minimum_backtest(trials: int, target: float = 1.0) -> MinimumBacktest:
    """Years below which the best of so many trials without skill is expected to reach a Sharpe ratio.

    Parameters
    ----------
    trials : int
    target : float
        Sharpe ratio a year, above 0.

    Notes
    -----
    ``(expected_maximum(trials) / target) ** 2``.
    **Source:** Bailey, Borwein, Lopez de Prado and Zhu (2014), "Pseudo-Mathematics and Financial
    Charlatanism".
    """
    if not target > 0:
        raise InvalidDataError(f"target {target} must be above 0")
    return MinimumBacktest(
        years=(expected_maximum(trials) / target) ** 2, trials=trials, target=target
    )
