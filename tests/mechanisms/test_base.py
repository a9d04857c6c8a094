"""What a mechanism may say: plain, finite, and its absence with a reason."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.mechanisms.base import MechanismReading, NoReading, plain


def test_values_become_plain():
    reading = MechanismReading(
        name="x",
        sentence="s",
        values={
            "a": np.float64(1.5),
            "b": np.int64(2),
            "c": math.nan,
            "d": pd.Timestamp("2024-01-05"),
            "e": [np.bool_(True), None],
            "f": {"g": (1, "h")},
            "i": pd.NaT,
        },
    )
    assert reading.to_dict() == {
        "available": True,
        "a": 1.5,
        "b": 2,
        "c": None,
        "d": "2024-01-05",
        "e": [True, None],
        "f": {"g": [1, "h"]},
        "i": None,
        "sentence": "s",
    }
    json.dumps(reading.to_dict(), allow_nan=False)


@pytest.mark.parametrize("value", [math.inf, -np.inf, object(), {1, 2}])
def test_what_json_cannot_carry_is_refused_with_its_place(value):
    with pytest.raises(InvalidDataError, match=r"flows\.up\[0\]"):
        plain({"up": [value]}, "flows")


def test_absence_says_why():
    absent = NoReading(name="gamma", reason="no chain")
    assert not absent.available and absent.to_dict() == {"available": False, "reason": "no chain"}
