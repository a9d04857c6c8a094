"""Checks of the rows of one column put together: its days, its values, its siblings, its bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regime.errors import InvalidDataError
from regime.sources.archive import Archive
from regime.sources.checks import bars as bar_checks
from regime.sources.checks.attendance import (
    Gaps,
    Sessions,
    check_gaps,
    find_gaps,
    holiday_repeats,
    sparse_spells,
)
from regime.sources.checks.findings import Finding, Floats, Integers, listed
from regime.sources.checks.siblings import against_sibling, confirmed_ticks, runs_against
from regime.sources.checks.units import power_of_ten
from regime.sources.checks.values import bad_ticks, frozen_runs, negative_prices, step_function
from regime.sources.expectations import Bars, Sibling

__all__ = ["attendance", "bar_findings", "sibling_findings", "value_findings"]


def attendance(
    days: Integers, values: Floats, frequency: str, sessions: Sessions, limit: int | None
) -> tuple[Gaps, list[Finding]]:
    """Gaps, holes, thin spells, weekend rows and holiday rows that repeat, of one series or table.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
    values : ndarray of float64, shape (n,) or (n, k)
    frequency : str
    sessions : Sessions
    limit : int, optional
        Age in days beyond which a value may not be used.
    """
    gaps = find_gaps(days, frequency, sessions)
    found = check_gaps(days, gaps, frequency, sessions, limit)
    if frequency == "daily":
        thin = sparse_spells(days, sessions)
        if thin:  # between operation days there are holes of any length, and one finding says so
            found = [one for one in found if one.check != "hole"]
        found += thin
        matrix = values.reshape(len(days), -1)
        alike = ((matrix[1:] == matrix[:-1]) | (np.isnan(matrix[1:]) & np.isnan(matrix[:-1]))).all(
            axis=1
        )
        found += holiday_repeats(days, np.concatenate([[False], alike]), sessions)
    return gaps, found


def value_findings(
    days: Integers,
    values: Floats,
    changes: str,
    bounds: tuple[float, float],
    unit: str,
    *,
    grouped: bool = False,
) -> list[Finding]:
    """Checks of one column alone, as far as its kind of change allows them.

    Parameters
    ----------
    days, values : ndarray, shape (n,)
        Finite values by rising day.
    changes : {"log", "linear", "none"}
    bounds : tuple of float
    unit : str
    grouped : bool
        Whether its unit is judged together with that of other columns.
    """
    found = step_function(days, values)
    if not grouped:
        found += power_of_ten(days, values, unit, 1 if changes == "log" else 2)
    if changes == "none":
        return found
    if changes == "log":
        found += negative_prices(days, values, *bounds, unit)
    return found + bad_ticks(days, values, changes) + frozen_runs(days, values)


def sibling_findings(
    days: Integers,
    values: Floats,
    changes: str,
    siblings: Sequence[Sibling],
    archive: Archive,
    alone: Sequence[Finding] = (),
) -> list[Finding]:
    """What `value_findings` found, with what every sibling that the folder has says to it.

    Parameters
    ----------
    days, values : ndarray, shape (n,)
        Finite values by rising day.
    changes : {"log", "linear", "none"}
    siblings : sequence of Sibling
        One that cannot be read is a warning.
    archive : Archive
    alone : sequence of Finding
        Bad ticks among them become notes where a sibling has them too.
    """
    found = list(alone)
    for sibling in siblings:
        name = (
            sibling.path
            if sibling.column in ("value", "close")
            else f"{sibling.path}, {sibling.column}"
        )
        try:
            columns = archive.read(sibling.path, [sibling.column], sibling.where)
        except InvalidDataError as error:
            found.append(
                Finding(
                    check="no_sibling",
                    severity="warning",
                    text=f"not compared: {listed(error.faults, 1)}",
                )
            )
            continue
        if columns is None:
            continue
        theirs, numbers = columns.finite(sibling.column)
        other = (theirs, numbers * sibling.scale)
        if sibling.direction:
            found += runs_against(days, values, other, name)
            continue
        found = [
            confirmed_ticks(
                one,
                days,
                values,
                other,
                name,
                sibling.tolerance,
                changes=changes,
                neighbours=sibling.neighbours,
            )
            if one.check == "bad_tick"
            else one
            for one in found
        ]
        found += against_sibling(
            days,
            values,
            other,
            name,
            sibling.tolerance,
            changes=changes,
            neighbours=sibling.neighbours,
        )
    return found


def bar_findings(bars: Bars, path: str, archive: Archive) -> list[Finding]:
    """Checks of the bars of a file.

    Those of a file that cannot be read are left to whoever reads it.
    """
    names = [name for name in (bars.open, bars.high, bars.low, bars.close) if name]
    try:
        columns = archive.read(bars.path or path, names)
    except InvalidDataError as error:
        return [
            Finding(
                check="no_bars", severity="warning", text=f"not compared: {listed(error.faults, 1)}"
            )
        ]
    if columns is None:
        return []
    days, numbers = columns.days, columns.numbers
    close, high, low = (numbers[name] for name in (bars.close, bars.high, bars.low))
    found = bar_checks.outside_bar(days, close, high, low)
    return found + (
        bar_checks.stale_bars(days, numbers[bars.open], high, low, close) if bars.open else []
    )
