"""Dollar gamma of a book of options over a grid of spots, and the spots where its sign changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba as nb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.mechanisms.dealer_gamma.implied import ImpliedCarry
from regime.mechanisms.dealer_gamma.option_chain import Contracts

__all__ = ["CONVENTIONS", "GammaBook", "gamma_book", "spot_grid"]

_jit = nb.njit(cache=True, fastmath=False, error_model="numpy")

# Signs of dealers' calls and puts.
CONVENTIONS: dict[str, tuple[float, float]] = {
    "dealers_long_calls_short_puts": (1.0, -1.0),
    "dealers_short_calls_long_puts": (-1.0, 1.0),
    "dealers_long_all": (1.0, 1.0),
    "dealers_short_all": (-1.0, -1.0),
}
MULTIPLIER = 100.0
MOVE = 0.01
# Scan points between two of the grid, at most: options of the last hours swing within a fraction of
# a percent.
FINEST = 16
# Totals under this share of the profile's largest are rounding, not a sign.
ROUNDING = 1e-13


@dataclass(frozen=True, kw_only=True, eq=False)
class GammaBook:
    """What dealers are taken to hold.

    One weight an option, volatility kept by strike when the spot moves.

    Parameters
    ----------
    spot : float
    strike : ndarray, shape (n_options,)
    call : ndarray of bool, shape (n_options,)
    width : ndarray, shape (n_options,)
        Volatility times root of time.
    centre : ndarray, shape (n_options,)
        Log spot at which the option's d1 is half its width: log strike less the carry.
    weight : ndarray, shape (n_options,)
        Signed dollars a unit of spot: sign x contracts x multiplier x 1 % x exp(-q T) / width /
        root of 2 pi.

    Examples
    --------
    >>> book = GammaBook(
    ...     spot=100.0,
    ...     strike=np.array([95.0, 105.0]),
    ...     call=np.array([False, True]),
    ...     width=np.array([0.1, 0.1]),
    ...     centre=np.log([95.0, 105.0]),
    ...     weight=np.array([-1.0, 1.0]),
    ... )
    >>> [round(float(zero), 4) for zero in book.zeros(spot_grid(100.0, 0.15, 121))]
    [99.3768]
    """

    spot: float
    strike: Floats
    call: NDArray[np.bool_]
    width: Floats
    centre: Floats
    weight: Floats

    def dollars(self) -> Floats:
        """Signed dollar gamma per 1 % of each option at the spot, shape (n_options,)."""
        d1 = (math.log(self.spot) - self.centre) / self.width + 0.5 * self.width
        return np.asarray(self.weight * self.spot * np.exp(-0.5 * d1 * d1))

    def profile(self, spots: Floats) -> Floats:
        """Total at each spot, shape (n_spots,), dollars per 1 % move.

        The same bits whatever the other spots.
        """
        return _totals(
            np.ascontiguousarray(spots, dtype=np.float64), self.centre, self.width, self.weight
        )

    def by_strike(self) -> pd.DataFrame:
        """Dollars per 1 % of calls, puts and both at the spot, shape (n_strikes, 3), by strike."""
        by_option = pd.DataFrame(
            {
                "strike": self.strike,
                "calls": np.where(self.call, self.dollars(), 0.0),
                "puts": np.where(self.call, 0.0, self.dollars()),
            }
        )
        table = by_option.groupby("strike").sum()
        return table.assign(net=table["calls"] + table["puts"])

    def wall(self, *, call: bool) -> float | None:
        """Strike with the most dollar gamma of its calls, or of its puts, whoever holds it.

        None without any.
        """
        table = self.by_strike()["calls" if call else "puts"].abs()
        return float(table.idxmax()) if len(table) and table.max() > 0 else None

    def zeros(self, spots: Floats) -> Floats:
        """Every spot within the grid at which the total changes sign, shape (n_zeros,), rising.

        The grid is refined until its step is half the narrowest option's width (at most 16 times),
        and each change of sign is followed to the last digits.
        """
        scan = self._scan(spots)
        totals = self.profile(scan)
        floor = ROUNDING * float(np.abs(totals).max(initial=0.0))
        known = np.flatnonzero(np.abs(totals) > floor)
        turns = np.flatnonzero(np.diff(np.sign(totals[known])) != 0)
        return np.array(
            [
                _root(scan[known[i]], scan[known[i + 1]], self.centre, self.width, self.weight)
                for i in turns
            ],
            dtype=np.float64,
        )

    def _scan(self, spots: Floats) -> Floats:
        if not len(self.width) or len(spots) < 2:
            return spots
        step = float(np.diff(np.log(spots)).max())
        parts = min(max(math.ceil(2.0 * step / float(self.width.min())), 1), FINEST)
        share = np.arange(parts) / parts
        return np.append((spots[:-1, None] + np.diff(spots)[:, None] * share).ravel(), spots[-1])


def spot_grid(spot: float, width: float, points: int) -> Floats:
    """Spots in even steps around one, which is among them, shape (points,).

    Parameters
    ----------
    spot : float
    width : float
        Fraction of the spot on either side, in (0, 1).
    points : int
        Odd, at least 3.

    Raises
    ------
    ConfigError
        Naming the parameter out of range.
    """
    if not 0.0 < width < 1.0:
        raise ConfigError(f"width: must lie in (0, 1), got {width}")
    if points < 3 or points % 2 == 0:
        raise ConfigError(
            f"points: must be odd and at least 3, so that the spot itself is one, got {points}"
        )
    half = points // 2
    return np.asarray(spot * (1.0 + width * np.arange(-half, half + 1) / half))


def gamma_book(
    options: Contracts,
    volatility: Floats,
    carry: ImpliedCarry,
    convention: str,
    kept: NDArray[np.bool_] | None = None,
) -> GammaBook:
    """What dealers are taken to hold in a chain.

    Parameters
    ----------
    options : Contracts
    volatility : ndarray, shape (n_options,)
        Above 0 for those kept.
    carry : ImpliedCarry
    convention : str
        A key of `CONVENTIONS`.
    kept : ndarray of bool, shape (n_options,), optional
        Options of the book; all by default.

    Raises
    ------
    ConfigError
        If the convention is unknown.
    """
    if convention not in CONVENTIONS:
        raise ConfigError(
            f"convention: must be one of {', '.join(CONVENTIONS)}, got {convention!r}"
        )
    calls, puts = CONVENTIONS[convention]
    rows = slice(None) if kept is None else kept
    strike = options.strike[rows]
    years = options.years[rows]
    call = options.call[rows]
    rate = carry.rate[rows]
    dividends = carry.dividend_yield[rows]
    width = volatility[rows] * np.sqrt(years)
    scale = MULTIPLIER * MOVE * np.exp(-dividends * years) / (math.sqrt(2.0 * math.pi) * width)
    return GammaBook(
        spot=options.spot,
        strike=strike,
        call=call,
        width=width,
        centre=np.log(strike) - (rate - dividends) * years,
        weight=np.where(call, calls, puts) * options.open_interest[rows] * scale,
    )


@_jit
def _total(spot: float, centre: Floats, width: Floats, weight: Floats) -> float:
    total, log_spot = 0.0, math.log(spot)
    for i in range(centre.size):
        d1 = (log_spot - centre[i]) / width[i] + 0.5 * width[i]
        total += weight[i] * math.exp(-0.5 * d1 * d1)
    return spot * total


@_jit
def _totals(spots: Floats, centre: Floats, width: Floats, weight: Floats) -> Floats:
    """One core.

    Option by option in a fixed order, so that a spot's sum does not depend on the others.
    """
    logs, sums = np.log(spots), np.zeros(spots.size)
    for i in range(centre.size):
        scale = 1.0 / width[i]
        half = 0.5 * width[i]
        middle = centre[i]
        size = weight[i]
        for j in range(spots.size):
            d1 = (logs[j] - middle) * scale + half
            square = d1 * d1
            if square < 200.0:  # beyond, a share of 1e-43 of the option's own peak
                sums[j] += size * math.exp(-0.5 * square)
    return sums * spots


@_jit
def _root(low: float, high: float, centre: Floats, width: Floats, weight: Floats) -> float:
    """Spot between two of opposite sign at which the total is zero.

    Secants, with halving where they stick.
    """
    a, b = _total(low, centre, width, weight), _total(high, centre, width, weight)
    side = 0
    for step in range(200):
        if a == 0.0 or high - low <= 4e-16 * high:
            break
        middle = (low * b - high * a) / (b - a) if step % 3 < 2 else 0.5 * (low + high)
        if not low < middle < high:
            middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        value = _total(middle, centre, width, weight)
        if value == 0.0:
            return middle
        if (value > 0) == (a > 0):
            low, a = middle, value
            b = 0.5 * b if side == 1 else b
            side = 1
        else:
            high, b = middle, value
            a = 0.5 * a if side == -1 else a
            side = -1
    return low if abs(a) < abs(b) else high
