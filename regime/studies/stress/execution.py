"""The same decisions under worse terms: filled late, traded dearly, started later, a year left out.

Every table has a row a case and the same columns: `sharpe`, `max_drawdown`, `cagr` and `turnover`
of the rule, and `sharpe_NAME` and `max_drawdown_NAME` of each benchmark under the same case. A
figure that its data cannot define is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from regime.backtest.costs import Costs
from regime.errors import InvalidDataError
from regime.schema import YEAR
from regime.studies.stress.account import BASIS_POINTS, AccountHistory, SingleAssetAccount

__all__ = [
    "break_even_costs",
    "compare_accounts",
    "cost_multiples",
    "fill_delays",
    "leave_one_year_out",
    "start_date_sensitivity",
]

NO_BENCHMARKS: Mapping[str, pd.Series] = {}
# Where the sign of the gap between two Sharpe ratios is looked at, in basis points one way.
COST_GRID = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
HALVINGS = 60  # leave less than 1e-15 of the bracket


def fill_delays(
    account: SingleAssetAccount,
    exposure: pd.Series,
    benchmarks: Mapping[str, pd.Series] = NO_BENCHMARKS,
    sessions: Sequence[int] = (1, 2, 3, 4, 5),
) -> pd.DataFrame:
    """Orders filled later, those of the rule and of the benchmarks alike.

    Parameters
    ----------
    account : SingleAssetAccount
    exposure : Series, fraction of capital in [0, 1]
        Decided at each close.
    benchmarks : mapping of str to Series, optional
        Exposures of others on the same dates.
    sessions : sequence of int
        From decision to fill, each at least 1; 1 is the plain backtest.

    Returns
    -------
    DataFrame, one row a delay
    """
    cases = {delay: _traded(account, exposure, benchmarks, delay=delay) for delay in sessions}
    return _table(cases, "delay")


def cost_multiples(
    account: SingleAssetAccount,
    exposure: pd.Series,
    benchmarks: Mapping[str, pd.Series] = NO_BENCHMARKS,
    multiples: Sequence[float] = (0, 1, 2, 5, 10),
) -> pd.DataFrame:
    """Trades that cost a multiple of the account's costs; what holding costs stays.

    Parameters
    ----------
    account : SingleAssetAccount
    exposure : Series, fraction of capital in [0, 1]
    benchmarks : mapping of str to Series, optional
    multiples : sequence of float
        0 or more.

    Returns
    -------
    DataFrame, one row a multiple, with the column `cost_bps` first: one way, without impact
    """
    costs = {multiple: _multiplied(account, multiple) for multiple in multiples}
    table = _table(
        {
            multiple: _traded(account, exposure, benchmarks, costs=cost)
            for multiple, cost in costs.items()
        },
        "multiple",
    )
    table.insert(0, "cost_bps", [_one_way(account, cost) for cost in costs.values()])
    return table


def break_even_costs(
    account: SingleAssetAccount, exposure: pd.Series, benchmarks: Mapping[str, pd.Series]
) -> pd.DataFrame:
    """One-way cost at which rule and benchmark, both paying it, have the same Sharpe ratio.

    That is the lowest such cost up to 1000 basis points. The sign of the gap is looked at on a grid
    and the crossing located by halving, so two crossings between neighbours of the grid would go
    unseen.

    Parameters
    ----------
    account : SingleAssetAccount
        Its own costs of trading play no part.
    exposure : Series, fraction of capital in [0, 1]
    benchmarks : mapping of str to Series

    Returns
    -------
    DataFrame, one row a benchmark
        `cost_bps` (NaN where there is none), `sharpe` of both there, `ahead` (``below`` or
        ``above`` that cost, ``always``, ``never``, or empty where a ratio is not defined) and
        `reason` in words.
    """
    rule = _sharpe_at(account, exposure)
    rows = {
        name: _crossing(rule, _sharpe_at(account, benchmark))
        for name, benchmark in benchmarks.items()
    }
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["cost_bps", "sharpe", "ahead", "reason"]
    )
    return table.rename_axis("benchmark").astype({"cost_bps": float, "sharpe": float})


def start_date_sensitivity(
    account: SingleAssetAccount,
    signals: pd.DataFrame,
    rule: Callable[[pd.DataFrame], pd.Series],
    benchmarks: Mapping[str, pd.Series] = NO_BENCHMARKS,
    *,
    least: int = YEAR,
) -> pd.DataFrame:
    """The account begun on the first session of each year, the rule without an earlier history.

    Parameters
    ----------
    account : SingleAssetAccount
    signals : DataFrame, shape (n_sessions, n_columns)
    rule : callable
        Signals to exposure; it is run again from each start.
    benchmarks : mapping of str to Series, optional
        Exposures, which keep what they were.
    least : int
        A start that leaves fewer sessions is left out.

    Returns
    -------
    DataFrame, one row a start, with the column `sessions` first
    """
    days = pd.DatetimeIndex(signals.index)
    cases = {}
    sessions = {}
    for start in days[~pd.Index(days.year).duplicated()]:
        rest = signals.loc[start:]
        if len(rest) >= max(least, 2):
            later = {name: benchmark.loc[start:] for name, benchmark in benchmarks.items()}
            cases[start] = _traded(account.since(start), rule(rest), later)
            sessions[start] = len(rest)
    table = _table(cases, "start")
    table.insert(0, "sessions", [float(count) for count in sessions.values()])
    return table


def leave_one_year_out(
    history: AccountHistory, benchmarks: Mapping[str, AccountHistory] | None = None
) -> pd.DataFrame:
    """Figures of the sessions of all years but one, as if it had never been.

    Parameters
    ----------
    history : AccountHistory
        Of the rule.
    benchmarks : mapping of str to AccountHistory, optional
        On the same sessions.

    Returns
    -------
    DataFrame, one row a year
        Without a year whose absence leaves fewer than two sessions.
    """
    years = pd.DatetimeIndex(history.returns.index).year
    cases = {
        int(year): compare_accounts(
            history.on(years != year),
            {name: other.on(years != year) for name, other in (benchmarks or {}).items()},
        )
        for year in dict.fromkeys(years)
        if (years != year).sum() > 1
    }
    return _table(cases, "year")


def compare_accounts(
    history: AccountHistory, benchmarks: Mapping[str, AccountHistory]
) -> dict[str, float]:
    """One row of every table: figures of the rule, Sharpe ratio and drawdown of each benchmark.

    Parameters
    ----------
    history : AccountHistory
        Of the rule.
    benchmarks : mapping of str to AccountHistory
        On the same sessions.

    Raises
    ------
    InvalidDataError
        If a benchmark has other sessions.
    """
    row = history.figures()
    for name, benchmark in benchmarks.items():
        if not benchmark.returns.index.equals(history.returns.index):
            raise InvalidDataError(
                f"Stress: `{name}` has other sessions than the rule; give both the same dates"
            )
        row[f"sharpe_{name}"] = benchmark.sharpe
        row[f"max_drawdown_{name}"] = benchmark.max_drawdown
    return row


def _traded(
    account: SingleAssetAccount,
    exposure: pd.Series,
    benchmarks: Mapping[str, pd.Series],
    *,
    delay: int = 1,
    costs: Costs | None = None,
) -> dict[str, float]:
    histories = {
        name: account.trade(benchmark, delay=delay, costs=costs)
        for name, benchmark in benchmarks.items()
    }
    return compare_accounts(account.trade(exposure, delay=delay, costs=costs), histories)


def _multiplied(account: SingleAssetAccount, multiple: float) -> Costs:
    """The account's costs of trading, each times `multiple`."""
    costs = account.costs
    half_spread = float(costs.half_spreads([account.asset])[0])
    return replace(
        costs,
        bps=multiple * costs.bps,
        half_spread_bps=multiple * half_spread,
        impact_bps=multiple * costs.impact_bps,
    )


def _one_way(account: SingleAssetAccount, costs: Costs) -> float:
    return float(costs.rates([account.asset])[0]) * BASIS_POINTS


def _table(cases: Mapping[Any, Mapping[str, float]], name: str) -> pd.DataFrame:
    return pd.DataFrame(list(cases.values()), index=pd.Index(list(cases), name=name))


def _sharpe_at(account: SingleAssetAccount, exposure: pd.Series) -> Callable[[float], float]:
    """Sharpe ratio of an exposure as a function of the one-way cost, basis points."""
    bare = replace(account.costs, half_spread_bps=0.0, impact_bps=0.0)
    return lambda bps: account.trade(exposure, costs=replace(bare, bps=bps)).sharpe


def _crossing(
    rule: Callable[[float], float], benchmark: Callable[[float], float]
) -> tuple[float, float, str, str]:
    """Lowest cost at which the two are equal, the ratio there, where the rule is ahead, and why."""
    gaps = [rule(cost) - benchmark(cost) for cost in COST_GRID]
    if not np.isfinite(gaps).all():
        return math.nan, math.nan, "", "a Sharpe ratio is not defined: an account has no spread"
    if not any(gaps):
        return math.nan, math.nan, "", "the two are equal at any cost"
    bracket = next(_brackets(gaps), None)
    if bracket is None:
        if max(gaps) > 0.0:
            return math.nan, math.nan, "always", f"ahead at any cost up to {COST_GRID[-1]:g} bp"
        return math.nan, math.nan, "never", "behind even at no cost"
    low, high, rising = bracket
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if (rule(middle) < benchmark(middle)) == rising:
            low = middle
        else:
            high = middle
    cost = (low + high) / 2
    side = "above" if rising else "below"
    return cost, rule(cost), side, f"ahead {side} {cost:.3g} bp"


def _brackets(gaps: Sequence[float]) -> Iterator[tuple[float, float, bool]]:
    """Neighbours of the grid between which the gap changes its sign, and whether it rises there."""
    for (low, before), (high, after) in pairwise(zip(COST_GRID, gaps, strict=True)):
        if before * after <= 0.0 and before != after:
            yield low, high, after > before
