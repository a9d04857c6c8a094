"""Processes that share one study, and whoever watches over them."""

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
from regime.models.search_space import Trial
from regime.models.study_plan import StudyPlan, journal_of
from regime.models.trial_journal import repair
from regime.models.tuning import Objective, Study
from regime.progress import Progress
from regime.workflows.tune_objective import Evaluation, KnownYears
from regime.workflows.tune_space import SearchSpace

__all__ = ["search"]

LOOK = 0.5  # seconds between two looks at what workers have done


def search(
    plan: StudyPlan,
    known: KnownYears,
    space: SearchSpace,
    *,
    total: int,
    workers: int,
    progress: Progress,
) -> tuple[Study, tuple[str, ...]]:
    """Bring a study to `total` finished trials, whoever made those that it has.

    Parameters
    ----------
    plan : StudyPlan
    known : KnownYears
    space : SearchSpace
    total : int
        Complete and pruned trials wanted.
    workers : int
        Processes, each with one thread; 1 works in this one.
    progress : Progress

    Returns
    -------
    tuple of Study and tuple of str
        And what had to be mended first, in sentences.

    Raises
    ------
    RegimeError
        If workers end without a trial, or the error that one of them met.
    """
    journal, told = journal_of(plan.storage), []
    cut = repair(journal) if journal is not None else 0
    if cut:
        told.append(
            f"The last line of {journal} was torn by a writer that was killed; {cut} bytes were "
            "cut."
        )
    study, swept = Study(plan), 0
    study.begin_with(space.start(known.settings))
    with progress.stage(f"trials before {known.block.year}", total=total) as stage:
        watch = _Watch(study, stage.advance)
        while True:
            swept += study.sweep()
            done = watch()
            if done >= total:
                break
            if done + study.running >= total:  # somebody else's workers are at the last ones
                time.sleep(LOOK)
            elif workers == 1:
                study.work(_objective(known, space), total, watch)
            else:
                _crowd(plan, known, space, total, min(workers, total - done), watch)
    if swept:
        told.append(f"{swept} trials that dead workers had left running count as failed.")
    return study, tuple(told)


class _Watch:
    """Tells the progress of a study, whoever makes it."""

    def __init__(self, study: Study, advance: Callable[[int], None]) -> None:
        self._study, self._advance, self._told = study, advance, 0

    def __call__(self) -> int:
        done = self._study.finished
        if done > self._told:
            self._advance(done - self._told)
            self._told = done
        return done


def _objective(known: KnownYears, space: SearchSpace) -> Objective:
    evaluation = Evaluation(known)

    def objective(trial: Trial) -> Iterator[float]:
        return evaluation(space(trial, known.settings))

    return objective


def _crowd(
    plan: StudyPlan, known: KnownYears, space: SearchSpace, total: int, count: int, watch: _Watch
) -> None:
    """Let processes work until all have ended.

    One that is killed costs its trial and nothing else.
    """
    context, before = multiprocessing.get_context("spawn"), watch()
    ends = [context.Pipe() for _ in range(count)]
    crowd = [context.Process(target=_work, args=(there,), daemon=True) for _, there in ends]
    try:
        with _deaf():
            for process in crowd:
                process.start()
        _hand_out(pickle.dumps((plan, known, space, total)), ends)
        while any(process.is_alive() for process in crowd):
            time.sleep(LOOK)
            watch()
    finally:
        for process in crowd:
            if process.is_alive():
                process.terminate()
            if process.pid is not None:
                process.join()
    _raise_first([here for here, _ in ends])
    if watch() == before and any(process.exitcode for process in crowd):
        codes = ", ".join(str(process.exitcode) for process in crowd)
        raise RegimeError(
            f"tune: {count} workers ended without a trial (exit codes {codes}); a script must "
            "call tune "
            'under `if __name__ == "__main__":`; or take one worker to see why'
        )


def _hand_out(task: bytes, ends: list[Any]) -> None:
    """Give the task once all are under way.

    As an argument it would hold up the start of the next.
    """
    for _, there in ends:
        there.close()
    for here, _ in ends:
        with suppress(OSError):  # it was killed already
            here.send_bytes(task)


def _raise_first(ends: list[Any]) -> None:
    for end in ends:
        with suppress(EOFError):  # ended well, or was killed
            if end.poll():
                raise end.recv()


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes begun here do not hear Ctrl-C.

    Whoever began them hears it, and ends them in order.
    """
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover - Windows
        yield
        return
    resource_tracker.ensure_running()  # its start would lift the mask
    old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def _work(there: Connection) -> None:
    """A worker's whole life."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        plan, known, space, total = pickle.loads(there.recv_bytes())
        Study(plan).work(_objective(known, space), total)
    except EOFError:  # whoever began it has gone
        raise SystemExit(1) from None
    except Exception as error:
        there.send(error)
        raise SystemExit(1) from None


def _end_with_parent() -> None:
    """Wait for the parent's end, even a sudden one, and end at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
