"""From probabilities to exposure, equity, and the rules that anybody could follow instead.

Depends on: rules, backtest, workflows.settings, workflows.data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.backtest.book import BacktestResult
from regime.backtest.engine import backtest
from regime.progress import Progress
from regime.rules.benchmarks import above_average, buy_and_hold, volatility_target
from regime.workflows.data import World
from regime.workflows.settings import Settings

__all__ = ["Strategy", "decide", "signals", "trade"]

YEAR = 252  # sessions
VOLATILITY_HALFLIFE = 21  # sessions


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """What the rule decided and what came of it, beside the benchmarks.

    Parameters
    ----------
    exposure : Series, shape (n_test_sessions,), in [0, 1]
        Decided at each close.
    result : BacktestResult
    benchmarks : mapping of str to BacktestResult
        ``buy_and_hold``, ``200dma``, ``vol_target_12``.
    """

    exposure: pd.Series
    result: BacktestResult
    benchmarks: Mapping[str, BacktestResult]

    @property
    def equity(self) -> pd.DataFrame:
        """Value of 1, shape (n_test_sessions, 1 + n_benchmarks)."""
        results = {"strategy": self.result, **self.benchmarks}
        return pd.DataFrame({name: result.equity for name, result in results.items()})

    @property
    def notes(self) -> tuple[str, ...]:
        """The accounting in words, deferred orders included."""
        return self.result.notes

    def summary(self) -> dict[str, object]:
        """The object ``backtest`` of summary.json; figures that are undefined are None."""
        table = {name: _plain(result.summary()) for name, result in self.benchmarks.items()}
        return {"strategy": _plain(self.result.summary()), "benchmarks": table}


def signals(world: World, probabilities: pd.DataFrame) -> pd.DataFrame:
    """What a rule may read at each close: the four probabilities, and annualised volatility."""
    volatility = world.returns.ewm(halflife=VOLATILITY_HALFLIFE).std() * YEAR ** 0.5
    return probabilities.assign(volatility=volatility.reindex(probabilities.index))


def decide(settings: Settings, world: World, probabilities: pd.DataFrame) -> pd.Series:
    """Exposure decided at each close of `probabilities`, in [0, 1]."""
    return settings.rule(signals(world, probabilities)).rename("exposure")


def trade(settings: Settings, world: World, exposure: pd.Series, progress: Progress) -> Strategy:
    """Backtest the exposure and the benchmarks over its sessions, at the same costs.

    Parameters
    ----------
    settings : Settings
    world : World
    exposure : Series, shape (n_test_sessions,)
        Decided at each close, in [0, 1].
    progress : Progress

    Returns
    -------
    Strategy
    """
    days = exposure.index
    decisions = {"strategy": exposure, "buy_and_hold": buy_and_hold(world.close), "200dma": above_average(world.close),
                 "vol_target_12": volatility_target(world.returns)}
    prices, cash = world.total_return.loc[days], world.cash.loc[days]
    results = {}
    with progress.stage("backtests", total=len(decisions)) as stage:
        for name, decided in decisions.items():
            results[name] = backtest(prices, decided.reindex(days).fillna(1.0), settings.costs, cash)
            stage.advance()
    return Strategy(exposure=exposure, result=results.pop("strategy"), benchmarks=results)


def _plain(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: float(value) if np.isfinite(value) else None for name, value in figures.items()}
