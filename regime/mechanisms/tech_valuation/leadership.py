"""Leadership of technology, and its features.

The basket of the largest technology companies, whether it rests at its high, and who overtakes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime import kernels
from regime.errors import ConfigError
from regime.feature import Compute, Feature, FeatureFamily, Sign, check_at_least, check_positive
from regime.mechanisms.events import check_events, first_known
from regime.mechanisms.tech_valuation.multiples import derating
from regime.transforms import change, rolling_percentile, scaled_move

__all__ = [
    "GROUPS",
    "MEGA_CAPS",
    "LeadershipFeatures",
    "basket_index",
    "consolidation_range",
    "largest_members",
    "rotation",
]

# Today's seven: in the past this is hindsight.
MEGA_CAPS = ("aapl", "msft", "googl", "amzn", "meta", "nvda", "tsla")
GROUPS: dict[str, tuple[str, ...]] = {
    "equal_weight": ("rsp",),
    "storage": ("mu", "wdc", "stx"),
    "equipment": ("amat", "lrcx", "klac"),
    "gold": ("gold_future",),
    "silver": ("silver_future",),
    "copper": ("copper",),
}
LEAST_COMPANIES = 3
# Expected range of a random walk over n steps, in volatilities of n steps: the root of 8 / pi.
WALK_RANGE = float(np.sqrt(8.0 / np.pi))
# Each sampled consensus has holes of years; together they reach from 2018 on.
FORWARD = ("forward_pe_tech", "xlk", "forward_pe_ndx", "ndx", "forward_pe_sp500", "sp500")
# Storage, equipment, copper and the broad market lead while risk is wanted; gold leads when it is
# not.
SIGNS: dict[str, Sign] = {
    "equal_weight": -1,
    "storage": -1,
    "equipment": -1,
    "gold": 1,
    "silver": 0,
    "copper": -1,
}


def basket_index(
    prices: pd.DataFrame, members: pd.DataFrame | None = None, minimum: int = LEAST_COMPANIES
) -> pd.Series:
    """Value of a basket that holds its members in equal parts, set right each day.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_companies)
    members : DataFrame of bool, shape (n_sessions, n_companies), optional
        Who belongs to it, as known at each close; held from the next session on. All by default.
    minimum : int
        Members with a return that a session needs; fewer leave the value where it is.

    Returns
    -------
    Series, shape (n_sessions,)
        1 at the start. NaN before the first session with enough members.

    **Known at:** row t uses prices up to t and members of t - 1.
    """
    moved = prices.where(prices > 0).pct_change(fill_method=None)
    if members is not None:
        held = (
            members.reindex(index=prices.index, columns=prices.columns)
            .shift(1)
            .fillna(False)
            .astype(bool)
        )
        moved = moved.where(held)
    count = moved.notna().sum(axis=1)
    daily = moved.mean(axis=1).where(count >= minimum)
    value = np.exp(np.log1p(daily.clip(lower=-0.99).fillna(0.0)).cumsum())
    return value.where(daily.notna().cumsum() > 0)


def consolidation_range(price: pd.Series, lookback: int = 126) -> pd.Series:
    """Range of the last sessions against that of a random walk of the same volatility.

    Parameters
    ----------
    price : Series, shape (n_sessions,)
    lookback : int
        Sessions of the range, at least 5.

    Returns
    -------
    Series, shape (n_sessions,)
        About 1 for a walk, less in a consolidation, more in a trend. NaN until the window is full,
        and where the price has not moved.

    Raises
    ------
    ConfigError
        If the window is too short.

    **Known at:** row t uses prices up to t.

    **Source:** Feller (1951), "The Asymptotic Distribution of the Range of Sums of Independent
    Random Variables".
    """
    check_at_least(5, lookback=lookback)
    logs = np.log(price.where(price > 0).to_numpy(dtype=float))
    high, low = (kernels.rolling_extreme(logs, lookback, lookback, sign) for sign in (1, -1))
    steps = np.concatenate([[np.nan], np.diff(logs)])[: len(logs)]
    square = kernels.rolling_mean(steps * steps, lookback, lookback // 2)
    # Running sums leave a trace of rounding where nothing moves.
    walk = WALK_RANGE * np.sqrt(lookback * np.where(square > 1e-14, square, np.nan))
    return pd.Series((high - low) / walk, index=price.index)


def rotation(group: pd.Series, leaders: pd.Series, lookback: int = 63) -> pd.Series:
    """Return of a group less that of the leaders, in the volatility of the difference.

    Parameters
    ----------
    group, leaders : Series, shape (n_sessions,)
        Prices or values of baskets.
    lookback : int

    Returns
    -------
    Series, shape (n_sessions,)
        Above 0 where the group overtakes the leaders. NaN where either is missing or history is
        short.

    **Known at:** row t uses prices up to t.
    """
    return scaled_move(group.where(group > 0) / leaders.where(leaders > 0), lookback)


def largest_members(
    caps: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    n: int = 7,
    closes: pd.DatetimeIndex | None = None,
    name: str = "market caps",
) -> pd.DataFrame:
    """The n largest companies as known at each close.

    Parameters
    ----------
    caps : DataFrame, shape (n_rows, 3 or more)
        Columns ticker, market_cap, released.
    sessions : DatetimeIndex, shape (n_sessions,)
    n : int
        At least 1.
    closes : DatetimeIndex, optional
    name : str
        How messages call the table.

    Returns
    -------
    DataFrame of bool, shape (n_sessions, n_companies)
        Columns are lower-case tickers. False for all until n companies are known; a value serves
        for a year.

    Raises
    ------
    InvalidDataError
        If a column is absent or holds something else; release dates above all.
    ConfigError
        If n is below 1.

    **Known at:** row t uses rows released by its close.
    """
    if n < 1:
        raise ConfigError(f"n: must be at least 1, got {n}")
    events = check_events(
        caps, name, ("market_cap",), ("ticker",), "who was large is known from that day on"
    )
    events["ticker"] = events["ticker"].astype(str).str.strip().str.lower()
    position = first_known(events["released"], sessions, closes)
    inside = position < len(sessions)
    tickers = sorted(events["ticker"].unique())
    table = pd.DataFrame(np.nan, index=sessions, columns=tickers)
    rows, columns = position[inside], table.columns.get_indexer(events["ticker"][inside])
    filled = table.to_numpy(copy=True)
    filled[rows, columns] = events["market_cap"].to_numpy()[inside]
    known = pd.DataFrame(filled, index=sessions, columns=tickers).ffill(limit=252)
    size_rank = known.rank(axis=1, ascending=False, method="first")
    return (size_rank <= n) & (known.notna().sum(axis=1) >= n).to_numpy()[:, None]


@dataclass(frozen=True, kw_only=True)
class LeadershipFeatures:
    """Features of the leaders' basket, of rotation away from it, and of its multiple.

    Parameters
    ----------
    lookback : int
        Sessions of rotation (a quarter).
    rest : int
        Sessions of a consolidation.
    year : int
        Sessions in which the peak of the multiple is sought.

    Examples
    --------
    >>> LeadershipFeatures().features()[0].spec.name
    'valuation_leaders_range_126'
    """

    lookback: int = 63
    rest: int = 126
    year: int = 252

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        lead = FeatureFamily("valuation", "leadership")
        paid = FeatureFamily("valuation", "multiple")
        rest = self.rest
        days = self.lookback
        year = self.year
        return (
            lead(
                "leaders_range",
                rest,
                0,
                MEGA_CAPS,
                lambda v: consolidation_range(basket_index(v), rest),
            ),
            lead("leaders_above_mean", days, -1, MEGA_CAPS, lambda v: _above_mean(v, days)),
            *(
                lead(
                    f"{name}_rotation",
                    days,
                    SIGNS[name],
                    (*parts, *MEGA_CAPS),
                    _rotation(parts, days),
                )
                for name, parts in GROUPS.items()
            ),
            paid("multiple_fall", year, -1, FORWARD, lambda v: _derated(v, year, "fall")),
            paid(
                "multiple_beyond_price",
                year,
                1,
                FORWARD,
                lambda v: _derated(v, year, "beyond_price"),
            ),
            paid(
                "cape_change_rank",
                year,
                -1,
                ("cape",),
                lambda v: rolling_percentile(change(v["cape"], year), 2520, 504),
            ),
        )


def _rotation(parts: tuple[str, ...], lookback: int) -> Compute:
    return lambda v: rotation(
        basket_index(v[list(parts)], minimum=1), basket_index(v[list(MEGA_CAPS)]), lookback
    )


def _derated(values: pd.DataFrame, lookback: int, quantity: str) -> pd.Series:
    """Mean over the sampled multiples that are known."""
    parts = {
        name: derating(values[name], values[price], lookback)[quantity]
        for name, price in zip(FORWARD[::2], FORWARD[1::2], strict=True)
    }
    return pd.DataFrame(parts).mean(axis=1)


def _above_mean(values: pd.DataFrame, lookback: int) -> pd.Series:
    """Share of the leaders above their mean of some sessions, in [0, 1].

    NaN under three companies.
    """
    mean = values.rolling(lookback, min_periods=lookback // 2).mean()
    known = mean.notna() & values.notna()
    count = known.sum(axis=1)
    return ((values > mean) & known).sum(axis=1) / count.where(count >= 3)
