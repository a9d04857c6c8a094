"""EpisodeLabels: the truncation law, its parameters; state machines against slow definitions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.config import build
from regime.errors import ConfigError
from regime.labels.episodes import EpisodeLabels, episode_phases, spell_phases
from regime.schema import REGIMES


def random_market(seed, rows=700):
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2000-01-03", periods=rows, name="date")
    shocks = rng.standard_t(4, (rows, 3)) * 0.01 + 0.02 * rng.standard_t(4, (rows, 1)) * (
        rng.random((rows, 1)) < 0.2
    )
    table = pd.DataFrame(
        100 * np.exp(shocks.cumsum(axis=0)), index=dates, columns=["sp500", "gold", "btc"]
    )
    table.loc[dates[: rng.integers(0, 300)], "btc"] = np.nan
    return table


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(2, 699), partial=st.booleans())
def test_truncation_law(seed, cut, partial):
    market, labeller = random_market(seed), EpisodeLabels(partial=partial)
    whole, part = labeller(market), labeller(market[:cut])
    date = market.index[cut - 1]
    known = whole.known_by(date)
    assert (known[:cut] == part.known_by(date)).all() and not known[cut:].any()
    pd.testing.assert_frame_equal(whole.weights[known], part.weights[known[:cut]], check_exact=True)
    pd.testing.assert_series_equal(
        whole.known_at[known], part.known_at[known[:cut]], check_exact=True
    )
    assert whole.span_end[known].equals(whole.known_at[known])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 700))
def test_as_of_is_truncation_over_the_same_index(seed, cut):
    market = random_market(seed)
    date = market.index[cut] if cut < 700 else market.index[-1] + pd.Timedelta(days=9)
    labels, part = EpisodeLabels()(market, date), EpisodeLabels()(market[market.index <= date])
    assert labels.weights.index.equals(market.index)
    pd.testing.assert_frame_equal(
        labels.weights, part.weights.reindex(market.index), check_exact=True
    )
    pd.testing.assert_series_equal(
        labels.known_at, part.known_at.reindex(market.index), check_exact=True
    )


def test_table_agrees_with_labels_and_its_own_units():
    market = random_market(3, rows=2500)
    labels, table = EpisodeLabels(partial=True)(market), EpisodeLabels().episodes(market)
    assert len(table) > 2 and list(table) == ["start", "trough", "end", "depth", "fall"]
    falling = pd.Series(False, index=market.index)
    for row in table.itertuples():
        falling |= (falling.index > row.start) & (falling.index <= row.trough)
    known = labels.known_at.notna()
    assert (falling[known] == (labels.regime[known] == "deleveraging")).all()
    assert (table["depth"] >= 2).all() and (table["fall"] < 0).all()
    assert (table["start"][1:].to_numpy() >= table["end"][:-1].to_numpy()).all()


def test_deeper_thresholds_name_fewer_falls():
    market = random_market(4, rows=3000)
    assert len(EpisodeLabels(depth=4).episodes(market)) < len(
        EpisodeLabels(depth=1.5).episodes(market)
    )


def test_a_running_episode_has_no_end_and_no_labels():
    dates = pd.bdate_range("2000-01-03", periods=330, name="date")
    steps = np.r_[np.tile([0.01, -0.005], 150), np.full(30, -0.02)]
    market = pd.DataFrame({"sp500": np.exp(steps.cumsum())}, index=dates)
    table = EpisodeLabels().episodes(market)
    assert table["end"].isna().all() and table["trough"].iloc[0] == dates[-1]
    running = dates > dates[298] - pd.Timedelta(days=25)
    assert EpisodeLabels()(market).regime[running].isna().all()
    late = EpisodeLabels(partial=True)(market)
    assert (late.regime[dates > table["start"].iloc[0]] == "deleveraging").all()
    assert (late.regime.dropna() == "fragile").sum() == 21


def test_an_empty_or_short_market_is_unknown():
    market = random_market(5)
    for labels in (
        EpisodeLabels()(market[:200]),
        EpisodeLabels()(market, pd.Timestamp("1999-01-01")),
    ):
        assert labels.weights.isna().all(axis=None) and list(labels.weights) == list(REGIMES)
    assert EpisodeLabels()(market[:0]).weights.shape == (0, 4)
    assert EpisodeLabels().episodes(market[:100]).empty


@pytest.mark.parametrize(
    "bad",
    [
        {"depth": 0},
        {"recover": 0},
        {"recover": 1.1},
        {"fragile": 0},
        {"core_weight": 0},
        {"core_weight": 1.5},
        {"volatility_halflife": 0},
        {"depth": float("nan")},
    ],
)
def test_arguments_out_of_range_are_named(bad):
    name = next(iter(bad))
    with pytest.raises(ConfigError, match=f"^{name}: "):
        EpisodeLabels(**bad)


def test_constructor_is_the_config_schema():
    assert build(EpisodeLabels, {"depth": 2.5, "partial": True}, "x.yaml") == EpisodeLabels(
        depth=2.5, partial=True
    )
    with pytest.raises(ConfigError, match="unknown key `dept`; did you mean `depth`"):
        build(EpisodeLabels, {"dept": 2.5}, "x.yaml")


CALM, FRAGILE, DELEVERAGING, RECOVERY, UNKNOWN = 0, 1, 2, 3, -1
STEPS = st.lists(st.integers(-4, 4), min_size=1, max_size=120)


def walk(steps):
    return np.cumsum(np.array(steps, float))


def run(level, *, depth=5.0, recover=0.5, fragile=3, partial=True):
    return episode_phases(level, np.ones(len(level)), depth, recover, fragile, partial)


def slow_episodes(level, depth, recover):
    """Falls by definition.

    For each running peak, look ahead for the depth, the trough and the half.
    """
    found, begin, n = [], 0, len(level)
    while begin < n:
        breach = next(
            (t for t in range(begin, n) if level[begin : t + 1].max() - level[t] >= depth), None
        )
        if breach is None:
            break
        peak = max(t for t in range(begin, breach) if level[t] == level[begin:breach].max())
        end = next(
            (
                t
                for t in range(breach + 1, n)
                if level[t] > level[peak:t].min()
                and level[t] - level[peak:t].min() >= recover * (level[peak] - level[peak:t].min())
            ),
            None,
        )
        stop = n if end is None else end
        trough = peak + int(level[peak:stop].argmin())
        found.append((peak, trough, -1 if end is None else end))
        begin = stop
    return found


def slow_codes(level, episodes, fragile):
    codes = np.full(len(level), CALM)
    for peak, _, _ in episodes:
        codes[max(peak - fragile + 1, 0) : peak + 1] = FRAGILE
    for peak, trough, end in episodes:
        stop = end if end >= 0 else len(level) - 1
        codes[peak + 1 : trough + 1] = DELEVERAGING
        codes[trough + 1 : stop + 1] = RECOVERY
    return codes


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, recover=st.sampled_from([0.3, 0.5, 1.0]), partial=st.booleans())
def test_episodes_equal_their_definition(steps, recover, partial):
    level = walk(steps)
    episodes, codes, known = run(level, recover=recover, partial=partial)
    expected = slow_episodes(level, 5.0, recover)
    assert [tuple(row) for row in episodes.tolist()] == expected
    sure = known >= 0
    assert (codes[sure] == slow_codes(level, expected, 3)[sure]).all()
    assert (codes[~sure] == UNKNOWN).all()


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, cut=st.integers(1, 120), partial=st.booleans())
def test_a_known_row_is_known_from_the_data_up_to_then_and_no_earlier(steps, cut, partial):
    level = walk(steps)
    _, codes, known = run(level, partial=partial)
    _, codes_cut, known_cut = run(level[:cut], partial=partial)
    whole, part = (known[:cut] >= 0) & (known[:cut] < cut), known_cut >= 0
    assert (whole == part).all()
    assert (codes[:cut][whole] == codes_cut[part]).all()
    assert (known[:cut][whole] == known_cut[part]).all()


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_an_unknown_row_has_two_continuations_that_disagree(steps):
    level = walk(steps)
    known = run(level)[2]
    rally = run(np.r_[level, level[-1] + np.arange(1, 300.0)])[1][: len(level)]
    crash = run(
        np.r_[level, level[-1] - np.arange(1, 300.0), level[-1] - 300 + np.arange(1, 600.0)]
    )[1][: len(level)]
    assert (rally[known < 0] != crash[known < 0]).all()
    assert (rally[known >= 0] == crash[known >= 0]).all()


def test_an_episode_by_hand():
    level = np.array([0, 1, 2, 3, 10, 8, 5, 4, 6, 7, 8, 9, 11, 12, 13], float)
    episodes, codes, known = run(level)
    assert episodes.tolist() == [[4, 7, 9]]
    assert codes.tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 0, 0, -1, -1, -1]
    # Peak 10 at row 4 settles rows 0 and 1; the fall of 5 stands at row 6; 7 is a new low; half of
    # 6 is back at row 9.
    assert known.tolist() == [3, 4, 6, 6, 6, 6, 6, 7, 9, 9, 13, 14, -1, -1, -1]
    assert run(level, partial=False)[2].tolist() == [
        3,
        4,
        9,
        9,
        9,
        9,
        9,
        9,
        9,
        9,
        13,
        14,
        -1,
        -1,
        -1,
    ]


def test_a_running_episode_is_unknown_unless_partial():
    level = np.array([0, 1, 10, 3, 2, 4], float)
    assert run(level, partial=False)[1].tolist() == [-1] * 6
    assert run(level, partial=True)[1].tolist() == [1, 1, 1, 2, 2, -1]


def test_nothing_starts_before_level_and_unit_are_known():
    level, unit = (
        np.array([np.nan, 9.0, 9.0, 5.0, 9.0, 9.5, 9.7, 9.8]),
        np.r_[np.nan, np.nan, np.nan, np.ones(5)],
    )
    episodes, codes, known = episode_phases(level, unit, 2.0, 0.5, 2, True)
    assert len(episodes) == 0
    assert codes.tolist() == [-1, -1, -1, 0, 0, 0, -1, -1] and known.tolist() == [
        -1,
        -1,
        -1,
        5,
        6,
        7,
        -1,
        -1,
    ]
    assert (episode_phases(np.full(3, np.nan), np.ones(3), 2.0, 0.5, 2, True)[1] == UNKNOWN).all()


def slow_spells(worst, level, fragile, recover):
    n, codes = len(worst), np.full(len(worst), CALM)
    edges = np.flatnonzero(np.diff(np.r_[0, worst.astype(int), 0]))
    for a, b in zip(edges[::2], edges[1::2] - 1, strict=True):
        first = max(a - fragile, 0)
        rows = np.arange(first, a)
        codes[rows[codes[rows] == CALM]] = FRAGILE
        codes[a : b + 1] = DELEVERAGING
        low = a + int(level[a : b + 1].argmin())
        half = level[low] + recover * (level[first : low + 1].max() - level[low])
        t = b
        while t + 1 < n and not worst[t + 1] and level[t] < half:
            t += 1
            codes[t] = RECOVERY
    tail = np.arange(max(n - fragile, 0), n)
    codes[tail[codes[tail] == CALM]] = UNKNOWN
    return codes


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 10_000), recover=st.sampled_from([0.3, 0.5, 1.0]))
def test_spells_equal_their_definition(steps, seed, recover):
    level = walk(steps)
    worst = np.repeat(np.random.default_rng(seed).random(40) < 0.3, 3)[: len(level)]
    assert (spell_phases(worst, level, 5, recover) == slow_spells(worst, level, 5, recover)).all()


def test_a_spell_by_hand():
    level = np.array([5, 6, 10, 8, 4, 2, 3, 5, 6, 7, 8, 9], float)
    worst = np.isin(np.arange(12), [3, 4, 5])
    # Fall from 10 to 2: recovery includes row 8, where half (6) is regained; the last two rows may
    # yet turn fragile.
    assert spell_phases(worst, level, 2, 0.5).tolist() == [0, 1, 1, 2, 2, 2, 3, 3, 3, 0, -1, -1]
