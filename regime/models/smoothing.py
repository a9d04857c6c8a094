"""Probabilities averaged_so_far as they come, without a look ahead."""

from __future__ import annotations

import numpy as np

from regime.arrays import Floats
from regime.errors import ConfigError

__all__ = ["averaged_so_far"]


def averaged_so_far(probabilities: Floats, halflife: float | Floats) -> Floats:
    """Exponential mean of each column over the rows so far.

    Parameters
    ----------
    probabilities : ndarray, shape (n_rows,) or (n_rows, n_columns)
        In order of time, without NaN.
    halflife : float or ndarray, shape (n_rows,)
        Rows after which a row counts half; 0 for that row alone. It may change from row to row, as
        from one refit's choice to the next.

    Returns
    -------
    ndarray, shape of `probabilities`
        The first row as it is. Rows that sum to 1 still do, up to rounding.

    Raises
    ------
    ConfigError
        If a halflife is negative.

    Notes
    -----
    **Known at:** row t uses rows up to t.

    Examples
    --------
    >>> averaged_so_far(np.array([0.0, 1.0, 1.0]), 1.0)
    array([0.  , 0.5 , 0.75])
    """
    lives = np.broadcast_to(np.asarray(halflife, dtype=float), len(probabilities))
    if (lives < 0).any():
        raise ConfigError(f"smoothing: a halflife must be 0 or more, got {lives.min()}")
    kept = np.where(lives > 0, 0.5 ** (1.0 / np.where(lives > 0, lives, 1.0)), 0.0)
    result = np.array(probabilities, dtype=np.float64)
    for row in range(1, len(result)):
        if kept[row]:
            result[row] = kept[row] * result[row - 1] + (1.0 - kept[row]) * result[row]
    return result
