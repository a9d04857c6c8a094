"""The joints of the pipeline as builders to be probed: market, forecast, decision, fill."""

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
from regime.schema import REGIMES, STRESS
from regime.sources.catalogue import Catalogue
from regime.studies.leakage.inputs import FrameInput, ObservationInput
from regime.studies.leakage.probes import Builder, source_location

__all__ = ["pipeline_builders"]

FITTED_SESSIONS = 1600  # of what is refitted at every probe
TRADED_SESSIONS = 400  # of what is traded again at every probe
FIRST_RETURN = 2  # sessions from a decision to the first return that it earns


def pipeline_builders(
    settings: Settings, catalogue: Catalogue, market_data: MarketData
) -> list[Builder]:
    """Builders of the functions in which a run joins its stages.

    Parameters
    ----------
    settings : Settings
    catalogue : Catalogue
    market_data : MarketData
    """
    return [
        _market(settings, catalogue, market_data),
        _forecast(settings, market_data),
        _decision(settings, market_data),
        _fill(market_data),
    ]


def _market(settings: Settings, catalogue: Catalogue, market_data: MarketData) -> Builder:
    """Panel, prices, returns and cash from observations, each known from its release on."""

    def build(part: ObservationInput, t: int) -> pd.DataFrame:
        reading = replace(
            market_data.reading, observations=part.observations, sessions=part.sessions
        )
        joined = read_market(settings, catalogue, reading)
        table = pd.concat([joined.panel.values, joined.market.add_suffix(", market")], axis=1)
        return table.assign(cash=joined.cash, returns=joined.returns)

    return Builder(
        name="pipeline.market_data.read_market",
        location=source_location(read_market),
        build=build,
        exempt_from_delay=("returns",),
        inputs=ObservationInput(
            observations=market_data.reading.observations, sessions=market_data.sessions
        ),
    )


def _forecast(settings: Settings, market_data: MarketData) -> Builder:
    """Probabilities of the walk-forward, with few small trees over the last years."""
    sessions = market_data.sessions
    tested = min(FITTED_SESSIONS // 3, len(sessions) // 2)
    trees = TreeSettings(rounds=4, leaf_rows=20)
    small = replace(
        settings,
        parallel=Parallel(jobs=1),
        model=replace(settings.model, seeds=1, trees=trees, phase_trees=replace(trees, rounds=2)),
        splits=replace(
            settings.splits,
            first_test=sessions[-tested].date(),
            refit_months=12,
            minimum_train=100,
        ),
    )
    columns = list(settings.model.columns)
    features = settings.features(market_data.panel)[columns].iloc[-FITTED_SESSIONS:]
    market = market_data.market.iloc[-FITTED_SESSIONS:]

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        forecast = walk_forward(small, part.frames["features"], part.frames["market"], NoProgress())
        return forecast.probabilities

    return Builder(
        name="pipeline.walk_forward.walk_forward",
        location=source_location(walk_forward),
        build=build,
        inputs=FrameInput(
            frames={"features": features, "market": market},
            refit_positions=tuple(int(f.test[0]) for f in small.splits.folds(features.index)),
        ),
    )


def _decision(settings: Settings, market_data: MarketData) -> Builder:
    """Exposure of the config's rule from probabilities and the volatility of returns."""
    returns = market_data.returns.iloc[-FITTED_SESSIONS:]
    rng = np.random.default_rng(7)
    stress = np.clip(0.35 + 0.25 * rng.standard_normal(len(returns)), 0.01, 0.97)
    table = pd.DataFrame({name: (1 - stress) / 3 for name in REGIMES}, returns.index)
    probabilities = table.assign(**{STRESS: stress})

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        changed = replace(market_data, returns=part.frames["returns"])
        return decide(settings, changed, part.frames["probabilities"]).to_frame()

    return Builder(
        name="pipeline.strategy.decide",
        location=source_location(decide),
        build=build,
        inputs=FrameInput(
            frames={"returns": returns, "probabilities": probabilities},
            probability_frames=("probabilities",),
        ),
    )


def _fill(market_data: MarketData) -> Builder:
    """Without costs, the return of t + 2 depends on what was decided up to t."""
    prices = market_data.total_return.iloc[-TRADED_SESSIONS:]
    rng = np.random.default_rng(7)
    exposure = pd.Series(np.round(rng.random(len(prices)), 1), prices.index, name="exposure")

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        # The last decision of a shorter exposure stays in force.
        returns = backtest(prices, part.frames["exposure"], Costs(bps=0.0)).returns
        # A later order changes only the last bits of the account in which it is booked.
        earned = returns.reindex(prices.index).shift(-FIRST_RETURN).round(9)
        return pd.DataFrame({"return": earned})

    return Builder(
        name="backtest.engine.backtest",
        location=source_location(backtest),
        build=build,
        inputs=FrameInput(frames={"exposure": exposure}, probability_frames=("exposure",)),
    )
