"""Calibration of a run's probabilities, and whether recalibrating them would help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.artifacts import to_json_value
from regime.evaluation.bootstrap import bootstrap_interval
from regime.evaluation.calibration import binned_brier_parts, coverage_table
from regime.evaluation.scores import log_losses, scored_rows
from regime.evaluation.truth import Truth, truth_from_labels
from regime.models.conformal import AdaptiveConformal
from regime.models.recalibration import Method, Recalibration
from regime.pipeline.scored_run import ScoredRun
from regime.schema import QUARTER, REGIMES, STRESS, Labels

__all__ = ["METHOD_NAMES", "CalibrationAssessment", "assess_calibration"]

METHODS: tuple[Method, ...] = ("none", "platt", "isotonic", "venn_abers")
METHOD_NAMES = {
    "none": "As they are",
    "platt": "Platt",
    "isotonic": "Isotonic",
    "venn_abers": "Venn-Abers",
}
BLOCK = QUARTER  # sessions, of the bootstrap of the gain
DRAWS = 500
SETS = AdaptiveConformal()
LOW_COVERAGE = 0.7  # a regime that its sets hold less often than this is named


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationAssessment:
    """Calibration of out-of-sample probabilities against the config's own definition of a fall.

    Parameters
    ----------
    methods : DataFrame, index ``none``, ``platt``, ``isotonic``, ``venn_abers``
        ``log_loss``, ``brier``, ``reliability``, ``resolution`` of P(deleveraging), and ``gain``,
        ``low``, ``high``: by how much the log loss falls against none, in thousandths of a nat,
        with its 90 % interval. Each is fitted at each refit on the forecasts of earlier blocks
        whose labels were known by then.
    regimes : DataFrame, index `REGIMES`
        ``forecast`` (mean), ``observed`` (share), ``brier``, ``reliability``, ``resolution``: one
        regime against the rest.
    sets : DataFrame
        As of `evaluation.coverage.coverage_table`, of adaptive conformal sets.
    target : float
        Coverage that the sets are steered to.
    last_set : tuple of str
        Regimes in the set of the last session.

    Examples
    --------
    >>> empty = pd.DataFrame()
    >>> print(
    ...     *CalibrationAssessment(
    ...         methods=empty, regimes=empty, sets=empty, target=0.9, last_set=()
    ...     ).sentences()
    ... )
    No session of the run has a known regime yet, so its calibration cannot be assessed.
    """

    methods: pd.DataFrame
    regimes: pd.DataFrame
    sets: pd.DataFrame
    target: float
    last_set: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """The object ``calibration`` of summary.json."""
        return {
            "methods": _rows(self.methods),
            "regimes": _rows(self.regimes),
            "sets": {
                "target": self.target,
                "last_session": list(self.last_set),
                **_rows(self.sets),
            },
            "sentences": list(self.sentences()),
        }

    def sentences(self) -> tuple[str, ...]:
        """The assessment in plain words."""
        if self.sets.empty:
            return (
                "No session of the run has a known regime yet, so its calibration cannot be "
                "assessed.",
            )
        return (self._probability_sentence(), self._set_sentence())

    def _probability_sentence(self) -> str:
        unchanged = self.methods.loc["none"]
        recalibrated = self.methods.drop(index="none")
        better = recalibrated[recalibrated["low"] > 0]
        stress = self.regimes.loc[STRESS]
        level = (
            f"Its mean probability of a deleveraging is {stress['forecast']:.1%}, and one was "
            f"under way on {stress['observed']:.1%} of sessions; the mean squared error of "
            f"calibration is {unchanged['reliability']:.4f}."
        )
        if better.empty:
            return f"{level} None of three recalibrations on earlier forecasts helps."
        best = better["gain"].idxmax()
        return (
            f"{level} {METHOD_NAMES[str(best)]} recalibration on earlier forecasts would help: by "
            f"{better.loc[best, 'gain']:.1f} thousandths of a nat a day."
        )

    def _set_sentence(self) -> str:
        overall = self.sets.loc["all"]
        low = self.sets[self.sets.index.isin(REGIMES) & (self.sets["covered"] < LOW_COVERAGE)]
        missed = ", ".join(f"{name} ({row['covered']:.0%} held)" for name, row in low.iterrows())
        return (
            f"A set of regimes meant to hold the true one {self.target:.0%} of the time held it "
            f"{overall['covered']:.1%} of the time with {overall['regimes']:.1f} regimes on "
            f"average{f'; it misses much of {missed}' if missed else ''}. "
            f"The last session's set: {' or '.join(self.last_set) or 'none'}."
        )


def assess_calibration(run: ScoredRun) -> CalibrationAssessment:
    """Compare a run's probabilities with three recalibrations, by regime, and as sets.

    Parameters
    ----------
    run : ScoredRun
        The `truth` of its settings labels what they are fitted on and compared with.

    Returns
    -------
    CalibrationAssessment
        Tables are empty where no session has a known regime.
    """
    probabilities = run.probabilities
    labels = run.settings.truth(run.market_data.market)
    truth = truth_from_labels(labels)
    sets = SETS(probabilities, labels)
    last_set = tuple(str(name) for name in REGIMES if sets[name].iloc[-1])
    stress = truth.stress.reindex(probabilities.index).dropna()
    if stress.empty:
        empty = pd.DataFrame()
        return CalibrationAssessment(
            methods=empty, regimes=empty, sets=empty, target=SETS.coverage, last_set=last_set
        )
    all_sessions = probabilities.reindex(labels.weights.index)
    forecasts = {
        method: Recalibration(method=method)(all_sessions, labels, run.forecast.folds).loc[
            probabilities.index
        ]
        for method in METHODS
    }
    return CalibrationAssessment(
        methods=_method_table(truth, forecasts, run.settings.seed),
        regimes=_regime_table(labels, probabilities),
        sets=coverage_table(sets, truth),
        target=SETS.coverage,
        last_set=last_set,
    )


def _method_table(
    truth: Truth, forecasts: Mapping[Method, pd.DataFrame], seed: int
) -> pd.DataFrame:
    rows = {}
    unchanged: Floats | None = None
    for method, forecast in forecasts.items():
        stress, probability = scored_rows(truth, forecast, method)
        loss = log_losses(stress, probability)
        unchanged = loss if unchanged is None else unchanged
        gain = bootstrap_interval(
            np.mean, pd.Series(1000 * (unchanged - loss)), block=BLOCK, draws=DRAWS, seed=seed
        )
        rows[method] = {
            "log_loss": float(loss.mean()),
            **_brier(stress, probability),
            "gain": gain.estimate,
            "low": gain.low,
            "high": gain.high,
        }
    return pd.DataFrame(rows).T


def _regime_table(labels: Labels, probabilities: pd.DataFrame) -> pd.DataFrame:
    """One regime against the rest."""
    observed = labels.regime.reindex(probabilities.index)
    known = observed.notna().to_numpy()
    rows = {}
    for regime in REGIMES:
        hit = observed.eq(regime).to_numpy(dtype=float)[known]
        probability = probabilities[regime].to_numpy(dtype=float)[known]
        rows[str(regime)] = {
            "forecast": float(probability.mean()),
            "observed": float(hit.mean()),
            **_brier(hit, probability),
        }
    return pd.DataFrame(rows).T


def _brier(hit: Floats, probability: Floats) -> dict[str, float]:
    parts = binned_brier_parts(hit, probability)
    return {
        "brier": float(np.mean((probability - hit) ** 2)),
        "reliability": parts.reliability,
        "resolution": parts.resolution,
    }


def _rows(table: pd.DataFrame) -> dict[str, Any]:
    rows = table.astype(float).to_dict("index")
    return cast(dict[str, Any], to_json_value(rows, "calibration", infinite_as_null=True))
