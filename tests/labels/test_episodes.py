"""EpisodeLabels: the truncation law, the frames, and its parameters."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.config import build
from regime.errors import ConfigError
from regime.labels.episodes import EpisodeLabels
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
