"""The score of reserve scarcity: prices of reserves first, and borrowing from the central bank."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.reserves.demand_curve import BankAssets, demand_slope, fed_funds_spread
from regime.mechanisms.reserves.funding import (
    INPUTS,
    backstop_use,
    funding_pressure,
    funding_tail,
)
from regime.schema import YEAR
from regime.transforms import excess_over_median, mean_of_known, panel_columns, saturate

__all__ = ["PARTS", "ScarcityScore"]

PARTS = ("funding", "tail", "fed_funds", "demand_slope", "backstop")


@dataclass(frozen=True, kw_only=True)
class ScarcityScore:
    """How short of reserves the banking system is, in [0, 1].

    The mean of five parts in [0, 1], of those that are known: the calendar-adjusted SOFR-IORB and
    EFFR-IORB against their own median of a year, in widths of the target range; the adjusted tail
    of SOFR; the significance of a negative demand slope; and borrowing from the central bank.

    Parameters
    ----------
    full_bp : float
        Rise of a spread that fills its part: the width of the target range, basis points.
    full_tail_bp : float
        The same for the tail, basis points.
    full_t : float
        Size of the t-statistic of a negative slope that fills its part.
    full_backstop : float
        Borrowing that fills its part, fraction of bank assets.
    minimum : int
        Parts that a score needs.
    bank_assets : BankAssets
        Fallback where the panel has no series `bank_assets`.

    Examples
    --------
    >>> nothing = pd.DataFrame(index=pd.DatetimeIndex(["2024-01-02"], name="date"))
    >>> ScarcityScore().score(nothing).isna().all()
    np.True_
    """

    full_bp: float = 25.0
    full_tail_bp: float = 50.0
    full_t: float = 4.0
    full_backstop: float = 0.005
    minimum: int = 3
    bank_assets: BankAssets = field(default_factory=BankAssets)

    def __post_init__(self) -> None:
        for name in ("full_bp", "full_tail_bp", "full_t", "full_backstop"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}: must be positive, got {getattr(self, name)}")
        if not 1 <= self.minimum <= len(PARTS):
            raise ConfigError(f"minimum: must lie in 1..{len(PARTS)} parts, got {self.minimum}")

    def parts(self, values: pd.DataFrame) -> pd.DataFrame:
        """Parts of the score, shape (n_sessions, 5), each in [0, 1]; NaN where unknown.

        **Known at:** row t uses rows up to t.
        """
        v = panel_columns(values, INPUTS)
        slope = demand_slope(v, self.bank_assets)
        borrowed = backstop_use(v).sum(axis=1, skipna=False) / self.bank_assets.of(v)
        return pd.DataFrame(
            {
                "funding": saturate(funding_pressure(v), self.full_bp),
                "tail": saturate(excess_over_median(funding_tail(v), YEAR), self.full_tail_bp),
                "fed_funds": saturate(excess_over_median(fed_funds_spread(v), YEAR), self.full_bp),
                "demand_slope": saturate(-slope["t"], self.full_t),
                "backstop": saturate(borrowed, self.full_backstop),
            }
        )

    def score(self, values: pd.DataFrame) -> pd.Series:
        """Mean of the known parts, shape (n_sessions,), in [0, 1].

        NaN where fewer than `minimum` are known.

        **Known at:** row t uses rows up to t.
        """
        table = self.parts(values)
        return mean_of_known({name: table[name] for name in PARTS}, self.minimum)
