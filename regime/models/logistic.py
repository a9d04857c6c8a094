"""Logistic regression on soft labels with a ridge penalty and signs that coefficients may not leave.

scikit-learn's takes neither soft labels nor bounds, and both are needed: a coefficient against its
prior is set to zero rather than fitted to an accident of one decade.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regime.arrays import Floats

__all__ = ["fit_logistic"]


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
