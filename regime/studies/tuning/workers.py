"""Processes that share one study, and the process that supervises them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from regime.errors import RegimeError
from regime.parallel import Progress
from regime.studies.tuning.journal import repair_journal
from regime.studies.tuning.objective import InnerSample, Objective
from regime.studies.tuning.search_space import SearchSpace
from regime.studies.tuning.study import Study, StudyPlan, TrialFunction, journal_path
from regime.studies.tuning.trial import Trial

__all__ = ["run_search"]

POLL = 0.5  # seconds between two looks at the workers' progress


def run_search(
    plan: StudyPlan,
    sample: InnerSample,
    space: SearchSpace,
    *,
    total: int,
    workers: int,
    progress: Progress,
) -> tuple[Study, tuple[str, ...]]:
    """Bring a study to `total` finished trials, whoever ran those that it has.

    Parameters
    ----------
    plan : StudyPlan
    sample : InnerSample
    space : SearchSpace
    total : int
        Complete and pruned trials wanted.
    workers : int
        Processes, each with one thread; 1 works in this one.
    progress : Progress

    Returns
    -------
    tuple of Study and tuple of str
        And what had to be repaired first, in sentences.

    Raises
    ------
    RegimeError
        If workers end without a trial, or the error that one of them raised.
    """
    notes = []
    journal = journal_path(plan.storage)
    cut = repair_journal(journal) if journal is not None else 0
    if cut:
        notes.append(
            f"The last line of {journal} was left incomplete by a writer that was killed; {cut} "
            "bytes were cut."
        )
    study = Study(plan)
    failed = 0
    study.enqueue_first(space.start(sample.settings))
    with progress.stage(f"trials before {sample.block.year}", total=total) as stage:
        report = _ProgressReport(study, stage.advance)
        while True:
            failed += study.fail_abandoned_trials()
            done = report()
            if done >= total:
                break
            if done + study.running >= total:  # workers elsewhere run the last ones
                time.sleep(POLL)
            elif workers == 1:
                study.run_trials(_trial_function(sample, space), total, report)
            else:
                _run_processes(plan, sample, space, total, min(workers, total - done), report)
    if failed:
        notes.append(f"{failed} trials that dead workers had left running count as failed.")
    return study, tuple(notes)


class _ProgressReport:
    """Reports the progress of a study, whoever runs its trials."""

    def __init__(self, study: Study, advance: Callable[[int], None]) -> None:
        self._study = study
        self._advance = advance
        self._reported = 0

    def __call__(self) -> int:
        done = self._study.finished
        if done > self._reported:
            self._advance(done - self._reported)
            self._reported = done
        return done


def _trial_function(sample: InnerSample, space: SearchSpace) -> TrialFunction:
    objective = Objective(sample)

    def evaluate(trial: Trial) -> Iterator[float]:
        return objective(space(trial, sample.settings))

    return evaluate


def _run_processes(
    plan: StudyPlan,
    sample: InnerSample,
    space: SearchSpace,
    total: int,
    count: int,
    report: _ProgressReport,
) -> None:
    """Let processes work until all have ended; one that is killed costs its trial alone."""
    context = multiprocessing.get_context("spawn")
    before = report()
    pipes = [context.Pipe() for _ in range(count)]
    processes = [context.Process(target=_work, args=(end,), daemon=True) for _, end in pipes]
    try:
        with _interrupts_blocked():
            for process in processes:
                process.start()
        _send_task(pickle.dumps((plan, sample, space, total)), pipes)
        while any(process.is_alive() for process in processes):
            time.sleep(POLL)
            report()
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
            if process.pid is not None:
                process.join()
    _raise_first([own_end for own_end, _ in pipes])
    if report() == before and any(process.exitcode for process in processes):
        codes = ", ".join(str(process.exitcode) for process in processes)
        raise RegimeError(
            f"tune: {count} workers ended without a trial (exit codes {codes}); a script must "
            'call tune under `if __name__ == "__main__":`; or run one worker to see why'
        )


def _send_task(task: bytes, pipes: list[Any]) -> None:
    """Send the task once all have started; as an argument it would delay the next one's start."""
    for _, worker_end in pipes:
        worker_end.close()
    for own_end, _ in pipes:
        with suppress(OSError):  # the process was killed already
            own_end.send_bytes(task)


def _raise_first(ends: list[Any]) -> None:
    for end in ends:
        with suppress(EOFError):  # the process ended well, or was killed
            if end.poll():
                raise end.recv()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Processes started here ignore Ctrl-C; this one receives it, and ends them in order."""
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover - Windows
        yield
        return
    resource_tracker.ensure_running()  # its start would lift the mask
    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def _work(connection: Connection) -> None:
    """What a worker process runs."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        plan, sample, space, total = pickle.loads(connection.recv_bytes())
        Study(plan).run_trials(_trial_function(sample, space), total)
    except EOFError:  # the parent has ended
        raise SystemExit(1) from None
    except Exception as error:
        connection.send(error)
        raise SystemExit(1) from None


def _end_with_parent() -> None:
    """Wait for the parent's end, even a sudden one, and end at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
