"""One optuna study that many workers share, that may be killed, and that resumes where it stopped.

A study evaluates parameters fold by fold. Every trial has a sampler of its own, seeded by its
number: a resumed study never repeats itself, and while sampling is random the number of workers
makes no difference.
"""

from __future__ import annotations

import importlib
import logging
import platform
import re
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regime.artifacts import file_lock
from regime.errors import ConfigError
from regime.studies.tuning.journal import JournalLock
from regime.studies.tuning.selection import (
    FOLDS,
    SECONDS,
    robust_mean,
    trial_state,
    trial_table,
)
from regime.studies.tuning.trial import Trial

if TYPE_CHECKING:
    import optuna
    import pandas as pd

__all__ = [
    "Study",
    "StudyPlan",
    "TrialFunction",
    "check_storage",
    "journal_path",
    "redacted_url",
]

# From a trial to the values of its folds, one by one; higher is better.
TrialFunction = Callable[[Trial], Iterator[float]]

JOURNAL = "journal://"
DATABASES = ("sqlite", "postgresql", "mysql", "mariadb")
# Seconds; how a database learns that workers on other hosts have died.
HEARTBEAT = 30
GRACE = 120
# A running trial has no recorded worker only between two writes of its worker.
UNOWNED = timedelta(minutes=1)
# Folds before a trial may be pruned.
EARLIEST = 2
# User attribute of a trial in its storage: the host and the lock file of its worker.
WORKER = "worker"


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """Where a study is stored and how it searches.

    Parameters
    ----------
    name : str
        Must hold whatever makes trials comparable: optuna resumes a study of that name even with
        changed ranges.
    storage : str
        ``journal:///FILE`` on one host, or the URL of a database for any number of them.
    locks : Path
        Folder by which the workers of one host know of each other.
    folds : int
        Values of a complete trial.
    seed : int
    deviations : float
        Standard deviations over folds that a trial's value is less than its mean.
    startup : int
        Random trials before the sampler learns, and before any is pruned.
    share : float
        A trial is pruned while its value so far is in this lowest share of those before it, in
        [0, 1).

    Raises
    ------
    ConfigError
        If a value is out of its range or the kind of storage is unknown.

    Examples
    --------
    >>> plan = StudyPlan(name="demo", storage="sqlite:///tuning.db", locks=Path("tuning"), folds=5)
    >>> plan.startup
    20
    """

    name: str
    storage: str
    locks: Path
    folds: int
    seed: int = 7
    deviations: float = 0.5
    startup: int = 20
    share: float = 0.25

    def __post_init__(self) -> None:
        for name, low in (("folds", 2), ("seed", 0), ("deviations", 0), ("startup", 1)):
            if not getattr(self, name) >= low:
                raise ConfigError(f"{name}: must be at least {low}, got {getattr(self, name)}")
        if not 0 <= self.share < 1:
            raise ConfigError(f"share: must lie in [0, 1), got {self.share}")
        scheme, separator, path = self.storage.partition("://")
        kind = scheme.split("+")[0]
        if not separator or not path.strip("/") or kind not in ("journal", *DATABASES):
            raise ConfigError(
                f"storage: `{redacted_url(self.storage)}` is of unknown kind; give the URL of a "
                "database, as postgresql://HOST/NAME or sqlite:///FILE, or journal:///FILE on one "
                "host"
            )


def journal_path(storage: str) -> Path | None:
    """File of a journal's URL; None for a database."""
    return Path(storage.removeprefix(JOURNAL)) if storage.startswith(JOURNAL) else None


def redacted_url(storage: str) -> str:
    """A storage's URL without the password in it.

    Examples
    --------
    >>> redacted_url("postgresql://ann:secret@host/studies")
    'postgresql://ann:***@host/studies'
    """
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", storage)


class Study:
    """One study in its storage, created there if it is new.

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
    >>> def hill(trial):
    ...     x = trial.suggest_float("x", -1.0, 1.0)
    ...     yield from (1 - x ** 2, 0.9 - x ** 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     storage = f"journal://{folder}/journal"
    ...     study = Study(StudyPlan(name="hill", storage=storage, locks=Path(folder), folds=2))
    ...     study.run_trials(hill, 3)
    ...     study.finished, sorted(study.trials()["state"])
    (3, ['complete', 'complete', 'complete'])
    """

    def __init__(self, plan: StudyPlan) -> None:
        self.plan = plan
        with _optuna_silenced():
            self._study = _open(plan)

    @property
    def finished(self) -> int:
        """Number of complete and pruned trials."""
        return _count(self._states()) - self.running

    @property
    def running(self) -> int:
        """Number of running trials; those of dead workers too, until they are failed."""
        return self._states().count("running")

    def enqueue_first(self, params: Mapping[str, Any]) -> None:
        """Try these parameters first, unless the study has trials; what they lack is sampled."""
        with self._host_lock(), _optuna_silenced():
            if not self._states():
                self._study.enqueue_trial(dict(params))

    def fail_abandoned_trials(self) -> int:
        """Mark the running trials of dead workers as failed, and return how many there were."""
        import optuna

        failed = 0
        with self._host_lock(), _optuna_silenced():
            # Those of other hosts are known by their heartbeat in a database.
            optuna.storages.fail_stale_trials(self._study)
            for trial in self._study.get_trials(
                deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)
            ):
                if self._is_abandoned(trial):
                    with suppress(ValueError):  # another process was faster
                        self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
                        failed += 1
        return failed

    def run_trials(
        self, function: TrialFunction, total: int, advance: Callable[[], object] = lambda: None
    ) -> None:
        """Evaluate trials until finished ones and those running elsewhere are `total`.

        Parameters
        ----------
        function : callable
            From a trial to the values of its folds, one by one; higher is better.
        total : int
            Trials wanted in the study, whoever ran them.
        advance : callable
            Called after each trial.
        """
        self.plan.locks.mkdir(parents=True, exist_ok=True)
        alive = self.plan.locks / f"{uuid.uuid4().hex}.alive"
        with file_lock(alive), _optuna_silenced():
            try:
                while self._run_one(function, total, alive):
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

    def write_figures(self, folder: Path) -> list[Path]:
        """Write the study's figures as pages that need no network.

        A figure that needs more trials than there are is left out.

        Parameters
        ----------
        folder : Path
            Exists; figures share one script in it.

        Returns
        -------
        list of Path
            Pages written.
        """
        from optuna import visualization as plots

        written = []
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
                _optuna_silenced(),
            ):
                warnings.simplefilter("ignore")
                figure = getattr(plots, f"plot_{name}")(self._study)
                figure.write_html(folder / f"{name}.html", include_plotlyjs="directory")
                written.append(folder / f"{name}.html")
        return written

    def _states(self, before: float = np.inf) -> list[str]:
        return [
            trial_state(trial)
            for trial in self._study.get_trials(deepcopy=False)
            if trial.number < before
        ]

    def _host_lock(self) -> AbstractContextManager[Any]:
        """Lock under which the workers of this host count trials and begin one."""
        self.plan.locks.mkdir(parents=True, exist_ok=True)
        return file_lock(self.plan.locks / f"{self.plan.name}.gate")

    def _run_one(self, function: TrialFunction, total: int, alive: Path) -> bool:
        """Run one trial from its sampling to its value; False where no more are wanted."""
        with ExitStack() as held:
            held.enter_context(self._host_lock())
            if _count(self._states()) >= total:
                return False

            def evaluate(trial: optuna.Trial) -> float:
                # Seeded by its number, which is certain only now where hosts ask at once.
                self._study.sampler = _sampler(self.plan, trial.number)
                trial.set_user_attr(
                    WORKER, {"host": platform.node(), "lock": str(alive.absolute())}
                )
                held.close()
                self._refuse_surplus(trial.number, total)
                return self._evaluate(trial, function)

            self._study.optimize(evaluate, n_trials=1, catch=(_Surplus,))
        return True

    def _evaluate(self, trial: optuna.Trial, function: TrialFunction) -> float:
        import optuna

        begun = time.perf_counter()
        folds: list[float] = []
        try:
            for value in function(trial):
                folds.append(value)
                trial.report(robust_mean(folds, self.plan.deviations), step=len(folds))
                if EARLIEST <= len(folds) < self.plan.folds and trial.should_prune():
                    raise optuna.TrialPruned
        finally:
            trial.set_user_attr(FOLDS, folds)
            trial.set_user_attr(SECONDS, round(time.perf_counter() - begun, 2))
        return robust_mean(folds, self.plan.deviations)

    def _refuse_surplus(self, number: int, total: int) -> None:
        """Fail a trial that is one too many because another host began one at the same moment."""
        if _count(self._states(before=number)) >= total:
            raise _Surplus

    def _is_abandoned(self, trial: optuna.trial.FrozenTrial) -> bool:
        owner = trial.user_attrs.get(WORKER)
        if owner is None:
            # On one host the lock that is held here excludes a worker between its two writes.
            begun = trial.datetime_start
            return (
                journal_path(self.plan.storage) is not None
                or begun is None
                or datetime.now() - begun > UNOWNED
            )
        if owner["host"] != platform.node():
            return False
        if not Path(owner["lock"]).exists():
            return True
        with file_lock(Path(owner["lock"]), wait=False) as free:
            return free


class _Surplus(Exception):
    """One trial more than was wanted."""


def _count(states: list[str]) -> int:
    return sum(state in ("complete", "pruned", "running") for state in states)


def check_storage(storage: str) -> None:
    """Open a storage once, so that a mistake in its URL is found first; errors as of `Study`."""
    with _optuna_silenced():
        _open_storage(storage)


def _open(plan: StudyPlan) -> optuna.Study:
    import optuna

    return optuna.create_study(
        storage=_open_storage(plan.storage),
        study_name=plan.name,
        direction="maximize",
        sampler=_sampler(plan, 0),
        pruner=_pruner(plan),
        load_if_exists=True,
    )


def _open_storage(url: str) -> optuna.storages.BaseStorage:
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy.exc import SQLAlchemyError

    journal = journal_path(url)
    try:
        if journal is not None:
            journal.parent.mkdir(parents=True, exist_ok=True)
            lock: Any = JournalLock(journal)
            return optuna.storages.JournalStorage(JournalFileBackend(str(journal), lock))
        options = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
        return optuna.storages.RDBStorage(
            url, options, heartbeat_interval=HEARTBEAT, grace_period=GRACE
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
            f"storage: cannot use {redacted_url(url)} ({redacted_url(reason)}); start it, install "
            "its driver, repair it, or name another"
        ) from None


def _sampler(plan: StudyPlan, number: int) -> optuna.samplers.BaseSampler:
    import optuna

    seed = int(np.random.SeedSequence([plan.seed, number]).generate_state(1)[0])
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=plan.startup, multivariate=False)


def _pruner(plan: StudyPlan) -> optuna.pruners.BasePruner:
    import optuna

    class LowestShare(optuna.pruners.BasePruner):
        """Prune the lowest share at the same fold; optuna's pruners use a trial's best step."""

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

    return LowestShare()


@contextmanager
def _optuna_silenced() -> Iterator[None]:
    """Suppress optuna's log and its notices of experimental features inside the block."""
    try:
        importlib.import_module("optuna")  # sets the level of its log
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
