"""The tracker against mlflow's own client.

What is recorded, what a kill leaves, what is registered.
"""

import inspect
import json
import logging
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.runtime.bundle import write_bundle
from regime.runtime.formula import REGIMES, Linear, ModelParts
from regime.runtime.predict import load_model
from regime.tracking import ActiveRun, NullTracker, Run, Tracker, read_commit


@pytest.fixture(scope="module")
def tracker(tmp_path_factory):
    return Tracker(experiment="tests", folder=tmp_path_factory.mktemp("tracked") / "mlruns")


@pytest.fixture(scope="module")
def client(tracker):
    from mlflow.tracking import MlflowClient

    with tracker.run("first"):
        pass
    return MlflowClient(tracker.uri, tracker.uri)


@pytest.fixture
def small_bundle(tmp_path):
    names = ("vix_level_1", "rates_change_63")
    linear = Linear(
        center=(0.0, 0.0), scale=(1.0, 2.0), clip=(3.0, 3.0), coef=(1.0, -0.5), intercept=0.1
    )
    parts = ModelParts(
        features=names, linear=linear, linear_weight=1.0, phase_prior=(0.5, 0.25, 0.25)
    )
    golden = {name: np.linspace(-1, 1, 20) for name in names}
    return write_bundle(
        tmp_path / "model", parts, golden=golden, rule={}, training_window=("a", "b"), data_hash="x"
    )


def status(client, run):
    return client.get_run(run.run_id).info.status


def test_importing_the_tracker_does_not_import_mlflow():
    done = subprocess.run(
        [sys.executable, "-c", "import sys, regime.tracking; print('mlflow' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


def test_a_run_records_config_tags_scores_and_files(tracker, client, tmp_path):
    (tmp_path / "report.html").write_text("<p>")
    config = {
        "splits": {"horizon": 21, "dates": ["2005", "2006"]},
        "model": {"note": "x" * 600, "none": None},
    }
    with tracker.run("all", tags={"data_hash": "ab12", "seed": 7}) as run:
        run.log_config(config)
        run.log_metrics(
            {
                "model": {"log_loss": 0.25, "auc": None, "brier": float("nan")},
                "name": "text",
                "days": np.int64(5000),
            }
        )
        run.log_folds([{"log_loss": value} for value in (0.3, 0.2, 0.1)])
        run.log_artifacts(tmp_path, "output")
        run.log_artifacts(tmp_path / "report.html")
        run.set_tags({"verdict": "good"})
        assert status(client, run) == "RUNNING"
    found = client.get_run(run.run_id)
    assert found.info.status == "FINISHED" and found.info.run_name == "all"
    assert found.data.params == {
        "splits.horizon": "21",
        "splits.dates": '["2005", "2006"]',
        "model.none": "null",
    }
    assert found.data.metrics == {"model.log_loss": 0.25, "days": 5000.0, "log_loss": 0.1}
    folds = client.get_metric_history(run.run_id, "log_loss")
    assert [(fold.step, fold.value) for fold in folds] == [(0, 0.3), (1, 0.2), (2, 0.1)]
    assert found.data.tags.items() >= {"data_hash": "ab12", "seed": "7", "verdict": "good"}.items()
    place = tracker.folder / "artifacts" / run.run_id / "artifacts"
    assert json.loads((place / "config.json").read_text()) == config
    assert (
        (place / "output" / "report.html").read_text()
        == (place / "report.html").read_text()
        == "<p>"
    )


def test_more_than_one_batch_is_recorded(tracker, client):
    with tracker.run("large") as run:
        run.log_config({"a": {f"p{i}": i for i in range(230)}})
        run.log_folds([{f"m{j}": i * j for j in range(25)} for i in range(90)])
    found = client.get_run(run.run_id).data
    assert len(found.params) == 230 and len(found.metrics) == 25
    assert len(client.get_metric_history(run.run_id, "m24")) == 90


def test_odd_names_do_not_break_a_run(tracker, client):
    with tracker.run("odd") as run:
        run.log_config({"rules": {"a:b[0]": 1, "ünd%": 2}})
    assert client.get_run(run.run_id).data.params == {"rules.a_b_0_": "1", "rules.ünd_": "2"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [(KeyboardInterrupt, "KILLED"), (ValueError, "FAILED"), (SystemExit, "FAILED")],
)
def test_a_run_that_ends_badly_says_how(tracker, client, error, expected):
    with pytest.raises(error), tracker.run("bad") as run:
        raise error
    assert status(client, run) == expected
    assert not list((tracker.folder / "running").iterdir())


def test_a_run_of_a_dead_process_is_marked_killed_and_a_living_one_is_not(tracker, client):
    with ExitStack() as process:
        _, dead = tracker._start("dead", {}, process)
    # Its lock is gone as after kill -9, and nobody wrote its end.
    dead = ActiveRun(client, dead)
    assert status(client, dead) == "RUNNING"
    with tracker.run("outer") as outer, tracker.run("inner") as inner:
        assert status(client, dead) == "KILLED"
        assert status(client, outer) == status(client, inner) == "RUNNING"
    assert status(client, outer) == status(client, inner) == "FINISHED"


def test_runs_of_others_in_the_same_database_are_left_alone(tracker, client):
    theirs = client.create_run(client.get_experiment_by_name("tests").experiment_id)
    with tracker.run("ours"):
        pass
    assert client.get_run(theirs.info.run_id).info.status == "RUNNING"


def test_two_cold_starts_share_one_database(tmp_path):
    tracker, ids, errors = Tracker(experiment="race", folder=tmp_path / "mlruns"), [], []

    def work():
        try:
            with tracker.run("cold") as run:
                ids.append(run.run_id)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len(set(ids)) == 3
    assert sorted(path.name for path in tracker.folder.iterdir()) == [
        "mlflow.db",
        "mlflow.lock",
        "running",
    ]


def test_an_interrupted_first_start_leaves_no_database(tmp_path, monkeypatch):
    import mlflow.tracking

    tracker = Tracker(folder=tmp_path / "mlruns")
    with monkeypatch.context() as patch:
        patch.setattr(
            mlflow.tracking, "MlflowClient", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt), tracker.run("never"):
            pass
    assert sorted(path.name for path in tracker.folder.iterdir()) == ["mlflow.lock", "running"]


def test_the_console_stays_silent_and_global_settings_stay(
    tmp_path, capfd, monkeypatch, small_bundle
):
    import mlflow

    def settings():
        levels = [logging.getLogger(name).level for name in ("mlflow", "alembic")]
        return mlflow.tracking.is_tracking_uri_set(), mlflow.active_run(), levels

    before = settings()
    monkeypatch.chdir(tmp_path)
    with Tracker(experiment="quiet").run("quiet") as run:
        run.log_metrics({"a": 1.0})
        run.register(
            small_bundle, "quiet", inputs=("vix_level_1", "rates_change_63"), outputs=REGIMES
        )
    assert capfd.readouterr() == ("", "")
    assert settings() == before
    assert (tmp_path / "mlruns" / "mlflow.db").is_file()


def test_a_registered_model_answers_with_the_regimes_without_pickle(
    tracker, client, small_bundle, monkeypatch
):
    import mlflow

    model = load_model(small_bundle)
    with tracker.run("registered") as run:
        versions = [
            run.register(
                small_bundle, "deleveraging-test", inputs=model.features, outputs=model.regimes
            )
            for _ in range(2)
        ]
    assert versions == ["1", "2"]
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracker.uri)
    mlflow.set_tracking_uri(None)
    loaded = mlflow.pyfunc.load_model("models:/deleveraging-test/1")
    frame = pd.DataFrame(
        {"other": [1.0, 2.0], "rates_change_63": [0.5, np.nan], "vix_level_1": [1.0, -2.0]},
        index=pd.DatetimeIndex(["2020-03-16", "2020-03-17"], name="date"),
    )
    answer = loaded.predict(frame)
    assert list(answer.columns) == list(REGIMES) and answer.index.equals(frame.index)
    np.testing.assert_array_equal(answer.to_numpy(), model.predict_proba(frame))
    assert loaded.metadata.get_input_schema().input_names() == list(model.features)
    with pytest.raises(mlflow.exceptions.MlflowException, match="rates_change_63"):
        loaded.predict(frame[["vix_level_1"]])
    saved = tracker.folder / "artifacts" / run.run_id / "artifacts" / "model"
    assert {path.suffix for path in saved.rglob("*") if path.is_file()} <= {
        "",
        ".json",
        ".txt",
        ".yaml",
    }


def test_a_registered_bundle_that_was_altered_does_not_load(tracker, client, small_bundle):
    import mlflow

    with tracker.run("altered") as run:
        run.register(
            small_bundle, "altered", inputs=("vix_level_1", "rates_change_63"), outputs=REGIMES
        )
    folder = tracker.folder / "artifacts" / run.run_id / "artifacts" / "model"
    model = folder / "data" / "model" / "model.json"
    model.write_bytes(model.read_bytes().replace(b"0.1", b"0.2"))
    with pytest.raises(Exception, match="SHA-256"):
        mlflow.pyfunc.load_model(str(folder))


def test_what_cannot_be_used_is_answered_with_the_mend(tracker, client, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="experiment: must not be empty"):
        Tracker(experiment=" ")
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match="name another"),
        Tracker(folder=tmp_path / "file").run("x"),
    ):
        pass
    (tmp_path / "mlflow.db").write_text("this is no database, and long enough to be read as one")
    with (
        pytest.raises(ConfigError, match=r"cannot use .*mlflow.db"),
        Tracker(folder=tmp_path).run("x"),
    ):
        pass
    client.delete_experiment(client.create_experiment("gone"))
    with (
        pytest.raises(ConfigError, match="was deleted"),
        Tracker(experiment="gone", folder=tracker.folder).run("x"),
    ):
        pass
    client.create_experiment("elsewhere", artifact_location="/elsewhere/artifacts")
    with (
        pytest.raises(ConfigError, match="was moved"),
        Tracker(experiment="elsewhere", folder=tracker.folder).run("x"),
    ):
        pass
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(ConfigError, match=r"install deleverage\[research\]"), tracker.run("x"):
        pass


@pytest.mark.parametrize("name", ["a b#cé", "a?b%20c"])
def test_a_path_with_odd_characters_works(tmp_path, name):
    tracker = Tracker(experiment="odd", folder=tmp_path / name / "mlruns")
    with tracker.run("x") as run:
        run.log_json("note.json", {"a": Path("b")})
    assert (tracker.folder / "mlflow.db").is_file()
    assert (tracker.folder / "artifacts" / run.run_id / "artifacts" / "note.json").is_file()
    assert name != "a b#cé" or [path.name for path in tmp_path.iterdir()] == [name]


def test_the_null_tracker_takes_every_call_and_touches_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with NullTracker().run("x", tags={"a": 1}) as run:
        run.log_config({"a": 1})
        run.log_metrics({"a": 1.0}, step=2)
        run.log_folds([{"a": 1.0}])
        run.log_json("a.json", {})
        run.log_artifacts(tmp_path)
        run.set_tags({"a": 1})
        assert run.register(tmp_path, "m", inputs=("a",), outputs=REGIMES) is None
    assert run.run_id is None and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", [name for name in vars(Run) if not name.startswith("_") and name != "run_id"]
)
def test_both_kinds_of_run_have_one_interface(name):
    assert inspect.signature(getattr(ActiveRun, name)) == inspect.signature(getattr(Run, name))


def test_commit_sees_the_working_copy_and_its_changes(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert read_commit(package) is None
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def git(*arguments):
        subprocess.run(
            ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            check=True,
            capture_output=True,
            env=environment,
        )

    git("init")
    assert (
        read_commit(package) is None
    )  # somebody else's repository: the package is not tracked there
    git("add", ".")
    git("commit", "-m", "x")
    clean = read_commit(package)
    assert len(clean.id) == 40 and not clean.dirty
    (package / "new.py").write_text("")
    assert read_commit(package).dirty and read_commit(package).id == clean.id
