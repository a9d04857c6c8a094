"""Frames on disk beside a digest of their bytes, so that what comes back is what went in."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pandas as pd

from regime.errors import InvalidDataError, MissingDataError

__all__ = ["read_frame", "write_frame"]


def write_frame(frame: pd.DataFrame, path: Path) -> str:
    """Write a frame as parquet; its sha256.

    Raises
    ------
    InvalidDataError
        If a column mixes kinds that no parquet column holds, or names are no text.
    """
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer)
    except (
        ValueError,
        TypeError,
        NotImplementedError,
    ) as error:  # pyarrow's own errors are ValueErrors too
        raise InvalidDataError(
            f"{path.stem}: the frame cannot be saved ({str(error).splitlines()[0]}); "
            "give each column one kind of value and a text for its name"
        ) from None
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def read_frame(path: Path, digest: str) -> pd.DataFrame:
    """The frame that `write_frame` left.

    Parameters
    ----------
    path : Path
    digest : str
        What `write_frame` gave.

    Returns
    -------
    DataFrame
        Equal to the one written, gaps included.

    Raises
    ------
    MissingDataError
        If the file is away.
    InvalidDataError
        If its bytes are others.
    """
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file, though the saved report names it; run again")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise InvalidDataError(f"{path}: its bytes are not those that were saved; run again")
    return pd.read_parquet(io.BytesIO(content))
