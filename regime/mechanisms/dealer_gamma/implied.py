"""Rate, dividend yield and volatility implied by a chain: put-call parity, then mid prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Booleans, Floats
from regime.mechanisms.dealer_gamma.black_scholes import implied_volatility
from regime.mechanisms.dealer_gamma.option_chain import EUROPEAN, Contracts

__all__ = ["ImpliedCarry", "Volatilities", "chain_volatility", "implied_carry"]

BAND = 0.05  # distance of a strike from the money, for parity
PAIRS = 5  # that an expiry needs
ODD_SLOPE = 0.5  # distance of its slope from -1
RATES = (-0.03, 0.15)  # that are plausible
ODD_FORWARD = 0.03  # distance of a forward from the spot, beyond the rate
# Years: from here on a discount factor gives a rate, until here forwards give the spot they were
# quoted on.
LONG = 0.25
SHORT = 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class ImpliedCarry:
    """Rate and yield of each option, and the spot its quotes were made on.

    Parameters
    ----------
    rate, dividend_yield : ndarray of float64, shape (n_options,)
        Continuous, a year, as fractions, to the option's own expiry.
    quote_spot : float
        The file's spot, or for an index, which stands still while its options trade on, the spot at
        which the forwards of the next three months meet.
    from_chain, expiries : int
        Expiries whose carry is read from their own quotes, and all of them.
    """

    rate: Floats
    dividend_yield: Floats
    quote_spot: float
    from_chain: int
    expiries: int


def implied_carry(
    options: Contracts, rate: float | None = None, dividend_yield: float | None = None
) -> ImpliedCarry:
    """Rate and yield as stated, or as put-call parity gives them, expiry by expiry.

    At each strike C - P = D (F - K); a line through the pairs near the money, weighted by how
    narrow they are quoted, gives discount factor D and forward F. One rate serves all expiries, the
    median of those of three months or more, as short ones leave D uncertain; forwards are each
    expiry's own, with a straight line between them where an expiry has none. Early exercise blurs
    parity for American options, least near the money.

    Parameters
    ----------
    options : Contracts
    rate, dividend_yield : float, optional
        Continuous, as fractions. If one is stated both are taken as stated, a missing one as 0.

    Returns
    -------
    ImpliedCarry
        0 and 0 where no expiry has five pairs whose quotes are a line of slope near -1.
    """
    expiries, first, expiry_number = np.unique(
        options.expiry, return_index=True, return_inverse=True
    )
    count = len(options.strike)
    if rate is not None or dividend_yield is not None:
        return ImpliedCarry(
            rate=np.full(count, rate or 0.0),
            dividend_yield=np.full(count, dividend_yield or 0.0),
            quote_spot=options.spot,
            from_chain=0,
            expiries=len(expiries),
        )
    fits = np.array(
        [_fit(options, np.flatnonzero(expiry_number == number)) for number in range(len(expiries))]
    )
    fits = fits.reshape(-1, 3)[~np.isnan(fits.reshape(-1, 3)[:, 0])]
    if not len(fits):
        return ImpliedCarry(
            rate=np.zeros(count),
            dividend_yield=np.zeros(count),
            quote_spot=options.spot,
            from_chain=0,
            expiries=len(expiries),
        )
    years, rates, gaps = fits.T
    flat = (
        float(np.median(rates[years >= LONG])) if (years >= LONG).any() else float(np.median(rates))
    )
    offset = _offset(years, gaps) if options.underlying in EUROPEAN else 0.0
    expiry_years = options.years[first]
    drift = np.interp(expiry_years, np.append(0.0, years), np.append(0.0, gaps - offset))
    drift = np.where(
        expiry_years > years[-1], (gaps[-1] - offset) * expiry_years / years[-1], drift
    )
    return ImpliedCarry(
        rate=np.full(count, flat),
        dividend_yield=(flat - drift / expiry_years)[expiry_number],
        quote_spot=options.spot * float(np.exp(offset)),
        from_chain=len(fits),
        expiries=len(expiries),
    )


def _offset(years: Floats, gaps: Floats) -> float:
    """Log forward over spot at no time at all.

    Medians of the short expiries, so that no single one rules.
    """
    near = years <= SHORT
    if near.sum() < 3:
        return 0.0
    t, gap = years[near], gaps[near]
    i, j = np.triu_indices(len(t), 1)
    slope = np.median((gap[j] - gap[i]) / (t[j] - t[i]))
    return float(np.median(gap - slope * t))


def _fit(options: Contracts, rows: NDArray[np.int64]) -> tuple[float, float, float]:
    """Years, rate, and log forward over spot of one expiry.

    NaN where its quotes do not give them.
    """
    strike, gap, weight = _pairs(options, rows)
    unknown = (np.nan, np.nan, np.nan)
    if len(strike) < PAIRS:
        return unknown
    total = weight.sum()
    middle, level = (weight * strike).sum() / total, (weight * gap).sum() / total
    slope = (weight * (strike - middle) * (gap - level)).sum() / (
        weight * (strike - middle) ** 2
    ).sum()
    years = float(options.years[rows[0]])
    if abs(slope + 1.0) > ODD_SLOPE:
        return unknown
    discount = min(max(-slope, np.exp(-RATES[1] * years)), np.exp(-RATES[0] * years))
    forward = middle + level / discount
    if not forward > 0 or abs(np.log(forward / options.spot)) > ODD_FORWARD + RATES[1] * years:
        return unknown
    return years, float(-np.log(discount) / years), float(np.log(forward / options.spot))


def _pairs(options: Contracts, rows: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Strikes that have both sides, call less put, and weights."""
    bid = options.bid[rows]
    ask = options.ask[rows]
    strike = options.strike[rows]
    usable = (bid > 0) & (ask >= bid) & (np.abs(strike / options.spot - 1.0) <= BAND)
    calls, puts = (np.flatnonzero(usable & (options.call[rows] == side)) for side in (True, False))
    _, left, right = np.intersect1d(strike[calls], strike[puts], return_indices=True)
    calls, puts = calls[left], puts[right]
    middle, spread = (bid + ask) / 2.0, ask - bid
    tick = 1e-6 * options.spot  # a locked quote is not exact
    return (
        strike[calls],
        middle[calls] - middle[puts],
        1.0 / (spread[calls] + spread[puts] + tick) ** 2,
    )


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


def chain_volatility(options: Contracts, carried: ImpliedCarry) -> Volatilities:
    """Volatilities as given, and for those missing by put-call parity or from mid prices.

    An option out of the money is solved from its own mid price. One in the money has the volatility
    of its twin, the other option of its strike, as parity wants it: its own price is mostly
    intrinsic value, in which half a spread, or the right of early exercise, would pass for
    volatility. It is solved itself only where it has no twin.

    Parameters
    ----------
    options : Contracts
    carried : ImpliedCarry

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
    direct = missing & (~inside | (twin < 0))
    values = options.volatility.copy()
    values[direct] = _solve(options, carried, direct)
    lent = missing & ~direct
    values[lent] = values[twin[lent]]
    return Volatilities(
        values=values, solved=direct & np.isfinite(values), of_twin=lent & np.isfinite(values)
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


def _solve(options: Contracts, carried: ImpliedCarry, rows: Booleans) -> Floats:
    bid = options.bid[rows]
    ask = options.ask[rows]
    call = options.call[rows]
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
