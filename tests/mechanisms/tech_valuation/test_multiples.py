"""Which multiple is used, what it lost, and what the proxy is made of."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.mechanisms.tech_valuation.earnings import earnings_events
from regime.mechanisms.tech_valuation.multiples import (
    as_reported_multiple,
    choose_multiple,
    derating,
    user_multiple,
)

DATES = pd.bdate_range("2023-01-02", periods=400, name="date")


def test_a_file_without_release_dates_is_refused_and_told_why():
    with pytest.raises(InvalidDataError) as told:
        user_multiple(pd.DataFrame({"date": ["2023-01-02"], "forward_pe": [25.0]}), DATES)
    assert str(told.value).startswith("P/E file: column `released` is absent")
    assert "undated it would know the future" in str(told.value)


def test_an_own_multiple_counts_from_its_release_for_45_days():
    table = pd.DataFrame(
        {"date": ["2023-01-31"], "forward_pe": ["25.5"], "released": ["2023-02-03"]}
    )
    got = user_multiple(table, DATES)
    first, last = got.first_valid_index(), got.last_valid_index()
    assert (first, last) == (pd.Timestamp("2023-02-06"), pd.Timestamp("2023-03-17"))
    assert (got.dropna() == 25.5).all()
    with pytest.raises(InvalidDataError, match="`forward_pe` must be above 0"):
        user_multiple(table.assign(forward_pe=-4), DATES)


def test_a_multiple_that_falls_while_price_holds():
    price = pd.Series(100.0, DATES)
    multiple = pd.Series(np.linspace(30, 24, 400), DATES)
    now = derating(multiple, price).iloc[-1]
    assert now["fall"] == pytest.approx(24 / multiple.iloc[-252] - 1) and now["price_fall"] == 0
    assert now["beyond_price"] == pytest.approx(-np.log1p(now["fall"]))
    assert derating(multiple, multiple)["beyond_price"].dropna().abs().max() == 0
    assert derating(multiple, price)["fall"].first_valid_index() == DATES[125]


def test_the_filed_multiple_is_one_over_the_mean_yield():
    rows = [
        (name, f"{day} 07:00:00", 1.0, eps)
        for name, eps in (("A", 1.25), ("B", 2.5), ("C", -0.5))
        for day in ("2022-03-01", "2022-06-01", "2022-09-01", "2022-12-01")
    ]
    events = earnings_events(
        pd.DataFrame(rows, columns=["ticker", "announce_time", "surprise_pct", "reported_eps"])
    )
    prices = pd.DataFrame(100.0, DATES, ["a", "b", "c"])
    assert as_reported_multiple(events, prices).iloc[0] == pytest.approx(
        1 / ((0.05 + 0.1 - 0.02) / 3)
    )
    assert as_reported_multiple(events, prices[["a", "b"]]).isna().all()  # fewer than three
    losing = events.assign(eps=-1.0)
    assert as_reported_multiple(losing, prices).isna().all()


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(1)
    names = ["forward_pe_ndx", "ndx", "forward_pe_tech", "xlk", "forward_pe_sp500", "sp500"]
    return pd.DataFrame(20 + rng.random((400, 6)), DATES, names)


def test_the_best_source_that_has_data_is_used_and_named(known):
    basket, pe = pd.Series(1.0, DATES), pd.Series(30.0, DATES)
    nothing = known.assign(forward_pe_ndx=np.nan, forward_pe_tech=np.nan, forward_pe_sp500=np.nan)
    assert choose_multiple(known, basket, user=pe, filed=pe).source == "own"
    sampled = choose_multiple(known, basket, user=pe * np.nan, filed=pe)
    assert sampled.source == "consensus" and "Nasdaq-100" in sampled.what
    assert choose_multiple(known.assign(forward_pe_ndx=np.nan), basket).price is not None
    assert "technology" in choose_multiple(known.assign(forward_pe_ndx=np.nan), basket).what
    filed = choose_multiple(nothing, basket, filed=pe)
    assert filed.source == "filed" and not filed.level and "proxy" in filed.what
    assert (
        choose_multiple(nothing, basket) is None
        and choose_multiple(known[["sp500"]], basket) is None
    )


def test_a_source_of_a_few_months_has_no_peak_yet(known):
    young = known["forward_pe_ndx"].where(np.arange(400) >= 300)
    assert (
        "technology"
        in choose_multiple(known.assign(forward_pe_ndx=young), pd.Series(1.0, DATES)).what
    )
