"""A fault at any write.

No half output, the older output untouched, and the run recorded as failed.
"""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

import regime.artifacts
import regime.tracking
import regime.workflows.run as workflow
from regime.cli import main

ENTRIES = {
    "bundle",
    "exposure.parquet",
    "page",
    "probabilities.parquet",
    "report.html",
    "summary.json",
}
ARGUMENTS = [
    "source.SimulatedSource.years=8",
    "splits.first_test=2012-01-01",
    "splits.refit_months=24",
    "model.seeds=1",
    "parallel.jobs=1",
]


class FullDisk(OSError):
    """The fault that the test raises; no other code does."""

    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")


def failing(act: Callable, at: int) -> Callable:
    """The function itself until its `at`-th call, which fails after its work."""
    calls = iter(range(1, 1000))

    def call(*arguments: object, **options: object) -> object:
        done = act(*arguments, **options)
        if next(calls) == at:
            raise FullDisk
        return done

    return call


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, bytes]]]:
    """A working directory with the output of a whole run, and the bytes of that output."""
    folder, home = tmp_path_factory.mktemp("whole"), Path.cwd()
    os.chdir(folder)
    assert main(["run", "--out", "out", *ARGUMENTS]) == 0
    yield folder, contents(folder / "out")
    os.chdir(home)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def last_status(folder: Path) -> str:
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}"
    experiments = [item.experiment_id for item in MlflowClient(uri, uri).search_experiments()]
    (run, *_) = MlflowClient(uri, uri).search_runs(
        experiments, order_by=["attributes.start_time DESC"]
    )
    return str(run.info.status)


ACTS = {
    "to_parquet": pd.DataFrame,
    "write_bundle": workflow,
    "render": workflow,
    "write_json": workflow,
    "log_metrics": regime.tracking.ActiveRun,
    "log_artifacts": regime.tracking.ActiveRun,
    "register": regime.tracking.ActiveRun,
    "_sync_tree": regime.artifacts,
    "_back_up": regime.artifacts,
}
# act, which call of it fails, whether an older output stands there
CASES = [
    ("to_parquet", 2, False),
    ("write_bundle", 1, True),
    ("render", 1, True),
    ("register", 1, True),
    ("_sync_tree", 1, True),
    ("_back_up", 3, True),
    ("_back_up", 5, False),
]
MORE = [
    ("to_parquet", 1, True),
    ("write_json", 1, True),
    ("log_metrics", 1, True),
    ("log_artifacts", 1, False),
    ("_back_up", 1, True),
    ("_back_up", 3, False),
    ("_back_up", 5, True),
]
if os.environ.get("REGIME_TORTURE"):
    CASES += MORE


@pytest.mark.parametrize(("name", "at", "old"), CASES)
def test_a_fault_at_a_write_leaves_everything_as_it_was(before, monkeypatch, capsys, name, at, old):
    owner = ACTS[name]
    folder, older = before
    out = folder / ("out" if old else "new")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(owner, name, failing(getattr(owner, name), at))
    assert main(["run", "--out", out.name, *ARGUMENTS, "seed=8"]) == 1
    assert capsys.readouterr() == ("", "regime: error: a file: No space left on device\n")
    assert (contents(out) == older) if old else not out.exists()
    assert {path.name for path in folder.iterdir()} == {"out", "mlruns"}
    assert {path.name for path in (folder / "out").iterdir()} == ENTRIES
    assert last_status(folder) == "FAILED"
