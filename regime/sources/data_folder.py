"""One folder of CSV files: each opened once and each column parsed once, for runs and for checks.

A run reads whole series, repaired and spliced, within their valid range; the checks of
`regime data check` read any column of any file as it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow.compute as pc

from regime.arrays import Booleans, Floats, Integers
from regime.errors import InvalidDataError
from regime.sources.catalogue import Catalogue, SeriesSpec, SplicePart
from regime.sources.csv_table import CsvTable, header_of, parse_table
from regime.sources.repairs import Repair, apply_repairs

__all__ = ["ColumnValues", "DataFolder", "SeriesRows", "available_series"]

T = TypeVar("T")
LOCATED = 20  # refused values that are reported with their line


@dataclass(frozen=True, kw_only=True)
class SeriesRows:
    """Rows of one series up to "now", by rising day.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
        Days since 1970-01-01.
    values : ndarray of float64, shape (n,)
        Finite, inside the valid range, in the unit of the series.
    part : ndarray of int64, shape (n,)
        0 for the main source, k for the k-th splice.
    proxy : ndarray of bool, shape (n,)
        Whether the row measures something else.
    refused : tuple of str
        Those outside the valid range, or in another unit: file and value, the first ones with line
        and date.
    repaired : tuple of str
        What declared repairs did.
    absent : bool
        Whether the main file is not there.
    later : bool
        Whether the main file has rows after "now".
    faults : tuple of str
        What is wrong with the form of its files; such a file gives no row.
    """

    days: Integers
    values: Floats
    part: Integers
    proxy: Booleans
    refused: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    absent: bool = False
    later: bool = False
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ColumnValues:
    """Numbers of some rows of one file, as it has them.

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
        finite = np.isfinite(values)
        return self.days[finite], values[finite]


@dataclass(frozen=True, kw_only=True)
class _FileRows:
    """Rows of one source as its file has them, by rising day, before repairs and refusals."""

    table: CsvTable
    rows: Integers
    days: Integers
    values: Floats


class DataFolder:
    """The files of one folder.

    Every file is opened once and every column that is asked for is parsed once, whoever asks.

    Parameters
    ----------
    folder : Path
    catalogue : Catalogue
        Tells which columns of a file any of its series needs; a file that lacks one of them gives
        none of these series.

    Examples
    --------
    >>> DataFolder(Path("no/such/folder")).files()
    []
    """

    def __init__(self, folder: Path, catalogue: Catalogue | None = None) -> None:
        self.folder = folder
        self._columns = _columns_by_path(catalogue or Catalogue())
        self._announced = {path: list(columns) for path, columns in self._columns.items()}
        self._contents: dict[str, bytes | None] = {}
        self._tables: dict[str, CsvTable] = {}
        self._computed: dict[tuple[str, Callable[[bytes], Any]], Any] = {}

    def announce(self, path: str, columns: Iterable[str]) -> None:
        """Announce columns of a file, to be parsed in the same pass as the first that is read.

        One that the file turns out not to have is no fault until it is read.
        """
        self._announced.setdefault(path, []).extend(columns)

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

    def header(self, path: str) -> tuple[str, ...]:
        """Names of the columns of a file, as its first line has them; empty where there is none."""
        content = self._contents.get(path)
        if content is not None:
            return header_of(content)
        try:
            with (self.folder / path).open("rb") as lines:
                return header_of(lines.readline())
        except OSError:
            return ()

    def hash(self) -> str:
        """SHA-256 over the sorted paths and digests of the files read so far."""
        digests = sorted(
            (path, hashlib.sha256(content).hexdigest())
            for path, content in self._contents.items()
            if content is not None
        )
        lines = "".join(f"{path}\0{digest}\n" for path, digest in digests)
        return hashlib.sha256(lines.encode()).hexdigest()

    def series(self, spec: SeriesSpec, now: int | None) -> SeriesRows:
        """Rows of one series up to `now`, repaired and spliced.

        A splice serves before the first day of the sources before it.

        Parameters
        ----------
        spec : SeriesSpec
        now : int or None
            Last day, since 1970-01-01; None for all rows.
        """
        main = self._source(spec, spec, 0, now)
        sources = [main]
        for number, part in enumerate(spec.splice, start=1):
            begins = [rows.days[0] for rows in sources if len(rows.days)]
            rows = self._source(spec, part, number, now)
            sources.append(_before(rows, int(min(begins)) if begins else None))
        sources.reverse()
        return SeriesRows(
            days=np.concatenate([rows.days for rows in sources]),
            values=np.concatenate([rows.values for rows in sources]),
            part=np.concatenate([rows.part for rows in sources]),
            proxy=np.concatenate([rows.proxy for rows in sources]),
            refused=tuple(text for rows in sources for text in rows.refused),
            repaired=main.repaired,
            absent=main.absent,
            later=main.later,
            faults=tuple(dict.fromkeys(text for rows in sources[::-1] for text in rows.faults)),
        )

    def columns(
        self,
        path: str,
        columns: Sequence[str],
        where: Mapping[str, str] | None = None,
        *,
        now: int | None = None,
        rising: bool = True,
        missing: Sequence[str] = (),
        thousands: str = "",
    ) -> ColumnValues | None:
        """Numbers of some columns of any file; None where it is absent or has no rows.

        Parameters
        ----------
        path : str
        columns : sequence of str
        where : mapping of str to str, optional
            Rows to keep, as column: text.
        now : int, optional
            Rows after this day (since 1970-01-01) are left out; None for none.
        rising : bool
            Whether dates that repeat or fall are refused.
        missing, thousands
            As `CsvTable.numbers`.

        Raises
        ------
        InvalidDataError
            If the file cannot be read, or as `parse_table`, `CsvTable.check_rising` and
            `CsvTable.numbers`.
        """
        table = self._table(path, [*columns, *(where or {})])
        if table is None:
            return None
        rows = _rows_until(table, where, now, rising)
        numbers = {
            column: table.numbers(column, rows, missing, thousands)
            for column in dict.fromkeys(columns)
        }
        return ColumnValues(days=table.days[rows], numbers=numbers)

    def texts(self, path: str, column: str) -> list[str]:
        """The different texts of a column, in the order of the file."""
        table = self._table(path, [column])
        if table is None:
            return []
        return [str(text) for text in pc.unique(table.columns[column]).to_pylist()]

    def dates(self, path: str, column: str, now: int | None = None) -> Integers:
        """A second column of dates, as days since 1970-01-01, of the rows up to `now`."""
        table = self._table(path, [column])
        if table is None:
            return np.zeros(0, dtype=np.int64)
        return table.dates(column, _rows_until(table, None, now, False))

    def computed(self, path: str, function: Callable[[bytes], T]) -> T:
        """A function of the bytes of a file, called once; an unreadable file counts as empty."""
        key = (path, function)
        if key not in self._computed:
            try:
                content = self._content(path)
            except InvalidDataError:
                content = None
            self._computed[key] = function(content or b"")
        result: T = self._computed[key]
        return result

    def _source(
        self, spec: SeriesSpec, part: SeriesSpec | SplicePart, number: int, now: int | None
    ) -> SeriesRows:
        try:
            rows = self._file_rows(part)
            if rows is None:
                return _no_rows(absent=self._contents.get(part.path) is None)
            repairs: Sequence[Repair] = spec.repairs if number == 0 else ()
            values, repaired = apply_repairs(repairs, rows.days, rows.values, self._replacement)
            return _valid_rows(replace(rows, values=values), repaired, spec, part, number, now)
        except InvalidDataError as error:
            return _no_rows(absent=False, faults=tuple(error.faults))

    def _file_rows(self, part: SeriesSpec | SplicePart) -> _FileRows | None:
        """Rows of one source; None where its file is absent or has no rows."""
        table = self._table(part.path, self._columns[part.path])
        if table is None:
            return None
        rows = np.flatnonzero(table.rows(part.where))
        table.check_rising(rows)
        values = table.numbers(part.column, rows, part.missing, part.thousands) * part.scale
        return _FileRows(table=table, rows=rows, days=table.days[rows], values=values)

    def _replacement(self, repair: Repair) -> tuple[Integers, Floats]:
        """Days and values of the file that a repair takes values from."""
        rows = self._file_rows(SplicePart(path=repair.path, column=repair.column))
        if rows is None:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        return rows.days, rows.values

    def _table(self, path: str, columns: Sequence[str]) -> CsvTable | None:
        """Some columns of a file; None where it is absent or has no rows."""
        content = self._content(path)
        if content is None:
            return None
        if path in self._tables:
            table = self._tables[path].with_columns(columns)
        else:
            first = self._parsed(content, path, columns)
            if first is None:
                return None
            table = first
        self._tables[path] = table
        return table

    def _parsed(self, content: bytes, path: str, columns: Sequence[str]) -> CsvTable | None:
        """These columns of a file, and those announced, as far as they can be parsed."""
        announced = self._announced.get(path, [])
        header = set(header_of(content)) if announced else set()
        together = [*columns, *(name for name in announced if name in header)]
        try:
            return parse_table(content, path, together)
        except InvalidDataError:
            return parse_table(content, path, columns)

    def _content(self, path: str) -> bytes | None:
        """Bytes of a file; None where it is absent."""
        if path not in self._contents:
            try:
                self._contents[path] = (self.folder / path).read_bytes()
            except FileNotFoundError:
                self._contents[path] = None
            except OSError as error:
                raise InvalidDataError(
                    f"{path}: cannot be read ({error.strerror}); it must be a readable file"
                ) from None
        return self._contents[path]


def available_series(
    catalogue: Catalogue, folder: Path | None, strict: Iterable[str] = ()
) -> Catalogue:
    """The catalogue without the series whose file is there but has no such column.

    Prices come in many forms, of which few have volumes or bars. What a config reads by itself must
    be there as the catalogue says; what is welcome beside it may be missing.

    Parameters
    ----------
    catalogue : Catalogue
    folder : Path or None
        Data folder; with None nothing is left out.
    strict : iterable of str
        Series that stay, and are refused by the source for a missing column, beside the required
        ones.

    Returns
    -------
    Catalogue
        Files that are no table stay in it: the source reports them.
    """
    if folder is None:
        return catalogue
    files = DataFolder(folder)
    kept = {*strict, *catalogue.required}
    headers = {
        path: files.header(path) for path in {spec.path for spec in catalogue.series.values()}
    }
    return Catalogue(
        series={
            name: spec
            for name, spec in catalogue.series.items()
            if name in kept or "date" not in headers[spec.path] or spec.column in headers[spec.path]
        }
    )


def _columns_by_path(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    needed: dict[str, dict[str, None]] = {}
    for spec in catalogue.series.values():
        for part in spec.parts:
            needed.setdefault(part.path, {}).update(
                dict.fromkeys([part.column, *(part.where or {})])
            )
        for repair in spec.repairs:
            if repair.path:
                needed.setdefault(repair.path, {})[repair.column] = None
    return {path: tuple(columns) for path, columns in needed.items()}


def _rows_until(
    table: CsvTable, where: Mapping[str, str] | None, now: int | None, rising: bool
) -> Integers:
    rows = np.flatnonzero(table.rows(where))
    if rising:
        table.check_rising(rows)
    return rows if now is None else rows[table.days[rows] <= now]


def _valid_rows(
    source: _FileRows,
    repaired: tuple[str, ...],
    spec: SeriesSpec,
    part: SeriesSpec | SplicePart,
    number: int,
    now: int | None,
) -> SeriesRows:
    """Rows of one source that count: what is after `now`, missing or impossible is left out."""
    until_now = np.ones(len(source.rows), dtype=bool) if now is None else source.days <= now
    present = np.flatnonzero(until_now & ~np.isnan(source.values))
    rows = source.rows[present]
    values = source.values[present]
    inside = np.isfinite(values) & (values >= spec.low) & (values <= spec.high)
    keep = inside & _same_unit(values, inside, spec.max_step)
    # Finding the line of a row takes a pass over the file, so only the first few are located.
    refused: list[str] = []
    for index in np.flatnonzero(~keep):
        location = source.table.location(int(rows[index])) if len(refused) < LOCATED else part.path
        reason = "has changed its unit"
        if not inside[index]:
            reason = f"is outside {spec.low:g}..{spec.high:g} {spec.unit}"
        refused.append(f"{location}: `{part.column}` {values[index]:g} {reason}")
    return SeriesRows(
        days=source.days[present[keep]],
        values=values[keep],
        part=np.full(int(keep.sum()), number),
        proxy=np.full(int(keep.sum()), isinstance(part, SplicePart) and part.proxy),
        refused=tuple(refused),
        repaired=repaired,
        later=not until_now.all(),
    )


def _same_unit(values: Floats, inside: Booleans, max_step: float | None) -> Booleans:
    """Mask of the values in the unit of the first: out from a step too large until one back."""
    good = np.flatnonzero(inside & (values > 0))
    if max_step is None or len(good) < 2:
        return np.ones(len(values), dtype=bool)
    steps = np.diff(np.log(values[good]))
    turns = np.zeros(len(values))
    turns[good[1:]] = np.where(np.abs(steps) > np.log(max_step), np.sign(steps), 0.0)
    return np.asarray(np.cumsum(turns) == 0)


def _before(rows: SeriesRows, end: int | None) -> SeriesRows:
    """Rows before a day; all of them where there is none."""
    keep = rows.days < end if end is not None else np.ones(len(rows.days), dtype=bool)
    return SeriesRows(
        days=rows.days[keep],
        values=rows.values[keep],
        part=rows.part[keep],
        proxy=rows.proxy[keep],
        refused=rows.refused,
        faults=rows.faults,
    )


def _no_rows(*, absent: bool, faults: tuple[str, ...] = ()) -> SeriesRows:
    empty = np.zeros(0, dtype=np.int64)
    return SeriesRows(
        days=empty,
        values=np.zeros(0),
        part=empty,
        proxy=np.zeros(0, dtype=bool),
        absent=absent,
        faults=faults,
    )
