"""Analogs on a made-up market that repeats itself.

Found where they are, told as they went on, blind to what comes.
"""

import json

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.analogs.market_state import INPUTS, STATE_COLUMNS, market_state
from regime.mechanisms.analogs.mechanism import Analogs

DATES = pd.bdate_range("2010-01-01", periods=2600, name="date")
SHOCK = 40  # sessions of an episode that comes twice
FIRST, AGAIN = 1500, 2500


def world(seed=1):
    """Walks of every input; the moves of one stretch are repeated later."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.01, (len(DATES), len(INPUTS)))
    steps[FIRST : FIRST + SHOCK] = rng.normal(-0.01, 0.05, (SHOCK, len(INPUTS)))
    steps[AGAIN : AGAIN + SHOCK] = steps[FIRST : FIRST + SHOCK]
    table = pd.DataFrame(50 * np.exp(steps.cumsum(axis=0) * 0.3), DATES, list(INPUTS))
    months = (
        table["margin_debt"].groupby(DATES.to_period("M")).transform("first")
    )  # one figure a month, as published
    return table.assign(margin_debt=months)


WORLD = world()
AS_OF = DATES[AGAIN + SHOCK - 1]


@pytest.fixture(scope="module")
def reading():
    return Analogs()(WORLD, AS_OF)


def test_what_came_twice_is_found(reading):
    windows = reading.values["all"]["windows"]
    nearest = pd.Timestamp(windows[0]["last"])
    assert DATES[FIRST + SHOCK - 8] <= nearest <= DATES[FIRST + SHOCK + 8]
    assert windows[0]["distance"] < 0.8 * windows[1]["distance"]


def test_every_mechanism_tells_its_windows_in_the_same_form(reading):
    told = reading.to_dict()
    assert (
        set(told["mechanisms"])
        == set(STATE_COLUMNS)
        == {"liquidity", "dollar", "valuation", "positioning", "cross_asset"}
    )
    for table in (told["all"], *told["mechanisms"].values()):
        assert table["available"] and len(table["windows"]) == 5
        assert [w["distance"] for w in table["windows"]] == sorted(
            w["distance"] for w in table["windows"]
        )
        assert set(table["median"]) == set(table["share_up"]) == {"5", "21", "63"}
    json.dumps(told, allow_nan=False)


def test_windows_had_ended_with_what_followed_and_do_not_overlap(reading):
    for table in (reading.values["all"], *reading.values["mechanisms"].values()):
        ends = [DATES.get_loc(pd.Timestamp(window["last"])) for window in table["windows"]]
        assert max(ends) + 63 <= DATES.get_loc(AS_OF)
        assert min(abs(a - b) for i, a in enumerate(ends) for b in ends[:i]) >= 63


def test_what_followed_is_the_return_of_the_index(reading):
    close = WORLD["sp500"]
    for window in reading.values["all"]["windows"]:
        end = DATES.get_loc(pd.Timestamp(window["last"]))
        for days in (5, 21, 63):
            assert window["followed"][str(days)] == pytest.approx(
                close.iloc[end + days] / close.iloc[end] - 1
            )


def test_it_is_blind_to_what_comes_and_deterministic(reading):
    later = WORLD.copy()
    later.loc[later.index > AS_OF] *= np.random.default_rng(4).uniform(
        0.2, 5.0, (len(DATES) - AGAIN - SHOCK, 1)
    )
    for values in (later, WORLD.loc[:AS_OF], WORLD):
        other = Analogs()(values, AS_OF)
        assert other.to_dict() == reading.to_dict() and other.sentence == reading.sentence
        assert other.history.to_numpy().tobytes() == reading.history.to_numpy().tobytes()


def test_the_named_days_count_once_they_are_past():
    early = Analogs()(WORLD, DATES[DATES < "2019-01-01"][-1])
    assert early.values["all"]["prototypes"] == {"312": None, "519": None}


def test_a_mechanism_without_data_steps_aside_and_the_others_stay():
    names = ["sp500", "nasdaq", "eem", "hyg", "crude", "copper", "gold_future", "tlt", "vix"]
    told = Analogs()(WORLD[names], AS_OF).to_dict()
    assert (
        not told["mechanisms"]["dollar"]["available"]
        and "dollar" in told["mechanisms"]["dollar"]["reason"]
    )
    assert told["mechanisms"]["cross_asset"]["available"] and told["all"]["available"]


def test_too_short_a_history_steps_aside():
    told = Analogs()(WORLD.iloc[:300], DATES[299]).to_dict()
    assert told == {
        "available": False,
        "reason": f"needs 504 sessions of the S&P 500, has 300 until {DATES[299]:%Y-%m-%d}",
    }
    assert not Analogs()(WORLD.drop(columns="sp500"), AS_OF).available


def test_quantities_are_causal_bit_for_bit_and_have_no_unit():
    whole = market_state(WORLD)
    cut = market_state(WORLD.iloc[:1700])
    for name, table in whole.items():
        assert cut[name].to_numpy().tobytes() == table.iloc[:1700].to_numpy().tobytes(), name
        assert not np.isinf(table.to_numpy()).any()
        assert table.iloc[1600:].notna().any().all() and table.abs().max(axis=None) < 1e3
    assert sum(len(table.columns) for table in whole.values()) >= 40


@pytest.mark.parametrize("name", ["count", "samples", "step"])
def test_impossible_numbers_are_refused(name):
    with pytest.raises(ConfigError, match=f"{name}: must be at least 1"):
        Analogs(**{name: 0})
