"""Funding spread, its tail, net liquidity and what is borrowed from the central bank."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from regime.mechanisms.reserves.money_calendar import (
    calendar_adjusted,
)
from regime.schema import YEAR
from regime.transforms import excess_over_median

__all__ = [
    "INPUTS",
    "backstop_use",
    "funding_pressure",
    "funding_spread",
    "funding_tail",
    "net_liquidity",
]

INPUTS = (
    "sofr",
    "sofr99",
    "effr",
    "iorb",
    "reserves",
    "fed_assets",
    "fed_securities",
    "tga",
    "rrp",
    "srf",
    "discount_window",
    "swap_lines",
    "bank_assets",
)

USD_BN = 1e-3  # of a balance in USD mn


def funding_spread(values: pd.DataFrame, adjusted: bool = True) -> pd.Series:
    """Secured overnight rate less interest on reserves, basis points.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns sofr, sofr99, iorb, percent.
    adjusted : bool
        Whether what the day of the calendar usually adds is taken off.

    Returns
    -------
    Series, shape (n_sessions,)
        NaN before either rate, and, adjusted, on a special day with too few earlier ones of its
        kind. Special days of the proxy that stands in before SOFR say nothing of those since, and
        the count starts again.

    **Known at:** row t uses rows up to t; the rate is that of the business day before, and so is
    the interest.
    """
    raw = 100.0 * (values["sofr"] - values["iorb"].shift(1))
    return _by_source(raw, values["sofr99"], calendar_adjusted) if adjusted else raw


def funding_pressure(values: pd.DataFrame) -> pd.Series:
    """Calendar-adjusted funding spread above its own median of a year, basis points.

    The norm, too, starts again with SOFR: the proxy before it was lower. NaN until half a year of
    either.
    """

    def above(spread: pd.Series) -> pd.Series:
        return excess_over_median(calendar_adjusted(spread), YEAR)

    return _by_source(funding_spread(values, adjusted=False), values["sofr99"], above)


def funding_tail(values: pd.DataFrame, adjusted: bool = True) -> pd.Series:
    """Dearest hundredth of secured overnight loans less their median, basis points.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns sofr, sofr99, percent.
    adjusted : bool
        Whether what the day of the calendar usually adds is taken off.

    Returns
    -------
    Series, shape (n_sessions,)
        NaN before 2018-04, when SOFR began.

    **Known at:** row t uses rows up to t.
    """
    raw = 100.0 * (values["sofr99"] - values["sofr"])
    return calendar_adjusted(raw) if adjusted else raw


def net_liquidity(values: pd.DataFrame) -> pd.Series:
    """Fed assets less the Treasury's account and the reverse repo facility (in USD bn.

    None is zero), USD mn.

    Its sign against equities has flipped between decades: no score is built on it.
    """
    return values["fed_assets"] - values["tga"] - values["rrp"].fillna(0.0) / USD_BN


def backstop_use(values: pd.DataFrame) -> pd.DataFrame:
    """What is borrowed from the central bank because the market does not lend it, USD mn.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns discount_window, swap_lines (USD mn), srf (USD bn), iorb.

    Returns
    -------
    DataFrame, shape (n_sessions, 3)
        Columns discount_window, swap_lines, desk_repo. The Desk's repos count once interest is paid
        on reserves: before, they were how the target was met every day. A day without operation is
        a day of none; all three are NaN before the discount window is reported.
    """
    known = values["discount_window"].notna()
    repo = values["srf"].where(values["iorb"].notna()).fillna(0.0) / USD_BN
    table = {
        "discount_window": values["discount_window"],
        "swap_lines": values["swap_lines"].fillna(0.0),
        "desk_repo": repo,
    }
    return pd.DataFrame({name: column.where(known) for name, column in table.items()})


def _by_source(
    spread: pd.Series, percentile99: pd.Series, made: Callable[[pd.Series], pd.Series]
) -> pd.Series:
    """Made within each of the two sources.

    SOFR, which comes with its percentiles, and the proxy before it.
    """
    published = percentile99.notna().cummax()
    return made(spread.where(~published)).where(~published, made(spread.where(published)))
