"""Features of funds that trade on volatility, and of margin debt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.feature import Feature, FeatureFamily, check_positive
from regime.mechanisms.volatility_targeting.margin_debt import margin_growth
from regime.mechanisms.volatility_targeting.risk_parity import (
    ASSETS,
    mean_asset_correlation,
    risk_parity_exposure,
)
from regime.mechanisms.volatility_targeting.vol_control import (
    FAST,
    SLOW,
    two_speed_volatility,
    vol_control_exposure,
)
from regime.schema import MONTH, WEEK, YEAR
from regime.transforms import log_change, rolling_percentile

__all__ = ["VolatilityTargetingFeatures"]


@dataclass(frozen=True, kw_only=True)
class VolatilityTargetingFeatures:
    """Features of those whom a rule on volatility makes trade, and of money borrowed on margin.

    Parameters
    ----------
    crowding : int
        Sessions over which exposures are ranked (the field's five years).

    Examples
    --------
    >>> VolatilityTargetingFeatures().features()[0].spec.name
    'positioning_vol_control_rank_1260'
    """

    crowding: int = 1260

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        return (*self._vol_control(), *self._risk_parity(), *self._margin())

    def _vol_control(self) -> tuple[Feature, ...]:
        make = FeatureFamily("positioning", "volatility control")
        days = self.crowding
        return (
            make(
                "vol_control_rank",
                days,
                -1,
                ("sp500",),
                lambda v: rolling_percentile(vol_control_exposure(v["sp500"]), days),
            ),
            make(
                "vol_control_flow",
                WEEK,
                -1,
                ("sp500",),
                lambda v: log_change(vol_control_exposure(v["sp500"]), WEEK),
            ),
            make("vol_control_speeds", 0, 1, ("sp500",), _speeds),
        )

    def _risk_parity(self) -> tuple[Feature, ...]:
        make = FeatureFamily("positioning", "risk parity")
        days = self.crowding
        read = tuple(ASSETS.values())
        return (
            make(
                "risk_parity_rank",
                days,
                -1,
                read,
                lambda v: rolling_percentile(risk_parity_exposure(v)[ASSETS["equities"]], days),
            ),
            make(
                "risk_parity_flow",
                MONTH,
                -1,
                read,
                lambda v: log_change(risk_parity_exposure(v).sum(axis=1, skipna=False), MONTH),
            ),
            # Its sign flips between decades.
            make(
                "asset_correlation_rank",
                days,
                0,
                read,
                lambda v: rolling_percentile(mean_asset_correlation(v), days),
            ),
        )

    def _margin(self) -> tuple[Feature, ...]:
        make = FeatureFamily("positioning", "margin debt")
        days = self.crowding
        read = ("margin_debt", "sp500")
        return (
            make(
                "margin_excess",
                YEAR,
                -1,
                read,
                lambda v: _excess(margin_growth(v["margin_debt"], v["sp500"], 12)),
            ),
            make(
                "margin_growth",
                3 * MONTH,
                -1,
                read,
                lambda v: margin_growth(v["margin_debt"], v["sp500"], 3)["debt"],
            ),
            make(
                "margin_share_rank",
                days,
                1,
                read,
                lambda v: rolling_percentile(v["margin_debt"] / v["sp500"], days),
            ),
        )


def _speeds(v: pd.DataFrame) -> pd.Series:
    """Log ratio of the fast to the slow volatility.

    Above 0 a jump is at work, below 0 it is being forgotten.
    """
    return np.log(
        two_speed_volatility(v["sp500"], FAST, FAST) / two_speed_volatility(v["sp500"], SLOW, SLOW)
    )


def _excess(growth: pd.DataFrame) -> pd.Series:
    return growth["debt"] - growth["market"]
