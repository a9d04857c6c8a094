"""Small synthetic markets and series into which leaks are injected.

They share no code with the simulated source.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats

__all__ = ["ASSETS", "Rng", "clean_series", "market", "panel", "sessions"]

Rng = np.random.Generator
# Loading on the market's factor, on the factor of rates, and own noise, in market deviations.
ASSETS = {
    "sp500": (1.0, 0.0, 0.0),
    "spy": (1.0, 0.0, 0.05),
    "nasdaq": (1.1, 0.0, 0.4),
    "eem": (0.9, 0.0, 0.7),
    "hyg": (0.5, 0.2, 0.3),
    "tlt": (-0.3, 1.0, 0.3),
    "gld": (0.0, 0.4, 1.0),
    "dbc": (0.4, -0.2, 0.8),
    "btc": (1.0, 0.0, 3.0),
}


def sessions(n: int) -> pd.DatetimeIndex:
    """The last `n` weekdays to the end of 2019."""
    return pd.bdate_range(end="2019-12-31", periods=n, name="date")


def market(rng: Rng, n: int) -> pd.DataFrame:
    """Prices with clustered volatility and falls, shape (n, 9)."""
    size = np.exp(_mean_reverting(rng, n, 0.03, 0.12)) * 0.01
    stress = _falls(rng, n)
    size = np.clip(size * np.where(stress, 2.0, 1.0), 0.002, 0.05)
    factor = size * rng.standard_t(5, n) * 0.77 + np.where(stress, -0.004, 0.0008)
    rates = 0.006 * rng.standard_normal(n)
    table = {
        name: 100 * np.exp(np.cumsum(a * factor + b * rates + c * size * rng.standard_normal(n)))
        for name, (a, b, c) in ASSETS.items()
    }
    return pd.DataFrame(table, sessions(n))


def panel(rng: Rng, n: int) -> pd.DataFrame:
    """Prices and other series of a panel: volatility, rates, weekly steps, gaps; shape (n, 14)."""
    prices = market(rng, n)
    moves = np.log(prices["sp500"]).diff()
    vix = (
        100
        * np.sqrt(252)
        * moves.ewm(halflife=10, min_periods=5).std()
        * np.exp(0.05 * rng.standard_normal(n))
    )
    rate = pd.Series(3 + np.cumsum(0.03 * rng.standard_normal(n)), prices.index).round(2)
    weekly = (
        pd.Series(np.cumsum(rng.standard_normal(n)), prices.index)
        .where(prices.index.day_of_week == 3)
        .ffill()
    )
    gaps = pd.Series(np.cumsum(rng.standard_normal(n)) + 50, prices.index).mask(
        rng.random(n) < 0.15
    )
    late = pd.Series(np.exp(np.cumsum(0.01 * rng.standard_normal(n))), prices.index).where(
        np.arange(n) > n // 4
    )
    return prices.assign(
        vix=vix.bfill(limit=5).clip(5, 150), dgs10=rate, weekly=weekly, gaps=gaps, late=late
    )


def clean_series(rng: Rng, prices: pd.DataFrame) -> tuple[str, pd.Series]:
    """A name and values of one of fourteen kinds of genuine series, by period."""
    index, n = prices.index, len(prices)
    moves = np.log(prices["sp500"]).diff().fillna(0.0)
    noise = pd.Series(rng.standard_normal(n), index)
    walk, halflife = noise.cumsum(), float(rng.choice([2, 5, 21, 63]))
    kinds = {
        "price": lambda: 50 * np.exp((0.01 * noise + rng.uniform(-0.8, 1.2) * moves).cumsum()),
        "rate": lambda: (4 + 0.03 * walk).round(2),
        "spread": lambda: (4 + 0.02 * walk - 8 * moves.cumsum()).clip(lower=0.5).round(2),
        "volatility": lambda: (
            1600 * moves.ewm(halflife=halflife, min_periods=2).std() * np.exp(0.05 * noise)
        ),
        "momentum": lambda: moves.rolling(int(halflife) + 2).sum(),
        "smooth": lambda: (walk + 30 * moves.cumsum()).ewm(halflife=halflife).mean(),
        "score": lambda: (walk - walk.expanding(50).mean()) / walk.expanding(50).std(),
        "steps": lambda: ((walk // 5) / 4).astype(float),
        "survey": lambda: (50 + 300 * moves.rolling(10).sum() + 8 * noise)[index.day_of_week == 2],
        "month": lambda: (100 * np.exp(0.02 * walk))[index.is_month_end | (index.day >= 30)],
        "floor": lambda: (walk - 5).clip(lower=0.0),
        "count": lambda: (100_000 * np.exp(0.1 * walk)).round()[index.day_of_week == 1],
        "carried": lambda: _carried(rng, walk + 100),
        "reaction": lambda: (
            5 * moves.shift(1).fillna(0) + 0.2 * noise.rolling(3, min_periods=1).mean()
        ),
    }
    kind = str(rng.choice(list(kinds)))
    return f"clean_{kind}", pd.Series(kinds[kind]()).dropna()


def _carried(rng: Rng, values: pd.Series) -> pd.Series:
    """Gaps of a week or two filled with the last value before them: stale, but no leak."""
    result = values.copy()
    for start in rng.integers(20, len(values) - 40, int(rng.integers(2, 6))):
        length = int(rng.integers(5, 15))
        result.iloc[start : start + length] = result.iloc[start - 1]
    return result


def _falls(rng: Rng, n: int) -> NDArray[np.bool_]:
    """Falls of some weeks, some a year apart."""
    stress, at = np.zeros(n, dtype=bool), int(rng.integers(60, 260))
    while at < n:
        length = int(rng.integers(10, 50))
        stress[at : at + length] = True
        at += length + int(rng.integers(80, 350))
    return stress


def _mean_reverting(rng: Rng, n: int, speed: float, noise: float) -> Floats:
    """A mean-reverting path around 0."""
    return np.asarray(
        pd.Series(noise * rng.standard_normal(n) / speed).ewm(alpha=speed, adjust=False).mean()
    )
