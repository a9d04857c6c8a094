"""Truncated, perturbed or delayed: what is known at t stays, what is not known changes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from regime.panel.calendar import session_closes
from regime.studies.leakage.inputs import CalibratorInput, FrameInput, ObservationInput

DATES = pd.bdate_range("2019-01-01", periods=120, name="date")


def rows():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {"price": 100 + rng.standard_normal(120), "gap": rng.standard_normal(120)}, DATES
    )
    table.loc[table.index[30:33], "gap"] = np.nan
    return FrameInput(
        frames={"values": table, "close": table["price"], "share": table["price"].rank(pct=True)},
        probability_frames=("share",),
    )


def observations():
    closes = session_closes(DATES)
    morning = closes + pd.Timedelta(hours=17)
    return ObservationInput(
        sessions=DATES,
        observations=pd.DataFrame(
            {
                "series": ["close"] * 120 + ["late"] * 120,
                "period": [*DATES, *DATES],
                "released": [*closes, *morning],
                "value": np.arange(240.0),
            }
        ),
    )


@settings(max_examples=30, deadline=None)
@drawn(t=st.integers(0, 118), seed=st.integers(0, 99), min_distance=st.integers(0, 5))
def test_perturbing_changes_nothing_before_its_distance(t, seed, min_distance):
    item = rows()
    other = item.perturbed(t, seed, min_distance, None)
    kept = t + max(min_distance, 1)
    for name, frame in item.frames.items():
        np.testing.assert_array_equal(
            frame.iloc[:kept].to_numpy(), other.frames[name].iloc[:kept].to_numpy()
        )
        if kept < 119:
            assert not np.array_equal(
                frame.iloc[kept:].to_numpy(), other.frames[name].iloc[kept:].to_numpy(), True
            )


def test_perturbed_rows_keep_their_range():
    item = rows()
    other = item.perturbed(60, 3, horizon=None)
    assert set(other.frames["share"]) <= set(
        item.frames["share"]
    )  # probabilities are redrawn, not rescaled
    assert other.frames["close"].notna().all() and (other.frames["close"] > 0).all()
    assert (
        len(item.perturbed(60, 3).frames["close"]) == 120
    )  # fewer sessions are left than a perturbed future keeps
    assert len(item.perturbed(10, 3).frames["close"]) == 10 + 63 + 1


def test_rows_are_truncated_and_delayed_and_gaps_are_suspect():
    item = rows()
    assert len(item.truncated(7).sessions) == 8
    late = item.delayed().frames["close"]
    assert late.iloc[0] == late.iloc[1] == item.frames["close"].iloc[0]
    assert (late.to_numpy()[1:] == item.frames["close"].to_numpy()[:-1]).all()
    assert item.suspect_positions().tolist() == [30, 31, 32]
    assert item.release_distances(116).tolist() == [1.0, 2.0, 3.0]


def test_observations_are_truncated_by_their_release():
    item, t = observations(), 50
    known = item.truncated(t)
    assert known.observations.groupby("series")["value"].count().to_dict() == {
        "close": 51,
        "late": 50,
    }
    assert item.release_distances(t)[0] == pytest.approx(17 / 24)
    other = item.perturbed(t, 0, horizon=None)
    same = other.observations["value"].to_numpy() == item.observations["value"].to_numpy()
    np.testing.assert_array_equal(same, item.released <= item.closes[t])
    later = item.perturbed(t, 0, min_distance=2.0, horizon=None)
    moved = later.observations["value"].to_numpy() != item.observations["value"].to_numpy()
    assert item.released[moved].min() >= item.closes[t] + 2 * 86_400e6 - 1


def test_a_delayed_release_is_known_one_session_later():
    item = observations()
    late = item.delayed()
    before = np.searchsorted(item.closes, item.released)
    after = np.searchsorted(late.closes, late.released)
    inside = before < 119
    assert (after[inside] == before[inside] + 1).all()


def test_a_truth_is_known_from_its_date_on():
    truth = pd.Series(np.tile([0.0, 1.0], 60), DATES)
    known_at = pd.Series(DATES, DATES).shift(-5)
    item = CalibratorInput(rows=rows(), truth=truth, known_at=known_at, refit_positions=(70,))
    cut = item.truncated(40)
    assert len(cut.truth) == 41
    assert cut.truth.notna().to_numpy().nonzero()[0].max() == 35
    other = item.perturbed(40, 0, horizon=None)
    np.testing.assert_array_equal(other.truth.to_numpy()[:36], truth.to_numpy()[:36])
    assert (other.truth.to_numpy()[36:115] == 1 - truth.to_numpy()[36:115]).all()
    assert 70 in item.suspect_positions()
    assert (
        (
            item.delayed().known_at.dropna()
            > item.known_at.shift(1).dropna().reindex(item.delayed().known_at.dropna().index)
        )
        .iloc[:-10]
        .all()
    )
