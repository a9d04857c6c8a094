"""One quantity from two sources: values that differ, and series that move in opposite ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from regime.arrays import Floats, Integers
from regime.sources.quality.findings import DataFinding, dated, iso, listed, plural
from regime.sources.quality.values import changes_of

__all__ = ["check_direction", "compare_with_reference", "confirm_ticks"]

NEAR = 10  # days within which a reference must have a row to be compared
OPPOSITE = -0.3  # correlation of changes from which two series are quoted opposite ways


def compare_with_reference(
    days: Integers,
    values: Floats,
    other: tuple[Integers, Floats],
    name: str,
    tolerance: float,
    *,
    changes: str,
    neighbours: bool,
) -> list[DataFinding]:
    """Values outside what a reference had on the day and its neighbours by more than a tolerance.

    The neighbours of the day serve where the two are not taken at one hour: whatever moved in
    between is inside their band.

    Parameters
    ----------
    days, values : ndarray, shape (n,)
        Finite values by rising day.
    other : tuple of ndarray, each (m,)
        Days and values of the reference, in the same unit.
    name : str
        How the reference is called.
    tolerance : float
        Largest distance: a fraction where `changes` is "log", in the unit otherwise.
    changes : {"log", "linear", "none"}
    neighbours : bool
        Whether the reference's rows before and after the day count too.
    """
    if not len(days) or not len(other[0]):
        return []
    low, high, excess = _compared(days, values, other, changes, neighbours)
    rows = np.flatnonzero(np.abs(np.nan_to_num(excess)) > tolerance)
    if not len(rows):
        return []
    rows = rows[np.argsort(-np.abs(excess[rows]), kind="stable")]
    evidence: list[dict[str, float | str]] = [
        {
            "date": iso(days[row]),
            "value": float(values[row]),
            "low": float(low[row]),
            "high": float(high[row]),
            "excess": round(float(excess[row]), 4),
        }
        for row in rows
    ]
    examples = [
        f"{iso(days[row])} {values[row]:g} against {_range(low[row], high[row])} "
        f"({_distance(excess[row], changes == 'log')})"
        for row in rows
    ]
    compared = int(np.isfinite(excess).sum())
    return [
        DataFinding(
            check="cross_series",
            severity="warning",
            count=len(rows),
            dates=dated(np.sort(days[rows])),
            evidence=tuple(evidence),
            text=(
                f"{plural(len(rows), 'value')} of {compared:,} compared deviating from {name} by "
                f"more than {_size(tolerance, changes == 'log')}: {listed(examples, 8)}"
            ),
        )
    ]


def confirm_ticks(
    ticks: DataFinding,
    days: Integers,
    values: Floats,
    other: tuple[Integers, Floats],
    name: str,
    tolerance: float,
    *,
    changes: str,
    neighbours: bool,
) -> DataFinding:
    """The finding on bad ticks, as a note where the reference has all of them: events, not faults.

    Parameters
    ----------
    ticks : DataFinding
    days, values, other, name, tolerance, changes, neighbours
        As `compare_with_reference`.
    """
    if not len(days) or not len(other[0]):
        return ticks
    excess = _compared(days, values, other, changes, neighbours)[2]
    agreed = {
        iso(day) for day in days[np.isfinite(excess) & (np.abs(np.nan_to_num(excess)) <= tolerance)]
    }
    if not set(ticks.dates) <= agreed:
        return ticks
    return replace(ticks, severity="note", text=f"{ticks.text}; {name} has the same")


def _compared(
    days: Integers, values: Floats, other: tuple[Integers, Floats], changes: str, neighbours: bool
) -> tuple[Floats, Floats, Floats]:
    """Band of the reference around each day, and how far the value is outside it."""
    low, high = _band(days, *other, neighbours)
    return low, high, _excess(values, low, high, changes == "log")


def _band(
    days: Integers, other_days: Integers, numbers: Floats, neighbours: bool
) -> tuple[Floats, Floats]:
    """Lowest and highest value of the reference on each day, and on the rows beside it.

    NaN where it has none near.
    """
    position = np.searchsorted(other_days, days)
    exact = other_days[np.minimum(position, len(other_days) - 1)] == days
    low, high = np.full(len(days), np.inf), np.full(len(days), -np.inf)
    for at, use in ((position, exact), (position - 1, neighbours), (position + exact, neighbours)):
        there = np.clip(at, 0, len(other_days) - 1)
        near = use & (at == there) & (np.abs(other_days[there] - days) <= NEAR)
        low = np.where(near, np.fmin(low, numbers[there]), low)
        high = np.where(near, np.fmax(high, numbers[there]), high)
    return np.where(np.isfinite(low), low, np.nan), np.where(np.isfinite(high), high, np.nan)


def _excess(values: Floats, low: Floats, high: Floats, ratio: bool) -> Floats:
    if ratio:
        with np.errstate(divide="ignore", invalid="ignore"):
            values, low, high = (
                np.where(side > 0, np.log(side), np.nan) for side in (values, low, high)
            )
    return np.where(
        values > high, values - high, np.where(values < low, values - low, values * 0 + low * 0)
    )


def _range(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"


def _distance(excess: float, ratio: bool) -> str:
    return f"{np.expm1(excess):+.1%}" if ratio else f"{excess:+.3g}"


def _size(tolerance: float, ratio: bool) -> str:
    return f"{tolerance:.2%}" if ratio else f"{tolerance:g}"


def check_direction(
    days: Integers, values: Floats, other: tuple[Integers, Floats], name: str
) -> list[DataFinding]:
    """Whether a series moves opposite to a reference, as one that is quoted the other way round.

    Parameters
    ----------
    days, values, other, name
        As `compare_with_reference`.
    """
    common, rows, other_rows = np.intersect1d(
        days, other[0], assume_unique=True, return_indices=True
    )
    if len(common) < 50:
        return []
    changes, other_changes = (
        changes_of(numbers, "linear") for numbers in (values[rows], other[1][other_rows])
    )
    spread = float(changes.std() * other_changes.std())
    correlation = (
        float(((changes - changes.mean()) * (other_changes - other_changes.mean())).mean() / spread)
        if spread > 0
        else 0.0
    )
    if not correlation <= OPPOSITE:
        return []
    return [
        DataFinding(
            check="direction",
            severity="note",
            count=len(common),
            text=(
                f"moves opposite to {name}: correlation of changes {correlation:.2f} over "
                f"{len(common):,} dates; one is quoted the other way round"
            ),
        )
    ]
