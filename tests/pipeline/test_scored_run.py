"""The object that a run hands to its studies: its forecasts on the tested sessions, its scores."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd

from regime.evaluation.scores import Skill
from regime.pipeline.scored_run import ScoredRun, Scores
from regime.pipeline.walk_forward import Forecast

DAYS = pd.bdate_range("2020-01-01", periods=10, name="date")


def scores(skill=None):
    return Scores(
        table=pd.DataFrame({"log_loss": [0.3, 0.4], "auc": [0.9, np.nan]}, index=["model", "vix"]),
        folds=None,
        skill=skill,
        events={"model": {"caught": 2}},
        spells=pd.DataFrame(),
    )


def test_forecasts_are_the_model_and_the_scored_baselines_on_the_tested_sessions():
    tested = DAYS[4:]
    model = pd.DataFrame({"deleveraging": np.linspace(0, 1, len(tested))}, index=tested)
    run = ScoredRun(
        settings=SimpleNamespace(),
        market_data=SimpleNamespace(),
        truth=SimpleNamespace(),
        forecast=Forecast(probabilities=model, folds=()),
        baselines=pd.DataFrame({"vix": np.arange(10) / 10, "unscored": np.nan}, index=DAYS),
        scores=scores(),
        strategy=SimpleNamespace(),
    )
    forecasts = run.stress_forecasts
    assert list(forecasts) == ["model", "vix"] and run.probabilities is model
    pd.testing.assert_series_equal(forecasts["model"], model["deleveraging"])
    assert forecasts["vix"].tolist() == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert forecasts["vix"].index.equals(tested)


def test_the_summary_is_strict_json_with_none_for_what_is_undefined():
    summary = json.loads(json.dumps(scores().summary(), allow_nan=False))
    assert summary["scores"]["baselines"] == {"vix": {"log_loss": 0.4, "auc": None}}
    assert summary["scores"]["model"] == {"log_loss": 0.3, "auc": 0.9}
    assert [summary["scores"][key] for key in ("best_baseline", "skill", "interval")] == [None] * 3
    assert summary["events"] == {"model": {"caught": 2}}


def test_a_skill_is_named_with_its_baseline_and_interval():
    summary = scores(Skill(against="vix", skill=0.25, interval=(0.1, 0.4))).summary()["scores"]
    assert (summary["best_baseline"], summary["skill"]) == ("vix", 0.25)
    assert summary["interval"] == [0.1, 0.4]
