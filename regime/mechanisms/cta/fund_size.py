"""How much money stands behind a trend follower's position: a range, from what trend funds earned.

A published index of trend funds is explained by equal risk in sixteen markets. Its loading on one
market says what share of their capital a full position is; times an assumption about their assets
that is a number of dollars. Neither is known well, so the result is a range, and the share of the
index's variance explained is printed beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.base import Capital
from regime.mechanisms.cta.exposure import TrendBook
from regime.schema import QUARTER

__all__ = [
    "ASSETS",
    "LOADING",
    "QUARTER",
    "R2",
    "R2_LATER",
    "TrendFit",
    "fit_fund_index",
    "fund_scale",
    "market_pnl",
]

# Assumed assets of systematic trend followers, USD bn. Managed futures are surveyed at 300 to 350;
# some of it is not trend, and banks' replicas and multi-strategy funds that follow the same rules
# are not in it.
ASSETS = Capital(low=200.0, mid=300.0, high=400.0)
# Of the index on the equity markets: 90 % interval by blocks of a year, and the middle of that and
# the equal loading.
LOADING = Capital(low=0.07, mid=0.11, high=0.14)
# of quarters that do not overlap; of 2011-2021 by a line of 2001-2011
R2 = 0.54
R2_LATER = 0.46


@dataclass(frozen=True, kw_only=True)
class TrendFit:
    """A published fund index against the model: its loading, and how much of it is explained.

    Parameters
    ----------
    loading : float
        Fund return for each unit of the model's P&L.
    r2 : float
        Share of the variance of overlapping quarters that is explained.
    r2_apart : float
        The same over quarters that do not overlap.
    r2_later : float
        Share of the later half explained by a line fitted to the earlier one; may be negative.
    quarters : int
        Number of quarters that do not overlap.
    """

    loading: float
    r2: float
    r2_apart: float
    r2_later: float
    quarters: int


def market_pnl(log_price: pd.Series, book: TrendBook | None = None) -> pd.Series:
    """Daily P&L of a trend follower in one market who takes 1 % of daily risk on a full trend.

    Parameters
    ----------
    log_price : Series, shape (n_sessions,)
        Of a position that needs no capital.
    book : TrendBook, optional
        Its `full_at` is not used.

    Returns
    -------
    Series, shape (n_sessions,), as a fraction of the capital
        NaN until the position is known.

    **Known at:** row t uses prices up to t; the position is that of the close before.
    """
    tiny = 1e-4  # a volatility that no market has: the size is never capped
    held = replace(book or TrendBook(), full_at=tiny).exposure(log_price)
    return held.shift(1) * log_price.diff() * (0.01 * np.sqrt(252) / tiny)


def fit_fund_index(pnl: pd.DataFrame, published: pd.Series) -> TrendFit:
    """Explain a published three-month return by the sum of market P&Ls over the same quarter.

    Parameters
    ----------
    pnl : DataFrame, shape (n_sessions, n_markets)
        From `market_pnl`; a market that has not begun counts as none.
    published : Series, shape (n_days,), as a fraction

    Returns
    -------
    TrendFit

    Raises
    ------
    ConfigError
        With fewer than eight quarters in common.
    """
    model = pnl.sum(axis=1, min_count=3).rolling(QUARTER).sum().reindex(published.index)
    both = pd.DataFrame({"model": model, "fund": published}).dropna()
    if len(both) < 8 * QUARTER:
        raise ConfigError(
            f"published: {8 * QUARTER} days in common with the markets are needed, got {len(both)}"
        )
    apart = both.iloc[::QUARTER]
    (early, late) = (both.iloc[: len(both) // 2], both.iloc[len(both) // 2 :])
    slope, level = _line(early)
    missed = late["fund"] - slope * late["model"] - level
    return TrendFit(
        loading=_line(both)[0],
        r2=_r2(both),
        r2_apart=_r2(apart),
        quarters=len(apart),
        r2_later=float(1.0 - (missed**2).mean() / late["fund"].var(ddof=0)),
    )


def fund_scale(full_at: float, assets: Capital = ASSETS, loading: Capital = LOADING) -> Capital:
    """Dollars behind an exposure of 1 in one market.

    Parameters
    ----------
    full_at : float
        Annual volatility at which a full trend is an exposure of 1.
    assets : Capital
        USD bn of the funds.
    loading : Capital
        Of the fund index on one market's P&L.

    Returns
    -------
    Capital
        USD bn; low is low assets times low loading, and so on.
    """
    each = 0.01 * np.sqrt(252) / full_at
    return Capital(
        low=assets.low * loading.low * each,
        mid=assets.mid * loading.mid * each,
        high=assets.high * loading.high * each,
    )


def _line(pairs: pd.DataFrame) -> tuple[float, float]:
    slope = float(pairs["model"].cov(pairs["fund"]) / pairs["model"].var())
    return slope, float(pairs["fund"].mean() - slope * pairs["model"].mean())


def _r2(pairs: pd.DataFrame) -> float:
    return float(pairs["model"].corr(pairs["fund"]) ** 2)
