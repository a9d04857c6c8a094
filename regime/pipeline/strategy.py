"""From probabilities to exposure, equity, and the rules that anybody could follow instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pandas as pd

from regime.artifacts import to_json_value
from regime.backtest.engine import backtest
from regime.backtest.result import BacktestResult
from regime.parallel import Progress
from regime.pipeline.market_data import MarketData
from regime.pipeline.settings import Settings
from regime.pipeline.tradable_assets import read_traded
from regime.rules.allocation import Allocation
from regime.rules.benchmarks import above_average, buy_and_hold, volatility_target
from regime.schema import YEAR

__all__ = ["Strategy", "decide", "signals", "trade"]

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

    Examples
    --------
    >>> from regime.backtest.costs import Costs
    >>> dates = pd.bdate_range("2024-01-01", periods=3, name="date")
    >>> prices = pd.Series([100.0, 110.0, 121.0], index=dates)
    >>> held = backtest(prices, pd.Series(1.0, index=dates), Costs())
    >>> strategy = Strategy(exposure=prices * 0 + 1, result=held, benchmarks={"hold": held})
    >>> strategy.equity.columns.tolist()
    ['strategy', 'hold']
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
        table = {name: result.summary() for name, result in self.benchmarks.items()}
        accounts = {"strategy": self.result.summary(), "benchmarks": table}
        return cast(dict[str, object], to_json_value(accounts, "backtest", infinite_as_null=True))


def signals(market_data: MarketData, probabilities: pd.DataFrame) -> pd.DataFrame:
    """What a rule may read at each close.

    The four probabilities, annualised volatility, and the price.

    `volatility` and `price` are those of the S&P 500's total return, the price as the value of 1
    held since its first session.
    """
    volatility = market_data.returns.ewm(halflife=VOLATILITY_HALFLIFE).std() * YEAR**0.5
    return probabilities.assign(
        volatility=volatility.reindex(probabilities.index),
        price=market_data.total_return.reindex(probabilities.index),
    )


def decide(settings: Settings, market_data: MarketData, probabilities: pd.DataFrame) -> pd.Series:
    """Exposure decided at each close of `probabilities`, in [0, 1]."""
    return settings.rule(signals(market_data, probabilities)).rename("exposure")


def trade(
    settings: Settings,
    market_data: MarketData,
    exposure: pd.Series,
    progress: Progress,
    data: Path | None = None,
) -> Strategy:
    """Backtest the exposure and the benchmarks over its sessions, at the same costs.

    Parameters
    ----------
    settings : Settings
        With an `allocation` the exposure is spread over its legs; without one it is of the S&P 500.
    market_data : MarketData
    exposure : Series, shape (n_test_sessions,)
        Decided at each close, in [0, 1].
    progress : Progress
    data : Path, optional
        Data folder, for the prices of an allocation.

    Returns
    -------
    Strategy
        Benchmarks are of the S&P 500 and filled at the close in either case.
    """
    days = exposure.index
    benchmarks = {
        "buy_and_hold": buy_and_hold(market_data.close),
        "200dma": above_average(market_data.close),
        "vol_target_12": volatility_target(market_data.returns),
    }
    prices, cash = market_data.total_return.loc[days], market_data.cash.loc[days]
    results = {}
    with progress.stage("backtests", total=1 + len(benchmarks)) as stage:
        result = _trade_rule(settings, market_data, exposure, data)
        stage.advance()
        for name, decided in benchmarks.items():
            results[name] = backtest(
                prices, decided.reindex(days).fillna(1.0), settings.costs, cash
            )
            stage.advance()
    return Strategy(exposure=exposure, result=result, benchmarks=results)


def _trade_rule(
    settings: Settings, market_data: MarketData, exposure: pd.Series, data: Path | None
) -> BacktestResult:
    days = exposure.index
    timing = settings.timing
    spread = settings.spread
    orders: dict[str, Any] = {
        "fill_delay": timing.fill_delay,
        "rebalance": timing.rebalance,
        "fill": timing.fill,
    }
    if settings.allocation is None and timing.fill == "close" and spread is None:
        return backtest(
            market_data.total_return.loc[days],
            exposure,
            settings.costs,
            market_data.cash.loc[days],
            **orders,
        )
    legs = settings.allocation or Allocation()
    traded = read_traded(
        settings,
        legs.assets,
        data,
        market_data.sessions,
        spread=spread,
        bars=spread is not None or timing.fill == "open",
    )
    if timing.fill == "open":
        orders["opens"] = traded.opens.loc[days]
    if spread is not None:
        orders["half_spreads"] = traded.half_spread_bps.loc[days]
    weights = legs(exposure, traded.prices.loc[days])
    result = backtest(
        traded.prices.loc[days], weights, settings.costs, market_data.cash.loc[days], **orders
    )
    return replace(result, notes=(str(legs), *result.notes, *traded.notes))
