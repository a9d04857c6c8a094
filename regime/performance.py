"""Performance of a daily return series: one function a figure, 252 sessions a year.

Every function takes simple returns as fractions a session and refuses a missing or infinite one: a
gap is not a zero (`InvalidDataError`, as for cash of other dates). A figure that its data cannot
define (no spread, no loss) is NaN.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from regime.drawdowns import depths
from regime.errors import InvalidDataError
from regime.returns import excess_values, finite_values
from regime.sessions import YEAR

__all__ = [
    "annual_sharpe",
    "annual_volatility",
    "cagr",
    "calmar_ratio",
    "conditional_value_at_risk",
    "flips_per_year",
    "hit_rate",
    "performance_table",
    "realised_volatility",
    "rolling_sharpe",
    "sharpe_ratio",
    "sortino_ratio",
    "turnover",
]

# A spread below this is rounding: dividing by it would turn a constant into a huge ratio.
SPREAD_FLOOR = 1e-15
# The same for a rolling window, whose sums carry rounding from row to row.
ROLLING_FLOOR = 1e-10


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
    return _growth(finite_values(returns))


def annual_volatility(returns: pd.Series) -> float:
    """Standard deviation (n - 1) of daily returns times ``sqrt(252)``.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session

    Returns
    -------
    float
        Fraction a year; NaN for a single return.
    """
    return _deviation(finite_values(returns)) * math.sqrt(YEAR)


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


def annual_sharpe(excess: np.ndarray) -> float:
    """`sharpe_ratio` of plain numbers.

    Finite returns over cash, shape (n,), which are not checked.
    """
    deviation = _deviation(excess)
    return (
        float(excess.mean()) / deviation * math.sqrt(YEAR) if deviation > SPREAD_FLOOR else math.nan
    )


def sortino_ratio(returns: pd.Series, cash: pd.Series | float = 0.0) -> float:
    """Annual Sortino ratio: ``mean(r - c) / sqrt(mean(min(r - c, 0) ** 2)) * sqrt(252)``.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session

    Returns
    -------
    float
        NaN where no session fell below cash.
    """
    return _sortino(excess_values(returns, cash))


def calmar_ratio(returns: pd.Series) -> float:
    """Growth over the deepest fall: ``cagr / |max_drawdown|``.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session

    Returns
    -------
    float
        NaN where nothing was ever lost.
    """
    values = finite_values(returns)
    return _over_depth(_growth(values), float(depths(values).min()))


def conditional_value_at_risk(returns: pd.Series, level: float = 0.05) -> float:
    """Mean of the worst ``floor((n - 1) * level) + 1`` returns.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    level : float
        Share of the sessions that count as the worst, in (0, 1].

    Returns
    -------
    float
        Fraction a session, negative where the worst sessions lost.
    """
    if not 0.0 < level <= 1.0:
        raise InvalidDataError(f"level {level} lies outside (0, 1]")
    return _worst(finite_values(returns), level)


def hit_rate(returns: pd.Series, cash: pd.Series | float = 0.0) -> float:
    """Share of sessions that earned more than cash.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session
    """
    return float(np.mean(excess_values(returns, cash) > 0))


def turnover(exposure: pd.Series) -> float:
    """One-way turnover a year: ``sum(|change of exposure|) / n * 252``.

    Parameters
    ----------
    exposure : Series, shape (n,), fraction of capital

    Returns
    -------
    float
        Capital traded a year; 2.0 is one full exit and re-entry.
    """
    return _turnover(finite_values(exposure))


def flips_per_year(exposure: pd.Series, level: float = 0.5) -> float:
    """Times a year that exposure crosses `level`, in either direction.

    Parameters
    ----------
    exposure : Series, shape (n,), fraction of capital
    level : float
        At or above it the market is held, below it is left.
    """
    return _flips(finite_values(exposure), level)


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


def rolling_sharpe(
    returns: pd.Series, cash: pd.Series | float = 0.0, lookback: int = 252
) -> pd.Series:
    """Annual Sharpe ratio of the last `lookback` sessions.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session
    lookback : int

    Returns
    -------
    Series, shape (n,)
        NaN until `lookback` returns are known, and where they have no spread.

    Notes
    -----
    **Known at:** each close; row t uses returns up to t.
    """
    window = pd.Series(excess_values(returns, cash), index=returns.index, name="sharpe").rolling(
        lookback
    )
    deviation = window.std()
    return window.mean() / deviation.where(deviation > ROLLING_FLOOR) * math.sqrt(YEAR)


def performance_table(
    returns: pd.Series, cash: pd.Series | float = 0.0, exposure: pd.Series | None = None
) -> dict[str, float]:
    """Return every figure of one strategy, for a table or a log.

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
        `sharpe`, `sortino`, `calmar`, `max_drawdown`, `ulcer`, `cagr`, `volatility`, `cvar_5`,
        `hit_rate`, `days` and, with `exposure`, its three. NaN where a figure is not defined.
    """
    # One pass over plain numbers: every backtest makes this table, and the checks of each figure
    # alone cost more.
    values, excess = finite_values(returns), excess_values(returns, cash)
    below, growth = depths(values), _growth(values)
    deepest = float(below.min())
    table = {
        "sharpe": annual_sharpe(excess),
        "sortino": _sortino(excess),
        "calmar": _over_depth(growth, deepest),
        "max_drawdown": deepest,
        "ulcer": float(np.sqrt(np.mean(np.square(below)))),
        "cagr": growth,
        "volatility": _deviation(values) * math.sqrt(YEAR),
        "cvar_5": _worst(values, 0.05),
        "hit_rate": float(np.mean(excess > 0)),
        "days": float(values.size),
    }
    if exposure is not None:
        held = finite_values(exposure)
        table |= {
            "turnover": _turnover(held),
            "flips_per_year": _flips(held, 0.5),
            "mean_exposure": float(held.mean()),
        }
    return table


def _growth(values: np.ndarray) -> float:
    growth = float(np.prod(1.0 + values))
    with np.errstate(over="ignore"):
        return float(np.power(growth, YEAR / values.size)) - 1.0 if growth > 0 else -1.0


def _sortino(excess: np.ndarray) -> float:
    downside = math.sqrt(float(np.square(np.minimum(excess, 0.0)).mean()))
    return (
        float(excess.mean()) / downside * math.sqrt(YEAR) if downside > SPREAD_FLOOR else math.nan
    )


def _over_depth(growth: float, deepest: float) -> float:
    return growth / -deepest if -deepest > SPREAD_FLOOR else math.nan


def _worst(values: np.ndarray, level: float) -> float:
    count = int((values.size - 1) * level) + 1
    # Sorted once more, because the order inside a partition, and so the last bits of the mean, is
    # the processor's.
    return float(np.sort(np.partition(values, count - 1)[:count]).mean())


def _turnover(held: np.ndarray) -> float:
    return float(np.abs(np.diff(held)).sum()) / held.size * YEAR


def _flips(held: np.ndarray, level: float) -> float:
    above = held >= level
    return float(np.count_nonzero(above[1:] != above[:-1])) / held.size * YEAR


def _deviation(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if values.size > 1 else math.nan
