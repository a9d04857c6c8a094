"""What comes from outside: ordinary news, and the shocks, bears and decrees that may set selling off.

Depends on: sources.simulation.draws, sources.simulation.rules.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from regime.sources.simulation.draws import YEAR, Draws, Floats, Integers, pulled
from regime.sources.simulation.rules import COMMODITY, CRYPTO, EQUITY, GOLD, MARKETS, TECH, Rules

__all__ = ["KINDS", "News", "draw_news"]

# Shocks a year, mean size (equity, fraction), what they do to the 10-year yield (points) and to oil, gold, tech.
KINDS = {
    "growth": (1.3, 0.016, -0.10, -0.04, 0.01, 0.00),
    "rates": (1.0, 0.014, 0.22, 0.00, -0.01, -0.02),
    "war": (0.6, 0.013, -0.04, 0.06, 0.03, 0.00),
    "decree": (1.7, 0.0, 0.0, 0.0, 0.0, 0.0),  # one regulator, one market: crypto
}
DECREE = 0.12  # what it costs crypto, mean, log
BEARS_A_YEAR, BEAR_LENGTH = 0.13, (140, 300)


class News(NamedTuple):
    """Exogenous paths of one world, n sessions."""

    moves: Floats  # (n, n_markets), log return; the treasury column is the 10-year yield's, in points
    nervous: Floats  # (n,), deviation of equity news over its usual one
    shocks: Integers  # (n,), 0 for none, else 1 + position in KINDS, on the first session of a shock
    bear: Floats  # (n,), 1 in a slow bear market of fundamentals
    macro: Floats  # (n,), cyclical position of the economy: what the policy rate follows
    stock_bond: Floats  # (n,), points of yield per unit of equity return
    orders: Floats  # (n,), what households want of equity, in their usual deviations
    account: Floats  # (n,), the Treasury's account, share of central-bank assets
    left: Integers  # (n,), sessions of the month still to come


def draw_news(draws: Draws, rules: Rules, sessions: pd.DatetimeIndex) -> News:
    """Exogenous paths over `sessions`; a longer world begins with the shorter one's."""
    era = draws.wobble("era", 0.36, 320.0) + draws.wobble("season", 0.15, 25.0) - 0.06
    shocks, jumps, burst = _shocks(draws)
    bear = _bears(draws)
    nervous = np.exp(era + burst - 0.15 * bear)
    moves = np.column_stack([draws.heavy(f"news {market}", 5.0) for market in MARKETS]) * rules.news / YEAR ** 0.5
    moves *= np.where(np.arange(len(MARKETS)) == EQUITY, nervous[:, None], np.exp(0.4 * era)[:, None])
    moves[:, 4] = 0.055 * draws.normal("news treasury") * np.exp(0.3 * era)
    moves += jumps
    moves[:, EQUITY] -= bear * 0.30 / YEAR * np.exp(0.4 * draws.wobble("bear", 1.0, 150.0))
    # Bad news comes in shocks; the rest of the news makes up for it, so that growth stays the trend.
    moves[:, EQUITY] += sum(rate * mean for rate, mean, *_ in KINDS.values()) / YEAR
    moves[:, CRYPTO] += KINDS["decree"][0] * DECREE / YEAR
    macro = draws.wobble("macro", 1.0, 420.0)
    return News(moves=moves, nervous=nervous, shocks=shocks, bear=bear, macro=macro,
                stock_bond=1.6 - 1.3 * macro + draws.wobble("correlation", 0.6, 250.0),
                orders=draws.heavy("orders", 6.0), account=0.06 * np.exp(draws.wobble("account", 0.3, 40.0)), left=_left(sessions))


def _shocks(draws: Draws) -> tuple[Integers, Floats, Floats]:
    """First session and kind of each shock, its moves by market, and how nervous the news stays."""
    n = draws.n
    shocks, jumps, burst = np.zeros(n, np.int64), np.zeros((n, len(MARKETS))), np.zeros(n)
    for number, (kind, (rate, mean, points, oil, gold, tech)) in enumerate(KINDS.items()):
        arrives = np.flatnonzero(draws.uniform(f"arrival {kind}") < rate / YEAR)
        size, length = draws.stream(f"size {kind}").exponential(1.0, n), draws.stream(f"length {kind}").integers(1, 4, n)
        for t in arrives:
            strength, days = 0.35 + 0.65 * size[t], slice(t, t + length[t])
            share = strength / length[t]
            jumps[days, EQUITY] -= mean * share
            jumps[days, TECH] += tech * share
            jumps[days, 4] += points * share
            jumps[days, COMMODITY] += oil * share
            jumps[days, GOLD] += gold * share
            jumps[days, CRYPTO] -= (DECREE if kind == "decree" else 0.0) * share
            shocks[t] = number + 1
            if mean:
                burst[t] += 0.35 * strength
    return shocks, jumps, np.minimum(pulled(np.zeros(n), 0.06, burst, first=0.0), 1.0)


def _bears(draws: Draws) -> Floats:
    arrives, length = draws.uniform("bear arrives"), draws.stream("bear lasts").integers(*BEAR_LENGTH, draws.n)
    bear, t = np.zeros(draws.n), 0
    while t < draws.n:
        if arrives[t] < BEARS_A_YEAR / YEAR:
            bear[t:t + length[t]] = 1.0
            t += length[t] + YEAR
        t += 1
    return bear


def _left(sessions: pd.DatetimeIndex) -> Integers:
    """Weekdays of the month after each session."""
    days = sessions.to_numpy().astype("datetime64[D]")
    following = (sessions + pd.offsets.MonthBegin()).to_numpy().astype("datetime64[D]")
    return np.asarray(np.busday_count(days, following) - 1, dtype=np.int64)
