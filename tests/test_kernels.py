"""Each kernel against brute force over its window, on columns with gaps, ties, constants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regime import kernels

# Few distinct values make ties and constant stretches; the others are prices that a walk could
# have.
VALUES = st.one_of(
    st.sampled_from([np.nan, -1.0, 0.0, 1.0, 2.0]), st.floats(-1e3, 1e3).map(lambda v: round(v, 6))
)
COLUMNS = arrays(np.float64, st.integers(0, 60), elements=VALUES)
LOOKBACKS, MINIMA = st.integers(1, 20), st.integers(0, 12)
few = settings(max_examples=120, deadline=None)


def by_window(x, lookback, minimum, statistic, least=1, today=False):
    """`statistic` of the known values of each window.

    NaN where they are too few, or today's is missing.
    """
    out = np.full(len(x), np.nan)
    for t in range(len(x)):
        window = x[max(0, t - lookback + 1) if lookback else 0 : t + 1]
        known = window[~np.isnan(window)]
        if len(known) >= max(minimum, least) and not (today and np.isnan(x[t])):
            out[t] = statistic(known)
    return out


def weights_of(x, halflife):
    """Known values so far at each row, and their weights.

    1 for the latest, halved every `halflife` values.
    """
    for t in range(len(x)):
        known = x[: t + 1][~np.isnan(x[: t + 1])]
        yield t, known, 0.5 ** (np.arange(len(known))[::-1] / halflife)


def same(own, expected, scale=1.0):
    np.testing.assert_allclose(
        own, expected, rtol=1e-9, atol=1e-9 * max(scale, 1.0), equal_nan=True
    )


def size(x):
    return float(np.nanmax(np.abs(x))) if np.isfinite(x).any() else 1.0


@few
@given(x=COLUMNS, lookback=LOOKBACKS, minimum=MINIMA)
def test_rolling_mean(x, lookback, minimum):
    same(
        kernels.rolling_mean(x, lookback, minimum),
        by_window(x, lookback, minimum, np.mean),
        size(x),
    )


@few
@given(x=COLUMNS, lookback=LOOKBACKS, minimum=MINIMA)
def test_rolling_zscore(x, lookback, minimum):
    def zscore(window):
        spread = np.std(window, ddof=1)
        # The kernel calls a spread that rounding alone could have made none at all.
        return (window[-1] - np.mean(window)) / spread if spread > 1e-5 * size(x) else np.nan

    own = kernels.rolling_zscore(x, lookback, minimum)
    expected = by_window(x, lookback, minimum, zscore, least=2, today=True)
    known = ~np.isnan(expected)
    np.testing.assert_allclose(own[known], expected[known], rtol=1e-5, atol=1e-5)
    flat = by_window(x, lookback, minimum, np.ptp, least=2, today=True) == 0
    assert np.isnan(own[flat]).all()
    assert np.isnan(
        own[np.isnan(by_window(x, lookback, minimum, np.mean, least=2, today=True))]
    ).all()


@few
@given(x=COLUMNS, lookback=st.integers(0, 20), minimum=MINIMA)
def test_rolling_rank(x, lookback, minimum):
    def rank(window):
        return ((window < window[-1]).sum() + 0.5 * ((window == window[-1]).sum() + 1)) / len(
            window
        )

    own = kernels.rolling_rank(x, lookback, minimum)
    assert np.array_equal(own, by_window(x, lookback, minimum, rank, today=True), equal_nan=True)
    assert ((own[~np.isnan(own)] > 0) & (own[~np.isnan(own)] <= 1)).all()


@few
@given(x=COLUMNS, lookback=LOOKBACKS, minimum=MINIMA, sign=st.sampled_from([1, -1]))
def test_rolling_extreme(x, lookback, minimum, sign):
    own = kernels.rolling_extreme(x, lookback, minimum, sign)
    assert np.array_equal(
        own, by_window(x, lookback, minimum, np.max if sign > 0 else np.min), equal_nan=True
    )


@few
@given(x=COLUMNS, halflife=st.floats(0.5, 50), minimum=MINIMA)
def test_ewm_mean(x, halflife, minimum):
    expected = np.full(len(x), np.nan)
    for t, known, weights in weights_of(x, halflife):
        if len(known) >= max(minimum, 1):
            expected[t] = (weights * known).sum() / weights.sum()
    same(kernels.ewm_mean(x, halflife, minimum), expected, size(x))


@few
@given(x=COLUMNS, halflife=st.floats(0.5, 50), minimum=MINIMA)
def test_ewm_std(x, halflife, minimum):
    expected = np.full(len(x), np.nan)
    for t, known, weights in weights_of(x, halflife):
        if len(known) >= max(minimum, 2):
            about = known - (weights * known).sum() / weights.sum()
            expected[t] = np.sqrt(
                (weights * about**2).sum() / (weights.sum() - (weights**2).sum() / weights.sum())
            )
    own = kernels.ewm_std(x, halflife, minimum)
    np.testing.assert_allclose(own, expected, rtol=1e-6, atol=1e-6 * size(x), equal_nan=True)


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_long_columns_against_pandas(gaps):
    rng = np.random.default_rng(3)
    x = np.cumsum(rng.normal(size=3000)) + 100
    x[rng.random(3000) < gaps] = np.nan
    s = pd.Series(x)
    same(kernels.rolling_mean(x, 200, 60), s.rolling(200, min_periods=60).mean(), 100)
    same(kernels.rolling_rank(x, 252, 126), s.rolling(252, min_periods=126).rank(pct=True))
    same(kernels.rolling_rank(x, 0, 1000), s.expanding(1000).rank(pct=True))
    same(kernels.rolling_extreme(x, 63, 20, 1), s.rolling(63, min_periods=20).max())
    same(
        kernels.ewm_mean(x, 21.0, 20),
        s.ewm(halflife=21, min_periods=20, ignore_na=True).mean(),
        100,
    )
    same(
        kernels.ewm_std(x, 126.0, 20),
        s.ewm(halflife=126, min_periods=20, ignore_na=True).std(),
        100,
    )
    rolling = s.rolling(252, min_periods=126)
    np.testing.assert_allclose(
        kernels.rolling_zscore(x, 252, 126), (s - rolling.mean()) / rolling.std(), rtol=1e-8
    )


def test_an_outlier_leaves_no_trace_a_window_after_it_has_left():
    x = np.full(100, 0.1)
    x[10] = 1e12
    mean = kernels.rolling_mean(x, 20, 1)
    np.testing.assert_allclose(
        mean[30:50], 0.1, atol=1e-4
    )  # what rounding left behind, until the sum is made anew
    np.testing.assert_allclose(mean[50:], 0.1, rtol=1e-14)


def test_zscore_of_a_constant_is_missing_however_far_from_zero():
    x = np.r_[np.linspace(0, 1, 30), np.full(60, 1e6 + 0.1)]
    assert np.isnan(kernels.rolling_zscore(x, 20, 10)[-40:]).all()


def test_empty_columns_stay_empty():
    x = np.full(40, np.nan)
    for result in (
        kernels.rolling_mean(x, 5, 1),
        kernels.rolling_zscore(x, 5, 1),
        kernels.rolling_rank(x, 5, 1),
        kernels.rolling_extreme(x, 5, 1, 1),
        kernels.ewm_mean(x, 5.0, 1),
        kernels.ewm_std(x, 5.0, 1),
        kernels.mean_correlation(np.column_stack([x, x]), 5.0, 1),
    ):
        assert np.isnan(result).all() and len(result) == 40
    assert np.isnan(kernels.fall_state(x, x, 2.0, 0.5)).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999),
    columns=st.integers(1, 5),
    halflife=st.floats(1, 40),
    minimum=st.integers(1, 10),
)
def test_mean_correlation(seed, columns, halflife, minimum):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(40, columns)) + rng.normal(size=(40, 1))
    table[rng.random(table.shape) < 0.2] = np.nan
    own = kernels.mean_correlation(table, halflife, minimum)
    for t in range(len(table)):
        found = []
        for i in range(columns):
            for j in range(i):
                pair = table[: t + 1, [i, j]]
                pair = pair[~np.isnan(pair).any(axis=1)]
                if len(pair) >= minimum:
                    w = 0.5 ** (np.arange(len(pair))[::-1] / halflife)
                    a, b = pair.T
                    found.append((w * a * b).sum() / np.sqrt((w * a * a).sum() * (w * b * b).sum()))
        same(own[t], np.mean(found) if found else np.nan)


def brute_fall(logs, vol, depth, recovered):
    """The fall in progress at the last row, by its definition over plain lists of rows."""
    peak, is_open, rows = (
        None,
        False,
        [t for t in range(len(logs)) if np.isfinite(logs[t]) and vol[t] > 0],
    )
    state = [np.nan] * 6
    for now in rows:
        since = [t for t in rows if peak is not None and peak <= t <= now]
        if peak is None or (not is_open and logs[now] >= logs[peak]):
            peak, since = now, [now]
        low = min(since, key=lambda t: (logs[t], t))
        if not is_open:
            is_open = logs[peak] - logs[now] >= depth * vol[peak]
        elif np.exp(logs[now]) >= (1 - recovered) * np.exp(logs[low]) + recovered * np.exp(
            logs[peak]
        ):
            is_open = False
            after = [t for t in since if t >= low]
            peak = max(after, key=lambda t: (logs[t], t))
            low = min((t for t in after if t >= peak), key=lambda t: (logs[t], t))
        worst = logs[peak] - logs[low]
        regained = (logs[now] - logs[low]) / worst if worst > 0 else 1.0
        state = [
            (logs[peak] - logs[now]) / vol[peak],
            worst / vol[peak],
            regained,
            now - peak,
            now - low,
            is_open,
        ]
    return state


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    depth=st.floats(0.3, 3),
    recovered=st.floats(0.2, 1.0),
    gaps=st.sampled_from([0, 0.1]),
)
def test_fall_state(seed, depth, recovered, gaps):
    rng = np.random.default_rng(seed)
    logs, vol = np.cumsum(rng.normal(0, 0.01, 80)), rng.uniform(0.01, 0.03, 80)
    logs[rng.random(80) < gaps] = np.nan
    vol[:5] = np.nan
    own = kernels.fall_state(logs, vol, depth, recovered)
    for t in (0, 4, 5, 20, 41, 79):
        same(own[t], brute_fall(logs[: t + 1], vol[: t + 1], depth, recovered))


def test_fall_state_by_hand():
    logs = np.log([100.0, 110.0, 104.0, 99.0, 103.0, 105.0, 106.0])
    state = kernels.fall_state(logs, np.full(7, 0.05), 2.0, 0.5)
    assert state[:, 5].tolist() == [
        0,
        0,
        0,
        1,
        1,
        0,
        0,
    ]  # 99 is log(110/99) = 0.105 below; 104.5 is half way back
    assert state[:, 3].tolist() == [
        0,
        0,
        1,
        2,
        3,
        0,
        0,
    ]  # once closed, the highest close since the low is the peak
    assert state[3, :3] == pytest.approx([np.log(110 / 99) / 0.05, np.log(110 / 99) / 0.05, 0.0])
    assert state[4, 2] == pytest.approx(np.log(103 / 99) / np.log(110 / 99)) and state[4, 4] == 1


@pytest.mark.parametrize("cut", [1, 19, 20, 21, 250, 599])
def test_a_prefix_gives_equal_bits(cut):
    rng = np.random.default_rng(5)
    x, table = np.cumsum(rng.normal(size=600)), rng.normal(size=(600, 4))
    x[rng.random(600) < 0.1] = np.nan
    vol = np.full(600, 0.8)
    calls = (
        lambda n: kernels.rolling_mean(x[:n], 20, 5),
        lambda n: kernels.rolling_zscore(x[:n], 20, 5),
        lambda n: kernels.rolling_rank(x[:n], 20, 5),
        lambda n: kernels.rolling_rank(x[:n], 0, 5),
        lambda n: kernels.rolling_extreme(x[:n], 20, 5, -1),
        lambda n: kernels.ewm_mean(x[:n], 20.0, 5),
        lambda n: kernels.ewm_std(x[:n], 20.0, 5),
        lambda n: kernels.mean_correlation(table[:n], 20.0, 5),
        lambda n: kernels.fall_state(x[:n], vol[:n], 2.0, 0.5),
    )
    for call in calls:
        assert np.array_equal(call(cut), call(600)[:cut], equal_nan=True)
