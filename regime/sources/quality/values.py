"""Values that a market would not print, changes of unit, and files of a broken form.

Ticks that jump and come back, runs that do not move, prices below zero; a power of ten between two
rows of one series, or one factor in every column of a table; encoding and width of lines.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.sources.quality.findings import DataFinding, dated, iso, listed, plural

__all__ = [
    "bad_ticks",
    "changes_of",
    "check_file_format",
    "common_factor",
    "frozen_runs",
    "local_scale",
    "negative_prices",
    "power_of_ten",
    "step_function",
]


TICK = 8.0  # robust sd of both jumps
RETURN = 0.3  # share of the jump that may remain after the way back
# Rows whose typical change is the scale: the calm around, and the storm itself.
WIDE = 121
NARROW = 21
NORMAL = 0.6745  # median of |z| of a normal variable
CHANCE = 1e-3  # expected number of runs as long, by chance, that is called impossible
STEP = 0.9  # share of unchanged rows from which a series is a step function
# Changes of unit.
JUMP = 8.0  # robust sd of the ordinary steps
BEYOND = 2.5  # times the largest of 49 in 50 of the ordinary steps
ROWS = 5  # rows before and after whose medians must differ by the step as well
POWERS = np.log(10.0) * np.arange(1, 10)
WILD = 0.05  # share of rows that double or halve from which a series cannot be judged
NEAR_POWER = 0.1  # largest distance of a step from a power, in logs
CLOSE = 0.3  # largest distance of the levels around from the step, in logs
ALIKE = 0.25  # largest distance of the columns from each other, in logs
LEAST = np.log(1.8)  # smallest common factor
CONTRACTS = np.array([2, 3, 4, 5, 8, 10, 20, 25, 50, 100, 1000], dtype=np.float64)
# Byte-order marks.
WIDE_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
MARK = b"\xef\xbb\xbf"


def changes_of(values: Floats, changes: str) -> Floats:
    """Day-to-day changes: differences, or log ratios ("log") with NaN beside a value <= 0.

    Returns
    -------
    ndarray of float64, shape (n - 1,)
    """
    if changes == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(values > 0, np.log(values), np.nan)
    return np.diff(values)


def local_scale(moves: Floats) -> Floats:
    """Typical size of the changes around each row, as a robust standard deviation.

    The larger of two centred medians, over half a year and over a month, so that a storm is
    measured by itself; and of the changes that are not zero, so that one tick of a quiet price is
    no event.

    Returns
    -------
    ndarray of float64, shape (n,)
        Infinite where too little is known to judge.
    """
    sizes = pd.Series(np.abs(moves))
    moved = sizes.where(sizes > 0)
    medians = [
        sizes.rolling(NARROW, center=True, min_periods=NARROW // 2).median(),
        moved.rolling(WIDE, center=True, min_periods=5).median(),
    ]
    scale = np.fmax(*(median.to_numpy(dtype=np.float64) for median in medians)) / NORMAL
    return np.asarray(np.nan_to_num(scale, nan=np.inf))


def bad_ticks(days: Integers, values: Floats, changes: str) -> list[DataFinding]:
    """Values that jump by more than 8 robust sd and come back by as much on the next row.

    Parameters
    ----------
    days, values : ndarray, shape (n,)
        Finite values by rising day.
    changes : {"log", "linear"}
    """
    moves = changes_of(values, changes)
    if len(moves) < NARROW:
        return []
    there, back = moves[:-1], moves[1:]
    scale = local_scale(moves)
    scale = np.fmax(scale[:-1], scale[1:])
    smaller, larger = np.fmin(np.abs(there), np.abs(back)), np.fmax(np.abs(there), np.abs(back))
    with np.errstate(invalid="ignore"):
        ticks = (
            (smaller > TICK * scale) & (there * back < 0) & (np.abs(there + back) < RETURN * larger)
        )
    rows = np.flatnonzero(ticks) + 1
    if not len(rows):
        return []
    evidence: list[dict[str, float | str]] = [
        {
            "date": iso(days[row]),
            "before": float(values[row - 1]),
            "value": float(values[row]),
            "after": float(values[row + 1]),
            "sd": round(float(smaller[row - 1] / scale[row - 1]), 1),
        }
        for row in rows
    ]
    examples = [
        f"{item['date']} {item['value']:g} between {item['before']:g} and {item['after']:g} "
        f"({item['sd']:g} sd)"
        for item in evidence
    ]
    return [
        DataFinding(
            check="bad_tick",
            severity="warning",
            count=len(rows),
            dates=dated(days[rows]),
            evidence=tuple(evidence),
            text=(
                f"{plural(len(rows), 'value')} jumped and came back on the next row: "
                f"{listed(examples, 6)}"
            ),
        )
    ]


def frozen_runs(days: Integers, values: Floats) -> list[DataFinding]:
    """Runs of one value too long to be chance, given how often the rows around repeat."""
    still = np.diff(values) == 0
    if len(still) < 20 or still.mean() > STEP:
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    total = np.cumsum(np.concatenate([[0], still]))
    runs: list[tuple[int, int]] = []
    for start, length in zip(starts[lengths > 1], lengths[lengths > 1], strict=True):
        low, high = max(start - 250, 0), min(start + length + 250, len(still))
        around, repeats = high - low - length, total[high] - total[low] - length
        chance = (repeats + 1) / (around + 2)
        if len(still) * chance**length < CHANCE:
            runs.append((int(start), int(length)))
    if not runs:
        return []
    examples = [
        f"{iso(days[start])} to {iso(days[start + length])} ({length + 1} rows of "
        f"{values[start]:g})"
        for start, length in sorted(runs, key=lambda run: -run[1])
    ]
    return [
        DataFinding(
            check="frozen",
            severity="warning",
            count=len(runs),
            dates=dated([int(days[start + 1]) for start, _ in runs]),
            text=(
                f"{plural(len(runs), 'run')} of one value where it should move: "
                f"{listed(examples, 3)}"
            ),
        )
    ]


def step_function(days: Integers, values: Floats) -> list[DataFinding]:
    """A series that stands still on most rows: announced, not traded."""
    moved = np.diff(values) != 0
    if len(moved) < 250 or moved.mean() > 1 - STEP or not moved.any():
        return []
    last = iso(days[1:][moved][-1])
    return [
        DataFinding(
            check="step_function",
            severity="note",
            count=int(moved.sum()),
            dates=dated(days[1:][moved]),
            text=(
                f"a step function: {plural(int(moved.sum()), 'change')} in {len(values):,} rows, "
                f"the last on {last}"
            ),
        )
    ]


def negative_prices(
    days: Integers, values: Floats, low: float, high: float, unit: str
) -> list[DataFinding]:
    """Values at or below zero of a quantity whose changes are ratios: they have no logarithm.

    Parameters
    ----------
    days, values : ndarray, shape (n,)
    low, high : float
        Bounds that allow them.
    unit : str
    """
    rows = np.flatnonzero(values <= 0)
    if not len(rows):
        return []
    examples = [f"{values[row]:g} on {iso(days[row])}" for row in rows]
    return [
        DataFinding(
            check="negative",
            severity="warning",
            count=len(rows),
            dates=dated(days[rows]),
            evidence=tuple({"date": iso(days[row]), "value": float(values[row])} for row in rows),
            text=(
                f"{'negative' if (values[rows] < 0).all() else 'zero or negative'} price: "
                f"{listed(examples, 6)}; allowed by the range {low:g}..{high:g} {unit}, but "
                "unusual and without a logarithm"
            ),
        )
    ]


def power_of_ten(days: Integers, values: Floats, unit: str, least: int = 2) -> list[DataFinding]:
    """Steps by a hundred, a thousand ... that last: the publisher has changed the unit.

    A series that takes such steps by itself, as usage does that is nothing on most days, cannot be
    judged and gives nothing, nor does item with negative values.

    Parameters
    ----------
    days, values : ndarray, shape (n,)
        Finite values by rising day.
    unit : str
    least : int
        Smallest power of ten to look for.
    """
    good = np.flatnonzero(values > 0)
    if len(good) < 4 * ROWS or (values < 0).any():
        return []
    levels = np.log(values[good])
    steps = np.diff(levels)
    sizes = np.abs(steps)
    if (sizes > np.log(2.0)).mean() > WILD:
        return []
    large = max(
        JUMP * float(np.median(sizes)) / 0.6745,
        BEYOND * float(np.quantile(sizes, 0.98, method="lower")),
    )
    distance = np.abs(sizes[:, None] - POWERS[least - 1 :]).min(axis=1)
    rows = [
        int(row) + 1
        for row in np.flatnonzero((sizes > large) & (distance <= NEAR_POWER))
        if _lasts(levels[:, None], int(row), float(steps[row]))
    ]
    if not rows:
        return []
    evidence: list[dict[str, float | str]] = [
        {
            "date": iso(days[good[row]]),
            "factor": _factor(steps[row - 1]),
            "before": float(values[good[row - 1]]),
            "value": float(values[good[row]]),
        }
        for row in rows
    ]
    examples = [
        f"from {item['date']} on multiplied by {item['factor']:g} ({item['before']:g}, then "
        f"{item['value']:g} {unit})"
        for item in evidence
    ]
    return [
        DataFinding(
            check="unit_break",
            severity="fault",
            count=len(rows),
            dates=dated(days[good[rows]]),
            evidence=tuple(evidence),
            text=f"the unit has changed: {listed(examples, 3)}; declare a repair `scale`",
        )
    ]


def _factor(step: float) -> float:
    """The power of ten next to a step in logs."""
    return float(10.0 ** np.round(step / np.log(10.0)))


def _lasts(levels: Floats, row: int, step: float) -> bool:
    """Whether the level of the rows around differs by the step too, in the mean of the columns."""
    before, after = levels[max(row + 1 - ROWS, 0) : row + 1], levels[row + 1 : row + 1 + ROWS]
    if len(after) < ROWS:
        return False
    moved = np.nanmedian(after, axis=0) - np.nanmedian(before, axis=0)
    return bool(abs(float(np.nanmean(moved)) - step) < CLOSE * max(1.0, abs(step) / 2))


def common_factor(
    days: Integers, columns: Sequence[Floats], names: Sequence[str]
) -> list[DataFinding]:
    """Rows from which every column is larger, or smaller, by one lasting factor of 1.8 and more.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
    columns : sequence of ndarray of float64, each (n,)
        Two or more columns counted in one unit; signs do not matter, NaN and zero are left out.
    names : sequence of str
    """
    if len(columns) < 2 or len(days) < 4 * ROWS:
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = np.log(np.abs(np.column_stack(columns)))
    levels[~np.isfinite(levels)] = np.nan
    steps = np.diff(levels, axis=0)
    whole = np.isfinite(steps).all(axis=1)
    middle = np.where(whole, np.median(np.nan_to_num(steps), axis=1), 0.0)
    spread = np.where(whole, np.abs(np.nan_to_num(steps) - middle[:, None]).max(axis=1), np.inf)
    usual = float(np.median(np.abs(middle[whole]))) / 0.6745 if whole.any() else np.inf
    rows = [
        int(row)
        for row in np.flatnonzero((np.abs(middle) > max(JUMP * usual, LEAST)) & (spread < ALIKE))
        if _lasts(levels, int(row), float(middle[row]))
    ]
    if not rows:
        return []
    evidence: list[dict[str, float | str]] = [
        {
            "date": iso(days[row + 1]),
            "factor": _round_factor(float(np.exp(middle[row]))),
            **{
                name: round(float(np.exp(step)), 2)
                for name, step in zip(names, steps[row], strict=True)
            },
        }
        for row in rows
    ]
    examples = [
        f"{item['date']} on multiplied by {item['factor']:g} "
        f"({', '.join(f'{item[name]:g} in {name}' for name in names)})"
        for item in evidence
    ]
    return [
        DataFinding(
            check="unit_break",
            severity="fault",
            count=len(rows),
            dates=dated(days[np.array(rows) + 1]),
            evidence=tuple(evidence),
            text=(
                f"the unit has changed: from {listed(examples, 3)}; shares stay right, levels do "
                "not; declare a repair `scale`"
            ),
        )
    ]


def _round_factor(factor: float) -> float:
    """The usual contract size within a tenth of a factor, or of one over it; else the factor."""
    up = max(factor, 1 / factor)
    whole = float(CONTRACTS[np.argmin(np.abs(np.log(CONTRACTS / up)))])
    if abs(up / whole - 1) > 0.1:
        return round(factor, 2)
    return whole if factor > 1 else 1 / whole


def check_file_format(content: bytes) -> list[DataFinding]:
    """What is wrong with the format of a CSV file, before its dates and numbers are read.

    Parameters
    ----------
    content : bytes
        The whole file.
    """
    if not content.strip():
        return []
    for mark, name in WIDE_MARKS.items():
        if content.startswith(mark):
            return [_fault("encoding", f"written in {name}; save the file as UTF-8")]
    if b"\x00" in content:
        return [
            _fault(
                "encoding",
                f"{plural(content.count(0), 'NUL byte')}; the file is damaged: fetch it again",
            )
        ]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [
            _fault(
                "encoding",
                f"line {line}: byte 0x{content[error.start]:02x} is not valid UTF-8; save the file "
                "as UTF-8",
            )
        ]
    if text.lstrip().startswith("<"):
        return [_fault("html", "a page of HTML, not CSV; the vendor refused: fetch the file again")]
    findings = (
        []
        if not content.startswith(MARK)
        else [
            DataFinding(
                check="byte_order_mark",
                severity="note",
                text="begins with a byte-order mark, which is skipped",
            )
        ]
    )
    return findings + _widths(text) + _end(text)


def _fault(check: str, text: str) -> DataFinding:
    return DataFinding(check=check, severity="fault", text=text)


def _widths(text: str) -> list[DataFinding]:
    """Lines whose number of fields is not the header's; a short last line is a cut one."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line]
    width = _fields(lines[0][1])
    odd = [(number, fields) for number, line in lines if (fields := _fields(line)) != width]
    if not odd:
        return []
    if len(odd) == 1 and odd[0][0] == lines[-1][0] and odd[0][1] < width:
        return [
            _fault(
                "torn",
                f"line {odd[0][0]}: the last line has {odd[0][1]} of {width} fields: the file was "
                "cut",
            )
        ]
    examples = [f"line {number} has {fields}" for number, fields in odd]
    return [
        DataFinding(
            check="ragged",
            severity="fault",
            count=len(odd),
            text=(
                f"{plural(len(odd), 'line')} with another number of fields than the header's "
                f"{width}: {listed(examples, 3)}"
            ),
        )
    ]


def _fields(line: str) -> int:
    if '"' not in line:
        return line.count(",") + 1
    try:
        return len(next(csv.reader([line]), []))
    except csv.Error:
        return 1


def _end(text: str) -> list[DataFinding]:
    if text.endswith(("\n", "\r")):
        return []
    return [
        DataFinding(
            check="no_newline",
            severity="warning",
            text=(
                f"the last line `{text.splitlines()[-1][:60]}` has no line break at its end: "
                "the file may have been cut inside its last field"
            ),
        )
    ]
