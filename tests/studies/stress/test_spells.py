"""The table of spells, by hand on ten days."""

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.errors import InvalidDataError
from regime.studies.stress.account import SingleAssetAccount
from regime.studies.stress.spells import episode_costs

DAYS = pd.bdate_range("2024-01-01", periods=10, name="date")
HELD = pd.Series([1.0, 1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.25, 0.5, 1.0], DAYS)
MARKET = pd.Series([0.01, 0.02, -0.10, -0.10, -0.10, 0.05, -0.02, 0.10, 0.10, 0.10], DAYS)
CASH = pd.Series(0.001, DAYS)


def spells(*pairs, **more):
    return pd.DataFrame([(DAYS[a], DAYS[b]) for a, b in pairs], columns=["start", "end"]).assign(
        **more
    )


def test_ten_days_by_hand():
    row = episode_costs(HELD, MARKET, CASH, spells((2, 4), name="a fall")).iloc[0]
    assert (row["first"], row["last"], row["name"]) == (DAYS[2], DAYS[4], "a fall")
    assert row["exposure_before"] == 1.0 and row["exposure_inside"] == 0.5
    assert row["exposure_after"] == pytest.approx((0 + 0 + 0.25 + 0.5 + 1) / 5)
    market, rule = 0.9**3 - 1, 0.9 * (1 - 0.05 + 0.0005) * 1.001 - 1
    assert row["market_return"] == pytest.approx(market) and row["rule_return"] == pytest.approx(
        rule
    )
    assert row["loss_avoided"] == pytest.approx(rule - market)
    after = 1.05 * 0.98 * 1.1**3
    ours = 1.001 * 1.001 * (1 + 0.025 + 0.00075) * (1 + 0.05 + 0.0005) * 1.1
    assert row["missed_after"] == pytest.approx(after - ours)
    assert (
        row["sessions_to_cut"] == 2.0 and row["sessions_to_return"] == 4.0
    )  # 0.5 is no less than half


def test_cuts_and_returns_at_the_edges():
    table = episode_costs(HELD, MARKET, CASH, spells((0, 1), (4, 8), (5, 6), (9, 9)))
    assert table["sessions_to_cut"].tolist() == pytest.approx([np.nan, 0, 0, np.nan], nan_ok=True)
    assert table["sessions_to_return"].tolist() == pytest.approx(
        [np.nan, 0, 2, np.nan], nan_ok=True
    )
    assert np.isnan(table["exposure_before"][0]) and np.isnan(table["exposure_after"][3])
    assert np.isnan(table["missed_after"][3]) and table["name"].tolist() == [""] * 4
    never = episode_costs(HELD * 0.0, MARKET, CASH, spells((2, 4)))
    assert never["sessions_to_cut"][0] == 0.0 and np.isnan(never["sessions_to_return"][0])


def test_windows_are_ten_before_twenty_one_and_sixty_three_after():
    days = pd.bdate_range("2024-01-01", periods=200, name="date")
    held = pd.Series(np.linspace(0, 1, 200), days)
    market = pd.Series(0.001, days)
    row = episode_costs(
        held, market, market * 0, pd.DataFrame({"start": [days[50]], "end": [days[60]]})
    ).iloc[0]
    assert row["exposure_before"] == pytest.approx(held.iloc[40:50].mean())
    assert row["exposure_after"] == pytest.approx(held.iloc[61:82].mean())
    rule = (1 + held.iloc[61:124] * 0.001).prod()
    assert row["missed_after"] == pytest.approx(1.001**63 - rule)


def test_what_the_account_held_gives_its_return_before_costs():
    rng = np.random.default_rng(1)
    days = pd.bdate_range("2020-01-01", periods=300, name="date")
    prices = pd.Series(np.exp(rng.normal(0, 0.01, 300).cumsum()), days)
    cash = pd.Series(1e-4, days)
    account = SingleAssetAccount(prices=prices, cash=cash, costs=Costs(bps=0)).trade(
        pd.Series(rng.random(300), days)
    )
    table = episode_costs(
        account.held,
        prices.pct_change().iloc[1:],
        account.cash,
        pd.DataFrame({"start": [days[100]], "end": [days[160]]}),
    )
    assert table["rule_return"][0] == pytest.approx(
        (1 + account.returns.iloc[99:160]).prod() - 1, abs=1e-12
    )


def test_spells_outside_are_left_out_and_overlapping_ones_cut_to_the_sessions():
    far = pd.DataFrame(
        {
            "start": pd.to_datetime(["2020-01-01", "2023-12-01", "2024-01-06"]),
            "end": pd.to_datetime(["2020-03-01", "2024-01-02", "2024-01-07"]),
        }
    )
    table = episode_costs(HELD, MARKET, CASH, far)
    assert table[["first", "last"]].to_numpy().tolist() == [[DAYS[0], DAYS[1]]]
    none = episode_costs(HELD, MARKET, CASH, far.iloc[:0])
    assert none.empty and list(none) == list(table)


def test_what_is_refused():
    with pytest.raises(InvalidDataError, match="column `end` is absent"):
        episode_costs(HELD, MARKET, CASH, spells((1, 2))[["start"]])
    with pytest.raises(InvalidDataError, match="must not lie after end"):
        episode_costs(HELD, MARKET, CASH, spells((4, 2)))
    with pytest.raises(InvalidDataError, match="must not lie after end"):
        episode_costs(HELD, MARKET, CASH, spells((2, 4)).assign(end=pd.NaT))
    with pytest.raises(InvalidDataError, match="`cash` must have the dates of `exposure`"):
        episode_costs(HELD, MARKET, CASH.iloc[1:], spells((1, 2)))
    with pytest.raises(InvalidDataError, match="2024-01-03 has a missing value"):
        episode_costs(HELD, MARKET.where(DAYS != "2024-01-03"), CASH, spells((1, 2)))
    with pytest.raises(InvalidDataError, match="no session"):
        episode_costs(HELD.iloc[:0], MARKET.iloc[:0], CASH.iloc[:0], spells((1, 2)))
