"""A market with planted regimes: states that no series shows, and the series that they move.

Four hidden regimes follow each other with random lengths. They set the drift and the pull of an
equity factor's volatility, of yields, credit spreads, funding and the dollar; every series is one of
these, or a mix of them with noise of its own. Each quantity draws from its own stream, so that a
longer world starts with the shorter one and a new series changes no old one.

Depends on: schema.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from regime.schema import REGIMES

__all__ = ["Draws", "Hidden", "hidden_states", "planted_regimes", "pulled"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CALM, FRAGILE, DELEVERAGING, RECOVERY = range(len(REGIMES))
YEAR = 252

# By regime, in REGIMES order.
LENGTH = (75, 22, 28, 45)  # median sessions
SPREAD = (0.6, 0.5, 0.6, 0.5)  # deviation of their logarithm
DRIFT = np.array([0.17, 0.03, -1.05, 0.75])  # equity, a year
VOLATILITY = np.array([0.105, 0.135, 0.27, 0.18])  # where it is pulled to, a year
TECH_DRIFT = np.array([0.03, -0.12, -0.15, 0.12])  # over the equity factor, a year
BREADTH_DRIFT = np.array([0.0, -0.10, -0.06, 0.05])  # of the average share, a year
YIELD_DRIFT = np.array([0.0, 0.9, -1.6, 0.5])  # 10-year, basis points a session
DOLLAR_DRIFT = np.array([0.0, 0.03, 0.18, -0.08])  # a year
CREDIT = np.log([3.6, 4.1, 8.0, 5.2])  # high-yield spread in percent, where it is pulled to
RESERVES = np.array([11.0, 9.5, 9.5, 16.0])  # share of central-bank assets in percent, where it is pulled to
RATE_DRIFT = np.array([1.2, 1.5, -5.0, -1.0])  # policy rate, basis points a session


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Random streams of one world, one a name.

    Parameters
    ----------
    seed : int
    n : int
        Sessions.
    """

    seed: int
    n: int

    def stream(self, name: str) -> np.random.Generator:
        """Generator of one name; the others do not move it."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def normal(self, name: str, n: int | None = None) -> Floats:
        """Standard normal numbers, shape (n,)."""
        return self.stream(name).standard_normal(self.n if n is None else n)

    def heavy(self, name: str) -> Floats:
        """Student's t of 5 degrees with variance 1, shape (n,)."""
        return np.asarray(self.stream(name).standard_t(5, self.n) * np.sqrt(3 / 5))


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """What moves the series, one value a session; rates in percent, returns as fractions.

    Parameters
    ----------
    regime : ndarray of int, shape (n,)
        Position in `REGIMES`.
    squeeze : ndarray of bool, shape (n,)
        Late in a fall for dollars: gold and Treasuries are sold too.
    equity, tech, breadth, dollar, gold : ndarray, shape (n,)
        Daily returns of the factors; `tech` and `breadth` are over the equity factor.
    volatility : ndarray, shape (n,)
        Equity's, a year.
    policy, yield10, term, credit, reserves : ndarray, shape (n,)
        Policy rate; 10-year yield; 30-year less 10-year; high-yield spread; reserves in percent of assets.
    """

    regime: Integers
    squeeze: npt.NDArray[np.bool_]
    equity: Floats
    tech: Floats
    breadth: Floats
    dollar: Floats
    gold: Floats
    volatility: Floats
    policy: Floats
    yield10: Floats
    term: Floats
    credit: Floats
    reserves: Floats


def planted_regimes(draws: Draws) -> tuple[Integers, npt.NDArray[np.bool_], Floats]:
    """Regime, dash for dollars and severity of each session.

    Calm turns fragile; fragile breaks in three cases of five, else calms down; a fall ends in recovery;
    one recovery in five fails. Half of the falls end in a dash for dollars.

    Returns
    -------
    tuple of ndarray, each shape (n,)
        Position in `REGIMES`; whether gold and Treasuries are sold; a factor on the fall's drift.
    """
    rng = draws.stream("regime")
    regime, squeeze, severity = (np.zeros(draws.n, dtype) for dtype in (np.int64, bool, float))
    state, first = CALM, 0
    while first < draws.n:
        length = 5 + round(LENGTH[state] * float(np.exp(SPREAD[state] * rng.standard_normal())))
        force, dash, turn = float(np.exp(0.3 * rng.standard_normal())), rng.random() < 0.5, rng.random()
        rows = slice(first, first + length)
        regime[rows], severity[rows] = state, force
        squeeze[first + length // 2:first + length] = dash and state == DELEVERAGING
        state, first = _next(state, turn), first + length
    return regime, squeeze, severity


def _next(state: int, turn: float) -> int:
    if state == FRAGILE:
        return DELEVERAGING if turn < 0.6 else CALM
    if state == RECOVERY:
        return DELEVERAGING if turn < 0.2 else CALM
    return {CALM: FRAGILE, DELEVERAGING: RECOVERY}[state]


def hidden_states(draws: Draws) -> Hidden:
    """Every factor of one world."""
    regime, squeeze, severity = planted_regimes(draws)
    shock = draws.heavy("equity")
    volatility = _volatility(regime, shock, draws)
    drift = DRIFT[regime] * np.where(regime == DELEVERAGING, severity, 1.0)
    equity = drift / YEAR + volatility * shock / YEAR ** 0.5
    policy, dash = _policy(regime, draws), squeeze * 1.0
    moves = (YIELD_DRIFT[regime] + 4.5 * dash + 4.5 * draws.normal("yield")) / 100
    return Hidden(
        regime=regime, squeeze=squeeze, equity=equity, volatility=volatility, policy=policy,
        tech=TECH_DRIFT[regime] / YEAR + 0.10 * draws.heavy("tech") / YEAR ** 0.5,
        breadth=BREADTH_DRIFT[regime] / YEAR + 0.05 * draws.heavy("breadth") / YEAR ** 0.5,
        dollar=(DOLLAR_DRIFT[regime] + 0.5 * dash) / YEAR - 0.12 * equity + 0.07 * draws.heavy("dollar") / YEAR ** 0.5,
        gold=(0.12 - 1.2 * dash) / YEAR + 0.15 * draws.heavy("gold") / YEAR ** 0.5,
        yield10=pulled(policy + 1.2, 0.008, moves, first=3.7).clip(0.3, 12),
        term=pulled(np.where(regime == FRAGILE, 0.9, 0.6), 0.01, 0.02 * draws.normal("term"), first=0.6).clip(0.05, 3),
        credit=np.exp(pulled(CREDIT[regime], 0.045, 0.022 * draws.normal("credit") - 1.2 * equity, first=CREDIT[0])),
        reserves=pulled(RESERVES[regime], 0.008, 0.10 * draws.normal("reserves"), first=13.0).clip(5, 30))


def pulled(target: Floats, speed: float, noise: Floats, *, first: float) -> Floats:
    """Path that moves a share `speed` of the way to its target each session, plus noise, shape (n,)."""
    steps = np.r_[first, target + noise / speed]
    return np.asarray(pd.Series(steps).ewm(alpha=speed, adjust=False).mean().to_numpy()[1:])


def _volatility(regime: Integers, shock: Floats, draws: Draws) -> Floats:
    """Pulled to the regime's; falls raise it from the next session on."""
    noise = 0.06 * (0.8 * draws.normal("volatility") - 0.6 * np.r_[0.0, shock[:-1]].clip(-4, 4))
    return np.exp(pulled(np.log(VOLATILITY[regime]), 0.09, noise, first=float(np.log(VOLATILITY[0]))))


def _policy(regime: Integers, draws: Draws) -> Floats:
    """Policy rate: a path between 0 and 6 percent, in quarter points, held for six weeks."""
    path = pulled(np.full(draws.n, 2.5), 0.002, (RATE_DRIFT[regime] + 1.5 * draws.normal("policy")) / 100, first=2.5)
    held = path[np.arange(draws.n) // 30 * 30]
    return np.asarray(np.round(held.clip(0.125, 6.0) * 4) / 4)
