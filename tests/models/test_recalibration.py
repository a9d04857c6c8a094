"""Calibration at each refit: which rows may be used, what changes, and that nothing later does."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.config import build
from regime.errors import ConfigError, InvalidDataError
from regime.models.calibration_curves import fit_platt
from regime.models.recalibration import METHODS, Recalibration, log_odds, with_stress
from regime.schema import REGIMES, Labels, check_probabilities

N, FIRST = 1500, 400
INDEX = pd.bdate_range("2000-01-03", periods=N, name="date")
FOLDS = tuple(
    SimpleNamespace(refit=INDEX[a - 1], test=np.arange(a, min(a + 220, N)))
    for a in range(FIRST, N, 220)
)
STRESS = REGIMES.index("deleveraging")


def labels_of(stress, delay=30, index=INDEX):
    rows = np.arange(len(index))
    known = rows + delay < len(index)
    table = np.full((len(index), 4), np.nan)
    table[known] = np.column_stack([1 - stress, 0 * stress, stress, 0 * stress])[known]
    when = pd.Series(index[np.minimum(rows + delay, len(index) - 1)].where(known), index)
    return Labels(
        weights=pd.DataFrame(table, index, columns=list(REGIMES)), span_end=when, known_at=when
    )


def cut(labels, t):
    """Labels as they stood at the close of session t - 1."""
    now = labels.weights.index[t - 1]
    known = labels.known_by(now).to_numpy()
    return Labels(
        weights=labels.weights.where(np.tile(known[:, None], 4)).iloc[:t],
        span_end=labels.span_end.where(known).iloc[:t],
        known_at=labels.known_at.where(known).iloc[:t],
    )


@pytest.fixture(scope="module")
def sample():
    """Forecasts that are far too sure of themselves, and the labels."""
    rng = np.random.default_rng(8)
    truth_odds = np.clip(rng.standard_normal(N).cumsum() * 0.3, -3, 3)
    stress = (rng.random(N) < 1 / (1 + np.exp(-truth_odds))).astype(float)
    p = 1 / (1 + np.exp(-4 * truth_odds - 1))
    rest = (1 - p)[:, None] * np.array([0.5, 0.3, 0.2])
    forecasts = pd.DataFrame(
        np.column_stack([rest[:, 0], rest[:, 1], p, rest[:, 2]]), INDEX, columns=list(REGIMES)
    )
    forecasts.iloc[:FIRST] = np.nan
    return forecasts, labels_of(stress), stress


def small(method, **options):
    return Recalibration(method=method, **{"minimum_rows": 100, "minimum_stress": 10.0, **options})


@pytest.mark.parametrize("method", METHODS)
def test_overconfidence_is_corrected(sample, method):
    forecasts, labels, stress = sample
    better = small(method)(forecasts, labels, FOLDS)
    check_probabilities(better.iloc[FIRST:])

    def loss(table):
        p = np.clip(table["deleveraging"].to_numpy()[FIRST + 440 :], 1e-4, 1 - 1e-4)
        y = stress[FIRST + 440 :]
        return -(y * np.log(p) + (1 - y) * np.log1p(-p)).mean()

    assert loss(better) < 0.8 * loss(forecasts)


@pytest.mark.parametrize("method", METHODS)
def test_each_fold_equals_a_fit_by_hand(sample, method):
    forecasts, labels, stress = sample
    result = small(method, window=500)(forecasts, labels, FOLDS)["deleveraging"].to_numpy()
    score = log_odds(forecasts["deleveraging"].to_numpy())
    for fold in FOLDS[1:]:
        begin = fold.test[0]
        rows = [
            t for t in range(FIRST, begin) if t + 30 < begin and t < begin - 21 and t >= begin - 500
        ]
        curve = METHODS[method](score[rows], stress[rows])
        assert (result[fold.test] == curve.predict(score[fold.test])).all()


def test_nothing_is_done_where_it_is_not_wanted_or_little_is_known(sample):
    forecasts, labels, _ = sample
    pd.testing.assert_frame_equal(Recalibration()(forecasts, labels, FOLDS), forecasts)
    pd.testing.assert_frame_equal(
        Recalibration(method="platt", minimum_rows=5000)(forecasts, labels, FOLDS), forecasts
    )
    calm = labels_of(np.zeros(N))
    pd.testing.assert_frame_equal(small("isotonic")(forecasts, calm, FOLDS), forecasts)
    first = small("platt")(forecasts, labels, FOLDS).iloc[FOLDS[0].test]
    pd.testing.assert_frame_equal(
        first, forecasts.iloc[FOLDS[0].test]
    )  # no forecast before the first block


@settings(max_examples=30, deadline=None)
@given(method=st.sampled_from(sorted(METHODS)), t=st.integers(FIRST + 1, N))
def test_cut_history_gives_equal_bits(method, t):
    forecasts, labels, _ = _again()
    whole = small(method)(forecasts, labels, FOLDS)
    folds = [
        SimpleNamespace(refit=fold.refit, test=fold.test[fold.test < t])
        for fold in FOLDS
        if fold.test[0] < t
    ]
    short = small(method)(forecasts.iloc[:t], cut(labels, t), folds)
    assert whole.iloc[:t].to_numpy().tobytes() == short.to_numpy().tobytes()


_WORLD = []


def _again():
    """The same sample for every example: hypothesis forbids fixtures of a function."""
    if not _WORLD:
        rng = np.random.default_rng(9)
        stress = (rng.random(N) < 0.3).astype(float)
        p = np.clip(0.3 + 0.4 * stress + 0.2 * rng.standard_normal(N), 0.01, 0.99)
        table = np.column_stack([(1 - p) * 0.6, (1 - p) * 0.3, p, (1 - p) * 0.1])
        forecasts = pd.DataFrame(table, INDEX, columns=list(REGIMES))
        forecasts.iloc[:FIRST] = np.nan
        _WORLD.append((forecasts, labels_of(stress), stress))
    return _WORLD[0]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    window=st.sampled_from([0, 100, 600]),
    embargo=st.integers(1, 60),
    reach=st.integers(0, 300),
)
def test_rows_equal_brute_force(seed, window, embargo, reach):
    rng, rows = np.random.default_rng(seed), np.arange(N)
    span = np.minimum(rows + rng.integers(0, reach + 1, N), N - 1)
    known = np.where(rng.random(N) < 0.1, -1, np.minimum(span + rng.integers(0, 5, N), N - 1))
    weights = np.full((N, 4), np.nan)
    weights[known >= 0] = 0.25
    labels = Labels(
        weights=pd.DataFrame(weights, INDEX, columns=list(REGIMES)),
        span_end=pd.Series(INDEX[span].where(known >= 0), INDEX),
        known_at=pd.Series(INDEX[np.maximum(known, 0)].where(known >= 0), INDEX),
    )
    score = np.where(rng.random(N) < 0.2, np.nan, 1.0)
    for fold in FOLDS:
        begin = fold.test[0]
        expected = [
            t
            for t in range(begin)
            if 0 <= known[t] < begin
            and span[t] < begin
            and t < begin - embargo
            and np.isfinite(score[t])
            and (not window or t >= begin - window)
        ]
        chosen = Recalibration(method="platt", window=window, embargo=embargo).rows(
            fold, INDEX, score, labels
        )
        assert chosen.tolist() == expected


def test_labels_may_be_made_again_at_each_refit(sample):
    forecasts, labels, _ = sample
    seen = []

    def labeller(refit):
        seen.append(refit)
        return cut(labels, INDEX.get_loc(refit) + 1)

    again = small("platt")(forecasts, labeller, FOLDS)
    assert seen == [fold.refit for fold in FOLDS]
    pd.testing.assert_frame_equal(again, small("platt")(forecasts, labels, FOLDS))


def test_the_rest_keeps_its_shares(sample):
    forecasts, _, _ = sample
    table = forecasts.iloc[FIRST:]
    changed = with_stress(table, np.full(len(table), 0.5))
    np.testing.assert_allclose(changed["calm"] / changed["fragile"], 5 / 3)
    np.testing.assert_allclose(changed.sum(axis=1), 1.0)
    pd.testing.assert_frame_equal(with_stress(table, table["deleveraging"].to_numpy()), table)
    sure = pd.DataFrame([[0.0, 0.0, 1.0, 0.0]], INDEX[:1], columns=list(REGIMES))
    assert with_stress(sure, np.array([0.4])).iloc[0].tolist() == pytest.approx(
        [0.2, 0.2, 0.4, 0.2]
    )


def test_log_odds_are_finite():
    odds = log_odds(np.array([0.0, 0.5, 1.0, np.nan]))
    assert (
        odds[1] == 0
        and np.isfinite(odds[:3]).all()
        and np.isnan(odds[3])
        and odds[0] == pytest.approx(-odds[2])
    )


def test_a_calibrated_forecast_is_hardly_changed_by_platt(sample):
    rng = np.random.default_rng(1)
    p = rng.uniform(0.05, 0.95, 20_000)
    curve = fit_platt(log_odds(p), (rng.random(20_000) < p).astype(float))
    assert np.abs(curve.predict(log_odds(p)) - p).max() < 0.02


def test_sessions_that_differ_are_refused(sample):
    forecasts, labels, _ = sample
    with pytest.raises(InvalidDataError, match="differ in their sessions up to 2001"):
        small("platt")(forecasts.iloc[3:], labels, FOLDS)


@pytest.mark.parametrize(
    "bad",
    [
        {"method": "beta"},
        {"minimum_rows": 0},
        {"minimum_stress": -1.0},
        {"window": -1},
        {"embargo": 0},
    ],
)
def test_arguments_out_of_range_are_named(bad):
    with pytest.raises(ConfigError, match=f"^{next(iter(bad))}: "):
        Recalibration(**bad)


def test_constructor_is_the_config_schema():
    assert build(Recalibration, {"method": "venn_abers"}, "x.yaml") == Recalibration(
        method="venn_abers"
    )
