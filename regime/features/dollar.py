"""Dollar: momentum, extremes, carry, and whether it is bid while everything else is sold."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from regime.feature import Feature, FeatureFamily, check_positive
from regime.mechanisms.dollar.stress import equity_correlation
from regime.transforms import rolling_percentile, scaled_move

__all__ = ["DollarFeatures"]


@dataclass(frozen=True, kw_only=True)
class DollarFeatures:
    """Features of the dollar against the world, the yen, gold and equities.

    Parameters
    ----------
    lookback : int
        Sessions of momentum (a quarter).
    extreme : int
        Sessions over which a level is ranked (two years).

    Examples
    --------
    >>> [feature.spec.name for feature in DollarFeatures().features()][:2]
    ['dollar_momentum_63', 'dollar_momentum_21']
    """

    lookback: int = 63
    extreme: int = 504

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the family, in the order of the columns."""
        make, carry = FeatureFamily("dollar", "dollar funding"), FeatureFamily("dollar", "carry")
        index = ("dollar_index",)
        return (
            make(
                "momentum",
                self.lookback,
                1,
                index,
                lambda v: scaled_move(v["dollar_index"], self.lookback),
            ),
            make("momentum", 21, 1, index, lambda v: scaled_move(v["dollar_index"], 21)),
            make(
                "extreme",
                self.extreme,
                0,
                index,
                lambda v: rolling_percentile(v["dollar_index"], self.extreme),
            ),
            make("dash", 10, 0, ("dollar_index", "sp500", "gold"), _dash_for_dollars),
            make(
                "equity_correlation",
                self.lookback,
                0,
                ("dollar_index", "sp500"),
                lambda v: equity_correlation(v, self.lookback),
            ),
            carry("yen_move", 21, -1, ("usdjpy",), lambda v: scaled_move(v["usdjpy"], 21)),
        )


def _dash_for_dollars(values: pd.DataFrame) -> pd.Series:
    """Dollar up while equities and gold fall.

    The least of the three scaled 10-session moves, floored at 0.
    """
    moves = pd.concat(
        [
            scaled_move(values["dollar_index"], 10),
            -scaled_move(values["sp500"], 10),
            -scaled_move(values["gold"], 10),
        ],
        axis=1,
    )
    return moves.min(axis=1, skipna=False).clip(lower=0.0)
