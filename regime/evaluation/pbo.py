"""Probability of backtest overfitting (PBO), and the deflated Sharpe ratio of the chosen trial.

Combinatorially symmetric cross-validation: the years are cut into blocks; in every choice of half
of the blocks the best trial is chosen and ranked among all trials in the other half. All that is
needed of a trial are two sums a block, so a hundred thousand settings need no table of their daily
returns.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.evaluation.sharpe_tests import DeflatedSharpe, deflated_sharpe, sharpe_sample
from regime.performance import finite_values
from regime.schema import YEAR

__all__ = [
    "BacktestOverfitting",
    "BlockSums",
    "SelectionBias",
    "backtest_overfitting",
    "block_edges",
    "block_sums",
    "measure_selection_bias",
    "overfitting_of_blocks",
]

Statistic: TypeAlias = Literal["sharpe", "mean"]
# Trials at once: the tables of their sums then fit into a processor's cache.
CHUNK = 256
MOST_BLOCKS = 20
CONVENTIONAL = 0.2


@dataclass(frozen=True, kw_only=True)
class BlockSums:
    """Daily returns of all trials, summed by block of sessions.

    Parameters
    ----------
    days : ndarray of int, shape (n_blocks,)
        Sessions in each block; the same for every trial.
    sums : ndarray, shape (n_blocks, n_trials)
        Of the returns (over cash, where Sharpe ratios are meant).
    squares : ndarray, shape (n_blocks, n_trials)
        Of their squares.

    Examples
    --------
    >>> block_sums(np.array([[0.1, 0.0], [0.3, 0.2], [0.0, -0.1], [0.0, 0.1]]), blocks=2).sums
    array([[0.4, 0.2],
           [0. , 0. ]])
    """

    days: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    def __post_init__(self) -> None:
        blocks = len(self.days)
        if self.sums.ndim != 2 or self.sums.shape != self.squares.shape or len(self.sums) != blocks:
            raise InvalidDataError(
                f"block sums: {blocks} blocks need `sums` and `squares` with a row a block and a "
                f"column a trial, got shapes {self.sums.shape} and {self.squares.shape}"
            )
        if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
            raise InvalidDataError(
                f"block sums: blocks must be even and from 2 to {MOST_BLOCKS}, got {blocks}"
            )
        if self.sums.shape[1] < 2:
            raise InvalidDataError(
                "block sums: one trial alone cannot be overfitted; give every trial that was made"
            )
        if not (
            np.isfinite(self.sums).all()
            and np.isfinite(self.squares).all()
            and (np.asarray(self.days) > 0).all()
        ):
            raise InvalidDataError(
                "block sums: every block needs sessions, and every trial a return in each of them"
            )

    def sharpe(self) -> np.ndarray:
        """Sharpe ratio of each trial over all sessions, per session; 0 without spread.

        Shape (n_trials,).
        """
        days = float(np.sum(self.days))
        mean, square = self.sums.sum(axis=0) / days, self.squares.sum(axis=0)
        spread = square - days * mean**2
        some = spread > 1e-12 * square
        return np.where(some, mean / np.sqrt(np.where(some, spread, 1.0) / (days - 1)), 0.0)


@dataclass(frozen=True, kw_only=True)
class BacktestOverfitting:
    """How the best trial of one half of the years ranks in the other half.

    Parameters
    ----------
    probability : float
        Share of the splits in which the chosen trial is not above the median of the other half
        (PBO).
    slope : float
        Of the chosen trial's statistic in the other half on that in its own; below 0, a better
        record is followed by a worse one. NaN if its own never varies.
    loss : float
        Share of the splits in which the chosen trial's statistic in the other half is below 0.
    trials, blocks : int
    statistic : str
        ``sharpe`` (per session) or ``mean``.
    chosen : ndarray of int, shape (n_splits,)
        Best trial of each split.
    inside, outside : ndarray, shape (n_splits,)
        Its statistic in the half that chose it, and in the other.
    logits : ndarray, shape (n_splits,)
        Of its rank in the other half, equal trials sharing their mean rank.

    Examples
    --------
    >>> days = np.array([[3, 1, 2], [1, 2, 3], [2, 3, 1], [1, 3, 2]])
    >>> result = backtest_overfitting(days, blocks=4, statistic="mean")
    >>> result.probability, result.logits.round(3).tolist()
    (1.0, [-0.511, -1.099, -1.099, 0.0, 0.0, -1.099])
    """

    probability: float
    slope: float
    loss: float
    trials: int
    blocks: int
    statistic: Statistic
    chosen: np.ndarray = field(repr=False)
    inside: np.ndarray = field(repr=False)
    outside: np.ndarray = field(repr=False)
    logits: np.ndarray = field(repr=False)

    def __str__(self) -> str:
        verdict = "carries" if self.probability < CONVENTIONAL else "does not carry"
        return (
            f"Chosen on half of the years, the best of {self.trials:,} trials falls into the "
            f"lower half on the others in {self.probability:.0%} of {self.logits.size:,} splits "
            f"(PBO) and is below zero there in {self.loss:.0%}: the choice {verdict} over."
        )


def block_edges(days: int, blocks: int = 16) -> np.ndarray:
    """Where blocks of consecutive sessions begin and end.

    Parameters
    ----------
    days : int
        Sessions; at least one a block.
    blocks : int
        Even.

    Returns
    -------
    ndarray of int, shape (n_blocks + 1,)
        Block k is ``edges[k]:edges[k + 1]``; lengths differ by one session at most.
    """
    if blocks < 2 or blocks % 2 or days < blocks:
        raise InvalidDataError(
            "block_edges: needs an even number of blocks and a session in each, got "
            f"{blocks} blocks of {days} sessions"
        )
    return np.linspace(0, days, blocks + 1).round().astype(np.int64)


def block_sums(returns: pd.DataFrame | np.ndarray, blocks: int = 16) -> BlockSums:
    """Sum the daily returns of trials by block.

    Parameters
    ----------
    returns : DataFrame or ndarray, shape (n_days, n_trials), fraction a session
        Of the same sessions; no NaN.
    blocks : int
        Even.
    """
    values = np.asarray(returns, dtype=float)
    edges = block_edges(len(values), blocks)
    return BlockSums(
        days=np.diff(edges),
        sums=np.add.reduceat(values, edges[:-1], axis=0),
        squares=np.add.reduceat(np.square(values), edges[:-1], axis=0),
    )


def backtest_overfitting(
    returns: pd.DataFrame | np.ndarray, blocks: int = 16, statistic: Statistic = "sharpe"
) -> BacktestOverfitting:
    """Probability that the best of the trials is below the median of the others on other years.

    Parameters
    ----------
    returns : DataFrame or ndarray, shape (n_days, n_trials), fraction a session
        Over cash, where Sharpe ratios are meant. Every trial that was made, on the same sessions;
        no NaN.
    blocks : int
        Even; 16 give 12,870 splits.
    statistic : str
        ``sharpe`` or ``mean``.

    Notes
    -----
    **Source:** Bailey, Borwein, Lopez de Prado and Zhu (2017), "The probability of backtest
    overfitting".
    """
    return overfitting_of_blocks(block_sums(returns, blocks), statistic)


def overfitting_of_blocks(
    trials: BlockSums, statistic: Statistic = "sharpe"
) -> BacktestOverfitting:
    """`backtest_overfitting` from sums by block.

    Parameters
    ----------
    trials : BlockSums
    statistic : str
        ``sharpe`` or ``mean``.
    """
    if statistic not in ("sharpe", "mean"):
        raise InvalidDataError(f"statistic must be `sharpe` or `mean`, got `{statistic}`")
    from regime.evaluation.cscv_kernel import better_trials, chosen_values, worse_trials

    halves, others, days_inside, days_outside = _splits(np.asarray(trials.days))
    splits = halves.size
    sharpe = statistic == "sharpe"
    inside = np.full(splits, -np.inf)
    chosen = np.zeros(splits, dtype=np.int64)
    for start, sums, squares in _chunks(trials):
        better_trials(sums, squares, halves, days_inside, sharpe, start, inside, chosen)
    outside = chosen_values(trials.sums, trials.squares, others, days_outside, sharpe, chosen)
    worse = np.zeros(splits, dtype=np.int64)
    equal = np.zeros(splits, dtype=np.int64)
    for _, sums, squares in _chunks(trials):
        worse_trials(sums, squares, others, days_outside, sharpe, outside, worse, equal)
    share = (worse + (equal + 1) / 2) / (trials.sums.shape[1] + 1)
    logits = np.log(share / (1 - share))
    return BacktestOverfitting(
        probability=float(np.mean(logits <= 0)),
        slope=_slope(inside, outside),
        loss=float(np.mean(outside < 0)),
        trials=trials.sums.shape[1],
        blocks=len(trials.days),
        statistic=statistic,
        chosen=chosen,
        inside=inside,
        outside=outside,
        logits=logits,
    )


def _splits(days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each choice of half of the blocks as bits, the other half, and the sessions in both."""
    blocks = len(days)
    rows = np.array(list(combinations(range(blocks), blocks // 2)))
    halves = (1 << rows).sum(axis=1)
    inside = days[rows].sum(axis=1).astype(float)
    return halves, (1 << blocks) - 1 - halves, inside, float(days.sum()) - inside


def _chunks(trials: BlockSums) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    for start in range(0, trials.sums.shape[1], CHUNK):
        sums, squares = (part[:, start : start + CHUNK] for part in (trials.sums, trials.squares))
        yield (
            start,
            np.ascontiguousarray(sums, dtype=float),
            np.ascontiguousarray(squares, dtype=float),
        )


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    centred = x - x.mean()
    spread = float(np.square(centred).sum())
    return float((centred * (y - y.mean())).sum()) / spread if spread > 1e-24 else float("nan")


@dataclass(frozen=True, kw_only=True)
class SelectionBias:
    """Deflated Sharpe ratio (DSR) and probability of backtest overfitting (PBO) of a set of trials.

    Parameters
    ----------
    chosen : hashable
        The trial that is shipped.
    trials : int
        Number counted: those with returns, or more where more were made.
    sessions : int
        On which all trials have returns.
    sharpes : Series, index trial
        Sharpe ratio a year over those sessions.
    variance : float
        Of the trials' Sharpe ratios per session (n - 1).
    deflated : DeflatedSharpe
        Of the chosen trial.
    overfitting : BacktestOverfitting
        Over the trials with returns.

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=80)
    >>> wave = pd.Series(range(80), index=days) % 5 / 100 - 0.0195
    >>> trials = {"steady": wave, "late": wave.shift(1, fill_value=0.0), "short": -wave}
    >>> bias = measure_selection_bias(trials, blocks=4)
    >>> bias.chosen, bias.trials, round(float(bias.sharpes["short"]), 2)
    ('steady', 3, -0.56)
    """

    chosen: Hashable
    trials: int
    sessions: int
    sharpes: pd.Series = field(repr=False)
    variance: float
    deflated: DeflatedSharpe
    overfitting: BacktestOverfitting

    def __str__(self) -> str:
        return (
            f"{self.trials:,} trials over {self.sessions:,} sessions; trial {self.chosen} has a "
            f"Sharpe ratio of {self.sharpes[self.chosen]:.2f} a year, the median trial "
            f"{self.sharpes.median():.2f}. {self.deflated} {self.overfitting}"
        )


def measure_selection_bias(
    trial_returns: Mapping[Hashable, pd.Series],
    *,
    cash: pd.Series | float = 0.0,
    chosen: Hashable | None = None,
    counted: int | None = None,
    blocks: int = 16,
) -> SelectionBias:
    """Deflated Sharpe ratio of the chosen trial, and probability of overfitting over all trials.

    Parameters
    ----------
    trial_returns : mapping of trial to Series, fraction a session
        Daily net returns of every trial, at least two; the sessions that all of them have are
        compared.
    cash : Series or float, fraction a session
        A Series must have a value on all of these sessions. The returns of a benchmark in its place
        ask how much of the excess over the benchmark selection explains.
    chosen : hashable, optional
        The trial that is shipped; by default the one with the highest Sharpe ratio.
    counted : int, optional
        Number of trials where more were made than have returns; by default those with returns.
    blocks : int
        Of sessions, for the probability of overfitting.

    Raises
    ------
    InvalidDataError
        If there are fewer than two trials, too few common sessions, a missing return or an unknown
        `chosen`.

    Notes
    -----
    Trials that differ little have Sharpe ratios that differ little, and their variance then asks
    for little: the deflated Sharpe ratio judges a search over the trials that there are, not over
    what might have been tried.
    """
    excess = _common(trial_returns, cash)
    sums = block_sums(excess, blocks)
    ratios = pd.Series(
        sums.sharpe(), index=pd.Index(list(trial_returns), name="trial", tupleize_cols=False)
    )
    best = ratios.index[int(ratios.argmax())] if chosen is None else chosen
    if best not in trial_returns:
        raise InvalidDataError(
            f"selection bias: no returns of the chosen trial {best}; there are "
            f"{', '.join(map(str, trial_returns))}"
        )
    if counted is not None and counted < len(ratios):
        raise InvalidDataError(
            f"selection bias: {counted} trials are counted but {len(ratios)} have returns"
        )
    variance = float(ratios.var())
    return SelectionBias(
        chosen=best,
        trials=counted or len(ratios),
        sessions=len(excess),
        variance=variance,
        sharpes=ratios.mul(math.sqrt(YEAR)).rename("sharpe"),
        deflated=deflated_sharpe(
            sharpe_sample(excess.iloc[:, ratios.index.get_loc(best)]),
            trials=counted or len(ratios),
            variance=variance,
        ),
        overfitting=overfitting_of_blocks(sums),
    )


def _common(trial_returns: Mapping[Hashable, pd.Series], cash: pd.Series | float) -> pd.DataFrame:
    """Returns over cash on the sessions that all trials have, a column a trial."""
    if len(trial_returns) < 2:
        raise InvalidDataError(
            f"selection bias: needs two trials or more, got {len(trial_returns)}; "
            "give every trial that was made"
        )
    for series in trial_returns.values():
        finite_values(series)
    table = pd.concat(
        list(trial_returns.values()), axis=1, join="inner", keys=range(len(trial_returns))
    )
    if isinstance(cash, pd.Series):
        finite_values(cash.reindex(table.index))  # names the first session without cash
        return table.sub(cash.reindex(table.index), axis=0)
    return table - cash
