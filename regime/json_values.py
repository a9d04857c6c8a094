"""Values as JSON carries them: the one coercion of everything that is printed or saved as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

import pandas as pd

from regime.errors import InvalidDataError

__all__ = ["to_json_records", "to_json_value"]


def to_json_value(value: Any, location: str, *, infinite_as_null: bool = False) -> Any:
    """Numbers, text, lists and mappings as JSON takes them.

    Parameters
    ----------
    value : any
        Numbers of Python or numpy, text, dates, paths, arrays, and sequences, sets and mappings of
        them.
    location : str
        Where it stands, for the message, such as ``cta.sp500``.
    infinite_as_null : bool
        Whether an infinity becomes None as a NaN does, instead of being refused.

    Returns
    -------
    None, bool, int, float, str, list or dict
        NaN and NaT are None; dates are text as 2024-08-06; sets are sorted lists.

    Raises
    ------
    InvalidDataError
        Naming the location of an infinity or of something that JSON cannot carry.

    Examples
    --------
    >>> to_json_value({"level": float("nan"), "dates": (pd.Timestamp("2024-08-06"),)}, "reading")
    {'level': None, 'dates': ['2024-08-06']}
    """
    if isinstance(value, Mapping):
        return {
            str(key): to_json_value(item, f"{location}.{key}", infinite_as_null=infinite_as_null)
            for key, item in value.items()
        }
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if isinstance(value, (list, tuple)):
        return [
            to_json_value(item, f"{location}[{i}]", infinite_as_null=infinite_as_null)
            for i, item in enumerate(value)
        ]
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, date):  # a Timestamp as well
        return f"{value:%Y-%m-%d}"
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # a numpy scalar or array
        return to_json_value(value.tolist(), location, infinite_as_null=infinite_as_null)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and (infinite_as_null or not math.isinf(value)):
        return value if math.isfinite(value) else None
    raise InvalidDataError(
        f"{location}: {value!r} cannot be reported; give a finite number, text, a list or a mapping"
    )


def to_json_records(table: pd.DataFrame, location: str = "table") -> list[dict[str, Any]]:
    """Rows of a table as `to_json_value` makes them, one mapping a row; what is not finite is None.

    Raises
    ------
    InvalidDataError
        If a cell holds something that JSON cannot carry.
    """
    return [
        {
            str(key): to_json_value(value, f"{location}[{i}].{key}", infinite_as_null=True)
            for key, value in row.items()
        }
        for i, row in enumerate(table.to_dict("records"))
    ]
