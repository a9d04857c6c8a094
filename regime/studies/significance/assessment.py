"""Significance of a run's figures: its skill over every baseline, and its rule among all trials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from regime.pipeline.scored_run import ScoredRun
from regime.studies.significance.scoring import SkillGate, apply_gate
from regime.studies.significance.sharpe_tests import SharpeSignificance, assess_sharpe
from regime.studies.significance.skill_tests import SkillSignificance, assess_skill
from regime.studies.significance.trial_ledger import NO_LEDGER, TrialLedger

__all__ = ["Significance", "assess_significance"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Significance:
    """The multiple-testing tests of one run.

    Parameters
    ----------
    gate : SkillGate
    skill : SkillSignificance or None
        None where the truth has one class only or too few sessions.
    rule : SharpeSignificance or None
        None where the rule's returns are too few or those of cash throughout.
    ledger : TrialLedger
        Trials that were counted.

    Examples
    --------
    >>> gate = SkillGate(required=False, passed=False, baseline=None, text="no skill can be shown")
    >>> Significance(gate=gate, skill=None, rule=None, ledger=NO_LEDGER).summary()["trials"]
    1
    """

    gate: SkillGate
    skill: SkillSignificance | None
    rule: SharpeSignificance | None
    ledger: TrialLedger

    def summary(self) -> dict[str, Any]:
        """The object ``significance`` of summary.json: what is undefined or infinite is None."""
        return {
            "trials": self.ledger.trials + 1,
            "counted": self.ledger.note,
            "skill": None if self.skill is None else self.skill.summary(),
            "rule": None if self.rule is None else self.rule.summary(),
            "sentences": list(self.sentences()),
        }

    def sentences(self) -> tuple[str, ...]:
        """All tests in plain words, those that could not be made first."""
        return (
            *self._untested(),
            *(line for test in self._tests() for line in test.sentences()),
        )

    def caveats(self) -> tuple[str, ...]:
        """What the tests do not show, for the limitations of the page."""
        return tuple(line for test in self._tests() for line in test.caveats())

    def _tests(self) -> Iterator[SkillSignificance | SharpeSignificance]:
        yield from (test for test in (self.skill, self.rule) if test is not None)

    def _untested(self) -> Iterator[str]:
        if self.skill is None:
            yield (
                "The significance of the model's skill cannot be tested: too few sessions have a "
                "known truth, or all have the same."
            )
        if self.rule is None:
            yield (
                "The significance of the rule's Sharpe ratio cannot be tested: its returns are too "
                "few, or those of cash."
            )


def assess_significance(run: ScoredRun, ledger: TrialLedger = NO_LEDGER) -> Significance:
    """Apply the gate and every test of significance to a run.

    Parameters
    ----------
    run : ScoredRun
    ledger : TrialLedger
        Trials made before.

    Returns
    -------
    Significance
    """
    return Significance(
        gate=apply_gate(run.settings, run.scores),
        skill=assess_skill(run),
        rule=assess_sharpe(run.strategy, ledger),
        ledger=ledger,
    )
