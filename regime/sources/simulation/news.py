"""Exogenous news, ordinary and sudden.

Shocks, slow bear markets and decrees may set selling off.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.schema import YEAR
from regime.sources.simulation.draws import Draws, pulled
from regime.sources.simulation.rules import (
    COMMODITY,
    CRYPTO,
    EQUITY,
    GOLD,
    MARKETS,
    TECH,
    TREASURY,
    Rules,
)

__all__ = ["KINDS", "News", "Shock", "draw_news"]

MOOD = 0.6  # share of equity news that wears off
MOOD_HALFLIFE = 30.0  # sessions in which half of it has
# Slow bear markets of fundamentals: how many a year, sessions from and to, and drift, log a year.
BEARS_A_YEAR = 0.13
BEAR_LENGTH = (140, 300)
BEAR_DRIFT = -0.34


class Shock(NamedTuple):
    """A kind of news that comes suddenly; moves are means, log."""

    rate: float  # a year
    sessions: int  # most that one takes to become known
    equity: float
    points: float  # of the 10-year yield
    commodity: float
    gold: float
    tech: float
    crypto: float


KINDS = {
    "growth": Shock(1.6, 2, -0.024, -0.10, -0.04, 0.01, 0.00, 0.0),
    "rates": Shock(1.2, 2, -0.022, 0.22, 0.00, -0.01, -0.02, 0.0),
    "war": Shock(0.8, 2, -0.022, -0.04, 0.06, 0.03, 0.00, 0.0),
    "earnings": Shock(1.6, 14, -0.045, -0.08, -0.02, 0.00, -0.01, 0.0),
    "decree": Shock(1.7, 3, 0.0, 0.0, 0.0, 0.0, 0.0, -0.12),  # one regulator on one market
}


class News(NamedTuple):
    """Exogenous paths of one simulation, n sessions.

    The treasury column of `moves` is that of the 10-year yield, in points. `shocks` is 0 for none,
    else 1 + position in `KINDS`, on the first session of a shock.
    """

    moves: Floats  # (n, n_markets), log return
    nervous: Floats  # (n,), deviation of equity news over its usual one
    shocks: Integers  # (n,)
    bear: Floats  # (n,), 1 in a slow bear market of fundamentals
    macro: Floats  # (n,), cyclical position of the economy: what the policy rate follows
    stock_bond: Floats  # (n,), points of yield per unit of equity return
    orders: Floats  # (n,), what households want of equity, in their usual deviations
    account: Floats  # (n,), the Treasury's account, share of central-bank assets
    left: Integers  # (n,), weekdays of the month still to come


def draw_news(draws: Draws, rules: Rules, sessions: pd.DatetimeIndex) -> News:
    """Exogenous paths over `sessions`; a longer simulation begins with the shorter one's."""
    era = draws.wobble("era", 0.46, 300.0) + draws.wobble("season", 0.15, 25.0) - 0.11
    shocks, jumps, burst = _shocks(draws)
    bear = _bears(draws)
    nervous = np.exp(era + burst - 0.15 * bear)
    macro = draws.wobble("macro", 1.0, 420.0)
    return News(
        moves=_moves(draws, rules, era, nervous, bear, jumps),
        nervous=nervous,
        shocks=shocks,
        bear=bear,
        macro=macro,
        stock_bond=2.6 - 1.3 * macro + draws.wobble("correlation", 0.6, 250.0),
        orders=draws.heavy("orders", 6.0),
        account=0.06 * np.exp(draws.wobble("account", 0.3, 40.0)),
        left=_left(sessions),
    )


def _moves(
    draws: Draws, rules: Rules, era: Floats, nervous: Floats, bear: Floats, jumps: Floats
) -> Floats:
    """News by market: equity follows the nervousness of its time, the others half of the era's."""
    noise = np.column_stack([draws.heavy(f"news {market}", 6.0) for market in MARKETS])
    moves = noise * rules.news / YEAR**0.5 * np.exp(0.4 * era)[:, None]
    moves[:, EQUITY] = noise[:, EQUITY] * rules.news[EQUITY] / YEAR**0.5 * nervous
    points_of_yield = 0.055 * draws.normal("news treasury") * np.exp(0.3 * era)
    moves[:, TREASURY] = points_of_yield
    moves += jumps
    moves[:, EQUITY] = _partly_regained(moves[:, EQUITY])
    moves[:, EQUITY] += bear * BEAR_DRIFT / YEAR * np.exp(0.4 * draws.wobble("bear", 1.0, 150.0))
    # Bad news comes in shocks; the rest of the news makes up for it, so that growth stays the
    # trend.
    moves[:, EQUITY] -= (
        sum(shock.rate * shock.equity for shock in KINDS.values()) * (1 - MOOD) / YEAR
    )
    moves[:, CRYPTO] -= sum(shock.rate * shock.crypto for shock in KINDS.values()) / YEAR
    return np.asarray(moves)


def _partly_regained(moves: Floats) -> Floats:
    """News of which a share is mood and wears off: most falls without sellers stay short."""
    mood = pulled(np.zeros(len(moves)), 1 - 0.5 ** (1 / MOOD_HALFLIFE), MOOD * moves, first=0.0)
    return np.asarray((1 - MOOD) * moves + np.diff(mood, prepend=0.0))


def _shocks(draws: Draws) -> tuple[Integers, Floats, Floats]:
    """First session and kind of each shock, its moves by market, and how nervous the news stays."""
    n = draws.n
    shocks = np.zeros(n, np.int64)
    jumps = np.zeros((n, len(MARKETS)))
    burst = np.zeros(n)
    for number, (kind, shock) in enumerate(KINDS.items()):
        sizes = 0.35 + 0.65 * draws.stream(f"size {kind}").exponential(1.0, n)
        lengths = draws.stream(f"length {kind}").integers(
            (shock.sessions + 1) // 2, shock.sessions + 1, n
        )
        markets = [EQUITY, TREASURY, COMMODITY, GOLD, TECH, CRYPTO]
        for t in np.flatnonzero(draws.uniform(f"arrival {kind}") < shock.rate / YEAR):
            jumps[t : t + lengths[t], markets] += sizes[t] / lengths[t] * np.array(shock[2:])
            shocks[t] = number + 1
            burst[t] -= 10.0 * shock.equity * sizes[t]
    return shocks, jumps, np.minimum(pulled(np.zeros(n), 0.06, burst, first=0.0), 1.0)


def _bears(draws: Draws) -> Floats:
    arrives = draws.uniform("bear arrives")
    length = draws.stream("bear lasts").integers(*BEAR_LENGTH, draws.n)
    bear = np.zeros(draws.n)
    t = 0
    while t < draws.n:
        if arrives[t] < BEARS_A_YEAR / YEAR:
            bear[t : t + length[t]] = 1.0
            t += length[t] + YEAR
        t += 1
    return bear


def _left(sessions: pd.DatetimeIndex) -> Integers:
    """Weekdays of the month after each session."""
    days = sessions.to_numpy().astype("datetime64[D]")
    following = (sessions + pd.offsets.MonthBegin()).to_numpy().astype("datetime64[D]")
    return np.asarray(np.busday_count(days, following) - 1, dtype=np.int64)
