"""Whether the model's lead over its rivals may be luck: tests on their daily log losses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.evaluation.forecast_tests import (
    ConfidenceSet,
    DieboldMariano,
    SuperiorAbility,
    diebold_mariano,
    model_confidence_set,
    superior_ability,
)
from regime.evaluation.scores import log_losses, scored_rows, skill_interval
from regime.evaluation.truth import Truth
from regime.schema import STRESS
from regime.workflows.settings import Settings
from regime.workflows.verdict import Verdict

__all__ = ["SkillLuck", "skill_luck"]

DEPENDENT = 63  # sessions over which losses hang together: the block of the skill's own bootstrap
FEWEST = 252  # sessions below which no account is opened
CONVENTIONAL = 0.05


@dataclass(frozen=True, kw_only=True)
class SkillLuck:
    """The model's losses against those of every rival, session by session.

    Parameters
    ----------
    rivals : DataFrame, one row a rival, the strongest first
        ``skill``, ``low``, ``high`` (90 % interval), ``p_equal`` (Diebold-Mariano), ``included``
        (in the confidence set).
    best : str
        The best rival.
    equal : DieboldMariano
        Model against the best rival.
    rival_beaten : SuperiorAbility
        Whether the model or another rival is better than the best rival.
    model_beaten : SuperiorAbility
        Whether any rival is better than the model.
    confidence : ConfidenceSet
        Of the model and all rivals.
    """

    rivals: pd.DataFrame
    best: str
    equal: DieboldMariano
    rival_beaten: SuperiorAbility
    model_beaten: SuperiorAbility
    confidence: ConfidenceSet

    def summary(self) -> dict[str, Any]:
        """Plain figures, finite."""
        return {
            "best_rival": self.best,
            "p_equal": self.equal.p_value,
            "p_rival_beaten": self.rival_beaten.p_value,
            "p_model_beaten": self.model_beaten.p_value,
            "confidence_set": list(self.confidence.included),
            "rivals": {
                str(name): {str(key): value for key, value in row.items()}
                for name, row in self.rivals.to_dict("index").items()
            },
        }

    def sentences(self) -> tuple[str, ...]:
        """Each test in plain words."""
        side = "lower" if self.equal.gain > 0 else "higher"
        return (
            f"Its daily log loss is {abs(self.equal.gain):.3f} {side} than that of the best "
            f"rival, `{self.best}`: "
            f"p {self.equal.p_value:.3f} of no difference (Diebold-Mariano, losses dependent over "
            f"{DEPENDENT} "
            "sessions).",
            str(self.rival_beaten),
            str(self.model_beaten),
            str(self.confidence),
        )

    def doubts(self) -> Iterator[str]:
        """What these tests do not show."""
        rest = [name for name in self.confidence.included if name != "model"]
        if self.equal.gain > 0 and self.equal.p_value >= CONVENTIONAL:
            yield (
                f"That its daily losses differ from those of the best rival, `{self.best}`, is "
                "not shown: p "
                f"{self.equal.p_value:.2f} (Diebold-Mariano), {self.rival_beaten.p_value:.2f} "
                "after the choice "
                "among all (SPA)."
            )
        if rest:
            names = ", ".join(f"`{name}`" for name in rest)
            yield (
                f"It may not be the best forecast here: {names} cannot be told from the best of "
                "all "
                f"{len(self.confidence.p_values)} with {self.confidence.level:.0%} confidence."
            )


def skill_luck(
    settings: Settings,
    truth: Truth,
    probabilities: pd.DataFrame,
    rivals: pd.DataFrame,
    verdict: Verdict,
) -> SkillLuck | None:
    """Tests of the model's daily log losses against those of every rival that could be scored.

    Parameters
    ----------
    settings : Settings
    truth : Truth
    probabilities : DataFrame, shape (n_test_sessions, 4)
    rivals : DataFrame, shape (n_sessions, n_rivals)
    verdict : Verdict
    """
    if verdict.skill is None:
        return None
    names = [str(name) for name in verdict.table.index if name != "model"]
    forecasts = {
        "model": probabilities[STRESS],
        **{name: rivals.loc[probabilities.index, name] for name in names},
    }
    losses = pd.DataFrame(
        {name: log_losses(*scored_rows(truth, own, name)) for name, own in forecasts.items()}
    )
    if len(losses) < FEWEST:
        return None
    chosen, best = model_confidence_set(losses, seed=settings.seed), verdict.skill.against
    ours = losses["model"].to_numpy()
    rows = {
        name: _against(ours, losses[name].to_numpy(), settings.seed)
        | {"included": name in chosen.included}
        for name in names
    }
    return SkillLuck(
        rivals=pd.DataFrame.from_dict(rows, orient="index").sort_values("skill", kind="stable"),
        best=best,
        equal=diebold_mariano(ours, losses[best].to_numpy(), horizon=DEPENDENT),
        rival_beaten=superior_ability(losses, best, seed=settings.seed),
        model_beaten=superior_ability(losses, "model", seed=settings.seed),
        confidence=chosen,
    )


def _against(ours: np.ndarray, theirs: np.ndarray, seed: int) -> dict[str, float]:
    low, high = skill_interval(ours, theirs, seed=seed)
    return {
        "skill": float(1 - ours.mean() / theirs.mean()),
        "low": low,
        "high": high,
        "p_equal": diebold_mariano(ours, theirs, horizon=DEPENDENT).p_value,
    }
