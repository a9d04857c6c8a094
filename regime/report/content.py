"""Everything that one page shows, and its way to a folder and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from regime.errors import InvalidDataError
from regime.report.saved_content import read_content, write_content
from regime.report.sections import Section
from regime.report.world_figures import SimulatedView
from regime.schema import check_exposure, check_probabilities

__all__ = ["ReportContent", "load_content", "save_content"]

# Columns that a frame must have, those of a grid of settings apart; it may have more.
COLUMNS = {
    "spread": ("low", "high"),
    "reliability": ("forecaster", "forecast", "observed", "sessions"),
    "reasons": ("name", "now"),
    "spells": ("name", "first", "last"),
    "sweep": ("robust_sharpe", "chosen"),
}
PARAMETERS = 2  # of a grid of settings


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything that one page shows; what is left out is left out of the page.

    Parameters
    ----------
    title : str
        Heading of the page.
    summary : mapping
        The object of summary.json.
    prices : Series, shape (n_days,)
        S&P 500 closes, index points.
    truth : Series, shape (n_labels,)
        Name of the regime found after the fact, by date; missing where unknown, empty for no truth.
    probabilities : DataFrame, shape (n_sessions, 4)
        Rows sum to 1, out of sample, no NaN.
    exposure : Series, shape (n_sessions,)
        Fraction of capital decided at each close; empty for no rule.
    equity : DataFrame, shape (n_sessions, 1 + n_benchmarks)
        Value of 1 after costs: ``strategy`` and each benchmark; empty for no backtest.
    notes : tuple of str
        What the reader must know: series that are missing or stale, warnings of the run.
    config_text : str
        The resolved config as text.
    families : mapping of str to float
        Importance by family of features; empty for none.
    lineage : mapping
        Further rows of the lineage table, e.g. ``{"commit": ..., "lightgbm": ...}``.
    world : SimulatedView, optional
        The truth behind a simulated market, shown in a section of its own.
    cash : Series, shape (n_sessions,), fraction a session
        What cash earned, for Sharpe ratios; empty for nothing.
    spread : DataFrame, shape (n_days, 2), by date
        ``low`` and ``high``: least and greatest probability of a deleveraging over label and seed
        members.
    rivals : DataFrame, shape (n_days, n_baselines), by date
        Probability of a deleveraging by each baseline; NaN where it has none.
    reliability : DataFrame, one row a forecaster and bin
        ``forecaster`` (``model`` or a baseline), ``forecast`` (mean in the bin), ``observed``
        (share of deleveraging sessions), ``sessions`` (count).
    reasons : DataFrame, one row a family or mechanism
        ``name``, ``now`` (contribution to the log-odds of a deleveraging at the last session) and,
        where known, ``week_ago`` (the same five sessions before) and ``text`` (what it reads, one
        sentence).
    spells : DataFrame, one row a listed deleveraging
        ``name``, ``first``, ``last`` (dates) and any of ``exposure_before``, ``exposure_inside``,
        ``exposure_after``, ``market_return``, ``rule_return``, ``loss_avoided``, ``missed_after``
        (fractions), ``sessions_to_cut``, ``sessions_to_return``: the columns of
        `studies.stress.spells.episode_costs`.
    sweep : DataFrame, one row a setting
        Two parameters under their own names, ``robust_sharpe`` and ``chosen`` (bool, True once).
    sweep_notes : tuple of str
        Sentences: how many settings, deflated Sharpe, probability of overfitting, how the rule was
        chosen.
    stress : mapping of str to DataFrame
        Tables by name, one row a case (the index), columns of figures: ``sharpe``,
        ``max_drawdown``, ... of the rule, ``sharpe_NAME`` of a rival. ``costs`` (index: multiple of
        the costs) and ``delays`` (index: sessions) are drawn too.
    stress_notes : tuple of str
        Sentences, e.g. the break-even cost.
    limits : tuple of str
        What this model cannot do, a sentence each.
    sections : tuple of Section
        Further parts, e.g. one a mechanism.

    Raises
    ------
    InvalidDataError
        If probabilities are empty or not probabilities, an exposure lies outside [0, 1], a frame
        lacks a column, or two sections have one key.
    """

    title: str
    summary: Mapping[str, Any]
    prices: pd.Series
    truth: pd.Series
    probabilities: pd.DataFrame
    exposure: pd.Series
    equity: pd.DataFrame
    notes: tuple[str, ...] = ()
    config_text: str = ""
    families: Mapping[str, float] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    world: SimulatedView | None = None
    cash: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    spread: pd.DataFrame = field(default_factory=pd.DataFrame)
    rivals: pd.DataFrame = field(default_factory=pd.DataFrame)
    reliability: pd.DataFrame = field(default_factory=pd.DataFrame)
    reasons: pd.DataFrame = field(default_factory=pd.DataFrame)
    spells: pd.DataFrame = field(default_factory=pd.DataFrame)
    sweep: pd.DataFrame = field(default_factory=pd.DataFrame)
    sweep_notes: tuple[str, ...] = ()
    stress: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    stress_notes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()

    def __post_init__(self) -> None:
        check_probabilities(self.probabilities, "ReportContent.probabilities")
        if self.probabilities.empty:
            raise InvalidDataError(
                "ReportContent.probabilities: a report needs at least one session, got none"
            )
        if len(self.exposure):
            check_exposure(self.exposure, "ReportContent.exposure")
        faults = [*_columns(self), *_grid(self.sweep), *_twice(self.sections)]
        if faults:
            raise InvalidDataError(faults)


def save_content(content: ReportContent, folder: str | Path) -> None:
    """Write what a page shows into a folder: one JSON, and a parquet file for each frame.

    Parameters
    ----------
    content : ReportContent
    folder : str or Path
        Made if missing. Files are written as they come: stage them (`artifacts.output_folder`)
        where a kill must not leave half of them.

    Raises
    ------
    InvalidDataError
        If something is no plain value (a NaN in `summary` counts), or a frame mixes kinds in one
        column.

    See Also
    --------
    load_content : The way back; ``render`` gives the same bytes for both.
    """
    write_content(
        {name: getattr(content, name) for name in content.__dataclass_fields__}, Path(folder)
    )


def load_content(folder: str | Path) -> ReportContent:
    """What `save_content` wrote.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    ReportContent

    Raises
    ------
    MissingDataError
        If the folder or one of its files is away; it is named.
    InvalidDataError
        If a file is damaged or of another version; it is named.
    """
    return ReportContent(**read_content(Path(folder)))


def _columns(content: ReportContent) -> list[str]:
    faults = []
    for name, needed in COLUMNS.items():
        frame = getattr(content, name)
        missing = [column for column in needed if len(frame) and column not in frame]
        if missing:
            faults.append(
                f"ReportContent.{name}: lacks the columns {', '.join(missing)}; "
                f"it has {', '.join(map(str, frame.columns))}"
            )
    return faults


def _grid(sweep: pd.DataFrame) -> list[str]:
    parameters = [column for column in sweep if column not in COLUMNS["sweep"]]
    if sweep.empty or not set(COLUMNS["sweep"]) <= set(sweep):
        return []
    if len(parameters) != PARAMETERS:
        return [
            "ReportContent.sweep: needs two parameters beside robust_sharpe and chosen, got "
            f"{len(parameters)}"
        ]
    if sweep.duplicated(parameters).any():
        return [
            f"ReportContent.sweep: a setting of {' and '.join(map(str, parameters))} stands "
            "twice; keep one"
        ]
    return []


def _twice(sections: tuple[Section, ...]) -> list[str]:
    keys = [
        key for part in sections for key in {part.key, *([part.figure.key] if part.figure else [])}
    ]
    return [
        f"ReportContent.sections: the key {key!r} stands twice; rename one"
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]
