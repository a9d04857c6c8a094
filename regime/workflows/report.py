"""Content of a run's page, and `regime report`: the page of an earlier run drawn again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from regime.artifacts import output_file
from regime.config import dump
from regime.errors import MissingDataError
from regime.evaluation.bootstrap import Interval
from regime.evaluation.calibration import reliability_table
from regime.pipeline.scored_run import ScoredRun
from regime.report.content import ReportContent, load_content
from regime.report.page import render
from regime.report.sections.limitations import limitations
from regime.report.sections.section import Section
from regime.report.sections.simulation import simulated_view
from regime.report.sections.study_sections import section_of
from regime.runtime.predict import SavedModel
from regime.studies.explain.contributions import family_shares, reason_table
from regime.studies.leakage.findings import AuditReport
from regime.studies.significance.assessment import Significance
from regime.studies.significance.calibration import CalibrationAssessment
from regime.studies.significance.sensitivity import Sensitivity
from regime.studies.stress.stress_test import StressReport

__all__ = ["PAGE", "StudyResults", "page_content", "report"]

PAGE = "page"  # folder of what the page shows, inside the output of a run


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyResults:
    """Results of the studies of a run, for its page.

    Parameters
    ----------
    significance : Significance
    sensitivity : Sensitivity
    calibration : CalibrationAssessment
    stress : StressReport
    intervals : tuple of Interval
        Of the backtest's figures.
    audit : AuditReport
    model : SavedModel
        Fitted at the last session.
    mechanisms : tuple of Section
        Reading of each mechanism at the last session.
    notes : tuple of str
        What else the reader must know.
    """

    significance: Significance
    sensitivity: Sensitivity
    calibration: CalibrationAssessment
    stress: StressReport
    intervals: tuple[Interval, ...]
    audit: AuditReport
    model: SavedModel
    mechanisms: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()


def page_content(
    run: ScoredRun,
    summary: Mapping[str, Any],
    features: pd.DataFrame,
    results: StudyResults,
) -> ReportContent:
    """What the page of a run shows.

    Parameters
    ----------
    run : ScoredRun
    summary : mapping
        The object of summary.json.
    features : DataFrame, shape (n_sessions, n_features)
    results : StudyResults
    """
    settings = run.settings
    market_data = run.market_data
    days = run.probabilities.index
    # The ribbon shows the folder's own labels even where a list of episodes is what scores.
    truth = settings.truth(market_data.market).regime.reindex(days).dropna()
    data_notes = (
        f"{name}: {status.note}"
        for name, status in market_data.reading.status.items()
        if status.note
    )
    specs = settings.features.specs
    return ReportContent(
        title=f"Deleveraging regimes: {settings.name}",
        summary=summary,
        prices=market_data.close.loc[days],
        truth=truth,
        probabilities=run.probabilities,
        exposure=run.strategy.exposure,
        equity=run.strategy.equity,
        notes=(*map(str, results.audit.leaks), *results.notes, *data_notes, *run.strategy.notes),
        cash=market_data.cash.loc[days],
        config_text=yaml.safe_dump(dump(settings), sort_keys=False, allow_unicode=True),
        simulation=simulated_view(settings),
        member_range=run.forecast.member_range,
        baselines=run.baselines.loc[days],
        reliability=reliability_table(run.truth, run.stress_forecasts),
        families=family_shares(results.model, features.loc[days], specs),
        reasons=reason_table(results.model, features, specs),
        episodes=results.stress.spells,
        stress=_stress_cases(results.stress),
        stress_notes=(*results.stress.sentences(), *map(str, results.intervals)),
        limitations=limitations(
            run, significance=results.significance, sensitivity=results.sensitivity
        ),
        sections=(
            *results.mechanisms,
            *map(section_of, (results.calibration, results.significance, results.sensitivity)),
        ),
    )


def report(
    run: str | Path, *, out: str | Path | None = None, tracking: str | Path = "mlruns"
) -> Path:
    """Draw the page of a run again, of this version or an earlier one.

    Parameters
    ----------
    run : str or Path
        Folder that a run has written, or the id of its MLflow run.
    out : str or Path, optional
        File to write; by default ``report.html`` in the folder, or in the working directory for an
        id.
    tracking : str or Path
        Folder of the MLflow runs, where an id is given.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    MissingDataError
        If there is no such folder or run, or it holds no page.
    InvalidDataError
        If a file of it is damaged, or of a version that this program does not read; it is named.
    """
    folder = (
        Path(run) if Path(run).is_dir() else Path(tracking) / "artifacts" / str(run) / "artifacts"
    )
    if not folder.is_dir():
        raise MissingDataError(f"{run}: neither a folder nor the id of a run in {tracking}")
    if not (folder / PAGE).is_dir():
        raise MissingDataError(f"{folder}: holds no `{PAGE}`; name the output folder of a run")
    default = folder if Path(run).is_dir() else Path()
    target = Path(out) if out is not None else default / "report.html"
    with output_file(target) as staged:
        staged.write_text(render(load_content(folder / PAGE)), encoding="utf-8")
    return target


def _stress_cases(stress: StressReport) -> dict[str, pd.DataFrame]:
    """Tables of the stress tests under the page's names; episodes have a part of their own."""
    names = {"years": "leave_one_year_out", "missing": "missing_days", "paths": "bootstrap"}
    return {
        names.get(name, name): table for name, table in stress.tables().items() if name != "spells"
    }
