"""What an exposure is held in: by hand, and the laws of weights."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.config import build
from regime.errors import ConfigError, InvalidDataError
from regime.rules.allocation import Allocation
from regime.schema import check_weights

DATES = pd.bdate_range("2024-01-01", periods=6, name="date")
NAN = np.nan
BASKET = {"spy": 0.4, "qqq": 0.2, "eem": 0.15, "hyg": 0.15, "dbc": 0.05, "btc": 0.05}
HEDGED = Allocation(risk={"spy": 0.6, "qqq": 0.4}, hedge={"tlt": 0.5, "gld": 0.5}, hedge_share=0.5)


def table(**columns):
    return pd.DataFrame(
        {
            name: np.broadcast_to(np.asarray(own, float), len(DATES))
            for name, own in columns.items()
        },
        index=DATES,
    )


def held(exposure, dates=DATES):
    return pd.Series(np.broadcast_to(np.asarray(exposure, float), len(dates)), index=dates)


def test_the_default_is_the_tracker_and_cash():
    exposure = held([1.0, 0.3, 0.7, 0.1, 0.0, 1 / 3])
    weights = Allocation()(exposure, table(spy=400))
    assert weights["spy"].tolist() == exposure.tolist() and list(weights) == ["spy"]
    assert str(Allocation()) == "spy; what is freed is cash"


def test_part_of_what_is_freed_goes_to_the_hedge():
    weights = HEDGED(held(0.6), table(spy=1, qqq=1, tlt=1, gld=1))
    assert weights.iloc[0].to_dict() == pytest.approx(
        {"spy": 0.36, "qqq": 0.24, "tlt": 0.1, "gld": 0.1}
    )
    assert (
        str(HEDGED)
        == "60 % spy, 40 % qqq; half of what is freed in 50 % tlt, 50 % gld, the rest cash"
    )
    whole = Allocation(hedge={"tlt": 1.0})
    assert whole(held(0.25), table(spy=1, tlt=1)).iloc[0].tolist() == [0.25, 0.75]
    assert str(whole) == "spy; all of what is freed in tlt"
    assert (
        str(Allocation(hedge={"tlt": 1.0}, hedge_share=0.3))
        == "spy; 30 % of what is freed in tlt, the rest cash"
    )


def test_an_asset_that_has_not_begun_leaves_its_share_to_its_leg():
    prices = table(spy=1, qqq=[NAN, NAN, 1, 1, 1, 1], tlt=[NAN] * 4 + [1] * 2, gld=NAN)
    weights = HEDGED(held(0.6), prices)
    np.testing.assert_allclose(
        weights, [[0.6, 0, 0, 0]] * 2 + [[0.36, 0.24, 0, 0]] * 2 + [[0.36, 0.24, 0.2, 0]] * 2
    )


def test_a_leg_without_any_price_is_cash():
    weights = HEDGED(held(0.6), table(spy=NAN, qqq=NAN, tlt=1, gld=1))
    np.testing.assert_allclose(weights, [[0, 0, 0.1, 0.1]] * 6)
    assert (
        HEDGED(held(0.6), table(spy=NAN, qqq=NAN, tlt=NAN, gld=NAN)).to_numpy().tolist()
        == [[0.0] * 4] * 6
    )


@pytest.mark.parametrize(("patience", "last"), [(0, 2), (1, 3), (2, 4), (5, 5)])
def test_an_asset_that_stopped_leaves_its_share_once_patience_is_out(patience, last):
    allocation = Allocation(risk={"spy": 0.5, "jnk": 0.5}, patience=patience)
    weights = allocation(held(1.0), table(spy=1, jnk=[1, 1, 1, NAN, NAN, NAN]))
    assert weights["jnk"].tolist() == [0.5] * (last + 1) + [0.0] * (5 - last)
    assert (weights.sum(axis=1) == 1.0).all()


def test_sessions_before_the_first_decision_tell_that_an_asset_lives():
    weights = Allocation(risk={"spy": 0.5, "btc": 0.5})(
        held(1.0, DATES[3:]), table(spy=1, btc=[1, 1, 1, NAN, NAN, 1])
    )
    assert weights.index.equals(DATES[3:]) and weights.to_numpy().tolist() == [[0.5, 0.5]] * 3


def test_shares_that_are_rounded_still_fill_the_exposure():
    third = Allocation(risk={"a": 0.3333333, "b": 0.3333333, "c": 0.3333333})
    weights = third(held(1.0), table(a=1, b=1, c=1))
    assert weights.sum(axis=1).tolist() == pytest.approx([1.0] * 6, abs=1e-12)


@given(
    seed=st.integers(0, 10**6),
    cut=st.integers(1, 39),
    patience=st.integers(0, 4),
    share=st.floats(0, 1),
)
@settings(max_examples=60, deadline=None)
def test_weights_keep_their_laws(seed, cut, patience, share):
    """Never above 1 in sum; each leg fully placed where any of it lives.

    No row knows of a later one.
    """
    rng, dates = np.random.default_rng(seed), pd.bdate_range("2024-01-01", periods=40, name="date")
    allocation = Allocation(
        risk=BASKET, hedge={"tlt": 0.7, "gld": 0.3}, hedge_share=share, patience=patience
    )
    names = list(allocation.assets)
    prices = pd.DataFrame(rng.uniform(1, 2, (40, 8)), dates, names).mask(
        rng.random((40, 8)) < rng.uniform(0, 1, 8)
    )
    exposure = pd.Series(rng.uniform(0, 1, 40), dates)
    weights = check_weights(allocation(exposure, prices))
    assert (weights.sum(axis=1) <= 1 + 1e-12).all()
    risk, hedge = weights[list(BASKET)].sum(axis=1), weights[["tlt", "gld"]].sum(axis=1)
    np.testing.assert_allclose(risk.where(risk > 0, exposure), exposure, atol=1e-12)
    np.testing.assert_allclose(
        hedge.where(hedge > 0, (1 - exposure) * share), (1 - exposure) * share, atol=1e-12
    )
    priced_now = prices[names].notna()
    assert (
        not ((weights > 0) & ~priced_now.rolling(patience + 1, min_periods=1).max().astype(bool))
        .to_numpy()
        .any()
    )
    assert allocation(exposure[:cut], prices[:cut]).equals(weights[:cut])
    assert allocation(exposure[cut:], prices).equals(weights[cut:])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"risk": {}}, "risk: must name at least one asset"),
        (
            {"risk": {"spy": 0.5}},
            "risk: shares must sum to 1, got 0.5; a lower exposure is for the rule",
        ),
        ({"risk": {"spy": 1.2, "qqq": -0.2}}, "risk: the share of `spy` must lie in"),
        ({"risk": {"spy": NAN}}, "risk: the share of `spy` must lie in"),
        ({"hedge": {"tlt": 0.4, "gld": 0.4}}, "hedge: shares must sum to 1, got 0.8"),
        ({"hedge": {"spy": 1.0}}, "hedge: `spy` is in the risk leg too"),
        ({"hedge_share": 1.5}, "hedge_share: must lie in"),
        ({"patience": -1}, "patience: must be 0 or more"),
    ],
)
def test_an_impossible_allocation_is_refused(change, fault):
    with pytest.raises(ConfigError, match=fault):
        Allocation(**change)


def test_it_is_built_from_a_config_and_its_faults_have_a_place():
    built = build(
        Allocation,
        {"risk": BASKET, "hedge": {"tlt": 1}, "hedge_share": 0.5},
        "mine.yaml, allocation",
    )
    assert built == Allocation(risk=BASKET, hedge={"tlt": 1.0}, hedge_share=0.5)
    assert built.assets == (*BASKET, "tlt")
    with pytest.raises(ConfigError, match=r"mine.yaml, allocation.*hedge_share"):
        build(Allocation, {"hedge_share": 2}, "mine.yaml, allocation")
    with pytest.raises(ConfigError, match="did you mean `hedge`"):
        build(Allocation, {"hedg": {}}, "mine.yaml, allocation")


@pytest.mark.parametrize(
    ("exposure", "prices", "fault"),
    [
        (held(0.5), table(qqq=1), "Prices: no column `spy`; the allocation holds spy"),
        (held(1.5), table(spy=1), "lies outside"),
        (held([NAN, 1, 1, 1, 1, 1]), table(spy=1), "lies outside"),
        (held(0.5, DATES + pd.Timedelta(days=28)), table(spy=1), "is no session of the prices"),
        (held(0.5), table(spy=1)[::-1], "Prices: dates must rise strictly"),
    ],
)
def test_bad_input_is_refused(exposure, prices, fault):
    with pytest.raises(InvalidDataError, match=fault):
        Allocation()(exposure, prices)
