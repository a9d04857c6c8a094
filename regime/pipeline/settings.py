"""A config file as one object: each section is the constructor of the part that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from regime.backtest.costs import Costs
from regime.backtest.orders import Timing
from regime.config import read_config
from regime.errors import ConfigError
from regime.features.feature_set import FeatureSet
from regime.labels import LABELLERS
from regime.labels.basket import Labeller
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.mechanisms.market_depth.spread_estimators import HalfSpread
from regime.models.classifier import DeleveragingClassifier
from regime.parallel import Parallel
from regime.rules.allocation import Allocation
from regime.rules.stack import RuleStack
from regime.sources.file_source import FileSource
from regime.sources.simulated import SimulatedSource
from regime.splits.walk_forward import PurgedWalkForward
from regime.tracking import NullTracker, Tracker

__all__ = [
    "LEDGER",
    "REQUIRED",
    "AnyLabels",
    "Parallel",
    "Registry",
    "Settings",
    "load_settings",
    "settings_of",
]

AnyLabels: TypeAlias = Annotated[Labeller, LABELLERS]  # any class of the registry

# What prices, cash and the rules of thumb are made of; all else may be missing.
REQUIRED = ("sp500", "spy", "vix", "dgs3mo")
# Beside the working directory, as in the project's own folder; a run elsewhere finds none and says
# so.
LEDGER = "experiments/ledger.csv"


@dataclass(frozen=True, kw_only=True)
class Registry:
    """Where the final model is entered.

    Parameters
    ----------
    name : str
        Name in MLflow's registry; empty for not at all.
    """

    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a run depends on, beside its data.

    Parameters
    ----------
    name : str
        What the run is called, and the folder of its output.
    start : date
        First session of the panel; history before it trains nothing.
    basket : tuple of str
        Catalogue names of the risk basket whose falls are labelled; the first is the core.
    source, features, labels, splits, model, rule, costs, timing : the stages' own parameters
    allocation : Allocation, optional
        Legs that the exposure is spread over; by default the S&P 500 and cash.
    spread : HalfSpread, optional
        How half-spreads are estimated from bars and added to the costs; by default they are not.
    truth : EpisodeLabels
        What probabilities are scored against unless a list of episodes is named.
    catalogue : str
        File of the series.
    tuned : str
        File of choices that `regime tune` wrote, each in force in its own block of years; empty for
        none.
    tracking, registry, parallel : Tracker or NullTracker, Registry, Parallel
    seed : int
        Of the bootstrap of the evaluation.
    skill_gate : str
        ``advisory``: a run without skill over its best baseline says so. ``required``: it also ends
        with an error and registers nothing.
    ledger : str
        Table of the trials made so far, or its folder, which the tests of significance count;
        empty for none.

    Examples
    --------
    >>> settings = load_settings("demo.yaml", ["splits.embargo=42"])
    >>> settings.name, settings.splits.embargo, "vix" in settings.series
    ('demo', 42, True)
    """

    name: str
    start: date
    basket: tuple[str, ...]
    model: DeleveragingClassifier
    splits: PurgedWalkForward
    rule: RuleStack
    source: FileSource | SimulatedSource = field(default_factory=FileSource)
    features: FeatureSet = field(default_factory=FeatureSet)
    labels: AnyLabels = field(default_factory=EnsembleLabels)
    truth: EpisodeLabels = field(default_factory=EpisodeLabels)
    costs: Costs = field(default_factory=Costs)
    timing: Timing = field(default_factory=Timing)
    allocation: Allocation | None = None
    spread: HalfSpread | None = None
    catalogue: str = "series.yaml"
    tuned: str = ""
    tracking: Tracker | NullTracker = field(default_factory=Tracker)
    registry: Registry = field(default_factory=Registry)
    parallel: Parallel = field(default_factory=Parallel)
    seed: int = 7
    skill_gate: Literal["advisory", "required"] = "advisory"
    ledger: str = LEDGER

    def __post_init__(self) -> None:
        known = {spec.name for spec in self.features.specs}
        unknown = [name for name in self.model.columns if name not in known]
        if unknown:
            raise ConfigError(
                f"model: `{unknown[0]}` is no feature of the config; see `regime features`"
            )
        if not self.basket or self.basket[0] != "sp500":
            raise ConfigError(
                f"basket: must begin with sp500, got {', '.join(self.basket) or 'nothing'}"
            )
        if self.name in ("", ".", "..") or set(self.name) & set("/\\\0"):
            raise ConfigError(f"name: must be fit for a folder, got `{self.name}`")
        if self.timing.same_bar:
            raise ConfigError(
                "timing: same_bar earns the return of the day of the decision; only tests may ask "
                "for it"
            )
        if self.seed < 0:
            raise ConfigError(f"seed: must be 0 or more, got {self.seed}")
        if self.skill_gate not in ("advisory", "required"):
            raise ConfigError(f"skill_gate: must be advisory or required, got `{self.skill_gate}`")

    @property
    def series(self) -> tuple[str, ...]:
        """Catalogue names of all series that the run reads, sorted."""
        return tuple(sorted({*REQUIRED, *self.basket, *self.features.inputs}))


def settings_of(
    config: str | Path | Settings, overrides: Sequence[str], data: str | Path | None
) -> Settings:
    """Settings passed on or read from a file; a data folder replaces a simulated market.

    Raises
    ------
    ConfigError
        As `load_settings`, or if there are overrides for settings made in Python.
    """
    if overrides and isinstance(config, Settings):
        raise ConfigError(
            f"override `{overrides[0]}`: only for a config file; use dataclasses.replace on "
            "settings"
        )
    settings = config if isinstance(config, Settings) else load_settings(config, overrides)
    reads = data is None or isinstance(settings.source, FileSource)
    return settings if reads else replace(settings, source=FileSource())


def load_settings(config: str | Path, overrides: Sequence[str] = ()) -> Settings:
    """Settings of a config file with ``section.key=value`` overrides.

    Raises
    ------
    ConfigError
        With every fault, where it is, and the nearest valid name.
    """
    return read_config(config, Settings, overrides)
