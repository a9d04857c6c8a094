"""Performance of a daily return series: one function a figure, 252 sessions a year.

Every function takes simple returns as fractions a session and refuses a missing or infinite one: a
gap is not a zero (`InvalidDataError`, as for cash of other dates). A figure that its data cannot define
(no spread, no loss) is NaN.

Depends on: errors.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError

__all__ = [
    "SESSIONS_A_YEAR",
    "annual_volatility",
    "cagr",
    "calmar_ratio",
    "conditional_value_at_risk",
    "drawdown",
    "flips_per_year",
    "hit_rate",
    "max_drawdown",
    "performance_table",
    "realised_volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "turnover",
]

SESSIONS_A_YEAR = 252
# A spread below this is rounding: dividing by it would turn a constant into a huge ratio.
SPREAD_FLOOR = 1e-15


def cagr(returns: pd.Series) -> float:
    """Compound annual growth: ``(prod(1 + r)) ** (252 / n) - 1``.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session

    Returns
    -------
    float
        Fraction a year; -1 where the capital was lost, infinite where a few days' gain overflows a year.
    """
    growth = float(np.prod(1.0 + _values(returns)))
    with np.errstate(over="ignore"):
        return float(np.power(growth, SESSIONS_A_YEAR / len(returns))) - 1.0 if growth > 0 else -1.0


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
    return _deviation(_values(returns)) * math.sqrt(SESSIONS_A_YEAR)


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
    excess = _excess(returns, cash)
    deviation = _deviation(excess)
    return float(excess.mean()) / deviation * math.sqrt(SESSIONS_A_YEAR) if deviation > SPREAD_FLOOR else math.nan


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
    excess = _excess(returns, cash)
    downside = float(np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2)))
    return float(excess.mean()) / downside * math.sqrt(SESSIONS_A_YEAR) if downside > SPREAD_FLOOR else math.nan


def drawdown(returns: pd.Series) -> pd.Series:
    """Distance of the equity curve from its highest level so far, the starting capital included.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session

    Returns
    -------
    Series, shape (n,), <= 0
        Fraction below the peak after each session; never NaN.
    """
    equity = np.cumprod(1.0 + _values(returns))
    peak = np.maximum(np.maximum.accumulate(equity), 1.0)
    return pd.Series(equity / peak - 1.0, index=returns.index, name="drawdown")


def max_drawdown(returns: pd.Series) -> float:
    """Lowest value of `drawdown`: a fraction <= 0.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    """
    return float(drawdown(returns).min())


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
    depth = -max_drawdown(returns)
    return cagr(returns) / depth if depth > SPREAD_FLOOR else math.nan


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
    values = np.sort(_values(returns))
    return float(values[: int((len(values) - 1) * level) + 1].mean())


def hit_rate(returns: pd.Series, cash: pd.Series | float = 0.0) -> float:
    """Share of sessions that earned more than cash.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session
    """
    return float(np.mean(_excess(returns, cash) > 0))


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
    return float(np.abs(np.diff(_values(exposure))).sum()) / len(exposure) * SESSIONS_A_YEAR


def flips_per_year(exposure: pd.Series, level: float = 0.5) -> float:
    """Times a year that exposure crosses `level`, in either direction.

    Parameters
    ----------
    exposure : Series, shape (n,), fraction of capital
    level : float
        At or above it the market is held, below it is left.
    """
    held = _values(exposure) >= level
    return float(np.count_nonzero(held[1:] != held[:-1])) / len(exposure) * SESSIONS_A_YEAR


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
    return returns.ewm(halflife=halflife).std() * math.sqrt(SESSIONS_A_YEAR)


def performance_table(returns: pd.Series, cash: pd.Series | float = 0.0,
                      exposure: pd.Series | None = None) -> dict[str, float]:
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
        `sharpe`, `sortino`, `calmar`, `max_drawdown`, `cagr`, `volatility`, `cvar_5`, `hit_rate`,
        `days` and, with `exposure`, its three. NaN where a figure is not defined.
    """
    table = {
        "sharpe": sharpe_ratio(returns, cash),
        "sortino": sortino_ratio(returns, cash),
        "calmar": calmar_ratio(returns),
        "max_drawdown": max_drawdown(returns),
        "cagr": cagr(returns),
        "volatility": annual_volatility(returns),
        "cvar_5": conditional_value_at_risk(returns),
        "hit_rate": hit_rate(returns, cash),
        "days": float(len(returns)),
    }
    if exposure is not None:
        table |= {"turnover": turnover(exposure), "flips_per_year": flips_per_year(exposure),
                  "mean_exposure": float(_values(exposure).mean())}
    return table


def _values(series: pd.Series) -> np.ndarray:
    values: np.ndarray = series.to_numpy(dtype=float)
    if values.size == 0:
        raise InvalidDataError("a performance figure needs at least one session, got none")
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InvalidDataError(f"{series.index[row]}: {values[row]} is not a finite number; a gap is not a zero: "
                               "drop the row or say what it was")
    return values


def _excess(returns: pd.Series, cash: pd.Series | float) -> np.ndarray:
    values = _values(returns)
    if not isinstance(cash, pd.Series):
        return values - float(cash)
    if not cash.index.equals(returns.index):
        raise InvalidDataError("`cash` must have the dates of `returns`; reindex it")
    excess: np.ndarray = values - _values(cash)
    return excess


def _deviation(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan
