"""Parameters of families are refused by name."""

import pytest

from regime.errors import ConfigError
from regime.feature import check_at_least


def test_parameters_below_a_bound_are_all_named():
    with pytest.raises(ConfigError) as refused:
        check_at_least(10, window=3, other=20, fast=0)
    assert refused.value.faults == (
        "window: must be at least 10, got 3",
        "fast: must be at least 10, got 0",
    )
