"""What a run shows on its page, and the page of a run made earlier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from regime.artifacts import output_file
from regime.audit.findings import AuditReport
from regime.config import dump
from regime.errors import MissingDataError
from regime.evaluation.bootstrap import Interval
from regime.evaluation.reliability import reliability_table
from regime.evaluation.truth import Truth
from regime.report.content import ReportContent, load_content
from regime.report.page import render
from regime.report.sections import Section
from regime.runtime.predict import SavedModel
from regime.schema import STRESS
from regime.studies.stress.stress_test import StressReport
from regime.workflows.calibration import CalibrationAccount
from regime.workflows.calibration_section import calibration_section
from regime.workflows.data import World
from regime.workflows.forecast import Forecast
from regime.workflows.gate import Gate
from regime.workflows.honesty import Honesty
from regime.workflows.honesty_sections import honesty_sections
from regime.workflows.limits import limits
from regime.workflows.luck import Luck
from regime.workflows.reasons import family_shares, reasons
from regime.workflows.settings import Settings
from regime.workflows.simulated_view import simulated_view
from regime.workflows.strategy import Strategy
from regime.workflows.verdict import Verdict

__all__ = ["PAGE", "Findings", "page_content", "report"]

PAGE = "page"  # folder of what the page shows, inside the output of a run


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that a run found out, for its page.

    Parameters
    ----------
    forecast : Forecast
    truth : Truth
    rivals : DataFrame, shape (n_sessions, n_rivals)
    verdict : Verdict
    strategy : Strategy
    stress : StressReport
    intervals : tuple of Interval
    audit : AuditReport
    model : SavedModel
        Fitted at the last session.
    gate : Gate
    luck : Luck
    honesty : Honesty
    calibration : CalibrationAccount
    mechanisms : tuple of Section
        What each mechanism said at the last session.
    notes : tuple of str
        What else the reader must know.
    """

    forecast: Forecast
    truth: Truth
    rivals: pd.DataFrame
    verdict: Verdict
    strategy: Strategy
    stress: StressReport
    intervals: tuple[Interval, ...]
    audit: AuditReport
    model: SavedModel
    gate: Gate
    luck: Luck
    honesty: Honesty
    calibration: CalibrationAccount
    mechanisms: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()


def page_content(
    settings: Settings,
    summary: Mapping[str, Any],
    world: World,
    features: pd.DataFrame,
    found: Findings,
) -> ReportContent:
    """What the page of a run shows.

    Parameters
    ----------
    settings : Settings
    summary : mapping
        The object of summary.json.
    world : World
    features : DataFrame, shape (n_sessions, n_features)
    found : Findings
    """
    days, strategy = found.forecast.probabilities.index, found.strategy
    # The ribbon shows the folder's own labels even where a list of episodes is what scores.
    truth = settings.truth(world.market).regime.reindex(days).dropna()
    data_notes = (
        f"{name}: {status.note}" for name, status in world.reading.status.items() if status.note
    )
    specs = settings.features.specs
    return ReportContent(
        title=f"Deleveraging regimes: {settings.name}",
        summary=summary,
        prices=world.close.loc[days],
        truth=truth,
        probabilities=found.forecast.probabilities,
        exposure=strategy.exposure,
        equity=strategy.equity,
        notes=(*map(str, found.audit.leaks), *found.notes, *data_notes, *strategy.notes),
        cash=world.cash.loc[days],
        config_text=yaml.safe_dump(dump(settings), sort_keys=False, allow_unicode=True),
        world=simulated_view(settings),
        spread=found.forecast.spread,
        rivals=found.rivals.loc[days],
        reliability=_reliability(found, days),
        families=family_shares(found.model, features.loc[days], specs),
        reasons=reasons(found.model, features, specs),
        spells=found.stress.spells,
        stress=_cases(found.stress),
        stress_notes=(*found.stress.sentences(), *map(str, found.intervals)),
        limits=limits(
            settings,
            found.truth,
            found.forecast.probabilities,
            found.rivals,
            found.verdict,
            strategy,
            luck=found.luck,
            honesty=found.honesty,
        ),
        sections=(
            *found.mechanisms,
            calibration_section(found.calibration),
            *honesty_sections(found.gate, found.luck, found.honesty),
        ),
    )


def report(
    run: str | Path, *, out: str | Path | None = None, tracking: str | Path = "mlruns"
) -> Path:
    """Draw the page of a run again.

    Parameters
    ----------
    run : str or Path
        Folder that a run wrote, or the id of its MLflow run.
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
        If a file of it is damaged; it is named.
    """
    folder = (
        Path(run) if Path(run).is_dir() else Path(tracking) / "artifacts" / str(run) / "artifacts"
    )
    if not folder.is_dir():
        raise MissingDataError(f"{run}: neither a folder nor the id of a run in {tracking}")
    if not (folder / PAGE).is_dir():
        raise MissingDataError(f"{folder}: holds no `{PAGE}`; name the output folder of a run")
    beside = folder if Path(run).is_dir() else Path()
    target = Path(out) if out is not None else beside / "report.html"
    with output_file(target) as staged:
        staged.write_text(render(load_content(folder / PAGE)), encoding="utf-8")
    return target


def _reliability(found: Findings, days: pd.Index) -> pd.DataFrame:
    told = [name for name in found.verdict.table.index if name != "model"]
    forecasts = {
        "model": found.forecast.probabilities[STRESS],
        **{name: found.rivals.loc[days, name] for name in told},
    }
    return reliability_table(found.truth, forecasts)


def _cases(stress: StressReport) -> dict[str, pd.DataFrame]:
    """Tables of the stress tests under the page's names; spells have a part of their own."""
    names = {"years": "leave_one_year_out", "missing": "missing_days", "paths": "bootstrap"}
    return {
        names.get(name, name): table for name, table in stress.tables().items() if name != "spells"
    }
