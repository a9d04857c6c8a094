"""Combinatorial splits against brute force on random spans, and inside scikit-learn."""

from itertools import combinations
from math import comb

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
from regime.splits.combinatorial import CombinatorialPurgedKFold

INDEX = pd.bdate_range("2000-01-03", periods=240, name="date")


def labels_from(span_end, known_at, index=INDEX, weights=None):
    """Labels with spans given by position; -1 is unknown."""
    known_at = np.asarray(known_at)
    table = np.full((len(index), 4), np.nan)
    table[known_at >= 0] = [0.0, 0.0, 1.0, 0.0] if weights is None else weights[known_at >= 0]

    def dates(rows):
        return pd.Series(index[np.maximum(rows, 0)].where(known_at >= 0), index=index)

    return Labels(
        weights=pd.DataFrame(table, index=index, columns=list(REGIMES)),
        span_end=dates(np.asarray(span_end)),
        known_at=dates(known_at),
    )


def instant(index=INDEX):
    rows = np.arange(len(index))
    return labels_from(rows, rows, index)


def random_spans(seed, reach):
    n = len(INDEX)
    rng, rows = np.random.default_rng(seed), np.arange(n)
    span = np.minimum(rows + rng.integers(0, reach + 1, n), n - 1)
    return span, np.where(rng.random(n) < 0.1, -1, np.minimum(span + rng.integers(0, 4, n), n - 1))


def brute_force(sessions, span, known, groups, test_groups, embargo):
    """Rows are compared two by two, in sessions.

    Nothing is shared with the splitter but the cut into groups.
    """
    parts = np.array_split(np.arange(len(sessions)), groups)
    for chosen in combinations(range(groups), test_groups):
        test = [row for group in chosen for row in parts[group]]
        train = []
        for s in (
            row
            for row in range(len(sessions))
            if row not in set(test) and known[sessions[row]] >= 0
        ):
            mine = set(range(sessions[s], max(span[sessions[s]], known[sessions[s]]) + 1))
            shared = near = False
            for group in chosen:
                reach = max(
                    max(sessions[t], span[sessions[t]], known[sessions[t]])
                    if known[sessions[t]] >= 0
                    else sessions[t]
                    for t in parts[group]
                )
                taken = set(range(sessions[parts[group][0]], reach + 1))
                shared |= bool(mine & taken)
                near |= 0 < sessions[s] - reach <= embargo
            if not (shared or near):
                train.append(s)
        yield train, sorted(test)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    groups=st.integers(2, 6),
    data=st.data(),
    embargo=st.integers(1, 12),
    reach=st.integers(0, 25),
    left_out=st.integers(0, 3),
)
def test_splits_equal_brute_force(seed, groups, data, embargo, reach, left_out):
    test_groups = data.draw(st.integers(1, groups - 1))
    span, known = random_spans(seed, reach)
    sessions = np.arange(len(INDEX))
    if left_out:  # rows of X may be missing; spans are still counted in sessions
        sessions = np.sort(
            np.random.default_rng(seed).choice(
                sessions, len(INDEX) // (left_out + 1), replace=False
            )
        )
    splits = CombinatorialPurgedKFold(groups=groups, test_groups=test_groups, embargo=embargo)
    expected = list(brute_force(sessions, span, known, groups, test_groups, embargo))
    if any(not train for train, _ in expected):
        with pytest.raises(InvalidDataError, match="reach over all other rows"):
            list(splits.split(INDEX[sessions], labels_from(span, known)))
        return
    found = list(splits.split(INDEX[sessions], labels_from(span, known)))
    assert [(train.tolist(), test.tolist()) for train, test in found] == expected


def test_six_groups_by_two_are_fifteen_splits_and_five_paths():
    splits = CombinatorialPurgedKFold(groups=6, test_groups=2)
    assert (splits.n_splits, splits.n_paths) == (15, 5)
    assert len(list(splits.split(INDEX, instant()))) == 15
    assert splits.paths().tolist() == [
        [0, 0, 1, 2, 3, 4],
        [1, 5, 5, 6, 7, 8],
        [2, 6, 9, 9, 10, 11],
        [3, 7, 10, 12, 12, 13],
        [4, 8, 11, 13, 14, 14],
    ]


@given(groups=st.integers(2, 9), data=st.data())
def test_each_split_serves_each_of_its_groups_in_one_path(groups, data):
    k = data.draw(st.integers(1, groups - 1))
    splits = CombinatorialPurgedKFold(groups=groups, test_groups=k)
    paths = splits.paths()
    assert paths.shape == (splits.n_paths, groups) and splits.n_paths * groups == k * comb(
        groups, k
    )
    used = sorted((int(number), group) for row in paths for group, number in enumerate(row))
    assert used == sorted(
        (number, group) for number, chosen in enumerate(splits.tested) for group in chosen
    )


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(9, 60), groups=st.integers(2, 6), data=st.data(), columns=st.integers(0, 3))
def test_paths_hold_every_row_once_from_a_split_that_tested_it(rows, groups, data, columns):
    splits = CombinatorialPurgedKFold(
        groups=groups, test_groups=data.draw(st.integers(1, groups - 1)), embargo=1
    )
    edges = splits.edges(rows)
    tests = [
        np.concatenate([np.arange(edges[g], edges[g + 1]) for g in chosen])
        for chosen in splits.tested
    ]
    parts = [
        np.add.outer(1000.0 * number + test, np.arange(columns))
        if columns
        else 1000.0 * number + test
        for number, test in enumerate(tests)
    ]
    paths = splits.assemble(parts, rows)
    assert paths.shape == (splits.n_paths, rows, *([columns] if columns else []))
    plain = paths[..., 0] if columns else paths
    assert (plain % 1000 == np.arange(rows)).all()
    for row in range(rows):
        made_by = [int(value) for value in plain[:, row] // 1000]
        assert made_by == [number for number, test in enumerate(tests) if row in test]


def test_a_label_that_rests_on_the_test_is_out_even_if_called_known():
    rows = np.arange(len(INDEX))
    splits = CombinatorialPurgedKFold(groups=4, test_groups=1, embargo=1)
    train, test = list(splits.split(INDEX, labels_from(np.minimum(rows + 30, 239), rows)))[2]
    assert test.tolist() == list(range(120, 180))
    assert train.tolist() == [
        *range(90),
        *range(211, 240),
    ]  # 90 rests on 120; 179 rests on 209, and one more


def test_embargo_follows_the_test_alone():
    train, _ = list(
        CombinatorialPurgedKFold(groups=4, test_groups=1, embargo=21).split(INDEX, instant())
    )[1]
    assert train.tolist() == [*range(60), *range(141, 240)]


class Watched(LogisticRegression):
    """Remembers the rows that it was fitted on."""

    def fit(self, X, y):
        self.rows_ = X.index
        return super().fit(X, y)


def test_inside_cross_validate():
    rng = np.random.default_rng(3)
    x = rng.standard_normal(len(INDEX))
    stress = (x + rng.standard_normal(len(INDEX)) > 0.5).astype(float)
    weights = np.column_stack([1 - stress, 0 * stress, stress, 0 * stress])
    rows = np.arange(len(INDEX))
    reach = np.minimum(rows + 15, len(INDEX) - 1)
    labels = labels_from(reach, reach, weights=weights)
    X = pd.DataFrame({"x": x}, index=INDEX)
    splits = CombinatorialPurgedKFold(groups=6, test_groups=2, embargo=5)
    found = cross_validate(
        Watched(),
        X,
        stress.astype(int),
        cv=splits.purged_by(labels),
        scoring="neg_log_loss",
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    assert len(found["test_score"]) == 15
    for (train, test), model, inside in zip(
        splits.split(X, labels), found["estimator"], found["indices"]["test"], strict=True
    ):
        assert model.rows_.equals(INDEX[train]) and (inside == test).all()
    parts = [
        model.predict_proba(X.iloc[test])[:, 1]
        for model, test in zip(found["estimator"], found["indices"]["test"], strict=True)
    ]
    paths = splits.assemble(parts, len(X))
    assert paths.shape == (5, len(INDEX)) and len(np.unique(paths.mean(axis=1))) == 5


def test_inside_a_grid_search():
    rows = np.arange(len(INDEX))
    x = np.random.default_rng(4).standard_normal(len(INDEX))
    labels = labels_from(np.minimum(rows + 10, len(INDEX) - 1), rows)
    splits = CombinatorialPurgedKFold(groups=4, test_groups=2, embargo=3)
    search = GridSearchCV(
        LogisticRegression(),
        {"C": [0.01, 1.0]},
        cv=splits.purged_by(labels),
        scoring="neg_log_loss",
        error_score="raise",
    ).fit(pd.DataFrame({"x": x}, index=INDEX), (x > 0.3).astype(int))
    assert search.n_splits_ == splits.n_splits == 6 and search.best_params_ == {"C": 1.0}


def test_an_array_as_y_is_refused_with_the_way_out():
    X = pd.DataFrame({"x": np.arange(240.0)}, index=INDEX)
    with pytest.raises(InvalidDataError, match=r"cv=splits\.purged_by"):
        cross_validate(LogisticRegression(), X, np.arange(240) % 2, cv=CombinatorialPurgedKFold())


def test_unknown_labels_never_train():
    known = np.where(np.arange(240) < 30, -1, np.arange(240))
    for train, _ in CombinatorialPurgedKFold(groups=4, test_groups=1).split(
        INDEX, labels_from(known, known)
    ):
        assert train.min() >= 30


def test_faults_are_named():
    splits, rows = CombinatorialPurgedKFold(groups=4, test_groups=2), np.arange(240)
    with pytest.raises(InvalidDataError, match="2000-12-01 of X has no label"):
        list(splits.split(INDEX, instant(INDEX[:239])))
    with pytest.raises(InvalidDataError, match="3 rows cannot make 4 groups"):
        list(splits.split(INDEX[:3], instant()))
    with pytest.raises(InvalidDataError, match="must be a DatetimeIndex"):
        list(splits.split(pd.DataFrame({"x": rows}), instant()))
    last = np.full(240, 239)
    with pytest.raises(InvalidDataError, match=r"split 0 of 6: .* take fewer groups"):
        list(splits.split(INDEX, labels_from(last, last)))
    with pytest.raises(InvalidDataError, match="6 splits of 240 rows"):
        splits.assemble([np.zeros(120)] * 5, 240)


@pytest.mark.parametrize(
    "bad",
    [
        {"groups": 1},
        {"test_groups": 0},
        {"test_groups": 6},
        {"embargo": 0},
        {"groups": 30, "test_groups": 15},
    ],
)
def test_arguments_out_of_range_are_named(bad):
    with pytest.raises(ConfigError, match=f"^{next(iter(bad))}: "):
        CombinatorialPurgedKFold(**bad)


def test_constructor_is_the_config_schema():
    assert build(CombinatorialPurgedKFold, {"groups": 8}, "x.yaml") == CombinatorialPurgedKFold(
        groups=8
    )
