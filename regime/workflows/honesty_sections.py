"""Two parts of the page: whether a run's figures are luck, and on what its verdict rests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from regime.formatting import display_name
from regime.report.figures import Figure, base_layout, plotly_text
from regime.report.sections.section import Section
from regime.report.tables import Row, Table
from regime.workflows.gate import Gate
from regime.workflows.honesty import Honesty
from regime.workflows.luck import Luck

__all__ = ["ground_section", "honesty_sections", "luck_section"]

NOTHING = "–"


def honesty_sections(gate: Gate, luck: Luck, honesty: Honesty) -> tuple[Section, ...]:
    """Both parts, in the order of the page."""
    return luck_section(gate, luck), ground_section(honesty)


def luck_section(gate: Gate, luck: Luck) -> Section:
    """Part "Is it luck?".

    The gate, every test of skill, the accounts of the rule among all trials.
    """
    said = gate.text.replace(gate.rival, display_name(gate.rival)) if gate.rival else gate.text
    told = [f"{said[:1].upper()}{said[1:]}."]
    if luck.skill is not None:
        told.append(str(luck.skill.confidence))
    if luck.rule is not None:
        told += [
            luck.rule.counted,
            str(luck.rule.deflated if luck.rule.trials > 1 else luck.rule.sharpe),
        ]
    return Section(
        key="luck",
        title="Is it luck?",
        sentence=_spoken(told),
        figure=_rival_figure(luck),
        tables=(*_rival_table(luck), *_rule_table(luck)),
    )


def ground_section(honesty: Honesty) -> Section:
    """Part "On what does the verdict rest?".

    Spells left out, spans of years, definitions of a deleveraging.
    """
    return Section(
        key="ground",
        title="On what does the verdict rest?",
        sentence=_spoken(honesty.sentences()),
        tables=tuple(_ground_tables(honesty)),
    )


def _rival_figure(luck: Luck) -> Figure | None:
    """Skill over every rival on one axis, with its interval."""
    if luck.skill is None:
        return None
    table = luck.skill.rivals
    skill, low, high = (table[name].to_numpy(dtype=np.float64) for name in ("skill", "low", "high"))
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
    best = display_name(str(luck.skill.best))
    return Figure(
        key="luck-skill",
        title="Skill over every rival",
        height=70 + 26 * len(names),
        regimes=False,
        caption="How much lower the model's log loss is than each rival's, with 90% block-bootstrap intervals; left of "
        "zero the rival is better.",
        alternative=f"Skill over {len(names)} rivals, least over {best}.",
        columns={"skill": skill, "below": skill - low, "above": high - skill},
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
        layout=base_layout(
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


def _rival_table(luck: Luck) -> Iterator[Table]:
    if luck.skill is None:
        return
    rows = tuple(
        Row(
            name=display_name(str(row.Index)),
            cells=(
                _percent(row.skill),
                _interval(row.low, row.high),
                _p(row.p_equal),
                "yes" if row.included else "no",
            ),
            badge="best rival" if row.Index == luck.skill.best else "",
        )
        for row in luck.skill.rivals.itertuples()
    )
    yield Table(
        title="The model's skill over every rival",
        rows=rows,
        header=("", "Skill", "90% interval", "p of equal losses", "May be the best"),
        note="Skill: how much lower the model's log loss is. p: Diebold-Mariano. May be the best: in the 90% "
        "model confidence set. With the choice among all forecasts paid for (SPA), the hypothesis "
        "that "
        f"none is better than the best rival has a p of {_p(luck.skill.rival_beaten.p_value)}, "
        "that "
        f"none is better than the model one of {_p(luck.skill.model_beaten.p_value)}.",
    )


def _rule_table(luck: Luck) -> Iterator[Table]:
    found = luck.rule
    if found is None:
        return
    years = (
        "no record is long enough" if np.isinf(found.record.years) else f"{found.record.years:.1f}"
    )
    told = {
        "Sharpe ratio a year": f"{found.sharpe.sample.annual:.2f}",
        "Probability that it is above zero": f"{found.sharpe.probability:.1%}",
        "Probability that it is above the volatility target's": f"{found.over.probability:.1%}",
        "Trials counted": f"{found.trials:,}",
        "Deflated Sharpe ratio": f"{found.deflated.probability:.3f}",
        "The same, had the trials nothing in common": f"{found.independent.probability:.3f}",
        "Probability of backtest overfitting": NOTHING
        if found.overfitting is None
        else f"{found.overfitting.probability:.0%}",
        "Years of record needed for 95% confidence": years,
    }
    yield Table(
        title="The rule's Sharpe ratio among all trials",
        header=(),
        rows=tuple(Row(name=name, cells=(value,)) for name, value in told.items()),
    )


def _ground_tables(honesty: Honesty) -> Iterator[Table]:
    if len(honesty.crises):
        yield Table(
            title="Without one spell at a time",
            rows=tuple(
                Row(
                    name=f"{row.start:%Y-%m-%d} to {row.end:%Y-%m-%d}",
                    cells=(f"{row.sessions:,}", _percent(row.share), *_skill(row)),
                )
                for row in honesty.crises.itertuples()
            ),
            header=("", "Sessions", "Share of the gain", "Skill without it", "90% interval"),
            note="With 21 sessions on either side; gain is over the best rival, and shares may overlap.",
        )
    if len(honesty.periods):
        yield Table(
            title="By years",
            rows=tuple(
                Row(
                    name=str(row.Index),
                    cells=(
                        f"{row.sessions:,}",
                        f"{row.spells}",
                        *_skill(row),
                        *_numbers(
                            (
                                row.average_precision,
                                row.best_rival_precision,
                                row.sharpe,
                                row.sharpe_vol_target_12,
                            )
                        ),
                    ),
                )
                for row in honesty.periods.itertuples()
            ),
            header=(
                "",
                "Sessions",
                "Spells",
                "Skill",
                "90% interval",
                "Average precision",
                "Best rival's",
                "Sharpe",
                "Volatility target's",
            ),
        )
    if len(honesty.definitions):
        yield Table(
            title="By other definitions of a deleveraging",
            rows=tuple(
                Row(
                    name=display_name(str(row.Index)),
                    cells=(
                        _percent(row.base_rate),
                        display_name(str(row.against)),
                        *_skill(row),
                        *_numbers((row.average_precision, row.best_rival_precision)),
                    ),
                )
                for row in honesty.definitions.itertuples()
            ),
            header=("", "Base rate", "Best rival", "Skill", "90% interval", "Precision", "Rival's"),
            note="Precision: average precision. The same probabilities against other truths: falls by their depth in "
            "monthly volatilities and the "
            "weight of the S&P 500 in the basket. Rivals stay calibrated on the run's own truth.",
        )


def _spoken(told: Sequence[str]) -> str:
    """One paragraph, forecasts under their names for people."""
    names = {"model": "this model"}
    named = re.sub(
        "`([^`]+)`", lambda found: names.get(found[1], display_name(found[1])), " ".join(told)
    )
    return re.sub(r"(?<!\w)-(?=\d)", "−", named)


def _skill(row: object) -> tuple[str, str]:
    skill, low, high = (getattr(row, name) for name in ("skill", "low", "high"))
    return _percent(skill), _interval(low, high)


def _interval(low: float, high: float) -> str:
    return NOTHING if pd.isna(low) else f"{_percent(low)} to {_percent(high)}"


def _percent(value: float) -> str:
    return NOTHING if pd.isna(value) else f"{value:.1%}".replace("-", "−")


def _numbers(values: Sequence[float]) -> tuple[str, ...]:
    return tuple(
        NOTHING if pd.isna(value) else f"{value:.2f}".replace("-", "−") for value in values
    )


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
