"""Scores and the gate on skill: chance is refused, a real signal passes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.evaluation.scores import Skill
from regime.evaluation.truth import Truth
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.scored_run import Scores
from regime.pipeline.settings import load_settings
from regime.pipeline.walk_forward import walk_forward
from regime.schema import REGIMES, Labels
from regime.studies.significance.scoring import (
    apply_gate,
    fit_baselines,
    score_forecasts,
    truth_of,
)

QUIET = NoProgress()
OVERRIDES = [
    "source.SimulatedSource.years=11",
    "splits.first_test=2012-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
    "parallel.jobs=1",
    "tracking=NullTracker",
]


@pytest.fixture(scope="module")
def quick():
    """Settings of a small run, its market data, its features and its truth."""
    settings = load_settings("demo.yaml", OVERRIDES)
    market_data = read_market_data(settings, None, QUIET)
    features = settings.features(market_data.panel)
    return settings, market_data, features, truth_of(settings, market_data, None)


@dataclass(frozen=True)
class Shuffled:
    """Real labels, each known row with the weights of another."""

    inner: Any
    seed: int

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        labels = self.inner(market, as_of)
        rows = np.flatnonzero(labels.known_at.notna())
        weights = labels.weights.copy()
        weights.iloc[rows] = weights.iloc[
            np.random.default_rng(self.seed).permutation(rows)
        ].to_numpy()
        return Labels(weights=weights, span_end=labels.span_end, known_at=labels.known_at)


def gated(settings, market_data, features, truth, baseline_features=None):
    """The gate on the walk-forward of these settings and features, against all baselines."""
    forecast = walk_forward(settings, features, market_data.market, QUIET)
    baselines = fit_baselines(
        market_data,
        features if baseline_features is None else baseline_features,
        truth,
        forecast.folds,
        QUIET,
    )
    return apply_gate(settings, score_forecasts(settings, truth, forecast.probabilities, baselines))


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_labels_are_refused(quick, seed):
    settings, market_data, features, truth = quick
    shuffled = replace(settings, labels=Shuffled(settings.labels, seed))
    assert not gated(shuffled, market_data, features, truth).passed


@pytest.mark.parametrize("seed", [1, 2])
def test_pure_noise_is_refused(quick, seed):
    settings, market_data, features, truth = quick
    noise = pd.DataFrame(
        np.random.default_rng(seed).normal(size=features.shape),
        index=features.index,
        columns=features.columns,
    )
    # As slow as real features: chance patterns last as long as spells.
    slow = noise.ewm(halflife=21).mean()
    for random_features in (noise, slow):
        assert not gated(settings, market_data, random_features, truth).passed


def test_a_signal_passes(quick):
    settings, market_data, features, truth = quick
    tilt = truth.stress.fillna(0.0).to_numpy()
    noise = np.random.default_rng(3)
    informed = features.copy()
    for name in settings.model.core[:6]:
        informed[name] = tilt + noise.normal(0, 1.0, len(tilt))
    # Its baselines see the features as they are.
    gate = gated(
        replace(settings, skill_gate="required"),
        market_data,
        informed,
        truth,
        baseline_features=features,
    )
    assert gate.passed and not gate.closed


def scores_of(skill: float, low: float, high: float) -> Scores:
    return Scores(
        table=pd.DataFrame({"log_loss": [0.3, 0.4]}, index=["model", "vix"]),
        folds=None,
        skill=Skill(against="vix", skill=skill, interval=(low, high)),
        events={},
        spells=pd.DataFrame(),
    )


@pytest.mark.parametrize("mode", ["advisory", "required"])
@pytest.mark.parametrize(
    ("skill", "low", "passed"),
    [(0.2, 0.01, True), (0.2, 0.0, False), (0.2, -0.1, False), (-0.1, -0.2, False)],
)
def test_the_whole_interval_must_lie_above_zero(settings, mode, skill, low, passed):
    gate = apply_gate(replace(settings, skill_gate=mode), scores_of(skill, low, 0.3))
    assert gate.passed is passed and gate.baseline == "vix"
    assert gate.required is (mode == "required")
    assert gate.closed is (mode == "required" and not passed)
    assert f"{skill:.1%}" in gate.text and f"{low:.1%} to 30.0%" in gate.text
    assert gate.summary() == {
        "required": gate.required,
        "passed": passed,
        "baseline": "vix",
        "text": gate.text,
    }


def test_what_cannot_be_scored_does_not_pass(settings):
    unscored = replace(scores_of(0.1, 0.1, 0.2), skill=None)
    gate = apply_gate(replace(settings, skill_gate="required"), unscored)
    assert gate.closed and gate.baseline is None
    assert gate.error(Path("out")).exit_code == 6


def test_a_gate_of_another_kind_is_refused(settings):
    with pytest.raises(ConfigError, match=r"skill_gate: .*'advisory' or 'required', got `strict`"):
        load_settings("demo.yaml", ["skill_gate=strict"])
    with pytest.raises(ConfigError, match="skill_gate: must be advisory or required"):
        replace(settings, skill_gate="strict")


def test_a_forecast_of_stress_alone_is_scored_by_a_truth_of_all_regimes(
    settings, planted_truth, make_run
):
    run = make_run(2.0)
    regime = pd.Series(
        pd.Categorical(
            np.where(planted_truth.stress == 1, "deleveraging", "calm"),
            categories=list(REGIMES),
            ordered=True,
        ),
        index=planted_truth.stress.index,
    )
    with_regimes = replace(planted_truth, regime=regime)
    table = score_forecasts(settings, with_regimes, run.probabilities, run.baselines).table
    pd.testing.assert_frame_equal(table, run.scores.table)
    assert np.isnan(table.loc["model", "multi_log_loss"])


def test_a_baseline_without_a_forecast_in_some_block_is_not_scored(
    settings, planted_truth, make_run
):
    run = make_run(2.0)
    late = run.baselines.assign(late=run.baselines["weak"].where(np.arange(1500) >= 100))
    scores = score_forecasts(settings, planted_truth, run.probabilities, late)
    assert scores.baselines == run.scores.baselines == ("weak", "base_rate")


def test_a_truth_that_is_nowhere_known_cannot_score(settings, make_run):
    run = make_run(2.0)
    never = pd.Series(pd.NaT, index=run.truth.known_at.index, dtype="datetime64[ns]")
    unknown = Truth(stress=run.truth.stress * np.nan, known_at=never)
    with pytest.raises(InvalidDataError, match="no session of the forecast has a known truth"):
        score_forecasts(settings, unknown, run.probabilities, run.baselines)
