"""Whether a run's probabilities mean what they say, and whether calibrating them once more would help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.evaluation.bootstrap import bootstrap_interval
from regime.evaluation.calibration import binned_brier_parts, coverage_table
from regime.evaluation.scores import log_losses, scored_rows
from regime.evaluation.truth import Truth, truth_from_labels
from regime.models.conformal import AdaptiveConformal
from regime.models.recalibration import Method, Recalibration
from regime.schema import REGIMES, Labels
from regime.splits.walk_forward import Fold
from regime.workflows.data import World
from regime.workflows.settings import Settings

__all__ = ["WORDS", "CalibrationAccount", "calibration_account"]

WAYS: tuple[Method, ...] = ("none", "platt", "isotonic", "venn_abers")
WORDS = {
    "none": "As they are",
    "platt": "Platt",
    "isotonic": "Isotonic",
    "venn_abers": "Venn-Abers",
}
BLOCK, DRAWS = 63, 500
SETS = AdaptiveConformal()
THIN = 0.7  # a regime that is in the set less often than this must be named


@dataclass(frozen=True, kw_only=True)
class CalibrationAccount:
    """Calibration of out-of-sample probabilities against the config's own definition of a fall.

    Parameters
    ----------
    ways : DataFrame, index ``none``, ``platt``, ``isotonic``, ``venn_abers``
        ``log_loss``, ``brier``, ``reliability``, ``resolution`` of P(deleveraging), and ``gain``,
        ``low``, ``high``: by how much the log loss falls against none, in thousandths of a nat,
        with its 90 % interval. Each is fitted at each refit on the forecasts of earlier blocks
        whose labels were known by then.
    regimes : DataFrame, index `REGIMES`
        ``forecast`` (mean), ``observed`` (share), ``brier``, ``reliability``, ``resolution``: one
        regime against the rest.
    sets : DataFrame
        As of `evaluation.coverage.coverage_table`, of adaptive conformal sets.
    aim : float
        Coverage that the sets are steered to.
    today : tuple of str
        Regimes in the set of the last session.

    Examples
    --------
    >>> nothing = pd.DataFrame()
    >>> CalibrationAccount(ways=nothing, regimes=nothing, sets=nothing, aim=0.9, today=()).sentences()
    ('No session of the run has a known regime yet, so nothing can be said on calibration.',)
    """

    ways: pd.DataFrame
    regimes: pd.DataFrame
    sets: pd.DataFrame
    aim: float
    today: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """The object ``calibration`` of summary.json."""
        return {
            "ways": _records(self.ways),
            "regimes": _records(self.regimes),
            "sets": {"aim": self.aim, "today": list(self.today), **_records(self.sets)},
            "sentences": list(self.sentences()),
        }

    def sentences(self) -> tuple[str, ...]:
        """What it comes to, in plain words."""
        if self.sets.empty:
            return (
                "No session of the run has a known regime yet, so nothing can be said on "
                "calibration.",
            )
        return (self._of_ways(), self._of_sets())

    def _of_ways(self) -> str:
        own, others = self.ways.loc["none"], self.ways.drop(index="none")
        better = others[others["low"] > 0]
        stress = self.regimes.loc["deleveraging"]
        told = (
            f"It gave a deleveraging {stress['forecast']:.1%} on average, and one was under way on "
            f"{stress['observed']:.1%} of sessions; the mean squared error of calibration is "
            f"{own['reliability']:.4f}."
        )
        if better.empty:
            return f"{told} Calibrating once more on earlier forecasts does not help in any of three ways."
        best = better["gain"].idxmax()
        return (
            f"{told} {WORDS[str(best)]} calibration on earlier forecasts would help: by "
            f"{better.loc[best, 'gain']:.1f} thousandths of a nat a day."
        )

    def _of_sets(self) -> str:
        whole = self.sets.loc["all"]
        thin = self.sets[self.sets.index.isin(REGIMES) & (self.sets["covered"] < THIN)]
        but = (
            ""
            if thin.empty
            else "; it misses much of "
            + ", ".join(f"{name} ({row['covered']:.0%} held)" for name, row in thin.iterrows())
        )
        return (
            f"A set of regimes meant to hold the true one {self.aim:.0%} of the time held it "
            f"{whole['covered']:.1%} of the time with {whole['regimes']:.1f} regimes on "
            f"average{but}. "
            f"The last session's set: {' or '.join(self.today) or 'none'}."
        )


def calibration_account(
    settings: Settings,
    world: World,
    probabilities: pd.DataFrame,
    folds: Sequence[Fold],
) -> CalibrationAccount:
    """Hold a run's probabilities against three ways to calibrate them, by regime, and as sets.

    Parameters
    ----------
    settings : Settings
        Its `truth` labels what they are fitted on and held against.
    world : World
    probabilities : DataFrame, shape (n_test_sessions, 4)
        Out of sample.
    folds : sequence of Fold
        Those that made them.

    Returns
    -------
    CalibrationAccount
        Tables are empty where no session has a known regime.
    """
    labels = settings.truth(world.market)
    truth = truth_from_labels(labels)
    sets = SETS(probabilities, labels)
    today = tuple(name for name in REGIMES if sets[name].iloc[-1])
    stress = truth.stress.reindex(probabilities.index).dropna()
    if stress.empty:
        nothing = pd.DataFrame()
        return CalibrationAccount(
            ways=nothing, regimes=nothing, sets=nothing, aim=SETS.coverage, today=today
        )
    sessions = probabilities.reindex(labels.weights.index)
    forecasts = {
        way: Recalibration(method=way)(sessions, labels, folds).loc[probabilities.index]
        for way in WAYS
    }
    return CalibrationAccount(
        ways=_ways(truth, forecasts, settings.seed),
        regimes=_regimes(labels, probabilities),
        sets=coverage_table(sets, truth),
        aim=SETS.coverage,
        today=today,
    )


def _ways(truth: Truth, forecasts: Mapping[Method, pd.DataFrame], seed: int) -> pd.DataFrame:
    rows, base = {}, None
    for way, forecast in forecasts.items():
        stress, p = scored_rows(truth, forecast, way)
        loss = log_losses(stress, p)
        base = loss if base is None else base
        gain = bootstrap_interval(
            np.mean, pd.Series(1000 * (base - loss)), block=BLOCK, draws=DRAWS, seed=seed
        )
        rows[way] = {
            "log_loss": float(loss.mean()),
            **_brier(stress, p),
            "gain": gain.estimate,
            "low": gain.low,
            "high": gain.high,
        }
    return pd.DataFrame(rows).T


def _regimes(labels: Labels, probabilities: pd.DataFrame) -> pd.DataFrame:
    """One regime against the rest."""
    came = labels.regime.reindex(probabilities.index)
    known, rows = came.notna().to_numpy(), {}
    for regime in REGIMES:
        hit, p = (
            came.eq(regime).to_numpy(dtype=float)[known],
            probabilities[regime].to_numpy(dtype=float)[known],
        )
        rows[str(regime)] = {
            "forecast": float(p.mean()),
            "observed": float(hit.mean()),
            **_brier(hit, p),
        }
    return pd.DataFrame(rows).T


def _brier(hit: np.ndarray, p: np.ndarray) -> dict[str, float]:
    parts = binned_brier_parts(hit, p)
    return {
        "brier": float(np.mean((p - hit) ** 2)),
        "reliability": parts.reliability,
        "resolution": parts.resolution,
    }


def _records(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    return {
        str(name): {
            str(key): float(value) if np.isfinite(value) else None for key, value in row.items()
        }
        for name, row in table.iterrows()
    }
