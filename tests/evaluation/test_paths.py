"""A statistic over paths."""

import numpy as np
import pytest

from regime.errors import InvalidDataError
from regime.evaluation.paths import path_distribution


def test_each_path_is_measured_whole():
    paths = np.arange(12.0).reshape(3, 4)
    found = path_distribution(np.mean, paths, name="mean")
    assert found.values.tolist() == [1.5, 5.5, 9.5]
    assert found.mean == 5.5 and found.deviation == 4.0 and found.quantile(0.5) == 5.5
    assert found.share_above(5.5) == pytest.approx(1 / 3)
    assert str(found) == "mean: mean 5.5 over 3 paths, 1.5 to 9.5, deviation 4."


def test_a_statistic_may_read_all_regimes():
    assert path_distribution(
        lambda path: path[:, 2].max(), np.arange(24.0).reshape(1, 6, 4)
    ).values.tolist() == [22.0]


def test_one_path_has_no_spread():
    assert path_distribution(np.mean, np.ones((1, 4))).deviation == 0.0


def test_nothing_to_measure_is_refused():
    with pytest.raises(InvalidDataError, match="no paths"):
        path_distribution(np.mean, np.empty((0, 4)))
    with pytest.raises(InvalidDataError, match="nan on path 1"):
        path_distribution(np.mean, np.array([[1.0], [np.nan]]))
