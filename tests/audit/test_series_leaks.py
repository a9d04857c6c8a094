"""Series that contain the future, and genuine ones that look alike."""

import numpy as np
import pandas as pd
import pytest

from regime.studies.leakage.series_leaks import series_findings
from tests.audit.planted.data import SERIES_LEAKS, clean_rows, leaky_rows, market_with
from tests.audit.planted.market import market

PRICES = market(np.random.default_rng(2), 2500)
INDEX = pd.DatetimeIndex(PRICES.index)


def findings_of(series, name="injected"):
    rows = market_with(PRICES, {name: series.dropna()})
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
    findings = findings_of(np.exp(noisy("spy").shift(-k)))
    assert "lead" in {item.kind for item in findings} and {item.severity for item in findings} == {
        "leak"
    }
    assert (
        findings_of(np.exp(noisy("spy"))) == [] and findings_of(np.exp(noisy("spy").shift(k))) == []
    )


def test_a_two_sided_average_leads_and_a_one_sided_one_does_not():
    assert [item.kind for item in findings_of(-noisy("hyg").rolling(7, center=True).mean())] == [
        "lead"
    ]
    assert findings_of(-noisy("hyg").rolling(7).mean()) == []


def test_a_volatility_of_the_past_passes_and_a_return_of_the_future_does_not():
    moves = np.log(PRICES["sp500"]).diff()
    assert findings_of(100 * moves.ewm(halflife=10, min_periods=5).std()) == []
    assert findings_of(50 + 100 * moves.rolling(5).sum().shift(-5))[0].kind == "lead"


def test_related_series_reveal_a_shift_that_the_market_does_not():
    rng = np.random.default_rng(4)
    common = pd.Series(np.cumsum(rng.standard_normal(len(INDEX))), INDEX)
    family = {
        f"rate{number}": common + 0.3 * rng.standard_normal(len(INDEX)).cumsum() + 100
        for number in range(4)
    }
    rows = market_with(PRICES, family)
    assert series_findings(rows.table, rows.sessions, rows.catalogue) == []
    rows = market_with(PRICES, family | {"rate1": family["rate1"].shift(-1).dropna()})
    findings = series_findings(rows.table, rows.sessions, rows.catalogue)
    assert [(item.name, item.kind, item.size) for item in findings] == [("rate1", "lead", 1.0)]
    rows = market_with(
        PRICES, family | {"rate1": family["rate1"].shift(1).dropna()}
    )  # late is no leak
    assert series_findings(rows.table, rows.sessions, rows.catalogue) == []


def gaps(series, fill):
    result = series.copy()
    for start in range(100, 2400, 300):
        result.iloc[start : start + 12] = np.nan
    return getattr(result, fill)()


@pytest.mark.parametrize(
    ("fill", "kinds"), [("interpolate", ["straight line"]), ("bfill", ["back-fill"]), ("ffill", [])]
)
def test_back_filled_gaps_are_detected_and_forward_filled_ones_are_not(fill, kinds):
    assert [item.kind for item in findings_of(gaps(100 * np.exp(noisy("eem")), fill))] == kinds
    rng = np.random.default_rng(8)
    unrelated = pd.Series(
        100 + np.cumsum(rng.standard_normal(len(INDEX))), INDEX
    )  # unrelated to the market
    assert [item.kind for item in findings_of(gaps(unrelated, fill))] == kinds


def test_closed_days_may_repeat_the_day_before_but_not_the_next():
    days = pd.date_range(INDEX[0], INDEX[-1])
    rng = np.random.default_rng(8)
    daily = pd.Series(100 + np.cumsum(rng.standard_normal(len(INDEX))), INDEX)
    assert findings_of(daily.reindex(days).ffill()) == []
    assert [item.kind for item in findings_of(daily.reindex(days).bfill())] == ["back-fill"]


@pytest.mark.parametrize(
    "scale",
    [
        lambda x: (x - x.mean()) / x.std(),
        lambda x: (x - x.min()) / (x.max() - x.min()),
        lambda x: x.rank(pct=True),
    ],
)
def test_whole_sample_scaling_is_detected(scale):
    rng = np.random.default_rng(8)
    unrelated = pd.Series(np.cumsum(rng.standard_normal(len(INDEX))), INDEX)
    assert [item.kind for item in findings_of(scale(unrelated))] == ["whole-sample scale"]
    assert (
        findings_of((unrelated - unrelated.expanding(20).mean()) / unrelated.expanding(20).std())
        == []
    )


def test_rounded_rates_floors_and_steps_are_no_fills():
    rng = np.random.default_rng(8)
    walk = pd.Series(np.cumsum(0.02 * rng.standard_normal(len(INDEX))), INDEX)
    assert findings_of((3 + walk).round(2)) == []
    assert findings_of((walk * 50).clip(lower=0.0)) == []
    assert findings_of((walk * 20).round() / 4) == []
    assert (
        findings_of(pd.Series(np.linspace(1.0, 9.0, len(INDEX)), INDEX)) == []
    )  # one line throughout has no filled gap


def test_a_multiple_of_later_earnings_is_detected_and_a_forecast_passes():
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
        (then, ["forward multiple"]),
        (now * np.exp(0.05 + 0.03 * rng.standard_normal(len(months))), []),
    ):
        rows = market_with(PRICES, {"forward_pe_ndx": price / implied, "sp500_earnings": trailing})
        findings = series_findings(rows.table, rows.sessions, rows.catalogue)
        assert [item.kind for item in findings if item.name == "forward_pe_ndx"] == kinds


@pytest.mark.parametrize("kind", SERIES_LEAKS)
@pytest.mark.parametrize("seed", [0, 1])
def test_each_injected_kind_is_detected(kind, seed):
    rows = leaky_rows(np.random.default_rng(seed), kind)
    findings = series_findings(rows.table, rows.sessions, rows.catalogue)
    assert {item.name for item in findings} & {"injected", "forward_pe_sp500"}


@pytest.mark.parametrize("seed", range(12))
def test_clean_series_pass(seed):
    rows = clean_rows(np.random.default_rng(seed))
    assert series_findings(rows.table, rows.sessions, rows.catalogue) == []


def test_without_a_market_leads_are_not_tested():
    rows = market_with(PRICES, {"injected": np.exp(noisy("spy").shift(-1)).dropna()})
    rest = rows.table[rows.table["series"] == "injected"]
    assert series_findings(rest, rows.sessions, rows.catalogue) == []
