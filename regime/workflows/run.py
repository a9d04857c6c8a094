"""`regime run`: read, build, train, score, trade, record, and leave a model and a page behind."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from regime.artifacts import check_output_path, output_folder, write_json
from regime.config import dump
from regime.errors import InvalidDataError, MissingDataError
from regime.evaluation.truth import Truth
from regime.migrations import SCHEMA_VERSION
from regime.models.classifier import DeleveragingClassifier
from regime.parallel import NoProgress, Progress
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.scored_run import ScoredRun, Scores
from regime.pipeline.settings import Settings, settings_of
from regime.pipeline.strategy import Strategy, decide, trade
from regime.pipeline.walk_forward import final_model, walk_forward
from regime.report.content import ReportContent, save_content
from regime.report.page import render
from regime.report.sections.mechanisms import run_sections
from regime.report.sections.section import Section
from regime.runtime.bundle import write_bundle
from regime.runtime.predict import SavedModel
from regime.schema import REGIMES, check_exposure, check_probabilities
from regime.studies.significance.assessment import assess_significance
from regime.studies.significance.calibration import assess_calibration
from regime.studies.significance.scoring import fit_baselines, score_forecasts, truth_of
from regime.studies.significance.sensitivity import analyse_sensitivity
from regime.studies.significance.trial_ledger import TrialLedger, read_trial_ledger
from regime.studies.stress.stress_test import StressPlan, StressReport, run_stress_test
from regime.tracking import Run, read_commit
from regime.workflows.audit import audit_run
from regime.workflows.backtest import estimate_intervals, spells_within
from regime.workflows.report import PAGE, StudyResults, page_content

__all__ = ["RunResult", "run"]

GOLDEN_ROWS = 20
STRESS_PLAN = StressPlan(seeds=3, paths=500)  # of every run; `regime backtest` tries more


@dataclass(frozen=True, kw_only=True, eq=False)
class RunResult:
    """Everything that a run produced.

    Parameters
    ----------
    summary : dict
        The object of summary.json.
    scored : ScoredRun
        The forecast with all that it was scored and traded on.
    out : Path
        Folder of the output.

    Examples
    --------
    >>> RunResult(summary={"schema_version": 2}, scored=None, out=Path("out")).out.name
    'out'
    """

    summary: dict[str, Any]
    scored: ScoredRun
    out: Path

    @property
    def probabilities(self) -> pd.DataFrame:
        """Out of sample, shape (n_test_sessions, 4)."""
        return self.scored.probabilities

    @property
    def exposure(self) -> pd.Series:
        """Fraction of capital decided at each close, shape (n_test_sessions,)."""
        return self.scored.strategy.exposure

    @property
    def scores(self) -> Scores:
        """Of the model and its baselines."""
        return self.scored.scores

    @property
    def strategy(self) -> Strategy:
        """The rule's backtest and its benchmarks."""
        return self.scored.strategy


@dataclass(frozen=True, kw_only=True, eq=False)
class _FinalModel:
    """The model fitted at the last session, with what its bundle needs."""

    model: DeleveragingClassifier
    training_window: tuple[str, str]
    features: pd.DataFrame


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
        With every fault; nothing is written then.
    GateError
        If the config requires a skill that the run has not shown; all is written then, and nothing
        registered.

    **Known at:** every probability and exposure of date t rests on what was public at its close.
    """
    started = time.perf_counter()
    watch = progress or NoProgress()
    settings = settings_of(config, overrides, data)
    folder = Path(out) if out is not None else Path("out") / settings.name
    data_folder = Path(data) if data is not None else None
    # What the user may have got wrong comes first: it must neither cost a training nor leave a
    # failed run.
    check_output_path(folder)
    ledger = read_trial_ledger(settings)
    market_data = read_market_data(settings, data_folder, watch)
    truth = truth_of(settings, market_data, Path(episodes) if episodes is not None else None)
    with settings.tracking.run(settings.name, tags={"seed": settings.seed}) as record:
        record.log_config(dump(settings))
        with watch.stage("features"):
            features = settings.features(market_data.panel)
        scored = _score_and_trade(settings, market_data, truth, features, data_folder, watch)
        final, results = _study(scored, features, ledger, data_folder, watch)
        summary = {
            "schema_version": SCHEMA_VERSION,
            "config": settings.name if isinstance(config, Settings) else str(config),
            **_run_summary(scored, folder, record.run_id),
            **_study_summary(results),
        }
        with watch.stage("writing"), output_folder(folder) as staged:
            _write_frames(staged, scored)
            _write_model(staged / "bundle", scored, final)
            summary["seconds"] = round(time.perf_counter() - started, 1)
            _write_report(staged, page_content(scored, summary, features, results), summary)
            _record(record, settings, staged, summary, scored.scores, final.model)
    # Outside the record: the run itself ended well.
    gate = results.significance.gate
    if gate.closed:
        raise gate.error(folder)
    return RunResult(summary=summary, scored=scored, out=folder)


def _score_and_trade(
    settings: Settings,
    market_data: MarketData,
    truth: Truth,
    features: pd.DataFrame,
    data_folder: Path | None,
    watch: Progress,
) -> ScoredRun:
    """Walk forward, score the forecast against its baselines, and trade the rule on it."""
    forecast = walk_forward(settings, features, market_data.market, watch, members=True)
    baselines = fit_baselines(market_data, features, truth, forecast.folds, watch)
    scores = score_forecasts(settings, truth, forecast.probabilities, baselines, forecast.folds)
    exposure = decide(settings, market_data, forecast.probabilities)
    return ScoredRun(
        settings=settings,
        market_data=market_data,
        truth=truth,
        forecast=forecast,
        baselines=baselines,
        scores=scores,
        strategy=trade(settings, market_data, exposure, watch, data_folder),
    )


def _study(
    run: ScoredRun,
    features: pd.DataFrame,
    ledger: TrialLedger,
    data_folder: Path | None,
    watch: Progress,
) -> tuple[_FinalModel, StudyResults]:
    """Every study of a run, and the model that it leaves behind."""
    settings = run.settings
    with watch.stage("significance"):
        significance = assess_significance(run, ledger)
        calibration = assess_calibration(run)
        sensitivity = analyse_sensitivity(run)
    stressed = run_stress_test(
        settings,
        run.market_data,
        run.probabilities,
        run.strategy.exposure,
        spells_within(run.truth, run.strategy.exposure.index),
        watch,
        plan=STRESS_PLAN,
    )
    audit = audit_run(settings, run.market_data, features, run.forecast.folds, watch)
    mechanisms, notes = _mechanisms(run.market_data, settings, data_folder, watch)
    with watch.stage("final model"):
        model, window = final_model(settings, features, run.market_data.market)
    return _FinalModel(model=model, training_window=window, features=features), StudyResults(
        significance=significance,
        sensitivity=sensitivity,
        calibration=calibration,
        stress=stressed,
        intervals=estimate_intervals(run.strategy, settings.seed),
        audit=audit,
        model=SavedModel(model.parts_),
        mechanisms=mechanisms,
        notes=notes,
    )


def _mechanisms(
    market_data: MarketData, settings: Settings, data_folder: Path | None, watch: Progress
) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    """Sections of the mechanisms at the last session, and a note where they cannot be made.

    They read more than a run does, and a fault there must not stop it.
    """
    try:
        with watch.stage("mechanisms"):
            return run_sections(market_data, settings, data_folder), ()
    except (MissingDataError, InvalidDataError) as error:
        return (), (f"The mechanisms were left out: {error}",)


def _run_summary(run: ScoredRun, folder: Path, run_id: str | None) -> dict[str, Any]:
    """Data, sample, scores and backtest of summary.json, plain and finite."""
    sessions = run.market_data.sessions
    tested = run.probabilities.index
    version = read_commit()
    series = {
        name: {
            "verdict": status.verdict,
            "last": None if status.last is None else f"{status.last:%Y-%m-%d}",
            "refused": status.refused,
            "note": status.note,
        }
        for name, status in run.market_data.reading.status.items()
    }
    return {
        "data": {
            "first": f"{sessions[0]:%Y-%m-%d}",
            "last": f"{sessions[-1]:%Y-%m-%d}",
            "series": series,
            "hash": run.market_data.reading.hash,
        },
        "out_of_sample": {
            "first": f"{tested[0]:%Y-%m-%d}",
            "last": f"{tested[-1]:%Y-%m-%d}",
            "days": len(tested),
            "refits": len(run.forecast.folds),
        },
        **run.scores.summary(),
        "backtest": run.strategy.summary(),
        "rule": str(run.settings.rule),
        "commit": None if version is None else version.id + ("+" if version.dirty else ""),
        "bundle": str(folder / "bundle"),
        "mlflow_run_id": run_id,
        "report": str(folder / "report.html"),
    }


def _study_summary(results: StudyResults) -> dict[str, Any]:
    """What the studies add to summary.json."""
    return {
        "audit": results.audit.to_dict(),
        "skill_gate": results.significance.gate.summary(),
        "significance": results.significance.summary(),
        "sensitivity": results.sensitivity.summary(),
        "calibration": results.calibration.summary(),
        "stress": _stress_summary(results.stress),
    }


def _stress_summary(stressed: StressReport) -> dict[str, Any]:
    return {**stressed.to_dict(), "sentences": list(stressed.sentences())}


def _write_frames(folder: Path, run: ScoredRun) -> None:
    check_probabilities(run.probabilities).to_parquet(folder / "probabilities.parquet")
    exposure = check_exposure(run.strategy.exposure)
    exposure.to_frame("exposure").to_parquet(folder / "exposure.parquet")


def _write_model(folder: Path, run: ScoredRun, final: _FinalModel) -> None:
    model = final.model
    golden = final.features[list(model.columns)].iloc[-GOLDEN_ROWS:]
    write_bundle(
        folder,
        model.parts_,
        golden=golden,
        golden_probabilities=model.predict_proba(golden),
        rule={"rule": dump(run.settings.rule), "sentence": str(run.settings.rule)},
        training_window=final.training_window,
        data_hash=run.market_data.reading.hash,
        about={"name": run.settings.name},
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
    scores: Scores,
    model: DeleveragingClassifier,
) -> None:
    record.set_tags(
        {
            "data_hash": summary["data"]["hash"],
            "best_baseline": summary["scores"]["best_baseline"],
            "audit": summary["audit"]["verdict"],
            "skill_gate": summary["skill_gate"]["text"],
        }
    )
    record.log_metrics(
        {
            "model": summary["scores"]["model"],
            "baseline": summary["scores"]["baselines"],
            "skill": summary["scores"]["skill"],
            "strategy": summary["backtest"]["strategy"],
            "significance": summary["significance"]["rule"] or {},
        }
    )
    if scores.folds is not None:
        record.log_folds(
            scores.folds.xs("model", level="model").drop(columns="days").to_dict("records")
        )
    record.log_artifacts(folder)
    gate = summary["skill_gate"]
    if settings.registry.name and not (gate["required"] and not gate["passed"]):
        record.register(
            folder / "bundle", settings.registry.name, inputs=model.columns, outputs=REGIMES
        )
