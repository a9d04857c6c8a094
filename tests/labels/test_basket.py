"""The risk basket: scaling, causality, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.labels.basket import known_market, prior_volatility, risk_basket


@pytest.fixture(scope="module")
def basket_market():
    rng = np.random.default_rng(7)
    dates = pd.bdate_range("2000-01-03", periods=900, name="date")
    table = pd.DataFrame(
        {
            name: 100 * np.exp(rng.normal(0, sd, 900).cumsum())
            for name, sd in (("sp500", 0.01), ("gold", 0.007), ("btc", 0.05))
        },
        index=dates,
    )
    table.loc[table.index[:300], "btc"] = np.nan
    return table


def returns_of(prices):
    return np.log(prices).diff()


def test_core_alone_is_its_log_return(basket_market):
    expected = returns_of(basket_market["sp500"]).to_numpy()
    np.testing.assert_array_equal(
        risk_basket(basket_market, core_weight=1.0, halflife=252), expected
    )
    np.testing.assert_array_equal(
        risk_basket(basket_market[["sp500"]], core_weight=0.3, halflife=252), expected
    )


def test_others_share_the_rest_at_the_cores_volatility_of_the_day_before(basket_market):
    basket = risk_basket(basket_market, core_weight=0.4, halflife=100)
    returns = basket_market.apply(returns_of)
    risk = returns.apply(prior_volatility, halflife=100)
    for row, others in (
        (252, []),
        (253, ["gold"]),
        (552, ["gold"]),
        (553, ["gold", "btc"]),
        (899, ["gold", "btc"]),
    ):
        scaled = [
            returns[a].iloc[row] * risk["sp500"].iloc[row - 1] / risk[a].iloc[row - 1]
            for a in others
        ]
        core = returns["sp500"].iloc[row]
        assert basket.iloc[row] == pytest.approx(
            0.4 * core + 0.6 * np.mean(scaled) if others else core
        )


def test_leverage_of_an_asset_does_not_matter(basket_market):
    levered = basket_market.assign(btc=basket_market["btc"] ** 3)
    np.testing.assert_allclose(
        risk_basket(levered, core_weight=0.5, halflife=252),
        risk_basket(basket_market, core_weight=0.5, halflife=252),
    )


def test_prefix_to_the_bit(basket_market):
    whole = risk_basket(basket_market, core_weight=0.5, halflife=252)
    for cut in (1, 260, 600):
        pd.testing.assert_series_equal(
            risk_basket(basket_market[:cut], core_weight=0.5, halflife=252),
            whole[:cut],
            check_exact=True,
            check_freq=False,
        )


def test_a_price_below_zero_or_a_holiday_is_carried_over(basket_market):
    holed = basket_market.copy()
    holed.iloc[700, 1], holed.iloc[800, 1] = -37.63, np.nan
    carried = basket_market.copy()
    carried.iloc[700, 1], carried.iloc[800, 1] = carried.iloc[699, 1], carried.iloc[799, 1]
    np.testing.assert_array_equal(
        risk_basket(holed, core_weight=0.5, halflife=252),
        risk_basket(carried, core_weight=0.5, halflife=252),
    )


def test_volatility_needs_a_year_and_is_a_root_mean_square():
    returns = pd.Series(np.random.default_rng(1).normal(0, 0.02, 400))
    risk = prior_volatility(returns, 1e9)
    assert risk[:251].isna().all() and risk[251:].notna().all()
    assert risk.iloc[-1] == pytest.approx(np.sqrt((returns**2).mean()))


def test_market_without_a_core_or_with_a_gap_in_it_is_refused(basket_market):
    with pytest.raises(InvalidDataError, match="column `sp500` is missing; got gold, btc"):
        known_market(basket_market[["gold", "btc"]], None)
    for value in (np.nan, 0.0, -1.0):
        holed = basket_market.copy()
        holed.iloc[20, 0] = value
        with pytest.raises(InvalidDataError, match=r"`sp500` is .* on 2000-01-31"):
            known_market(holed, None)
        assert len(known_market(holed, holed.index[19])) == 20


def test_rows_before_the_core_begins_are_allowed(basket_market):
    late = basket_market.copy()
    late.iloc[:10, 0] = np.nan
    assert (
        risk_basket(known_market(late, None), core_weight=0.5, halflife=252).first_valid_index()
        == late.index[11]
    )
