"""Price, gamma and implied volatility against QuantLib, by parity, and back and forth."""

import numpy as np
import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.mechanisms.dealer_gamma.black_scholes import gamma, implied_volatility, price

TOY = {
    "strike": [5000.0, 4800.0, 5200.0, 5000.0],
    "years": np.array([30, 30, 60, 60]) / 365,
    "volatility": [0.20, 0.25, 0.18, 0.21],
}

OPTIONS = {
    "log_strike": st.floats(-0.7, 0.7),
    "years": st.floats(1 / 365, 5.0),
    "volatility": st.floats(0.05, 2.0),
    "rate": st.floats(-0.02, 0.12),
    "dividends": st.floats(0.0, 0.06),
    "call": st.booleans(),
}


def oracle(spot, strike, years, volatility, rate, dividends, call):
    """Price and gamma of QuantLib."""
    discount, growth = np.exp(-rate * years), np.exp(-dividends * years)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, float(strike))
    found = ql.BlackCalculator(
        payoff, float(spot * growth / discount), float(volatility * np.sqrt(years)), float(discount)
    )
    return found.value(), found.gamma(spot)


def test_the_four_gammas_of_the_toy_chain():
    found = gamma(5000.0, **TOY)
    assert np.round(found, 8).tolist() == [0.00139097, 0.00092683, 0.00096438, 0.00093626]


@settings(max_examples=300, deadline=None)
@given(**OPTIONS)
def test_price_and_gamma_are_quantlibs(log_strike, years, volatility, rate, dividends, call):
    strike = 4500.0 * np.exp(log_strike)
    value, second = oracle(4500.0, strike, years, volatility, rate, dividends, call)
    own = price(4500.0, strike, years, volatility, call=call, rate=rate, dividend_yield=dividends)
    assert own == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert gamma(
        4500.0, strike, years, volatility, rate=rate, dividend_yield=dividends
    ) == pytest.approx(second, rel=1e-9, abs=1e-15)


@settings(max_examples=200, deadline=None)
@given(**{name: rule for name, rule in OPTIONS.items() if name != "call"})
def test_calls_less_puts_are_a_forward_and_their_gammas_are_one(
    log_strike, years, volatility, rate, dividends
):
    spot, strike, bump = (
        4500.0,
        4500.0 * np.exp(log_strike),
        4500.0 * 2e-4 * np.sqrt(years) * (volatility + 1),
    )
    terms = {"rate": rate, "dividend_yield": dividends}
    call, put = (
        price(spot, strike, years, volatility, call=side, **terms) for side in (True, False)
    )
    forward = spot * np.exp((rate - dividends) * years)
    assert call - put == pytest.approx(np.exp(-rate * years) * (forward - strike), abs=1e-8)
    # Gamma is what the price bends by, whichever of the two it is.
    for side in (True, False):
        up, here, down = price(
            spot + bump * np.array([1, 0, -1]), strike, years, volatility, call=side, **terms
        )
        size = gamma(spot, spot, years, volatility)
        assert (up - 2 * here + down) / bump**2 == pytest.approx(
            gamma(spot, strike, years, volatility, **terms), rel=2e-3, abs=1e-3 * float(size)
        )


@settings(max_examples=300, deadline=None)
@given(**OPTIONS)
def test_the_volatility_of_a_price_gives_the_price_back(
    log_strike, years, volatility, rate, dividends, call
):
    terms = {"call": call, "rate": rate, "dividend_yield": dividends}
    strike = 4500.0 * np.exp(log_strike)
    premium = price(4500.0, strike, years, volatility, **terms)
    forward = 4500.0 * np.exp((rate - dividends) * years)
    intrinsic = np.exp(-rate * years) * max(forward - strike if call else strike - forward, 0.0)
    found = implied_volatility(premium, 4500.0, strike, years, **terms)
    if premium - intrinsic > 1e-3:  # below, the digits of the time value are lost in the price
        assert found == pytest.approx(volatility, rel=1e-6)
        assert price(4500.0, strike, years, found, **terms) == pytest.approx(premium, rel=1e-12)


def test_implied_volatility_is_quantlibs():
    rng = np.random.default_rng(3)
    for _ in range(200):
        strike, years = 4500 * np.exp(rng.uniform(-0.3, 0.3)), rng.uniform(0.01, 3)
        call, rate, volatility = (
            bool(rng.random() < 0.5),
            rng.uniform(0, 0.06),
            rng.uniform(0.08, 0.9),
        )
        premium = float(price(4500.0, strike, years, volatility, call=call, rate=rate)) + 0.5
        side = ql.Option.Call if call else ql.Option.Put
        forward, discount = 4500 * np.exp(rate * years), np.exp(-rate * years)
        width = ql.blackFormulaImpliedStdDev(
            side, strike, forward, premium, discount, 0.0, 0.2, 1e-13
        )
        found = implied_volatility(premium, 4500.0, strike, years, call=call, rate=rate)
        assert found == pytest.approx(width / np.sqrt(years), rel=1e-7)


@pytest.mark.parametrize(
    ("log_strike", "width"),
    [
        (0.0, 1e-6),
        (0.0, 12.0),
        (1.0, 0.04),
        (-2.0, 0.08),
        (-2.0, 5.0),
        (0.001, 1e-4),
        (3.0, 10.0),
        (0.2, 0.007),
    ],
)
def test_extreme_widths_are_found(log_strike, width):
    call = log_strike > 0  # out of the money: nothing is lost in intrinsic value
    premium = price(1.0, np.exp(log_strike), 1.0, width, call=call)
    assert 0 < premium < (1.0 if call else np.exp(log_strike))
    assert implied_volatility(premium, 1.0, np.exp(log_strike), 1.0, call=call) == pytest.approx(
        width, rel=1e-6
    )


@pytest.mark.parametrize("premium", [0.0, -1.0, 499.0, 5000.0, 6000.0, np.nan, np.inf])
def test_a_price_at_or_beyond_a_bound_has_no_volatility(premium):
    assert np.isnan(implied_volatility(premium, 5000.0, 4500.0, 0.5, call=True))


def test_what_is_no_option_is_nan_and_arguments_broadcast():
    assert np.isnan(gamma(5000.0, [0.0, -1.0, np.nan], 0.1, 0.2)).all()
    assert np.isnan(gamma(5000.0, 5000.0, [0.0, -0.1, np.nan], 0.2)).all()
    assert np.isnan(price(5000.0, 5000.0, 0.1, [0.0, np.nan], call=True)).all()
    assert gamma(np.full((3, 1), 5000.0), np.full(4, 5000.0), 0.1, 0.2).shape == (3, 4)
    assert gamma(5000.0, 5000.0, 0.1, 0.2).shape == ()
    assert gamma(5000.0, [], 0.1, 0.2).shape == (0,)
