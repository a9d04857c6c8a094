"""Feature values against the same formulas in pandas, and what holds for every column."""

import numpy as np
import pandas as pd
import pytest

from regime.config import build
from regime.errors import ConfigError
from regime.feature import Feature, FeatureFamily
from regime.features.feature_set import FeatureSet
from regime.mechanisms.cross_asset.breadth import selling_breadth
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.schema import Panel, check_features
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource
from regime.transforms import (
    change,
    fall_from_high,
    log_change,
    log_deviation,
    rolling_percentile,
    scaled_move,
    zscore,
)

FEATURES = FeatureSet()
MEGA = ("aapl", "msft", "googl", "amzn", "meta", "nvda", "tsla")


@pytest.fixture(scope="module")
def panel():
    catalogue = load_catalogue()
    reading = SimulatedSource(seed=11, years=8).read(
        catalogue, FEATURES.inputs, release_times=release_times
    )
    ages = {name: catalogue.series[name].max_age_days for name in FEATURES.inputs}
    return AsOf(reading.observations, ages).panel(reading.sessions)


@pytest.fixture(scope="module")
def table(panel):
    return FEATURES(panel)


def with_values(panel, values):
    return Panel(values=values, age=panel.age.reindex(index=values.index, columns=values.columns))


def logs(x, days=1):
    return np.log(x).diff(days)


def vol(x, halflife):
    return logs(x).ewm(halflife=halflife, min_periods=20, ignore_na=True).std()


def scaled(x, days):
    return logs(x, days) / (vol(x, 126).shift(1) * days**0.5)


def below_high(x, days):
    return x / x.rolling(days, min_periods=days // 4).max() - 1


def to_mean(x, days):
    return np.log(x) - np.log(x).rolling(days, min_periods=days // 2).mean()


def rank(x, days):
    return x.rolling(days, min_periods=days // 2).rank(pct=True)


def ewm(x, halflife):
    return x.ewm(halflife=halflife, min_periods=20, ignore_na=True).mean()


def haven_failure(v):
    return (
        -pd.concat([scaled(v[name], 10) for name in ("sp500", "gold", "tlt")], axis=1)
        .max(axis=1)
        .clip(upper=0)
    )


def bear_steepening(v):
    rise = v["dgs30"].diff(63)
    return (rise - v["dgs2"].diff(63)).clip(lower=0) * (rise > 0)


def downside_rank(v):
    down = np.sqrt(ewm(logs(v["sp500"]).clip(upper=0) ** 2, 21))
    ranks = [
        x.expanding(1000).rank(pct=True) for x in (down, -ewm(logs(v["sp500"]), 21) / (down + 1e-5))
    ]
    return (ranks[0] + ranks[1]) / 2


def bond_specs_rank(v):
    long, short = v["cot_ust10_spec_long"], v["cot_ust10_spec_short"]
    return rank((long - short) / (long + short), 1260)


def trend_exposure_rank(v):
    close, daily = np.log(v["sp500"]), vol(v["sp500"], 63)
    total = 0
    for fast, slow in ((8, 24), (16, 48), (32, 96)):
        gap = (
            close.ewm(span=fast, min_periods=fast // 4).mean()
            - close.ewm(span=slow, min_periods=slow // 4).mean()
        )
        total = total + (gap / (daily * (slow - fast) ** 0.5)).clip(-2, 2)
    return rank(total / 6 * (0.10 / (daily * 252**0.5)).clip(upper=3), 1260)


def stock_bond(v):
    a, b = logs(v["sp500"]), logs(v["tlt"])
    mean = lambda x: x.ewm(halflife=42, min_periods=63).mean()  # noqa: E731
    return mean(a * b) / np.sqrt(mean(a * a) * mean(b * b))


# Each formula as a paper would state it, on the values of the panel.
EXPECTED = {
    "positioning_drawdown_252": lambda v: -below_high(v["sp500"], 252),
    "positioning_distance_200": lambda v: (
        1 - v["sp500"] / v["sp500"].rolling(200, min_periods=60).mean()
    ),
    "positioning_realised_vol_21": lambda v: np.log(vol(v["sp500"], 21)),
    "positioning_mean_return_10": lambda v: ewm(logs(v["sp500"]), 10) / vol(v["sp500"], 252),
    "positioning_vol_shock_63": lambda v: np.log(vol(v["sp500"], 5) / vol(v["sp500"], 63)),
    "positioning_downside_rank": downside_rank,
    "positioning_trend_exposure_1260": trend_exposure_rank,
    "positioning_vix": lambda v: np.log(v["vix"]),
    "positioning_vix_term": lambda v: np.log(v["vix"] / v["vix3m"]),
    "positioning_vvix_deviation_252": lambda v: to_mean(v["vvix"], 252),
    "positioning_gex_rank_252": lambda v: rank(v["gex"], 252),
    "positioning_bond_specs_rank_1260": bond_specs_rank,
    "liquidity_funding_spread_252": lambda v: (
        ((s := v["sofr"] - v["iorb"].shift(1)) - s.rolling(252, min_periods=126).mean())
        / s.rolling(252, min_periods=126).std()
    ),
    "liquidity_fed_funds_spread_change_63": lambda v: (v["effr"] - v["iorb"].shift(1)).diff(63),
    "liquidity_net_liquidity_change_63": lambda v: (
        (v["fed_assets"] - v["tga"] - 1000 * v["rrp"].fillna(0)) / v["fed_assets"]
    ).diff(63),
    "liquidity_reserve_share_change_63": lambda v: (v["reserves"] / v["fed_assets"]).diff(63),
    "liquidity_rate10_change_63": lambda v: v["dgs10"].diff(63),
    "liquidity_bear_steepening_63": bear_steepening,
    "liquidity_high_yield_change_21": lambda v: logs(v["hy_oas"], 21),
    "dollar_momentum_63": lambda v: scaled(v["dollar_index"], 63),
    "dollar_extreme_504": lambda v: rank(v["dollar_index"], 504),
    "dollar_dash_10": lambda v: (
        pd.concat(
            [scaled(v["dollar_index"], 10), -scaled(v["sp500"], 10), -scaled(v["gold"], 10)], axis=1
        )
        .min(axis=1)
        .clip(lower=0)
    ),
    "valuation_tech_drawdown_gap_252": lambda v: (
        below_high(v["nasdaq"], 252) - below_high(v["sp500"], 252)
    ),
    "valuation_semis_strength_63": lambda v: logs(v["smh"] / v["spy"], 63),
    "valuation_mega_cap_drawdown_126": lambda v: pd.concat(
        [below_high(v[n], 126) for n in MEGA], axis=1
    ).mean(axis=1),
    "cross_asset_haven_failure_10": haven_failure,
    "cross_asset_stock_bond_correlation_63": stock_bond,
    "cross_asset_bitcoin_drawdown_63": lambda v: below_high(v["btc"], 63),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_value_against_pandas(panel, table, name):
    own, expected = table[name].iloc[400:], EXPECTED[name](panel.values).iloc[400:]
    known = own.notna() & expected.notna()
    assert known.mean() > 0.4
    np.testing.assert_allclose(own[known], expected[known], rtol=1e-7, atol=1e-7)


def test_breadth_by_hand():
    rng = np.random.default_rng(2)
    prices = pd.DataFrame(
        np.exp(np.cumsum(rng.normal(0, 0.01, (300, 5)), axis=0)), columns=list("abcde")
    )
    prices.loc[:150, "e"] = np.nan
    prices.iloc[-10:, :2] *= np.exp(-0.02 * np.arange(1, 11))[:, None]
    share = selling_breadth(prices, 10)
    falls = pd.concat([scaled(prices[name], 10) for name in prices], axis=1)
    assert share.iloc[-1] == (falls.iloc[-1] < -1).sum() / 5 >= 2 / 5
    assert share.iloc[100] == (falls.iloc[100] < -1).sum() / 4 and share.iloc[:20].isna().all()


@pytest.mark.parametrize(
    ("transform", "first"),
    [
        (lambda x: change(x, 63), 63),
        (lambda x: log_change(x, 63), 63),
        (lambda x: log_deviation(x, 100), 49),
        (lambda x: zscore(x, 100), 49),
        (lambda x: rolling_percentile(x, 100), 49),
        (lambda x: fall_from_high(x, 100), 24),
        (lambda x: scaled_move(x, 5), 21),
    ],
)
def test_a_transform_waits_for_its_history(transform, first):
    x = pd.Series(100 + np.cumsum(np.random.default_rng(1).normal(size=300)))
    assert transform(x).first_valid_index() == first
    late = x.where(x.index >= 120)
    assert transform(late).first_valid_index() == 120 + first


def test_logs_of_what_is_not_positive_are_missing():
    crude = pd.Series([20.0, 10.0, -37.6, 10.0, 20.0])
    assert np.isnan(log_change(crude, 1)).tolist() == [True, False, True, True, False]
    assert np.isnan(log_deviation(crude, 2)[2])


def test_every_column_is_finite_alive_and_bounded(table):
    check_features(table, FEATURES.specs)
    assert not np.isinf(table.to_numpy()).any()
    tail = table.iloc[1300:]
    assert tail.notna().mean().min() > 0.9
    assert (tail.nunique() > 1).all() and (tail.std() > 1e-6).all()
    assert (
        table.abs().max() < 100
    ).all()  # in shares, logs, standard deviations or points: no raw levels


def test_no_column_is_a_raw_level(panel, table):
    """Prices, balances and positions in another unit give the same columns.

    Rates stay in percent.
    """
    series = load_catalogue().series
    factors = {name: 1.0 if series[name].unit == "percent" else 7.0 for name in panel.values}
    other = FEATURES(with_values(panel, panel.values * pd.Series(factors)))
    assert sum(factor > 1 for factor in factors.values()) > 30
    np.testing.assert_allclose(other, table, rtol=1e-6, atol=1e-6)


def test_columns_depend_on_the_config_alone(panel, table):
    names = [spec.name for spec in FEATURES.specs]
    assert list(table.columns) == names and (table.dtypes == np.float64).all()
    whole = panel.values
    for values in (
        whole.iloc[:0],
        whole.iloc[:1],
        whole[["sp500"]],
        whole * np.nan,
        whole.iloc[:, ::-1],
    ):
        assert list(FEATURES(with_values(panel, values)).columns) == names


@pytest.mark.parametrize("series", ["sp500", "vix", "tlt", "sofr"])
def test_a_missing_series_empties_its_own_columns_only(panel, table, series):
    hollow = FEATURES(with_values(panel, panel.values.assign(**{series: np.nan})))
    absent = FEATURES(with_values(panel, panel.values.drop(columns=series)))
    pd.testing.assert_frame_equal(absent, hollow)
    others = [spec.name for spec in FEATURES.specs if series not in spec.inputs]
    pd.testing.assert_frame_equal(hollow[others], table[others], check_exact=True)
    only = [spec.name for spec in FEATURES.specs if spec.inputs == (series,)]
    assert hollow[only].isna().all().all()


@pytest.mark.parametrize("feature", FEATURES.features, ids=lambda feature: feature.spec.name)
def test_every_input_matters(panel, feature):
    """What a specification names is read.

    Without it the column differs, and without any of them it is empty.
    """
    begun = panel.values.index >= panel.values.index[500]
    values = panel.values.assign(
        silver_future=panel.values["gold"] ** 1.3, vix=panel.values["vix"].where(begun)
    )
    whole = feature(values)
    for series in feature.spec.inputs:
        assert not feature(values.assign(**{series: np.nan})).equals(whole), series
    assert feature(values.assign(**dict.fromkeys(feature.spec.inputs, np.nan))).isna().all()


def test_vix_before_it_began_is_realised_volatility_with_its_premium(panel):
    values = panel.values.assign(
        vix=panel.values["vix"].where(panel.values.index >= panel.values.index[500])
    )
    vix = next(f for f in FEATURES.features if f.spec.name == "positioning_vix")(values)
    realised = vol(values["sp500"], 21) * 252**0.5 * 100
    np.testing.assert_allclose(vix.iloc[30:500], np.log(1.1 * realised).iloc[30:500])
    np.testing.assert_allclose(vix.iloc[500:], np.log(values["vix"]).iloc[500:])
    assert FEATURES.specs[[s.name for s in FEATURES.specs].index("positioning_vix")].proxy


def test_a_feature_reads_only_what_it_names():
    seen = []

    def spy(values):
        seen.append(list(values.columns))
        return values["b"]

    feature = FeatureFamily("liquidity", "funding")("spread", 5, 1, ("b", "missing"), spy)
    column = feature(pd.DataFrame({"a": [1], "b": [2], "c": [3]}))
    assert (
        seen == [["b", "missing"]]
        and column.name == "liquidity_spread_5"
        and column.dtype == np.float64
    )
    assert isinstance(feature, Feature)


def test_families_are_set_by_the_config():
    built = build(FeatureSet, {"liquidity": {"lookback": 42}}, "x.yaml")
    assert "liquidity_rate10_change_42" in {spec.name for spec in built.specs}
    with pytest.raises(ConfigError, match=r"unknown key `lookbak`; did you mean `lookback`\?"):
        build(FeatureSet, {"liquidity": {"lookbak": 42}}, "x.yaml")


@pytest.mark.parametrize("sessions", [1, 2, 30, 131, 1004])
def test_a_short_history_gives_the_rows_that_a_long_one_begins_with(panel, table, sessions):
    short = FEATURES(with_values(panel, panel.values.iloc[:sessions]))
    pd.testing.assert_frame_equal(short, table.iloc[:sessions], check_exact=True)
