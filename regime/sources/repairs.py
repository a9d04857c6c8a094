"""Declared repairs: rows known to be wrong, what is done about them, and why.

Nothing is ever corrected on a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np

from regime.arrays import Booleans, Floats, Integers
from regime.errors import ConfigError

__all__ = ["Lookup", "Repair", "apply_repairs", "repaired_days"]

Lookup = Callable[["Repair"], tuple[Integers, Floats]]
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What is done about a span of rows of one series.

    Parameters
    ----------
    kind : {"drop", "scale", "replace"}
        Leave the values out; multiply them by `factor`; take those of another file of the same unit
        (and leave out what it does not have).
    reason : str
        What is wrong with them, and who says so.
    first, last : date, optional
        First and last period of the span, both included; None for no bound, at least one is given.
    factor : float
        For "scale": positive, not 1.
    path, column : str
        For "replace": file inside the data folder and its column.

    Raises
    ------
    ConfigError
        If an argument is missing, impossible or of another kind.

    Examples
    --------
    >>> Repair(kind="drop", first=date(2023, 3, 15), last=date(2023, 3, 15), reason="stale").span
    (19431, 19431)
    """

    kind: Literal["drop", "scale", "replace"]
    reason: str
    first: date | None = None
    last: date | None = None
    factor: float = 1.0
    path: str = ""
    column: str = "value"

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ConfigError("reason: say what is wrong with the rows, and who says so")
        if self.first is None and self.last is None:
            raise ConfigError(
                "first: give `first`, `last` or both; a repair of all rows is a `scale` of the "
                "series"
            )
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ConfigError(f"first: must not be after last, got {self.first} and {self.last}")
        if (self.kind == "scale") != (self.factor != 1.0) or not 0 < self.factor < float("inf"):
            raise ConfigError(
                "factor: a positive number other than 1 for `scale`, and none else; got "
                f"{self.factor}"
            )
        if (self.kind == "replace") != bool(self.path):
            raise ConfigError(
                "path: the file to take values from for `replace`, and none else; got "
                f"`{self.path}`"
            )
        if Path(self.path).is_absolute() or ".." in Path(self.path).parts:
            raise ConfigError(f"path: must stay inside the data folder, got `{self.path}`")

    @property
    def span(self) -> tuple[int, int]:
        """First and last day, as days since 1970-01-01."""
        first = -(10**7) if self.first is None else (self.first - EPOCH).days
        return first, 10**7 if self.last is None else (self.last - EPOCH).days


def apply_repairs(
    repairs: Sequence[Repair], days: Integers, values: Floats, lookup: Lookup
) -> tuple[Floats, tuple[str, ...]]:
    """Values after all repairs, in their order, and one sentence for each that met a row.

    Parameters
    ----------
    repairs : sequence of Repair
    days : ndarray of int64, shape (n,)
        Days since 1970-01-01, rising.
    values : ndarray of float64, shape (n,)
        In the unit of the series; NaN where there is none.
    lookup : callable
        From a "replace" to days and values of the file that it names.

    Returns
    -------
    values : ndarray of float64, shape (n,)
        NaN where a value was left out.
    sentences : tuple of str
        As in ``"1 row dropped: 2023-03-15 (stale)"``; empty where no row was met.

    **Known at:** each row rests on its own date alone.
    """
    values = values.copy()
    sentences = []
    for repair in repairs:
        met = _met(repair, days) & ~np.isnan(values)
        if met.any():
            values[met] = _repaired(repair, days[met], values[met], lookup)
            sentences.append(_sentence(repair, days[met]))
    return values, tuple(sentences)


def repaired_days(repairs: Sequence[Repair], days: Integers) -> Booleans:
    """Mask of the days that any repair touches."""
    mask = np.zeros(len(days), dtype=bool)
    for repair in repairs:
        mask |= _met(repair, days)
    return mask


def _met(repair: Repair, days: Integers) -> Booleans:
    first, last = repair.span
    return (days >= first) & (days <= last)


def _repaired(repair: Repair, days: Integers, values: Floats, lookup: Lookup) -> Floats:
    if repair.kind == "scale":
        return values * repair.factor
    repaired = np.full(len(days), np.nan)
    if repair.kind == "replace":
        other_days, numbers = lookup(repair)
        position = np.searchsorted(other_days, days)
        known = position < len(other_days)
        known[known] = other_days[position[known]] == days[known]
        repaired[known] = numbers[position[known]]
    return repaired


def _sentence(repair: Repair, days: Integers) -> str:
    first, last = (str(np.datetime64(int(day), "D")) for day in (days[0], days[-1]))
    done = {
        "drop": "dropped",
        "scale": f"multiplied by {repair.factor:g}",
        "replace": f"taken from {repair.path}",
    }[repair.kind]
    when = first if len(days) == 1 else f"{first} to {last}"
    return f"{len(days)} row{'s' if len(days) > 1 else ''} {done}: {when} ({repair.reason})"
