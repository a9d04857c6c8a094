"""Tests of losses: published numbers, equal losses, clear winners, and the level under the null."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from regime.errors import InvalidDataError
from regime.evaluation.forecast_tests import diebold_mariano, model_confidence_set, superior_ability

OURS = np.array([0.5, -1.2, 0.3, 0.8, -0.6, 1.1, -0.9, 0.4, 0.2, -0.7]) ** 2
THEIRS = np.array([0.7, -1, 0.6, 1.1, -0.9, 1, -1.3, 0.2, 0.5, -0.8]) ** 2


def losses(seed=0, days=400, **gains):
    """A column a forecast: the same hard and easy days, noise of its own, less its gain."""
    rng = np.random.default_rng(seed)
    days_index = pd.bdate_range("2010-01-04", periods=days, name="date")
    hard = rng.gamma(2.0, 0.1, days)
    return pd.DataFrame(
        {name: hard + rng.normal(0, 0.05, days) - gain for name, gain in gains.items()}, days_index
    )


@pytest.mark.parametrize(
    ("horizon", "statistic", "corrected", "p"),
    [(1, -1.7206888, -1.6323887, 0.1370323), (2, -4.0672592, -3.4511839, 0.0072611)],
)
def test_diebold_mariano_of_the_published_numbers(horizon, statistic, corrected, p):
    found = diebold_mariano(OURS, THEIRS, horizon=horizon)
    assert found.statistic == pytest.approx(statistic, abs=5e-8)
    assert found.corrected == pytest.approx(corrected, abs=5e-8)
    assert found.p_value == pytest.approx(p, abs=5e-8)
    assert (
        found.gain == pytest.approx(float(np.mean(THEIRS - OURS))) and found.kernel == "rectangular"
    )


def test_diebold_mariano_of_one_session_is_students_t():
    rng = np.random.default_rng(1)
    ours, theirs = rng.random(50), rng.random(50)
    found, t = diebold_mariano(ours, theirs), stats.ttest_rel(ours, theirs)
    assert found.corrected == pytest.approx(t.statistic) and found.p_value == pytest.approx(
        t.pvalue
    )


def test_equal_losses_are_no_difference():
    found = diebold_mariano(OURS, OURS, horizon=3)
    assert (found.statistic, found.corrected, found.p_value, found.gain) == (0, 0, 1, 0)
    assert str(found).startswith("Equal losses: p 1.000 of no difference")


def test_a_gain_that_never_varies_is_sure():
    found = diebold_mariano(OURS - 0.5, OURS + 0.5 - 1e-17)
    assert found.statistic == -math.inf or found.p_value < 1e-12
    same = diebold_mariano(np.full(9, 0.25), np.full(9, 0.75))
    assert same.statistic == -math.inf and same.p_value == 0


def test_sides_are_symmetric():
    one, other = diebold_mariano(OURS, THEIRS, horizon=2), diebold_mariano(THEIRS, OURS, horizon=2)
    assert one.statistic == -other.statistic and one.p_value == other.p_value
    assert "lower by" in str(one) and "higher by" in str(other)


def test_a_variance_below_zero_falls_back_to_weights_that_cannot_give_one():
    swing = np.tile([1.0, -1.0], 20) + 0.1
    found = diebold_mariano(swing, np.zeros(40), horizon=2)
    assert found.kernel == "bartlett" and math.isfinite(found.statistic) and found.statistic > 0


def test_dependent_losses_are_less_sure():
    blocks = np.repeat(np.random.default_rng(3).normal(0.2, 1.0, 40), 10)
    assert (
        diebold_mariano(blocks, np.zeros(400), horizon=10).p_value
        > diebold_mariano(blocks, np.zeros(400)).p_value
    )


def test_superior_ability_finds_the_better_alternative_and_only_it():
    table = losses(vix=0.0, rank=-0.01, model=0.03)
    found = superior_ability(table, "vix", draws=200)
    assert (
        found.p_value < 0.02 and found.best == "model" and found.alternatives == ("rank", "model")
    )
    assert found.gain == pytest.approx(float((table["vix"] - table["model"]).mean()))
    against = superior_ability(table, "model", draws=200)
    assert against.p_value == 1


def test_superior_ability_orders_its_bounds():
    found = superior_ability(losses(seed=4, a=0.0, b=0.003, c=-0.05, d=-0.5), "a", draws=300)
    assert found.lower <= found.p_value <= found.upper


def test_superior_ability_keeps_its_level_under_the_null():
    refused = sum(
        superior_ability(
            losses(seed=seed, days=150, a=0, b=0, c=0, d=0, e=0), "a", draws=100, block=2
        ).p_value
        < 0.1
        for seed in range(60)
    )
    assert refused <= 12  # 10 % of 60 is 6, and 2.6 standard deviations


def test_a_volatile_alternative_does_not_hide_a_steady_gain():
    table = losses(seed=2, a=0.0, steady=0.006)
    table["wild"] = table["a"] + np.random.default_rng(9).normal(0.0, 5.0, len(table))
    found = superior_ability(table, "a", draws=300)
    assert found.best == "steady" and found.p_value < 0.15
    scaled = table.assign(wild=table["a"] + (table["wild"] - table["a"]) / 100)
    assert superior_ability(scaled, "a", draws=300, block=found.block).p_value == found.p_value


def test_alternatives_with_the_benchmarks_own_losses_are_not_better():
    table = losses(a=0.0)
    twins = table.assign(b=table["a"], c=table["a"])
    found = superior_ability(twins, "a", draws=50)
    assert (found.p_value, found.lower, found.upper, found.gain) == (1, 1, 1, 0)
    with_model = superior_ability(twins.assign(model=table["a"] - 0.1), "a", draws=50)
    assert with_model.p_value == 0 and with_model.best == "model"
    assert superior_ability(twins.assign(model=table["a"] + 0.1), "a", draws=50).p_value == 1


def test_confidence_set_holds_the_clear_winner_alone():
    found = model_confidence_set(losses(vix=0.0, rank=0.01, model=0.08), draws=300)
    assert (
        found.included == ("model",)
        and found.p_values["model"] == 1
        and found.p_values["vix"] < 0.1
    )
    assert str(found) == "Of 3 forecasts the best, with 90% confidence, is `model`."


def test_confidence_set_keeps_what_cannot_be_distinguished():
    table = losses(seed=8, a=0.0, b=0.0, c=0.0, bad=-0.1)
    found = model_confidence_set(table, draws=300)
    assert set(found.included) == {"a", "b", "c"} and found.p_values["bad"] < 0.1
    assert list(found.included) == list(table[["a", "b", "c"]].mean().sort_values().index)
    assert "is among `" in str(found)


def test_equal_losses_are_in_the_set_together():
    table = losses(a=0.0, model=0.1)
    found = model_confidence_set(table.assign(twin=table["model"], other=table["a"]), draws=100)
    assert (
        set(found.included) == {"model", "twin"} and found.p_values["other"] == found.p_values["a"]
    )
    same = model_confidence_set(pd.DataFrame({name: table["a"] for name in "xyz"}), draws=20)
    assert same.included == ("x", "y", "z") and set(same.p_values.values()) == {1.0}
    sure = model_confidence_set(table.assign(model=table["a"] - 0.25), draws=20)
    assert sure.included == ("model",)


def test_the_seed_is_the_answer():
    table = losses(seed=1, a=0.0, b=0.004)
    assert superior_ability(table, "a", seed=5, draws=60) == superior_ability(
        table, "a", seed=5, draws=60
    )
    assert model_confidence_set(table, seed=5, draws=60) == model_confidence_set(
        table, seed=5, draws=60
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: diebold_mariano(OURS, THEIRS, horizon=10),
            "more sessions than the horizon 10, got 10",
        ),
        (lambda: diebold_mariano(OURS, THEIRS, horizon=0), "horizon 0"),
        (lambda: diebold_mariano(OURS, np.where(THEIRS > 1, np.nan, THEIRS)), "finite losses"),
        (lambda: diebold_mariano(OURS, THEIRS[1:]), "losses of the same sessions, got 10 and 9"),
        (lambda: superior_ability(losses(a=0, b=0), "model"), "no column `model`; they have a, b"),
        (lambda: superior_ability(losses(a=0), "a"), "2 forecasts and 20 sessions, got 1 and 400"),
        (lambda: model_confidence_set(losses(days=19, a=0, b=0)), "got 2 and 19"),
        (lambda: model_confidence_set(losses(a=0, b=0), level=1.0), "level 1.0 must lie"),
        (
            lambda: model_confidence_set(losses(a=0, b=0).mask(lambda t: t > 0.3)),
            "is not a finite number; compare all",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(InvalidDataError, match=message):
        call()
