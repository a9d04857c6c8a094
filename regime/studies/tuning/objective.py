"""How good tuned parameters are: log-loss skill on inner folds of the years before a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.evaluation.scores import best_baseline, log_losses, score_table
from regime.evaluation.truth import Truth, truth_from_labels
from regime.labels.ensemble import EnsembleLabels
from regime.models.baselines import baseline_probabilities, rule_of_thumb_scores
from regime.models.calibration_curves import known_rows
from regime.models.classifier import TreeSettings
from regime.parallel import Progress
from regime.pipeline.market_data import MarketData
from regime.pipeline.settings import Settings
from regime.pipeline.tuned_choices import TunedParameters
from regime.pipeline.walk_forward import signed_model
from regime.schema import STRESS_CODE, Labels, Regime
from regime.splits.walk_forward import Fold

__all__ = [
    "InnerSample",
    "Objective",
    "OuterBlock",
    "inner_sample",
    "outer_blocks",
    "smooth_probabilities",
]

# Sessions before any label of the first years is known: a year for volatilities, half of one for a
# fall.
SETTLING = 378
# Label sets kept in memory, half a megabyte each.
CACHED_LABELS = 200
# Only P(deleveraging) is scored: the head over the other regimes gets no tree, whatever the
# training rows.
NO_PHASES = TreeSettings(leaf_rows=10**9)


@dataclass(frozen=True, kw_only=True)
class OuterBlock:
    """Years of the test period that share one choice.

    Parameters
    ----------
    first, last : date
        Both included.

    Examples
    --------
    >>> OuterBlock(first=date(2005, 1, 1), last=date(2009, 12, 31)).year
    2005
    """

    first: date
    last: date

    @property
    def year(self) -> int:
        """First year, by which the block is called."""
        return self.first.year


@dataclass(frozen=True, kw_only=True)
class InnerSample:
    """Everything that the study of a block may see: the sessions before it, and none after.

    Parameters
    ----------
    settings : Settings
    block : OuterBlock
    features : DataFrame, shape (n_sessions, n_features)
    market : DataFrame, shape (n_sessions, n_assets), prices
    truth : Truth
        As known at the last of these sessions.
    folds : tuple of Fold
        Inner ones, in order of time.
    baseline : str
        The raw score whose calibrated probability has the lowest log loss over all folds.
    baseline_losses : tuple of float
        Its mean log loss in each fold, nats.
    """

    settings: Settings
    block: OuterBlock
    features: pd.DataFrame
    market: pd.DataFrame
    truth: Truth
    folds: tuple[Fold, ...]
    baseline: str
    baseline_losses: tuple[float, ...]


def outer_blocks(
    settings: Settings, sessions: pd.DatetimeIndex, years: int = 5
) -> tuple[OuterBlock, ...]:
    """Blocks from the first test on, up to the one that holds the last session.

    Parameters
    ----------
    settings : Settings
    sessions : DatetimeIndex, shape (n_sessions,)
    years : int
        Length of a block.

    Returns
    -------
    tuple of OuterBlock
        In order of time.
    """
    first = pd.Timestamp(settings.splits.first_test)
    starts = [first]
    while (following := starts[-1] + pd.DateOffset(years=years)) <= sessions[-1]:
        starts.append(following)
    ends = [start + pd.DateOffset(years=years, days=-1) for start in starts]
    return tuple(
        OuterBlock(first=start.date(), last=end.date())
        for start, end in zip(starts, ends, strict=True)
    )


def inner_sample(
    settings: Settings,
    market_data: MarketData,
    features: pd.DataFrame,
    block: OuterBlock,
    progress: Progress,
    *,
    folds: int = 5,
    share: float = 0.6,
) -> InnerSample:
    """Sample of a block's study: all inputs cut at the block's first day, and the best baseline.

    Parameters
    ----------
    settings : Settings
    market_data : MarketData
    features : DataFrame, shape (n_sessions, n_features)
    block : OuterBlock
    progress : Progress
    folds : int
        Inner folds: equal parts of the last `share` of the sessions before the block, or of as many
        as leave a first training set of `minimum_train` rows.
    share : float
        In (0, 1).

    Returns
    -------
    InnerSample

    Raises
    ------
    ConfigError
        If the history before the block is too short for so many folds.

    **Known at:** the last session before the block.
    """
    before = features.index < pd.Timestamp(block.first)
    known = features[before]
    market = market_data.market[before]
    inner = _inner_folds(settings, known.index, block, folds, share)
    truth = truth_from_labels(settings.truth(market, known.index[-1]))
    with progress.stage(f"baselines before {block.year}"):
        baseline, losses = _best_baseline(market_data, truth, inner, int(before.sum()))
    if not np.isfinite(losses).all():
        raise ConfigError(
            f"block {block.year}: an inner fold has no session of known truth; begin earlier, or "
            "ask for fewer folds"
        )
    return InnerSample(
        settings=settings,
        block=block,
        features=known,
        market=market,
        truth=truth,
        folds=inner,
        baseline=baseline,
        baseline_losses=losses,
    )


class Objective:
    """Skill of tuned parameters over the best baseline on the inner folds.

    Labels are cached, so that a trial costs only its fits.

    Parameters
    ----------
    sample : InnerSample
    """

    def __init__(self, sample: InnerSample) -> None:
        self._sample = sample
        self._market = [sample.market.loc[: fold.refit] for fold in sample.folds]
        self._cached: Callable[[Any, int], Labels] = lru_cache(maxsize=CACHED_LABELS)(self._label)

    def __call__(self, parameters: TunedParameters) -> Iterator[float]:
        """Skill in each fold, one by one: 1 less the ratio of the mean log losses.

        Parameters
        ----------
        parameters : TunedParameters

        Yields
        ------
        float
            Above 0 is better than the baseline. A fold whose labels cannot train a model is
            forecast at the rate of stress known by then.

        **Known at:** the refit of each fold, for its fit; the smoothing runs through all folds.
        """
        stress = self._sample.truth.stress.to_numpy(dtype=float)
        for fold, forecast, baseline_loss in zip(
            self._sample.folds,
            self._forecasts(parameters),
            self._sample.baseline_losses,
            strict=True,
        ):
            scored = np.isfinite(stress[fold.test])
            loss = float(log_losses(stress[fold.test][scored], forecast[scored]).mean())
            yield 1.0 - loss / baseline_loss

    def probabilities(self, parameters: TunedParameters) -> pd.Series:
        """Probability of stress on the sessions of all inner folds, as it was scored.

        Parameters
        ----------
        parameters : TunedParameters

        Returns
        -------
        Series, shape (n_forecast_sessions,)
            Never NaN, so that the daily returns of every trial can enter a test of overfitting.
        """
        rows = np.concatenate([fold.test for fold in self._sample.folds])
        return pd.Series(
            np.concatenate(list(self._forecasts(parameters))),
            index=self._sample.features.index[rows],
            name=Regime.DELEVERAGING.value,
        )

    def _forecasts(self, parameters: TunedParameters) -> Iterator[Floats]:
        """Smoothed probability of stress in each fold's test block."""
        settings = replace(
            self._sample.settings,
            labels=parameters.labels,
            model=replace(parameters.model, phase_trees=NO_PHASES),
        )
        so_far = np.empty(0)
        for number, fold in enumerate(self._sample.folds):
            so_far = np.append(so_far, self._forecast(settings, number, fold))
            yield smooth_probabilities(so_far, parameters.smoothing)[-len(fold.test) :]

    def _forecast(self, settings: Settings, number: int, fold: Fold) -> Floats:
        """Probability of stress in a fold's test block, before smoothing."""
        from sklearn.base import clone

        sample = self._sample
        model = signed_model(settings)
        labels = self._labels(settings.labels, number)
        rows = settings.splits.train_rows(fold, labels)
        if not rows.size:
            known = known_rows(sample.truth.stress, sample.truth.known_at, fold.refit)
            rate = float(sample.truth.stress.to_numpy()[known].mean()) if known.any() else 0.5
            return np.full(len(fold.test), rate)
        columns = sample.features[list(model.columns)]
        fitted = clone(model).fit(columns.iloc[rows], labels.weights.to_numpy()[rows])
        return np.asarray(fitted.predict_proba(columns.iloc[fold.test])[:, STRESS_CODE])

    def _labels(self, labeller: Any, number: int) -> Labels:
        if not isinstance(labeller, EnsembleLabels):
            return self._cached(labeller, number)
        parts: Any = tuple(
            _CachedLabeller(self._cached, part, number) for part in labeller.labellers
        )
        market = self._market[number]
        return EnsembleLabels(labellers=parts, weights=labeller.weights)(market, market.index[-1])

    def _label(self, labeller: Any, number: int) -> Labels:
        market = self._market[number]
        labels: Labels = labeller(market, market.index[-1])
        return labels


@dataclass(frozen=True)
class _CachedLabeller:
    """A labeller of one fold whose labels come from a cache."""

    lookup: Callable[[Any, int], Labels]
    labeller: Any
    number: int

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        return self.lookup(self.labeller, self.number)


def _inner_folds(
    settings: Settings, index: pd.DatetimeIndex, block: OuterBlock, folds: int, share: float
) -> tuple[Fold, ...]:
    splits = settings.splits
    least = splits.minimum_train + splits.embargo + SETTLING
    begin = max(round(len(index) * (1.0 - share)), least)
    if len(index) - begin < folds * splits.embargo:
        raise ConfigError(
            f"block {block.year}: {len(index)} sessions before it are too few for {folds} inner "
            f"folds after {least} that only train; begin earlier, or lower splits.minimum_train"
        )
    edges = np.linspace(begin, len(index), folds + 1).round().astype(int)
    return tuple(
        Fold(refit=index[low - 1], test=np.arange(low, high, dtype=np.int64))
        for low, high in pairwise(edges)
    )


def _best_baseline(
    market_data: MarketData, truth: Truth, folds: tuple[Fold, ...], known: int
) -> tuple[str, tuple[float, ...]]:
    """Name of the best baseline over the first `known` sessions, and its loss in each fold."""
    scores = rule_of_thumb_scores(
        market_data.close.iloc[:known],
        market_data.returns.iloc[:known],
        market_data.panel.values["vix"].iloc[:known],
        rank_start=f"{market_data.sessions[0]:%Y-%m-%d}",
    )
    table = baseline_probabilities(scores, truth.stress, truth.known_at, folds)
    rows = np.concatenate([fold.test for fold in folds])
    # A score that begins within the folds cannot be the baseline of all of them.
    whole = table.iloc[rows].dropna(axis=1)
    best = best_baseline(score_table(truth, {str(name): whole[name] for name in whole}))
    return best, tuple(_loss(truth, table[best], fold) for fold in folds)


def _loss(truth: Truth, forecast: pd.Series, fold: Fold) -> float:
    stress = truth.stress.to_numpy(dtype=float)[fold.test]
    probability = forecast.to_numpy(dtype=float)[fold.test]
    scored = np.isfinite(stress)
    return float(log_losses(stress[scored], probability[scored]).mean())


def smooth_probabilities(probabilities: Floats, halflife: float | Floats) -> Floats:
    """Exponential mean of each column over the rows so far.

    Parameters
    ----------
    probabilities : ndarray, shape (n_rows,) or (n_rows, n_columns)
        In order of time, without NaN.
    halflife : float or ndarray, shape (n_rows,)
        Rows after which a row counts half; 0 for that row alone. It may change from row to row, as
        from one refit's choice to the next.

    Returns
    -------
    ndarray, shape of `probabilities`
        The first row as it is. Rows that sum to 1 still do, up to rounding.

    Raises
    ------
    ConfigError
        If a halflife is negative.

    Notes
    -----
    **Known at:** row t uses rows up to t.

    Examples
    --------
    >>> smooth_probabilities(np.array([0.0, 1.0, 1.0]), 1.0)
    array([0.  , 0.5 , 0.75])
    """
    halflives = np.broadcast_to(np.asarray(halflife, dtype=float), len(probabilities))
    if (halflives < 0).any():
        raise ConfigError(f"smoothing: a halflife must be 0 or more, got {halflives.min()}")
    positive = np.where(halflives > 0, halflives, 1.0)
    decay = np.where(halflives > 0, 0.5 ** (1.0 / positive), 0.0)
    result = np.array(probabilities, dtype=np.float64)
    for row in range(1, len(result)):
        if decay[row]:
            result[row] = decay[row] * result[row - 1] + (1.0 - decay[row]) * result[row]
    return result
