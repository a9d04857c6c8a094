"""The journal file of a study: complete lines only, and a lock that ends with its holder."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path

from regime.artifacts import file_lock

__all__ = ["JournalLock", "repair_journal"]


def repair_journal(journal: Path) -> int:
    """Cut the incomplete last line that a killed writer left behind.

    The next line would be appended to it, and the journal could not be read any more.

    Parameters
    ----------
    journal : Path
        May be missing.

    Returns
    -------
    int
        Bytes cut; 0 where the journal was whole.
    """
    if not journal.exists():
        return 0
    with file_lock(_lock_path(journal)):
        return _truncate(journal, _readable_length(journal.read_bytes()))


class JournalLock:
    """Exclusive lock on a journal; taking it also cuts the incomplete line of a writer that died.

    Unlike a lock that is a file's existence, it needs no timeout after its holder has died.

    Parameters
    ----------
    journal : Path

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     journal = Path(folder) / "journal"
    ...     _ = journal.write_text("1" + chr(10) + "[2, 3")
    ...     lock = JournalLock(journal)
    ...     _ = lock.acquire()
    ...     lock.release()
    ...     journal.read_text().splitlines()
    ['1']
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._held = ExitStack()

    def acquire(self) -> bool:
        """Wait for the lock and take it."""
        self._held.enter_context(file_lock(_lock_path(self._journal)))
        size = self._journal.stat().st_size if self._journal.exists() else 0
        if size and _last_byte(self._journal) != b"\n":
            _truncate(self._journal, _readable_length(self._journal.read_bytes()))
        return True

    def release(self) -> None:
        """Release the lock."""
        self._held.close()


def _lock_path(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}.flock")


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1)


def _readable_length(content: bytes) -> int:
    """Length up to the end of the last line that is complete and can be parsed."""
    end = content.rfind(b"\n") + 1
    while end:
        start = content.rfind(b"\n", 0, end - 1) + 1
        try:
            json.loads(content[start:end])
            return end
        except ValueError:
            end = start
    return 0


def _truncate(path: Path, length: int) -> int:
    """Bytes that were cut."""
    surplus = path.stat().st_size - length
    if surplus:
        with path.open("r+b") as file:
            file.truncate(length)
            file.flush()
            os.fsync(file.fileno())
    return surplus
