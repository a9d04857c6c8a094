"""Fixtures shared by all tests; the folder of real data comes from REGIME_REAL_DATA alone."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("REGIME_REAL_DATA")
    if not folder:
        pytest.skip("REGIME_REAL_DATA is not set")
    return Path(folder)
