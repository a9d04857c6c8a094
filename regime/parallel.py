"""Long work: pure tasks over the processes of a host or a cluster, and how progress is reported.

What a dead worker held is done again. A workflow takes a `Progress` and opens one stage after
another; the command line draws bars, a test counts, and `NoProgress` does nothing.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, Protocol, TypeVar
from uuid import uuid4

from regime.errors import ConfigError, RegimeError

__all__ = ["NoProgress", "Parallel", "Progress", "Stage", "run_tasks"]

T = TypeVar("T")
WAIT = 10  # seconds for a scheduler to answer, and for its first worker
PATIENCE = 3  # deaths in a row that no finished task lies between
# What the numbers depend on; other versions on a worker may give other last bits.
SAME = ("deleverage", "numpy", "pandas", "scikit-learn", "lightgbm", "numba")


class Stage(Protocol):
    """One named part of a computation while it runs."""

    def advance(self, n: int = 1) -> None:
        """Report `n` more units done."""


class Progress(Protocol):
    """Whoever watches a computation."""

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Open a stage.

        Parameters
        ----------
        name : str
            What is being done, e.g. ``"refits"``.
        total : int, optional
            Units in the stage; None where the number is not known beforehand.

        Returns
        -------
        context manager of Stage
            Leaving it ends the stage, whether done or failed.
        """


class _Silent:
    def advance(self, n: int = 1) -> None:
        """Do nothing."""


class NoProgress:
    """A watcher that does not look.

    Examples
    --------
    >>> with NoProgress().stage("refits", total=40) as stage:
    ...     stage.advance()
    """

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Open a stage of which nothing is reported."""
        return nullcontext(_Silent())


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """How folds are spread; the result does not depend on it.

    Parameters
    ----------
    jobs : int
        Processes of backend loky, no more than there are processors; each fit has one thread, for
        two on two busy cores are slower than one. A cluster takes as many folds as its workers have
        threads.
    backend : {"loky", "dask", "serial"}
        Processes of this host, a Dask cluster, or one fold after the other in this process.
    address : str
        Scheduler of backend dask, as ``tcp://host:8786``.

    Examples
    --------
    >>> Parallel().jobs, Parallel(backend="dask", address="tcp://host:8786").backend
    (2, 'dask')
    """

    jobs: int = 2
    backend: Literal["loky", "dask", "serial"] = "loky"
    address: str = ""

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise ConfigError(f"jobs: must be at least 1, got {self.jobs}")
        if self.backend not in ("loky", "dask", "serial"):
            raise ConfigError(f"backend: must be loky, dask or serial, got `{self.backend}`")
        if self.backend == "dask" and not self.address:
            raise ConfigError("address: backend dask needs its scheduler's, as tcp://host:8786")
        if self.backend != "dask" and self.address:
            raise ConfigError(
                f"address: is for backend dask, got `{self.address}` with {self.backend}; "
                "set backend: dask, or address: ''"
            )


def run_tasks(
    parallel: Parallel, tasks: Sequence[Callable[[], T]], advance: Callable[[], object]
) -> list[T]:
    """Results of all tasks, in their order, whoever did them.

    A worker that is killed costs what was being done at that moment: on a cluster one task, on
    this host also that of its neighbours, whose pool is started again. What has come back is never
    done again.

    Parameters
    ----------
    parallel : Parallel
    tasks : sequence of callable
        Without arguments or side effects, as `functools.partial` makes them; each may run more than
        once.
    advance : callable
        Called in this thread at each result.

    Raises
    ------
    ConfigError
        If the cluster's library is not installed, its scheduler does not answer, it has no worker,
        or its workers carry other versions than this process.
    RegimeError
        If workers die time after time and nothing gets done; beside it any error of a task.
    """
    from joblib import delayed

    results: dict[int, T] = {}
    deaths = 0
    while len(results) < len(tasks):
        before = len(results)
        left = [number for number in range(len(tasks)) if number not in results]
        try:
            with _pool(parallel) as pool:
                for number, result in pool(
                    delayed(_numbered)(number, tasks[number]) for number in left
                ):
                    results[number] = result
                    advance()
        except (BrokenProcessPool, _ClusterLostError) as death:
            deaths = deaths + 1 if len(results) == before else 1
            if deaths == PATIENCE:
                raise _given_up(death, len(tasks) - len(results)) from death
    return [results[number] for number in range(len(tasks))]


class _ClusterLostError(Exception):
    """The scheduler went away, or forgot what it was asked; it may be back."""


def _numbered(number: int, task: Callable[[], T]) -> tuple[int, T]:
    return number, task()


def _given_up(death: Exception, left: int) -> RegimeError:
    cause = str(death).strip().split("\n")[0].rstrip(".")
    return RegimeError(
        f"parallel: workers died {PATIENCE} times in a row and none of the {left} folds left got "
        f"done ({cause}); most often memory ran out: lower parallel.jobs, or set "
        "parallel.backend=serial and see where it ends"
    )


@contextmanager
def _pool(parallel: Parallel) -> Iterator[Any]:
    """A joblib pool that gives results as they come.

    One task a batch, so that a death costs one.
    """
    from joblib import Parallel as Pool

    ways: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}
    if parallel.backend == "dask":
        with _cluster(parallel.address) as client:
            yield Pool(backend=_cluster_backend(client), n_jobs=-1, **ways)
    elif parallel.backend == "serial":
        yield Pool(backend="sequential", n_jobs=1, **ways)
    else:
        # Memory-mapped frames would be read-only in workers and slower to slice; these are a few
        # megabytes.
        yield Pool(
            backend="loky",
            n_jobs=min(parallel.jobs, os.cpu_count() or 1),
            max_nbytes=None,
            initializer=_end_with,
            initargs=(os.getpid(),),
            **ways,
        )


def _end_with(parent: int) -> None:
    """End this worker soon after its parent.

    One that is killed outright leaves its workers waiting for ever.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    if os.getpid() != parent:
        threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Client of a scheduler that has workers like this process."""
    try:
        library = import_module("distributed")
    except ImportError:
        raise ConfigError(
            "parallel.backend: dask needs the library distributed; install deleverage[cluster], "
            "or set parallel.backend=loky"
        ) from None
    with _quiet(), _connected(library, address) as client:
        try:
            _check_workers(client, address)
            yield client
        except library.KilledWorker as death:
            raise RegimeError(
                f"parallel: a fold was given up after the death of every worker that tried it "
                f"({death.last_worker.address} the last); most often memory ran out: give workers "
                "more, or set parallel.backend=serial and see where it ends"
            ) from None
        except (library.comm.CommClosedError, CancelledError) as error:
            raise _ClusterLostError(f"scheduler at {address} lost: {error}") from error


def _connected(library: Any, address: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", library.versions.VersionMismatchWarning
            )  # see _check_workers
            return library.Client(address, timeout=WAIT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"parallel.address: no scheduler answers at {address} within {WAIT} s "
            f"({type(error).__name__}); start one with `dask scheduler`, or set "
            "parallel.backend=loky and parallel.address=''"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the client logs of lost connections, inside the block alone.

    Results or an error tell it.
    """
    loggers = [logging.getLogger(f"distributed.{name}") for name in ("client", "comm", "utils")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _check_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WAIT)
    except TimeoutError:
        raise ConfigError(
            f"parallel.address: the scheduler at {address} has had no worker for {WAIT} s; start "
            f"one with `dask worker {address} --nthreads 1`"
        ) from None
    report = client.get_versions(packages=list(SAME))
    here = report["client"]["packages"]
    processes = {
        f"the scheduler at {address}": report["scheduler"],
        **{f"worker {name}": worker for name, worker in report["workers"].items()},
    }
    faults = [
        f"parallel.address: {process} has {name} {versions['packages'].get(name) or 'not at all'}, "
        f"this process {here[name]}; install the same, for results must not depend on where they "
        "are made"
        for process, versions in processes.items()
        for name in SAME
        if versions["packages"].get(name) != here[name]
    ]
    if faults:
        raise ConfigError(faults)


def _cluster_backend(client: Any) -> Any:
    """The cluster as a joblib backend.

    joblib's own waits for ever where a worker dies time after time, silently drops results where
    one dies that holds a task's arguments, and computes in this process where the cluster has one
    thread.
    """
    from joblib.parallel import ParallelBackendBase

    class Cluster(ParallelBackendBase):  # type: ignore[misc]
        supports_retrieve_callback = True

        def effective_n_jobs(self, n_jobs: int) -> int:
            # joblib does not ask a backend of one.
            return max(2, int(sum(client.ncores().values())))

        def submit(self, func: Callable[[], Any], callback: Callable[[Any], None]) -> Any:
            # Arguments go with the task: it can be repeated.
            future = client.submit(func, key=f"task-{uuid4().hex}")
            future.add_done_callback(callback)
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            return out.result()

    return Cluster()
