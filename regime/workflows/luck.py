"""How much of a run's figures may be luck.

Of its skill over every rival, and of its rule among all trials made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from regime.evaluation.truth import Truth
from regime.workflows.ledger import NO_LEDGER, Ledger
from regime.workflows.luck_rule import RuleLuck, rule_luck
from regime.workflows.luck_skill import SkillLuck, skill_luck
from regime.workflows.settings import Settings
from regime.workflows.strategy import Strategy
from regime.workflows.verdict import Verdict

__all__ = ["Luck", "luck"]


@dataclass(frozen=True, kw_only=True)
class Luck:
    """The accounts of luck of one run.

    Parameters
    ----------
    skill : SkillLuck or None
        None where the truth has one class only or too few sessions.
    rule : RuleLuck or None
        None where the rule's returns are too few or never leave those of cash.
    ledger : Ledger
        What was counted.

    Examples
    --------
    >>> Luck(skill=None, rule=None, ledger=NO_LEDGER).summary()["trials"]
    1
    """

    skill: SkillLuck | None
    rule: RuleLuck | None
    ledger: Ledger

    def summary(self) -> dict[str, Any]:
        """The object ``luck`` of summary.json: plain, what is undefined or infinite None."""
        return {
            "trials": self.ledger.trials + 1,
            "counted": self.ledger.note,
            "skill": None if self.skill is None else self.skill.summary(),
            "rule": None if self.rule is None else self.rule.summary(),
            "sentences": list(self.sentences()),
        }

    def sentences(self) -> tuple[str, ...]:
        """All accounts in plain words."""
        told = list[str]()
        if self.skill is None:
            told.append(
                "Whether the model's skill is luck cannot be said: too few sessions have a known "
                "truth, or all "
                "have the same."
            )
        if self.rule is None:
            told.append(
                "Whether the rule's Sharpe ratio is luck cannot be said: its returns are too few, "
                "or those of "
                "cash."
            )
        return (
            *told,
            *(
                line
                for part in (self.skill, self.rule)
                if part is not None
                for line in part.sentences()
            ),
        )

    def doubts(self) -> tuple[str, ...]:
        """What the accounts do not show, for the section of limits."""
        return tuple(
            line for part in (self.skill, self.rule) if part is not None for line in part.doubts()
        )


def luck(
    settings: Settings,
    truth: Truth,
    probabilities: pd.DataFrame,
    rivals: pd.DataFrame,
    verdict: Verdict,
    strategy: Strategy,
    ledger: Ledger = NO_LEDGER,
) -> Luck:
    """Open all accounts of luck of a run.

    Parameters
    ----------
    settings : Settings
    truth : Truth
    probabilities : DataFrame, shape (n_test_sessions, 4)
    rivals : DataFrame, shape (n_sessions, n_rivals)
    verdict : Verdict
    strategy : Strategy
    ledger : Ledger
        Trials made before.
    """
    return Luck(
        skill=skill_luck(settings, truth, probabilities, rivals, verdict),
        rule=rule_luck(strategy, ledger),
        ledger=ledger,
    )
