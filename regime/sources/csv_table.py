"""One CSV file, read strictly: text columns with their dates, or every fault with its line."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pacsv

from regime.arrays import Booleans, Floats, Integers
from regime.errors import InvalidDataError

__all__ = ["CsvTable", "header_of", "parse_table"]


@dataclass(frozen=True, kw_only=True)
class CsvTable:
    """Text columns of one file, with its dates.

    Parameters
    ----------
    label : str
        How messages call the file.
    content : bytes
        The file, for line numbers in messages.
    days : ndarray of int64, shape (n,)
        Days since 1970-01-01 of column ``date``, in file order.
    columns : mapping of str to pyarrow array, each (n,)
        The other columns that were asked for, as text.
    """

    label: str
    content: bytes
    days: Integers
    columns: Mapping[str, Any]

    def with_columns(self, columns: Sequence[str]) -> CsvTable:
        """The same table with further columns; those that it has already are not parsed again.

        Parameters
        ----------
        columns : sequence of str

        Raises
        ------
        InvalidDataError
            As `parse_table`, of the further columns alone.
        """
        names = [name for name in dict.fromkeys(columns) if name not in self.columns]
        if not names:
            return self
        _check_header(_first_line(self.content), self.label, names)
        return replace(self, columns={**self.columns, **_read(self.content, self.label, names)})

    def rows(self, where: Mapping[str, str] | None) -> Booleans:
        """Mask of the rows whose columns equal the given texts."""
        mask = np.ones(len(self.days), dtype=bool)
        for column, text in (where or {}).items():
            mask &= pc.equal(self.columns[column], text).to_numpy(zero_copy_only=False)
        return mask

    def check_rising(self, rows: Integers) -> None:
        """Refuse dates that repeat or fall among these rows.

        Raises
        ------
        InvalidDataError
            Naming the first such line.
        """
        steps = np.diff(self.days[rows])
        if (steps > 0).all():
            return
        first = int(np.flatnonzero(steps <= 0)[0]) + 1
        rule = (
            "repeats: keep one row a date"
            if steps[first - 1] == 0
            else f"follows {_iso(self.days[rows[first - 1]])}: sort the file by date"
        )
        raise InvalidDataError(
            f"{self._line(int(rows[first]))}: date {_iso(self.days[rows[first]])} {rule}"
        )

    def numbers(
        self, column: str, rows: Integers, missing: Sequence[str] = (), thousands: str = ""
    ) -> Floats:
        """Values of a column; NaN where the file has nothing, "." or a declared missing code.

        Parameters
        ----------
        column : str
        rows : ndarray of int64
            Rows to take.
        missing : sequence of str
            Further texts that mean "no value"; nothing is guessed.
        thousands : str
            What stands between groups of three digits; empty for nothing.

        Returns
        -------
        ndarray of float64, shape (n_rows,)

        Raises
        ------
        InvalidDataError
            Naming the first line whose text is no number.
        """
        text = pc.utf8_trim_whitespace(self.columns[column].take(pa.array(rows)))
        absent = pc.is_in(text, value_set=pa.array(["", ".", *missing]))
        filled = pc.if_else(
            absent, pa.scalar(None, pa.string()), _ungrouped(text, thousands) if thousands else text
        )
        values = pc.cast(filled.slice(0, _convertible(filled, pa.float64())), pa.float64())
        # The text "NaN" converts, and would pass for a value that is not there.
        named = np.flatnonzero(pc.is_nan(values).fill_null(False).to_numpy(zero_copy_only=False))
        bad = int(named[0]) if named.size else len(values)
        if bad < len(rows):
            raise InvalidDataError(
                f"{self._line(int(rows[bad]))}: column `{column}`: `{text[bad].as_py()[:40]}` "
                "is no number; leave the field empty where there is no value"
            )
        return np.asarray(values.fill_null(np.nan).to_numpy(zero_copy_only=False))

    def dates(self, column: str, rows: Integers) -> Integers:
        """Another column of dates, as days since 1970-01-01.

        Raises
        ------
        InvalidDataError
            Naming the first line that is not of the form YYYY-MM-DD.
        """
        return _dates(self.columns[column].take(pa.array(rows)), self.label, self.content, column)

    def location(self, row: int) -> str:
        """File, line and date of a row, for messages."""
        return f"{self._line(row)}, {_iso(self.days[row])}"

    def _line(self, row: int) -> str:
        return f"{self.label}: line {_line_of(self.content, row)}"


def parse_table(content: bytes, label: str, columns: Sequence[str]) -> CsvTable | None:
    """Text columns and dates of one CSV file; None where it holds no rows.

    Parameters
    ----------
    content : bytes
        The whole file: UTF-8, one header line with a column ``date`` in the form YYYY-MM-DD.
    label : str
        How messages call it.
    columns : sequence of str
        The columns to keep beside ``date``.

    Raises
    ------
    InvalidDataError
        If it is HTML, no UTF-8, ragged, lacks a column, names one twice, or holds a date in another
        form.
    """
    if not content.strip():
        return None
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise InvalidDataError(
            f"{label}: line 1: a page of HTML, not CSV; the vendor refused: fetch the file again"
        )
    header = _first_line(content)
    _check_header(header, label, ["date", *columns])
    if not content[len(header) :].strip():
        return None
    arrays = _read(content, label, list(dict.fromkeys(["date", *columns])))
    return CsvTable(
        label=label,
        content=content,
        days=_dates(arrays.pop("date"), label, content),
        columns=arrays,
    )


def header_of(content: bytes) -> tuple[str, ...]:
    """Names of the columns of a CSV file, as the first line of its bytes has them."""
    return tuple(_fields(_first_line(content).decode("utf-8-sig", errors="replace")))


def _first_line(content: bytes) -> bytes:
    end = re.search(rb"[\r\n]", content)
    return content[: end.start()] if end else content


def _check_header(content: bytes, label: str, names: Sequence[str]) -> None:
    try:
        line = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidDataError(
            f"{label}: line 1: not UTF-8 text; save the file as UTF-8 CSV"
        ) from None
    header = _fields(line)
    twice = sorted({name for name in header if header.count(name) > 1})
    faults = [f"{label}: line 1: column `{name}` is named twice; keep one" for name in twice]
    faults += [
        f"{label}: line 1: no column `{name}`{_suggestion(name, header)}; the header is "
        f"`{line.strip()[:80]}`"
        for name in names
        if name not in header
    ]
    if faults:
        raise InvalidDataError(faults)


def _read(content: bytes, label: str, names: Sequence[str]) -> dict[str, Any]:
    """Text of some columns, by name."""
    convert = pacsv.ConvertOptions(
        include_columns=list(names),
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=False,
        check_utf8=True,
    )
    options = pacsv.ReadOptions(use_threads=False, block_size=max(len(content), 1 << 16))
    try:
        table = pacsv.read_csv(io.BytesIO(content), read_options=options, convert_options=convert)
    except pa.ArrowInvalid as error:
        raise InvalidDataError(
            _ragged(content, label) or f"{label}: not CSV: {' '.join(str(error).split())}"
        ) from None
    return {name: table.column(name).combine_chunks() for name in names}


def _ragged(content: bytes, label: str) -> str | None:
    """Message on the first line whose number of fields differs from the header's."""
    width = 0
    for number, line in _lines(content):
        fields = len(_fields(line))
        width = width or fields
        if fields != width:
            return (
                f"{label}: line {number}: {fields} fields where the header has {width}; correct "
                f"the line: `{line[:60]}`"
            )
    return None


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return [line]


def _dates(text: Any, label: str, content: bytes, column: str = "date") -> Integers:
    row = _convertible(text, pa.date32())
    if row < len(text):
        raise InvalidDataError(
            f"{label}: line {_line_of(content, row)}: {column} `{text[row].as_py()[:40]}` is not "
            "of the form YYYY-MM-DD; other forms are ambiguous"
        )
    days = pc.cast(pc.cast(text, pa.date32()), pa.int32())
    return np.asarray(days.to_numpy(zero_copy_only=False), dtype=np.int64)


def _ungrouped(text: Any, mark: str) -> Any:
    """Numbers without their marks between groups of three digits; others stay as they are."""
    grouped = pc.match_substring_regex(
        text, rf"^[+-]?[0-9]{{1,3}}({re.escape(mark)}[0-9]{{3}})+(\.[0-9]*)?$"
    )
    return pc.if_else(grouped, pc.replace_substring(text, mark, ""), text)


def _convertible(array: Any, kind: Any) -> int:
    """How many elements convert before the first that does not, by bisection."""
    low, high = 0, len(array)
    end = high
    while low < high:
        try:
            pc.cast(array.slice(low, end - low), kind)
            low = end
        except pa.ArrowInvalid:
            high = end - 1
        end = (low + high + 1) // 2
    return low


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    """Numbered lines that hold something: the reader skips empty ones, line numbers must not."""
    for number, line in enumerate(
        content.decode("utf-8-sig", errors="replace").splitlines(), start=1
    ):
        if line:
            yield number, line


def _line_of(content: bytes, row: int) -> int:
    return next(
        (number for position, (number, _) in enumerate(_lines(content)) if position == row + 1),
        row + 2,
    )


def _iso(day: np.int64) -> str:
    return str(np.datetime64(int(day), "D"))


def _suggestion(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" (is it `{near[0]}`?)" if near else ""
