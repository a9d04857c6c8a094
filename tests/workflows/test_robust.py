"""Folders spoilt at random.

A typed error or a right answer, never a traceback, never a silent change.

REGIME_TORTURE=1 runs the full count.
"""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.errors import RegimeError
from regime.parallel import NoProgress
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import load_settings
from regime.sources.catalogue import load_catalogue

CASES = 600 if os.environ.get("REGIME_TORTURE") else 60
Spoil = Callable[[Path, random.Random], None]


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def put(path: Path, lines: list[str], end: str = "\n") -> None:
    path.write_bytes((end.join(lines) + end).encode())


def shuffle_columns(path: Path, draw: random.Random) -> None:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    order = list(table.columns)
    draw.shuffle(order)
    table[order].to_csv(path, index=False)


def windows_lines(path: Path, draw: random.Random) -> None:
    put(path, lines_of(path), "\r\n")


def byte_order_mark(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def quotes(path: Path, draw: random.Random) -> None:
    put(path, [",".join(f'"{field}"' for field in line.split(",")) for line in lines_of(path)])


def extra_column(path: Path, draw: random.Random) -> None:
    head, *rows = lines_of(path)
    put(path, [f"{head},comment", *(f"{row},x" for row in rows)])


def drop_file(path: Path, draw: random.Random) -> None:
    path.unlink()


def drop_rows(path: Path, draw: random.Random) -> None:
    head, *rows = lines_of(path)
    put(path, [head, *(row for row in rows if draw.random() > 0.05)])


def no_rows(path: Path, draw: random.Random) -> None:
    put(path, lines_of(path)[:1])


def rename_column(path: Path, draw: random.Random) -> None:
    head, *rows = lines_of(path)
    put(path, [head.replace(head.split(",")[-1], "something"), *rows])


def repeat_row(path: Path, draw: random.Random) -> None:
    lines = lines_of(path)
    place = draw.randrange(1, len(lines))
    put(path, [*lines[:place], lines[place], *lines[place:]])


def swap_rows(path: Path, draw: random.Random) -> None:
    lines = lines_of(path)
    place = draw.randrange(1, len(lines) - 1)
    lines[place], lines[place + 1] = lines[place + 1], lines[place]
    put(path, lines)


def value(text: str) -> Spoil:
    def spoil(path: Path, draw: random.Random) -> None:
        head, *rows = lines_of(path)
        place, column = draw.randrange(len(rows)), head.split(",").index("date") + 1
        fields = rows[place].split(",")
        # The last column holds the number in every table that the fixture writes.
        fields[max(column, len(fields) - 1)] = text
        put(path, [head, *rows[:place], ",".join(fields), *rows[place + 1 :]])

    spoil.__name__ = f"value_{text[:12]}"
    return spoil


def date(form: str) -> Spoil:
    def spoil(path: Path, draw: random.Random) -> None:
        head, *rows = lines_of(path)
        place = draw.randrange(len(rows))
        day, _, rest = rows[place].partition(",")
        rows[place] = f"{pd.Timestamp(day).strftime(form)},{rest}"
        put(path, [head, *rows])

    spoil.__name__ = f"date_{form}"
    return spoil


def bytes_instead(content: bytes) -> Spoil:
    def spoil(path: Path, draw: random.Random) -> None:
        path.write_bytes(content)

    spoil.__name__ = f"bytes_{content[:6]!r}"
    return spoil


def wide_characters(path: Path, draw: random.Random) -> None:
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))


def stray_byte(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] = 0xFF
    path.write_bytes(bytes(content))


def semicolons(path: Path, draw: random.Random) -> None:
    path.write_text(path.read_text().replace(",", ";"))


def torn(path: Path, draw: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(len(content) // 2, len(content) - 1)])


# What may be changed without a word; what must be refused or named; what takes rows away.
NEUTRAL = (shuffle_columns, windows_lines, byte_order_mark, quotes, extra_column)
FAULTY = (
    repeat_row,
    swap_rows,
    value("abc"),
    value("inf"),
    value("-inf"),
    value("1e300"),
    value("-1e300"),
    value("nan?"),
    value("1.234,5"),
    value("<script>alert(1)</script>"),
    date("%d/%m/%Y"),
    date("%Y-%m-%dT00:00:00Z"),
    date("%Y-%m-%d 16:00"),
    bytes_instead(b""),
    bytes_instead(b"\x00" * 64),
    bytes_instead(b"<html>busy</html>"),
    wide_characters,
    stray_byte,
    semicolons,
    rename_column,
    no_rows,
    drop_file,
)
LESS = (drop_rows, torn)


@pytest.fixture(scope="module")
def settings():
    return load_settings("us_macro.yaml", ["start=2006-01-02", "tracking=NullTracker"])


@pytest.fixture(scope="module")
def clean(settings, simulated_folder: Path) -> MarketData:
    return read_market_data(settings, simulated_folder, NoProgress())


def said(market_data: MarketData, clean: MarketData) -> set[str]:
    """Series of which the reading says something else than on the clean folder."""
    return {
        name
        for name, status in market_data.reading.status.items()
        if status != clean.reading.status[name]
    }


def moved(market_data: MarketData, clean: MarketData) -> set[str]:
    """Series of which any value that was known at a close changed, or went missing."""
    ours, theirs = market_data.panel.values, clean.panel.values
    if not ours.index.equals(theirs.index):
        return {"sp500"}
    return {name for name in theirs if not np.array_equal(ours[name], theirs[name], equal_nan=True)}


@pytest.mark.parametrize("case", range(CASES))
def test_spoilt_folder(
    case: int, settings, clean: MarketData, simulated_folder: Path, tmp_path: Path
) -> None:
    draw = random.Random(case)
    folder = Path(shutil.copytree(simulated_folder, tmp_path / "data"))
    kind = draw.choice((NEUTRAL, FAULTY, FAULTY, LESS))
    spoil, path = draw.choice(kind), draw.choice(sorted(folder.rglob("*.csv")))
    spoil(path, draw)
    where = path.relative_to(folder).as_posix()
    names = {name for name, spec in load_catalogue().series.items() if spec.path == where}
    try:
        market_data = read_market_data(settings, folder, NoProgress())
    except RegimeError as error:
        assert kind is not NEUTRAL, f"{spoil.__name__} on {where} is harmless: {error}"
        assert Path(where).name in str(error), f"the message must name the file: {error}"
        assert error.exit_code in (3, 4)
        return
    changed = moved(market_data, clean)
    if kind is NEUTRAL:
        assert not changed and not said(market_data, clean)
    else:
        assert changed <= names | ({"sp500"} if "sp500" in names else set()) or "sp500" in names
        assert not changed or said(market_data, clean), (
            f"{spoil.__name__} on {where} changed {changed} in silence"
        )
