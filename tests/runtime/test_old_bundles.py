"""Saved models of earlier versions give today what they gave when they were written.

`tests/golden/v1` holds a bundle that version 0.1.0 wrote (the demo on nine simulated years with a
small model) and the probabilities that it gave for 60 rows, as hexadecimal floats.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import regime

GOLDEN = Path(__file__).parents[1] / "golden" / "v1"


@pytest.fixture(scope="module")
def old():
    return regime.load_model(GOLDEN / "bundle")


def test_probabilities_of_version_1_are_reproduced(old):
    content = json.loads((GOLDEN / "probabilities.json").read_text())
    columns = {name: np.array(values, dtype=float) for name, values in content["columns"].items()}
    expected = [[float.fromhex(text) for text in row] for row in content["probabilities"]]
    # Equal bits on one machine; the exponential of another processor may differ in its last bits.
    np.testing.assert_array_max_ulp(old.predict_proba(columns), np.array(expected), maxulp=4)


def test_every_part_of_a_model_is_in_the_bundle_of_version_1(old):
    parts = old.parts
    assert len(parts.stress_boosters) == 2 and parts.linear is not None and parts.phase_booster
    assert {"rule", "training_window", "data_hash", "versions"} <= set(old.metadata)
