"""Exponential means of probabilities, as they come."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.models.smoothing import averaged_so_far

P = np.random.default_rng(7).uniform(size=200)


@pytest.mark.parametrize("halflife", [1.0, 2.0, 8.5])
def test_it_is_the_exponential_mean_from_the_first_row_on(halflife):
    expected = pd.Series(P).ewm(halflife=halflife, adjust=False).mean()
    np.testing.assert_allclose(averaged_so_far(P, halflife), expected, rtol=0, atol=1e-14)


def test_no_halflife_changes_no_bit_and_the_argument_stays():
    before = P.copy()
    assert averaged_so_far(P, 0.0).tobytes() == before.tobytes()
    averaged_so_far(P, 3.0)
    assert P.tobytes() == before.tobytes()


def test_later_rows_change_no_earlier_ones():
    assert averaged_so_far(P, 2.0)[:120].tobytes() == averaged_so_far(P[:120], 2.0).tobytes()


def test_rows_still_sum_to_one():
    table = np.random.default_rng(7).dirichlet(np.ones(4), 100)
    np.testing.assert_allclose(averaged_so_far(table, 2.0).sum(axis=1), 1.0, atol=1e-12)


def test_a_halflife_may_change_on_the_way():
    lives = np.r_[np.full(100, 2.0), np.zeros(50), np.full(50, 1.0)]
    mixed = averaged_so_far(P, lives)
    assert mixed[:100].tobytes() == averaged_so_far(P[:100], 2.0).tobytes()
    assert mixed[100:150].tobytes() == P[100:150].tobytes()
    assert mixed[150] == 0.5 * P[149] + 0.5 * P[150]


def test_a_negative_halflife_is_refused():
    with pytest.raises(ConfigError, match=r"smoothing: a halflife must be 0 or more, got -1\.0"):
        averaged_so_far(P, -1.0)
