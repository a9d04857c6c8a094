"""The walk-forward.

What each fold may see, that processes change nothing, and that shuffled labels teach nothing.
"""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.evaluation.scores import score_table
from regime.evaluation.truth import truth_from_labels
from regime.models.baselines import baseline_probabilities, rule_of_thumb_scores
from regime.models.classifier import DeleveragingClassifier
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import Parallel, load_settings
from regime.pipeline.walk_forward import final_model, signed_model, walk_forward
from regime.schema import Labels, check_probabilities
from regime.studies.significance.scoring import score_forecasts

QUIET = NoProgress()


@pytest.fixture(scope="module")
def quick():
    """Settings of a small run, its world and its features."""
    settings = load_settings(
        "demo.yaml",
        [
            "source.SimulatedSource.years=11",
            "splits.first_test=2012-01-01",
            "splits.refit_months=12",
            "model.seeds=1",
            "parallel.jobs=1",
            "tracking=NullTracker",
        ],
    )
    market_data = read_market_data(settings, None, QUIET)
    return settings, market_data, settings.features(market_data.panel)


@pytest.fixture(scope="module")
def forecast(quick):
    settings, market_data, features = quick
    return walk_forward(settings, features, market_data.market, QUIET)


def test_two_processes_give_the_bits_of_one(quick, forecast):
    settings, market_data, features = quick
    spread = walk_forward(
        replace(settings, parallel=Parallel(jobs=2)), features, market_data.market, QUIET
    )
    assert spread.probabilities.to_numpy().tobytes() == forecast.probabilities.to_numpy().tobytes()
    assert [fold.refit for fold in spread.folds] == [fold.refit for fold in forecast.folds]


def test_every_session_of_every_block_is_served_once(quick, forecast):
    sessions = quick[1].sessions
    served = sessions[np.concatenate([fold.test for fold in forecast.folds])]
    assert forecast.probabilities.index.equals(served) and served.equals(
        sessions[sessions >= "2012-01-01"]
    )
    check_probabilities(forecast.probabilities)
    assert len(forecast.folds) == 5


@dataclass(frozen=True)
class Spy:
    """A labeller that notes what it was shown."""

    inner: Any
    seen: list[tuple[pd.Timestamp, pd.Timestamp]] = field(default_factory=list)

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        self.seen.append((market.index[-1], as_of))
        return self.inner(market, as_of)


class Witness(DeleveragingClassifier):
    """A classifier that notes the sessions it is fitted on and those it is asked for."""

    log: ClassVar[list[tuple[str, pd.DatetimeIndex, Any]]] = []

    def fit(self, X, y):
        self.log.append(("fit", X.index, y))
        return super().fit(X, y)

    def predict_proba(self, X):
        self.log.append(("predict", X.index, None))
        return super().predict_proba(X)


def test_no_row_trains_that_was_not_known_at_the_refit(quick):
    settings, market_data, features = quick
    Witness.log.clear()
    spy, model = Spy(settings.labels), settings.model
    witness = Witness(**{name: getattr(model, name) for name in model.get_params(deep=False)})
    seen = walk_forward(
        replace(settings, model=witness, labels=spy), features, market_data.market, QUIET
    )
    fits = [(rows, y) for kind, rows, y in Witness.log if kind == "fit"]
    asked = [rows for kind, rows, _ in Witness.log if kind == "predict"]
    hindsight = settings.labels(market_data.market)
    assert len(fits) == len(asked) == len(seen.folds)
    for fold, (rows, y), block, shown in zip(seen.folds, fits, asked, spy.seen, strict=True):
        assert shown == (fold.refit, fold.refit)
        labels = settings.labels(market_data.market.loc[: fold.refit], fold.refit)
        assert (labels.known_at[rows] <= fold.refit).all() and (
            labels.span_end[rows] <= fold.refit
        ).all()
        assert (hindsight.known_at[rows] <= fold.refit).all()
        np.testing.assert_array_equal(y, labels.weights.loc[rows])
        assert (
            rows[-1] < features.index[fold.test[0] - settings.splits.embargo] and len(rows) >= 1000
        )
        assert block.equals(features.index[fold.test]) and block[0] > fold.refit


@dataclass(frozen=True)
class Shuffled:
    """Real labels, each known row with the weights of another.

    The same shares, and nothing to learn.
    """

    inner: Any
    seed: int = 0

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        labels = self.inner(market, as_of)
        rows = np.flatnonzero(labels.known_at.notna())
        weights = labels.weights.copy()
        weights.iloc[rows] = weights.iloc[
            np.random.default_rng(self.seed).permutation(rows)
        ].to_numpy()
        return Labels(weights=weights, span_end=labels.span_end, known_at=labels.known_at)


def skill_of(settings, market_data, forecast):
    """Skill of a forecast against the best rule of thumb, and its scores, on the real labels."""
    truth = truth_from_labels(settings.truth(market_data.market))
    scores = rule_of_thumb_scores(
        market_data.close,
        market_data.returns,
        market_data.panel.values["vix"],
        rank_start="2006-01-01",
    )
    table = baseline_probabilities(scores, truth.stress, truth.known_at, forecast.folds)
    return score_forecasts(settings, truth, forecast.probabilities, table)


def flat_loss(settings, market_data, forecast):
    """Log loss of a forecast levelled to its mean in each block."""
    blocks = np.concatenate(
        [np.full(len(fold.test), number) for number, fold in enumerate(forecast.folds)]
    )
    level = forecast.probabilities["deleveraging"].groupby(blocks).transform("mean")
    return score_table(truth_from_labels(settings.truth(market_data.market)), {"flat": level}).loc[
        "flat", "log_loss"
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_labels_give_no_skill(quick, forecast, seed):
    settings, market_data, features = quick
    honest = skill_of(settings, market_data, forecast)
    shuffled = walk_forward(
        replace(settings, labels=Shuffled(settings.labels, seed)),
        features,
        market_data.market,
        QUIET,
    )
    blind = skill_of(settings, market_data, shuffled)
    assert blind.skill.skill <= 0.0
    # No better than saying the mean of its own block every day; with the real labels it is, so a
    # leak would show.
    learnt, nothing = (
        table.table.loc["model", "log_loss"] / flat_loss(settings, market_data, told)
        for table, told in ((honest, forecast), (blind, shuffled))
    )
    assert nothing >= 0.97 and learnt < nothing - 0.04
    spread = (
        shuffled.probabilities["deleveraging"].std() / forecast.probabilities["deleveraging"].std()
    )
    assert spread < 0.5


def test_a_history_too_short_for_any_refit_is_said(quick):
    settings, market_data, features = quick
    greedy = replace(settings, splits=replace(settings.splits, minimum_train=10**6))
    with pytest.raises(
        InvalidDataError, match=r"too short a history: .* lower splits.minimum_train"
    ):
        walk_forward(greedy, features, market_data.market, QUIET)
    with pytest.raises(InvalidDataError, match="too few labelled rows"):
        final_model(greedy, features, market_data.market)


def test_early_folds_that_cannot_be_trained_are_left_out_and_the_others_stay(quick, forecast):
    settings, market_data, features = quick
    strict = replace(settings, splits=replace(settings.splits, minimum_train=1500))
    later = walk_forward(strict, features, market_data.market, QUIET)
    assert 0 < len(later.folds) < len(forecast.folds)
    assert later.probabilities.equals(forecast.probabilities.loc[later.probabilities.index])


def test_the_final_model_rests_on_all_that_is_known_at_the_last_session(quick):
    settings, market_data, features = quick
    model, (first, last) = final_model(settings, features, market_data.market)
    labels = settings.labels(market_data.market, features.index[-1])
    known = labels.known_at.notna().to_numpy()[: len(features) - settings.splits.embargo]
    rows = features.index[: len(known)][known]
    assert (first, last) == (f"{rows[0]:%Y-%m-%d}", f"{rows[-1]:%Y-%m-%d}")
    again = signed_model(settings).fit(features.loc[rows], labels.weights.loc[rows].to_numpy())
    assert again.parts_ == model.parts_


def test_priors_bind_what_is_outside_the_core_only(quick):
    settings = quick[0]
    model = signed_model(settings)
    members = {name for group in model.composites.values() for name in group}
    specs = {spec.name: spec.sign for spec in settings.features.specs}
    assert {name: model.signs[name] for name in members} == {name: specs[name] for name in members}
    assert all(model.signs[name] in (-1, 1) for name in members) and not set(model.core) & set(
        model.signs
    )
    chosen = signed_model(
        replace(settings, model=replace(settings.model, signs={model.core[0]: 1}))
    )
    assert chosen.signs[model.core[0]] == 1
