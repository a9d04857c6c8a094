"""The long end and housing as features.

Yields, curve, mortgages and the volatility of rates, each in its own scale.
"""

from __future__ import annotations

from dataclasses import dataclass

from regime.features.feature import Feature, Mechanism, check_positive
from regime.features.transforms import change, percentile
from regime.mechanisms.gauges import scaled_change
from regime.mechanisms.long_end import (
    INPUTS,
    LongEnd,
    bear_steepening,
    bull_steepening,
    mortgage_spread,
)

__all__ = ["LongEndFeatures"]

CURVE = ("dgs30", "dgs2")
HOUSING = ("mortgage30", "dgs10")


@dataclass(frozen=True, kw_only=True)
class LongEndFeatures:
    """Features of dear long money. The term premium is left out.

    Its history is of one vintage, revised.

    Parameters
    ----------
    lookback : int
        Sessions of moves (a quarter).
    short : int
        Sessions of fast moves (a month).
    memory : int
        Sessions of ranks (five years).

    Examples
    --------
    >>> [feature.spec.name for feature in LongEndFeatures().features()][:2]
    ['liquidity_rate10_shock_21', 'liquidity_rate30_shock_63']
    """

    lookback: int = 63
    short: int = 21
    memory: int = 1260

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make, days, years = (
            Mechanism("liquidity", "long end and housing"),
            self.lookback,
            self.memory,
        )
        strain = LongEnd()
        return (
            make(
                "rate10_shock",
                self.short,
                1,
                ("dgs10",),
                lambda v: scaled_change(v["dgs10"], self.short),
            ),
            make("rate30_shock", days, 1, ("dgs30",), lambda v: scaled_change(v["dgs30"], days)),
            make(
                "bear_steepening_score",
                self.short,
                1,
                CURVE,
                lambda v: bear_steepening(v, self.short),
            ),
            make("bull_steepening_score", days, 1, CURVE, lambda v: bull_steepening(v, days)),
            make(
                "mortgage_spread_rank",
                years,
                1,
                HOUSING,
                lambda v: percentile(mortgage_spread(v), years),
            ),
            make(
                "mortgage_shock_rank",
                years,
                1,
                ("mortgage30",),
                lambda v: percentile(change(v["mortgage30"], 252), years),
            ),
            make(
                "rate_volatility_rank", years, 1, ("move",), lambda v: percentile(v["move"], years)
            ),
            make("long_end_strain", days, 1, INPUTS, strain.score),
        )
