"""Price over earnings of technology.

Which multiple is known, how far it has fallen from its peak, and with what price.

There is no free history of forward earnings as they were known. Three sources, the best that has
data: the user's own file with release dates; the consensus sampled at month ends; trailing earnings
by their announcements, a proxy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.mechanisms.events import known_values
from regime.mechanisms.tech_valuation.earnings import trailing_earnings
from regime.schema import YEAR
from regime.transforms import fall_from_high

__all__ = ["Multiple", "as_reported_multiple", "choose_multiple", "derating", "user_multiple"]

LEAST_COMPANIES = 3
LONGEST_AGE = 45  # days
# Series of the panel with a sampled consensus, and the price that each belongs to; the first with
# data serves.
CONSENSUS = {
    "forward_pe_ndx": ("ndx", "Nasdaq-100"),
    "forward_pe_tech": ("xlk", "S&P 500 technology"),
    "forward_pe_sp500": ("sp500", "S&P 500"),
}


@dataclass(frozen=True, kw_only=True)
class Multiple:
    """A history of price over earnings, and what it is.

    Parameters
    ----------
    source : {"own", "consensus", "filed"}
    what : str
        In words, with its weakness.
    values : Series, shape (n_sessions,)
        The multiple as known at each close.
    price : Series, shape (n_sessions,)
        The price that it belongs to.
    level : bool
        Whether its level may be shown; a filed one rests on prices adjusted for dividends paid
        later, and gives ratios alone.
    """

    source: str
    what: str
    values: pd.Series
    price: pd.Series
    level: bool = True


def user_multiple(
    table: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    closes: pd.DatetimeIndex | None = None,
    name: str = "P/E file",
) -> pd.Series:
    """The user's own forward multiple as known at each close.

    Parameters
    ----------
    table : DataFrame, shape (n_rows, 3 or more)
        Columns date (the day it describes), forward_pe, released.
    sessions : DatetimeIndex, shape (n_sessions,)
    closes : DatetimeIndex, optional
    name : str
        How messages call the file.

    Returns
    -------
    Series, shape (n_sessions,)
        NaN where nothing was released, or what was describes a day more than 45 days ago.

    Raises
    ------
    InvalidDataError
        If the file has no release dates, a date is none, a release precedes its date, or a multiple
        is not above 0.

    **Known at:** row t uses rows released by its close.
    """
    return known_values(
        table,
        "forward_pe",
        sessions,
        closes,
        name=name,
        longest_age=LONGEST_AGE,
        why="a multiple counts from the day it was published; undated it would know the future",
    )


def as_reported_multiple(
    events: pd.DataFrame, prices: pd.DataFrame, closes: pd.DatetimeIndex | None = None
) -> pd.Series:
    """Price over trailing earnings of a basket, by announcements: a proxy for what is expected.

    Parameters
    ----------
    events : DataFrame, shape (n_events, 4)
        As of `regime.mechanisms.tech_valuation.earnings.earnings_events`.
    prices : DataFrame, shape (n_sessions, n_companies)
        Columns are lower-case tickers.
    closes : DatetimeIndex, optional

    Returns
    -------
    Series, shape (n_sessions,)
        One over the mean earnings yield, so that losses count. NaN under three companies, or where
        they lose money together.

    **Known at:** row t uses reports released by its close.
    """
    user = events[events["ticker"].isin([str(name) for name in prices.columns])]
    earned = trailing_earnings(user, pd.DatetimeIndex(prices.index), closes)
    yields = earned / prices[list(earned.columns)].where(lambda price: price > 0)
    mean = yields.mean(axis=1).where(yields.notna().sum(axis=1) >= LEAST_COMPANIES)
    return 1.0 / mean.where(mean > 1e-4)


def derating(multiple: pd.Series, price: pd.Series, lookback: int = YEAR) -> pd.DataFrame:
    """Falls of a multiple and of its price from their peaks, and what it lost beyond the price.

    Parameters
    ----------
    multiple, price : Series, shape (n_sessions,)
    lookback : int
        Sessions in which the peaks are sought; half of them must be known.

    Returns
    -------
    DataFrame, shape (n_sessions, 3)
        fall, price_fall (fractions, <= 0); beyond_price (logs: above 0 where earnings grew and the
        price did not follow). NaN where either is short.

    **Known at:** row t uses rows up to t.
    """
    fall, held = (fall_from_high(x, lookback, lookback // 2) for x in (multiple, price))
    return pd.DataFrame(
        {"fall": fall, "price_fall": held, "beyond_price": np.log1p(held) - np.log1p(fall)}
    )


def choose_multiple(
    values: pd.DataFrame,
    basket: pd.Series,
    user: pd.Series | None = None,
    filed: pd.Series | None = None,
) -> Multiple | None:
    """The best multiple that is known now and for half of the year before.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        The panel's values up to now.
    basket : Series, shape (n_sessions,)
        Price of the technology basket, for the first and the last source.
    user, filed : Series, shape (n_sessions,), optional
        As of `user_multiple` and `as_reported_multiple`.

    Returns
    -------
    Multiple or None
        With its source; None where nothing is known.
    """
    offered = (
        []
        if user is None
        else [Multiple(source="own", what="the user's own file", values=user, price=basket)]
    )
    offered += [
        Multiple(
            source="consensus",
            what=f"consensus forward P/E of the {title}, sampled at month ends",
            values=values[name],
            price=values[price],
        )
        for name, (price, title) in CONSENSUS.items()
        if name in values and price in values
    ]
    if filed is not None:
        offered.append(
            Multiple(
                source="filed",
                level=False,
                values=filed,
                price=basket,
                what="trailing earnings by announcement date, a proxy for what is expected",
            )
        )
    return next(
        (
            multiple
            for multiple in offered
            if multiple.values.notna().iloc[-1]
            and multiple.values.iloc[-YEAR:].notna().sum() >= YEAR // 2
        ),
        None,
    )
