"""`regime backtest`.

A rule on probabilities from a file or a walk-forward, its backtest, and what is left under stress.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from regime.artifacts import check_output_path, output_folder, write_json
from regime.evaluation.bootstrap import (
    Interval,
    drawdown_interval,
    sharpe_difference_interval,
    sharpe_interval,
)
from regime.evaluation.truth import Truth
from regime.migrations import SCHEMA_VERSION
from regime.parallel import NoProgress, Progress
from regime.pipeline.forecasts import read_or_forecast
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import Settings, settings_of
from regime.pipeline.strategy import Strategy, decide, trade
from regime.studies.significance.scoring import truth_of
from regime.studies.stress.stress_test import StressPlan, StressReport, run_stress_test

__all__ = ["RuleReport", "StressPlan", "backtest_rule", "estimate_intervals", "spells_within"]

BENCHMARK = "vol_target_12"  # over which the lead is measured


@dataclass(frozen=True, kw_only=True)
class RuleReport:
    """What a rule did and how certain its figures are.

    Parameters
    ----------
    strategy : Strategy
    stress : StressReport or None
        None where no stress test was asked for.
    intervals : tuple of Interval
        Of the Sharpe ratio, of its lead over the volatility target, of the drawdown.
    summary : dict
        The object of summary.json, plain and finite.
    """

    strategy: Strategy
    stress: StressReport | None
    intervals: tuple[Interval, ...]
    summary: dict[str, Any]


def backtest_rule(
    config: str | Path | Settings,
    *,
    probabilities: str | Path | None = None,
    data: str | Path | None = None,
    episodes: str | Path | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    plan: StressPlan | None = None,
    stressed: bool = True,
    progress: Progress | None = None,
) -> RuleReport:
    """Trade the rule of a config.

    Parameters
    ----------
    config : str, Path or Settings
    probabilities : str or Path, optional
        Parquet or CSV with a date and ``deleveraging``, from anywhere; by default the config's own
        walk-forward.
    data, out, overrides
        As for a run.
    episodes : str or Path, optional
        Spells for the table of spells; by default the drawdown episodes of the data.
    plan : StressPlan, optional
        How much the stress test tries.
    stressed : bool
        Whether to make a stress test.
    progress : Progress, optional

    Returns
    -------
    RuleReport

    Raises
    ------
    ConfigError, MissingDataError, InvalidDataError
        As a run; an exposure, a date or a probability at fault is named.
    """
    started = time.perf_counter()
    watch = progress or NoProgress()
    settings = settings_of(config, overrides, data)
    if out is not None:
        check_output_path(Path(out))
    folder = Path(data) if data is not None else None
    market_data = read_market_data(settings, folder, watch)
    truth = truth_of(settings, market_data, Path(episodes) if episodes is not None else None)
    forecast = read_or_forecast(
        settings, market_data, Path(probabilities) if probabilities is not None else None, watch
    )
    exposure = decide(settings, market_data, forecast)
    strategy = trade(settings, market_data, exposure, watch, folder)
    stress = None
    if stressed:
        spells = spells_within(truth, exposure.index)
        stress = run_stress_test(
            settings, market_data, forecast, exposure, spells, watch, plan=plan
        )
    intervals = estimate_intervals(strategy, settings.seed)
    summary = {
        "schema_version": SCHEMA_VERSION,
        "rule": str(settings.rule),
        "first": f"{exposure.index[0]:%Y-%m-%d}",
        "last": f"{exposure.index[-1]:%Y-%m-%d}",
        "backtest": strategy.summary(),
        "intervals": [str(interval) for interval in intervals],
        "notes": list(strategy.notes),
        "stress": None
        if stress is None
        else {**stress.to_dict(), "sentences": list(stress.sentences())},
        "seconds": round(time.perf_counter() - started, 1),
    }
    report = RuleReport(strategy=strategy, stress=stress, intervals=intervals, summary=summary)
    if out is not None:
        with output_folder(Path(out)) as staged:
            _write(staged, report)
    return report


def spells_within(truth: Truth, days: pd.Index) -> pd.DataFrame:
    """Spells of a truth that lie wholly within some sessions, columns `start` and `end`."""
    spells = truth.spells
    return spells[(spells["start"] > days[0]) & (spells["end"] < days[-1])].reset_index(drop=True)


def estimate_intervals(strategy: Strategy, seed: int) -> tuple[Interval, ...]:
    """Bootstrap intervals (90 %): Sharpe ratio, lead over the volatility target, drawdown.

    Parameters
    ----------
    strategy : Strategy
    seed : int
        Of the resampling.
    """
    rule = strategy.result
    benchmark = strategy.benchmarks[BENCHMARK]
    return (
        sharpe_interval(rule.returns, rule.cash_returns, seed=seed),
        sharpe_difference_interval(rule.returns, benchmark.returns, rule.cash_returns, seed=seed),
        drawdown_interval(rule.returns, seed=seed),
    )


def _write(folder: Path, report: RuleReport) -> None:
    report.strategy.exposure.to_frame("exposure").to_parquet(folder / "exposure.parquet")
    report.strategy.equity.to_parquet(folder / "equity.parquet")
    report.strategy.result.orders.to_parquet(folder / "orders.parquet")
    report.strategy.result.deferred.to_parquet(folder / "deferred.parquet")
    if report.stress is not None:
        report.stress.spells.to_parquet(folder / "spells.parquet")
    write_json(folder / "summary.json", report.summary)
