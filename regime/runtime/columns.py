"""Named columns, in any order and of any frame library, into the matrix that a model scores."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regime.errors import InvalidDataError

__all__ = ["to_matrix"]

SHOWN = 5


def to_matrix(columns: Any, features: Sequence[str]) -> NDArray[np.float64]:
    """Matrix of the named features.

    Parameters
    ----------
    columns : mapping of name to one-dimensional array, or a data frame
        Numbers or booleans; NaN, None and a frame's missing values mean missing. Other columns are
        ignored.
    features : sequence of str
        Columns to take, in the order of the result.

    Returns
    -------
    ndarray, shape (n_rows, n_features), C order
        float64; NaN where missing.

    Raises
    ------
    InvalidDataError
        If a column is missing, appears twice, holds text, dates or infinities, or is of another
        length; all faults together.
    """
    names = _names(columns)
    _refuse([_missing(name, names) for name in features if name not in names])
    faults: list[str] = []
    arrays = [_to_floats(columns[name], name, faults) for name in features]
    _refuse(faults)
    length = len(arrays[0])
    _refuse(
        [
            f"column `{name}` has {len(array)} rows, `{features[0]}` has {length}"
            for name, array in zip(features, arrays, strict=True)
            if len(array) != length
        ]
    )
    return np.column_stack(arrays)


def _names(columns: Any) -> set[Any]:
    if isinstance(columns, Mapping):
        return set(columns)
    for attribute in (
        "column_names",
        "columns",
    ):  # an arrow table has both, and the second holds data
        names = getattr(columns, attribute, None)
        if names is not None and hasattr(columns, "__getitem__"):
            return set(names)
    raise InvalidDataError(
        f"give named columns, a mapping or a data frame; got {type(columns).__name__}, "
        "whose columns could only be matched by position"
    )


def _missing(name: str, names: set[Any]) -> str:
    near = difflib.get_close_matches(
        name, [known for known in names if isinstance(known, str)], n=1, cutoff=0.6
    )
    return f"column `{name}` is missing" + (
        f"; did you mean to call `{near[0]}` so?" if near else ""
    )


def _to_floats(values: Any, name: str, faults: list[str]) -> NDArray[np.float64]:
    array = np.asarray(values)
    fault = _kind_fault(array)
    if fault is None:
        try:
            # From the column itself: a frame's missing value becomes NaN there, not in a bare
            # object array.
            result = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            fault = f"holds what is no number ({error})"
        else:
            infinite = np.flatnonzero(np.isinf(result))
            if not infinite.size:
                return result
            fault = f"is infinite in row {infinite[0]}; pass NaN for a missing value"
    faults.append(f"column `{name}` {fault}")
    return np.empty(0)


def _kind_fault(array: NDArray[Any]) -> str | None:
    if array.ndim != 1:
        return (
            f"must be one column of values, got {array.ndim} dimensions (is the name there twice?)"
        )
    if array.dtype.kind == "O":
        for row, value in enumerate(array):
            if isinstance(value, (str, bytes)):
                return f"holds text in row {row}: {value!r}"
        return None
    return None if array.dtype.kind in "fiub" else f"is of type {array.dtype}, must be numbers"


def _refuse(faults: list[str]) -> None:
    if faults:
        rest = len(faults) - SHOWN
        raise InvalidDataError(
            faults if rest <= 0 else [*faults[:SHOWN], f"and {rest} more columns"]
        )
