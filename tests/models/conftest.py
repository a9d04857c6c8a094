"""Labelled rows that any classifier of regimes can learn."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def sample():
    """Stress where `a` is high and `e` low; calm, fragile and recovery distinguished by `b`.

    Some gaps.
    """
    rng = np.random.default_rng(8)
    X = pd.DataFrame(rng.normal(size=(900, 6)), columns=list("abcdex"))
    stress = rng.random(900) < 1 / (1 + np.exp(-(1.5 * X["a"] - X["e"] - 1.5)))
    phase = np.digitize(X["b"] + rng.normal(0, 0.5, 900), [-0.5, 0.7])
    y = np.where(stress, "deleveraging", np.array(["calm", "fragile", "recovery"])[phase])
    return X.mask(rng.random(X.shape) < 0.03), y
