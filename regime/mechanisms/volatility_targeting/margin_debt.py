"""Margin debt.

What customers have borrowed against their securities, and whether it outgrows the market.

FINRA publishes the end of a month some 25 days after it, so that a reading is four to eight weeks
old. The market is measured over the same months as the debt, not up to the day of the reading.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.base import MechanismReading, NoReading

__all__ = ["MarginDebt", "margin_growth"]


def margin_growth(debt: pd.Series, close: pd.Series, months: int = 12) -> pd.DataFrame:
    """Growth of margin debt, and of the market over the same months.

    Parameters
    ----------
    debt : Series, shape (n_sessions,)
        As known at each session; a month is first known in the month after it.
    close : Series, shape (n_sessions,)
    months : int

    Returns
    -------
    DataFrame, shape (n_sessions, 2), fraction
        Columns debt and market. NaN where the debt is not known, or not that of as many months
        before.

    **Known at:** row t uses rows up to t.

    **Source:** FINRA margin statistics, debit balances in customers' securities margin accounts.
    """
    dates = pd.DatetimeIndex(debt.index)
    month = dates.year.to_numpy() * 12 + dates.month.to_numpy()
    fresh = (debt.notna() & (debt != debt.shift(1)).to_numpy()).to_numpy()
    period = pd.Series(np.where(fresh, month - 1, np.nan), index=dates).ffill().where(debt.notna())
    levels = {
        "debt": pd.Series(debt.to_numpy()[fresh], index=month[fresh] - 1).groupby(level=0).last(),
        "market": pd.Series(close.where(close > 0).ffill().to_numpy(), index=month)
        .groupby(level=0)
        .last(),
    }
    # The debt in force today is today's: a month may be reported again later, which is not known.
    latest = {"debt": debt, "market": _at(levels["market"], period)}
    growth = {
        name: latest[name] / _at(level, period - months) - 1.0 for name, level in levels.items()
    }
    return pd.DataFrame(growth, index=dates)


@dataclass(frozen=True, kw_only=True)
class MarginDebt:
    """Growth of margin debt against the market.

    Parameters
    ----------
    months : int
        Of the shorter change; the longer is FINRA's twelve months.

    Raises
    ------
    ConfigError
        If `months` is none.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=2, name="date")
    >>> close = pd.DataFrame({"sp500": [1.0, 1.0]}, index=dates)
    >>> MarginDebt()(close, dates[-1]).available
    False
    """

    months: int = 3

    def __post_init__(self) -> None:
        if not 1 <= self.months < 12:
            raise ConfigError(f"months: must lie in 1..11, got {self.months}")

    def __call__(self, values: pd.DataFrame, as_of: pd.Timestamp) -> MechanismReading | NoReading:
        """Read margin debt at one decision.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; read are margin_debt and sp500.
        as_of : Timestamp
            Decision date; later rows are not read.

        Returns
        -------
        MechanismReading or NoReading
            History: growth over twelve months, less that of the market.

        **Known at:** the close of `as_of`.
        """
        known = values.loc[:as_of]
        if (
            "margin_debt" not in known
            or "sp500" not in known
            or known["margin_debt"].tail(1).isna().all()
        ):
            return NoReading(
                name="margin_debt", reason="margin debt: no figure that is recent enough"
            )
        year, short = (
            margin_growth(known["margin_debt"], known["sp500"], months)
            for months in (12, self.months)
        )
        if year["debt"].tail(1).isna().all():
            return NoReading(
                name="margin_debt", reason="margin debt: no figure of twelve months before"
            )
        excess = year["debt"] - year["market"]
        read = {
            "debt_usd_bn": known["margin_debt"].iloc[-1] / 1000.0,
            "growth_12m": year["debt"].iloc[-1],
            "market_12m": year["market"].iloc[-1],
            "excess_12m": excess.iloc[-1],
            "months": self.months,
            "growth": short["debt"].iloc[-1],
            "market": short["market"].iloc[-1],
        }
        faster = "faster" if read["excess_12m"] > 0 else "slower"
        sentence = (
            f"Margin debt is USD {read['debt_usd_bn']:,.0f} bn, {read['growth_12m']:+.0%} in "
            "twelve months, "
            f"{faster} than the market ({read['market_12m']:+.0%})."
        )
        return MechanismReading(
            name="margin_debt",
            sentence=sentence,
            values=read,
            history=excess.to_frame("margin_debt_excess"),
        )


def _at(level: pd.Series, month: pd.Series) -> pd.Series:
    """The level of each row's month; NaN where there is none."""
    return pd.Series(level.reindex(month.to_numpy()).to_numpy(dtype=float), index=month.index)
