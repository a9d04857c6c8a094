"""Volatility-control funds: exposure is target over realised volatility."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime import kernels
from regime.schema import YEAR

__all__ = ["two_speed_volatility", "vol_control_exposure"]

# Decays of the two averages of the S&P risk-control indices: halflives of 11 and 23 sessions.
FAST = 0.94
SLOW = 0.97
MINIMUM = 63


def two_speed_volatility(close: pd.Series, fast: float = FAST, slow: float = SLOW) -> pd.Series:
    """The larger of two exponential volatilities.

    It rises at the fast speed and falls at the slow one.

    Parameters
    ----------
    close : Series, shape (n_sessions,)
    fast, slow : float
        What a session's weight keeps from one session to the next.

    Returns
    -------
    Series, shape (n_sessions,), annual, as a fraction
        Log changes about zero. NaN until 63 of them are there, and where the price has not moved.

    **Known at:** row t uses closes up to t.

    **Source:** S&P Dow Jones Indices, Index Mathematics Methodology, risk control indices.
    """
    logs = np.log(close.where(close > 0).to_numpy(dtype=float))
    squares = np.diff(logs, prepend=np.nan) ** 2
    halflives = [float(np.log(0.5) / np.log(keep)) for keep in (fast, slow)]
    variance = np.maximum(*(kernels.ewm_mean(squares, halflife, MINIMUM) for halflife in halflives))
    return pd.Series(np.sqrt(np.where(variance > 0, variance, np.nan) * YEAR), index=close.index)


def vol_control_exposure(close: pd.Series, target: float = 0.12, cap: float = 1.5) -> pd.Series:
    """Exposure that a volatility-control rule orders, as a fraction of its capital.

    Parameters
    ----------
    close : Series, shape (n_sessions,)
    target : float
        Annual volatility aimed at.
    cap : float
        Largest exposure.

    Returns
    -------
    Series, shape (n_sessions,), in (0, cap]
        NaN where the volatility is not known.

    **Known at:** row t uses closes up to t; the order reaches the market later.

    **Source:** Moreira and Muir (2017), "Volatility-Managed Portfolios", with the cap of the risk
    control indices.
    """
    return (target / two_speed_volatility(close)).clip(upper=cap)
