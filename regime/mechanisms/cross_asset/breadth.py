"""How many markets fall, and whether havens fall with them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.transforms import scaled_move, scaled_moves

__all__ = ["HAVENS", "MARKETS", "haven_failure", "selling_breadth"]

# What is sold in a deleveraging; bonds without credit risk are what is bought, unless havens fail.
MARKETS = (
    "sp500",
    "nasdaq",
    "iwm",
    "eem",
    "nikkei",
    "dax",
    "ftse",
    "hang_seng",
    "hyg",
    "lqd",
    "vnq",
    "crude",
    "copper",
    "gold_future",
    "silver_future",
    "btc",
)

HAVENS = ("sp500", "gold_future", "tlt")


def selling_breadth(
    prices: pd.DataFrame, lookback: int = 10, level: float = -1.0, minimum: int = 4
) -> pd.Series:
    """Share of markets whose move over some sessions lies below a level.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_assets)
    lookback : int
        Sessions of the move.
    level : float
        In the move's own volatilities.
    minimum : int
        Markets with a move that a session needs.

    Returns
    -------
    Series, shape (n_sessions,), in [0, 1]
        NaN under `minimum` markets.

    **Known at:** row t uses prices up to t, and volatilities up to the day before.
    """
    moved = scaled_moves(prices, lookback)
    known = moved.notna()
    count = known.sum(axis=1)
    return ((moved < level) & known).sum(axis=1) / count.where(count >= minimum)


def haven_failure(
    equity: pd.Series, gold: pd.Series, treasury: pd.Series, lookback: int = 10
) -> pd.Series:
    """By how much the least sold of equities, gold and Treasuries fell, in its own volatilities.

    Parameters
    ----------
    equity, gold, treasury : Series, shape (n_sessions,)
        Prices.
    lookback : int
        Sessions of the move.

    Returns
    -------
    Series, shape (n_sessions,)
        Above 0 where all three fell: nothing was a haven. NaN where one is missing.

    **Known at:** row t uses prices up to t.
    """
    falls = [-scaled_move(price, lookback).to_numpy() for price in (equity, gold, treasury)]
    return pd.Series(np.minimum(np.minimum(falls[0], falls[1]), falls[2]), index=equity.index)
