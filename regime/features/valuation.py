"""Tech valuation and leadership: what is paid for good news, and who still leads."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from regime.feature import Feature, FeatureFamily, check_positive
from regime.transforms import fall_from_high, log_change, strength

__all__ = ["ValuationFeatures"]

MEGA_CAPS = ("aapl", "msft", "googl", "amzn", "meta", "nvda", "tsla")


@dataclass(frozen=True, kw_only=True)
class ValuationFeatures:
    """Features of the leaders of the market: relative strength, and the price of their earnings.

    Parameters
    ----------
    lookback : int
        Sessions of relative strength (a quarter).

    Examples
    --------
    >>> ValuationFeatures().features()[0].spec.sign
    -1
    """

    lookback: int = 63

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the family, in the order of the columns."""
        lead = FeatureFamily("valuation", "leadership")
        rate = FeatureFamily("valuation", "multiple")
        days = self.lookback
        return (
            lead(
                "tech_drawdown_gap",
                252,
                -1,
                ("nasdaq", "sp500"),
                lambda v: fall_from_high(v["nasdaq"], 252) - fall_from_high(v["sp500"], 252),
            ),
            lead(
                "semis_strength",
                days,
                -1,
                ("smh", "spy"),
                lambda v: strength(v["smh"], v["spy"], days),
            ),
            lead(
                "equal_weight_strength",
                days,
                -1,
                ("rsp", "spy"),
                lambda v: strength(v["rsp"], v["spy"], days),
            ),
            lead("mega_cap_drawdown", 126, -1, MEGA_CAPS, _mega_cap_drawdown),
            rate(
                "multiple_less_price",
                126,
                0,
                ("forward_pe_ndx", "ndx"),
                lambda v: log_change(v["forward_pe_ndx"], 126) - log_change(v["ndx"], 126),
            ),
        )


def _mega_cap_drawdown(values: pd.DataFrame) -> pd.Series:
    """Mean half-year drawdown of the large technology names, <= 0.

    NaN under four names (today's members).
    """
    falls = pd.DataFrame({name: fall_from_high(values[name], 126) for name in values})
    return falls.mean(axis=1).where(falls.notna().sum(axis=1) >= 4)
