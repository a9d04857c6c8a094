"""Fills at the open and monthly rebalancing by hand, and what of them is refused."""

import math
import subprocess
import sys

import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.errors import ConfigError, InvalidDataError
from tests.backtest.reference_engine import reference_backtest

ENGINES = pytest.mark.parametrize("engine", [backtest, reference_backtest])
FREE, NAN = Costs(bps=0), math.nan


def dated(values, start="2024-01-01"):
    return pd.Series(
        values, pd.bdate_range(start, periods=len(values), name="date"), dtype=float, name="SPY"
    )


CLOSES, OPENS = dated([100, 110, 120, 130]), dated([95, 105, 100, 125])
OUT = dated([0, 0, 1, 1])


@ENGINES
def test_an_order_is_filled_at_the_next_open(engine):
    result = engine(CLOSES, OUT, FREE, fill="open", opens=OPENS)
    # Sold at 105 the day after; bought back at 125 the day after the 3rd session: 1.05 / 125 x 130.
    assert result.equity.tolist() == pytest.approx([1, 1.05, 1.05, 1.05 * 130 / 125])
    assert result.orders["date"].tolist() == list(CLOSES.index[[0, 1, 3]])
    assert result.orders["decided"].iloc[1:].tolist() == list(CLOSES.index[[0, 2]])
    assert result.orders["price"].tolist() == [100, 105, 125]
    assert result.held["SPY"].tolist() == [0, 0, 1]  # through the session, after its open
    assert result.notes[0].startswith(
        "decided at the close of session t, filled at the open of t + 1; "
    )


@ENGINES
def test_the_open_of_a_later_session(engine):
    result = engine(CLOSES, OUT, FREE, fill="open", opens=OPENS, fill_delay=2)
    assert result.equity.tolist() == pytest.approx([1, 1.1, 1.0, 1.0])
    assert result.orders["date"].tolist() == list(CLOSES.index[[0, 2]])


@ENGINES
def test_costs_interest_and_holding_around_an_open(engine):
    cash = dated([0.5, 0.01, 0.02, 0.03])
    flat, costs = dated([100.0] * 4), Costs(bps=10, holding_bps=252)
    result = engine(flat, OUT, costs, cash, fill="open", opens=flat)
    # The night before the sale costs 1 bp of holding; nights in cash earn; the night before the
    # purchase too.
    sold = (1 - 1e-4) * (1 - 1e-3)
    bought = sold * 1.02 * 1.03 / 1.001
    assert result.equity.tolist() == pytest.approx([1, sold, sold * 1.02, bought])
    assert result.costs.tolist() == pytest.approx([0, (1 - 1e-4) * 1e-3, 0, bought * 1e-3])
    assert result.cash.tolist() == pytest.approx([0, sold, sold * 1.02, 0], abs=1e-12)


@ENGINES
def test_an_order_without_an_open_waits_for_the_close(engine):
    result = engine(CLOSES, OUT, FREE, fill="open", opens=OPENS.mask(OPENS == 105))
    assert result.equity.tolist() == pytest.approx([1, 1.1, 1.1, 1.1 * 130 / 125])
    (row,) = result.deferred.itertuples()
    assert (row.due, row.filled, row.outcome) == (CLOSES.index[1], CLOSES.index[1], "filled")


@ENGINES
def test_a_closed_market_waits_for_the_next_open(engine):
    shut = CLOSES.index == CLOSES.index[1]
    result = engine(CLOSES.mask(shut), OUT, FREE, fill="open", opens=OPENS.mask(shut))
    assert result.orders["price"].tolist() == [100, 100, 125]
    (row,) = result.deferred.itertuples()
    assert (row.due, row.filled) == (CLOSES.index[1], CLOSES.index[2])


@ENGINES
def test_weights_are_restored_at_each_open(engine):
    half = dated([0.5] * 3)
    closes, opens = dated([100, 100, 50]), dated([100, 200, 100])
    result = engine(closes, half, FREE, fill="open", opens=opens, rebalance="daily", initial=0.5)
    # At 200 there is 1.5, half of it held; it falls to .375 with the close; at the same price
    # nothing moves.
    assert result.equity.tolist() == pytest.approx([1, 0.75 + 0.375, 0.5625 + 0.28125])


@ENGINES
def test_monthly_restores_at_the_first_session_of_each_month(engine):
    prices = dated(
        [100, 200, 200, 100, 200, 200], start="2024-01-30"
    )  # February begins with the 3rd
    half = dated([0.5] * 6, start="2024-01-30")
    result = engine(prices, half, FREE, initial=0.5, rebalance="monthly")
    # 1.5 on 1 February, .75 each; the fall takes .375 of it, the rise gives that back.
    assert result.equity.tolist() == pytest.approx([1, 1.5, 1.5, 1.125, 1.5, 1.5])
    assert result.orders["date"].tolist() == [prices.index[0], pd.Timestamp("2024-02-01")]
    assert result.orders["decided"].iloc[1] == pd.Timestamp("2024-01-31")


@ENGINES
def test_monthly_waits_for_a_price_and_follows_decisions_too(engine):
    prices = dated([100, 200, NAN, 200, 200, 200, 200], start="2024-01-30")
    wanted = dated([0.5, 0.5, 0.5, 0.5, 0, 0, 0], start="2024-01-30")
    result = engine(prices, wanted, FREE, initial=0.5, rebalance="monthly")
    assert result.orders["date"].tolist() == [prices.index[i] for i in (0, 3, 5)]
    assert result.orders["target"].tolist() == [0.5, 0.5, 0.0]
    assert result.deferred.empty  # drift is restored at the next price, as in daily mode


@ENGINES
def test_a_month_apart_by_a_year_is_another_month(engine):
    prices = pd.Series(
        [100.0, 200.0, 200.0],
        pd.DatetimeIndex(["2023-05-02", "2023-05-03", "2024-05-03"]),
        name="SPY",
    )
    result = engine(prices, prices * 0 + 0.5, FREE, initial=0.5, rebalance="monthly")
    assert len(result.orders) == 2


PAIR = pd.DataFrame({"A": CLOSES, "B": CLOSES})


@pytest.mark.parametrize(
    ("prices", "opens", "message"),
    [
        (CLOSES, OPENS.iloc[1:], "Opens: must have the dates of the prices"),
        (CLOSES, OPENS.shift(freq="D"), "Opens: must have the dates of the prices"),
        (
            CLOSES,
            OPENS.mask(OPENS == 105, 0.0),
            "Opens: 2024-01-02: `SPY` is 0.0: a price must be above 0",
        ),
        (CLOSES, OPENS.mask(OPENS == 105, -1.0), "Opens: 2024-01-02: `SPY` is -1.0"),
        (CLOSES, OPENS.mask(OPENS == 105, math.inf), "Opens: 2024-01-02: `SPY` is inf"),
        (CLOSES, OPENS.astype(str) + "x", "Opens: must hold numbers"),
        (PAIR, OPENS, "Opens: must have the assets of the prices, in their order: A, B"),
        (PAIR, PAIR[["B", "A"]], "Opens: must have the assets of the prices, in their order: A, B"),
    ],
)
def test_bad_opens_are_refused(prices, opens, message):
    exposure = PAIR * 0 if isinstance(prices, pd.DataFrame) else OUT
    with pytest.raises(InvalidDataError, match=message):
        backtest(prices, exposure, FREE, fill="open", opens=opens)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fill": "open"}, "^opens: filling at the open needs the prices there"),
        ({"opens": OPENS}, "^opens: orders are filled at the close"),
        ({"fill": "noon"}, "^fill: must be one of close, open, got noon"),
        (
            {"fill": "open", "opens": OPENS, "same_bar": True},
            "^same_bar: shows what looking ahead earns",
        ),
        ({"fill": "open", "opens": OPENS, "fill_delay": 0}, "^fill_delay: must be at least 1"),
    ],
)
def test_bad_options_of_filling_are_refused_by_name(options, message):
    with pytest.raises(ConfigError, match=message):
        backtest(CLOSES, OUT, FREE, **options)


def test_the_package_offers_its_names_and_stays_light():
    code = (
        "import sys, regime.backtest as room; assert not {'pandas', 'numpy', 'vectorbt'} & "
        "set(sys.modules); "
        "from regime.backtest import BacktestResult, Costs, backtest; assert 'vectorbt' not in "
        "sys.modules; "
        "assert callable(backtest) and Costs().bps == 5 and 'equity' in "
        "BacktestResult.__annotations__"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    import regime.backtest as room

    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = room.nothing
