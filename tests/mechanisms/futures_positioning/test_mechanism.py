"""Futures positions.

Shares and entries against hand arithmetic, laws of rank and pressure, words and absences.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.mechanisms.base import MechanismReading, NoReading
from regime.mechanisms.futures_positioning.contracts import CONTRACTS, GROUPS, Contract, Group
from regime.mechanisms.futures_positioning.mechanism import FuturesPositions, ordinal
from regime.mechanisms.futures_positioning.positioning import (
    contract_price,
    entry_price,
    net_position,
    net_share,
    new_reports,
    rank_in_window,
    squeeze_pressure,
)
from regime.sources.catalogue import load_catalogue

TOY = Group(plus=("long",), minus=("short",), interest=("open",))


def sessions(n, start="2015-01-02"):
    return pd.bdate_range(start, periods=n, name="date")


def weekly(numbers, dates):
    """Each number for five sessions, as a panel repeats a report."""
    return pd.Series(np.repeat(np.asarray(numbers, float), 5)[: len(dates)], dates)


def world(weeks=300, seed=3):
    """A panel with every column of every contract."""
    rng, dates = np.random.default_rng(seed), sessions(weeks * 5)
    values = {"dgs3mo": pd.Series(2.0, dates)}
    for contract in CONTRACTS.values():
        values[contract.price] = pd.Series(
            50 * np.exp(np.cumsum(rng.normal(0, 0.01, len(dates)))), dates
        )
        for group in contract.groups.values():
            for name in group.inputs:
                base = 1e6 if name in group.interest else 0.0
                spread = 5e4 if "net" in name else 3e4
                values.setdefault(
                    name,
                    weekly(
                        base
                        + 1e5 * ("net" not in name)
                        + np.cumsum(rng.normal(0, spread / 5, weeks)),
                        dates,
                    ),
                )
    return pd.DataFrame(values)


WORLD = world()


def entry_by_hand(net, paid):
    """First opened, first closed, one contract at a time."""
    lots, out = [], []
    for n, p in zip(net, paid, strict=True):
        held = sum(side for side, _ in lots)
        if held * n <= 0:
            lots = []
        while abs(n) > len(lots):
            lots.append((np.sign(n), p))
        lots = lots[len(lots) - abs(n) :]
        out.append(np.mean([cost for _, cost in lots]) if lots else np.nan)
    return out


def test_share_is_what_is_held_over_what_is_open():
    values = pd.DataFrame(
        {"long": [30.0, 10, 10], "short": [10.0, 30, 10], "open": [100.0, 200, 0]},
        index=sessions(3),
    )
    assert net_position(values, TOY).tolist() == [20, -20, 0]
    assert net_share(values, TOY).tolist()[:2] == [0.2, -0.1] and np.isnan(
        net_share(values, TOY).iloc[2]
    )
    assert net_share(values.drop(columns="short"), TOY).isna().all()


def test_yen_is_turned_from_the_direction_of_the_dollar():
    values = pd.DataFrame(
        {"cot_tff_usdjpy_lev_net": 70_333.0, "cot_tff_usdjpy_open_interest": 303_151.0}, sessions(1)
    )
    assert net_share(values, CONTRACTS["jpy"].groups["leveraged_funds"]).iloc[0] == pytest.approx(
        -0.2320, abs=5e-5
    )


def test_share_does_not_know_the_unit():
    parts = WORLD[list(CONTRACTS["sp500"].groups["leveraged_funds"].inputs)]
    group = CONTRACTS["sp500"].groups["leveraged_funds"]
    pd.testing.assert_series_equal(net_share(parts * 5, group), net_share(parts, group))


def test_a_report_is_new_once():
    dates = sessions(8)
    values = pd.DataFrame(
        {"long": [np.nan, 1, 1, 2, 2, np.nan, 2, 2], "short": 0.0, "open": 9.0}, index=dates
    )
    assert new_reports(values, TOY).tolist() == [
        False,
        True,
        False,
        True,
        False,
        False,
        True,
        False,
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=25), st.integers(0, 99))
def test_entry_is_that_of_lots_closed_in_the_order_of_opening(net, seed):
    prices = np.random.default_rng(seed).uniform(50, 150, len(net))
    dates = sessions(5 * len(net) + 3)
    close = pd.Series(
        np.repeat(prices, 5).tolist() + [1.0] * 3, dates
    )  # a report comes three sessions after its week
    reported = pd.Series(False, dates)
    position = pd.Series(np.nan, dates)
    for week, number in enumerate(net):
        reported.iloc[5 * week + 7] = True
        position.iloc[5 * week + 7] = float(number)
    found = entry_price(position.ffill(), close, reported)[reported]
    np.testing.assert_allclose(found, entry_by_hand(net, prices), rtol=1e-9)


def test_entry_needs_a_position_and_a_price():
    dates = sessions(20)
    close, reported = pd.Series(10.0, dates), pd.Series([False] * 9 + [True] + [False] * 10, dates)
    flat = entry_price(pd.Series(0.0, dates), close, reported)
    assert (
        flat.isna().all()
        and entry_price(pd.Series(5.0, dates), close * np.nan, reported).isna().all()
    )
    held = entry_price(pd.Series(5.0, dates), close, reported)
    assert held.iloc[:9].isna().all() and (held.iloc[9:] == 10.0).all()


def test_pressure_is_rank_times_distance_in_monthly_volatilities():
    share = pd.Series(-np.linspace(0.01, 0.3, 400), sessions(400))  # ever shorter
    rng = np.random.default_rng(1)
    price = pd.Series(100 * np.exp(np.cumsum(rng.normal(0, 0.01, 400))), share.index)
    entry = pd.Series(price.iloc[-1] / 1.1, share.index)
    monthly = np.log(price).diff().ewm(halflife=63, min_periods=20).std().iloc[-1] * np.sqrt(21)
    pressed = squeeze_pressure(share, entry, price, -1)
    assert pressed.iloc[-1] == pytest.approx(
        np.log(1.1) / monthly, rel=1e-9
    )  # the largest short: rank 1
    assert (
        squeeze_pressure(-share, entry, price, -1).iloc[-1] == 0.0
    )  # who is long cannot be squeezed
    assert squeeze_pressure(share, price * 1.1, price, -1).iloc[-1] == 0.0  # nor who is in profit
    mirror = squeeze_pressure(-share, entry, 100**2 / price, 1)
    assert np.isfinite(mirror.iloc[-1]) and (mirror.dropna() >= 0).all()


def test_pressure_is_unknown_with_its_parts_and_never_infinite():
    share = pd.Series(-0.1, sessions(400))
    still = pd.Series(100.0, share.index)
    assert squeeze_pressure(share, still / 2, still, -1).isna().all()  # no volatility
    assert squeeze_pressure(share * np.nan, still / 2, still, -1).isna().all()
    assert squeeze_pressure(share, still / 2, -still, -1).isna().all()


@pytest.mark.parametrize("cut", [700, 1001, 1333])
def test_a_prefix_gives_equal_bits(cut):
    contract = CONTRACTS["jpy"]
    group = contract.groups["leveraged_funds"]

    def build(v):
        share, price = net_share(v, group), contract_price(v, contract)
        entry = entry_price(net_position(v, group), price, new_reports(v, group))
        pressed = squeeze_pressure(share, entry, price, -1)
        return pd.concat([share, price, entry, rank_in_window(share), pressed], axis=1)

    assert (
        build(WORLD.iloc[:cut]).to_numpy().tobytes() == build(WORLD).iloc[:cut].to_numpy().tobytes()
    )


def test_a_fund_is_priced_over_cash():
    dates = sessions(253)
    values = pd.DataFrame({"f": 1.05 ** (np.arange(253) / 252), "dgs3mo": 5.0}, index=dates)
    price = contract_price(values, Contract(title="F", price="f"))
    assert price.iloc[-1] == pytest.approx(price.iloc[0])
    assert contract_price(values, Contract(title="F", price="f", over_cash=False)).iloc[
        -1
    ] == pytest.approx(1.05)
    assert contract_price(values[["f"]], Contract(title="F", price="f")).iloc[-1] == pytest.approx(
        1.05
    )


def test_every_input_is_in_the_catalogue():
    known = set(load_catalogue().series)
    for contract in CONTRACTS.values():
        assert contract.price in known and set(contract.groups) <= set(GROUPS)
        assert {name for group in contract.groups.values() for name in group.inputs} <= known


def test_reading_counts_ranks_by_reports():
    values = WORLD.copy()
    group = CONTRACTS["ust10"].groups["leveraged_funds"]
    values[group.plus[0]] = -1e5
    values.loc[values.index[-60:-55], group.plus[0]] = -4e5
    values.loc[values.index[-5:], group.plus[0]] = -3e5
    values[group.interest[0]] = 1e6 + np.repeat(np.arange(300), 5)  # each report differs
    reading = FuturesPositions(contracts=("ust10",))(values, values.index[-1])
    assert isinstance(reading, MechanismReading)
    table = reading.to_dict()["contracts"]["ust10"]
    assert (table["rank"], table["side"], table["reports"]) == (2, "short", 252)
    assert (
        "10-year notes: leveraged funds hold the second largest net short in five years (30% of "
        "open interest)" in (reading.sentence)
    )
    assert table["known_since"] == f"{values.index[-5]:%Y-%m-%d}" and list(reading.history) == [
        "ust10"
    ]


def test_reading_is_that_of_its_date():
    early = WORLD.index[1399]
    assert (
        FuturesPositions()(WORLD, early).to_dict()
        == FuturesPositions()(WORLD.iloc[:1400], early).to_dict()
    )


def test_speculators_stand_in_and_each_absence_says_so():
    lev = CONTRACTS["sp500"].groups["leveraged_funds"]
    values = WORLD.copy()
    values.loc[values.index[:-300], list(lev.inputs)] = np.nan  # reported for a little over a year
    tables = FuturesPositions(contracts=("sp500", "vix"))(values, values.index[-1]).to_dict()[
        "contracts"
    ]
    assert tables["sp500"]["group"] == "speculators" and tables["vix"]["group"] == "leveraged_funds"
    values = values.drop(columns=list(CONTRACTS["vix"].groups["leveraged_funds"].plus))
    values[list(CONTRACTS["sp500"].groups["dealers"].plus)] = np.nan
    out = FuturesPositions(contracts=("sp500", "vix"))(values, values.index[-1]).to_dict()
    assert out["contracts"]["vix"] == {
        "available": False,
        "reason": "VIX: no report that is recent enough",
    }
    assert (
        out["contracts"]["sp500"]["dealers"]["available"] is False
        and "No report: VIX." in out["sentence"]
    )


def test_no_report_at_all_steps_aside():
    bare = WORLD[["spy", "dgs3mo"]]
    absent = FuturesPositions()(bare, bare.index[-1])
    assert isinstance(absent, NoReading) and "S&P 500: no report" in absent.reason
    assert not FuturesPositions()(bare.iloc[:0], bare.index[0]).available
    young = FuturesPositions(contracts=("vix",))(WORLD.iloc[:100], WORLD.index[99])
    assert (
        isinstance(young, NoReading)
        and "100 sessions with a report; a percentile needs 252" in young.reason
    )


def test_without_a_price_there_is_a_position_but_no_pressure():
    values = WORLD.drop(columns="vix").assign(cot_tff_vix_lev_long=0.0, cot_tff_vix_lev_short=1e5)
    table = FuturesPositions(contracts=("vix",))(values, values.index[-1]).to_dict()["contracts"][
        "vix"
    ]
    assert (
        table["side"] == "short" and table["squeeze"] is None and table["price_above_entry"] is None
    )


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"contracts": ("sp600",)}, "unknown contract `sp600`; known: sp500"),
        ({"lookback": 50}, "lookback: "),
        ({"extreme": 0.5}, "extreme: "),
        ({"pressing": 0.0}, "pressing: "),
    ],
)
def test_impossible_parameters_are_refused(fault, words):
    with pytest.raises(ConfigError, match=words):
        FuturesPositions(**fault)


def test_ranks_in_words():
    assert [ordinal(rank) for rank in (1, 2, 10, 11, 21, 22, 23, 112)] == [
        "largest",
        "second largest",
        "tenth largest",
        "11th largest",
        "21st largest",
        "22nd largest",
        "23rd largest",
        "112th largest",
    ]
