"""Rates, balance sheets and spreads that a world publishes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.sources.simulation import state as at
from regime.sources.simulation.draws import YEAR, Floats
from regime.sources.simulation.market import DURATION
from regime.sources.simulation.periods import as_of, on_sessions, weekly
from regime.sources.simulation.rules import CREDIT, TREASURY
from regime.sources.simulation.world import World

__all__ = ["rate_series"]

ASSETS = 2.0e6  # the central bank's on the first day, USD mn


def rate_series(world: World) -> dict[str, pd.Series]:
    """Every series of rates, spreads and balance sheets by catalogue name and period; no NaN."""
    return _yields(world) | _funding(world) | _sheet(world) | _credit(world)


def _ten_year(world: World) -> Floats:
    """10-year yield in percent."""
    return np.asarray(np.maximum(-100 * world.price(TREASURY) / DURATION, 0.15))


def _high_yield(world: World) -> Floats:
    """High-yield spread in percent: a lower price of credit is a wider spread, in proportion."""
    return np.asarray(4.3 * np.exp(-world.price(CREDIT) / 0.16))


def _yields(world: World) -> dict[str, pd.Series]:
    draws, ten, policy = world.draws, _ten_year(world), world.state(at.POLICY)
    # Forced sales of Treasuries push the long end most.
    sold = np.maximum((world.path.value - world.path.price)[:, TREASURY], 0.0)
    thirty = ten + 0.6 - 0.12 * (policy - 2.8) + 3.0 * sold + draws.wobble("dgs30", 0.12, 60)
    two = 0.55 * policy + 0.45 * ten - 0.25 + draws.wobble("dgs2", 0.10, 20)
    five = 0.25 * policy + 0.75 * ten - 0.25 + draws.wobble("dgs5", 0.06, 20)
    expected = 2.1 + draws.wobble("breakeven10", 0.25, 200)
    least = {
        "dgs3mo": policy - 0.05 + draws.wobble("dgs3mo", 0.05),
        "dgs2": two,
        "dgs5": five,
        "dgs1": 0.8 * policy + 0.2 * two + draws.wobble("dgs1", 0.06, 20),
        "dgs10": ten,
        "dgs30": thirty,
    }
    table = {name: np.maximum(values, 0.02) for name, values in least.items()}
    table |= {
        "t10y2y": table["dgs10"] - table["dgs2"],
        "breakeven10": expected,
        "real10": ten - expected,
        "term_premium": 0.4
        + 0.5 * (thirty - ten)
        + 4.0 * sold
        + draws.wobble("term_premium", 0.1, 60),
    }
    mortgage = (
        ten
        + 1.6
        + 6.0 * sold
        + 0.25 * np.log(_high_yield(world) / 4.3)
        + draws.wobble("mortgage30", 0.06, 30)
    )
    return on_sessions(world.sessions, table) | {
        "mortgage30": as_of(world.sessions, mortgage, weekly(world.sessions, "THU"))
    }


def _funding(world: World) -> dict[str, pd.Series]:
    """Overnight rates over the rate on reserves; quarter ends jump where reserves are scarce."""
    draws, policy, spread = world.draws, world.state(at.POLICY), world.state(at.FUNDING)
    tight = np.maximum(spread + 6.0, 0.0)
    last = (world.news.left == 0) * 1.0
    secured = spread + (3.0 + 0.5 * tight) * last + (1.2 + 0.06 * tight) * draws.heavy("sofr", 5.0)
    tail = 5.0 + 0.9 * tight * np.exp(0.4 * draws.normal("sofr99")) + 6.0 * last
    paid = (
        pd.Series(policy, world.sessions)
        .reindex(pd.date_range(world.sessions[0], world.sessions[-1]))
        .ffill()
    )
    return {"iorb": paid} | on_sessions(
        world.sessions,
        {
            "sofr": policy + secured / 100,
            "sofr99": policy + (secured + tail) / 100,
            "effr": policy + (-7.0 + 0.30 * tight + 0.5 * draws.normal("effr")) / 100,
            "cp_aa_30": np.maximum(
                policy + (8.0 + 0.9 * tight + 4.0 * draws.wobble("cp", 1.0)) / 100, 0.03
            ),
            "tedrate": 0.28
            + 0.9 * tight / 100
            + 0.10 * np.log(_high_yield(world) / 4.3)
            + draws.wobble("ted", 0.03),
        },
    )


def _sheet(world: World) -> dict[str, pd.Series]:
    """The central bank's balance sheet in USD mn, weekly, and its daily operations in USD bn."""
    draws, sessions = world.draws, world.sessions
    assets = ASSETS * world.state(at.ASSETS) * np.exp(0.05 * np.arange(len(sessions)) / YEAR)
    account = world.news.account
    share = np.maximum(world.state(at.RESERVES) + 0.06 - account, 0.01)
    spare = np.maximum(share - world.rules.reserve_kink - 0.02, 0.0)
    tight = np.maximum(world.state(at.FUNDING) - 5.0, 0.0)
    wednesday = weekly(sessions, "WED")
    weeks = {
        "fed_assets": assets * np.exp(draws.wobble("fed_assets", 0.002)),
        "reserves": assets * share,
        "tga": assets * account,
        "discount_window": assets * (2e-5 + 4e-6 * tight),
    }
    return {
        name: as_of(sessions, values, wednesday) for name, values in weeks.items()
    } | on_sessions(
        sessions,
        {
            "rrp": assets / 1000 * spare * 0.7 * np.exp(draws.wobble("rrp", 0.1)),
            "srf": assets / 1000 * 2e-4 * tight * np.exp(0.5 * draws.normal("srf")),
        },
    )


def _credit(world: World) -> dict[str, pd.Series]:
    draws, high = world.draws, _high_yield(world)
    return on_sessions(
        world.sessions,
        {
            "hy_oas": high,
            "ig_oas": 0.30 * high**0.9 * np.exp(draws.wobble("ig_oas", 0.03)),
            "baa10y": 0.7 + 0.36 * high**0.95 * np.exp(draws.wobble("baa10y", 0.02)),
            "aaa10y": 0.5 + 0.13 * high**0.9 * np.exp(draws.wobble("aaa10y", 0.03)),
        },
    )
