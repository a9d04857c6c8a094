"""The engine by hand: when an order fills, what it costs, what waits, what is refused."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.backtest.market import align
from regime.backtest.orders import Timing, fill_moments
from regime.backtest.result import build_result
from regime.errors import ConfigError, InvalidDataError, RegimeError
from regime.performance import sharpe_ratio
from tests.backtest.reference_engine import reference_backtest

FREE, NAN = Costs(bps=0), math.nan


def dated(values, start="2024-01-01"):
    dates = pd.bdate_range(start, periods=len(values), name="date")
    if isinstance(values, pd.DataFrame):
        return values.set_index(dates)
    return pd.Series(values, index=dates, dtype=float, name="SPY")


def test_first_return_of_a_decision_is_two_sessions_later():
    prices, exposure = dated([100, 110, 121, 133.1, 146.41, 161.051]), dated([1, 0, 0, 1, 1, 1])
    result = backtest(prices, exposure, FREE)
    # Out decided on the 2nd session, filled at the 3rd close; back decided on the 4th, filled at
    # the 5th close.
    assert result.returns.tolist() == pytest.approx([0.1, 0.1, 0.0, 0.0, 0.1])
    assert result.held["SPY"].tolist() == pytest.approx([1, 1, 0, 0, 1])
    assert result.held["SPY"].tolist() == pytest.approx(
        exposure.shift(2).fillna(1.0).iloc[1:].tolist()
    )
    assert result.orders["date"].tolist() == [prices.index[i] for i in (0, 2, 4)]
    assert result.orders["decided"].iloc[1:].tolist() == [prices.index[i] for i in (1, 3)]


@pytest.mark.parametrize("delay", [1, 2, 5])
def test_fill_delay_moves_every_fill(delay):
    rng = np.random.default_rng(0)
    prices = dated(100 * np.exp(np.cumsum(rng.normal(0, 0.01, 60))))
    exposure = dated((rng.random(60) < 0.5).astype(float))
    held = backtest(prices, exposure, FREE, fill_delay=delay).held["SPY"]
    assert held.tolist() == pytest.approx(exposure.shift(delay + 1).fillna(1.0).iloc[1:].tolist())


def test_same_bar_earns_the_session_it_decides_on_and_says_so():
    prices, exposure = dated([100, 110, 99, 108.9]), dated([0, 1, 0, 1])
    result = backtest(prices, exposure, FREE, same_bar=True)
    assert result.returns.tolist() == pytest.approx([0.1, 0.0, 0.1])
    assert "LOOK-AHEAD" in result.notes[0]
    assert "LOOK-AHEAD" not in backtest(prices, exposure, FREE).notes[0]


def test_an_oracle_of_todays_return_earns_nothing_by_default_and_much_on_the_same_bar():
    returns = np.random.default_rng(1).normal(0, 0.01, 5000)
    prices = dated(100 * np.cumprod(1 + returns), start="2000-01-03")
    oracle = dated((returns > 0).astype(float), start="2000-01-03")
    error = math.sqrt(252 / 5000)
    assert abs(sharpe_ratio(backtest(prices, oracle, FREE, same_bar=False).returns)) < 2 * error
    assert sharpe_ratio(backtest(prices, oracle, FREE, same_bar=True).returns) > 20 * error


def test_costs_of_leaving_and_coming_back_by_hand():
    result = backtest(dated([100.0] * 6), dated([1, 0, 0, 1, 1, 1]), Costs(bps=10))
    # Sold 1 at 10 bp; then .999 buys .999 / 1.001, the rest of it is cost.
    back = 0.999 / 1.001
    assert result.equity.tolist() == pytest.approx([1, 1, 0.999, 0.999, back, back], abs=1e-14)
    assert result.costs.tolist() == pytest.approx([0, 0, 0.001, 0, 0.999 - back, 0], abs=1e-14)
    assert result.turnover == pytest.approx((1 / 0.999 + 1) / 5 * 252)
    assert result.summary()["cost_per_year"] == pytest.approx(
        (0.001 + (0.999 - back) / 0.999) / 5 * 252
    )
    assert result.summary()["orders"] == 2.0


def test_the_endowment_is_free_and_follows_initial():
    prices, exposure = dated([100, 110, 121]), dated([1, 1, 1])
    assert backtest(prices, exposure, Costs(bps=50)).equity.tolist() == pytest.approx(
        [1, 1.1, 1.21]
    )
    assert backtest(prices, exposure, FREE, initial=0.0).equity.tolist() == pytest.approx(
        [1, 1.0, 1.1]
    )
    assert backtest(prices, exposure, FREE, initial=0.5).equity.tolist() == pytest.approx(
        [1, 1.05, 1.155]
    )


def test_idle_cash_earns_the_cash_return_of_each_session():
    cash = dated([0.5, 0.01, 0.02, -0.01])
    result = backtest(
        dated([100, 90, 80, 70]), dated([0, 0, 0, 0]), Costs(bps=5), cash, initial=0.0
    )
    assert result.equity.tolist() == pytest.approx(
        [1, 1.01, 1.01 * 1.02, 1.01 * 1.02 * 0.99], abs=1e-14
    )
    assert result.cash_returns.tolist() == [0.01, 0.02, -0.01]


def test_weights_drift_on_signal_and_are_restored_daily():
    prices, half = dated([100, 200, 200, 100]), dated([0.5] * 4)
    drift, daily = (
        backtest(prices, half, FREE, initial=0.5, rebalance=mode) for mode in ("on_signal", "daily")
    )
    # .5 + .5 -> 1 + .5; kept: back to .5 + .5. Restored: .75 + .75, then .375 + .75.
    assert drift.equity.tolist() == pytest.approx([1, 1.5, 1.5, 1.0])
    assert daily.equity.tolist() == pytest.approx([1, 1.5, 1.5, 1.125])
    assert drift.held["SPY"].tolist() == pytest.approx([0.5, 2 / 3, 2 / 3])
    assert daily.held["SPY"].tolist() == pytest.approx([0.5, 0.5, 0.5])


def test_daily_free_of_costs_is_the_arithmetic_of_fixed_fractions():
    rng = np.random.default_rng(2)
    returns, cash = dated(rng.normal(0, 0.01, 400)), dated(rng.uniform(0, 3e-4, 400))
    exposure = dated(rng.random(400))
    held = exposure.shift(2).fillna(1.0)
    net = (held * returns + (1 - held) * cash).iloc[1:]
    result = backtest((1 + returns).cumprod(), exposure, FREE, cash, rebalance="daily")
    np.testing.assert_allclose(result.returns, net, rtol=0, atol=1e-13)


def test_decisions_stand_until_the_next_one():
    prices = dated(np.linspace(100, 130, 12))
    few = pd.Series([0.0, 1.0], index=prices.index[[3, 7]])
    every = few.reindex(prices.index).ffill().fillna(1.0)
    assert backtest(prices, few, FREE).equity.equals(backtest(prices, every, FREE).equity)


def test_an_order_without_a_price_waits_and_is_reported():
    prices, exposure = dated([100, 100, NAN, NAN, 80, 60]), dated([1, 0, 0, 0, 0, 0])
    result = backtest(prices, exposure, FREE)
    # Due at the 3rd close, filled at the 5th: the fall to 80 is suffered, the fall to 60 is not.
    assert result.equity.tolist() == pytest.approx([1, 1, 1, 1, 0.8, 0.8])
    (row,) = result.deferred.itertuples()
    dates = prices.index
    assert (row.decided, row.due, row.filled) == (dates[1], dates[2], dates[4])
    assert (row.asset, row.target, row.outcome) == ("SPY", 0.0, "filled")
    assert (
        "SPY: the order to 0 due 2024-01-03 met no price and was filled on 2024-01-05"
        in result.notes
    )


def test_a_waiting_order_can_be_replaced_or_stay_open():
    prices, exposure = dated([100, NAN, NAN, 50, 60, NAN]), dated([0, 1, 0.5, 0.5, 0, 0])
    result = backtest(prices, exposure, FREE)
    assert result.deferred["outcome"].tolist() == ["replaced", "replaced", "open"]
    assert result.deferred["target"].tolist() == [0.0, 1.0, 0.0]
    # The newest decision, half, is the one that meets the price of 50; the last exit never does.
    assert result.orders["target"].tolist() == [1.0, 0.5]
    assert result.equity.iloc[-1] == pytest.approx(0.5 * (0.5 + 0.5 * 60 / 50))


def test_an_asset_that_has_not_begun_is_bought_at_its_first_price():
    result = backtest(dated([NAN, NAN, 50, 60]), dated([1, 1, 1, 1]), FREE)
    assert result.equity.tolist() == pytest.approx([1, 1, 1, 1.2])
    assert result.deferred["outcome"].tolist() == ["filled"]


def test_a_buy_that_waits_for_a_sale_is_completed_with_it():
    prices = dated(pd.DataFrame({"A": [10, 10, NAN, 10, 10.0], "B": [20, 20, 20, 20, 40.0]}))
    weights = dated(pd.DataFrame({"A": [1, 0, 0, 0, 0.0], "B": [0, 1, 1, 1, 1.0]}))
    result = backtest(prices, weights, FREE, initial={"A": 1.0})
    # B is due at the 3rd close without cash to pay for it; at the 4th A is sold and B is bought.
    assert result.equity.tolist() == pytest.approx([1, 1, 1, 1, 2])
    assert result.held["B"].tolist() == pytest.approx([0, 0, 0, 1])
    assert result.notes[-1].startswith(
        "purchases cut for want of cash, beyond their costs: 1, the first on 2024-01-03 "
        "by 100.00% of capital; each is completed when the sale"
    )


def test_several_assets_add_up():
    prices = dated(pd.DataFrame({"A": [10, 11, 12, 13.0], "B": [20, 18, 16, 20.0]}))
    weights = dated(pd.DataFrame({"B": [0.25] * 4, "A": [0.5] * 4}))
    result = backtest(prices, weights, Costs(bps=7), initial={"A": 0.5, "B": 0.25})
    assert list(result.positions) == ["A", "B"]
    assert result.equity.tolist() == pytest.approx(
        [1, 0.25 + 0.55 + 0.225, 0.25 + 0.6 + 0.2, 0.25 + 0.65 + 0.25]
    )
    np.testing.assert_allclose(
        result.cash + result.positions.sum(axis=1), result.equity, rtol=1e-12
    )
    assert result.exposure.iloc[0] == pytest.approx(0.75)


def test_what_is_done_by_a_date_does_not_depend_on_later_data():
    rng = np.random.default_rng(5)
    prices = dated(100 * np.exp(np.cumsum(rng.normal(0, 0.02, 200)))).mask(rng.random(200) < 0.1)
    exposure = dated(rng.integers(0, 5, 200) / 4)
    prices.iloc[0] = 100.0
    whole = backtest(prices, exposure, Costs(bps=5), rebalance="daily")
    for cut in (2, 57, 120, 199):
        part = backtest(prices[:cut], exposure[:cut], Costs(bps=5), rebalance="daily")
        assert part.equity.tolist() == whole.equity[:cut].tolist()


def test_a_result_is_plain_and_pickles():
    result = backtest(dated([100, 110, 121]), dated([1, 0, 1]), Costs(bps=5))
    again = pickle.loads(pickle.dumps(result))
    assert again.equity.equals(result.equity)
    assert again.notes == (
        "decided at the close of session t, filled at the close of t + 1; orders only where the "
        "decision changes, "
        "weights drift between",
        "5 bp one way on traded notional",
        "cash earned nothing",
    )


PRICES, EXPOSURE = dated([100.0, 101.0, 102.0]), dated([1.0, 0.5, 0.0])
TWO = pd.DataFrame({"A": PRICES, "B": PRICES})


@pytest.mark.parametrize(
    ("prices", "exposure", "cash", "message"),
    [
        (
            dated([100, 0, 102]),
            EXPOSURE,
            None,
            r"Prices: 2024-01-02: `SPY` is 0.0: a price must be above 0",
        ),
        (dated([100, -3, 102]), EXPOSURE, None, r"Prices: 2024-01-02: `SPY` is -3.0"),
        (dated([100, math.inf, 102]), EXPOSURE, None, r"Prices: 2024-01-02: `SPY` is inf"),
        (dated([NAN] * 3), EXPOSURE, None, "Prices: `SPY` has no price at all"),
        (PRICES.astype(str) + "x", EXPOSURE, None, "Prices: must hold numbers"),
        (
            PRICES.iloc[[0, 1, 1, 2]],
            EXPOSURE,
            None,
            "Prices: dates must rise strictly; row 2 is 2024-01-02",
        ),
        (PRICES.iloc[::-1], EXPOSURE, None, "Prices: dates must rise strictly"),
        (
            PRICES.iloc[:1],
            EXPOSURE.iloc[:1],
            None,
            "Prices: a backtest needs at least 2 sessions, got 1",
        ),
        (
            PRICES.reset_index(drop=True),
            EXPOSURE,
            None,
            "Prices: the index must be a DatetimeIndex",
        ),
        (
            PRICES,
            dated([1, 1.5, 0]),
            None,
            r"Exposure, `SPY`: 2024-01-02: 1.5 lies outside \[0, 1\]",
        ),
        (PRICES, dated([1, NAN, 0]), None, r"Exposure, `SPY`: 2024-01-02: nan lies outside"),
        (PRICES, dated([1.0] * 5), None, "Exposure: 2024-01-04 is no session of the prices"),
        (PRICES, EXPOSURE.iloc[:0], None, "Exposure: holds no decision"),
        (PRICES, EXPOSURE.iloc[[0, 0]], None, "Exposure: dates must rise strictly"),
        (PRICES, EXPOSURE.tz_localize("UTC"), None, "Exposure: the index carries time zone UTC"),
        (PRICES, dated([1, -0.1, 0]), None, r"Exposure, `SPY`: 2024-01-02: -0.1 lies outside"),
        (PRICES, dated([1, math.inf, 0]), None, r"Exposure, `SPY`: 2024-01-02: inf lies outside"),
        (
            PRICES,
            EXPOSURE.shift(freq="D"),
            None,
            "Exposure: 2024-01-04 is no session of the prices; move the decision",
        ),
        (PRICES, EXPOSURE.astype(str) + "x", None, "Exposure: must hold numbers"),
        (PRICES.shift(freq="h"), EXPOSURE, None, "Prices: row 0 has a time of day"),
        (PRICES, EXPOSURE, dated([0, NAN, 0]), r"Cash: 2024-01-02: `cash` is nan: every session"),
        (PRICES, EXPOSURE, dated([0, -1, 0]), r"Cash: 2024-01-02: `cash` is -1.0"),
        (PRICES, EXPOSURE, dated([0.0, 0.0]), r"Cash: 2024-01-03: `cash` is nan"),
        (TWO, EXPOSURE, None, "Exposure: 2 assets need a DataFrame of weights"),
        (TWO, TWO * 0.004, None, None),
        (
            TWO,
            TWO * 0.006,
            None,
            r"Exposure: 2024-01-01: `sum of weights` is 1.2: must be at most 1",
        ),
        (TWO, (TWO * 0.001).rename(columns={"B": "C"}), None, "each once: got A, C; prices: A, B"),
        (
            TWO.set_axis(["A", "A"], axis=1),
            EXPOSURE,
            None,
            "Prices: columns must name one or more assets, each once",
        ),
    ],
)
def test_bad_input_is_refused_with_its_date(prices, exposure, cash, message):
    if message is None:
        assert len(backtest(prices, exposure, FREE, cash).equity) == 3
        return
    with pytest.raises(InvalidDataError, match=message):
        backtest(prices, exposure, FREE, cash)


def test_rules_for_what_is_odd_and_allowed():
    for one in (
        EXPOSURE.iloc[:1],
        EXPOSURE.iloc[:1].astype(bool),
        EXPOSURE.iloc[:1].astype("Float64"),
    ):
        assert backtest(PRICES, one, FREE).equity.tolist() == pytest.approx(
            [1, 1.01, 1.02]
        )  # one decision stands
    gap = PRICES.astype("Float64").mask(
        PRICES == 101
    )  # a missing value is a session without a price
    assert backtest(gap, EXPOSURE, FREE).equity.tolist() == pytest.approx([1, 1, 1.02])
    assert (
        backtest(PRICES, EXPOSURE, FREE, dated([NAN, 0, 0])).equity.iloc[1] == 1.01
    )  # the first is not earned
    later = pd.Series([0.0], PRICES.index[-1:])  # never due: the initial holding stands
    assert backtest(PRICES, later, FREE).equity.iloc[-1] == pytest.approx(1.02)
    assert backtest(PRICES.rename(None), EXPOSURE, FREE).orders["asset"].unique().tolist() == [
        "risk"
    ]


@pytest.mark.parametrize("engine", [backtest, reference_backtest])
def test_an_account_that_is_ruined_is_refused_with_its_date(engine):
    prices = dated([100.0] * 400)
    exposure = dated(np.arange(400) % 2)  # a tenth of the capital is paid each day
    with pytest.raises(
        InvalidDataError, match=r"^Backtest: 2024-07-\d\d: less than 1e-06 .* \(1000 bp one way"
    ):
        engine(prices, exposure, Costs(bps=1000))
    assert engine(prices[:100], exposure[:100], Costs(bps=1000)).equity.iloc[-1] > 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill_delay": 0}, "^fill_delay: must be at least 1"),
        (
            {"rebalance": "weekly"},
            "^rebalance: must be one of on_signal, daily, monthly, got weekly",
        ),
        ({"initial": 1.5}, r"^initial: weights must lie in \[0, 1\]"),
        ({"initial": {"QQQ": 1.0}}, "^initial: unknown asset `QQQ`; the prices hold SPY"),
    ],
)
def test_bad_options_are_refused_by_name(options, message):
    with pytest.raises(ConfigError, match=message):
        backtest(PRICES, EXPOSURE, FREE, **options)


def test_several_assets_need_a_weight_each():
    with pytest.raises(ConfigError, match=r"^initial: 2 assets need a weight each"):
        backtest(TWO, TWO * 0.004, FREE, initial=1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"equity": np.array([1.0, 1.1, 1.2])},
            "2024-01-02: cash and positions are not equity by 0.1",
        ),
        (
            {"cash": np.array([1.0, 1.0, 2.0]), "equity": np.array([1.0, 1.0, 2.0])},
            "2024-01-03: gains less costs are not",
        ),
        ({"cash": -np.ones(3), "units": 2 / PRICES.to_numpy()[:, None]}, "gains less costs"),
        (
            {
                "cash": np.full(3, -0.01),
                "units": np.full((3, 1), 0.01),
                "equity": PRICES.to_numpy() / 100 - 0.01,
            },
            "2024-01-01: cash is borrowed by 0.01",
        ),
        (
            {"orders": [(PRICES.index[1], PRICES.index[1], "SPY", 1.0, 0.01, 101.0, 1.01, 0.0)]},
            "filled on 2024-01-02, not after its decision",
        ),
        ({"targets": np.array([[0.0], [0.5], [NAN]])}, "2024-01-02: a purchase was lost by 0.5"),
        (
            {
                "cash": np.zeros(3),
                "units": np.full((3, 1), 0.01),
                "equity": PRICES.to_numpy() / 100,
                "targets": np.array([[1.0], [NAN], [0.25]]),
            },
            "2024-01-03: a sale was lost by 0.765",
        ),
    ],
)
def test_an_account_that_does_not_add_up_is_never_returned(change, message):
    account = {
        "equity": np.ones(3),
        "cash": np.ones(3),
        "units": np.zeros((3, 1)),
        "targets": np.full((3, 1), NAN),
        "orders": [],
        "deferred": [],
    }
    moments = fill_moments(align(PRICES, EXPOSURE), Timing(), FREE)
    build_result(moments, **account)
    with pytest.raises(RegimeError, match=message):
        build_result(moments, **(account | change))


def test_vectorbt_is_not_loaded_by_the_import():
    code = "import sys, regime.backtest.engine; sys.exit('vectorbt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
