"""`regime sweep`.

Very many settings of a rule through one history, and what is left of the best after luck.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regime.artifacts import check_place, output_folder, write_json
from regime.backtest.engine import backtest
from regime.backtest.result import BacktestResult
from regime.backtest.sweep import SweepResult, sweep
from regime.backtest.sweep_choice import plateau, robust_score
from regime.config import build, find_config, read_yaml
from regime.errors import InvalidDataError
from regime.evaluation.cscv import BacktestOverfitting, BlockSums, overfitting_of_blocks
from regime.evaluation.overfitting import DeflatedSharpe, deflated_sharpe, sharpe_sample
from regime.progress import NoProgress, Progress
from regime.rule_programs import Lattice
from regime.rules.benchmarks import buy_and_hold, volatility_target
from regime.rules.grid import Grid
from regime.workflows.data import World, read_world
from regime.workflows.probabilities import given_or_made
from regime.workflows.settings import Settings, settings_of
from regime.workflows.strategy import signals
from regime.workflows.swept import chosen_by_year, heat_map, in_spans

__all__ = ["SweepReport", "read_grid", "sweep_rules"]

BLOCKS = 16  # of the probability of overfitting
TOP = 10  # settings that are told


@dataclass(frozen=True, kw_only=True)
class SweepReport:
    """What a sweep found, and how much of it luck explains.

    Parameters
    ----------
    table : DataFrame, shape (n_settings, n_figures)
        Of `backtest.sweep`, with ``robust_score``, ``plateau`` (bool) and ``rule`` (words) of the
        best.
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
    rivals : mapping of str to BacktestResult
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
    rivals: dict[str, BacktestResult]
    map: pd.DataFrame
    summary: dict[str, Any]

    def sentences(self) -> tuple[str, ...]:
        """How many settings there were, what luck explains, and what choosing each year gave."""
        inside, settings = int(self.table["plateau"].sum()), len(self.table)
        lines = [
            f"{settings:,} settings were tried; {inside:,} of them form the plateau around the "
            "chosen one: "
            f"{self.rule}.",
            str(self.deflated),
            str(self.overfitting),
        ]
        if self.outside is not None:
            own, hold, target = (
                account.summary()["sharpe"]
                for account in (
                    self.outside,
                    self.rivals["buy_and_hold"],
                    self.rivals["vol_target_12"],
                )
            )
            lines.append(
                "Chosen each year on the years before it, the settings have a Sharpe ratio of "
                f"{own:.2f}, "
                f"against {hold:.2f} of buy and hold and {target:.2f} of the 12 % volatility "
                "target."
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
        For data, costs and, where no file is given, the probabilities of its walk-forward.
    grid : str, Path or Grid
        A YAML file of `rules.grid.Grid`, or the name of a shipped one.
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
    begun, watch = time.perf_counter(), progress or NoProgress()
    settings = settings_of(config, overrides, data)
    chosen_grid = grid if isinstance(grid, Grid) else read_grid(grid)
    if out is not None:
        check_place(Path(out))
    world = read_world(settings, Path(data) if data is not None else None, watch)
    forecast = given_or_made(
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
        With every fault and its place.
    """
    found = find_config(path)
    return build(Grid, read_yaml(found), str(found))


def _swept(
    settings: Settings, world: World, forecast: pd.DataFrame, grid: Grid, least_years: int
) -> SweepReport:
    days = forecast.index
    prices, cash, table = (
        world.total_return.loc[days],
        world.cash.loc[days],
        signals(world, forecast),
    )
    if len(days) < 2 * BLOCKS:
        raise InvalidDataError(
            f"a sweep needs {2 * BLOCKS} sessions of probabilities, got {len(days)}"
        )
    programs, lattice = grid.programs(), grid.lattice()
    result = sweep(prices, table, programs, settings.costs, cash)
    figures, chosen = _scored(result, lattice)
    blocks = sweep(prices, table, programs, settings.costs, cash, blocks=BLOCKS)
    sums = BlockSums(days=blocks.days, sums=blocks.sums.T, squares=blocks.squares.T)
    confirmed = backtest(prices, grid.rule(chosen)(table).loc[days], settings.costs, cash)
    deflated = deflated_sharpe(
        sharpe_sample(confirmed.returns, confirmed.cash_returns),
        trials=len(grid),
        variance=float(sums.sharpe().var(ddof=1)),
    )
    by_year, exposure = chosen_by_year(result, lattice, grid, table, least_years)
    first = None if exposure is None else exposure.index[0]
    decided = (
        {}
        if exposure is None
        else {
            "sweep": exposure,
            "buy_and_hold": buy_and_hold(world.close),
            "vol_target_12": volatility_target(world.returns),
        }
    )
    accounts = {
        name: backtest(
            prices.loc[first:],
            one.reindex(prices.loc[first:].index).fillna(1.0),
            settings.costs,
            cash.loc[first:],
        )
        for name, one in decided.items()
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
        rivals=accounts,
        map=heat_map(figures["robust_score"], grid, chosen),
        summary={},
    )
    report.summary.update(_summary(report, grid, days))
    return report


def _scored(result: SweepResult, lattice: Lattice) -> tuple[pd.DataFrame, int]:
    spans = in_spans(result)
    figures = result.table.assign(
        robust_score=robust_score(spans, lattice), plateau=plateau(spans, lattice)
    )
    return figures, int(np.nanargmax(figures["robust_score"].to_numpy()))


def _summary(report: SweepReport, grid: Grid, days: pd.Index) -> dict[str, Any]:
    best = report.table["robust_score"].nlargest(TOP).index
    told = [{"rule": str(grid.rule(int(row))), **_figures(report.table.loc[row])} for row in best]
    outside = (
        None
        if report.outside is None
        else {
            "first": f"{report.outside.returns.index[0]:%Y-%m-%d}",
            "strategy": _figures(report.outside.summary()),
            "rivals": {
                name: _figures(account.summary()) for name, account in report.rivals.items()
            },
        }
    )
    found = report.overfitting
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
        "pbo": found.probability,
        "loss": found.loss,
        "top": told,
        "by_year": report.by_year.reset_index().to_dict("records"),
        "outside": outside,
        "sentences": list(report.sentences()),
    }


def _figures(row: Any) -> dict[str, Any]:
    """Plain figures of a setting or an account; what is not defined is None."""
    plain = {
        str(name): bool(value) if name == "plateau" else float(value)
        for name, value in dict(row).items()
    }
    return {
        name: value if value == value and abs(value) != float("inf") else None
        for name, value in plain.items()
    }
