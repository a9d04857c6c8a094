"""The simple rules that any other has to beat, as exposures decided from prices alone.

Before there is history enough they are fully invested.
"""

from __future__ import annotations

import pandas as pd

from regime.performance import realised_volatility
from regime.rules.base import FULLY_INVESTED

__all__ = ["above_average", "buy_and_hold", "volatility_target"]


def buy_and_hold(prices: pd.Series) -> pd.Series:
    """Fully invested on every session.

    Parameters
    ----------
    prices : Series, shape (n_sessions,)
        Only its dates are used.

    Returns
    -------
    Series, shape (n_sessions,), 1.0 throughout
    """
    return pd.Series(FULLY_INVESTED, index=prices.index, name="exposure")


def above_average(prices: pd.Series, days: int = 200) -> pd.Series:
    """Invested while the close is above the mean of its last `days` closes, that close included.

    Parameters
    ----------
    prices : Series, shape (n_sessions,), price
        NaN where a session has no price: the session keeps the exposure before it and adds nothing
        to the average.
    days : int
        Sessions of the average.

    Returns
    -------
    Series, shape (n_sessions,), 0.0 or 1.0
        1 until `days` closes are known.

    Notes
    -----
    **Known at:** each close. **Source:** Faber (2007), "A Quantitative Approach to Tactical Asset
    Allocation", here daily.
    """
    known = prices.dropna()
    average = known.rolling(days).mean()
    above = (known > average).astype(float).where(average.notna(), FULLY_INVESTED)
    return above.reindex(prices.index).ffill().fillna(FULLY_INVESTED).rename("exposure")


def volatility_target(
    returns: pd.Series, target: float = 0.12, halflife: float = 21.0
) -> pd.Series:
    """Exposure ``min(1, target / volatility)`` with exponentially weighted volatility.

    Parameters
    ----------
    returns : Series, shape (n_sessions,), fraction a session
        NaN where missing: adds nothing.
    target : float
        Volatility aimed at, fraction a year.
    halflife : float
        Sessions in which a return loses half its weight.

    Returns
    -------
    Series, shape (n_sessions,), float64 in [0, 1]
        1 until two returns are known.

    Notes
    -----
    **Known at:** each close.
    """
    exposure = (target / realised_volatility(returns, halflife)).clip(0.0, FULLY_INVESTED)
    return exposure.fillna(FULLY_INVESTED).rename("exposure")
