"""Whether probabilities mean what they say.

Figures by hand, and probabilities whose fault is known.
"""

import json

import numpy as np
import pandas as pd
import pytest

from regime.evaluation.truth import truth_from_labels
from regime.progress import NoProgress
from regime.schema import REGIMES
from regime.workflows.calibration import calibration_account
from regime.workflows.calibration_section import calibration_section
from regime.workflows.data import read_world
from regime.workflows.settings import load_settings


@pytest.fixture(scope="module")
def case():
    """A simulated world, and log-odds of a deleveraging that are true on average."""
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
    world = read_world(settings, None, NoProgress())
    folds = settings.splits.folds(world.sessions)
    days = world.sessions[np.concatenate([fold.test for fold in folds])]
    truth = truth_from_labels(settings.truth(world.market))
    hit = truth.stress.reindex(days).fillna(0.0).to_numpy()
    # Normal signals of unit variance one and a half apart: log-odds are linear in them by Bayes'
    # rule.
    signal = np.random.default_rng(5).normal(1.5 * hit, 1.0)
    rate = hit.mean()
    return settings, world, folds, days, truth, np.log(rate / (1 - rate)) + 1.5 * signal - 1.125


def told(odds, days):
    stress = 1 / (1 + np.exp(-odds))
    return pd.DataFrame(
        {name: stress if name == "deleveraging" else (1 - stress) / 3 for name in REGIMES},
        index=days,
    )


def test_true_probabilities_need_no_curve_and_the_figures_are_those_by_hand(case):
    settings, world, folds, days, truth, odds = case
    p = told(odds, days)
    found = calibration_account(settings, world, p, folds)
    known = truth.stress.reindex(days).dropna()
    own = p.loc[known.index, "deleveraging"].to_numpy()
    assert found.ways.loc["none", "brier"] == pytest.approx(np.mean((own - known) ** 2))
    assert found.ways.loc["none", ["gain", "low", "high"]].tolist() == [0, 0, 0]
    assert found.ways.loc["none", "reliability"] < 0.002 and not (found.ways["low"] > 0).any()
    assert "does not help in any of three ways" in found.sentences()[0]
    came = truth.regime.reindex(days).dropna()
    assert found.regimes["observed"].to_dict() == pytest.approx(
        {name: (came == name).mean() for name in REGIMES}
    )
    assert (
        found.regimes["observed"].sum()
        == pytest.approx(1)
        == pytest.approx(found.regimes["forecast"].sum())
    )


def test_sure_beyond_reason_is_seen_and_a_curve_would_help(case):
    settings, world, folds, days, _, odds = case
    found = calibration_account(settings, world, told(3.0 * odds, days), folds)
    plain = calibration_account(settings, world, told(odds, days), folds)
    assert found.ways.loc["none", "reliability"] > 10 * plain.ways.loc["none", "reliability"]
    assert (found.ways.drop(index="none")["low"] > 0).all() and "would help" in found.sentences()[0]
    assert found.ways.loc["platt", "log_loss"] < 0.8 * found.ways.loc["none", "log_loss"]


def test_sets_hold_the_true_regime_as_often_as_they_promise(case):
    settings, world, folds, days, _, odds = case
    found = calibration_account(settings, world, told(odds, days), folds)
    assert found.sets.loc["all", "covered"] == pytest.approx(found.aim, abs=0.04)
    assert found.today and set(found.today) <= set(REGIMES)


def test_the_page_and_the_json_tell_it(case):
    settings, world, folds, days, _, odds = case
    found = calibration_account(settings, world, told(odds, days), folds)
    section, content = (
        calibration_section(found),
        json.loads(json.dumps(found.summary(), allow_nan=False)),
    )
    assert [len(table.rows) for table in section.tables] == [4, 4, len(found.sets)]
    assert content["ways"]["none"]["brier"] == found.ways.loc["none", "brier"]
    assert content["sets"]["all"]["covered"] == found.sets.loc["all", "covered"]
    assert all(sentence in section.sentence for sentence in content["sentences"])


def test_without_a_known_regime_nothing_is_said(case):
    settings, world, _, days, _, odds = case
    late = told(odds, days).iloc[-3:]
    found = calibration_account(settings, world, late, [])
    assert found.sets.empty and "nothing can be said" in calibration_section(found).sentence
    assert found.summary()["ways"] == {}
