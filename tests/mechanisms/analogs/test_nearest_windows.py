"""Distances between windows against brute force, and which windows may be chosen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.mechanisms.analogs.nearest_windows import standardised, window_distances, window_picks


def state(rows=900, columns=4, seed=3):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        rng.normal(size=(rows, columns)).cumsum(axis=0) * 0.1,
        columns=list("abcdefgh")[:columns],
        index=pd.bdate_range("2015-01-01", periods=rows, name="date"),
    )
    table.iloc[:300, 1] = np.nan
    table.iloc[rng.integers(0, rows - 1, 60), 2] = np.nan
    return table


def brute(scaled, samples, step):
    """The definition, one pair of windows at a time."""
    values, out = scaled.to_numpy(), np.full((len(scaled), 3), np.nan)
    last = [values[-1 - back * step] for back in range(samples)]
    wanted = sum(np.isfinite(row).sum() for row in last)
    for t in range(len(values)):
        known, squares, expected = 0, 0.0, 0.0
        for back in range(samples):
            own = values[t - back * step] if t >= back * step else np.full(values.shape[1], np.nan)
            for a, b in zip(last[back], own, strict=True):
                if np.isfinite(a) and np.isfinite(b):
                    known, squares = known + 1, squares + (a - b) ** 2
                elif np.isfinite(a):
                    expected += a * a + 1.0
        out[t, 2] = known / wanted
        if known / wanted >= 0.5:
            out[t, :2] = np.sqrt((squares + expected) / wanted), np.sqrt(squares / known)
    return out


@pytest.mark.parametrize(("samples", "step"), [(1, 10), (3, 10), (4, 3)])
def test_distance_is_that_of_brute_force(samples, step):
    scaled = standardised(state())
    np.testing.assert_allclose(
        window_distances(scaled, samples, step), brute(scaled, samples, step), rtol=1e-12
    )


def test_a_window_is_nearest_to_itself_and_what_is_unknown_counts_as_on_average():
    scaled = standardised(state())
    found = window_distances(scaled)
    assert found["distance"].iloc[-1] == 0.0 and found["share"].iloc[-1] == 1.0
    poor, whole = found[(found["share"] < 1) & (found["share"] >= 0.5)], found[found["share"] == 1]
    assert (
        len(poor) > 100
        and (poor["distance"] > 0).all()
        and (whole["distance"] == whole["of_known"]).all()
    )


def test_standardised_has_no_unit_is_cut_and_leaves_out_what_is_short_or_still():
    table = state().assign(d=5.0, e=np.r_[np.full(700, np.nan), np.arange(200.0)])
    table.iloc[5, 0] = 1e6
    scaled = standardised(table)
    assert scaled[["d", "e"]].isna().all(axis=None) and scaled.abs().max(axis=None) <= 4.0
    assert scaled.iloc[5, 0] == 4.0
    pd.testing.assert_frame_equal(
        standardised(state() * 7.0 + 3.0), standardised(state()), rtol=1e-9
    )


def test_less_than_half_known_has_no_distance():
    table = state(columns=4)
    table.iloc[:500, :3] = np.nan
    found = window_distances(standardised(table))
    assert found["distance"].iloc[:500].isna().all() and found["share"].iloc[100] == 0.25


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 8),
    length=st.integers(1, 40),
    ahead=st.integers(1, 80),
)
def test_chosen_windows_are_past_apart_and_in_order(seed, count, length, ahead):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(400) < 0.2, np.nan, np.round(rng.random(400), 1))  # with ties
    distance = pd.Series(values)
    chosen, apart = window_picks(distance, count, length, ahead), max(length, ahead)
    assert len(chosen) <= count
    assert all(place < len(values) - apart and np.isfinite(values[place]) for place in chosen)
    assert all(abs(a - b) >= apart for i, a in enumerate(chosen) for b in chosen[:i])
    assert [values[place] for place in chosen] == sorted(values[place] for place in chosen)
    if chosen:
        least = np.nanmin(values[: len(values) - apart])
        assert values[chosen[0]] == least
        assert (
            chosen[0] == np.flatnonzero(values[: len(values) - apart] == least)[-1]
        )  # of equals the later


def test_nothing_to_choose_from():
    assert window_picks(pd.Series([0.1, 0.2]), 3, 21, 63) == []
    assert window_picks(pd.Series([np.nan] * 200), 3, 21, 63) == []
    empty = window_distances(pd.DataFrame({"a": [np.nan] * 5}))
    assert empty["distance"].isna().all()


@pytest.mark.parametrize("arguments", [{"samples": 0}, {"step": 0}])
def test_impossible_numbers_are_refused(arguments):
    with pytest.raises(ConfigError, match="samples, step: must be at least 1"):
        window_distances(standardised(state()), **arguments)
