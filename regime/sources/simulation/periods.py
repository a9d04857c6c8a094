"""From paths by session to series by the period that a publisher names."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from regime.sources.simulation.draws import Floats

__all__ = ["as_of", "month_ends", "on_sessions", "weekly"]


def on_sessions(sessions: pd.DatetimeIndex, values: Mapping[str, Floats]) -> dict[str, pd.Series]:
    """Daily series of several paths."""
    return {name: pd.Series(column, sessions) for name, column in values.items()}


def as_of(sessions: pd.DatetimeIndex, values: Floats, periods: pd.DatetimeIndex) -> pd.Series:
    """Value of the last session up to each period."""
    return pd.Series(values[sessions.searchsorted(periods, side="right") - 1], periods)


def weekly(sessions: pd.DatetimeIndex, day: str) -> pd.DatetimeIndex:
    """Every such weekday (``"WED"``), holiday or not."""
    return pd.date_range(sessions[0], sessions[-1], freq=f"W-{day}")


def month_ends(sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Last calendar day of every month."""
    return pd.date_range(sessions[0], sessions[-1], freq="ME")
