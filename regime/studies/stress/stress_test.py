"""The stress test of a rule: worse terms, worse signals, other histories, each spell's cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from regime.artifacts import to_json_records
from regime.errors import ConfigError, InvalidDataError
from regime.parallel import Progress
from regime.pipeline.market_data import MarketData
from regime.pipeline.settings import Settings
from regime.pipeline.strategy import signals
from regime.rules.benchmarks import buy_and_hold, volatility_target
from regime.studies.stress.account import AccountHistory, SingleAssetAccount
from regime.studies.stress.bootstrap_paths import bootstrapped_paths, path_summary
from regime.studies.stress.execution import (
    break_even_costs,
    cost_multiples,
    fill_delays,
    leave_one_year_out,
    start_date_sensitivity,
)
from regime.studies.stress.sentences import stress_sentences
from regime.studies.stress.signals import missing_days, probability_noise
from regime.studies.stress.spells import episode_costs

__all__ = ["StressPlan", "StressReport", "run_stress_test"]

# Exposures that were saved as text and read again differ by less.
EXPOSURE_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class StressPlan:
    """How much is tried.

    Parameters
    ----------
    seeds : int
        Draws of missing and of perturbed signals, at least 1; each runs the rule again.
    paths : int
        Resampled histories, at least 1.
    block : float
        Mean length of their blocks in sessions, at least 1.
    seed : int
        Of everything random.
    label_seeds : int
        Walk-forwards on labels of which some were moved; each costs what training the run did,
        about a minute on two cores with history from 1962.
    label_share : float
        Share of the labelled deleveragings that are moved, in [0, 1].
    worlds : tuple of int
        Seeds of simulated worlds; each costs half a minute on two cores.

    Raises
    ------
    ConfigError
        If a value is out of its range.

    Examples
    --------
    >>> StressPlan(paths=200).block
    63.0
    """

    seeds: int = 10
    paths: int = 1000
    block: float = 63.0
    seed: int = 7
    label_seeds: int = 0
    label_share: float = 0.2
    worlds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        lowest = {"seeds": 1, "paths": 1, "block": 1, "seed": 0, "label_seeds": 0}
        for name, least in lowest.items():
            if not getattr(self, name) >= least:
                raise ConfigError(f"{name}: must be at least {least}, got {getattr(self, name)}")
        if not 0.0 <= self.label_share <= 1.0:
            raise ConfigError(f"label_share: must lie in [0, 1], got {self.label_share}")
        if min(self.worlds, default=0) < 0:
            raise ConfigError(f"worlds: seeds must be 0 or more, got {min(self.worlds)}")


@dataclass(frozen=True, kw_only=True)
class StressReport:
    """The tables of a stress test, each described by the function that makes it.

    Parameters
    ----------
    delays, costs, break_even, starts, years : DataFrame
        From `execution`; the benchmarks are ``buy_and_hold`` and ``vol_target_12``.
    missing, noise : DataFrame
        From `signals`.
    paths : DataFrame
        From `bootstrap_paths.path_summary`; the rule is ``strategy``.
    spells : DataFrame
        From `spells.episode_costs`.
    labels, worlds : DataFrame or None
        From `retraining`; None where nothing was trained again.

    Examples
    --------
    >>> empty = pd.DataFrame({"sharpe": [0.5, float("nan")]}, pd.Index([1, 2], name="delay"))
    >>> names = "delays costs break_even starts years missing noise paths spells".split()
    >>> StressReport(**dict.fromkeys(names, empty)).to_dict()["delays"]
    [{'delay': 1, 'sharpe': 0.5}, {'delay': 2, 'sharpe': None}]
    """

    delays: pd.DataFrame
    costs: pd.DataFrame
    break_even: pd.DataFrame
    starts: pd.DataFrame
    years: pd.DataFrame
    missing: pd.DataFrame
    noise: pd.DataFrame
    paths: pd.DataFrame
    spells: pd.DataFrame
    labels: pd.DataFrame | None = None
    worlds: pd.DataFrame | None = None

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table there is, by name."""
        tables = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: table for name, table in tables.items() if table is not None}

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Tables as lists of rows for JSON: dates as text, None for what is not defined."""
        return {
            name: to_json_records(_with_index(table), name) for name, table in self.tables().items()
        }

    def sentences(self) -> tuple[str, ...]:
        """Break-even cost, spread over resampled histories, and the most harmful stress."""
        return stress_sentences(self.tables())


def run_stress_test(
    settings: Settings,
    market_data: MarketData,
    probabilities: pd.DataFrame,
    exposure: pd.Series,
    spells: pd.DataFrame,
    progress: Progress,
    *,
    plan: StressPlan | None = None,
    rule: Callable[[pd.DataFrame], pd.Series] | None = None,
) -> StressReport:
    """Every stress test of a rule over the sessions of its exposure.

    Parameters
    ----------
    settings : Settings
    market_data : MarketData
    probabilities : DataFrame, shape (n_test_sessions, n_regimes)
    exposure : Series, shape (n_test_sessions,), in [0, 1]
        Decided at each close: what the rule decides on these probabilities.
    spells : DataFrame, one row a spell
        `start` and `end`, and `name` where there is one; may be empty.
    progress : Progress
    plan : StressPlan, optional
    rule : callable, optional
        Signals to exposure, in place of the rule of the settings.

    Returns
    -------
    StressReport

    Raises
    ------
    InvalidDataError
        If the exposure is not what the rule decides, for tests that run it again would be of
        another rule; or a session of it has no probability, or no market data.
    """
    plan = plan or StressPlan()
    rule = rule or settings.rule
    days = exposure.index
    _check_dates(days, probabilities, market_data)
    table = signals(market_data, probabilities.loc[days])
    _check_decided(exposure, rule(table))
    account = SingleAssetAccount(
        prices=market_data.total_return.loc[days],
        cash=market_data.cash.loc[days],
        costs=settings.costs,
    )
    benchmarks = {
        "buy_and_hold": buy_and_hold(market_data.close).loc[days],
        "vol_target_12": volatility_target(market_data.returns).reindex(days).fillna(1.0),
    }
    strategy = account.trade(exposure)
    others = {name: account.trade(benchmark) for name, benchmark in benchmarks.items()}
    tests: dict[str, Callable[[], pd.DataFrame]] = {
        "delays": lambda: fill_delays(account, exposure, benchmarks),
        "costs": lambda: cost_multiples(account, exposure, benchmarks),
        "break_even": lambda: break_even_costs(account, exposure, benchmarks),
        "starts": lambda: start_date_sensitivity(account, table, rule, benchmarks),
        "years": lambda: leave_one_year_out(strategy, others),
        "missing": lambda: missing_days(account, table, rule, seeds=plan.seeds, seed=plan.seed),
        "noise": lambda: probability_noise(account, table, rule, seeds=plan.seeds, seed=plan.seed),
        "paths": lambda: _resampled({"strategy": strategy, **others}, plan),
        "spells": lambda: episode_costs(
            strategy.held, others["buy_and_hold"].returns, strategy.cash, spells
        ),
    }
    tables = {}
    with progress.stage("stress", total=len(tests)) as stage:
        for name, test in tests.items():
            tables[name] = test()
            stage.advance()
    return StressReport(**tables, **_retrained(settings, market_data, plan, progress))


def _resampled(accounts: Mapping[str, AccountHistory], plan: StressPlan) -> pd.DataFrame:
    paths = bootstrapped_paths(accounts, paths=plan.paths, block=plan.block, seed=plan.seed)
    return path_summary(paths)


def _check_dates(days: pd.Index, probabilities: pd.DataFrame, market_data: MarketData) -> None:
    for name, known in (
        ("probability", probabilities.index),
        ("market data", market_data.sessions),
    ):
        absent = days.difference(known)
        if len(absent):
            raise InvalidDataError(
                f"Exposure: {absent[0]} has no {name}; give both for the same sessions"
            )


def _check_decided(exposure: pd.Series, decided: pd.Series) -> None:
    apart = (exposure - decided).abs().to_numpy() > EXPOSURE_TOLERANCE
    if apart.any():
        row = int(apart.argmax())
        raise InvalidDataError(
            f"Exposure: {exposure.index[row]:%Y-%m-%d} is {exposure.iloc[row]:g}, the rule decides "
            f"{decided.iloc[row]:g} on these probabilities; give the exposure of this rule, or "
            "its own `rule`"
        )


def _retrained(
    settings: Settings, market_data: MarketData, plan: StressPlan, progress: Progress
) -> dict[str, pd.DataFrame]:
    """Tests that train again, where the plan asks for them."""
    from regime.studies.stress.retraining import label_noise, simulated_worlds

    tables = {}
    if plan.label_seeds:
        tables["labels"] = label_noise(
            settings, market_data, range(plan.label_seeds), progress, share=plan.label_share
        )
    if plan.worlds:
        tables["worlds"] = simulated_worlds(settings, plan.worlds, progress)
    return tables


def _with_index(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its index as columns, unless that is a plain count."""
    named = any(name is not None for name in table.index.names)
    return table.reset_index() if named else table
