"""ImpliedCarry and volatility read from quotes that were made with known ones."""

import numpy as np
import pandas as pd
import pytest

from regime.mechanisms.dealer_gamma.black_scholes import price
from regime.mechanisms.dealer_gamma.implied import chain_volatility, implied_carry
from regime.mechanisms.dealer_gamma.option_chain import check_chain, live_contracts

DAY = pd.Timestamp("2023-09-14")
RATE, DIVIDENDS = 0.053, 0.015


def smile(strike, spot=4500.0):
    return 0.15 - 0.4 * np.log(strike / spot) + 0.5 * np.log(strike / spot) ** 2


def quoted_chain(
    days=(7, 14, 30, 60, 90, 180, 365),
    spot=4500.0,
    seen=4500.0,
    half=0.05,
    underlying="SPX",
    **columns,
):
    """Quotes made on one spot, in a file that shows another."""
    table = pd.MultiIndex.from_product(
        [days, np.arange(4000.0, 5001, 25), ["C", "P"]], names=["days", "strike", "type"]
    )
    chain = table.to_frame(index=False)
    value = price(
        spot,
        chain["strike"],
        chain["days"] / 365,
        smile(chain["strike"]),
        call=chain["type"] == "C",
        rate=RATE,
        dividend_yield=DIVIDENDS,
    )
    chain = chain.assign(
        bid=np.maximum(value - half, 0.0),
        ask=value + half,
        date=DAY,
        spot=seen,
        expiry=DAY + pd.to_timedelta(chain["days"], unit="D"),
        open_interest=10,
        underlying=underlying,
    )
    return chain.assign(**columns)


def read(chain):
    options = live_contracts(check_chain(chain))
    return options, implied_carry(options)


def test_rate_and_yield_are_read_from_parity():
    _, found = read(quoted_chain())
    np.testing.assert_allclose(found.rate, RATE, atol=1e-6)
    np.testing.assert_allclose(found.dividend_yield, DIVIDENDS, atol=1e-5)
    assert found.quote_spot == pytest.approx(4500.0, rel=1e-7) and (
        found.from_chain,
        found.expiries,
    ) == (7, 7)


def test_an_index_that_stood_still_while_its_options_traded_is_seen_through():
    options, found = read(quoted_chain(spot=4509.0))
    assert found.quote_spot == pytest.approx(4509.0, rel=1e-6) and options.spot == 4500.0
    np.testing.assert_allclose(found.dividend_yield, DIVIDENDS, atol=1e-4)
    # A fund trades as long as its options: what its forwards lack on all dates is a dividend.
    _, fund = read(quoted_chain(spot=4491.0, underlying="SPY"))
    assert fund.quote_spot == 4500.0 and (fund.dividend_yield > DIVIDENDS).all()


def test_stated_terms_are_taken_as_stated():
    options = live_contracts(check_chain(quoted_chain()))
    stated = implied_carry(options, rate=0.02)
    assert (
        (stated.rate == 0.02).all()
        and (stated.dividend_yield == 0).all()
        and stated.from_chain == 0
    )
    assert (implied_carry(options, dividend_yield=0.01).rate == 0).all()


@pytest.mark.parametrize(
    "change",
    [
        {"bid": 5.0, "ask": 5.2},
        {"bid": 0.0},
        {"bid": np.nan, "ask": np.nan, "iv": 0.2},
        {"seen": 4900.0, "days": (7, 14, 30, 60)},
        {"type": "C", "symbol": [f"x{i}" for i in range(7 * 41 * 2)]},
    ],
)
def test_quotes_that_are_no_line_give_no_carry(change):
    _, found = read(quoted_chain(**change))
    assert found.from_chain == 0 and (found.rate == 0).all() and (found.dividend_yield == 0).all()


def test_an_expiry_without_pairs_lies_between_its_neighbours():
    chain = quoted_chain()
    chain.loc[chain["days"].isin([30, 365]), ["bid", "ask"]] = np.nan
    options, found = read(chain.assign(iv=0.2))
    assert found.from_chain == 5
    np.testing.assert_allclose(found.dividend_yield, DIVIDENDS, atol=2e-5)
    assert len(found.rate) == len(options.strike)


def test_missing_volatilities_are_those_the_quotes_were_made_with():
    options, found = read(quoted_chain(spot=4503.0))
    solved = chain_volatility(options, found)
    known = np.isfinite(solved.values)
    # The bid of an option a day from worthless holds nothing; all others are found.
    assert known.mean() > 0.85 and (solved.solved ^ solved.of_twin)[known].all()
    np.testing.assert_allclose(solved.values[known], smile(options.strike[known]), rtol=0.005)


def test_a_given_volatility_stays_and_one_in_the_money_has_its_twins():
    chain = quoted_chain(days=(30, 60, 90), iv=0.0)
    given = (chain["strike"] < 4500) & (chain["type"] == "P") & (chain["days"] == 30)
    chain.loc[given, "iv"] = 0.33
    options, found = read(chain)
    filled = chain_volatility(options, found)
    at = (options.years == 30 / 365) & (options.strike < 4500)
    assert (filled.values[at] == 0.33).all()
    assert filled.of_twin[at & options.call].all() and not filled.of_twin[at & ~options.call].any()


def test_an_option_without_twin_is_solved_from_its_own_price():
    chain = quoted_chain()
    alone = chain[(chain["type"] == "C") | (chain["strike"] >= 4400)]
    options, found = read(alone)
    filled = chain_volatility(options, found)
    own = (options.strike < 4400) & (options.years > 0.4)
    assert filled.solved[own].all() and not filled.of_twin[own].any()
    np.testing.assert_allclose(filled.values[own], smile(options.strike[own]), rtol=0.01)


@pytest.mark.parametrize("quote", [(0.0, 0.4), (np.nan, 0.4), (0.2, np.nan), (0.0, 0.0)])
def test_half_a_quote_gives_no_volatility(quote):
    rows = {
        "date": DAY,
        "spot": 4500.0,
        "strike": 4800.0,
        "expiry": DAY + pd.Timedelta(days=30),
        "type": "C",
        "open_interest": 3,
        "bid": quote[0],
        "ask": quote[1],
    }
    options, found = read(pd.DataFrame([rows]))
    assert np.isnan(chain_volatility(options, found).values).all()


def test_a_bid_without_time_value_gives_no_volatility():
    rows = {
        "date": DAY,
        "spot": 4500.0,
        "strike": 3000.0,
        "expiry": DAY + pd.Timedelta(days=30),
        "type": "C",
        "open_interest": 3,
        "bid": 1495.0,
        "ask": 1515.0,
    }
    options, found = read(pd.DataFrame([rows]))
    assert np.isnan(chain_volatility(options, found).values).all()


def test_doubled_contracts_of_one_settlement_find_a_twin_each():
    rows = [("C", "SPXW", 0.0), ("C", "XSPW", 0.0), ("P", "SPXW", 0.21), ("P", "XSPW", 0.23)]
    chain = pd.DataFrame(
        [
            {
                "date": DAY,
                "spot": 4500.0,
                "strike": 4400.0,
                "expiry": DAY + pd.Timedelta(days=30),
                "type": side,
                "symbol": root,
                "iv": iv,
                "open_interest": 3,
            }
            for side, root, iv in rows
        ]
    )
    options, found = read(chain)
    assert chain_volatility(options, found).values.tolist() == [0.21, 0.21, 0.21, 0.23]
