"""The files of one folder, each opened once, and the rows of one series after splicing."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from regime.arrays import Booleans, Floats, Integers
from regime.errors import InvalidDataError
from regime.sources.catalogue import Catalogue, SeriesSpec, SplicePart
from regime.sources.csv_table import Table, parse_table
from regime.sources.quality.findings import Finding
from regime.sources.quality.values import check_form
from regime.sources.repairs import Repair, apply_repairs

__all__ = ["Archive", "Columns", "Raw", "Rows", "Shelf", "readable"]


PLACED = 20  # refused values that are told with their line


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Rows of one source as its file has them, by rising day, before anything is repaired or refused.

    Parameters
    ----------
    table : Table
        The file.
    rows : ndarray of int64, shape (n,)
        Their rows in the file.
    days : ndarray of int64, shape (n,)
        Days since 1970-01-01.
    values : ndarray of float64, shape (n,)
        In the unit of the series; NaN where the file has none.
    """

    table: Table
    rows: Integers
    days: Integers
    values: Floats


@dataclass(frozen=True, kw_only=True)
class Rows:
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
    """

    days: Integers
    values: Floats
    part: Integers
    proxy: Booleans
    refused: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    absent: bool = False
    later: bool = False


class Shelf:
    """Files of a folder, opened once each.

    Parameters
    ----------
    folder : Path
    catalogue : Catalogue
        Says which columns of a file any series needs.

    Attributes
    ----------
    faults : list of str
        What was wrong with the files so far.

    Examples
    --------
    >>> Shelf(Path("no/such/folder"), Catalogue()).faults
    []
    """

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self._columns = _columns_by_path(catalogue)
        self._tables: dict[str, Table | None] = {}
        self._digests: dict[str, str] = {}

    def read(self, spec: SeriesSpec, now: int | None) -> Rows:
        """Rows of one series up to `now` (days since 1970-01-01; None for all).

        Faults are collected.

        A splice serves before the first day of the sources before it.
        """
        main = self._part(spec, spec, 0, now)
        rows = [main]
        for number, part in enumerate(spec.splice, start=1):
            begun = [piece.days[0] for piece in rows if len(piece.days)]
            piece = self._part(spec, part, number, now)
            rows.append(_until(piece, int(min(begun)) if begun else None))
        rows.reverse()
        return Rows(
            days=np.concatenate([piece.days for piece in rows]),
            values=np.concatenate([piece.values for piece in rows]),
            part=np.concatenate([piece.part for piece in rows]),
            proxy=np.concatenate([piece.proxy for piece in rows]),
            refused=tuple(text for piece in rows for text in piece.refused),
            repaired=main.repaired,
            absent=main.absent,
            later=main.later,
        )

    def hash(self) -> str:
        """SHA-256 over the sorted paths and digests of the files read so far."""
        lines = "".join(f"{path}\0{digest}\n" for path, digest in sorted(self._digests.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    def raw(self, part: SeriesSpec | SplicePart) -> Raw | None:
        """Rows of one source as its file has them; None where it is absent or has no rows.

        Raises
        ------
        InvalidDataError
            If the file breaks a rule of form.
        """
        table = self._table(part.path)
        if table is None:
            return None
        rows = np.flatnonzero(table.rows(part.where))
        table.check_rising(rows)
        values = table.numbers(part.column, rows, part.missing, part.thousands) * part.scale
        return Raw(table=table, rows=rows, days=table.days[rows], values=values)

    def mended(self, raw: Raw, repairs: Sequence[Repair]) -> tuple[Raw, tuple[str, ...]]:
        """The rows after declared repairs, and what these did."""
        values, told = apply_repairs(repairs, raw.days, raw.values, self._lookup)
        return replace(raw, values=values), told

    def _lookup(self, repair: Repair) -> tuple[Integers, Floats]:
        source = self.raw(SplicePart(path=repair.path, column=repair.column))
        return (
            (np.zeros(0, dtype=np.int64), np.zeros(0))
            if source is None
            else (source.days, source.values)
        )

    def _part(
        self, spec: SeriesSpec, part: SeriesSpec | SplicePart, number: int, now: int | None
    ) -> Rows:
        try:
            raw = self.raw(part)
            if raw is None:
                return _none(part.path not in self._digests)
            raw, told = self.mended(raw, spec.repairs if number == 0 else ())
            return _rows(raw, told, spec, part, number, now)
        except InvalidDataError as error:
            self.faults.extend(error.faults)
            return _none(False)

    def _table(self, path: str) -> Table | None:
        """Content of a file; None where it is absent or has no rows."""
        if path not in self._tables:
            self._tables[path] = None
            content = self._bytes(path)
            if content is not None:
                self._digests[path] = hashlib.sha256(content).hexdigest()
                self._tables[path] = parse_table(content, path, self._columns[path])
        return self._tables[path]

    def _bytes(self, path: str) -> bytes | None:
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidDataError(
                f"{path}: cannot be read ({error.strerror}); it must be a readable file"
            ) from None


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


def _rows(
    raw: Raw,
    told: tuple[str, ...],
    spec: SeriesSpec,
    part: SeriesSpec | SplicePart,
    number: int,
    now: int | None,
) -> Rows:
    """Rows of one source that count: what is after `now`, missing or impossible is left out."""
    known = np.ones(len(raw.rows), dtype=bool) if now is None else raw.days <= now
    present = np.flatnonzero(known & ~np.isnan(raw.values))
    rows, values = raw.rows[present], raw.values[present]
    inside = np.isfinite(values) & (values >= spec.low) & (values <= spec.high)
    same = _same_unit(values, inside, spec.max_step)
    keep = inside & same
    odd = np.flatnonzero(~keep)
    # Finding the line of a row takes a pass over the file, so only the first few are placed.
    refused = [
        (raw.table.place(int(rows[one])) if place < PLACED else part.path)
        + f": `{part.column}` {values[one]:g} "
        + (
            f"is outside {spec.low:g}..{spec.high:g} {spec.unit}"
            if not inside[one]
            else "has changed its unit"
        )
        for place, one in enumerate(odd)
    ]
    return Rows(
        days=raw.days[present[keep]],
        values=values[keep],
        part=np.full(int(keep.sum()), number),
        proxy=np.full(int(keep.sum()), isinstance(part, SplicePart) and part.proxy),
        refused=tuple(refused),
        repaired=told,
        later=not known.all(),
    )


def _same_unit(values: Floats, inside: Booleans, max_step: float | None) -> Booleans:
    """Mask of the values in the unit of the first.

    Out from a step too large for the quantity until one back.
    """
    good = np.flatnonzero(inside & (values > 0))
    if max_step is None or len(good) < 2:
        return np.ones(len(values), dtype=bool)
    steps = np.diff(np.log(values[good]))
    turns = np.zeros(len(values))
    turns[good[1:]] = np.where(np.abs(steps) > np.log(max_step), np.sign(steps), 0.0)
    return np.asarray(np.cumsum(turns) == 0)


def _until(rows: Rows, end: int | None) -> Rows:
    """Rows before a day; all of them where there is none."""
    keep = rows.days < end if end is not None else np.ones(len(rows.days), dtype=bool)
    return Rows(
        days=rows.days[keep],
        values=rows.values[keep],
        part=rows.part[keep],
        proxy=rows.proxy[keep],
        refused=rows.refused,
    )


def _none(absent: bool) -> Rows:
    nothing = np.zeros(0, dtype=np.int64)
    return Rows(
        days=nothing, values=np.zeros(0), part=nothing, proxy=np.zeros(0, dtype=bool), absent=absent
    )


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


def readable(catalogue: Catalogue, folder: Path | None, strict: Iterable[str] = ()) -> Catalogue:
    """The catalogue without the series whose file is there but has no such column.

    As if they were not there.

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
        Files that are no table stay in it: the source tells of them.
    """
    if folder is None:
        return catalogue
    kept, paths = {*strict, *catalogue.required}, {spec.path for spec in catalogue.series.values()}
    headers = {path: _header(folder / path) for path in paths if (folder / path).is_file()}
    return Catalogue(
        series={
            name: spec
            for name, spec in catalogue.series.items()
            if name in kept
            or "date" not in headers.get(spec.path, ())
            or spec.column in headers[spec.path]
        }
    )


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        return next(csv.reader(lines), [])
