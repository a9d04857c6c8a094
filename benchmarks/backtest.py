"""One backtest with its statistics against vectorbt's own `.stats()`, interleaved in one run.

usage: python benchmarks/backtest.py [--json]
"""

import json
import statistics
import sys
import time
import warnings

import numpy as np
import pandas as pd
import vectorbt as vbt

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest

DAYS, ROUNDS = 8000, 15


def inputs():
    """A random walk and an exposure that changes every eighth day or so."""
    rng = np.random.default_rng(7)
    dates = pd.bdate_range("1993-01-01", periods=DAYS, name="date")
    prices = pd.Series(
        100 * np.exp(np.cumsum(rng.normal(3e-4, 0.01, DAYS))), index=dates, name="SPY"
    )
    exposure = pd.Series(
        np.where(rng.random(DAYS) < 0.12, rng.integers(0, 5, DAYS) / 4, np.nan), index=dates
    )
    return prices, exposure.ffill().fillna(1.0)


def ours(prices, exposure):
    """Sharpe ratio, and the final value of 1."""
    result = backtest(prices, exposure, Costs(bps=5))
    return np.array([result.summary()["sharpe"], result.equity.iloc[-1]])


def theirs(prices, exposure):
    """The same two figures; the first holding is free, as ours is."""
    due, fees = exposure.shift(1).fillna(1.0), np.full(len(prices), 5e-4)
    fees[0] = 0.0
    portfolio = vbt.Portfolio.from_orders(
        prices, size=due.where(due.diff() != 0), size_type="targetpercent", fees=fees, freq="1D"
    )
    stats = portfolio.stats(settings={"year_freq": "252 days"})
    return np.array([stats["Sharpe Ratio"], stats["End Value"] / stats["Start Value"]])


def seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def main():
    warnings.simplefilter("ignore")
    args = inputs()
    difference = np.abs(ours(*args) / theirs(*args) - 1)[
        1
    ]  # and both warm; Sharpe conventions differ in one return
    times = [(seconds(ours, *args), seconds(theirs, *args)) for _ in range(ROUNDS)]
    mine, other = (statistics.median(column) for column in zip(*times, strict=True))
    result = {
        "days": DAYS,
        "seconds": round(mine, 4),
        "vectorbt_seconds": round(other, 4),
        "ratio_to_vectorbt": round(mine / other, 3),
        "max_relative_difference": float(difference),
        "engine": "vectorbt, own book and statistics",
    }
    print(json.dumps(result) if "--json" in sys.argv else result)


if __name__ == "__main__":
    main()
