"""Two sections of the page: whether the skill is significant, and how robust it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from regime.formatting import NOTHING, display_name
from regime.report.figures import Figure, figure_layout, plotly_text
from regime.report.sections.section import Section
from regime.report.tables import Row, Table
from regime.studies.significance.assessment import Significance
from regime.studies.significance.sensitivity import Sensitivity
from regime.studies.significance.sharpe_tests import SharpeSignificance
from regime.studies.significance.skill_tests import SkillSignificance

__all__ = ["sensitivity_section", "significance_section"]

SKILL_HEADER = ("Skill", "90% interval")


def significance_section(result: Significance) -> Section:
    """The gate, every test of the skill, and the rule's Sharpe ratio adjusted for all trials."""
    skill = result.skill
    rule = result.rule
    sentences = [_gate_sentence(result)]
    if skill is not None:
        sentences.append(str(skill.confidence))
    if rule is not None:
        sentences.append(rule.counted)
        sentences.append(str(rule.deflated if rule.trials > 1 else rule.sharpe))
    tables = []
    if skill is not None:
        tables.append(_baseline_table(skill))
    if rule is not None:
        tables.append(_sharpe_table(rule))
    return Section(
        key="significance",
        title="Is the skill significant?",
        sentence=_paragraph(sentences),
        figure=None if skill is None else _skill_figure(skill),
        tables=tuple(tables),
    )


def sensitivity_section(result: Sensitivity) -> Section:
    """Skill without each crisis, by period, and under other definitions of a deleveraging."""
    tables = []
    if len(result.crises):
        tables.append(_crisis_table(result.crises))
    if len(result.periods):
        tables.append(_period_table(result.periods))
    if len(result.definitions):
        tables.append(_definition_table(result.definitions))
    return Section(
        key="sensitivity",
        title="How robust is the skill?",
        sentence=_paragraph(result.sentences()),
        tables=tuple(tables),
    )


def _gate_sentence(result: Significance) -> str:
    gate = result.gate
    text = gate.text
    if gate.baseline:
        text = text.replace(gate.baseline, display_name(gate.baseline))
    return f"{text[:1].upper()}{text[1:]}."


def _skill_figure(skill: SkillSignificance) -> Figure:
    """Skill over every baseline on one axis, with its interval."""
    table = skill.baselines
    values, low, high = (
        table[name].to_numpy(dtype=np.float64) for name in ("skill", "low", "high")
    )
    names = [plotly_text(str(name)) for name in table.index]
    whiskers = {
        "type": "data",
        "symmetric": False,
        "array": {"column": "above"},
        "arrayminus": {"column": "below"},
        "color": "var(--accent)",
        "thickness": 1.5,
        "width": 4,
    }
    return Figure(
        key="skill-over-baselines",
        title="Skill over every baseline",
        height=70 + 26 * len(names),
        regimes=False,
        caption="How much lower the model's log loss is than each baseline's, with 90% "
        "block-bootstrap intervals; left of zero the baseline is better.",
        alternative=f"Skill over {len(names)} baselines, least over {display_name(skill.best)}.",
        columns={"skill": values, "below": values - low, "above": high - values},
        traces=[
            {
                "type": "scatter",
                "mode": "markers",
                "x": {"column": "skill"},
                "y": names,
                "error_x": whiskers,
                "marker": {"size": 8, "color": "var(--accent)"},
                "hovertemplate": "%{x:.1%}",
                "name": "Skill",
            }
        ],
        layout=figure_layout(
            xaxis={
                "type": "linear",
                "rangemode": "tozero",
                "tickformat": ".0%",
                "zeroline": True,
                "zerolinecolor": "var(--soft)",
                "showgrid": True,
                "fixedrange": True,
            },
            yaxis={
                "type": "category",
                "autorange": "reversed",
                "fixedrange": True,
                "showgrid": False,
            },
            hovermode="closest",
            showlegend=False,
            margin={"l": 150, "r": 16, "t": 8, "b": 30},
        ),
    )


def _baseline_table(skill: SkillSignificance) -> Table:
    rows = tuple(
        Row(
            name=display_name(str(row.Index)),
            cells=(
                *_skill_cells(row),
                _p_value(row.p_equal),
                "yes" if row.included else "no",
            ),
            badge="best baseline" if row.Index == skill.best else "",
        )
        for row in skill.baselines.itertuples()
    )
    return Table(
        title="The model's skill over every baseline",
        rows=rows,
        header=("", *SKILL_HEADER, "p of equal losses", "May be the best"),
        note="Skill: how much lower the model's log loss is. p: Diebold-Mariano. May be the best: "
        "in the 90% model confidence set. Adjusted for the choice among all forecasts (SPA), the "
        "hypothesis that none is better than the best baseline has a p of "
        f"{_p_value(skill.baseline_beaten.p_value)}, that none is better than the model one of "
        f"{_p_value(skill.model_beaten.p_value)}.",
    )


def _sharpe_table(rule: SharpeSignificance) -> Table:
    years = rule.track_record.years
    overfitting = rule.overfitting
    values = {
        "Sharpe ratio a year": f"{rule.sharpe.sample.annual:.2f}",
        "Probability that it is above zero": f"{rule.sharpe.probability:.1%}",
        "Probability that it is above the volatility target's": (
            f"{rule.over_target.probability:.1%}"
        ),
        "Trials counted": f"{rule.trials:,}",
        "Deflated Sharpe ratio": f"{rule.deflated.probability:.3f}",
        "The same for independent trials": f"{rule.independent.probability:.3f}",
        "Probability of backtest overfitting": NOTHING
        if overfitting is None
        else f"{overfitting.probability:.0%}",
        "Years of record needed for 95% confidence": "no record is long enough"
        if np.isinf(years)
        else f"{years:.1f}",
    }
    return Table(
        title="The rule's Sharpe ratio among all trials",
        header=(),
        rows=tuple(Row(name=name, cells=(value,)) for name, value in values.items()),
    )


def _crisis_table(crises: pd.DataFrame) -> Table:
    return Table(
        title="Without one crisis at a time",
        rows=tuple(
            Row(
                name=f"{row.start:%Y-%m-%d} to {row.end:%Y-%m-%d}",
                cells=(f"{row.sessions:,}", _percent(row.share), *_skill_cells(row)),
            )
            for row in crises.itertuples()
        ),
        header=("", "Sessions", "Share of the gain", "Skill without it", "90% interval"),
        note="With 21 sessions on either side; gain is over the best baseline, and shares may "
        "overlap.",
    )


def _period_table(periods: pd.DataFrame) -> Table:
    return Table(
        title="By years",
        rows=tuple(
            Row(
                name=str(row.Index),
                cells=(
                    f"{row.sessions:,}",
                    f"{row.spells}",
                    *_skill_cells(row),
                    _number(row.average_precision),
                    _number(row.best_baseline_precision),
                    _number(row.sharpe),
                    _number(row.sharpe_vol_target_12),
                ),
            )
            for row in periods.itertuples()
        ),
        header=(
            "",
            "Sessions",
            "Spells",
            *SKILL_HEADER,
            "Average precision",
            "Best baseline's",
            "Sharpe",
            "Volatility target's",
        ),
    )


def _definition_table(definitions: pd.DataFrame) -> Table:
    return Table(
        title="By other definitions of a deleveraging",
        rows=tuple(
            Row(
                name=display_name(str(row.Index)),
                cells=(
                    _percent(row.base_rate),
                    display_name(str(row.against)),
                    *_skill_cells(row),
                    _number(row.average_precision),
                    _number(row.best_baseline_precision),
                ),
            )
            for row in definitions.itertuples()
        ),
        header=("", "Base rate", "Best baseline", *SKILL_HEADER, "Precision", "Baseline's"),
        note="Precision: average precision. The same probabilities against other truths: falls by "
        "their depth in monthly volatilities and the weight of the S&P 500 in the basket. "
        "Baselines stay calibrated on the run's own truth.",
    )


def _paragraph(sentences: Sequence[str]) -> str:
    """One paragraph, forecasts under their display names."""
    named = re.sub(
        "`([^`]+)`",
        lambda match: "this model" if match[1] == "model" else display_name(match[1]),
        " ".join(sentences),
    )
    return re.sub(r"(?<!\w)-(?=\d)", "−", named)


def _skill_cells(row: Any) -> tuple[str, str]:
    interval = NOTHING if pd.isna(row.low) else f"{_percent(row.low)} to {_percent(row.high)}"
    return _percent(row.skill), interval


def _percent(value: float) -> str:
    return NOTHING if pd.isna(value) else f"{value:.1%}".replace("-", "−")


def _number(value: float) -> str:
    return NOTHING if pd.isna(value) else f"{value:.2f}".replace("-", "−")


def _p_value(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
