"""The simplest trial within one standard error of the best, on trials made by hand."""

import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.studies.tuning.selection import (
    choose_trial,
    fold_deviation,
    parameter_plateau,
    robust_mean,
    standard_error,
)


def trials(*rows):
    return pd.DataFrame(rows, columns=["state", "value", "standard_error"])


def fewest_leaves(leaves):
    return lambda number: (float(leaves[number]),)


def test_the_simplest_within_one_standard_error_is_kept():
    # best is 1 at .30 with an error of .05: 0 (.26) and 3 (.25) are within it, 2 (.249) is not
    table = trials(
        ("complete", 0.26, 0.1),
        ("complete", 0.30, 0.05),
        ("complete", 0.249, 0.2),
        ("complete", 0.25, 0.1),
    )
    found = choose_trial(table, fewest_leaves([7, 15, 2, 5]))
    assert (found.best, found.chosen, found.within) == (1, 3, (0, 1, 3))
    assert found.threshold == pytest.approx(0.25)


def test_the_errors_of_the_others_do_not_matter():
    table = trials(("complete", 0.2, 9.0), ("complete", 0.3, 0.01))
    assert choose_trial(table, fewest_leaves([1, 9])).chosen == 1


def test_of_equally_simple_ones_the_better_is_kept_and_of_equal_ones_the_earlier():
    table = trials(
        ("complete", 0.27, 0.1),
        ("complete", 0.30, 0.05),
        ("complete", 0.28, 0.1),
        ("complete", 0.28, 0.1),
    )
    assert choose_trial(table, fewest_leaves([3, 9, 3, 3])).chosen == 2


def test_pruned_failed_and_running_trials_are_not_chosen():
    table = trials(
        ("pruned", 0.9, 0.1),
        ("failed", float("nan"), 0.1),
        ("running", float("nan"), 0.1),
        ("complete", 0.1, 0.01),
    )
    found = choose_trial(table, fewest_leaves([1, 1, 1, 9]))
    assert (found.best, found.chosen, found.within) == (3, 3, (3,))


def test_a_study_without_a_complete_trial_has_no_choice():
    with pytest.raises(InvalidDataError, match="no complete trial"):
        choose_trial(trials(("pruned", 0.9, 0.1)), fewest_leaves([1]))


def test_the_plateau_tells_ranges_of_numbers_and_counts_of_words():
    params = [
        {"leaves": 3, "penalty": 10.0, "monotone": True, "depths": "2"},
        {"leaves": 9, "penalty": 30.0, "monotone": True, "depths": "1.5 2"},
        {"penalty": 90.0, "monotone": False, "depths": "2"},
    ]
    assert parameter_plateau(params) == {
        "depths": {"1.5 2": 1, "2": 2},
        "leaves": {"low": 3, "median": 6.0, "high": 9},
        "monotone": {"false": 1, "true": 2},
        "penalty": {"low": 10.0, "median": 30.0, "high": 90.0},
    }


def test_figures_over_folds_by_hand():
    folds = [0.1, 0.2, 0.6]  # mean .3; squares .04 + .01 + .09 = .14 over 2
    assert fold_deviation(folds) == pytest.approx(0.07**0.5)
    assert standard_error(folds) == pytest.approx((0.07 / 3) ** 0.5)
    assert robust_mean(folds, 0.5) == pytest.approx(0.3 - 0.5 * 0.07**0.5)
    assert robust_mean([0.4], 0.5) == 0.4 and fold_deviation([0.4]) == 0.0
