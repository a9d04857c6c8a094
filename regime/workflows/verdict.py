"""The truth of a run, the rivals that it must beat, and the scores of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.evaluation.events import event_scores, spell_table
from regime.evaluation.scores import fold_scores, score_table
from regime.evaluation.skill import Skill, best_baseline, skill
from regime.evaluation.truth import Truth, truth_from_episodes, truth_from_labels
from regime.formatting import judge_skill
from regime.models.baselines import baseline_probabilities, elastic_net, online_jump, raw_scores
from regime.progress import Progress
from regime.schema import REGIMES, STRESS
from regime.splits.walk_forward import Fold
from regime.workflows.data import World
from regime.workflows.settings import Settings

__all__ = ["Verdict", "judge", "rivals", "truth_of"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Scores of a forecast and its rivals on the same sessions.

    Parameters
    ----------
    table : DataFrame, one row a forecast
        ``model`` first; columns of `evaluation.scores.score_table`.
    folds : DataFrame or None
        The same by test block.
    skill : Skill or None
        Against the best rival; None where the truth has one class only.
    events : dict
        Alarm statistics of the model and of the best rival.
    spells : DataFrame
        One row a spell of the truth.
    """

    table: pd.DataFrame
    folds: pd.DataFrame | None
    skill: Skill | None
    events: dict[str, Any]
    spells: pd.DataFrame

    def summary(self) -> dict[str, Any]:
        """The objects ``scores`` and ``events`` of summary.json.

        A score that is undefined is None.
        """
        rows = {
            str(name): {key: _plain(value) for key, value in row.items()}
            for name, row in self.table.T.items()
        }
        found = self.skill
        scores = {
            "model": rows.pop("model"),
            "baselines": rows,
            "best_baseline": found.against if found else None,
            "skill": found.skill if found else None,
            "interval": list(found.interval) if found else None,
        }
        return {"scores": {**scores, "verdict": judge_skill(scores).text}, "events": self.events}


def truth_of(settings: Settings, world: World, episodes: Path | None) -> Truth:
    """Truth to score against.

    A list of episodes where one is given, else labels of the whole folder.
    """
    if episodes is not None:
        return truth_from_episodes(episodes, world.sessions)
    return truth_from_labels(settings.truth(world.market))


def rivals(
    world: World,
    features: pd.DataFrame,
    truth: Truth,
    folds: Sequence[Fold],
    progress: Progress,
) -> pd.DataFrame:
    """Probabilities of every rival, calibrated in the model's folds on the truth that it is scored against.

    The model never sees that truth; its rivals do, so the comparison leans towards them.

    Parameters
    ----------
    world : World
    features : DataFrame, shape (n_sessions, n_features)
    truth : Truth
    folds : sequence of Fold
    progress : Progress

    Returns
    -------
    DataFrame, shape (n_sessions, n_rivals)
        NaN outside the test blocks.
    """
    scores = raw_scores(world.close, world.returns, world.panel.values["vix"])
    with progress.stage("rivals", total=3) as stage:
        table = baseline_probabilities(scores, truth.stress, truth.known_at, folds)
        stage.advance()
        table["elastic_net"] = elastic_net(features, truth.stress, truth.known_at, folds)
        stage.advance()
        table["online_jump"] = online_jump(world.returns, truth.stress, truth.known_at, folds)
        stage.advance()
    return table


def judge(
    settings: Settings,
    truth: Truth,
    model: pd.DataFrame,
    baselines: pd.DataFrame,
    folds: Sequence[Fold] = (),
) -> Verdict:
    """Score the model and its rivals on the model's sessions.

    Parameters
    ----------
    settings : Settings
    truth : Truth
    model : DataFrame, shape (n_test_sessions, 4), or with column ``deleveraging`` alone
    baselines : DataFrame, shape (n_sessions, n_rivals)
    folds : sequence of Fold
        For scores by block; empty for none.
    """
    days = model.index
    known = truth.stress.reindex(days)
    if not known.notna().any():
        raise InvalidDataError(
            "no session of the forecast has a known truth: the history is too short to score"
        )
    own = model if set(REGIMES) <= set(model.columns) else model[STRESS]
    forecasts: dict[str, Any] = {
        "model": own,
        **{name: baselines.loc[days, name] for name in baselines},
    }
    usable = {name: values for name, values in forecasts.items() if not _mostly_missing(values)}
    table = score_table(truth, usable)
    best = best_baseline(table)
    both = 0 < known.mean() < 1
    found = (
        skill(truth, model[STRESS], usable[best], against=best, seed=settings.seed)
        if both
        else None
    )
    events = {name: asdict(event_scores(truth, _stress(usable[name]))) for name in ("model", best)}
    by_block = (
        fold_scores(truth, {"model": model[STRESS].reindex(truth.stress.index)}, folds)
        if folds
        else None
    )
    return Verdict(
        table=table.reindex([name for name in forecasts if name in table.index]),
        folds=by_block,
        skill=found,
        events=events,
        spells=spell_table(truth, model[STRESS]),
    )


def _stress(forecast: pd.Series | pd.DataFrame) -> pd.Series:
    return forecast[STRESS] if isinstance(forecast, pd.DataFrame) else forecast


def _mostly_missing(forecast: pd.Series | pd.DataFrame) -> bool:
    """Whether a rival has no forecast in some block.

    History too short for it, or its input absent.
    """
    return float(_stress(forecast).isna().mean()) > 0.005


def _plain(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
