"""The rules of one simulation: sizes, limits and speeds of its agents, drawn for each seed.

Sizes and flows are shares of the trend value of the equity market; `BILLIONS` turns them into
dollars.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from regime.arrays import Floats
from regime.sources.simulation.draws import Draws

__all__ = [
    "AGENTS",
    "BILLIONS",
    "INDEX_START",
    "MARKETS",
    "SPEEDS",
    "STATES",
    "Rules",
    "compact",
    "draw_rules",
]


MARKETS = ("equity", "tech", "small", "credit", "treasury", "gold", "commodity", "dollar", "crypto")
EQUITY, TECH, SMALL, CREDIT, TREASURY, GOLD, COMMODITY, DOLLAR, CRYPTO = range(len(MARKETS))
AGENTS = (
    "trend_followers",
    "volatility_targets",
    "risk_parity",
    "levered_funds",
    "crypto_traders",
    "dealers",
    "pension",
    "households",
    "value_investors",
    "central_bank",
)
TREND, TARGET, PARITY, FUNDS, TRADERS, DEALERS, PENSION, HOUSEHOLDS, VALUE, BANK = range(
    len(AGENTS)
)
SPEEDS = ("short", "medium", "long")
# Sessions in which value loses half of its distance to its trend; the treasury's is that of yields,
# elsewhere.
HALFLIVES = np.array([600.0, 1500, 1500, 250, 1e9, 2500, 700, 900, 1500])
BILLIONS = 4_000.0  # value of the equity market on the first day
INDEX_START = 1250.0  # S&P 500 on the first day

# Scalars of a session, and where each stands in the row that the day loop carries forward.
STATES = (
    "leverage",
    "limit",
    "sold",
    "dash",
    "wealth",
    "regret",
    "redeemed",  # levered funds
    "volatility_exposure",
    "parity_leverage",
    "parity_variance",
    "crypto_leverage",
    "crypto_sold",
    "crypto_wealth",
    "crypto_trend",
    "gamma",
    "calls",
    "puts",  # dealers
    "month_equity",
    "month_treasury",
    "order",  # pension
    "funding",
    "reserves",
    "assets",
    "buying",
    "resting",
    "tension",
    "policy",
    "slow_policy",  # central bank
    "yield10",
    "thin",
    "stress",
    "fear",
)
(
    LEVERAGE,
    LIMIT,
    SOLD,
    DASH,
    WEALTH,
    REGRET,
    REDEEMED,
    EXPOSURE,
    PARITY_LEVERAGE,
    PARITY_VARIANCE,
    CRYPTO_LEVERAGE,
    CRYPTO_SOLD,
    CRYPTO_WEALTH,
    CRYPTO_TREND,
    GAMMA,
    CALLS,
    PUTS,
    MONTH_EQUITY,
    MONTH_TREASURY,
    ORDER,
    FUNDING,
    RESERVES,
    ASSETS,
    BUYING,
    RESTING,
    TENSION,
    POLICY,
    SLOW_POLICY,
    YIELD10,
    THIN,
    STRESS,
    FEAR,
) = range(len(STATES))


class Rules(NamedTuple):
    """Numbers of one simulation; arrays go by market (`MARKETS`) or by speed (`SPEEDS`)."""

    growth: float  # trend of fundamental equity value, log a year
    reversion: Floats  # share of the distance to its trend that value loses a session
    lean: float  # share of a session's mispricing that market makers take back on the next
    depth: Floats  # log price move by flow in a calm market
    thinning: float  # elasticity of that impact to volatility
    patience: Floats  # share of mispricing that value investors close a session
    usual: Floats  # annual volatility that everybody is used to
    news: Floats  # annual volatility of news of the market's own
    beta: Floats  # move with equity that is no flow
    spans: Floats  # sessions of the trend followers' averages
    trend_size: Floats
    trend_speed: float
    trend_steepness: float
    trend_short: float
    target_size: float
    target_volatility: float
    target_cap: float
    parity_size: float
    parity_volatility: float
    parity_cap: float
    fund_wealth: float
    fund_mix: Floats  # share of gross holdings
    fund_limit: float  # leverage at usual volatility and easy funding
    fund_caution: float  # elasticity of the limit to volatility
    fund_bite: float  # cut of the limit a percentage point of funding stress
    fund_target: float  # share of the limit that funds like to use
    fund_patience: float
    fund_speed: float
    fund_regret: float  # loss of the last months from which on investors take their money out
    dash_speed: float
    call_gamma: float
    put_gamma: float
    gamma_width: float
    pension_size: float
    household_size: float  # deviation of their daily orders
    trader_wealth: float
    trader_limit: float
    trader_speed: float
    reserve_kink: float
    reserve_width: float
    reserve_slope: float  # basis points a share of one
    hoarding: float  # share of assets that banks want more of a percent a day of forced sales
    drain: float  # share of assets a year
    rescue: float  # basis points of spread at which the central bank steps in


def draw_rules(draws: Draws) -> Rules:
    """Rules of a seed: each number within a band around its usual value."""

    def near(name: str, value: float, width: float = 0.2) -> float:
        return value * float(np.exp(width * draws.stream(f"rule {name}").uniform(-1, 1)))

    #                 equity  tech  small credit treas. gold  comm. dollar crypto
    usual = np.array([0.150, 0.10, 0.06, 0.065, 0.065, 0.16, 0.24, 0.075, 0.65])
    news = np.array(
        [near("news", 0.098, 0.10), 0.080, 0.045, 0.030, 0.055, 0.13, 0.20, 0.065, 0.50]
    )
    beta = np.array([0.0, 0.10, 0.05, 0.24, 0.0, 0.0, 0.35, -0.10, 0.9])
    size = np.array([1.0, 0.9, 0.9, 0.11, 0.7, 0.13, 0.10, 0.6, 0.014])
    trend = np.array([0.0060, 0, 0, 0, 0.003, 0.0008, 0.0008, 0.003, 0.00008])
    return Rules(
        growth=near("growth", 0.064, 0.2),
        lean=near("lean", 0.40, 0.1),
        reversion=1 - 0.5 ** (1 / (near("reversion", 1.0) * HALFLIVES)),
        depth=near("depth", 5.4, 0.12) / size,
        thinning=near("thinning", 0.5),
        patience=1
        - 0.5 ** (1 / (near("patience", 1.0) * np.array([17.0, 40, 30, 20, 20, 20, 25, 25, 25]))),
        usual=usual,
        news=news,
        beta=beta,
        spans=np.round([near("short", 38), near("medium", 120), near("long", 345)]),
        trend_size=trend * near("trend", 1.0),
        trend_speed=near("trend speed", 0.10),
        trend_steepness=1.5,
        trend_short=near("trend short", 0.6),
        target_size=near("target", 0.010),
        target_volatility=near("target volatility", 0.12, 0.1),
        target_cap=1.5,
        parity_size=near("parity", 0.006),
        parity_volatility=0.09,
        parity_cap=2.5,
        fund_wealth=near("funds", 0.014),
        fund_mix=np.array([0.42, 0.30, 0.22, 0.20, 0.50, 0.06, 0.10, 0.0, 0.0]),
        fund_limit=near("limit", 3.6, 0.1),
        fund_caution=near("caution", 0.6),
        fund_bite=near("bite", 0.8),
        fund_target=near("fund target", 0.78, 0.05),
        fund_patience=near("fund patience", 0.012),
        fund_speed=near("fund speed", 0.10),
        fund_regret=near("regret", 0.30),
        dash_speed=near("dash", 0.12),
        call_gamma=near("calls", 0.40),
        put_gamma=near("puts", 0.45),
        gamma_width=near("strikes", 0.030),
        pension_size=near("pension", 0.10),
        household_size=near("households", 0.00065),
        trader_wealth=near("traders", 0.0005),
        trader_limit=near("trader limit", 3.0, 0.1),
        trader_speed=0.4,
        reserve_kink=near("kink", 0.115, 0.1),
        reserve_width=near("width", 0.012),
        reserve_slope=near("slope", 1500.0),
        hoarding=near("hoarding", 0.025),
        drain=near("drain", 0.035),
        rescue=near("rescue", 28.0),
    )


def compact(rules: Rules) -> Any:
    """One record with the same fields: compiled code takes it by one pointer, and compiles sooner.

    A last field is named for the sources of this folder: compiled code is kept on disk by the types
    of its arguments, and would not notice that a function which it calls has changed in another
    file.
    """
    kinds = [(name, np.float64, np.shape(value)) for name, value in rules._asdict().items()]
    return np.array(
        [(*rules, 0.0)], dtype=[*kinds, (f"sources_{_sources()}", np.float64, ())]
    ).view(np.recarray)[0]


@cache
def _sources() -> str:
    """Digest of the sources in this folder."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
