"""Rule-of-thumb scores by hand, and baselines against their definitions."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from regime.errors import ConfigError, InvalidDataError
from regime.evaluation.scores import score_table
from regime.evaluation.truth import Truth
from regime.models import BASELINES
from regime.models.baselines import (
    RULE_OF_THUMB_SCORES,
    base_rate,
    baseline_probabilities,
    below_200dma,
    downside_rank,
    drawdown_252,
    elastic_net,
    forecast_baselines,
    online_jump,
    persistence_score,
    realised_vol,
    rule_of_thumb_scores,
)
from regime.registry import PluginTable


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(6)
    index = pd.bdate_range("1978-01-02", periods=2600, name="date")
    returns = pd.Series(rng.standard_normal(2600) * 0.01 + 0.0003, index)
    close = 100 * (1 + returns).cumprod()
    vix = pd.Series(20 + 5 * np.sin(np.arange(2600) / 50), index)
    return close, returns, vix


@pytest.fixture(scope="module")
def table(market):
    return rule_of_thumb_scores(*market)


def test_columns_and_history(table):
    assert tuple(table) == RULE_OF_THUMB_SCORES and (table.dtypes == np.float64).all()
    assert table["drawdown_252"].isna().sum() == table["below_200dma"].isna().sum() == 59


@pytest.mark.parametrize("t", [59, 300, 2599])
def test_price_scores_by_hand(market, table, t):
    close = market[0].to_numpy()
    assert table["drawdown_252"].iloc[t] == pytest.approx(
        1 - close[t] / close[max(0, t - 251) : t + 1].max(), abs=1e-12
    )
    assert table["below_200dma"].iloc[t] == pytest.approx(
        1 - close[t] / close[max(0, t - 199) : t + 1].mean(), abs=1e-12
    )


def test_realised_vol_by_hand(market):
    r = market[1].to_numpy()[:400]
    w = 0.5 ** (np.arange(399, -1, -1) / 21)
    mean = (w * r).sum() / w.sum()
    biased = (w * (r - mean) ** 2).sum() / w.sum()
    unbiased = biased * w.sum() ** 2 / (w.sum() ** 2 - (w**2).sum())
    assert realised_vol(market[1]).iloc[399] == pytest.approx(np.sqrt(252 * unbiased), rel=1e-10)


def test_downside_rank_by_hand(market):
    close = market[0]["1980":]
    r = np.log(close / close.shift()).to_numpy()[1:]
    decay = 0.5 ** (1 / 21)

    def average(values):
        out, top, bottom = [], 0.0, 0.0
        for value in values:
            top, bottom = top * decay + value, bottom * decay + 1
            out.append(top / bottom)
        return np.array(out)

    deviation = np.sqrt(average(np.minimum(r, 0) ** 2))
    weakness = -average(r) / (deviation + 1e-5)
    score = downside_rank(market[0])
    for t in (999, 1500, len(r) - 1):
        ranks = [
            (v[: t + 1] < v[t]).mean() + ((v[: t + 1] == v[t]).sum() + 1) / 2 / (t + 1)
            for v in (deviation, weakness)
        ]
        assert score[close.index[t + 1]] == pytest.approx(np.mean(ranks), abs=1e-9)


def test_downside_rank_starts_after_its_minimum(market):
    close = market[0]
    score = downside_rank(close, start="1981-01-01", min_periods=300)
    first = score.first_valid_index()
    assert close["1981-01-01":first].size == 301  # one return is lost to the difference
    assert score.dropna().between(0, 1).all() and score.index.equals(close.index)


def test_higher_is_more_stress_in_a_crash(market):
    _, returns, vix = market
    fall = returns.copy()
    fall.iloc[-15:] = -0.03
    crashed = rule_of_thumb_scores(
        100 * (1 + fall).cumprod(), fall, vix + np.r_[np.zeros(2585), np.full(15, 30)]
    )
    assert (crashed.iloc[-1] > crashed.iloc[-20]).all() and crashed["downside_rank"].iloc[-1] > 0.99


def test_truncation(market, table):
    close, returns, vix = market
    for cut in (700, 2000):
        part = rule_of_thumb_scores(close[:cut], returns[:cut], vix[:cut])
        assert part.to_numpy().tobytes() == table.iloc[:cut].to_numpy().tobytes()


def test_vix_keeps_its_last_value_for_five_sessions(market):
    close, returns, vix = market
    holes = vix.drop(vix.index[100:108])
    column = rule_of_thumb_scores(close, returns, holes)["vix"]
    assert (column.iloc[100:105] == vix.iloc[99]).all() and column.iloc[105:108].isna().all()


def test_unit_of_the_index_does_not_matter(market):
    close = market[0]
    pd.testing.assert_series_equal(drawdown_252(close), drawdown_252(close * 1000))
    pd.testing.assert_series_equal(below_200dma(close), below_200dma(close * 1000))


N = 1600


@pytest.fixture(scope="module")
def sample():
    """Two-state sample: stress of about 40 sessions, known 20 sessions after it ends."""
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


def test_base_rate_is_of_what_was_known(sample):
    rate = base_rate(sample.truth, sample.known_at, sample.folds)
    assert rate.iloc[:800].isna().all()
    for fold in sample.folds:
        known = sample.truth.iloc[: fold.test[0] - 60]
        assert (rate.iloc[fold.test] == known.mean()).all()


def test_base_rate_without_a_known_row_is_nan(sample):
    never = pd.Series(pd.NaT, sample.index, dtype=sample.known_at.dtype)
    assert base_rate(sample.truth, never, sample.folds).isna().all()


def test_persistence_equals_the_sum_over_known_stress(sample):
    score = persistence_score(sample.truth, sample.known_at, halflife=30)
    decay = 0.5 ** (1 / 30)
    for t in (0, 250, 700, 1599):
        known = [
            s
            for s in range(t + 1)
            if sample.truth.iloc[s] == 1 and sample.known_at.iloc[s] <= sample.index[t]
        ]
        assert score.iloc[t] == pytest.approx(
            (1 - decay) * sum(decay ** (t - s) for s in known), abs=1e-12
        )


def test_persistence_does_not_tell_calm_from_unknown(sample):
    calm_at_once = sample.known_at.where(
        sample.truth == 1, pd.Series(sample.index, index=sample.index)
    )
    holes = sample.truth.where(sample.truth == 1)
    expected = persistence_score(sample.truth, sample.known_at)
    pd.testing.assert_series_equal(expected, persistence_score(sample.truth, calm_at_once))
    pd.testing.assert_series_equal(
        expected, persistence_score(holes, sample.known_at.where(holes.notna()))
    )


def test_persistence_of_a_cut_history_is_equal(sample):
    whole = persistence_score(sample.truth, sample.known_at)
    cut = persistence_score(sample.truth[:900], sample.known_at[:900])
    assert whole[:900].to_numpy().tobytes() == cut.to_numpy().tobytes()


def test_persistence_of_lasting_stress_goes_to_one():
    index = pd.bdate_range("2000-01-03", periods=2000, name="date")
    score = persistence_score(pd.Series(1.0, index), pd.Series(index, index=index))
    assert score.iloc[-1] == pytest.approx(1, abs=1e-6) and score.max() <= 1 and score.iloc[0] > 0


def test_table_of_baselines_has_base_rate_persistence_then_the_scores(sample):
    vol = sample.returns.ewm(halflife=21).std()
    frame = baseline_probabilities(
        pd.DataFrame({"vol": vol, "noise": np.sin(np.arange(N))}, sample.index),
        sample.truth,
        sample.known_at,
        iter(sample.folds),
    )
    assert list(frame) == ["base_rate", "persistence", "vol", "noise"]
    assert frame.iloc[:800].isna().all().all() and frame.iloc[800:].notna().all().all()
    assert losses(sample.truth, frame["vol"]) < 0.8 * losses(sample.truth, frame["base_rate"])
    assert losses(sample.truth, frame["noise"]) > 0.9 * losses(sample.truth, frame["base_rate"])


def features_of(sample) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({f"noise_{k}": rng.standard_normal(N) for k in range(6)}, sample.index)
    frame.insert(0, "vol", sample.returns.ewm(halflife=10).std())
    frame["empty"] = np.nan
    frame["constant"] = 0.1
    return frame


def test_elastic_net_beats_the_base_rate_with_holes_and_dead_columns(sample):
    X = features_of(sample)
    X.iloc[50:80, 0] = np.nan
    p = elastic_net(X, sample.truth, sample.known_at, sample.folds)
    assert p.iloc[:800].isna().all() and p.iloc[800:].between(0, 1).all()
    assert losses(sample.truth, p) < 0.9 * losses(
        sample.truth, base_rate(sample.truth, sample.known_at, sample.folds)
    )


def test_elastic_net_equals_sklearn_on_the_first_fold(sample):
    X = features_of(sample)[["vol", "noise_0"]].bfill()
    p = elastic_net(X, sample.truth, sample.known_at, sample.folds[:1], C=0.05, seed=1)
    train = X.iloc[:740]
    scaled = ((X - train.mean()) / train.std(ddof=0)).to_numpy()
    model = LogisticRegression(
        C=0.05, l1_ratio=0.5, solver="saga", tol=1e-8, max_iter=20_000, random_state=1
    )
    expected = model.fit(scaled[:740], sample.truth.iloc[:740]).predict_proba(scaled[800:1000])[
        :, 1
    ]
    assert p.iloc[800:1000].to_numpy() == pytest.approx(expected, abs=2e-3)


def test_elastic_net_strong_penalty_leaves_the_base_rate(sample):
    p = elastic_net(features_of(sample), sample.truth, sample.known_at, sample.folds, C=1e-7)
    rate = base_rate(sample.truth, sample.known_at, sample.folds)
    assert (p - rate).abs().max() < 1e-3


def test_elastic_net_soft_labels_between_hard_ones(sample):
    X = features_of(sample)
    soft = elastic_net(X, 0.1 + 0.8 * sample.truth, sample.known_at, sample.folds, C=0.05)
    hard = elastic_net(X, sample.truth, sample.known_at, sample.folds, C=0.05)
    assert soft.iloc[800:].std() < hard.iloc[800:].std() and soft.corr(hard) > 0.9
    assert soft.iloc[800:].min() > hard.iloc[800:].min()


def test_elastic_net_is_of_its_seed_and_of_its_rows_alone(sample):
    X = features_of(sample)
    whole = elastic_net(X, sample.truth, sample.known_at, sample.folds)
    cut = elastic_net(
        X[:1100],
        sample.truth[:1100],
        sample.known_at[:1100],
        [SimpleNamespace(refit=sample.folds[0].refit, test=np.arange(800, 930))],
    )
    assert whole.to_numpy()[800:930].tobytes() == cut.to_numpy()[800:930].tobytes()


def test_elastic_net_with_one_class_is_nan(sample):
    assert (
        elastic_net(features_of(sample), sample.truth * 0, sample.known_at, sample.folds)
        .isna()
        .all()
    )


def test_online_jump_beats_the_base_rate_and_knows_as_many_values_as_states(sample):
    p = online_jump(sample.returns, sample.truth, sample.known_at, sample.folds, penalty=10)
    assert p.iloc[:800].isna().all() and p.iloc[800:].between(0, 1, inclusive="neither").all()
    assert all(p.iloc[fold.test].nunique() <= 2 for fold in sample.folds)
    assert losses(sample.truth, p) < 0.9 * losses(
        sample.truth, base_rate(sample.truth, sample.known_at, sample.folds)
    )


def test_online_jump_of_a_cut_history_is_equal(sample):
    whole = online_jump(sample.returns, sample.truth, sample.known_at, sample.folds[:1], penalty=10)
    block = [SimpleNamespace(refit=sample.folds[0].refit, test=np.arange(800, 870))]
    cut = online_jump(
        sample.returns[:870], sample.truth[:870], sample.known_at[:870], block, penalty=10
    )
    assert whole.to_numpy()[:870].tobytes() == cut.to_numpy().tobytes()


def test_baselines_refuse_other_dates(sample):
    with pytest.raises(InvalidDataError, match="their dates differ"):
        elastic_net(features_of(sample).iloc[1:], sample.truth, sample.known_at, sample.folds)
    with pytest.raises(InvalidDataError, match="their dates differ"):
        online_jump(sample.returns.iloc[1:], sample.truth, sample.known_at, sample.folds)


@pytest.fixture(scope="module")
def inputs(sample):
    close = 100 * (1 + sample.returns).cumprod()
    vix = 16 * sample.returns.ewm(halflife=10).std() * 100
    return {
        "close": close,
        "returns": sample.returns,
        "vix": vix,
        "X": features_of(sample),
        "truth": sample.truth,
        "known_at": sample.known_at,
        "folds": sample.folds[:2],
    }


def test_registry_holds_each_baseline_as_it_is_alone(inputs):
    table = forecast_baselines(**inputs)
    assert list(table) == list(BASELINES)
    scores = rule_of_thumb_scores(inputs["close"], inputs["returns"], inputs["vix"])
    known = (inputs["truth"], inputs["known_at"], inputs["folds"])
    alone = baseline_probabilities(scores, *known)
    alone["elastic_net"] = elastic_net(inputs["X"], *known)
    alone["online_jump"] = online_jump(inputs["returns"], *known)
    pd.testing.assert_frame_equal(table, alone, check_exact=True)


@pytest.mark.parametrize(
    "text",
    [
        "def weekday(close):\n    return close.index.day_of_week.to_series(close.index)\n",
        "def weekday(truth, folds):\n    return truth.astype(float) * 0 + 0.25\n",
    ],
)
def test_a_new_baseline_is_one_file_and_one_line(text, inputs, sample, tmp_path, monkeypatch):
    (tmp_path / "my_baselines.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_baselines", raising=False)
    entries = {
        "base_rate": "regime.models.baselines:base_rate",
        "weekday": "my_baselines:weekday",
    }
    monkeypatch.setattr("regime.models.baselines.BASELINES", PluginTable(entries))
    table = forecast_baselines(**inputs)
    days = np.concatenate([fold.test for fold in inputs["folds"]])
    known = Truth(stress=sample.truth, known_at=sample.known_at)
    scores = score_table(known, {name: table[name].iloc[days] for name in table})
    assert list(scores.index) == ["base_rate", "weekday"] and scores["log_loss"].notna().all()
    assert scores.loc["weekday", "log_loss"] != scores.loc["base_rate", "log_loss"]


def test_a_baseline_that_asks_for_what_there_is_not_is_refused(inputs, tmp_path, monkeypatch):
    (tmp_path / "odd_baseline.py").write_text("def odd(open_interest): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    odd = PluginTable({"odd": "odd_baseline:odd"})
    monkeypatch.setattr("regime.models.baselines.BASELINES", odd)
    with pytest.raises(ConfigError, match="`odd`: argument `open_interest` is not one of close"):
        forecast_baselines(**inputs)
