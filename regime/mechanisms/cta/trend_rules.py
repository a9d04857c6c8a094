"""Trend rules and the prices at which they turn.

Exponential filter, price of months ago, crossover of averages.

A rule reads the log price of what is held. Its signal is positive in an up-trend; its turning level
is the log price of the next session at which the signal of that session is zero. All three are
linear in the log price, so the level has a closed form; what is not, such as a sum of clipped
signals, is solved by bisection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numba as nb
import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.errors import ConfigError

__all__ = ["Crossover", "ExponentialFilter", "PriceAgo", "TrendRule", "solve_level"]

TWO_YEARS = 504


class TrendRule(Protocol):
    """Sign of a trend, and the price that turns it."""

    def signal(self, log_price: pd.Series) -> pd.Series:
        """Trend at each close, positive is up; NaN where the history is too short."""

    def turning_level(self, log_price: pd.Series) -> pd.Series:
        """Log price of the session after each row at which the signal of that session is zero."""


@dataclass(frozen=True, kw_only=True)
class ExponentialFilter(TrendRule):
    """Exponentially weighted sum of the returns of a window.

    The same as the price less its exponential average, where the average starts at the first price
    of the window: what lies further back has no say, which matters for a slow filter.

    Parameters
    ----------
    halflife : float
        Sessions, positive.
    window : int
        Returns that are read, at least 2.

    Raises
    ------
    ConfigError
        If a number is impossible.

    Examples
    --------
    >>> rule = ExponentialFilter(halflife=1.0, window=3)
    >>> path = pd.Series([0.0, 1.0, 1.0, 2.0])
    >>> rule.signal(path).tolist(), rule.turning_level(path).tolist()[-1]
    ([nan, nan, nan, 1.25], 1.5)
    """

    halflife: float
    window: int = TWO_YEARS

    def __post_init__(self) -> None:
        if not 0 < self.halflife < np.inf:
            raise ConfigError(f"halflife: must be positive, got {self.halflife}")
        if self.window < 2:
            raise ConfigError(f"window: must be at least 2 returns, got {self.window}")

    @property
    def keep(self) -> float:
        """What a return keeps of its weight from one session to the next."""
        return float(0.5 ** (1.0 / self.halflife))

    @property
    def size(self) -> float:
        """Volatility of the signal of a price without trend, in daily volatilities."""
        return float(np.sqrt((1.0 - self.keep ** (2 * self.window)) / (1.0 - self.keep**2)))

    def signal(self, log_price: pd.Series) -> pd.Series:  # noqa: D102
        return self._sums(log_price, self.window)

    def turning_level(self, log_price: pd.Series) -> pd.Series:  # noqa: D102
        # The return of the next session enters with weight 1 and pushes the oldest one out.
        return log_price - self.keep * self._sums(log_price, self.window - 1)

    def _sums(self, log_price: pd.Series, window: int) -> pd.Series:
        steps = np.diff(log_price.to_numpy(dtype=float), prepend=np.nan)
        return pd.Series(_windowed_sums(steps, self.keep, window), index=log_price.index)


@dataclass(frozen=True, kw_only=True)
class PriceAgo(TrendRule):
    """Price against that of a number of calendar months ago.

    Parameters
    ----------
    months : int
        In 1..60. The day is the last session on or before the same day of that month.

    Raises
    ------
    ConfigError
        If the number is impossible.

    Examples
    --------
    >>> dates = pd.DatetimeIndex(["2020-01-02", "2020-01-31", "2020-02-28"])
    >>> PriceAgo(months=1).turning_level(pd.Series([0.0, 0.1, 0.2], dates)).tolist()
    [nan, 0.0, 0.1]
    """

    months: int

    def __post_init__(self) -> None:
        if not 1 <= self.months <= 60:
            raise ConfigError(f"months: must lie in 1..60, got {self.months}")

    def signal(self, log_price: pd.Series) -> pd.Series:  # noqa: D102
        return log_price - self._ago(log_price, pd.DatetimeIndex(log_price.index))

    def turning_level(self, log_price: pd.Series) -> pd.Series:  # noqa: D102
        # The session after a row is taken to be the next business day: holidays are not this rule's
        # business.
        return self._ago(log_price, pd.DatetimeIndex(log_price.index) + pd.offsets.BDay(1))

    def _ago(self, log_price: pd.Series, dates: pd.DatetimeIndex) -> pd.Series:
        known = pd.DatetimeIndex(log_price.index)
        position = known.searchsorted(dates - pd.DateOffset(months=self.months), side="right") - 1
        values = log_price.to_numpy(dtype=float)
        return pd.Series(
            np.where(position >= 0, values[np.maximum(position, 0)], np.nan), index=log_price.index
        )


@dataclass(frozen=True, kw_only=True)
class Crossover(TrendRule):
    """A fast exponential average of the log price less a slow one.

    Its level is far away where the slow average is far below: one session moves the difference by
    little.

    Parameters
    ----------
    fast, slow : float
        Halflives in sessions, the first below the second.

    Raises
    ------
    ConfigError
        If they are not positive and rising.

    Examples
    --------
    >>> path = pd.Series(np.r_[np.zeros(400), 1.0])
    >>> rule = Crossover(fast=1.0, slow=2.0)
    >>> rule.signal(path).round(3).tolist()[-1], rule.turning_level(path).round(3).tolist()[-1]
    (0.207, -0.207)
    """

    fast: float
    slow: float

    def __post_init__(self) -> None:
        if not 0 < self.fast < self.slow < np.inf:
            raise ConfigError(f"fast: 0 < fast < slow must hold, got {self.fast} and {self.slow}")

    def signal(self, log_price: pd.Series) -> pd.Series:  # noqa: D102
        return self._average(log_price, self.fast) - self._average(log_price, self.slow)

    def turning_level(self, log_price: pd.Series) -> pd.Series:  # noqa: D102
        keep_fast, keep_slow = 0.5 ** (1.0 / self.fast), 0.5 ** (1.0 / self.slow)
        fast, slow = self._average(log_price, self.fast), self._average(log_price, self.slow)
        return (keep_slow * slow - keep_fast * fast) / (keep_slow - keep_fast)

    def _average(self, log_price: pd.Series, halflife: float) -> pd.Series:
        """Started at the first price.

        Given once ten halflives of the slower one have taken that out of it.
        """
        average: pd.Series = log_price.ewm(halflife=halflife, adjust=False, ignore_na=True).mean()
        return average.where(log_price.notna().cumsum() > 10 * self.slow)


def solve_level(
    signal: Callable[[float], float], near: float, far: float, tolerance: float = 1e-10
) -> float:
    """Price between two others at which a rising function of the price is zero, by bisection.

    Parameters
    ----------
    signal : callable
        Of one price; need not be continuous.
    near, far : float
        Prices, the first the lower.
    tolerance : float
        Of the price.

    Returns
    -------
    float
        NaN where the function has one sign at both ends.
    """
    if not signal(near) <= 0.0 <= signal(far):
        return float("nan")
    while far - near > tolerance:
        middle = (near + far) / 2.0
        if middle in (near, far):
            break
        near, far = (middle, far) if signal(middle) < 0.0 else (near, middle)
    return (near + far) / 2.0


@nb.njit(cache=True, fastmath=False)
def _windowed_sums(steps: Floats, keep: float, window: int) -> Floats:
    """One running sum of returns, from which the one that leaves the window is taken.

    NaN until the window is full.
    """
    out = np.full(steps.size, np.nan)
    gone = keep**window
    total = 0.0
    count = 0
    for t in range(steps.size):
        total *= keep
        if not np.isnan(steps[t]):
            total += steps[t]
            count += 1
        if t >= window and not np.isnan(steps[t - window]):
            total -= gone * steps[t - window]
        if count >= window:
            out[t] = total
    return out
