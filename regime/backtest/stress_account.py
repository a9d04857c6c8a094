"""A light account for tests that keep thousands of them.

One asset and cash, in the engine's own accounting.

As in `engine.backtest`, an order goes out only where the decision changes, weights drift between
two orders, and idle cash earns its own return. No order is listed and no price may be missing,
which is what makes it a hundred times faster. It is no second truth: tests hold it to the engine
within 1e-10 a session.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from regime.backtest.costs import Costs
from regime.backtest.market import Market, align
from regime.backtest.timing import Timing
from regime.drawdowns import max_drawdown
from regime.errors import InvalidDataError
from regime.performance import cagr, sharpe_ratio
from regime.sessions import YEAR

__all__ = ["BASIS_POINTS", "Account", "Venue"]

BASIS_POINTS = 1e4  # in one


@dataclass(frozen=True, kw_only=True)
class Account:
    """What came of one series of decisions.

    Parameters
    ----------
    returns : Series, shape (n_sessions - 1,), fraction a session
        Net of costs, from the second session on.
    cash : Series, shape (n_sessions - 1,), fraction a session
        What cash earned.
    held : Series, shape (n_sessions - 1,), fraction of capital
        What earned each session's return: the weight after the fill of the close before.
    traded : Series, shape (n_sessions - 1,), fraction of equity
        Notional that changed hands at each close.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=4, name="date")
    >>> venue = Venue(prices=pd.Series([100.0, 110.0, 121.0, 108.9], index=dates))
    >>> account = venue.trade(pd.Series(1.0, index=dates))
    >>> account.returns.round(4).tolist(), round(account.max_drawdown, 4), account.turnover
    ([0.1, 0.1, -0.1], -0.1, 0.0)
    """

    returns: pd.Series
    cash: pd.Series
    held: pd.Series
    traded: pd.Series

    @property
    def sharpe(self) -> float:
        """Annual Sharpe ratio over cash; NaN where it is not defined."""
        return sharpe_ratio(self.returns, self.cash)

    @property
    def max_drawdown(self) -> float:
        """Deepest fall, a fraction <= 0."""
        return max_drawdown(self.returns)

    @property
    def turnover(self) -> float:
        """One-way turnover a year."""
        return float(self.traded.sum()) / len(self.traded) * YEAR

    def figures(self) -> dict[str, float]:
        """`sharpe`, `max_drawdown`, `cagr` and `turnover`."""
        return {
            "sharpe": self.sharpe,
            "max_drawdown": self.max_drawdown,
            "cagr": cagr(self.returns),
            "turnover": self.turnover,
        }


@dataclass(frozen=True, kw_only=True)
class Venue:
    """Where every stressed decision is traded: one asset, cash, and a cost.

    Parameters
    ----------
    prices : Series, shape (n_sessions,)
        Total-return levels at each close, above 0, none missing.
    cash : Series, fraction a session, optional
        What cash earned over each session but the first; by default nothing.
    costs : Costs

    Raises
    ------
    InvalidDataError
        If prices or cash break the rules of `market.align`, or a price is missing.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=5, name="date")
    >>> venue = Venue(prices=pd.Series([100.0, 100.0, 110.0, 99.0, 99.0], index=dates))
    >>> out = pd.Series([1.0, 0.0, 0.0, 0.0, 0.0], index=dates)
    >>> venue.trade(out, costs=Costs(bps=0)).returns.round(4).tolist()
    [0.0, 0.1, 0.0, 0.0]
    """

    prices: pd.Series
    cash: pd.Series | None = None
    costs: Costs = field(default_factory=Costs)

    def __post_init__(self) -> None:
        gap = self.prices.isna()
        if gap.any():
            raise InvalidDataError(
                f"Stress: {gap.idxmax():%Y-%m-%d} has no price; the light account needs one on "
                "every session: leave the session out, or use the engine, which defers orders"
            )
        align(self.prices, pd.Series(1.0, index=self.prices.index), self.cash)

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Dates of the prices."""
        return pd.DatetimeIndex(self.prices.index)

    @property
    def asset(self) -> str:
        """Name of the prices, ``risk`` where they have none."""
        return str(self.prices.name or "risk")

    def since(self, date: pd.Timestamp) -> Venue:
        """The same from `date` on."""
        cash = None if self.cash is None else self.cash.loc[date:]
        return Venue(prices=self.prices.loc[date:], cash=cash, costs=self.costs)

    def trade(self, exposure: pd.Series, *, delay: int = 1, costs: Costs | None = None) -> Account:
        """Account of decisions, fully invested before the first fill.

        Parameters
        ----------
        exposure : Series, fraction of capital in [0, 1]
            Decided at the close of its date; its dates are sessions of the prices, not necessarily
            all.
        delay : int
            Sessions from decision to fill, at least 1.
        costs : Costs, optional
            In place of the venue's own.

        Raises
        ------
        InvalidDataError, ConfigError
            As the engine.

        **Known at:** an order filled at close t uses decisions up to t - `delay`.
        """
        timing = Timing(fill_delay=delay)
        return self._keep(align(self.prices, exposure, self.cash), timing, costs or self.costs)

    def _keep(self, market: Market, timing: Timing, costs: Costs) -> Account:
        from regime.backtest.stress_kernel import keep_account

        level, rate = market.prices[:, 0], float(costs.rates(market.assets)[0])
        growth = np.r_[1.0, level[1:] / level[:-1]] * (1.0 - float(costs.holding(market.assets)[0]))
        returns, held, traded = keep_account(
            growth, market.cash, _due(market, timing), rate, costs.impact_bps / BASIS_POINTS
        )
        later = market.sessions[1:]
        return Account(
            returns=pd.Series(returns, index=later, name="returns"),
            cash=pd.Series(market.cash[1:], index=later, name="cash"),
            held=pd.Series(held, index=later, name="held"),
            traded=pd.Series(traded, index=later, name="traded"),
        )


def _due(market: Market, timing: Timing) -> np.ndarray:
    """Weight that falls due at each close, as the engine plans it, shape (n_sessions,)."""
    wait = min(timing.fill_delay, len(market.sessions))
    due: np.ndarray = np.r_[
        np.full(wait, market.initial[0]), market.decisions[: len(market.sessions) - wait, 0]
    ]
    return due
