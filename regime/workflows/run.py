"""`regime run`: read, build, train, score, trade, record, and leave a model and a page behind."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from regime.artifacts import check_place, output_folder, write_json
from regime.config import dump
from regime.errors import InvalidDataError, MissingDataError
from regime.models.classifier import DeleveragingClassifier
from regime.progress import NoProgress, Progress
from regime.records import Run, commit
from regime.report.content import ReportContent, save_content
from regime.report.page import render
from regime.report.sections import Section
from regime.runtime.bundle import write_bundle
from regime.runtime.predict import SavedModel
from regime.schema import REGIMES, check_exposure, check_probabilities
from regime.studies.stress.stress_test import StressPlan, StressReport, run_stress_test
from regime.workflows.audit import audit_run
from regime.workflows.backtest import estimate_intervals, spells_within
from regime.workflows.calibration import calibration_account
from regime.workflows.data import World, read_world
from regime.workflows.forecast import Forecast, final_model, walk_forward
from regime.workflows.gate import gate
from regime.workflows.honesty import honesty
from regime.workflows.ledger import read_ledger
from regime.workflows.luck import luck
from regime.workflows.mechanism_sections import run_sections
from regime.workflows.page import PAGE, Findings, page_content
from regime.workflows.settings import Settings, settings_of
from regime.workflows.strategy import Strategy, decide, trade
from regime.workflows.verdict import Verdict, judge, rivals, truth_of

__all__ = ["RunResult", "run"]

GOLDEN_ROWS = 20
TRIED = StressPlan(seeds=3, paths=500)  # of every run; `regime backtest` tries more


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """Everything that a run found.

    Parameters
    ----------
    summary : dict
        The object of summary.json.
    probabilities : DataFrame, shape (n_test_sessions, 4)
    exposure : Series, shape (n_test_sessions,)
    verdict : Verdict
    strategy : Strategy
    out : Path
        Folder of the output.
    """

    summary: dict[str, Any]
    probabilities: pd.DataFrame
    exposure: pd.Series
    verdict: Verdict
    strategy: Strategy
    out: Path


def run(
    config: str | Path | Settings = "configs/demo.yaml",
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    episodes: str | Path | None = None,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> RunResult:
    """Run a config from data to report.

    Parameters
    ----------
    config : str, Path or Settings
        A file, the name of a shipped config, or settings made in Python.
    data : str or Path, optional
        Data folder; not needed by a config that simulates.
    out : str or Path, optional
        Folder of the output; by default ``out/`` and the config's name.
    episodes : str or Path, optional
        A list of episodes to score against. It reaches the evaluation only.
    overrides : sequence of str
        ``section.key=value``.
    progress : Progress, optional

    Returns
    -------
    RunResult

    Raises
    ------
    ConfigError, MissingDataError, InvalidDataError
        With every fault found; nothing is written then.
    GateError
        If the config requires a skill that the run has not shown; all is written then, and nothing
        registered.

    **Known at:** every probability and exposure of date t rests on what was public at its close.
    """
    begun, watch = time.perf_counter(), progress or NoProgress()
    settings = settings_of(config, overrides, data)
    folder = Path(out) if out is not None else Path("out") / settings.name
    # What the user may have got wrong comes first: it must neither cost a training nor leave a
    # failed run.
    check_place(folder)
    tried = read_ledger(settings)
    given = Path(data) if data is not None else None
    world = read_world(settings, given, watch)
    truth = truth_of(settings, world, Path(episodes) if episodes is not None else None)
    with settings.tracking.run(settings.name, tags={"seed": settings.seed}) as record:
        record.log_config(dump(settings))
        with watch.stage("features"):
            features = settings.features(world.panel)
        forecast = walk_forward(settings, features, world.market, watch, members=True)
        baselines = rivals(world, features, truth, forecast.folds, watch)
        verdict = judge(settings, truth, forecast.probabilities, baselines, forecast.folds)
        passed = gate(settings, verdict)
        strategy = trade(
            settings, world, decide(settings, world, forecast.probabilities), watch, given
        )
        with watch.stage("accounts of luck"):
            lucky = luck(
                settings, truth, forecast.probabilities, baselines, verdict, strategy, tried
            )
            measured = calibration_account(settings, world, forecast.probabilities, forecast.folds)
            honest = honesty(
                settings, world, truth, forecast.probabilities, baselines, verdict, strategy
            )
        stressed = run_stress_test(
            settings,
            world,
            forecast.probabilities,
            strategy.exposure,
            spells_within(truth, strategy.exposure.index),
            watch,
            plan=TRIED,
        )
        checked = audit_run(settings, world, features, forecast.folds, watch)
        told, aside = _mechanisms(world, settings, given, watch)
        with watch.stage("final model"):
            model, window = final_model(settings, features, world.market)
        name = settings.name if isinstance(config, Settings) else str(config)
        summary = _summary(
            settings, name, world, forecast, verdict, strategy, folder, record.run_id
        )
        summary |= {
            "audit": checked.to_dict(),
            "gate": passed.summary(),
            "luck": lucky.summary(),
            "honesty": honest.summary(),
            "calibration": measured.summary(),
            "stress": _stress_summary(stressed),
        }
        with watch.stage("writing"), output_folder(folder) as staged:
            _write_frames(staged, forecast, strategy)
            _write_model(staged / "bundle", settings, world, features, model, window)
            summary["seconds"] = round(time.perf_counter() - begun, 1)
            found = Findings(
                forecast=forecast,
                truth=truth,
                rivals=baselines,
                verdict=verdict,
                strategy=strategy,
                stress=stressed,
                intervals=estimate_intervals(strategy, settings.seed),
                audit=checked,
                model=SavedModel(model.parts_),
                gate=passed,
                luck=lucky,
                honesty=honest,
                calibration=measured,
                mechanisms=told,
                notes=aside,
            )
            _write_report(staged, page_content(settings, summary, world, features, found), summary)
            _record(record, settings, staged, summary, verdict, model)
    # Outside the record: the run itself ended well.
    if passed.shut:
        raise passed.error(folder)
    return RunResult(
        summary=summary,
        probabilities=forecast.probabilities,
        exposure=strategy.exposure,
        verdict=verdict,
        strategy=strategy,
        out=folder,
    )


def _summary(
    settings: Settings,
    config: str,
    world: World,
    forecast: Forecast,
    verdict: Verdict,
    strategy: Strategy,
    folder: Path,
    run_id: str | None,
) -> dict[str, Any]:
    """The object of summary.json, plain and finite."""
    days, commit_ = forecast.probabilities.index, commit()
    series = {
        name: {
            "verdict": status.verdict,
            "last": None if status.last is None else f"{status.last:%Y-%m-%d}",
            "refused": status.refused,
            "note": status.note,
        }
        for name, status in world.reading.status.items()
    }
    return {
        "config": config,
        "data": {
            "first": f"{world.sessions[0]:%Y-%m-%d}",
            "last": f"{world.sessions[-1]:%Y-%m-%d}",
            "series": series,
            "hash": world.reading.hash,
        },
        "out_of_sample": {
            "first": f"{days[0]:%Y-%m-%d}",
            "last": f"{days[-1]:%Y-%m-%d}",
            "days": len(days),
            "refits": len(forecast.folds),
        },
        **verdict.summary(),
        "backtest": strategy.summary(),
        "rule": str(settings.rule),
        "commit": None if commit_ is None else commit_.id + ("+" if commit_.dirty else ""),
        "bundle": str(folder / "bundle"),
        "mlflow_run_id": run_id,
        "report": str(folder / "report.html"),
    }


def _stress_summary(stressed: StressReport) -> dict[str, Any]:
    return {**stressed.to_dict(), "sentences": list(stressed.sentences())}


def _mechanisms(
    world: World, settings: Settings, data: Path | None, watch: Progress
) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    """What the mechanisms say at the last session.

    They read more than a run does, whom a fault there must not stop.
    """
    try:
        with watch.stage("mechanisms"):
            return run_sections(world, settings, data), ()
    except (MissingDataError, InvalidDataError) as error:
        return (), (f"The mechanisms were left out: {error}",)


def _write_frames(folder: Path, forecast: Forecast, strategy: Strategy) -> None:
    check_probabilities(forecast.probabilities).to_parquet(folder / "probabilities.parquet")
    check_exposure(strategy.exposure).to_frame("exposure").to_parquet(folder / "exposure.parquet")


def _write_model(
    folder: Path,
    settings: Settings,
    world: World,
    features: pd.DataFrame,
    model: DeleveragingClassifier,
    window: tuple[str, str],
) -> None:
    golden = features[list(model.columns)].iloc[-GOLDEN_ROWS:]
    write_bundle(
        folder,
        model.parts_,
        golden=golden,
        golden_probabilities=model.predict_proba(golden),
        rule={"rule": dump(settings.rule), "sentence": str(settings.rule)},
        training_window=window,
        data_hash=world.reading.hash,
        about={"name": settings.name},
    )


def _write_report(folder: Path, content: ReportContent, summary: Mapping[str, Any]) -> None:
    save_content(content, folder / PAGE)
    (folder / "report.html").write_text(render(content), encoding="utf-8")
    write_json(folder / "summary.json", summary)


def _record(
    record: Run,
    settings: Settings,
    folder: Path,
    summary: Mapping[str, Any],
    verdict: Verdict,
    model: DeleveragingClassifier,
) -> None:
    scores = summary["scores"]
    record.set_tags(
        {
            "data_hash": summary["data"]["hash"],
            "best_baseline": scores["best_baseline"],
            "audit": summary["audit"]["verdict"],
            "gate": summary["gate"]["text"],
        }
    )
    record.log_metrics(
        {
            "model": scores["model"],
            "baseline": scores["baselines"],
            "skill": scores["skill"],
            "strategy": summary["backtest"]["strategy"],
            "luck": summary["luck"]["rule"] or {},
        }
    )
    if verdict.folds is not None:
        record.log_folds(
            verdict.folds.xs("model", level="model").drop(columns="days").to_dict("records")
        )
    record.log_artifacts(folder)
    if settings.registry.name and not (
        summary["gate"]["required"] and not summary["gate"]["passed"]
    ):
        record.register(
            folder / "bundle", settings.registry.name, inputs=model.columns, outputs=REGIMES
        )
