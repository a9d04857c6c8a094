"""How a statistic is spread over the paths of combinatorial cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from regime.errors import InvalidDataError

__all__ = ["PathDistribution", "path_distribution"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PathDistribution:
    """One statistic on every path.

    Paths share their test sessions and most of their training rows: their spread says how much
    hangs on the choice of training years, and is **less** than what another history would bring. It
    is no standard error.

    Parameters
    ----------
    name : str
        What was measured.
    values : ndarray, shape (n_paths,)
        In order of the paths; no NaN.

    Examples
    --------
    >>> print(PathDistribution(name="log loss", values=np.array([0.31, 0.35, 0.33])))
    log loss: mean 0.33 over 3 paths, 0.31 to 0.35, deviation 0.02.
    """

    name: str
    values: np.ndarray

    @property
    def mean(self) -> float:
        """Average over the paths."""
        return float(np.mean(self.values))

    @property
    def deviation(self) -> float:
        """Standard deviation over the paths (divisor n - 1); 0 with one path."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0

    def quantile(self, share: float) -> float:
        """Value that a share of the paths does not exceed."""
        return float(np.quantile(self.values, share))

    def share_above(self, value: float) -> float:
        """Share of the paths strictly above a value."""
        return float(np.mean(self.values > value))

    def __str__(self) -> str:
        return (
            f"{self.name}: mean {self.mean:.3g} over {len(self.values)} paths, "
            f"{self.values.min():.3g} to "
            f"{self.values.max():.3g}, deviation {self.deviation:.2g}."
        )


def path_distribution(
    statistic: Callable[[np.ndarray], float], paths: np.ndarray, *, name: str = "statistic"
) -> PathDistribution:
    """Statistic of each path.

    Parameters
    ----------
    statistic : callable
        From the predictions of one whole path, shape (n_rows, ...), to a number.
    paths : ndarray, shape (n_paths, n_rows, ...)
        As assembled from the tests.
    name : str
        For the sentence.

    Raises
    ------
    InvalidDataError
        If there is no path, or the statistic of one is not finite.
    """
    if len(paths) == 0:
        raise InvalidDataError(f"{name}: there are no paths to take it over")
    values = np.array([float(statistic(path)) for path in paths])
    if not np.isfinite(values).all():
        odd = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InvalidDataError(
            f"{name}: it is {values[odd]} on path {odd}; leave out the rows that it cannot bear"
        )
    return PathDistribution(name=name, values=values)
