"""Options, surveys, weekly and monthly reports that a simulated market publishes, by period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.schema import YEAR
from regime.sources.simulation.rules import (
    CREDIT,
    CRYPTO,
    CRYPTO_LEVERAGE,
    DOLLAR,
    EQUITY,
    EXPOSURE,
    FEAR,
    FUNDS,
    GAMMA,
    LEVERAGE,
    PARITY,
    TARGET,
    TECH,
    TRADERS,
    TREASURY,
    TREND,
    WEALTH,
)
from regime.sources.simulation.world import SimulatedWorld

__all__ = [
    "as_of",
    "month_ends",
    "on_sessions",
    "simulated_implied_volatility",
    "survey_series",
    "weekly",
]


def on_sessions(sessions: pd.DatetimeIndex, values: Mapping[str, Floats]) -> dict[str, pd.Series]:
    """Daily series of several paths."""
    return {name: pd.Series(column, sessions) for name, column in values.items()}


def as_of(sessions: pd.DatetimeIndex, values: Floats, periods: pd.DatetimeIndex) -> pd.Series:
    """Value of the last session up to each period."""
    return pd.Series(values[sessions.searchsorted(periods, side="right") - 1], periods)


def weekly(sessions: pd.DatetimeIndex, day: str) -> pd.DatetimeIndex:
    """Every such weekday (``"WED"``), holiday or not."""
    return pd.date_range(sessions[0], sessions[-1], freq=f"W-{day}")


def month_ends(sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Last calendar day of every month."""
    return pd.date_range(sessions[0], sessions[-1], freq="ME")


def survey_series(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Every series of options, surveys, reports and multiples by catalogue name; no NaN."""
    return (
        _options(world)
        | _dealers(world)
        | _opinions(world)
        | _reports(world)
        | _monthly(world)
        | _crypto(world)
    )


def simulated_implied_volatility(world: SimulatedWorld) -> Floats:
    """Annual volatility that options price: realised, news to come, and what hedging adds."""
    news = world.rules.news[EQUITY] * world.news.nervous
    short = np.maximum(-world.state(GAMMA), 0.0)
    expected = 0.55 * world.realised(8) + 0.15 * world.realised(60) + 0.30 * news
    return np.asarray(
        (0.052 + 0.95 * expected + 0.04 * short) * np.exp(world.draws.wobble("vix", 0.06, 4))
    )


def _options(world: SimulatedWorld) -> dict[str, pd.Series]:
    draws, vix = world.draws, 100 * simulated_implied_volatility(world)
    usual = 19.0
    return on_sessions(
        world.sessions,
        {
            "vix": vix,
            "vix9d": vix**1.12 * usual**-0.12 * np.exp(draws.wobble("vix9d", 0.04, 3)),
            "vix3m": 1.05 * vix**0.72 * usual**0.28 * np.exp(draws.wobble("vix3m", 0.015)),
            "vxn": 1.12 * vix * np.exp(draws.wobble("vxn", 0.03, 30)),
            "vvix": 88
            * (vix / usual) ** 0.3
            * np.exp(0.25 * np.maximum(-world.state(GAMMA), 0.0) + draws.wobble("vvix", 0.06, 10)),
            "skew": 130
            - 0.35 * (vix - usual)
            + 3.0 * (world.state(LEVERAGE) - 2.8)
            + draws.wobble("skew", 4.0, 12),
            "cor3m": np.clip(32 + 1.3 * (vix - usual) + draws.wobble("cor3m", 4.0, 20), 3, 98),
            "move": (20 + 1000 * world.realised(21, TREASURY))
            * np.exp(draws.wobble("move", 0.08, 10)),
        },
    )


def _dealers(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Gamma in USD by 1 % move as an outsider estimates it, and the volume of puts."""
    draws, gamma = world.draws, world.state(GAMMA)
    true = 1e9 * world.dollars * 0.01 * gamma / world.impact[:, EQUITY]
    error = 1e9 * world.dollars * 0.01 * 0.05 / world.rules.depth[EQUITY] * draws.normal("gex")
    month = _month(world)
    puts = np.exp(-1.5 * month - 0.25 * gamma)
    bought = world.path.value[:, EQUITY] - world.price(EQUITY)
    return on_sessions(
        world.sessions,
        {
            "gex": np.clip(true * np.exp(draws.wobble("gex", 0.15, 20)) + error, -1.9e11, 1.9e11),
            "dix": np.clip(
                0.43 + 0.3 * bought + draws.wobble("dix", 0.015, 5) + 0.012 * draws.normal("dix"),
                0.2,
                0.7,
            ),
            "putcall_equity": 0.63 * puts * np.exp(0.10 * draws.normal("putcall_equity")),
            "putcall_total": 0.93 * puts**0.7 * np.exp(0.10 * draws.normal("putcall_total")),
        },
    )


def _opinions(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Surveys: exposure of managers, sentiment of individuals."""
    draws, sessions = world.draws, world.sessions
    wednesday, thursday = weekly(sessions, "WED"), weekly(sessions, "THU")
    trend = world.position(TREND, EQUITY) / world.rules.trend_size[EQUITY]
    exposure = (
        48 + 25 * trend + 22 * (world.state(EXPOSURE) - 0.85) + 4.0 * (world.state(LEVERAGE) - 2.8)
    )
    mood = 6.0 * _month(world) - 0.10 * world.state(FEAR)
    noise = {
        name: draws.normal(name, len(days))
        for name, days in (("naaim", wednesday), ("bull", thursday), ("bear", thursday))
    }
    return {
        "naaim": (as_of(sessions, exposure, wednesday) + 10 * noise["naaim"]).clip(-50, 150),
        "aaii_bull": (
            0.38 + 0.10 * np.tanh(as_of(sessions, mood, thursday)) + 0.06 * noise["bull"]
        ).clip(0.05, 0.85),
        "aaii_bear": (
            0.31 - 0.10 * np.tanh(as_of(sessions, mood, thursday)) + 0.06 * noise["bear"]
        ).clip(0.05, 0.85),
    }


class _Contract(NamedTuple):
    """A futures contract in the weekly reports."""

    name: str
    specs: Floats  # long share of the trend followers, about -1 to 1
    levered: Floats  # the same of levered funds
    managers: Floats  # the same of asset managers
    size: float  # contracts


def _reports(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Commitments of traders on Tuesdays, in the old form and in the new one."""

    def trend(market: int) -> Floats:
        return np.asarray(world.position(TREND, market) / world.rules.trend_size[market])

    rules = world.rules
    funds = world.state(LEVERAGE) / rules.fund_limit - 0.75
    basis = 1 - world.position(FUNDS, TREASURY) / (
        rules.fund_wealth * rules.fund_limit * rules.fund_mix[TREASURY]
    )
    managers = world.position(TARGET, EQUITY) / rules.target_size - 0.4
    parity = world.position(PARITY, TREASURY) / rules.parity_size
    contracts = (
        _Contract("sp500", trend(EQUITY), trend(EQUITY) + funds, managers, 3e5),
        _Contract(
            "nasdaq", trend(EQUITY) + 2.0 * _quarter(world, TECH), trend(EQUITY), managers, 6e4
        ),
        _Contract("ust10", trend(TREASURY), basis - 1, parity, 6e5),
        _Contract("jpy", -trend(DOLLAR), -trend(DOLLAR), 0.2 * trend(DOLLAR), 5e4),
    )
    series: dict[str, pd.Series] = {}
    for contract in contracts:
        series |= _old_report(world, contract) | _new_report(world, contract)
    return series


def _old_report(world: SimulatedWorld, contract: _Contract) -> dict[str, pd.Series]:
    days = weekly(world.sessions, "TUE")
    noise = world.draws.normal(f"specs {contract.name}", len(days))
    tilt = 0.5 * as_of(world.sessions, contract.specs, days) + 0.10 * noise
    long, short = contract.size * np.exp(tilt), 1.05 * contract.size * np.exp(-tilt)
    name = f"cot_{contract.name}"
    return {
        f"{name}_spec_net": long - short,
        f"{name}_spec_long": long,
        f"{name}_spec_short": short,
        f"{name}_comm_long": 3.0 * contract.size - 0.6 * long,
        f"{name}_small_long": 0.4 * contract.size + 0.2 * long,
    }


def _new_report(world: SimulatedWorld, contract: _Contract) -> dict[str, pd.Series]:
    days = weekly(world.sessions, "TUE")
    noise = [
        world.draws.normal(f"{group} {contract.name}", len(days)) for group in ("funds", "managers")
    ]
    interest = 5.0 * contract.size * np.exp(0.03 * np.arange(len(days)) / 52)
    levered = as_of(world.sessions, contract.levered, days) + 0.15 * noise[0]
    managed = as_of(world.sessions, contract.managers, days) + 0.10 * noise[1]
    if contract.name == "nasdaq":
        return {
            "cot_tff_nq_lev_long": interest * 0.15 * np.exp(0.5 * levered),
            "cot_tff_nq_lev_short": interest * 0.15 * np.exp(-0.5 * levered),
            "cot_tff_nq_open_interest": pd.Series(interest, days),
        }
    name = f"cot_tff_{'usdjpy' if contract.name == 'jpy' else contract.name}"
    side = -1.0 if contract.name == "jpy" else 1.0
    return {
        f"{name}_lev_net": side * interest * 0.12 * levered,
        f"{name}_am_net": side * interest * 0.25 * managed,
        f"{name}_open_interest": pd.Series(interest, days),
    }


def _monthly(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Debt at brokers at month ends, and what is paid for earnings."""
    draws = world.draws
    sessions = world.sessions
    ends = month_ends(world.sessions)
    assets = world.position(FUNDS, EQUITY) + world.position(FUNDS, CREDIT)
    borrowed = np.maximum(assets - 0.5 * world.state(WEALTH), 0.002)
    trend = world.rules.growth * np.arange(len(sessions)) / YEAR
    overvaluation = 0.7 * (world.price(EQUITY) - trend)
    multiples = {
        "forward_pe_sp500": (16.5, overvaluation),
        "forward_pe_tech": (20.0, overvaluation + 0.8 * world.price(TECH)),
        "forward_pe_ndx": (20.0, overvaluation + 0.7 * world.price(TECH)),
        "cape": (23.0, overvaluation),
    }
    debt = 1000 * world.dollars * borrowed * np.exp(draws.wobble("margin", 0.03, 60))
    return {"margin_debt": as_of(sessions, debt, ends)} | {
        name: as_of(sessions, usual * np.exp(values + draws.wobble(name, 0.03, 60)), ends)
        for name, (usual, values) in multiples.items()
    }


def _crypto(world: SimulatedWorld) -> dict[str, pd.Series]:
    days = pd.date_range(world.sessions[0], world.sessions[-1])
    used = as_of(world.sessions, world.state(CRYPTO_LEVERAGE) / world.rules.trader_limit, days)
    open_ = as_of(world.sessions, 1e9 * world.dollars * world.position(TRADERS, CRYPTO), days)
    noise = world.draws.normal("btc_funding", len(days))
    return {
        "btc_funding": (0.0009 * (used - 0.45) + 0.0001 * noise).clip(-0.02, 0.02),
        "btc_open_interest": open_
        * np.exp(world.draws.wobble("open interest", 0.04, 10, len(days))),
    }


def _month(world: SimulatedWorld) -> Floats:
    """Return of the last weeks, log."""
    smooth = pd.Series(world.returns[:, EQUITY]).ewm(halflife=10, adjust=False).mean()
    return np.asarray(21 * smooth.to_numpy())


def _quarter(world: SimulatedWorld, market: int) -> Floats:
    smooth = pd.Series(world.returns[:, market]).ewm(halflife=42, adjust=False).mean()
    return np.asarray(63 * smooth.to_numpy())
