"""Series that know the future, and honest ones that look alike."""

import numpy as np
import pandas as pd
import pytest

from regime.studies.leakage.series_leaks import series_findings
from tests.audit.planted.data import SERIES_LEAKS, clean_rows, leaky_rows, world_with
from tests.audit.planted.market import market

PRICES = market(np.random.default_rng(2), 2500)
INDEX = pd.DatetimeIndex(PRICES.index)


def said(series, name="planted"):
    rows = world_with(PRICES, {name: series.dropna()})
    return [
        item
        for item in series_findings(rows.table, rows.sessions, rows.catalogue)
        if item.name == name
    ]


def noisy(name, size=0.002):
    rng = np.random.default_rng(9)
    return np.log(PRICES[name]) + size * rng.standard_normal(len(PRICES))


@pytest.mark.parametrize("k", [1, 3])
def test_a_series_dated_too_early_leads_its_market(k):
    found = said(np.exp(noisy("spy").shift(-k)))
    assert "lead" in {item.kind for item in found} and {item.severity for item in found} == {"leak"}
    assert said(np.exp(noisy("spy"))) == [] and said(np.exp(noisy("spy").shift(k))) == []


def test_a_two_sided_average_leads_and_a_one_sided_one_does_not():
    assert [item.kind for item in said(-noisy("hyg").rolling(7, center=True).mean())] == ["lead"]
    assert said(-noisy("hyg").rolling(7).mean()) == []


def test_a_volatility_of_the_past_passes_and_a_return_of_the_future_does_not():
    moves = np.log(PRICES["sp500"]).diff()
    assert said(100 * moves.ewm(halflife=10, min_periods=5).std()) == []
    assert said(50 + 100 * moves.rolling(5).sum().shift(-5))[0].kind == "lead"


def test_relatives_tell_a_shift_that_the_market_does_not():
    rng = np.random.default_rng(4)
    common = pd.Series(np.cumsum(rng.standard_normal(len(INDEX))), INDEX)
    family = {
        f"rate{place}": common + 0.3 * rng.standard_normal(len(INDEX)).cumsum() + 100
        for place in range(4)
    }
    rows = world_with(PRICES, family)
    assert series_findings(rows.table, rows.sessions, rows.catalogue) == []
    rows = world_with(PRICES, family | {"rate1": family["rate1"].shift(-1).dropna()})
    found = series_findings(rows.table, rows.sessions, rows.catalogue)
    assert [(item.name, item.kind, item.size) for item in found] == [("rate1", "lead", 1.0)]
    rows = world_with(
        PRICES, family | {"rate1": family["rate1"].shift(1).dropna()}
    )  # late is honest
    assert series_findings(rows.table, rows.sessions, rows.catalogue) == []


def gaps(series, fill):
    result = series.copy()
    for start in range(100, 2400, 300):
        result.iloc[start : start + 12] = np.nan
    return getattr(result, fill)()


@pytest.mark.parametrize(
    ("fill", "kinds"), [("interpolate", ["straight line"]), ("bfill", ["back-fill"]), ("ffill", [])]
)
def test_gaps_filled_from_their_ends_are_found_and_from_their_beginnings_not(fill, kinds):
    assert [item.kind for item in said(gaps(100 * np.exp(noisy("eem")), fill))] == kinds
    rng = np.random.default_rng(8)
    alone = pd.Series(100 + np.cumsum(rng.standard_normal(len(INDEX))), INDEX)  # of no market
    assert [item.kind for item in said(gaps(alone, fill))] == kinds


def test_days_without_a_session_hold_the_day_before_and_never_the_next():
    days = pd.date_range(INDEX[0], INDEX[-1])
    rng = np.random.default_rng(8)
    daily = pd.Series(100 + np.cumsum(rng.standard_normal(len(INDEX))), INDEX)
    assert said(daily.reindex(days).ffill()) == []
    assert [item.kind for item in said(daily.reindex(days).bfill())] == ["back-fill"]


@pytest.mark.parametrize(
    "scale",
    [
        lambda x: (x - x.mean()) / x.std(),
        lambda x: (x - x.min()) / (x.max() - x.min()),
        lambda x: x.rank(pct=True),
    ],
)
def test_a_scale_of_the_whole_sample_is_found(scale):
    rng = np.random.default_rng(8)
    alone = pd.Series(np.cumsum(rng.standard_normal(len(INDEX))), INDEX)
    assert [item.kind for item in said(scale(alone))] == ["whole-sample scale"]
    assert said((alone - alone.expanding(20).mean()) / alone.expanding(20).std()) == []


def test_rounded_rates_floors_and_steps_are_no_fills():
    rng = np.random.default_rng(8)
    walk = pd.Series(np.cumsum(0.02 * rng.standard_normal(len(INDEX))), INDEX)
    assert said((3 + walk).round(2)) == []
    assert said((walk * 50).clip(lower=0.0)) == []
    assert said((walk * 20).round() / 4) == []
    assert (
        said(pd.Series(np.linspace(1.0, 9.0, len(INDEX)), INDEX)) == []
    )  # one line throughout is a law of its own


def test_foresight_is_told_from_a_forecast():
    rng = np.random.default_rng(3)
    months = pd.date_range(INDEX[0], INDEX[-1], freq="ME")
    earned = pd.Series(
        10 * np.exp(np.cumsum(0.005 + 0.03 * rng.standard_normal(len(months) + 12))),
        pd.period_range(months[0], periods=len(months) + 12, freq="M"),
    )
    price = PRICES["sp500"].reindex(months, method="ffill")
    now, then = earned.iloc[: len(months)].to_numpy(), earned.iloc[12:].to_numpy()
    trailing = pd.Series(now, months)
    for implied, kinds in (
        (then, ["foresight"]),
        (now * np.exp(0.05 + 0.03 * rng.standard_normal(len(months))), []),
    ):
        rows = world_with(PRICES, {"forward_pe_ndx": price / implied, "sp500_earnings": trailing})
        found = series_findings(rows.table, rows.sessions, rows.catalogue)
        assert [item.kind for item in found if item.name == "forward_pe_ndx"] == kinds


@pytest.mark.parametrize("kind", SERIES_LEAKS)
@pytest.mark.parametrize("seed", [0, 1])
def test_each_planted_kind_is_found(kind, seed):
    rows = leaky_rows(np.random.default_rng(seed), kind)
    found = series_findings(rows.table, rows.sessions, rows.catalogue)
    assert {item.name for item in found} & {"planted", "forward_pe_sp500"}


@pytest.mark.parametrize("seed", range(12))
def test_honest_series_pass(seed):
    rows = clean_rows(np.random.default_rng(seed))
    assert series_findings(rows.table, rows.sessions, rows.catalogue) == []


def test_without_a_market_nothing_is_said_of_leads():
    rows = world_with(PRICES, {"planted": np.exp(noisy("spy").shift(-1)).dropna()})
    rest = rows.table[rows.table["series"] == "planted"]
    assert series_findings(rest, rows.sessions, rows.catalogue) == []
