"""Many settings of a rule through one history, in compiled loops that keep totals only.

A setting is decided, filled, charged and counted as `engine.backtest` does for one asset with
default options: decided at close t, filled at close t + 1, orders only where the decision changes,
weights drifting between, cash earning its own return. No day of any setting is kept, so that memory
grows with the settings and their blocks, never with days x settings; what the choice of a setting
and the tests of that choice need is in the sums by block. The engine confirms whatever is chosen.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.backtest.costs import Costs
from regime.backtest.market import align
from regime.errors import ConfigError, InvalidDataError
from regime.rules.base import check_signals
from regime.schema import REGIMES, YEAR
from regime.studies.sweep.compile import NO_RULE, EncodedRules

if TYPE_CHECKING:
    from regime.studies.sweep.kernel import History, RuleTable

__all__ = ["Blocks", "Statistics", "SweepResult", "setting_exposure", "sweep_settings"]

Blocks: TypeAlias = int | Sequence[object] | np.ndarray | pd.Index | pd.Series
Statistics = Literal["full", "final"]
# A spread below this is rounding, as in `performance`.
SPREAD_FLOOR = 1e-15
# Settings that a thread takes at once.
BATCH = 256
# The number of loops that compiled code is compiled for: a multiple of it.
LOOPS = 8


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
    >>> result = SweepResult(
    ...     table=pd.DataFrame(index=range(1)), blocks=pd.Index([2020]), days=np.array([2]),
    ...     sums=np.array([[0.02]]), squares=np.array([[0.0004]]))
    >>> bool(np.isinf(result.sharpe_by_block()[0, 0])), result.before(1).days.tolist()
    (False, [2])
    """

    table: pd.DataFrame
    blocks: pd.Index
    days: Integers
    sums: Floats
    squares: Floats

    def __len__(self) -> int:
        return len(self.table)

    def sharpe_by_block(self) -> Floats:
        """Annual Sharpe ratio of each setting in each block, shape (n_settings, n_blocks).

        NaN without spread.
        """
        return _moments(self.days, self.sums, self.squares)["sharpe"]

    def before(self, block: int) -> SweepResult:
        """The blocks before a position, with a table of what they alone say.

        `mean_excess`, `deviation`, `sharpe`.
        """
        days = self.days[:block]
        sums = self.sums[:, :block]
        squares = self.squares[:, :block]
        moments = _moments(days.sum(), sums.sum(axis=1), squares.sum(axis=1))
        return SweepResult(
            table=pd.DataFrame(moments, index=self.table.index),
            blocks=self.blocks[:block],
            days=days,
            sums=sums,
            squares=squares,
        )


def sweep_settings(
    prices: pd.Series,
    signals: pd.DataFrame,
    rules: EncodedRules,
    costs: Costs,
    cash: pd.Series | None = None,
    *,
    blocks: Blocks | None = None,
    statistics: Statistics = "full",
    threads: int | None = None,
) -> SweepResult:
    """Backtest every setting of `rules`.

    Parameters
    ----------
    prices : Series, shape (n_sessions,)
        Total-return levels at each close, above 0; none missing.
    signals : DataFrame, shape (n_decisions, n_columns)
        The columns that the settings read: regimes as probabilities, `volatility` a year. Rows are
        sessions of `prices`, not necessarily all; a missing value changes nothing.
    rules : EncodedRules
        From `encode` or a grid.
    costs : Costs
    cash : Series, fraction a session, optional
        As for `engine.backtest`.
    blocks : int, or a label a session, optional
        Number of equal blocks of returns, or a label for each session of `prices` in runs; by
        default calendar years.
    statistics : {"full", "final"}
        ``final``: final equity, growth and orders alone, in less time.
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
    >>> from regime.rules.threshold import Threshold
    >>> from regime.studies.sweep.compile import encode
    >>> dates = pd.bdate_range("2024-01-01", periods=5, name="date")
    >>> prices = pd.Series([100.0, 100.0, 110.0, 99.0, 99.0], index=dates)
    >>> signals = pd.DataFrame({"deleveraging": [0.1, 0.9, 0.9, 0.9, 0.9]}, index=dates)
    >>> result = sweep_settings(prices, signals, encode([Threshold(level=0.5)]), Costs(bps=0))
    >>> result.table[["final_equity", "orders"]].round(4).values.tolist()
    [[1.1, 1.0]]
    """
    from regime.studies.sweep.kernel import TOTALS, run_settings

    if statistics not in get_args(Statistics):
        raise ConfigError(
            f"statistics: must be one of {', '.join(get_args(Statistics))}, got {statistics}"
        )
    if threads is not None and threads < 1:
        raise ConfigError(f"threads: must be at least 1, got {threads}")
    table = _rule_table(signals, rules)
    codes, names = _block_labels(pd.DatetimeIndex(prices.index), blocks)
    history = _history(prices, signals, costs, cash, codes)
    full = statistics == "full"
    if not full:
        names = names[:0]
    totals = np.empty((len(rules), len(TOTALS)))
    sums = np.empty((len(rules), len(names)))
    squares = np.empty((len(rules), len(names)))

    def run(first: int) -> None:
        part = slice(first, first + BATCH)
        run_settings(
            rules.positions[part], table, history, full, totals[part], sums[part], squares[part]
        )

    with _first_class_functions(), ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        list(pool.map(run, range(0, len(rules), BATCH)))
    return SweepResult(
        table=_table(totals, sums, squares, len(prices) - 1, full),
        blocks=names,
        days=np.bincount(codes[1:], minlength=len(names)) if full else np.zeros(0, np.int64),
        sums=sums,
        squares=squares,
    )


def setting_exposure(signals: pd.DataFrame, rules: EncodedRules, setting: int) -> pd.Series:
    """Exposure that one setting of a sweep decides at each close.

    Parameters
    ----------
    signals : DataFrame, shape (n_sessions, n_columns)
        As for `sweep_settings`.
    rules : EncodedRules
    setting : int
        Row of `rules`.

    Returns
    -------
    Series, shape (n_sessions,), float64 in [0, 1], named ``exposure``
        What the rule itself decides on these signals, bit for bit.

    Raises
    ------
    InvalidDataError
        If the signals break their rules.
    ConfigError
        If there is no such setting.
    """
    if not 0 <= setting < len(rules):
        raise ConfigError(f"setting: must lie in [0, {len(rules) - 1}], got {setting}")
    from regime.studies.sweep.kernel import decide_setting

    paths = np.ones((rules.positions.shape[1] + 1, len(signals)))
    chosen = rules.take([setting])
    positions = chosen.positions[0]
    with _first_class_functions():
        row = decide_setting(
            positions, np.full_like(positions, NO_RULE), _rule_table(signals, chosen), paths
        )
    return pd.Series(paths[row], index=signals.index, name="exposure")


@contextmanager
def _first_class_functions() -> Iterator[None]:
    """Without numba's warning that functions as arguments of compiled code are experimental."""
    from numba.core.errors import NumbaExperimentalFeatureWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaExperimentalFeatureWarning)
        yield


def _history(
    prices: pd.Series,
    signals: pd.DataFrame,
    costs: Costs,
    cash: pd.Series | None,
    blocks: Integers,
) -> History:
    """Check prices, the sessions of the signals and cash, and lay them out for compiled code."""
    from regime.studies.sweep.kernel import History

    if not isinstance(prices, pd.Series):
        raise InvalidDataError(
            f"Prices: a sweep trades one asset, give a Series, got {type(prices).__name__}"
        )
    strange = signals.index.difference(prices.index)
    if len(strange):
        raise InvalidDataError(
            f"Signals: {strange[0]:%Y-%m-%d} is no session of the prices; leave the row out"
        )
    market = align(prices, pd.Series(1.0, index=signals.index), cash)
    bad = np.isnan(market.prices[:, 0])
    if bad.any():
        raise InvalidDataError(
            f"Prices: {market.sessions[int(bad.argmax())]:%Y-%m-%d}: no price; a sweep fills every "
            "order at its close: drop the session, or use `backtest`, which defers orders"
        )
    growth = 1.0 + market.cash
    account = np.cumprod(growth, dtype=np.float64)
    holding_cost = float(costs.holding(market.assets)[0])
    level = market.prices[:, 0] * (1.0 - holding_cost) ** np.arange(len(prices))
    price = level / level[0] / account
    return History(
        decision_of=signals.index.get_indexer(prices.index, method="ffill").astype(np.int64),
        price=price,
        inverse_price=1.0 / price,
        account=account,
        growth=growth,
        blocks=blocks,
        fee=float(costs.rates(market.assets)[0]),
        impact=costs.impact_bps / 1e4,
    )


def _rule_table(signals: pd.DataFrame, rules: EncodedRules) -> RuleTable:
    """Check the signals that the settings read, and lay the rules out for compiled code."""
    from regime.studies.sweep.kernel import RuleTable, compiled

    check_signals(signals, rules.needs)
    if not len(signals):
        raise InvalidDataError("Signals: hold no session")
    loops: dict[Callable[..., None], int] = {}
    read: dict[tuple[tuple[str, ...], float], int] = {}
    parameters = np.zeros((len(rules.rules), max(len(rule.parameters) for rule in rules.rules)))
    for rule, row in zip(rules.rules, parameters, strict=True):
        loops.setdefault(rule.loop, len(loops))
        read.setdefault((rule.columns, rule.halflife), len(read))
        row[: len(rule.parameters)] = rule.parameters
    machine_code = [compiled(loop) for loop in loops]
    machine_code += machine_code[:1] * (-len(loops) % LOOPS)
    return RuleTable(
        loops=tuple(machine_code),
        loop_of=np.array([loops[rule.loop] for rule in rules.rules]),
        signal_of=np.array([read[rule.columns, rule.halflife] for rule in rules.rules]),
        parameters=parameters,
        signals=np.stack([_signal(signals, *reading) for reading in read]),
    )


def _signal(signals: pd.DataFrame, columns: tuple[str, ...], halflife: float) -> Floats:
    """What a rule reads at each decision, as `EncodedRule` says."""
    from regime.studies.sweep.kernel import known_signal

    known = np.full(len(signals), math.nan)
    if columns:
        # The power of Python, as in `rules.base.averaged`: numpy's may differ in the last bit.
        weight = 0.5 ** (1.0 / halflife) if halflife else 0.0
        known_signal(_summed(signals, columns), weight, known)
    return known


def _summed(signals: pd.DataFrame, columns: tuple[str, ...]) -> Floats:
    """Sum of some columns as a rule forms it, exactly rounded; of probabilities at most 1."""
    values = signals[list(columns)].to_numpy(dtype=float)
    total: Floats = values[:, 0]
    if len(columns) > 1:
        total = np.array([math.fsum(row) for row in values.tolist()])
    if set(columns) <= set(REGIMES):
        total = np.minimum(total, 1.0)
    return total


def _block_labels(sessions: pd.DatetimeIndex, blocks: Blocks | None) -> tuple[Integers, pd.Index]:
    """Block of each session and the names of the blocks, in order of time.

    The first session earns no return and carries the code of the second.
    """
    returns = len(sessions) - 1
    if isinstance(blocks, int | np.integer):
        if not 1 <= blocks <= returns:
            raise ConfigError(
                f"blocks: must lie in [1, {returns}], the number of returns, got {blocks}"
            )
        sizes = [len(part) for part in np.array_split(np.arange(returns), blocks)]
        codes = np.repeat(np.arange(blocks), sizes)
        return np.r_[0, codes].astype(np.int64), pd.RangeIndex(int(blocks), name="block")
    labels = (
        pd.Index(sessions.year, name="year") if blocks is None else pd.Index(blocks, name="block")
    )
    if len(labels) != len(sessions):
        raise ConfigError(
            f"blocks: give a label for each of the {len(sessions)} sessions, got {len(labels)}"
        )
    codes, names = pd.factorize(labels[1:])
    if (np.diff(codes) < 0).any() or (codes < 0).any():
        raise ConfigError(
            "blocks: every block must be one run of sessions with a label; one comes back or is "
            "missing"
        )
    return np.r_[0, codes].astype(np.int64), pd.Index(names, name=labels.name)


def _moments(days: Integers | int, sums: Floats, squares: Floats) -> dict[str, Floats]:
    """Mean, deviation and annual Sharpe ratio from counts, sums and sums of squares."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums / days
        variance = np.maximum(squares - sums * mean, 0.0) / (np.asarray(days) - 1)
        deviation = np.where(np.asarray(days) > 1, np.sqrt(variance), np.nan)
        sharpe = np.where(deviation > SPREAD_FLOOR, mean / deviation * math.sqrt(YEAR), np.nan)
    return {"mean_excess": mean, "deviation": deviation, "sharpe": sharpe}


def _table(totals: Floats, sums: Floats, squares: Floats, returns: int, full: bool) -> pd.DataFrame:
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
