"""A portfolio on real bars.

Levels against plain reading, and half-spreads in bands that were looked at.
"""

import numpy as np
import pandas as pd
import pytest

from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.tradable_assets import read_traded
from regime.rules.allocation import Allocation

pytestmark = pytest.mark.real
BASKET = Allocation(
    risk={"spy": 0.4, "qqq": 0.2, "eem": 0.15, "hyg": 0.15, "dbc": 0.05, "btc": 0.05},
    hedge={"tlt": 0.4, "gld": 0.3, "uup": 0.3},
    hedge_share=0.5,
)
# Basis points, the median over all sessions from 2010 on: between a tick and what a swing within
# the session can feign.
BANDS = {
    "spy": (2, 20),
    "qqq": (1, 20),
    "eem": (0.5, 20),
    "hyg": (0.5, 10),
    "dbc": (0.5, 15),
    "btc": (0.5, 30),
    "tlt": (0.5, 12),
    "gld": (0.5, 12),
    "uup": (0.5, 8),
    "bil": (0.5, 2),
}


@pytest.fixture(scope="module")
def market_data(request):
    folder = request.getfixturevalue("real_data")
    return read_market_data(
        load_settings("us_macro.yaml", ["tracking=NullTracker"]), folder, NoProgress()
    )


@pytest.fixture(scope="module")
def traded(request, market_data):
    settings = load_settings("us_macro.yaml", ["tracking=NullTracker"])
    return read_traded(
        settings,
        [*BASKET.assets, "bil"],
        request.getfixturevalue("real_data"),
        market_data.sessions,
    )


def plain(folder, name, column):
    return pd.read_csv(folder / "prices" / f"{name}.csv", parse_dates=["date"]).set_index("date")[
        column
    ]


@pytest.mark.parametrize("name", ["SPY", "QQQ", "EEM", "HYG", "DBC", "TLT", "GLD", "UUP", "BIL"])
def test_levels_are_those_of_the_files(traded, market_data, real_data, name):
    own = plain(real_data, name, "adj_close").reindex(market_data.sessions)
    pd.testing.assert_series_equal(
        traded.prices[name.lower()], own, check_names=False, check_freq=False
    )
    gap = traded.opens[name.lower()] / traded.prices[name.lower()].shift(1)
    assert (
        abs(np.log(gap.dropna())).median() < 0.01
        and gap.between(0.7, 1.3).where(gap.notna(), True).all()
    )


def test_the_tracker_has_the_returns_of_the_world(traded, market_data):
    own = traded.prices["spy"].pct_change(fill_method=None)
    assert (own - market_data.returns).abs().max() < 1e-12 and own.notna().sum() > 7000


def test_bitcoin_is_a_day_behind_and_misses_no_session(traded, market_data, real_data):
    own, close = traded.prices["btc"].dropna(), plain(real_data, "BTC-USD", "close")
    assert own.index.equals(market_data.sessions[market_data.sessions > "2014-09-17"])
    before = own.index - pd.Timedelta(days=1)
    np.testing.assert_allclose(own, close.reindex(before), rtol=1e-12)
    # 2020-03-12: the fall of the 12th ended at 00:00 UTC and counts for Friday the 13th.
    assert own["2020-03-13"] / own["2020-03-12"] == pytest.approx(
        close["2020-03-12"] / close["2020-03-11"]
    )
    assert own["2020-03-13"] / own["2020-03-12"] < 0.7


@pytest.mark.parametrize("name", BANDS)
def test_half_spreads_lie_in_bands_that_were_looked_at(traded, name):
    low, high = BANDS[name]
    half = traded.half_spread_bps[name]
    assert half.notna().all() and (half >= 0.5).all() and half.max() < 150
    assert low <= half["2010":].median() <= high


def test_half_spreads_know_what_was_dear(traded):
    """Where the estimate has something to see it is right.

    Eighths before decimals, the crash, bills at a tick.
    """
    half = traded.half_spread_bps
    assert half["qqq"]["2000":"2001"].median() > 2 * half["qqq"]["2010":].median()
    assert half["hyg"]["2008-06":"2009-06"].median() > 3 * half["hyg"]["2010":].median()
    assert half["bil"]["2020":].median() < 1.0
    for name in ("spy", "eem", "hyg"):
        assert half[name]["2020-04":"2020-05"].median() > half[name]["2019"].median()


def test_an_allocation_holds_what_there_was(traded, market_data):
    weights = BASKET(pd.Series(0.6, market_data.sessions), traded.prices)
    assert (
        (weights.loc[:"1994"] == 0).all().all()
    )  # SPY's file begins in 1995: before it all is cash
    first = weights.loc["1995-01-03"]
    assert first["spy"] == pytest.approx(0.6) and first.drop("spy").eq(0).all()
    last = weights.iloc[-1]
    expected = {
        **{name: 0.6 * share for name, share in BASKET.risk.items()},
        **{name: 0.2 * share for name, share in BASKET.hedge.items()},
    }
    assert last.to_dict() == pytest.approx(expected)
    begun = weights.gt(0).idxmax()
    assert begun["btc"] == pd.Timestamp("2014-09-18") and begun["hyg"] == pd.Timestamp("2007-04-11")
    changed = weights.diff().abs().sum(axis=1) > 1e-9
    assert changed.sum() == 9  # each asset begins once, and no gap trades
