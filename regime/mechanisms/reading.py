"""What a mechanism says on one date.

A sentence for people, values for machines, a history for a figure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from regime.errors import InvalidDataError

__all__ = ["Absent", "MechanismReading", "plain"]


@dataclass(frozen=True, kw_only=True)
class MechanismReading:
    """The state of one mechanism at one decision date.

    Parameters
    ----------
    name : str
        Key of the mechanism, such as ``reserves``.
    sentence : str
        The reading in words.
    values : mapping
        Numbers, words, lists and mappings of them; no infinity, a number that is not known is None.
    history : DataFrame, shape (n_sessions, n_quantities)
        What the figure draws, up to the date; may be empty.

    Raises
    ------
    InvalidDataError
        If a value is no plain one, or infinite.

    Examples
    --------
    >>> reading = MechanismReading(name="dollar", sentence="The dollar is bid.", values={"score": float("nan")})
    >>> reading.to_dict()
    {'available': True, 'score': None, 'sentence': 'The dollar is bid.'}
    """

    name: str
    sentence: str
    values: Mapping[str, Any]
    history: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", plain(self.values, self.name))

    @property
    def available(self) -> bool:
        """True: the mechanism has data for this date."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"available": True, **self.values, "sentence": self.sentence}


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A mechanism that steps aside: no data for this date, and why.

    Parameters
    ----------
    name : str
    reason : str
        Such as ``no option chain was given``.

    Examples
    --------
    >>> Absent(name="gamma", reason="no option chain was given").to_dict()
    {'available': False, 'reason': 'no option chain was given'}
    """

    name: str
    reason: str

    @property
    def available(self) -> bool:
        """False."""
        return False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"available": False, "reason": self.reason}


def plain(value: Any, place: str) -> Any:
    """Numbers, words, lists and mappings as JSON takes them; NaN becomes None.

    Raises
    ------
    InvalidDataError
        Naming the place of an infinity or of something that JSON cannot carry.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{place}[{i}]") for i, item in enumerate(value)]
    if value is None or value is pd.NaT or isinstance(value, (bool, str)):
        return None if value is pd.NaT else value
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if hasattr(value, "item"):  # a numpy scalar
        return plain(value.item(), place)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and not math.isinf(value):
        return None if math.isnan(value) else value
    raise InvalidDataError(
        f"{place}: {value!r} cannot be reported; give a finite number, a word, a list or a mapping"
    )
