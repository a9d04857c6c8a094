"""Accounts of luck of a run.

Tests against every rival, and the rule's Sharpe ratio among all trials.
"""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from regime.evaluation.accounts import accounts
from regime.evaluation.comparison import diebold_mariano, model_confidence_set
from regime.evaluation.overfitting import deflated_sharpe, probabilistic_sharpe, sharpe_sample
from regime.evaluation.scores import log_losses
from regime.evaluation.skill import skill
from regime.evaluation.truth import Truth
from regime.schema import REGIMES
from regime.workflows.ledger import NO_LEDGER, Ledger
from regime.workflows.luck import luck
from regime.workflows.luck_rule import rule_luck
from regime.workflows.luck_skill import skill_luck
from regime.workflows.settings import load_settings
from regime.workflows.verdict import judge

DAYS = pd.bdate_range("2010-01-01", periods=1500, name="date")


def logistic(odds):
    return 1 / (1 + np.exp(-odds))


@pytest.fixture(scope="module")
def settings():
    return load_settings("demo.yaml", ["tracking=NullTracker"])


@pytest.fixture(scope="module")
def truth():
    """Ten spells of thirty sessions."""
    stress = pd.Series((np.arange(1500) % 150 < 30).astype(float), index=DAYS)
    return Truth(stress=stress, known_at=pd.Series(DAYS, index=DAYS))


def forecasts(truth, strength, seed=3):
    """A model of some strength, a weak rival and the base rate."""
    draw, tilt = np.random.default_rng(seed), truth.stress.to_numpy() - 0.5
    model = pd.DataFrame(
        {"deleveraging": logistic(-1.5 + strength * tilt + draw.normal(0, 0.5, 1500))}, index=DAYS
    )
    rivals = pd.DataFrame(
        {"weak": logistic(-1.4 + 0.5 * tilt + draw.normal(0, 0.5, 1500)), "base_rate": 0.2},
        index=DAYS,
    )
    return model, rivals


def strategy(mean=0.0006, target=0.0002, seed=5):
    """Returns of a rule and of the volatility target, over nothing earned by cash."""
    draw = np.random.default_rng(seed).normal(0, 0.01, (2, 1499))
    own, other = (
        pd.Series(draw[i] + drift, index=DAYS[1:]) for i, drift in enumerate((mean, target))
    )
    cash = pd.Series(0.0, index=DAYS[1:])
    return SimpleNamespace(
        result=SimpleNamespace(returns=own, cash_returns=cash),
        benchmarks={"vol_target_12": SimpleNamespace(returns=other)},
    )


def trials(count, seed=9):
    draw = np.random.default_rng(seed).normal(0, 0.01, (count, 1499))
    return {str(trial): pd.Series(draw[trial], index=DAYS[1:]) for trial in range(count)}


def test_every_account_is_that_of_the_evaluation(settings, truth):
    model, rivals = forecasts(truth, 2.0)
    verdict = judge(settings, truth, model, rivals)
    found = skill_luck(settings, truth, model, rivals, verdict)
    losses = pd.DataFrame(
        {
            name: log_losses(truth.stress.to_numpy(), own.to_numpy())
            for name, own in {"model": model["deleveraging"], **rivals}.items()
        }
    )
    assert found.best == verdict.skill.against
    assert found.equal == diebold_mariano(
        losses["model"].to_numpy(), losses[found.best].to_numpy(), horizon=63
    )
    assert found.confidence == model_confidence_set(
        losses[["model", *(name for name in verdict.table.index if name != "model")]],
        seed=settings.seed,
    )
    for name in rivals:
        alone = skill(truth, model["deleveraging"], rivals[name], against=name, seed=settings.seed)
        assert (
            found.rivals.loc[name, ["skill", "low", "high"]] == [alone.skill, *alone.interval]
        ).all()
    assert found.rivals["skill"].is_monotonic_increasing


def test_a_strong_model_stands_alone_and_a_blind_one_does_not(settings, truth):
    told = {}
    for strength in (3.0, 0.0):
        model, rivals = forecasts(truth, strength)
        told[strength] = skill_luck(
            settings, truth, model, rivals, judge(settings, truth, model, rivals)
        )
    strong, blind = told[3.0], told[0.0]
    assert strong.confidence.included == ("model",) and not list(strong.doubts())
    assert (
        strong.equal.p_value < 0.05
        and strong.rival_beaten.best == "model"
        and strong.rival_beaten.p_value < 0.05
    )
    assert strong.model_beaten.p_value > 0.5
    assert blind.rivals["low"].min() < 0 and blind.model_beaten.p_value < 0.5
    assert any("may not be the best forecast here" in line for line in blind.doubts())


def test_alone_the_deflated_ratio_is_the_probabilistic_one():
    book = strategy()
    found = rule_luck(book, NO_LEDGER)
    sample = sharpe_sample(book.result.returns)
    assert found.sharpe == probabilistic_sharpe(sample) and found.trials == 1
    assert found.deflated.probability == found.independent.probability == found.sharpe.probability
    assert found.overfitting is None and found.backtest is None and found.shared == 1499
    assert not any("best of 1 trial" in line for line in found.sentences())
    assert any("counts as the only one" in line for line in found.sentences())
    bar = sharpe_sample(book.benchmarks["vol_target_12"].returns).sharpe
    assert (
        found.over == probabilistic_sharpe(sample, bar)
        and found.over.probability < found.sharpe.probability
    )


def test_every_trial_counts_whether_its_returns_were_kept_or_not():
    book, known = strategy(), trials(6)
    found = rule_luck(book, Ledger(rows=8, tuned=200, returns=known, note="8 rows"))
    twin = accounts({**known, "this run": book.result.returns}, chosen="this run", counted=209)
    assert found.trials == 209 and found.deflated == twin.deflated
    assert (
        found.overfitting.probability == twin.overfitting.probability
        and found.overfitting.trials == 7
    )
    sample = sharpe_sample(book.result.returns)
    assert found.independent == deflated_sharpe(sample, trials=209, variance=1 / 1498)
    fewer = rule_luck(book, Ledger(rows=8, returns=known, note="8 rows"))
    assert found.deflated.probability < fewer.deflated.probability < found.sharpe.probability
    assert "209 trials" in " ".join(found.sentences()) and found.backtest.trials == 209


def test_trials_of_other_years_are_counted_but_not_compared():
    book = strategy()
    moved = {
        name: own.set_axis(own.index + pd.DateOffset(years=28)) for name, own in trials(3).items()
    }
    found = rule_luck(book, Ledger(rows=3, returns=moved, note="3 rows"))
    assert found.trials == 4 and found.overfitting is None
    assert found.deflated == found.independent and found.deflated.trials == 4
    part = {name: own.iloc[:600] for name, own in trials(3).items()}
    shorter = rule_luck(book, Ledger(rows=3, returns=part, note="3 rows"))
    assert (
        shorter.shared == 600
        and f"from {DAYS[1]:%Y-%m-%d} to {DAYS[600]:%Y-%m-%d}" in shorter.counted
    )


def test_a_rule_that_never_leaves_cash_has_no_account(settings, truth):
    book, idle = strategy(), strategy()
    idle.result.returns = idle.result.cash_returns
    assert rule_luck(idle, NO_LEDGER) is None
    short = SimpleNamespace(
        result=SimpleNamespace(
            returns=book.result.returns[:100], cash_returns=book.result.cash_returns[:100]
        ),
        benchmarks=book.benchmarks,
    )
    assert rule_luck(short, NO_LEDGER) is None


def test_doubts_are_what_is_not_shown():
    sure = rule_luck(strategy(mean=0.0020, target=-0.001), NO_LEDGER)
    assert list(sure.doubts()) == []
    unsure = rule_luck(strategy(mean=0.0001), Ledger(rows=300, returns=trials(6), note="300 rows"))
    told = " ".join(unsure.doubts())
    assert (
        "with 301 trials counted the deflated Sharpe ratio is" in told
        and "12 % volatility target" in told
    )


def test_the_summary_is_plain_and_finite(settings, truth):
    model, rivals = forecasts(truth, 2.0)
    verdict = judge(settings, truth, model, rivals)
    ledger = Ledger(rows=4, returns=trials(4), note="4 rows")
    found = luck(settings, truth, model, rivals, verdict, strategy(mean=-0.0005), ledger)
    summary = json.loads(json.dumps(found.summary(), allow_nan=False))
    assert summary["trials"] == 5 and summary["counted"] == "4 rows"
    assert (
        summary["rule"]["minimum_track_record_years"] is None and 0 <= summary["rule"]["pbo"] <= 1
    )
    assert set(summary["skill"]["rivals"]) == {"weak", "base_rate"}
    assert len(summary["sentences"]) >= 9


def test_a_forecast_of_stress_alone_is_scored_by_a_truth_of_all_regimes(settings, truth):
    model, rivals = forecasts(truth, 2.0)
    regime = pd.Series(
        pd.Categorical(
            np.where(truth.stress == 1, "deleveraging", "calm"),
            categories=list(REGIMES),
            ordered=True,
        ),
        index=DAYS,
    )
    told, plain = (
        judge(settings, own, model, rivals).table for own in (replace(truth, regime=regime), truth)
    )
    pd.testing.assert_frame_equal(told, plain)
    assert np.isnan(told.loc["model", "multi_log_loss"])


def test_where_nothing_can_be_scored_it_is_said(settings, truth):
    model, rivals = forecasts(truth, 2.0)
    calm = replace(truth, stress=truth.stress * 0.0)
    idle = strategy()
    idle.result.returns = idle.result.cash_returns
    found = luck(settings, calm, model, rivals, judge(settings, calm, model, rivals), idle)
    assert found.skill is None and found.rule is None and found.doubts() == ()
    assert len(found.sentences()) == 2 and all(
        "cannot be said" in line for line in found.sentences()
    )
    few = Truth(stress=truth.stress[:200], known_at=truth.known_at[:200])
    verdict = judge(settings, few, model[:200], rivals[:200])
    assert skill_luck(settings, few, model[:200], rivals[:200], verdict) is None
