"""`regime tune`.

One study a block of years, on what was known before it, and the choices as a file.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from regime.artifacts import check_place
from regime.config import dump
from regime.errors import ConfigError
from regime.models.search_space import Given, fingerprint, offers
from regime.models.study_plan import StudyPlan, shown
from regime.models.trial_choice import choose, plateau
from regime.models.tuning import Study, check_storage
from regime.progress import NoProgress, Progress
from regime.records import Run
from regime.tracking import Tracker
from regime.workflows.data import World, read_world
from regime.workflows.settings import Settings, settings_of
from regime.workflows.tune_choices import BlockChoice, load_tuned, save_choices
from regime.workflows.tune_objective import Block, KnownYears, known_years, outer_blocks
from regime.workflows.tune_space import SearchSpace
from regime.workflows.tune_workers import search

__all__ = ["OUT", "TuneResult", "TuneSettings", "study_name", "tune"]

OUT = Path("configs") / "tuned.yaml"


@dataclass(frozen=True, kw_only=True)
class TuneSettings:
    """How a study is made.

    Parameters
    ----------
    years : int
        Of a block.
    folds : int
        Inner folds.
    share : float
        Of the sessions before a block, that the inner folds serve; in (0, 1).
    deviations : float
        Standard deviations over folds that a design's value is less than its mean skill.
    startup : int
        Trials at random before the sampler learns and before any is pruned.
    hopeless : float
        A trial is pruned while it is in this lowest share of those that came as far, in [0, 1).
    space : SearchSpace
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
    """What tuning found.

    Parameters
    ----------
    choices : tuple of BlockChoice
        Of the blocks that were tuned, in order of time.
    out : Path
        File that they are in, with those of other blocks.
    notes : tuple of str
        What had to be mended first.
    summary : dict
        Plain and finite.
    """

    choices: tuple[BlockChoice, ...]
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
    """Search for the design of each block on the years before it.

    Parameters
    ----------
    config : str, Path or Settings
    trials : int
        Finished trials wanted in each study; a study that has some goes on.
    workers : int, optional
        Processes; by default those of the config.
    storage : str, optional
        URL of a database, for any number of hosts; by default a journal in the folder of the
        recorded runs.
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
    begun, watch, how = time.perf_counter(), progress or NoProgress(), how or TuneSettings()
    settings, path = settings_of(config, overrides, data), Path(out)
    _check(trials, settings.parallel.jobs if workers is None else workers, path)
    place = settings.tracking.folder if isinstance(settings.tracking, Tracker) else Tracker().folder
    where = f"journal://{(place / 'tuning.journal').absolute()}" if storage is None else storage
    plan = StudyPlan(
        name=settings.name,
        storage=where,
        locks=place / "tuning",
        folds=how.folds,
        seed=settings.seed,
        deviations=how.deviations,
        startup=how.startup,
        share=how.hopeless,
    )
    check_storage(where)
    world = read_world(settings, Path(data) if data is not None else None, watch)
    blocks = _wanted(settings, world, block, how.years)
    with watch.stage("features"):
        features = settings.features(world.panel)
    every = [
        known_years(settings, world, features, one, watch, folds=how.folds, share=how.share)
        for one in blocks
    ]
    choices, notes = list[BlockChoice](), list[str]()
    with settings.tracking.run(
        f"tune {settings.name}", tags={"seed": settings.seed, "kind": "tune"}
    ) as record:
        record.log_config({"config": dump(settings), "tune": dump(how), "trials": trials})
        for known in every:
            study, told = search(
                replace(plan, name=study_name(known, how)),
                known,
                how.space,
                total=trials,
                workers=settings.parallel.jobs if workers is None else workers,
                progress=watch,
            )
            notes += told
            choices.append(_chosen(study, known, how, trials))
            save_choices(path, choices[-1:])
            _record(record, study, choices[-1])
        summary = {
            "config": settings.name,
            "data_hash": world.reading.hash,
            "storage": shown(where),
            "out": str(path),
            "blocks": [_plain(choice) for choice in choices],
            "notes": notes,
            "mlflow_run_id": record.run_id,
            "seconds": round(time.perf_counter() - begun, 1),
        }
        record.log_json("summary.json", summary)
    return TuneResult(choices=tuple(choices), out=path, notes=tuple(notes), summary=summary)


def study_name(known: KnownYears, how: TuneSettings) -> str:
    """Name of a block's study.

    The config, the year, and what must be equal for trials to be comparable.

    The first letters stand for the search space, the objective and what the config fixes; the last
    for the data up to the block.
    """
    settings = known.settings
    fixed = {
        "offers": offers(lambda trial: how.space(trial, settings)),
        "folds": how.folds,
        "share": how.share,
        "deviations": how.deviations,
        "model": dump(settings.model),
        "truth": dump(settings.truth),
        "features": dump(settings.features),
        "splits": [settings.splits.embargo, settings.splits.minimum_train],
    }
    return f"{settings.name}-{known.block.year}-{fingerprint(fixed)}-{_data_print(known)}"


def _check(trials: int, workers: int, out: Path) -> None:
    for name, value in (("trials", trials), ("workers", workers)):
        if value < 1:
            raise ConfigError(f"{name}: must be at least 1, got {value}")
    check_place(out, folder=False)
    if out.exists():
        load_tuned(out)


def _wanted(settings: Settings, world: World, year: int | None, years: int) -> tuple[Block, ...]:
    blocks = outer_blocks(settings, world.sessions, years)
    if year is None:
        return blocks
    following = outer_blocks(
        settings,
        world.sessions.append(
            pd.DatetimeIndex([pd.Timestamp(blocks[-1].last) + pd.Timedelta(days=1)])
        ),
        years,
    )
    found = tuple(block for block in following if block.year == year)
    if not found:
        known = ", ".join(str(block.year) for block in following)
        raise ConfigError(
            f"block: no block begins in {year}; blocks of {settings.name} begin in {known}"
        )
    return found


def _data_print(known: KnownYears) -> str:
    digest = hashlib.sha256()
    for frame in (known.features, known.market, known.truth.stress.to_frame()):
        digest.update(
            "\n".join([*map(str, frame.columns), *frame.index.strftime("%Y-%m-%d")]).encode("utf-8")
        )
        digest.update(frame.to_numpy(dtype=float).tobytes())
    return digest.hexdigest()[:8]


def _chosen(study: Study, known: KnownYears, how: TuneSettings, wanted: int) -> BlockChoice:
    """Outcome of a study.

    The simplest trial within one standard error of the best, and the plateau.
    """
    table = study.trials()
    choice = choose(table, lambda number: how.space.simplicity(study.params(number)))
    counts = table["state"].value_counts()
    params = study.params(choice.chosen)
    return BlockChoice(
        config=known.settings.name,
        year=known.block.year,
        first=known.block.first,
        last=known.block.last,
        known_until=known.features.index[-1].date(),
        study=study.plan.name,
        seed=study.plan.seed,
        trials={
            "wanted": wanted,
            **{state: int(counts.get(state, 0)) for state in ("complete", "pruned", "failed")},
        },
        rival=known.rival,
        chosen={**_figures(study, table, choice.chosen), "params": params},
        best={**_figures(study, table, choice.best), "params": study.params(choice.best)},
        within=len(choice.within),
        plateau=plateau([study.params(number) for number in choice.within]),
        design=how.space(Given(params), known.settings),
    )


def _figures(study: Study, table: pd.DataFrame, number: int) -> dict[str, Any]:
    names = ("value", "mean", "deviation", "standard_error")
    return {
        "trial": number,
        **{name: float(table.loc[number, name]) for name in names},
        "folds": study.folds(number),
    }


def _record(record: Run, study: Study, choice: BlockChoice) -> None:
    """The study in the record of the tuning: its trials as a table, its figures, the choice."""
    under, table = f"block-{choice.year}", study.trials()
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
    record.log_json(f"{under}/choice.json", _plain(choice))
    if record.run_id is None:
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table.join(params).to_csv(folder / "trials.csv")
        study.draw(folder)
        record.log_artifacts(folder, under)


def _plain(choice: BlockChoice) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, date) else value
        for key, value in dump(choice).items()
    }
