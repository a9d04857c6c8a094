"""A search space described by its ranges, replayed from parameters, and its fingerprint."""

import pytest

from regime.errors import InvalidDataError
from regime.studies.tuning.trial import describe_space, fingerprint, replay


def space(trial):
    form = trial.suggest_categorical("form", ["linear", "trees"])
    penalty = trial.suggest_float("penalty", 1.0, 100.0, log=True)
    return form, penalty, trial.suggest_int("leaves", 3, 15) if form == "trees" else None


def test_the_ranges_of_both_branches_are_recorded():
    assert describe_space(space) == {
        "form": ["one of", "linear", "trees"],
        "leaves": ["int", 3, 15, 1, False],
        "penalty": ["float", 1.0, 100.0, None, True],
    }


def test_known_parameters_are_replayed():
    assert replay(space, {"form": "trees", "penalty": 30.0, "leaves": 7}) == ("trees", 30.0, 7)
    assert replay(space, {"form": "linear", "penalty": 30}) == ("linear", 30.0, None)


def test_parameters_of_another_space_are_refused():
    with pytest.raises(InvalidDataError, match=r"another search space: .*'leaves'"):
        replay(space, {"form": "trees", "penalty": 1.0})


def test_a_fingerprint_sees_every_value_and_no_order():
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert len({fingerprint({"a": value}) for value in (1, 2, "1", [1], None)}) == 5
    assert len(fingerprint("x", 12)) == 12
