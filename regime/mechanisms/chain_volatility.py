"""The volatility of every option of a chain: as given, else solved from mid prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Booleans, Floats
from regime.mechanisms.black_scholes import implied_volatility
from regime.mechanisms.option_chain import Contracts
from regime.mechanisms.put_call_parity import Carry

__all__ = ["Volatilities", "chain_volatility"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Volatilities:
    """Volatility of each option and where it comes from.

    Parameters
    ----------
    values : ndarray of float64, shape (n_options,)
        Annualised fractions; NaN where nothing gives one.
    solved, of_twin : ndarray of bool, shape (n_options,)
        Solved from the option's own mid price; taken from the other option of its strike.
    """

    values: Floats
    solved: Booleans
    of_twin: Booleans


def chain_volatility(options: Contracts, carried: Carry) -> Volatilities:
    """Volatilities as given, and for those missing by put-call parity or from mid prices.

    An option out of the money is solved from its own mid price. One in the money has the volatility
    of its twin, the other option of its strike, as parity wants it: its own price is mostly
    intrinsic value, in which half a spread, or the right of early exercise, would pass for
    volatility. It is solved itself only where it has no twin.

    Parameters
    ----------
    options : Contracts
    carried : Carry

    Returns
    -------
    Volatilities, n_options
        NaN where a price is needed and there is no bid, or the bid holds no time value: every
        volatility down to 0 would fit, and the middle would be made up.
    """
    missing = np.isnan(options.volatility)
    if not missing.any():
        return Volatilities(values=options.volatility, solved=missing, of_twin=missing)
    forward = carried.quote_spot * np.exp((carried.rate - carried.dividend_yield) * options.years)
    inside = np.where(options.call, forward > options.strike, forward < options.strike)
    twin = _twins(options)
    own = missing & (~inside | (twin < 0))
    values = options.volatility.copy()
    values[own] = _solve(options, carried, own)
    lent = missing & ~own
    values[lent] = values[twin[lent]]
    return Volatilities(
        values=values, solved=own & np.isfinite(values), of_twin=lent & np.isfinite(values)
    )


def _twins(options: Contracts) -> NDArray[np.int64]:
    """Row of the other option of the same strike and expiry; -1 where there is none."""
    key = pd.MultiIndex.from_arrays([options.expiry, options.strike, options.call])
    other = pd.MultiIndex.from_arrays([options.expiry, options.strike, ~options.call])
    if key.is_unique:
        return np.asarray(key.get_indexer(other), dtype=np.int64)
    first = ~key.duplicated()
    return np.asarray(
        np.append(np.flatnonzero(first), -1)[key[first].get_indexer(other)], dtype=np.int64
    )


def _solve(options: Contracts, carried: Carry, rows: Booleans) -> Floats:
    bid, ask, call = options.bid[rows], options.ask[rows], options.call[rows]
    strike, years = options.strike[rows], options.years[rows]
    rate, dividends = carried.rate[rows], carried.dividend_yield[rows]

    def solve(premium: Floats) -> Floats:
        return implied_volatility(
            premium,
            carried.quote_spot,
            strike,
            years,
            call=call,
            rate=rate,
            dividend_yield=dividends,
        )

    return np.where((ask >= bid) & np.isfinite(solve(bid)), solve((bid + ask) / 2.0), np.nan)
