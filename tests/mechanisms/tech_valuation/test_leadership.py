"""Baskets, consolidation, rotation and membership by hand."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.mechanisms.tech_valuation.leadership import (
    basket_index,
    consolidation_range,
    largest_members,
    rotation,
)
from regime.transforms import scaled_move

DATES = pd.bdate_range("2020-01-06", periods=600, name="date")


@pytest.fixture(scope="module")
def companies():
    steps = np.random.default_rng(3).normal(0.0005, 0.02, (600, 4))
    return pd.DataFrame(100 * np.exp(np.cumsum(steps, axis=0)), DATES, list("abcd"))


def test_a_basket_earns_the_mean_return_of_its_members(companies):
    late = companies.assign(d=companies["d"].where(np.arange(600) >= 100))
    got = basket_index(late).pct_change()
    np.testing.assert_allclose(
        got.iloc[2:], late.pct_change(fill_method=None).mean(axis=1).iloc[2:], rtol=1e-9
    )
    assert basket_index(companies[["a", "b"]]).isna().all()
    alone = companies["a"].iloc[-1] / companies["a"].iloc[0]
    assert basket_index(companies[["a"]], minimum=1).iloc[-1] == pytest.approx(alone)


def test_members_are_held_from_the_day_after(companies):
    members = pd.DataFrame(False, DATES, list("abcd"))
    members.loc[DATES[:300], "a"] = True
    members.loc[DATES[300:], "b"] = True
    got, moved = basket_index(companies, members, minimum=1).pct_change(), companies.pct_change()
    assert got.iloc[300] == pytest.approx(moved["a"].iloc[300]) and got.iloc[301] == pytest.approx(
        moved["b"].iloc[301]
    )


def test_a_walk_ranges_as_a_walk_and_a_trend_wider():
    rng = np.random.default_rng(7)
    walks = [pd.Series(np.exp(np.cumsum(rng.normal(0, 0.01, 600))), DATES) for _ in range(40)]
    assert np.mean(
        [consolidation_range(walk).iloc[125::126].mean() for walk in walks]
    ) == pytest.approx(1.0, abs=0.12)
    trend = pd.Series(np.exp(0.004 * np.arange(600) + rng.normal(0, 0.005, 600).cumsum()), DATES)
    swing = pd.Series(np.exp(0.02 * (-1.0) ** np.arange(600)), DATES)
    assert consolidation_range(trend).iloc[-1] > 2 and consolidation_range(swing).iloc[-1] < 0.1


def test_a_price_that_stands_still_has_no_range():
    assert consolidation_range(pd.Series(5.0, DATES)).isna().all()
    halted = pd.Series(
        np.r_[np.exp(np.random.default_rng(1).normal(size=200)), np.full(400, 2.0)], DATES
    )
    assert np.isfinite(consolidation_range(halted, 63).dropna()).all()
    assert consolidation_range(halted, 63).iloc[-1:].isna().all()
    with pytest.raises(ConfigError, match="lookback: must be at least 5, got 2"):
        consolidation_range(halted, 2)


def test_rotation_is_the_scaled_move_of_the_ratio(companies):
    got = rotation(companies["a"], companies["b"], 63)
    pd.testing.assert_series_equal(
        got, scaled_move(companies["a"] / companies["b"], 63), check_names=False
    )
    assert rotation(companies["a"] * 7, companies["b"], 63).iloc[-1] == pytest.approx(got.iloc[-1])
    assert rotation(companies["a"], companies["a"], 63).isna().all()


def caps(*rows):
    return pd.DataFrame(rows, columns=["ticker", "market_cap", "released"])


def test_the_largest_as_known_then():
    table = caps(
        ("A", 3.0, "2020-01-06 09:00"),
        ("B", 2.0, "2020-01-06 09:00"),
        ("C", 1.0, "2020-01-06 09:00"),
        ("C", 9.0, "2020-02-03"),
    )
    got = largest_members(table, DATES, 2)
    assert [name for name in got if got.loc["2020-02-03", name]] == [
        "a",
        "b",
    ]  # released that evening
    assert [name for name in got if got.loc["2020-02-04", name]] == ["a", "c"]
    assert not got.loc[DATES[400]].any()  # too old
    assert not largest_members(table.iloc[:1], DATES, 2).any(axis=None)


def test_membership_needs_release_dates():
    with pytest.raises(
        InvalidDataError, match=r"market caps: column `released` is absent.*who was large is known"
    ):
        largest_members(caps(("A", 3.0, "2020-01-06")).drop(columns="released"), DATES)
    with pytest.raises(ConfigError, match="n: must be at least 1, got 0"):
        largest_members(caps(), DATES, 0)


def test_prefixes_give_equal_bits(companies):
    table = caps(
        *(
            (name, 10.0 * k, f"{DATES[30 * k]:%Y-%m-%d}")
            for k in range(1, 15)
            for name in "ABCD"[k % 3 :]
        )
    )
    for cut in (131, 402):
        part, dates = companies.iloc[:cut], DATES[:cut]
        for got, whole in (
            (basket_index(part), basket_index(companies)),
            (consolidation_range(part["a"]), consolidation_range(companies["a"])),
            (rotation(part["a"], part["b"]), rotation(companies["a"], companies["b"])),
        ):
            pd.testing.assert_series_equal(got, whole.iloc[:cut], check_exact=True)
        pd.testing.assert_frame_equal(
            largest_members(table, dates, 2), largest_members(table, DATES, 2).iloc[:cut]
        )
