"""The only door to optuna: one study that many workers share, that may be killed, and that goes on.

A study evaluates designs fold by fold. Every trial has a sampler of its own, seeded by its number:
a resumed study never repeats itself, and while sampling is at random it does not matter how many
workers there are.
"""

from __future__ import annotations

import importlib
import logging
import platform
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regime.artifacts import file_lock
from regime.errors import ConfigError
from regime.models.search_space import Trial
from regime.models.study_plan import StudyPlan, journal_of, shown
from regime.models.trial_choice import FOLDS, SECONDS, robust_mean, state_of, trial_table
from regime.models.trial_journal import JournalLock

if TYPE_CHECKING:
    import optuna
    import pandas as pd

__all__ = ["Objective", "Study", "check_storage"]

Objective = Callable[[Trial], Iterator[float]]

HEARTBEAT, GRACE = 30, 120  # seconds; how a database knows of dead workers on other hosts
UNOWNED = timedelta(
    minutes=1
)  # a trial is not yet its worker's only for the moment between two writes
EARLIEST, WORKER = (
    2,
    "worker",
)  # folds before a trial may be called hopeless; what its note of its owner is called


class Study:
    """One study in its storage, made there if it is new.

    Parameters
    ----------
    plan : StudyPlan

    Raises
    ------
    ConfigError
        If optuna or a database's driver is not installed, or the storage cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> def valley(trial):
    ...     x = trial.suggest_float("x", -1.0, 1.0)
    ...     yield from (1 - x ** 2, 0.9 - x ** 2)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     study = Study(StudyPlan(name="valley", storage=f"journal://{place}/journal",
    locks=Path(place), folds=2))
    ...     study.work(valley, 3)
    ...     study.finished, sorted(study.trials()["state"])
    (3, ['complete', 'complete', 'complete'])
    """

    def __init__(self, plan: StudyPlan) -> None:
        self.plan = plan
        with _quiet():
            self._study = _open(plan)

    @property
    def finished(self) -> int:
        """Trials that came to an end by their own: complete or pruned."""
        return _count(self._states()) - self.running

    @property
    def running(self) -> int:
        """Trials under way; those of dead workers too, until they are swept."""
        return self._states().count("running")

    def begin_with(self, params: Mapping[str, Any]) -> None:
        """Try these parameters first, if nothing has been tried yet.

        Whatever is left out is sampled.
        """
        with self._gate(), _quiet():
            if not self._states():
                self._study.enqueue_trial(dict(params))

    def sweep(self) -> int:
        """Call failed what dead workers left running, and tell how many there were."""
        import optuna

        swept = 0
        with self._gate(), _quiet():
            optuna.storages.fail_stale_trials(
                self._study
            )  # of other hosts, by their heartbeat in a database
            for trial in self._study.get_trials(
                deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)
            ):
                if self._dead(trial):
                    with suppress(ValueError):  # told by somebody else meanwhile
                        self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
                        swept += 1
        return swept

    def work(
        self, objective: Objective, total: int, advance: Callable[[], object] = lambda: None
    ) -> None:
        """Evaluate trials until finished ones and those under way elsewhere are `total`.

        Parameters
        ----------
        objective : callable
            From a trial to the values of its folds, one by one; higher is better.
        total : int
            Trials wanted in the study, whoever made them.
        advance : callable
            Told after each trial.
        """
        self.plan.locks.mkdir(parents=True, exist_ok=True)
        alive = self.plan.locks / f"{uuid.uuid4().hex}.alive"
        with file_lock(alive), _quiet():
            try:
                while self._one(objective, total, alive):
                    advance()
            finally:
                alive.unlink(missing_ok=True)

    def trials(self) -> pd.DataFrame:
        """Table of all trials so far, shape (n_trials, 7); see `trial_table`."""
        return trial_table(self._study.get_trials(deepcopy=False))

    def folds(self, number: int) -> list[float]:
        """Values of a trial's folds."""
        return list(self._study.get_trials(deepcopy=False)[number].user_attrs.get(FOLDS, []))

    def params(self, number: int) -> dict[str, Any]:
        """Parameters of a trial."""
        return dict(self._study.get_trials(deepcopy=False)[number].params)

    def draw(self, folder: Path) -> list[Path]:
        """Write the study's figures as pages that need no network.

        One that too few trials allow is left out.

        Parameters
        ----------
        folder : Path
            Exists; figures share one script beside them.
        """
        from optuna import visualization as plots

        drawn = []
        for name in (
            "optimization_history",
            "param_importances",
            "slice",
            "parallel_coordinate",
            "intermediate_values",
            "timeline",
        ):
            with (
                suppress(ValueError, RuntimeError, ZeroDivisionError),
                warnings.catch_warnings(),
                _quiet(),
            ):
                warnings.simplefilter("ignore")
                figure = getattr(plots, f"plot_{name}")(self._study)
                figure.write_html(folder / f"{name}.html", include_plotlyjs="directory")
                drawn.append(folder / f"{name}.html")
        return drawn

    def _states(self, before: float = np.inf) -> list[str]:
        return [
            state_of(trial)
            for trial in self._study.get_trials(deepcopy=False)
            if trial.number < before
        ]

    def _gate(self) -> Any:  # under which trials are counted and begun on this host
        self.plan.locks.mkdir(parents=True, exist_ok=True)
        return file_lock(self.plan.locks / f"{self.plan.name}.gate")

    def _one(self, objective: Objective, total: int, alive: Path) -> bool:
        """One trial from the question to the answer; False where no more are wanted."""
        with ExitStack() as gate:
            gate.enter_context(self._gate())
            if _count(self._states()) >= total:
                return False

            def evaluate(trial: optuna.Trial) -> float:
                # Seeded by its own number, which only now is certain where hosts ask at once.
                self._study.sampler = _sampler(self.plan, trial.number)
                trial.set_user_attr(
                    WORKER, {"host": platform.node(), "lock": str(alive.absolute())}
                )
                gate.close()
                self._refuse_surplus(trial.number, total)
                return self._evaluate(trial, objective)

            self._study.optimize(evaluate, n_trials=1, catch=(_Surplus,))
        return True

    def _evaluate(self, trial: optuna.Trial, objective: Objective) -> float:
        import optuna

        begun, folds = time.perf_counter(), list[float]()
        try:
            for value in objective(trial):
                folds.append(value)
                trial.report(robust_mean(folds, self.plan.deviations), step=len(folds))
                if EARLIEST <= len(folds) < self.plan.folds and trial.should_prune():
                    raise optuna.TrialPruned
        finally:
            trial.set_user_attr(FOLDS, folds)
            trial.set_user_attr(SECONDS, round(time.perf_counter() - begun, 2))
        return robust_mean(folds, self.plan.deviations)

    def _refuse_surplus(self, number: int, total: int) -> None:
        """Fail a trial that another host's, begun at the same moment, has made one too many."""
        if _count(self._states(before=number)) >= total:
            raise _Surplus

    def _dead(self, trial: optuna.trial.FrozenTrial) -> bool:
        owner = trial.user_attrs.get(WORKER)
        if owner is None:  # on this host the gate tells that nobody is between the two writes
            begun = trial.datetime_start
            return (
                journal_of(self.plan.storage) is not None
                or begun is None
                or datetime.now() - begun > UNOWNED
            )
        if owner["host"] != platform.node():
            return False
        if not Path(owner["lock"]).exists():
            return True
        with file_lock(Path(owner["lock"]), wait=False) as free:
            return free


class _Surplus(Exception): ...


def _count(states: list[str]) -> int:
    return sum(state in ("complete", "pruned", "running") for state in states)


def check_storage(storage: str) -> None:
    """Open a storage once, so that a mistake in its URL costs nothing else.

    Errors as of `Study`.
    """
    with _quiet():
        _storage(storage)


def _open(plan: StudyPlan) -> optuna.Study:
    import optuna

    return optuna.create_study(
        storage=_storage(plan.storage),
        study_name=plan.name,
        direction="maximize",
        sampler=_sampler(plan, 0),
        pruner=_pruner(plan),
        load_if_exists=True,
    )


def _storage(url: str) -> optuna.storages.BaseStorage:
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy.exc import SQLAlchemyError

    journal = journal_of(url)
    try:
        if journal is not None:
            journal.parent.mkdir(parents=True, exist_ok=True)
            lock: Any = JournalLock(journal)
            return optuna.storages.JournalStorage(JournalFileBackend(str(journal), lock))
        patience = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
        return optuna.storages.RDBStorage(
            url, patience, heartbeat_interval=HEARTBEAT, grace_period=GRACE
        )
    except (
        OSError,
        ImportError,
        SQLAlchemyError,
        optuna.exceptions.OptunaError,
        RuntimeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error.__cause__ or error).split("\n\n")[0].split())
        raise ConfigError(
            f"storage: cannot use {shown(url)} ({shown(reason)}); start it, install its driver, "
            "mend "
            "it, or name another"
        ) from None


def _sampler(plan: StudyPlan, number: int) -> optuna.samplers.BaseSampler:
    import optuna

    seed = int(np.random.SeedSequence([plan.seed, number]).generate_state(1)[0])
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=plan.startup, multivariate=False)


def _pruner(plan: StudyPlan) -> optuna.pruners.BasePruner:
    import optuna

    class Hopeless(optuna.pruners.BasePruner):
        """Below the lowest share of all that came as far.

        Optuna's own rules look at a trial's best step instead.
        """

        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            step = trial.last_step
            if step is None:
                return False
            ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
            others = [
                other.intermediate_values[step]
                for other in study.get_trials(deepcopy=False, states=ended)
                if step in other.intermediate_values
            ]
            return len(others) >= plan.startup and bool(
                trial.intermediate_values[step] < np.quantile(others, plan.share)
            )

    return Hopeless()


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back optuna's log and its notices of what is new in it, inside the block alone."""
    try:
        importlib.import_module("optuna")  # which sets the level of its log
    except ImportError:
        raise ConfigError("tuning needs optuna: install deleverage[research]") from None
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="optuna")
            warnings.filterwarnings("ignore", message=".*(experimental|Heartbeat)")
            yield
    finally:
        logger.setLevel(level)
