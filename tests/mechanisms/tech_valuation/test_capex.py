"""Growth of capital expenditure as it was known, by hand."""

import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.mechanisms.tech_valuation.earnings import capex_burden, capex_events


def table(**more):
    rows = [
        ("MSFT", "2024Q1", "14.0", "2024-04-25"),
        ("GOOG", "2024Q1", "12.0", "2024-04-25"),
        ("MSFT", "2024Q2", "19.0", "2024-07-30"),
        ("GOOG", "2024Q2", "13.2", "2024-07-23"),
    ]
    return pd.DataFrame(rows, columns=["ticker", "cq", "capex_usd_b", "reported"]).assign(**more)


def at(day, frame=None):
    cutoff = pd.Timestamp(f"{day} 16:00", tz="America/New_York")
    return capex_burden(capex_events(table() if frame is None else frame), cutoff)


def test_a_quarter_counts_once_all_have_reported_it():
    got = at("2024-07-31")
    assert (got["quarter"], got["companies"]) == ("2024Q2", ["goog", "msft"])
    assert got["total_usd_bn"] == pytest.approx(32.2) and got["growth"] == pytest.approx(
        32.2 / 26 - 1
    )
    assert got["growth_year"] is None and got["to_revenue"] is None
    assert (
        at("2024-07-30") is None and at("2024-04-01") is None
    )  # reported in the evening; nothing yet


def test_against_the_year_and_revenue_where_they_are_given():
    earlier = table().assign(
        cq=["2023Q1", "2023Q1", "2023Q2", "2023Q2"],
        capex_usd_b=10.0,
        reported=["2023-04-25", "2023-04-25", "2023-07-25", "2023-07-25"],
    )
    got = at("2024-08-01", pd.concat([earlier, table()]).assign(revenue_usd_b=64.4))
    assert got["growth_year"] == pytest.approx(32.2 / 20 - 1) and got[
        "to_revenue"
    ] == pytest.approx(32.2 / 128.8)


def test_a_correction_replaces_what_it_corrects():
    later = table().iloc[[2]].assign(capex_usd_b="20.0", reported="2024-08-10")
    both = pd.concat([table(), later])
    assert at("2024-08-01", both)["total_usd_bn"] == pytest.approx(32.2)
    assert at("2024-08-12", both)["total_usd_bn"] == pytest.approx(33.2)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (table().drop(columns="reported"), "capex: column `released` is absent"),
        (table(cq="last"), "capex: column `cq`"),
        (table(capex_usd_b="much"), "capex: column `capex_usd_b`: row"),
    ],
)
def test_a_broken_file_is_refused(frame, words):
    with pytest.raises(InvalidDataError) as told:
        capex_events(frame)
    assert str(told.value).startswith(words)
