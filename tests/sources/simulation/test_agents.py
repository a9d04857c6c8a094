"""The rules of the agents, held against what they promise.

Prices, triggers, margins, gamma, reserves.
"""

import numpy as np
import pytest

from regime.sources.simulation.agents import (
    dealer_gamma,
    follow_trends,
    meet_crypto_margin,
    meet_margin,
    price_reserves,
    run_balance_sheet,
    set_rate,
)
from regime.sources.simulation.market import simulate
from regime.sources.simulation.rules import (
    AGENTS,
    ASSETS,
    BANK,
    CALLS,
    CRYPTO,
    CRYPTO_SOLD,
    CRYPTO_WEALTH,
    DEALERS,
    EQUITY,
    FUNDING,
    FUNDS,
    GAMMA,
    INDEX_START,
    LEVERAGE,
    LIMIT,
    MARKETS,
    POLICY,
    PUTS,
    RESERVES,
    SOLD,
    SPEEDS,
    STATES,
    STRESS,
    TENSION,
    TRADERS,
    TREASURY,
    TREND,
    WEALTH,
    compact,
)


@pytest.fixture(scope="module")
def rules(worlds):
    return worlds[1].world.rules


@pytest.fixture(scope="module")
def record(rules):
    return compact(rules)


@pytest.fixture
def row():
    return np.zeros((len(AGENTS), len(MARKETS)))


@pytest.fixture
def state():
    return np.zeros(len(STATES))


def test_prices_are_value_and_flows(worlds):
    """A price change is the change of value plus depth times everything bought."""
    for made in worlds[:3]:
        path = made.world.path
        moved = np.diff(path.price, axis=0)[1:]
        made_up = np.diff(path.value, axis=0)[1:] + made.world.impact[2:] * path.flow[2:].sum(
            axis=1
        )
        inside = (moved > -0.5 + 1e-12) & (moved < 0.4 - 1e-12)  # beyond, crypto's exchange stops
        assert inside.mean() > 0.999
        np.testing.assert_allclose(moved[inside], made_up[inside], atol=1e-12)


def test_positions_are_the_sum_of_flows(worlds):
    path = worlds[0].world.path
    funds = [
        AGENTS.index(name) for name in ("levered_funds", "crypto_traders")
    ]  # theirs grow with prices
    others = [agent for agent in range(len(AGENTS)) if agent not in funds]
    bought = path.hold[0, others] + path.flow[:, others].cumsum(axis=0)
    np.testing.assert_allclose(path.hold[:, others], bought, atol=1e-12)


def test_forced_sales_are_sales_and_part_of_the_flows(worlds):
    for made in worlds[:3]:
        forced = made.truth.forced
        assert (forced <= 0).all().all()
        sold = made.truth.flows.clip(upper=0.0).T.groupby(level="market").sum().T[list(MARKETS)]
        assert (forced >= sold - 1e-9).all().all()


def test_trigger_tells_which_close_flips_a_speed(worlds):
    """A speed is long after tomorrow's close exactly where it lies above today's trigger."""
    for made in worlds[:3]:
        close = made.published["sp500"].to_numpy()
        average = INDEX_START * made.world.path.average[:, EQUITY]
        np.testing.assert_array_equal(made.truth.triggers.to_numpy(), average)
        for speed in range(len(SPEEDS)):
            long = close[1:] > average[1:, speed]
            assert (long == (close[1:] > average[:-1, speed])).all()


def test_trend_followers_sell_through_a_trigger_and_most_at_once_near_it(record, row, rules):
    variance = rules.usual**2 / 252
    average, held = np.ones((len(MARKETS), 3)), np.zeros_like(row)

    def target(close: float) -> float:
        flow = np.zeros_like(row)
        follow_trends(flow, held, np.log(np.full(len(MARKETS), close)), average, variance, record)
        return float(flow[TREND, EQUITY] / rules.trend_speed)

    closes = np.linspace(0.8, 1.2, 401)
    targets = np.array([target(close) for close in closes])
    assert (np.diff(targets) >= 0).all() and target(0.999) < 0 < target(1.001)
    assert abs(closes[np.diff(targets).argmax()] - 1.0) < 0.01
    assert targets.min() == pytest.approx(-rules.trend_short * rules.trend_size[EQUITY], rel=0.05)


@pytest.mark.parametrize(
    ("leverage", "funding", "sells"), [(2.0, -5.0, False), (6.0, -5.0, True), (3.4, 150.0, True)]
)
def test_levered_funds_sell_over_their_limit_and_add_slowly_below_it(
    record, row, state, rules, leverage, funding, sells
):
    held = np.zeros_like(row)
    state[WEALTH], state[FUNDING] = 1.0, funding
    held[FUNDS] = (
        leverage * rules.fund_mix / (rules.fund_mix[[0, 3, 6]].sum() + 0.25 * rules.fund_mix[4])
    )
    meet_margin(row, held, rules.usual[EQUITY] ** 2 / 252, state, record)
    assert state[LEVERAGE] == pytest.approx(leverage)
    assert bool(state[LEVERAGE] > state[LIMIT]) is sells is bool(state[SOLD] > 0)
    share = row[FUNDS, EQUITY] / held[FUNDS, EQUITY]
    assert share < 0 if sells else -0.01 <= share <= 0.012
    calm_sale = 0.005 * abs(held[FUNDS, TREASURY])  # back to the usual size, no faster
    assert (
        bool(row[FUNDS, TREASURY] < -calm_sale)
        is (funding > 8)
        is bool(row[FUNDS, MARKETS.index("dollar")] > 0)
    )


def test_limit_falls_with_volatility_and_with_dear_funding(record, row, state, rules):
    held = np.full_like(row, 0.01)
    state[WEALTH] = 1.0

    def limit(risk: float, funding: float) -> float:
        state[FUNDING] = funding
        meet_margin(row, held, (risk * rules.usual[EQUITY]) ** 2 / 252, state, record)
        return float(state[LIMIT])

    assert limit(0.8, 0) > limit(1.0, 0) > limit(2.0, 0) and limit(1.0, 0) > limit(1.0, 60) > limit(
        1.0, 200
    )
    assert limit(1.0, 0) == pytest.approx(rules.fund_limit)


def test_crypto_exchange_sells_whoever_is_over_the_limit(record, row, state, rules):
    held = np.zeros_like(row)
    state[CRYPTO_WEALTH] = rules.trader_wealth
    held[TRADERS, CRYPTO] = 1.3 * rules.trader_limit * rules.trader_wealth
    meet_crypto_margin(row, held, state, record)
    assert row[TRADERS, CRYPTO] < 0 < state[CRYPTO_SOLD]
    held[TRADERS, CRYPTO] = 0.2 * rules.trader_limit * rules.trader_wealth
    meet_crypto_margin(row, held, state, record)
    assert row[TRADERS, CRYPTO] > 0 == state[CRYPTO_SOLD]


def test_dealers_dampen_above_and_amplify_below(record, state, rules, worlds):
    state[CALLS], state[PUTS] = 0.03, -0.05
    variance = rules.usual[EQUITY] ** 2 / 252

    def gamma(price: float) -> float:
        dealer_gamma(price, variance, state, record)
        return float(state[GAMMA])

    assert gamma(0.03) > 0.2 and gamma(-0.05) < -0.2 and abs(gamma(-0.5)) < 1e-3
    path = worlds[1].world.path
    hedged, moved = path.flow[2:, DEALERS, EQUITY], np.diff(path.price[:, EQUITY])[1:]
    against = np.sign(hedged) == -np.sign(moved)
    assert (against == (path.state[2:, GAMMA] > 0))[np.abs(hedged) > 0].all()


def test_reserves_have_a_convex_price_and_hoarding_raises_it(record, state, rules):
    def price(share: float, stress: float = 0.0) -> float:
        state[RESERVES], state[STRESS] = share, stress
        price_reserves(state, 0.06, record)
        return float(state[FUNDING])

    prices = np.array([price(share) for share in np.linspace(0.02, 0.30, 50)])
    assert (
        (np.diff(prices) < 0).all()
        and (np.diff(prices, 2) > 0).all()
        and prices[-1] == pytest.approx(-6, abs=0.1)
    )
    assert price(rules.reserve_kink, 1.0) > price(rules.reserve_kink) + 10


def test_central_bank_steps_in_then_drains(record, row, state, rules):
    state[RESERVES], state[ASSETS], state[FUNDING], state[TENSION] = (
        0.08,
        1.0,
        90.0,
        90.0,
    )
    assets = []
    for _ in range(800):
        run_balance_sheet(row, state, record)
        state[FUNDING] = 90.0 if len(assets) < 5 else -5.0
        assets.append(state[ASSETS])
    steps = np.sign(np.round(np.diff(assets), 12))
    assert (steps[:58] > 0).all() and (steps[62:400] == 0).all() and (steps[-100:] < 0).all()
    assert row[BANK, TREASURY] < 0


def test_policy_rate_moves_in_quarters_and_falls_in_a_crisis(state):
    state[POLICY], state[STRESS] = 4.0, 0.0
    set_rate(state, 2.0, True)
    assert state[POLICY] == 4.25
    state[STRESS] = 2.0
    set_rate(state, 2.0, True)
    assert state[POLICY] < 4.25 and state[POLICY] * 4 == round(state[POLICY] * 4)
    before = state[POLICY]
    set_rate(state, -3.0, False)
    assert state[POLICY] == before


def test_crises_come_from_inside(worlds):
    """The same news without the agents' leverage, targets and gamma.

    No crash of the same size, thinner tails.
    """
    for made in worlds[:4]:
        rules, news = made.world.rules, made.world.news
        alone = rules._replace(
            fund_wealth=1e-9,
            trend_size=0 * rules.trend_size,
            target_size=1e-9,
            parity_size=1e-9,
            call_gamma=0.0,
            put_gamma=0.0,
            trader_wealth=1e-12,
        )
        with_agents, without = (
            made.world.path.price[:, EQUITY],
            simulate(alone, news).price[:, EQUITY],
        )
        worst = [np.min(price[21:] - price[:-21]) for price in (with_agents, without)]
        assert worst[0] < 1.3 * worst[1] < 0
