"""Features of dollar stress: dash, debasement, extremes, carry, and the link to equities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.feature import Feature, FeatureFamily, check_positive
from regime.mechanisms.dollar.stress import (
    MOMENTUM,
    RISK,
    carry_unwind,
    correlation_flips,
    dash_for_dollars,
    debasement,
    distance_to_extreme,
    yen_volatility,
)
from regime.transforms import change_scale, scaled_move

__all__ = ["DollarStressFeatures"]

INDEX = ("dollar_index",)
PAIR = ("dollar_index", "sp500")


@dataclass(frozen=True, kw_only=True)
class DollarStressFeatures:
    """Features of who is short of dollars and who has borrowed yen.

    A dash for dollars and the link to equities have flipped sign between decades: they carry none.
    Nor does debasement, which comes late in a rise as often as in a fall.

    Parameters
    ----------
    extreme : int
        Sessions of highs, lows and ranks (two years).
    lookback : int
        Sessions of the correlation (a quarter).

    Examples
    --------
    >>> [feature.spec.name for feature in DollarStressFeatures().features()][:2]
    ['dollar_dash_score', 'dollar_debasement_504']
    """

    extreme: int = 504
    lookback: int = 63

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make = FeatureFamily("dollar", "dollar stress")
        carry = FeatureFamily("dollar", "carry")
        days = self.extreme
        return (
            make("dash_score", 0, 0, ("dollar_index", "gold", *RISK), dash_for_dollars),
            make("debasement", days, 0, ("dollar_index", "gold"), lambda v: debasement(v, days)),
            make("to_high", days, 1, INDEX, lambda v: _scaled_distance(v, days, 1)),
            make("to_low", days, 1, INDEX, lambda v: _scaled_distance(v, days, -1)),
            make("momentum_agreement", 0, 1, INDEX, _agreement),
            make("link_age", self.lookback, 0, PAIR, self._link_age),
            carry("carry_unwind", 5, 1, ("fxy",), carry_unwind),
            carry("yen_volatility", 0, 1, ("fxy",), yen_volatility),
        )

    def _link_age(self, values: pd.DataFrame) -> pd.Series:
        """Log of one plus the age of the sign of the correlation with equities, signed by it."""
        state = correlation_flips(values, self.lookback)
        return state["sign"] * pd.Series(np.log1p(state["age"]), values.index)


def _scaled_distance(values: pd.DataFrame, lookback: int, sign: int) -> pd.Series:
    """Distance to the extreme in volatilities of a quarter."""
    index = values["dollar_index"]
    logs = pd.Series(np.log(index.where(index > 0)), index.index)
    return distance_to_extreme(index, lookback, sign) / change_scale(logs, 63)


def _agreement(values: pd.DataFrame) -> pd.Series:
    """Mean sign of the momentum of all speeds: 1 if the dollar rises at each."""
    signs = pd.DataFrame(
        {days: np.sign(scaled_move(values["dollar_index"], days)) for days in MOMENTUM}
    )
    return signs.sum(axis=1).where(signs.notna().all(axis=1)) / len(MOMENTUM)
