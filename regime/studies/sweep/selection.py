"""Which setting of a sweep to choose: never the best cell alone.

The best of a hundred thousand cells is mostly chance. A setting is scored here by what its
neighbours in the grid earned as well, and by the median of the blocks of years rather than their
mean, so that neither one exceptional cell nor one exceptional year decides.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.errors import ConfigError
from regime.studies.sweep.grid import Grid, ParameterGrid
from regime.studies.sweep.sweep import SweepResult, setting_exposure

__all__ = ["best_setting", "chosen_by_year", "heat_map", "in_spans", "plateau", "robust_score"]

# Settings scored at once: bounds the memory.
AT_ONCE = 4096
# Standard error of a median over that of a mean, for normal values.
MEDIAN_ERROR = math.sqrt(math.pi / 2.0)
# Years in one block of a score: the median of single years would ask which setting is best in an
# ordinary year, and forget the crises.
SPAN = 5
MAP_PARAMETERS = 2
# Decimals of a robust score: settings that differ by rounding alone are equals on every machine.
DECIMALS = 9


def robust_score(result: SweepResult, grid: ParameterGrid) -> pd.Series:
    """Median Sharpe ratio over the blocks of a setting and of its neighbours.

    Parameters
    ----------
    result : SweepResult
        With full statistics; `result.before(block)` for the years before one.
    grid : ParameterGrid
        Of the same settings; neighbours are one step away in one parameter.

    Returns
    -------
    Series, shape (n_settings,), annual Sharpe ratio, named ``robust_score``
        A block without spread, such as one spent in cash, counts 0. NaN for a setting without a
        neighbour: nothing separates its result from chance.

    Raises
    ------
    ConfigError
        If the result has no blocks or the grid has other settings.

    Examples
    --------
    >>> sums = np.array([[1.0, 1.0], [2.0, 2.0], [9.0, 9.0]]) / 100
    >>> result = SweepResult(
    ...     table=pd.DataFrame(index=range(3)), blocks=pd.Index([2020, 2021]),
    ...     days=np.array([100, 100]), sums=sums, squares=0.01 + sums ** 2 / 100)
    >>> robust_score(result, ParameterGrid.product({"days": (1, 2, 3)})).round(2).tolist()
    [0.24, 0.32, 0.87]
    """
    sharpe = _block_sharpe(result, grid)
    near = np.column_stack([np.arange(len(grid)), grid.neighbours()])
    scores = np.empty(len(grid))
    for start in range(0, len(grid), AT_ONCE):
        rows = near[start : start + AT_ONCE]
        scores[start : start + AT_ONCE] = _medians(_gathered(sharpe, rows).reshape(len(rows), -1))
    scores[(near[:, 1:] < 0).all(axis=1)] = math.nan
    return pd.Series(scores.round(DECIMALS), index=result.table.index, name="robust_score")


def best_setting(score: pd.Series) -> int:
    """Row of the best robust score, the first of equals.

    Raises
    ------
    ConfigError
        If no setting has a neighbour.
    """
    if score.isna().all():
        raise ConfigError(
            "grid: no setting has a neighbour one step away, so none can be trusted; "
            "list more than one value of a parameter"
        )
    return int(np.nanargmax(score.to_numpy()))


def plateau(result: SweepResult, grid: ParameterGrid) -> pd.Series:
    """Settings that cannot be distinguished from the best one, and are connected to it.

    Parameters
    ----------
    result, grid
        As for `robust_score`.

    Returns
    -------
    Series of bool, shape (n_settings,), named ``plateau``
        Settings reached from the best robust score by single steps through settings whose score
        lies within its standard error: that of a median over the blocks of the best setting's
        neighbourhood. With a single block the error is unknown and the plateau is the best setting
        with its equals.

    Raises
    ------
    ConfigError
        As `robust_score`; also if no setting has a neighbour.
    """
    score = robust_score(result, grid)
    best = best_setting(score)
    near = grid.neighbours()
    error = _standard_error(_block_sharpe(result, grid), np.append(best, near[best]))
    good = score.to_numpy() >= score.iloc[best] - error
    inside = np.zeros(len(grid), dtype=bool)
    edge = np.array([best])
    while edge.size:
        inside[edge] = True
        reached = np.unique(near[edge])
        reached = reached[reached >= 0]
        edge = reached[good[reached] & ~inside[reached]]
    return pd.Series(inside, index=score.index, name="plateau")


def chosen_by_year(
    result: SweepResult, grid: Grid, signals: pd.DataFrame, least_years: int
) -> tuple[pd.DataFrame, pd.Series | None]:
    """The setting chosen for each year on the years before it, and what the choices decide.

    Parameters
    ----------
    result : SweepResult
        With calendar years as blocks.
    grid : Grid
        Of the same settings.
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
    rules = grid.encoded()
    parameter_grid = grid.parameter_grid()
    sharpes = result.sharpe_by_block()
    rows = []
    parts = []
    for block in range(least_years, len(result.blocks)):
        setting = best_setting(robust_score(in_spans(result.before(block)), parameter_grid))
        year = int(result.blocks[block])
        rows.append(
            {
                "year": year,
                "setting": setting,
                "rule": str(grid.rule(setting)),
                "sharpe": float(sharpes[setting, block]),
            }
        )
        exposure = setting_exposure(signals, rules, setting)
        parts.append(exposure[pd.DatetimeIndex(exposure.index).year == year])
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
    """Robust score over two parameters of the chosen setting's stack, all others as in that one.

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
    stack, number = grid.stack_of(chosen)
    axes = stack.axes
    varied = [name for name in axes if len(axes[name]) > 1]
    widest = sorted(varied, key=lambda name: -len(axes[name]))[:MAP_PARAMETERS]
    if len(widest) < MAP_PARAMETERS:
        return pd.DataFrame()
    steps = stack.steps
    columns = [list(axes).index(name) for name in widest]
    others = [column for column in range(len(axes)) if column not in columns]
    same = (steps[:, others] == steps[number, others]).all(axis=1)
    table = pd.DataFrame(
        {
            name.split(".", 1)[1]: [axes[name][step] for step in steps[same, column]]
            for name, column in zip(widest, columns, strict=True)
        }
    )
    first = chosen - number
    return table.assign(
        robust_sharpe=score.to_numpy()[first : first + len(stack)][same],
        chosen=(steps[same] == steps[number]).all(axis=1),
    )


def _block_sharpe(result: SweepResult, grid: ParameterGrid) -> Floats:
    if not len(result.blocks):
        raise ConfigError("result: a robust score needs blocks; sweep with statistics='full'")
    if len(result) != len(grid):
        raise ConfigError(
            f"grid: holds {len(grid)} settings, the result {len(result)}; pass those of one grid"
        )
    sharpe: Floats = np.nan_to_num(result.sharpe_by_block(), nan=0.0)
    return sharpe


def _gathered(sharpe: Floats, near: Integers) -> Floats:
    """Values of some settings, NaN where there is none, shape (*shape of near, n_blocks)."""
    values: Floats = np.where((near >= 0)[..., None], sharpe[near], math.nan)
    return values


def _medians(values: Floats) -> Floats:
    """Median of each row without its NaN; faster than nanmedian. No row is all NaN."""
    ranked = np.sort(values, axis=1)  # NaN last
    count = (~np.isnan(ranked)).sum(axis=1)
    row = np.arange(len(ranked))
    middle: Floats = (ranked[row, (count - 1) // 2] + ranked[row, count // 2]) / 2.0
    return middle


def _standard_error(sharpe: Floats, near: Integers) -> float:
    """Of a median over the blocks of a neighbourhood; 0 where a single block leaves it unknown."""
    if sharpe.shape[1] < 2:
        return 0.0
    around = _gathered(sharpe, near)
    return float(MEDIAN_ERROR * _medians(around.T).std(ddof=1) / math.sqrt(sharpe.shape[1]))
