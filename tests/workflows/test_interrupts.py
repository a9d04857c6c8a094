"""Runs that are stopped half-way: the exit code, the record, and what the next run finds."""

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
LONG = ["run", "--out", "out", "source.SimulatedSource.years=12", "splits.first_test=2011-01-01",
        "splits.refit_months=1"]
SHORT = ["source.SimulatedSource.years=8", "splits.first_test=2012-01-01", "splits.refit_months=24", "model.seeds=1",
         "parallel.jobs=1"]


def statuses(place: Path) -> list[str]:
    """Status of every run, in the order of their beginning."""
    if not (place / "mlruns" / "mlflow.db").exists():
        return []
    with sqlite3.connect(f"file:{place / 'mlruns' / 'mlflow.db'}?mode=ro", uri=True) as database:
        return [row[0] for row in database.execute("select status from runs order by start_time")]


def stop(place: Path, number: int) -> tuple[int, str, str]:
    """Begin a long run, stop it with a signal once its refits are under way, and wait for its end."""
    before, begun = len(statuses(place)), time.monotonic()
    run = subprocess.Popen([sys.executable, "-c", COMMAND, *LONG], cwd=place, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    while len(statuses(place)) == before:
        assert run.poll() is None and time.monotonic() - begun < 120, run.communicate()
        time.sleep(0.05)
    time.sleep(2)
    os.kill(run.pid, number)
    # The workers hold these pipes too: that both end at once shows that no worker outlives the run.
    stdout, stderr = run.communicate(timeout=30)
    return run.returncode, stdout, stderr


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A working directory in which a run was killed, then one interrupted, then one ended well."""
    place, seen = tmp_path_factory.mktemp("stopped"), {}
    seen["killed"] = stop(place, signal.SIGKILL)[0], statuses(place), [path.name for path in place.iterdir()]
    seen["interrupted"] = stop(place, signal.SIGINT), statuses(place), [path.name for path in place.iterdir()]
    before = Path.cwd()
    os.chdir(place)
    try:
        seen["whole"] = main(["run", "--out", "out", *SHORT]), statuses(place)
    finally:
        os.chdir(before)
    return place, seen


def test_a_killed_run_leaves_no_output(stopped):
    code, found, left = stopped[1]["killed"]
    assert (code, found, left) == (-signal.SIGKILL, ["RUNNING"], ["mlruns"])


def test_ctrl_c_ends_with_130_and_one_word_and_marks_the_run(stopped):
    answer, found, left = stopped[1]["interrupted"]
    assert answer == (130, "", "regime: interrupted\n")
    assert found[-1] == "KILLED" and left == ["mlruns"]


def test_the_next_run_marks_what_the_killed_one_left(stopped):
    assert stopped[1]["interrupted"][1] == ["KILLED", "KILLED"]


def test_the_run_after_works(stopped):
    place, seen = stopped
    assert seen["whole"] == (0, ["KILLED", "KILLED", "FINISHED"])
    assert {path.name for path in (place / "out").iterdir()} == {
        "bundle", "exposure.parquet", "probabilities.parquet", "report.html", "summary.json"}
    assert list((place / "mlruns" / "running").iterdir()) == []
