"""The demand slope against its regression written out, a planted slope, weeks left out."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.reserves.demand_curve import BankAssets, demand_slope, fed_funds_spread

DATES = pd.bdate_range("2016-01-04", periods=800, name="date")
WEEK = (
    np.arange(len(DATES)) // 5
)  # H.4.1 is known from each Friday on; here from every fifth session


def weekly(slope=-2.0, noise=0.1, seed=1):
    """Reserves that change weekly, and a spread that answers in the week they average."""
    rng = np.random.default_rng(seed)
    share = 10 + np.cumsum(rng.normal(0, 0.3, WEEK[-1] + 2))
    spread = slope * share[WEEK + 1] + np.repeat(np.cumsum(rng.normal(0, noise, WEEK[-1] + 1)), 5)
    return pd.DataFrame(
        {
            "effr": 1.0 + spread / 100,
            "iorb": 1.0,
            "reserves": share[WEEK] / 100,
            "bank_assets": 1.0,
        },
        DATES,
    )


def by_hand(values, t, weeks):
    """Slope and its error with one lag, from sums, at the last known week."""
    spread, reserves = fed_funds_spread(values), values["reserves"]
    fresh = [s for s in range(1, t + 1) if reserves.iloc[s] != reserves.iloc[s - 1]]
    y = np.array([spread.iloc[s - 5 : s].mean() for s in fresh])
    x = np.array([100 * reserves.iloc[s] for s in fresh])
    dy, dx = np.diff(y)[-weeks:], np.diff(x)[-weeks:]
    a, b = dx - dx.mean(), dy - dy.mean()
    slope = (a @ b) / (a @ a)
    u = a * (b - slope * a)
    error = np.sqrt((u @ u + u[1:] @ u[:-1]) * weeks / (weeks - 2)) / (a @ a)
    return slope, error, slope / error


@pytest.mark.parametrize("t", [400, 523, 799])
def test_against_the_formula(t):
    values = weekly(noise=0.5)
    np.testing.assert_allclose(
        demand_slope(values, weeks=40).iloc[t], by_hand(values, t, 40), rtol=1e-8
    )


def test_a_planted_slope_is_found():
    steep, flat = (demand_slope(weekly(slope)).iloc[-1] for slope in (-2.0, 0.0))
    assert steep["slope"] == pytest.approx(-2.0, abs=0.2) and steep["t"] < -5
    assert abs(flat["t"]) < 3 and abs(flat["slope"]) < 0.2


def test_a_decreed_move_of_the_spread_is_left_out():
    moved = weekly()
    moved.loc[DATES[603:], "iorb"] -= 0.5  # the market rate does not follow
    assert demand_slope(moved).iloc[-1]["slope"] == pytest.approx(-2.0, abs=0.2)
    silent = weekly()
    silent.loc[DATES[604:], "effr"] += 0.5  # the same spread, without a decree
    pd.testing.assert_series_equal(fed_funds_spread(silent), fed_funds_spread(moved))
    assert demand_slope(silent).iloc[-1]["error"] > 1.0


def test_until_enough_weeks_and_long_after_the_last_there_is_none():
    values = weekly()
    table = demand_slope(values, weeks=52)
    assert table.iloc[:260].isna().all(axis=None) and table.iloc[275:].notna().all(axis=None)
    stopped = values.assign(reserves=values["reserves"].where(WEEK < 101).ffill())
    table = demand_slope(stopped, weeks=52)
    assert table.iloc[560:563].notna().all(axis=None) and table.iloc[564:].isna().all(axis=None)
    assert demand_slope(values.assign(reserves=5.0)).isna().all(axis=None)
    with pytest.raises(ConfigError, match="weeks: must be at least 8, got 7"):
        demand_slope(values, weeks=7)


@pytest.mark.parametrize("cut", [1, 300, 601, 733])
def test_nothing_is_known_of_what_comes_after(cut):
    whole, part = demand_slope(weekly()), demand_slope(weekly().iloc[:cut])
    assert whole.iloc[:cut].to_numpy().tobytes() == part.to_numpy().tobytes()


def test_bank_assets_by_trend_and_by_report():
    index = pd.DatetimeIndex(["2007-12-31", "2019-09-18"], name="date")
    trend = BankAssets().of(pd.DataFrame(index=index))
    assert trend.iloc[0] == 10_800_000 and trend.iloc[1] == pytest.approx(
        10.8e6 * 1.04 ** (4279 / 365.25)
    )
    told = pd.DataFrame({"bank_assets": [np.nan, 17.6e6]}, index)
    assert BankAssets().of(told).tolist() == [10_800_000, 17.6e6]
    assert BankAssets().basis(told) == "bank assets as reported" and "proxy" in BankAssets().basis(
        told.iloc[:1]
    )
    assert "proxy" in BankAssets().basis(pd.DataFrame(index=index))


def test_distance_to_the_band():
    own = BankAssets(anchor_date=date(2020, 1, 1))
    assert own.distance(0.15) == pytest.approx(2.0) and own.distance(0.10) == pytest.approx(-2.0)
    assert own.distance(0.12) == own.distance(0.13) == 0.0 and np.isnan(own.distance(np.nan))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"anchor_usd_bn": 0.0}, "anchor_usd_bn: must be positive"),
        ({"growth": 0.9}, "growth: must lie"),
        ({"band": (0.2, 0.1)}, "band: must rise"),
    ],
)
def test_impossible_bank_assets_are_refused(wrong, words):
    with pytest.raises(ConfigError, match=words):
        BankAssets(**wrong)
