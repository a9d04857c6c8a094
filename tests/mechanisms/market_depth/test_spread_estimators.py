"""Spread estimators by hand, against their library, and on paths whose spread is known."""

import numpy as np
import pandas as pd
import pytest
from bidask import edge, edge_rolling

from regime.errors import ConfigError, InvalidDataError
from regime.mechanisms.market_depth.spread_estimators import (
    abdi_ranaldo_spread,
    amihud_illiquidity,
    corwin_schultz_spread,
    edge_spread,
    roll_spread,
)

NAN = np.nan
ESTIMATORS = {
    "edge": lambda bars, *window: edge_spread(bars, *window),
    "signed edge": lambda bars, *window: edge_spread(bars, *window, signed=True),
    "corwin_schultz": corwin_schultz_spread,
    "abdi_ranaldo": abdi_ranaldo_spread,
    "roll": lambda bars, *window: roll_spread(bars["close"], *window),
    "amihud": lambda bars, *window: amihud_illiquidity(bars["close"], bars["close"] * 1e6, *window),
}


def bars_of(*rows):
    dates = pd.bdate_range("2024-01-01", periods=len(rows), name="date")
    return pd.DataFrame(rows, index=dates, columns=["open", "high", "low", "close"], dtype=float)


def bounced(spread, days=2000, daily=0.01, trades=200, seed=1):
    """Bars of trades at bid or ask, by the toss of a coin, around a middle that walks.

    No bar differs otherwise.
    """
    rng = np.random.default_rng(seed)
    middle = 100 * np.exp(np.cumsum(rng.normal(0, daily / trades**0.5, days * trades)))
    traded = (middle * (1 + spread / 2 * rng.choice([-1, 1], days * trades))).reshape(days, trades)
    dates = pd.bdate_range("2000-01-03", periods=days, name="date")
    return pd.DataFrame(
        {
            "open": traded[:, 0],
            "high": traded.max(axis=1),
            "low": traded.min(axis=1),
            "close": traded[:, -1],
        },
        index=dates,
    )


@pytest.fixture(scope="module")
def gapped():
    """Bars with whole rows and single prices missing."""
    bars, rng = bounced(0.005, days=600, trades=30), np.random.default_rng(3)
    bars = bars.mask(rng.random(bars.shape) < 0.01)
    bars.loc[rng.random(len(bars)) < 0.02] = NAN
    return bars


@pytest.mark.parametrize("spread", [0.01, 0.03])
@pytest.mark.parametrize(
    ("name", "room"),
    [
        ("edge", 0.03),
        ("signed edge", 0.03),
        ("corwin_schultz", 0.15),
        ("abdi_ranaldo", 0.05),
        ("roll", 0.1),
    ],
)
def test_the_known_spread_of_a_bouncing_price_is_found(name, room, spread):
    bars = bounced(spread)
    assert ESTIMATORS[name](bars, len(bars)).iloc[-1] == pytest.approx(spread, rel=room)
    yearly = ESTIMATORS[name](bars, 250).dropna()
    assert yearly.mean() == pytest.approx(spread, rel=3 * room)


@pytest.mark.parametrize("name", ["signed edge", "abdi_ranaldo"])
def test_no_spread_is_found_where_there_is_none(name):
    bars = bounced(0.0)
    assert abs(ESTIMATORS[name](bars, len(bars)).iloc[-1]) < 0.0025


def test_a_wider_spread_is_seen_as_wider_by_all():
    narrow, wide = bounced(0.005), bounced(0.02)
    for name, estimate in ESTIMATORS.items():
        if name != "amihud":
            assert estimate(wide, 1000).iloc[-1] > 1.5 * estimate(narrow, 1000).iloc[-1]


@pytest.mark.filterwarnings("ignore:The inplace keyword")
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("lookback", "minimum"), [(21, None), (21, 10), (250, 63)])
def test_edge_is_that_of_its_library(gapped, lookback, minimum, signed):
    theirs = edge_rolling(gapped, window=lookback, sign=signed, min_periods=minimum or lookback)
    pd.testing.assert_series_equal(
        edge_spread(gapped, lookback, minimum, signed=signed), theirs, check_names=False
    )
    whole = bounced(0.005, days=60)
    window = whole.iloc[10:31]
    assert edge_spread(whole, 21).iloc[30] == pytest.approx(
        edge(*(window[name] for name in whole)), rel=1e-9
    )


def test_edge_of_a_toy_that_never_moves_within_its_bars_is_missing():
    toy = bars_of([18.21, 18.21, 17.61, 17.61], [17.61] * 4, [17.61] * 4)
    assert np.isnan(edge(toy["open"], toy["high"], toy["low"], toy["close"]))
    assert edge_spread(toy, 3).isna().all()


def two_sessions(span, both):
    """The estimate of one pair from the log range of each session and of the two."""
    share = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * 2 * span**2) - np.sqrt(2 * span**2)) / share - np.sqrt(both**2 / share)
    return max(2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha)), 0.0)


def test_corwin_schultz_by_hand():
    """Bars that span 2 % around one level.

    Two sessions together span no more than one does, so all is bounce.
    """
    spread = corwin_schultz_spread(bars_of(*[[100, 101, 99, 100]] * 4), 3)
    span = np.log(101 / 99)
    assert spread.isna().tolist() == [True, True, False, False]
    assert spread.iloc[-1] == pytest.approx(two_sessions(span, span), rel=1e-12)
    assert spread.iloc[-1] == pytest.approx(2 * (101 - 99) / (101 + 99), rel=1e-3)


def test_corwin_schultz_moves_a_jump_overnight_back():
    """From a close of 100 to a low of 108.9.

    The session is moved down until its low is that close.
    """
    jumped = bars_of([100, 101, 99, 100], [100, 101, 99, 100], [110, 111.1, 108.9, 110])
    span = np.log(101 / 99)
    pairs = (
        two_sessions(span, span),
        two_sessions(span, max(np.log(101), np.log(100) + span) - np.log(99)),
    )
    assert corwin_schultz_spread(jumped, 3).iloc[-1] == pytest.approx(np.mean(pairs), rel=1e-9)
    fallen = bars_of([100, 101, 99, 100], [100, 101, 99, 100], [90, 90.9, 89.1, 90])
    pairs = (
        two_sessions(span, span),
        two_sessions(span, np.log(101) - min(np.log(99), np.log(100) - span)),
    )
    assert corwin_schultz_spread(fallen, 3).iloc[-1] == pytest.approx(np.mean(pairs), rel=1e-9)


def test_abdi_ranaldo_by_hand():
    bars = bars_of([100, 102, 98, 101], [100, 103, 99, 99], [100, 101, 97, 98], [100, 104, 98, 100])
    close, middle = np.log(bars["close"]), (np.log(bars["high"]) + np.log(bars["low"])) / 2
    terms = [
        4 * (close.iloc[t] - middle.iloc[t]) * (close.iloc[t] - middle.iloc[t + 1])
        for t in range(3)
    ]
    assert abdi_ranaldo_spread(bars, 4).iloc[-1] == pytest.approx(
        np.sqrt(np.mean(terms)), rel=1e-12
    )
    trending = bars_of(*([p, p + 1, p - 1, p + 0.9] for p in (100, 102, 104, 106)))
    assert abdi_ranaldo_spread(trending, 3).iloc[-1] == 0.0  # a negative square


def test_roll_by_hand():
    close = pd.Series(
        [100.0, 101, 100, 101, 100], pd.bdate_range("2024-01-01", periods=5, name="date")
    )
    now, before = np.array([-1, 1, -1]) * np.log(1.01), np.array([1, -1, 1]) * np.log(1.01)
    covariance = (now * before).mean() - now.mean() * before.mean()
    assert roll_spread(close, 5).iloc[-1] == pytest.approx(2 * np.sqrt(-covariance), rel=1e-12)
    rising = pd.Series(np.exp([0, 0.01, 0.03, 0.06, 0.1]), close.index)
    assert roll_spread(rising, 5).iloc[-1] == 0.0  # changes that go on are no bounce


def test_amihud_by_hand():
    dates = pd.bdate_range("2024-01-01", periods=4, name="date")
    close, traded = pd.Series([100.0, 110, 99, 99], dates), pd.Series([1e6, 2e6, 4e6, 5e6], dates)
    expected = np.mean([np.log(1.1) / 2, np.log(110 / 99) / 4, 0.0])
    assert amihud_illiquidity(close, traded, 4).iloc[-1] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(
        amihud_illiquidity(close, traded.replace(2e6, 0.0), 4).iloc[-1]
    )  # no volume tells nothing
    with pytest.raises(InvalidDataError, match="same dates"):
        amihud_illiquidity(close, traded.iloc[1:])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_no_row_knows_of_a_later_one_to_the_last_bit(gapped, name):
    whole = ESTIMATORS[name](gapped, 63, 21)
    assert whole.notna().mean() > 0.9 and whole.index.equals(gapped.index)
    for cut in (100, 333, 599):
        stirred = gapped.copy()
        stirred.iloc[cut:] *= 3.0
        for part in (
            ESTIMATORS[name](gapped.iloc[:cut], 63, 21),
            ESTIMATORS[name](stirred, 63, 21),
        ):
            np.testing.assert_array_equal(part.to_numpy()[:cut], whole.to_numpy()[:cut])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_window_holds_its_own_rows_and_no_others(name):
    bars = bounced(0.01, days=80, trades=20)
    own = ESTIMATORS[name](bars.iloc[-30:], 30).iloc[-1]
    assert ESTIMATORS[name](bars, 30).iloc[-1] == pytest.approx(own, rel=1e-9)
    assert ESTIMATORS[name](bars, 30).first_valid_index() == bars.index[29]
    assert ESTIMATORS[name](bars, 30, 10).first_valid_index() == bars.index[9]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_is_no_price_is_missing(gapped, name):
    spoilt, missing = gapped.copy(), gapped.copy()
    spoilt.iloc[100], missing.iloc[100] = [0.0, -37.6, np.inf, 0.0], NAN
    np.testing.assert_array_equal(
        ESTIMATORS[name](spoilt, 63, 21), ESTIMATORS[name](missing, 63, 21)
    )


@pytest.mark.parametrize("name", ESTIMATORS)
def test_no_rows_and_few_rows(name):
    bars = bounced(0.01, days=5, trades=20)
    assert len(ESTIMATORS[name](bars.iloc[:0], 21)) == 0
    assert (
        ESTIMATORS[name](bars, 21).isna().all() and ESTIMATORS[name](bars.iloc[:1], 4).isna().all()
    )
    with pytest.raises(ConfigError, match="lookback: must be at least"):
        ESTIMATORS[name](bars, 2)
    with pytest.raises(ConfigError, match=r"minimum: must lie in [34]..lookback = 5"):
        ESTIMATORS[name](bars, 5, 6)


def test_a_missing_column_is_named():
    with pytest.raises(
        InvalidDataError, match="Bars: column `open` is absent; an estimate reads open"
    ):
        edge_spread(bounced(0.01, days=5, trades=20).drop(columns="open"))
