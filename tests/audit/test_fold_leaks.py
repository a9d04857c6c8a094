"""Purge, embargo and refit of folds, against rows that break each rule by a known distance."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from regime.schema import REGIMES, Labels
from regime.studies.leakage.fold_leaks import TrainedFold, evenly_spaced, fold_findings
from tests.audit.planted.data import clean_folds, leaky_folds

DATES = pd.bdate_range("2019-01-01", periods=100, name="date")


@dataclass
class RefitBlock:
    refit: pd.Timestamp
    test: np.ndarray


def fold(train, known=3, test=range(60, 80), refit=59, missing=()):
    """Labels that are known some sessions after their row; a block after a refit."""
    weights = pd.DataFrame(np.tile([1.0, 0, 0, 0], (100, 1)), DATES, list(REGIMES))
    known_at = pd.Series(DATES, DATES).shift(-known)
    weights[known_at.isna().to_numpy()] = np.nan
    for row in missing:
        weights.iloc[row], known_at.iloc[row] = np.nan, pd.NaT
    labels = Labels(
        weights=weights, span_end=known_at.rename("span_end"), known_at=known_at.rename("known_at")
    )
    return TrainedFold(
        fold=RefitBlock(DATES[refit], np.asarray(test)), train=np.asarray(train), labels=labels
    )


def kinds(*folds, embargo=5):
    return [(item.kind, item.size) for item in fold_findings(folds, DATES, embargo=embargo)]


def test_rows_known_at_the_refit_pass():
    assert kinds(fold(range(55))) == []
    assert kinds(fold(range(57), known=0), embargo=3) == []


def test_a_label_known_after_the_refit_is_reported_with_its_distance():
    assert kinds(fold([10, 58])) == [("purge", 2), ("embargo", 4)]
    assert kinds(fold([10, 54], known=12)) == [("purge", 7)]


def test_a_row_of_the_block_or_without_a_label_is_reported():
    assert kinds(fold([10, 63])) == [("purge", 7)]
    assert kinds(fold([10, 20], missing=[20])) == [("purge", 1)]


def test_too_short_an_embargo_is_measured():
    assert kinds(fold(range(50), known=0), embargo=12) == [("embargo", 2)]


def test_a_refit_inside_its_block_and_a_session_forecast_twice_are_reported():
    assert kinds(fold(range(40), refit=62)) == [("refit", 3)]
    assert kinds(fold(range(40)), fold(range(40), test=range(79, 90), refit=78)) == [("refit", 1)]


@pytest.mark.parametrize("seed", range(6))
def test_leaky_folds_are_detected_and_those_of_the_splitter_pass(seed):
    def rng():
        return np.random.default_rng(seed)

    trained, sessions, embargo = clean_folds(rng())
    assert any(item.train.size for item in trained)
    assert fold_findings(trained, sessions, embargo=embargo) == []
    trained, sessions, embargo = leaky_folds(rng())
    assert fold_findings(trained, sessions, embargo=embargo)


def test_items_are_spaced_from_first_to_last():
    assert evenly_spaced([0, 1, 2, 3, 4], 3) == [0, 2, 4]
    assert evenly_spaced([0, 1], 5) == [0, 1]
    assert evenly_spaced([], 5) == []
