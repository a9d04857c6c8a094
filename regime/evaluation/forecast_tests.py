"""Tests of equal predictive ability: of two forecasts, of several against a benchmark, among all.

Losses are per session, lower is better, every forecast on the same sessions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.evaluation.bootstrap import block_length

__all__ = [
    "ConfidenceSet",
    "DieboldMariano",
    "SuperiorAbility",
    "diebold_mariano",
    "model_confidence_set",
    "superior_ability",
]


@dataclass(frozen=True, kw_only=True)
class DieboldMariano:
    """Test of equal mean loss of two forecasts.

    Parameters
    ----------
    statistic : float
        As Diebold and Mariano; below 0 where the first forecast is better.
    corrected : float
        With the small-sample correction of Harvey, Leybourne and Newbold; `p_value` is its.
    p_value : float
        Two-sided, from Student's t.
    gain : float
        Mean loss of the second less that of the first.
    horizon : int
        Sessions over which errors may depend on each other; autocovariances below it are counted.
    observations : int
    kernel : str
        ``rectangular``, or ``bartlett`` where the rectangular estimate of the variance was not
        above 0.

    Examples
    --------
    >>> ours, theirs = np.array([0.1, 0.3, 0.2, 0.1]), np.array([0.4, 0.5, 0.7, 0.3])
    >>> print(diebold_mariano(ours, theirs))  # doctest: +NORMALIZE_WHITESPACE
    The first forecast's loss is lower by 0.3000 a session: p 0.024 of no difference
    (Diebold-Mariano, horizon 1, 4 sessions).
    """

    statistic: float
    corrected: float
    p_value: float
    gain: float
    horizon: int
    observations: int
    kernel: str

    def __str__(self) -> str:
        finding = "Equal losses"
        if self.gain:
            side = "lower" if self.gain > 0 else "higher"
            finding = f"The first forecast's loss is {side} by {abs(self.gain):.4f} a session"
        return (
            f"{finding}: p {self.p_value:.3f} of no difference (Diebold-Mariano, horizon "
            f"{self.horizon}, {self.observations:,} sessions)."
        )


@dataclass(frozen=True, kw_only=True)
class SuperiorAbility:
    """Test of whether any of several alternatives is better than a benchmark.

    Parameters
    ----------
    benchmark : str
    alternatives : tuple of str
    p_value : float
        Hansen's consistent one, of the hypothesis that no alternative is better.
    lower, upper : float
        Its bounds; the upper one is that of White's reality check.
    best : str
        Alternative of the largest gain over its standard error.
    gain : float
        Mean loss of the benchmark less that of `best`.
    block, draws : int

    Examples
    --------
    >>> losses = pd.DataFrame({"vix": [0.3, 0.2] * 50, "model": [0.1, 0.2] * 50})
    >>> print(superior_ability(losses, "vix"))
    Of 1 alternative `model` is significantly better than `vix` (SPA p 0.000).
    """

    benchmark: str
    alternatives: tuple[str, ...]
    p_value: float
    lower: float
    upper: float
    best: str
    gain: float
    block: int
    draws: int

    def __str__(self) -> str:
        number = len(self.alternatives)
        among = f"Of {number} alternative{'s' if number > 1 else ''}"
        if self.p_value < 0.05:
            finding = f"`{self.best}` is significantly better than `{self.benchmark}`"
        else:
            finding = f"none is significantly better than `{self.benchmark}`"
        return f"{among} {finding} (SPA p {self.p_value:.3f})."


@dataclass(frozen=True, kw_only=True)
class ConfidenceSet:
    """Model confidence set: forecasts that cannot be distinguished from the best.

    Parameters
    ----------
    included : tuple of str
        Holds the best forecast with probability `level`; in the order of their mean losses.
    p_values : mapping of str to float
        Of every forecast; in the set while above ``1 - level``.
    level : float
    block, draws : int

    Examples
    --------
    >>> losses = pd.DataFrame(
    ...     {"vix": [0.3, 0.2] * 50, "model": [0.1, 0.2] * 50, "base": [0.5, 0.1] * 50}
    ... )
    >>> print(model_confidence_set(losses))
    Of 3 forecasts the best, with 90% confidence, is `model`.
    """

    included: tuple[str, ...]
    p_values: Mapping[str, float]
    level: float
    block: int
    draws: int

    def __str__(self) -> str:
        names = ", ".join(f"`{name}`" for name in self.included)
        among = "is" if len(self.included) == 1 else "is among"
        return (
            f"Of {len(self.p_values)} forecasts the best, with {self.level:.0%} confidence, "
            f"{among} {names}."
        )


def diebold_mariano(ours: np.ndarray, theirs: np.ndarray, *, horizon: int = 1) -> DieboldMariano:
    """Test whether two forecasts have the same mean loss.

    Parameters
    ----------
    ours, theirs : ndarray, shape (n,)
        Losses of the same sessions.
    horizon : int
        How many sessions the forecasts look ahead, or the labels overlap; 1 for independent losses.

    Notes
    -----
    Autocovariances are divided by n. **Source:** Diebold and Mariano (1995), "Comparing predictive
    accuracy"; Harvey, Leybourne and Newbold (1997), "Testing the equality of prediction mean
    squared errors".
    """
    from scipy.special import stdtr

    if np.shape(ours) != np.shape(theirs):
        raise InvalidDataError(
            f"diebold_mariano: needs losses of the same sessions, got {len(ours)} and {len(theirs)}"
        )
    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    n = difference.size
    if difference.ndim != 1 or not np.isfinite(difference).all() or not 1 <= horizon < n:
        raise InvalidDataError(
            f"diebold_mariano: needs finite losses of more sessions than the horizon {horizon}, "
            f"got {n}"
        )
    variance, kernel = _long_run_variance(difference, horizon)
    mean = float(difference.mean())
    statistic = _studentised(mean, variance, n)
    corrected = statistic * math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    return DieboldMariano(
        statistic=statistic,
        corrected=corrected,
        p_value=float(2 * stdtr(n - 1, -abs(corrected))),
        gain=-mean,
        horizon=horizon,
        observations=n,
        kernel=kernel,
    )


def superior_ability(
    losses: pd.DataFrame,
    benchmark: str,
    *,
    draws: int = 1000,
    seed: int = 7,
    block: int | None = None,
) -> SuperiorAbility:
    """Test whether any alternative is better than a benchmark, the choice among them allowed for.

    Parameters
    ----------
    losses : DataFrame, shape (n_sessions, n_forecasts)
        A column a forecast; no NaN.
    benchmark : str
        Column that the others are compared with.
    draws, seed : int
        Of the stationary bootstrap.
    block : int, optional
        Mean sessions a block; by default `block_length` of the differences.

    Notes
    -----
    Differences are divided by their standard errors before `arch` compares them, because its test,
    though asked to, does not do so, and an alternative of volatile losses would dominate the
    others. An alternative with the benchmark's own losses adds nothing; where none has the lower
    mean loss the p-values are 1.

    **Source:** Hansen (2005), "A test for superior predictive ability".
    """
    from arch.bootstrap import SPA

    _check(losses, benchmark)
    gains = -losses.drop(columns=benchmark).sub(losses[benchmark], axis=0)
    values = gains.to_numpy(dtype=float)
    length = block_length(*values.T) if block is None else block
    scaled = values / _scale(values, length)
    best = int(scaled.mean(axis=0).argmax())
    differs = (values != 0).any(axis=0)
    p_values = dict.fromkeys(("lower", "consistent", "upper"), 1.0)
    # With no better alternative in the sample there is no evidence against the benchmark.
    if scaled[:, best].mean() > 0:
        test = SPA(
            np.zeros(len(values)), -scaled[:, differs], block_size=length, reps=draws, seed=seed
        )
        test.compute()
        p_values = {name: float(test.pvalues[name]) for name in p_values}
    return SuperiorAbility(
        benchmark=benchmark,
        alternatives=tuple(map(str, gains)),
        p_value=p_values["consistent"],
        lower=p_values["lower"],
        upper=p_values["upper"],
        best=str(gains.columns[best]),
        gain=float(values[:, best].mean()),
        block=length,
        draws=draws,
    )


def model_confidence_set(
    losses: pd.DataFrame,
    *,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 7,
    block: int | None = None,
) -> ConfidenceSet:
    """Forecasts among which the best one lies with the stated confidence.

    Parameters
    ----------
    losses : DataFrame, shape (n_sessions, n_forecasts)
        A column a forecast; no NaN.
    level : float
        In (0, 1).
    draws, seed : int
        Of the stationary bootstrap.
    block : int, optional
        Mean sessions a block; by default `block_length` of the losses less their mean over
        forecasts.

    Notes
    -----
    Forecasts of equal losses are in the set together or not at all.
    **Source:** Hansen, Lunde and Nason (2011), "The model confidence set".
    """
    from arch.bootstrap import MCS

    _check(losses)
    if not 0 < level < 1:
        raise InvalidDataError(f"model_confidence_set: level {level} must lie in (0, 1)")
    values = losses.to_numpy(dtype=float)
    length = (
        block_length(*(values - values.mean(axis=1, keepdims=True)).T) if block is None else block
    )
    twins = [int((values == column[:, None]).all(axis=0).argmax()) for column in values.T]
    firsts = sorted(set(twins))
    p_value_of = dict.fromkeys(firsts, 1.0)
    if len(firsts) > 1:
        test = MCS(values[:, firsts], size=1 - level, reps=draws, block_size=length, seed=seed)
        # A difference that never varies divides by a standard error of 0.
        with np.errstate(divide="ignore", invalid="ignore"):
            test.compute()
        p_value_of = {
            firsts[int(position)]: float(p) for position, p in test.pvalues["Pvalue"].items()
        }
    p_values = {str(name): p_value_of[twin] for name, twin in zip(losses, twins, strict=True)}
    ranked = losses.mean().sort_values(kind="stable").index
    return ConfidenceSet(
        included=tuple(str(name) for name in ranked if p_values[str(name)] > 1 - level),
        p_values=p_values,
        level=level,
        block=length,
        draws=draws,
    )


def _studentised(mean: float, variance: float, n: int) -> float:
    """Mean over its standard error; infinite where losses differ by a constant, 0 where equal."""
    if variance > 0:
        return mean / math.sqrt(variance / n)
    if mean:
        return math.copysign(math.inf, mean)
    return 0.0


def _long_run_variance(difference: np.ndarray, horizon: int) -> tuple[float, str]:
    """Of the mean, times n; of a constant exactly 0."""
    centred = (
        difference - difference.mean() if np.ptp(difference) > 0 else np.zeros_like(difference)
    )
    covariances = [
        float((centred[lag:] * centred[: centred.size - lag]).sum()) / centred.size
        for lag in range(horizon)
    ]
    rectangular = covariances[0] + 2 * sum(covariances[1:])
    if rectangular > 0 or not centred.any():
        return rectangular, "rectangular"
    return covariances[0] + 2 * sum(
        (1 - lag / horizon) * c for lag, c in enumerate(covariances) if lag
    ), "bartlett"


def _scale(values: np.ndarray, block: int) -> np.ndarray:
    """Root of each column's long-run variance under the stationary bootstrap.

    1 where nothing varies.
    """
    n = len(values)
    centred = values - values.mean(axis=0)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n, axis=0)) ** 2
    covariances = np.fft.irfft(spectrum, axis=0)[:n] / n
    lag, keep = np.arange(1, n), 1 - 1 / block
    weight = (1 - lag / n) * keep**lag + lag / n * keep ** (n - lag)
    variance = covariances[0] + 2 * (weight[:, None] * covariances[1:]).sum(axis=0)
    return np.where(
        (np.ptp(values, axis=0) > 0) & (variance > 0), np.sqrt(np.maximum(variance, 1e-300)), 1.0
    )


def _check(losses: pd.DataFrame, benchmark: str | None = None) -> None:
    if benchmark is not None and benchmark not in losses:
        raise InvalidDataError(
            f"losses have no column `{benchmark}`; they have {', '.join(map(str, losses))}"
        )
    if losses.shape[1] < 2 or len(losses) < 20:
        raise InvalidDataError(
            f"losses need 2 forecasts and 20 sessions, got {losses.shape[1]} and {len(losses)}"
        )
    bad = ~np.isfinite(losses.to_numpy(dtype=float))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InvalidDataError(
            f"{losses.columns[column]}: loss of {losses.index[row]} is not a finite number; "
            "compare all forecasts on the same sessions"
        )
