"""Changes of unit.

A power of ten between two rows of one series, or one factor in every column of a table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regime.sources.checks.findings import Finding, Floats, Integers, dated, iso, listed

__all__ = ["common_factor", "power_of_ten"]

JUMP, BEYOND = 8.0, 2.5  # robust sd of the ordinary steps; times the largest of 49 in 50 of them
ROWS = 5  # rows before and after whose medians must differ by the step as well
POWERS = np.log(10.0) * np.arange(1, 10)
WILD = 0.05  # share of rows that double or halve from which a series cannot be judged
NEAR = 0.1  # largest distance of a step from a power, in logs
CLOSE, ALIKE = 0.3, 0.25  # and of the levels from the step; of the columns from each other
LEAST = np.log(1.8)
CONTRACTS = np.array([2, 3, 4, 5, 8, 10, 20, 25, 50, 100, 1000], dtype=np.float64)


def power_of_ten(days: Integers, values: Floats, unit: str, least: int = 2) -> list[Finding]:
    """Steps by a hundred, a thousand ... that last: the publisher has changed the unit.

    A series that takes such steps by itself, as usage does that is nothing on most days, cannot be
    judged and gives nothing, nor does one with negative values.

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
        for row in np.flatnonzero((sizes > large) & (distance <= NEAR))
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
    told = [
        f"from {one['date']} on times {one['factor']:g} ({one['before']:g}, then {one['value']:g} "
        f"{unit})"
        for one in evidence
    ]
    return [
        Finding(
            check="unit_break",
            severity="fault",
            count=len(rows),
            dates=dated(days[good[rows]]),
            evidence=tuple(evidence),
            text=f"the unit has changed: {listed(told, 3)}; declare a repair `scale`",
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


def common_factor(days: Integers, columns: Sequence[Floats], names: Sequence[str]) -> list[Finding]:
    """A row from which every column is larger, or smaller, by one factor of 1.8 and more, and stays so.

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
    told = [
        f"{one['date']} on times {one['factor']:g} "
        f"({', '.join(f'{one[name]:g} in {name}' for name in names)})"
        for one in evidence
    ]
    return [
        Finding(
            check="unit_break",
            severity="fault",
            count=len(rows),
            dates=dated(days[np.array(rows) + 1]),
            evidence=tuple(evidence),
            text=(
                f"the unit has changed: from {listed(told, 3)}; shares stay right, levels do not; "
                "declare a repair `scale`"
            ),
        )
    ]


def _round_factor(factor: float) -> float:
    """The usual size of contract next to a factor, or one over it, within a tenth.

    Else the factor itself.
    """
    up = max(factor, 1 / factor)
    whole = float(CONTRACTS[np.argmin(np.abs(np.log(CONTRACTS / up)))])
    if abs(up / whole - 1) > 0.1:
        return round(factor, 2)
    return whole if factor > 1 else 1 / whole
