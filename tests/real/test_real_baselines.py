"""Baselines and the event arithmetic on the real folder, against an independent scorer.

Golden values: average precision and log loss of each baseline and its alarm statistics, printed by
the independent scorer of the project (its own truth, calibration refitted each January, rounded to
3, 4 and 2 digits) on the data to 2024-12-31, with the list of episodes next to the folder. Sessions
from 2005-01-03; ranks and labels from 1980.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from regime.evaluation.events import event_scores
from regime.evaluation.scores import best_baseline, measure_skill, ranking_scores, score_table
from regime.evaluation.truth import truth_from_episodes
from regime.models.baselines import (
    baseline_probabilities,
    elastic_net,
    online_jump,
    rule_of_thumb_scores,
)

pytestmark = pytest.mark.real

# window -> baseline -> (average precision of the raw score, log loss of its logistic)
GOLDEN = {
    ("2005", "2014"): {
        "vix": (0.501, 0.4376),
        "drawdown_252": (0.414, 0.5079),
        "below_200dma": (0.521, 0.4661),
        "realised_vol": (0.400, 0.4931),
        "downside_rank": (0.694, 0.4194),
    },
    ("2015", "2024"): {
        "vix": (0.363, 0.4473),
        "drawdown_252": (0.391, 0.4688),
        "below_200dma": (0.394, 0.4583),
        "realised_vol": (0.249, 0.4958),
        "downside_rank": (0.499, 0.4186),
    },
    ("2005", "2024"): {
        "vix": (0.439, 0.4425),
        "drawdown_252": (0.396, 0.4883),
        "below_200dma": (0.461, 0.4622),
        "realised_vol": (0.324, 0.4944),
        "downside_rank": (0.601, 0.4190),
    },
}
# 2005-2024: caught of 26, median lag, false alarms a year
EVENTS = {
    "vix": (20, 7.5, 2.5),
    "drawdown_252": (14, 9.0, 0.6),
    "below_200dma": (19, 16.0, 1.0),
    "realised_vol": (9, 0.0, 0.65),
    "downside_rank": (24, 8.0, 2.1),
}
# skill of a constant 0.2 over the best baseline's logistic, and its interval
CONSTANT = (-0.099, -0.256, 0.014)


def read(folder, name: str, column: str) -> pd.Series:
    frame = pd.read_csv(folder / "prices" / name, parse_dates=["date"], index_col="date")
    return frame[column].astype(float).loc[:"2024-12-31"]


@pytest.fixture(scope="module")
def market(real_data):
    close = read(real_data, "^GSPC.csv", "close").loc["1963":]
    spy = read(real_data, "SPY.csv", "adj_close").reindex(close.index)
    returns = spy.pct_change(fill_method=None).fillna(close.pct_change())
    scores = rule_of_thumb_scores(close, returns, read(real_data, "^VIX.csv", "close"))
    return SimpleNamespace(close=close, returns=returns, scores=scores)


@pytest.fixture(scope="module")
def truth(real_data, market):
    path = real_data.parent / "episodes.csv"
    if not path.is_file():
        pytest.fail(f"{path}: the list of episodes must lie next to the data folder")
    return truth_from_episodes(path, market.close.index)


def folds_of(index: pd.DatetimeIndex, months: int) -> list[SimpleNamespace]:
    rows = np.flatnonzero(index >= "2005-01-01")
    block = (index[rows].year * 12 + index[rows].month - 1) // months
    return [
        SimpleNamespace(refit=index[rows[block == b][0] - 1], test=rows[block == b])
        for b in np.unique(block)
    ]


@pytest.fixture(scope="module")
def yearly(market, truth):
    return baseline_probabilities(
        market.scores, truth.stress, truth.known_at, folds_of(market.close.index, 12)
    )


def test_truth_has_the_known_spells_and_base_rate(truth):
    days = truth.stress["2005":"2024"]
    assert len(days) == 5033 and days.mean() == pytest.approx(0.1713, abs=5e-5)
    assert len(truth.spells) == 32 and (truth.spells["start"] >= "2005").sum() == 26


@pytest.mark.parametrize("window", GOLDEN, ids="-".join)
def test_raw_scores_rank_as_their_twins(market, truth, window):
    columns = {name: market.scores[name].loc[slice(*window)] for name in market.scores}
    table = ranking_scores(truth, columns)
    for name, (precision, _) in GOLDEN[window].items():
        assert table.loc[name, "average_precision"] == pytest.approx(precision, abs=0.001), name


@pytest.mark.parametrize("window", GOLDEN, ids="-".join)
def test_yearly_calibration_equals_the_twins(yearly, truth, window):
    table = score_table(truth, {name: yearly[name].loc[slice(*window)] for name in yearly})
    for name, (_, loss) in GOLDEN[window].items():
        assert table.loc[name, "log_loss"] == pytest.approx(loss, abs=0.001), name


@pytest.mark.parametrize("months", [1, 6])
def test_more_frequent_calibration_is_at_most_five_thousandths_worse(market, truth, months):
    p = baseline_probabilities(
        market.scores, truth.stress, truth.known_at, folds_of(market.close.index, months)
    )
    for window, golden in GOLDEN.items():
        table = score_table(truth, {name: p[name].loc[slice(*window)] for name in golden})
        assert all(
            table.loc[name, "log_loss"] <= loss + 0.005 for name, (_, loss) in golden.items()
        )


def test_alarms_equal_the_twins(market, truth):
    for name, (caught, lag, false) in EVENTS.items():
        result = event_scores(truth, market.scores[name].loc["2005":"2024"])
        assert (result.spells, result.caught, result.median_lag) == (26, caught, lag), name
        assert result.false_alarms_per_year == pytest.approx(false, abs=0.006), name


def test_skill_and_interval_equal_the_twins(yearly, truth):
    table = score_table(truth, {name: yearly[name].loc["2005":"2024"] for name in yearly})
    best = best_baseline(table)
    assert best == "downside_rank"
    baseline = yearly[best].loc["2005":"2024"]
    result = measure_skill(truth, pd.Series(0.2, baseline.index), baseline, against=best)
    assert (result.skill, *result.interval) == pytest.approx(CONSTANT, abs=0.002)


def test_raw_scores_of_a_cut_folder_are_equal_bits(market, real_data):
    cut = slice(None, "2009-06-30")
    part = rule_of_thumb_scores(
        market.close[cut], market.returns[cut], read(real_data, "^VIX.csv", "close")[cut]
    )
    assert part.to_numpy().tobytes() == market.scores[cut].to_numpy().tobytes()


def test_fitted_baselines_beat_the_base_rate(market, truth, yearly):
    folds = folds_of(market.close.index, 12)
    X = market.scores.join(market.scores.diff(21).add_suffix("_change"))
    fitted = {
        "elastic_net": elastic_net(X, truth.stress, truth.known_at, folds),
        "online_jump": online_jump(market.returns.fillna(0.0), truth.stress, truth.known_at, folds),
    }
    table = score_table(
        truth,
        {name: p["2005":"2024"] for name, p in {**fitted, "base": yearly["base_rate"]}.items()},
    )
    assert (table["log_loss"].drop("base") < table.loc["base", "log_loss"]).all()
    assert (table["average_precision"].drop("base") > 1.5 * 0.1713).all()
