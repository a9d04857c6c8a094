"""Positioning: falls in progress, trend followers, volatility sellers, dealers and surveys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime import kernels
from regime.feature import Compute, Feature, FeatureFamily, Sign, check_positive
from regime.mechanisms.cta.exposure import trend_exposure, triggers_broken
from regime.transforms import (
    change,
    fall_from_high,
    log_change,
    log_deviation,
    rolling_percentile,
    volatility,
    zscore,
)

__all__ = ["PositioningFeatures"]

# Columns of the kernel's fall state and their expected signs; depths beside the main one keep the
# short form.
FALL_SIGNS: dict[str, Sign] = {
    "now": 1,
    "worst": 0,
    "regained": -1,
    "age": 0,
    "low_age": -1,
    "open": 1,
}
SHORT_FORM = ("worst", "regained", "age", "open")


@dataclass(frozen=True, kw_only=True)
class PositioningFeatures:
    """Features of what holders have on and must take off.

    Parameters
    ----------
    lookback : int
        Sessions over which options and surveys are ranked or compared with their mean.
    crowding : int
        Sessions over which positions are ranked (the field's five years).
    fall_depth : float
        Monthly volatilities under the peak at which a fall counts as open; a small fall has three
        quarters of it, a large one half as much again.

    Examples
    --------
    >>> len(PositioningFeatures().features())
    31
    """

    lookback: int = 252
    crowding: int = 1260
    fall_depth: float = 2.0

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the family, in the order of the columns."""
        return (*self._price(), *self._falls(), *self._trend(), *self._options(), *self._surveys())

    def _price(self) -> tuple[Feature, ...]:
        make = FeatureFamily("positioning", "forced sellers in price")
        return (
            make("drawdown", 252, 1, ("sp500",), lambda v: -fall_from_high(v["sp500"], 252)),
            make("distance", 200, 1, ("sp500",), lambda v: -_above_average(v["sp500"], 200)),
            make("downside_rank", 0, 1, ("sp500",), lambda v: _downside_rank(v["sp500"])),
            make("realised_vol", 21, 1, ("sp500",), lambda v: np.log(volatility(v["sp500"], 21))),
            make("mean_return", 10, -1, ("sp500",), lambda v: _mean_return(v["sp500"], 10)),
            make("mean_return", 21, -1, ("sp500",), lambda v: _mean_return(v["sp500"], 21)),
            make(
                "vol_shock",
                63,
                1,
                ("sp500",),
                lambda v: _log_ratio(volatility(v["sp500"], 5), volatility(v["sp500"], 63)),
            ),
        )

    def _falls(self) -> tuple[Feature, ...]:
        make = FeatureFamily("positioning", "margin and stop levels of the fall in progress")
        sizes = {
            "fall": (self.fall_depth, FALL_SIGNS),
            "small_fall": (self.fall_depth * 0.75, SHORT_FORM),
            "large_fall": (self.fall_depth * 1.5, SHORT_FORM),
        }
        return tuple(
            make(f"{size}_{name}", 0, FALL_SIGNS[name], ("sp500",), _fall(depth, name))
            for size, (depth, names) in sizes.items()
            for name in names
        )

    def _trend(self) -> tuple[Feature, ...]:
        make = FeatureFamily("positioning", "trend followers")
        return (
            make(
                "trend_exposure",
                self.crowding,
                -1,
                ("sp500",),
                lambda v: rolling_percentile(trend_exposure(v["sp500"]), self.crowding),
            ),
            make("triggers_broken", 0, 1, ("sp500",), lambda v: triggers_broken(v["sp500"])),
        )

    def _options(self) -> tuple[Feature, ...]:
        make = FeatureFamily("positioning", "dealers and option sellers")
        days = self.lookback
        return (
            make("vix", 0, 1, ("vix", "sp500"), _implied_volatility, proxy=True),
            make(
                "vix_change",
                10,
                1,
                ("vix", "sp500"),
                lambda v: change(_implied_volatility(v), 10),
                proxy=True,
            ),
            make("vix_term", 0, 1, ("vix", "vix3m"), lambda v: _log_ratio(v["vix"], v["vix3m"])),
            make("vvix_deviation", days, -1, ("vvix",), lambda v: log_deviation(v["vvix"], days)),
            make("skew_deviation", days, -1, ("skew",), lambda v: log_deviation(v["skew"], days)),
            make("gex_rank", days, -1, ("gex",), lambda v: rolling_percentile(v["gex"], days)),
        )

    def _surveys(self) -> tuple[Feature, ...]:
        make = FeatureFamily("positioning", "crowding")
        days = self.crowding
        return (
            make(
                "bond_specs_rank",
                days,
                -1,
                ("cot_ust10_spec_long", "cot_ust10_spec_short"),
                lambda v: rolling_percentile(
                    _net_share(v["cot_ust10_spec_long"], v["cot_ust10_spec_short"]), days
                ),
            ),
            make(
                "managers_zscore",
                self.lookback,
                -1,
                ("naaim",),
                lambda v: zscore(v["naaim"], self.lookback),
            ),
        )


def _fall(depth: float, name: str) -> Compute:
    position = list(FALL_SIGNS).index(name)

    def compute(values: pd.DataFrame) -> pd.Series:
        close = values["sp500"]
        monthly = (volatility(close, 252) * np.sqrt(21)).to_numpy(dtype=float)
        state = kernels.fall_state(np.log(close.to_numpy(dtype=float)), monthly, depth, 0.5)[
            :, position
        ]
        return pd.Series(np.log1p(state) if "age" in name else state, index=close.index)

    return compute


def _mean_return(close: pd.Series, halflife: float) -> pd.Series:
    """Exponential mean of daily log changes in units of their slow volatility.

    How fast it is being sold.
    """
    return _ewm(log_change(close, 1), halflife) / volatility(close, 252)


def _downside_rank(close: pd.Series) -> pd.Series:
    """Mean expanding rank of downside deviation and minus the Sortino ratio, in (0, 1]."""
    returns = log_change(close, 1)
    losses = returns.clip(upper=0.0) ** 2
    deviation_ = np.sqrt(_ewm(losses, 21))
    sortino = _ewm(returns, 21) / (deviation_ + 1e-5)
    return (rolling_percentile(deviation_, 0, 1000) + rolling_percentile(-sortino, 0, 1000)) / 2


def _implied_volatility(values: pd.DataFrame) -> pd.Series:
    """Log VIX in percent.

    Before the VIX began, realised volatility with the usual premium of a tenth.
    """
    realised = volatility(values["sp500"], 21) * np.sqrt(252) * 100
    return np.log(values["vix"].fillna(realised * 1.1))


def _above_average(close: pd.Series, lookback: int) -> pd.Series:
    mean = kernels.rolling_mean(np.ascontiguousarray(close.to_numpy(dtype=float)), lookback, 60)
    return close / pd.Series(mean, index=close.index) - 1.0


def _ewm(x: pd.Series, halflife: float) -> pd.Series:
    return pd.Series(
        kernels.ewm_mean(np.ascontiguousarray(x.to_numpy(dtype=float)), halflife, 20), index=x.index
    )


def _log_ratio(over: pd.Series, under: pd.Series) -> pd.Series:
    return np.log(over.where(over > 0) / under.where(under > 0))


def _net_share(long: pd.Series, short: pd.Series) -> pd.Series:
    """Net position as a share of the gross one.

    Free of the contract's unit, whatever sign shorts carry.
    """
    gross = long.abs() + short.abs()
    return (long.abs() - short.abs()) / gross.where(gross > 0)
