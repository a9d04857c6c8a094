"""The demand curve for reserves.

How much the price of reserves answers to their quantity, and where it turns steep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats
from regime.errors import ConfigError
from regime.schema import WEEK

__all__ = ["BankAssets", "demand_slope", "fed_funds_spread"]

STALE = 63  # sessions without a usable week, after which a slope is no longer known


@dataclass(frozen=True, kw_only=True)
class BankAssets:
    """Assets of commercial banks, against which reserves are measured.

    A series if the panel has one, else a trend.

    Parameters
    ----------
    anchor_usd_bn : float
        Total assets of commercial banks at `anchor_date`, from the Federal Reserve's H.8 of January
        2008.
    anchor_date : date
    growth : float
        Growth a year, as a fraction: the trend of nominal output.
    band : tuple of two floats
        Reserves as a fraction of bank assets between which the demand curve turns steep.

    **Source:** Afonso, Giannone, La Spada and Williams (2022), "Scarce, Abundant, or Ample?", New
    York Fed Staff Report 1019, for the band.

    Examples
    --------
    >>> round(BankAssets().distance(0.08), 1), BankAssets().distance(0.125)
    (-4.0, 0.0)
    """

    anchor_usd_bn: float = 10_800.0
    anchor_date: date = date(2007, 12, 31)
    growth: float = 0.04
    band: tuple[float, float] = (0.12, 0.13)

    def __post_init__(self) -> None:
        if not self.anchor_usd_bn > 0:
            raise ConfigError(f"anchor_usd_bn: must be positive, got {self.anchor_usd_bn}")
        if not -0.5 < self.growth < 0.5:
            raise ConfigError(f"growth: must lie in (-0.5, 0.5) a year, got {self.growth}")
        if not 0.0 < self.band[0] <= self.band[1] < 1.0:
            raise ConfigError(f"band: must rise within (0, 1), got {self.band}")

    def of(self, values: pd.DataFrame) -> pd.Series:
        """Bank assets by session, USD mn, shape (n_sessions,).

        Column `bank_assets` where known, else the trend.
        """
        days = (pd.DatetimeIndex(values.index) - pd.Timestamp(self.anchor_date)).days.to_numpy(
            dtype=float
        )
        trend = pd.Series(
            1000.0 * self.anchor_usd_bn * (1.0 + self.growth) ** (days / 365.25), values.index
        )
        return (
            values["bank_assets"].astype(float).fillna(trend) if "bank_assets" in values else trend
        )

    def basis(self, values: pd.DataFrame) -> str:
        """What stands for bank assets on the last row, in words."""
        if "bank_assets" in values and values["bank_assets"].notna().iloc[-1:].any():
            return "bank assets as reported"
        return (
            f"trend of bank assets, a proxy: ${self.anchor_usd_bn:,.0f}bn at "
            f"{self.anchor_date:%Y-%m-%d}, growing "
            f"{100 * self.growth:g} % a year"
        )

    def distance(self, share: float) -> float:
        """Percentage points of bank assets above the band (positive) or below it (negative).

        0 inside.
        """
        if np.isnan(share):
            return share
        return 100.0 * (max(share - self.band[1], 0.0) + min(share - self.band[0], 0.0))


def fed_funds_spread(values: pd.DataFrame) -> pd.Series:
    """Effective federal funds rate less interest on reserves, of the day before, basis points."""
    return 100.0 * (values["effr"] - values["iorb"].shift(1))


def demand_slope(
    values: pd.DataFrame, assets: BankAssets | None = None, weeks: int = 52
) -> pd.DataFrame:
    """Slope of the demand for reserves.

    Basis points of spread for each percentage point of bank assets.

    Weekly changes of the mean spread are regressed on those of reserves over assets, on the
    sessions at which a new week of reserves is known; the spread is averaged over the sessions just
    before, on which the rates of that week were known. Weeks in which the interest on reserves
    changed, and those after, are left out: it moves the spread by decree.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns effr, iorb (percent), reserves (USD mn), and bank_assets (USD mn) if there is one.
    assets : BankAssets, optional
        What stands for bank assets.
    weeks : int
        Usable weeks of the regression, at least 8.

    Returns
    -------
    DataFrame, shape (n_sessions, 3)
        Columns slope, error (Newey and West, one lag, because weekly means overlap in their
        changes) and t. NaN until `weeks` weeks are there, where reserves did not move, and a
        quarter after the last usable week.

    Raises
    ------
    ConfigError
        If `weeks` is below 8.

    **Known at:** row t uses rows up to t.

    **Source:** Afonso, Giannone, La Spada and Williams (2022), whose elasticity this is a plain
    weekly form of, without instruments: sign and significance rather than size.
    """
    if weeks < 8:
        raise ConfigError(f"weeks: must be at least 8, got {weeks}")
    mean = kernels.rolling_mean(
        np.ascontiguousarray(fed_funds_spread(values).to_numpy(dtype=float)), WEEK, 3
    )
    level, quantity = (values[name].to_numpy(dtype=float) for name in ("iorb", "reserves"))
    known = np.flatnonzero(~np.isnan(quantity))
    fresh = known[1:][np.diff(quantity[known]) != 0]  # a new H.4.1
    share = 100.0 * quantity / (assets or BankAssets()).of(values).to_numpy(dtype=float)
    week = pd.DataFrame(
        {
            "y": mean[np.maximum(fresh - 1, 0)],
            "x": share[fresh],
            "rate": level[np.maximum(fresh - 2, 0)],
        }
    ).diff()
    decreed = week["rate"] != 0  # or unknown
    whole = week[["x", "y"]].notna().all(axis=1) & (pd.Series(fresh).diff() <= 2 * WEEK)
    use = whole & ~decreed & ~decreed.shift(1, fill_value=True)
    table = np.full((len(values), 3), np.nan)
    if use.sum() >= weeks:
        rows = fresh[use.to_numpy()][weeks - 1 :]
        table[rows] = _regressions(
            week.loc[use, "x"].to_numpy(), week.loc[use, "y"].to_numpy(), weeks
        )
    return pd.DataFrame(table, values.index, ["slope", "error", "t"]).ffill(limit=STALE)


def _regressions(x: Floats, y: Floats, count: int) -> Floats:
    """Slope, its error and their ratio for each window of `count` pairs.

    The sums of a row know no other row.
    """
    windows = np.lib.stride_tricks.sliding_window_view
    a, b = (np.ascontiguousarray(windows(values, count)) for values in (x, y))
    a = a - a.sum(axis=1, keepdims=True) / count
    b = b - b.sum(axis=1, keepdims=True) / count
    square = (a * a).sum(axis=1)
    square = np.where(square > 1e-12, square, np.nan)
    slope = (a * b).sum(axis=1) / square
    score = a * (b - slope[:, None] * a)
    meat = (score * score).sum(axis=1) + (score[:, 1:] * score[:, :-1]).sum(
        axis=1
    )  # weight 1/2 twice
    error = np.sqrt(np.maximum(meat, 0.0) * count / (count - 2)) / square
    error = np.where(error > 1e-12, error, np.nan)
    return np.column_stack([slope, error, slope / error])
