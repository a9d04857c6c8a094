"""Stress that needs the whole training again: mislabelled deleveragings, and simulated worlds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from regime.arrays import Booleans, Integers
from regime.errors import ConfigError
from regime.labels.basket import Labeller
from regime.parallel import NoProgress, Progress
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings
from regime.pipeline.strategy import Strategy, decide, trade
from regime.pipeline.walk_forward import walk_forward
from regime.schema import STRESS, YEAR, Labels
from regime.sources.simulated import SimulatedSource

__all__ = ["MovedLabels", "label_noise", "simulated_worlds"]

# Of a simulated world.
START = date(2006, 1, 2)
YEARS = 16
FIRST_TEST = date(2014, 1, 1)


@dataclass(frozen=True, kw_only=True)
class MovedLabels:
    """Labels in which a share of the deleveragings lie a year too early.

    The rows of such a spell and those 252 sessions before change places, so that the share of every
    regime stays. Both are known when the later of them is. A spell is moved or not by its first
    session and the seed, so that every refit moves the same ones.

    Parameters
    ----------
    labels : callable
        The labeller whose labels are moved.
    share : float
        Probability that a spell is moved, in [0, 1].
    seed : int
        0 or more.

    Raises
    ------
    ConfigError
        If share or seed is out of its range.

    Examples
    --------
    >>> from regime.labels.episodes import EpisodeLabels
    >>> dates = pd.bdate_range("2018-01-01", periods=800, name="date")
    >>> steps = np.r_[np.tile([1.01, 0.995], 300), np.full(40, 0.98), np.full(160, 1.01)]
    >>> market = pd.DataFrame({"sp500": steps.cumprod()}, index=dates)
    >>> plain = EpisodeLabels()
    >>> moved = MovedLabels(labels=plain, share=1.0, seed=0)
    >>> before, after = (labels(market).regime.eq("deleveraging") for labels in (plain, moved))
    >>> before.argmax() - after.argmax(), before.sum() == after.sum()
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
        """Labels as they stood at the close of `as_of`, some of them moved.

        Parameters
        ----------
        market : DataFrame, shape (n_sessions, n_series)
        as_of : Timestamp, optional
            By default the last session.
        """
        labels = self.labels(market, as_of)
        order = np.arange(len(market))
        known = labels.known_at.notna().to_numpy()
        for first, last in _runs(labels.regime.eq(STRESS).to_numpy()):
            episode = np.arange(first, last + 1)
            earlier = episode - YEAR
            if (
                earlier[0] >= 0
                and known[earlier].all()
                and len(episode) <= YEAR
                and self._moves(market.index[first])
            ):
                order[earlier], order[episode] = order[episode].copy(), order[earlier].copy()
        return _reordered(labels, order)

    def _moves(self, first: pd.Timestamp) -> bool:
        return bool(np.random.default_rng([self.seed, first.toordinal()]).random() < self.share)


def label_noise(
    settings: Settings,
    market_data: MarketData,
    seeds: Iterable[int],
    progress: Progress,
    *,
    share: float = 0.2,
) -> pd.DataFrame:
    """The rule on probabilities of models that were trained on partly wrong labels.

    Each seed trains the whole run again.

    Parameters
    ----------
    settings : Settings
    market_data : MarketData
    seeds : iterable of int
    progress : Progress
    share : float
        Of the labelled deleveragings, in [0, 1].

    Returns
    -------
    DataFrame, one row a seed
        Columns as from `simulated_worlds`.
    """
    features = settings.features(market_data.panel)
    rows = {}
    for seed in seeds:
        # A labeller as any other, but not one that a config can name.
        moved: Any = MovedLabels(labels=settings.labels, share=share, seed=seed)
        mislabelled = replace(settings, labels=moved)
        forecast = walk_forward(mislabelled, features, market_data.market, progress)
        exposure = decide(settings, market_data, forecast.probabilities)
        rows[seed] = _figures(trade(settings, market_data, exposure, progress))
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
    watch = progress or NoProgress()
    rows = {}
    for seed in seeds:
        simulated = replace(
            settings,
            start=START,
            source=SimulatedSource(seed=seed, years=years, start=START),
            splits=replace(settings.splits, first_test=first_test),
        )
        market_data = read_market_data(simulated, None, watch)
        features = simulated.features(market_data.panel)
        forecast = walk_forward(simulated, features, market_data.market, watch)
        exposure = decide(simulated, market_data, forecast.probabilities)
        rows[seed] = _figures(trade(simulated, market_data, exposure, watch))
    return _table(rows)


def _runs(on: Booleans) -> Iterable[tuple[int, int]]:
    """First and last position of every run."""
    edges = np.flatnonzero(np.diff(np.r_[0, on.astype(int), 0]))
    return zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)


def _reordered(labels: Labels, order: Integers) -> Labels:
    """Weights in another order; a row that changed is known when both its positions are."""
    weights = pd.DataFrame(
        labels.weights.to_numpy()[order], index=labels.weights.index, columns=labels.weights.columns
    )
    return Labels(
        weights=weights,
        span_end=_later(labels.span_end, order),
        known_at=_later(labels.known_at, order),
    )


def _later(dates: pd.Series, order: Integers) -> pd.Series:
    """The later of a row's date and that of the row which replaces it."""
    moved = dates.to_numpy()[order]
    return dates.where(dates >= moved, moved)


def _figures(strategy: Strategy) -> dict[str, float]:
    figures = strategy.result.summary()
    row = {name: figures[name] for name in ("sharpe", "max_drawdown", "cagr", "turnover")}
    for name, result in strategy.benchmarks.items():
        benchmark = result.summary()
        row[f"sharpe_{name}"] = benchmark["sharpe"]
        row[f"max_drawdown_{name}"] = benchmark["max_drawdown"]
    return row


def _table(rows: dict[int, dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")
