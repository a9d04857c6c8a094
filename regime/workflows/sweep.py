"""`regime sweep`.

Very many settings of a rule through one history, and how much of the best one is more than chance.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd

from regime.artifacts import check_output_path, output_folder, to_json_value, write_json
from regime.backtest.engine import backtest
from regime.backtest.result import BacktestResult
from regime.config import build, find_config, read_yaml
from regime.errors import InvalidDataError
from regime.evaluation.pbo import BacktestOverfitting, BlockSums, overfitting_of_blocks
from regime.evaluation.sharpe_tests import DeflatedSharpe, deflated_sharpe, sharpe_sample
from regime.parallel import NoProgress, Progress
from regime.pipeline.forecasts import read_or_forecast
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings, settings_of
from regime.pipeline.strategy import signals
from regime.rules.benchmarks import buy_and_hold, volatility_target
from regime.studies.sweep.grid import Grid, ParameterGrid
from regime.studies.sweep.selection import (
    best_setting,
    chosen_by_year,
    heat_map,
    in_spans,
    plateau,
    robust_score,
)
from regime.studies.sweep.sweep import SweepResult, sweep_settings

__all__ = ["SweepReport", "read_grid", "sweep_rules"]

BLOCKS = 16  # of the probability of overfitting
TOP = 10  # settings in the summary


@dataclass(frozen=True, kw_only=True)
class SweepReport:
    """The results of a sweep, and how much of them chance explains.

    Parameters
    ----------
    table : DataFrame, shape (n_settings, n_figures)
        Of `SweepResult`, with ``robust_score`` and ``plateau`` (bool).
    chosen : int
        Row of the setting with the best robust score.
    rule : str
        That setting in words.
    confirmed : BacktestResult
        The same setting through the engine.
    deflated : DeflatedSharpe
        Of that setting, among all of the grid.
    overfitting : BacktestOverfitting
    by_year : DataFrame
        A row a test year: the setting chosen on the years before it and its Sharpe ratio there.
    outside : BacktestResult or None
        The years' choices in one account; None where there are too few years.
    benchmarks : mapping of str to BacktestResult
        On the sessions of `outside`.
    map : DataFrame
        Two parameters through the chosen setting, ``robust_sharpe`` and ``chosen``.
    summary : dict
        Plain and finite.
    """

    table: pd.DataFrame
    chosen: int
    rule: str
    confirmed: BacktestResult
    deflated: DeflatedSharpe
    overfitting: BacktestOverfitting
    by_year: pd.DataFrame
    outside: BacktestResult | None
    benchmarks: dict[str, BacktestResult]
    map: pd.DataFrame
    summary: dict[str, Any]

    def sentences(self) -> tuple[str, ...]:
        """How many settings were tried, what chance explains, what choosing each year earned."""
        inside = int(self.table["plateau"].sum())
        lines = [
            f"{len(self.table):,} settings were tried; {inside:,} of them form the plateau around "
            f"the chosen one: {self.rule}.",
            str(self.deflated),
            str(self.overfitting),
        ]
        if self.outside is not None:
            chosen = self.outside.summary()["sharpe"]
            hold = self.benchmarks["buy_and_hold"].summary()["sharpe"]
            target = self.benchmarks["vol_target_12"].summary()["sharpe"]
            lines.append(
                "Chosen each year on the years before it, the settings have a Sharpe ratio of "
                f"{chosen:.2f}, against {hold:.2f} of buy and hold and {target:.2f} of the 12 % "
                "volatility target."
            )
        return tuple(lines)


def sweep_rules(
    config: str | Path | Settings,
    *,
    grid: str | Path | Grid = "sweep.yaml",
    probabilities: str | Path | None = None,
    data: str | Path | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    least_years: int = 5,
    progress: Progress | None = None,
) -> SweepReport:
    """Backtest every setting of a grid, choose by the robust score, and account for the choice.

    Parameters
    ----------
    config : str, Path or Settings
        For data, costs and, without a file of them, the probabilities of its walk-forward.
    grid : str, Path or Grid
        A YAML file of `studies.sweep.grid.Grid`, or the name of a shipped one.
    probabilities : str or Path, optional
        Parquet or CSV with a date and ``deleveraging``.
    data, out, overrides
        As for a run.
    least_years : int
        Years before a test year that a choice needs.
    progress : Progress, optional

    Returns
    -------
    SweepReport

    Raises
    ------
    ConfigError
        If the grid has a fault; each is named.
    InvalidDataError
        If there are too few sessions for the blocks.

    **Known at:** the choice of a test year uses returns of the years before it alone.
    """
    begun = time.perf_counter()
    watch = progress or NoProgress()
    settings = settings_of(config, overrides, data)
    chosen_grid = grid if isinstance(grid, Grid) else read_grid(grid)
    if out is not None:
        check_output_path(Path(out))
    world = read_market_data(settings, Path(data) if data is not None else None, watch)
    forecast = read_or_forecast(
        settings, world, Path(probabilities) if probabilities is not None else None, watch
    )
    with watch.stage("sweep"):
        report = _swept(settings, world, forecast, chosen_grid, least_years)
    report.summary["seconds"] = round(time.perf_counter() - begun, 1)
    if out is not None:
        with output_folder(Path(out)) as staged:
            report.table.to_parquet(staged / "settings.parquet")
            report.by_year.to_parquet(staged / "by_year.parquet")
            write_json(staged / "summary.json", report.summary)
    return report


def read_grid(path: str | Path) -> Grid:
    """A grid of settings from YAML.

    Raises
    ------
    ConfigError
        With every fault and its position in the file.
    """
    file = find_config(path)
    return build(Grid, read_yaml(file), str(file))


def _swept(
    settings: Settings, world: MarketData, forecast: pd.DataFrame, grid: Grid, least_years: int
) -> SweepReport:
    days = forecast.index
    prices = world.total_return.loc[days]
    cash = world.cash.loc[days]
    table = signals(world, forecast)
    if len(days) < 2 * BLOCKS:
        raise InvalidDataError(
            f"a sweep needs {2 * BLOCKS} sessions of probabilities, got {len(days)}"
        )
    rules = grid.encoded()
    result = sweep_settings(prices, table, rules, settings.costs, cash)
    figures = _scored(result, grid.parameter_grid())
    chosen = best_setting(figures["robust_score"])
    blocks = sweep_settings(prices, table, rules, settings.costs, cash, blocks=BLOCKS)
    sums = BlockSums(days=blocks.days, sums=blocks.sums.T, squares=blocks.squares.T)
    confirmed = backtest(prices, grid.rule(chosen)(table).loc[days], settings.costs, cash)
    deflated = deflated_sharpe(
        sharpe_sample(confirmed.returns, confirmed.cash_returns),
        trials=len(grid),
        variance=float(sums.sharpe().var(ddof=1)),
    )
    by_year, exposure = chosen_by_year(result, grid, table, least_years)
    accounts = {}
    if exposure is not None:
        traded = prices.loc[exposure.index[0] :]
        decisions = {
            "sweep": exposure,
            "buy_and_hold": buy_and_hold(world.close),
            "vol_target_12": volatility_target(world.returns),
        }
        accounts = {
            name: backtest(
                traded,
                decision.reindex(traded.index).fillna(1.0),
                settings.costs,
                cash.loc[traded.index],
            )
            for name, decision in decisions.items()
        }
    outside = accounts.pop("sweep", None)
    report = SweepReport(
        table=figures,
        chosen=chosen,
        rule=str(grid.rule(chosen)),
        confirmed=confirmed,
        deflated=deflated,
        overfitting=overfitting_of_blocks(sums),
        by_year=by_year,
        outside=outside,
        benchmarks=accounts,
        map=heat_map(figures["robust_score"], grid, chosen),
        summary={},
    )
    report.summary.update(_summary(report, grid, days))
    return report


def _scored(result: SweepResult, grid: ParameterGrid) -> pd.DataFrame:
    spans = in_spans(result)
    return result.table.assign(robust_score=robust_score(spans, grid), plateau=plateau(spans, grid))


def _summary(report: SweepReport, grid: Grid, days: pd.Index) -> dict[str, Any]:
    best = report.table["robust_score"].nlargest(TOP).index
    top = [{"rule": str(grid.rule(int(row))), **_figures(report.table.loc[row])} for row in best]
    outside = (
        None
        if report.outside is None
        else {
            "first": f"{report.outside.returns.index[0]:%Y-%m-%d}",
            "strategy": _figures(report.outside.summary()),
            "benchmarks": {
                name: _figures(account.summary()) for name, account in report.benchmarks.items()
            },
        }
    )
    return {
        "settings": len(grid),
        "dropped": grid.dropped,
        "first": f"{days[0]:%Y-%m-%d}",
        "last": f"{days[-1]:%Y-%m-%d}",
        "rule": report.rule,
        "plateau": int(report.table["plateau"].sum()),
        "chosen": _figures(report.table.iloc[report.chosen]),
        "confirmed": _figures(report.confirmed.summary()),
        "deflated_sharpe": report.deflated.probability,
        "pbo": report.overfitting.probability,
        "loss": report.overfitting.loss,
        "top": top,
        "by_year": report.by_year.reset_index().to_dict("records"),
        "outside": outside,
        "sentences": list(report.sentences()),
    }


def _figures(row: Any) -> dict[str, Any]:
    """Plain figures of a setting or an account; what is not defined is None."""
    figures = {
        name: bool(value) if name == "plateau" else float(value)
        for name, value in dict(row).items()
    }
    return cast(dict[str, Any], to_json_value(figures, "figures", infinite_as_null=True))
