"""On what a verdict rests.

How many events, which crises, which years, which definition of a deleveraging.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.evaluation.truth import Truth
from regime.schema import STRESS
from regime.workflows.data import World
from regime.workflows.honesty_tables import (
    AROUND,
    EffectiveNumber,
    crisis_table,
    definition_table,
    effective_number,
    period_table,
    scored_sessions,
)
from regime.workflows.settings import Settings
from regime.workflows.strategy import Strategy
from regime.workflows.verdict import Verdict

__all__ = ["Honesty", "honesty"]


@dataclass(frozen=True, kw_only=True)
class Honesty:
    """What the verdict on a model rests on.

    Parameters
    ----------
    against : str or None
        Best rival; None where the truth has one class only, and all tables are empty then.
    skill : float
        Over it, on all sessions.
    number : EffectiveNumber or None
    crises : DataFrame, one row a spell, in order of time
        ``start``, ``end``, ``sessions``, ``share`` of the whole gain in the spell and 21 sessions
        around it (NaN where there is no gain), and ``skill``, ``low``, ``high`` without these.
    periods : DataFrame, one row a span
        ``sessions``, ``spells``, ``skill``, ``low``, ``high``, ``average_precision``,
        ``best_rival_precision``, ``sharpe``, ``sharpe_vol_target_12``; NaN where there is nothing
        to score.
    definitions : DataFrame, one row a definition of stress
        ``base_rate``, ``against``, ``skill``, ``low``, ``high``, ``average_precision``,
        ``best_rival_precision``: the same probabilities, scored against it. Falls are told by their
        depth in monthly volatilities and the weight of the S&P 500 in the basket.

    Examples
    --------
    >>> empty = pd.DataFrame()
    >>> nothing = Honesty(against=None, skill=0.0, number=None, crises=empty, periods=empty, definitions=empty)
    >>> nothing.sentences()
    ('Nothing can be said on what the verdict rests: the truth of these sessions has one class
    only.',)
    """

    against: str | None
    skill: float
    number: EffectiveNumber | None
    crises: pd.DataFrame
    periods: pd.DataFrame
    definitions: pd.DataFrame

    def summary(self) -> dict[str, Any]:
        """The object ``honesty`` of summary.json: plain, what is undefined None."""
        number = self.number
        return {
            "against": self.against,
            "events": None
            if number is None
            else {
                "spells": number.spells,
                "effective": number.events,
                "sessions": number.sessions,
                "independent": number.independent,
            },
            "crises": _records(self.crises),
            "periods": _records(self.periods.rename_axis("period").reset_index()),
            "definitions": _records(self.definitions.rename_axis("definition").reset_index()),
            "sentences": list(self.sentences()),
        }

    def sentences(self) -> tuple[str, ...]:
        """What a reader of the verdict must know, in plain words."""
        if self.number is None:
            return (
                "Nothing can be said on what the verdict rests: the truth of these sessions has "
                "one class only.",
            )
        return (
            _of_number(self.number),
            *_of_crises(self),
            *_of_periods(self.periods),
            *_of_definitions(self),
        )

    def doubts(self) -> tuple[str, ...]:
        """Those of the sentences that a list of limits must hold.

        What does not survive a closer look.
        """
        if self.number is None:
            return self.sentences()
        frail = bool((self.crises["low"] <= 0).any())
        unsure = len(self.definitions) > 0 and bool((self.definitions["low"] <= 0).any())
        return (
            _of_number(self.number),
            *(_of_crises(self) if frail else ()),
            *_of_periods(self.periods),
            *(_of_definitions(self) if unsure else ()),
        )


def honesty(
    settings: Settings,
    world: World,
    truth: Truth,
    probabilities: pd.DataFrame,
    rivals: pd.DataFrame,
    verdict: Verdict,
    strategy: Strategy,
) -> Honesty:
    """Ask a verdict what it rests on.

    Parameters
    ----------
    settings : Settings
        Its `truth` is varied for the definitions.
    world : World
    truth : Truth
        The one that the verdict is by.
    probabilities : DataFrame, shape (n_test_sessions, 4)
    rivals : DataFrame, shape (n_sessions, n_rivals)
    verdict : Verdict
    strategy : Strategy
    """
    if verdict.skill is None:
        empty = pd.DataFrame()
        return Honesty(
            against=None,
            skill=float("nan"),
            number=None,
            crises=empty,
            periods=empty,
            definitions=empty,
        )
    against, days = verdict.skill.against, probabilities.index
    forecasts = {
        str(name): probabilities[STRESS] if name == "model" else rivals.loc[days, name]
        for name in verdict.table.index
    }
    scored = scored_sessions(truth, forecasts, against=against, seed=settings.seed)
    return Honesty(
        against=against,
        skill=verdict.skill.skill,
        number=effective_number(scored, truth),
        crises=crisis_table(scored, truth),
        periods=period_table(scored, strategy),
        definitions=definition_table(settings, world, forecasts),
    )


def _of_number(number: EffectiveNumber) -> str:
    spells = f"{number.spells} spell{'s' if number.spells > 1 else ''}"
    return (
        f"The verdict rests on {spells}, which by their lengths weigh as {number.events:.1f} "
        "equal ones would; on "
        f"the lead over the best rival its {number.sessions:,} sessions tell as much as "
        f"{number.independent:,.0f} independent ones."
    )


def _of_crises(found: Honesty) -> Iterator[str]:
    usable = found.crises.dropna(subset=["skill"])
    if usable.empty or not found.skill > 0:
        return
    worst, lost = usable.loc[usable["skill"].idxmin()], int((usable["low"] <= 0).sum())
    yield (
        f"Without the spell of {worst['start']:%B %Y} and {AROUND} sessions around it the skill "
        "over the best rival "
        f"would be {_span(worst)} in place of {found.skill:.1%}; left out one at a time, {lost} "
        f"of {len(usable)} "
        "spells would leave an interval that includes zero."
    )


def _of_periods(periods: pd.DataFrame) -> Iterator[str]:
    for name, row in periods.iterrows():
        if len(periods) > 1 and row["low"] <= 0:
            when = str(name) if str(name).startswith("Without") else f"From {name} alone"
            yield f"{when} no lead over the best rival is shown: {_span(row)}."


def _of_definitions(found: Honesty) -> Iterator[str]:
    table = found.definitions
    if table.empty:
        return
    worst, ahead, sure = (
        table.loc[table["skill"].idxmin()],
        (table["skill"] > 0).sum(),
        (table["low"] > 0).sum(),
    )
    yield (
        f"By {len(table)} definitions of a deleveraging it is ahead of the best rival in {ahead}, "
        f"in {sure} of them "
        f"beyond luck; least by this one, over `{worst['against']}`: {worst.name}, {_span(worst)}."
    )


def _span(row: pd.Series) -> str:
    return f"{row['skill']:.1%} of log loss (90% interval {row['low']:.1%} to {row['high']:.1%})"


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: dates as text, what is missing None."""
    return [
        {
            str(key): f"{value:%Y-%m-%d}"
            if isinstance(value, pd.Timestamp)
            else None
            if isinstance(value, float) and not np.isfinite(value)
            else value
            for key, value in row.items()
        }
        for row in table.to_dict("records")
    ]
