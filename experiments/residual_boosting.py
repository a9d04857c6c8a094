"""Parked: trees that are boosted on the residuals of a baseline's forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.models.calibration_curves import fit_platt
from regime.models.classifier import DeleveragingClassifier
from regime.runtime.formula import Linear, ModelParts, linear_log_odds
from regime.schema import STRESS_CODE

__all__ = ["ResidualBoostingClassifier"]

# Weight in the mean that `ModelParts` takes of trees and logistic; a slope of 2 makes it their sum,
# to the last bit.
HALF = 0.5


@dataclass(kw_only=True, eq=False)
class ResidualBoostingClassifier(DeleveragingClassifier):
    """`DeleveragingClassifier` whose trees are boosted on a baseline instead of averaged with it.

    The baseline's logistic curve is fitted on the training rows and given to LightGBM as
    `init_score`; log-odds are the baseline's plus what the trees add. Its saved form is the usual
    one: the curve is a logistic of one column.

    Parameters
    ----------
    baseline : str
        Column of the raw score, which the model then reads besides its core. Empty: the model's own
        logistic over core and composites.
    linear_weight : float
        Always .5: baseline and trees both count in full.

    Raises
    ------
    ConfigError
        If any number is out of its range.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"rank": np.linspace(0, 1, 400), "vix": np.linspace(10, 50, 400)})
    >>> y = np.where(X["vix"] > 30, "deleveraging", "calm")
    >>> model = ResidualBoostingClassifier(core=("vix",), baseline="rank").fit(X, y)
    >>> model.columns, model.predict(X.iloc[[0, -1]]).tolist()
    (('vix', 'rank'), ['calm', 'deleveraging'])

    Notes
    -----
    A missing baseline counts as the mean of its training rows, and a score beyond `clip` deviations
    is bounded there; `calibrated` uses the median so far, and no bound.
    """

    baseline: str = "positioning_downside_rank"
    linear_weight: float = HALF

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.linear_weight != HALF:
            raise ConfigError(
                f"linear_weight: baseline and trees both count in full; leave it out, got "
                f"{self.linear_weight}"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Features that the model reads, core first; composites only if there is no baseline."""
        if not self.baseline:
            return super().columns
        return tuple(dict.fromkeys((*self.core, self.baseline)))

    def _fit_parts(self, matrix: Floats, weights: Floats) -> ModelParts:
        stress = weights[:, STRESS_CODE]
        fit_line = self._fit_baseline if self.baseline else self._fit_linear
        line = fit_line(matrix, stress)
        boosters = self._fit_boosters(matrix, stress, base=linear_log_odds(matrix, line))
        phase, prior = self._fit_phase(matrix, weights)
        return ModelParts(
            features=self.columns,
            stress_boosters=boosters,
            linear=line,
            linear_weight=HALF,
            slope=1.0 / HALF,
            phase_booster=phase,
            phase_prior=prior,
        )

    def _fit_baseline(self, matrix: Floats, stress: Floats) -> Linear:
        """Logistic curve of the baseline, as a logistic over all columns with one coefficient."""
        position = self.columns.index(self.baseline)
        known = np.isfinite(matrix[:, position])
        # A baseline without a value so far can forecast only the rate of stress.
        curve = (
            fit_platt(matrix[known, position], stress[known])
            if known.any()
            else fit_platt(0.0 * stress, stress)
        )

        def at_position(value: float, others: float) -> tuple[float, ...]:
            return tuple(value if i == position else others for i in range(len(self.columns)))

        return Linear(
            center=at_position(curve.mean, 0.0),
            scale=at_position(curve.scale, 1.0),
            clip=(float(self.clip),) * len(self.columns),
            coef=at_position(curve.slope, 0.0),
            intercept=curve.intercept,
        )
