"""Values that a market would not print.

Ticks that jump and come back, runs that do not move, prices below zero.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.sources.checks.findings import Finding, Floats, Integers, dated, iso, listed, plural

__all__ = [
    "bad_ticks",
    "changes_of",
    "frozen_runs",
    "local_scale",
    "negative_prices",
    "step_function",
]

TICK, RETURN = (
    8.0,
    0.3,
)  # robust sd of both jumps; share of the jump that may remain after the way back
WIDE, NARROW = (
    121,
    21,
)  # rows whose typical change is the scale: the calm around, and the storm itself
NORMAL = 0.6745  # median of |z| of a normal variable
CHANCE = 1e-3  # expected number of runs as long, by chance, that is called impossible
STEP = 0.9  # share of unchanged rows from which a series is a step function


def changes_of(values: Floats, changes: str) -> Floats:
    """Day-to-day changes: ratios in logs ("log".

    NaN beside a value that is not positive) or differences.

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


def bad_ticks(days: Integers, values: Floats, changes: str) -> list[Finding]:
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
        found = (
            (smaller > TICK * scale) & (there * back < 0) & (np.abs(there + back) < RETURN * larger)
        )
    rows = np.flatnonzero(found) + 1
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
    told = [
        f"{one['date']} {one['value']:g} between {one['before']:g} and {one['after']:g} "
        f"({one['sd']:g} sd)"
        for one in evidence
    ]
    return [
        Finding(
            check="bad_tick",
            severity="warning",
            count=len(rows),
            dates=dated(days[rows]),
            evidence=tuple(evidence),
            text=f"{plural(len(rows), 'value')} jumped and came back the next row: {listed(told, 6)}",
        )
    ]


def frozen_runs(days: Integers, values: Floats) -> list[Finding]:
    """Runs of one value too long to be chance, given how often the rows around repeat."""
    still = np.diff(values) == 0
    if len(still) < 20 or still.mean() > STEP:
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    total = np.cumsum(np.concatenate([[0], still]))
    found: list[tuple[int, int]] = []
    for start, length in zip(starts[lengths > 1], lengths[lengths > 1], strict=True):
        low, high = max(start - 250, 0), min(start + length + 250, len(still))
        around, repeats = high - low - length, total[high] - total[low] - length
        chance = (repeats + 1) / (around + 2)
        if len(still) * chance**length < CHANCE:
            found.append((int(start), int(length)))
    if not found:
        return []
    told = [
        f"{iso(days[start])} to {iso(days[start + length])} ({length + 1} rows of "
        f"{values[start]:g})"
        for start, length in sorted(found, key=lambda run: -run[1])
    ]
    return [
        Finding(
            check="frozen",
            severity="warning",
            count=len(found),
            dates=dated([int(days[start + 1]) for start, _ in found]),
            text=f"{plural(len(found), 'run')} of one value where it should move: {listed(told, 3)}",
        )
    ]


def step_function(days: Integers, values: Floats) -> list[Finding]:
    """A series that stands still on most rows: announced, not traded."""
    moved = np.diff(values) != 0
    if len(moved) < 250 or moved.mean() > 1 - STEP or not moved.any():
        return []
    last = iso(days[1:][moved][-1])
    return [
        Finding(
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
) -> list[Finding]:
    """Values at or below zero of a quantity whose changes are ratios.

    Real or not, no logarithm exists.

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
    told = [f"{values[row]:g} on {iso(days[row])}" for row in rows]
    return [
        Finding(
            check="negative",
            severity="warning",
            count=len(rows),
            dates=dated(days[rows]),
            evidence=tuple({"date": iso(days[row]), "value": float(values[row])} for row in rows),
            text=(
                f"{'negative' if (values[rows] < 0).all() else 'no positive'} price: "
                f"{listed(told, 6)}; allowed by the "
                f"range {low:g}..{high:g} {unit}, outside the usual, and without a logarithm"
            ),
        )
    ]
