"""Net position of a group of traders in one contract: how rare, and how far under water.

Reports are weekly, for a Tuesday; a panel shows each from the close of the Friday on which it is
published, and repeats it until the next. A report that is overtaken on the day of its own release
(catching up after a shutdown) is not seen. Open interest and position must be counted in one unit,
which is the catalogue's affair.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats
from regime.mechanisms.futures_positioning.contracts import Contract, Group
from regime.schema import MONTH, WEEK, YEAR
from regime.transforms import YEARS_5

__all__ = [
    "contract_price",
    "entry_price",
    "net_position",
    "net_share",
    "new_reports",
    "rank_in_window",
    "squeeze_pressure",
]

# A report is published three sessions after its Tuesday, and covers the five sessions to it.
PUBLICATION = 3


def net_position(values: pd.DataFrame, group: Group) -> pd.Series:
    """Contracts held long less those held short, as known at each session.

    NaN where a part is not known.
    """
    total = pd.Series(0.0, index=values.index)
    for sign, names in ((1.0, group.plus), (-1.0, group.minus)):
        for name in names:
            total = total + sign * _column(values, name)
    return total


def net_share(values: pd.DataFrame, group: Group) -> pd.Series:
    """Net position as a share of open interest.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
    group : Group

    Returns
    -------
    Series, shape (n_sessions,)
        Negative is short. NaN where a part is not known, or nothing is open.

    **Known at:** row t uses what was published at the close of t.

    **Source:** CFTC, Traders in Financial Futures and the legacy report, futures only.
    """
    interest = pd.Series(0.0, index=values.index)
    for name in group.interest:
        interest = interest + _column(values, name)
    return net_position(values, group) / interest.where(interest > 0)


def contract_price(values: pd.DataFrame, contract: Contract) -> pd.Series:
    """Price of a contract up to a factor, as a position in it gains and loses.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Read are the contract's price and dgs3mo, the yield of cash; one that is not known counts as
        0.
    contract : Contract

    Returns
    -------
    Series, shape (n_sessions,)
        NaN where the price is missing or not positive.

    **Known at:** row t uses rows up to t.
    """
    price = _column(values, contract.price)
    price = price.where(price > 0)
    if not contract.over_cash:
        return price
    daily = np.log1p(_column(values, "dgs3mo").ffill().fillna(0.0) / 100.0) / YEAR
    return price * np.exp(-daily.cumsum())


def new_reports(values: pd.DataFrame, group: Group) -> pd.Series:
    """Mask of the sessions at whose close a new report is first known."""
    parts = pd.DataFrame({name: _column(values, name) for name in group.inputs})
    return parts.notna().all(axis=1) & (parts != parts.shift(1)).any(axis=1)


def entry_price(position: pd.Series, price: pd.Series, reported: pd.Series) -> pd.Series:
    """Average price at which the position that is still on was opened.

    What a report adds to a position was traded at the mean close of the week that it covers; what
    it takes off is what was opened first. A position that turns is new.

    Parameters
    ----------
    position : Series, shape (n_sessions,), contracts
        Net, as known at each session.
    price : Series, shape (n_sessions,)
    reported : Series of bool, shape (n_sessions,)
        Sessions with a new report.

    Returns
    -------
    Series, shape (n_sessions,), in the unit of `price`
        NaN without a position or a price of its first report, and where no position is known.

    **Known at:** row t uses reports and closes up to t.
    """
    week = pd.Series(
        kernels.rolling_mean(_array(price.where(price > 0)), WEEK, 1), index=price.index
    )
    paid = week.shift(PUBLICATION).to_numpy()
    net = _array(position)
    out = np.full(net.size, np.nan)
    lots: deque[tuple[float, float]] = deque()
    for t in np.flatnonzero(reported.to_numpy(dtype=bool) & ~np.isnan(paid)):
        _trade(lots, float(net[t]), float(paid[t]))
        size = sum(lot for lot, _ in lots)
        out[t] = sum(lot * cost for lot, cost in lots) / size if size else np.nan
    return pd.Series(out, index=price.index).ffill().where(position.notna() & (position != 0))


def squeeze_pressure(
    share: pd.Series, entry: pd.Series, price: pd.Series, side: int, lookback: int = YEARS_5
) -> pd.Series:
    """How hard a crowd is pressed.

    Its rank in the window times how far the price has gone against its entry.

    For shorts, ``percentile of (- share) x max(0, log(price / entry)) / monthly volatility``; for
    longs all signs are turned.

    Parameters
    ----------
    share : Series, shape (n_sessions,)
        Net position as a share of open interest.
    entry, price : Series, shape (n_sessions,)
    side : int
        -1 for shorts that must buy, 1 for longs that must sell.
    lookback : int
        Sessions of the rank, a fifth of which must be there.

    Returns
    -------
    Series, shape (n_sessions,), >= 0
        0 where the group holds the other side. NaN where the rank, the entry or the volatility is
        not known.

    **Known at:** row t uses rows up to t.
    """
    rank = rank_in_window(side * share, lookback)
    logs = np.log(price.where(price > 0))
    daily = kernels.ewm_std(_array(logs - logs.shift(1)), 63.0, 20)
    monthly = pd.Series(np.where(daily > 0, daily, np.nan) * np.sqrt(MONTH), index=price.index)
    against = (-side * (logs - np.log(entry)) / monthly).clip(lower=0.0)
    return (rank * against).where(side * share > 0, (rank * 0.0).where(share.notna()))


def rank_in_window(share: pd.Series, lookback: int = YEARS_5) -> pd.Series:
    """Share of the window's sessions at or below today's value, in (0, 1].

    NaN until a fifth of it is there.
    """
    ranks = kernels.rolling_rank(_array(share), lookback, lookback // 5)
    return pd.Series(ranks, index=share.index)


def _trade(lots: deque[tuple[float, float]], net: float, paid: float) -> None:
    """Bring the open lots (contracts and price, first opened first) to a new net position."""
    held = sum(lot for lot, _ in lots)
    if held * net <= 0:
        lots.clear()
        held = 0.0
    if abs(net) > abs(held):
        lots.append((net - held, paid))
        return
    excess = abs(held) - abs(net)
    while lots and excess > 0:
        lot, cost = lots.popleft()
        if abs(lot) > excess:
            lots.appendleft((lot - np.copysign(excess, lot), cost))
        excess -= abs(lot)


def _column(values: pd.DataFrame, name: str) -> pd.Series:
    """A series of the panel; one that the source does not know is one without values."""
    return values[name] if name in values else pd.Series(np.nan, index=values.index)


def _array(x: pd.Series) -> Floats:
    return np.ascontiguousarray(x.to_numpy(dtype=float))
