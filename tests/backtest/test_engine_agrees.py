"""The engine and the oracle give one account, whatever is thrown at them."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from tests.backtest.reference_engine import reference_backtest


def market(seed: int, days: int, assets: int, gaps: float, one_way: bool):
    """Random walks with gaps, weights on a grid that are kept for some days, a moving bill rate."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2020-01-01", periods=days, name="date")
    names = [f"a{i}" for i in range(assets)]
    prices = pd.DataFrame(
        np.exp(np.cumsum(rng.normal(0, 0.03, (days, assets)), axis=0))
        * rng.uniform(1, 5000, assets),
        index=dates,
        columns=names,
    )
    prices = prices.mask(rng.random((days, assets)) < gaps)
    prices.iloc[rng.integers(days)] = rng.uniform(
        1, 5000, assets
    )  # no asset may be without any price
    raw = rng.integers(0, 11, (days, assets + 1)).astype(float)
    weights = pd.DataFrame(
        raw[:, :-1] / np.maximum(raw.sum(axis=1, keepdims=True), 1), index=dates, columns=names
    )
    if one_way:
        weights = (weights > 0.1).astype(float) / assets
    weights = weights[rng.random(days) < 0.4] if rng.random() < 0.7 else weights
    weights = weights if len(weights) else weights.reindex(dates[:1]).fillna(0.0)
    return prices, weights, pd.Series(rng.normal(1e-4, 2e-4, days), index=dates)


def opens_of(prices, seed, gaps):
    """Opens some per cent from the close before, absent on days of their own."""
    rng = np.random.default_rng(seed)
    opens = prices.ffill().shift(1).bfill() * np.exp(rng.normal(0, 0.02, prices.shape))
    return opens.mask(rng.random(prices.shape) < gaps)


def costs_of(seed, assets, bps):
    """Half-spreads and fees as one number or asset by asset."""
    rng = np.random.default_rng(seed)
    single = rng.random() < 0.5

    def drawn(top):
        values = rng.uniform(0, top, assets).round(2)
        return (
            float(values[0])
            if single
            else {f"a{i}": float(value) for i, value in enumerate(values)}
        )

    return Costs(
        bps=bps,
        half_spread_bps=drawn(30),
        impact_bps=float(rng.choice([0, 20, 500])),
        holding_bps=drawn(300),
    )


def spreads_of(prices, seed):
    """Half-spreads estimated now and then, from some day on, also on days without a session."""
    rng = np.random.default_rng(seed)
    days = pd.date_range(prices.index[0] - pd.Timedelta(days=9), prices.index[-1], name="date")
    table = pd.DataFrame(
        rng.uniform(0, 40, (len(days), prices.shape[1])), index=days, columns=prices.columns
    )
    table = table.mask(rng.random(table.shape) < 0.5)
    return table[rng.random(len(days)) < rng.choice([0.05, 0.5])]


def same(mine, oracle):
    for name in ("equity", "cash", "positions", "costs", "held"):
        np.testing.assert_allclose(
            getattr(mine, name), getattr(oracle, name), rtol=0, atol=1e-10, err_msg=name
        )
    pd.testing.assert_frame_equal(mine.deferred, oracle.deferred)
    assert mine.notes == oracle.notes
    mine_orders, oracle_orders = (
        result.orders[result.orders["notional"].abs() > 1e-9]
        .sort_values(["date", "asset"])
        .reset_index(drop=True)
        for result in (mine, oracle)
    )
    pd.testing.assert_frame_equal(mine_orders, oracle_orders, rtol=1e-9, atol=1e-10)


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    days=st.integers(2, 60),
    assets=st.integers(1, 4),
    gaps=st.sampled_from([0.0, 0.1, 0.5]),
    bps=st.sampled_from([0.0, 1.0, 5.0, 50.0, 1000.0]),
    rebalance=st.sampled_from(["on_signal", "daily", "monthly"]),
    fill_delay=st.integers(1, 4),
    same_bar=st.booleans(),
    one_way=st.booleans(),
    with_cash=st.booleans(),
)
def test_engine_equals_reference(
    seed, days, assets, gaps, bps, rebalance, fill_delay, same_bar, one_way, with_cash
):
    prices, weights, cash = market(seed, days, assets, gaps, one_way)
    options = {"fill_delay": fill_delay, "rebalance": rebalance, "same_bar": same_bar}
    args = (prices, weights, Costs(bps=bps), cash if with_cash else None)
    same(backtest(*args, **options), reference_backtest(*args, **options))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    days=st.integers(2, 70),
    assets=st.integers(1, 4),
    gaps=st.sampled_from([0.0, 0.1, 0.5]),
    bps=st.sampled_from([0.0, 5.0, 200.0]),
    rebalance=st.sampled_from(["on_signal", "daily", "monthly"]),
    fill_delay=st.integers(1, 3),
    at_open=st.booleans(),
    by_day=st.booleans(),
    one_way=st.booleans(),
)
def test_engine_equals_reference_with_opens_and_every_cost(
    seed, days, assets, gaps, bps, rebalance, fill_delay, at_open, by_day, one_way
):
    prices, weights, cash = market(seed, days, assets, gaps, one_way)
    options = {"fill_delay": fill_delay, "rebalance": rebalance}
    if at_open:
        options |= {"fill": "open", "opens": opens_of(prices, seed, gaps)}
    if by_day:
        options["half_spreads"] = spreads_of(prices, seed)
    args = (prices, weights, costs_of(seed, assets, bps), cash)
    same(backtest(*args, **options), reference_backtest(*args, **options))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    gaps=st.sampled_from([0.0, 0.2]),
    rebalance=st.sampled_from(["on_signal", "daily", "monthly"]),
    at_open=st.booleans(),
    cut=st.integers(2, 69),
)
def test_what_is_done_by_a_date_does_not_depend_on_later_data(seed, gaps, rebalance, at_open, cut):
    prices, weights, cash = market(seed, 70, 2, gaps, False)
    opens, table = opens_of(prices, seed, gaps), spreads_of(prices, seed)
    prices.iloc[0] = 100.0  # an asset must have a price in every part
    costs, last = costs_of(seed, 2, 5.0), prices.index[cut - 1]
    whole, part = (
        backtest(
            prices[:until],
            weights[:until] if len(weights[:until]) else weights[:1] * 0,
            costs,
            cash[:until],
            rebalance=rebalance,
            half_spreads=table[:until],
            **({"fill": "open", "opens": opens[:until]} if at_open else {}),
        )
        for until in (prices.index[-1], max(last, weights.index[0]))
    )
    rows = part.equity.index
    np.testing.assert_allclose(part.equity, whole.equity[rows], rtol=1e-12)
    assert (
        part.orders["date"].tolist()
        == whole.orders["date"][whole.orders["date"] <= rows[-1]].tolist()
    )
