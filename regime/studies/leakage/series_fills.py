"""Values that nobody published.

Straight lines over gaps, constants filled backwards, whole-sample scales.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from regime.arrays import Booleans, Floats, Integers
from regime.studies.leakage.findings import Finding
from regime.studies.leakage.inputs import ObservedSeries

__all__ = ["fill_findings"]

MARKET = "sp500"
MIN_VALUES = 50  # below which a series is not tested
MIN_LINE = 6  # zero second differences in a row; genuine series, rounded too, have at most 4
MIN_SLOPE = 2.5  # rounding steps a row of a straight line, since smaller moves repeat by chance
MIN_LINE_SHARE = 0.15  # of all values on straight lines, instead of one long line
MAX_LINE_SHARE = 0.95  # beyond which the series itself is a line
MIN_FLAT = 4  # equal values in a row that are a filled gap where
MAX_REPEATS = 0.05  # at most this share of the other values repeat
MIN_LIKELIHOOD = 5.5  # log-likelihood of filling backwards over forwards
MAX_RUN_LIKELIHOOD = 6.0  # of it that a single run may contribute
MIN_CLOSED_DAYS = 8  # days without a session that hold the next value,
MIN_CLOSED_SHARE = 0.4  # and their share of all such days
MOMENT_TOLERANCE = 1e-3  # distance of mean and deviation from 0 and 1


def fill_findings(
    series: Mapping[str, ObservedSeries], sessions: pd.DatetimeIndex
) -> list[Finding]:
    """Gaps filled from what came after them, and series scaled by their whole sample.

    Parameters
    ----------
    series : mapping of str to ObservedSeries
    sessions : DatetimeIndex, shape (n_sessions,)

    Returns
    -------
    list of Finding
        Kinds ``straight line`` and ``back-fill`` (size: rows of the longest gap) and ``whole-sample
        scale``.
    """
    findings = []
    for item in series.values():
        if len(item.values) >= MIN_VALUES:
            checks = (
                _straight_line(item),
                _back_fill(item, series.get(MARKET)),
                _back_fill_of_closed_days(item, sessions),
                _whole_sample_scale(item),
            )
            findings += [finding for finding in checks if finding is not None]
    return findings


def _straight_line(item: ObservedSeries) -> Finding | None:
    """Longest straight line by row or by calendar day."""
    values = item.values
    days = item.periods.to_numpy().astype("M8[D]").astype(float)
    grid = _rounding_step(values)
    longest = 0
    start = 0
    share = 0.0
    for gaps in (np.ones(len(values) - 1), np.maximum(np.diff(days), 1.0)):
        slope = np.diff(values) / gaps
        bend = np.abs(np.diff(slope))
        rise = np.abs(np.diff(values))[1:]
        tiny = 1e-7 * np.abs(slope[1:]) + 1e-12 * np.abs(values).max()
        line = (bend <= tiny) & (rise > MIN_SLOPE * grid) & (rise > 0)
        first, length = _runs(line)
        share = max(share, float(line.mean()))
        if length.size and length.max() > longest:
            longest = int(length.max())
            start = int(first[length.argmax()])
    # A series that is one line throughout has no filled gap.
    if (longest < MIN_LINE and share < MIN_LINE_SHARE) or share > MAX_LINE_SHARE:
        return None
    return Finding(
        kind="straight line",
        name=item.name,
        location=item.location,
        size=float(longest + 1),
        unit="rows",
        severity="warning" if item.revised else "leak",
        evidence=f"From {item.periods[start]:%Y-%m-%d} on the values lie on a straight line to a "
        "later one: a gap interpolated from its end "
        f"({share:.0%} of all values lie on such lines).",
    )


def _back_fill(item: ObservedSeries, market: ObservedSeries | None) -> Finding | None:
    """Runs of one value with the jump before them instead of after: filled from their end."""
    x = item.scaled
    same = np.diff(item.values) == 0
    first, length = _runs(same)
    repeated = item.values[first]
    # A floor or a ceiling is no gap.
    inside = (repeated > item.values.min()) & (repeated < item.values.max())
    long = (length >= MIN_FLAT) & inside
    in_runs = length[long].sum()
    if not long.any() or (same.sum() - in_runs) / max(len(same) - in_runs, 1) > MAX_REPEATS:
        return None
    level = _market_component(item, market, same)
    usual = _usual_step(np.diff(x) - np.diff(level), same)
    total = 0.0
    longest = 0
    start = 0
    for begin, count in zip(first[long], length[long], strict=True):
        end = int(begin + count)
        if begin == 0 or end + 1 >= len(x) or not usual[begin] > 0:
            continue
        gain = _likelihood_gain(x - level, level, int(begin), end, float(usual[begin]))
        total += float(np.clip(gain, -MAX_RUN_LIKELIHOOD, MAX_RUN_LIKELIHOOD))
        if gain > 0 and count > longest:
            longest = int(count)
            start = int(begin)
    if total < MIN_LIKELIHOOD:
        return None
    return Finding(
        kind="back-fill",
        name=item.name,
        location=item.location,
        size=float(longest),
        unit="rows",
        evidence=f"Values repeat from {item.periods[start]:%Y-%m-%d} on, and the jump comes before "
        f"such runs, not after (log-likelihood {total:.1f}): gaps are filled with the value that "
        "follows them.",
    )


def _likelihood_gain(rest: Floats, level: Floats, begin: int, end: int, scale: float) -> float:
    """Log-likelihood of a run from row `begin` to `end` filled backwards over one filled forwards.

    Filled backwards, the step into the run is the whole move to its end and the step out of it that
    of a single row; filled forwards, the reverse. Of each step the move of the market over the same
    rows is expected.
    """
    x = rest + level
    rows = end - begin + 1
    step_in = x[begin] - x[begin - 1]
    step_out = x[end + 1] - x[end]
    market_row_in = level[begin] - level[begin - 1]
    market_row_out = level[end + 1] - level[end]
    market_run_in = level[end] - level[begin - 1]
    market_run_out = level[end + 1] - level[begin]
    backwards = (step_in - market_run_in) ** 2 / rows + (step_out - market_row_out) ** 2
    forwards = (step_in - market_row_in) ** 2 + (step_out - market_run_out) ** 2 / rows
    return float((forwards - backwards) / (2 * scale**2))


def _market_component(
    item: ObservedSeries, market: ObservedSeries | None, same: Booleans
) -> Floats:
    """Part of the series that moves with the market on the same days, by rows."""
    none = np.zeros(len(item.values))
    if market is None or market is item:
        return none
    positions = np.maximum(market.periods.searchsorted(item.periods, side="right") - 1, 0)
    level = market.scaled[positions]
    moves = np.diff(level)[~same]
    steps = np.diff(item.scaled)[~same]
    low, high = np.quantile(steps, [0.01, 0.99]) if steps.size else (0.0, 0.0)
    usable = (moves != 0) & (steps >= low) & (steps <= high)
    if usable.sum() < MIN_VALUES:
        return none
    beta = float(moves[usable] @ steps[usable] / (moves[usable] @ moves[usable]))
    return np.asarray(level * beta)


def _usual_step(steps: Floats, same: Booleans) -> Floats:
    """Deviation of a step at the time, from the median of those around it."""
    around = pd.Series(np.where(same, np.nan, np.abs(steps))).rolling(
        250, min_periods=20, center=True
    )
    return np.asarray(around.median().to_numpy() / 0.6745)


def _back_fill_of_closed_days(item: ObservedSeries, sessions: pd.DatetimeIndex) -> Finding | None:
    """Days without a session that hold the next session's value."""
    if not item.daily:
        return None
    closed = ~np.isin(item.periods.to_numpy().astype("M8[D]"), sessions.to_numpy().astype("M8[D]"))
    closed[[0, -1]] = False
    values = item.values
    rows = np.flatnonzero(closed)
    open_rows = np.flatnonzero(~closed)
    position = np.searchsorted(open_rows, rows)
    after = open_rows[np.minimum(position, len(open_rows) - 1)]
    before = open_rows[np.maximum(position - 1, 0)]
    next_value = (values[rows] == values[after]) & (values[rows] != values[before])
    last_value = (values[rows] == values[before]) & (values[rows] != values[after])
    count = next_value.sum()
    required = max(MIN_CLOSED_DAYS, MIN_CLOSED_SHARE * len(rows), 3 * last_value.sum())
    if count < required:
        return None
    return Finding(
        kind="back-fill",
        name=item.name,
        location=item.location,
        size=float(count),
        unit="rows",
        evidence=f"{count} of {len(rows)} values on days without a session are those of the next "
        f"session, the first on {item.periods[rows[int(next_value.argmax())]]:%Y-%m-%d}.",
    )


def _whole_sample_scale(item: ObservedSeries) -> Finding | None:
    """Mean 0 and deviation 1, a range of exactly 0 to 1, or complete ranks over all values."""
    values = item.values
    if np.unique(values).size < 20:
        return None
    centred = abs(values.mean()) < MOMENT_TOLERANCE / 2
    distance = min(abs(values.std(ddof=ddof) - 1.0) for ddof in (0, 1))
    ends_once = (values == 1.0).sum() == 1 and (values == 0.0).sum() == 1
    ranks = np.sort(values) * len(values)
    if centred and distance < MOMENT_TOLERANCE:
        scale = "mean is 0 and deviation 1"
    elif values.min() == 0.0 and values.max() == 1.0 and ends_once:
        scale = "range is exactly 0 to 1"
    elif np.abs(ranks - np.arange(1, len(values) + 1)).max() < 0.51:
        scale = "values are complete ranks"
    else:
        return None
    return Finding(
        kind="whole-sample scale",
        name=item.name,
        location=item.location,
        size=float(len(values)),
        unit="rows",
        evidence=f"Its {scale} over the whole sample, which was not known before "
        f"{item.periods[-1]:%Y-%m-%d}.",
    )


def _rounding_step(values: Floats) -> float:
    """Step of the rounding that nine values in ten keep to; 0 where there is none."""
    for digits in range(7):
        off = np.abs(values - np.round(values, digits)) > 1e-9 * np.maximum(1.0, np.abs(values))
        if off.mean() <= 0.1:
            return 10.0**-digits
    return 0.0


def _runs(mask: Booleans) -> tuple[Integers, Integers]:
    """First position and length of each run."""
    edges = np.flatnonzero(np.diff(np.r_[0, mask.astype(np.int8), 0]))
    return edges[::2], edges[1::2] - edges[::2]
