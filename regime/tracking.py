"""The only door to mlflow: runs, metrics, artifacts and the registry, in one sqlite file.

mlflow is imported on first use (seconds), never with the package. Nothing here is global: a
`Tracker` holds its address and works beside other uses of mlflow in the process.
"""

from __future__ import annotations

import getpass
import importlib
import json
import logging
import os
import re
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from numbers import Real
from pathlib import Path
from typing import Any

from regime.artifacts import file_lock, output_file, to_json
from regime.errors import ConfigError

__all__ = [
    "ActiveRun",
    "Commit",
    "NullTracker",
    "Run",
    "Tracker",
    "flatten",
    "numbers",
    "read_commit",
]

LOADER = "regime.runtime.pyfunc"
LONGEST_PARAMETER = 500
BATCH = {"params": 100, "metrics": 1000}
LOCK_TAG = "regime.lock"


class Run:
    """A run that records nothing; `ActiveRun` records.

    Attributes
    ----------
    run_id : str or None
        mlflow's identifier; None where nothing is recorded.

    Examples
    --------
    >>> Run().run_id is None
    True
    """

    run_id: str | None = None

    def log_config(self, config: Mapping[str, Any]) -> None:
        """Record a config: one parameter a leaf, and the whole as ``config.json``.

        Parameters
        ----------
        config : mapping
            Plain content. Leaves longer than 500 characters stand in ``config.json`` alone.
        """

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Record tags such as data hash and seed."""

    def log_metrics(self, metrics: Mapping[str, Any], step: int = 0) -> None:
        """Record numbers in one batch.

        Parameters
        ----------
        metrics : mapping
            Numbers, or mappings of numbers, whose names are joined by a dot. None and NaN are left
            out, as is what is no number.
        step : int
        """

    def log_folds(self, folds: Iterable[Mapping[str, Any]]) -> None:
        """Record metrics of each fold, the fold's position as step."""

    def log_artifacts(self, path: Path, under: str | None = None) -> None:
        """Record a file, or all that a folder holds."""

    def log_json(self, name: str, content: Any) -> None:
        """Record plain content as a JSON artifact."""

    def register(
        self, bundle: Path, name: str, *, inputs: Sequence[str], outputs: Sequence[str]
    ) -> str | None:
        """Enter a saved model into the registry.

        Parameters
        ----------
        bundle : Path
            Folder written by `write_bundle`; it is copied whole, without pickle or code.
        name : str
            Name in the registry.
        inputs, outputs : sequence of str
            Column names of the signature, all of type double.

        Returns
        -------
        str or None
            Version, as in ``models:/NAME/VERSION``; None where nothing is recorded.
        """
        return None


@dataclass(frozen=True, kw_only=True)
class NullTracker:
    """A tracker that records nothing, for tests and for `tracking: off`.

    Examples
    --------
    >>> with NullTracker().run("trial") as run:
    ...     run.log_metrics({"log_loss": 0.3})
    """

    @contextmanager
    def run(self, name: str, tags: Mapping[str, Any] | None = None) -> Iterator[Run]:
        """Yield a run that records nothing."""
        yield Run()


class ActiveRun(Run):
    """A run in mlflow's database; made by `Tracker.run`."""

    def __init__(self, client: Any, run: Any) -> None:
        self._client = client
        self._artifact_uri: str = run.info.artifact_uri
        self.run_id: str = run.info.run_id

    def log_config(self, config: Mapping[str, Any]) -> None:  # noqa: D102 - as in Run
        leaves = {
            key: value if isinstance(value, str) else json.dumps(value, default=str)
            for key, value in flatten(config).items()
        }
        from mlflow.entities import Param

        params = [
            Param(_safe(key), value)
            for key, value in leaves.items()
            if len(value) <= LONGEST_PARAMETER
        ]
        for start in range(0, len(params), BATCH["params"]):
            self._client.log_batch(self.run_id, params=params[start : start + BATCH["params"]])
        self.log_json("config.json", config)

    def set_tags(self, tags: Mapping[str, Any]) -> None:  # noqa: D102
        for key, value in tags.items():
            self._client.set_tag(self.run_id, key, str(value))

    def log_metrics(self, metrics: Mapping[str, Any], step: int = 0) -> None:  # noqa: D102
        self._log({step: metrics})

    def log_folds(self, folds: Iterable[Mapping[str, Any]]) -> None:  # noqa: D102
        self._log(dict(enumerate(folds)))

    def log_artifacts(self, path: Path, under: str | None = None) -> None:  # noqa: D102
        log = self._client.log_artifacts if Path(path).is_dir() else self._client.log_artifact
        log(self.run_id, str(path), under)

    def log_json(self, name: str, content: Any) -> None:  # noqa: D102
        self._client.log_text(
            self.run_id, to_json(json.loads(json.dumps(content, default=str))).decode(), name
        )

    def register(  # noqa: D102
        self, bundle: Path, name: str, *, inputs: Sequence[str], outputs: Sequence[str]
    ) -> str | None:
        with tempfile.TemporaryDirectory() as scratch, _quiet():
            folder = Path(scratch) / "model"
            _save_pyfunc(folder, bundle, inputs, outputs)
            self._client.log_artifacts(self.run_id, str(folder), "model")
            return _new_version(self._client, name, f"{self._artifact_uri}/model", self.run_id)

    def _log(self, by_step: Mapping[int, Mapping[str, Any]]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(_safe(key), value, now, step)
            for step, content in by_step.items()
            for key, value in numbers(content).items()
        ]
        for start in range(0, len(metrics), BATCH["metrics"]):
            self._client.log_batch(self.run_id, metrics=metrics[start : start + BATCH["metrics"]])


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """Where runs are recorded.

    Parameters
    ----------
    experiment : str
        Name of the experiment; made if there is none.
    folder : Path
        Holds ``mlflow.db`` and ``artifacts/``; relative to the working directory.

    Examples
    --------
    >>> Tracker(experiment="demo", folder=Path("/data/mlruns")).uri
    'sqlite:////data/mlruns/mlflow.db'
    """

    experiment: str = "deleveraging"
    folder: Path = Path("mlruns")

    def __post_init__(self) -> None:
        if not self.experiment.strip():
            raise ConfigError("experiment: must not be empty")

    @property
    def uri(self) -> str:
        """Address of the database, absolute."""
        return _address(self._location / "mlflow.db")

    @contextmanager
    def run(self, name: str, tags: Mapping[str, Any] | None = None) -> Iterator[ActiveRun]:
        """One run.

        FINISHED if the block ends well, KILLED after Ctrl-C, FAILED after any other error.

        Runs that a dead process left RUNNING are marked KILLED first.

        Parameters
        ----------
        name : str
        tags : mapping, optional
            Beside the commit, which is always noted.

        Raises
        ------
        ConfigError
            If mlflow is not installed, or the folder cannot be used.
        """
        with ExitStack() as held:
            client, run = self._start(name, tags or {}, held)
            status = "FAILED"
            try:
                yield ActiveRun(client, run)
                status = "FINISHED"
            except KeyboardInterrupt:
                status = "KILLED"
                raise
            finally:
                client.set_terminated(run.info.run_id, status)
                self._lock_of(run.info.run_id).unlink(missing_ok=True)

    @property
    def _location(self) -> Path:
        return Path(self.folder).absolute()

    def _lock_of(self, run_id: str) -> Path:
        return self._location / "running" / run_id

    def _start(self, name: str, tags: Mapping[str, Any], held: ExitStack) -> tuple[Any, Any]:
        """A client and a new run whose lock `held` keeps until the run has ended."""
        _import_mlflow()
        try:
            (self._location / "running").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"folder: cannot track runs in {self.folder} ({error.strerror}); name another"
            ) from None
        # Cold processes race to create the database, and a sweep must not meet a run without its
        # lock.
        with file_lock(self._location / "mlflow.lock"), _quiet():
            client = _open(self._location / "mlflow.db")
            experiment = self._experiment_id(client)
            self._sweep(client, experiment)
            noted = {**_standard_tags(), **tags, LOCK_TAG: "held while running"}
            run = client.create_run(
                experiment, run_name=name, tags={key: str(noted[key]) for key in noted}
            )
            held.enter_context(file_lock(self._lock_of(run.info.run_id)))
        return client, run

    def _experiment_id(self, client: Any) -> str:
        location = (self._location / "artifacts").as_uri()
        experiment = client.get_experiment_by_name(self.experiment)
        if experiment is None:
            return str(client.create_experiment(self.experiment, artifact_location=location))
        if experiment.lifecycle_stage == "deleted":
            raise ConfigError(
                f"experiment: `{self.experiment}` was deleted in mlflow; restore it or name another"
            )
        if experiment.artifact_location != location:
            raise ConfigError(
                f"folder: {self._location} was moved, its database still points to "
                f"{experiment.artifact_location}; move it back, or move the database away and "
                "start a new one"
            )
        return str(experiment.experiment_id)

    def _sweep(self, client: Any, experiment: str) -> None:
        """Mark KILLED what a dead process left RUNNING: nobody holds its lock any more."""
        query = f"attributes.status = 'RUNNING' and tags.`{LOCK_TAG}` != ''"
        for run in client.search_runs([experiment], query):
            lock = self._lock_of(run.info.run_id)
            with file_lock(lock, wait=False) as free:
                # Asked again: it may have ended between the search and the lock.
                if free and client.get_run(run.info.run_id).info.status == "RUNNING":
                    client.set_terminated(run.info.run_id, "KILLED")
                    lock.unlink(missing_ok=True)


def _standard_tags() -> dict[str, str]:
    tags = {"mlflow.source.name": "regime", "mlflow.source.type": "LOCAL"}
    with suppress(KeyError, OSError):  # a container's user may have no name
        tags["mlflow.user"] = getpass.getuser()
    state = read_commit()
    if state is not None:
        tags |= {
            "mlflow.source.git.commit": state.id,
            "commit": state.id,
            "dirty": str(state.dirty).lower(),
        }
    return tags


def _address(path: Path) -> str:
    # No more than must be: mlflow makes the folder of this text as it stands, quoted or not.
    return "sqlite:///" + path.as_posix().replace("%", "%25").replace("?", "%3F")


def _open(path: Path) -> Any:
    """Client of the database, which is built under another name first.

    A kill leaves none rather than half of one.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if not path.exists():
            with output_file(path) as staged, _unsynced():
                MlflowClient(_address(staged))
        return MlflowClient(_address(path), _address(path))
    except (MlflowException, SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"folder: mlflow cannot use {path} ({reason}); upgrade it or move it away"
        ) from None


@contextmanager
def _unsynced() -> Iterator[None]:
    """Spare sqlite its hundreds of waits for the disk while the staged database is built.

    One follows at the end.
    """
    from sqlalchemy import Engine, event

    def relax(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)


def _import_mlflow() -> None:
    # Read at the import of mlflow: runs stay offline.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        importlib.import_module("mlflow.tracking")
    except ImportError:
        raise ConfigError(
            "tracking needs mlflow: install deleverage[research], or set `tracking: off`"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back mlflow's console chatter inside the block alone."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _save_pyfunc(folder: Path, bundle: Path, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec("double", name) for name in inputs]),
        outputs=Schema([ColSpec("double", name) for name in outputs]),
    )
    # Named, or mlflow loads the model in another process to guess them; this package is not among
    # them, since an index may hold somebody else's of that name.
    needs = [f"{name}=={version(name)}" for name in ("numpy", "pandas", "lightgbm")]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input example", UserWarning)  # the golden rows are one
        mlflow.pyfunc.save_model(
            path=str(folder),
            loader_module=LOADER,
            data_path=str(bundle),
            signature=signature,
            pip_requirements=needs,
        )


def _new_version(client: Any, name: str, source: str, run_id: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return str(client.create_model_version(name, source, run_id=run_id).version)


def _safe(key: str) -> str:
    return re.sub(r"[^\w\-. /]", "_", key)


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leaves of nested mappings, the names on the way joined by dots.

    Examples
    --------
    >>> flatten({"model": {"brier": 0.1, "folds": [1, 2]}})
    {'model.brier': 0.1, 'model.folds': [1, 2]}
    """
    flat: dict[str, Any] = {}
    for key, value in content.items():
        inner = isinstance(value, Mapping) and bool(value)
        flat |= flatten(value, f"{prefix}{key}.") if inner else {f"{prefix}{key}": value}
    return flat


def numbers(content: Mapping[str, Any]) -> dict[str, float]:
    """Leaves that are numbers; None, NaN and text are left out.

    Examples
    --------
    >>> numbers({"model": {"brier": 0.1, "auc": None}, "verdict": "good", "days": 21})
    {'model.brier': 0.1, 'days': 21.0}
    """
    leaves = flatten(content)
    return {
        key: float(value)
        for key, value in leaves.items()
        if isinstance(value, Real) and value == value
    }


@dataclass(frozen=True, kw_only=True)
class Commit:
    """State of the package's working copy.

    Parameters
    ----------
    id : str
        Full git hash.
    dirty : bool
        Whether the package differs from it.

    Examples
    --------
    >>> Commit(id="87a47b1", dirty=False).dirty
    False
    """

    id: str
    dirty: bool


def read_commit(folder: Path = Path(__file__).parent) -> Commit | None:
    """Commit of the working copy that holds the package.

    None where it is installed from a wheel.
    """
    # A package inside somebody else's repository (a venv, say) is not tracked there.
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    head = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--", ".")
    return None if head is None else Commit(id=head, dirty=bool(changes))


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
