"""`regime audit`: whether anything of a config and its data looks ahead, where, and how far."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd

from regime.config import find_config
from regime.errors import InvalidDataError
from regime.panel.release_times import release_times
from regime.parallel import NoProgress, Parallel, Progress, run_tasks
from regime.pipeline.market_data import MarketData, read_all, read_market_data
from regime.pipeline.settings import Settings, settings_of
from regime.sources.catalogue import Catalogue, load_catalogue
from regime.splits.walk_forward import Fold
from regime.studies.leakage.builders import config_builders, feature_set, rule_builder
from regime.studies.leakage.findings import AuditReport, Check, Finding, in_order
from regime.studies.leakage.fold_leaks import TrainedFold, fold_findings, sampled
from regime.studies.leakage.label_leaks import knowable, label_findings
from regime.studies.leakage.probes import Builder, place_of, probe
from regime.studies.leakage.release_leaks import release_findings, rule_findings, use_of_revised
from regime.studies.leakage.series_leaks import series_findings
from regime.studies.leakage.subject import Subject
from regime.workflows.audit_targets import workflow_builders

__all__ = ["audit", "audit_run", "subject_of"]

SHARES = 16  # of the builders; each is one task, for which the data travel once
ALONE = Parallel(jobs=1, backend="serial")
QUICK_DATES, QUICK_FOLDS, QUICK_SESSIONS = 4, 6, 1000  # what every run can afford
LAWS, QUICK_LAWS = (
    ("truncate", "perturb", "delay"),
    ("perturb", "delay"),
)  # what is perturbed is cut off soon after


@dataclass
class _Account:
    """Findings and counts, filled check by check."""

    findings: list[Finding] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @contextmanager
    def check(self, name: str) -> Iterator[_Tally]:
        """Time one check and enter what it found."""
        begun, tally = time.perf_counter(), _Tally()
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
                seconds=round(time.perf_counter() - begun, 2),
            )
        )

    def report(self) -> AuditReport:
        """Everything so far."""
        return AuditReport(
            findings=in_order(self.findings),
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
    world = read_market_data(settings, folder, watch)
    subject, account = subject_of(settings, world, catalogue), _Account()
    made = [*config_builders(subject), *workflow_builders(settings, catalogue, world)]
    _probed(account, made, dates, watch, parallel=settings.parallel)
    features = settings.features(world.panel)
    _label_use(account, settings, world, features, watch)
    _folds(account, settings, world, settings.splits.folds(world.sessions), watch)
    observations, unread = _observations(settings, catalogue, world, folder)
    account.findings += unread
    _releases(account, settings, catalogue, observations, watch)
    with watch.stage("series"), account.check("series") as tally:
        tally.findings += series_findings(observations, world.sessions, catalogue)
        tally.checked = int(observations["series"].nunique())
    return account.report()


def audit_run(
    settings: Settings,
    world: MarketData,
    features: pd.DataFrame,
    folds: Sequence[Fold] = (),
    progress: Progress | None = None,
) -> AuditReport:
    """The part of an audit that every run can afford, in a few seconds.

    Parameters
    ----------
    settings : Settings
    world : MarketData
    features : DataFrame, shape (n_sessions, n_features)
        As the run uses them.
    folds : sequence of Fold
        Those that the run trained; some are held against brute force.
    progress : Progress, optional

    Returns
    -------
    AuditReport
        Of the feature set and the rule at a few dates, label use, folds, releases and series.
    """
    watch, account = progress or NoProgress(), _Account()
    catalogue = load_catalogue(find_config(settings.catalogue))
    subject = subject_of(settings, world, catalogue)
    rule = rule_builder(
        "rule", place_of(type(settings.rule)), settings.rule, subject.last(QUICK_SESSIONS)
    )
    with watch.stage("audit", total=5) as stage:
        _probed(account, [feature_set(subject), rule], QUICK_DATES, NoProgress(), QUICK_LAWS)
        stage.advance()
        _label_use(account, settings, world, features, NoProgress(), thorough=False)
        stage.advance()
        _folds(account, settings, world, sampled(folds, QUICK_FOLDS), NoProgress())
        stage.advance()
        _releases(account, settings, catalogue, world.reading.observations, NoProgress())
        stage.advance()
        with account.check("series") as tally:
            tally.findings += series_findings(
                world.reading.observations, world.sessions, catalogue, thorough=False
            )
            tally.checked = int(world.reading.observations["series"].nunique())
        stage.advance()
    return account.report()


def _observations(
    settings: Settings,
    catalogue: Catalogue,
    world: MarketData,
    folder: Path | None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Every series that the folder has.

    Those of the run alone where another file of it cannot be read.
    """
    try:
        return read_all(settings, catalogue, folder).observations, []
    except InvalidDataError as error:
        fault = Finding(
            kind="unread",
            name="data",
            place=str(folder),
            severity="warning",
            evidence=(
                "Only the series of the run were looked at, for others cannot be read, the "
                f"first: {error.faults[0]}"
            ),
        )
        return world.reading.observations, [fault]


def subject_of(settings: Settings, world: MarketData, catalogue: Catalogue) -> Subject:
    """Parts of a config beside the data that they are given."""
    return Subject(
        observations=world.reading.observations,
        max_age=catalogue.max_age,
        panel=world.panel,
        market=world.market,
        returns=world.returns,
        features=settings.features,
        labels=settings.labels,
        truth=settings.truth,
        splits=settings.splits,
        model=settings.model,
        rule=settings.rule,
    )


def _probed(
    account: _Account,
    made: Sequence[Builder],
    dates: int,
    watch: Progress,
    laws: tuple[str, ...] = LAWS,
    parallel: Parallel = ALONE,
) -> None:
    shares = [made[first::SHARES] for first in range(min(SHARES, len(made)))]
    tasks = [partial(_probe, share, dates, laws) for share in shares]
    with watch.stage("builders", total=len(tasks)) as stage, account.check("builders") as tally:
        tally.findings += chain.from_iterable(run_tasks(parallel, tasks, stage.advance))
        tally.checked = len(made)
        tally.probes = len(made) * dates * (len(laws) - 1)


def _probe(share: Sequence[Builder], dates: int, laws: tuple[str, ...]) -> list[Finding]:
    """Leaks of some builders; one that fails on the data as they are cannot be vouched for."""
    found: list[Finding] = []
    for builder in share:
        try:
            found += probe(builder, dates=dates, laws=laws)
        except Exception as error:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            found.append(
                Finding(
                    kind="unregistered",
                    name=builder.name,
                    place=builder.place,
                    evidence=f"It could not be asked: {what}.",
                )
            )
    return found


def _label_use(
    account: _Account,
    settings: Settings,
    world: MarketData,
    features: pd.DataFrame,
    watch: Progress,
    thorough: bool = True,
) -> None:
    """Features, and the series themselves, against the labels that train and the truth that scores."""
    series = world.panel.values.dropna(axis=1, how="all")
    table = pd.concat([features, series], axis=1) if thorough else features
    places: Mapping[str, str] = {
        feature.spec.name: place_of(feature.compute) for feature in settings.features.features
    }
    known = knowable(world.close, world.returns, world.panel.values["vix"])
    with watch.stage("label use"), account.check("label use") as tally:
        found: dict[str, Finding] = {}
        for labeller in (settings.labels, settings.truth) if thorough else (settings.labels,):
            for finding in label_findings(table, labeller(world.market), known, places):
                found.setdefault(finding.name, finding)
            tally.probes += table.shape[1]
        tally.findings += found.values()
        tally.checked = table.shape[1]


def _folds(
    account: _Account, settings: Settings, world: MarketData, folds: Sequence[Fold], watch: Progress
) -> None:
    """Training rows of the splitter against the rule read off the labels, row by row."""
    with watch.stage("folds", total=len(folds)) as stage, account.check("folds") as tally:
        trained = []
        for fold in folds:
            labels = settings.labels(world.market.loc[: fold.refit], fold.refit)
            rows = settings.splits.train_rows(fold, labels)
            trained.append(TrainedFold(fold=fold, train=rows, labels=labels))
            tally.probes += len(rows)
            stage.advance()
        tally.findings += fold_findings(trained, world.sessions, embargo=settings.splits.embargo)
        tally.checked = len(trained)


def _releases(
    account: _Account,
    settings: Settings,
    catalogue: Catalogue,
    observations: pd.DataFrame,
    watch: Progress,
) -> None:
    with watch.stage("releases"), account.check("releases") as tally:
        tally.findings += release_findings(observations, catalogue)
        present = set(observations["series"].unique())
        absent = [name for name in catalogue.series if name not in present]
        tally.findings += rule_findings(catalogue, absent, release_times)
        tally.findings += use_of_revised(catalogue, settings.features.inputs)
        tally.checked, tally.probes = len(catalogue.series), len(observations)
