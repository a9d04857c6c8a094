"""`regime tune`: one study a block of years, on what was known before it; choices as a file."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from regime.artifacts import check_output_path, to_json_value
from regime.config import dump
from regime.errors import ConfigError
from regime.migrations import FEATURES_IN_STUDY_NAMES, SCHEMA_VERSION
from regime.parallel import NoProgress, Progress
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings, settings_of
from regime.pipeline.tuned_choices import BlockResult, load_tuned, save_choices
from regime.studies.tuning.objective import InnerSample, OuterBlock, inner_sample, outer_blocks
from regime.studies.tuning.search_space import SearchSpace
from regime.studies.tuning.selection import choose_trial, parameter_plateau
from regime.studies.tuning.study import Study, StudyPlan, check_storage, redacted_url
from regime.studies.tuning.trial import describe_space, fingerprint, replay
from regime.studies.tuning.workers import run_search
from regime.tracking import Run, Tracker

__all__ = ["OUT", "TuneResult", "TuneSettings", "study_name", "tune"]

OUT = Path("experiments") / "tuned.yaml"  # beside the ledger of trials, which counts them


@dataclass(frozen=True, kw_only=True)
class TuneSettings:
    """How a study is made.

    Parameters
    ----------
    years : int
        Length of a block.
    folds : int
        Inner folds.
    share : float
        Share of the sessions before a block that the inner folds test; in (0, 1).
    deviations : float
        Standard deviations over folds that a trial's value is less than its mean skill.
    startup : int
        Random trials before the sampler learns and before any is pruned.
    hopeless : float
        A trial is pruned while it is in this lowest share of those that came as far, in [0, 1).
    space : SearchSpace

    Raises
    ------
    ConfigError
        If a value is out of its range.
    """

    years: int = 5
    folds: int = 5
    share: float = 0.6
    deviations: float = 0.5
    startup: int = 20
    hopeless: float = 0.25
    space: SearchSpace = field(default_factory=SearchSpace)

    def __post_init__(self) -> None:
        if self.years < 1:
            raise ConfigError(f"years: must be at least 1, got {self.years}")
        if not 0 < self.share < 1:
            raise ConfigError(f"share: must lie in (0, 1), got {self.share}")


@dataclass(frozen=True, kw_only=True)
class TuneResult:
    """What tuning chose.

    Parameters
    ----------
    choices : tuple of BlockResult
        Of the blocks that were tuned, in order of time.
    out : Path
        File in which they are, with those of other blocks.
    notes : tuple of str
        What had to be repaired first.
    summary : dict
        Plain and finite.
    """

    choices: tuple[BlockResult, ...]
    out: Path
    notes: tuple[str, ...]
    summary: dict[str, Any]


def tune(
    config: str | Path | Settings,
    *,
    trials: int = 200,
    workers: int | None = None,
    storage: str | None = None,
    block: int | None = None,
    data: str | Path | None = None,
    out: str | Path = OUT,
    overrides: Sequence[str] = (),
    how: TuneSettings | None = None,
    progress: Progress | None = None,
) -> TuneResult:
    """Choose labels, features and model of each block on the years before it.

    Parameters
    ----------
    config : str, Path or Settings
    trials : int
        Finished trials wanted in each study; one that has some resumes.
    workers : int, optional
        Processes; by default those of the config.
    storage : str, optional
        URL of a database, for any number of hosts; by default a journal in the folder of the
        tracked runs.
    block : int, optional
        First year of the one block to tune; by default all blocks that have begun. The block that
        begins after the last session may be named too.
    data : str or Path, optional
        Data folder; not needed by a config that simulates.
    out : str or Path
        File of the choices; those of other blocks and configs in it stay.
    overrides : sequence of str
        ``section.key=value``.
    how : TuneSettings, optional
    progress : Progress, optional

    Returns
    -------
    TuneResult

    Raises
    ------
    ConfigError, MissingDataError, InvalidDataError
        Before anything is searched.

    **Known at:** the last session before each block.
    """
    begun = time.perf_counter()
    watch = progress or NoProgress()
    how = how or TuneSettings()
    settings = settings_of(config, overrides, data)
    path = Path(out)
    jobs = settings.parallel.jobs if workers is None else workers
    _check(trials, jobs, path)
    plan = _study_plan(settings, how, storage)
    check_storage(plan.storage)
    market_data = read_market_data(settings, Path(data) if data is not None else None, watch)
    samples = _samples(settings, market_data, block, how, watch)
    choices: list[BlockResult] = []
    notes: list[str] = []
    with settings.tracking.run(
        f"tune {settings.name}", tags={"seed": settings.seed, "kind": "tune"}
    ) as record:
        record.log_config({"config": dump(settings), "tune": dump(how), "trials": trials})
        for sample in samples:
            study, repairs = run_search(
                replace(plan, name=study_name(sample, how)),
                sample,
                how.space,
                total=trials,
                workers=jobs,
                progress=watch,
            )
            notes += repairs
            choices.append(_choose(study, sample, how, trials))
            save_choices(path, choices[-1:])
            _record(record, study, choices[-1])
        summary = {
            "schema_version": SCHEMA_VERSION,
            "config": settings.name,
            "data_hash": market_data.reading.hash,
            "storage": redacted_url(plan.storage),
            "out": str(path),
            "blocks": to_json_value([dump(choice) for choice in choices], "blocks"),
            "notes": notes,
            "mlflow_run_id": record.run_id,
            "seconds": round(time.perf_counter() - begun, 1),
        }
        record.log_json("summary.json", summary)
    return TuneResult(choices=tuple(choices), out=path, notes=tuple(notes), summary=summary)


def study_name(sample: InnerSample, how: TuneSettings) -> str:
    """Name of a block's study: config, year, and what must be equal for trials to be comparable.

    The first code stands for the search space, the objective and what the config fixes; the second
    for the data up to the block. What enters them must keep its form: a study is resumed by name.
    """
    settings = sample.settings
    features = dump(settings.features)
    if not features["mechanism_parameters"]:
        del features["mechanism_parameters"]
        features |= FEATURES_IN_STUDY_NAMES
    fixed = {
        "offers": describe_space(lambda trial: how.space(trial, settings)),
        "folds": how.folds,
        "share": how.share,
        "deviations": how.deviations,
        "model": dump(settings.model),
        "truth": dump(settings.truth),
        "features": features,
        "splits": [settings.splits.embargo, settings.splits.minimum_train],
    }
    return f"{settings.name}-{sample.block.year}-{fingerprint(fixed)}-{_data_code(sample)}"


def _check(trials: int, workers: int, out: Path) -> None:
    for name, value in (("trials", trials), ("workers", workers)):
        if value < 1:
            raise ConfigError(f"{name}: must be at least 1, got {value}")
    check_output_path(out, folder=False)
    if out.exists():
        load_tuned(out)


def _study_plan(settings: Settings, how: TuneSettings, storage: str | None) -> StudyPlan:
    """Plan of all blocks; the storage is by default a journal in the folder of the tracked runs."""
    tracker = settings.tracking if isinstance(settings.tracking, Tracker) else Tracker()
    journal = (tracker.folder / "tuning.journal").absolute()
    return StudyPlan(
        name=settings.name,
        storage=f"journal://{journal}" if storage is None else storage,
        locks=tracker.folder / "tuning",
        folds=how.folds,
        seed=settings.seed,
        deviations=how.deviations,
        startup=how.startup,
        share=how.hopeless,
    )


def _samples(
    settings: Settings,
    market_data: MarketData,
    year: int | None,
    how: TuneSettings,
    watch: Progress,
) -> list[InnerSample]:
    """Sample of each wanted block, so that a fault in any of them is found before a search."""
    blocks = _wanted_blocks(settings, market_data, year, how.years)
    with watch.stage("features"):
        features = settings.features(market_data.panel)
    return [
        inner_sample(
            settings, market_data, features, block, watch, folds=how.folds, share=how.share
        )
        for block in blocks
    ]


def _wanted_blocks(
    settings: Settings, market_data: MarketData, year: int | None, years: int
) -> tuple[OuterBlock, ...]:
    """The block of that first year, the one that begins after the last session included, or all."""
    blocks = outer_blocks(settings, market_data.sessions, years)
    if year is None:
        return blocks
    next_begin = pd.Timestamp(blocks[-1].last) + pd.Timedelta(days=1)
    extended = market_data.sessions.append(pd.DatetimeIndex([next_begin]))
    every = outer_blocks(settings, extended, years)
    wanted = tuple(block for block in every if block.year == year)
    if not wanted:
        begins = ", ".join(str(block.year) for block in every)
        raise ConfigError(
            f"block: no block begins in {year}; blocks of {settings.name} begin in {begins}"
        )
    return wanted


def _data_code(sample: InnerSample) -> str:
    digest = hashlib.sha256()
    for frame in (sample.features, sample.market, sample.truth.stress.to_frame()):
        digest.update(
            "\n".join([*map(str, frame.columns), *frame.index.strftime("%Y-%m-%d")]).encode("utf-8")
        )
        digest.update(frame.to_numpy(dtype=float).tobytes())
    return digest.hexdigest()[:8]


def _choose(study: Study, sample: InnerSample, how: TuneSettings, wanted: int) -> BlockResult:
    """Simplest trial within one standard error of the best, and the plateau around it."""
    table = study.trials()
    choice = choose_trial(table, lambda number: how.space.simplicity(study.params(number)))
    counts = table["state"].value_counts()
    params = study.params(choice.chosen)
    return BlockResult(
        config=sample.settings.name,
        year=sample.block.year,
        first=sample.block.first,
        last=sample.block.last,
        known_until=sample.features.index[-1].date(),
        study=study.plan.name,
        seed=study.plan.seed,
        trials={
            "wanted": wanted,
            **{state: int(counts.get(state, 0)) for state in ("complete", "pruned", "failed")},
        },
        baseline=sample.baseline,
        chosen={**_figures(study, table, choice.chosen), "params": params},
        best={**_figures(study, table, choice.best), "params": study.params(choice.best)},
        within=len(choice.within),
        plateau=parameter_plateau([study.params(number) for number in choice.within]),
        parameters=replay(lambda trial: how.space(trial, sample.settings), params),
    )


def _figures(study: Study, table: pd.DataFrame, number: int) -> dict[str, Any]:
    names = ("value", "mean", "deviation", "standard_error")
    return {
        "trial": number,
        **{name: float(table.loc[number, name]) for name in names},
        "folds": study.folds(number),
    }


def _record(record: Run, study: Study, choice: BlockResult) -> None:
    """Log a study to the tracked run: its trials as a table, its figures, the choice."""
    under = f"block-{choice.year}"
    table = study.trials()
    params = pd.DataFrame.from_dict(
        {number: study.params(number) for number in table.index}, orient="index"
    )
    record.log_metrics(
        {
            under: {
                "chosen": choice.chosen,
                "best": choice.best,
                "within": choice.within,
                "trials": choice.trials,
            }
        }
    )
    record.log_json(f"{under}/choice.json", to_json_value(dump(choice), under))
    if record.run_id is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table.join(params).to_csv(folder / "trials.csv")
        study.write_figures(folder)
        record.log_artifacts(folder, under)
