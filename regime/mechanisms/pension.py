"""Pension funds at the end of a month and of a quarter: what they trade to return to their weights.

A fund that began the period with a share w of equities and 1 - w of bonds ends it with more of what
has done better. To return to w it trades ``- A w (1 - w) (r_equity - r_bond)`` of equities: not an
approximation, but what is left when the new weight is taken from the new capital.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.feature import Feature, FeatureFamily
from regime.mechanisms.base import (
    Capital,
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
    flow_words,
)
from regime.mechanisms.number_formats import flow_range
from regime.mechanisms.volatility_targeting.vol_control import two_speed_volatility
from regime.schema import MONTH, WEEK

__all__ = [
    "PensionFeatures",
    "PensionFunds",
    "rebalancing_flow",
    "return_to_date",
    "sessions_left",
    "weekdays_left",
]

Period = Literal["month", "quarter"]
MONTHS: dict[Period, int] = {"month": 1, "quarter": 3}
# Fitted to one published estimate: equities +10.50 %, 10-year notes +0.05 % (November 2020), about
# USD -36 bn. One estimate says nothing of its error: the band, half and twice of it, is an
# assumption.
CAPITAL = Capital(low=717.5, mid=1435.0, high=2870.0)
ASSUMPTIONS = (
    "{weight:.0%} in equities; USD {low:,.0f} to {high:,.0f} bn, {mid:,.0f} in the middle, follow "
    "the rule: "
    "fitted to about -36 in November 2020 (equities +10.50 %, 10-year notes +0.05 %); half and "
    "twice of it"
)


def return_to_date(price: pd.Series, period: Period) -> pd.Series:
    """Return since the last session of the month, or quarter, before.

    Parameters
    ----------
    price : Series, shape (n_sessions,)
        With dividends and coupons.
    period : {"month", "quarter"}

    Returns
    -------
    Series, shape (n_sessions,), fraction
        NaN in the first period of the data, and where the price is missing or not positive.

    **Known at:** row t uses prices up to t.
    """
    number = _number(pd.DatetimeIndex(price.index), period)
    prices = price.where(price > 0)
    first = np.diff(number, prepend=number[:1]) != 0
    begun = pd.Series(np.cumsum(first) > 0, index=price.index)
    base = prices.ffill().shift(1).where(first).ffill()
    return (prices / base - 1.0).where(begun)


def rebalancing_flow(
    equity_return: pd.Series, bond_return: pd.Series, weight: float = 0.6
) -> pd.Series:
    """Equities to trade to return to the weight, as a fraction of capital at the start.

    Negative sells.

    Parameters
    ----------
    equity_return, bond_return : Series, shape (n_sessions,), fraction
    weight : float
        Share of equities.

    Returns
    -------
    Series, shape (n_sessions,)
    """
    return -weight * (1.0 - weight) * (equity_return - bond_return)


def weekdays_left(dates: pd.DatetimeIndex, period: Period) -> pd.Series:
    """Weekdays after each date until the end of its month or quarter.

    Sessions, but for holidays.
    """
    next_period = (_number(dates, period) + 1) * MONTHS[period] - 1970 * 12
    tomorrow = dates.to_numpy().astype("datetime64[D]") + 1
    end = next_period.astype("datetime64[M]").astype("datetime64[D]")
    return pd.Series(np.busday_count(tomorrow, end), index=dates)


def sessions_left(
    date: pd.Timestamp, period: Period, calendar: pd.DatetimeIndex | None = None
) -> int:
    """Sessions after a date until the end of its month or quarter.

    Weekdays where no calendar is given.
    """
    if calendar is None:
        return int(weekdays_left(pd.DatetimeIndex([date]), period).iloc[0])
    numbers = _number(calendar, period)
    return int(
        ((calendar > date) & (numbers == _number(pd.DatetimeIndex([date]), period)[0])).sum()
    )


@dataclass(frozen=True, kw_only=True)
class PensionFeatures:
    """Features of what pension funds must trade at the end of a month and of a quarter.

    Examples
    --------
    >>> PensionFeatures().features()[0].spec.name
    'positioning_pension_month_21'
    """

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make = FeatureFamily("positioning", "pension funds")
        read = ("spy", "ief")
        return (
            # They buy what has fallen: with the fall, against it.
            make("pension_month", MONTH, 0, read, lambda v: _rebalancing(v, "month")),
            make("pension_quarter", 3 * MONTH, 0, read, lambda v: _rebalancing(v, "quarter")),
            make("pension_due", MONTH, -1, read, _due),
        )


@dataclass(frozen=True, kw_only=True)
class PensionFunds(Mechanism):
    """What pension funds would trade at the end of the month and of the quarter.

    Parameters
    ----------
    weight : float
        Share of equities that they return to.
    capital : Capital
        Money that follows the rule; fitted to one published estimate, no headline of anybody's
        assets.

    Raises
    ------
    ConfigError
        If the share is not between 0 and 1.

    Examples
    --------
    >>> dates = pd.DatetimeIndex(["2020-10-30", "2020-11-30"], name="date")
    >>> november = pd.DataFrame({"spy": [100.0, 110.5], "ief": [100.0, 100.05]}, index=dates)
    >>> round(PensionFunds()(november, dates[-1]).values["month"]["flow_usd_bn"]["mid"])
    -36
    """

    key = "pension"
    title = "Pension funds"
    group = "Positioning and forced flows"
    inputs = ("spy", "ief")
    family = PensionFeatures
    numbers = (
        KeyNumber("month.flow_usd_bn", "month end, USD bn", flow_range),
        KeyNumber("quarter.flow_usd_bn", "quarter end, USD bn", flow_range),
    )
    chart = Chart("Flow due, USD bn", ".0f", {"month": "Month end", "quarter": "Quarter end"})

    weight: float = 0.6
    capital: Capital = CAPITAL

    def __post_init__(self) -> None:
        if not 0.0 < self.weight < 1.0:
            raise ConfigError(f"weight: must lie in (0, 1), got {self.weight}")

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of, view.calendar)

    def __call__(
        self, values: pd.DataFrame, as_of: pd.Timestamp, calendar: pd.DatetimeIndex | None = None
    ) -> MechanismReading | NoReading:
        """Read month and quarter to date.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; read are spy and ief, both with what they pay.
        as_of : Timestamp
            Decision date; later rows are not read.
        calendar : DatetimeIndex, optional
            Sessions that are due, to count those left; weekdays without it.

        Returns
        -------
        MechanismReading or NoReading
            History: the flows that the returns to date would make, USD bn, month and quarter.

        **Known at:** the close of `as_of`.
        """
        known = values.loc[:as_of]
        absent = [
            name for name in ("spy", "ief") if name not in known or known[name].tail(1).isna().all()
        ]
        if absent:
            return NoReading(
                name="pension", reason=f"no price of {' and '.join(absent)} for the date"
            )
        date = pd.Timestamp(known.index[-1])
        read: dict[str, Any] = {
            "assumptions": ASSUMPTIONS.format(weight=self.weight, **self.capital.to_dict()),
            "weight": self.weight,
            "capital_usd_bn": self.capital.to_dict(),
        }
        history = pd.DataFrame(index=known.index)
        for period in MONTHS:
            equity, bond = (return_to_date(known[name], period) for name in ("spy", "ief"))
            change = rebalancing_flow(equity, bond, self.weight)
            history[period] = change * self.capital.mid
            read[period] = {
                "equity_return": equity.iloc[-1],
                "bond_return": bond.iloc[-1],
                "equity_less_bond": equity.iloc[-1] - bond.iloc[-1],
                "flow_usd_bn": self.capital.flows(float(change.iloc[-1])),
                "sessions_left": sessions_left(date, period, calendar),
            }
        if np.isnan(read["month"]["equity_less_bond"]):
            return NoReading(name="pension", reason="no price at the end of the month before")
        return MechanismReading(
            name="pension", sentence=_sentence(read), values=read, history=history
        )


def _sentence(read: dict[str, Any]) -> str:
    words = [
        f"{flow_words(read[period]['flow_usd_bn'])} of equities for the {period} "
        f"({read[period]['sessions_left']} sessions left)"
        for period in MONTHS
        if not np.isnan(read[period]["equity_less_bond"])
    ]
    gap = read["month"]["equity_less_bond"]
    where = "ahead of" if gap > 0 else "behind"
    return (
        f"Equities are {abs(gap):.1%} {where} bonds this month; to return to their weights "
        "pension funds would "
        f"{' and '.join(words)}."
    )


def _rebalancing(v: pd.DataFrame, period: Period) -> pd.Series:
    """Equities to trade at the end of the period, over the equity volatility of its length."""
    flow = rebalancing_flow(return_to_date(v["spy"], period), return_to_date(v["ief"], period))
    return flow / (two_speed_volatility(v["spy"]) * np.sqrt(MONTHS[period] / 12.0))


def _due(v: pd.DataFrame) -> pd.Series:
    """The month's flow as its end comes within a week."""
    left = weekdays_left(pd.DatetimeIndex(v.index), "month")
    return _rebalancing(v, "month") * (1.0 - left / WEEK).clip(lower=0.0)


def _number(dates: pd.DatetimeIndex, period: Period) -> np.ndarray:
    """Consecutive number of each date's month or quarter."""
    number: np.ndarray = (dates.year.to_numpy() * 12 + dates.month.to_numpy() - 1) // MONTHS[period]
    return number
