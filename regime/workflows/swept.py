"""What follows from a sweep.

The choice of each year on the years before it, and a map around one setting.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.backtest.sweep import SweepResult, exposures
from regime.backtest.sweep_choice import robust_score
from regime.rule_programs import Lattice
from regime.rules.grid import Grid

__all__ = ["chosen_by_year", "heat_map", "in_spans"]

MAP_PARAMETERS = 2
# years: the median of single years would ask who wins in an ordinary year, and forget the crises
SPAN = 5


def chosen_by_year(
    result: SweepResult, lattice: Lattice, grid: Grid, signals: pd.DataFrame, least_years: int
) -> tuple[pd.DataFrame, pd.Series | None]:
    """The setting chosen for each year on the years before it, and what the choices decide together.

    Parameters
    ----------
    result : SweepResult
        With calendar years as blocks.
    lattice : Lattice
    grid : Grid
    signals : DataFrame, shape (n_sessions, n_columns)
    least_years : int
        Years before a test year.

    Returns
    -------
    DataFrame, one row a test year
        ``setting``, ``rule`` (words) and ``sharpe`` of that year.
    Series or None, shape (n_test_sessions,), in [0, 1]
        Exposure decided at each close by the setting of its year, as if that setting had been
        followed before.

    **Known at:** returns of a year are known at its last close; the choice is first used the
    session after.
    """
    programs, rows, parts = grid.programs(), [], []
    sharpes = result.sharpe_by_block()
    for place in range(least_years, len(result.blocks)):
        score = robust_score(in_spans(result.before(place)), lattice).to_numpy()
        year, setting = int(result.blocks[place]), int(np.nanargmax(score))
        rows.append(
            {
                "year": year,
                "setting": setting,
                "rule": str(grid.rule(setting)),
                "sharpe": float(sharpes[setting, place]),
            }
        )
        own = exposures(signals, programs, setting)
        parts.append(own[pd.DatetimeIndex(own.index).year == year])
    table = pd.DataFrame(rows, columns=["year", "setting", "rule", "sharpe"]).set_index("year")
    return table, pd.concat(parts) if parts else None


def in_spans(result: SweepResult, years: int = SPAN) -> SweepResult:
    """The blocks of a sweep put together by several years, counted back from the last.

    Parameters
    ----------
    result : SweepResult
        With calendar years as blocks.
    years : int
        A span; the first may be shorter, and joins the next where it has less than half of it.

    Returns
    -------
    SweepResult
        The same settings and totals; blocks are the first years of the spans.
    """
    count = len(result.blocks)
    starts = list(range(count % years, count, years))
    if count % years and (count % years >= years / 2 or not starts):
        starts.insert(0, 0)
    starts[0] = 0
    return SweepResult(
        table=result.table,
        blocks=result.blocks[starts],
        days=np.add.reduceat(result.days, starts),
        sums=np.add.reduceat(result.sums, starts, axis=1),
        squares=np.add.reduceat(result.squares, starts, axis=1),
    )


def heat_map(score: pd.Series, grid: Grid, chosen: int) -> pd.DataFrame:
    """Robust score over two parameters of the chosen setting's stack, all others as in that setting.

    Parameters
    ----------
    score : Series, shape (n_settings,)
    grid : Grid
    chosen : int

    Returns
    -------
    DataFrame, one row a setting
        The two parameters with the most values under their names, ``robust_sharpe`` and ``chosen``;
        empty where the stack has fewer than two parameters that vary.
    """
    first = 0
    for stack in grid.stacks:
        if chosen < first + len(stack):
            break
        first += len(stack)
    axes, steps = stack.axes, stack.steps
    wide = sorted(
        (name for name in axes if len(axes[name]) > 1), key=lambda name: -len(axes[name])
    )[:MAP_PARAMETERS]
    if len(wide) < MAP_PARAMETERS:
        return pd.DataFrame()
    places = [list(axes).index(name) for name in wide]
    others = [place for place in range(len(axes)) if place not in places]
    own = steps[chosen - first]
    near = (steps[:, others] == own[others]).all(axis=1)
    table = pd.DataFrame(
        {
            name.split(".", 1)[1]: [axes[name][step] for step in steps[near, place]]
            for name, place in zip(wide, places, strict=True)
        }
    )
    return table.assign(
        robust_sharpe=score.to_numpy()[first : first + len(stack)][near],
        chosen=(steps[near] == own).all(axis=1),
    )
