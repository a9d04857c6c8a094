"""The same rule on worse signals: some lost, some wrong.

Every table has a row a case, the undisturbed one first; the Sharpe ratio, drawdown and turnover are
medians over seeds, and the worst seed stands beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd

from regime.backtest.stress_account import Venue
from regime.errors import ConfigError
from regime.schema import REGIMES

__all__ = ["lost", "missing_days", "noisy", "probability_noise"]

Decide = Callable[[pd.DataFrame], pd.Series]


def missing_days(
    venue: Venue,
    signals: pd.DataFrame,
    decide: Decide,
    shares: Sequence[float] = (0.01, 0.05, 0.2),
    seeds: int = 10,
    seed: int = 7,
) -> pd.DataFrame:
    """Signals of random sessions are lost, so that the rule keeps what it knew.

    Parameters
    ----------
    venue : Venue
    signals : DataFrame, shape (n_sessions, n_columns)
    decide : callable
        Signals to exposure.
    shares : sequence of float
        Of the sessions, in [0, 1].
    seeds : int
        Draws a share, at least 1; a larger share loses what a smaller one does, and more.
    seed : int

    Returns
    -------
    DataFrame, one row a share, 0 first
        `sharpe`, `sharpe_worst`, `max_drawdown`, `max_drawdown_worst`, `turnover`.
    """
    cases = {
        share: [
            lost(signals, share, np.random.default_rng([seed, draw]))
            for draw in range(_draws(seeds, share))
        ]
        for share in (0.0, *(share for share in shares if share))
    }
    return pd.DataFrame(
        [_spread(venue, decide, tables) for tables in cases.values()],
        index=pd.Index(list(cases), name="share"),
    )


def probability_noise(
    venue: Venue,
    signals: pd.DataFrame,
    decide: Decide,
    sizes: Sequence[float] = (0.5, 1.0),
    halflives: Sequence[float] = (0.0, 21.0),
    seeds: int = 10,
    seed: int = 7,
) -> pd.DataFrame:
    """Probabilities that are wrong by a random amount of log odds.

    Parameters
    ----------
    venue : Venue
    signals : DataFrame, shape (n_sessions, n_columns)
    decide : callable
        Signals to exposure.
    sizes, halflives : sequences of float
        As for `noisy`; every pair is a case.
    seeds : int
        Draws a case, at least 1.
    seed : int

    Returns
    -------
    DataFrame, one row a pair of `size` and `halflife`, (0, 0) first
        Columns as from `missing_days`.
    """
    pairs = [(0.0, 0.0), *product([size for size in sizes if size], halflives)]
    rows = [
        _spread(
            venue,
            decide,
            [
                noisy(signals, size, np.random.default_rng([seed, draw]), halflife)
                for draw in range(_draws(seeds, size))
            ],
        )
        for size, halflife in pairs
    ]
    return pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(pairs, names=["size", "halflife"]))


def lost(signals: pd.DataFrame, share: float, rng: np.random.Generator) -> pd.DataFrame:
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
    """
    if not 0.0 <= share <= 1.0:
        raise ConfigError(f"share: must lie in [0, 1], got {share}")
    gone = rng.permutation(len(signals))[: round(share * len(signals))]
    left = signals.astype(float)
    left.iloc[gone] = np.nan
    return left


def noisy(
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
    """
    for name, value in (("size", size), ("halflife", halflife)):
        if not 0.0 <= value < math.inf:
            raise ConfigError(f"{name}: must be 0 or more and finite, got {value}")
    names = [name for name in REGIMES if name in signals]
    given = signals[names].to_numpy(dtype=float)
    if size == 0.0 or not names:
        return signals.copy()
    whole = np.column_stack([given, np.maximum(1.0 - given.sum(axis=1), 0.0)])
    # Two independent errors of sd s / sqrt(2) differ by one of sd s.
    odds = whole * np.exp(_errors(rng, whole.shape, halflife) * size / math.sqrt(2.0))
    with np.errstate(invalid="ignore"):
        return signals.assign(
            **pd.DataFrame((odds / odds.sum(axis=1, keepdims=True))[:, :-1], signals.index, names)
        )


def _errors(rng: np.random.Generator, shape: tuple[int, ...], halflife: float) -> np.ndarray:
    """Standard normal errors, each column fading from session to session."""
    fresh = rng.standard_normal(shape)
    if halflife == 0.0:
        return fresh
    kept = 0.5 ** (1.0 / halflife)
    fresh[1:] *= math.sqrt(1.0 - kept**2) / (1.0 - kept)
    errors: np.ndarray = pd.DataFrame(fresh).ewm(alpha=1.0 - kept, adjust=False).mean().to_numpy()
    return errors


def _draws(seeds: int, disturbed: float) -> int:
    if seeds < 1:
        raise ConfigError(f"seeds: must be at least 1, got {seeds}")
    return seeds if disturbed else 1


def _spread(venue: Venue, decide: Decide, tables: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Medians and the worst over the draws of one case."""
    found = pd.DataFrame([venue.trade(decide(table)).figures() for table in tables])
    middle, low = found.median(), found.min()
    return {
        "sharpe": middle["sharpe"],
        "sharpe_worst": low["sharpe"],
        "max_drawdown": middle["max_drawdown"],
        "max_drawdown_worst": low["max_drawdown"],
        "turnover": middle["turnover"],
    }
