"""What a portfolio trades, from files and from a simulated world.

Levels, opens, half-spreads, and what is refused.
"""

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.errors import ConfigError, InvalidDataError, MissingDataError
from regime.mechanisms.market_depth.spread_estimators import HalfSpread
from regime.panel.release_times import release_times
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.tradable_assets import read_traded, traded_prices
from regime.rules.allocation import Allocation
from regime.sources.catalogue import load_catalogue
from regime.sources.file_source import FileSource
from tests.backtest.reference_engine import reference_backtest

# A holiday on Monday 2024-02-19; half days are no matter here.
SESSIONS = pd.bdate_range("2024-01-02", "2024-05-31", name="date").drop(
    pd.DatetimeIndex(["2024-01-15", "2024-02-19", "2024-03-29", "2024-05-27"])
)
SPREAD = HalfSpread(lookback=20, minimum=10, floor_bps=1.0, unknown_bps=6.0)


def bars(dates, seed, start=100.0):
    rng = np.random.default_rng(seed)
    path = start * np.exp(np.cumsum(rng.normal(0, 0.003, (len(dates), 20)).ravel())).reshape(
        len(dates), 20
    )
    path = path * (1 + rng.choice([-0.01, 0.01], path.shape))
    return pd.DataFrame(
        {
            "open": path[:, 0],
            "high": path.max(axis=1),
            "low": path.min(axis=1),
            "close": path[:, -1],
        },
        index=pd.DatetimeIndex(dates, name="date"),
    )


def tables():
    """SPY with a dividend, QQQ that begins late with a gap, DBC that stops, Bitcoin every day."""
    spy = bars(SESSIONS, 1).assign(
        adj_close=lambda own: own["close"] * np.where(own.index < "2024-03-15", 0.98, 1.0)
    )
    qqq = bars(SESSIONS[30:], 2).assign(adj_close=lambda own: own["close"]).drop(SESSIONS[50])
    dbc = bars(SESSIONS[:60], 3).assign(adj_close=lambda own: own["close"])
    bitcoin = bars(pd.date_range(SESSIONS[0], SESSIONS[-1]), 4, 40_000.0)
    return {
        "prices/^GSPC.csv": bars(SESSIONS, 5, 4700.0),
        "prices/SPY.csv": spy,
        "prices/QQQ.csv": qqq,
        "prices/DBC.csv": dbc,
        "prices/BTC-USD.csv": bitcoin,
    }


def write(folder, content):
    (folder / "prices").mkdir(parents=True, exist_ok=True)
    for path, table in content.items():
        table.to_csv(folder / path, date_format="%Y-%m-%d")
    return folder


@pytest.fixture(scope="module")
def content():
    return tables()


@pytest.fixture(scope="module")
def settings():
    return load_settings("us_macro.yaml", ["tracking=NullTracker"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory, content):
    return write(tmp_path_factory.mktemp("traded"), content)


@pytest.fixture(scope="module")
def traded(settings, folder):
    return read_traded(settings, ["spy", "qqq", "dbc", "btc"], folder, SESSIONS, spread=SPREAD)


def test_tables_have_the_sessions_and_the_assets_in_order(traded):
    for table in (traded.prices, traded.opens, traded.half_spread_bps):
        assert table.index.equals(SESSIONS) and table.index.name == "date"
        assert list(table) == ["spy", "qqq", "dbc", "btc"]
    assert (
        traded.prices.gt(0).where(traded.prices.notna(), True).to_numpy().all()
        and len(traded.hash) == 64
    )


def test_levels_carry_dividends_and_opens_stand_on_their_scale(traded, content):
    spy = content["prices/SPY.csv"]
    np.testing.assert_allclose(traded.prices["spy"], spy["adj_close"], rtol=1e-12)
    np.testing.assert_allclose(
        traded.opens["spy"] / traded.prices["spy"], spy["open"] / spy["close"], rtol=1e-12
    )
    before, ex = (
        SESSIONS[SESSIONS.get_loc(pd.Timestamp("2024-03-15")) - 1],
        pd.Timestamp("2024-03-15"),
    )
    paid = (
        traded.prices["spy"][ex]
        / traded.prices["spy"][before]
        / (spy["close"][ex] / spy["close"][before])
    )
    assert paid == pytest.approx(1 / 0.98)


def test_a_session_without_a_bar_has_no_price_and_no_open(traded):
    for table in (traded.prices, traded.opens):
        assert table["qqq"].isna().to_numpy().nonzero()[0].tolist() == [*range(30), 50]
        assert table["dbc"].isna().to_numpy().nonzero()[0].tolist() == [*range(60, len(SESSIONS))]
    assert traded.half_spread_bps.notna().all().all()
    assert [note for note in traded.notes if note.startswith("dbc: last value 2024-")]


def test_a_utc_day_of_bitcoin_counts_for_the_next_session(traded, content):
    bitcoin, prices = content["prices/BTC-USD.csv"]["close"], traded.prices["btc"]
    assert np.isnan(prices.iloc[0])  # its first day ends after the close of the first session
    for session, day in {
        "2024-01-03": "2024-01-02",
        "2024-01-08": "2024-01-07",
        "2024-01-16": "2024-01-15",
        "2024-02-20": "2024-02-19",
        "2024-05-31": "2024-05-30",
    }.items():
        assert prices[session] == pytest.approx(bitcoin[day], rel=1e-12)
    # A UTC day opens before the New York close at which its fill is decided, so its open is no
    # price to fill at.
    assert traded.opens["btc"].equals(prices)


def test_half_spreads_are_those_of_the_bars_before(traded, content):
    spy = SPREAD(content["prices/SPY.csv"])
    np.testing.assert_allclose(traded.half_spread_bps["spy"], spy, rtol=1e-12)
    assert (spy.iloc[:10] == 6.0).all() and spy.iloc[40:].between(
        50, 150
    ).all()  # 100 bp were drawn
    bitcoin = SPREAD(content["prices/BTC-USD.csv"])
    assert traded.half_spread_bps["btc"]["2024-04-08"] == pytest.approx(
        bitcoin["2024-04-07"], rel=1e-12
    )
    own = traded.half_spread_bps["dbc"]
    assert (own.iloc[60:] == own.iloc[59]).all() and (
        traded.half_spread_bps["qqq"].iloc[:30] == 6.0
    ).all()


@pytest.mark.parametrize("last", [35, 55, 80])
def test_nothing_is_known_of_later_days(settings, traded, content, tmp_path, last):
    cut = {path: own.loc[: SESSIONS[last]] for path, own in content.items()}
    early = read_traded(
        settings,
        ["spy", "qqq", "dbc", "btc"],
        write(tmp_path, cut),
        SESSIONS[: last + 1],
        spread=SPREAD,
    )
    for name in ("prices", "opens", "half_spread_bps"):
        pd.testing.assert_frame_equal(
            getattr(early, name),
            getattr(traded, name).iloc[: last + 1],
            check_exact=True,
            check_freq=False,
        )


def test_later_sessions_than_the_first_of_the_data_begin_with_the_bar_of_their_own_day(
    settings, folder, traded
):
    late = read_traded(settings, ["spy", "btc"], folder, SESSIONS[40:], spread=SPREAD)
    for name in ("prices", "opens", "half_spread_bps"):
        assert getattr(late, name).equals(getattr(traded, name)[["spy", "btc"]].iloc[40:])


def test_every_absent_asset_is_named_at_once(settings, folder):
    with pytest.raises(MissingDataError) as error:
        read_traded(settings, ["spy", "tlt", "gld"], folder, SESSIONS)
    assert [fault.split(":")[0] for fault in error.value.faults] == ["asset `tlt`", "asset `gld`"]
    assert (
        "no file prices/TLT.csv; put it into the source, or leave it out of the allocation"
        in str(error.value)
    )
    with pytest.raises(MissingDataError, match="asset `qqq`: no price on the sessions of the run"):
        read_traded(settings, ["qqq"], folder, SESSIONS[:20])


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("nothing", "series `nothing`: not in the catalogue"),
        ("usdjpy", "asset `usdjpy`: not priced at the New York"),
        ("gold", "asset `gold`: not priced at the New York close"),
        ("fed_assets", "asset `fed_assets`: not priced"),
    ],
)
def test_what_has_no_price_to_fill_at_is_refused(settings, folder, name, fault):
    with pytest.raises(ConfigError, match=fault):
        read_traded(settings, ["spy", name], folder, SESSIONS)
    with pytest.raises(ConfigError, match="us_macro reads files"):
        read_traded(settings, ["spy"], None, SESSIONS)


def test_a_file_without_bars_is_refused_unless_none_are_asked_for(settings, content, tmp_path):
    bare = {**content, "prices/SPY.csv": content["prices/SPY.csv"][["adj_close"]]}
    folder = write(tmp_path, bare)
    with pytest.raises(InvalidDataError, match=r"prices/SPY.csv: line 1: no column `open`"):
        read_traded(settings, ["spy"], folder, SESSIONS)
    levels = read_traded(settings, ["spy"], folder, SESSIONS, bars=False)
    np.testing.assert_allclose(
        levels.prices["spy"], content["prices/SPY.csv"]["adj_close"], rtol=1e-12
    )
    assert levels.opens["spy"].isna().all() and (levels.half_spread_bps["spy"] == 5.0).all()
    assert levels.notes == ("spy: no bars, so the half-spread is taken as 5 bp throughout",)


def test_an_asset_named_twice_is_one_and_refused_values_are_told(settings, content, tmp_path):
    spoilt = content["prices/SPY.csv"].copy()
    spoilt.loc[SESSIONS[7], "adj_close"] = 0.0
    folder = write(tmp_path, {**content, "prices/SPY.csv": spoilt})
    with pytest.raises(
        InvalidDataError, match="required series `spy`"
    ):  # what is required may have no such value
        read_traded(settings, ["spy"], folder, SESSIONS)
    spoilt = content["prices/QQQ.csv"].copy()
    spoilt.loc[SESSIONS[37], "adj_close"] = 0.0
    twice = read_traded(
        settings, ["qqq", "qqq"], write(tmp_path, {**content, "prices/QQQ.csv": spoilt}), SESSIONS
    )
    assert list(twice.prices) == ["qqq"] and np.isnan(twice.prices["qqq"].iloc[37])
    assert any("values refused: 1" in note for note in twice.notes)


def test_bars_come_through_the_catalogue_alone(folder):
    """A reading made elsewhere serves as well.

    The catalogue itself has no bars, so that nothing else reads them.
    """
    catalogue = load_catalogue().only(["sp500", "spy"])
    with_bars = catalogue.with_bars(["spy"])
    reading = FileSource().read(with_bars, folder, release_times=release_times)
    made = traded_prices(["spy"], with_bars, reading, SESSIONS, spread=SPREAD)
    assert (made.half_spread_bps["spy"].iloc[40:] != 6.0).all()
    plain = FileSource().read(catalogue, folder, release_times=release_times)
    assert (
        traded_prices(["spy"], catalogue, plain, SESSIONS, spread=SPREAD).half_spread_bps["spy"]
        == 6.0
    ).all()


def test_the_simulated_world_is_traded_without_bars():
    simulated = load_settings(
        "demo.yaml", ["tracking=NullTracker", "source.SimulatedSource.years=3"]
    )
    market_data = read_market_data(simulated, None, NoProgress())
    allocation = Allocation(
        risk={"spy": 0.5, "qqq": 0.2, "eem": 0.1, "hyg": 0.1, "dbc": 0.05, "btc": 0.05},
        hedge={"tlt": 0.4, "gld": 0.3, "uup": 0.3},
        hedge_share=0.5,
    )
    traded = read_traded(simulated, allocation.assets, None, market_data.sessions, spread=SPREAD)
    assert (
        traded.prices.drop(columns="btc").notna().all().all()
        and traded.prices["btc"].iloc[1:].notna().all()
    )
    assert (traded.half_spread_bps == 6.0).all().all() and "no bars" in traded.notes[0]
    np.testing.assert_allclose(
        traded.prices["spy"].pct_change().iloc[1:], market_data.returns.iloc[1:], rtol=1e-9
    )
    with pytest.raises(
        MissingDataError, match="asset `bil`: the simulated world has no such series"
    ):
        read_traded(simulated, ["spy", "bil"], None, market_data.sessions)

    exposure = pd.Series(
        np.random.default_rng(2).choice([0.3, 1.0], len(market_data.sessions)), market_data.sessions
    )
    weights = allocation(exposure, traded.prices)
    assert weights["btc"].iloc[0] == 0 and (weights["btc"].iloc[1:] > 0).all()
    result = reference_backtest(traded.prices, weights, Costs(bps=5), market_data.cash)
    assert result.equity.iloc[-1] > 0 and set(result.orders["asset"]) == set(allocation.assets)
