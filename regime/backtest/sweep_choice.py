"""Which setting of a sweep to choose: never the best cell alone.

The best of a hundred thousand cells is mostly luck. A setting is scored here by what its neighbours
in the grid earned as well, and by the middle of the blocks of years rather than their mean, so that
neither one lucky cell nor one lucky year decides.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from regime.backtest.sweep import SweepResult
from regime.errors import ConfigError
from regime.rule_programs import Lattice

__all__ = ["best_before", "plateau", "robust_score"]

# Settings scored at once: bounds the memory.
AT_ONCE = 4096
# Standard error of a median over that of a mean, for normal values: sqrt(pi / 2).
MEDIAN_PRICE = math.sqrt(math.pi / 2.0)


def robust_score(result: SweepResult, lattice: Lattice) -> pd.Series:
    """Median Sharpe ratio over the blocks of a setting and of its neighbours.

    Parameters
    ----------
    result : SweepResult
        With full statistics; `result.before(block)` for the years before one.
    lattice : Lattice
        Where the settings stand; neighbours are one step away in one parameter.

    Returns
    -------
    Series, shape (n_settings,), annual Sharpe ratio, named ``robust_score``
        A block without spread, such as one spent in cash, counts 0. NaN for a setting without a
        neighbour: nothing tells its result from luck.

    Raises
    ------
    ConfigError
        If the result has no blocks or the lattice has other settings.

    Examples
    --------
    >>> sums = np.array([[1.0, 1.0], [2.0, 2.0], [9.0, 9.0]]) / 100
    >>> result = SweepResult(table=pd.DataFrame(index=range(3)), blocks=pd.Index([2020, 2021]), sums=sums,
    ...                      days=np.array([100, 100]), squares=np.full((3, 2), 0.01) + sums ** 2 / 100)
    >>> robust_score(result, Lattice.product({"days": (1, 2, 3)})).round(2).tolist()
    [0.24, 0.32, 0.87]
    """
    sharpe = _block_sharpe(result, lattice)
    near = np.column_stack([np.arange(len(lattice)), lattice.neighbours()])
    scores = np.empty(len(lattice))
    for start in range(0, len(lattice), AT_ONCE):
        here = near[start : start + AT_ONCE]
        scores[start : start + AT_ONCE] = _medians(_gathered(sharpe, here).reshape(len(here), -1))
    scores[(near[:, 1:] < 0).all(axis=1)] = math.nan
    return pd.Series(scores, index=result.table.index, name="robust_score")


def plateau(result: SweepResult, lattice: Lattice) -> pd.Series:
    """Settings that are as good as the best one for all that can be told, and connected to it.

    Parameters
    ----------
    result, lattice
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
    score = robust_score(result, lattice)
    best = _best(score)
    near = lattice.neighbours()
    good = score.to_numpy() >= score.iloc[best] - _standard_error(
        _block_sharpe(result, lattice), near, best
    )
    inside, edge = np.zeros(len(lattice), dtype=bool), np.array([best])
    while edge.size:
        inside[edge] = True
        reached = np.unique(near[edge])
        reached = reached[reached >= 0]
        edge = reached[good[reached] & ~inside[reached]]
    return pd.Series(inside, index=score.index, name="plateau")


def best_before(result: SweepResult, lattice: Lattice, block: int, *, purge: int = 0) -> int:
    """Setting with the best robust score on the blocks before a test block.

    The choice for that block.

    Parameters
    ----------
    result, lattice
        As for `robust_score`.
    block : int
        Position of the test block in `result.blocks`; nothing of it or after it is used.
    purge : int
        Blocks left out between those used and the test block. Returns are known at their own close,
        so that none is needed; another choice of model before this one may need some.

    Returns
    -------
    int
        Row of the result; the first of equals.

    Raises
    ------
    ConfigError
        If no block is left before the test block, or no setting has a neighbour.
    """
    if purge < 0 or not 1 <= block - purge <= len(result.blocks):
        raise ConfigError(
            f"block: at least one block must lie before it, got position {block} with a purge of "
            f"{purge} "
            f"in {len(result.blocks)} blocks"
        )
    return _best(robust_score(result.before(block - purge), lattice))


def _best(score: pd.Series) -> int:
    if score.isna().all():
        raise ConfigError(
            "lattice: no setting has a neighbour one step away, so none can be trusted; "
            "list more than one value of a parameter"
        )
    return int(np.nanargmax(score.to_numpy()))


def _block_sharpe(result: SweepResult, lattice: Lattice) -> np.ndarray:
    if not len(result.blocks):
        raise ConfigError("result: a robust score needs blocks; sweep with statistics='full'")
    if len(result) != len(lattice):
        raise ConfigError(
            f"lattice: holds {len(lattice)} settings, the result {len(result)}; give those of one "
            "grid"
        )
    sharpe: np.ndarray = np.nan_to_num(result.sharpe_by_block(), nan=0.0)
    return sharpe


def _gathered(sharpe: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Values of some settings, NaN where there is none, shape (*shape of near, n_blocks)."""
    values: np.ndarray = np.where((near >= 0)[..., None], sharpe[near], math.nan)
    return values


def _medians(values: np.ndarray) -> np.ndarray:
    """Median of each row without its NaN, of which no row consists."""
    ranked = np.sort(values, axis=1)  # NaN last
    count = (~np.isnan(ranked)).sum(axis=1)
    row = np.arange(len(ranked))
    middle: np.ndarray = (ranked[row, (count - 1) // 2] + ranked[row, count // 2]) / 2.0
    return middle


def _standard_error(sharpe: np.ndarray, near: np.ndarray, best: int) -> float:
    if sharpe.shape[1] < 2:
        return 0.0
    around = _gathered(sharpe, np.append(best, near[best]))
    return float(MEDIAN_PRICE * _medians(around.T).std(ddof=1) / math.sqrt(sharpe.shape[1]))
