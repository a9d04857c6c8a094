"""Falls of an equity curve below its highest level: how deep, how long, how painful on the whole.

The starting capital counts as a level, so a loss on the first session is a drawdown.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.returns import finite_values

__all__ = ["depths", "drawdown", "drawdown_table", "max_drawdown", "ulcer_index"]

# Closer to the peak than this is at the peak: products of a few thousand returns round by less.
ROUNDING = 1e-12


def depths(values: np.ndarray) -> np.ndarray:
    """Distance of the equity curve from its highest level so far, from plain numbers.

    Parameters
    ----------
    values : ndarray, shape (n,), fraction a session
        Finite returns; not checked.

    Returns
    -------
    ndarray, shape (n,), <= 0
    """
    equity = np.cumprod(1.0 + values)
    below: np.ndarray = equity / np.maximum(np.maximum.accumulate(equity), 1.0) - 1.0
    return below


def drawdown(returns: pd.Series) -> pd.Series:
    """Distance of the equity curve from its highest level so far, the starting capital included.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session

    Returns
    -------
    Series, shape (n,), <= 0
        Fraction below the peak after each session; never NaN.

    Notes
    -----
    **Known at:** each close; row t uses returns up to t.
    """
    return pd.Series(depths(finite_values(returns)), index=returns.index, name="drawdown")


def max_drawdown(returns: pd.Series) -> float:
    """Lowest value of `drawdown`: a fraction <= 0.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    """
    return float(depths(finite_values(returns)).min())


def ulcer_index(returns: pd.Series) -> float:
    """Root of the mean squared drawdown: depth and length of all falls in one figure >= 0.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session

    Returns
    -------
    float
        A fraction, not per cent.

    Notes
    -----
    **Source:** Martin and McCann (1989), "The Investor's Guide to Fidelity Funds".
    """
    return float(np.sqrt(np.mean(np.square(depths(finite_values(returns))))))


def drawdown_table(returns: pd.Series, count: int = 5) -> pd.DataFrame:
    """The deepest falls, each from its peak to the session that regains it.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    count : int
        Rows at most.

    Returns
    -------
    DataFrame
        Deepest first, the earlier of equals first: `start` (first session below the peak),
        `trough`, `end` (first session at the peak again; NaT if it is still below), `depth` (<= 0),
        `sessions_down` (peak to trough) and `sessions_to_regain` (trough to `end`; NaN if still
        below).

    Notes
    -----
    **Known at:** `end`; until then the depth and the trough of the last fall may change.

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=5)
    >>> drawdown_table(pd.Series([0.1, -0.2, 0.0, 0.25, -0.1], index=days))[["depth", "sessions_down", "end"]]
       depth  sessions_down        end
    0   -0.2              1 2024-01-04
    1   -0.1              1        NaT
    """
    below = depths(finite_values(returns))
    edges = np.flatnonzero(np.diff(np.r_[False, below < -ROUNDING, False].astype(np.int8)))
    first, stop = edges[::2], edges[1::2]
    lows = np.minimum.reduceat(below, first) if first.size else np.empty(0)
    deepest = np.argsort(lows, kind="stable")[:count]
    first, stop = first[deepest], stop[deepest]
    trough = np.array(
        [a + below[a:b].argmin() for a, b in zip(first, stop, strict=True)], dtype=int
    )
    closed = stop < below.size
    dates = returns.index.to_series(index=range(below.size))
    return pd.DataFrame(
        {
            "start": dates.to_numpy()[first],
            "trough": dates.to_numpy()[trough],
            "end": dates.reindex(np.where(closed, stop, -1)).to_numpy(),
            "depth": lows[deepest],
            "sessions_down": trough - first + 1,
            "sessions_to_regain": np.where(closed, stop - trough, np.nan),
        }
    )
