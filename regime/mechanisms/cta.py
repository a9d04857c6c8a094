"""Trend followers.

What a trend-following fund holds in one market, and which of its levels have broken.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats

__all__ = ["SPANS", "SPEEDS", "trend_exposure", "triggers_broken"]

# Fast and slow spans of the three usual speeds, and the spans whose averages fit one bank's
# published levels.
SPEEDS: tuple[tuple[int, int], ...] = ((8, 24), (16, 48), (32, 96))
SPANS: tuple[int, ...] = (43, 144, 505)


def trend_exposure(close: pd.Series, speeds: tuple[tuple[int, int], ...] = SPEEDS) -> pd.Series:
    """Exposure of a volatility-targeted trend follower, in multiples of its usual size.

    Parameters
    ----------
    close : Series, shape (n_sessions,)
        Price of one market.
    speeds : tuple of (int, int)
        Fast and slow spans in sessions, one pair a speed.

    Returns
    -------
    Series, shape (n_sessions,)
        Mean over speeds of the clipped trend, over volatility; negative is short. NaN in the first
        quarter of the slowest span, and where the price has not moved at all.

    **Known at:** row t uses closes up to t.

    **Source:** moving-average crossovers scaled by volatility, the textbook form of managed
    futures.
    """
    logs = np.log(close.where(close > 0).to_numpy(dtype=float))
    daily = kernels.ewm_std(np.diff(logs, prepend=np.nan), 63.0, 20)
    daily = np.where(daily > 0, daily, np.nan)  # a price that stands still has no trend to scale
    signal = np.zeros(logs.size)
    for fast, slow in speeds:
        gap = _average(logs, fast) - _average(logs, slow)
        signal = signal + np.clip(gap / (daily * np.sqrt(slow - fast)), -2.0, 2.0)
    scale = np.clip(0.10 / (daily * np.sqrt(252)), None, 3.0)
    return pd.Series(signal / (2 * len(speeds)) * scale, index=close.index)


def triggers_broken(close: pd.Series, spans: tuple[int, ...] = SPANS) -> pd.Series:
    """Share of the trigger levels that the close lies below, in [0, 1].

    Parameters
    ----------
    close : Series, shape (n_sessions,)
    spans : tuple of int
        Spans in sessions of the exponential averages that serve as triggers.

    Returns
    -------
    Series, shape (n_sessions,)
        NaN until the slowest average has a quarter of its span.

    **Known at:** row t uses closes up to t.
    """
    price = np.ascontiguousarray(close.to_numpy(dtype=float))
    below = [
        np.where(np.isnan(level := _average(price, span)), np.nan, price < level) for span in spans
    ]
    return pd.Series(sum(below[1:], start=below[0]) / len(spans), index=close.index)


def _average(x: Floats, span: int) -> Floats:
    halflife = np.log(0.5) / np.log(1.0 - 2.0 / (span + 1.0))
    return kernels.ewm_mean(np.ascontiguousarray(x), float(halflife), span // 4)
