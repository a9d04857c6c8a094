"""What a simulated world publishes: prices, rates, balance sheets, surveys, by catalogue name and period.

Depends on: sources.world.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from regime.sources.world import YEAR, Draws, Floats, Hidden, pulled

__all__ = ["ASSETS", "published"]

# First price; loadings on equity, tech, breadth, dollar, gold; years of duration to the 10-year yield and to
# the high-yield spread; own noise a year; income a year.
ASSETS: dict[str, tuple[float, float, float, float, float, float, float, float, float, float]] = {
    "spy": (120, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.018),
    "nasdaq": (2200, 1.05, 0.9, 0.2, 0.0, 0.0, 0.0, 0.0, 0.02, 0.0),
    "ndx": (1650, 1.05, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.0),
    "qqq": (40, 1.05, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.007),
    "iwm": (60, 1.1, -0.1, 1.0, 0.0, 0.0, 0.0, 0.0, 0.06, 0.012),
    "rsp": (45, 1.0, -0.1, 1.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.016),
    "eem": (30, 1.1, 0.2, 0.2, -0.7, 0.1, 0.0, 0.5, 0.10, 0.02),
    "efa": (50, 0.9, 0.0, 0.2, -0.7, 0.0, 0.0, 0.2, 0.07, 0.03),
    "hyg": (50, 0.1, 0.0, 0.0, 0.0, 0.0, 2.0, 3.5, 0.02, 0.07),
    "lqd": (60, 0.0, 0.0, 0.0, 0.0, 0.0, 7.5, 1.2, 0.02, 0.045),
    "ief": (55, 0.0, 0.0, 0.0, 0.0, 0.0, 7.5, 0.0, 0.01, 0.03),
    "tlt": (60, 0.0, 0.0, 0.0, 0.0, 0.0, 16.0, 0.0, 0.04, 0.035),
    "gld": (55, 0.0, 0.0, 0.0, -0.5, 1.0, 0.0, 0.0, 0.01, 0.0),
    "slv": (11, 0.3, 0.0, 0.0, -0.6, 1.4, 0.0, 0.0, 0.15, 0.0),
    "smh": (30, 1.25, 1.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.10, 0.01),
    "xlf": (25, 1.1, -0.5, 0.4, 0.0, 0.0, -2.0, 0.8, 0.07, 0.02),
    "xlu": (22, 0.55, -0.2, 0.1, 0.0, 0.0, 3.0, 0.0, 0.09, 0.035),
    "dbc": (24, 0.35, 0.0, 0.1, -0.8, 0.2, 0.0, 0.5, 0.14, 0.0),
    "crude": (60, 0.7, 0.0, 0.1, -0.7, 0.1, 0.0, 1.0, 0.28, 0.0),
    "copper": (2.1, 0.6, 0.0, 0.2, -0.7, 0.2, 0.0, 0.8, 0.17, 0.0),
    "nikkei": (16000, 0.9, 0.1, 0.2, 0.5, 0.0, 0.0, 0.3, 0.14, 0.0),
    "hang_seng": (15000, 0.8, 0.2, 0.2, -0.2, 0.0, 0.0, 0.4, 0.15, 0.0),
    "dax": (5400, 1.0, 0.0, 0.2, -0.1, 0.0, 0.0, 0.3, 0.11, 0.0),
    "ftse": (5600, 0.8, -0.1, 0.2, -0.2, 0.0, 0.0, 0.3, 0.09, 0.0),
    "gold": (520, 0.0, 0.0, 0.0, -0.5, 1.0, 0.0, 0.0, 0.02, 0.0),
    "dollar_index": (90, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.01, 0.0),
    "broad_dollar": (100, 0.0, 0.0, 0.0, 0.7, 0.0, 0.0, 0.0, 0.01, 0.0),
    "usdjpy": (115, 0.15, 0.0, 0.0, 0.8, 0.0, -2.0, 0.0, 0.06, 0.0),
    "eurusd": (1.2, 0.0, 0.0, 0.0, -1.1, 0.0, 0.0, 0.0, 0.02, 0.0),
    **{name: (price, 1.1, 1.3, -0.3, 0.0, 0.0, 0.0, 0.0, own, 0.0)
       for name, price, own in (("aapl", 9, 0.22), ("msft", 20, 0.16), ("googl", 10, 0.19), ("amzn", 2.3, 0.25),
                                ("meta", 19, 0.28), ("nvda", 0.4, 0.36), ("tsla", 1.6, 0.45))},
}
BEFORE_NEW_YORK = ("nikkei", "hang_seng")  # closed when New York opens: they follow its last session


def published(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> dict[str, pd.Series]:
    """Every series of a world.

    Parameters
    ----------
    hidden : Hidden, n sessions
    draws : Draws
        Streams of the same world, for noise.
    sessions : DatetimeIndex, shape (n,)

    Returns
    -------
    dict of str to Series
        Catalogue name to values by period, in the catalogue's unit; no NaN, no period after the last session.
    """
    series = dict(_assets(hidden, draws, sessions))
    for part in (_index, _options, _rates, _funding, _credit, _surveys, _weekly, _monthly):
        series |= part(hidden, draws, sessions)
    return series


def _assets(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> Iterator[tuple[str, pd.Series]]:
    falls = -_change(hidden.yield10) / 100, -_change(hidden.credit) / 100
    for name, (price, *loadings, own, income) in ASSETS.items():
        equity = np.r_[0.0, hidden.equity[:-1]] if name in BEFORE_NEW_YORK else hidden.equity
        factors = (equity, hidden.tech, hidden.breadth, hidden.dollar, hidden.gold, *falls)
        returns = income / YEAR + own * draws.heavy(name) / YEAR ** 0.5
        for loading, factor in zip(loadings, factors, strict=True):
            returns = returns + loading * factor
        yield name, pd.Series(_level(price, returns), sessions)
    days = pd.date_range(sessions[0], sessions[-1])  # crypto never closes
    equity = pd.Series(hidden.equity, sessions).reindex(days).fillna(0.0).to_numpy()
    own = 0.55 * np.r_[draws.normal("btc", len(days))] / 365 ** 0.5
    yield "btc", pd.Series(_level(300.0, 0.4 / 365 + 1.3 * equity + own), days)


def _index(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> dict[str, pd.Series]:
    """The index with its range of the session: further than the close by what it swung within."""
    close = _level(1250.0, hidden.equity)
    before = np.r_[1250.0, close[:-1]]
    swing = 0.5 * hidden.volatility / YEAR ** 0.5
    up, down = np.abs(draws.normal("high")) * swing, np.abs(draws.normal("low")) * swing
    return {"sp500": pd.Series(close, sessions),
            "sp500_high": pd.Series(np.maximum(close, before) * (1 + up), sessions),
            "sp500_low": pd.Series(np.minimum(close, before) * np.maximum(1 - down, 0.5), sessions)}


def _options(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> dict[str, pd.Series]:
    realised = np.sqrt(YEAR * _smooth(hidden.equity ** 2, 8))
    vix = 100 * (0.015 + 0.55 * hidden.volatility + 0.5 * realised) * np.exp(_wobble(draws, "vix", 0.05))
    yields = 100 * np.sqrt(YEAR * _smooth(_change(hidden.yield10) ** 2, 21))
    month = _smooth(hidden.equity, 10) * YEAR / 12
    return _by(sessions, {
        "vix": vix,
        "vix3m": 1.03 * vix ** 0.72 * 19.5 ** 0.28 * np.exp(_wobble(draws, "vix3m", 0.015)),
        "vxn": vix * 1.15 * np.exp(_wobble(draws, "vxn", 0.03)),
        "vvix": 88 * (vix / 18) ** 0.45 * np.exp(_wobble(draws, "vvix", 0.05)),
        "skew": 128 - 0.35 * (vix - 18) + 100 * _wobble(draws, "skew", 0.05),
        "move": (25 + 0.8 * yields) * np.exp(_wobble(draws, "move", 0.08)),
        "gex": 1e9 * (2.4 + 40 * month - 22 * (hidden.volatility - 0.12) + 1.2 * draws.normal("gex")),
        "putcall_equity": 0.65 * np.exp(-1.5 * month + 0.1 * draws.normal("putcall")),
    })


def _rates(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> dict[str, pd.Series]:
    ten, policy = hidden.yield10, hidden.policy
    return _by(sessions, {
        "dgs3mo": np.maximum(policy + 0.05 * _wobble(draws, "dgs3mo", 1.0), 0.01),
        "dgs2": 0.5 * policy + 0.5 * ten - 0.3 + 0.1 * _wobble(draws, "dgs2", 1.0),
        "dgs10": ten, "dgs30": ten + hidden.term,
        "real10": ten - 2.1 + 0.15 * _wobble(draws, "real10", 1.0),
        "term_premium": hidden.term - 0.3 + 0.1 * _wobble(draws, "term_premium", 1.0)})


def _funding(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> dict[str, pd.Series]:
    """The demand for reserves is flat while they abound and steep where they are scarce; month ends jump."""
    scarcity = np.exp(-(hidden.reserves - 8.0) / 1.8)
    last = np.asarray((sessions + pd.offsets.BusinessDay()).month != sessions.month)
    spread = -6 + 30 * scarcity + (4 + 12 * scarcity) * last + 1.5 * draws.normal("sofr")
    days = pd.date_range(sessions[0], sessions[-1])
    paid = pd.Series(hidden.policy, sessions).reindex(days).ffill()
    return {"iorb": paid} | _by(sessions, {
        "sofr": hidden.policy + spread / 100,
        "sofr99": hidden.policy + (spread + 6 + 40 * scarcity * np.exp(0.5 * draws.normal("sofr99"))) / 100,
        "effr": hidden.policy + (-7 + 8 * scarcity + 0.5 * draws.normal("effr")) / 100,
        "rrp": 40 * hidden.reserves * np.exp(_wobble(draws, "rrp", 0.15))})


def _credit(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> dict[str, pd.Series]:
    return _by(sessions, {
        "hy_oas": hidden.credit,
        "ig_oas": 0.32 * hidden.credit * np.exp(_wobble(draws, "ig_oas", 0.02)),
        "baa10y": 0.6 + 0.4 * hidden.credit * np.exp(_wobble(draws, "baa10y", 0.02))})


def _surveys(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> dict[str, pd.Series]:
    """Weekly reports on who holds what: they chase the last quarter and shun volatility."""
    quarter = _smooth(hidden.equity, 42) * YEAR / 4
    fear = hidden.volatility - 0.13
    keen = 62 + 400 * quarter - 150 * fear
    bonds = -300 * (hidden.yield10 - _smooth(hidden.yield10, 63))
    tuesday, wednesday, thursday = (_weekdays(sessions, day) for day in ("TUE", "WED", "THU"))
    noise = {name: draws.normal(name, len(tuesday) + 1) for name in ("naaim", "bull", "bear", "stocks", "bonds")}
    stocks = _at(sessions, 2.0 * quarter - fear, tuesday) + 0.1 * noise["stocks"][:len(tuesday)]
    treasuries = _at(sessions, bonds / 400, tuesday) + 0.1 * noise["bonds"][:len(tuesday)]
    return {
        "naaim": (_at(sessions, keen, wednesday) + 9 * noise["naaim"][:len(wednesday)]).clip(-50, 150),
        "aaii_bull": (_at(sessions, keen / 180, thursday) + 0.06 * noise["bull"][:len(thursday)]).clip(0.05, 0.8),
        "aaii_bear": (_at(sessions, 0.7 - keen / 180, thursday) + 0.06 * noise["bear"][:len(thursday)]).clip(0.05, 0.8),
        "cot_sp500_spec_long": 300_000 * np.exp(stocks), "cot_sp500_spec_short": 320_000 * np.exp(-stocks),
        "cot_sp500_spec_net": 300_000 * np.exp(stocks) - 320_000 * np.exp(-stocks),
        "cot_ust10_spec_long": 600_000 * np.exp(treasuries), "cot_ust10_spec_short": 650_000 * np.exp(-treasuries),
        "cot_ust10_spec_net": 600_000 * np.exp(treasuries) - 650_000 * np.exp(-treasuries)}


def _weekly(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> dict[str, pd.Series]:
    """The central bank's balance sheet, in USD mn, and the mortgage survey."""
    assets = 2.0e6 * np.exp(0.05 * np.arange(len(sessions)) / YEAR + _wobble(draws, "fed_assets", 0.01))
    account = assets * 0.06 * np.exp(_wobble(draws, "tga", 0.2))
    wednesday, thursday = _weekdays(sessions, "WED"), _weekdays(sessions, "THU")
    mortgage = hidden.yield10 + 1.6 + 0.1 * np.log(hidden.credit)
    return {"fed_assets": _at(sessions, assets, wednesday), "tga": _at(sessions, account, wednesday),
            "reserves": _at(sessions, assets * hidden.reserves / 100, wednesday),
            "mortgage30": _at(sessions, mortgage, thursday)}


def _monthly(hidden: Hidden, draws: Draws, sessions: pd.DatetimeIndex) -> dict[str, pd.Series]:
    ends = pd.date_range(sessions[0], sessions[-1], freq="ME")
    borrowed = 3e5 * np.exp(0.05 * np.arange(len(sessions)) / YEAR + 3 * _smooth(hidden.equity, 63) * YEAR / 4)
    multiple = 19 * np.exp(_smooth(hidden.equity - 0.07 / YEAR, 126) * 180 + _wobble(draws, "multiple", 0.03))
    return {"margin_debt": _at(sessions, borrowed, ends), "forward_pe_ndx": _at(sessions, multiple, ends)}


def _by(sessions: pd.DatetimeIndex, values: dict[str, Floats]) -> dict[str, pd.Series]:
    return {name: pd.Series(column, sessions) for name, column in values.items()}


def _weekdays(sessions: pd.DatetimeIndex, day: str) -> pd.DatetimeIndex:
    return pd.date_range(sessions[0], sessions[-1], freq=f"W-{day}")


def _at(sessions: pd.DatetimeIndex, values: Floats, periods: pd.DatetimeIndex) -> pd.Series:
    """Value of the last session up to each period."""
    return pd.Series(values[sessions.searchsorted(periods, side="right") - 1], periods)


def _level(first: float, returns: Floats) -> Floats:
    """Prices that start near `first`; no session loses more than nine tenths."""
    return np.asarray(first * np.exp(np.cumsum(np.log1p(np.maximum(returns, -0.9)))))


def _change(values: Floats) -> Floats:
    return np.asarray(np.diff(values, prepend=values[0]))


def _smooth(values: Floats, halflife: float) -> Floats:
    return np.asarray(pd.Series(values).ewm(halflife=halflife, adjust=False).mean().to_numpy())


def _wobble(draws: Draws, name: str, size: float) -> Floats:
    """Noise around 0 of deviation `size` that lasts about two weeks."""
    speed = 0.1
    noise = size * np.sqrt(2 * speed - speed ** 2) * draws.normal(f"wobble {name}")
    return pulled(np.zeros(draws.n), speed, noise, first=0.0)
