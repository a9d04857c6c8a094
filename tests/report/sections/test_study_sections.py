"""Sections of the studies' results, from results made by hand."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from regime.evaluation.forecast_tests import diebold_mariano, model_confidence_set, superior_ability
from regime.report.sections.study_sections import section_of
from regime.studies.significance.assessment import Significance
from regime.studies.significance.calibration import CalibrationAssessment
from regime.studies.significance.scoring import SkillGate
from regime.studies.significance.sensitivity import EffectiveSample, Sensitivity
from regime.studies.significance.skill_tests import SkillSignificance
from regime.studies.significance.trial_ledger import NO_LEDGER

SKILL = {"skill": 0.1, "low": -0.02, "high": 0.2}
PRECISION = {"average_precision": 0.5, "best_baseline_precision": 0.4}


@pytest.fixture(scope="module")
def skill():
    losses = pd.DataFrame(
        np.random.default_rng(1).uniform(0.1, 1.0, (300, 3)),
        columns=["model", "vix", "base_rate"],
    )
    rows = {name: {**SKILL, "p_equal": 0.2, "included": True} for name in ("vix", "base_rate")}
    return SkillSignificance(
        baselines=pd.DataFrame.from_dict(rows, orient="index"),
        best="vix",
        equal=diebold_mariano(losses["model"].to_numpy(), losses["vix"].to_numpy()),
        baseline_beaten=superior_ability(losses, "vix", draws=50),
        model_beaten=superior_ability(losses, "model", draws=50),
        confidence=model_confidence_set(losses, draws=50),
    )


@pytest.fixture(scope="module")
def significance(skill):
    gate = SkillGate(required=False, passed=False, baseline="base_rate", text="x over base_rate")
    return Significance(gate=gate, skill=skill, rule=None, ledger=NO_LEDGER)


@pytest.fixture(scope="module")
def sensitivity():
    day = pd.Timestamp("2020-03-02")
    crisis = {"start": day, "end": day, "sessions": 30, "share": np.nan, **SKILL}
    period = {
        "sessions": 300,
        "spells": 1,
        **SKILL,
        **PRECISION,
        "sharpe": np.nan,
        "sharpe_vol_target_12": 0.3,
    }
    definition = {"base_rate": 0.2, "against": "vix", **SKILL, **PRECISION}
    return Sensitivity(
        against="vix",
        skill=0.1,
        sample=EffectiveSample(spells=2, events=1.8, sessions=300, independent=20.0),
        crises=pd.DataFrame([crisis]),
        periods=pd.DataFrame([period, period], index=["2010 to 2019", "2020 to 2024"]),
        definitions=pd.DataFrame([definition], index=["falls of 2 volatilities, S&P 500 70%"]),
    )


def assert_well_formed(section):
    for table in section.tables:
        for row in table.rows:
            assert len(row.cells) == max(len(table.header) - 1, 1)
            assert not any("nan" in cell for cell in row.cells)


def test_significance_has_a_row_and_a_whisker_for_every_baseline(significance):
    section = section_of(significance)
    assert section.key == "significance" and "`" not in section.sentence
    assert "Base rate" in section.sentence and "base_rate" not in section.sentence
    (table,) = section.tables
    assert [row.badge != "" for row in table.rows] == [True, False]
    columns = section.figure.columns
    assert columns["skill"].tolist() == [0.1, 0.1]
    np.testing.assert_allclose(columns["skill"] - columns["below"], -0.02)
    np.testing.assert_allclose(columns["skill"] + columns["above"], 0.2)
    assert_well_formed(section)


def test_what_was_not_tested_has_neither_figure_nor_table(significance):
    section = section_of(replace(significance, skill=None))
    assert section.figure is None and section.tables == ()


def test_sensitivity_has_a_table_of_crises_periods_and_definitions(sensitivity):
    section = section_of(sensitivity)
    assert section.key == "sensitivity" and "`" not in section.sentence
    assert [len(table.rows) for table in section.tables] == [1, 2, 1]
    assert all("−2.0% to 20.0%" in row.cells for table in section.tables for row in table.rows)
    assert_well_formed(section)


def test_empty_tables_are_left_out(sensitivity):
    empty = pd.DataFrame()
    section = section_of(
        replace(sensitivity, sample=None, crises=empty, periods=empty, definitions=empty)
    )
    assert section.tables == ()
    unknown = CalibrationAssessment(
        methods=empty, regimes=empty, sets=empty, target=0.9, last_set=()
    )
    assert section_of(unknown).key == "calibration" and section_of(unknown).tables == ()


def test_a_result_without_a_section_is_refused():
    @dataclass
    class Other:
        pass

    with pytest.raises(TypeError, match="Other has no section"):
        section_of(Other())
