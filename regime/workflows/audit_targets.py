"""The places where stages meet, as builders that an audit can probe.

The market, the forecast, the decision, the fill.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.models.classifier import TreeSettings
from regime.parallel import NoProgress
from regime.pipeline.market_data import MarketData, read_market
from regime.pipeline.settings import Parallel, Settings
from regime.pipeline.strategy import decide
from regime.pipeline.walk_forward import walk_forward
from regime.schema import REGIMES
from regime.sources.catalogue import Catalogue
from regime.studies.leakage.inputs import Published, Rows
from regime.studies.leakage.probes import Builder, place_of

__all__ = ["workflow_builders"]

SHORT, TRADED = 1600, 400  # sessions of what is fitted, or traded, again at every probe
FILLED = 2  # sessions from a decision to the first return that it earns


def workflow_builders(settings: Settings, catalogue: Catalogue, world: MarketData) -> list[Builder]:
    """Builders of the functions in which a run joins its stages.

    Parameters
    ----------
    settings : Settings
    catalogue : Catalogue
    world : MarketData
        Data to ask them about.
    """
    return [
        _market(settings, catalogue, world),
        _forecast(settings, world),
        _decision(settings, world),
        _fill(world),
    ]


def _market(settings: Settings, catalogue: Catalogue, world: MarketData) -> Builder:
    """Panel, prices, returns and cash from observations, each known from its release on."""

    def build(part: Published, t: int) -> pd.DataFrame:
        made = read_market(
            settings,
            catalogue,
            replace(world.reading, observations=part.observations, sessions=part.sessions),
        )
        table = pd.concat([made.panel.values, made.market.add_suffix(", market")], axis=1)
        return table.assign(cash=made.cash, returns=made.returns)

    return Builder(
        name="workflows.data.read_market",
        place=place_of(read_market),
        build=build,
        realised=("returns",),
        given=Published(observations=world.reading.observations, sessions=world.sessions),
    )


def _forecast(settings: Settings, world: MarketData) -> Builder:
    """Probabilities of the walk-forward, with few small trees over the last years."""
    rows = slice(-SHORT, None)
    trees = TreeSettings(rounds=4, leaf_rows=20)
    first = world.sessions[-min(SHORT // 3, len(world.sessions) // 2)].date()
    small = replace(
        settings,
        parallel=Parallel(jobs=1),
        model=replace(settings.model, seeds=1, trees=trees, phase_trees=replace(trees, rounds=2)),
        splits=replace(settings.splits, first_test=first, refit_months=12, minimum_train=100),
    )
    features = settings.features(world.panel)[list(settings.model.columns)].iloc[rows]

    def build(part: Rows, t: int) -> pd.DataFrame:
        return walk_forward(
            small, part.frames["features"], part.frames["market"], NoProgress()
        ).probabilities

    refitted = tuple(int(fold.test[0]) for fold in small.splits.folds(features.index))
    return Builder(
        name="workflows.forecast.walk_forward",
        place=place_of(walk_forward),
        build=build,
        given=Rows(
            frames={"features": features, "market": world.market.iloc[rows]}, refitted=refitted
        ),
    )


def _decision(settings: Settings, world: MarketData) -> Builder:
    """Exposure that the config's rule decides, from probabilities and the volatility of returns."""
    rows = slice(-SHORT, None)
    returns = world.returns.iloc[rows]
    rng = np.random.default_rng(7)
    stress = np.clip(0.35 + 0.25 * rng.standard_normal(len(returns)), 0.01, 0.97)
    table = pd.DataFrame({name: (1 - stress) / 3 for name in REGIMES}, returns.index).assign(
        deleveraging=stress
    )

    def build(part: Rows, t: int) -> pd.DataFrame:
        made = replace(world, returns=part.frames["returns"])
        return decide(settings, made, part.frames["probabilities"]).to_frame()

    return Builder(
        name="workflows.strategy.decide",
        place=place_of(decide),
        build=build,
        given=Rows(frames={"returns": returns, "probabilities": table}, shares=("probabilities",)),
    )


def _fill(world: MarketData) -> Builder:
    """Free of cost, the return of t + 2 rests on what was decided up to t."""
    prices = world.total_return.iloc[-TRADED:]
    rng = np.random.default_rng(7)
    exposure = pd.Series(np.round(rng.random(len(prices)), 1), prices.index, name="exposure")

    def build(part: Rows, t: int) -> pd.DataFrame:
        earned = backtest(
            prices, part.frames["exposure"], Costs(bps=0.0)
        ).returns  # the last decision stands
        # A later order moves the last bits of the account that it is booked in, and nothing else.
        return pd.DataFrame({"return": earned.reindex(prices.index).shift(-FILLED).round(9)})

    return Builder(
        name="backtest.engine.backtest",
        place=place_of(backtest),
        build=build,
        given=Rows(frames={"exposure": exposure}, shares=("exposure",)),
    )
