"""Which past windows were like one.

Distances between standardised states, over what is known on both dates.

A past of which little is known would always find a window near by: the least of many poor
measurements is small. So what is known today and not of a past window counts as it would on
average, ``z^2 + 1`` for a value z of today.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.errors import ConfigError

__all__ = ["LEAST_SHARE", "standardised", "window_distances", "window_picks"]

CLIP = 4.0  # deviations: one crash must not own the scale
LEAST_ROWS = 252  # sessions that a deviation needs
LEAST_SHARE = 0.5  # of the quantities known today that a past window must know as well


def standardised(state: pd.DataFrame) -> pd.DataFrame:
    """Each column less its mean in its standard deviations, cut at 4 either way.

    NaN for a column with less than a year of values, or that never moved.

    **Known at:** all rows: give those up to the decision.
    """
    known = state.notna().sum()
    spread = state.std().where(known >= LEAST_ROWS)
    return ((state - state.mean()) / spread.where(spread > 1e-12)).clip(-CLIP, CLIP)


def window_distances(scaled: pd.DataFrame, samples: int = 3, step: int = 10) -> pd.DataFrame:
    """Distance of the window that ends on each session to the one that ends on the last.

    Parameters
    ----------
    scaled : DataFrame, shape (n_sessions, n_quantities)
        As of `standardised`.
    samples, step : int
        A window is looked at so many times, so many sessions apart, its last session among them.

    Returns
    -------
    DataFrame, shape (n_sessions, 3)
        distance: root mean square of the differences, in standard deviations, what is not known of
        a window at its mean; of_known: the same over what is known of both; share: of what is known
        of the last window that is known of this one as well. Distances are NaN under half of it.

    Raises
    ------
    ConfigError
        If a number is below 1.

    **Known at:** all rows: give those up to the decision.
    """
    if samples < 1 or step < 1:
        raise ConfigError(f"samples, step: must be at least 1, got {samples} and {step}")
    values = scaled.to_numpy(dtype=float)
    total = np.zeros(len(values))
    both = np.zeros(len(values))
    absent = np.zeros(len(values))
    wanted = 0.0
    for back in range(0, samples * step, step):
        if back >= len(values):
            break
        lagged = np.full_like(values, np.nan)
        lagged[back:] = values[: len(values) - back]
        apart = lagged - lagged[-1]
        known = ~np.isnan(apart)
        total += np.where(known, apart * apart, 0.0).sum(axis=1)
        both += known.sum(axis=1)
        mean = np.where(np.isnan(lagged[-1]), 0.0, np.nan_to_num(lagged[-1]) ** 2 + 1.0)
        absent += np.where(known, 0.0, mean).sum(axis=1)
        wanted += float((~np.isnan(lagged[-1])).sum())
    share = both / wanted if wanted else np.zeros(len(values))
    enough = np.where((share >= LEAST_SHARE) & (both > 0), 1.0, np.nan)
    return pd.DataFrame(
        {
            "distance": enough * np.sqrt((total + absent) / max(wanted, 1.0)),
            "of_known": enough * np.sqrt(total / np.maximum(both, 1.0)),
            "share": share,
        },
        index=scaled.index,
    )


def window_picks(distance: pd.Series, count: int, length: int, ahead: int) -> list[int]:
    """Positions of the last sessions of the nearest past windows, the nearest first.

    Parameters
    ----------
    distance : Series, shape (n_sessions,)
        To the window that ends on the last session.
    count : int
        How many at most.
    length : int
        Sessions of a window.
    ahead : int
        Sessions after a window that must have passed, and that no other chosen window may reach
        into.

    Returns
    -------
    list of int
        No two closer than the longer of `length` and `ahead`. Of equal distances the later comes
        first.
    """
    apart = max(length, ahead)
    values = distance.to_numpy(dtype=float)[: max(len(distance) - apart, 0)]
    order = np.lexsort((-np.arange(len(values)), values))
    chosen: list[int] = []
    for position in order[: int((~np.isnan(values)).sum())]:
        if all(abs(int(position) - other) >= apart for other in chosen):
            chosen.append(int(position))
        if len(chosen) == count:
            break
    return chosen
