"""From scores to probabilities: the one formula that training, scoring and the saved model share.

Every step works element by element or along one row, so that a row gives equal bits alone and among
thousands of others (a matrix product over rows does not).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from regime.arrays import Floats
from regime.errors import InvalidDataError

__all__ = [
    "REGIMES",
    "Linear",
    "ModelParts",
    "linear_log_odds",
    "linear_terms",
    "probabilities",
    "stress_log_odds",
]

REGIMES = ("calm", "fragile", "deleveraging", "recovery")


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A logistic on clipped standard scores.

    Parameters
    ----------
    center, scale, clip, coef : tuple of float, length n_features
        Location and scale in the feature's own unit (scale > 0), the bound on the standard score
        (> 0), and log-odds per standard score.
    intercept : float
        Log-odds where every standard score is 0.

    Raises
    ------
    InvalidDataError
        If lengths differ, a number is not finite, or a scale or clip is not positive.

    Examples
    --------
    >>> line = Linear(center=(10.0,), scale=(2.0,), clip=(3.0,), coef=(0.5,), intercept=-1.0)
    >>> linear_log_odds(np.array([[14.0], [99.0]]), line)
    array([0. , 0.5])
    """

    center: tuple[float, ...]
    scale: tuple[float, ...]
    clip: tuple[float, ...]
    coef: tuple[float, ...]
    intercept: float

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in ("center", "scale", "clip", "coef")}
        if len(set(lengths.values())) != 1:
            raise InvalidDataError(f"Linear: all tuples must have one length, got {lengths}")
        for field in fields(self):
            value = getattr(self, field.name)
            _need_finite(f"Linear.{field.name}", value if isinstance(value, tuple) else (value,))
        for name in ("scale", "clip"):
            if any(value <= 0 for value in getattr(self, name)):
                raise InvalidDataError(
                    f"Linear.{name}: must be positive, got {min(getattr(self, name))}"
                )


@dataclass(frozen=True, kw_only=True)
class ModelParts:
    """Everything that a fitted classifier needs to score a row.

    Parameters
    ----------
    features : tuple of str
        Column names in the order of `linear`; a booster names those of them that it reads.
    stress_boosters : tuple of str
        LightGBM text of binary boosters, deleveraging or not; their raw scores are averaged.
    linear : Linear or None
        The logistic blended with them.
    linear_weight : float
        Its share of the log-odds, in [0, 1]; 1 without boosters and 0 without `linear`.
    slope, intercept : float
        Calibration of the blended log-odds; slope >= 0.
    phase_booster : str or None
        LightGBM text of a booster over calm, fragile, recovery, conditional on no deleveraging.
    phase_prior : tuple of three floats
        Shares of calm, fragile, recovery where there is no `phase_booster`; sum to 1.

    Raises
    ------
    InvalidDataError
        If the parts do not fit together.

    Examples
    --------
    >>> line = Linear(center=(20.0,), scale=(8.0,), clip=(3.0,), coef=(1.0,), intercept=0.0)
    >>> prior = (0.6, 0.2, 0.2)
    >>> ModelParts(features=("vix",), linear=line, linear_weight=1.0, phase_prior=prior).slope
    1.0
    """

    features: tuple[str, ...]
    stress_boosters: tuple[str, ...] = ()
    linear: Linear | None = None
    linear_weight: float = 0.0
    slope: float = 1.0
    intercept: float = 0.0
    phase_booster: str | None = None
    phase_prior: tuple[float, float, float]

    def __post_init__(self) -> None:
        if not self.features or len(set(self.features)) != len(self.features):
            raise InvalidDataError("ModelParts.features: names must be unique and at least one")
        if self.linear is not None and len(self.linear.coef) != len(self.features):
            raise InvalidDataError(
                f"ModelParts.linear: {len(self.linear.coef)} coefficients "
                f"for {len(self.features)} features"
            )
        _check_weight(
            self.linear_weight, boosters=bool(self.stress_boosters), linear=self.linear is not None
        )
        _need_finite("ModelParts.slope", (self.slope,))
        _need_finite("ModelParts.intercept", (self.intercept,))
        if self.slope < 0:
            raise InvalidDataError(
                f"ModelParts.slope: must not reverse the ranking, got {self.slope}"
            )
        prior = self.phase_prior
        if len(prior) != 3 or not all(share >= 0 for share in prior) or abs(sum(prior) - 1) > 1e-9:
            raise InvalidDataError(
                f"ModelParts.phase_prior: three shares that sum to 1, got {prior}"
            )


def _check_weight(weight: float, *, boosters: bool, linear: bool) -> None:
    if not (boosters or linear):
        raise InvalidDataError("ModelParts: `stress_boosters` and `linear` are both missing")
    if not 0 <= weight <= 1:
        raise InvalidDataError(f"ModelParts.linear_weight: must lie in [0, 1], got {weight}")
    if (weight > 0 and not linear) or (weight < 1 and not boosters):
        raise InvalidDataError(
            f"ModelParts.linear_weight: {weight} gives weight to a part that is missing"
        )


def _need_finite(name: str, values: tuple[float, ...]) -> None:
    for value in values:
        if not math.isfinite(value):
            raise InvalidDataError(f"{name}: must be finite, got {value}")


def linear_log_odds(x: Floats, linear: Linear) -> Floats:
    """Log-odds of the logistic.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_features)
        Features in their own units. A NaN counts as its center: standard score 0.
    linear : Linear

    Returns
    -------
    ndarray, shape (n_rows,)
        Log-odds, never NaN.
    """
    # C order puts a row's terms side by side: numpy then sums each row by itself, in one fixed
    # order.
    terms = np.ascontiguousarray(linear_terms(x, linear))
    return np.asarray(linear.intercept + terms.sum(axis=1), dtype=np.float64)


def linear_terms(x: Floats, linear: Linear) -> Floats:
    """What each feature adds to the log-odds of the logistic, shape (n_rows, n_features).

    0 for a NaN.
    """
    bound = np.asarray(linear.clip)
    scores = np.clip((x - np.asarray(linear.center)) / np.asarray(linear.scale), -bound, bound)
    return np.asarray(
        np.where(np.isnan(scores), 0.0, scores) * np.asarray(linear.coef), dtype=np.float64
    )


def stress_log_odds(
    x: Floats, raw_scores: Floats, *, linear: Linear | None, linear_weight: float
) -> Floats:
    """Blended log-odds of deleveraging before calibration.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_features)
        Features; used only where `linear_weight` > 0.
    raw_scores : ndarray, shape (n_rows, n_boosters)
        Raw scores (log-odds) of the binary boosters, one a column; may have no column where
        `linear_weight` is 1.
    linear : Linear or None
    linear_weight : float
        Share of `linear` in [0, 1]; the rest goes to the mean over the columns of `raw_scores`.

    Returns
    -------
    ndarray, shape (n_rows,)
        Log-odds.

    Raises
    ------
    InvalidDataError
        If weight falls on a part that is missing.

    Examples
    --------
    >>> stress_log_odds(np.zeros((1, 1)), np.array([[1.0, 3.0]]), linear=None, linear_weight=0.0)
    array([2.])
    """
    _check_weight(linear_weight, boosters=raw_scores.shape[1] > 0, linear=linear is not None)
    blend = np.zeros(len(raw_scores))
    if linear_weight < 1:
        blend = blend + (1.0 - linear_weight) * np.ascontiguousarray(raw_scores).mean(axis=1)
    if linear is not None and linear_weight > 0:
        blend = blend + linear_weight * linear_log_odds(x, linear)
    return blend


def probabilities(
    log_odds: Floats,
    phase_scores: Floats | None,
    *,
    slope: float,
    intercept: float,
    phase_prior: tuple[float, float, float],
) -> Floats:
    """Probabilities of the four regimes.

    Parameters
    ----------
    log_odds : ndarray, shape (n_rows,)
        As from `stress_log_odds`.
    phase_scores : ndarray, shape (n_rows, 3), or None
        Raw scores of the phase booster over calm, fragile, recovery; their softmax shares out what
        deleveraging leaves. None: `phase_prior` does.
    slope, intercept : float
        P(deleveraging) = 1 / (1 + exp(-(slope * log_odds + intercept))).
    phase_prior : tuple of three floats

    Returns
    -------
    ndarray, shape (n_rows, 4)
        Columns in `REGIMES` order; rows sum to 1 within 1e-12.

    Examples
    --------
    >>> probabilities(np.zeros(1), None, slope=1.0, intercept=0.0, phase_prior=(0.5, 0.25, 0.25))
    array([[0.25 , 0.125, 0.5  , 0.125]])
    """
    calibrated = slope * np.ascontiguousarray(log_odds) + intercept
    stress, rest = _sigmoid(calibrated), _sigmoid(-calibrated)
    shares = (
        np.tile(np.asarray(phase_prior), (len(stress), 1))
        if phase_scores is None
        else _softmax(phase_scores)
    )
    calm = rest * shares[:, 0]
    fragile = rest * shares[:, 1]
    recovery = rest * shares[:, 2]
    return np.column_stack([calm, fragile, stress, recovery])


def _sigmoid(value: Floats) -> Floats:
    small = np.exp(-np.abs(value))  # never overflows
    return np.where(value >= 0, 1.0, small) / (1.0 + small)


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(np.ascontiguousarray(scores - scores.max(axis=1, keepdims=True)))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
