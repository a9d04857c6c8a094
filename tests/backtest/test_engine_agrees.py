"""The engine and the oracle give one account, whatever is thrown at them."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.backtest.reference import reference_backtest


def market(seed: int, days: int, assets: int, gaps: float, one_way: bool):
    """Random walks with gaps, weights on a grid that are kept for some days, a moving bill rate."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2020-01-01", periods=days, name="date")
    names = [f"a{i}" for i in range(assets)]
    prices = pd.DataFrame(np.exp(np.cumsum(rng.normal(0, 0.03, (days, assets)), axis=0)) * rng.uniform(1, 5000, assets),
                          index=dates, columns=names)
    prices = prices.mask(rng.random((days, assets)) < gaps)
    prices.iloc[rng.integers(days)] = rng.uniform(1, 5000, assets)  # no asset may be without any price
    raw = rng.integers(0, 11, (days, assets + 1)).astype(float)
    weights = pd.DataFrame(raw[:, :-1] / np.maximum(raw.sum(axis=1, keepdims=True), 1), index=dates, columns=names)
    if one_way:
        weights = (weights > 0.1).astype(float) / assets
    weights = weights[rng.random(days) < 0.4] if rng.random() < 0.7 else weights
    weights = weights if len(weights) else weights.reindex(dates[:1]).fillna(0.0)
    return prices, weights, pd.Series(rng.normal(1e-4, 2e-4, days), index=dates)


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 10**6), days=st.integers(2, 60), assets=st.integers(1, 4),
       gaps=st.sampled_from([0.0, 0.1, 0.5]), bps=st.sampled_from([0.0, 1.0, 5.0, 50.0, 1000.0]),
       rebalance=st.sampled_from(["on_signal", "daily"]), fill_delay=st.integers(1, 4), same_bar=st.booleans(),
       one_way=st.booleans(), with_cash=st.booleans())
def test_engine_equals_reference(seed, days, assets, gaps, bps, rebalance, fill_delay, same_bar, one_way, with_cash):
    prices, weights, cash = market(seed, days, assets, gaps, one_way)
    options = {"fill_delay": fill_delay, "rebalance": rebalance, "same_bar": same_bar}
    args = (prices, weights, Costs(bps=bps), cash if with_cash else None)
    mine, oracle = backtest(*args, **options), reference_backtest(*args, **options)
    for name in ("equity", "cash", "positions", "costs", "held"):
        np.testing.assert_allclose(getattr(mine, name), getattr(oracle, name), rtol=0, atol=1e-10, err_msg=name)
    pd.testing.assert_frame_equal(mine.deferred, oracle.deferred)
    assert mine.notes == oracle.notes
    mine_orders, oracle_orders = (result.orders[result.orders["notional"].abs() > 1e-9].sort_values(["date", "asset"])
                                  .reset_index(drop=True) for result in (mine, oracle))
    pd.testing.assert_frame_equal(mine_orders, oracle_orders, rtol=1e-9, atol=1e-10)
