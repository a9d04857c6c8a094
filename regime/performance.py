"""Performance of daily returns: ratios, drawdowns, calendar months, and one table of all figures.

Returns are simple, as fractions a session; a year has 252 sessions. A missing or infinite return is
refused, for a gap is not a zero. A figure that its data cannot define (no spread, no loss) is NaN.
The starting capital counts as a level of the equity curve, so a loss on the first session is a
drawdown.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.errors import InvalidDataError
from regime.schema import YEAR

__all__ = [
    "annual_sharpe",
    "cagr",
    "check_same_dates",
    "drawdown_table",
    "drawdowns",
    "excess_values",
    "finite_values",
    "max_drawdown",
    "monthly_returns",
    "monthly_table",
    "performance_table",
    "realised_volatility",
    "rolling_sharpe",
    "sharpe_ratio",
]

# A spread below this is rounding: dividing by it would turn a constant into a huge ratio.
SPREAD_FLOOR = 1e-15
# The same for a rolling window, whose sums carry rounding from row to row.
ROLLING_FLOOR = 1e-10
# Closer to the peak than this is at the peak: products of a few thousand returns round by less.
PEAK_TOLERANCE = 1e-12
# Worst sessions whose mean is the conditional value at risk.
TAIL_SHARE = 0.05
# At or above this exposure the market counts as held, below it as left.
HELD = 0.5


# Checked numbers


def finite_values(series: pd.Series) -> Floats:
    """Values of a series, none of which may be missing.

    Parameters
    ----------
    series : Series, shape (n,)

    Returns
    -------
    ndarray, shape (n,), float64
        Of the series itself where that is possible: not to be written to.

    Raises
    ------
    InvalidDataError
        If there is none, or one is no finite number; the message names its date.
    """
    values: Floats = series.to_numpy(dtype=float)
    if values.size == 0:
        raise InvalidDataError("a performance figure needs at least one session, got none")
    finite = np.isfinite(values)
    if not finite.all():
        row = int(finite.argmin())
        raise InvalidDataError(
            f"{series.index[row]}: {values[row]} is not a finite number; a gap is not a zero: "
            "drop the row or fill in its value"
        )
    return values


def excess_values(returns: pd.Series, cash: pd.Series | float = 0.0) -> Floats:
    """Returns less what cash earned over the same sessions.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session

    Returns
    -------
    ndarray, shape (n,), fraction a session

    Raises
    ------
    InvalidDataError
        If a value is missing or the dates of the two differ.
    """
    values = finite_values(returns)
    if not isinstance(cash, pd.Series):
        return values - float(cash)
    check_same_dates(returns, cash, "cash")
    excess: Floats = values - finite_values(cash)
    return excess


def check_same_dates(returns: pd.Series, other: pd.Series, name: str) -> None:
    """Refuse a series whose dates are not those of the returns.

    Parameters
    ----------
    returns, other : Series
    name : str
        What the message calls the other.

    Raises
    ------
    InvalidDataError
    """
    if not other.index.equals(returns.index):
        raise InvalidDataError(f"`{name}` must have the dates of `returns`; reindex it")


# Growth and risk


def cagr(returns: pd.Series) -> float:
    """Compound annual growth: ``(prod(1 + r)) ** (252 / n) - 1``.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session

    Returns
    -------
    float
        Fraction a year; -1 where the capital was lost, infinite where a few days' gain overflows a
        year.
    """
    return _annual_growth(finite_values(returns))


def sharpe_ratio(returns: pd.Series, cash: pd.Series | float = 0.0) -> float:
    """Annual Sharpe ratio: ``mean(r - c) / sd(r - c) * sqrt(252)``.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session
        What cash earned over the same sessions.

    Returns
    -------
    float
        NaN where the excess return has no spread.

    Examples
    --------
    >>> round(sharpe_ratio(pd.Series([0.01, -0.01, 0.02, 0.0])), 4)
    6.1482
    """
    return annual_sharpe(excess_values(returns, cash))


def annual_sharpe(excess: Floats) -> float:
    """`sharpe_ratio` of an array.

    Parameters
    ----------
    excess : ndarray, shape (n,), fraction a session
        Finite returns over cash; not checked.

    Returns
    -------
    float
        NaN where they have no spread.
    """
    deviation = _deviation(excess)
    if not deviation > SPREAD_FLOOR:
        return math.nan
    return float(excess.mean()) / deviation * math.sqrt(YEAR)


def rolling_sharpe(
    returns: pd.Series, cash: pd.Series | float = 0.0, lookback: int = YEAR
) -> pd.Series:
    """Annual Sharpe ratio of the last `lookback` sessions.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session
    lookback : int
        Sessions.

    Returns
    -------
    Series, shape (n,)
        NaN until `lookback` returns are known, and where they have no spread.

    Notes
    -----
    **Known at:** each close; row t uses returns up to t.
    """
    excess = pd.Series(excess_values(returns, cash), index=returns.index, name="sharpe")
    window = excess.rolling(lookback)
    deviation = window.std()
    return window.mean() / deviation.where(deviation > ROLLING_FLOOR) * math.sqrt(YEAR)


def realised_volatility(returns: pd.Series, halflife: float = 21.0) -> pd.Series:
    """Exponentially weighted standard deviation of daily returns, a year.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
        Missing returns are allowed here and add nothing.
    halflife : float
        Sessions in which a return loses half its weight.

    Returns
    -------
    Series, shape (n,), fraction a year
        NaN until two returns are known.

    Notes
    -----
    **Known at:** each close; row t uses returns up to t.
    """
    return returns.ewm(halflife=halflife).std() * math.sqrt(YEAR)


# Drawdowns


def drawdowns(returns: Floats) -> Floats:
    """Distance of the equity curve from its highest level so far.

    Parameters
    ----------
    returns : ndarray, shape (n,), fraction a session
        Finite; not checked.

    Returns
    -------
    ndarray, shape (n,), <= 0
        Fraction below the peak after each session; never NaN.

    Notes
    -----
    **Known at:** each close; row t uses returns up to t.
    """
    equity = np.cumprod(1.0 + returns)
    below: Floats = equity / np.maximum(np.maximum.accumulate(equity), 1.0) - 1.0
    return below


def max_drawdown(returns: pd.Series) -> float:
    """Lowest value of `drawdowns`.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session

    Returns
    -------
    float
        A fraction <= 0.
    """
    return float(drawdowns(finite_values(returns)).min())


def drawdown_table(returns: pd.Series, count: int = 5) -> pd.DataFrame:
    """The deepest drawdowns, each from its peak to the session that regains it.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    count : int
        Rows at most.

    Returns
    -------
    DataFrame
        Deepest first, the earlier of equals first: `start` (first session below the peak),
        `trough`, `end` (first session at the peak again; NaT if it is still below), `depth` (<= 0),
        `sessions_down` (peak to trough) and `sessions_to_regain` (trough to `end`; NaN if still
        below).

    Notes
    -----
    **Known at:** `end`; until then the depth and the trough of the last drawdown may change.

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=5)
    >>> table = drawdown_table(pd.Series([0.1, -0.2, 0.0, 0.25, -0.1], index=days))
    >>> table[["depth", "sessions_down", "end"]]
       depth  sessions_down        end
    0   -0.2              1 2024-01-04
    1   -0.1              1        NaT
    """
    below = drawdowns(finite_values(returns))
    under_water = np.r_[False, below < -PEAK_TOLERANCE, False]
    edges = np.flatnonzero(np.diff(under_water.astype(np.int8)))
    first = edges[::2]
    stop = edges[1::2]
    lows = np.minimum.reduceat(below, first) if first.size else np.empty(0)
    deepest = np.argsort(lows, kind="stable")[:count]
    first = first[deepest]
    stop = stop[deepest]
    trough = np.array(
        [a + below[a:b].argmin() for a, b in zip(first, stop, strict=True)], dtype=int
    )
    closed = stop < below.size
    dates = returns.index.to_series(index=range(below.size))
    return pd.DataFrame(
        {
            "start": dates.to_numpy()[first],
            "trough": dates.to_numpy()[trough],
            "end": dates.reindex(np.where(closed, stop, -1)).to_numpy(),
            "depth": lows[deepest],
            "sessions_down": trough - first + 1,
            "sessions_to_regain": np.where(closed, stop - trough, np.nan),
        }
    )


# Calendar months


def monthly_returns(returns: pd.Series) -> pd.Series:
    """Compounded return of each calendar month that has a session.

    The first and the last month may be parts of one.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
        On ordered dates.

    Returns
    -------
    Series, shape (n_months,), fraction a month
        On a monthly PeriodIndex, in order; never NaN.

    Raises
    ------
    InvalidDataError
        If a return is missing or the dates are out of order.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-30", "2024-01-31", "2024-02-01"])
    >>> monthly_returns(pd.Series([0.1, 0.1, -0.5], index=days)).round(2).to_dict()
    {Period('2024-01', 'M'): 0.21, Period('2024-02', 'M'): -0.5}
    """
    values = finite_values(returns)
    index = returns.index
    if not isinstance(index, pd.DatetimeIndex) or not index.is_monotonic_increasing:
        raise InvalidDataError("months need returns on ordered dates; sort them by date")
    month = index.year.to_numpy() * 12 + index.month.to_numpy() - 1
    first = np.flatnonzero(np.r_[True, month[1:] != month[:-1]])
    periods = pd.PeriodIndex(pd.DatetimeIndex(index[first]).to_period("M"), name="month")
    growth = np.multiply.reduceat(1.0 + values, first)
    return pd.Series(growth - 1.0, index=periods, name=returns.name)


def monthly_table(returns: pd.Series) -> pd.DataFrame:
    """Monthly returns as a calendar: a row a year.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
        On ordered dates.

    Returns
    -------
    DataFrame, shape (n_years, 13), fraction a month
        Columns 1 to 12, and `year`, the compounded return of the months there are. NaN in a month
        or a year without a session.
    """
    months = monthly_returns(returns)
    calendar = pd.PeriodIndex(months.index)
    years = np.arange(calendar.year[0], calendar.year[-1] + 1)
    grid = np.full((years.size, 12), np.nan)
    grid[calendar.year - years[0], calendar.month - 1] = months.to_numpy()
    table = pd.DataFrame(grid, index=pd.Index(years, name="year"), columns=range(1, 13))
    return table.assign(
        year=np.where(np.isnan(grid).all(axis=1), np.nan, np.nanprod(1.0 + grid, axis=1) - 1.0)
    )


# All figures


def performance_table(
    returns: pd.Series, cash: pd.Series | float = 0.0, exposure: pd.Series | None = None
) -> dict[str, float]:
    """Every figure of one strategy, for a table or a log.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
        Net of costs.
    cash : Series, shape (n,) on the same dates, or float, fraction a session
    exposure : Series, shape (n,), optional
        Fraction held over each session; adds `turnover`, `flips_per_year` and `mean_exposure`.

    Returns
    -------
    dict of str to float
        `sharpe` and `sortino` (mean excess return over its standard and its downside deviation, a
        year), `calmar` (growth over the deepest drawdown), `max_drawdown` (fraction <= 0), `ulcer`
        (root of the mean squared drawdown, a fraction), `cagr` and `volatility` (fractions a year),
        `cvar_5` (mean of the worst ``floor((n - 1) * 0.05) + 1`` returns), `hit_rate` (share of
        sessions above cash), `days` and, with `exposure`, `turnover` (one way, capital a year),
        `flips_per_year` (crossings of one half) and `mean_exposure`. NaN where a figure is not
        defined.

    Raises
    ------
    InvalidDataError
        If a value is missing or cash has other dates.

    Notes
    -----
    **Source:** Martin and McCann (1989), "The Investor's Guide to Fidelity Funds" (ulcer index).

    Examples
    --------
    >>> table = performance_table(pd.Series([0.10, -0.20, 0.05, 0.10]))
    >>> round(table["max_drawdown"], 4), round(table["ulcer"], 4), table["hit_rate"]
    (-0.2, 0.1336, 0.75)
    """
    # One pass over plain numbers: every backtest makes this table, and the checks of each figure
    # alone cost more.
    values = finite_values(returns)
    excess = excess_values(returns, cash)
    below = drawdowns(values)
    growth = _annual_growth(values)
    deepest = float(below.min())
    table = {
        "sharpe": annual_sharpe(excess),
        "sortino": _sortino(excess),
        "calmar": growth / -deepest if -deepest > SPREAD_FLOOR else math.nan,
        "max_drawdown": deepest,
        "ulcer": float(np.sqrt(np.mean(np.square(below)))),
        "cagr": growth,
        "volatility": _deviation(values) * math.sqrt(YEAR),
        "cvar_5": _tail_mean(values),
        "hit_rate": float(np.mean(excess > 0)),
        "days": float(values.size),
    }
    if exposure is not None:
        table |= _exposure_figures(finite_values(exposure))
    return table


def _annual_growth(values: Floats) -> float:
    growth = float(np.prod(1.0 + values))
    if growth <= 0:
        return -1.0
    with np.errstate(over="ignore"):
        return float(np.power(growth, YEAR / values.size)) - 1.0


def _deviation(values: Floats) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else math.nan


def _sortino(excess: Floats) -> float:
    downside = math.sqrt(float(np.square(np.minimum(excess, 0.0)).mean()))
    if not downside > SPREAD_FLOOR:
        return math.nan
    return float(excess.mean()) / downside * math.sqrt(YEAR)


def _tail_mean(values: Floats) -> float:
    count = int((values.size - 1) * TAIL_SHARE) + 1
    # Sorted once more, because the order inside a partition, and so the last bits of the mean,
    # depend on the processor.
    return float(np.sort(np.partition(values, count - 1)[:count]).mean())


def _exposure_figures(exposure: Floats) -> dict[str, float]:
    held = exposure >= HELD
    flips = float(np.count_nonzero(held[1:] != held[:-1]))
    return {
        "turnover": float(np.abs(np.diff(exposure)).sum()) / exposure.size * YEAR,
        "flips_per_year": flips / exposure.size * YEAR,
        "mean_exposure": float(exposure.mean()),
    }
