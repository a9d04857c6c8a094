"""European options: price, gamma and implied volatility, one closed form for whole chains.

The underlying pays a continuous yield and money earns a continuous rate. Everything that a formula
needs is then the forward F = S exp((r - q) T), the discount factor and the width, volatility times
root of time.

NaN rule, everywhere: an option whose spot, strike, time or volatility is missing or not above 0 is
NaN.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np
from numpy.typing import ArrayLike

from regime.arrays import Floats

__all__ = ["gamma", "implied_volatility", "price"]

_jit = nb.njit(cache=True, fastmath=False, error_model="numpy")
ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
# Widths between which volatilities are looked for, and steps of the search, of which ten are usual.
NARROW = 1e-8
WIDE = 40.0
STEPS = 200


def price(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    *,
    call: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Floats:
    """Price of European options, the arguments broadcast against each other.

    Parameters
    ----------
    spot, strike : array_like, in one currency
    years : array_like
        Time to expiry.
    volatility : array_like
        Annualised, as a fraction.
    call : array_like of bool
        Whether the option is a call; a put else.
    rate, dividend_yield : array_like
        Continuous, a year, as fractions.

    Returns
    -------
    ndarray of float64, of the broadcast shape, in the currency of the spot

    **Source:** Black and Scholes (1973), Merton (1973).
    """
    shape, (s, k, t, v, r, q, c) = _flat(
        spot, strike, years, volatility, rate, dividend_yield, call
    )
    return _prices(s, k, t, v, r, q, c).reshape(shape)


def gamma(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Floats:
    """Change of delta per unit of the spot, the same for the call and the put of one strike.

    Parameters
    ----------
    spot, strike : array_like, in one currency
    years : array_like
        Time to expiry.
    volatility : array_like
        Annualised, as a fraction.
    rate, dividend_yield : array_like
        Continuous, a year, as fractions.

    Returns
    -------
    ndarray of float64, of the broadcast shape, one over the currency of the spot

    Examples
    --------
    >>> round(float(gamma(5000, 5000, 30 / 365, 0.20)), 8)
    0.00139097
    """
    shape, (s, k, t, v, r, q) = _flat(spot, strike, years, volatility, rate, dividend_yield)
    return _gammas(s, k, t, v, r, q).reshape(shape)


def implied_volatility(
    premium: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    *,
    call: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Floats:
    """Volatility at which the formula gives the premium.

    The option is turned into the one out of the money by parity, whose price is all time value, and
    the logarithm of that price is solved by Newton's method held within a bracket.

    Parameters
    ----------
    premium : array_like
        Price, such as the middle of bid and ask.
    spot, strike : array_like, in one currency
    years : array_like
        Time to expiry.
    call : array_like of bool
        Whether the option is a call; a put else.
    rate, dividend_yield : array_like
        Continuous, a year, as fractions.

    Returns
    -------
    ndarray of float64, of the broadcast shape, annualised fraction
        NaN as well where the premium is at or beyond a bound of no arbitrage, so that no volatility
        fits.
    """
    shape, (p, s, k, t, r, q, c) = _flat(premium, spot, strike, years, rate, dividend_yield, call)
    return _implied(p, s, k, t, r, q, c).reshape(shape)


def _flat(*values: ArrayLike) -> tuple[tuple[int, ...], list[Floats]]:
    arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
    return arrays[0].shape, [np.array(array).ravel() for array in arrays]


@_jit
def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@_jit
def _time_value(x: float, width: float) -> float:
    """Undiscounted price of the option out of the money over sqrt(forward x strike); x <= 0."""
    return math.exp(0.5 * x) * _normal(x / width + 0.5 * width) - math.exp(-0.5 * x) * _normal(
        x / width - 0.5 * width
    )


@_jit
def _prices(
    spot: Floats,
    strike: Floats,
    years: Floats,
    volatility: Floats,
    rate: Floats,
    dividends: Floats,
    call: Floats,
) -> Floats:
    out = np.full(spot.size, np.nan)
    for i in range(spot.size):
        if spot[i] > 0 and strike[i] > 0 and years[i] > 0 and volatility[i] > 0:
            discount = math.exp(-rate[i] * years[i])
            forward = spot[i] * math.exp((rate[i] - dividends[i]) * years[i])
            sign = 1.0 if call[i] else -1.0
            inside = max(sign * (forward - strike[i]), 0.0)
            x, width = -abs(math.log(forward / strike[i])), volatility[i] * math.sqrt(years[i])
            out[i] = discount * (
                inside + math.sqrt(forward * strike[i]) * max(_time_value(x, width), 0.0)
            )
    return out


@_jit
def _gammas(
    spot: Floats, strike: Floats, years: Floats, volatility: Floats, rate: Floats, dividends: Floats
) -> Floats:
    out = np.full(spot.size, np.nan)
    for i in range(spot.size):
        if spot[i] > 0 and strike[i] > 0 and years[i] > 0 and volatility[i] > 0:
            width = volatility[i] * math.sqrt(years[i])
            d1 = (
                math.log(spot[i] / strike[i]) + (rate[i] - dividends[i]) * years[i]
            ) / width + 0.5 * width
            out[i] = math.exp(-dividends[i] * years[i] - 0.5 * d1 * d1) / (
                ROOT_TWO_PI * spot[i] * width
            )
    return out


@_jit
def _implied(
    premium: Floats,
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividends: Floats,
    call: Floats,
) -> Floats:
    out = np.full(premium.size, np.nan)
    for i in range(premium.size):
        if spot[i] > 0 and strike[i] > 0 and years[i] > 0 and premium[i] > 0:
            forward = spot[i] * math.exp((rate[i] - dividends[i]) * years[i])
            sign = 1.0 if call[i] else -1.0
            value = premium[i] * math.exp(rate[i] * years[i]) - max(
                sign * (forward - strike[i]), 0.0
            )
            x = -abs(math.log(forward / strike[i]))
            out[i] = _width(x, value / math.sqrt(forward * strike[i])) / math.sqrt(years[i])
    return out


@_jit
def _width(x: float, target: float) -> float:
    """Width at which the time value is `target`; NaN outside (0, exp(x / 2))."""
    if not 0.0 < target < math.exp(0.5 * x):
        return np.nan
    low = NARROW
    high = WIDE
    goal = math.log(target)
    width = max(
        math.sqrt(-2.0 * x), 2.5 * target
    )  # where the price bends, or the rule at the money
    for _ in range(STEPS):
        value = _time_value(x, width)
        gap = math.log(value) - goal if value > 0 else -np.inf
        if gap > 0:
            high = width
        else:
            low = width
        d1 = x / width + 0.5 * width
        slope = math.exp(0.5 * x - 0.5 * d1 * d1) / ROOT_TWO_PI
        after = width - gap * value / slope if slope > 0 and value > 0 else low
        if not low < after < high:
            after = math.sqrt(low * high)
        if abs(after - width) <= 1e-15 * width or high - low <= 1e-15 * high:
            return after
        width = after
    return width
