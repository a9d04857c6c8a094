import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.evaluation.skill import best_baseline, skill, skill_interval
from regime.evaluation.truth import Truth


def series(values) -> pd.Series:
    return pd.Series(
        np.asarray(values, dtype=float),
        pd.bdate_range("2015-01-01", periods=len(values), name="date"),
    )


def brute_interval(model, baseline, block, draws, seed):
    """All draws at once, as a table of wrapped positions."""
    n = len(model)
    starts = np.random.default_rng(seed).integers(0, n, (draws, int(np.ceil(n / block))))
    rows = np.stack(
        [np.concatenate([(s + np.arange(block)) % n for s in row])[:n] for row in starts]
    )
    return np.quantile(1 - model[rows].mean(axis=1) / baseline[rows].mean(axis=1), [0.05, 0.95])


@pytest.mark.parametrize(("n", "block"), [(500, 63), (126, 63), (40, 63)])
def test_interval_equals_brute_force(n, block):
    rng = np.random.default_rng(n)
    ours, theirs = rng.random(n), rng.random(n) + 0.1
    assert skill_interval(ours, theirs, block=block, draws=80, seed=3) == pytest.approx(
        brute_interval(ours, theirs, block, 80, 3), abs=1e-12
    )


def test_interval_is_of_the_seed_and_holds_a_constant_ratio():
    losses = np.random.default_rng(0).random(300)
    assert skill_interval(losses, losses * 2) == pytest.approx((0.5, 0.5))
    other = losses[::-1].copy()
    assert skill_interval(losses, other, seed=1) == skill_interval(losses, other, seed=1)
    assert skill_interval(losses, other, seed=1) != skill_interval(losses, other, seed=2)


def test_interval_refuses_losses_of_other_rows():
    with pytest.raises(InvalidDataError, match="same rows, got 3 and 2"):
        skill_interval(np.ones(3), np.ones(2))


def test_skill_of_a_forecast_over_itself_is_nothing():
    stress = series(np.r_[np.zeros(150), np.ones(50)])
    truth = Truth(stress=stress, known_at=pd.Series(stress.index, index=stress.index))
    p = series(np.linspace(0.1, 0.9, 200))
    result = skill(truth, p, p, against="itself")
    assert result.skill == 0 and result.interval == (0, 0) and result.against == "itself"


def test_better_forecast_has_the_skill_of_its_losses():
    stress = series(np.tile(np.r_[np.zeros(15), np.ones(5)], 20))
    truth = Truth(stress=stress, known_at=pd.Series(stress.index, index=stress.index))
    result = skill(truth, stress * 0.8 + 0.1, series(np.full(400, 0.25)), against="base_rate")
    assert result.skill == pytest.approx(
        1 - -np.log(0.9) / (-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    )


def test_skill_refuses_other_dates():
    stress = series([0, 1, 0, 1])
    truth = Truth(stress=stress, known_at=pd.Series(stress.index, index=stress.index))
    with pytest.raises(InvalidDataError, match="model has 4 rows, vix 3"):
        skill(truth, stress, stress.iloc[1:], against="vix")


def test_best_baseline_has_the_lowest_loss_and_is_not_the_model():
    table = pd.DataFrame(
        {"log_loss": [0.3, 0.5, 0.4, np.nan]}, index=["model", "vix", "rank", "broken"]
    )
    assert best_baseline(table) == "rank"
    with pytest.raises(InvalidDataError, match="no scored row beside `model`"):
        best_baseline(table.loc[["model"]])
