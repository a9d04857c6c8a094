"""Market depth from bars: what a round trip costs, and how far a traded dollar moves the price.

Order books are seldom to be had, but they leave their mark on a session's open, high, low and
close: a price that bounces between bid and ask turns back more often than one that follows news.
Each estimator reads that mark in its own way. They measure well where the spread is a fair share of
the session's range; in the most liquid funds what they see is mostly how prices swing within a
session, many times the quoted spread, so that they bound it from above. `HalfSpread` makes of one
of them what a trade costs.

NaN rule, everywhere: a price that is missing or not above 0 takes no part; a row whose window holds
fewer than `minimum` usable rows is NaN. A window of n rows holds n - 1 pairs of neighbours, and
that many terms.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats
from regime.errors import ConfigError, InvalidDataError
from regime.schema import MONTH

__all__ = [
    "HalfSpread",
    "abdi_ranaldo_spread",
    "amihud_illiquidity",
    "check_window",
    "corwin_schultz_spread",
    "edge_spread",
    "roll_spread",
]

COLUMNS = ("open", "high", "low", "close")
PER_DOLLARS = 1e6


def edge_spread(
    bars: pd.DataFrame, lookback: int = MONTH, minimum: int | None = None, *, signed: bool = False
) -> pd.Series:
    """Spread by the efficient estimator from open, high, low and close.

    Parameters
    ----------
    bars : DataFrame, shape (n_rows, 4 or more)
        Columns open, high, low, close.
    lookback : int
        Rows of the window, at least 3.
    minimum : int, optional
        Usable rows that a window needs; all by default.
    signed : bool
        Whether a negative squared spread, which is noise around none, gives a negative number or
        its size.

    Returns
    -------
    Series, shape (n_rows,), fraction of the price
        Full spread. NaN as well where fewer than two rows moved, or where no open or no close lay
        off the session's high or low.

    Raises
    ------
    InvalidDataError
        If a column is absent.
    ConfigError
        If the window is impossible.

    **Known at:** row t uses bars up to t.

    **Source:** Ardia, Guidotti and Kroencke (2024), "Efficient Estimation of Bid-Ask Spreads from
    Open, High, Low, and Close Prices", by their own library.
    """
    from bidask import edge_rolling

    minimum = check_window(lookback, minimum)
    prices = _prices(bars, COLUMNS)
    if not len(bars):
        return pd.Series(index=bars.index, dtype=float)
    table = pd.DataFrame(prices, index=bars.index)
    with warnings.catch_warnings():
        # It renames columns with a keyword that pandas 3 deprecates; the names are right.
        warnings.filterwarnings(
            "ignore", message="The inplace keyword", category=DeprecationWarning
        )
        return edge_rolling(table, window=lookback, sign=signed, min_periods=minimum).rename(None)


def corwin_schultz_spread(
    bars: pd.DataFrame, lookback: int = MONTH, minimum: int | None = None
) -> pd.Series:
    """Spread from the ranges of single sessions against those of two in a row.

    The range of two sessions holds twice the variance of one, but the spread only once. A session
    that opened away from the close before is first moved back to it.

    Parameters
    ----------
    bars : DataFrame, shape (n_rows, 3 or more)
        Columns high, low, close.
    lookback : int
        Rows of the window, at least 3.
    minimum : int, optional
        Usable rows that a window needs; all by default.

    Returns
    -------
    Series, shape (n_rows,), fraction of the price
        Mean of the two-session estimates, negative ones counted as 0, which is too much where the
        spread is small beside the range.

    Raises
    ------
    InvalidDataError
        If a column is absent.
    ConfigError
        If the window is impossible.

    **Known at:** row t uses bars up to t.

    **Source:** Corwin and Schultz (2012), "A Simple Way to Estimate Bid-Ask Spreads from Daily High
    and Low Prices".
    """
    minimum = check_window(lookback, minimum)
    high, low, close = (np.log(prices) for prices in _prices(bars, COLUMNS[1:]).values())
    before_high = _lag(high)
    before_low = _lag(low)
    before = _lag(close)
    shift = np.maximum(low - before, 0.0) + np.minimum(high - before, 0.0)
    single = (before_high - before_low) ** 2 + (high - low) ** 2
    double = (np.maximum(before_high, high - shift) - np.minimum(before_low, low - shift)) ** 2
    share = 3.0 - 2.0 * np.sqrt(2.0)
    alpha = (np.sqrt(2.0 * single) - np.sqrt(single)) / share - np.sqrt(double / share)
    # (exp(a) - 1) / (exp(a) + 1) is the hyperbolic tangent of a / 2.
    return _mean(np.maximum(2.0 * np.tanh(alpha / 2.0), 0.0), lookback, minimum, bars.index)


def abdi_ranaldo_spread(
    bars: pd.DataFrame, lookback: int = MONTH, minimum: int | None = None
) -> pd.Series:
    """Spread from how far closes lie from the middle of their own range and of the next.

    Parameters
    ----------
    bars : DataFrame, shape (n_rows, 3 or more)
        Columns high, low, close.
    lookback : int
        Rows of the window, at least 3.
    minimum : int, optional
        Usable rows that a window needs; all by default.

    Returns
    -------
    Series, shape (n_rows,), fraction of the price
        0 where the squared spread of the window is negative.

    Raises
    ------
    InvalidDataError
        If a column is absent.
    ConfigError
        If the window is impossible.

    **Known at:** row t uses bars up to t: the close of t - 1 is held against the middles of t - 1
    and t.

    **Source:** Abdi and Ranaldo (2017), "A Simple Estimation of Bid-Ask Spreads from Daily Close,
    High, and Low Prices", the form that averages before it takes the root.
    """
    minimum = check_window(lookback, minimum)
    high, low, close = (np.log(prices) for prices in _prices(bars, COLUMNS[1:]).values())
    middle = (high + low) / 2.0
    square = 4.0 * (_lag(close) - _lag(middle)) * (_lag(close) - middle)
    return np.sqrt(_mean(square, lookback, minimum, bars.index).clip(lower=0.0))


def roll_spread(close: pd.Series, lookback: int = MONTH, minimum: int | None = None) -> pd.Series:
    """Spread from the covariance of one price change with the next.

    Parameters
    ----------
    close : Series, shape (n_rows,)
    lookback : int
        Rows of the window, at least 4.
    minimum : int, optional
        Usable rows that a window needs, at least 4; all by default.

    Returns
    -------
    Series, shape (n_rows,), fraction of the price
        0 where the covariance of the window is not negative.

    Raises
    ------
    ConfigError
        If the window is impossible.

    **Known at:** row t uses closes up to t.

    **Source:** Roll (1984), "A Simple Implicit Measure of the Effective Bid-Ask Spread in an
    Efficient Market".
    """
    minimum = check_window(lookback, minimum, least=4)
    now = _changes(close)
    before = _lag(now)
    both = ~np.isnan(now * before)
    product, first, second = (
        _mean(np.where(both, values, np.nan), lookback - 1, minimum - 1, close.index)
        for values in (now * before, now, before)
    )
    return 2.0 * np.sqrt((first * second - product).clip(lower=0.0))


def amihud_illiquidity(
    close: pd.Series, dollar_volume: pd.Series, lookback: int = MONTH, minimum: int | None = None
) -> pd.Series:
    """How far the price moves for each million dollars traded.

    Parameters
    ----------
    close : Series, shape (n_rows,)
    dollar_volume : Series, shape (n_rows,), USD
        Traded price times volume: an adjusted price would make the past look less liquid than it
        was. A row of no volume takes no part.
    lookback : int
        Rows of the window, at least 3.
    minimum : int, optional
        Usable rows that a window needs; all by default.

    Returns
    -------
    Series, shape (n_rows,), absolute log change for each USD mn

    Raises
    ------
    InvalidDataError
        If the two have other dates.
    ConfigError
        If the window is impossible.

    **Known at:** row t uses rows up to t.

    **Source:** Amihud (2002), "Illiquidity and Stock Returns".
    """
    minimum = check_window(lookback, minimum)
    if not close.index.equals(dollar_volume.index):
        raise InvalidDataError("Bars: closes and dollar volumes must have the same dates")
    traded = np.ascontiguousarray(dollar_volume.to_numpy(dtype=float))
    millions = np.where((traded > 0.0) & np.isfinite(traded), traded / PER_DOLLARS, np.nan)
    return _mean(np.abs(_changes(close)) / millions, lookback, minimum, close.index)


def check_window(lookback: int, minimum: int | None, least: int = 3) -> int:
    """Rows that a window needs: `minimum`, or all of its own.

    Raises
    ------
    ConfigError
        If the window has fewer rows than `least`, or `minimum` lies outside `least`..lookback.
    """
    if lookback < least:
        raise ConfigError(f"lookback: must be at least {least} sessions, got {lookback}")
    if minimum is not None and not least <= minimum <= lookback:
        raise ConfigError(f"minimum: must lie in {least}..lookback = {lookback}, got {minimum}")
    return lookback if minimum is None else minimum


def _prices(bars: pd.DataFrame, columns: tuple[str, ...]) -> dict[str, Floats]:
    absent = [name for name in columns if name not in bars]
    if absent:
        raise InvalidDataError(
            f"Bars: column `{absent[0]}` is absent; an estimate reads {', '.join(columns)}"
        )
    return {name: _positive(bars[name]) for name in columns}


def _positive(prices: pd.Series) -> Floats:
    values = np.ascontiguousarray(prices.to_numpy(dtype=float))
    return np.where((values > 0.0) & np.isfinite(values), values, np.nan)


def _changes(close: pd.Series) -> Floats:
    logs = np.log(_positive(close))
    return logs - _lag(logs)


def _lag(values: Floats) -> Floats:
    return np.concatenate([[np.nan], values])[: len(values)]


def _mean(terms: Floats, lookback: int, minimum: int, index: pd.Index) -> pd.Series:
    """Mean of the terms of a window of rows, each of which takes two neighbours."""
    return pd.Series(kernels.rolling_mean(terms, lookback - 1, minimum - 1), index=index)


@dataclass(frozen=True, kw_only=True)
class HalfSpread:
    """Half of the spread of one asset, as a trader could have put it down before each session.

    Parameters
    ----------
    lookback : int
        Sessions of the estimate, at least 3.
    minimum : int
        Usable sessions that it needs, in 3..lookback.
    floor_bps : float
        Smallest half-spread, basis points; a negative estimate is no spread at all and gives it.
    unknown_bps : float
        Half-spread until there is an estimate, basis points.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=3, name="date")
    >>> prices = {"open": [9.0, 9, 9], "high": [9.1, 9, 9], "low": 8.9, "close": 9.0}
    >>> bars = pd.DataFrame(prices, index=dates)
    >>> HalfSpread(unknown_bps=4.0)(bars).tolist()
    [4.0, 4.0, 4.0]
    """

    lookback: int = 63
    minimum: int = 21
    floor_bps: float = 0.5
    unknown_bps: float = 5.0

    def __post_init__(self) -> None:
        check_window(self.lookback, self.minimum)
        for name in ("floor_bps", "unknown_bps"):
            if not 0.0 <= getattr(self, name) <= 1000.0:
                raise ConfigError(
                    f"{name}: must lie in [0, 1000] basis points, got {getattr(self, name)}"
                )
        if self.unknown_bps < self.floor_bps:
            raise ConfigError(
                f"unknown_bps: must be at least floor_bps = {self.floor_bps:g}, got "
                f"{self.unknown_bps:g}"
            )

    def __str__(self) -> str:
        return (
            f"half-spread by EDGE over the {self.lookback} sessions before, at least "
            f"{self.floor_bps:g} bp, "
            f"{self.unknown_bps:g} bp until it is known"
        )

    def __call__(self, bars: pd.DataFrame) -> pd.Series:
        """Half-spread to be paid on each row, from the rows before it.

        Parameters
        ----------
        bars : DataFrame, shape (n_rows, 4 or more)
            Columns open, high, low, close of one asset, in one unit.

        Returns
        -------
        Series, shape (n_rows,), basis points, named ``half_spread``
            Never NaN: where an estimate is missing the one before stands.

        Raises
        ------
        InvalidDataError
            If a column is absent.

        **Known at:** row t uses bars up to t - 1, so that it is known before the session in which
        it is paid.
        """
        spread = edge_spread(bars, self.lookback, self.minimum, signed=True).shift(1).ffill()
        half = (spread * (1e4 / 2.0)).fillna(self.unknown_bps)
        return half.clip(lower=self.floor_bps).rename("half_spread")
