"""The account of one asset and cash, in the engine's accounting but without its list of orders.

As in `engine.backtest`, an order goes out only where the decision changes, weights drift between
two orders, and idle cash earns its own return. No price may be missing. That makes it a hundred
times faster, for tests that keep thousands of accounts; tests hold it to the engine within 1e-10 a
session.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numba
import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.backtest.costs import Costs
from regime.backtest.market import Market, align
from regime.backtest.orders import Timing
from regime.errors import InvalidDataError
from regime.performance import cagr, max_drawdown, sharpe_ratio
from regime.schema import YEAR

__all__ = ["BASIS_POINTS", "AccountHistory", "SingleAssetAccount", "simulate_account"]

BASIS_POINTS = 1e4  # in one


@dataclass(frozen=True, kw_only=True)
class AccountHistory:
    """What came of one series of decisions, session by session.

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
    >>> account = SingleAssetAccount(prices=pd.Series([100.0, 110.0, 121.0, 108.9], index=dates))
    >>> history = account.trade(pd.Series(1.0, index=dates))
    >>> history.returns.round(4).tolist(), round(history.max_drawdown, 4), history.turnover
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
        """Deepest drawdown, a fraction <= 0."""
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

    def on(self, rows: pd.Index | np.ndarray) -> AccountHistory:
        """The sessions of a boolean mask alone, as if the others had never been."""
        return AccountHistory(
            returns=self.returns[rows],
            cash=self.cash[rows],
            held=self.held[rows],
            traded=self.traded[rows],
        )


@dataclass(frozen=True, kw_only=True)
class SingleAssetAccount:
    """One asset, cash and costs, on which any series of decisions can be traded.

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
    >>> prices = pd.Series([100.0, 100.0, 110.0, 99.0, 99.0], index=dates)
    >>> out = pd.Series([1.0, 0.0, 0.0, 0.0, 0.0], index=dates)
    >>> SingleAssetAccount(prices=prices, costs=Costs(bps=0)).trade(out).returns.round(4).tolist()
    [0.0, 0.1, 0.0, 0.0]
    """

    prices: pd.Series
    cash: pd.Series | None = None
    costs: Costs = field(default_factory=Costs)

    def __post_init__(self) -> None:
        gap = self.prices.isna()
        if gap.any():
            raise InvalidDataError(
                f"Stress: {gap.idxmax():%Y-%m-%d} has no price; the account of one asset needs one "
                "on every session: leave the session out, or use the engine, which defers orders"
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

    def since(self, date: pd.Timestamp) -> SingleAssetAccount:
        """The same from `date` on."""
        cash = None if self.cash is None else self.cash.loc[date:]
        return SingleAssetAccount(prices=self.prices.loc[date:], cash=cash, costs=self.costs)

    def trade(
        self, exposure: pd.Series, *, delay: int = 1, costs: Costs | None = None
    ) -> AccountHistory:
        """Account of decisions, fully invested before the first fill.

        Parameters
        ----------
        exposure : Series, fraction of capital in [0, 1]
            Decided at the close of its date; its dates are sessions of the prices, not necessarily
            all.
        delay : int
            Sessions from decision to fill, at least 1.
        costs : Costs, optional
            In place of the account's own.

        Returns
        -------
        AccountHistory

        Raises
        ------
        InvalidDataError, ConfigError
            As the engine.

        **Known at:** an order filled at close t uses decisions up to t - `delay`.
        """
        timing = Timing(fill_delay=delay)
        market = align(self.prices, exposure, self.cash)
        costs = costs or self.costs
        level = market.prices[:, 0]
        holding = float(costs.holding(market.assets)[0])
        returns, held, traded = simulate_account(
            np.r_[1.0, level[1:] / level[:-1]] * (1.0 - holding),
            market.cash,
            _weights_due(market, timing),
            float(costs.rates(market.assets)[0]),
            costs.impact_bps / BASIS_POINTS,
        )
        later = market.sessions[1:]
        return AccountHistory(
            returns=pd.Series(returns, index=later, name="returns"),
            cash=pd.Series(market.cash[1:], index=later, name="cash"),
            held=pd.Series(held, index=later, name="held"),
            traded=pd.Series(traded, index=later, name="traded"),
        )


def _weights_due(market: Market, timing: Timing) -> Floats:
    """Weight that falls due at each close, as the engine schedules it, shape (n_sessions,)."""
    n = len(market.sessions)
    wait = min(timing.fill_delay, n)
    due: Floats = np.r_[np.full(wait, market.initial[0]), market.decisions[: n - wait, 0]]
    return due


@numba.njit(cache=True, nogil=True)
def simulate_account(growth, cash, due, rate, impact):  # type: ignore[no-untyped-def]
    """Account of the weights that fall due, compiled.

    An order goes out where the weight that falls due changes; between two orders the weight drifts.

    Parameters
    ----------
    growth : array of float, shape (n,)
        Price over the price of the session before; the first is not used.
    cash : array of float, shape (n,), fraction a session
    due : array of float, shape (n,), fraction of capital
        Weight to be filled at each close; the first is endowed without cost.
    rate : float
        One-way cost, fraction of traded notional.
    impact : float
        Added to it, times the change of the weight.

    Returns
    -------
    returns, held, traded : arrays of float, each of shape (n - 1,)
        Return net of costs; what was held over the session, from the close before; traded notional
        as a fraction of equity after the fill.
    """
    n = len(due)
    returns = np.empty(n - 1)
    held = np.empty(n - 1)
    traded = np.zeros(n - 1)
    position = due[0]
    idle = 1.0 - due[0]
    for t in range(1, n):
        before = position + idle
        held[t - 1] = position / before
        position *= growth[t]
        idle *= 1.0 + cash[t]
        value = position + idle
        if due[t] != due[t - 1]:
            price = rate + impact * abs(due[t] - due[t - 1])
            # A buy that cash cannot cover together with its cost is cut to what cash covers.
            target = min(due[t] * value, position + max(idle, 0.0) / (1.0 + price))
            notional = abs(target - position)
            idle -= target - position + notional * price
            position = target
            traded[t - 1] = notional / (position + idle)
        returns[t - 1] = (position + idle) / before - 1.0
    return returns, held, traded
