"""How to call what learns from forecasts: recalibration and sets of regimes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from regime.models.recalibration import Method, Recalibration
from regime.schema import REGIMES, Labels
from regime.studies.leakage.builders import as_numbers
from regime.studies.leakage.inputs import Learned, Rows
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import Subject
from tests.audit.registry.conventions import SHORT, folds_of, refits_of, stress_of
from tests.audit.registry.discovery import Found

__all__ = ["FORECAST_RECIPES"]

METHODS: tuple[Method, ...] = ("platt", "isotonic", "venn_abers")


def _learned_labels(part: Learned) -> Labels:
    """Four regimes out of stress or not, as far as it is known."""
    stress = part.truth.where(part.known_at.notna()).to_numpy()
    weights = np.column_stack([1.0 - stress, 0.0 * stress, stress, 0.0 * stress])
    known_at = part.known_at.where(part.truth.notna())
    return Labels(
        weights=pd.DataFrame(weights, part.sessions, list(REGIMES)),
        span_end=known_at,
        known_at=known_at,
    )


def _forecasts(subject: Subject) -> Learned:
    """Forecasts that follow the falls of the index, beside a truth that is known later."""
    rng, fall = (
        np.random.default_rng(7),
        1.0 - subject.close / subject.close.rolling(63, min_periods=1).max(),
    )
    stress = np.clip(5.0 * fall.to_numpy() + 0.2 * rng.standard_normal(len(fall)), 0.01, 0.97)
    table = pd.DataFrame({name: (1.0 - stress) / 3.0 for name in REGIMES}, subject.sessions).assign(
        deleveraging=stress
    )
    truth, known_at = stress_of(subject)
    return Learned(
        rows=Rows(frames={"probabilities": table}, shares=("probabilities",)),
        truth=truth,
        known_at=known_at,
        refitted=refits_of(subject),
    )


def _recalibrated(item: Found, subject: Subject) -> list[Builder]:
    """Each method on forecasts of blocks of a year, on what was known at each refit."""
    short = subject.last(SHORT)

    def of(method: Method) -> Builder:
        how = Recalibration(method=method, minimum_rows=50, minimum_stress=5.0)
        return Builder(
            name=f"{item.name}, {method}",
            place=item.place,
            given=_forecasts(short),
            build=lambda part, t: how(
                part.rows.frames["probabilities"],
                _learned_labels(part),
                folds_of(short, part.sessions),
            ),
        )

    return [of(method) for method in METHODS]


def _conformal(item: Found, subject: Subject) -> list[Builder]:
    """Sets of regimes for forecasts whose truth is known later."""
    sets = item.thing(coverage=0.8, rate=0.01)

    def build(part: Learned, t: int) -> pd.DataFrame:
        return as_numbers(
            sets(part.rows.frames["probabilities"], _learned_labels(part)).replace(
                [np.inf, -np.inf], [9.0, -9.0]
            )
        )

    return [
        Builder(
            name=item.name, place=item.place, given=_forecasts(subject.last(SHORT)), build=build
        )
    ]


FORECAST_RECIPES: Mapping[str, Callable[[Found, Subject], list[Builder]]] = {
    "models.conformal.AdaptiveConformal": _conformal,
    "models.recalibration.Recalibration": _recalibrated,
}
