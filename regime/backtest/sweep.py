"""Many settings of a rule through one history, in a compiled loop that keeps totals only.

A setting is decided, filled, charged and counted as `engine.backtest` does for one asset with
default options: decided at close t, filled at close t + 1, orders only where the decision changes,
weights drifting between, cash earning its own return. No day of any setting is kept, so that memory
grows with the settings and their blocks, never with days x settings; what selection and its honest
accounting need is in the sums by block. The engine confirms whatever is chosen.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from regime.backtest.costs import Costs
from regime.backtest.sweep_inputs import (
    Blocks,
    History,
    block_labels,
    history,
    kept_weights,
    signal_columns,
)
from regime.errors import ConfigError
from regime.rule_programs import Programs
from regime.sessions import YEAR

__all__ = ["Statistics", "SweepResult", "exposures", "sharpe_of", "sweep"]

Statistics = Literal["full", "final"]
# A spread below this is rounding, as in `performance`.
SPREAD_FLOOR = 1e-15


@dataclass(frozen=True, kw_only=True, eq=False)
class SweepResult:
    """What became of every setting.

    Parameters
    ----------
    table : DataFrame, shape (n_settings, n_figures)
        `final_equity` (units of starting capital), `orders` (the endowment left out) and `cagr`;
        with full statistics also `turnover`, `mean_excess` and `deviation` (a session), `sharpe`,
        `max_drawdown`, `flips_per_year` and `mean_exposure`, as `performance` and
        `BacktestResult.summary` define them. NaN where a figure is not defined.
    blocks : Index, shape (n_blocks,)
        Blocks of sessions in order of time; empty without full statistics, as are the next three.
    days : ndarray, shape (n_blocks,)
        Returns in each block.
    sums, squares : ndarray, shape (n_settings, n_blocks)
        Sum, and sum of squares, of each block's daily returns in excess of cash.

    Examples
    --------
    >>> result = SweepResult(table=pd.DataFrame(index=range(1)), blocks=pd.Index([2020]), days=np.array([2]),
    ...                      sums=np.array([[0.02]]), squares=np.array([[0.0004]]))
    >>> bool(np.isinf(result.sharpe_by_block()[0, 0])), result.before(1).days.tolist()
    (False, [2])
    """

    table: pd.DataFrame
    blocks: pd.Index
    days: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    def __len__(self) -> int:
        return len(self.table)

    def sharpe_by_block(self) -> np.ndarray:
        """Annual Sharpe ratio of each setting in each block, shape (n_settings, n_blocks).

        NaN without spread.
        """
        return sharpe_of(self.days, self.sums, self.squares)

    def before(self, block: int) -> SweepResult:
        """The blocks before a position, with a table of what they alone tell.

        `mean_excess`, `deviation`, `sharpe`.
        """
        days, sums, squares = self.days[:block], self.sums[:, :block], self.squares[:, :block]
        return SweepResult(
            table=pd.DataFrame(
                _moments(days.sum(), sums.sum(axis=1), squares.sum(axis=1)), index=self.table.index
            ),
            blocks=self.blocks[:block],
            days=days,
            sums=sums,
            squares=squares,
        )


def sweep(
    prices: pd.Series,
    signals: pd.DataFrame,
    programs: Programs,
    costs: Costs,
    cash: pd.Series | None = None,
    *,
    blocks: Blocks | None = None,
    statistics: Statistics = "full",
    threads: int | None = None,
) -> SweepResult:
    """Backtest every setting of `programs`.

    Parameters
    ----------
    prices : Series, shape (n_sessions,)
        Total-return levels at each close, above 0; none missing.
    signals : DataFrame, shape (n_decisions, n_columns)
        The regimes that the settings read, as probabilities, and `volatility` a year where one
        reads it. Rows are sessions of `prices`, not necessarily all; a missing value changes
        nothing, but the first row has every probability.
    programs : Programs
        From `rules.encoding.encode` or a grid.
    costs : Costs
    cash : Series, fraction a session, optional
        As for `engine.backtest`.
    blocks : int, or a label a session, optional
        Number of equal blocks of returns, or a label for each session of `prices` in runs; by
        default calendar years.
    statistics : {"full", "final"}
        ``final``: final equity, growth and orders alone, in about half the time.
    threads : int, optional
        By default one a processor.

    Returns
    -------
    SweepResult
        Equal to `engine.backtest` setting by setting: equity within 1e-12, orders exactly.

    Raises
    ------
    InvalidDataError
        If prices, signals or cash break their rules.
    ConfigError
        If an option is out of its range.

    Notes
    -----
    **Known at:** an order filled at close t uses signals up to t - 1.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=5, name="date")
    >>> prices = pd.Series([100.0, 100.0, 110.0, 99.0, 99.0], index=dates)
    >>> signals = pd.DataFrame({"deleveraging": [0.1, 0.9, 0.9, 0.9, 0.9]}, index=dates)
    >>> out = Programs(opcodes=np.array([[1, 0, 0]]), parameters=np.full((1, 3, 2), 0.5),
    ...                columns=np.zeros((1, 3)), halflives=np.zeros((1, 3)),
    ...                regimes=(("deleveraging",),))
    >>> sweep(prices, signals, out, Costs(bps=0)).table[["final_equity", "orders"]].round(4).values.tolist()
    [[1.1, 1.0]]
    """
    if statistics not in get_args(Statistics):
        raise ConfigError(
            f"statistics: must be one of {', '.join(get_args(Statistics))}, got {statistics}"
        )
    if threads is not None and threads < 1:
        raise ConfigError(f"threads: must be at least 1, got {threads}")
    given = history(prices, signals, programs, costs, cash)
    codes, names = block_labels(pd.DatetimeIndex(prices.index), blocks)
    full = statistics == "full"
    if not full:
        names = names[:0]
    totals, sums, squares = _run(
        given, programs, codes, len(names), full, threads or os.cpu_count() or 1
    )
    days = np.bincount(codes[1:], minlength=len(names)) if full else np.zeros(0, np.int64)
    return SweepResult(
        table=_table(totals, sums, squares, len(prices) - 1, full),
        blocks=names,
        days=days,
        sums=sums,
        squares=squares,
    )


def exposures(signals: pd.DataFrame, programs: Programs, setting: int) -> pd.Series:
    """Exposure that one setting of a sweep decides at each close.

    Parameters
    ----------
    signals : DataFrame, shape (n_sessions, n_columns)
        As for `sweep`.
    programs : Programs
    setting : int
        Row of `programs`.

    Returns
    -------
    Series, shape (n_sessions,), float64 in [0, 1], named ``exposure``
        What the rule itself gives for these signals, bit for bit.

    Raises
    ------
    InvalidDataError
        If the signals break their rules.
    ConfigError
        If there is no such setting.
    """
    from regime.backtest.sweep_kernel import replay

    if not 0 <= setting < len(programs):
        raise ConfigError(f"setting: must lie in [0, {len(programs) - 1}], got {setting}")
    one = programs.take([setting])
    raw, volatility = signal_columns(signals, one)
    values = replay(
        one.opcodes[0], one.columns[0], one.parameters, kept_weights(one), raw, volatility
    )
    return pd.Series(values, index=signals.index, name="exposure")


def sharpe_of(days: np.ndarray | int, sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Annual Sharpe ratio from counts, sums and sums of squares, shape of `sums`.

    NaN without spread.
    """
    sharpe: np.ndarray = _moments(days, sums, squares)["sharpe"]
    return sharpe


def _moments(
    days: np.ndarray | int, sums: np.ndarray, squares: np.ndarray
) -> dict[str, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums / days
        deviation = np.where(
            np.asarray(days) > 1,
            np.sqrt(np.maximum(squares - sums * mean, 0.0) / (days - 1)),
            np.nan,
        )
        sharpe = np.where(deviation > SPREAD_FLOOR, mean / deviation * math.sqrt(YEAR), np.nan)
    return {"mean_excess": mean, "deviation": deviation, "sharpe": sharpe}


def _run(
    given: History, programs: Programs, codes: np.ndarray, n_blocks: int, full: bool, threads: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Totals and sums by block of every setting; blocks of lanes are shared out among threads."""
    from regime.backtest.sweep_kernel import TOTALS, run_block

    kept, n = kept_weights(programs), len(programs)
    totals, sums, squares = (
        np.empty((n, len(TOTALS))),
        np.empty((n, n_blocks)),
        np.empty((n, n_blocks)),
    )

    def one(rows: np.ndarray) -> None:
        run_block(
            rows,
            programs.opcodes[rows[0]],
            programs.columns[rows[0]],
            programs.parameters,
            kept,
            given.raw,
            given.volatility,
            given.asked,
            given.price,
            given.account,
            given.growth,
            given.fee,
            given.impact,
            codes,
            full,
            totals,
            sums,
            squares,
        )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, _alike(programs)))
    return totals, sums, squares


def _alike(programs: Programs) -> list[np.ndarray]:
    """Settings in groups of at most a block, each of the same operations and columns."""
    from regime.backtest.sweep_kernel import LANES

    what = np.hstack([programs.opcodes, np.where(programs.reading, programs.columns, 0)])
    _, kind = np.unique(what, axis=0, return_inverse=True)
    order = np.argsort(kind.ravel(), kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(kind.ravel()[order])) + 1)
    return [
        group[start : start + LANES] for group in groups for start in range(0, len(group), LANES)
    ]


def _table(
    totals: np.ndarray, sums: np.ndarray, squares: np.ndarray, returns: int, full: bool
) -> pd.DataFrame:
    equity, orders, turnover, worst, exposure, flips = totals.T
    year = YEAR / returns
    with np.errstate(over="ignore"):
        table = {
            "final_equity": equity,
            "orders": orders.astype(np.int64),
            "cagr": np.power(equity, year) - 1.0,
        }
    if full:
        table |= _moments(returns, sums.sum(axis=1), squares.sum(axis=1))
        table |= {
            "turnover": turnover * year,
            "max_drawdown": worst - 1.0,
            "flips_per_year": flips * year,
            "mean_exposure": exposure / returns,
        }
    return pd.DataFrame(table)
