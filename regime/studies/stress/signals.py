"""The same rule on worse signals: some dropped, some perturbed.

Every table has a row a case, the undisturbed one first; the Sharpe ratio, drawdown and turnover are
medians over seeds, and the worst seed stands beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeAlias

import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.schema import REGIMES
from regime.studies.stress.account import SingleAssetAccount

__all__ = ["drop_signals", "missing_days", "perturb_probabilities", "probability_noise"]

ExposureRule: TypeAlias = Callable[[pd.DataFrame], pd.Series]


def missing_days(
    account: SingleAssetAccount,
    signals: pd.DataFrame,
    rule: ExposureRule,
    shares: Sequence[float] = (0.01, 0.05, 0.2),
    seeds: int = 10,
    seed: int = 7,
) -> pd.DataFrame:
    """Signals of random sessions are missing, so that the rule keeps what it knew.

    Parameters
    ----------
    account : SingleAssetAccount
    signals : DataFrame, shape (n_sessions, n_columns)
    rule : callable
        Signals to exposure.
    shares : sequence of float
        Of the sessions, in [0, 1].
    seeds : int
        Draws a share, at least 1; a larger share drops what a smaller one does, and more.
    seed : int

    Returns
    -------
    DataFrame, one row a share, 0 first
        `sharpe`, `sharpe_worst`, `max_drawdown`, `max_drawdown_worst`, `turnover`.
    """
    cases = (0.0, *(share for share in shares if share))
    rows = []
    for share in cases:
        draws = _draws(seeds, share)
        generators = [np.random.default_rng([seed, draw]) for draw in range(draws)]
        tables = [drop_signals(signals, share, rng) for rng in generators]
        rows.append(_figures_over_draws(account, rule, tables))
    return pd.DataFrame(rows, index=pd.Index(list(cases), name="share"))


def probability_noise(
    account: SingleAssetAccount,
    signals: pd.DataFrame,
    rule: ExposureRule,
    sizes: Sequence[float] = (0.5, 1.0),
    halflives: Sequence[float] = (0.0, 21.0),
    seeds: int = 10,
    seed: int = 7,
) -> pd.DataFrame:
    """Probabilities that are wrong by a random amount of log odds.

    Parameters
    ----------
    account : SingleAssetAccount
    signals : DataFrame, shape (n_sessions, n_columns)
    rule : callable
        Signals to exposure.
    sizes, halflives : sequences of float
        As for `perturb_probabilities`; every pair is a case.
    seeds : int
        Draws a case, at least 1.
    seed : int

    Returns
    -------
    DataFrame, one row a pair of `size` and `halflife`, (0, 0) first
        Columns as from `missing_days`.
    """
    cases = [(0.0, 0.0), *product([size for size in sizes if size], halflives)]
    rows = []
    for size, halflife in cases:
        draws = _draws(seeds, size)
        generators = [np.random.default_rng([seed, draw]) for draw in range(draws)]
        tables = [perturb_probabilities(signals, size, rng, halflife) for rng in generators]
        rows.append(_figures_over_draws(account, rule, tables))
    return pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(cases, names=["size", "halflife"]))


def drop_signals(signals: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Signals with every column missing on a random share of the sessions.

    Parameters
    ----------
    signals : DataFrame, shape (n_sessions, n_columns)
    share : float
        In [0, 1]; rounded to whole sessions.
    rng : Generator

    Returns
    -------
    DataFrame, shape (n_sessions, n_columns)

    Raises
    ------
    ConfigError
        If the share lies outside [0, 1].
    """
    if not 0.0 <= share <= 1.0:
        raise ConfigError(f"share: must lie in [0, 1], got {share}")
    dropped = rng.permutation(len(signals))[: round(share * len(signals))]
    remaining = signals.astype(float)
    remaining.iloc[dropped] = np.nan
    return remaining


def perturb_probabilities(
    signals: pd.DataFrame, size: float, rng: np.random.Generator, halflife: float = 0.0
) -> pd.DataFrame:
    """Signals whose probabilities had normal noise added to their log odds.

    Parameters
    ----------
    signals : DataFrame, shape (n_sessions, n_columns)
        Columns of `REGIMES` are probabilities; what they leave to 1 counts as one more regime.
        Other columns are not touched.
    size : float
        Standard deviation of the noise in the log odds of any two regimes; 0 or more.
    rng : Generator
    halflife : float
        Sessions in which an error fades by half; 0 for a fresh one each session.

    Returns
    -------
    DataFrame, shape (n_sessions, n_columns)
        A probability that was 0, 1 or NaN stays so.

    Raises
    ------
    ConfigError
        If size or halflife is negative or infinite.
    """
    for name, value in (("size", size), ("halflife", halflife)):
        if not 0.0 <= value < math.inf:
            raise ConfigError(f"{name}: must be 0 or more and finite, got {value}")
    names = [name for name in REGIMES if name in signals]
    if size == 0.0 or not names:
        return signals.copy()
    probabilities = signals[names].to_numpy(dtype=float)
    rest = np.maximum(1.0 - probabilities.sum(axis=1), 0.0)
    whole = np.column_stack([probabilities, rest])
    # Two independent errors of sd s / sqrt(2) differ by one of sd s.
    odds = whole * np.exp(_errors(rng, whole.shape, halflife) * size / math.sqrt(2.0))
    with np.errstate(invalid="ignore"):
        perturbed = (odds / odds.sum(axis=1, keepdims=True))[:, :-1]
    return signals.assign(**pd.DataFrame(perturbed, signals.index, names))


def _errors(rng: np.random.Generator, shape: tuple[int, ...], halflife: float) -> Floats:
    """Standard normal errors, each column fading from session to session."""
    fresh = rng.standard_normal(shape)
    if halflife == 0.0:
        return fresh
    kept = 0.5 ** (1.0 / halflife)
    fresh[1:] *= math.sqrt(1.0 - kept**2) / (1.0 - kept)
    errors: Floats = pd.DataFrame(fresh).ewm(alpha=1.0 - kept, adjust=False).mean().to_numpy()
    return errors


def _draws(seeds: int, disturbance: float) -> int:
    if seeds < 1:
        raise ConfigError(f"seeds: must be at least 1, got {seeds}")
    return seeds if disturbance else 1


def _figures_over_draws(
    account: SingleAssetAccount, rule: ExposureRule, tables: Sequence[pd.DataFrame]
) -> dict[str, float]:
    """Medians and the worst over the draws of one case."""
    figures = pd.DataFrame([account.trade(rule(table)).figures() for table in tables])
    median = figures.median()
    worst = figures.min()
    return {
        "sharpe": median["sharpe"],
        "sharpe_worst": worst["sharpe"],
        "max_drawdown": median["max_drawdown"],
        "max_drawdown_worst": worst["max_drawdown"],
        "turnover": median["turnover"],
    }
