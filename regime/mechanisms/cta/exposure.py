"""What trend followers hold, and what they would come to hold on a stated scenario.

Each speed's signal is counted in its own volatilities and clipped at one; their weighted sum is
scaled to constant risk; and orders reach the market over a few sessions, so that after a shock some
of the selling is still to come. Moving-average crossovers and broken averages, the textbook form,
stand at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats
from regime.errors import ConfigError
from regime.mechanisms.cta.scenarios import Scenario
from regime.mechanisms.cta.trend_rules import ExponentialFilter
from regime.schema import YEAR

__all__ = ["SPANS", "SPEEDS", "TrendBook", "speeds", "trend_exposure", "triggers_broken"]

HALFLIVES = {
    "short": 15.0,
    "medium": 50.0,
    "long": 150.0,
}  # sessions; they give one bank's levels (experiment 06)
WEIGHTS = {"short": 0.2, "medium": 0.4, "long": 0.4}
MINIMUM = 40
# Fast and slow spans of the three usual speeds, and the spans whose averages fit one bank's
# published levels.
SPEEDS: tuple[tuple[int, int], ...] = ((8, 24), (16, 48), (32, 96))
SPANS: tuple[int, ...] = (43, 144, 505)


def speeds() -> dict[str, ExponentialFilter]:
    """The three usual filters, by name."""
    return {name: ExponentialFilter(halflife=halflife) for name, halflife in HALFLIVES.items()}


@dataclass(frozen=True, kw_only=True)
class TrendBook:
    """Position of volatility-targeted trend followers in one market.

    Parameters
    ----------
    filters : mapping of str to ExponentialFilter
        One a speed.
    weights : mapping of str to float
        One a speed, positive, summing to 1.
    full_at : float
        Annual volatility at and below which a full trend is held in full size; above it the size is
        divided by it.
    halflife : float
        Sessions of the volatility that sizes positions.
    recent : float
        Sessions of the volatility that a scenario continues.
    trading : float
        Halflife in sessions of the way from the old position to the new.

    Raises
    ------
    ConfigError
        If speeds differ or a number is impossible.

    Examples
    --------
    >>> path = pd.Series(np.cumsum(np.tile([0.011, -0.009], 400)))
    >>> book = TrendBook()
    >>> book.exposure(path).round(2).tolist()[-1], book.signals(path)["long"].round(2).tolist()[-1]
    (0.47, 1.84)
    """

    filters: Mapping[str, ExponentialFilter] = field(default_factory=speeds)
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    full_at: float = 0.08
    halflife: float = 42.0
    recent: float = 10.0
    trading: float = 3.0

    def __post_init__(self) -> None:
        if set(self.filters) != set(self.weights):
            raise ConfigError(
                f"weights: must name the speeds {sorted(self.filters)}, got {sorted(self.weights)}"
            )
        if min(self.weights.values()) <= 0 or abs(sum(self.weights.values()) - 1.0) > 1e-9:
            raise ConfigError(f"weights: must be positive and sum to 1, got {dict(self.weights)}")
        for name in ("full_at", "halflife", "recent", "trading"):
            if not 0 < getattr(self, name) < np.inf:
                raise ConfigError(f"{name}: must be positive, got {getattr(self, name)}")

    @property
    def reach(self) -> int:
        """Rows that a reading of the last one needs.

        The longest window, and what the averages remember.
        """
        return max(rule.window for rule in self.filters.values()) + 1

    def volatility(self, log_price: pd.Series, halflife: float | None = None) -> pd.Series:
        """Daily volatility; NaN before 40 returns, and where the price has not moved."""
        steps = np.diff(log_price.to_numpy(dtype=float), prepend=np.nan)
        daily = kernels.ewm_std(steps, self.halflife if halflife is None else halflife, MINIMUM)
        return pd.Series(np.where(daily > 1e-8, daily, np.nan), index=log_price.index)

    def signals(self, log_price: pd.Series) -> pd.DataFrame:
        """Trend of each speed in its own volatilities, unclipped.

        Parameters
        ----------
        log_price : Series, shape (n_sessions,)

        Returns
        -------
        DataFrame, shape (n_sessions, n_speeds)
            NaN until a filter's window is full.

        **Known at:** row t uses prices up to t.
        """
        daily = self.volatility(log_price)
        return pd.DataFrame(
            {
                name: rule.signal(log_price) / (daily * rule.size)
                for name, rule in self.filters.items()
            }
        )

    def target(self, log_price: pd.Series) -> pd.Series:
        """Position that the rule orders at each close, in [-1, 1], shape (n_sessions,)."""
        signals = self.signals(log_price)
        return self._sized({name: signals[name] for name in signals}, self.volatility(log_price))

    def exposure(self, log_price: pd.Series) -> pd.Series:
        """Position held: orders are worked off over a few sessions.

        Parameters
        ----------
        log_price : Series, shape (n_sessions,)
            Of what is held: for an index, its roll-adjusted future.

        Returns
        -------
        Series, shape (n_sessions,), in [-1, 1]
            NaN until a filter's window is full.

        **Known at:** row t uses prices up to t.

        **Source:** Moskowitz, Ooi and Pedersen (2012), "Time Series Momentum"; medium and slow
        speeds, clipped and over volatility, explain the published trend index best (experiment 06).
        """
        target = np.ascontiguousarray(self.target(log_price).to_numpy())
        return pd.Series(kernels.ewm_mean(target, self.trading, 1), index=log_price.index)

    def after(self, log_price: pd.Series, scenario: Scenario) -> pd.Series:
        """Position held at the end of a scenario that begins after each session.

        Parameters
        ----------
        log_price : Series, shape (n_sessions,)
        scenario : Scenario

        Returns
        -------
        Series, shape (n_sessions,), in [-1, 1]
            NaN where the position itself is.

        **Known at:** row t uses prices up to t; the rest is the scenario's.
        """
        steps = log_price.diff()
        recent, sizing = self.volatility(log_price, self.recent), self.volatility(log_price)
        step = scenario.move * recent / np.sqrt(scenario.sessions)
        sums = {name: rule.signal(log_price) for name, rule in self.filters.items()}
        variance = sizing**2
        held = self.exposure(log_price)
        keep = 0.5 ** (1.0 / self.halflife)
        stays = 0.5 ** (1.0 / self.trading)
        for k in range(1, scenario.sessions + 1):
            variance = keep * variance + (1.0 - keep) * (scenario.response * recent) ** 2
            daily = np.sqrt(variance)
            for name, rule in self.filters.items():
                gone = steps.shift(rule.window - k).fillna(0.0) if k <= rule.window else step
                sums[name] = rule.keep * sums[name] + step - rule.keep**rule.window * gone
            scaled = {name: sums[name] / (daily * rule.size) for name, rule in self.filters.items()}
            held = stays * held + (1.0 - stays) * self._sized(scaled, daily)
        return held

    def _sized(self, signals: Mapping[str, pd.Series], daily: pd.Series) -> pd.Series:
        clipped = [self.weights[name] * signal.clip(-1.0, 1.0) for name, signal in signals.items()]
        mixed = sum(clipped[1:], start=clipped[0])
        return mixed * (self.full_at / np.sqrt(YEAR) / daily).clip(upper=1.0)


def trend_exposure(close: pd.Series, speeds: tuple[tuple[int, int], ...] = SPEEDS) -> pd.Series:
    """Exposure of a volatility-targeted trend follower, in multiples of its usual size.

    Parameters
    ----------
    close : Series, shape (n_sessions,)
        Price of one market.
    speeds : tuple of (int, int)
        Fast and slow spans in sessions, one pair a speed.

    Returns
    -------
    Series, shape (n_sessions,)
        Mean over speeds of the clipped trend, over volatility; negative is short. NaN in the first
        quarter of the slowest span, and where the price has not moved at all.

    **Known at:** row t uses closes up to t.

    **Source:** moving-average crossovers scaled by volatility, the textbook form of managed
    futures.
    """
    logs = np.log(close.where(close > 0).to_numpy(dtype=float))
    daily = kernels.ewm_std(np.diff(logs, prepend=np.nan), 63.0, 20)
    daily = np.where(daily > 0, daily, np.nan)  # a price that stands still has no trend to scale
    signal = np.zeros(logs.size)
    for fast, slow in speeds:
        gap = _average(logs, fast) - _average(logs, slow)
        signal = signal + np.clip(gap / (daily * np.sqrt(slow - fast)), -2.0, 2.0)
    scale = np.clip(0.10 / (daily * np.sqrt(252)), None, 3.0)
    return pd.Series(signal / (2 * len(speeds)) * scale, index=close.index)


def triggers_broken(close: pd.Series, spans: tuple[int, ...] = SPANS) -> pd.Series:
    """Share of the trigger levels that the close lies below, in [0, 1].

    Parameters
    ----------
    close : Series, shape (n_sessions,)
    spans : tuple of int
        Spans in sessions of the exponential averages that serve as triggers.

    Returns
    -------
    Series, shape (n_sessions,)
        NaN until the slowest average has a quarter of its span.

    **Known at:** row t uses closes up to t.
    """
    price = np.ascontiguousarray(close.to_numpy(dtype=float))
    below = [
        np.where(np.isnan(level := _average(price, span)), np.nan, price < level) for span in spans
    ]
    return pd.Series(sum(below[1:], start=below[0]) / len(spans), index=close.index)


def _average(x: Floats, span: int) -> Floats:
    halflife = np.log(0.5) / np.log(1.0 - 2.0 / (span + 1.0))
    return kernels.ewm_mean(np.ascontiguousarray(x), float(halflife), span // 4)
