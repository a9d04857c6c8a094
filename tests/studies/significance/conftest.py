"""Runs of known skill: synthetic ones of a planted truth, and one on a simulated market."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from regime.evaluation.truth import Truth, truth_from_labels
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.scored_run import ScoredRun
from regime.pipeline.settings import load_settings
from regime.pipeline.strategy import decide, trade
from regime.pipeline.walk_forward import Forecast
from regime.schema import REGIMES
from regime.studies.significance.scoring import score_forecasts

SESSIONS = 1500
DAYS = pd.bdate_range("2010-01-01", periods=SESSIONS, name="date")


def logistic(log_odds):
    return 1 / (1 + np.exp(-log_odds))


@pytest.fixture(scope="session")
def settings():
    return load_settings("demo.yaml", ["tracking=NullTracker"])


@pytest.fixture(scope="session")
def planted_truth():
    """Ten spells of thirty sessions."""
    stress = pd.Series((np.arange(SESSIONS) % 150 < 30).astype(float), index=DAYS)
    return Truth(stress=stress, known_at=pd.Series(DAYS, index=DAYS))


@pytest.fixture(scope="session")
def make_strategy():
    """A strategy with returns of some mean, over a volatility target of another and no cash."""

    def make(mean=0.0006, target=0.0002, seed=5):
        noise = np.random.default_rng(seed).normal(0, 0.01, (2, SESSIONS - 1))
        rule, other = (
            pd.Series(noise[row] + drift, index=DAYS[1:])
            for row, drift in enumerate((mean, target))
        )
        return SimpleNamespace(
            result=SimpleNamespace(returns=rule, cash_returns=pd.Series(0.0, index=DAYS[1:])),
            benchmarks={"vol_target_12": SimpleNamespace(returns=other)},
        )

    return make


@pytest.fixture(scope="session")
def make_trials():
    """Daily returns of trials without skill."""

    def make(count, seed=9):
        noise = np.random.default_rng(seed).normal(0, 0.01, (count, SESSIONS - 1))
        return {str(trial): pd.Series(noise[trial], index=DAYS[1:]) for trial in range(count)}

    return make


@pytest.fixture(scope="session")
def make_run(settings, planted_truth, make_strategy):
    """A run whose model has some strength, against a weak baseline and the base rate."""

    def make(strength, *, truth=planted_truth, sessions=SESSIONS, strategy=None, seed=3):
        noise = np.random.default_rng(seed)
        tilt = planted_truth.stress.to_numpy() - 0.5
        model = pd.DataFrame(
            {"deleveraging": logistic(-1.5 + strength * tilt + noise.normal(0, 0.5, SESSIONS))},
            index=DAYS,
        )
        baselines = pd.DataFrame(
            {
                "weak": logistic(-1.4 + 0.5 * tilt + noise.normal(0, 0.5, SESSIONS)),
                "base_rate": 0.2,
            },
            index=DAYS,
        )
        return assembled(
            settings,
            None,
            truth,
            model[:sessions],
            baselines[:sessions],
            strategy or make_strategy(),
        )

    return make


@pytest.fixture(scope="session")
def simulated_run():
    """A run on a simulated market whose model knows the truth half, and its baselines less."""
    settings = load_settings(
        "demo.yaml",
        [
            "tracking=NullTracker",
            "source.SimulatedSource.years=16",
            "source.SimulatedSource.start=2009-01-02",
            "start=2009-01-02",
        ],
    )
    market_data = read_market_data(settings, None, NoProgress())
    truth = truth_from_labels(settings.truth(market_data.market))
    days = market_data.sessions[market_data.sessions >= "2012-01-01"]
    noise = np.random.default_rng(2)
    tilt = truth.stress.reindex(days).fillna(0.0).to_numpy()
    stress = logistic(-2.0 + 2.5 * tilt + noise.normal(0, 0.7, len(days)))
    baselines = pd.DataFrame(
        {
            "weak": logistic(-1.5 + 1.5 * tilt + noise.normal(0, 0.7, len(days))),
            "base_rate": 0.2,
        },
        index=days,
    ).reindex(market_data.sessions)
    model = four_regimes(stress, days)
    strategy = trade(settings, market_data, decide(settings, market_data, model), NoProgress())
    return assembled(settings, market_data, truth, model, baselines, strategy)


@pytest.fixture(scope="session")
def rescored():
    """The same run with other probabilities or another truth, scored again."""

    def rescore(run, *, probabilities=None, truth=None):
        return assembled(
            run.settings,
            run.market_data,
            run.truth if truth is None else truth,
            run.probabilities if probabilities is None else probabilities,
            run.baselines,
            run.strategy,
        )

    return rescore


def four_regimes(stress, days):
    """Probabilities of all regimes, the rest of the stress in equal parts."""
    return pd.DataFrame(
        {name: stress if name == "deleveraging" else (1 - stress) / 3 for name in REGIMES},
        index=days,
    )


def assembled(settings, market_data, truth, model, baselines, strategy):
    return ScoredRun(
        settings=settings,
        market_data=market_data,
        truth=truth,
        forecast=Forecast(probabilities=model, folds=()),
        baselines=baselines,
        scores=score_forecasts(settings, truth, model, baselines),
        strategy=strategy,
    )
