"""Limitations of a model, from the figures of a run made by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from regime.evaluation.scores import Skill
from regime.evaluation.truth import Truth
from regime.pipeline.scored_run import ScoredRun, Scores
from regime.pipeline.walk_forward import Forecast
from regime.report.sections.limitations import limitations

DAYS = pd.bdate_range("2015-01-01", periods=1000, name="date")
NO_STUDY = SimpleNamespace(caveats=lambda: ())


def run_with(*, caught=(True, True), precision=(0.6, 0.4), lead=0.002):
    stress = pd.Series((np.arange(1000) % 100 < 20).astype(float), index=DAYS)
    starts = DAYS[[100, 500]]
    noise = np.random.default_rng(4).normal(0, 0.005, 1000)
    returns = pd.Series(noise, index=DAYS)
    return ScoredRun(
        settings=SimpleNamespace(seed=7),
        market_data=None,
        truth=Truth(stress=stress, known_at=pd.Series(DAYS, index=DAYS)),
        forecast=Forecast(probabilities=pd.DataFrame({"deleveraging": 0.2 + 0 * stress}), folds=()),
        baselines=pd.DataFrame({"vix": 0.1 + 0.3 * stress}),
        scores=Scores(
            table=pd.DataFrame({"average_precision": precision}, index=["model", "vix"]),
            folds=None,
            skill=Skill(against="vix", skill=-0.1, interval=(-0.2, 0.0)),
            events={},
            spells=pd.DataFrame(
                {"start": starts, "end": starts + pd.Timedelta(days=28), "caught": caught}
            ),
        ),
        strategy=SimpleNamespace(
            result=SimpleNamespace(returns=returns + lead, cash_returns=0 * returns),
            benchmarks={"vol_target_12": SimpleNamespace(returns=returns)},
        ),
    )


def count(run, **studies):
    return len(limitations(run, **{"sensitivity": NO_STUDY, **studies}))


@pytest.fixture(scope="module")
def strong():
    """Two sentences hold of every model: that it is no forecast, and how many spells it has."""
    return run_with()


def test_each_weakness_adds_its_sentence(strong):
    assert count(strong) == 2
    assert count(run_with(caught=(True, False))) == 3
    assert count(run_with(precision=(0.4, 0.4))) == 3
    assert count(run_with(lead=-0.002)) == 3


def test_missed_spells_are_named(strong):
    sentences = limitations(run_with(caught=(False, True)), sensitivity=NO_STUDY)
    assert any(f"{DAYS[100]:%B %Y}" in sentence for sentence in sentences)


def test_caveats_of_the_studies_replace_the_halves_of_the_sample(strong):
    halves = [line for line in limitations(strong) if " alone its skill " in line]
    assert len(halves) == 2
    sensitivity = SimpleNamespace(caveats=lambda: ("one crisis",))
    significance = SimpleNamespace(caveats=lambda: ("many trials",))
    sentences = limitations(strong, significance=significance, sensitivity=sensitivity)
    assert {"one crisis", "many trials"} <= set(sentences)
    assert not set(halves) & set(sentences)
