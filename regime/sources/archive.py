"""Columns of any file of a folder, by rising day, for the checks.

And the bytes before they are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from regime.arrays import Floats, Integers
from regime.sources.checks.findings import Finding
from regime.sources.checks.form import check_form
from regime.sources.table import Table, parse_table

__all__ = ["Archive", "Columns"]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Numbers of some rows of one file.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
        Days since 1970-01-01.
    numbers : mapping of str to ndarray of float64, each (n,)
        By column; NaN where the file has none.
    """

    days: Integers
    numbers: Mapping[str, Floats]

    def finite(self, column: str) -> tuple[Integers, Floats]:
        """Days and values of one column where it has a finite one."""
        values = self.numbers[column]
        held = np.isfinite(values)
        return self.days[held], values[held]


class Archive:
    """A folder whose files are read whole, any column of them.

    Parameters
    ----------
    folder : Path
    now : int or None
        Rows after this day (since 1970-01-01) are left out; None for none.

    Examples
    --------
    >>> Archive(Path("no/such/folder")).files()
    []
    """

    def __init__(self, folder: Path, now: int | None = None) -> None:
        self.folder = folder
        self.now = now
        self._parsed = lru_cache(maxsize=64)(self._parse)
        self.form = lru_cache(maxsize=None)(self._form)

    def matching(self, pattern: str) -> list[str]:
        """Files of the folder that a path with ``*`` or ``[...]`` names, sorted."""
        if not set("*?[") & set(pattern):
            return [pattern] if (self.folder / pattern).is_file() else []
        return sorted(
            path.relative_to(self.folder).as_posix()
            for path in self.folder.glob(pattern)
            if path.is_file()
        )

    def files(self) -> list[str]:
        """Every CSV file of the folder, sorted."""
        return self.matching("**/*.csv")

    def content(self, path: str) -> bytes | None:
        """Bytes of a file; None where it cannot be had."""
        try:
            return (self.folder / path).read_bytes()
        except OSError:
            return None

    def header(self, path: str) -> tuple[str, ...]:
        """Names of the columns of a file, as its first line has them."""
        first = re.split(rb"[\r\n]", self.content(path) or b"", maxsplit=1)[0]
        return tuple(
            name.strip('"') for name in first.decode("utf-8-sig", errors="replace").split(",")
        )

    def read(
        self,
        path: str,
        columns: Sequence[str],
        where: Mapping[str, str] | None = None,
        *,
        rising: bool = True,
        missing: Sequence[str] = (),
        thousands: str = "",
    ) -> Columns | None:
        """Numbers of some columns; None where the file is absent or has no rows.

        Parameters
        ----------
        path : str
        columns : sequence of str
        where : mapping of str to str, optional
            Rows to keep, as column: text.
        rising : bool
            Whether dates that repeat or fall are refused.
        missing, thousands
            As `Table.numbers`.

        Raises
        ------
        InvalidDataError
            As `parse_table`, `Table.check_rising` and `Table.numbers`.
        """
        table = self._parsed(path, tuple(dict.fromkeys([*columns, *(where or {})])))
        if table is None:
            return None
        rows = self._known(table, where, rising)
        numbers = {
            column: table.numbers(column, rows, missing, thousands)
            for column in dict.fromkeys(columns)
        }
        return Columns(days=table.days[rows], numbers=numbers)

    def groups(self, path: str, by: str) -> list[str]:
        """The different texts of a column, in the order of the file."""
        table = self._parsed(path, (by,))
        return (
            []
            if table is None
            else [str(text) for text in pc.unique(table.columns[by]).to_pylist()]
        )

    def dates(self, path: str, column: str) -> Integers:
        """A second column of dates, as days since 1970-01-01, of the rows that `read` gives."""
        table = self._parsed(path, (column,))
        if table is None:
            return np.zeros(0, dtype=np.int64)
        return table.dates(column, self._known(table, None, False))

    def _form(self, path: str) -> tuple[Finding, ...]:
        """What is wrong with the form of a file; nothing for one that is absent."""
        return tuple(check_form(self.content(path) or b""))

    def _known(self, table: Table, where: Mapping[str, str] | None, rising: bool) -> Integers:
        rows = np.flatnonzero(table.rows(where))
        if rising:
            table.check_rising(rows)
        return rows if self.now is None else rows[table.days[rows] <= self.now]

    def _parse(self, path: str, columns: tuple[str, ...]) -> Table | None:
        content = self.content(path)
        return None if content is None else parse_table(content, path, columns)
