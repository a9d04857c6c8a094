"""One simulated market put together: its rules, its news, and the path that they made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.schema import YEAR
from regime.sources.simulation.draws import Draws
from regime.sources.simulation.market import Path, simulate
from regime.sources.simulation.news import News, draw_news
from regime.sources.simulation.rules import BILLIONS, EQUITY, THIN, Rules, draw_rules

__all__ = ["SimulatedWorld", "simulate_world"]


@dataclass(frozen=True, kw_only=True)
class SimulatedWorld:
    """Everything that a seed fixes.

    Parameters
    ----------
    draws : Draws
        Streams, for the noise of what is published.
    rules : Rules
    news : News, n sessions
    path : Path, n sessions
    sessions : DatetimeIndex, shape (n,)
    """

    draws: Draws
    rules: Rules
    news: News
    path: Path
    sessions: pd.DatetimeIndex

    def price(self, market: int) -> Floats:
        """Log price, shape (n,)."""
        return self.path.price[:, market]

    def state(self, index: int) -> Floats:
        """One of the scalars of `rules.STATES`, shape (n,)."""
        return self.path.state[:, index]

    def position(self, agent: int, market: int) -> Floats:
        """Position at the close, share of the trend value of the equity market, shape (n,)."""
        return self.path.hold[:, agent, market]

    @property
    def returns(self) -> Floats:
        """Log returns by market, shape (n, n_markets); 0 on the first session."""
        return np.diff(self.path.price, axis=0, prepend=self.path.price[:1])

    @property
    def dollars(self) -> Floats:
        """USD bn by unit of flow, shape (n,): the trend value of the equity market."""
        return np.asarray(
            BILLIONS * np.exp(self.rules.growth * np.arange(len(self.sessions)) / YEAR)
        )

    @property
    def impact(self) -> Floats:
        """Log price move by unit of flow, shape (n, n_markets)."""
        return np.asarray(self.rules.depth * self.path.state[:, [THIN]])

    def realised(self, halflife: float, market: int = EQUITY) -> Floats:
        """Annual volatility of a market as measured at each close, shape (n,)."""
        usual = self.rules.usual[market] ** 2 / YEAR
        squares = pd.Series(np.r_[usual, self.returns[1:, market] ** 2])
        return np.asarray(
            np.sqrt(YEAR * squares.ewm(halflife=halflife, adjust=False).mean().to_numpy())
        )


def simulate_world(seed: int, sessions: pd.DatetimeIndex) -> SimulatedWorld:
    """Market of a seed over these sessions; a longer one begins with the shorter one."""
    draws = Draws(seed=seed, n=len(sessions))
    rules = draw_rules(draws)
    news = draw_news(draws, rules, sessions)
    return SimulatedWorld(
        draws=draws, rules=rules, news=news, path=simulate(rules, news), sessions=sessions
    )
