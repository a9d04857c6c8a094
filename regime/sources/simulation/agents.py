"""How each agent decides, from one close, what it will buy and sell on the next session.

The arguments of every function here are the same, each where it needs it:

- `flow`, ndarray of shape (n_agents, n_markets): filled; what is bought on the session, as a share
  of the trend value of the equity market. A negative one is a sale.
- `hold`, ndarray of shape (n_agents, n_markets): held at the close before, in the same unit.
- `price`, ndarray of shape (n_markets,), or a float for equity alone: log.
- `average`, ndarray of shape (n_markets, n_speeds): the trend followers' averages, price levels.
- `variance`, ndarray of shape (n_markets,), or a float for equity alone: of a session.
- `state`, ndarray of shape (n_states,): read and written; `rules.STATES` names its entries.
- `rules`, record: from `rules.compact`.

**Source:** leverage that lenders cut as volatility rises: Thurner, Farmer and Geanakoplos (2012),
Brunnermeier and Pedersen (2009); volatility targets: Moreira and Muir (2017); the demand for
reserves, flat and then steep: Afonso, Giannone, La Spada and Williams (2022).
"""

from __future__ import annotations

import numba
import numpy as np

from regime.schema import YEAR
from regime.sources.simulation.rules import (
    ASSETS,
    BANK,
    BUYING,
    CALLS,
    COMMODITY,
    CREDIT,
    CRYPTO,
    CRYPTO_LEVERAGE,
    CRYPTO_SOLD,
    CRYPTO_TREND,
    CRYPTO_WEALTH,
    DASH,
    DOLLAR,
    EQUITY,
    EXPOSURE,
    FUNDING,
    FUNDS,
    GAMMA,
    GOLD,
    LEVERAGE,
    LIMIT,
    ORDER,
    PARITY,
    PARITY_LEVERAGE,
    PARITY_VARIANCE,
    PENSION,
    POLICY,
    PUTS,
    REDEEMED,
    REGRET,
    RESERVES,
    RESTING,
    SLOW_POLICY,
    SMALL,
    SOLD,
    STRESS,
    TARGET,
    TECH,
    TENSION,
    TRADERS,
    TREASURY,
    TREND,
    WEALTH,
)

__all__ = [
    "balance_risk",
    "dealer_gamma",
    "follow_trends",
    "meet_crypto_margin",
    "meet_margin",
    "price_reserves",
    "rebalance",
    "run_balance_sheet",
    "set_rate",
    "target_volatility",
]


@numba.njit(cache=True, error_model="numpy")
def follow_trends(flow, hold, price, average, variance, rules):  # type: ignore[no-untyped-def]
    """Each speed is long above its exponential average and short below: there it flips.

    Parameters
    ----------
    flow, hold, price, average, variance, rules
        As at the head of the module.
    """
    for k in range(len(price)):
        if rules.trend_size[k] > 0.0:
            daily, signal = np.sqrt(variance[k]), 0.0
            for s in range(3):
                gap = np.exp(price[k]) / average[k, s] - 1.0
                signal += (
                    np.tanh(rules.trend_steepness * gap / (daily * np.sqrt(rules.spans[s]))) / 3.0
                )
            if signal < 0.0:
                signal *= rules.trend_short
            target = (
                rules.trend_size[k] * signal * min(rules.usual[k] / (daily * np.sqrt(YEAR)), 1.6)
            )
            flow[TREND, k] = rules.trend_speed * (target - hold[TREND, k])


@numba.njit(cache=True, error_model="numpy")
def target_volatility(flow, hold, variance, state, rules):  # type: ignore[no-untyped-def]
    """Exposure is the target over realised volatility, up to a cap.

    Parameters
    ----------
    flow, hold, variance, state, rules
        As at the head of the module.
    """
    state[EXPOSURE] = min(rules.target_cap, rules.target_volatility / np.sqrt(YEAR * variance))
    flow[TARGET, EQUITY] = 0.10 * (rules.target_size * state[EXPOSURE] - hold[TARGET, EQUITY])


@numba.njit(cache=True, error_model="numpy")
def balance_risk(flow, hold, variance, state, rules):  # type: ignore[no-untyped-def]
    """Equal risk in four markets, levered to a target: a joint rise of volatility sells all.

    Parameters
    ----------
    flow, hold, variance, state, rules
        As at the head of the module.
    """
    total = 0.0
    for k in (EQUITY, TREASURY, GOLD, COMMODITY):
        total += 1.0 / np.sqrt(variance[k])
    leverage = min(
        rules.parity_cap, rules.parity_volatility / np.sqrt(YEAR * state[PARITY_VARIANCE])
    )
    for k in (EQUITY, TREASURY, GOLD, COMMODITY):
        target = rules.parity_size * leverage / (np.sqrt(variance[k]) * total)
        flow[PARITY, k] = 0.07 * (target - hold[PARITY, k])
    state[PARITY_LEVERAGE] = leverage


@numba.njit(cache=True, error_model="numpy")
def meet_margin(flow, hold, variance, state, rules):  # type: ignore[no-untyped-def]
    """Levered funds: over the limit they sell what they hold; under it they add, slowly.

    The limit falls with volatility and with the price of funding; where funding is dear they sell
    Treasuries and gold as well, and buy the dollars that they owe.

    Parameters
    ----------
    flow, hold, variance, state, rules
        As at the head of the module.
    """
    gross = (
        hold[FUNDS, EQUITY]
        + hold[FUNDS, CREDIT]
        + hold[FUNDS, COMMODITY]
        + 0.25 * hold[FUNDS, TREASURY]
    )
    leverage = gross / state[WEALTH]
    calm = rules.usual[EQUITY] / np.sqrt(YEAR * variance)
    dear = max(state[FUNDING] - 5.0, 0.0) / 100.0
    limit = rules.fund_limit * calm**rules.fund_caution / (1.0 + rules.fund_bite * dear)
    limit = min(max(limit, 1.2), 1.5 * rules.fund_limit)
    dash = min(max((state[FUNDING] - 8.0) / 25.0, 0.0), 1.5)
    sold = 0.0
    added = 0.0
    state[REDEEMED] = min(max(0.10 * (state[REGRET] - rules.fund_regret), 0.0), 0.04)
    if leverage > limit:
        sold = rules.fund_speed * (1.0 - 0.92 * limit / leverage)
    else:
        added = min(
            max(rules.fund_patience * (rules.fund_target * limit / leverage - 1.0), -0.01), 0.012
        )
    sold = min(sold + state[REDEEMED], 0.20)
    for k in (EQUITY, CREDIT, COMMODITY):
        flow[FUNDS, k] = hold[FUNDS, k] * (added - sold)
    flow[FUNDS, TECH] = flow[FUNDS, EQUITY] * rules.fund_mix[TECH] / rules.fund_mix[EQUITY]
    flow[FUNDS, SMALL] = flow[FUNDS, EQUITY] * rules.fund_mix[SMALL] / rules.fund_mix[EQUITY]
    for k in (TREASURY, GOLD):
        wanted = state[WEALTH] * rules.fund_limit * rules.fund_mix[k]
        flow[FUNDS, k] = (
            0.004 * (wanted - hold[FUNDS, k])
            if dash == 0.0
            else -rules.dash_speed * dash * hold[FUNDS, k]
        )
    flow[FUNDS, DOLLAR] = 0.0006 * dash
    state[LEVERAGE] = leverage
    state[LIMIT] = limit
    state[SOLD] = sold
    state[DASH] = dash


@numba.njit(cache=True, error_model="numpy")
def meet_crypto_margin(flow, hold, state, rules):  # type: ignore[no-untyped-def]
    """Crypto traders: leverage rises with the trend, and the exchange sells who is over the limit.

    Parameters
    ----------
    flow, hold, state, rules
        As at the head of the module.
    """
    wealth = state[CRYPTO_WEALTH]
    position = hold[TRADERS, CRYPTO]
    leverage = position / wealth
    sold = 0.0
    if leverage > rules.trader_limit:
        sold = rules.trader_speed * (1.0 - 0.75 * rules.trader_limit / leverage)
        flow[TRADERS, CRYPTO] = -sold * position
    else:
        target = rules.trader_limit * (0.62 + 0.30 * np.tanh(2.0 * state[CRYPTO_TREND]))
        flow[TRADERS, CRYPTO] = min(
            max(0.04 * (target * wealth - position), -0.03 * wealth), 0.05 * wealth
        )
    state[CRYPTO_LEVERAGE], state[CRYPTO_SOLD] = leverage, sold


@numba.njit(cache=True, error_model="numpy")
def dealer_gamma(price, variance, state, rules):  # type: ignore[no-untyped-def]
    """Share of a move that dealers trade against (positive) or add to it (negative).

    Parameters
    ----------
    price, variance, state, rules
        As at the head of the module.
    """
    width = rules.gamma_width * (np.sqrt(YEAR * variance) / rules.usual[EQUITY]) ** 0.5
    above, below = (price - state[CALLS]) / width, (price - state[PUTS]) / (1.2 * width)
    gamma = rules.call_gamma * np.exp(-0.5 * above * above) - rules.put_gamma * np.exp(
        -0.5 * below * below
    )
    state[GAMMA] = max(gamma, -0.45)


@numba.njit(cache=True, error_model="numpy")
def rebalance(flow, state, left):  # type: ignore[no-untyped-def]
    """Pension fund: back to its weights over the last three sessions of the month.

    `left` is the number of weekdays of the month still to come.
    """
    share = state[ORDER] / 3.0 if left < 3 else 0.0
    flow[PENSION, EQUITY], flow[PENSION, TREASURY] = share, -share


@numba.njit(cache=True, error_model="numpy")
def price_reserves(state, account, rules):  # type: ignore[no-untyped-def]
    """Spread of secured funding over the rate on reserves in basis points: flat, then steep.

    `account` is the Treasury's account as a share of the central bank's assets: what it holds is
    missing from reserves. Banks hoard while others must sell.
    """
    wanted = rules.reserve_kink + rules.hoarding * min(state[STRESS], 2.0)
    scarcity = (wanted - state[RESERVES] - 0.06 + account) / rules.reserve_width
    state[FUNDING] = -6.0 + rules.reserve_slope * rules.reserve_width * np.log1p(
        np.exp(min(scarcity, 30.0))
    )


@numba.njit(cache=True, error_model="numpy")
def run_balance_sheet(flow, state, rules):  # type: ignore[no-untyped-def]
    """Buy Treasuries in a crisis or a squeeze, rest, then drain."""
    state[TENSION] += 0.15 * (state[FUNDING] - state[TENSION])
    squeezed = state[TENSION] > rules.rescue or state[STRESS] > 1.6
    if (
        state[BUYING] <= 0.0
        and squeezed
        and state[RESTING] < 200.0
        and state[RESERVES] < 1.7 * rules.reserve_kink
    ):
        state[BUYING], state[RESTING] = 60.0, 420.0
    bought = 0.0
    if state[BUYING] > 0.0:
        state[BUYING] -= 1.0
        bought = 0.0014
    elif state[RESTING] > 0.0:
        state[RESTING] -= 1.0
    else:
        bought = -rules.drain / 252.0
    state[ASSETS] *= 1.0 + bought
    state[RESERVES] = (state[RESERVES] + bought) / (1.0 + bought)
    flow[BANK, TREASURY] = 0.1 * bought


@numba.njit(cache=True, error_model="numpy")
def set_rate(state, macro, meeting):  # type: ignore[no-untyped-def]
    """Policy rate in quarter points: it follows the cycle at meetings, and falls in a crisis."""
    if meeting:
        wanted = min(max(2.8 + 1.9 * macro - 1.5 * state[STRESS], 0.125), 7.5)
        step = min(max(wanted - state[POLICY], -0.75), 0.25)
        state[POLICY] = max(np.round((state[POLICY] + step) * 4.0) / 4.0, 0.125)
    state[SLOW_POLICY] += 0.006 * (state[POLICY] - state[SLOW_POLICY])
