"""Custom builders of what is fitted on forecasts: recalibration and prediction sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from regime.models.recalibration import Method, Recalibration
from regime.schema import REGIMES, Labels
from regime.studies.leakage.builders import numeric_table, synthetic_forecast
from regime.studies.leakage.inputs import CalibratorInput, FrameInput
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import AuditSubject
from tests.audit.registry.auto_detected import REFIT_SESSIONS, folds_of, refits_of, stress_of
from tests.audit.registry.discovery import PublicObject

__all__ = ["FORECAST_BUILDERS"]

METHODS: tuple[Method, ...] = ("platt", "isotonic", "venn_abers")


def _known_labels(part: CalibratorInput) -> Labels:
    """Labels of four regimes from a truth of stress or not, as far as it is known."""
    stress = part.truth.where(part.known_at.notna()).to_numpy()
    weights = np.column_stack([1.0 - stress, 0.0 * stress, stress, 0.0 * stress])
    known_at = part.known_at.where(part.truth.notna())
    return Labels(
        weights=pd.DataFrame(weights, part.sessions, list(REGIMES)),
        span_end=known_at,
        known_at=known_at,
    )


def _forecasts(subject: AuditSubject) -> CalibratorInput:
    """Synthetic forecasts with a truth that is known later."""
    truth, known_at = stress_of(subject)
    return CalibratorInput(
        rows=FrameInput(
            frames={"probabilities": synthetic_forecast(subject)},
            probability_frames=("probabilities",),
        ),
        truth=truth,
        known_at=known_at,
        refit_positions=refits_of(subject),
    )


def _recalibrated(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """Each method on forecasts of blocks of a year, on what was known at each refit."""
    short = subject.last(REFIT_SESSIONS)

    def of(method: Method) -> Builder:
        how = Recalibration(method=method, minimum_rows=50, minimum_stress=5.0)
        return Builder(
            name=f"{item.name}, {method}",
            location=item.location,
            inputs=_forecasts(short),
            build=lambda part, t: how(
                part.rows.frames["probabilities"],
                _known_labels(part),
                folds_of(short, part.sessions),
            ),
        )

    return [of(method) for method in METHODS]


def _conformal(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """Prediction sets for forecasts whose truth is known later."""
    sets = item.target(coverage=0.8, rate=0.01)

    def build(part: CalibratorInput, t: int) -> pd.DataFrame:
        return numeric_table(
            sets(part.rows.frames["probabilities"], _known_labels(part)).replace(
                [np.inf, -np.inf], [9.0, -9.0]
            )
        )

    return [
        Builder(
            name=item.name,
            location=item.location,
            inputs=_forecasts(subject.last(REFIT_SESSIONS)),
            build=build,
        )
    ]


FORECAST_BUILDERS: Mapping[str, Callable[[PublicObject, AuditSubject], list[Builder]]] = {
    "models.conformal.AdaptiveConformal": _conformal,
    "models.recalibration.Recalibration": _recalibrated,
}
