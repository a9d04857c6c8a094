"""The sweep against vectorbt's `from_orders`, interleaved in one run, at equal equity and orders.

Usage: python benchmarks/sweep.py [--json] [--full]

vectorbt runs chunks of 200 settings from exposures made beforehand; the sweep makes them itself. By
default vectorbt is timed on some chunks drawn at random from the same settings and its time is
scaled to all of them, as the output says; ``--full`` runs every chunk.
"""

import json
import os
import resource
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd

from regime.backtest.costs import Costs
from regime.schema import REGIMES
from regime.studies.sweep.grid import Grid, StackGrid
from regime.studies.sweep.sweep import setting_exposure, sweep_settings

SETTINGS, DAYS, CHUNK, SAMPLED, ROUNDS = 10_000, 8_000, 200, 3, 9
CLAIM, LARGER, TIME_CLAIM, MEGABYTES = 50.0, 10, 12.0, 500.0
ROOM, COSTS = 1e-12, Costs(bps=5)


def market():
    """Prices and signals of a random market: persistent probabilities, random volatility."""
    rng = np.random.default_rng(7)
    dates = pd.bdate_range("1993-01-01", periods=DAYS, name="date")
    shocks, level = rng.normal(0, [0.4, 0.4, 0.4, 0.4, 0.05], (DAYS, 5)), np.zeros((DAYS, 5))
    for t in range(1, DAYS):
        level[t] = 0.975 * level[t - 1] + shocks[t]
    odds = np.exp(level[:, :4])
    signals = pd.DataFrame(odds / odds.sum(axis=1, keepdims=True), dates, list(REGIMES))
    prices = pd.Series(
        100 * np.exp(np.cumsum(rng.normal(3e-4, 0.01, DAYS))), index=dates, name="SPY"
    )
    return prices, signals.assign(volatility=0.15 * np.exp(level[:, 4]))


def grid(times=1):
    """10,000 settings of four stacks, or a multiple with more volatility targets and steps."""

    def spread(low, high, count):
        return np.linspace(low, high, count).round(6).tolist()

    hysteresis = {
        "Hysteresis": {
            "enter": spread(0.35, 0.8, 10),
            "leave": spread(0.1, 0.3, 5),
            "halflife": [0.0, 2.0, 5.0, 10.0],
        }
    }
    threshold = {
        "Threshold": {"level": spread(0.3, 0.8, 10), "halflife": [0.0, 1.0, 2.0, 5.0, 10.0]}
    }
    ramp = {
        "Ramp": {"low": spread(0.05, 0.3, 10), "high": spread(0.4, 0.9, 10), "halflife": [0.0, 5.0]}
    }
    return Grid(
        stacks=(
            StackGrid(
                rules=(
                    hysteresis,
                    {"MinimumHold": {"days": [1, 2, 3, 5, 10]}},
                    {"VolatilityTarget": {"target": spread(0.1, 0.16, 4 * times)}},
                )
            ),
            StackGrid(
                rules=(
                    hysteresis,
                    {"Cooldown": {"days": [0, 5, 10, 20, 40]}},
                    {"CapStep": {"per_day": spread(0.1, 1.0, 3 * times)}},
                )
            ),
            StackGrid(
                rules=(
                    threshold,
                    {"Cooldown": {"days": [0, 5, 10, 20, 40]}},
                    {"VolatilityTarget": {"target": spread(0.08, 0.2, 8 * times)}},
                )
            ),
            StackGrid(
                rules=(
                    ramp,
                    {"CapStep": {"per_day": spread(0.1, 0.5, 5 * times)}},
                    "VolatilityTarget",
                )
            ),
        )
    )


def orders_of(decided):
    """Sizes for vectorbt: the weight due one close later, only where it changes.

    The endowment first.
    """
    due = np.vstack([np.ones((1, decided.shape[1])), decided[:-1]])
    changed = np.vstack([np.ones((1, decided.shape[1]), bool), due[1:] != due[:-1]])
    return np.where(changed, due, np.nan)


def theirs(prices, sizes, fees):
    """Final value and order count of a chunk, as a fraction of the starting capital."""
    import vectorbt as vbt

    portfolio = vbt.Portfolio.from_orders(
        prices,
        size=sizes,
        size_type="targetpercent",
        fees=fees,
        freq="1D",
        direction="longonly",
        engine="auto",
    )
    return (
        portfolio.final_value().to_numpy() / portfolio.init_cash,
        portfolio.orders.count().to_numpy() - 1,
    )


def seconds(action):
    """Result, and seconds by the clock and of the processors."""
    begin, busy = time.perf_counter(), time.process_time()
    return action(), np.array([time.perf_counter() - begin, time.process_time() - busy])


def against_vectorbt(every):
    """Times of both in turn, and the largest differences on the chunks that vectorbt ran."""
    prices, signals = market()
    rules = grid().encoded()
    order = np.random.default_rng(1).permutation(SETTINGS)
    chunks = [order[start : start + CHUNK] for start in range(0, SETTINGS, CHUNK)][
        : None if every else SAMPLED
    ]
    fees = np.full((DAYS, 1), COSTS.bps / 1e4)
    fees[0] = 0.0
    result = sweep_settings(prices, signals, rules, COSTS, statistics="final")  # compiles
    sweep_settings(prices, signals, rules.take(chunks[0]), COSTS)
    mine, full, other, equity, orders = [], [], [], 0.0, 0
    for turn, rows in enumerate(chunks if every else chunks * (ROUNDS // SAMPLED)):
        if turn < len(chunks):
            sizes = orders_of(
                np.column_stack([setting_exposure(signals, rules, int(row)) for row in rows])
            )
        if turn == 0:
            theirs(prices, sizes, fees)  # warm
        mine.append(
            seconds(lambda: sweep_settings(prices, signals, rules, COSTS, statistics="final"))[1]
        )
        (value, count), spent = seconds(lambda s=sizes: theirs(prices, s, fees))
        other.append(spent)
        full.append(seconds(lambda: sweep_settings(prices, signals, rules, COSTS))[1])
        if turn < len(chunks):
            equity = max(
                equity,
                float(np.abs(value / result.table["final_equity"].to_numpy()[rows] - 1.0).max()),
            )
            orders += int((count != result.table["orders"].to_numpy()[rows]).sum())
    (own, busy), (own_full, _) = np.median(mine, axis=0), np.median(full, axis=0)
    scaled, busy_scaled = (
        np.sum(other, axis=0) if every else np.median(other, axis=0) * SETTINGS / CHUNK
    )
    how = "all measured" if every else "scaled to all"
    return {
        "seconds": round(own, 4),
        "seconds_full_statistics": round(own_full, 4),
        "vectorbt_seconds": round(scaled, 2),
        "vectorbt_time": f"{len(chunks)} of {SETTINGS // CHUNK} chunks of {CHUNK} in "
        f"{len(other)} runs, {how}",
        "ratio_vs_vectorbt": round(scaled / own, 1),
        "ratio_full_statistics": round(scaled / own_full, 1),
        "ratio_of_processor_seconds": round(busy_scaled / busy, 1),
        "compared_settings": CHUNK * len(chunks),
        "max_relative_difference": equity,
        "order_counts_that_differ": orders,
        "mean_orders": round(float(result.table["orders"].mean()), 1),
    }


def growth():
    """Time of ten times the settings against the time of one, and the peak memory of a process."""
    prices, signals = market()
    few, many = grid().encoded(), grid(LARGER).encoded()
    sweep_settings(prices, signals, few, COSTS)
    times = [
        (
            seconds(lambda: sweep_settings(prices, signals, few, COSTS))[1],
            seconds(lambda: sweep_settings(prices, signals, many, COSTS))[1],
        )
        for _ in range(3)
    ]
    small, large = np.median([[own[0], other[0]] for own, other in times], axis=0)
    return {
        "settings": len(many),
        "seconds": round(large, 3),
        "times_the_time": round(large / small, 2),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def main():
    if "--growth" in sys.argv:
        print(json.dumps(growth()))
        return 0
    warnings.simplefilter("ignore")
    larger = json.loads(
        subprocess.run(
            [sys.executable, __file__, "--growth"], capture_output=True, text=True, check=True
        ).stdout
    )
    result = {
        "settings": SETTINGS,
        "days": DAYS,
        **against_vectorbt("--full" in sys.argv),
        "larger": larger,
        "engine": f"own numba kernel, {os.cpu_count()} threads; vectorbt engine=auto",
        "claim": CLAIM,
        "load": round(os.getloadavg()[0], 2),
    }
    result["passed"] = bool(
        result["ratio_vs_vectorbt"] >= CLAIM
        and result["max_relative_difference"] <= ROOM
        and not result["order_counts_that_differ"]
        and larger["times_the_time"] <= TIME_CLAIM
        and larger["peak_megabytes"] <= MEGABYTES
    )
    if "--json" in sys.argv:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name}: {value}" for name, value in result.items()))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
