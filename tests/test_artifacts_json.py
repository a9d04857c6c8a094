"""One coercion to JSON: what it makes plain, and what it refuses."""

import math
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.artifacts import to_json_records, to_json_value
from regime.errors import InvalidDataError


def test_values_become_plain():
    value = {
        1: np.float32(0.5),
        "array": np.array([[1.0, math.nan]]),
        "dates": [date(2024, 1, 5), pd.Timestamp("2024-01-05"), pd.NaT],
        "set": {"b", "a"},
        "path": Path("a") / "b",
        "flags": (True, np.bool_(False), None),
    }
    assert to_json_value(value, "x") == {
        "1": 0.5,
        "array": [[1.0, None]],
        "dates": ["2024-01-05", "2024-01-05", None],
        "set": ["a", "b"],
        "path": "a/b",
        "flags": [True, False, None],
    }


@pytest.mark.parametrize("value", [math.inf, -np.inf, object(), b"bytes"])
def test_what_json_cannot_carry_is_refused_with_its_location(value):
    with pytest.raises(InvalidDataError, match=r"flows\.up\[0\]"):
        to_json_value({"up": [value]}, "flows")


def test_infinities_may_become_null():
    assert to_json_value([math.inf, 1.5], "x", infinite_as_null=True) == [None, 1.5]
    table = pd.DataFrame({"a": [1, 2], "b": [-math.inf, math.nan], "c": [pd.NaT, "x"]})
    assert to_json_records(table) == [{"a": 1, "b": None, "c": None}, {"a": 2, "b": None, "c": "x"}]
