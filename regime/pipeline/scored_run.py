"""A forecast that was scored and traded: what a run hands to its studies and to its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from regime.artifacts import to_json_value
from regime.evaluation.scores import Skill
from regime.evaluation.truth import Truth
from regime.formatting import judge_skill
from regime.pipeline.market_data import MarketData
from regime.pipeline.settings import Settings
from regime.pipeline.strategy import Strategy
from regime.pipeline.walk_forward import Forecast
from regime.schema import STRESS

__all__ = ["ScoredRun", "Scores"]

MODEL = "model"  # row of the score table that is no baseline


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Scores of a model and its baselines on the same sessions.

    Parameters
    ----------
    table : DataFrame, one row a forecast
        ``model`` first; columns of `evaluation.scores.score_table`. A baseline that lacks a
        forecast on more than 0.5 % of the sessions has no row.
    folds : DataFrame or None
        The same by test block; None where the forecast has no folds.
    skill : Skill or None
        Over the best baseline; None where the truth has one class only.
    events : dict
        Alarm statistics of the model and of the best baseline.
    spells : DataFrame, one row a spell of the truth
        Whether and when the model caught it.

    Examples
    --------
    >>> table = pd.DataFrame({"log_loss": [0.3, float("nan")]}, index=["model", "vix"])
    >>> scores = Scores(table=table, folds=None, skill=None, events={}, spells=pd.DataFrame())
    >>> scores.baselines, scores.summary()["scores"]["baselines"]
    (('vix',), {'vix': {'log_loss': None}})
    """

    table: pd.DataFrame
    folds: pd.DataFrame | None
    skill: Skill | None
    events: dict[str, Any]
    spells: pd.DataFrame

    @property
    def baselines(self) -> tuple[str, ...]:
        """Names of the baselines that could be scored, in the order of the table."""
        return tuple(str(name) for name in self.table.index if name != MODEL)

    def summary(self) -> dict[str, Any]:
        """The objects ``scores`` and ``events`` of summary.json; an undefined score is None."""
        rows = {
            str(name): to_json_value(row.to_dict(), str(name), infinite_as_null=True)
            for name, row in self.table.astype(float).iterrows()
        }
        skill = self.skill
        scores: dict[str, Any] = {
            "model": rows.pop(MODEL),
            "baselines": rows,
            "best_baseline": skill.against if skill else None,
            "skill": skill.skill if skill else None,
            "interval": list(skill.interval) if skill else None,
        }
        return {"scores": {**scores, "verdict": judge_skill(scores).text}, "events": self.events}


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredRun:
    """One config's forecast with everything that it was scored and traded on.

    Parameters
    ----------
    settings : Settings
    market_data : MarketData
        Panel, prices, returns and cash on the run's sessions.
    truth : Truth
        What the forecast is scored against.
    forecast : Forecast
        Out of sample, with the folds that made it.
    baselines : DataFrame, shape (n_sessions, n_baselines)
        Probabilities of stress; NaN outside the test blocks.
    scores : Scores
    strategy : Strategy
        The rule's exposure, its backtest and the benchmarks.

    Examples
    --------
    >>> day = pd.DatetimeIndex(["2024-01-02"], name="date")
    >>> run = ScoredRun(
    ...     settings=None,  # what its forecasts do not need is left out here
    ...     market_data=None,
    ...     truth=None,
    ...     forecast=Forecast(probabilities=pd.DataFrame({STRESS: [0.3]}, index=day), folds=()),
    ...     baselines=pd.DataFrame({"vix": [0.2]}, index=day),
    ...     scores=Scores(
    ...         table=pd.DataFrame(index=["model", "vix"]),
    ...         folds=None,
    ...         skill=None,
    ...         events={},
    ...         spells=pd.DataFrame(),
    ...     ),
    ...     strategy=None,
    ... )
    >>> {name: float(forecast[day[0]]) for name, forecast in run.stress_forecasts.items()}
    {'model': 0.3, 'vix': 0.2}

    **Known at:** probabilities and exposure of date t use what was public at its close; truth and
    scores use the whole history.
    """

    settings: Settings
    market_data: MarketData
    truth: Truth
    forecast: Forecast
    baselines: pd.DataFrame
    scores: Scores
    strategy: Strategy

    @property
    def probabilities(self) -> pd.DataFrame:
        """The model's probabilities, shape (n_test_sessions, 4)."""
        return self.forecast.probabilities

    @property
    def stress_forecasts(self) -> dict[str, pd.Series]:
        """Probability of stress by forecast, the model first, on the tested sessions.

        Holds the baselines that could be scored. Each has shape (n_test_sessions,).
        """
        sessions = self.probabilities.index
        return {
            MODEL: self.probabilities[STRESS],
            **{name: self.baselines.loc[sessions, name] for name in self.scores.baselines},
        }
