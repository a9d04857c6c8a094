"""Interrupted runs: the exit code, the record, and what the next run does."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from regime.cli import main

COMMAND = "import sys; from regime.cli import main; sys.exit(main(sys.argv[1:]))"
LONG = [
    "run",
    "--out",
    "out",
    "source.SimulatedSource.years=12",
    "splits.first_test=2011-01-01",
    "splits.refit_months=1",
]
SHORT = [
    "source.SimulatedSource.years=8",
    "splits.first_test=2012-01-01",
    "splits.refit_months=24",
    "model.seeds=1",
    "parallel.jobs=1",
]


def statuses(folder: Path) -> list[str]:
    """Status of every run, in the order of their beginning."""
    if not (folder / "mlruns" / "mlflow.db").exists():
        return []
    with sqlite3.connect(f"file:{folder / 'mlruns' / 'mlflow.db'}?mode=ro", uri=True) as database:
        return [row[0] for row in database.execute("select status from runs order by start_time")]


def listening() -> None:
    """Take Ctrl-C as a terminal's child would.

    A background job's children inherit that it is ignored.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def begin(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *LONG],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listening,
    )


def stop(run: subprocess.Popen[str], folder: Path, number: int) -> tuple[int, str, str]:
    """Stop a run with a signal once its refits are under way, and wait for its end."""
    begun = time.monotonic()
    while not statuses(folder):
        assert run.poll() is None and time.monotonic() - begun < 200, run.communicate()
        time.sleep(0.05)
    time.sleep(2)
    os.kill(run.pid, number)
    # The workers hold these pipes too: that both end at once shows that no worker outlives the run.
    stdout, stderr = run.communicate(timeout=60)
    return run.returncode, stdout, stderr


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: tmp_path_factory.mktemp(name) for name in ("killed", "interrupted")}


@pytest.fixture(scope="module")
def answers(folders: dict[str, Path]) -> dict[str, tuple[int, str, str]]:
    """How a run ended that was killed outright, and one that was interrupted.

    Side by side, to save time.
    """
    runs = {name: begin(folder) for name, folder in folders.items()}
    signals = {"killed": signal.SIGKILL, "interrupted": signal.SIGINT}
    return {name: stop(run, folders[name], signals[name]) for name, run in runs.items()}


def test_ctrl_c_ends_with_130_and_one_word_and_marks_the_run(answers, folders):
    assert answers["interrupted"] == (130, "", "regime: interrupted\n")
    assert statuses(folders["interrupted"]) == ["KILLED"]
    assert [path.name for path in folders["interrupted"].iterdir()] == ["mlruns"]
    assert list((folders["interrupted"] / "mlruns" / "running").iterdir()) == []


def test_a_killed_run_leaves_no_output_and_the_next_one_marks_it_and_works(
    answers, folders, monkeypatch
):
    folder = folders["killed"]
    assert answers["killed"][0] == -signal.SIGKILL
    assert statuses(folder) == ["RUNNING"] and [path.name for path in folder.iterdir()] == [
        "mlruns"
    ]
    monkeypatch.chdir(folder)
    assert main(["run", "--out", "out", *SHORT]) == 0
    assert statuses(folder) == ["KILLED", "FINISHED"]
    assert {path.name for path in (folder / "out").iterdir()} == {
        "bundle",
        "exposure.parquet",
        "page",
        "probabilities.parquet",
        "report.html",
        "summary.json",
    }
    assert list((folder / "mlruns" / "running").iterdir()) == []
