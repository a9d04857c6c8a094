"""Tests of the model's losses against those of every baseline, each against its own function."""

import numpy as np
import pandas as pd

from regime.evaluation.forecast_tests import diebold_mariano, model_confidence_set
from regime.evaluation.scores import log_losses, measure_skill
from regime.studies.significance.skill_tests import assess_skill


def test_every_figure_is_that_of_the_evaluation(make_run):
    run = make_run(2.0)
    result = assess_skill(run)
    truth, model, baselines = run.truth, run.probabilities["deleveraging"], run.baselines
    losses = pd.DataFrame(
        {
            name: log_losses(truth.stress.to_numpy(), forecast.to_numpy())
            for name, forecast in {"model": model, **baselines}.items()
        }
    )
    seed = run.settings.seed
    assert result.best == run.scores.skill.against
    assert result.equal == diebold_mariano(
        losses["model"].to_numpy(), losses[result.best].to_numpy(), horizon=63
    )
    assert result.confidence == model_confidence_set(
        losses[["model", *run.scores.baselines]], seed=seed
    )
    for name in baselines:
        alone = measure_skill(truth, model, baselines[name], against=name, seed=seed)
        row = result.baselines.loc[name, ["skill", "low", "high"]]
        assert (row == [alone.skill, *alone.interval]).all()
    assert result.baselines["skill"].is_monotonic_increasing


def test_a_strong_model_is_the_best_alone(make_run):
    result = assess_skill(make_run(3.0))
    assert result.confidence.included == ("model",)
    assert list(result.caveats()) == []
    assert result.equal.p_value < 0.05
    assert result.baseline_beaten.best == "model"
    assert result.baseline_beaten.p_value < 0.05
    assert result.model_beaten.p_value > 0.5


def test_a_model_without_information_may_not_be_the_best(make_run):
    result = assess_skill(make_run(0.0))
    assert result.baselines["low"].min() < 0
    assert result.model_beaten.p_value < 0.5
    others = [name for name in result.confidence.included if name != "model"]
    caveats = list(result.caveats())
    assert others and any(all(f"`{name}`" in line for name in others) for line in caveats)


def test_one_class_or_few_sessions_are_not_tested(make_run, planted_truth):
    calm = type(planted_truth)(stress=planted_truth.stress * 0.0, known_at=planted_truth.known_at)
    assert assess_skill(make_run(2.0, truth=calm)) is None
    few = type(planted_truth)(
        stress=planted_truth.stress[:200], known_at=planted_truth.known_at[:200]
    )
    run = make_run(2.0, truth=few, sessions=200)
    assert run.scores.skill is not None and assess_skill(run) is None


def test_the_summary_holds_plain_finite_figures(make_run):
    summary = assess_skill(make_run(2.0)).summary()
    assert set(summary["baselines"]) == {"weak", "base_rate"}
    figures = [summary[key] for key in ("p_equal", "p_baseline_beaten", "p_model_beaten")]
    assert np.isfinite(figures).all() and summary["best_baseline"] in summary["baselines"]
