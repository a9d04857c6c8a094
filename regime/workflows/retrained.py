"""Stress that needs the whole training again: wrong labels, and worlds that never were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings
from regime.pipeline.strategy import Strategy, decide, trade
from regime.pipeline.walk_forward import Labeller, walk_forward
from regime.progress import NoProgress, Progress
from regime.schema import Labels, Regime
from regime.sessions import YEAR
from regime.sources.simulated import SimulatedSource

__all__ = ["MovedLabels", "label_noise", "simulated_worlds"]

START, YEARS, FIRST_TEST = date(2006, 1, 2), 16, date(2014, 1, 1)


@dataclass(frozen=True, kw_only=True)
class MovedLabels:
    """Labels in which a share of the deleveragings lie a year too early.

    The labeller was wrong about them.

    The rows of such a spell and those 252 sessions before change places, so that the share of every
    regime stays. Both are known when the later of them is. A spell is moved or not by its first
    session and the seed, so that every refit finds the same ones moved.

    Parameters
    ----------
    labels : callable
        The labeller that is spoilt.
    share : float
        Probability that a spell is moved, in [0, 1].
    seed : int
        0 or more.

    Examples
    --------
    >>> from regime.labels.episodes import EpisodeLabels
    >>> dates = pd.bdate_range("2018-01-01", periods=800, name="date")
    >>> steps = np.r_[np.tile([1.01, 0.995], 300), np.full(40, 0.98), np.full(160, 1.01)]
    >>> market = pd.DataFrame({"sp500": steps.cumprod()}, index=dates)
    >>> one, moved = (labels(market).regime.eq("deleveraging") for labels in (
    ...     EpisodeLabels(), MovedLabels(labels=EpisodeLabels(), share=1.0, seed=0)))
    >>> one.argmax() - moved.argmax(), one.sum() == moved.sum()
    (np.int64(252), np.True_)
    """

    labels: Labeller
    share: float
    seed: int

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ConfigError(f"share: must lie in [0, 1], got {self.share}")
        if self.seed < 0:
            raise ConfigError(f"seed: must be 0 or more, got {self.seed}")

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Labels as they stood at the close of `as_of`, some of them moved."""
        given = self.labels(market, as_of)
        order, known = np.arange(len(market)), given.known_at.notna().to_numpy()
        for first, last in _runs(given.regime.eq(Regime.DELEVERAGING.value).to_numpy()):
            there = np.arange(first, last + 1)
            here = there - YEAR
            if (
                here[0] >= 0
                and known[here].all()
                and len(there) <= YEAR
                and self._moves(market.index[first])
            ):
                order[here], order[there] = order[there].copy(), order[here].copy()
        return _ordered(given, order)

    def _moves(self, first: pd.Timestamp) -> bool:
        return bool(np.random.default_rng([self.seed, first.toordinal()]).random() < self.share)


def label_noise(
    settings: Settings,
    world: MarketData,
    seeds: Iterable[int],
    progress: Progress,
    *,
    share: float = 0.2,
) -> pd.DataFrame:
    """The rule on probabilities that were trained on partly wrong labels.

    A training of the whole run a seed.

    Parameters
    ----------
    settings : Settings
    world : MarketData
    seeds : iterable of int
    progress : Progress
    share : float
        Of the labelled deleveragings, in [0, 1].

    Returns
    -------
    DataFrame, one row a seed
        Columns as from `simulated_worlds`.
    """
    features, rows = settings.features(world.panel), {}
    for seed in seeds:
        # A labeller as any other, but not one that a config can name.
        spoilt: Any = MovedLabels(labels=settings.labels, share=share, seed=seed)
        forecast = walk_forward(replace(settings, labels=spoilt), features, world.market, progress)
        exposure = decide(settings, world, forecast.probabilities)
        rows[seed] = _row(trade(settings, world, exposure, progress))
    return _table(rows)


def simulated_worlds(
    settings: Settings,
    seeds: Iterable[int],
    progress: Progress | None = None,
    *,
    years: int = YEARS,
    first_test: date = FIRST_TEST,
) -> pd.DataFrame:
    """The whole run of a config, from data to account, in simulated worlds from 2006 on.

    Parameters
    ----------
    settings : Settings
        Its source, start and first test are replaced.
    seeds : iterable of int
        One a world.
    progress : Progress, optional
    years : int
        Of each world.
    first_test : date
        The years before it only train.

    Returns
    -------
    DataFrame, one row a world
        `sharpe`, `max_drawdown`, `cagr` and `turnover` of the rule, and `sharpe_NAME` and
        `max_drawdown_NAME` of each benchmark. NaN where a figure is not defined.
    """
    watch, rows = progress or NoProgress(), {}
    for seed in seeds:
        own = replace(
            settings,
            start=START,
            source=SimulatedSource(seed=seed, years=years, start=START),
            splits=replace(settings.splits, first_test=first_test),
        )
        world = read_market_data(own, None, watch)
        forecast = walk_forward(own, own.features(world.panel), world.market, watch)
        rows[seed] = _row(trade(own, world, decide(own, world, forecast.probabilities), watch))
    return _table(rows)


def _runs(on: np.ndarray) -> Iterable[tuple[int, int]]:
    """First and last position of every run."""
    edges = np.flatnonzero(np.diff(np.r_[0, on.astype(int), 0]))
    return zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)


def _ordered(given: Labels, order: np.ndarray) -> Labels:
    """Weights in another order; a row that changed is known when it and its new place both are."""
    weights = pd.DataFrame(
        given.weights.to_numpy()[order], index=given.weights.index, columns=given.weights.columns
    )
    later = {
        name: own.where(own >= own.to_numpy()[order], own.to_numpy()[order])
        for name, own in (("span_end", given.span_end), ("known_at", given.known_at))
    }
    return Labels(weights=weights, **later)


def _row(strategy: Strategy) -> dict[str, float]:
    figures = strategy.result.summary()
    row = {name: figures[name] for name in ("sharpe", "max_drawdown", "cagr", "turnover")}
    for name, result in strategy.benchmarks.items():
        theirs = result.summary()
        row |= {f"{figure}_{name}": theirs[figure] for figure in ("sharpe", "max_drawdown")}
    return row


def _table(rows: dict[int, dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")
