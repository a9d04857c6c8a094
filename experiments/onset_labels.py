"""Parked: labels of the onset of a fall, which a forecast predicts and a nowcast does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Integers
from regime.errors import ConfigError
from regime.labels.basket import make_labels
from regime.labels.episodes import EpisodeLabels
from regime.schema import REGIMES, STRESS_CODE, Labels, Regime

__all__ = ["OnsetLabels"]

NEVER = np.iinfo(np.int64).max
CALM = REGIMES.index(Regime.CALM.value)


@dataclass(frozen=True, kw_only=True)
class OnsetLabels:
    """Share of definitions of a fall by which a deleveraging begins within `horizon` sessions.

    A session is positive if the first session of a deleveraging, the one after the peak, is among
    the `horizon` that follow it. The share stands in the column ``deleveraging`` and the rest in
    ``calm``, so that every split, model and score takes onsets as it takes regimes; `fragile` and
    `partial` of the definitions do not matter.

    Parameters
    ----------
    labellers : tuple of EpisodeLabels
        Definitions of a fall, which count equally.
    horizon : int
        Sessions.
    at_risk : bool
        Whether sessions of a deleveraging under way, by any of the definitions, are left out:
        nothing can begin that has begun. If not, they are positive only where another one begins
        within the horizon.

    Examples
    --------
    >>> dates = pd.bdate_range("2020-01-01", periods=400, name="date")
    >>> steps = np.r_[np.tile([1.01, 0.995], 150), np.full(20, 0.98), np.full(80, 1.01)]
    >>> market = pd.DataFrame({"sp500": steps.cumprod()}, index=dates)
    >>> onset = OnsetLabels(labellers=(EpisodeLabels(),))(market)
    >>> onset.weights["deleveraging"].value_counts().to_dict()
    {0.0: 84, 1.0: 21}
    """

    labellers: tuple[EpisodeLabels, ...] = (EpisodeLabels(),)
    horizon: int = 21
    at_risk: bool = True

    def __post_init__(self) -> None:
        if not self.labellers:
            raise ConfigError("labellers: needs at least one")
        if self.horizon < 1:
            raise ConfigError(f"horizon: must be at least 1 session, got {self.horizon}")

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Onsets as they stood at the close of `as_of`.

        Parameters
        ----------
        market : DataFrame, shape (n_sessions, n_assets), prices
            See `risk_basket`.
        as_of : Timestamp, optional
            Later rows are not used; None uses all.

        Returns
        -------
        Labels, shape (n_sessions, 4)
            NaN where a definition is not settled, in the first year, and in a fall under way if
            `at_risk`.

        **Known at:** at the earliest when the horizon is over. A fall is known as one when it has
        become deep enough, its absence when a new high is reached or another fall covers the
        sessions in question; of several definitions the latest counts. `span_end` is the same.
        """
        share = np.zeros(len(market))
        known = np.zeros(len(market), dtype=np.int64)
        for labeller in self.labellers:
            begins, when = self._part(labeller, market, as_of)
            share += begins / len(self.labellers)
            known = np.where((known < 0) | (when < 0), -1, np.maximum(known, when))
        weights = np.zeros((len(market), len(REGIMES)))
        weights[:, STRESS_CODE] = np.minimum(share, 1.0)
        weights[:, CALM] = 1.0 - weights[:, STRESS_CODE]
        return make_labels(weights, known, market.index)

    def _part(
        self, labeller: EpisodeLabels, market: pd.DataFrame, as_of: pd.Timestamp | None
    ) -> tuple[NDArray[np.bool_], Integers]:
        """Whether one begins within the horizon of each row, and when that is known (-1: never)."""
        # One fragile row: with more of them calm rows would be known only that much later.
        labels = replace(labeller, partial=True, fragile=1)(market, as_of)
        falling = labels.weights[REGIMES[STRESS_CODE]].eq(1.0).to_numpy()
        known = np.where(labels.known_at.isna(), NEVER, market.index.searchsorted(labels.known_at))
        begins = falling & ~np.r_[True, falling[:-1]] & (known < NEVER)
        onset_known = _ahead(np.where(begins, known, NEVER), self.horizon, np.minimum, NEVER)
        settled = _ahead(known, self.horizon, np.maximum, NEVER)
        positive = onset_known < NEVER
        over = np.arange(len(market)) + self.horizon
        when = np.maximum.reduce([np.where(positive, onset_known, settled), known, over])
        last = len(market) if as_of is None else int(market.index.searchsorted(as_of, side="right"))
        when[(when >= last) | (falling & self.at_risk)] = -1
        return positive, when


def _ahead(values: Integers, horizon: int, most: np.ufunc, beyond: int) -> Integers:
    """Extreme of the `horizon` rows after each, shape (n,); rows after the last are `beyond`."""
    if not len(values):
        return values
    padded = np.r_[values, np.full(horizon, beyond, dtype=np.int64)]
    windows = np.lib.stride_tricks.sliding_window_view(padded[1:], horizon)
    return np.asarray(most.reduce(windows, axis=1), dtype=np.int64)
