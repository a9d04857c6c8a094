"""How good a design is.

Its log-loss skill on inner folds of the years before a block, fold by fold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.evaluation.scores import best_baseline, log_losses, score_table
from regime.evaluation.truth import Truth, truth_from_labels
from regime.labels.ensemble import EnsembleLabels
from regime.models.baselines import baseline_probabilities, rule_of_thumb_scores
from regime.models.calibration_curves import known_rows
from regime.models.classifier import TreeSettings
from regime.models.smoothing import averaged_so_far
from regime.progress import Progress
from regime.schema import STRESS_CODE, Labels, Regime
from regime.splits.walk_forward import Fold
from regime.workflows.data import World
from regime.workflows.forecast import signed_model
from regime.workflows.settings import Settings
from regime.workflows.tune_choices import Design

__all__ = ["Block", "Evaluation", "KnownYears", "known_years", "outer_blocks"]

# fall
SETTLING = 378
REMEMBERED = 200  # label sets, half a megabyte each
# Only P(deleveraging) is scored: the head over the other regimes gets no tree, whatever the
# training rows.
NO_PHASES = TreeSettings(leaf_rows=10**9)


@dataclass(frozen=True, kw_only=True)
class Block:
    """Years of the test that share one choice.

    Parameters
    ----------
    first, last : date
        Both included.

    Examples
    --------
    >>> Block(first=date(2005, 1, 1), last=date(2009, 12, 31)).year
    2005
    """

    first: date
    last: date

    @property
    def year(self) -> int:
        """What the block is called by."""
        return self.first.year


@dataclass(frozen=True, kw_only=True)
class KnownYears:
    """Everything that the study of a block may see: sessions before it, and nothing after.

    Parameters
    ----------
    settings : Settings
    block : Block
    features : DataFrame, shape (n_sessions, n_features)
    market : DataFrame, shape (n_sessions, n_assets), prices
    truth : Truth
        As known at the last of these sessions.
    folds : tuple of Fold
        Inner ones, in order of time.
    rival : str
        The raw score whose calibrated probability has the lowest log loss over all folds.
    rival_losses : tuple of float
        Its mean log loss in each fold, nats.
    """

    settings: Settings
    block: Block
    features: pd.DataFrame
    market: pd.DataFrame
    truth: Truth
    folds: tuple[Fold, ...]
    rival: str
    rival_losses: tuple[float, ...]


def outer_blocks(
    settings: Settings, sessions: pd.DatetimeIndex, years: int = 5
) -> tuple[Block, ...]:
    """Blocks from the first test on, up to the one that holds the last session.

    Parameters
    ----------
    settings : Settings
    sessions : DatetimeIndex, shape (n_sessions,)
    years : int
        Of a block.
    """
    first = pd.Timestamp(settings.splits.first_test)
    starts = [first]
    while (following := starts[-1] + pd.DateOffset(years=years)) <= sessions[-1]:
        starts.append(following)
    ends = [start + pd.DateOffset(years=years, days=-1) for start in starts]
    return tuple(
        Block(first=start.date(), last=end.date()) for start, end in zip(starts, ends, strict=True)
    )


def known_years(
    settings: Settings,
    world: World,
    features: pd.DataFrame,
    block: Block,
    progress: Progress,
    *,
    folds: int = 5,
    share: float = 0.6,
) -> KnownYears:
    """Cut everything at the beginning of a block, and score the rivals there.

    Parameters
    ----------
    settings : Settings
    world : World
    features : DataFrame, shape (n_sessions, n_features)
    block : Block
    progress : Progress
    folds : int
        Inner folds: equal parts of the last `share` of the sessions before the block, or of as many
        as leave a first training set of `minimum_train` rows.
    share : float
        In (0, 1).

    Raises
    ------
    ConfigError
        If the history before the block is too short for so many folds.

    **Known at:** the last session before the block.
    """
    before = features.index < pd.Timestamp(block.first)
    known, market = features[before], world.market[before]
    inner = _inner_folds(settings, known.index, block, folds, share)
    truth = truth_from_labels(settings.truth(market, known.index[-1]))
    with progress.stage(f"rivals before {block.year}"):
        rival, losses = _best_rival(world, truth, inner, int(before.sum()))
    if not np.isfinite(losses).all():
        raise ConfigError(
            f"block {block.year}: an inner fold has no session of known truth; begin earlier, or "
            "ask for "
            "fewer folds"
        )
    return KnownYears(
        settings=settings,
        block=block,
        features=known,
        market=market,
        truth=truth,
        folds=inner,
        rival=rival,
        rival_losses=losses,
    )


class Evaluation:
    """Skill of designs over the best rival on the inner folds.

    Remembers labels, so that a trial costs only its fits.

    Parameters
    ----------
    known : KnownYears
    """

    def __init__(self, known: KnownYears) -> None:
        self._known = known
        self._market = [known.market.loc[: fold.refit] for fold in known.folds]
        self._labelled: Callable[[Any, int], Labels] = lru_cache(maxsize=REMEMBERED)(self._label)

    def __call__(self, design: Design) -> Iterator[float]:
        """Skill in each fold, one by one: 1 less the ratio of the mean log losses.

        Parameters
        ----------
        design : Design

        Yields
        ------
        float
            Above 0 is better than the rival. A fold whose labels cannot train a model is forecast
            at the rate of stress known by then.

        **Known at:** the refit of each fold, for its fit; the smoothing runs through all folds.
        """
        stress = self._known.truth.stress.to_numpy(dtype=float)
        for fold, served, rival in zip(
            self._known.folds, self._served(design), self._known.rival_losses, strict=True
        ):
            scored = np.isfinite(stress[fold.test])
            yield 1.0 - float(log_losses(stress[fold.test][scored], served[scored]).mean()) / rival

    def probabilities(self, design: Design) -> pd.Series:
        """Probability of stress on the sessions of all inner folds, as it was scored.

        Parameters
        ----------
        design : Design

        Returns
        -------
        Series, shape (n_served_sessions,)
            Never NaN; so the daily returns of every trial can be had for the accounts of
            overfitting.
        """
        rows = np.concatenate([fold.test for fold in self._known.folds])
        return pd.Series(
            np.concatenate(list(self._served(design))),
            index=self._known.features.index[rows],
            name=Regime.DELEVERAGING.value,
        )

    def _served(self, design: Design) -> Iterator[np.ndarray]:
        settings = replace(
            self._known.settings,
            labels=design.labels,
            model=replace(design.model, phase_trees=NO_PHASES),
        )
        so_far = np.empty(0)
        for number, fold in enumerate(self._known.folds):
            so_far = np.append(so_far, self._forecast(settings, number, fold))
            yield averaged_so_far(so_far, design.smoothing)[-len(fold.test) :]

    def _forecast(self, settings: Settings, number: int, fold: Fold) -> np.ndarray:
        """Probability of stress in a fold's test block, before smoothing."""
        from sklearn.base import clone

        model, known = signed_model(settings), self._known
        labels = self._labels(settings.labels, number)
        rows = settings.splits.train_rows(fold, labels)
        if not rows.size:
            seen = known_rows(known.truth.stress, known.truth.known_at, fold.refit)
            rate = float(known.truth.stress.to_numpy()[seen].mean()) if seen.any() else 0.5
            return np.full(len(fold.test), rate)
        columns = known.features[list(model.columns)]
        fitted = clone(model).fit(columns.iloc[rows], labels.weights.to_numpy()[rows])
        return np.asarray(fitted.predict_proba(columns.iloc[fold.test])[:, STRESS_CODE])

    def _labels(self, labeller: Any, number: int) -> Labels:
        if not isinstance(labeller, EnsembleLabels):
            return self._labelled(labeller, number)
        parts: Any = tuple(_Remembered(self._labelled, part, number) for part in labeller.labellers)
        market = self._market[number]
        return EnsembleLabels(labellers=parts, weights=labeller.weights)(market, market.index[-1])

    def _label(self, labeller: Any, number: int) -> Labels:
        market = self._market[number]
        found: Labels = labeller(market, market.index[-1])
        return found


@dataclass(frozen=True)
class _Remembered:
    """A labeller of one fold that answers from memory."""

    recall: Callable[[Any, int], Labels]
    labeller: Any
    number: int

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        return self.recall(self.labeller, self.number)


def _inner_folds(
    settings: Settings, index: pd.DatetimeIndex, block: Block, folds: int, share: float
) -> tuple[Fold, ...]:
    splits = settings.splits
    least = splits.minimum_train + splits.embargo + SETTLING
    begin = max(round(len(index) * (1.0 - share)), least)
    if len(index) - begin < folds * splits.embargo:
        raise ConfigError(
            f"block {block.year}: {len(index)} sessions before it are too few for {folds} inner "
            "folds "
            f"after {least} that only train; begin earlier, or lower splits.minimum_train"
        )
    edges = np.linspace(begin, len(index), folds + 1).round().astype(int)
    return tuple(
        Fold(refit=index[low - 1], test=np.arange(low, high, dtype=np.int64))
        for low, high in pairwise(edges)
    )


def _best_rival(
    world: World, truth: Truth, folds: tuple[Fold, ...], known: int
) -> tuple[str, tuple[float, ...]]:
    scores = rule_of_thumb_scores(
        world.close.iloc[:known],
        world.returns.iloc[:known],
        world.panel.values["vix"].iloc[:known],
        rank_start=f"{world.sessions[0]:%Y-%m-%d}",
    )
    table = baseline_probabilities(scores, truth.stress, truth.known_at, folds)
    rows = np.concatenate([fold.test for fold in folds])
    whole = table.iloc[rows].dropna(
        axis=1
    )  # a score that begins within the folds is no rival for all of them
    best = best_baseline(score_table(truth, {str(name): whole[name] for name in whole}))
    return best, tuple(_loss(truth, table[best], fold) for fold in folds)


def _loss(truth: Truth, forecast: pd.Series, fold: Fold) -> float:
    stress, own = (
        truth.stress.to_numpy(dtype=float)[fold.test],
        forecast.to_numpy(dtype=float)[fold.test],
    )
    scored = np.isfinite(stress)
    return float(log_losses(stress[scored], own[scored]).mean())
