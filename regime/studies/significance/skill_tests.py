"""Whether the model's skill is significant: tests of its daily losses against all baselines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from regime.arrays import Floats
from regime.evaluation.forecast_tests import (
    ConfidenceSet,
    DieboldMariano,
    SuperiorAbility,
    diebold_mariano,
    model_confidence_set,
    superior_ability,
)
from regime.evaluation.scores import log_losses, scored_rows, skill_interval
from regime.pipeline.scored_run import ScoredRun
from regime.schema import QUARTER, YEAR

__all__ = ["SkillSignificance", "assess_skill"]

DEPENDENCE = QUARTER  # sessions over which losses are dependent: the block of the skill's bootstrap
FEWEST = YEAR  # sessions below which nothing is tested
CONVENTIONAL = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class SkillSignificance:
    """The model's losses against those of every baseline, session by session.

    Parameters
    ----------
    baselines : DataFrame, one row a baseline, the strongest first
        ``skill`` of the model over it, ``low``, ``high`` (90 % interval), ``p_equal``
        (Diebold-Mariano), ``included`` (in the confidence set).
    best : str
        The best baseline.
    equal : DieboldMariano
        Model against the best baseline.
    baseline_beaten : SuperiorAbility
        Whether the model or another baseline is better than the best baseline.
    model_beaten : SuperiorAbility
        Whether any baseline is better than the model.
    confidence : ConfidenceSet
        Of the model and all baselines.

    Examples
    --------
    >>> losses = pd.DataFrame({"model": [0.1, 0.2] * 50, "vix": [0.3, 0.2] * 50})
    >>> result = SkillSignificance(
    ...     baselines=pd.DataFrame(index=["vix"]),
    ...     best="vix",
    ...     equal=diebold_mariano(losses["model"].to_numpy(), losses["vix"].to_numpy()),
    ...     baseline_beaten=superior_ability(losses, "vix"),
    ...     model_beaten=superior_ability(losses, "model"),
    ...     confidence=model_confidence_set(losses),
    ... )
    >>> result.summary()["confidence_set"], list(result.caveats())
    (['model'], [])
    """

    baselines: pd.DataFrame
    best: str
    equal: DieboldMariano
    baseline_beaten: SuperiorAbility
    model_beaten: SuperiorAbility
    confidence: ConfidenceSet

    def summary(self) -> dict[str, Any]:
        """Plain figures, finite."""
        return {
            "best_baseline": self.best,
            "p_equal": self.equal.p_value,
            "p_baseline_beaten": self.baseline_beaten.p_value,
            "p_model_beaten": self.model_beaten.p_value,
            "confidence_set": list(self.confidence.included),
            "baselines": {
                str(name): {str(key): value for key, value in row.items()}
                for name, row in self.baselines.to_dict("index").items()
            },
        }

    def sentences(self) -> tuple[str, ...]:
        """Each test in plain words."""
        side = "lower" if self.equal.gain > 0 else "higher"
        return (
            f"Its daily log loss is {abs(self.equal.gain):.3f} {side} than that of the best "
            f"baseline, `{self.best}`: p {self.equal.p_value:.3f} of no difference "
            f"(Diebold-Mariano, losses dependent over {DEPENDENCE} sessions).",
            str(self.baseline_beaten),
            str(self.model_beaten),
            str(self.confidence),
        )

    def caveats(self) -> Iterator[str]:
        """What these tests do not show."""
        if self.equal.gain > 0 and self.equal.p_value >= CONVENTIONAL:
            yield (
                f"That its daily losses differ from those of the best baseline, `{self.best}`, is "
                f"not shown: p {self.equal.p_value:.2f} (Diebold-Mariano), "
                f"{self.baseline_beaten.p_value:.2f} after the choice among all (SPA)."
            )
        others = [name for name in self.confidence.included if name != "model"]
        if others:
            names = ", ".join(f"`{name}`" for name in others)
            yield (
                f"It may not be the best forecast here: {names} cannot be distinguished from the "
                f"best of all {len(self.confidence.p_values)} with {self.confidence.level:.0%} "
                "confidence."
            )


def assess_skill(run: ScoredRun) -> SkillSignificance | None:
    """Tests of the model's daily log losses against those of every baseline that could be scored.

    Parameters
    ----------
    run : ScoredRun

    Returns
    -------
    SkillSignificance or None
        None where the truth has one class only or less than 252 sessions are known.
    """
    if run.scores.skill is None:
        return None
    seed = run.settings.seed
    losses = pd.DataFrame(
        {
            name: log_losses(*scored_rows(run.truth, forecast, name))
            for name, forecast in run.stress_forecasts.items()
        }
    )
    if len(losses) < FEWEST:
        return None
    best = run.scores.skill.against
    confidence = model_confidence_set(losses, seed=seed)
    model = losses["model"].to_numpy()
    rows = {
        name: {
            **_compare(model, losses[name].to_numpy(), seed),
            "included": name in confidence.included,
        }
        for name in run.scores.baselines
    }
    return SkillSignificance(
        baselines=pd.DataFrame.from_dict(rows, orient="index").sort_values("skill", kind="stable"),
        best=best,
        equal=diebold_mariano(model, losses[best].to_numpy(), horizon=DEPENDENCE),
        baseline_beaten=superior_ability(losses, best, seed=seed),
        model_beaten=superior_ability(losses, "model", seed=seed),
        confidence=confidence,
    )


def _compare(model: Floats, baseline: Floats, seed: int) -> dict[str, float]:
    low, high = skill_interval(model, baseline, seed=seed)
    return {
        "skill": float(1 - model.mean() / baseline.mean()),
        "low": low,
        "high": high,
        "p_equal": diebold_mariano(model, baseline, horizon=DEPENDENCE).p_value,
    }
