"""What a sweep is given, checked and laid out as the arrays of its kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from regime.backtest.costs import Costs
from regime.backtest.market import align
from regime.errors import ConfigError, InvalidDataError
from regime.rule_programs import Programs
from regime.schema import REGIMES, check_dates

__all__ = ["Blocks", "History", "block_labels", "history", "kept_weights", "signal_columns"]

Blocks: TypeAlias = int | Sequence[object] | np.ndarray | pd.Index | pd.Series


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Prices, cash and signals on the sessions of the prices, as a kernel reads them.

    Parameters
    ----------
    raw, volatility : ndarray, shape (n_columns, n_sessions) and (n_sessions,)
        Signals; NaN where missing.
    asked : ndarray of bool, shape (n_sessions,)
        Sessions that have signals.
    price : ndarray, shape (n_sessions,)
        In units of the cash account, 1 at first: cash stands still in them.
    account, growth : ndarray, shape (n_sessions,)
        Value of the cash account, and its factor since the session before.
    fee : float
        Fraction of traded notional, whatever the order.
    impact : float
        Added for an order that moves the whole capital, in proportion for a smaller one.
    """

    raw: np.ndarray
    volatility: np.ndarray
    asked: np.ndarray
    price: np.ndarray
    account: np.ndarray
    growth: np.ndarray
    fee: float
    impact: float


def history(
    prices: pd.Series,
    signals: pd.DataFrame,
    programs: Programs,
    costs: Costs,
    cash: pd.Series | None,
) -> History:
    """Check the inputs of a sweep and lay them on the sessions of the prices.

    Parameters
    ----------
    prices, signals, programs, costs, cash
        As for `sweep`.

    Returns
    -------
    History

    Raises
    ------
    InvalidDataError
        If prices, cash or signals break their rules, or a session has no price.
    """
    if not isinstance(prices, pd.Series):
        raise InvalidDataError(
            f"Prices: a sweep trades one asset, give a Series, got {type(prices).__name__}"
        )
    raw, volatility = signal_columns(signals, programs)
    strange = signals.index.difference(prices.index)
    if len(strange):
        raise InvalidDataError(
            f"Signals: {strange[0]:%Y-%m-%d} is no session of the prices; leave the row out"
        )
    market = align(prices, pd.Series(1.0, index=signals.index), cash)
    bad = np.isnan(market.prices[:, 0])
    if bad.any():
        raise InvalidDataError(
            f"Prices: {market.sessions[int(bad.argmax())]:%Y-%m-%d}: no price; a sweep fills every "
            "order at its close: drop the session, or use `backtest`, which defers orders"
        )
    n, at, growth = len(prices), prices.index.get_indexer(signals.index), 1.0 + market.cash
    lost = float(costs.holding(market.assets)[0])
    level, account = market.prices[:, 0] * (1.0 - lost) ** np.arange(n), np.cumprod(growth)
    return History(
        raw=_laid(raw, at, n),
        volatility=_laid(volatility, at, n),
        asked=np.isin(np.arange(n), at),
        price=level / level[0] / account,
        account=account,
        growth=growth,
        fee=float(costs.rates(market.assets)[0]),
        impact=costs.impact_bps / 1e4,
    )


def signal_columns(signals: pd.DataFrame, programs: Programs) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that the settings read, and the volatility, NaN where missing.

    Parameters
    ----------
    signals : DataFrame, shape (n_sessions, n_columns)
        As for `sweep`.
    programs : Programs

    Returns
    -------
    probabilities : ndarray, shape (n_columns of `programs`, n_sessions)
        Summed over the regimes of a column, at most 1.
    volatility : ndarray, shape (n_sessions,)
        A year; NaN throughout where no setting reads it.

    Raises
    ------
    InvalidDataError
        If a column is absent, a value lies outside its range or the first probability is missing.
    """
    check_dates(signals.index, "Signals")
    used = [programs.regimes[k] for k in np.unique(programs.columns[programs.reading])]
    needs = [
        *dict.fromkeys(name for names in used for name in names),
        *["volatility"] * programs.reads_volatility,
    ]
    absent = [name for name in needs if name not in signals]
    if absent or not len(signals):
        raise InvalidDataError(
            [
                f"Signals: column `{name}` is absent; the settings read {', '.join(needs)}"
                for name in absent
            ]
            or "Signals: hold no session"
        )
    for name in needs:
        _check_range(signals[name].astype(float))
    columns = [
        _summed(signals, names) if names in used else np.full(len(signals), math.nan)
        for names in programs.regimes
    ]
    volatility = (
        signals["volatility"].to_numpy(dtype=float)
        if programs.reads_volatility
        else np.full(len(signals), math.nan)
    )
    return np.stack([*columns, np.full(len(signals), math.nan)]), volatility


def kept_weights(programs: Programs) -> np.ndarray:
    """Weight of yesterday's average in today's, shape (n_settings, 3); 0 without smoothing."""
    halflives, place = np.unique(programs.halflives, return_inverse=True)
    # The power of Python, as in `rules.base.averaged`: numpy's may differ in the last bit.
    kept = np.array(
        [0.5 ** (1.0 / halflife) if halflife else 0.0 for halflife in halflives.tolist()]
    )
    weights: np.ndarray = kept[place].reshape(programs.halflives.shape)
    return weights


def block_labels(sessions: pd.DatetimeIndex, blocks: Blocks | None) -> tuple[np.ndarray, pd.Index]:
    """Block of each session and the names of the blocks, in order of time.

    Parameters
    ----------
    sessions : DatetimeIndex, shape (n_sessions,)
    blocks : int, or a label a session, optional
        As for `sweep`.

    Returns
    -------
    codes : ndarray, shape (n_sessions,), int64
        The first session earns no return and carries the code of the second.
    names : Index, shape (n_blocks,)

    Raises
    ------
    ConfigError
        If there are more blocks than returns, or a block comes back after it has ended.
    """
    returns = len(sessions) - 1
    if isinstance(blocks, int | np.integer):
        if not 1 <= blocks <= returns:
            raise ConfigError(
                f"blocks: must lie in [1, {returns}], the number of returns, got {blocks}"
            )
        codes = np.repeat(
            np.arange(blocks), [len(part) for part in np.array_split(np.arange(returns), blocks)]
        )
        return np.r_[0, codes].astype(np.int64), pd.RangeIndex(int(blocks), name="block")
    labels = pd.Index(
        sessions.year if blocks is None else blocks, name="year" if blocks is None else "block"
    )
    if len(labels) != len(sessions):
        raise ConfigError(
            f"blocks: give a label for each of the {len(sessions)} sessions, got {len(labels)}"
        )
    codes, names = pd.factorize(labels[1:])
    if (np.diff(codes) < 0).any() or (codes < 0).any():
        raise ConfigError(
            "blocks: every block must be one run of sessions with a label; one comes back or is "
            "missing"
        )
    return np.r_[0, codes].astype(np.int64), pd.Index(names, name=labels.name)


def _laid(values: np.ndarray, at: np.ndarray, n: int) -> np.ndarray:
    laid = np.full((*values.shape[:-1], n), math.nan)
    laid[..., at] = values
    return laid


def _summed(signals: pd.DataFrame, names: tuple[str, ...]) -> np.ndarray:
    """Sum of some regimes as a rule forms it, exactly rounded."""
    values = signals[list(names)].to_numpy(dtype=float)
    total = (
        values[:, 0] if len(names) == 1 else np.array([math.fsum(row) for row in values.tolist()])
    )
    if np.isnan(total[0]):
        raise InvalidDataError(
            f"Signals: {signals.index[0]:%Y-%m-%d}: P({' or '.join(names)}) is missing on the "
            "first "
            "session; begin with the first session that has one"
        )
    capped: np.ndarray = np.minimum(total, 1.0)
    return capped


def _check_range(column: pd.Series) -> None:
    values, high = column.to_numpy(), 1.0 + 1e-9 if column.name in REGIMES else math.inf
    bad = (values < 0.0) | (values > high) | np.isinf(values)
    if bad.any():
        row = int(bad.argmax())
        rule = "lie in [0, 1]" if column.name in REGIMES else "be finite and at least 0"
        raise InvalidDataError(
            f"Signals: {column.index[row]:%Y-%m-%d}: `{column.name}` is {values[row]}, must {rule}"
        )
