"""What the skill rests on: every figure again by hand, and when its caveats appear."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.evaluation.scores import log_losses, skill_interval
from regime.evaluation.truth import Truth
from regime.performance import annual_sharpe
from regime.schema import REGIMES
from regime.studies.significance.sensitivity import (
    analyse_sensitivity,
    effective_sample,
    period_table,
    scored_sessions,
)


@pytest.fixture(scope="module")
def result(simulated_run):
    return analyse_sensitivity(simulated_run)


@pytest.fixture(scope="module")
def known(simulated_run):
    """Truth on the known sessions of the run."""
    return simulated_run.truth.stress.reindex(simulated_run.probabilities.index).dropna()


@pytest.fixture(scope="module")
def losses(simulated_run, known):
    """Losses of the model and the best baseline on the known sessions."""
    best = simulated_run.scores.skill.against
    return {
        name: log_losses(
            known.to_numpy(), simulated_run.stress_forecasts[forecast].loc[known.index].to_numpy()
        )
        for name, forecast in {"model": "model", "baseline": best}.items()
    }


def test_each_crisis_is_left_out_with_its_surroundings(simulated_run, result, known, losses):
    gain = losses["baseline"] - losses["model"]
    assert len(result.crises) >= 5 and result.crises["start"].is_monotonic_increasing
    for row in result.crises.itertuples():
        first = known.index.searchsorted(row.start)
        last = known.index.searchsorted(row.end, side="right") - 1
        assert known.iloc[first : last + 1].eq(1).all() and row.sessions == last - first + 1
        around = np.zeros(len(known), dtype=bool)
        around[max(first - 21, 0) : last + 22] = True
        model = losses["model"][~around]
        baseline = losses["baseline"][~around]
        assert row.skill == pytest.approx(1 - model.mean() / baseline.mean())
        assert (row.low, row.high) == skill_interval(
            model, baseline, seed=simulated_run.settings.seed
        )
        assert row.share == pytest.approx(gain[around].sum() / gain.sum())


def test_periods_hold_every_session_once_and_inflation_is_left_out(
    simulated_run, result, known, losses
):
    periods = [name for name in result.periods.index if not name.startswith("Without")]
    assert periods == ["2012 to 2021", f"2022 to {known.index[-1].year}"]
    assert result.periods.loc[periods, "sessions"].sum() == len(known)
    assert result.periods.loc[periods, "spells"].sum() == len(result.crises)
    rest = ~known.index.year.isin([2022, 2023])
    row = result.periods.loc["Without 2022-2023"]
    assert row["sessions"] == rest.sum() < len(known)
    assert row["skill"] == pytest.approx(
        1 - losses["model"][rest].mean() / losses["baseline"][rest].mean()
    )
    traded = simulated_run.strategy.result
    held = ~traded.returns.index.year.isin([2022, 2023])
    assert row["sharpe"] == pytest.approx(
        annual_sharpe((traded.returns - traded.cash_returns)[held].to_numpy())
    )


@pytest.mark.parametrize(
    ("first", "last"), [("2022-01-01", "2023-12-31"), ("2013-01-01", "2019-12-31")]
)
def test_a_sample_of_those_years_alone_or_of_others_has_no_row_without_them(
    simulated_run, first, last
):
    scored = scored_sessions(
        simulated_run.truth,
        {name: simulated_run.stress_forecasts[name].loc[first:last] for name in ("model", "weak")},
        against="weak",
        seed=7,
    )
    assert len(period_table(scored, simulated_run.strategy)) == 1


def test_the_config_s_own_definition_repeats_the_scores(simulated_run, result):
    truth, scores = simulated_run.settings.truth, simulated_run.scores
    table = result.definitions
    row = table.loc[f"falls of {truth.depth:g} volatilities, S&P 500 {truth.core_weight:.0%}"]
    assert row["against"] == scores.skill.against and row["skill"] == scores.skill.skill
    assert (row["low"], row["high"]) == scores.skill.interval
    assert row["average_precision"] == scores.table.loc["model", "average_precision"]
    assert row["base_rate"] == scores.table.loc["model", "base_rate"]
    assert table["skill"].idxmax() == row.name  # the model was made from this truth
    assert any(name.startswith("jump model") for name in table.index)


def scored_gain(gain, stress):
    days = pd.bdate_range("2000-01-03", periods=len(gain), name="date")
    truth = Truth(
        stress=pd.Series(stress, index=days, dtype=float), known_at=pd.Series(days, index=days)
    )
    scored = scored_sessions(
        truth, {"model": truth.stress * 0.5, "flat": truth.stress * 0 + 0.3}, against="flat", seed=7
    )
    losses = {"model": np.zeros(len(gain)), "flat": np.asarray(gain, dtype=float)}
    return replace(scored, losses=losses), truth


def test_equal_spells_count_whole_and_one_long_one_hardly_more_than_itself():
    gain = np.random.default_rng(1).normal(size=6300)
    sample = effective_sample(*scored_gain(gain, np.arange(6300) % 630 < 60))
    assert sample.spells == 10 and sample.events == pytest.approx(10.0)
    assert sample.sessions == 6300
    lopsided = np.arange(6300) < 3000
    lopsided[4000:6000:500] = True
    assert effective_sample(*scored_gain(gain, lopsided)).events == pytest.approx(
        3004**2 / (3000**2 + 4)
    )


def test_sessions_that_repeat_each_other_count_once():
    noise = np.random.default_rng(1)
    stress = np.arange(6300) % 630 < 60
    free = effective_sample(*scored_gain(noise.normal(size=6300), stress)).independent
    repeated = np.repeat(noise.normal(size=630), 10)
    tied = effective_sample(*scored_gain(repeated, stress)).independent
    assert 4000 < free <= 6300 and 400 < tied < 1000


def test_the_summary_is_plain_and_finite(result):
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert set(summary) == {"against", "events", "crises", "periods", "definitions", "sentences"}
    assert summary["crises"][0]["start"] == f"{result.crises['start'].iloc[0]:%Y-%m-%d}"
    assert summary["periods"][-1]["period"] == "Without 2022-2023"
    assert summary["events"]["spells"] == len(result.crises)


def test_a_truth_of_one_class_cannot_be_analysed(simulated_run, rescored):
    truth = simulated_run.truth
    calm = Truth(stress=truth.stress * 0.0, known_at=truth.known_at)
    result = analyse_sensitivity(rescored(simulated_run, truth=calm))
    assert result.sample is None and len(result.sentences()) == len(result.caveats()) == 1
    json.dumps(result.summary(), allow_nan=False)


def test_caveats_grow_as_the_model_weakens(simulated_run, rescored, result):
    weak = simulated_run.stress_forecasts["weak"]
    noise = np.random.default_rng(5).normal(0, 0.3, len(weak))
    stress = 1 / (1 + np.exp(-(np.log(weak / (1 - weak)) + noise)))
    twin = pd.DataFrame(
        {name: stress if name == "deleveraging" else (1 - stress) / 3 for name in REGIMES}
    )
    fragile = analyse_sensitivity(rescored(simulated_run, probabilities=twin))
    assert len(fragile.caveats()) > len(result.caveats()) >= 1
    assert set(result.caveats()) <= set(result.sentences())
    assert fragile.skill < 0 and fragile.crises["share"].isna().all()  # there is no gain to share
