"""Measures of dollar stress: dash for dollars, debasement, extremes, carry, link to equities."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime import kernels
from regime.schema import MONTH, YEAR
from regime.transforms import (
    change_scale,
    rolling_percentile,
    scaled_move,
)

__all__ = [
    "INPUTS",
    "MOMENTUM",
    "carry_unwind",
    "correlation_flips",
    "dash_for_dollars",
    "debasement",
    "distance_to_extreme",
    "equity_correlation",
    "yen_volatility",
]

INPUTS = ("dollar_index", "sp500", "eem", "copper", "hyg", "gold", "usdjpy", "fxy")

RISK = ("sp500", "eem", "copper", "hyg")

MOMENTUM = (21, 63, 126, 252)  # sessions

BAND = 0.1  # a correlation inside it has no sign of its own


def dash_for_dollars(values: pd.DataFrame, speeds: tuple[int, ...] = (5, 10, 21)) -> pd.Series:
    """Dollar up while risk assets and gold fall, in volatilities.

    The least of these at the clearest speed.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns of `INPUTS`; equities are needed, of the other risk assets those that are known are
        averaged in.
    speeds : tuple of int
        Sessions of the moves.

    Returns
    -------
    Series, shape (n_sessions,)
        0 where they do not all agree; NaN without the dollar, equities or gold.

    **Known at:** row t uses rows up to t; the dollar is that of the session before.
    """
    assets = [name for name in ("dollar_index", "gold", *RISK) if name in values]
    logs = pd.DataFrame({name: _logs(values[name]) for name in assets})
    daily = pd.DataFrame({name: change_scale(logs[name], 1) for name in assets})
    return pd.concat(
        [_least(logs.diff(days) / (daily * np.sqrt(days))) for days in speeds], axis=1
    ).max(axis=1, skipna=False)


def debasement(values: pd.DataFrame, lookback: int = 504) -> pd.Series:
    """Dollar at a low while gold is at a high.

    The lesser of the two ranks, shape (n_sessions,), in [0, 1].

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns dollar_index, gold.
    lookback : int
        Sessions of the ranks.

    Returns
    -------
    Series, shape (n_sessions,)
        1 if the dollar is at its lowest and gold at its highest; NaN until half of the lookback.

    **Known at:** row t uses rows up to t.
    """
    low = 1.0 - rolling_percentile(values["dollar_index"], lookback)
    high = rolling_percentile(values["gold"], lookback)
    return low.where(low < high, high).where(low.notna() & high.notna())


def distance_to_extreme(price: pd.Series, lookback: int, sign: int) -> pd.Series:
    """Log distance to the highest (`sign` 1) or lowest (`sign` -1) price of `lookback` sessions.

    Parameters
    ----------
    price : Series, shape (n_sessions,)
    lookback : int
        Sessions.
    sign : int
        1 or -1.

    Returns
    -------
    Series, shape (n_sessions,), fraction
        NaN until half of the lookback.

    **Known at:** row t uses rows up to t.
    """
    logs = _logs(price)
    column = np.ascontiguousarray(logs.to_numpy(dtype=float))
    return logs - pd.Series(
        kernels.rolling_extreme(column, lookback, lookback // 2, sign), price.index
    )


def equity_correlation(values: pd.DataFrame, lookback: int = 63) -> pd.Series:
    """Exponential correlation of daily changes of dollar and equities, of the same days.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns dollar_index, sp500.
    lookback : int
        Sessions that it needs; its halflife is half of that.

    Returns
    -------
    Series, shape (n_sessions,), in [-1, 1]

    **Known at:** row t uses rows up to t: the dollar of session t - 1, which is known at t, and
    equities of t - 1.
    """
    pair = np.column_stack(
        [_logs(values["dollar_index"]).diff(), _logs(values["sp500"]).diff().shift(1)]
    )
    return pd.Series(
        kernels.mean_correlation(np.ascontiguousarray(pair), lookback / 2, lookback), values.index
    )


def correlation_flips(values: pd.DataFrame, lookback: int = 63, band: float = BAND) -> pd.DataFrame:
    """Sign of the correlation with equities, and sessions since it last changed.

    It changes when the correlation crosses a band around 0.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns dollar_index, sp500.
    lookback : int
        Sessions, as in `equity_correlation`.
    band : float
        Half its width.

    Returns
    -------
    DataFrame, shape (n_sessions, 2)
        Columns sign (1 or -1; NaN until the band is first left) and age, in sessions, of that sign.

    **Known at:** row t uses rows up to t.
    """
    correlation = equity_correlation(values, lookback)
    sign = pd.Series(
        np.sign(correlation.where(correlation.abs() > band)), correlation.index
    ).ffill()
    position = pd.Series(np.arange(len(sign), dtype=float), sign.index)
    turned = position.where(sign.notna() & (sign != sign.shift(1)))
    return pd.DataFrame({"sign": sign, "age": position - turned.ffill()})


def carry_unwind(values: pd.DataFrame, lookback: int = 5) -> pd.Series:
    """Rise of the yen over a few sessions in its own volatilities, shape (n_sessions,).

    From the fund, on its day.

    **Known at:** row t uses rows up to t.
    """
    return scaled_move(values["fxy"], lookback)


def yen_volatility(values: pd.DataFrame) -> pd.Series:
    """Log ratio of the yen's volatility of a fortnight to that of a year, shape (n_sessions,).

    NaN before the fund.

    **Known at:** row t uses rows up to t.
    """
    daily = np.ascontiguousarray(_logs(values["fxy"]).diff().to_numpy(dtype=float))
    fast, slow = kernels.ewm_std(daily, 10.0, MONTH), kernels.ewm_std(daily, float(YEAR), MONTH)
    known = (fast > 0) & (slow > 0)
    return pd.Series(
        np.log(np.where(known, fast, np.nan) / np.where(known, slow, np.nan)), values.index
    )


def _least(moves: pd.DataFrame) -> pd.Series:
    """Least of the dollar's rise and the falls of equities, risk assets and gold, at least 0."""
    risk = moves[[name for name in RISK if name in moves]]
    fall = -sum(
        (risk[name].fillna(0.0) for name in risk), pd.Series(0.0, moves.index)
    ) / risk.notna().sum(axis=1)
    four = pd.concat([moves["dollar_index"], fall, -moves["sp500"], -moves["gold"]], axis=1)
    return four.min(axis=1, skipna=False).clip(lower=0.0)


def _logs(price: pd.Series) -> pd.Series:
    return pd.Series(np.log(price.where(price > 0)), price.index)
