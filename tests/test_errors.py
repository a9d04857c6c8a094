"""The tree of errors: exit codes, and how one or several faults read."""

import inspect
import pickle

import pytest

from regime import errors
from regime.errors import BundleError, InvalidDataError, RegimeError


def test_one_fault_is_a_sentence_and_several_are_a_list() -> None:
    assert str(RegimeError("a.csv: empty")) == "a.csv: empty"
    assert str(InvalidDataError(["a", "b"])) == "2 faults:\n  a\n  b"
    assert str(InvalidDataError(["a"])) == "a" and InvalidDataError(["a"]).faults == ("a",)


def test_every_error_has_its_exit_code_and_is_public() -> None:
    classes = {
        name: cls
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, Exception)
    }
    assert sorted(classes) == sorted(errors.__all__)
    assert {name: cls.exit_code for name, cls in classes.items()} == {
        "RegimeError": 1,
        "ConfigError": 2,
        "MissingDataError": 3,
        "InvalidDataError": 4,
        "BundleError": 4,
        "LeakageError": 5,
        "GateError": 6,
    }
    assert all(issubclass(cls, RegimeError) for cls in classes.values()) and issubclass(
        BundleError, InvalidDataError
    )


@pytest.mark.parametrize("faults", ["a", ("a", "b")])
def test_an_error_comes_back_whole_from_a_worker_process(faults: str | tuple[str, ...]) -> None:
    error = InvalidDataError(faults)
    again = pickle.loads(pickle.dumps(error))
    assert (
        type(again) is InvalidDataError
        and again.faults == error.faults
        and str(again) == str(error)
    )
