"""The same decisions under worse terms.

Filled late, traded dearly, started elsewhere, without one year.

Every table has a row a case and the same columns: `sharpe`, `max_drawdown`, `cagr` and `turnover`
of the rule, and `sharpe_NAME` and `max_drawdown_NAME` of each rival under the same case. A figure
that its data cannot define is NaN.
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
from regime.backtest.stress_account import BASIS_POINTS, Account, Venue
from regime.errors import InvalidDataError
from regime.sessions import YEAR

__all__ = [
    "break_even_cost",
    "comparison",
    "cost_multiples",
    "delays",
    "leave_one_year_out",
    "start_dates",
]

NO_RIVALS: Mapping[str, pd.Series] = {}
# Where the sign of the gap between two Sharpe ratios is looked at, in basis points one way.
COSTS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
HALVINGS = 60  # leave less than 1e-15 of the bracket


def delays(
    venue: Venue,
    exposure: pd.Series,
    rivals: Mapping[str, pd.Series] = NO_RIVALS,
    sessions: Sequence[int] = (1, 2, 3, 4, 5),
) -> pd.DataFrame:
    """Orders filled later: rule and rivals alike.

    Parameters
    ----------
    venue : Venue
    exposure : Series, fraction of capital in [0, 1]
        Decided at each close.
    rivals : mapping of str to Series, optional
        Exposures of others on the same dates.
    sessions : sequence of int
        From decision to fill, each at least 1; 1 is the plain backtest.

    Returns
    -------
    DataFrame, one row a delay
    """
    cases = {wait: _traded(venue, exposure, rivals, delay=wait) for wait in sessions}
    return _table(cases, "delay")


def cost_multiples(
    venue: Venue,
    exposure: pd.Series,
    rivals: Mapping[str, pd.Series] = NO_RIVALS,
    multiples: Sequence[float] = (0, 1, 2, 5, 10),
) -> pd.DataFrame:
    """Trades that cost a multiple of the venue's costs; what holding costs stays.

    Parameters
    ----------
    venue : Venue
    exposure : Series, fraction of capital in [0, 1]
    rivals : mapping of str to Series, optional
    multiples : sequence of float
        0 or more.

    Returns
    -------
    DataFrame, one row a multiple, with the column `cost_bps` first: one way, without impact
    """
    terms = {multiple: _times(venue, multiple) for multiple in multiples}
    table = _table(
        {
            multiple: _traded(venue, exposure, rivals, costs=costs)
            for multiple, costs in terms.items()
        },
        "multiple",
    )
    table.insert(0, "cost_bps", [_one_way(venue, costs) for costs in terms.values()])
    return table


def break_even_cost(
    venue: Venue, exposure: pd.Series, rivals: Mapping[str, pd.Series]
) -> pd.DataFrame:
    """One-way cost at which rule and rival, both paying it, have the same Sharpe ratio.

    The lowest such cost up to 1000 basis points is given. The sign of the gap is looked at on a
    grid and the crossing found by halving, so two crossings between neighbours of the grid would go
    unseen.

    Parameters
    ----------
    venue : Venue
        Its own costs of trading play no part.
    exposure : Series, fraction of capital in [0, 1]
    rivals : mapping of str to Series

    Returns
    -------
    DataFrame, one row a rival
        `cost_bps` (NaN where there is none), `sharpe` of both there, `ahead` (``below`` or
        ``above`` that cost, ``always``, ``never``, or empty where a ratio is not defined) and
        `reason` in words.
    """
    ours = _sharpe_at(venue, exposure)
    rows = {name: _crossing(ours, _sharpe_at(venue, theirs)) for name, theirs in rivals.items()}
    return (
        pd.DataFrame.from_dict(
            rows, orient="index", columns=["cost_bps", "sharpe", "ahead", "reason"]
        )
        .rename_axis("rival")
        .astype({"cost_bps": float, "sharpe": float})
    )


def start_dates(
    venue: Venue,
    signals: pd.DataFrame,
    decide: Callable[[pd.DataFrame], pd.Series],
    rivals: Mapping[str, pd.Series] = NO_RIVALS,
    *,
    least: int = YEAR,
) -> pd.DataFrame:
    """The whole account begun on the first session of each year, the rule knowing nothing of what went before.

    Parameters
    ----------
    venue : Venue
    signals : DataFrame, shape (n_sessions, n_columns)
    decide : callable
        Signals to exposure; it is run anew from each start.
    rivals : mapping of str to Series, optional
        Exposures, which keep what they were.
    least : int
        A start that leaves fewer sessions is left out.

    Returns
    -------
    DataFrame, one row a start, with the column `sessions` first
    """
    days = pd.DatetimeIndex(signals.index)
    cases, left = {}, {}
    for first in days[~pd.Index(days.year).duplicated()]:
        rest = signals.loc[first:]
        if len(rest) >= max(least, 2):
            later = {name: theirs.loc[first:] for name, theirs in rivals.items()}
            cases[first], left[first] = _traded(venue.since(first), decide(rest), later), len(rest)
    table = _table(cases, "start")
    table.insert(0, "sessions", [float(count) for count in left.values()])
    return table


def leave_one_year_out(
    account: Account, rivals: Mapping[str, Account] | None = None
) -> pd.DataFrame:
    """Figures of the sessions of all years but one, as if it had never been.

    Parameters
    ----------
    account : Account
        Of the rule.
    rivals : mapping of str to Account, optional
        On the same sessions.

    Returns
    -------
    DataFrame, one row a year
        Without a year whose absence leaves fewer than two sessions.
    """
    years = pd.DatetimeIndex(account.returns.index).year
    cases = {
        int(year): comparison(
            _only(account, years != year),
            {name: _only(theirs, years != year) for name, theirs in (rivals or {}).items()},
        )
        for year in dict.fromkeys(years)
        if (years != year).sum() > 1
    }
    return _table(cases, "year")


def comparison(account: Account, rivals: Mapping[str, Account]) -> dict[str, float]:
    """One row of every table: figures of the rule, Sharpe ratio and drawdown of each rival.

    Raises
    ------
    InvalidDataError
        If a rival has other sessions.
    """
    row = account.figures()
    for name, theirs in rivals.items():
        if not theirs.returns.index.equals(account.returns.index):
            raise InvalidDataError(
                f"Stress: `{name}` has other sessions than the rule; give both the same dates"
            )
        row |= {f"sharpe_{name}": theirs.sharpe, f"max_drawdown_{name}": theirs.max_drawdown}
    return row


def _traded(
    venue: Venue,
    exposure: pd.Series,
    rivals: Mapping[str, pd.Series],
    *,
    delay: int = 1,
    costs: Costs | None = None,
) -> dict[str, float]:
    theirs = {name: venue.trade(other, delay=delay, costs=costs) for name, other in rivals.items()}
    return comparison(venue.trade(exposure, delay=delay, costs=costs), theirs)


def _times(venue: Venue, multiple: float) -> Costs:
    """The venue's costs of trading, each times `multiple`."""
    costs = venue.costs
    half = float(costs.half_spreads([venue.asset])[0])
    return replace(
        costs,
        bps=multiple * costs.bps,
        half_spread_bps=multiple * half,
        impact_bps=multiple * costs.impact_bps,
    )


def _one_way(venue: Venue, costs: Costs) -> float:
    return float(costs.rates([venue.asset])[0]) * BASIS_POINTS


def _table(cases: Mapping[Any, Mapping[str, float]], name: str) -> pd.DataFrame:
    return pd.DataFrame(list(cases.values()), index=pd.Index(list(cases), name=name))


def _only(account: Account, rows: np.ndarray) -> Account:
    return Account(
        returns=account.returns[rows],
        cash=account.cash[rows],
        held=account.held[rows],
        traded=account.traded[rows],
    )


def _sharpe_at(venue: Venue, exposure: pd.Series) -> Callable[[float], float]:
    bare = replace(venue.costs, half_spread_bps=0.0, impact_bps=0.0)
    return lambda bps: venue.trade(exposure, costs=replace(bare, bps=bps)).sharpe


def _crossing(
    ours: Callable[[float], float], theirs: Callable[[float], float]
) -> tuple[float, float, str, str]:
    """Lowest cost at which the two are equal, the ratio there, where ours is ahead, and why."""
    gaps = [ours(cost) - theirs(cost) for cost in COSTS]
    if not np.isfinite(gaps).all():
        return math.nan, math.nan, "", "a Sharpe ratio is not defined: an account has no spread"
    if not any(gaps):
        return math.nan, math.nan, "", "the two are equal at any cost"
    found = next(_bracket(gaps), None)
    if found is None:
        ahead = max(gaps) > 0.0
        return (
            math.nan,
            math.nan,
            "always" if ahead else "never",
            f"ahead at any cost up to {COSTS[-1]:g} bp" if ahead else "behind even at no cost",
        )
    low, high, rising = found
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if (ours(middle) < theirs(middle)) == rising else (low, middle)
    cost = (low + high) / 2
    side = "above" if rising else "below"
    return cost, ours(cost), side, f"ahead {side} {cost:.3g} bp"


def _bracket(gaps: Sequence[float]) -> Iterator[tuple[float, float, bool]]:
    """Neighbours of the grid between which the gap changes its sign, and whether it rises there."""
    for (low, before), (high, after) in pairwise(zip(COSTS, gaps, strict=True)):
        if before * after <= 0.0 and before != after:
            yield low, high, after > before
