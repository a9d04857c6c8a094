"""Scores against scikit-learn's, and skill against brute force."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from regime.errors import InvalidDataError
from regime.evaluation.scores import (
    average_precision,
    best_baseline,
    brier_score,
    fold_scores,
    log_losses,
    measure_skill,
    multiclass_log_loss,
    ranking_scores,
    roc_auc,
    score_table,
    skill_interval,
)
from regime.evaluation.truth import Truth
from regime.schema import REGIMES

SAMPLES = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=60).filter(
    lambda rows: 0 < sum(y for y, _ in rows) < len(rows)
)


def truth_of(stress, regime=None) -> Truth:
    index = pd.bdate_range("2015-01-01", periods=len(stress), name="date")
    stress = pd.Series(np.asarray(stress, dtype=float), index)
    known = pd.Series(index, index=index).where(stress.notna())
    kinds = (
        None
        if regime is None
        else pd.Series(pd.Categorical(regime, categories=list(REGIMES), ordered=True), index=index)
    )
    return Truth(stress=stress, known_at=known, regime=kinds)


def on(truth: Truth, values) -> pd.Series:
    return pd.Series(np.asarray(values, dtype=float), truth.stress.index)


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(3)
    y = (rng.random(800) < 0.2).astype(float)
    return y, np.round(
        np.clip(0.2 + 0.3 * (y - 0.2) + 0.2 * rng.standard_normal(800), 0.01, 0.99), 2
    )


def test_log_loss_equals_sklearn_and_brier_its_definition(sample):
    y, p = sample
    assert log_losses(y, p).mean() == pytest.approx(metrics.log_loss(y, p), abs=1e-12)
    assert brier_score(y, p) == pytest.approx(np.mean((p - y) ** 2), abs=1e-12)


@given(SAMPLES)
def test_ranking_with_ties_is_counted_pair_by_pair(rows):
    y, s = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    pairs = np.sign(s[y == 1][:, None] - s[y == 0][None, :])
    assert roc_auc(y, s) == pytest.approx((pairs.mean() + 1) / 2, abs=1e-12)
    precision = [y[s >= value].mean() for value in s[y == 1]]  # equal scores are one step
    assert average_precision(y, s) == pytest.approx(np.mean(precision), abs=1e-12)


@given(SAMPLES, st.floats(0.1, 10), st.floats(-5, 5))
def test_ranking_needs_only_the_order(rows, stretch, shift):
    y, s = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    assert average_precision(y, s * stretch + shift) == average_precision(y, s)
    assert roc_auc(y, -s) == pytest.approx(1 - roc_auc(y, s), abs=1e-12)


def test_log_loss_is_clipped_at_one_in_ten_thousand():
    assert log_losses(np.array([1.0, 0.0]), np.array([0.0, 1.0])).tolist() == pytest.approx(
        [-np.log(1e-4)] * 2
    )


def test_by_hand():
    # highest first: 1, 0, 1, 0; precision 1 at recall 1/2, then 2/3 at recall 1
    assert average_precision(np.array([1, 0, 1, 0]), np.array([4, 3, 2, 1])) == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert roc_auc(np.array([1, 0, 1, 0]), np.array([4, 3, 2, 1])) == pytest.approx(3 / 4)
    assert brier_score(np.array([1.0, 0.0]), np.array([0.8, 0.4])) == pytest.approx(
        (0.04 + 0.16) / 2
    )


def test_one_class_has_no_ranking():
    p = np.array([0.1, 0.2])
    assert np.isnan(average_precision(np.zeros(2), p)) and np.isnan(roc_auc(np.zeros(2), p))
    assert average_precision(np.ones(2), p) == 1 and np.isnan(roc_auc(np.ones(2), p))
    table = score_table(truth_of([0, 0]), {"m": on(truth_of([0, 0]), p)})
    assert np.isfinite(table.loc["m", ["log_loss", "brier"]].astype(float)).all()
    assert np.isnan(table.loc["m", "average_precision"]) and table.loc["m", "base_rate"] == 0


def test_multiclass_equals_sklearn():
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(4), 300) * 0.9 + 0.025
    regime = rng.integers(0, 4, 300)
    truth = truth_of(regime == 2, [REGIMES[k] for k in regime])
    frame = pd.DataFrame(p, truth.stress.index, list(REGIMES))
    expected = metrics.log_loss(regime, p, labels=range(4))
    assert multiclass_log_loss(truth.regime, frame) == pytest.approx(expected, abs=1e-12)
    table = score_table(truth, {"m": frame, "binary": frame["deleveraging"]})
    assert table.loc["m", "multi_log_loss"] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(table.loc["binary", "multi_log_loss"])
    assert table.loc["m", "log_loss"] == table.loc["binary", "log_loss"]


def test_multiclass_without_a_known_regime_is_nan():
    frame = pd.DataFrame(0.25, pd.bdate_range("2020-01-01", periods=3, name="date"), list(REGIMES))
    assert np.isnan(
        multiclass_log_loss(
            pd.Series(pd.Categorical([None] * 3, list(REGIMES)), frame.index), frame
        )
    )


def test_unknown_truth_is_left_out(sample):
    y, p = sample
    holes = y.copy()
    holes[700:] = np.nan
    truth = truth_of(holes)
    table = score_table(truth, {"m": on(truth, p)})
    assert table.loc["m", "days"] == 700
    assert table.loc["m", "log_loss"] == pytest.approx(log_losses(y[:700], p[:700]).mean())


def test_all_unknown_gives_nan_and_no_day():
    truth = truth_of([np.nan, np.nan])
    row = score_table(truth, {"m": on(truth, [0.2, 0.3])}).loc["m"]
    assert row["days"] == 0 and row.drop("days").isna().all()


def test_few_missing_probabilities_count_as_the_base_rate_and_many_are_refused(sample):
    y, p = sample
    truth = truth_of(y)
    holes = on(truth, p)
    holes.iloc[[5, 9]] = np.nan
    filled = on(truth, p)
    filled.iloc[[5, 9]] = y.mean()
    assert (
        score_table(truth, {"a": holes}).loc["a", "brier"]
        == score_table(truth, {"a": filled}).loc["a", "brier"]
    )
    holes.iloc[:10] = np.nan
    with pytest.raises(InvalidDataError, match=r"mine: 1\.2% of 800 probabilities are missing"):
        score_table(truth, {"mine": holes})


def test_value_outside_and_foreign_date_are_refused():
    truth = truth_of([0, 1, 0])
    with pytest.raises(InvalidDataError, match=r"m: 2015-01-02: 1\.5 lies outside"):
        score_table(truth, {"m": on(truth, [0.1, 1.5, 0.2])})
    foreign = pd.Series([0.1], pd.DatetimeIndex(["2030-01-01"], name="date"))
    with pytest.raises(InvalidDataError, match="2030-01-01 is not a session of the truth"):
        score_table(truth, {"m": foreign})


def test_raw_scores_may_have_any_unit_and_holes(sample):
    y, p = sample
    truth = truth_of(y)
    score = on(truth, 100 * p - 7)
    score.iloc[4] = np.nan
    table = ranking_scores(truth, {"s": score})
    assert table.loc["s", "average_precision"] == average_precision(
        y, score.fillna(score.median()).to_numpy()
    )
    assert table.loc["s", "base_rate"] == y.mean()


def test_folds_are_scored_apart_and_unknown_blocks_left_out(sample):
    y, p = sample
    stress = y.copy()
    stress[600:] = np.nan
    truth = truth_of(stress)
    forecast = on(truth, p)
    forecast.iloc[:200] = np.nan
    blocks = [SimpleNamespace(test=np.arange(a, a + 200)) for a in (200, 400, 600)]
    table = fold_scores(truth, {"m": forecast, "base": on(truth, np.full(800, 0.2))}, blocks)
    assert table.index.names == ["fold", "first", "model"] and len(table) == 4
    first = table.xs("m", level="model").iloc[0]
    assert first["log_loss"] == pytest.approx(log_losses(y[200:400], p[200:400]).mean())
    with pytest.raises(InvalidDataError, match="no test block has a known truth"):
        fold_scores(truth, {"m": forecast}, blocks[2:])


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
    result = measure_skill(truth, p, p, against="itself")
    assert result.skill == 0 and result.interval == (0, 0) and result.against == "itself"


def test_better_forecast_has_the_skill_of_its_losses():
    stress = series(np.tile(np.r_[np.zeros(15), np.ones(5)], 20))
    truth = Truth(stress=stress, known_at=pd.Series(stress.index, index=stress.index))
    result = measure_skill(
        truth, stress * 0.8 + 0.1, series(np.full(400, 0.25)), against="base_rate"
    )
    assert result.skill == pytest.approx(
        1 - -np.log(0.9) / (-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)))
    )


def test_skill_refuses_other_dates():
    stress = series([0, 1, 0, 1])
    truth = Truth(stress=stress, known_at=pd.Series(stress.index, index=stress.index))
    with pytest.raises(InvalidDataError, match="model has 4 rows, vix 3"):
        measure_skill(truth, stress, stress.iloc[1:], against="vix")


def test_best_baseline_has_the_lowest_loss_and_is_not_the_model():
    table = pd.DataFrame(
        {"log_loss": [0.3, 0.5, 0.4, np.nan]}, index=["model", "vix", "rank", "broken"]
    )
    assert best_baseline(table) == "rank"
    with pytest.raises(InvalidDataError, match="no scored row except `model`"):
        best_baseline(table.loc[["model"]])
