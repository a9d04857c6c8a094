"""Correlation, absorption and turbulence against brute force and on markets of known answer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.mechanisms.cross_asset.comovement import (
    absorption_ratio,
    absorption_shift,
    average_correlation,
    turbulence,
)


def table(rows=500, assets=6, common=0.5, seed=1, holes=0.0):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(rows, 1))
    values = common**0.5 * factor + (1 - common) ** 0.5 * rng.normal(size=(rows, assets))
    dates = pd.bdate_range("2000-01-03", periods=rows, name="date")
    frame = pd.DataFrame(values, dates, list("abcdefghijklmnop")[:assets])
    return frame.mask(rng.random(values.shape) < holes)


def window_matrix(moves, t, lookback):
    """Correlations about zero of one window, a missing move as 0, of assets with three quarters."""
    part = moves.iloc[max(0, t - lookback + 1) : t + 1].clip(-6, 6)
    part = part.loc[:, part.notna().sum() >= 3 * lookback // 4].fillna(0.0).to_numpy()
    cross = part.T @ part
    scale = np.sqrt(np.diag(cross))
    return cross / np.outer(scale, scale) if part.shape[1] else np.zeros((0, 0))


@pytest.mark.parametrize("lookback", [21, 63])
def test_correlation_and_absorption_against_each_window_alone(lookback):
    moves = table(300, 7, holes=0.05)
    moves.loc[moves.index[:120], "g"] = np.nan  # an asset that begins later
    correlation, ratio = average_correlation(moves, lookback), absorption_ratio(moves, lookback)
    for t in (lookback - 2, lookback, 119, 121 + lookback, 250, 299):
        matrix = window_matrix(moves, t, lookback)
        k = len(matrix)
        if k < 4:
            assert np.isnan(correlation.iloc[t]) and np.isnan(ratio.iloc[t])
            continue
        assert correlation.iloc[t] == pytest.approx((matrix.sum() - k) / (k * (k - 1)), abs=1e-12)
        top = np.sort(np.linalg.eigvalsh(matrix))[::-1][: max(round(0.2 * k), 1)]
        assert ratio.iloc[t] == pytest.approx(top.sum() / k, abs=1e-12)


def test_one_factor_is_absorbed_and_independent_markets_are_not():
    same, apart = table(common=1.0), table(common=0.0)
    assert (
        absorption_ratio(same, 63).iloc[-1]
        == pytest.approx(1.0)
        == average_correlation(same, 63).iloc[-1]
    )
    assert (
        absorption_ratio(apart, 252).iloc[-1] < 0.25
        and abs(average_correlation(apart, 252).iloc[-1]) < 0.05
    )


def test_the_shift_sees_markets_tie_together():
    moves = pd.concat([table(600, common=0.1), table(40, common=0.9, seed=3)])
    moves.index = pd.bdate_range("2000-01-03", periods=len(moves), name="date")
    shift = absorption_shift(absorption_ratio(moves, 63))
    assert shift.iloc[-1] > 2 and abs(shift.iloc[500:600].mean()) < 1.5
    expected = absorption_ratio(moves, 63)
    slow = expected.rolling(252, min_periods=126)
    pd.testing.assert_series_equal(
        shift, (expected.rolling(15, min_periods=8).mean() - slow.mean()) / slow.std()
    )
    assert absorption_shift(pd.Series(0.5, moves.index)).isna().all()


def test_turbulence_against_the_formula():
    returns = table(400, 5, common=0.4, holes=0.03) * [0.01, 0.02, 0.005, 0.03, 0.01]
    got, keep, shrink = turbulence(returns, 100.0, 0.3, 50), 0.5 ** (1 / 100), 0.3
    for t in (60, 222, 399):
        past, now = returns.iloc[:t], returns.iloc[t]
        here = [name for name in returns if past[name].count() >= 50 and not np.isnan(now[name])]
        weights = keep ** np.arange(t)[::-1]
        values = past[here].fillna(0.0).to_numpy()
        cross = (values * weights[:, None]).T @ values
        variance = np.diag(cross) / (past[here].notna().to_numpy() * weights[:, None]).sum(axis=0)
        pattern = (1 - shrink) * cross / np.sqrt(np.outer(np.diag(cross), np.diag(cross)))
        np.fill_diagonal(pattern, 1.0)
        z = now[here].to_numpy() / np.sqrt(variance)
        expected = z @ np.linalg.solve(pattern, z) / len(here)
        assert got.iloc[t] == pytest.approx(expected, rel=1e-9)


def test_turbulence_rests_on_earlier_days_alone():
    returns = table(400) * 0.01
    shocked = returns.copy()
    shocked.iloc[300] = [0.08, -0.08, 0.08, -0.08, 0.08, -0.08]
    calm, wild = turbulence(returns), turbulence(shocked)
    assert wild.iloc[300] > 20 * calm.iloc[300]
    pd.testing.assert_series_equal(wild.iloc[:300], calm.iloc[:300])
    assert (
        wild.iloc[301:] < calm.iloc[301:]
    ).all()  # the next days are held against a wider pattern
    assert turbulence(table(900, common=0.0)).iloc[252:].mean() == pytest.approx(1.0, abs=0.1)


def test_a_shock_against_the_pattern_counts_more_than_one_along_it():
    returns = table(400, common=0.8) * 0.01
    along, against = returns.copy(), returns.copy()
    along.iloc[-1], against.iloc[-1] = 0.02, [0.02, -0.02, 0.02, -0.02, 0.02, -0.02]
    assert turbulence(against).iloc[-1] > 2 * turbulence(along).iloc[-1]


def test_copies_of_one_market_do_not_break_it():
    one = table(400, 1)["a"] * 0.01
    copies = pd.DataFrame({name: one for name in "abcde"})
    assert turbulence(copies).iloc[260:].between(0, 20).all()
    assert absorption_ratio(copies, 63).iloc[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "quantity",
    [
        lambda m: average_correlation(m, 63),
        lambda m: absorption_ratio(m, 63),
        lambda m: absorption_shift(absorption_ratio(m, 63), 15, 100),
        lambda m: turbulence(m, 100.0, 0.25, 60),
    ],
)
@settings(max_examples=8, deadline=None)
@given(cut=st.integers(1, 299), seed=st.integers(0, 50))
def test_a_prefix_gives_equal_bits(quantity, cut, seed):
    moves = table(300, 7, seed=seed, holes=0.02)
    whole, part = quantity(moves).to_numpy()[:cut], quantity(moves.iloc[:cut]).to_numpy()
    np.testing.assert_array_equal(np.isnan(whole), np.isnan(part))
    known = ~np.isnan(whole)
    assert (whole[known].view(np.int64) == part[known].view(np.int64)).all()


def test_too_few_markets_and_no_rows_give_nothing():
    for moves in (
        table(300, 3),
        table(0, 5),
        table(300, 5) * np.nan,
        pd.DataFrame(index=table(9).index),
    ):
        for quantity in (
            average_correlation(moves, 21),
            absorption_ratio(moves, 21),
            turbulence(moves, minimum=20),
        ):
            assert len(quantity) == len(moves) and quantity.isna().all()


def test_nothing_is_infinite_where_markets_stand_still():
    moves = table(400, 6)
    moves["a"] = 0.0
    moves.iloc[200:300, 1] = 0.0
    for quantity in (
        average_correlation(moves, 21),
        absorption_ratio(moves, 21),
        turbulence(moves, minimum=20),
    ):
        assert np.isfinite(quantity.dropna()).all() and quantity.notna().sum() > 300


def test_impossible_parameters_are_refused():
    moves = table(50)
    for call, words in (
        (lambda: average_correlation(moves, 5), "lookback: must be at least 10, got 5"),
        (lambda: absorption_ratio(moves, 21, 1.0), "share: must lie between 0 and 1, got 1.0"),
        (lambda: absorption_shift(moves["a"], 1, 50), "fast: must be at least 2, got 1"),
        (lambda: turbulence(moves, shrinkage=0.0), "shrinkage: must lie between 0 and 1, got 0.0"),
        (lambda: turbulence(moves, minimum=5), "minimum: must be at least 20, got 5"),
    ):
        with pytest.raises(ConfigError, match=words):
            call()
