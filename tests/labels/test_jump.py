"""JumpModelLabels: planted spells, voting, and the cut."""

import numpy as np
import pandas as pd
import pytest

from regime.config import build
from regime.errors import ConfigError
from regime.labels.jump import JumpModelLabels


@pytest.fixture(scope="module")
def planted_market():
    rng = np.random.default_rng(7)
    rows = 1500
    stress = (np.arange(rows) % 300) >= 250
    returns = np.where(stress, rng.normal(-0.006, 0.02, rows), rng.normal(0.0015, 0.006, rows))
    dates = pd.bdate_range("2000-01-03", periods=rows, name="date")
    market = pd.DataFrame(
        {"sp500": 100 * np.exp(returns.cumsum()), "gold": 50 * np.exp(returns.cumsum() / 2)},
        index=dates,
    )
    return market, pd.Series(stress, index=dates)


def test_finds_planted_spells_as_deleveraging(planted_market):
    market, stress = planted_market
    labels = JumpModelLabels()(market)
    known = labels.known_at.notna()
    hard = labels.weights["deleveraging"][known] > 0.5
    assert (hard == stress[known]).mean() > 0.9
    before = stress.shift(-8, fill_value=False) & ~stress & known
    assert before.sum() == 40 and labels.weights["fragile"][before].mean() > 0.8


def test_everything_is_known_at_the_cut_and_nothing_after(planted_market):
    market, _ = planted_market
    cut = market.index[1100]
    labels = JumpModelLabels()(market, cut)
    rows = labels.known_at.dropna()
    assert (rows == cut).all() and labels.span_end.dropna().equals(rows.rename("span_end"))
    assert rows.index[0] == market.index[63] and rows.index[-1] <= cut
    assert labels.weights[market.index > cut].isna().all(axis=None)
    later = JumpModelLabels()(market, cut + pd.Timedelta(hours=30))
    assert (later.known_at.dropna() <= cut + pd.Timedelta(hours=30)).all()


@pytest.mark.parametrize("core_weight", [1.0, 0.5])
def test_later_rows_cannot_reach_the_labels(planted_market, core_weight):
    market, _ = planted_market
    labeller, cut = JumpModelLabels(core_weight=core_weight), market.index[999]
    altered = market.copy()
    altered.iloc[1000:] = altered.iloc[1000:] ** 2
    expected = labeller(market[:1000]).weights.reindex(market.index)
    for table in (market, altered):
        pd.testing.assert_frame_equal(labeller(table, cut).weights, expected, check_exact=True)


def test_weights_are_shares_of_the_pairs(planted_market):
    market, _ = planted_market
    weights = JumpModelLabels(penalties=(5.0, 20.0), windows=(None, 3.0))(market).weights.dropna()
    late, early = weights.loc["2004":] * 4, weights.loc[:"2002"] * 2
    np.testing.assert_allclose(late, late.round(), atol=1e-12)
    np.testing.assert_allclose(
        early, early.round(), atol=1e-12
    )  # the short window does not vote there
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)


def test_average_of_two_penalties_is_the_mean_of_each(planted_market):
    market, _ = planted_market
    both, low, high = (
        JumpModelLabels(penalties=p, windows=(None,))(market).weights
        for p in ((5.0, 80.0), (5.0,), (80.0,))
    )
    known = both.notna().all(axis=1)
    np.testing.assert_allclose(both[known], (low[known] + high[known]) / 2)


def test_rows_outside_every_window_and_unsettled_calm_rows_are_unknown(planted_market):
    market, stress = planted_market
    cut = market.index[1440]  # deep in a calm stretch
    labels = JumpModelLabels(windows=(2.0,))(market, cut)
    known = labels.known_at.dropna().index
    assert known[0] > cut - pd.DateOffset(years=2) - pd.Timedelta(days=3)
    assert known[-1] == market.index[1440 - 21]
    running = JumpModelLabels(penalties=(20.0,))(market, market.index[1490])
    assert running.regime.loc[market.index[1490]] == "deleveraging" and stress.iloc[1490]


def test_too_short_a_history_is_unknown(planted_market):
    market, _ = planted_market
    for rows in (0, 1, 63, 75):
        assert JumpModelLabels()(market[:rows]).known_at.isna().all()


@pytest.mark.parametrize(
    "bad",
    [
        {"penalties": ()},
        {"penalties": (-1.0,)},
        {"penalties": (None,)},
        {"windows": ()},
        {"windows": (0.0,)},
        {"n_states": 1},
        {"recover": 0.0},
        {"core_weight": 0.0},
        {"fragile": 0},
        {"n_init": 0},
        {"seed": -1},
    ],
)
def test_arguments_out_of_range_are_named(bad):
    with pytest.raises(ConfigError, match=f"^{next(iter(bad))}: "):
        JumpModelLabels(**bad)


def test_constructor_is_the_config_schema():
    built = build(JumpModelLabels, {"penalties": [20, 50], "windows": [None, 20]}, "x.yaml")
    assert built == JumpModelLabels(penalties=(20.0, 50.0), windows=(None, 20.0))
