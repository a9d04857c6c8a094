"""The engine: decisions become orders one close later, and vectorbt fills them.

The only door to vectorbt, which is imported on use. Two of vectorbt's ways are worked around: an
order on a session without a price would be dropped in silence, so `orders` defers it; idle cash
would earn nothing, so everything is priced in units of the cash account, in which cash stands
still, and turned back afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from regime.arrays import Floats
from regime.backtest.costs import Costs
from regime.backtest.market import SeriesOrFrame, align
from regime.backtest.orders import (
    Fill,
    FillMoments,
    OrderSchedule,
    Rebalance,
    Timing,
    fill_moments,
    schedule_orders,
)
from regime.backtest.result import BacktestResult, build_result

__all__ = ["backtest"]

# vectorbt treats sizes and cash below 1e-12 as zero: a large account keeps that beyond the 16th
# digit.
CAPITAL = 1e6


def backtest(
    prices: SeriesOrFrame,
    exposure: SeriesOrFrame,
    costs: Costs,
    cash: pd.Series | None = None,
    *,
    fill_delay: int = 1,
    rebalance: Rebalance = "on_signal",
    fill: Fill = "close",
    opens: SeriesOrFrame | None = None,
    half_spreads: SeriesOrFrame | None = None,
    initial: float | Mapping[str, float] | None = None,
    same_bar: bool = False,
) -> BacktestResult:
    """Trade a series of decisions and return the account of it.

    An exposure decided at the close of session t is filled at the close (or open) of t +
    `fill_delay`, at that moment's price and cost, so with the default the first return that it
    earns is that of t + 2. Sells come first, then buys from the smallest; a buy that cash cannot
    cover is cut to what cash covers. Where an asset has no price when its order falls due, the
    order waits for its next price, in `deferred` and in `notes`, and the asset is valued at its
    last price; the other assets are brought to their weights again when it is filled, because a buy
    may have been cut for want of its proceeds (`notes` report that as well).

    Parameters
    ----------
    prices : Series or DataFrame, shape (n_sessions,) or (n_sessions, n_assets)
        Total-return levels at each close, above 0; NaN where a session has no price.
    exposure : Series or DataFrame, fraction of capital in [0, 1]
        Decided at the close of its date; never NaN. A Series for one asset, a DataFrame of weights
        for several; the rest is cash. Dates are sessions of `prices`; between two of them the
        earlier decision stands, before the first `initial` does.
    costs : Costs
    cash : Series, fraction a session, optional
        What cash earned from the close before to the close of its date: yesterday's bill rate /
        252, say. Needed for every session but the first; by default cash earns nothing.
    fill_delay : int
        Sessions from decision to fill, at least 1.
    rebalance : {"on_signal", "daily", "monthly"}
        Orders only where the decision changes; the decided fractions restored at every fill; or at
        the first fill of each month, beside the changes. Drift that meets no price is restored at
        the next one, without an entry in `deferred`.
    fill : {"close", "open"}
        Where in its session an order is filled. At the open, cash and the cost of holding accrue
        from the close to the open, and an order that meets no open waits for the close of the same
        session.
    opens : Series or DataFrame, shape of `prices`, optional
        Levels at each open on the scale of `prices`, for ``fill="open"``; NaN where there is none.
    half_spreads : Series or DataFrame, basis points, optional
        Half-spread by date and asset in place of that of `costs`; a session takes the last estimate
        by its date, and that of `costs` before the first.
    initial : float, or mapping of asset to float, optional
        Weights held before the first fill, endowed at the first close without cost; by default 1
        for a single asset, all cash for several.
    same_bar : bool
        Deliberately wrong: a decision earns the return of its own session. For tests only.

    Returns
    -------
    BacktestResult

    Raises
    ------
    InvalidDataError
        If prices, exposure, cash, opens or half-spreads break their rules (see `market.align`), or
        prices and costs leave less than a millionth of the capital.
    ConfigError
        If an option is out of its range.

    Notes
    -----
    **Known at:** an order filled in session t uses decisions up to t - `fill_delay`.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=5, name="date")
    >>> prices = pd.Series([100.0, 100.0, 110.0, 99.0, 99.0], index=dates, name="stock")
    >>> out = pd.Series([1.0, 0.0, 0.0, 0.0, 0.0], index=dates)
    >>> backtest(prices, out, Costs(bps=0)).equity.round(4).tolist()
    [1.0, 1.0, 1.1, 1.1, 1.1]
    """
    timing = Timing(fill_delay=fill_delay, rebalance=rebalance, fill=fill, same_bar=same_bar)
    market = align(prices, exposure, cash, initial, opens=opens, half_spreads=half_spreads)
    moments = fill_moments(market, timing, costs)
    return _simulate(moments, schedule_orders(moments))


def _simulate(moments: FillMoments, schedule: OrderSchedule) -> BacktestResult:
    """Fill the orders with vectorbt in units of the cash account, then turn back into money."""
    import vectorbt as vbt
    from vectorbt.portfolio.enums import Direction, SizeType

    account = np.cumprod(1.0 + moments.interest)
    first = moments.marks[0]
    relative = moments.marks / first / account[:, None]
    portfolio = vbt.Portfolio.from_orders(
        relative,
        price=relative,
        fees=_fees(moments, schedule),
        direction=Direction.LongOnly,
        # A missing size would upset vectorbt's sells-first order, so "no order" is an amount of 0.
        size=np.where(schedule.sent, schedule.due, 0.0),
        size_type=np.where(schedule.sent, SizeType.TargetPercent, SizeType.Amount),
        init_cash=CAPITAL,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
    )
    cash, units = _account(portfolio.order_records, relative.shape)
    money = account / CAPITAL
    return build_result(
        moments,
        equity=(cash + (relative * units).sum(axis=1)) * money,
        cash=cash * money,
        units=units / (first * CAPITAL),
        deferred=schedule.deferred,
        targets=np.where(schedule.sent, schedule.due, np.nan),
        orders=_orders(moments, schedule, portfolio.order_records, money),
    )


def _fees(moments: FillMoments, schedule: OrderSchedule) -> Floats:
    """Rate of each order, shape (n_moments, n_assets), fraction of notional.

    The endowment is free.
    """
    market = moments.market
    costs = moments.costs
    fees = np.tile(costs.rates(market.assets), (len(moments.session), 1))
    if market.half_spreads is not None:
        known = np.where(
            np.isnan(market.half_spreads), costs.half_spreads(market.assets), market.half_spreads
        )
        fees = (costs.bps + known[moments.session]) / 1e4
    if costs.impact_bps:
        fees = fees + costs.impact_bps / 1e4 * schedule.change
    fees[0] = 0.0
    return fees


def _account(records: npt.NDArray[np.void], shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Cash and units after each moment by vectorbt's own arithmetic, without its tables."""
    from vectorbt.portfolio import dispatch
    from vectorbt.portfolio.enums import Direction

    group = np.array([shape[1]])
    by_asset = (
        np.argsort(records["col"], kind="stable"),
        np.bincount(records["col"], minlength=shape[1]),
    )
    units = dispatch.assets(dispatch.asset_flow(shape, records, by_asset, Direction.Both))
    flow = dispatch.cash_flow_grouped(dispatch.cash_flow(shape, records, by_asset, False), group)
    return dispatch.cash_grouped(shape, flow, group, np.array([CAPITAL]))[:, 0], units


def _orders(
    moments: FillMoments,
    schedule: OrderSchedule,
    records: npt.NDArray[np.void],
    money: npt.NDArray[np.floating],
) -> pd.DataFrame:
    """Rows of `result.ORDERS`, in the order of their fills."""
    sessions = moments.market.sessions.as_unit("ns").to_numpy()
    moment = records["idx"]
    asset = records["col"]
    sign = np.where(records["side"] == 0, 1.0, -1.0)
    units = sign * records["size"] / (moments.marks[0][asset] * CAPITAL)
    price = moments.prices[moment, asset]
    decided = schedule.decided[moment]
    return pd.DataFrame(
        {
            "date": sessions[moments.session[moment]],
            "decided": np.where(decided >= 0, sessions[decided], np.datetime64("NaT")),
            "asset": pd.Index(moments.market.assets, dtype="str").take(asset),
            "target": schedule.due[moment, asset],
            "units": units,
            "price": price,
            "notional": units * price,
            "cost": records["fees"] * money[moment],
        }
    )
