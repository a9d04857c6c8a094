"""A study that is shared, killed and resumed, on a toy objective with a known best."""

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from regime.errors import ConfigError
from regime.studies.tuning.study import (
    Study,
    StudyPlan,
    check_storage,
    journal_path,
    redacted_url,
)

TOTAL = 8


def toy(trial):
    """Two folds of a hill over two parameters; its top is at x = 2, y = 1."""
    x, y = trial.suggest_float("x", -5.0, 5.0), trial.suggest_float("y", 0.1, 10.0, log=True)
    yield 1.0 - 0.1 * (x - 2) ** 2
    yield 0.8 - 0.1 * (y - 1) ** 2


@pytest.fixture
def plan(tmp_path):
    return StudyPlan(
        name="toy",
        storage=f"journal://{tmp_path}/tuning.journal",
        locks=tmp_path / "locks",
        folds=2,
    )


def rows(study):
    table = study.trials()
    return [
        (state, value, tuple(study.params(number).values()))
        for number, state, value in zip(table.index, table["state"], table["value"], strict=True)
    ]


def test_a_study_has_as_many_trials_as_were_wanted_and_no_more(plan):
    study = Study(plan)
    reports = []
    study.run_trials(toy, TOTAL, lambda: reports.append(1))
    study.run_trials(toy, TOTAL)
    assert (study.finished, study.running, len(reports)) == (TOTAL, 0, TOTAL)
    assert {state for state, _, _ in rows(study)} == {"complete"}
    assert not list(plan.locks.glob("*.alive"))


def test_a_resumed_study_goes_on_as_if_it_had_not_stopped(plan, tmp_path):
    whole = Study(replace(plan, storage=f"journal://{tmp_path}/other.journal"))
    whole.run_trials(toy, TOTAL)
    for total in (3, TOTAL):
        study = Study(plan)
        study.run_trials(toy, total)
    assert rows(study) == rows(whole)
    assert len({params for _, _, params in rows(study)}) == TOTAL


def test_it_learns_after_its_random_beginning(plan):
    study = Study(replace(plan, startup=10, share=0.0))
    study.run_trials(toy, 40)
    values = study.trials()["value"]
    assert values[20:].mean() > values[:10].mean() and values.max() > 0.7


def test_another_seed_asks_other_questions(plan):
    first, second = (Study(replace(plan, name=f"toy-{seed}", seed=seed)) for seed in (7, 8))
    for study in (first, second):
        study.run_trials(toy, 4)
    assert not {params for _, _, params in rows(first)} & {params for _, _, params in rows(second)}


def test_enqueued_parameters_are_tried_first_and_once(plan):
    study = Study(plan)
    study.enqueue_first({"x": 2.0, "y": 1.0})
    study.enqueue_first({"x": 3.0, "y": 1.0})
    study.run_trials(toy, 3)
    study.enqueue_first({"x": 4.0, "y": 1.0})
    study.run_trials(toy, 4)
    assert study.params(0) == {"x": 2.0, "y": 1.0} and study.folds(0) == [1.0, 0.8]
    assert all(study.params(number)["x"] not in (3.0, 4.0) for number in range(1, 4))


def test_figures_of_the_table_follow_from_the_folds(plan):
    study = Study(plan)
    study.enqueue_first({"x": 2.0, "y": 1.0})
    study.run_trials(toy, 1)
    row = study.trials().loc[0]
    assert row["mean"] == pytest.approx(0.9) and row["deviation"] == pytest.approx(0.02**0.5)
    assert row["value"] == pytest.approx(0.9 - 0.5 * 0.02**0.5)
    assert row["standard_error"] == pytest.approx(0.1) and row["folds"] == 2


def test_hopeless_trials_are_pruned_and_count_as_finished(plan):
    def ladder(trial):
        trial.suggest_float("x", 0.0, 1.0)
        for _ in range(4):
            asked.append(trial.number)
            yield -10.0 if trial.number in (6, 8) else float(trial.number)

    asked = []
    study = Study(replace(plan, folds=4, startup=5))
    study.run_trials(ladder, 10)
    states = study.trials()["state"]
    assert states[states == "pruned"].index.tolist() == [6, 8] and study.finished == 10
    assert asked.count(6) == 2 and asked.count(7) == 4


def test_no_trial_is_pruned_before_enough_came_as_far(plan):
    study = Study(replace(plan, folds=3, startup=20, share=0.9))
    study.run_trials(lambda trial: iter([trial.suggest_float("x", 0, 1)] * 3), 10)
    assert set(study.trials()["state"]) == {"complete"}


def test_an_error_of_the_objective_fails_its_trial_and_is_raised(plan):
    def broken(trial):
        yield trial.suggest_float("x", 0.0, 1.0)
        raise ZeroDivisionError("in the second fold")

    study = Study(plan)
    with pytest.raises(ZeroDivisionError, match="in the second fold"):
        study.run_trials(broken, 3)
    assert study.trials()["state"].tolist() == ["failed"] and study.folds(0) != []
    study.run_trials(toy, 2)
    assert study.finished == 2


def test_ctrl_c_leaves_a_study_that_goes_on(plan):
    def interrupted(trial):
        yield from toy(trial)
        if trial.number == 2:
            raise KeyboardInterrupt

    study = Study(plan)
    with pytest.raises(KeyboardInterrupt):
        study.run_trials(interrupted, 5)
    assert study.running == 0
    again = Study(plan)
    again.run_trials(toy, 5)
    assert again.trials()["state"].tolist() == [
        "complete",
        "complete",
        "failed",
        "complete",
        "complete",
        "complete",
    ]


DYING = """
import os, sys
from pathlib import Path
from regime.studies.tuning.study import Study, StudyPlan
def objective(trial):
    yield trial.suggest_float("x", -5.0, 5.0)
    if trial.number == 2:
        os.kill(os.getpid(), 9)
    yield trial.suggest_float("y", 0.1, 10.0, log=True)
locks = Path(sys.argv[1]) / "locks"
plan = StudyPlan(name="toy", storage=sys.argv[2], locks=locks, folds=2)
Study(plan).run_trials(objective, 5)
"""


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_what_a_killed_worker_left_is_swept_at_once(plan, tmp_path, kind):
    storage = plan.storage if kind == "journal" else f"sqlite:///{tmp_path}/tuning.db"
    done = subprocess.run([sys.executable, "-c", DYING, str(tmp_path), storage])
    assert done.returncode == -9
    study = Study(replace(plan, storage=storage))
    assert (study.finished, study.running) == (2, 1)
    assert (study.fail_abandoned_trials(), study.running) == (1, 0)
    assert study.fail_abandoned_trials() == 0
    study.run_trials(toy, 5)
    assert study.trials()["state"].tolist() == ["complete"] * 2 + ["failed"] + ["complete"] * 3


def test_a_trial_whose_worker_lives_is_not_swept_and_counts(plan):
    other, swept, begun = Study(plan), [], []

    def watched(trial):
        begun.append(trial.number)
        if len(begun) == 1:
            swept.append((other.fail_abandoned_trials(), other.running))
            other.run_trials(toy, 2)  # room for one beside the one under way
            swept.append(other.finished)
        yield from toy(trial)

    Study(plan).run_trials(watched, 2)
    assert swept == [(0, 1), 1] and begun == [0] and other.finished == 2


def test_a_trial_killed_before_it_had_an_owner_is_swept(plan):
    study = Study(plan)
    study._study.ask()
    assert study.running == 1 and study.fail_abandoned_trials() == 1


def test_a_trial_of_another_host_is_left_to_its_heartbeat(plan):
    study = Study(plan)
    study._study.ask().set_user_attr("worker", {"host": "elsewhere", "lock": "/nowhere"})
    assert study.fail_abandoned_trials() == 0 and study.running == 1


def test_one_too_many_from_hosts_that_asked_at_once_fails(plan, monkeypatch):
    study = Study(plan)
    study.run_trials(toy, 2)
    counts = itertools.chain([0], itertools.repeat(2))
    monkeypatch.setattr(
        "regime.studies.tuning.study._count", lambda states: next(counts)
    )  # as another host saw it before
    study.run_trials(toy, 2)
    monkeypatch.undo()
    assert (
        study.trials()["state"].tolist() == ["complete", "complete", "failed"]
        and study.finished == 2
    )


def test_a_torn_line_of_a_dead_writer_does_not_end_the_study_of_the_living(plan):
    study = Study(plan)
    study.run_trials(toy, 2)
    journal = journal_path(plan.storage)
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"worker')
    study.run_trials(toy, 4)
    assert Study(plan).finished == 4


def test_figures_need_no_network(plan, tmp_path):
    study = Study(plan)
    study.run_trials(toy, 4)
    drawn = study.write_figures(tmp_path)
    assert {path.stem for path in drawn} >= {"optimization_history", "slice", "param_importances"}
    assert (tmp_path / "plotly.min.js").exists()
    assert all("https://cdn" not in path.read_text(encoding="utf-8") for path in drawn)


def test_a_study_too_small_for_figures_is_not_an_error(plan, tmp_path):
    assert isinstance(Study(plan).write_figures(tmp_path), list)


@pytest.mark.parametrize(
    "storage", ["tuning.log", "redis://host/0", "journal://", "sqlite:///", "postgres//x", ""]
)
def test_an_unknown_storage_is_refused(tmp_path, storage):
    with pytest.raises(ConfigError, match=r"storage: `.*` is of unknown kind; give the URL"):
        StudyPlan(name="toy", storage=storage, locks=tmp_path, folds=2)


@pytest.mark.parametrize(
    ("field", "value"),
    [("folds", 1), ("seed", -1), ("startup", 0), ("share", 1.0), ("deviations", -0.5)],
)
def test_a_value_out_of_range_is_refused(tmp_path, field, value):
    with pytest.raises(ConfigError, match=field):
        StudyPlan(
            **{
                "name": "toy",
                "storage": "sqlite:///x.db",
                "locks": tmp_path,
                "folds": 2,
                field: value,
            }
        )


@pytest.mark.parametrize(
    "storage",
    [
        "postgresql://ann:secret@127.0.0.1:1/none",
        "sqlite:////nowhere/at/all.db",
        "postgresql+nodriver://ann:secret@host/none",
    ],
)
def test_a_storage_that_cannot_be_used_is_named_without_its_password(storage):
    with pytest.raises(ConfigError, match="storage: cannot use ") as caught:
        check_storage(storage)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_journal_that_cannot_be_made_or_read_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="storage: cannot use journal://"):
        check_storage(f"journal://{tmp_path}/file/journal")
    (tmp_path / "journal").write_text("not json\nnot json\n")
    with pytest.raises(ConfigError, match="storage: cannot use journal://"):
        check_storage(f"journal://{tmp_path}/journal")


def test_passwords_are_hidden_and_all_else_is_redacted_url():
    assert (
        redacted_url("postgresql+psycopg2://ann:s3:cret@h:5432/db")
        == "postgresql+psycopg2://ann:***@h:5432/db"
    )
    assert redacted_url("sqlite:////a/b.db") == "sqlite:////a/b.db"
    assert journal_path("sqlite:///x.db") is None and journal_path("journal:///a/b") == Path("/a/b")
