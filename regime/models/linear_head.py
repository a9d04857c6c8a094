"""The linear head: signed composites of weak columns, and a logistic with bounds on signs.

scikit-learn's logistic takes neither soft labels nor bounds, and both are needed: a coefficient
against its prior is set to zero rather than fitted to one decade.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.errors import ConfigError

__all__ = [
    "fit_logistic",
    "loadings",
]


def loadings(
    features: tuple[str, ...],
    core: tuple[str, ...],
    composites: Mapping[str, tuple[str, ...]],
    signs: Mapping[str, int],
    weight: float,
) -> tuple[Floats, NDArray[np.int64]]:
    """Matrix from standard scores to the regressors of the linear head, and the sign of each.

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


def fit_logistic(
    x: Floats, y: Floats, *, penalty: float, signs: NDArray[np.int64]
) -> tuple[Floats, float]:
    """Coefficients and intercept of the penalised maximum-likelihood fit.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_regressors)
        Finite regressors on comparable scales.
    y : ndarray, shape (n_rows,)
        Share of the positive class, in [0, 1].
    penalty : float
        Added to the summed loss: half of it times the squared length of the coefficients; the
        intercept is free. (1 / C of scikit-learn.)
    signs : ndarray of int, shape (n_regressors,)
        +1: coefficient >= 0; -1: <= 0; 0: free.

    Returns
    -------
    tuple of ndarray, shape (n_regressors,), and float
    """
    from scipy.optimize import minimize

    low = np.where(signs > 0, 0.0, -np.inf)
    high = np.where(signs < 0, 0.0, np.inf)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        coef, intercept = parameters[:-1], parameters[-1]
        z = x @ coef + intercept
        error = 1.0 / (1.0 + np.exp(-np.clip(z, -700, 700))) - y
        value = float(np.sum(np.logaddexp(0.0, z) - y * z) + 0.5 * penalty * coef @ coef)
        return value, np.append(x.T @ error + penalty * coef, error.sum())

    share = float(np.clip(y.mean(), 1e-4, 1 - 1e-4))
    start = np.append(np.zeros(x.shape[1]), np.log(share / (1 - share)))
    bounds = [*zip(low, high, strict=True), (-np.inf, np.inf)]
    result = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-12},
    )
    return result.x[:-1], float(result.x[-1])
