"""Trees that learn only what a simple forecast leaves over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.models.calibration import fit_platt
from regime.models.classifier import DeleveragingClassifier
from regime.runtime.formula import Linear, ModelParts, linear_log_odds
from regime.schema import STRESS_CODE

__all__ = ["BoostedOnRival"]

# bit
HALF = 0.5


@dataclass(kw_only=True, eq=False)
class BoostedOnRival(DeleveragingClassifier):
    """`DeleveragingClassifier` whose trees start from the log-odds of a rival instead of being averaged with it.

    The rival's logistic curve is fitted on the training rows, and handed to LightGBM as
    `init_score`; log-odds are the rival's plus what the trees add. Its saved form is the usual one:
    the curve is a logistic of one column.

    Parameters
    ----------
    rival : str
        Column of the raw score, which the model then reads beside its core. Empty: the model's own
        logistic over core and composites.
    linear_weight : float
        Always .5: rival and trees are both taken whole.

    Raises
    ------
    ConfigError
        If any number is out of its range.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"rank": np.linspace(0, 1, 400), "vix": np.linspace(10, 50, 400)})
    >>> y = np.where(X["vix"] > 30, "deleveraging", "calm")
    >>> model = BoostedOnRival(core=("vix",), rival="rank").fit(X, y)
    >>> model.columns, model.predict(X.iloc[[0, -1]]).tolist()
    (('vix', 'rank'), ['calm', 'deleveraging'])

    Notes
    -----
    A hole in the rival counts as the mean of its training rows, and a score beyond `clip`
    deviations as that: where `calibrated` uses the median so far, and no bound.
    """

    rival: str = "positioning_downside_rank"
    linear_weight: float = HALF

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.linear_weight != HALF:
            raise ConfigError(
                f"linear_weight: rival and trees are both taken whole; leave it out, got "
                f"{self.linear_weight}"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Features that the model reads, core first, each once.

        Composites only if its own logistic is the rival.
        """
        return tuple(dict.fromkeys((*self.core, self.rival))) if self.rival else super().columns

    def _fit_parts(self, matrix: Floats, weights: Floats) -> ModelParts:
        stress = weights[:, STRESS_CODE]
        line = self._fit_rival(matrix, stress) if self.rival else self._fit_linear(matrix, stress)
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

    def _fit_rival(self, matrix: Floats, stress: Floats) -> Linear:
        """Logistic curve of the rival's column, as a logistic over all of them with one coefficient."""
        place, count = self.columns.index(self.rival), len(self.columns)
        known = np.isfinite(matrix[:, place])
        # A rival without a value so far can say no more than how often it happens.
        curve = (
            fit_platt(matrix[known, place], stress[known])
            if known.any()
            else fit_platt(0.0 * stress, stress)
        )
        return Linear(
            center=_one(count, place, curve.mean, 0.0),
            scale=_one(count, place, curve.scale, 1.0),
            clip=(float(self.clip),) * count,
            coef=_one(count, place, curve.slope, 0.0),
            intercept=curve.intercept,
        )


def _one(count: int, place: int, value: float, others: float) -> tuple[float, ...]:
    return tuple(value if position == place else others for position in range(count))
