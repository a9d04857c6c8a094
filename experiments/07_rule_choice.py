"""Ask which de-risking rule to ship, judged on 1972-2004 alone.

Probabilities are out of sample: half-yearly refits inside the years that train the first test block
of the shipped config. The folder has no dividends before 1995, so the monthly dividend yield known
from the long index file is added to the price return; without it staying out would look too cheap.
No row after 2004 is read.

A rule is judged by its Sharpe ratio in three periods and in all, next to the 12 % volatility
target; differences of less than .05 are noise, and means of many settings are preferred to the best
one.

usage: python experiments/07_rule_choice.py DATA
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from inner import LAST, enter
from regime.backtest.stress_account import Venue

from regime.backtest.costs import Costs
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.strategy import signals
from regime.pipeline.walk_forward import walk_forward
from regime.rules.base import Rule
from regime.rules.benchmarks import above_average, buy_and_hold, volatility_target
from regime.rules.overlays import MinimumHold, VolatilityTarget
from regime.rules.price_rules import ReentryOnTrend
from regime.rules.stack import Blend, RuleStack
from regime.rules.threshold import Hysteresis, Ramp

PERIODS = {
    "1972-84": ("1972", "1984"),
    "1985-94": ("1985", "1994"),
    "1995-04": ("1995", "2004"),
    "all": ("1972", "2004"),
}
LEVELS = ((0.4, 0.2), (0.5, 0.3), (0.6, 0.4), (0.7, 0.5))
SPEEDS = (21, 42, 84, 126)
TARGET = VolatilityTarget(target=0.12, cap=1.0)


def out(halflife: float, levels: tuple[tuple[float, float], ...] = LEVELS) -> Blend:
    return Blend(
        *(Hysteresis(enter=enter, leave=leave, halflife=halflife) for enter, leave in levels)
    )


def lifted(halflife: float, confirm: int, speeds: tuple[int, ...] = SPEEDS) -> Blend:
    return Blend(
        *(
            RuleStack(out(halflife), ReentryOnTrend(halflife=speed, confirm=confirm))
            for speed in speeds
        )
    )


def rules() -> dict[str, Rule]:
    """What was tried here, in families; each before the volatility target."""
    tried: dict[str, Rule] = {
        "shipped before: halflife 2, hold 3": RuleStack(out(2), MinimumHold(days=3), TARGET)
    }
    for halflife in (2, 5, 8):
        tried[f"out, halflife {halflife}"] = RuleStack(out(halflife), TARGET)
        for confirm in (1, 3, 5, 10):
            tried[f"out, halflife {halflife}, lifted by four trends, confirm {confirm}"] = (
                RuleStack(lifted(halflife, confirm), TARGET)
            )
    for speed in SPEEDS:
        tried[f"out, halflife 5, lifted by one trend of {speed}, confirm 3"] = RuleStack(
            lifted(5, 3, (speed,)), TARGET
        )
    for share in (0.2, 0.4):
        tried[f"out, halflife 5, lifted by four trends and {share:.0%} regained"] = RuleStack(
            Blend(
                *(
                    RuleStack(out(5), ReentryOnTrend(halflife=speed, confirm=3, regained=share))
                    for speed in SPEEDS
                )
            ),
            TARGET,
        )
    tried["ramp .2 to .8, halflife 21"] = RuleStack(Ramp(low=0.2, high=0.8, halflife=21), TARGET)
    return tried


def main(data: str) -> None:
    settings = load_settings("us_macro.yaml", ("splits.first_test=1972-01-01",))
    market_data = read_market_data(settings, Path(data), NoProgress())
    features, market = (
        settings.features(market_data.panel).loc[:LAST],
        market_data.market.loc[:LAST],
    )
    probabilities = walk_forward(settings, features, market, NoProgress()).probabilities
    days = probabilities.index
    returns = (market_data.returns + _dividends(Path(data), market_data.returns.index)).loc[:LAST]
    prices, cash = (1.0 + returns.fillna(0.0)).cumprod(), market_data.cash.loc[:LAST]
    table = signals(market_data, probabilities).assign(price=prices.loc[days])
    account = Venue(prices=prices.loc[days], cash=cash.loc[days], costs=Costs(bps=5))
    decided = {
        "hold": buy_and_hold(prices),
        "above the 200-day average": above_average(market_data.close.loc[:LAST]),
        "12 % volatility target": volatility_target(returns),
    }
    decided |= {name: rule(table) for name, rule in rules().items()}
    rows = {
        name: _figures(account, exposure.reindex(days).fillna(1.0))
        for name, exposure in decided.items()
    }
    table_of_rules = pd.DataFrame(rows).T.round(3)
    print(table_of_rules.to_string())
    enter(
        "07_rule_choice",
        table_of_rules,
        "halflife 5, lifted by one trend of 42 with 40 % regained",
        trials=len(rules()),
    )


def _dividends(data: Path, sessions: pd.DatetimeIndex) -> pd.Series:
    """Dividends a session before 1995, from the yield of the year before, which was known."""
    table = pd.read_csv(data / "valuation/shiller_sp500.csv", parse_dates=["date"]).set_index(
        "date"
    )
    earned = (table["dividend"] / table["sp500"]).shift(12).reindex(sessions, method="ffill") / 252
    return earned.where(sessions < pd.Timestamp("1995-01-04"), 0.0)


def _figures(account: Venue, exposure: pd.Series) -> Mapping[str, float]:
    traded = account.trade(exposure)
    excess = traded.returns - traded.cash
    parts = {name: excess.loc[slice(*years)] for name, years in PERIODS.items()}
    sharpes = {name: part.mean() / part.std() * 252**0.5 for name, part in parts.items()}
    return {
        **sharpes,
        "max_drawdown": traded.max_drawdown,
        "turnover": traded.turnover,
        "exposure": float(traded.held.mean()),
    }


if __name__ == "__main__":
    main(sys.argv[1])
