"""Laws of the profile: sums, scale, signs, and zeros that are zero."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.mechanisms.dealer_gamma.black_scholes import gamma
from regime.mechanisms.dealer_gamma.implied import implied_carry
from regime.mechanisms.dealer_gamma.option_chain import check_chain, live_contracts
from regime.mechanisms.dealer_gamma.profile import CONVENTIONS, gamma_book, spot_grid

DATE = pd.Timestamp("2024-03-01")
DEFAULT = "dealers_long_calls_short_puts"


def made_chain(seed, count=60, spot=5000.0):
    rng = np.random.default_rng(seed)
    chain = pd.DataFrame(
        {
            "date": DATE,
            "spot": spot,
            "strike": spot + rng.choice(np.arange(-800, 805, 5), count),
            "expiry": DATE + pd.to_timedelta(rng.integers(1, 500, count), unit="D"),
            "type": rng.choice(["C", "P"], count),
            "iv": rng.uniform(0.08, 0.6, count),
            "open_interest": rng.integers(1, 9000, count),
        }
    )
    return chain.drop_duplicates(["expiry", "strike", "type"], ignore_index=True)


def book_of(chain, convention=DEFAULT, rate=0.03, dividends=0.01):
    options = live_contracts(check_chain(chain))
    return gamma_book(
        options, options.volatility, implied_carry(options, rate, dividends), convention
    )


def by_formula(chain, spot, rate=0.03, dividends=0.01):
    years = (chain["expiry"] - chain["date"]).dt.days / 365
    one = gamma(spot, chain["strike"], years, chain["iv"], rate=rate, dividend_yield=dividends)
    return (
        np.where(chain["type"] == "C", 1, -1) * one * chain["open_interest"] * 100 * spot**2 * 0.01
    )


CHAINS = st.builds(made_chain, st.integers(0, 10_000), st.integers(2, 80))


@settings(max_examples=20, deadline=None)
@given(CHAINS)
def test_the_profile_is_the_formula_on_the_grid(chain):
    book, spots = book_of(chain), spot_grid(5000.0, 0.15, 121)
    gross = np.abs(by_formula(chain, 5000.0)).sum()
    expected = [by_formula(chain, spot).sum() for spot in spots[::6]]
    np.testing.assert_allclose(book.profile(spots)[::6], expected, rtol=1e-10, atol=1e-12 * gross)
    np.testing.assert_allclose(
        book.dollars(), by_formula(chain, 5000.0), rtol=1e-10, atol=1e-12 * gross
    )


@settings(max_examples=20, deadline=None)
@given(CHAINS)
def test_total_is_the_sum_of_strikes_and_the_profile_at_the_spot(chain):
    book, spots = book_of(chain), spot_grid(5000.0, 0.15, 121)
    strikes, total, gross = book.by_strike(), book.profile(spots)[60], np.abs(book.dollars()).sum()
    assert spots[60] == 5000.0 and book.profile(np.array([5000.0]))[0] == total
    assert strikes["net"].sum() == pytest.approx(total, abs=1e-11 * gross)
    assert (strikes["calls"] + strikes["puts"]).sum() == pytest.approx(total, abs=1e-11 * gross)
    assert strikes.index.is_monotonic_increasing and set(strikes.index) == set(chain["strike"])
    assert (strikes["calls"] >= 0).all() and (strikes["puts"] <= 0).all()


@settings(max_examples=20, deadline=None)
@given(CHAINS, st.sampled_from([2.0, 0.5, 8.0]))
def test_gamma_scales_with_open_interest_and_changes_sign_with_the_convention(chain, times):
    spots = spot_grid(5000.0, 0.1, 21)
    profile = book_of(chain).profile(spots)
    scaled = book_of(chain.assign(open_interest=chain["open_interest"] * times))
    assert (scaled.profile(spots) == profile * times).all()
    assert (book_of(chain, "dealers_short_calls_long_puts").profile(spots) == -profile).all()
    long, short = (
        book_of(chain, f"dealers_{side}_all").profile(spots) for side in ("long", "short")
    )
    assert (short == -long).all() and (long > 0).all() and (np.abs(profile) <= long).all()
    np.testing.assert_array_equal(scaled.zeros(spots), book_of(chain).zeros(spots))


@settings(max_examples=40, deadline=None)
@given(CHAINS)
def test_zeros_are_zero_and_none_is_missed(chain):
    book, spots = book_of(chain), spot_grid(5000.0, 0.15, 121)
    zeros, gross = book.zeros(spots), np.abs(book.profile(spots)).max()
    assert (np.diff(zeros) > 0).all() and ((zeros >= spots[0]) & (zeros <= spots[-1])).all()
    if len(zeros):
        assert np.abs(book.profile(zeros)).max() <= 1e-11 * gross
        around = book.profile(np.outer([1 - 1e-9, 1 + 1e-9], zeros).ravel()).reshape(2, -1)
        assert (around[0] * around[1] <= 0).all()
    fine = book.profile(np.linspace(spots[0], spots[-1], 20_001))
    big = fine[np.abs(fine) > 1e-9 * gross]
    assert (np.diff(np.sign(big)) != 0).sum() == len(zeros)


def test_zeros_between_two_points_of_the_grid_are_found():
    """A call of the last hours on a floor of puts.

    Up and down again within a quarter of a percent.
    """
    dates = {"date": DATE, "spot": 5000.0, "quoted": DATE + pd.Timedelta(hours=14)}
    chain = pd.DataFrame(
        {
            **dates,
            "strike": [5006.0, 5000.0],
            "expiry": [DATE, DATE + pd.Timedelta(days=40)],
            "type": ["C", "P"],
            "iv": [0.03, 0.2],
            "open_interest": [40, 2000],
        }
    )
    book, spots = book_of(chain, rate=0.0, dividends=0.0), spot_grid(5000.0, 0.15, 121)
    assert (book.profile(spots) < 0).all()
    below, above = book.zeros(spots)
    assert 5000 < below < 5006 < above < 5012.5


def test_one_sided_books_have_no_zero_and_empty_ones_no_wall():
    chain = made_chain(1)
    for convention in ("dealers_long_all", "dealers_short_all"):
        assert len(book_of(chain, convention).zeros(spot_grid(5000.0, 0.15, 121))) == 0
    calls = book_of(chain[chain["type"] == "C"])
    assert calls.wall(call=False) is None and calls.wall(call=True) in set(chain["strike"])
    none = {
        name: getattr(calls, name)[:0] for name in ("strike", "call", "width", "centre", "weight")
    }
    empty = replace(calls, **none)
    assert (empty.profile(np.array([1.0, 2.0])) == 0).all() and len(
        empty.zeros(np.array([1.0, 2.0]))
    ) == 0
    assert empty.wall(call=True) is None


def test_walls_are_the_strikes_with_most_gamma_whoever_holds_it():
    chain = made_chain(5, count=200)
    strikes = (
        chain.assign(dollars=np.abs(by_formula(chain, 5000.0)))
        .groupby(["type", "strike"])["dollars"]
        .sum()
    )
    for convention in CONVENTIONS:
        book = book_of(chain, convention)
        assert (
            book.wall(call=True) == strikes["C"].idxmax()
            and book.wall(call=False) == strikes["P"].idxmax()
        )


@pytest.mark.parametrize(
    ("width", "points", "name"),
    [(0.0, 11, "width"), (1.0, 11, "width"), (0.1, 10, "points"), (0.1, 1, "points")],
)
def test_an_impossible_grid_is_refused(width, points, name):
    with pytest.raises(ConfigError, match=f"^{name}: "):
        spot_grid(5000.0, width, points)


def test_an_unknown_convention_is_refused():
    with pytest.raises(
        ConfigError, match=r"^convention: must be one of dealers_long_calls_short_puts, .* 'naive'"
    ):
        book_of(made_chain(0), "naive")
