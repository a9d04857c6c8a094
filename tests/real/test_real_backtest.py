"""Rules and engine on real prices, against plain arithmetic and published figures."""

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.performance import max_drawdown, sharpe_ratio
from regime.rules.benchmarks import above_average, buy_and_hold, volatility_target
from tests.backtest.reference_engine import reference_backtest

pytestmark = pytest.mark.real
FIVE = Costs(bps=5)


@pytest.fixture(scope="module")
def tape(request):
    """S&P closes, the returns of its tracker, and the bill rate that was known a session before."""
    folder = request.getfixturevalue("real_data")

    def read(name, column):
        return (
            pd.read_csv(folder / name, parse_dates=["date"])
            .drop_duplicates("date")
            .set_index("date")[column]
        )

    close = read("prices/^GSPC.csv", "close").loc["1980":]
    tracker = read("prices/SPY.csv", "adj_close").reindex(close.index)
    returns = tracker.pct_change(fill_method=None).fillna(close.pct_change())
    cash = (
        read("macro/DGS3MO.csv", "value").reindex(close.index, method="ffill") / 100 / 252
    ).shift(1)
    return pd.DataFrame({"close": close, "returns": returns, "cash": cash.fillna(0.0)})


@pytest.fixture(scope="module")
def rules(tape):
    return {
        "hold": buy_and_hold(tape["close"]),
        "average": above_average(tape["close"]),
        "volatility": volatility_target(tape["returns"]),
    }


def run(tape, exposure, first, last, **options):
    """Window's first return is that of its first session: the account opens at the close before."""
    opening = tape.index[tape.index.get_loc(tape.loc[first:].index[0]) - 1]
    window = tape.loc[opening:last]
    levels = (1 + window["returns"].where(window.index > opening, 0.0)).cumprod()
    engine = options.pop("engine", backtest)
    return engine(levels, exposure.loc[first:last], FIVE, window["cash"], **options)


def plain(tape, exposure, first, last):
    """Daily fixed fractions and 5 bp on their change, in five lines of arithmetic."""
    days = tape.loc[first:last].index
    held = exposure.loc[days].shift(2).fillna(1.0)
    cost = held.diff().abs().fillna(0.0) * 5e-4
    net = held * tape["returns"][days] + (1 - held) * tape["cash"][days] - cost
    return net, tape["cash"][days]


def test_buy_and_hold_has_its_published_figures(tape):
    returns = tape["returns"].loc["2007":"2023"]
    assert sharpe_ratio(returns, 0.011 / 252) == pytest.approx(0.497, abs=0.001)
    assert max_drawdown(returns) == pytest.approx(-0.5519, abs=0.0001)


@pytest.mark.parametrize(
    ("name", "sharpe", "depth"),
    [("hold", 0.52, -0.55), ("average", 0.58, -0.22), ("volatility", 0.64, -0.26)],
)
def test_the_simple_rules_have_their_known_figures(tape, rules, name, sharpe, depth):
    summary = run(tape, rules[name], "2005", "2024").summary()
    assert summary["sharpe"] == pytest.approx(sharpe, abs=0.01)
    assert summary["max_drawdown"] == pytest.approx(depth, abs=0.005)


@pytest.mark.parametrize("name", ["hold", "average", "volatility"])
@pytest.mark.parametrize("rebalance", ["on_signal", "daily"])
def test_engine_gives_the_figures_of_plain_arithmetic(tape, rules, name, rebalance):
    result = run(tape, rules[name], "2005", "2024", rebalance=rebalance)
    net, cash = plain(tape, rules[name], "2005", "2024")
    assert result.returns.index.equals(net.index)
    assert result.summary()["sharpe"] == pytest.approx(sharpe_ratio(net, cash), abs=0.002)
    assert result.summary()["max_drawdown"] == pytest.approx(max_drawdown(net), abs=0.001)
    # The plain way books a cost a session late and at the new level: the paths differ by parts of a
    # basis point.
    assert np.abs(result.equity.to_numpy()[1:] / (1 + net).cumprod().to_numpy() - 1).max() < 0.002


@pytest.mark.parametrize("name", ["average", "volatility"])
@pytest.mark.parametrize("rebalance", ["on_signal", "daily"])
def test_engine_equals_reference_on_real_prices(tape, rules, name, rebalance):
    mine, oracle = (
        run(tape, rules[name], "2005", "2024", rebalance=rebalance, engine=engine)
        for engine in (backtest, reference_backtest)
    )
    np.testing.assert_allclose(mine.equity, oracle.equity, rtol=1e-10, atol=0)
    assert len(mine.orders) == len(oracle.orders)


def test_sessions_without_a_price_delay_the_average_and_say_so(tape, rules):
    window = tape.loc["2019-06":"2020-12"]
    levels = (1 + window["returns"]).cumprod()
    out = rules["average"].loc["2020-02-20":"2020-03-31"]
    fill = levels.index[levels.index.get_loc(out[out == 0].index[0]) + 1]
    result = backtest(
        levels.mask(levels.index == fill), rules["average"].loc[window.index], FIVE, window["cash"]
    )
    (row,) = result.deferred[result.deferred["due"] == fill].itertuples()
    assert row.outcome == "filled"
    assert row.filled == levels.index[levels.index.get_loc(fill) + 1]
    assert any(f"due {fill:%Y-%m-%d} met no price" in note for note in result.notes)


def test_looking_ahead_would_pay_on_real_prices_and_the_default_does_not(tape):
    oracle = (tape["returns"] > 0).astype(float)
    assert run(tape, oracle, "2005", "2024", same_bar=True).summary()["sharpe"] > 5
    assert run(tape, oracle, "2005", "2024").summary()["sharpe"] < 1
