"""Five raw scores of the market that need no fitting: what any model must rank better than.

Every score is higher when stress is higher and uses rows up to its own date only.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.sessions import YEAR

__all__ = [
    "RAW_SCORES",
    "below_200dma",
    "downside_rank",
    "drawdown_252",
    "raw_scores",
    "realised_vol",
]

RAW_SCORES = ("vix", "drawdown_252", "below_200dma", "realised_vol", "downside_rank")
HALFLIFE = 21
RANK_START = "1980-01-01"


def raw_scores(
    close: pd.Series, returns: pd.Series, vix: pd.Series, *, rank_start: str = RANK_START
) -> pd.DataFrame:
    """Return the five uncalibrated scores, side by side.

    Parameters
    ----------
    close : Series, shape (n_sessions,)
        Index level of the S&P 500.
    returns : Series, shape (n_sessions,)
        Its total return, fractions.
    vix : Series
        VIX close, points; a hole keeps the last value for up to five sessions.
    rank_start : str
        First date of the history against which `downside_rank` ranks.

    Returns
    -------
    DataFrame, shape (n_sessions, 5)
        Columns `RAW_SCORES`. NaN until a score has its minimum of history.
    """
    return pd.DataFrame(
        {
            "vix": vix.reindex(close.index).ffill(limit=5),
            "drawdown_252": drawdown_252(close),
            "below_200dma": below_200dma(close),
            "realised_vol": realised_vol(returns.reindex(close.index)),
            "downside_rank": downside_rank(close, start=rank_start),
        }
    ).astype(float)


def drawdown_252(close: pd.Series) -> pd.Series:
    """Fall from the highest close of 252 sessions, a fraction >= 0; NaN for the first 59 rows."""
    return 1 - close / close.rolling(252, min_periods=60).max()


def below_200dma(close: pd.Series) -> pd.Series:
    """Distance below the mean of 200 closes, a fraction (< 0 above it).

    NaN for the first 59 rows.
    """
    return 1 - close / close.rolling(200, min_periods=60).mean()


def realised_vol(returns: pd.Series) -> pd.Series:
    """Annualised standard deviation of returns, exponentially weighted with halflife 21 sessions."""
    return returns.ewm(halflife=HALFLIFE).std() * YEAR**0.5


def downside_rank(
    close: pd.Series, *, start: str = RANK_START, min_periods: int = 1000
) -> pd.Series:
    """Mean of two expanding ranks: downside deviation, and how low the Sortino ratio is.

    Parameters
    ----------
    close : Series, shape (n_sessions,)
        Index level.
    start : str
        First date of the history that is ranked: a longer one makes calm decades count for more.
    min_periods : int
        Sessions before the first rank.

    Returns
    -------
    Series, shape (n_sessions,)
        In (0, 1]; NaN before `start` and for `min_periods` sessions after it.
    """
    change = np.log(close.loc[start:]).diff()
    deviation = np.sqrt((change.clip(upper=0) ** 2).ewm(halflife=HALFLIFE).mean())
    weakness = -change.ewm(halflife=HALFLIFE).mean() / (deviation + 1e-5)
    ranks = (
        pd.DataFrame({"deviation": deviation, "weakness": weakness})
        .expanding(min_periods)
        .rank(pct=True)
    )
    return ranks.mean(axis=1).reindex(close.index)
