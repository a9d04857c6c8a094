"""Files that are whole or absent: staged beside the target, forced to disk, then renamed."""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from regime.errors import ConfigError, InvalidDataError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no flock
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "check_output_path",
    "file_lock",
    "output_file",
    "output_folder",
    "publish",
    "replaced_folder",
    "to_json",
    "to_json_records",
    "to_json_value",
    "write_bytes",
    "write_json",
]

STAGING = ".partial-"


def check_output_path(path: Path, *, folder: bool = True) -> None:
    """Refuse, before any work is done, a path that output cannot be written to.

    Parameters
    ----------
    path : Path
        Where the output will go; it and its parents may be missing.
    folder : bool
        Whether it is to be a folder; otherwise a file.

    Raises
    ------
    ConfigError
        Naming what is in the way.
    """
    start = path if folder else path.parent
    nearest = next(part for part in (start, *start.parents) if os.path.lexists(part))
    obstacle = (
        "it is a folder"
        if not folder and path.is_dir()
        else f"{nearest} is no folder"
        if not nearest.is_dir()
        else ""
        if os.access(nearest, os.W_OK | os.X_OK)
        else f"{nearest} is read-only"
    )
    if obstacle:
        raise ConfigError(f"{path}: cannot write there ({obstacle}); choose another path")


def to_json(content: Any) -> bytes:
    """Strict JSON of plain content, floats exact, with a final newline.

    Raises
    ------
    ValueError
        If a float is NaN or infinite: write None instead.
    """
    return (json.dumps(content, allow_nan=False, ensure_ascii=False, indent=1) + "\n").encode(
        "utf-8"
    )


def write_json(path: Path, content: Any) -> None:
    """Write plain content as strict JSON, whole or not at all."""
    write_bytes(path, to_json(content))


def write_bytes(path: Path, content: bytes) -> None:
    """Write one file, whole or not at all."""
    with output_file(path) as staged:
        staged.write_bytes(content)


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """Path beside `path` to write to; it replaces `path` only if the block ends well.

    Parameters
    ----------
    path : Path
        The file to make or to replace; missing folders are made.

    Yields
    ------
    Path
        Staged file. After an error nothing of it is left and an older file stands untouched.

    Raises
    ------
    ConfigError
        If the folder cannot be made.
    """
    path = Path(path)
    with _made(path.parent):
        staged = path.parent / f"{STAGING}{secrets.token_hex(4)}-{path.name}"
        try:
            yield staged
            _sync(staged)
            staged.replace(path)
            _sync(path.parent)
        finally:
            staged.unlink(missing_ok=True)


@contextmanager
def output_folder(folder: Path, *, last: str = "summary.json") -> Iterator[Path]:
    """Staging folder whose entries move into `folder`, all or none, if the block ends well.

    Entries of the same name are replaced, folders whole; whatever else `folder` holds stays.

    Parameters
    ----------
    folder : Path
        Where the output goes; made if missing, and taken away again after an error.
    last : str
        Entry that moves last: where it is new, all the others are.

    Yields
    ------
    Path
        Empty folder on the same file system.

    Raises
    ------
    ConfigError
        If the folder cannot be made or written to.
    """
    folder = Path(folder)
    with _made(folder), _staging(folder) as staging:
        yield staging
        _sync_tree(staging)
        entries = sorted(staging.iterdir(), key=lambda path: (path.name == last, path.name))
        publish([(entry, folder / entry.name) for entry in entries])


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Staging folder that replaces `folder` as a whole if the block ends well.

    Parameters
    ----------
    folder : Path
        The folder to make or to replace with all that it holds; missing parents are made.

    Yields
    ------
    Path
        Empty folder beside it. After an error nothing of it is left and an older folder stands.

    Raises
    ------
    ConfigError
        If the parent cannot be made or written to.
    """
    folder = Path(folder)
    with _made(folder.parent), _staging(folder.parent) as staging:
        staged = staging / folder.name
        staged.mkdir()
        yield staged
        _sync_tree(staged)
        publish([(staged, folder)])


def publish(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename each staged path to its target; if one rename fails, those before it are undone.

    Parameters
    ----------
    moves : sequence of (staged, target)
        Paths on one file system, already on disk. A file replaces a file in one step; for a folder
        the old one is moved away first, so that a kill between the two renames leaves none.
    """
    old: list[Path] = []
    with ExitStack() as undo:
        for staged, target in moves:
            backup = target.with_name(f"{STAGING}{secrets.token_hex(4)}-old")
            # The undo is registered before the act, and looks whether it was done.
            undo.callback(_restore, backup, staged, target)
            old.append(backup)
            _back_up(staged, target, backup)
            staged.replace(target)
        for parent in {target.parent for _, target in moves}:
            _sync(parent)
        undo.pop_all()
    for backup in old:
        _remove(backup)


def _back_up(staged: Path, target: Path, backup: Path) -> None:
    if not os.path.lexists(target):
        return
    if staged.is_file() and target.is_file() and not target.is_symlink():
        shutil.copy2(target, backup)
    else:
        target.rename(backup)


def _restore(backup: Path, staged: Path, target: Path) -> None:
    if os.path.lexists(target) and not os.path.lexists(staged):
        target.replace(staged)
    if os.path.lexists(backup):
        if os.path.lexists(target):  # the copy of a file that never moved
            backup.unlink()
        else:
            backup.replace(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """The folder exists inside the block; folders made for it and left empty go again."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot write there ({error.strerror}); choose another path"
        ) from None
    try:
        yield
    finally:
        for path in made:
            with suppress(OSError):
                path.rmdir()


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    for left in folder.glob(f"{STAGING}*"):  # by a run that was killed: nobody holds its lock
        if left.is_dir():
            with file_lock(left, wait=False) as free:
                _remove(left) if free else None
    staging = folder / f"{STAGING}{secrets.token_hex(4)}"
    try:
        staging.mkdir()
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot write there ({error.strerror}); choose another path"
        ) from None
    try:
        with file_lock(staging):
            yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def file_lock(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Exclusive lock on a file (made if missing) or a folder; a process that dies lets go of it.

    Parameters
    ----------
    path : Path
    wait : bool
        Whether to wait for the lock; otherwise the answer may be False.

    Yields
    ------
    bool
        Whether the lock is held. Where the system has no flock: what `wait` says, without a lock.
    """
    if fcntl is None:  # pragma: no cover
        yield wait
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o644)
    try:
        held = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            held = False
        yield held
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _sync(path: Path) -> None:
    """Force a file, or the names in a folder, to disk."""
    if path.is_dir() and os.name == "nt":  # pragma: no cover - cannot open a folder
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def to_json_value(value: Any, location: str, *, infinite_as_null: bool = False) -> Any:
    """Numbers, text, lists and mappings as JSON takes them.

    Parameters
    ----------
    value : any
        Numbers of Python or numpy, text, dates, paths, arrays, and sequences, sets and mappings of
        them.
    location : str
        Where it stands, for the message, such as ``cta.sp500``.
    infinite_as_null : bool
        Whether an infinity becomes None as a NaN does, instead of being refused.

    Returns
    -------
    None, bool, int, float, str, list or dict
        NaN and NaT are None; dates are text as 2024-08-06; sets are sorted lists.

    Raises
    ------
    InvalidDataError
        Naming the location of an infinity or of something that JSON cannot carry.

    Examples
    --------
    >>> import pandas as pd
    >>> to_json_value({"level": float("nan"), "dates": (pd.Timestamp("2024-08-06"),)}, "reading")
    {'level': None, 'dates': ['2024-08-06']}
    """
    if isinstance(value, Mapping):
        return {
            str(key): to_json_value(item, f"{location}.{key}", infinite_as_null=infinite_as_null)
            for key, item in value.items()
        }
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if isinstance(value, (list, tuple)):
        return [
            to_json_value(item, f"{location}[{i}]", infinite_as_null=infinite_as_null)
            for i, item in enumerate(value)
        ]
    if value is None or type(value).__name__ == "NaTType":  # pandas is not loaded for this
        return None
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, date):  # a Timestamp as well
        return f"{value:%Y-%m-%d}"
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # a numpy scalar or array
        return to_json_value(value.tolist(), location, infinite_as_null=infinite_as_null)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and (infinite_as_null or not math.isinf(value)):
        return value if math.isfinite(value) else None
    raise InvalidDataError(
        f"{location}: {value!r} cannot be reported; give a finite number, text, a list or a mapping"
    )


def to_json_records(table: pd.DataFrame, location: str = "table") -> list[dict[str, Any]]:
    """Rows of a table as `to_json_value` makes them, one mapping a row; what is not finite is None.

    Raises
    ------
    InvalidDataError
        If a cell holds something that JSON cannot carry.
    """
    return [
        {
            str(key): to_json_value(value, f"{location}[{i}].{key}", infinite_as_null=True)
            for key, value in row.items()
        }
        for i, row in enumerate(table.to_dict("records"))
    ]
