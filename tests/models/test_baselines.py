from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from regime.errors import InvalidDataError
from regime.models.baselines import (
    base_rate,
    baseline_probabilities,
    elastic_net,
    online_jump,
    persistence_score,
)

N = 1600


@pytest.fixture(scope="module")
def world():
    """Two-state world: stress of about 40 sessions, known 20 sessions after it ends."""
    rng = np.random.default_rng(11)
    index = pd.bdate_range("2000-01-03", periods=N, name="date")
    state, stress = 0, np.zeros(N)
    for t in range(N):
        state = int(rng.random() < (0.975 if state else 0.008))
        stress[t] = state
    returns = pd.Series(
        rng.standard_normal(N) * np.where(stress, 0.02, 0.008) + np.where(stress, -0.008, 0.002),
        index,
    )
    truth = pd.Series(stress, index)
    known_at = pd.Series(index, index=index).shift(-60)
    folds = [
        SimpleNamespace(refit=index[a - 1], test=np.arange(a, a + 200)) for a in range(800, N, 200)
    ]
    return SimpleNamespace(
        index=index, returns=returns, truth=truth, known_at=known_at, folds=folds
    )


def losses(truth, p):
    rows = p.notna()
    y, q = truth[rows], p[rows].clip(1e-4, 1 - 1e-4)
    return float(-(y * np.log(q) + (1 - y) * np.log(1 - q)).mean())


def test_base_rate_is_of_what_was_known(world):
    rate = base_rate(world.truth, world.known_at, world.folds)
    assert rate.iloc[:800].isna().all()
    for fold in world.folds:
        known = world.truth.iloc[: fold.test[0] - 60]
        assert (rate.iloc[fold.test] == known.mean()).all()


def test_base_rate_without_a_known_row_is_nan(world):
    never = pd.Series(pd.NaT, world.index, dtype=world.known_at.dtype)
    assert base_rate(world.truth, never, world.folds).isna().all()


def test_persistence_equals_the_sum_over_known_stress(world):
    score = persistence_score(world.truth, world.known_at, halflife=30)
    decay = 0.5 ** (1 / 30)
    for t in (0, 250, 700, 1599):
        known = [
            s
            for s in range(t + 1)
            if world.truth.iloc[s] == 1 and world.known_at.iloc[s] <= world.index[t]
        ]
        assert score.iloc[t] == pytest.approx(
            (1 - decay) * sum(decay ** (t - s) for s in known), abs=1e-12
        )


def test_persistence_does_not_tell_calm_from_unknown(world):
    calm_at_once = world.known_at.where(world.truth == 1, pd.Series(world.index, index=world.index))
    holes = world.truth.where(world.truth == 1)
    expected = persistence_score(world.truth, world.known_at)
    pd.testing.assert_series_equal(expected, persistence_score(world.truth, calm_at_once))
    pd.testing.assert_series_equal(
        expected, persistence_score(holes, world.known_at.where(holes.notna()))
    )


def test_persistence_of_a_cut_history_is_equal(world):
    whole = persistence_score(world.truth, world.known_at)
    cut = persistence_score(world.truth[:900], world.known_at[:900])
    assert whole[:900].to_numpy().tobytes() == cut.to_numpy().tobytes()


def test_persistence_of_lasting_stress_goes_to_one():
    index = pd.bdate_range("2000-01-03", periods=2000, name="date")
    score = persistence_score(pd.Series(1.0, index), pd.Series(index, index=index))
    assert score.iloc[-1] == pytest.approx(1, abs=1e-6) and score.max() <= 1 and score.iloc[0] > 0


def test_table_of_baselines_has_base_rate_persistence_then_the_scores(world):
    vol = world.returns.ewm(halflife=21).std()
    frame = baseline_probabilities(
        pd.DataFrame({"vol": vol, "noise": np.sin(np.arange(N))}, world.index),
        world.truth,
        world.known_at,
        iter(world.folds),
    )
    assert list(frame) == ["base_rate", "persistence", "vol", "noise"]
    assert frame.iloc[:800].isna().all().all() and frame.iloc[800:].notna().all().all()
    assert losses(world.truth, frame["vol"]) < 0.8 * losses(world.truth, frame["base_rate"])
    assert losses(world.truth, frame["noise"]) > 0.9 * losses(world.truth, frame["base_rate"])


def features_of(world) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({f"noise_{k}": rng.standard_normal(N) for k in range(6)}, world.index)
    frame.insert(0, "vol", world.returns.ewm(halflife=10).std())
    frame["empty"] = np.nan
    frame["constant"] = 0.1
    return frame


def test_elastic_net_beats_the_base_rate_with_holes_and_dead_columns(world):
    X = features_of(world)
    X.iloc[50:80, 0] = np.nan
    p = elastic_net(X, world.truth, world.known_at, world.folds)
    assert p.iloc[:800].isna().all() and p.iloc[800:].between(0, 1).all()
    assert losses(world.truth, p) < 0.9 * losses(
        world.truth, base_rate(world.truth, world.known_at, world.folds)
    )


def test_elastic_net_equals_sklearn_on_the_first_fold(world):
    X = features_of(world)[["vol", "noise_0"]].bfill()
    p = elastic_net(X, world.truth, world.known_at, world.folds[:1], C=0.05, seed=1)
    train = X.iloc[:740]
    scaled = ((X - train.mean()) / train.std(ddof=0)).to_numpy()
    model = LogisticRegression(
        C=0.05, l1_ratio=0.5, solver="saga", tol=1e-8, max_iter=20_000, random_state=1
    )
    expected = model.fit(scaled[:740], world.truth.iloc[:740]).predict_proba(scaled[800:1000])[:, 1]
    assert p.iloc[800:1000].to_numpy() == pytest.approx(expected, abs=2e-3)


def test_elastic_net_strong_penalty_leaves_the_base_rate(world):
    p = elastic_net(features_of(world), world.truth, world.known_at, world.folds, C=1e-7)
    rate = base_rate(world.truth, world.known_at, world.folds)
    assert (p - rate).abs().max() < 1e-3


def test_elastic_net_soft_labels_between_hard_ones(world):
    X = features_of(world)
    soft = elastic_net(X, 0.1 + 0.8 * world.truth, world.known_at, world.folds, C=0.05)
    hard = elastic_net(X, world.truth, world.known_at, world.folds, C=0.05)
    assert soft.iloc[800:].std() < hard.iloc[800:].std() and soft.corr(hard) > 0.9
    assert soft.iloc[800:].min() > hard.iloc[800:].min()


def test_elastic_net_is_of_its_seed_and_of_its_rows_alone(world):
    X = features_of(world)
    whole = elastic_net(X, world.truth, world.known_at, world.folds)
    cut = elastic_net(
        X[:1100],
        world.truth[:1100],
        world.known_at[:1100],
        [SimpleNamespace(refit=world.folds[0].refit, test=np.arange(800, 930))],
    )
    assert whole.to_numpy()[800:930].tobytes() == cut.to_numpy()[800:930].tobytes()


def test_elastic_net_with_one_class_is_nan(world):
    assert (
        elastic_net(features_of(world), world.truth * 0, world.known_at, world.folds).isna().all()
    )


def test_online_jump_beats_the_base_rate_and_knows_as_many_values_as_states(world):
    p = online_jump(world.returns, world.truth, world.known_at, world.folds, penalty=10)
    assert p.iloc[:800].isna().all() and p.iloc[800:].between(0, 1, inclusive="neither").all()
    assert all(p.iloc[fold.test].nunique() <= 2 for fold in world.folds)
    assert losses(world.truth, p) < 0.9 * losses(
        world.truth, base_rate(world.truth, world.known_at, world.folds)
    )


def test_online_jump_of_a_cut_history_is_equal(world):
    whole = online_jump(world.returns, world.truth, world.known_at, world.folds[:1], penalty=10)
    block = [SimpleNamespace(refit=world.folds[0].refit, test=np.arange(800, 870))]
    cut = online_jump(
        world.returns[:870], world.truth[:870], world.known_at[:870], block, penalty=10
    )
    assert whole.to_numpy()[:870].tobytes() == cut.to_numpy().tobytes()


def test_baselines_refuse_other_dates(world):
    with pytest.raises(InvalidDataError, match="their dates differ"):
        elastic_net(features_of(world).iloc[1:], world.truth, world.known_at, world.folds)
    with pytest.raises(InvalidDataError, match="their dates differ"):
        online_jump(world.returns.iloc[1:], world.truth, world.known_at, world.folds)
