"""The reading of tech valuation.

Which source, which state, whose membership, and what is missing.
"""

import json

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.mechanisms.tech_valuation.leadership import MEGA_CAPS
from regime.mechanisms.tech_valuation.mechanism import TechValuation, ValuationTables

DATES = pd.bdate_range("2022-01-03", periods=500, name="date")


@pytest.fixture(scope="module")
def values():
    rng = np.random.default_rng(6)
    names = (*MEGA_CAPS, "sp500", "ndx", "rsp", "mu", "wdc", "stx", "amat", "gold_future")
    v = 100 * np.exp(
        pd.DataFrame(rng.normal(0.0005, 0.01, (500, len(names))), DATES, names).cumsum()
    )
    return v.assign(forward_pe_ndx=30.0)


@pytest.fixture(scope="module")
def earnings():
    rng = np.random.default_rng(2)
    rows = [
        (name.upper(), f"{day:%Y-%m-%d} 16:00:00", rng.normal(4, 6), 1.2)
        for name in (*MEGA_CAPS, "mu")
        for day in pd.date_range("2021-01-20", "2023-11-20", freq="91D")
    ]
    return pd.DataFrame(rows, columns=["ticker", "announce_time", "surprise_pct", "reported_eps"])


def read(values, tables=None, day=DATES[-1], **arguments):
    return TechValuation(**arguments)(values, day, tables).to_dict()


def test_the_sampled_consensus_and_its_state(values):
    told = read(values)
    assert told["multiple"]["source"] == "consensus" and told["multiple"]["level"] == 30.0
    assert (
        told["multiple"]["state"] == "near its peak" and "consensus forward P/E" in told["sentence"]
    )
    assert told["reaction"] == {"reason": "no earnings announcements were given"}
    assert told["capex"] == {"reason": "no capital expenditure was given"}
    assert set(told["rotation"]["scores"]) == {
        "equal_weight",
        "storage",
        "equipment",
        "gold",
        "silver",
        "copper",
    }
    assert told["rotation"]["scores"]["copper"] is None
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize(
    ("multiple", "price", "state"),
    [
        (-0.2, 0.0, "falls while price holds"),
        (-0.2, -0.2, "price leads"),
        (0.0, -0.2, "near its peak"),
    ],
)
def test_states_in_words(values, multiple, price, state):
    ramp = np.r_[np.zeros(480), np.linspace(0, 1, 20)]
    told = read(
        values.assign(forward_pe_ndx=30 * (1 + multiple * ramp), ndx=100 * (1 + price * ramp))
    )
    assert told["multiple"]["state"] == state and told["multiple"]["fall"] == pytest.approx(
        multiple
    )
    assert {
        "near its peak": "near its peak",
        "price leads": "the price fell with it",
        "falls while price holds": "it falls while price holds",
    }[state] in told["sentence"]


def test_the_users_own_file_comes_first(values, earnings):
    days = [f"{day:%Y-%m-%d}" for day in DATES[::20]]
    own = pd.DataFrame({"date": days, "forward_pe": 33.0, "released": days})
    told = read(values, ValuationTables(multiples=own, earnings=earnings))
    assert told["multiple"]["source"] == "own" and told["multiple"]["level"] == 33.0
    with pytest.raises(InvalidDataError, match="P/E file: column `released` is absent"):
        read(values, ValuationTables(multiples=own.drop(columns="released")))


def test_the_proxy_is_marked_and_has_no_level(values, earnings):
    told = read(values.drop(columns="forward_pe_ndx"), ValuationTables(earnings=earnings))
    assert told["multiple"]["source"] == "filed" and told["multiple"]["level"] is None
    assert "a proxy for what is expected" in told["sentence"] and told["multiple"]["fall"] <= 0
    assert read(values.drop(columns="forward_pe_ndx"))["multiple"]["state"] == "not known"


def test_reactions_count_companies_with_a_price(values, earnings):
    told = read(values, ValuationTables(earnings=earnings))["reaction"]
    assert told["companies"] == 8 and told["beats"] > 6 and 0 <= told["beats_sold"] <= 1
    assert "of beats were sold" in read(values, ValuationTables(earnings=earnings))["sentence"]


def test_todays_seven_are_called_hindsight_and_caps_mend_it(values):
    told = read(values)["basket"]
    assert (
        told["hindsight"]
        and told["members"] == list(MEGA_CAPS)
        and "give market capitalisations" in told["how"]
    )
    caps = pd.DataFrame(
        {
            "ticker": ["AAPL", "MSFT", "MU", "GE", "WDC"],
            "market_cap": [5, 4, 3, 2.5, 1],
            "released": "2022-01-03 09:00",
        }
    )
    caps = pd.concat([caps, caps.assign(released="2023-03-01")])
    told = read(values, ValuationTables(caps=caps), largest=4)["basket"]
    assert (
        not told["hindsight"]
        and set(told["members"]) == {"aapl", "msft", "mu", "ge"}
        and told["unpriced"] == ["ge"]
    )


def test_a_basket_that_rests_at_its_high(values):
    quiet = values.copy()
    for name in MEGA_CAPS:
        # From the high of a long rise on it swings by half a percent a day.
        quiet[name] = np.r_[
            np.linspace(50, 100, 370), 100 * (1 + 0.0025 * (-1.0) ** np.arange(130))
        ]
    told = read(quiet)
    assert told["consolidation"]["at_a_high"] and "rest in a narrow range" in told["sentence"]


def test_the_reading_ends_at_the_decision(values, earnings):
    later = values.copy()
    later.iloc[400:] *= 0.4
    tables = ValuationTables(earnings=earnings)
    assert read(values, tables, DATES[399]) == read(later, tables, DATES[399])
    assert read(values, tables, DATES[399]) == read(values.iloc[:400], tables)


@pytest.mark.parametrize("rows", [0, 100])
def test_too_little_steps_aside(values, rows):
    told = TechValuation()(values.iloc[:rows], DATES[-1])
    assert told.reason.startswith("needs 252 sessions of three of its companies, has ")
    assert not TechValuation()(values[["sp500", "ndx"]], DATES[-1]).available


def test_impossible_parameters_are_refused():
    with pytest.raises(ConfigError) as told:
        TechValuation(fall=0.1, tight=0)
    assert told.value.faults == ("fall: must be below 0, got 0.1", "tight: must be above 0, got 0")
