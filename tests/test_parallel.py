"""Tasks run over processes.

The same bits as in one, whoever dies on the way, and an error where nothing helps.
"""

import dataclasses
import logging
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import dask
import pandas as pd
import pytest
from distributed import LocalCluster

from regime import parallel as module
from regime.errors import ConfigError, RegimeError
from regime.parallel import NoProgress, Parallel, run_tasks
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.walk_forward import walk_forward
from regime.schema import Labels

torture = pytest.mark.skipif(
    not os.environ.get("REGIME_TORTURE"), reason="minutes of killed processes: make torture"
)

SERIAL = Parallel(backend="serial")


@pytest.fixture(scope="module", autouse=True)
def carried():
    """Tasks of this file travel as code: workers cannot import it."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes; a task is given up at the second death, which is soon enough."""
    # The cluster lives in this process, and would tell every death on stderr.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        yield cluster


@pytest.fixture(params=["loky", "dask"])
def two(request):
    """Each way to have two processes."""
    if request.param == "loky":
        return Parallel(jobs=2)
    return Parallel(backend="dask", address=request.getfixturevalue("cluster").scheduler_address)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(module, "WAIT", 1)


@contextmanager
def threads(workers=1, port=0):
    """A cluster in this process, of one thread a worker."""
    with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        dashboard_address=":0",
        scheduler_port=port,
        protocol="tcp",
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


class Told:
    """A progress bar that counts, and sees that it is moved by the thread that drew it."""

    def __init__(self) -> None:
        self.thread, self.total, self.steps = threading.current_thread(), None, 0

    @contextmanager
    def stage(self, name, total=None):
        self.total = total
        yield self

    def advance(self, n=1):
        assert threading.current_thread() is self.thread
        self.steps += n


def begin(log: Path, number: int) -> int:
    """Note that a task has begun; how often it now has."""
    with log.open("a") as file:  # one short append is one write
        file.write(f"{number}\n")
    return log.read_text().split().count(str(number))


def task(number: int, log: Path, deaths: int = 0) -> tuple[int, int]:
    """Square of a number, and the process that made it; the first times it dies on the way."""
    if begin(log, number) <= deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1)
    return number**2, os.getpid()


def wrong(number: int) -> int:
    raise KeyError(number)


@dataclasses.dataclass(frozen=True)
class Deadly:
    """A labeller that at one refit kills its process, once."""

    inner: Any
    refit: pd.Timestamp
    log: Path

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        if begin(self.log, as_of.year) == 1 and as_of == self.refit:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.inner(market, as_of)


@pytest.fixture(scope="module")
def quick():
    """Settings of a small run, its world, its features, and what one process makes of them."""
    settings = load_settings(
        "demo.yaml",
        [
            "source.SimulatedSource.years=10",
            "splits.first_test=2012-01-01",
            "splits.refit_months=12",
            "model.seeds=1",
            "parallel.backend=serial",
            "tracking=NullTracker",
        ],
    )
    market_data = read_market_data(settings, None, NoProgress())
    features = settings.features(market_data.panel)
    return (
        settings,
        market_data,
        features,
        walk_forward(settings, features, market_data.market, NoProgress()),
    )


def test_a_walk_forward_has_the_bits_of_one_process(quick, two):
    settings, market_data, features, alone = quick
    told = Told()
    found = walk_forward(
        dataclasses.replace(settings, parallel=two), features, market_data.market, told
    )
    assert found.probabilities.to_numpy().tobytes() == alone.probabilities.to_numpy().tobytes()
    assert found.probabilities.index.equals(alone.probabilities.index)
    assert [fold.refit for fold in found.folds] == [fold.refit for fold in alone.folds]
    assert told.steps == told.total == len(alone.folds) == 4


def test_a_walk_forward_outlives_a_killed_worker(quick, two, tmp_path):
    settings, market_data, features, alone = quick
    log, told = tmp_path / "begun", Told()
    deadly = Deadly(settings.labels, alone.folds[1].refit, log)
    found = walk_forward(
        dataclasses.replace(settings, labels=deadly, parallel=two),
        features,
        market_data.market,
        told,
    )
    assert found.probabilities.to_numpy().tobytes() == alone.probabilities.to_numpy().tobytes()
    assert log.read_text().split().count(str(deadly.refit.year)) == 2
    assert told.steps == told.total == 4


def test_results_come_in_order_and_not_from_this_process(two, tmp_path):
    told = Told()
    found = run_tasks(
        two, [partial(task, number, tmp_path / "begun") for number in range(9)], told.advance
    )
    assert [square for square, _ in found] == [number**2 for number in range(9)] and told.steps == 9
    assert os.getpid() not in {pid for _, pid in found}


def test_serially_all_is_done_here(tmp_path):
    found = run_tasks(
        SERIAL, [partial(task, number, tmp_path / "begun") for number in range(3)], Told().advance
    )
    assert found == [(number**2, os.getpid()) for number in range(3)]
    assert run_tasks(SERIAL, [], Told().advance) == []


def test_a_killed_worker_costs_what_was_being_done(two, tmp_path):
    log, told = tmp_path / "begun", Told()
    tasks = [partial(task, each, log, deaths=int(each == 4)) for each in range(9)]
    assert [square for square, _ in run_tasks(two, tasks, told.advance)] == [
        each**2 for each in range(9)
    ]
    begun = log.read_text().split()
    assert begun.count("4") == 2 and told.steps == 9
    assert len(begun) <= 9 + 4  # what two processes are given at a time


@torture
def test_every_task_may_kill_its_worker_once(tmp_path):
    log, told = tmp_path / "begun", Told()
    tasks = [partial(task, each, log, deaths=int(each % 2)) for each in range(6)]
    assert [square for square, _ in run_tasks(Parallel(jobs=2), tasks, told.advance)] == [
        n**2 for n in range(6)
    ]
    assert told.steps == 6


@torture
def test_a_task_that_kills_whoever_tries_it_is_given_up(two, tmp_path):
    tasks = [partial(task, each, tmp_path / "begun", deaths=9 * (each == 1)) for each in range(3)]
    with pytest.raises(
        RegimeError, match=r"^parallel: .*most often memory ran out: .* parallel.backend=serial"
    ):
        run_tasks(two, tasks, Told().advance)
    assert (tmp_path / "begun").read_text().split().count("1") <= module.PATIENCE + 1


def test_an_error_of_a_task_is_raised_as_it_is(two):
    with pytest.raises(KeyError, match=r"^7$"):
        run_tasks(two, [partial(wrong, 7), partial(wrong, 7)], Told().advance)


def test_a_cluster_of_one_thread_works_too(tmp_path):
    with threads() as one:
        found = run_tasks(
            Parallel(backend="dask", address=one.scheduler_address),
            [lambda: threading.current_thread().name] * 3,
            Told().advance,
        )
    assert len(found) == 3 and not {threading.main_thread().name} & set(found)


class Mishap:
    """A progress bar at whose second step something happens."""

    def __init__(self, what) -> None:
        self.what, self.steps = what, 0

    def advance(self):
        self.steps += 1
        if self.steps == 2:
            self.what()


def slow(number: int, log: Path) -> int:
    begin(log, number)
    time.sleep(0.2)
    return number


@torture
def test_a_scheduler_that_comes_back_is_asked_for_the_rest(impatient, monkeypatch, tmp_path):
    with threads() as first, threads_later(first) as later:
        mishap = Mishap(later)
        found = run_tasks(
            Parallel(backend="dask", address=first.scheduler_address),
            [partial(slow, number, tmp_path / "begun") for number in range(6)],
            mishap.advance,
        )
    assert found == list(range(6)) and mishap.steps == 6
    assert len((tmp_path / "begun").read_text().split()) <= 6 + 2


@contextmanager
def threads_later(first):
    """What ends one cluster and begins another at its address."""
    held = []

    def again():
        port = int(first.scheduler_address.rsplit(":", 1)[1])
        first.close()
        held.append(threads(port=port))
        held[0].__enter__()

    yield again
    for cluster in held:
        cluster.__exit__(None, None, None)


@torture
def test_a_scheduler_that_stays_away_is_said(impatient, tmp_path):
    with threads() as cluster, pytest.raises(ConfigError, match="no scheduler answers at tcp://"):
        run_tasks(
            Parallel(backend="dask", address=cluster.scheduler_address),
            [partial(slow, number, tmp_path / "begun") for number in range(6)],
            Mishap(cluster.close).advance,
        )


def unused():
    raise AssertionError("nothing may be begun")


def refused(address):
    """The message with which a cluster is refused."""
    with pytest.raises(ConfigError) as caught:
        run_tasks(Parallel(backend="dask", address=address), [unused], Told().advance)
    return str(caught.value)


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "nonsense://here", "tcp://127.0.0.1:nowhere"]
)
def test_an_unreachable_scheduler_is_said(impatient, address, capfd):
    message = refused(address)
    assert message.startswith(f"parallel.address: no scheduler answers at {address} within 1 s")
    assert (
        "start one with `dask scheduler`, or set parallel.backend=loky and parallel.address=''"
        in message
    )
    assert capfd.readouterr().err == ""


def test_a_cluster_without_workers_is_said(impatient):
    with threads(workers=0) as cluster:
        assert "has had no worker for 1 s; start one with `dask worker tcp://" in refused(
            cluster.scheduler_address
        )


def test_workers_with_other_versions_are_refused(cluster, monkeypatch, recwarn):
    monkeypatch.setattr(
        "distributed.versions._version_cached", lambda name: "0.1" if name == "numpy" else None
    )
    message = refused(cluster.scheduler_address)
    assert (
        "worker tcp://" in message
        and " has numpy " in message
        and "this process 0.1; install the same" in message
    )
    assert not recwarn.list


def test_a_missing_library_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert refused("tcp://127.0.0.1:9") == (
        "parallel.backend: dask needs the library distributed; install "
        "deleverage[cluster], or set parallel.backend=loky"
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["jobs=0"], "jobs: must be at least 1, got 0"),
        (["backend=ray"], "loky"),
        (["backend=dask"], "address: backend dask needs its scheduler's, as tcp://host:8786"),
        (
            ["address='tcp://host:8786'"],
            "address: is for backend dask, got `tcp://host:8786` with loky; set backend: dask",
        ),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(overrides, message):
    with pytest.raises(ConfigError, match="parallel") as caught:
        load_settings("demo.yaml", [f"parallel.{override}" for override in overrides])
    assert message in str(caught.value)


def test_python_is_held_to_the_same_settings():
    with pytest.raises(ConfigError, match="backend: must be loky, dask or serial, got `ray`"):
        Parallel(backend="ray")


def test_a_cluster_is_named_in_a_config():
    settings = load_settings("demo.yaml", ["parallel={backend: dask, address: 'tcp://host:8786'}"])
    assert settings.parallel == Parallel(backend="dask", address="tcp://host:8786")
