"""`regime audit`: whether any part of a config or its data uses the future, where, how far."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd

from regime.config import find_config
from regime.errors import InvalidDataError
from regime.labels.basket import Labeller
from regime.panel.release_times import release_times
from regime.parallel import NoProgress, Parallel, Progress, run_tasks
from regime.pipeline.market_data import MarketData, read_all, read_market_data
from regime.pipeline.settings import Settings, settings_of
from regime.sources.catalogue import Catalogue, load_catalogue
from regime.splits.walk_forward import Fold
from regime.studies.leakage.builders import config_builders, feature_set_builder, rule_builder
from regime.studies.leakage.findings import AuditReport, Check, Finding, leaks_first
from regime.studies.leakage.fold_leaks import TrainedFold, evenly_spaced, fold_findings
from regime.studies.leakage.label_leaks import label_findings, point_in_time_scores
from regime.studies.leakage.probes import PROBES, Builder, probe, source_location
from regime.studies.leakage.release_leaks import (
    release_findings,
    revised_input_findings,
    rule_findings,
)
from regime.studies.leakage.series_leaks import series_findings
from regime.studies.leakage.subject import AuditSubject
from regime.workflows.audit_targets import pipeline_builders

__all__ = ["audit", "audit_run", "audit_subject"]

TASKS = 16  # into which the builders are divided; the data are sent once a task
SERIAL = Parallel(jobs=1, backend="serial")
# The audit within a run takes a few seconds. A perturbed input is truncated soon after its date.
RUN_DATES = 4
RUN_FOLDS = 6
RUN_SESSIONS = 1000
RUN_PROBES = ("perturb", "delay")


@dataclass
class _AuditLog:
    """Findings and counts, filled check by check."""

    findings: list[Finding] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @contextmanager
    def check(self, name: str) -> Iterator[_Tally]:
        """Time one check and record its findings."""
        start = time.perf_counter()
        tally = _Tally()
        yield tally
        self.findings += tally.findings
        warnings = sum(finding.severity == "warning" for finding in tally.findings)
        self.checks.append(
            Check(
                name=name,
                checked=tally.checked,
                probes=tally.probes,
                warnings=warnings,
                leaks=len(tally.findings) - warnings,
                seconds=round(time.perf_counter() - start, 2),
            )
        )

    def report(self) -> AuditReport:
        """Everything so far."""
        return AuditReport(
            findings=leaks_first(self.findings),
            checks=tuple(self.checks),
            seconds=sum(check.seconds for check in self.checks),
        )


@dataclass
class _Tally:
    findings: list[Finding] = field(default_factory=list)
    checked: int = 0
    probes: int = 0


def audit(
    config: str | Path | Settings,
    *,
    data: str | Path | None = None,
    overrides: Sequence[str] = (),
    dates: int = 50,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit a config on its data: builders, label use, folds, release rules, series.

    Parameters
    ----------
    config : str, Path or Settings
        A file, the name of a shipped config, or settings made in Python.
    data : str or Path, optional
        Data folder; not needed by a config that simulates.
    overrides : sequence of str
        ``section.key=value``.
    dates : int
        Random dates at which every builder is truncated and perturbed.
    progress : Progress, optional

    Returns
    -------
    AuditReport

    Raises
    ------
    ConfigError, MissingDataError, InvalidDataError
        As reading the data does. Leaks are in the report, not raised.
    """
    watch = progress or NoProgress()
    settings = settings_of(config, overrides, data)
    folder = Path(data) if data is not None else None
    catalogue = load_catalogue(find_config(settings.catalogue))
    market_data = read_market_data(settings, folder, watch)
    subject = audit_subject(settings, market_data, catalogue)
    builders = [*config_builders(subject), *pipeline_builders(settings, catalogue, market_data)]
    features = settings.features(market_data.panel)
    folds = settings.splits.folds(market_data.sessions)
    log = _AuditLog()
    _check_builders(log, builders, dates, watch, parallel=settings.parallel)
    _check_label_use(log, settings, market_data, features, watch)
    _check_folds(log, settings, market_data, folds, watch)
    observations, unreadable = _observations(settings, catalogue, market_data, folder)
    log.findings += unreadable
    _check_releases(log, settings, catalogue, observations, watch)
    _check_series(log, observations, market_data.sessions, catalogue, watch)
    return log.report()


def audit_run(
    settings: Settings,
    market_data: MarketData,
    features: pd.DataFrame,
    folds: Sequence[Fold] = (),
    progress: Progress | None = None,
) -> AuditReport:
    """The short audit within a run, in a few seconds.

    Parameters
    ----------
    settings : Settings
    market_data : MarketData
    features : DataFrame, shape (n_sessions, n_features)
        As the run uses them.
    folds : sequence of Fold
        Those that the run trained; some are checked by brute force.
    progress : Progress, optional

    Returns
    -------
    AuditReport
        Of the feature set and the rule at a few dates, label use, folds, releases and series.
    """
    watch = progress or NoProgress()
    silent = NoProgress()
    catalogue = load_catalogue(find_config(settings.catalogue))
    subject = audit_subject(settings, market_data, catalogue)
    location = source_location(type(settings.rule))
    rule = rule_builder("rule", location, settings.rule, subject.last(RUN_SESSIONS))
    builders = [feature_set_builder(subject), rule]
    sample = evenly_spaced(folds, RUN_FOLDS)
    observations = market_data.reading.observations
    sessions = market_data.sessions
    log = _AuditLog()
    with watch.stage("audit", total=5) as stage:
        _check_builders(log, builders, RUN_DATES, silent, RUN_PROBES)
        stage.advance()
        _check_label_use(log, settings, market_data, features, silent, thorough=False)
        stage.advance()
        _check_folds(log, settings, market_data, sample, silent)
        stage.advance()
        _check_releases(log, settings, catalogue, observations, silent)
        stage.advance()
        _check_series(log, observations, sessions, catalogue, silent, thorough=False)
        stage.advance()
    return log.report()


def audit_subject(
    settings: Settings, market_data: MarketData, catalogue: Catalogue
) -> AuditSubject:
    """Parts of a config with the data that they run on."""
    return AuditSubject(
        observations=market_data.reading.observations,
        max_age=catalogue.max_age,
        panel=market_data.panel,
        market=market_data.market,
        returns=market_data.returns,
        features=settings.features,
        labels=settings.labels,
        truth=settings.truth,
        splits=settings.splits,
        model=settings.model,
        rule=settings.rule,
    )


def _observations(
    settings: Settings,
    catalogue: Catalogue,
    market_data: MarketData,
    folder: Path | None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Every series of the folder; those of the run alone where another file cannot be read."""
    try:
        return read_all(settings, catalogue, folder).observations, []
    except InvalidDataError as error:
        unreadable = Finding(
            kind="unreadable",
            name="data",
            location=str(folder),
            severity="warning",
            evidence="Only the series of the run were checked, since others cannot be read, the "
            f"first: {error.faults[0]}",
        )
        return market_data.reading.observations, [unreadable]


def _check_builders(
    log: _AuditLog,
    builders: Sequence[Builder],
    dates: int,
    watch: Progress,
    kinds: tuple[str, ...] = PROBES,
    parallel: Parallel = SERIAL,
) -> None:
    groups = [builders[first::TASKS] for first in range(min(TASKS, len(builders)))]
    tasks = [partial(_probe_group, group, dates, kinds) for group in groups]
    with watch.stage("builders", total=len(tasks)) as stage, log.check("builders") as tally:
        tally.findings += chain.from_iterable(run_tasks(parallel, tasks, stage.advance))
        tally.checked = len(builders)
        tally.probes = len(builders) * dates * (len(kinds) - 1)


def _probe_group(group: Sequence[Builder], dates: int, kinds: tuple[str, ...]) -> list[Finding]:
    """Leaks of some builders; one that fails on the unchanged data is a finding too."""
    findings: list[Finding] = []
    for builder in group:
        try:
            findings += probe(builder, dates=dates, kinds=kinds)
        except Exception as error:
            message = " ".join(f"{type(error).__name__}: {error}".split())
            findings.append(
                Finding(
                    kind="probe failed",
                    name=builder.name,
                    location=builder.location,
                    evidence=f"It could not be probed: {message}.",
                )
            )
    return findings


def _check_label_use(
    log: _AuditLog,
    settings: Settings,
    market_data: MarketData,
    features: pd.DataFrame,
    watch: Progress,
    thorough: bool = True,
) -> None:
    """Features, and the series themselves, against the training labels and the scored truth."""
    table = features
    labellers: tuple[Labeller, ...] = (settings.labels,)
    if thorough:
        series = market_data.panel.values.dropna(axis=1, how="all")
        table = pd.concat([features, series], axis=1)
        labellers = (settings.labels, settings.truth)
    locations = {
        feature.spec.name: source_location(feature.compute)
        for feature in settings.features.features
    }
    vix = market_data.panel.values["vix"]
    scores = point_in_time_scores(market_data.close, market_data.returns, vix)
    with watch.stage("label use"), log.check("label use") as tally:
        by_name: dict[str, Finding] = {}
        for labeller in labellers:
            labels = labeller(market_data.market)
            for finding in label_findings(table, labels, scores, locations):
                by_name.setdefault(finding.name, finding)
            tally.probes += table.shape[1]
        tally.findings += by_name.values()
        tally.checked = table.shape[1]


def _check_folds(
    log: _AuditLog,
    settings: Settings,
    market_data: MarketData,
    folds: Sequence[Fold],
    watch: Progress,
) -> None:
    """Training rows of the splitter against the rule derived from the labels, row by row."""
    with watch.stage("folds", total=len(folds)) as stage, log.check("folds") as tally:
        trained = []
        for fold in folds:
            labels = settings.labels(market_data.market.loc[: fold.refit], fold.refit)
            rows = settings.splits.train_rows(fold, labels)
            trained.append(TrainedFold(fold=fold, train=rows, labels=labels))
            tally.probes += len(rows)
            stage.advance()
        tally.findings += fold_findings(
            trained, market_data.sessions, embargo=settings.splits.embargo
        )
        tally.checked = len(trained)


def _check_releases(
    log: _AuditLog,
    settings: Settings,
    catalogue: Catalogue,
    observations: pd.DataFrame,
    watch: Progress,
) -> None:
    with watch.stage("releases"), log.check("releases") as tally:
        tally.findings += release_findings(observations, catalogue)
        present = set(observations["series"].unique())
        absent = [name for name in catalogue.series if name not in present]
        tally.findings += rule_findings(catalogue, absent, release_times)
        tally.findings += revised_input_findings(catalogue, settings.features.inputs)
        tally.checked = len(catalogue.series)
        tally.probes = len(observations)


def _check_series(
    log: _AuditLog,
    observations: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    catalogue: Catalogue,
    watch: Progress,
    thorough: bool = True,
) -> None:
    with watch.stage("series"), log.check("series") as tally:
        tally.findings += series_findings(observations, sessions, catalogue, thorough=thorough)
        tally.checked = int(observations["series"].nunique())
