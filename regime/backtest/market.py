"""Inputs of a backtest, checked and aligned on one calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from regime.arrays import Booleans, Floats
from regime.backtest.costs import HIGHEST_BPS
from regime.errors import ConfigError, InvalidDataError
from regime.schema import check_dates, check_exposure

__all__ = ["Market", "SeriesOrFrame", "align"]

SeriesOrFrame: TypeAlias = pd.Series | pd.DataFrame
# For weights that were divided by their own sum.
SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Market:
    """Prices, cash and decisions on the sessions of the prices.

    Parameters
    ----------
    sessions : DatetimeIndex, shape (n_sessions,)
        Dates of the prices.
    columns : Index, shape (n_assets,)
        Assets, as the prices call them.
    prices : ndarray, shape (n_sessions, n_assets), price
        At each close, above 0; NaN where an asset has no price that session.
    cash : ndarray, shape (n_sessions,), fraction a session
        What cash earned from the close before; 0 on the first session.
    decisions : ndarray, shape (n_sessions, n_assets), fraction of capital
        Weights decided at each close.
    initial : ndarray, shape (n_assets,), fraction of capital
        Weights held before the first fill, endowed at the first close without cost.
    opens : ndarray, shape (n_sessions, n_assets), price, optional
        At each open, on the scale of `prices`; NaN where there is none.
    half_spreads : ndarray, shape (n_sessions, n_assets), basis points, optional
        Last estimate by each session; NaN before the first.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=3, name="date")
    >>> prices = pd.Series([100.0, np.nan, 99.0], dates, name="stock")
    >>> market = align(prices, pd.Series([0.5], dates[:1]))
    >>> market.assets, market.prices[:, 0].tolist(), market.decisions[:, 0].tolist()
    (['stock'], [100.0, nan, 99.0], [0.5, 0.5, 0.5])
    """

    sessions: pd.DatetimeIndex
    columns: pd.Index
    prices: Floats
    cash: Floats
    decisions: Floats
    initial: Floats
    opens: Floats | None = None
    half_spreads: Floats | None = None

    @property
    def assets(self) -> list[str]:
        """Names of the assets, in column order."""
        return [str(name) for name in self.columns]


def align(
    prices: SeriesOrFrame,
    exposure: SeriesOrFrame,
    cash: pd.Series | None = None,
    initial: float | Mapping[str, float] | None = None,
    *,
    opens: SeriesOrFrame | None = None,
    half_spreads: SeriesOrFrame | None = None,
) -> Market:
    """Check the inputs of a backtest and align them on the sessions of the prices.

    Between two decisions the earlier one stands; before the first one, `initial` does.

    Parameters
    ----------
    prices : Series or DataFrame, shape (n_sessions,) or (n_sessions, n_assets)
        Total-return levels, above 0; NaN where a session has no price.
    exposure : Series or DataFrame, fraction of capital in [0, 1]
        A Series for one asset, a DataFrame of weights with the columns of `prices` for several; the
        rest is cash. Its dates are sessions of `prices`, not necessarily all.
    cash : Series, fraction a session, optional
        What cash earned over each session; dates beyond those of `prices` are ignored.
    initial : float, or mapping of asset to float, optional
        Weights before the first fill; by default 1 for a single asset, all cash for several.
    opens : Series or DataFrame, shape of `prices`, optional
        Levels at each open, on the scale of `prices`.
    half_spreads : Series or DataFrame, basis points, optional
        By date and asset; each session takes the last estimate by its date.

    Returns
    -------
    Market

    Raises
    ------
    InvalidDataError
        If a price is not above 0, a date is out of order or no session, a weight lies outside [0,
        1], weights sum to more than 1, cash is missing on a session, opens have other dates or
        assets than the prices, or a half-spread lies outside [0, 1000].
    """
    columns = pd.Index([prices.name or "risk"]) if isinstance(prices, pd.Series) else prices.columns
    sessions = check_dates(prices.index, "Prices")
    if len(sessions) < 2:
        raise InvalidDataError(f"Prices: a backtest needs at least 2 sessions, got {len(sessions)}")
    if not columns.is_unique or not len(columns):
        raise InvalidDataError("Prices: columns must name one or more assets, each once")
    levels = _levels(prices, sessions, columns, "Prices")
    empty = np.isnan(levels).all(axis=0)
    if empty.any():
        raise InvalidDataError(
            f"Prices: `{columns[int(empty.argmax())]}` has no price at all; leave it out"
        )
    start = _initial(initial, [str(name) for name in columns])
    return Market(
        sessions=sessions,
        columns=columns,
        prices=levels,
        cash=_align_cash(cash, sessions),
        initial=start,
        decisions=_align_decisions(exposure, sessions, columns, start),
        opens=None if opens is None else _check_opens(opens, sessions, columns),
        half_spreads=None
        if half_spreads is None
        else _align_half_spreads(half_spreads, sessions, columns),
    )


def _levels(
    prices: SeriesOrFrame, sessions: pd.DatetimeIndex, columns: pd.Index, name: str
) -> Floats:
    values = _numbers(prices, name)
    _refuse(
        ~np.isnan(values) & ~((values > 0) & np.isfinite(values)),
        values,
        sessions,
        columns,
        name,
        "a price must be above 0 and finite; give NaN where there is none",
    )
    return values


def _check_opens(opens: SeriesOrFrame, sessions: pd.DatetimeIndex, columns: pd.Index) -> Floats:
    is_series = isinstance(opens, pd.Series)
    if not (len(columns) == 1 if is_series else opens.columns.equals(columns)):
        known = ", ".join(map(str, columns))
        raise InvalidDataError(
            f"Opens: must have the assets of the prices, in their order: {known}"
        )
    if not opens.index.equals(sessions):
        raise InvalidDataError(
            "Opens: must have the dates of the prices; reindex, with NaN where there is no open"
        )
    return _levels(opens, sessions, columns, "Opens")


def _align_decisions(
    exposure: SeriesOrFrame, sessions: pd.DatetimeIndex, columns: pd.Index, start: Floats
) -> Floats:
    """Weights decided at each close: the latest decision; `start` before the first."""
    weights = _check_weights(exposure, sessions, columns)
    if exposure.index.equals(sessions):
        return weights
    unknown = exposure.index.difference(sessions)
    if len(unknown):
        raise InvalidDataError(
            f"Exposure: {unknown[0]:%Y-%m-%d} is no session of the prices; move the decision to one"
        )
    latest = exposure.index.searchsorted(sessions, side="right") - 1
    return np.where((latest < 0)[:, None], start, weights[np.maximum(latest, 0)])


def _check_weights(
    exposure: SeriesOrFrame, sessions: pd.DatetimeIndex, columns: pd.Index
) -> Floats:
    if isinstance(exposure, pd.Series):
        if len(columns) > 1:
            raise InvalidDataError(
                f"Exposure: {len(columns)} assets need a DataFrame of weights, got a Series"
            )
        exposure = exposure.to_frame(columns[0])
    if not exposure.index.equals(sessions):  # whose dates are in order
        check_dates(exposure.index, "Exposure")
    if sorted(map(str, exposure.columns)) != sorted(map(str, columns)):
        got = ", ".join(map(str, exposure.columns))
        known = ", ".join(map(str, columns))
        raise InvalidDataError(
            f"Exposure: assets must be those of the prices, each once: got {got}; prices: {known}"
        )
    if not exposure.columns.equals(columns):
        exposure = exposure[list(columns)]
    weights = _numbers(exposure, "Exposure")
    for column in np.flatnonzero(~((weights >= 0) & (weights <= 1)).all(axis=0)):
        weight = pd.Series(weights[:, column], exposure.index)
        check_exposure(weight, f"Exposure, `{columns[column]}`")
    total = weights.sum(axis=1, keepdims=True)
    _refuse(
        total > 1 + SUM_TOLERANCE,
        total,
        exposure.index,
        ["sum of weights"],
        "Exposure",
        "must be at most 1",
    )
    if not len(weights):
        raise InvalidDataError("Exposure: holds no decision")
    return weights


def _align_cash(cash: pd.Series | None, sessions: pd.DatetimeIndex) -> Floats:
    if cash is None:
        return np.zeros(len(sessions))
    if not cash.index.equals(sessions):
        check_dates(cash.index, "Cash")
        cash = cash.reindex(sessions)
    known = _numbers(cash, "Cash").copy()
    known[0] = 0.0
    _refuse(
        ~((known > -1) & np.isfinite(known)),
        known,
        sessions,
        ["cash"],
        "Cash",
        "every session of the prices but the first needs a return above -1",
    )
    return known[:, 0]


def _align_half_spreads(
    table: SeriesOrFrame, sessions: pd.DatetimeIndex, columns: pd.Index
) -> Floats:
    """Last estimate by each session, which need not be a date of the table."""
    if isinstance(table, pd.Series):
        table = table.to_frame(columns[0])
    check_dates(table.index, "Half-spreads")
    missing = columns.difference(table.columns)
    if len(missing):
        raise InvalidDataError(f"Half-spreads: `{missing[0]}` is traded and has no column")
    values = _numbers(table[list(columns)], "Half-spreads")
    _refuse(
        ~np.isnan(values) & ~((values >= 0) & (values <= HIGHEST_BPS)),
        values,
        table.index,
        columns,
        "Half-spreads",
        f"must lie in [0, {HIGHEST_BPS:g}] basis points; give NaN where there is no estimate",
    )
    known = pd.DataFrame(values, table.index).ffill()
    aligned: Floats = known.reindex(sessions, method="ffill").to_numpy()
    return aligned


def _initial(initial: float | Mapping[str, float] | None, assets: list[str]) -> Floats:
    if initial is None:
        initial = 1.0 if len(assets) == 1 else {}
    if not isinstance(initial, Mapping):
        if len(assets) > 1:
            raise ConfigError(
                f"initial: {len(assets)} assets need a weight each, as in {{'{assets[0]}': "
                f"{initial}}}"
            )
        initial = {assets[0]: initial}
    unknown = [name for name in initial if name not in assets]
    if unknown:
        raise ConfigError(
            f"initial: unknown asset `{unknown[0]}`; the prices hold {', '.join(assets)}"
        )
    start = np.array([float(initial.get(name, 0.0)) for name in assets])
    if not ((start >= 0).all() and start.sum() <= 1 + SUM_TOLERANCE):
        raise ConfigError(
            f"initial: weights must lie in [0, 1] and sum to at most 1, got {start.tolist()}"
        )
    return start


def _numbers(table: SeriesOrFrame, name: str) -> Floats:
    """Values as a float array of two dimensions."""
    try:
        values: Floats = table.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InvalidDataError(f"{name}: must hold numbers: {error}") from None
    return values[:, None] if values.ndim == 1 else values


def _refuse(
    bad: Booleans,
    values: Floats,
    dates: pd.Index,
    columns: pd.Index | list[str],
    name: str,
    rule: str,
) -> None:
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InvalidDataError(
            f"{name}: {dates[row]:%Y-%m-%d}: `{columns[column]}` is {values[row, column]}: {rule}"
        )
