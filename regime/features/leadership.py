"""Leadership of technology.

The basket at its high, who overtakes it, and what is paid for its earnings.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from regime.features.feature import Compute, Feature, Mechanism, Sign, check_positive
from regime.features.transforms import change, percentile
from regime.mechanisms.leadership import (
    GROUPS,
    MEGA_CAPS,
    basket_index,
    consolidation_range,
    rotation,
)
from regime.mechanisms.multiples import derating

__all__ = ["LeadershipFeatures"]

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
        lead, paid = Mechanism("valuation", "leadership"), Mechanism("valuation", "multiple")
        rest, days, year = self.rest, self.lookback, self.year
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
                lambda v: percentile(change(v["cape"], year), 2520, 504),
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
