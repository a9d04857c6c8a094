"""Daily returns as every figure takes them: checked numbers, and excess over cash.

Returns are simple, as fractions a session. A missing or infinite one is refused: a gap is not a
zero.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError

__all__ = ["check_same_dates", "excess_values", "finite_values"]


def finite_values(series: pd.Series) -> np.ndarray:
    """Values of a series, none of which may be missing.

    Parameters
    ----------
    series : Series, shape (n,)

    Returns
    -------
    ndarray, shape (n,), float64
        Of the series itself where that is possible: not to be written to.

    Raises
    ------
    InvalidDataError
        If there is none, or one is no finite number; the message names its date.
    """
    values: np.ndarray = series.to_numpy(dtype=float)
    if values.size == 0:
        raise InvalidDataError("a performance figure needs at least one session, got none")
    finite = np.isfinite(values)
    if not finite.all():
        row = int(finite.argmin())
        raise InvalidDataError(
            f"{series.index[row]}: {values[row]} is not a finite number; a gap is not a zero: "
            "drop the row or say what it was"
        )
    return values


def excess_values(returns: pd.Series, cash: pd.Series | float = 0.0) -> np.ndarray:
    """Returns less what cash earned over the same sessions.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session

    Returns
    -------
    ndarray, shape (n,), fraction a session

    Raises
    ------
    InvalidDataError
        If a value is missing or the dates of the two differ.
    """
    values = finite_values(returns)
    if not isinstance(cash, pd.Series):
        return values - float(cash)
    check_same_dates(returns, cash, "cash")
    excess: np.ndarray = values - finite_values(cash)
    return excess


def check_same_dates(returns: pd.Series, other: pd.Series, name: str) -> None:
    """Refuse a series that does not stand on the dates of the returns.

    `name` is how the message calls it.
    """
    if not other.index.equals(returns.index):
        raise InvalidDataError(f"`{name}` must have the dates of `returns`; reindex it")
