"""Dealer gamma from the daily series: sign, rank, change, and how long it has not been negative."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.features.feature import Feature, Mechanism, check_positive
from regime.features.transforms import change, zscore
from regime.mechanisms.daily_gamma import (
    days_since_negative,
    gamma_rank,
    negative_share,
    relative_gamma,
)

__all__ = ["GammaFeatures"]


@dataclass(frozen=True, kw_only=True)
class GammaFeatures:
    """Features of dealers' gamma.

    Those short of it sell into falls, so that little of it goes with stress.

    Parameters
    ----------
    lookback : int
        Sessions that make up the usual size, and cap the count since gamma was negative.
    crowding : int
        Sessions over which gamma is ranked (the field's five years).
    month : int
        Sessions over which negative ones are counted.

    Examples
    --------
    >>> [feature.spec.name for feature in GammaFeatures().features()][:2]
    ['positioning_gex_rank_1260', 'positioning_gex_relative_252']
    """

    lookback: int = 252
    crowding: int = 1260
    month: int = 21

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make, days = Mechanism("positioning", "dealer gamma"), self.lookback
        return (
            make(
                "gex_rank",
                self.crowding,
                -1,
                ("gex",),
                lambda v: gamma_rank(v["gex"], self.crowding),
            ),
            make("gex_relative", days, -1, ("gex",), lambda v: relative_gamma(v["gex"], days)),
            make(
                "gex_change", 5, -1, ("gex",), lambda v: change(relative_gamma(v["gex"], days), 5)
            ),
            make(
                "gex_negative_share",
                self.month,
                1,
                ("gex",),
                lambda v: negative_share(v["gex"], self.month),
            ),
            make(
                "gex_days_since_negative", days, -1, ("gex",), lambda v: _calm_share(v["gex"], days)
            ),
            # Buying in the dark is strong in both dips and calm markets: theory gives no sign for a
            # nowcast.
            make("dix_zscore", days, 0, ("dix",), lambda v: zscore(v["dix"], days)),
        )


def _calm_share(gex: pd.Series, cap: int) -> pd.Series:
    """Log of sessions since a negative one over the log of the cap, in [0, 1].

    The first days count most.
    """
    return np.log1p(days_since_negative(gex, cap)) / np.log1p(cap)
