"""Falls of the risk basket in units of its prior volatility, and the regimes of a fall.

Codes are positions in `REGIMES`, -1 where the regime is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.labels.basket import (
    check_fall,
    known_market,
    make_labels,
    prior_volatility,
    risk_basket,
)
from regime.schema import MONTH, REGIMES, Labels

__all__ = [
    "UNKNOWN",
    "EpisodeLabels",
    "episode_phases",
    "spell_phases",
]

CALM = 0
FRAGILE = 1
DELEVERAGING = 2
RECOVERY = 3
UNKNOWN = -1


@dataclass(frozen=True, kw_only=True)
class EpisodeLabels:
    """Regimes from the falls of a cross-asset risk basket.

    A fall from the running peak is an episode once it is `depth` monthly volatilities deep, as they
    stood at the peak; it is over when `recover` of it is regained, and the running peak starts
    again there. Deleveraging: after the peak, to the trough. Recovery: from there to the end.
    Fragile: the last `fragile` sessions up to the peak, unless in an episode. All else is calm.

    Parameters
    ----------
    depth : float
        Monthly volatilities (21 sessions).
    recover : float
        Share of the fall in log terms, in (0, 1].
    fragile : int
        Sessions.
    core_weight : float
        Weight of the S&P 500 in the basket, in (0, 1].
    volatility_halflife : float
        Sessions.
    partial : bool
        Whether rows of an episode are known as soon as nothing that follows can change them:
        fragile ones when the fall becomes an episode, deleveraging ones at the first new low from
        there on. If not, all its rows wait for its end, so that an episode enters a training set
        whole.

    Examples
    --------
    >>> dates = pd.bdate_range("2020-01-01", periods=400, name="date")
    >>> steps = np.r_[np.tile([1.01, 0.995], 150), np.full(20, 0.98), np.full(80, 1.01)]
    >>> market = pd.DataFrame({"sp500": steps.cumprod()}, index=dates)
    >>> EpisodeLabels()(market).regime.value_counts(sort=False).to_dict()
    {'calm': 64, 'fragile': 21, 'deleveraging': 21, 'recovery': 21}
    """

    depth: float = 2.0
    recover: float = 0.5
    fragile: int = 21
    core_weight: float = 0.5
    volatility_halflife: float = 252
    partial: bool = False

    def __post_init__(self) -> None:
        if not self.depth > 0:
            raise ConfigError(f"depth: must be positive, got {self.depth}")
        check_fall(recover=self.recover, fragile=self.fragile, core_weight=self.core_weight)
        if not self.volatility_halflife > 0:
            raise ConfigError(
                f"volatility_halflife: must be positive, got {self.volatility_halflife}"
            )

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Labels as they stood at the close of `as_of`; arguments as for `Labeller`.

        Returns
        -------
        Labels, shape (n_sessions, 4), weights 0 or 1
            NaN in the first year, in a running episode (see `partial`), and from `fragile` sessions
            before the last running peak on, which may yet become the start of a fall.

        **Known at:** `known_at` of each row: whatever follows it, the label stays. `span_end` is
        the same.
        """
        _, codes, when = self._phases(*self._measure(known_market(market, as_of)))
        return make_labels(np.eye(len(REGIMES))[codes], when, market.index)

    def episodes(self, market: pd.DataFrame) -> pd.DataFrame:
        """Table of the falls, one row each.

        Parameters
        ----------
        market : DataFrame, shape (n_sessions, n_assets), prices

        Returns
        -------
        DataFrame, columns start, trough, end, depth, fall
            `start` is the peak's session; `end` is NaT and `trough` the lowest so far while the
            episode runs; `depth` in monthly volatilities, `fall` in log terms (<= 0).

        **Known at:** the last session of `market`.
        """
        level, unit = self._measure(known_market(market, None))
        rows, _, _ = self._phases(level, unit)
        start, trough, end = rows.T
        dates = market.index
        return pd.DataFrame(
            {
                "start": dates[start],
                "trough": dates[trough],
                "end": dates[np.maximum(end, 0)].where(end >= 0),
                "depth": (level[start] - level[trough]) / unit[start],
                "fall": level[trough] - level[start],
            }
        )

    def _measure(self, market: pd.DataFrame) -> tuple[Floats, Floats]:
        """Log level of the basket, and its monthly volatility as known at each session."""
        returns = risk_basket(
            market, core_weight=self.core_weight, halflife=self.volatility_halflife
        )
        unit = prior_volatility(returns, self.volatility_halflife) * np.sqrt(MONTH)
        return returns.cumsum().to_numpy(copy=True), unit.to_numpy(copy=True)

    def _phases(
        self, level: Floats, unit: Floats
    ) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int64]]:
        phases: tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int64]] = episode_phases(
            level, unit, float(self.depth), float(self.recover), self.fragile, self.partial
        )
        return phases


@numba.njit(cache=True, nogil=True)
def spell_phases(worst, level, fragile, recover):  # type: ignore[no-untyped-def]
    """Regime codes, shape (n,), from a path of the worst state.

    `worst` (n,) bool is deleveraging. The `fragile` rows before a spell are fragile. Recovery lasts
    from a spell until `level` (n,) has regained the share `recover` of its fall, from the highest
    point since the fragile rows began to the spell's lowest. Where two meet: deleveraging,
    recovery, fragile. The last `fragile` rows are unknown unless in a spell or a recovery: the next
    spell may make them fragile.

    Parameters
    ----------
    worst : array of bool, shape (n,)
    level : array of float, shape (n,)
        In log terms.
    fragile : int
        Rows.
    recover : float
        Share in (0, 1].
    """
    n = len(worst)
    codes = np.full(n, CALM, np.int8)
    half = -np.inf
    for t in range(n):
        if worst[t]:
            codes[t] = DELEVERAGING
            if t == 0 or not worst[t - 1]:
                first = max(t - fragile, 0)
                for before in range(first, t):
                    if codes[before] == CALM:
                        codes[before] = FRAGILE
                high = level[first : t + 1].max()
                low = np.inf
                fall = 0.0
            high = max(high, level[t])
            if level[t] < low:
                low = level[t]
                fall = high - level[t]
            half = low + recover * fall
        elif t > 0 and level[t - 1] < half and codes[t - 1] >= DELEVERAGING:
            codes[t] = RECOVERY
    for t in range(max(n - fragile, 0), n):
        if codes[t] == CALM:
            codes[t] = UNKNOWN
    return codes


@numba.njit(cache=True, nogil=True)
def episode_phases(level, unit, depth, recover, fragile, partial):  # type: ignore[no-untyped-def]
    """Falls from running peaks, and the regime code of each row with the row that reveals it.

    A fall is an episode once `level` lies `depth` times `unit` (as at the peak) below the running
    peak, and is over when the share `recover` of it is regained; the running peak starts again
    there.

    Parameters
    ----------
    level, unit : array of float, shape (n,)
        Log level, and its volatility of a month; the first row with both is the first peak.
    depth, recover : float
    fragile : int
        Rows before a peak that are fragile.
    partial : bool
        Whether rows of an episode are known once nothing that follows can change them; else at its
        end.

    Returns
    -------
    episodes : array of int, shape (m, 3)
        Peak, trough, end; -1 while running.
    codes, known : array of int, shape (n,)
        -1 where unknown.
    """
    n = len(level)
    episodes = np.full((n, 3), -1, np.int64)
    m = 0
    codes = np.full(n, UNKNOWN, np.int8)
    known = np.full(n, -1, np.int64)
    start = 0
    while start < n and not (np.isfinite(level[start]) and np.isfinite(unit[start])):
        start += 1
    peak = start
    trough = start
    pending = start
    falling = False
    for t in range(start, n):
        if not falling and level[t] >= level[peak]:
            peak = t
            # Rows further back than the fragile window precede every peak that may still come.
            if pending <= t - fragile:
                codes[pending : t - fragile + 1] = CALM
                known[pending : t - fragile + 1] = t
                pending = t - fragile + 1
        elif not falling and level[peak] - level[t] >= depth * unit[peak]:
            falling = True
            trough = t
            codes[pending : peak + 1] = FRAGILE
            codes[peak + 1 : t + 1] = DELEVERAGING
            known[pending : t + 1] = t
            episodes[m, 0] = peak
            episodes[m, 1] = t
            m += 1
        elif falling and level[t] < level[trough]:
            codes[trough + 1 : t + 1] = DELEVERAGING
            known[trough + 1 : t + 1] = t
            trough = t
            episodes[m - 1, 1] = t
        elif falling and level[t] - level[trough] >= recover * (level[peak] - level[trough]):
            codes[trough + 1 : t + 1] = RECOVERY
            known[trough + 1 : t + 1] = t
            if not partial:
                known[pending : t + 1] = t
            episodes[m - 1, 2] = t
            peak = t
            pending = t + 1
            falling = False
    if falling and not partial:
        codes[pending:] = UNKNOWN
        known[pending:] = -1
    return episodes[:m], codes, known
