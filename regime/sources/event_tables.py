"""One file of events, read strictly as text: earnings, capital expenditure, a user's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError, MissingDataError
from regime.sources.csv_table import header_of, parse_table

__all__ = ["read_events"]


def read_events(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """Rows of a CSV file with one event a row.

    Parameters
    ----------
    path : Path
    required : sequence of str
        Columns that it must have beside ``date``, the day that a row describes.

    Returns
    -------
    DataFrame, shape (n_events, n_columns)
        Every column of the file as text; whoever uses it turns text into numbers and times. Empty
        for a file without rows.

    Raises
    ------
    MissingDataError
        If there is no such file.
    InvalidDataError
        If it is no table, is ragged, or lacks a column: file and column are named.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file")
    content = path.read_bytes()
    if not content.strip():
        raise InvalidDataError(f"{path.name}: the file is empty; fetch it again")
    header = [name for name in header_of(content) if name not in ("", "date")]
    wanted = [*required, *(name for name in header if name not in required)]
    table = parse_table(content, path.name, wanted)
    if table is None:
        return pd.DataFrame(columns=["date", *wanted], dtype=object)
    days = np.asarray(table.days).astype("M8[D]").astype(str)
    return pd.DataFrame(
        {"date": days, **{name: table.columns[name].to_pylist() for name in wanted}}
    )
