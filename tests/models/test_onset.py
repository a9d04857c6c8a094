"""Walking the onset head forward: the rows of each fold, no future, and what is left out."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from regime.errors import InvalidDataError
from regime.labels.episodes import EpisodeLabels
from regime.labels.onset import OnsetLabels
from regime.models.classifier import DeleveragingClassifier, TreeSettings
from regime.models.onset import ONSET, walk_onset
from regime.splits.walk_forward import PurgedWalkForward

ONSETS = OnsetLabels(labellers=(EpisodeLabels(depth=1.0), EpisodeLabels(depth=1.5)))
MODEL = DeleveragingClassifier(
    core=("past", "noise"),
    trees=TreeSettings(rounds=10, leaf_rows=50),
    phase_trees=TreeSettings(leaf_rows=10**9),
)
SPLITS = PurgedWalkForward(first_test=date(2005, 1, 3), minimum_train=400)


@pytest.fixture(scope="module")
def past():
    rng = np.random.default_rng(2)
    dates = pd.bdate_range("2000-01-03", periods=1900, name="date")
    market = pd.DataFrame(
        {"sp500": 100 * np.exp((rng.standard_t(4, 1900) * 0.01 + 0.0004).cumsum())}, index=dates
    )
    X = pd.DataFrame(
        {"past": market["sp500"].pct_change(20), "noise": rng.normal(size=1900)}, index=dates
    )
    return market, X


def test_each_block_is_the_forecast_of_a_model_fitted_on_the_rows_of_the_purged_walk_forward(past):
    market, X = past
    p = walk_onset(MODEL, X, ONSETS(market), SPLITS.folds(X.index), minimum_train=400)
    assert (
        p.name == ONSET and p[:"2005-01-02"].isna().all() and p["2005-01-03":].between(0, 1).all()
    )
    for fold in SPLITS.folds(X.index):
        labels = ONSETS(market, fold.refit)  # what the refit could see, and no more
        rows = SPLITS.train_rows(fold, labels)
        fitted = clone(MODEL).fit(X.iloc[rows], labels.weights.to_numpy()[rows])
        assert (
            p.iloc[fold.test].to_numpy().tobytes()
            == fitted.predict_proba(X.iloc[fold.test])[:, 2].tobytes()
        )


@pytest.mark.parametrize("cut", [1400, 1501, 1899])
def test_truncation_law(past, cut):
    market, X = past
    whole = walk_onset(MODEL, X, ONSETS(market), SPLITS.folds(X.index), minimum_train=400)
    part = walk_onset(
        MODEL, X[:cut], ONSETS(market[:cut]), SPLITS.folds(X.index[:cut]), minimum_train=400
    )
    assert part.notna().any()
    pd.testing.assert_series_equal(whole[:cut], part, check_exact=True)


def test_blocks_without_enough_rows_are_left_out(past):
    market, X = past
    labels, folds = ONSETS(market), SPLITS.folds(X.index)
    late = walk_onset(MODEL, X, labels, folds, minimum_train=900)
    first = late.first_valid_index()
    assert first > pd.Timestamp("2005-01-03") and late[first:].notna().all()
    assert walk_onset(MODEL, X, labels, folds, minimum_train=10**6).isna().all()
    never = OnsetLabels(labellers=(EpisodeLabels(depth=40.0),))(market)
    assert walk_onset(MODEL, X, never, folds, minimum_train=1).isna().all()


def test_frames_that_do_not_fit_are_named(past):
    market, X = past
    with pytest.raises(InvalidDataError, match="column `noise` is missing"):
        walk_onset(MODEL, X.drop(columns="noise"), ONSETS(market), SPLITS.folds(X.index))
    with pytest.raises(InvalidDataError, match="reindex both to the same sessions"):
        walk_onset(MODEL, X[1:], ONSETS(market), SPLITS.folds(X.index))
