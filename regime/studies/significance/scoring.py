"""Truth, baselines and scores of a forecast, and the gate on its skill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from regime.errors import GateError, InvalidDataError
from regime.evaluation.events import episode_detection, event_scores
from regime.evaluation.scores import best_baseline, fold_scores, measure_skill, score_table
from regime.evaluation.truth import Truth, truth_from_episodes, truth_from_labels
from regime.models.baselines import forecast_baselines
from regime.parallel import Progress
from regime.pipeline.market_data import MarketData
from regime.pipeline.scored_run import Scores
from regime.pipeline.settings import Settings
from regime.schema import REGIMES, STRESS
from regime.splits.walk_forward import Fold

__all__ = ["SkillGate", "apply_gate", "fit_baselines", "score_forecasts", "truth_of"]

MOST_MISSING = 0.005  # share of the tested sessions that a scored baseline may lack


@dataclass(frozen=True, kw_only=True)
class SkillGate:
    """The gate on skill, and whether a run passed it.

    Parameters
    ----------
    required : bool
        Whether a run that does not pass ends with an error.
    passed : bool
        Whether the whole interval of its skill over the best baseline is above zero.
    baseline : str or None
        The best baseline; None where nothing could be scored.
    text : str
        One sentence, without its capital letter and full stop.

    Examples
    --------
    >>> SkillGate(required=False, passed=False, baseline="vix", text="no skill over vix").closed
    False
    """

    required: bool
    passed: bool
    baseline: str | None
    text: str

    @property
    def closed(self) -> bool:
        """Whether the run has to end with an error."""
        return self.required and not self.passed

    def error(self, out: Path) -> GateError:
        """Error of a run that wrote its output to `out` and did not pass."""
        return GateError(
            f"{self.text}; the config requires a skill whose interval is above zero "
            f"(`skill_gate: required`): the outputs are in {out}, nothing was registered; prefer "
            "the baseline or set skill_gate=advisory"
        )

    def summary(self) -> dict[str, Any]:
        """The object ``skill_gate`` of summary.json."""
        return asdict(self)


def truth_of(settings: Settings, market_data: MarketData, episodes: Path | None) -> Truth:
    """Truth to score against: a list of episodes where there is one, else labels of all history.

    Parameters
    ----------
    settings : Settings
    market_data : MarketData
    episodes : Path or None
        File of episodes.

    Raises
    ------
    MissingDataError, InvalidDataError
        If the list of episodes is missing or faulty.
    """
    if episodes is not None:
        return truth_from_episodes(episodes, market_data.sessions)
    return truth_from_labels(settings.truth(market_data.market))


def fit_baselines(
    market_data: MarketData,
    features: pd.DataFrame,
    truth: Truth,
    folds: Sequence[Fold],
    progress: Progress,
) -> pd.DataFrame:
    """Probabilities of every baseline, fitted in the model's folds on the truth that scores it.

    The model never sees that truth; its baselines do, so the comparison favours them.

    Parameters
    ----------
    market_data : MarketData
    features : DataFrame, shape (n_sessions, n_features)
    truth : Truth
    folds : sequence of Fold
    progress : Progress

    Returns
    -------
    DataFrame, shape (n_sessions, n_baselines)
        NaN outside the test blocks.

    **Known at:** the block after a refit uses truth known by the refit, and for each session its
    own row.
    """
    return forecast_baselines(
        close=market_data.close,
        returns=market_data.returns,
        vix=market_data.panel.values["vix"],
        X=features,
        truth=truth.stress,
        known_at=truth.known_at,
        folds=folds,
        progress=progress,
    )


def score_forecasts(
    settings: Settings,
    truth: Truth,
    model: pd.DataFrame,
    baselines: pd.DataFrame,
    folds: Sequence[Fold] = (),
) -> Scores:
    """Score the model and its baselines on the model's sessions.

    Parameters
    ----------
    settings : Settings
        Its `seed` is that of the bootstrap.
    truth : Truth
    model : DataFrame, shape (n_test_sessions, 4), or with column ``deleveraging`` alone
    baselines : DataFrame, shape (n_sessions, n_baselines)
    folds : sequence of Fold
        For scores by block; empty for none.

    Raises
    ------
    InvalidDataError
        If no session of the model has a known truth.
    """
    sessions = model.index
    known = truth.stress.reindex(sessions)
    if not known.notna().any():
        raise InvalidDataError(
            "no session of the forecast has a known truth: the history is too short to score"
        )
    forecasts: dict[str, Any] = {
        "model": model if set(REGIMES) <= set(model.columns) else model[STRESS],
        **{str(name): baselines.loc[sessions, name] for name in baselines},
    }
    scored = {name: forecast for name, forecast in forecasts.items() if not _incomplete(forecast)}
    table = score_table(truth, scored)
    best = best_baseline(table)
    two_classes = 0 < known.mean() < 1
    return Scores(
        table=table.reindex([name for name in forecasts if name in table.index]),
        folds=_scores_by_fold(truth, model[STRESS], folds),
        skill=measure_skill(truth, model[STRESS], scored[best], against=best, seed=settings.seed)
        if two_classes
        else None,
        events={
            name: asdict(event_scores(truth, _stress(scored[name]))) for name in ("model", best)
        },
        spells=episode_detection(truth, model[STRESS]),
    )


def apply_gate(settings: Settings, scores: Scores) -> SkillGate:
    """Hold the skill of a run against the gate of its config."""
    required = settings.skill_gate == "required"
    measured = scores.skill
    if measured is None:
        return SkillGate(
            required=required,
            passed=False,
            baseline=None,
            text="no skill can be shown: the truth of the tested sessions has one class only",
        )
    low, high = measured.interval
    passed = measured.skill > 0 and low > 0
    return SkillGate(
        required=required,
        passed=passed,
        baseline=measured.against,
        text=f"{'skill' if passed else 'no skill'} over {measured.against}: "
        f"{measured.skill:.1%} of its log loss, 90% interval {low:.1%} to {high:.1%}",
    )


def _scores_by_fold(truth: Truth, stress: pd.Series, folds: Sequence[Fold]) -> pd.DataFrame | None:
    if not folds:
        return None
    return fold_scores(truth, {"model": stress.reindex(truth.stress.index)}, folds)


def _stress(forecast: pd.Series | pd.DataFrame) -> pd.Series:
    return forecast[STRESS] if isinstance(forecast, pd.DataFrame) else forecast


def _incomplete(forecast: pd.Series | pd.DataFrame) -> bool:
    """Whether a baseline lacks a block: its history is too short, or its input missing."""
    return float(_stress(forecast).isna().mean()) > MOST_MISSING
