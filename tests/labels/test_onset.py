"""OnsetLabels.

Against the table of falls, against the fragile phase, by hand on a small path, and without a
future.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.config import build
from regime.errors import ConfigError
from regime.labels.episodes import EpisodeLabels
from regime.labels.onset import OnsetLabels
from regime.schema import REGIMES


def wild_market(seed, rows=700):
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2000-01-03", periods=rows, name="date")
    shocks = rng.standard_t(4, (rows, 2)) * 0.01 + 0.02 * rng.standard_t(4, (rows, 1)) * (
        rng.random((rows, 1)) < 0.2
    )
    return pd.DataFrame(100 * np.exp(shocks.cumsum(axis=0)), index=dates, columns=["sp500", "gold"])


def single(horizon=21, **arguments):
    return OnsetLabels(labellers=(EpisodeLabels(**arguments),), horizon=horizon)


def by_hand(market, labeller, horizon):
    """Onset and whether a fall is under way, session by session from the table of falls."""
    position = {date: row for row, date in enumerate(market.index)}
    table = labeller.episodes(market)
    peaks = [position[date] for date in table["start"]]
    troughs = [position[date] for date in table["trough"]]
    onset = [any(t < peak + 1 <= t + horizon for peak in peaks) for t in range(len(market))]
    under_way = [
        any(peak < t <= trough for peak, trough in zip(peaks, troughs, strict=True))
        for t in range(len(market))
    ]
    return np.array(onset, dtype=float), np.array(under_way)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), horizon=st.integers(1, 40), depth=st.sampled_from([1.0, 1.5, 2.5])
)
def test_brute_force_over_the_table_of_falls(seed, horizon, depth):
    market, labeller = wild_market(seed), EpisodeLabels(depth=depth)
    onset, under_way = by_hand(market, labeller, horizon)
    for at_risk in (True, False):
        labels = OnsetLabels(labellers=(labeller,), horizon=horizon, at_risk=at_risk)(market)
        known = labels.known_at.notna().to_numpy()
        assert (labels.weights["deleveraging"].to_numpy()[known] == onset[known]).all()
        assert (labels.weights["calm"].to_numpy()[known] == 1 - onset[known]).all()
        assert not (known & under_way).any() or not at_risk
    settled = (
        EpisodeLabels(depth=depth, partial=True, fragile=1)(market).known_at.notna().to_numpy()
    )
    reach = np.array(
        [
            settled[t : t + horizon + 1].all() and t + horizon < len(market)
            for t in range(len(market))
        ]
    )
    assert known[reach].all()  # all that the falls tell by the last day is told


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(2, 699), at_risk=st.booleans())
def test_truncation_law(seed, cut, at_risk):
    market = wild_market(seed)
    labeller = OnsetLabels(
        labellers=(EpisodeLabels(depth=1.0), EpisodeLabels(depth=1.5, core_weight=0.7)),
        at_risk=at_risk,
    )
    whole, part = labeller(market), labeller(market[:cut])
    date = market.index[cut - 1]
    known = whole.known_by(date)
    assert (known[:cut] == part.known_by(date)).all() and not known[cut:].any()
    pd.testing.assert_frame_equal(whole.weights[known], part.weights[known[:cut]], check_exact=True)
    pd.testing.assert_series_equal(
        whole.known_at[known], part.known_at[known[:cut]], check_exact=True
    )
    assert whole.span_end[known].equals(whole.known_at[known])
    as_of = labeller(market, date)
    pd.testing.assert_frame_equal(
        as_of.weights, part.weights.reindex(market.index), check_exact=True
    )
    pd.testing.assert_series_equal(
        as_of.known_at, part.known_at.reindex(market.index), check_exact=True
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_nothing_is_known_before_its_horizon_is_over(seed):
    market = wild_market(seed)
    labels = single(depth=1.0)(market)
    known = labels.known_at.notna()
    waited = market.index.get_indexer(labels.known_at[known]) - np.flatnonzero(known)
    assert waited.size == 0 or waited.min() == 21


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 30))
def test_among_calm_sessions_it_is_the_fragile_phase(seed, horizon):
    market = wild_market(seed)
    regime, onset = (
        EpisodeLabels(depth=1.0, fragile=horizon)(market).regime,
        single(horizon, depth=1.0)(market),
    )
    for name, value in (("fragile", 1.0), ("calm", 0.0)):
        assert onset.weights["deleveraging"][regime.eq(name).to_numpy()].dropna().eq(value).all(), (
            name
        )


def test_a_small_path_by_hand():
    """Up to session 298, twenty sessions down, then up.

    The fall is deep enough at its third session.
    """
    dates = pd.bdate_range("2020-01-01", periods=400, name="date")
    steps = np.r_[np.tile([1.01, 0.995], 150), np.full(20, 0.98), np.full(80, 1.01)]
    market = pd.DataFrame({"sp500": steps.cumprod()}, index=dates)
    falls = EpisodeLabels(partial=True, fragile=1)(market)
    assert falls.weights.index[falls.weights["deleveraging"] == 1][0] == dates[299]
    deep = falls.known_at[dates[299]]
    labels = single()(market)
    onset, known_at = labels.weights["deleveraging"], labels.known_at
    assert (
        onset[dates[278] : dates[298]].eq(1).all() and onset[dates[277]] == 0
    )  # 21 sessions up to the peak
    assert (
        onset[dates[299] : dates[319]].isna().all() and onset[dates[320]] == 0
    )  # under way, then over
    # The first of them waits until the fall is one, the last until its horizon is over.
    assert known_at[dates[278]] == max(deep, dates[299]) and known_at[dates[298]] == dates[319]
    # Whether 298 is the peak is open until the fall is deep enough, and so is whether one begins
    # after 277.
    assert known_at[dates[277]] == deep
    assert known_at.last_valid_index() == dates[377]  # of 398, the last session before a new high
    whole = OnsetLabels(labellers=(EpisodeLabels(),), at_risk=False)(market).weights["deleveraging"]
    assert (
        whole[dates[299] : dates[319]].eq(0).all()
        and whole.notna().sum() == onset.notna().sum() + 21
    )


def test_parts_count_equally_and_the_last_to_know_decides():
    market = wild_market(11)
    parts = (
        EpisodeLabels(depth=1.0),
        EpisodeLabels(depth=2.0),
        EpisodeLabels(depth=1.0, core_weight=1.0),
    )
    mixed = OnsetLabels(labellers=parts)(market)
    single_ = [OnsetLabels(labellers=(part,))(market) for part in parts]
    known = np.logical_and.reduce([labels.known_at.notna() for labels in single_])
    assert (mixed.known_at.notna() == known).all()
    mean = sum(labels.weights["deleveraging"] for labels in single_)[known] / 3
    np.testing.assert_allclose(mixed.weights["deleveraging"][known], mean, atol=1e-12)
    latest = pd.concat([labels.known_at for labels in single_], axis=1).max(axis=1)
    assert (mixed.known_at[known] == latest[known]).all()
    assert set(mixed.weights["deleveraging"][known].round(3)) > {0.0, 0.333, 1.0}


def test_an_empty_or_short_market_is_unknown():
    market = wild_market(5)
    for labels in (single()(market[:200]), single()(market, pd.Timestamp("1999-01-01"))):
        assert labels.weights.isna().all(axis=None) and list(labels.weights) == list(REGIMES)
    assert single()(market[:0]).weights.shape == (0, 4)


def test_arguments_and_schema():
    with pytest.raises(ConfigError, match=r"^labellers: needs at least one"):
        OnsetLabels(labellers=())
    with pytest.raises(ConfigError, match=r"^horizon: must be at least 1 session, got 0"):
        OnsetLabels(horizon=0)
    content = {"labellers": [{"depth": 1.5}], "horizon": 10}
    assert build(OnsetLabels, content, "x.yaml") == single(10, depth=1.5)
