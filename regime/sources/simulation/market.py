"""One day after the other: agents decide, prices move by news and flows, accounts are settled."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from regime.arrays import Floats
from regime.sources.simulation.agents import (
    balance_risk,
    dealer_gamma,
    follow_trends,
    meet_crypto_margin,
    meet_margin,
    price_reserves,
    rebalance,
    run_balance_sheet,
    set_rate,
    target_volatility,
)
from regime.sources.simulation.news import News
from regime.sources.simulation.rules import (
    AGENTS,
    ASSETS,
    CALLS,
    COMMODITY,
    CRYPTO,
    CRYPTO_SOLD,
    CRYPTO_TREND,
    CRYPTO_WEALTH,
    DASH,
    DEALERS,
    EQUITY,
    FEAR,
    FUNDING,
    FUNDS,
    GAMMA,
    GOLD,
    HOUSEHOLDS,
    MARKETS,
    MONTH_EQUITY,
    MONTH_TREASURY,
    ORDER,
    PARITY,
    PARITY_VARIANCE,
    POLICY,
    PUTS,
    REDEEMED,
    REGRET,
    RESERVES,
    SLOW_POLICY,
    SMALL,
    SOLD,
    STATES,
    STRESS,
    TARGET,
    TECH,
    THIN,
    TRADERS,
    TREASURY,
    TREND,
    VALUE,
    WEALTH,
    YIELD10,
    Rules,
    compact,
)

__all__ = ["DURATION", "NEWEST", "Path", "simulate"]

DURATION = 8.0  # years, of the 10-year note
NEWEST = 0.034  # weight of a session in the variance that agents go by
# What an exchange lets the index move in a session.
MOST_DOWN = -0.20
MOST_UP = 0.14


class Path(NamedTuple):
    """What happened, n sessions.

    The treasury column of `value` and `price` is minus `DURATION` times the 10-year yield.
    """

    price: Floats  # (n, n_markets), log
    value: Floats  # (n, n_markets), log: what the price would be without flows
    flow: Floats  # (n, n_agents, n_markets), bought on the session
    hold: Floats  # (n, n_agents, n_markets), held at the close
    pressure: Floats  # (n, n_markets), log return that forced sales made, <= 0
    average: Floats  # (n, n_markets, n_speeds), the trend followers' averages at the close
    variance: Floats  # (n, n_markets), of a session, as agents measure it
    state: Floats  # (n, n_states)


def simulate(rules: Rules, news: News) -> Path:
    """Path of one simulation."""
    n = len(news.moves)
    markets = len(MARKETS)
    agents = len(AGENTS)
    path = Path(
        price=np.zeros((n, markets)),
        value=np.zeros((n, markets)),
        flow=np.zeros((n, agents, markets)),
        hold=np.zeros((n, agents, markets)),
        pressure=np.zeros((n, markets)),
        average=np.ones((n, markets, len(rules.spans))),
        variance=np.zeros((n, markets)),
        state=np.zeros((n, len(STATES))),
    )
    _open(path, rules)
    _run(
        compact(rules),
        news.moves,
        news.macro,
        news.stock_bond,
        news.orders,
        news.account,
        news.left,
        *path,
    )
    return path


def _open(path: Path, rules: Rules) -> None:
    """The first two rows: everybody holds what is usual, prices stand at their value."""
    hold, state = path.hold[:2], path.state[:2]
    hold[:, FUNDS] = 0.75 * rules.fund_wealth * rules.fund_limit * rules.fund_mix
    hold[:, TREND] = 0.4 * rules.trend_size
    hold[:, TRADERS, CRYPTO] = 0.6 * rules.trader_limit * rules.trader_wealth
    hold[:, TARGET, EQUITY] = 0.8 * rules.target_size
    hold[:, PARITY, EQUITY] = 0.3 * rules.parity_size
    hold[:, PARITY, TREASURY] = 0.7 * rules.parity_size
    path.variance[:2] = rules.usual**2 / 252
    first = {
        WEALTH: rules.fund_wealth,
        CRYPTO_WEALTH: rules.trader_wealth,
        PARITY_VARIANCE: 2e-5,
        CALLS: 0.02,
        PUTS: -0.04,
        FUNDING: -4.0,
        RESERVES: 1.4 * rules.reserve_kink,
        ASSETS: 1.0,
        POLICY: 3.0,
        SLOW_POLICY: 3.0,
        YIELD10: 4.2,
        THIN: 1.0,
    }
    state[:, list(first)] = list(first.values())
    path.price[:2, TREASURY] = path.value[:2, TREASURY] = -DURATION * first[YIELD10] / 100
    path.average[:2] = np.exp(path.price[:2])[:, :, None]


@numba.njit(cache=True, error_model="numpy")
def _run(  # type: ignore[no-untyped-def]
    rules,
    moves,
    macro,
    stock_bond,
    orders,
    account,
    left,
    price,
    value,
    flow,
    hold,
    pressure,
    average,
    variance,
    state,
):
    """Fill every row from the one before; row t uses news up to t alone."""
    for t in range(2, len(moves)):
        now = state[t]
        bought = flow[t]
        held = hold[t - 1]
        for i in range(len(now)):
            now[i] = state[t - 1, i]
        risk = variance[t - 1, EQUITY]
        follow_trends(bought, held, price[t - 1], average[t - 1], variance[t - 1], rules)
        target_volatility(bought, held, risk, now, rules)
        balance_risk(bought, held, variance[t - 1], now, rules)
        meet_margin(bought, held, risk, now, rules)
        meet_crypto_margin(bought, held, now, rules)
        rebalance(bought, now, left[t])
        run_balance_sheet(bought, now, rules)
        bought[HOUSEHOLDS, EQUITY] = rules.household_size * orders[t] * (1.0 + 1.5 * now[FEAR])
        dealer_gamma(price[t - 1, EQUITY], risk, now, rules)
        thin = (risk * 252.0 / rules.usual[EQUITY] ** 2) ** (0.5 * rules.thinning)
        now[THIN] = min(max(thin, 0.6), 2.2)
        _move(t, price, value, bought, moves[t], stock_bond[t], now, rules)
        _press(pressure[t], bought, now, rules)
        _settle(t, price, hold, bought, pressure[t, EQUITY], now, rules)
        _remember(t, price, average, variance, now, rules)
        _strike(price[t, EQUITY], variance[t, EQUITY], left[t], left[t - 1], now)
        _count_month(t, price, left[t], left[t - 1], now, rules)
        price_reserves(now, account[t], rules)
        set_rate(now, macro[t], t % 30 == 0)


@numba.njit(cache=True, error_model="numpy")
def _move(t, price, value, flow, news, stock_bond, state, rules):  # type: ignore[no-untyped-def]
    """Prices: news, what they share with equity, what flows add, what value investors take back."""
    equity = 0.0
    for k in range(price.shape[1]):
        bought = 0.0
        for a in range(flow.shape[0]):
            bought += flow[a, k]
        impact = rules.depth[k] * state[THIN]
        back = rules.patience[k] * (value[t - 1, k] - price[t - 1, k]) - rules.lean * (
            price[t - 1, k] - value[t - 1, k] - price[t - 2, k] + value[t - 2, k]
        )
        home = rules.growth / 252.0 * t if k == EQUITY else 0.0
        change = news[k] - rules.reversion[k] * (value[t - 1, k] - home)
        if k == EQUITY:
            change += rules.growth / 252.0
        elif k == TREASURY:
            pull = 0.012 * (0.75 * state[SLOW_POLICY] + 0.25 * state[POLICY] + 1.1 - state[YIELD10])
            state[YIELD10] = max(state[YIELD10] + pull + news[k] + stock_bond * equity, 0.3)
            change = -DURATION * state[YIELD10] / 100.0 - value[t - 1, k]
        else:
            change += rules.beta[k] * (equity - rules.growth / 252.0)
        move = change + impact * bought + back
        if k == EQUITY:
            hedged = min(max(move / (1.0 + state[GAMMA]), MOST_DOWN), MOST_UP)
            flow[DEALERS, k] = (hedged - move) / impact
            equity = move = hedged
        move = min(max(move, -0.5), 0.4)
        flow[VALUE, k] = back / impact
        value[t, k] = value[t - 1, k] + change
        price[t, k] = price[t - 1, k] + move


@numba.njit(cache=True, error_model="numpy")
def _press(pressure, flow, state, rules):  # type: ignore[no-untyped-def]
    """Log return made by sales that rules or lenders forced."""
    for k in range(len(pressure)):
        total = min(flow[TREND, k], 0.0) + min(flow[TARGET, k], 0.0) + min(flow[PARITY, k], 0.0)
        if state[GAMMA] < 0.0:
            total += min(flow[DEALERS, k], 0.0)
        if (state[DASH] if k in (TREASURY, GOLD) else state[SOLD]) > 0.0:
            total += min(flow[FUNDS, k], 0.0)
        if state[CRYPTO_SOLD] > 0.0:
            total += min(flow[TRADERS, k], 0.0)
        pressure[k] = total * rules.depth[k] * state[THIN]


@numba.njit(cache=True, error_model="numpy")
def _settle(t, price, hold, flow, pressure, state, rules):  # type: ignore[no-untyped-def]
    """Gains and losses of the levered, fresh money, and how much is being forced out."""
    tilt = rules.fund_mix[TECH] * (price[t, TECH] - price[t - 1, TECH])
    tilt += rules.fund_mix[SMALL] * (price[t, SMALL] - price[t - 1, SMALL])
    gain = hold[t - 1, FUNDS, EQUITY] * tilt / rules.fund_mix[EQUITY]
    for k in range(price.shape[1]):
        grown = np.exp(price[t, k] - price[t - 1, k])
        if k != TECH and k != SMALL:
            gain += hold[t - 1, FUNDS, k] * (grown - 1.0)
        for a in range(flow.shape[0]):
            hold[t, a, k] = (
                hold[t - 1, a, k] * (grown if a in (FUNDS, TRADERS) else 1.0) + flow[a, k]
            )
    state[REGRET] = max(0.966 * (state[REGRET] - gain / state[WEALTH]), -0.10)
    wealth = max((state[WEALTH] + gain) * (1.0 - state[REDEEMED]), 0.25 * rules.fund_wealth)
    state[WEALTH] = min(wealth + 0.005 * (rules.fund_wealth - wealth), 2.2 * rules.fund_wealth)
    move = price[t, CRYPTO] - price[t - 1, CRYPTO]
    wealth = max(
        state[CRYPTO_WEALTH] + hold[t - 1, TRADERS, CRYPTO] * (np.exp(move) - 1.0),
        0.2 * rules.trader_wealth,
    )
    state[CRYPTO_WEALTH] = min(
        wealth + 0.015 * (rules.trader_wealth - wealth), 2.5 * rules.trader_wealth
    )
    state[CRYPTO_TREND] = 0.97 * state[CRYPTO_TREND] + 0.5 * move
    state[STRESS] = 0.87 * state[STRESS] - 13.0 * pressure
    rise = state[STRESS] - state[FEAR]
    state[FEAR] += (0.13 if rise > 0.0 else 0.03) * rise


@numba.njit(cache=True, error_model="numpy")
def _remember(t, price, average, variance, state, rules):  # type: ignore[no-untyped-def]
    """Exponential averages and variances that agents go by."""
    inverse, joint = 0.0, 0.0
    for k in (EQUITY, TREASURY, GOLD, COMMODITY):
        inverse += 1.0 / np.sqrt(variance[t - 1, k])
        joint += (price[t, k] - price[t - 1, k]) / np.sqrt(variance[t - 1, k])
    state[PARITY_VARIANCE] += 0.02 * ((joint / inverse) ** 2 - state[PARITY_VARIANCE])
    for k in range(price.shape[1]):
        square = (price[t, k] - price[t - 1, k]) ** 2
        least = (0.35 * rules.usual[k]) ** 2 / 252.0
        variance[t, k] = max(variance[t - 1, k] + NEWEST * (square - variance[t - 1, k]), least)
        for s in range(3):
            average[t, k, s] = average[t - 1, k, s] + 2.0 / (rules.spans[s] + 1.0) * (
                np.exp(price[t, k]) - average[t - 1, k, s]
            )


@numba.njit(cache=True, error_model="numpy")
def _strike(price, variance, left, before, state):  # type: ignore[no-untyped-def]
    """Open interest follows the price; most is struck at new prices after the third week."""
    share = 0.6 if left < 8 <= before else 0.05
    month = np.sqrt(21.0 * variance)
    state[CALLS] += share * (price + 0.6 * month - state[CALLS])
    state[PUTS] += share * (price - 1.2 * month - state[PUTS])


@numba.njit(cache=True, error_model="numpy")
def _count_month(t, price, left, before, state, rules):  # type: ignore[no-untyped-def]
    """Returns of the month to date: the pension's order, until three sessions before its end."""
    if left > before:
        state[MONTH_EQUITY] = state[MONTH_TREASURY] = 0.0
    state[MONTH_EQUITY] += price[t, EQUITY] - price[t - 1, EQUITY]
    state[MONTH_TREASURY] += price[t, TREASURY] - price[t - 1, TREASURY]
    if left >= 3:
        state[ORDER] = -rules.pension_size * 0.24 * (state[MONTH_EQUITY] - state[MONTH_TREASURY])
