"""Workers on one study in a PostgreSQL server that the test starts.

What a journal gives, and a worker killed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from regime.studies.tuning.study import Study, StudyPlan

torture = pytest.mark.skipif(
    not os.environ.get("REGIME_TORTURE"), reason="minutes of killed processes: make torture"
)

WORKER = """
import sys, time
from pathlib import Path
from regime.studies.tuning.study import Study, StudyPlan

def objective(trial):
    x, y = trial.suggest_float("x", -5.0, 5.0), trial.suggest_float("y", 0.1, 10.0, log=True)
    yield 1.0 - 0.1 * (x - 2) ** 2
    time.sleep(float(sys.argv[4]))
    yield 0.8 - 0.1 * (y - 1) ** 2
name, storage, locks = sys.argv[1], sys.argv[2], Path(sys.argv[3])
plan = StudyPlan(name=name, storage=storage, locks=locks, folds=2, startup=100)
Study(plan).run_trials(objective, int(sys.argv[5]))
"""


def programs() -> Path | None:
    """Folder of the server's programs, where they are installed."""
    found = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    on_path = shutil.which("initdb")
    return found[-1] if found else Path(on_path).parent if on_path else None


def unprivileged(folder: Path) -> list[str]:
    """What a command begins with so that it does not run as root, which the server refuses to."""
    if os.getuid():
        return []
    user = next(
        (
            name
            for name in ("postgres", "nobody")
            if name in {entry.pw_name for entry in pwd.getpwall()}
        ),
        "",
    )
    shutil.chown(folder, user)
    return ["runuser", "-u", user, "--"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of a database of its own."""
    place = programs()
    if place is None:
        pytest.skip("PostgreSQL is not installed: no initdb")
    if find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir(mode=0o700)
        as_user = unprivileged(data)
        subprocess.run(
            [
                *as_user,
                str(place / "initdb"),
                "-D",
                str(data),
                "-U",
                "tuner",
                "-A",
                "trust",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd="/",
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *as_user,
                    str(place / "postgres"),
                    "-D",
                    str(data),
                    "-p",
                    str(port),
                    "-h",
                    "127.0.0.1",
                    "-k",
                    "",
                    "-F",
                ],
                stdout=log,
                stderr=log,
                cwd="/",
            )
            try:
                wait_for(port, process, folder / "log")
                yield f"postgresql://tuner@127.0.0.1:{port}/postgres"
            finally:
                process.terminate()
                process.wait(60)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="tuner", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise TimeoutError(log.read_text())


def plan_of(name: str, storage: str, place: Path) -> StudyPlan:
    return StudyPlan(name=name, storage=storage, locks=place / "locks", folds=2, startup=100)


def begin(
    name: str, storage: str, place: Path, seconds: float, total: int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            WORKER,
            name,
            storage,
            str(place / "locks"),
            str(seconds),
            str(total),
        ]
    )


def trials(study: Study) -> list[tuple[dict[str, float], list[float]]]:
    return [(study.params(number), study.folds(number)) for number in study.trials().index]


@torture
def test_two_workers_on_a_server_give_what_one_gives_on_a_journal(server, tmp_path):
    alone = Study(plan_of("alone", f"journal://{tmp_path}/journal", tmp_path))
    assert begin("alone", f"journal://{tmp_path}/journal", tmp_path, 0.0, 10).wait(120) == 0
    shared = Study(plan_of("shared", server, tmp_path))
    workers = [
        begin("shared", server, tmp_path / str(number), 0.1, 10) for number in (1, 2)
    ]  # hosts: no common gate
    assert [worker.wait(120) for worker in workers] == [0, 0]
    table = shared.trials()
    assert shared.finished == 10 and set(table["state"]) <= {"complete", "failed"}
    assert set(table["state"][:10]) == {"complete"}  # one that was too many has a later number
    assert trials(shared)[:10] == trials(alone)


@torture
def test_a_worker_killed_costs_one_trial(server, tmp_path):
    study = Study(plan_of("killed", server, tmp_path))
    workers = [begin("killed", server, tmp_path, 0.3, 12) for _ in range(2)]
    while study.finished < 3:
        assert all(worker.poll() is None for worker in workers)
        time.sleep(0.05)
    workers[0].send_signal(signal.SIGKILL)
    assert [worker.wait(120) for worker in workers] == [-9, 0]
    assert study.running == 1 and study.finished == 11
    assert study.fail_abandoned_trials() == 1
    assert begin("killed", server, tmp_path, 0.0, 12).wait(120) == 0
    assert study.finished == 12 and study.trials()["state"].tolist().count("failed") == 1
