"""Folds against their definition; purge and embargo against brute force on random spans."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate

from regime.config import build
from regime.errors import ConfigError, InvalidDataError
from regime.schema import REGIMES, Labels
from regime.splits.walk_forward import PurgedWalkForward

INDEX = pd.bdate_range("2000-01-03", "2004-12-31", name="date")


def labels_from(span_end, known_at, *, positive=True, index=INDEX):
    """Labels with spans given by position; -1 is unknown."""
    known_at = np.asarray(known_at)
    weights = np.full((len(index), 4), np.nan)
    weights[known_at >= 0] = [0.0, 0.0, 1.0, 0.0] if positive else [1.0, 0.0, 0.0, 0.0]

    def dates(rows):
        return pd.Series(index[np.maximum(rows, 0)].where(known_at >= 0), index=index)

    return Labels(
        weights=pd.DataFrame(weights, index=index, columns=list(REGIMES)),
        span_end=dates(np.asarray(span_end)),
        known_at=dates(known_at),
    )


def instant(index=INDEX, **options):
    rows = np.arange(len(index))
    return labels_from(rows, rows, index=index, **options)


def splitter(**options):
    return PurgedWalkForward(**{"first_test": date(2002, 1, 1), "minimum_train": 1, **options})


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    months=st.integers(1, 12),
    embargo=st.integers(1, 80),
    reach=st.integers(0, 400),
)
def test_train_rows_equal_brute_force(seed, months, embargo, reach):
    rng, n, rows = np.random.default_rng(seed), len(INDEX), np.arange(len(INDEX))
    span = np.minimum(rows + rng.integers(0, reach + 1, n), n - 1)
    known = np.where(rng.random(n) < 0.1, -1, np.minimum(span + rng.integers(0, 5, n), n - 1))
    labels, split = labels_from(span, known), splitter(refit_months=months, embargo=embargo)
    for fold in split.folds(INDEX):
        first = fold.test[0]
        expected = [
            t
            for t in rows
            if known[t] >= 0 and known[t] < first and span[t] < first and t < first - embargo
        ]
        assert split.train_rows(fold, labels).tolist() == expected


@settings(max_examples=40, deadline=None)
@given(
    start=st.dates(date(1999, 1, 1), date(2006, 1, 1)),
    months=st.integers(1, 24),
    cut=st.integers(1, len(INDEX)),
)
def test_folds_tile_the_calendar_and_later_sessions_change_none(start, months, cut):
    split = PurgedWalkForward(first_test=start, refit_months=months)
    whole, part = split.folds(INDEX), split.folds(INDEX[:cut])
    for fold in whole:
        assert INDEX[fold.test[0] - 1] == fold.refit and (np.diff(fold.test) == 1).all()
    tests = np.concatenate([fold.test for fold in whole]) if whole else np.array([], int)
    assert (np.diff(tests) == 1).all()
    covered = np.flatnonzero(pd.Timestamp(start) <= INDEX)
    assert set(tests) <= set(covered)
    if start > INDEX[0].date():
        assert set(tests) == set(covered)
    assert len(part) <= len(whole)
    for fold, longer in zip(part, whole, strict=False):
        assert fold.refit == longer.refit and (fold.test == longer.test[longer.test < cut]).all()


def test_blocks_by_hand():
    folds = splitter(first_test=date(2004, 1, 31), refit_months=1).folds(INDEX)
    firsts = [f"{INDEX[fold.test[0]]:%m-%d}" for fold in folds[:4]]
    assert firsts == [
        "02-02",
        "03-01",
        "03-31",
        "04-30",
    ]  # month ends are counted from the first day, not drifted
    assert folds[0].refit == pd.Timestamp("2004-01-30") and folds[-1].test[-1] == len(INDEX) - 1


def test_span_that_reaches_the_block_is_purged_even_if_called_known():
    rows = np.arange(len(INDEX))
    labels = labels_from(np.minimum(rows + 300, len(INDEX) - 1), rows)
    split = splitter(embargo=1)
    for fold in split.folds(INDEX):
        chosen = split.train_rows(fold, labels)
        assert (chosen + 300 < fold.test[0]).all() and len(chosen) == max(fold.test[0] - 300, 0)


def test_folds_that_cannot_be_trained_are_skipped():
    split = splitter(minimum_train=700)
    served = [test[0] for _, test in split.split(INDEX, instant())]
    assert served == [fold.test[0] for fold in split.folds(INDEX) if fold.test[0] - 21 >= 700]
    assert 0 < len(served) < len(split.folds(INDEX))
    assert list(split.split(INDEX, instant(positive=False))) == []


def test_split_takes_a_frame_and_labels_made_again_at_each_refit():
    seen = []

    def labeller(refit):
        seen.append(refit)
        cut = INDEX.get_loc(refit)
        known = np.where(np.arange(len(INDEX)) <= cut, cut, -1)
        return labels_from(known, known)

    split, frame = splitter(), pd.DataFrame({"x": 0.0}, index=INDEX)
    pairs = list(split.split(frame, labeller))
    assert seen == [fold.refit for fold in split.folds(INDEX)]
    for train, test in pairs:
        assert train.tolist() == list(range(test[0] - 21))


def test_labels_fitted_after_the_refit_train_nothing():
    last = np.full(len(INDEX), len(INDEX) - 1)
    assert list(splitter().split(INDEX, labels_from(last, last))) == []


def test_labels_over_another_index_are_refused():
    split, other = splitter(), INDEX[5:]
    with pytest.raises(InvalidDataError, match="is not 2001-12-31, the fold's refit"):
        split.train_rows(split.folds(INDEX)[0], instant(other))
    fold = split.folds(INDEX)[-1]
    with pytest.raises(InvalidDataError, match="make labels and folds over one index"):
        split.train_rows(fold, instant(INDEX[: fold.test[0] - 1]))


def test_labels_may_end_at_the_refit():
    split = splitter()
    for fold in split.folds(INDEX):
        known = INDEX[: fold.test[0]]
        np.testing.assert_array_equal(
            split.train_rows(fold, instant(known)), split.train_rows(fold, instant(INDEX))
        )


@pytest.fixture(scope="module")
def learnable():
    """Features and outcomes where the label is known, and labels that reach 15 sessions ahead."""
    rng, rows = np.random.default_rng(3), np.arange(len(INDEX))
    known = np.where(rows % 40 == 7, -1, np.minimum(rows + 15, len(INDEX) - 1))
    x = rng.standard_normal(len(INDEX))
    X = pd.DataFrame({"x": x}, index=INDEX)[known >= 0]
    y = (x + rng.standard_normal(len(INDEX)) > 0.5).astype(int)[known >= 0]
    return X, y, labels_from(known, known)


class Watched(LogisticRegression):
    """Remembers the rows that it was fitted on."""

    def fit(self, X, y):
        self.rows_ = X.index
        return super().fit(X, y)


def test_inside_cross_validate(learnable):
    X, y, labels = learnable
    splits = splitter(refit_months=3)
    cv = splits.purged_by(labels)
    found = cross_validate(
        Watched(),
        X,
        y,
        cv=cv,
        scoring="neg_log_loss",
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    assert len(found["test_score"]) == cv.get_n_splits(X, y) == len(splits.folds(INDEX)) == 12
    for fold, model, test in zip(
        splits.folds(INDEX), found["estimator"], found["indices"]["test"], strict=True
    ):
        rows = splits.train_rows(fold, labels)
        assert model.rows_.equals(INDEX[rows]) and model.rows_[-1] < fold.refit
        assert X.index[test].equals(INDEX[fold.test].intersection(X.index))


def test_inside_a_grid_search(learnable):
    X, y, labels = learnable
    search = GridSearchCV(
        LogisticRegression(),
        {"C": [0.001, 1.0]},
        cv=splitter(minimum_train=700).purged_by(labels),
        scoring="neg_log_loss",
        error_score="raise",
    ).fit(X, y)
    served = list(splitter(minimum_train=700).split(X, labels))
    assert search.n_splits_ == len(served) < len(splitter().folds(INDEX))
    assert search.best_params_ == {"C": 1.0}


def test_rows_left_out_of_x_are_out_and_no_other_row_moves(learnable):
    X, _, labels = learnable
    whole = list(splitter().split(INDEX, labels))
    for (train, test), (part, block) in zip(whole, splitter().split(X, labels), strict=True):
        assert X.index[part].equals(INDEX[train].intersection(X.index))
        assert X.index[block].equals(INDEX[test].intersection(X.index))


def test_what_carries_no_spans_is_refused(learnable):
    X, y, labels = learnable
    with pytest.raises(InvalidDataError, match=r"cv=splits\.purged_by"):
        cross_validate(LogisticRegression(), X, y, cv=splitter(), error_score="raise")
    with pytest.raises(InvalidDataError, match="give both"):
        splitter().get_n_splits()
    late = X.set_axis(X.index + pd.Timedelta(days=3650))
    with pytest.raises(InvalidDataError, match="of X has no label"):
        list(splitter().split(late, labels))
    assert splitter().get_n_splits(INDEX, labels) == 6


def test_no_folds_without_sessions():
    assert splitter().folds(INDEX[:0]) == ()
    assert splitter(first_test=date(2010, 1, 1)).folds(INDEX) == ()


@pytest.mark.parametrize(
    "bad", [{"refit_months": 0}, {"embargo": 0}, {"minimum_train": 0}, {"first_test": "2005-01-01"}]
)
def test_arguments_out_of_range_are_named(bad):
    with pytest.raises(ConfigError, match=f"^{next(iter(bad))}: "):
        splitter(**bad)


def test_constructor_is_the_config_schema():
    built = build(PurgedWalkForward, {"first_test": date(2005, 1, 3), "refit_months": 1}, "x.yaml")
    assert built == PurgedWalkForward(first_test=date(2005, 1, 3), refit_months=1)
    with pytest.raises(ConfigError, match="unknown key `horizn`"):
        build(PurgedWalkForward, {"first_test": date(2005, 1, 3), "horizn": 21}, "x.yaml")
