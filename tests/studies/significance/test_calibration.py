"""Whether probabilities are calibrated: figures by hand, and probabilities of a known fault."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from regime.evaluation.truth import truth_from_labels
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.scored_run import ScoredRun
from regime.pipeline.settings import load_settings
from regime.pipeline.walk_forward import Forecast
from regime.report.sections.calibration import calibration_section
from regime.schema import REGIMES
from regime.studies.significance.calibration import assess_calibration


@pytest.fixture(scope="module")
def case():
    """A simulated market, and log-odds of a deleveraging that are true on average."""
    settings = load_settings(
        "demo.yaml",
        [
            "tracking=NullTracker",
            "source.SimulatedSource.years=24",
            "source.SimulatedSource.start=2001-01-02",
            "start=2001-01-02",
            "splits.first_test=2004-01-02",
        ],
    )
    market_data = read_market_data(settings, None, NoProgress())
    folds = tuple(settings.splits.folds(market_data.sessions))
    days = market_data.sessions[np.concatenate([fold.test for fold in folds])]
    truth = truth_from_labels(settings.truth(market_data.market))
    hit = truth.stress.reindex(days).fillna(0.0).to_numpy()
    # Normal signals of unit variance one and a half apart: log-odds are linear in them by Bayes'
    # rule.
    signal = np.random.default_rng(5).normal(1.5 * hit, 1.0)
    rate = hit.mean()
    return SimpleNamespace(
        settings=settings,
        market_data=market_data,
        folds=folds,
        days=days,
        truth=truth,
        log_odds=np.log(rate / (1 - rate)) + 1.5 * signal - 1.125,
    )


def probabilities_of(log_odds, days):
    stress = 1 / (1 + np.exp(-log_odds))
    return pd.DataFrame(
        {name: stress if name == "deleveraging" else (1 - stress) / 3 for name in REGIMES},
        index=days,
    )


def assessed(case, probabilities, folds=None):
    """Calibration of a run with these probabilities; it reads neither scores nor strategy."""
    run = ScoredRun(
        settings=case.settings,
        market_data=case.market_data,
        truth=case.truth,
        forecast=Forecast(
            probabilities=probabilities, folds=case.folds if folds is None else folds
        ),
        baselines=pd.DataFrame(),
        scores=None,
        strategy=None,
    )
    return assess_calibration(run)


@pytest.fixture(scope="module")
def calibrated(case):
    return assessed(case, probabilities_of(case.log_odds, case.days))


def test_true_probabilities_need_no_curve_and_the_figures_are_those_by_hand(case, calibrated):
    methods = calibrated.methods
    known = case.truth.stress.reindex(case.days).dropna()
    stress = probabilities_of(case.log_odds, case.days).loc[known.index, "deleveraging"]
    assert methods.loc["none", "brier"] == pytest.approx(np.mean((stress - known) ** 2))
    assert methods.loc["none", ["gain", "low", "high"]].tolist() == [0, 0, 0]
    assert methods.loc["none", "reliability"] < 0.002 and not (methods["low"] > 0).any()
    observed = case.truth.regime.reindex(case.days).dropna()
    assert calibrated.regimes["observed"].to_dict() == pytest.approx(
        {name: (observed == name).mean() for name in REGIMES}
    )
    assert calibrated.regimes["observed"].sum() == pytest.approx(1)
    assert calibrated.regimes["forecast"].sum() == pytest.approx(1)


def test_overconfidence_is_measured_and_every_curve_would_help(case, calibrated):
    methods = assessed(case, probabilities_of(3.0 * case.log_odds, case.days)).methods
    unchanged = methods.loc["none"]
    assert unchanged["reliability"] > 10 * calibrated.methods.loc["none", "reliability"]
    assert (methods.drop(index="none")["low"] > 0).all()
    assert methods.loc["platt", "log_loss"] < 0.8 * unchanged["log_loss"]


def test_sets_hold_the_true_regime_as_often_as_their_target(calibrated):
    assert calibrated.sets.loc["all", "covered"] == pytest.approx(calibrated.target, abs=0.04)
    assert calibrated.last_set and set(calibrated.last_set) <= set(REGIMES)


def test_the_page_and_the_summary_hold_its_tables(calibrated):
    section = calibration_section(calibrated)
    summary = json.loads(json.dumps(calibrated.summary(), allow_nan=False))
    assert [len(table.rows) for table in section.tables] == [4, 4, len(calibrated.sets)]
    assert summary["methods"]["none"]["brier"] == calibrated.methods.loc["none", "brier"]
    assert summary["sets"]["all"]["covered"] == calibrated.sets.loc["all", "covered"]
    assert summary["sets"]["target"] == calibrated.target
    assert all(sentence in section.sentence for sentence in summary["sentences"])


def test_without_a_known_regime_all_tables_are_empty(case):
    late = probabilities_of(case.log_odds, case.days).iloc[-3:]
    result = assessed(case, late, folds=())
    assert result.sets.empty and len(result.sentences()) == 1
    assert result.summary()["methods"] == {}
    assert calibration_section(result).tables == ()
