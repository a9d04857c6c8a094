"""What a trade in one asset costs beside commission.

Half of its spread, as it was known before the session.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.depth import check_window, edge_spread

__all__ = ["HalfSpread"]


@dataclass(frozen=True, kw_only=True)
class HalfSpread:
    """Half of the spread of one asset, as a trader could have put it down before each session.

    Parameters
    ----------
    lookback : int
        Sessions of the estimate, at least 3.
    minimum : int
        Usable sessions that it needs, in 3..lookback.
    floor_bps : float
        Smallest half-spread, basis points; a negative estimate is no spread at all and gives it.
    unknown_bps : float
        Half-spread until there is an estimate, basis points.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=3, name="date")
    >>> bars = pd.DataFrame({"open": [9.0, 9, 9], "high": [9.1, 9, 9], "low": 8.9, "close": 9.0}, index=dates)
    >>> HalfSpread(unknown_bps=4.0)(bars).tolist()
    [4.0, 4.0, 4.0]
    """

    lookback: int = 63
    minimum: int = 21
    floor_bps: float = 0.5
    unknown_bps: float = 5.0

    def __post_init__(self) -> None:
        check_window(self.lookback, self.minimum)
        for name in ("floor_bps", "unknown_bps"):
            if not 0.0 <= getattr(self, name) <= 1000.0:
                raise ConfigError(
                    f"{name}: must lie in [0, 1000] basis points, got {getattr(self, name)}"
                )
        if self.unknown_bps < self.floor_bps:
            raise ConfigError(
                f"unknown_bps: must be at least floor_bps = {self.floor_bps:g}, got "
                f"{self.unknown_bps:g}"
            )

    def __str__(self) -> str:
        return (
            f"half-spread by EDGE over the {self.lookback} sessions before, at least "
            f"{self.floor_bps:g} bp, "
            f"{self.unknown_bps:g} bp until it is known"
        )

    def __call__(self, bars: pd.DataFrame) -> pd.Series:
        """Half-spread to be paid on each row, from the rows before it.

        Parameters
        ----------
        bars : DataFrame, shape (n_rows, 4 or more)
            Columns open, high, low, close of one asset, in one unit.

        Returns
        -------
        Series, shape (n_rows,), basis points, named ``half_spread``
            Never NaN: where an estimate is missing the one before stands.

        Raises
        ------
        InvalidDataError
            If a column is absent.

        **Known at:** row t uses bars up to t - 1, so that it is known before the session in which
        it is paid.
        """
        spread = edge_spread(bars, self.lookback, self.minimum, signed=True).shift(1).ffill()
        half = (spread * (1e4 / 2.0)).fillna(self.unknown_bps)
        return half.clip(lower=self.floor_bps).rename("half_spread")
