"""What a run records, a run that records nothing, and the commit behind it; no mlflow here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

__all__ = ["Commit", "NullTracker", "Run", "commit", "flatten", "numbers"]


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
        """Record metrics of each fold, the fold's place as step."""

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


def commit(folder: Path = Path(__file__).parent) -> Commit | None:
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
