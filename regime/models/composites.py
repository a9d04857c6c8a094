"""Prior-signed composites: many weak columns as a few, each allowed to push one way only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.errors import ConfigError

__all__ = ["Loadings", "loadings"]

Loadings = Floats


def loadings(
    features: tuple[str, ...],
    core: tuple[str, ...],
    composites: Mapping[str, tuple[str, ...]],
    signs: Mapping[str, int],
    weight: float,
) -> tuple[Loadings, NDArray[np.int64]]:
    """Matrix from standard scores to the regressors of the linear part, and the sign each regressor may take.

    Parameters
    ----------
    features : tuple of str
        Columns of the scores.
    core : tuple of str
        Columns that enter on their own, with their expected sign (0: free).
    composites : mapping of str to tuple of str
        Members of each composite; its regressor is `weight` times the mean of the signed scores of
        its members, a missing one counting as 0, and may push up only.
    signs : mapping of str to int
        Expected sign of each feature.
    weight : float
        Scale of the composites against the core: the smaller, the more the penalty shrinks them.

    Returns
    -------
    tuple of ndarray, shapes (n_features, n_regressors) and (n_regressors,)

    Raises
    ------
    ConfigError
        If a member of a composite has no expected sign: it could not push the one allowed way.
    """
    unsigned = [
        f"composites: {group}: `{name}` has no expected sign; set `signs` to 1 or -1 for it, or "
        "leave it out"
        for group, members in composites.items()
        for name in members
        if not signs.get(name, 0)
    ]
    if unsigned:
        raise ConfigError(unsigned)
    position = {name: row for row, name in enumerate(features)}
    matrix = np.zeros((len(features), len(core) + len(composites)))
    for column, name in enumerate(core):
        matrix[position[name], column] = 1.0
    for column, members in enumerate(composites.values(), start=len(core)):
        for name in members:
            matrix[position[name], column] = weight * signs[name] / len(members)
    allowed = [signs.get(name, 0) for name in core] + [1] * len(composites)
    return matrix, np.asarray(allowed, dtype=np.int64)
