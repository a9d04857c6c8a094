"""A study and a file of choices of version 1, written by `regime tune` before: read and resumed."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from regime.config import dump
from regime.pipeline.tuned_choices import load_tuned
from regime.studies.tuning.search_space import SearchSpace
from regime.studies.tuning.selection import choose_trial
from regime.studies.tuning.study import Study, StudyPlan
from regime.studies.tuning.trial import replay
from regime.workflows.tune import TuneSettings, study_name

GOLDEN = Path(__file__).parents[2] / "golden" / "v1"
SPACE = SearchSpace(
    depths=((2.0,), (1.5, 2.0)), baskets=((1.0,),), jump_share=0.0, leaves=(3, 5), rounds=(50, 50)
)


@pytest.fixture
def plan(tmp_path):
    shutil.copy(GOLDEN / "tuning.journal", tmp_path)
    name = yaml.safe_load((GOLDEN / "tuned.yaml").read_text(encoding="utf-8"))["blocks"][0]["study"]
    return StudyPlan(
        name=name, storage=f"journal://{tmp_path}/tuning.journal", locks=tmp_path / "l", folds=5
    )


def test_its_trials_are_read_and_lead_to_the_same_choice(plan, tiny):
    (block,) = load_tuned(GOLDEN / "tuned.yaml").blocks
    study = Study(plan)
    table = study.trials()
    assert table["state"].tolist() == ["complete"] * 4 and (table["seconds"] > 0).all()
    choice = choose_trial(table, lambda number: SPACE.simplicity(study.params(number)))
    assert (choice.best, choice.chosen) == (block.best["trial"], block.chosen["trial"])
    assert study.folds(choice.chosen) == block.chosen["folds"]
    assert study.params(choice.chosen) == block.chosen["params"]
    parameters = replay(lambda trial: SPACE(trial, tiny), study.params(choice.chosen))
    assert dump(parameters) == dump(block.parameters)


def test_it_resumes_with_the_trial_that_would_have_come_next(plan, tiny):
    def objective(trial):
        SPACE(trial, tiny)
        yield from (0.1, 0.2, 0.15, 0.05, 0.1)

    study = Study(plan)
    before = [study.params(number) for number in range(4)]
    study.run_trials(objective, 5)
    assert study.trials()["state"].tolist() == ["complete"] * 5
    assert [study.params(number) for number in range(4)] == before
    # The fifth of a study that was never stopped, by the seed of its number.
    fresh = Study(replace(plan, name="fresh"))
    fresh.enqueue_first(SPACE.start(tiny))
    fresh.run_trials(objective, 5)
    assert [fresh.params(number) for number in range(4)] == before
    assert fresh.params(4) == study.params(4)


def test_a_study_of_the_same_config_and_space_still_has_its_name(plan, sample):
    """But for the last code, which is of the data and their bits on one kind of machine."""
    name = study_name(sample, TuneSettings(space=SPACE))
    assert name.split("-")[:3] == plan.name.split("-")[:3]
