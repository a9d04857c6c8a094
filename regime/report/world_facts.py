"""Stylised facts of a simulated market beside what real ones show."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from regime.report.tables import Row, Table
from regime.sessions import YEAR

__all__ = ["RISKY", "fact_table"]

RISKY = (
    "sp500",
    "nasdaq",
    "iwm",
    "eem",
    "hyg",
    "crude",
    "copper",
    "btc",
)  # markets whose correlation is taken


def fact_table(
    prices: pd.DataFrame, regimes: pd.Series, reserves: pd.Series, funding: pd.Series
) -> Table:
    """Facts over all sessions of a world.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_series)
        Closes of ``sp500``, ``vix`` and, as far as there are, `RISKY`.
    regimes : Series, shape (n_sessions,)
        True regime.
    reserves, funding : Series, shape (n_sessions,)
        Percent of central-bank assets; basis points.
    """
    moves = np.log(prices["sp500"]).diff().dropna()
    rows = [
        *_levels(prices, moves),
        *_dynamics(moves),
        *_stress(prices, regimes, reserves, funding),
    ]
    return Table(
        title=f"Stylised facts, {prices.index[0]:%Y} to {prices.index[-1]:%Y}",
        header=("", "This world", "Usual in markets"),
        rows=tuple(rows),
        note="Usual: the S&P 500 and what moved with it, about 1992–2021, rounded.",
    )


def _levels(prices: pd.DataFrame, moves: pd.Series) -> Iterator[Row]:
    years = len(moves) / YEAR
    growth = (prices["sp500"].iloc[-1] / prices["sp500"].iloc[0]) ** (1 / years) - 1
    yield _row("Growth of the S&P 500 a year", f"{growth:.1%}", "3% to 10%")
    yield _row("Volatility a year", f"{moves.std() * YEAR**0.5:.1%}", "12% to 22%")
    yield _row("VIX, mean", f"{prices['vix'].mean():.1f}", "15 to 25")


def _dynamics(moves: pd.Series) -> Iterator[Row]:
    size = moves.abs()
    memory = [size.autocorr(lag) for lag in range(1, 51)]
    leverage = float(np.mean([moves.corr(size.shift(-lag)) for lag in range(1, 21)]))
    ratio = moves.rolling(63).sum().var() / 63 / moves.var()
    yield _row("Excess kurtosis of daily returns", f"{moves.kurt():.1f}", "5 to 15")
    yield _row("Autocorrelation of returns, lag 1", f"{moves.autocorr(1):.2f}", "−0.1 to 0.1")
    yield _row(
        "… of their size, lags 1, 10, 41 to 50",
        f"{memory[0]:.2f}, {memory[9]:.2f}, {np.mean(memory[40:]):.2f}",
        "0.3, 0.3, 0.1",
    )
    yield _row("Return against later size, lags 1 to 20", f"{leverage:.2f}", "−0.07")
    yield _row("Variance ratio, 63 sessions", f"{ratio:.2f}", "0.7")


def _stress(
    prices: pd.DataFrame, regimes: pd.Series, reserves: pd.Series, funding: pd.Series
) -> Iterator[Row]:
    table = np.log(prices[[name for name in RISKY if name in prices]]).diff()
    calm, stress = (_mean_correlation(table[regimes == name]) for name in ("calm", "deleveraging"))
    yield _row(
        "Correlation of risky markets, calm and deleveraging",
        f"{calm:.2f}, {stress:.2f}",
        "0.4, 0.5",
    )
    edges = np.quantile(reserves, [0.0, 0.15, 0.5, 1.0])
    means = [
        funding[(reserves >= low) & (reserves <= high)].mean() for low, high in pairwise(edges)
    ]
    yield _row(
        "SOFR − IORB by reserves: least 15%, up to half, upper half",
        ", ".join(f"{mean:.0f}" for mean in means) + " bp",
        "convex",
    )
    for name in ("calm", "fragile", "deleveraging", "recovery"):
        inside = np.log(prices["sp500"]).diff()[regimes == name]
        drift, risk = inside.mean() * YEAR, inside.std() * YEAR**0.5
        yield _row(
            f"{name.capitalize()}: share of sessions, drift and volatility a year",
            f"{len(inside) / len(regimes):.0%}, {drift:+.0%}, {risk:.0%}",
            "–",
        )


def _mean_correlation(table: pd.DataFrame) -> float:
    matrix = table.corr().to_numpy()
    return float(matrix[~np.eye(len(matrix), dtype=bool)].mean())


def _row(name: str, value: str, usual: str) -> Row:
    return Row(name=name, cells=(value.replace("-", "−"), usual))
