"""The moments at which one can trade: every close, or every open and close.

Filled at the close, a session is one moment. Filled at the open it is two, but for the first, which
opens the account at its close; what cash earns and what holding costs fall between a close and the
next open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regime.backtest.costs import Costs
from regime.backtest.market import Market
from regime.backtest.timing import Timing
from regime.errors import ConfigError

__all__ = ["Tape", "lay_tape"]


@dataclass(frozen=True, kw_only=True)
class Tape:
    """Prices and interest, moment by moment.

    Parameters
    ----------
    market, timing, costs
        What it was made of.
    session : ndarray of int, shape (n_moments,)
        Row of the session of each moment.
    due : ndarray of bool, shape (n_moments,)
        Moments at which decisions fall due: the first, and the fill of each session.
    prices : ndarray, shape (n_moments, n_assets), price
        Levels after the cost of holding; NaN where an asset has no price.
    interest : ndarray, shape (n_moments,), fraction
        What cash earned since the moment before.

    Examples
    --------
    >>> import pandas as pd
    >>> from regime.backtest.market import align
    >>> closes = pd.Series([10.0, 12.0], pd.bdate_range("2024-01-01", periods=2, name="date"))
    >>> market = align(closes, closes * 0.0, opens=closes - 1.0)
    >>> tape = lay_tape(market, Timing(fill="open"), Costs())
    >>> tape.prices[:, 0].tolist(), tape.session.tolist(), tape.due.tolist()
    ([10.0, 11.0, 12.0], [0, 1, 1], [True, True, False])
    """

    market: Market
    timing: Timing
    costs: Costs
    session: np.ndarray
    due: np.ndarray
    prices: np.ndarray
    interest: np.ndarray

    @property
    def closes(self) -> np.ndarray:
        """Row of each session's close, shape (n_sessions,)."""
        return np.flatnonzero(np.diff(self.session, append=self.session[-1] + 1))

    @property
    def marks(self) -> np.ndarray:
        """Last known price at each moment, shape (n_moments, n_assets).

        Before an asset begins its first.
        """
        known = ~np.isnan(self.prices)
        if known.all():
            return self.prices
        latest = np.maximum.accumulate(np.where(known, np.arange(len(known))[:, None], -1), axis=0)
        marks: np.ndarray = np.take_along_axis(
            self.prices, np.where(latest < 0, known.argmax(axis=0), latest), axis=0
        )
        return marks


def lay_tape(market: Market, timing: Timing, costs: Costs) -> Tape:
    """Lay a market out in moments.

    Raises
    ------
    ConfigError
        If opens are missing where orders are filled at the open, or given where they are not.
    """
    if (market.opens is None) is (timing.fill == "open"):
        raise ConfigError(
            "opens: filling at the open needs the prices there"
            if market.opens is None
            else "opens: given, but orders are filled at the close; say fill='open' or leave them out"
        )
    n = len(market.sessions)
    if market.opens is None:
        session, due = np.arange(n), np.ones(n, dtype=bool)
        prices, interest = market.prices, market.cash
    else:
        session, due = (np.arange(2 * n - 1) + 1) // 2, np.arange(2 * n - 1) % 2 == 1
        due[0] = True
        prices = np.stack([market.opens, market.prices], axis=1).reshape(2 * n, -1)[1:]
        interest = np.where(due, market.cash[session], 0.0)
    lost = costs.holding(market.assets)
    if lost.any():
        prices = prices * (1.0 - lost) ** session[:, None]
    return Tape(
        market=market,
        timing=timing,
        costs=costs,
        session=session,
        due=due,
        prices=prices,
        interest=interest,
    )
