"""What is left of a rule under worse terms, on worse signals, in other histories, and what each spell cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from regime.backtest.stress import (
    break_even_cost,
    cost_multiples,
    delays,
    leave_one_year_out,
    start_dates,
)
from regime.backtest.stress_account import Account, Venue
from regime.backtest.stress_paths import bootstrapped_paths, path_summary
from regime.backtest.stress_signals import missing_days, probability_noise
from regime.backtest.stress_spells import spell_table
from regime.errors import ConfigError, InvalidDataError
from regime.pipeline.market_data import MarketData
from regime.pipeline.settings import Settings
from regime.pipeline.strategy import signals
from regime.progress import Progress
from regime.rules.benchmarks import buy_and_hold, volatility_target
from regime.workflows.stress_words import sentences

__all__ = ["StressPlan", "StressReport", "stress"]

# Exposures that were saved as text and read again differ by less.
ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class StressPlan:
    """How much is tried.

    Parameters
    ----------
    seeds : int
        Draws of lost and of wrong signals, at least 1; each runs the rule anew.
    paths : int
        Redrawn histories, at least 1.
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
        for name, least in (
            ("seeds", 1),
            ("paths", 1),
            ("block", 1),
            ("seed", 0),
            ("label_seeds", 0),
        ):
            if not getattr(self, name) >= least:
                raise ConfigError(f"{name}: must be at least {least}, got {getattr(self, name)}")
        if not 0.0 <= self.label_share <= 1.0:
            raise ConfigError(f"label_share: must lie in [0, 1], got {self.label_share}")
        if min(self.worlds, default=0) < 0:
            raise ConfigError(f"worlds: seeds must be 0 or more, got {min(self.worlds)}")


@dataclass(frozen=True, kw_only=True)
class StressReport:
    """The tables of a stress test; each is told by the function that makes it.

    Parameters
    ----------
    delays, costs, break_even, starts, years : DataFrame
        From `backtest.stress`; the rivals are ``buy_and_hold`` and ``vol_target_12``.
    missing, noise : DataFrame
        From `backtest.stress_signals`.
    paths : DataFrame
        From `backtest.stress_paths.path_summary`; the rule is ``strategy``.
    spells : DataFrame
        From `backtest.stress_spells`.
    labels, worlds : DataFrame or None
        From `workflows.retrained`; None where nothing was trained anew.

    Examples
    --------
    >>> empty = pd.DataFrame({"sharpe": [0.5, np.nan]}, index=pd.Index([1, 2], name="delay"))
    >>> names = ("delays", "costs", "break_even", "starts", "years", "missing", "noise", "paths", "spells")
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
        held = {own.name: getattr(self, own.name) for own in fields(self)}
        return {name: table for name, table in held.items() if table is not None}

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Tables as lists of rows, plain and finite.

        Dates as text, None for what is not defined.
        """
        return {
            name: [{str(key): _plain(value) for key, value in row.items()} for row in _flat(table)]
            for name, table in self.tables().items()
        }

    def sentences(self) -> tuple[str, ...]:
        """The three most telling results: what costs may be, how much was luck, what hurts most."""
        return sentences(self.tables())


def stress(
    settings: Settings,
    world: MarketData,
    probabilities: pd.DataFrame,
    exposure: pd.Series,
    spells: pd.DataFrame,
    progress: Progress,
    *,
    plan: StressPlan | None = None,
    decider: Callable[[pd.DataFrame], pd.Series] | None = None,
) -> StressReport:
    """Every stress test of a rule over the sessions of its exposure.

    Parameters
    ----------
    settings : Settings
    world : MarketData
    probabilities : DataFrame, shape (n_test_sessions, n_regimes)
    exposure : Series, shape (n_test_sessions,), in [0, 1]
        Decided at each close: what the rule decides on these probabilities.
    spells : DataFrame, one row a spell
        `start` and `end`, and `name` where there is one; may be empty.
    progress : Progress
    plan : StressPlan, optional
    decider : callable, optional
        Signals to exposure, in place of the rule of the settings.

    Returns
    -------
    StressReport

    Raises
    ------
    InvalidDataError
        If the exposure is not what the rule decides, for tests that run it anew would be of another
        rule; or a session of it has no probability, or is none of the world.
    """
    plan, rule = plan or StressPlan(), decider or settings.rule
    days = exposure.index
    _check_dates(days, probabilities, world)
    table = signals(world, probabilities.loc[days])
    _check_decided(exposure, rule(table))
    venue = Venue(
        prices=world.total_return.loc[days], cash=world.cash.loc[days], costs=settings.costs
    )
    rivals = {
        "buy_and_hold": buy_and_hold(world.close).loc[days],
        "vol_target_12": volatility_target(world.returns).reindex(days).fillna(1.0),
    }
    accounts = {
        "strategy": venue.trade(exposure),
        **{name: venue.trade(other) for name, other in rivals.items()},
    }
    others = {name: account for name, account in accounts.items() if name != "strategy"}
    jobs: dict[str, Callable[[], pd.DataFrame]] = {
        "delays": lambda: delays(venue, exposure, rivals),
        "costs": lambda: cost_multiples(venue, exposure, rivals),
        "break_even": lambda: break_even_cost(venue, exposure, rivals),
        "starts": lambda: start_dates(venue, table, rule, rivals),
        "years": lambda: leave_one_year_out(accounts["strategy"], others),
        "missing": lambda: missing_days(venue, table, rule, seeds=plan.seeds, seed=plan.seed),
        "noise": lambda: probability_noise(venue, table, rule, seeds=plan.seeds, seed=plan.seed),
        "paths": lambda: path_summary(
            bootstrapped_paths(accounts, paths=plan.paths, block=plan.block, seed=plan.seed)
        ),
        "spells": lambda: _spells(accounts, spells),
    }
    tables = {}
    with progress.stage("stress", total=len(jobs)) as stage:
        for name, job in jobs.items():
            tables[name] = job()
            stage.advance()
    return StressReport(**tables, **_retrained(settings, world, plan, progress))


def _spells(accounts: Mapping[str, Account], spells: pd.DataFrame) -> pd.DataFrame:
    rule, market = accounts["strategy"], accounts["buy_and_hold"]
    return spell_table(rule.held, market.returns, rule.cash, spells)


def _check_dates(days: pd.Index, probabilities: pd.DataFrame, world: MarketData) -> None:
    for name, known in (
        ("probability", probabilities.index),
        ("session of the world", world.sessions),
    ):
        strange = days.difference(known)
        if len(strange):
            raise InvalidDataError(
                f"Exposure: {strange[0]} has no {name}; give both for the same sessions"
            )


def _check_decided(given: pd.Series, decided: pd.Series) -> None:
    apart = (given - decided).abs().to_numpy() > ROUNDING
    if apart.any():
        row = int(apart.argmax())
        raise InvalidDataError(
            f"Exposure: {given.index[row]:%Y-%m-%d} is {given.iloc[row]:g}, the rule decides "
            f"{decided.iloc[row]:g} on these probabilities; give the exposure of this rule, or "
            "its own `decider`"
        )


def _retrained(
    settings: Settings, world: MarketData, plan: StressPlan, progress: Progress
) -> dict[str, pd.DataFrame]:
    """What is trained anew, where the plan asks for it."""
    from regime.workflows.retrained import label_noise, simulated_worlds

    tables = {}
    if plan.label_seeds:
        tables["labels"] = label_noise(
            settings, world, range(plan.label_seeds), progress, share=plan.label_share
        )
    if plan.worlds:
        tables["worlds"] = simulated_worlds(settings, plan.worlds, progress)
    return tables


def _flat(table: pd.DataFrame) -> Iterator[dict[Any, Any]]:
    """Rows with their index; a plain count is no index worth telling."""
    named = any(name is not None for name in table.index.names)
    yield from (table.reset_index() if named else table).to_dict("records")


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
