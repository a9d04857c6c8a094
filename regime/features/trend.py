"""Trend followers.

How near their levels are, how much they hold, and what a fall would make them sell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.features.feature import Feature, Mechanism, check_positive
from regime.features.transforms import percentile
from regime.mechanisms.cta_exposure import TrendBook, speeds
from regime.mechanisms.cta_reading import held_price
from regime.mechanisms.cta_tapes import tapes

__all__ = ["TrendFeatures"]

INPUTS = ("sp500", "es", "dgs3mo", "spy")
FARTHEST = 10.0  # daily volatilities: beyond it a level is out of reach, however far it is
BOOK = TrendBook()
SLOW = TrendBook(
    filters={name: speeds()[name] for name in ("medium", "long")},
    weights={"medium": 0.5, "long": 0.5},
)


@dataclass(frozen=True, kw_only=True)
class TrendFeatures:
    """Features of trend followers in the S&P 500, in units that need no size of theirs.

    Parameters
    ----------
    crowding : int
        Sessions over which positions are ranked.
    month : int
        Sessions over which days of one-way selling are counted.

    Examples
    --------
    >>> [feature.spec.name for feature in TrendFeatures().features()][:2]
    ['positioning_trigger_distance', 'positioning_slow_trend_exposure_1260']
    """

    crowding: int = 1260
    month: int = 21

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make = Mechanism("positioning", "trend followers")
        return (
            make("trigger_distance", 0, -1, INPUTS, _nearest_trigger),
            make(
                "slow_trend_exposure",
                self.crowding,
                -1,
                INPUTS,
                lambda v: percentile(SLOW.exposure(held_price(v)), self.crowding),
            ),
            make("fall_selling", 5, 1, INPUTS, _fall_selling),
            make("trend_orders_open", 0, -1, INPUTS, _orders_open),
            make(
                "one_way_selling", self.month, 1, INPUTS, lambda v: _one_way_selling(v, self.month)
            ),
        )


def _nearest_trigger(values: pd.DataFrame) -> pd.Series:
    """Signed distance to the nearest level in daily volatilities; positive above it."""
    log_price = held_price(values)
    daily = BOOK.volatility(log_price)
    away = np.column_stack(
        [(log_price - rule.turning_level(log_price)) / daily for rule in BOOK.filters.values()]
    )
    nearest = away[np.arange(len(away)), np.argmin(np.nan_to_num(np.abs(away), nan=np.inf), axis=1)]
    whole = ~np.isnan(away).any(axis=1)
    return pd.Series(
        np.where(whole, np.clip(nearest, -FARTHEST, FARTHEST), np.nan), index=values.index
    )


def _fall_selling(values: pd.DataFrame) -> pd.Series:
    """Position after a flat week less that after a fall of two volatilities, in full sizes."""
    log_price, week = held_price(values), tapes("1w")
    return BOOK.after(log_price, week["flat"]) - BOOK.after(log_price, week["down"])


def _orders_open(values: pd.DataFrame) -> pd.Series:
    """Position ordered less position held: what is still to be traded if nothing moves."""
    log_price = held_price(values)
    return BOOK.target(log_price) - BOOK.exposure(log_price)


def _one_way_selling(values: pd.DataFrame, month: int) -> pd.Series:
    """Share of the sessions of a month on which they would sell over the next week whatever it brings."""
    log_price = held_price(values)
    held = BOOK.exposure(log_price)
    best = np.maximum.reduce(
        [(BOOK.after(log_price, tape) - held).to_numpy() for tape in tapes("1w").values()]
    )
    sells = pd.Series(np.where(np.isnan(best), np.nan, best < 0.0), index=values.index)
    return sells.rolling(month, min_periods=month).mean()
