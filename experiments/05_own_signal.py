"""Ask what a user's own signal would have earned: here, SPY held above its ten-month average.

Anything indexed by date with values in [0, 1] is a signal; decided at a close, it is filled at the
next one.

usage: python experiments/05_own_signal.py DATA
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from regime.backtest import Costs, backtest

FIGURES = (
    "cagr",
    "volatility",
    "sharpe",
    "max_drawdown",
    "mean_exposure",
    "turnover",
    "cost_per_year",
)


def column(path: Path, name: str) -> pd.Series:
    return pd.read_csv(path, parse_dates=["date"], index_col="date")[name].dropna()


def ten_months(prices: pd.Series) -> pd.Series:
    """1 above the average of the last ten month-ends, 0 below.

    Decided on the last session of each month.
    """
    ends = prices.groupby(prices.index.to_period("M")).tail(1)
    average = ends.rolling(10).mean()
    return (ends > average)[average.notna()].astype(float)


def main(data: str) -> None:
    folder = Path(data)
    prices = column(folder / "prices" / "SPY.csv", "adj_close").rename("SPY")
    bills = column(folder / "macro" / "DGS3MO.csv", "value") / 100 / 252
    cash = (
        bills.reindex(prices.index, method="ffill").shift(1).fillna(0.0)
    )  # yesterday's rate is known today
    costs = Costs(
        bps=1, half_spread_bps=0.5, holding_bps=0
    )  # SPY's fee is in its own prices already
    signal = ten_months(prices)
    table = pd.DataFrame(
        {
            "ten months": backtest(prices, signal, costs, cash).summary(),
            "buy and hold": backtest(prices, signal * 0 + 1, costs, cash).summary(),
        }
    ).loc[list(FIGURES)]
    print(f"SPY {prices.index[0]:%Y-%m-%d} to {prices.index[-1]:%Y-%m-%d}; {costs}")
    print(table.round(3).to_string())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
