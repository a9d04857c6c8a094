"""Prices, rates and credit spreads that a simulated market publishes, and all of its series."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.schema import YEAR
from regime.sources.simulation.draws import pulled
from regime.sources.simulation.market import DURATION
from regime.sources.simulation.rules import (
    ASSETS,
    CREDIT,
    CRYPTO,
    EQUITY,
    FUNDING,
    INDEX_START,
    MARKETS,
    POLICY,
    RESERVES,
    TREASURY,
)
from regime.sources.simulation.surveys import as_of, on_sessions, survey_series, weekly
from regime.sources.simulation.world import SimulatedWorld

__all__ = ["asset_prices", "published_series", "rate_series"]


OWN_REVERSION = 1 - 0.5 ** (1 / 1500)  # a session: nobody outgrows the rest for ever
# Closed when New York opens: they follow its last session.
BEFORE_NEW_YORK = ("nikkei", "hang_seng")
FIRST_ASSETS = 2.0e6  # the central bank's on the first day, USD mn

# First price; loadings on the markets' log returns (treasury: the 10-year note's); own noise and
# income, a year.
LOADINGS = """
              price equity  tech small credit treas  gold commo dollar   own income
spy             120  1.00  0.00  0.00  0.00  0.00  0.00  0.00  0.00  0.000  0.018
es             1250  1.00  0.00  0.00  0.00  0.00  0.00  0.00  0.00  0.002  0.000
nasdaq         2200  1.05  0.90  0.20  0.00  0.00  0.00  0.00  0.00  0.020  0.000
ndx            1650  1.05  1.00  0.00  0.00  0.00  0.00  0.00  0.00  0.020  0.000
qqq              40  1.05  1.00  0.00  0.00  0.00  0.00  0.00  0.00  0.021  0.007
xlk              30  1.05  0.85  0.00  0.00  0.00  0.00  0.00  0.00  0.040  0.008
smh              30  1.20  1.60  0.00  0.00  0.00  0.00  0.00  0.00  0.100  0.010
soxx             50  1.20  1.55  0.10  0.00  0.00  0.00  0.00  0.00  0.100  0.010
arkk             20  1.25  1.60  0.60  0.00  0.10  0.00  0.00  0.00  0.180  0.000
iwm              60  1.08 -0.10  1.50  0.20  0.00  0.00  0.00  0.00  0.040  0.012
rsp              45  1.00 -0.12  0.80  0.10  0.00  0.00  0.00  0.00  0.010  0.016
mtum             50  1.00  0.40  0.00  0.00  0.00  0.00  0.00  0.00  0.060  0.010
usmv             25  0.70 -0.20  0.00  0.00  0.15  0.00  0.00  0.00  0.030  0.018
xlf              25  1.10 -0.40  0.30  0.50 -0.30  0.00  0.00  0.00  0.070  0.020
kre              35  1.05 -0.40  0.90  0.70 -0.40  0.00  0.00  0.00  0.110  0.022
xlu              22  0.55 -0.20  0.10  0.00  0.40  0.00  0.00  0.00  0.090  0.035
xlp              20  0.60 -0.20  0.00  0.00  0.20  0.00  0.00  0.00  0.070  0.026
xly              30  1.05  0.20  0.30  0.00  0.00  0.00  0.00  0.00  0.060  0.012
xle              45  0.80 -0.40  0.20  0.10  0.00  0.00  0.60  0.00  0.110  0.022
xli              30  1.05 -0.10  0.30  0.00  0.00  0.00  0.10  0.00  0.050  0.018
vnq              50  0.90 -0.20  0.40  0.40  0.60  0.00  0.00  0.00  0.090  0.040
eem              30  1.05  0.20  0.20  0.30  0.00  0.05  0.15 -0.70  0.100  0.020
efa              50  0.90  0.00  0.20  0.10  0.00  0.00  0.05 -0.70  0.060  0.030
nikkei        16000  0.90  0.10  0.20  0.00  0.00  0.00  0.00  0.50  0.140  0.000
hang_seng     15000  0.80  0.20  0.20  0.20  0.00  0.00  0.10 -0.20  0.150  0.000
dax            5400  1.00  0.00  0.20  0.10  0.00  0.00  0.00 -0.10  0.110  0.000
ftse           5600  0.80 -0.10  0.20  0.10  0.00  0.00  0.15 -0.20  0.090  0.000
hyg              50  0.00  0.00  0.00  1.00  0.25  0.00  0.00  0.00  0.015  0.065
jnk              50  0.00  0.00  0.00  1.10  0.25  0.00  0.00  0.00  0.018  0.067
lqd              60  0.00  0.00  0.00  0.40  1.00  0.00  0.00  0.00  0.015  0.045
agg              60  0.00  0.00  0.00  0.08  0.72  0.00  0.00  0.00  0.008  0.033
ief              55  0.00  0.00  0.00  0.00  0.94  0.00  0.00  0.00  0.008  0.033
tlt              60  0.00  0.00  0.00  0.00  2.00  0.00  0.00  0.00  0.035  0.038
shy              70  0.00  0.00  0.00  0.00  0.16  0.00  0.00  0.00  0.006  0.025
tip              70  0.00  0.00  0.00  0.05  0.80  0.03  0.03  0.00  0.020  0.030
gold            520  0.00  0.00  0.00  0.00  0.00  1.00  0.00  0.00  0.015  0.000
gold_future     520  0.00  0.00  0.00  0.00  0.00  1.00  0.00  0.00  0.012  0.000
gld              52  0.00  0.00  0.00  0.00  0.00  1.00  0.00  0.00  0.008 -0.004
gdx              25  0.50  0.00  0.20  0.00  0.00  1.70  0.00  0.00  0.150  0.005
silver_future     9  0.20  0.00  0.00  0.00  0.00  1.30  0.20  0.00  0.130  0.000
slv               9  0.20  0.00  0.00  0.00  0.00  1.30  0.20  0.00  0.130 -0.005
crude            60  0.00  0.00  0.00  0.00  0.00  0.00  1.20  0.00  0.120  0.000
uso              60  0.00  0.00  0.00  0.00  0.00  0.00  1.20  0.00  0.120 -0.008
copper          2.1  0.20  0.00  0.00  0.00  0.00  0.00  0.60 -0.30  0.120  0.000
dbc              24  0.00  0.00  0.00  0.00  0.00  0.10  0.80 -0.30  0.050  0.000
dollar_index     90  0.00  0.00  0.00  0.00  0.00  0.00  0.00  1.00  0.008  0.000
broad_dollar    100 -0.05  0.00  0.00  0.00  0.00  0.00  0.00  0.70  0.010  0.000
uup              25  0.00  0.00  0.00  0.00  0.00  0.00  0.00  1.00  0.010  0.015
usdjpy          115  0.15  0.00  0.00  0.00 -0.40  0.00  0.00  0.50  0.050  0.000
fxy              87 -0.15  0.00  0.00  0.00  0.40  0.00  0.00 -0.50  0.050  0.000
eurusd          1.2  0.05  0.00  0.00  0.00  0.00  0.00  0.00 -1.05  0.015  0.000
aapl              9  1.10  1.30 -0.20  0.00  0.00  0.00  0.00  0.00  0.220  0.005
msft             20  1.05  1.20 -0.20  0.00  0.00  0.00  0.00  0.00  0.160  0.010
googl            10  1.05  1.20 -0.20  0.00  0.00  0.00  0.00  0.00  0.190  0.000
amzn            2.3  1.15  1.30 -0.20  0.00  0.00  0.00  0.00  0.00  0.250  0.000
meta             19  1.15  1.40 -0.20  0.00  0.00  0.00  0.00  0.00  0.280  0.000
nvda            0.4  1.30  1.80 -0.10  0.00  0.00  0.00  0.00  0.00  0.340  0.000
tsla            1.6  1.30  1.50  0.20  0.00  0.00  0.00  0.00  0.00  0.420  0.000
mu               12  1.30  1.70  0.30  0.00  0.00  0.00  0.00  0.00  0.340  0.000
wdc              25  1.25  1.30  0.40  0.00  0.00  0.00  0.00  0.00  0.320  0.010
stx              18  1.25  1.20  0.40  0.00  0.00  0.00  0.00  0.00  0.310  0.015
amat             15  1.25  1.60  0.20  0.00  0.00  0.00  0.00  0.00  0.240  0.010
lrcx              4  1.30  1.70  0.20  0.00  0.00  0.00  0.00  0.00  0.260  0.008
klac             45  1.25  1.60  0.20  0.00  0.00  0.00  0.00  0.00  0.250  0.010
"""


def asset_prices(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Every price series by catalogue name, in the catalogue's unit; no NaN."""
    return dict(_loaded(world)) | _index(world) | _crypto(world)


def _loaded(world: SimulatedWorld) -> Iterator[tuple[str, pd.Series]]:
    returns = world.returns[:, : len(MARKETS) - 1]
    before = np.vstack([np.zeros(returns.shape[1]), returns[:-1]])
    for line in LOADINGS.strip().splitlines()[1:]:
        name, *numbers = line.split()
        price, *loadings, idiosyncratic, income = map(float, numbers)
        moves = (before if name in BEFORE_NEW_YORK else returns) * np.array(loadings)
        # Column by column, not a matrix product: its last bits would depend on the number of rows.
        drift = np.cumsum(sum(moves.T) + income / YEAR)
        noise = idiosyncratic * world.draws.heavy(name) / YEAR**0.5
        deviation = pulled(np.zeros(len(drift)), OWN_REVERSION, noise, first=0.0)
        yield name, pd.Series(price * np.exp(drift + deviation), world.sessions)


def _index(world: SimulatedWorld) -> dict[str, pd.Series]:
    """The index with its range of the session: further than the closes by what it swung within."""
    close = INDEX_START * np.exp(world.price(EQUITY))
    before = np.r_[close[:1], close[:-1]]
    swing = 0.5 * world.realised(8) / YEAR**0.5
    up = np.abs(world.draws.normal("high")) * swing
    down = np.abs(world.draws.normal("low")) * swing
    return {
        "sp500": pd.Series(close, world.sessions),
        "sp500_high": pd.Series(np.maximum(close, before) * (1 + up), world.sessions),
        "sp500_low": pd.Series(
            np.minimum(close, before) * np.maximum(1 - down, 0.5), world.sessions
        ),
    }


def _crypto(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Seven days a week: over a weekend it moves by its own news, known in New York on Monday."""
    days = pd.date_range(world.sessions[0], world.sessions[-1])
    position = np.maximum(world.sessions.searchsorted(days, side="right") - 1, 0)
    closed = ~days.isin(world.sessions)
    following = np.minimum(position + 1, len(world.sessions) - 1)
    heard = np.where(closed, 0.5 * world.news.moves[following, CRYPTO], 0.0)
    bitcoin = world.price(CRYPTO)[position] + heard + 0.02 * np.arange(len(days)) / 365
    alone = np.cumsum(0.25 * world.draws.normal("eth", len(days)) / 365**0.5)
    return {
        "btc": pd.Series(300.0 * np.exp(bitcoin), days),
        "eth": pd.Series(20.0 * np.exp(1.1 * bitcoin + alone), days),
    }


def rate_series(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Every series of rates, spreads and balance sheets by catalogue name and period; no NaN."""
    return _yields(world) | _funding(world) | _sheet(world) | _credit(world)


def _ten_year(world: SimulatedWorld) -> Floats:
    """10-year yield in percent."""
    return np.asarray(np.maximum(-100 * world.price(TREASURY) / DURATION, 0.15))


def _high_yield(world: SimulatedWorld) -> Floats:
    """High-yield spread in percent: a lower price of credit is a wider spread, in proportion."""
    return np.asarray(4.3 * np.exp(-world.price(CREDIT) / 0.16))


def _yields(world: SimulatedWorld) -> dict[str, pd.Series]:
    draws = world.draws
    ten = _ten_year(world)
    policy = world.state(POLICY)
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


def _funding(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Overnight rates over the rate on reserves; quarter ends jump where reserves are scarce."""
    draws = world.draws
    policy = world.state(POLICY)
    spread = world.state(FUNDING)
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


def _sheet(world: SimulatedWorld) -> dict[str, pd.Series]:
    """The central bank's balance sheet in USD mn, weekly, and its daily operations in USD bn."""
    draws, sessions = world.draws, world.sessions
    assets = FIRST_ASSETS * world.state(ASSETS) * np.exp(0.05 * np.arange(len(sessions)) / YEAR)
    account = world.news.account
    share = np.maximum(world.state(RESERVES) + 0.06 - account, 0.01)
    spare = np.maximum(share - world.rules.reserve_kink - 0.02, 0.0)
    tight = np.maximum(world.state(FUNDING) - 5.0, 0.0)
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


def _credit(world: SimulatedWorld) -> dict[str, pd.Series]:
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


def published_series(world: SimulatedWorld) -> dict[str, pd.Series]:
    """Every series of a simulated market.

    Parameters
    ----------
    world : SimulatedWorld, n sessions

    Returns
    -------
    dict of str to Series
        Catalogue name to values by period, in the catalogue's unit; no NaN, no period after the
        last session.
    """
    return asset_prices(world) | rate_series(world) | survey_series(world)
