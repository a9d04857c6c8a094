"""How much of a Sharpe ratio selection explains, and how long a record must be to mean anything.

Sharpe ratios here are per session (not a year), which is what the formulas take; sentences
annualise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.performance import annual_sharpe, excess_values
from regime.schema import YEAR

__all__ = [
    "DeflatedSharpe",
    "MinimumBacktest",
    "MinimumTrackRecord",
    "ProbabilisticSharpe",
    "SharpeSample",
    "deflated_sharpe",
    "exact_expected_maximum",
    "expected_maximum",
    "minimum_backtest",
    "minimum_track_record",
    "probabilistic_sharpe",
    "sharpe_sample",
]

EULER_GAMMA = 0.5772156649015329
CONVENTIONAL = 0.95
NORMAL = NormalDist()
# The variance of an estimate is above 0 unless the sample has two values only; rounding may take it
# below.
VARIANCE_FLOOR = 1e-12


@dataclass(frozen=True, kw_only=True)
class SharpeSample:
    """A Sharpe ratio and what its uncertainty depends on.

    Parameters
    ----------
    sharpe : float
        Per observation.
    observations : int
        At least 2.
    skew : float
        Third standardised moment.
    kurtosis : float
        Fourth standardised moment, 3 for a normal; at least ``1 + skew ** 2``, as for any sample.
    a_year : float
        Observations a year.

    Examples
    --------
    >>> sample = SharpeSample(sharpe=0.05, observations=1000)
    >>> round(sample.annual, 3), round(sample.error, 4)
    (0.794, 0.0317)
    """

    sharpe: float
    observations: int
    skew: float = 0.0
    kurtosis: float = 3.0
    a_year: float = YEAR

    def __post_init__(self) -> None:
        if self.observations < 2:
            raise InvalidDataError(f"a Sharpe ratio needs 2 observations, got {self.observations}")
        if not all(math.isfinite(value) for value in (self.sharpe, self.skew, self.kurtosis)):
            raise InvalidDataError(
                f"sharpe {self.sharpe}, skew {self.skew} and kurtosis {self.kurtosis} must be "
                "finite: a series without spread has none"
            )
        if self.kurtosis < 1 + self.skew**2 - 1e-6:
            raise InvalidDataError(
                f"kurtosis {self.kurtosis} is below 1 + skew ** 2 = {1 + self.skew**2:.6g}: it is "
                "the fourth standardised moment (3 for a normal), not the excess over 3"
            )

    @property
    def annual(self) -> float:
        """Sharpe ratio a year."""
        return self.sharpe * math.sqrt(self.a_year)

    @property
    def error(self) -> float:
        """Standard error of `sharpe`, skew and fat tails included."""
        return math.sqrt(self.estimate_variance / (self.observations - 1))

    @property
    def estimate_variance(self) -> float:
        """Of `sharpe` as an estimate, times the observations less one."""
        value = 1 - self.skew * self.sharpe + (self.kurtosis - 1) / 4 * self.sharpe**2
        return max(value, VARIANCE_FLOOR)


@dataclass(frozen=True, kw_only=True)
class ProbabilisticSharpe:
    """How surely a Sharpe ratio lies above a benchmark.

    Parameters
    ----------
    probability : float
        That the true ratio is above the benchmark.
    sample : SharpeSample
    benchmark : float
        Per observation.

    Examples
    --------
    >>> print(probabilistic_sharpe(SharpeSample(sharpe=0.04, observations=1000)))
    A Sharpe ratio of 0.63 a year over 1,000 observations is above 0.00 with probability 89.7%.
    """

    probability: float
    sample: SharpeSample
    benchmark: float

    def __str__(self) -> str:
        bar = self.benchmark * math.sqrt(self.sample.a_year)
        sure = f"{self.probability:.1%}" if self.probability <= 0.999 else "more than 99.9%"
        return (
            f"A Sharpe ratio of {self.sample.annual:.2f} a year over {self.sample.observations:,} "
            "observations is "
            f"above {bar:.2f} with probability {sure}."
        )


@dataclass(frozen=True, kw_only=True)
class DeflatedSharpe:
    """The probabilistic Sharpe ratio against what the best of many trials shows by chance.

    Parameters
    ----------
    probability : float
        The deflated Sharpe ratio.
    sample : SharpeSample
        Of the trial that was chosen.
    hurdle : float
        Expected best of the trials without skill, per observation (SR0).
    trials : int
        All that were tried, whether reported or not.
    variance : float
        Of the trials' Sharpe ratios per observation.

    Examples
    --------
    >>> sample = SharpeSample(sharpe=0.04, observations=5000)
    >>> print(deflated_sharpe(sample, trials=100, variance=1e-4))  # doctest: +NORMALIZE_WHITESPACE
    The best of 100 trials would show a Sharpe ratio of 0.40 a year by chance; this one shows 0.63:
    deflated Sharpe ratio 0.850, chance is not excluded (0.95 would be needed).
    """

    probability: float
    sample: SharpeSample
    hurdle: float
    trials: int
    variance: float

    def __str__(self) -> str:
        hurdle = self.hurdle * math.sqrt(self.sample.a_year)
        verdict = (
            f"chance is an unlikely explanation (above {CONVENTIONAL})"
            if self.probability > CONVENTIONAL
            else f"chance is not excluded ({CONVENTIONAL} would be needed)"
        )
        return (
            f"The best of {self.trials:,} trials would show a Sharpe ratio of {hurdle:.2f} a year "
            "by chance; this "
            f"one shows {self.sample.annual:.2f}: deflated Sharpe ratio {self.probability:.3f}, "
            f"{verdict}."
        )


def sharpe_sample(returns: pd.Series, cash: pd.Series | float = 0.0) -> SharpeSample:
    """Sharpe ratio of a daily series with its moments.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session

    Raises
    ------
    InvalidDataError
        If a value is missing or the excess has no spread.
    """
    excess = excess_values(returns, cash)
    sharpe = annual_sharpe(excess) / math.sqrt(YEAR)
    if math.isnan(sharpe):
        raise InvalidDataError(f"{excess.size} returns without spread have no Sharpe ratio")
    unit = (excess - excess.mean()) / excess.std()
    return SharpeSample(
        sharpe=sharpe,
        observations=excess.size,
        skew=float(np.mean(unit**3)),
        kurtosis=float(np.mean(unit**4)),
    )


def expected_maximum(trials: int) -> float:
    """Expected largest of independent standard normals, as the deflated Sharpe ratio takes it.

    Parameters
    ----------
    trials : int
        At least 1; of one normal it is 0.

    Returns
    -------
    float
        Above `exact_expected_maximum` from 3 trials on, which is conservative: by 2.599 % at most,
        at 6 trials, and ever less beyond (2.330 % at 10, 0.918 % at 100, 0.148 % at 100,000).

    Notes
    -----
    ``(1 - g) z(1 - 1 / N) + g z(1 - 1 / (e N))`` with Euler's g and the normal quantile z.
    **Source:** Bailey and Lopez de Prado (2014), "The Deflated Sharpe Ratio", from extreme-value
    theory.
    """
    _check_trials(trials)
    if trials == 1:
        return 0.0
    # Quantiles of the small tail: 1 - 1 / N would lose digits for many trials.
    return -(
        (1 - EULER_GAMMA) * NORMAL.inv_cdf(1 / trials)
        + EULER_GAMMA * NORMAL.inv_cdf(1 / (math.e * trials))
    )


def exact_expected_maximum(trials: int) -> float:
    """Expected largest of independent standard normals: its integral, good to about 12 digits.

    Parameters
    ----------
    trials : int
        At least 1.
    """
    _check_trials(trials)
    # On an integrand as smooth as this a finer grid changes nothing.
    grid = np.arange(-1200, 1201) / 100
    below = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in grid])
    log_below = np.where(grid < 0, np.log(below), np.log1p(-np.minimum(below[::-1], 0.5)))
    density = np.exp(-0.5 * grid**2 + (trials - 1) * log_below) / math.sqrt(2 * math.pi)
    return float(trials * np.sum(grid * density) / 100)


def probabilistic_sharpe(sample: SharpeSample, benchmark: float = 0.0) -> ProbabilisticSharpe:
    """Probability that the true Sharpe ratio is above a benchmark.

    Parameters
    ----------
    sample : SharpeSample
    benchmark : float
        Per observation.

    Notes
    -----
    **Source:** Bailey and Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier".
    """
    return ProbabilisticSharpe(
        probability=NORMAL.cdf((sample.sharpe - benchmark) / sample.error),
        sample=sample,
        benchmark=benchmark,
    )


def deflated_sharpe(sample: SharpeSample, *, trials: int, variance: float) -> DeflatedSharpe:
    """Probability that the chosen Sharpe ratio is above the best of so many trials by chance.

    Parameters
    ----------
    sample : SharpeSample
        Of the chosen trial.
    trials : int
        All that were tried.
    variance : float
        Of the trials' Sharpe ratios, per observation.

    Notes
    -----
    The hurdle is ``sqrt(variance) * expected_maximum(trials)``, around a mean of 0.
    **Source:** Bailey and Lopez de Prado (2014), "The Deflated Sharpe Ratio".
    """
    if not (math.isfinite(variance) and variance >= 0):
        raise InvalidDataError(
            f"the variance of the trials' Sharpe ratios must be 0 or more, got {variance}"
        )
    hurdle = math.sqrt(variance) * expected_maximum(trials)
    return DeflatedSharpe(
        probability=probabilistic_sharpe(sample, hurdle).probability,
        sample=sample,
        hurdle=hurdle,
        trials=trials,
        variance=variance,
    )


def _check_trials(trials: int) -> None:
    if trials < 1:
        raise InvalidDataError(f"trials {trials} must be at least 1")


@dataclass(frozen=True, kw_only=True)
class MinimumTrackRecord:
    """How long a record must be before its Sharpe ratio is significant.

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
    >>> sample = SharpeSample(sharpe=0.04, observations=5000)
    >>> print(minimum_track_record(sample))  # doctest: +NORMALIZE_WHITESPACE
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
    >>> print(minimum_backtest(45))  # doctest: +NORMALIZE_WHITESPACE
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
    """Observations after which the Sharpe ratio is above a benchmark with confidence.

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
    """Years below which the best of so many trials without skill should reach a Sharpe ratio.

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
