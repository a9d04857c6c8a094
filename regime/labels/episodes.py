"""Falls of the risk basket in units of its prior volatility."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.labels.basket import known_market, make_labels, prior_volatility, risk_basket
from regime.schema import REGIMES, Labels
from regime.sessions import MONTH

__all__ = ["EpisodeLabels"]


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
        for name in ("recover", "core_weight"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"{name}: must lie in (0, 1], got {getattr(self, name)}")
        if self.fragile < 1:
            raise ConfigError(f"fragile: must be at least 1 session, got {self.fragile}")
        if not self.volatility_halflife > 0:
            raise ConfigError(
                f"volatility_halflife: must be positive, got {self.volatility_halflife}"
            )

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Labels as they stood at the close of `as_of`.

        Parameters
        ----------
        market : DataFrame, shape (n_sessions, n_assets), prices
            See `risk_basket`.
        as_of : Timestamp, optional
            Later rows are not used; None uses all.

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
        from regime.labels.phases import episode_phases

        found: tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int64]] = episode_phases(
            level, unit, float(self.depth), float(self.recover), self.fragile, self.partial
        )
        return found
