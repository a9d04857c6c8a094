"""Labels and splits on the real folder: known falls, and the laws on prices as they are."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from regime.jump_model import fit_jump_model, jump_features, standardise
from regime.labels.basket import risk_basket
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.splits.walk_forward import PurgedWalkForward

pytestmark = pytest.mark.real
ASSETS = {
    "nasdaq": ("^IXIC", "close"),
    "iwm": ("IWM", "adj_close"),
    "eem": ("EEM", "adj_close"),
    "hyg": ("HYG", "adj_close"),
    "crude": ("CL=F", "close"),
    "gold": ("GC=F", "close"),
    "nikkei": ("^N225", "close"),
    "btc": ("BTC-USD", "close"),
}


@pytest.fixture(scope="module")
def real_market(real_data):
    def prices(name, column):
        table = pd.read_csv(
            real_data / "prices" / f"{name}.csv", parse_dates=["date"], index_col="date"
        )
        return table[column].astype(float)

    market = pd.DataFrame({"sp500": prices("^GSPC", "close").loc["1962":]})
    for name, place in ASSETS.items():
        market[name] = prices(*place).reindex(market.index)
    return market.rename_axis("date")


def test_the_great_falls_of_the_index_alone(real_market):
    table = EpisodeLabels(core_weight=1.0).episodes(real_market)
    spells = {(f"{row.start:%Y-%m-%d}", f"{row.trough:%Y-%m-%d}") for row in table.itertuples()}
    assert {
        ("1987-08-25", "1987-12-04"),
        ("1990-07-16", "1990-10-11"),
        ("2020-02-19", "2020-03-23"),
    } <= spells
    assert {"1974-10-03", "2002-10-09", "2009-03-09", "2022-10-12"} <= {
        trough for _, trough in spells
    }
    crash = table[table["trough"] == "2020-03-23"].iloc[0]
    assert np.expm1(crash["fall"]) == pytest.approx(2237.40 / 3386.15 - 1, abs=1e-5)


@pytest.mark.parametrize("partial", [False, True])
def test_episode_labels_obey_the_truncation_law(real_market, partial):
    labeller = EpisodeLabels(partial=partial)
    whole = labeller(real_market)
    for cut in ("1970-06-30", "1987-10-19", "2008-10-10", "2011-08-08", "2020-03-16", "2022-09-30"):
        part = labeller(real_market.loc[:cut])
        known = whole.known_by(pd.Timestamp(cut))
        assert (known.loc[:cut] == part.known_by(pd.Timestamp(cut))).all()
        pd.testing.assert_frame_equal(
            whole.weights[known], part.weights[part.known_at.notna()], check_exact=True
        )


def test_basket_prefix_to_the_bit_with_holidays_and_a_negative_price(real_market):
    assert real_market["crude"].min() < 0 and real_market["nikkei"].loc["1990":].isna().any()
    whole = risk_basket(real_market, core_weight=0.5, halflife=252)
    assert whole.iloc[1:].notna().all() and whole.abs().max() < 0.25
    for cut in (300, 7000, 12000):
        pd.testing.assert_series_equal(
            risk_basket(real_market[:cut], core_weight=0.5, halflife=252),
            whole[:cut],
            check_exact=True,
        )


def test_every_regime_has_its_share(real_market):
    shares = EpisodeLabels()(real_market).weights.mean()
    assert 0.1 < shares["deleveraging"] < 0.4 and shares["calm"] > 0.4 and shares.min() > 0.03


def test_jump_labels_see_the_crises_and_the_quiet_years(real_market):
    weights = JumpModelLabels()(real_market, pd.Timestamp("2021-06-30")).weights["deleveraging"]
    for month in ("1974-09", "1987-11", "2008-10", "2020-03"):
        assert weights.loc[month].mean() > 0.9, month
    for year in ("1964", "1995", "2017"):
        assert weights.loc[year].mean() < 0.1, year


def test_jump_labels_do_not_see_beyond_the_refit(real_market):
    labeller, cut = JumpModelLabels(penalties=(50.0,), core_weight=0.5), pd.Timestamp("2008-06-30")
    seen = labeller(real_market, cut)
    pd.testing.assert_frame_equal(
        seen.weights.loc[:cut], labeller(real_market.loc[:cut]).weights, check_exact=True
    )
    assert (
        seen.weights.loc["2008-07-01":].isna().all(axis=None)
        and (seen.known_at.dropna() == cut).all()
    )


def test_online_jump_model_lags_but_never_looks_ahead(real_market):
    returns = np.log(real_market["sp500"]).diff()
    features = jump_features(returns).dropna()
    X = standardise(features)
    model = fit_jump_model(X[:10_000], penalty=50.0).sorted_by(-returns[features.index[:10_000]])
    states = pd.Series(model.online(X), index=features.index)
    assert (states[:12_000] == model.online(X[:12_000])).all()
    assert states.loc["2020-03-16"] == 1 and states.loc["2017-06"].sum() == 0


def test_walk_forward_trains_only_on_what_was_known(real_market):
    labels, index = EpisodeLabels()(real_market), real_market.index
    split = PurgedWalkForward(first_test=date(2005, 1, 3))
    pairs = list(split.split(real_market, labels))
    assert len(pairs) == 2 * (index[-1].year - 2004) - (index[-1].month < 7)
    assert (
        np.concatenate([test for _, test in pairs]) == np.flatnonzero(index >= "2005-01-03")
    ).all()
    for train, test in pairs:
        assert (labels.known_at.iloc[train] < index[test[0]]).all() and train[-1] + 21 < test[0]
    sizes = [len(train) for train, _ in pairs]
    assert sizes == sorted(sizes) and sizes[0] > 9000


def test_average_of_both_labellers_at_a_refit(real_market):
    refit = pd.Timestamp("2012-12-31")
    labels = EnsembleLabels()(real_market, refit)
    assert labels.known_at.notna().sum() > 11_000
    assert labels.weights["deleveraging"].loc["2008-10"].mean() > 0.9
