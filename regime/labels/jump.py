"""Soft labels from statistical jump models, averaged over penalties and windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.errors import ConfigError
from regime.jump_model import fit_jump_model, jump_features, standardise
from regime.labels.basket import check_fall, known_market, make_labels, risk_basket
from regime.labels.episodes import spell_phases
from regime.schema import REGIMES, Labels

__all__ = ["JumpModelLabels"]

VOLATILITY_HALFLIFE = 252  # sessions, of the basket's scaling


@dataclass(frozen=True, kw_only=True)
class JumpModelLabels:
    """Share of jump models that put each session into each regime.

    Each pair of a penalty and a window gives one hard path. Its worst state, the one of lowest mean
    return, is deleveraging; fragile is the `fragile` sessions before it; recovery follows it until
    `recover` of the fall is regained; all else is calm. A pair votes only on the rows of its
    window.

    Parameters
    ----------
    penalties : tuple of float
        Cost of a change of state.
    windows : tuple of (float or None)
        Years of history of each fit, counted back from `as_of`; None is all.
    n_states : int
    recover : float
        Share of the fall in log terms, in (0, 1].
    fragile : int
        Sessions.
    core_weight : float
        Weight of the S&P 500 in the basket that is labelled, in (0, 1]; 1 is the S&P 500 alone.
    n_init, seed : int
        Starts of each fit.

    Examples
    --------
    >>> dates = pd.bdate_range("2018-01-01", periods=900, name="date")
    >>> drift = np.where(np.arange(900) % 300 < 250, 0.001, -0.01)
    >>> noise = np.random.default_rng(7).normal(0, 0.005, 900)
    >>> market = pd.DataFrame({"sp500": np.exp((drift + noise).cumsum())}, index=dates)
    >>> weights = JumpModelLabels()(market, dates[-1]).weights
    >>> weights["deleveraging"].iloc[[200, 290, 420, 590]].round(2).tolist()
    [0.0, 1.0, 0.0, 1.0]
    """

    penalties: tuple[float, ...] = (20.0, 50.0, 100.0)
    windows: tuple[float | None, ...] = (None, 30.0, 20.0)
    n_states: int = 2
    recover: float = 0.5
    fragile: int = 21
    core_weight: float = 1.0
    n_init: int = 5
    seed: int = 7

    def __post_init__(self) -> None:
        for name in ("penalties", "windows"):
            values = getattr(self, name)
            if not values or not all(value is None or value > 0 for value in values):
                raise ConfigError(f"{name}: needs at least one value, all positive, got {values}")
        if None in self.penalties:
            raise ConfigError(f"penalties: a penalty is a number, got {self.penalties}")
        check_fall(recover=self.recover, fragile=self.fragile, core_weight=self.core_weight)
        for name, low in (("n_states", 2), ("n_init", 1), ("seed", 0)):
            if getattr(self, name) < low:
                raise ConfigError(f"{name}: must be at least {low}, got {getattr(self, name)}")

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Labels fitted on the rows up to `as_of`; arguments as for `Labeller`.

        Returns
        -------
        Labels, shape (n_sessions, 4), soft weights
            NaN before the first valid feature, after `as_of`, where no window reaches, and in the
            last `fragile` sessions where a model has not yet seen whether calm is calm.

        **Known at:** `as_of`, all rows; so is `span_end`: a smoothed state rests on the whole
        sample.
        """
        known = known_market(market, as_of)
        returns = risk_basket(known, core_weight=self.core_weight, halflife=VOLATILITY_HALFLIFE)
        features = jump_features(returns).to_numpy()
        valid = np.isfinite(features).all(axis=1)
        first = int(valid.argmax()) if valid.any() else len(valid)
        votes = np.zeros((len(known), len(REGIMES)))
        unsure = np.zeros(len(known), dtype=bool)
        for window in self.windows:
            begin = max(first, _window_start(known.index, window))
            for codes in self._paths(features[begin:], returns.to_numpy()[begin:]):
                votes[begin:] += np.eye(len(REGIMES))[codes] * (codes >= 0)[:, None]
                unsure[begin:] |= codes < 0
        total = votes.sum(axis=1)
        when = np.where((total > 0) & ~unsure, len(known) - 1, -1)
        return make_labels(votes / np.maximum(total, 1)[:, None], when, market.index)

    def _paths(
        self, features: NDArray[np.float64], returns: NDArray[np.float64]
    ) -> list[NDArray[np.int8]]:
        """Regime codes of each penalty over one window.

        None if the window is too short to hold the states.
        """
        if len(features) < 10 * self.n_states:
            return []
        X = standardise(features)
        level = returns.cumsum()
        paths = []
        for penalty in self.penalties:
            model = fit_jump_model(
                X, n_states=self.n_states, penalty=penalty, seed=self.seed, n_init=self.n_init
            )
            worst = model.sorted_by(returns).labels == 0
            paths.append(spell_phases(worst, level, self.fragile, float(self.recover)))
        return paths


def _window_start(index: pd.DatetimeIndex, years: float | None) -> int:
    """Position of the first session within `years` of the last one."""
    if years is None or not len(index):
        return 0
    return int(
        index.searchsorted(index[-1] - pd.Timedelta(days=round(years * 365.25)), side="right")
    )
