"""Crowding.

Futures positions, funds that trade on volatility, margin debt, pension funds at the end of a month.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.features.feature import Compute, Feature, Mechanism, check_positive
from regime.features.transforms import log_change, percentile
from regime.mechanisms.contracts import CONTRACTS
from regime.mechanisms.crowd import (
    contract_price,
    entry_price,
    net_position,
    net_share,
    new_reports,
    rank_in_window,
    squeeze_pressure,
)
from regime.mechanisms.margin_debt import margin_growth
from regime.mechanisms.pension import (
    MONTHS,
    Period,
    rebalancing_flow,
    return_to_date,
    weekdays_left,
)
from regime.mechanisms.risk_parity import ASSETS, mean_asset_correlation, risk_parity_exposure
from regime.mechanisms.vol_control import FAST, SLOW, two_speed_volatility, vol_control_exposure
from regime.sessions import MONTH, WEEK, YEAR

__all__ = ["CrowdingFeatures"]


@dataclass(frozen=True, kw_only=True)
class CrowdingFeatures:
    """Features of who is on the same side, and of whom a rule or a calendar makes trade.

    Parameters
    ----------
    crowding : int
        Sessions over which positions and exposures are ranked (the field's five years).

    Examples
    --------
    >>> len(CrowdingFeatures().features())
    19
    """

    crowding: int = 1260

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the room, in the order of the columns."""
        return (
            *self._futures(),
            *self._vol_control(),
            *self._risk_parity(),
            *self._margin(),
            *_pension(),
        )

    def _futures(self) -> tuple[Feature, ...]:
        make, days = Mechanism("positioning", "futures positions"), self.crowding
        return (
            # Leveraged funds hedge stocks with index futures: their shorts are no view.
            make("sp500_leveraged_rank", days, 0, *_rank("sp500", "leveraged_funds", days)),
            make("sp500_managers_rank", days, -1, *_rank("sp500", "asset_managers", days)),
            make("notes_leveraged_rank", days, -1, *_rank("ust10", "leveraged_funds", days)),
            # Yen owed and volatility sold are bought back when holders must.
            make("yen_leveraged_rank", days, 1, *_rank("jpy", "leveraged_funds", days)),
            make("vix_leveraged_rank", days, 1, *_rank("vix", "leveraged_funds", days)),
            make("sp500_squeeze", days, -1, *_squeeze("sp500", days)),
            make("yen_squeeze", days, 1, *_squeeze("jpy", days)),
        )

    def _vol_control(self) -> tuple[Feature, ...]:
        make, days = Mechanism("positioning", "volatility control"), self.crowding
        return (
            make(
                "vol_control_rank",
                days,
                -1,
                ("sp500",),
                lambda v: percentile(vol_control_exposure(v["sp500"]), days),
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
        make, days, read = (
            Mechanism("positioning", "risk parity"),
            self.crowding,
            tuple(ASSETS.values()),
        )
        return (
            make(
                "risk_parity_rank",
                days,
                -1,
                read,
                lambda v: percentile(risk_parity_exposure(v)[ASSETS["equities"]], days),
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
                lambda v: percentile(mean_asset_correlation(v), days),
            ),
        )

    def _margin(self) -> tuple[Feature, ...]:
        make, days, read = (
            Mechanism("positioning", "margin debt"),
            self.crowding,
            ("margin_debt", "sp500"),
        )
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
                lambda v: percentile(v["margin_debt"] / v["sp500"], days),
            ),
        )


def _pension() -> tuple[Feature, ...]:
    make, read = Mechanism("positioning", "pension funds"), ("spy", "ief")
    return (
        # They buy what has fallen: with the fall, against it.
        make("pension_month", MONTH, 0, read, lambda v: _rebalancing(v, "month")),
        make("pension_quarter", 3 * MONTH, 0, read, lambda v: _rebalancing(v, "quarter")),
        make("pension_due", MONTH, -1, read, _due),
    )


def _rank(contract: str, group: str, days: int) -> tuple[tuple[str, ...], Compute]:
    """Inputs and formula of the rank of a group's share of open interest."""
    who = CONTRACTS[contract].groups[group]
    return who.inputs, lambda v: rank_in_window(net_share(v, who), days)


def _squeeze(contract: str, days: int) -> tuple[tuple[str, ...], Compute]:
    """Inputs and formula of the pressure on the shorts of leveraged funds."""
    market = CONTRACTS[contract]
    who = market.groups["leveraged_funds"]

    def compute(v: pd.DataFrame) -> pd.Series:
        price = contract_price(v, market)
        entry = entry_price(net_position(v, who), price, new_reports(v, who))
        return squeeze_pressure(net_share(v, who), entry, price, -1, days)

    return (*who.inputs, market.price, "dgs3mo"), compute


def _speeds(v: pd.DataFrame) -> pd.Series:
    """Log ratio of the fast to the slow volatility.

    Above 0 a jump is at work, below 0 it is being forgotten.
    """
    return np.log(
        two_speed_volatility(v["sp500"], FAST, FAST) / two_speed_volatility(v["sp500"], SLOW, SLOW)
    )


def _excess(growth: pd.DataFrame) -> pd.Series:
    return growth["debt"] - growth["market"]


def _rebalancing(v: pd.DataFrame, period: Period) -> pd.Series:
    """Equities to trade at the end of the period, over the equity volatility of as long a period."""
    flow = rebalancing_flow(return_to_date(v["spy"], period), return_to_date(v["ief"], period))
    return flow / (two_speed_volatility(v["spy"]) * np.sqrt(MONTHS[period] / 12.0))


def _due(v: pd.DataFrame) -> pd.Series:
    """The month's flow as its end comes within a week."""
    left = weekdays_left(pd.DatetimeIndex(v.index), "month")
    return _rebalancing(v, "month") * (1.0 - left / WEEK).clip(lower=0.0)
