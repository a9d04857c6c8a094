"""Whole backtests with pinned figures and a hash of their orders, by both engines.

The figures stand in `golden/backtest.json`. When a change of behaviour is meant, write them anew
and say why in the commit: ``python tests/backtest/test_golden_scenarios.py --write``.
"""

import hashlib
import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from tests.backtest.reference_engine import reference_backtest

PINNED = Path(__file__).parents[1] / "golden" / "backtest.json"
NAN, FIVE = math.nan, Costs(bps=5)
HASHED = 1e-9  # of equity: smaller orders are rounding, which may differ between machines


def walk(seed, days=400, assets=1, step=0.02):
    """Uniform steps.

    Only `Generator.random` is used, whose stream does not change between versions.
    """
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2019-01-01", periods=days, name="date")
    returns = step * (rng.random((days, assets)) - 0.49)
    return pd.DataFrame(
        100 * np.cumprod(1 + returns, axis=0), dates, [f"a{i}" for i in range(assets)]
    )


def weights_on(prices, seed, kept=0.9):
    """Weights in tenths that are kept for ten days or so; they sum to at most 1."""
    rng = np.random.default_rng(seed + 1000)
    raw = np.floor(rng.random((len(prices), prices.shape[1] + 1)) * 11)
    table = pd.DataFrame(
        raw[:, :-1] / np.maximum(raw.sum(axis=1, keepdims=True), 1), prices.index, prices.columns
    )
    return table[rng.random(len(prices)) > kept]


def rate(prices, mean, seed=0):
    return pd.Series(
        mean + 1e-5 * (np.random.default_rng(seed + 2000).random(len(prices)) - 0.5), prices.index
    )


def holes(prices, seed, share=0.15):
    return prices.mask(np.random.default_rng(seed + 3000).random(prices.shape) < share)


def opens_of(prices, seed):
    jump = 1 + 0.01 * (np.random.default_rng(seed + 4000).random(prices.shape) - 0.5)
    return prices.shift(1).bfill() * jump


def spreads_of(prices, seed):
    return 20 * pd.DataFrame(
        np.random.default_rng(seed + 5000).random(prices.shape), prices.index, prices.columns
    )


def drawn(seed, assets=1, costs=FIVE, **options):
    prices = walk(seed, assets=assets)
    return {"prices": prices, "exposure": weights_on(prices, seed), "costs": costs, **options}


def with_cash(seed, mean, **options):
    scenario = drawn(seed, **options)
    return scenario | {"cash": rate(scenario["prices"], mean)}


def at_open(seed, gaps=0.0, **options):
    scenario = drawn(seed, **options)
    opens = opens_of(scenario["prices"], seed)
    if gaps:
        opens, scenario["prices"] = (
            holes(opens, seed, gaps),
            holes(scenario["prices"], seed + 1, gaps),
        )
    return scenario | {"fill": "open", "opens": opens}


def with_gaps(seed, **options):
    scenario = drawn(seed, **options)
    return scenario | {"prices": holes(scenario["prices"], seed)}


def cut(seed, rows, **options):
    """The last asset has prices on `rows` alone."""
    scenario = drawn(seed, **options)
    prices = scenario["prices"]
    inside = np.zeros(len(prices), dtype=bool)
    inside[rows] = True
    prices.iloc[~inside, -1] = NAN
    return scenario


def by_day(seed, **options):
    scenario = drawn(seed, **options)
    return scenario | {"half_spreads": spreads_of(scenario["prices"], seed)[::3]}


def switched(seed):
    """All from one asset into another and back: the buy is cut to the proceeds after costs."""
    prices = walk(seed, assets=2)
    first = pd.Series((np.arange(len(prices)) // 20) % 2 == 0, prices.index).astype(float)
    return {
        "prices": prices,
        "exposure": pd.DataFrame({"a0": first, "a1": 1 - first}),
        "costs": Costs(bps=25),
    }


def everything(seed):
    """All that there is at once."""
    costs = Costs(
        bps=1,
        half_spread_bps={"a0": 2, "a1": 4, "a2": 8},
        impact_bps=20,
        holding_bps={"a0": 9, "a1": 45, "a2": 75},
    )
    scenario = at_open(seed, gaps=0.1, assets=3, costs=costs, rebalance="monthly", fill_delay=2)
    prices = scenario["prices"]
    return scenario | {
        "cash": rate(prices, 8e-5),
        "half_spreads": spreads_of(prices, seed)[::10].iloc[2:],
        "initial": {"a0": 0.6},
    }


def small(prices, exposure, **options):
    dates = pd.bdate_range("2024-01-29", periods=len(prices), name="date")
    table = {
        "prices": pd.Series(prices, dates, dtype=float, name="SPY"),
        "exposure": pd.Series(exposure, dates),
    }
    if "opens" in options:
        options["opens"] = pd.Series(options["opens"], dates, dtype=float)
    return table | {"costs": FIVE} | options


SCENARIOS = {
    "hold": lambda: drawn(1) | {"exposure": pd.Series([1.0], walk(1).index[:1])},
    "single": lambda: drawn(2),
    "single daily": lambda: drawn(3, rebalance="daily"),
    "single monthly": lambda: drawn(4, rebalance="monthly"),
    "single free": lambda: drawn(5, costs=Costs(bps=0)),
    "single dear": lambda: drawn(6, costs=Costs(bps=300)),
    "single with cash yield": lambda: with_cash(7, 2e-4),
    "single with negative rates": lambda: with_cash(8, -3e-5, rebalance="daily"),
    "single two days late": lambda: drawn(9, fill_delay=2),
    "single three days late": lambda: drawn(10, fill_delay=3, rebalance="daily"),
    "single that begins in cash": lambda: drawn(11, initial=0.0),
    "several": lambda: with_cash(12, 1e-4, assets=4),
    "several daily": lambda: with_cash(13, 1e-4, assets=3, rebalance="daily"),
    "several monthly": lambda: with_cash(
        14, 1e-4, assets=3, rebalance="monthly", initial={"a0": 0.3, "a2": 0.3}
    ),
    "gaps": lambda: with_gaps(15),
    "gaps in several": lambda: with_gaps(16, assets=3, rebalance="daily"),
    "gaps in several, late, monthly": lambda: with_gaps(
        17, assets=4, rebalance="monthly", fill_delay=3
    ),
    "late listing": lambda: cut(18, slice(200, None), assets=3),
    "delisted before the end": lambda: cut(19, slice(0, 330), assets=2, rebalance="monthly"),
    "open": lambda: at_open(20),
    "open of several with gaps": lambda: at_open(21, gaps=0.1, assets=3),
    "open daily": lambda: at_open(22, rebalance="daily") | {"cash": rate(walk(22), 1e-4)},
    "half-spread by asset": lambda: drawn(
        23, assets=2, costs=Costs(bps=1, half_spread_bps={"a0": 1, "a1": 30})
    ),
    "half-spread by day": lambda: by_day(24, assets=2, costs=Costs(bps=1)),
    "impact": lambda: drawn(25, assets=2, costs=Costs(bps=1, impact_bps=100)),
    "holding": lambda: drawn(
        26, assets=2, costs=Costs(bps=1, holding_bps={"a0": 9, "a1": 95}), rebalance="monthly"
    ),
    "buy cut for want of cash": lambda: switched(27),
    "everything": lambda: everything(28),
    "by hand: out and back": lambda: small(
        [100, 110, 121, 121], [0.0, 1.0, 1.0, 1.0], costs=Costs(bps=100)
    ),
    "by hand: deferred": lambda: small([100, NAN, 90, 45], [0.0, 0.0, 0.0, 0.0]),
    "by hand: open": lambda: small(
        [100, 110, 120],
        [0.0, 0.0, 0.0],
        fill="open",
        opens=[90, 105, 130],
        costs=Costs(bps=1, half_spread_bps=2, impact_bps=7),
    ),
    "by hand: month": lambda: small(
        [100, 100, 100, 300, 100], [0.5] * 5, initial=0.5, rebalance="monthly", costs=Costs(bps=0)
    ),
}

# Worked out on paper: final equity, what was paid, turnover a year.
BY_HAND = {
    # 1 grows to 1.1 and is sold for 1.1 x .99 = 1.089; that buys 1.089 / 1.01 at 121, where it
    # stays. Costs: .011 and the rest of 1.089. Traded over equity of the day: 1.1 / 1.089 and, of
    # what was bought, 1 / 1.
    "by hand: out and back": (
        1.089 / 1.01,
        0.011 + 1.089 - 1.089 / 1.01,
        (1.1 / 1.089 + 1) / 3 * 252,
    ),
    # Due on the day without a price, sold at 90 for .9 less 5 bp; the fall to 45 is not suffered.
    "by hand: deferred": (0.9 * 0.9995, 0.9 * 5e-4, 1 / 0.9995 / 3 * 252),
    # Sold at 105, all of it: 1 + 2 + 7 x 1 = 10 bp of 1.05. Turnover over the equity of that day's
    # close.
    "by hand: open": (1.05 * 0.999, 1.05e-3, 1 / 0.999 / 2 * 252),
    # On 1 February, at 300, there is .5 of cash and 1.5 of stock: .5 is sold, a quarter of the
    # equity. The stock's 1 falls to a third; in the four sessions nothing else is traded.
    "by hand: month": (1 + 1 / 3, 0.0, 0.25 / 4 * 252),
}


def figures(result):
    """What is pinned of a result."""
    summary = result.summary()
    lines = [
        f"{row.date:%Y-%m-%d} {row.asset} {row.units:.6g}"
        for row in result.orders.sort_values(["date", "asset"]).itertuples()
        if abs(row.notional) > HASHED
    ]
    return {
        "equity": float(result.equity.iloc[-1]),
        "costs": float(result.costs.sum()),
        **{name: summary[name] for name in ("sharpe", "max_drawdown", "turnover", "mean_exposure")},
        "orders": len(lines),
        "deferred": result.deferred["outcome"].value_counts().sort_index().to_dict(),
        "hash": hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16],
    }


def run(name, engine):
    return figures(engine(**SCENARIOS[name]()))


def write():
    """Pin the figures of today."""
    content = {name: run(name, backtest) for name in SCENARIOS}
    PINNED.parent.mkdir(exist_ok=True)
    PINNED.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def pinned():
    return json.loads(PINNED.read_text(encoding="utf-8"))


def test_every_scenario_is_pinned(pinned):
    assert list(pinned) == list(SCENARIOS) and len(pinned) >= 20


@pytest.mark.parametrize("engine", [backtest, reference_backtest])
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_figures_stand(name, engine, pinned):
    found, wanted = run(name, engine), pinned[name]
    for figure, value in wanted.items():
        assert found[figure] == (
            pytest.approx(value, rel=1e-8, abs=1e-10) if isinstance(value, float) else value
        )


@pytest.mark.parametrize("name", BY_HAND)
def test_pinned_figures_are_those_of_paper(name, pinned):
    assert [pinned[name][figure] for figure in ("equity", "costs", "turnover")] == pytest.approx(
        BY_HAND[name]
    )


def test_the_scenarios_hold_what_they_are_named_for(pinned):
    free, dear = pinned["single free"], pinned["single dear"]
    assert free["costs"] == 0 < dear["costs"] and dear["sharpe"] < free["sharpe"]
    assert pinned["gaps"]["deferred"]["filled"] > 1 and pinned["gaps"]["deferred"]["replaced"] >= 1
    assert "open" in pinned["delisted before the end"]["deferred"]
    assert pinned["late listing"]["deferred"]["filled"] == 1
    assert len({scenario["hash"] for scenario in pinned.values()}) == len(pinned)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    write()
