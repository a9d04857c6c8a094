"""Intervals of any statistic of daily series, by the stationary bootstrap.

Blocks of random length keep the dependence in time; their mean length is the one that Politis and
White choose for the series and for their squares, because volatility comes in clusters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.performance import (
    annual_sharpe,
    check_same_dates,
    drawdowns,
    excess_values,
    finite_values,
)

__all__ = [
    "Interval",
    "block_length",
    "bootstrap_interval",
    "drawdown_interval",
    "sharpe_difference_interval",
    "sharpe_interval",
    "stationary_rows",
]

FEWEST = 20


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A statistic and its bootstrap interval.

    Parameters
    ----------
    name : str
        What was measured.
    estimate : float
        On the observed history.
    low, high : float
        Quantiles of the draws, `level` between them; NaN if no draw defines the statistic.
    level : float
    block : int
        Mean sessions a block.
    draws : int

    Examples
    --------
    >>> print(
    ...     Interval(
    ...         name="Sharpe ratio",
    ...         estimate=0.63,
    ...         low=0.25,
    ...         high=1.02,
    ...         level=0.9,
    ...         block=43,
    ...         draws=1000,
    ...     )
    ... )
    Sharpe ratio 0.63 (90% interval 0.25 to 1.02, blocks of 43 sessions).
    """

    name: str
    estimate: float
    low: float
    high: float
    level: float
    block: int
    draws: int

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0

    def __str__(self) -> str:
        return (
            f"{self.name} {self.estimate:.2f} ({self.level:.0%} interval {self.low:.2f} to "
            f"{self.high:.2f}, blocks of {self.block} sessions)."
        )


def bootstrap_interval(
    statistic: Callable[..., float],
    *series: pd.Series,
    name: str = "statistic",
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 7,
    block: int | None = None,
) -> Interval:
    """Interval of a statistic of one or several daily series.

    Parameters
    ----------
    statistic : callable
        From one array a series, shape (n,) each, to a number.
    *series : Series, shape (n,)
        On the same dates, no NaN; each draw takes the same sessions of all of them.
    name : str
        For the sentence.
    level : float
        Share of the draws between the ends, in (0, 1).
    draws, seed : int
    block : int, optional
        Mean sessions a block; by default `block_length` of the series.

    Raises
    ------
    InvalidDataError
        If dates differ, a value is missing, or there are fewer than 20 sessions.

    Notes
    -----
    **Source:** Politis and Romano (1994), "The stationary bootstrap".
    """
    for other in series[1:]:
        check_same_dates(series[0], other, str(other.name))
    return _interval(
        statistic,
        [finite_values(values) for values in series],
        name=name,
        level=level,
        draws=draws,
        seed=seed,
        block=block,
    )


def sharpe_interval(
    returns: pd.Series,
    cash: pd.Series | float = 0.0,
    *,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 7,
    block: int | None = None,
) -> Interval:
    """Interval of the annual Sharpe ratio.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    cash : Series, shape (n,) on the same dates, or float, fraction a session
    level, draws, seed, block
        As in `bootstrap_interval`.
    """
    return _interval(
        annual_sharpe,
        [excess_values(returns, cash)],
        name="Sharpe ratio",
        level=level,
        draws=draws,
        seed=seed,
        block=block,
    )


def sharpe_difference_interval(
    ours: pd.Series,
    theirs: pd.Series,
    cash: pd.Series | float = 0.0,
    *,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 7,
    block: int | None = None,
) -> Interval:
    """Interval of the difference of two annual Sharpe ratios on the same sessions.

    Parameters
    ----------
    ours, theirs : Series, shape (n,) on the same dates, fraction a session
        Drawn together, so that what they share cancels.
    cash : Series, shape (n,) on the same dates, or float, fraction a session
    level, draws, seed, block
        As in `bootstrap_interval`.
    """
    check_same_dates(ours, theirs, "theirs")
    return _interval(
        lambda a, b: annual_sharpe(a) - annual_sharpe(b),
        [excess_values(ours, cash), excess_values(theirs, cash)],
        name="Difference of Sharpe ratios",
        level=level,
        draws=draws,
        seed=seed,
        block=block,
    )


def drawdown_interval(
    returns: pd.Series,
    *,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 7,
    block: int | None = None,
) -> Interval:
    """Interval of the deepest drawdown over resampled histories.

    Parameters
    ----------
    returns : Series, shape (n,), fraction a session
    level, draws, seed, block
        As in `bootstrap_interval`.

    Returns
    -------
    Interval
        Fractions <= 0, `low` the deepest. The observed figure need not lie in the middle: blocks
        that end within a fall make long falls rarer than they were.
    """
    return _interval(
        lambda values: float(drawdowns(values).min()),
        [finite_values(returns)],
        name="Deepest drawdown",
        level=level,
        draws=draws,
        seed=seed,
        block=block,
    )


def block_length(*columns: np.ndarray) -> int:
    """Mean block of the stationary bootstrap.

    The longest that any of the columns or their squares ask for.

    Parameters
    ----------
    *columns : ndarray, shape (n,)
        At least 20 rows.

    Returns
    -------
    int
        1 where nothing depends on its past, or nothing varies.

    Notes
    -----
    **Source:** Politis and White (2004), "Automatic block-length selection for the dependent
    bootstrap", as corrected in 2009.
    """
    from arch.bootstrap import optimal_block_length

    centred = [column - column.mean() for column in columns if np.ptp(column) > 0]
    shapes = [shape for column in centred for shape in (column, column**2) if np.ptp(shape) > 0]
    if not shapes:
        return 1
    lengths = optimal_block_length(np.column_stack(shapes))["stationary"].to_numpy()
    return math.ceil(float(np.nanmax(np.append(lengths, 1.0))))


def stationary_rows(rows: int, *, block: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Rows of each draw of the stationary bootstrap.

    Parameters
    ----------
    rows : int
        Of the history.
    block : int
        Mean rows a block.
    draws, seed : int

    Yields
    ------
    ndarray of int, shape (rows,)
    """
    from arch.bootstrap import StationaryBootstrap

    for positions, _ in StationaryBootstrap(block, np.arange(rows), seed=seed).bootstrap(draws):
        yield np.asarray(positions[0])


def _interval(
    statistic: Callable[..., float],
    columns: list[np.ndarray],
    *,
    name: str,
    level: float,
    draws: int,
    seed: int,
    block: int | None,
) -> Interval:
    if not columns or len(columns[0]) < FEWEST:
        raise InvalidDataError(
            f"{name}: a bootstrap needs {FEWEST} sessions, got {len(columns[0]) if columns else 0}"
        )
    if not 0 < level < 1 or draws < 1 or (block is not None and block < 1):
        raise InvalidDataError(
            f"{name}: level {level} must lie in (0, 1), draws {draws} and block {block} be at "
            "least 1"
        )
    length = block_length(*columns) if block is None else block
    drawn = np.array(
        [
            statistic(*(column[rows] for column in columns))
            for rows in stationary_rows(len(columns[0]), block=length, draws=draws, seed=seed)
        ]
    )
    defined = drawn[np.isfinite(drawn)]
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail]) if defined.size else (math.nan, math.nan)
    return Interval(
        name=name,
        estimate=float(statistic(*columns)),
        low=float(low),
        high=float(high),
        level=level,
        block=length,
        draws=draws,
    )
