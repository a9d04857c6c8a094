"""Values that nobody published.

Straight lines over gaps, constants filled backwards, whole-sample scales.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats, Integers
from regime.studies.leakage.findings import Finding
from regime.studies.leakage.inputs import Observed

__all__ = ["fill_findings"]

MARKET = "sp500"
LEAST = 50  # values before a series can be judged
STRAIGHT = (
    6  # second differences of nought in a row; honest series, rounded ones too, have at most 4
)
# steps of the rounding grid that a straight line must climb, for small ones repeat by chance
STEEP = 2.5
STRAIGHT_SHARE, ONE_LINE = 0.15, 0.95  # of all values
FLAT = 4  # equal steps in a row
FLAT_RARE = 0.05  # of a series in which values seldom repeat, a run of them is a filled gap
BACKWARDS = 5.5  # log-likelihood of filling backwards over forwards
CLIP = 6.0  # no single run decides by more
OFF_SESSION, OFF_SHARE = 8, 0.4
MOMENT = 1e-3  # how near to 0 and 1 a mean and a deviation must be to be meant


def fill_findings(series: Mapping[str, Observed], sessions: pd.DatetimeIndex) -> list[Finding]:
    """Gaps filled from what came after them, and series scaled by their whole sample.

    Parameters
    ----------
    series : mapping of str to Observed
    sessions : DatetimeIndex, shape (n_sessions,)

    Returns
    -------
    list of Finding
        Kinds ``straight line`` and ``back-fill`` (size: rows of the longest gap) and ``whole-sample
        scale``.
    """
    found = []
    for item in series.values():
        if len(item.values) >= LEAST:
            checks = (
                _straight(item),
                _backwards(item, series.get(MARKET)),
                _between_sessions(item, sessions),
                _whole_sample(item),
            )
            found += [finding for finding in checks if finding is not None]
    return found


def _straight(item: Observed) -> Finding | None:
    """Longest straight line by row or by calendar day."""
    values, days = item.values, item.periods.to_numpy().astype("M8[D]").astype(float)
    grid, best, where, share = _grid(values), 0, 0, 0.0
    for gaps in (np.ones(len(values) - 1), np.maximum(np.diff(days), 1.0)):
        slope = np.diff(values) / gaps
        bend, rise = np.abs(np.diff(slope)), np.abs(np.diff(values))[1:]
        tiny = 1e-7 * np.abs(slope[1:]) + 1e-12 * np.abs(values).max()
        line = (bend <= tiny) & (rise > STEEP * grid) & (rise > 0)
        first, length = _runs(line)
        share = max(share, float(line.mean()))
        if length.size and length.max() > best:
            best, where = int(length.max()), int(first[length.argmax()])
    # A series that is one line throughout is a law of its own, and fills nothing.
    if (best < STRAIGHT and share < STRAIGHT_SHARE) or share > ONE_LINE:
        return None
    return Finding(
        kind="straight line",
        name=item.name,
        place=item.place,
        size=float(best + 1),
        unit="rows",
        severity="warning" if item.revised else "leak",
        evidence=f"From {item.periods[where]:%Y-%m-%d} on the values lie on a straight line to a later one: "
        f"a gap filled from its end ({share:.0%} of all values lie on such lines).",
    )


def _backwards(item: Observed, market: Observed | None) -> Finding | None:
    """Runs of one value whose jump stands before them instead of after.

    The gap holds what ended it.
    """
    x, same = item.scaled, np.diff(item.values) == 0
    first, length = _runs(same)
    held = item.values[first]
    long = (
        (length >= FLAT) & (held > item.values.min()) & (held < item.values.max())
    )  # a floor is no gap
    if (
        not long.any()
        or (same.sum() - length[long].sum()) / max(len(same) - length[long].sum(), 1) > FLAT_RARE
    ):
        return None
    level = _expected(item, market, same)
    usual = _usual(np.diff(x) - np.diff(level), same)
    total, worst, where = 0.0, 0, 0
    for begin, count in zip(first[long], length[long], strict=True):
        end = int(begin + count)
        if begin == 0 or end + 1 >= len(x) or not usual[begin] > 0:
            continue
        gain = _gain(x - level, level, int(begin), end, float(usual[begin]))
        total += float(np.clip(gain, -CLIP, CLIP))
        if gain > 0 and count > worst:
            worst, where = int(count), int(begin)
    if total < BACKWARDS:
        return None
    return Finding(
        kind="back-fill",
        name=item.name,
        place=item.place,
        size=float(worst),
        unit="rows",
        evidence=f"Values repeat from {item.periods[where]:%Y-%m-%d} on, and the jump stands before such "
        f"runs, not after (log-likelihood {total:.1f}): gaps hold the value that ended them.",
    )


def _gain(rest: Floats, level: Floats, begin: int, end: int, scale: float) -> float:
    """Log-likelihood of a run from row `begin` to `end` filled backwards over one filled forwards.

    Backwards the step into the run is the whole move to its end, and the step out of it one of a
    single row; forwards the reverse. What the market did in each span is expected of the step that
    covers it.
    """
    x, rows = rest + level, end - begin + 1
    into, out = x[begin] - x[begin - 1], x[end + 1] - x[end]
    one_in, one_out = level[begin] - level[begin - 1], level[end + 1] - level[end]
    all_in, all_out = level[end] - level[begin - 1], level[end + 1] - level[begin]
    backwards = (into - all_in) ** 2 / rows + (out - one_out) ** 2
    forwards = (into - one_in) ** 2 + (out - all_out) ** 2 / rows
    return float((forwards - backwards) / (2 * scale**2))


def _expected(item: Observed, market: Observed | None, same: NDArray[np.bool_]) -> Floats:
    """Part of the series that goes with the market on the same days, by rows."""
    nothing = np.zeros(len(item.values))
    if market is None or market is item:
        return nothing
    place = np.maximum(market.periods.searchsorted(item.periods, side="right") - 1, 0)
    level = market.scaled[place]
    moves, steps = np.diff(level)[~same], np.diff(item.scaled)[~same]
    low, high = np.quantile(steps, [0.01, 0.99]) if steps.size else (0.0, 0.0)
    usable = (moves != 0) & (steps >= low) & (steps <= high)
    if usable.sum() < LEAST:
        return nothing
    return np.asarray(
        level * float(moves[usable] @ steps[usable] / (moves[usable] @ moves[usable]))
    )


def _usual(steps: Floats, same: NDArray[np.bool_]) -> Floats:
    """Size of a step at the time, from the median of those around it."""
    around = pd.Series(np.where(same, np.nan, np.abs(steps))).rolling(
        250, min_periods=20, center=True
    )
    return np.asarray(around.median().to_numpy() / 0.6745)


def _between_sessions(item: Observed, sessions: pd.DatetimeIndex) -> Finding | None:
    """Stamps on days without a session that hold the next session's value."""
    if not item.daily:
        return None
    closed = ~np.isin(item.periods.to_numpy().astype("M8[D]"), sessions.to_numpy().astype("M8[D]"))
    closed[[0, -1]] = False
    values, rows = item.values, np.flatnonzero(closed)
    open_rows = np.flatnonzero(~closed)
    place = np.searchsorted(open_rows, rows)
    after, before = (
        open_rows[np.minimum(place, len(open_rows) - 1)],
        open_rows[np.maximum(place - 1, 0)],
    )
    ahead = (values[rows] == values[after]) & (values[rows] != values[before])
    behind = (values[rows] == values[before]) & (values[rows] != values[after])
    if (
        ahead.sum() < OFF_SESSION
        or ahead.sum() < OFF_SHARE * len(rows)
        or ahead.sum() < 3 * behind.sum()
    ):
        return None
    return Finding(
        kind="back-fill",
        name=item.name,
        place=item.place,
        size=float(ahead.sum()),
        unit="rows",
        evidence=f"{ahead.sum()} of {len(rows)} values on days without a session are those of the next one, "
        f"the first on {item.periods[rows[int(ahead.argmax())]]:%Y-%m-%d}.",
    )


def _whole_sample(item: Observed) -> Finding | None:
    """A mean of 0 and a deviation of 1, or a minimum of 0 and a maximum of 1, over all that there is."""
    values = item.values
    if np.unique(values).size < 20:
        return None
    spread = [values.std(ddof=ddof) for ddof in (0, 1)]
    standard = abs(values.mean()) < MOMENT / 2 and min(abs(size - 1.0) for size in spread) < MOMENT
    bounded = (
        values.min() == 0.0
        and values.max() == 1.0
        and (values == 1.0).sum() == 1
        and (values == 0.0).sum() == 1
    )
    ranks = np.sort(values) * len(values)
    ranked = bool(np.abs(ranks - np.arange(1, len(values) + 1)).max() < 0.51)
    if not (standard or bounded or ranked):
        return None
    what = (
        "mean is 0 and deviation 1"
        if standard
        else "range is exactly 0 to 1"
        if bounded
        else "ranks are complete"
    )
    return Finding(
        kind="whole-sample scale",
        name=item.name,
        place=item.place,
        size=float(len(values)),
        unit="rows",
        evidence=f"Its {what} over the whole sample, which nobody knew before {item.periods[-1]:%Y-%m-%d}.",
    )


def _grid(values: Floats) -> float:
    """Step of the rounding that nine values in ten keep to; 0 where there is none."""
    for digits in range(7):
        off = np.abs(values - np.round(values, digits)) > 1e-9 * np.maximum(1.0, np.abs(values))
        if off.mean() <= 0.1:
            return 10.0**-digits
    return 0.0


def _runs(mask: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """First position and length of each run."""
    edges = np.flatnonzero(np.diff(np.r_[0, mask.astype(np.int8), 0]))
    return edges[::2], edges[1::2] - edges[::2]
