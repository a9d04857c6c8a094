"""What a mechanism may say: plain and finite, or a reason why it is unavailable."""

import json
import math

import numpy as np
import pandas as pd

from regime.mechanisms.base import MechanismReading, NoReading


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


def test_absence_says_why():
    silent = NoReading(name="gamma", reason="no chain")
    assert not silent.available and silent.to_dict() == {"available": False, "reason": "no chain"}
