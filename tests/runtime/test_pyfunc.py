"""The door for mlflow: the same probabilities, as a frame."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import BundleError
from regime.runtime.formula import REGIMES
from regime.runtime.predict import load_model
from regime.runtime.pyfunc import _load_pyfunc


def test_the_frame_keeps_its_index_and_names_the_regimes(saved_bundle, golden_columns):
    frame = pd.DataFrame(
        golden_columns, index=pd.bdate_range("2020-01-01", periods=20, name="date")
    )
    answer = _load_pyfunc(str(saved_bundle)).predict(frame, params=None)
    assert tuple(answer.columns) == REGIMES and answer.index.equals(frame.index)
    np.testing.assert_array_equal(
        answer.to_numpy(), load_model(saved_bundle).predict_proba(golden_columns)
    )


def test_an_altered_bundle_is_refused_here_too(saved_bundle):
    (saved_bundle / "phase.txt").write_bytes(b"")
    with pytest.raises(BundleError, match="SHA-256"):
        _load_pyfunc(str(saved_bundle))
