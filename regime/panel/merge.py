"""One pass over releases and cut-offs: the merge behind the as-of panel, compiled once."""

from __future__ import annotations

import numba
import numpy as np

from regime.arrays import Floats, Integers

__all__ = ["merge"]

DAY = 86_400_000_000


@numba.njit(cache=True, nogil=True)
def merge(
    period: Integers,
    released: Integers,
    value: Floats,
    bounds: Integers,
    limits: Integers,
    cuts: Integers,
    days: Integers,
) -> tuple[Floats, Floats]:
    """Value of the latest period released by each cut-off, and its age, series by series.

    Parameters
    ----------
    period, released, value : ndarray, shape (n_rows,)
        Rows of one series after the other, each by rising release; times in microseconds.
    bounds : ndarray of int64, shape (n_series + 1,)
        Where each series begins; the last entry is n_rows.
    limits : ndarray of int64, shape (n_series,)
        Maximum age in days.
    cuts, days : ndarray of int64, shape (n_sessions,)
        Rising cut-offs and session dates, in microseconds.

    Returns
    -------
    values, ages : ndarray of float64, shape (n_series, n_sessions)
        The value is NaN where nothing was released or the age exceeds the limit; the age only where
        nothing was released.
    """
    values = np.empty((len(limits), len(cuts)))
    ages = np.empty((len(limits), len(cuts)))
    for series in range(len(limits)):
        row, end, best = bounds[series], bounds[series + 1], -1
        for t in range(len(cuts)):
            while row < end and released[row] <= cuts[t]:
                if (
                    best < 0 or period[row] >= period[best]
                ):  # of one period, the later release holds
                    best = row
                row += 1
            age = np.float64((days[t] - period[best]) // DAY) if best >= 0 else np.nan
            ages[series, t] = age
            values[series, t] = value[best] if age <= limits[series] else np.nan
    return values, ages
