"""Which rows of a chain live, how long they have, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.mechanisms.dealer_gamma.option_chain import check_chain, clock, live_contracts

DAY = pd.Timestamp("2023-09-14")


def chain_of(*rows, **columns):
    names = ["expiry", "strike", "type", "iv", "open_interest", "bid", "ask", "symbol"]
    table = pd.DataFrame(rows, columns=names[: len(rows[0])])
    return table.assign(**{"date": DAY, "spot": 4500.0, **columns})


def test_time_is_days_over_365_and_opening_settlements_are_shorter():
    rows = [
        ("2023-10-14", 4500.0, "C", 0.2, 1, 0.0, 0.0, "SPXW231014C04500000"),
        ("2023-09-15", 4500.0, "C", 0.2, 1, 0.0, 0.0, "SPXW230915C04500000"),
        ("2023-09-15", 4500.0, "C", 0.2, 1, 0.0, 0.0, "SPX230915C04500000"),
        ("2023-09-15", 4500.0, "C", 0.2, 1, 0.0, 0.0, "SPY230915C00450000"),
    ]
    found = live_contracts(check_chain(chain_of(*rows)))
    assert found.years.tolist() == [30 / 365, 1 / 365, 17.5 / 24 / 365, 1 / 365]
    assert (
        len(np.unique(found.expiry)) == 3
        and not found.hour_known
        and found.quoted == DAY + pd.Timedelta(hours=16)
    )
    late = live_contracts(check_chain(chain_of(*rows, quoted=DAY + pd.Timedelta(hours=16.5))))
    assert late.years[1] == pytest.approx(23.5 / 24 / 365) and late.hour_known
    assert live_contracts(check_chain(chain_of(*rows)), quoted_at="10:00").years[
        1
    ] == pytest.approx(30 / 24 / 365)


def test_rows_are_dropped_for_one_reason_each_and_counted():
    rows = [
        ("2023-09-13", 4500.0, "C", 0.2, 5, 9.0, 8.0),
        ("2023-09-13", 4510.0, "C", 0.2, 5, 8.0, 9.0),
        ("2023-10-20", 4500.0, "C", 0.2, 0, 9.0, 8.0),
        ("2023-10-20", 4510.0, "C", 0.0, 0, 1.0, 2.0),
        ("2023-10-20", 4520.0, "P", 0.0, 7, 1.0, 2.0),
        ("2023-10-20", 4530.0, "P", 0.3, 7, np.nan, 2.0),
    ]
    found = live_contracts(check_chain(chain_of(*rows)))
    assert (
        dict(found.dropped) == {"expired": 2, "crossed": 1, "zero_interest": 1}
        and found.listed == 6
    )
    assert found.strike.tolist() == [
        4510.0,
        4520.0,
        4530.0,
    ]  # the one that nobody holds still has its quotes
    np.testing.assert_array_equal(found.volatility, [np.nan, np.nan, 0.3])


@pytest.mark.parametrize(
    ("volatilities", "alive"), [((0.2, 0.0), True), ((0.0, 0.0), False), ((0.3, 0.2), True)]
)
def test_options_of_the_day_live_if_the_file_shows_it(volatilities, alive):
    rows = [
        ("2023-09-14", 4500.0, "C", volatilities[0], 5),
        ("2023-09-14", 4500.0, "P", volatilities[1], 5),
        ("2023-09-14", 4400.0, "P", 0.0, 0),
        ("2023-09-15", 4500.0, "C", 0.2, 5),
    ]
    found = live_contracts(check_chain(chain_of(*rows)), same_day_hours=2.0)
    assert found.same_day.sum() == (3 if alive else 0) and found.dropped["expired"] == (
        0 if alive else 3
    )
    assert (found.years[found.same_day] == 2 / 24 / 365).all()
    # Where the hour is known there is nothing to guess.
    known = live_contracts(check_chain(chain_of(*rows, quoted=DAY + pd.Timedelta(hours=15))))
    assert known.years[0] == pytest.approx(1 / 24 / 365) and known.same_day.sum() == 3
    assert live_contracts(check_chain(chain_of(*rows)), quoted_at="16:15").dropped["expired"] == 3


def test_settled_at_the_opening_is_over_in_the_afternoon():
    rows = [
        ("2023-09-14", 4500.0, "C", 0.2, 5, 0.0, 0.0, "SPX230914C04500000"),
        ("2023-09-14", 4500.0, "C", 0.2, 5, 0.0, 0.0, "SPXW230914C04500000"),
    ]
    assert live_contracts(check_chain(chain_of(*rows))).dropped["expired"] == 1
    assert live_contracts(check_chain(chain_of(*rows)), quoted_at="09:00").dropped["expired"] == 0


ROW = ("2023-10-20", 4500.0, "C", 0.2, 5, 9.0, 9.5)


def test_missing_columns_are_named_together():
    with pytest.raises(
        InvalidDataError,
        match=r"(?s)no column `strike`.*no column `open_interest`.*its columns are",
    ):
        check_chain(chain_of(ROW).drop(columns=["strike", "open_interest"]))
    with pytest.raises(InvalidDataError, match="neither column `iv` nor both `bid` and `ask`"):
        check_chain(chain_of(ROW).drop(columns=["iv", "ask"]))


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("strike", 0.0, "row 1: strike 0.0 must be above 0"),
        ("spot", -1.0, "spot -1.0 must be above 0"),
        ("open_interest", -5, "open_interest -5 must be at least 0"),
        ("bid", -0.1, "bid -0.1 must be at least 0"),
        ("open_interest", np.nan, "open_interest nan"),
        ("iv", -0.2, "iv -0.2"),
        ("type", "X", "type X must be C or P"),
        ("expiry", pd.NaT, "expiry .* must be a date"),
        ("strike", 4500.0, "4500 C stands twice"),
        ("spot", 4501.0, "spot differs within one date: 4500.0, 4501.0"),
        ("underlying", "NDX", "underlying differs"),
        ("iv", 20.0, "the median iv is 10.1; give annualised fractions"),
    ],
)
def test_a_broken_row_is_named(column, value, told):
    chain = chain_of(ROW, ("2023-10-20", 4510.0, *ROW[2:])).assign(underlying="SPX")
    chain[column] = [chain[column][0], value]
    with pytest.raises(InvalidDataError, match=told):
        check_chain(chain)


def test_optional_columns_are_filled_and_a_date_counts_from_its_close():
    full = check_chain(chain_of(ROW).drop(columns=["bid", "ask"]))
    assert full["bid"].isna().all() and full["symbol"].eq("").all() and full["quoted"].isna().all()
    assert full["released"].iloc[0] == pd.Timestamp("2023-09-14 20:00", tz="UTC")


@pytest.mark.parametrize("text", ["24:00", "9", "ten", "10:60", "-1:00"])
def test_a_time_that_is_none_is_refused(text):
    assert clock("09:30", "quoted_at") == pd.Timedelta(hours=9.5)
    with pytest.raises(ConfigError, match=r"^quoted_at: must be a time of day as HH:MM"):
        clock(text, "quoted_at")
