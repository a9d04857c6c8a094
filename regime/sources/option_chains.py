"""One file of option quotes, read strictly: a plain table, or the two-sided page of Cboe."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from regime.errors import InvalidDataError, MissingDataError
from regime.sources.csv_table import CsvTable, header_of, parse_table

__all__ = ["parse_chain", "read_chain"]

ZONE, CLOSING = "America/New_York", pd.Timedelta(hours=16)
REQUIRED = ("spot", "expiry", "strike", "type", "open_interest")
OPTIONAL = ("underlying", "symbol", "bid", "ask", "iv")
SIDE = ("symbol", "last", "net", "bid", "ask", "volume", "iv", "delta", "gamma", "open_interest")
PAGE = ("expiry", *(f"call_{name}" for name in SIDE), "strike", *(f"put_{name}" for name in SIDE))
PAGE_HEADER = (
    "Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike,"
    "Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Roots under which an index's options trade beside its own.
WEEKLIES = {"SPXW": "SPX", "NDXP": "NDX", "RUTW": "RUT", "MRUTW": "MRUT", "VIXW": "VIX"}


def read_chain(path: Path) -> pd.DataFrame:
    """The options of one file; see `parse_chain`.

    Raises
    ------
    MissingDataError
        If there is no such file.
    InvalidDataError
        If it breaks a rule of its form.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; give an option chain with --chain FILE")
    return parse_chain(path.read_bytes(), path.name)


def parse_chain(content: bytes, label: str) -> pd.DataFrame:
    """The options of one file in either form, one row an option.

    The plain form has the columns date, spot, expiry, strike, type, open_interest, and iv or bid
    and ask; underlying and symbol as well where known; others are passed over. Cboe's form begins
    with the name and the last price of the underlying and the date and hour of the quotes.

    Parameters
    ----------
    content : bytes
    label : str
        How messages call it.

    Returns
    -------
    DataFrame, shape (n_options, 12)
        date, quoted (New York, without zone; NaT where the file has no hour), released (UTC),
        underlying, symbol, spot, expiry, strike, type ("C" or "P"), bid, ask, iv (NaN where the
        file has nothing), open_interest.

    Raises
    ------
    InvalidDataError
        Naming missing columns, and the first line of each column that breaks a rule.

    **Known at:** quotes with an hour at that hour, a date alone at 16:00 New York.
    """
    if not content.strip():
        raise InvalidDataError(f"{label}: the file is empty; fetch it again")
    head = content.lstrip(b"\xef\xbb\xbf").splitlines()[:12]
    page = any(line.strip().lower().startswith(b"expiration date,") for line in head) or any(
        line.strip().startswith((b'"Date:', b"Date:")) for line in head
    )
    return _page(content, label) if page else _plain(content, label)


def _plain(content: bytes, label: str) -> pd.DataFrame:
    header = header_of(content)
    names = [*REQUIRED, *(name for name in OPTIONAL if name in header)]
    table = parse_table(content, label, names)
    if "iv" not in header and not {"bid", "ask"} <= set(header):
        raise InvalidDataError(
            f"{label}: line 1: neither column `iv` nor both `bid` and `ask`: nothing gives a "
            "volatility"
        )
    if table is None:
        raise InvalidDataError(f"{label}: the file has a header and no rows; fetch it again")
    rows, faults = np.arange(len(table.days)), []
    columns: dict[str, object] = {"date": _days(table.days), "expiry": None}
    for name in ("spot", "strike", "open_interest", "bid", "ask", "iv"):
        columns[name], fault = _numbers(table, name, rows)
        faults += fault
    for name in ("underlying", "symbol"):
        columns[name] = (
            pc.utf8_trim_whitespace(table.columns[name]).to_pylist()
            if name in table.columns
            else ""
        )
    columns["type"], fault = _types(table)
    try:
        columns["expiry"] = _days(table.dates("expiry", rows))
    except InvalidDataError as error:
        faults += error.faults
    if faults or fault:
        raise InvalidDataError([*faults, *fault])
    return _frame(columns, pd.NaT)


def _numbers(
    table: CsvTable, name: str, rows: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[object, list[str]]:
    """A column and its first fault: text, a negative or a required value that is missing."""
    if name not in table.columns:
        return np.nan, []
    try:
        values = table.numbers(name, rows)
    except InvalidDataError as error:
        return np.nan, list(error.faults)
    strict = name in ("spot", "strike")
    bad = values <= 0 if strict else values < 0
    if name.removeprefix("call_").removeprefix("put_") in REQUIRED:
        bad = bad | ~np.isfinite(values)
    if not bad.any():
        return values, []
    row = int(np.flatnonzero(bad)[0])
    shown = "nothing" if np.isnan(values[row]) else f"{values[row]:g}"
    return values, [
        f"{table.location(row).split(', ')[0]}: column `{name}`: {shown}; it must be "
        f"{'above 0' if strict else 'at least 0'}"
    ]


def _types(table: CsvTable) -> tuple[object, list[str]]:
    text = pc.utf8_upper(pc.utf8_trim_whitespace(table.columns["type"]))
    letters = pc.replace_substring_regex(text, "^(C|P)(ALL|UT)?S?$", r"\1")
    bad = np.flatnonzero(
        ~pc.is_in(letters, value_set=pa.array(["C", "P"])).to_numpy(zero_copy_only=False)
    )
    if bad.size:
        row = int(bad[0])
        return letters, [
            f"{table.location(row).split(', ')[0]}: column `type`: `{text[row].as_py()[:20]}` is "
            "neither C nor P"
        ]
    return letters.to_pylist(), []


def _page(content: bytes, label: str) -> pd.DataFrame:
    text = content.decode("utf-8-sig", errors="replace")
    lines = text.splitlines()
    start = next(
        (i for i, line in enumerate(lines) if line.lower().startswith("expiration date,")), None
    )
    if start is None:
        raise InvalidDataError(
            f"{label}: no line begins with `Expiration Date`; the header of Cboe's form is "
            f"`{PAGE_HEADER}`"
        )
    _check_page_header(lines[start], f"{label}: line {start + 1}")
    spot, quoted = _heading(lines[:start], label)
    fields = [
        (number, row) for number, row in enumerate(csv.reader(lines[start + 1 :]), start + 2) if row
    ]
    ragged = next(((number, row) for number, row in fields if len(row) != len(PAGE)), None)
    if ragged is not None:
        raise InvalidDataError(
            f"{label}: line {ragged[0]}: {len(ragged[1])} fields where the header has {len(PAGE)}; "
            "the file is cut or was edited by hand: fetch it again"
        )
    if not fields:
        raise InvalidDataError(f"{label}: the file has a header and no options; fetch it again")
    expiry = pd.DatetimeIndex(
        [_page_date(row[0], f"{label}: line {number}") for number, row in fields]
    )
    days = expiry.to_numpy().astype("M8[D]").astype(np.int64)
    blanked = "\n" * start + "\n".join(
        lines[start:]
    )  # so that messages count lines as the file has them
    columns = {
        name: pa.array(column)
        for name, column in zip(PAGE, zip(*(row for _, row in fields), strict=True), strict=True)
    }
    table = CsvTable(label=label, content=blanked.encode(), days=days, columns=columns)
    return _two_sided(table, expiry, spot, quoted)


def _check_page_header(line: str, location: str) -> None:
    names, wanted = next(csv.reader([line])), PAGE_HEADER.split(",")
    if [name.strip().lower() for name in names] == [name.lower() for name in wanted]:
        return
    missing = [
        name
        for name in dict.fromkeys(wanted)
        if sum(column.strip().lower() == name.lower() for column in names) < wanted.count(name)
    ]
    raise InvalidDataError(
        f"{location}: the header is not Cboe's"
        + (f": column `{'`, `'.join(missing)}` missing" if missing else " in its order")
        + f"; it must be `{PAGE_HEADER}`"
    )


def _heading(lines: list[str], label: str) -> tuple[float, pd.Timestamp]:
    """Last price and hour of the quotes, from the lines above the header."""
    text = "\n".join(lines)
    last = re.search(r"Last:\s*([0-9.]+)", text)
    date = re.search(
        r"Date:\s*([A-Za-z]+) (\d{1,2}), (\d{4}) at (\d{1,2}):(\d{2}) ([AP])M E[DS]?T", text
    )
    faults = [] if last else [f"{label}: no `Last: PRICE` above the header; nothing gives the spot"]
    if date is None or date[1][:3].lower() not in MONTHS:
        faults.append(f"{label}: no `Date: September 14, 2023 at 4:31 PM EDT` above the header")
    if last is None or date is None or faults:
        raise InvalidDataError(faults)
    if not float(last[1]) > 0:
        raise InvalidDataError(
            f"{label}: the last price of the underlying is {last[1]}, must be above 0"
        )
    hour = int(date[4]) % 12 + (12 if date[6] == "P" else 0)
    return float(last[1]), pd.Timestamp(
        int(date[3]), MONTHS.index(date[1][:3].lower()) + 1, int(date[2]), hour, int(date[5])
    )


def _page_date(text: str, location: str) -> pd.Timestamp:
    match = re.fullmatch(r"\s*[A-Za-z]{3} ([A-Za-z]{3}) (\d{1,2}) (\d{4})\s*", text)
    try:
        if match is None:
            raise ValueError
        return pd.Timestamp(int(match[3]), MONTHS.index(match[1].lower()) + 1, int(match[2]))
    except ValueError:
        raise InvalidDataError(
            f"{location}: expiry `{text[:30]}` is not of the form Thu Sep 14 2023"
        ) from None


def _two_sided(
    table: CsvTable, expiry: pd.DatetimeIndex, spot: float, quoted: pd.Timestamp
) -> pd.DataFrame:
    rows, halves = np.arange(len(expiry)), []
    strike, faults = _numbers(table, "strike", rows)
    for side, letter in (("call", "C"), ("put", "P")):
        columns: dict[str, object] = {
            "date": quoted.normalize(),
            "expiry": expiry,
            "strike": strike,
            "spot": spot,
            "type": letter,
            "symbol": table.columns[f"{side}_symbol"].to_pylist(),
        }
        for name in ("bid", "ask", "iv", "open_interest"):
            columns[name], fault = _numbers(table, f"{side}_{name}", rows)
            faults = [*faults, *fault]
        halves.append(columns)
    if faults:
        raise InvalidDataError(faults)
    roots = {re.match("[A-Z]*", str(symbol))[0] for symbol in halves[0]["symbol"]}  # type: ignore[index, attr-defined]
    owners = {WEEKLIES.get(root, root) for root in roots}
    underlying = owners.pop() if len(owners) == 1 else ""
    return _frame(
        {
            name: np.concatenate(
                [np.broadcast_to(np.asarray(half[name]), len(expiry)) for half in halves]
            )
            for name in halves[0]
        }
        | {"underlying": underlying},
        quoted,
    )


def _frame(columns: dict[str, object], quoted: pd.Timestamp) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    known = frame["date"] + CLOSING if pd.isna(quoted) else pd.Series(quoted, index=frame.index)
    frame["quoted"] = pd.to_datetime(pd.Series(quoted, index=frame.index))
    frame["released"] = known.dt.tz_localize(ZONE).dt.tz_convert("UTC")
    return frame[
        [
            "date",
            "quoted",
            "released",
            "underlying",
            "symbol",
            "spot",
            "expiry",
            "strike",
            "type",
            "bid",
            "ask",
            "iv",
            "open_interest",
        ]
    ]


def _days(days: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(days.astype("M8[D]").astype("M8[us]"))
