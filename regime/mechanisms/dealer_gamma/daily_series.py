"""Published daily dealer gamma (one dollar number a session, as SqueezeMetrics), made comparable.

The published dollars grow with the index and with the trade in options, so that only signs, ranks
and ratios of them compare over years.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
import pandas as pd

from regime import kernels
from regime.arrays import Floats
from regime.errors import ConfigError
from regime.feature import Feature, FeatureFamily, check_positive
from regime.transforms import change, zscore

__all__ = ["GammaFeatures", "days_since_negative", "gamma_rank", "negative_share", "relative_gamma"]

_jit = nb.njit(cache=True, fastmath=False, error_model="numpy")


def gamma_rank(gex: pd.Series, lookback: int = 252) -> pd.Series:
    """Rank of today's gamma among the last `lookback` sessions, in (0, 1].

    NaN until half of them are there.
    """
    return _like(gex, kernels.rolling_rank(_column(gex), _window(lookback), lookback // 2))


def relative_gamma(gex: pd.Series, lookback: int = 252) -> pd.Series:
    """Gamma over its own mean size, the mean of absolute values of `lookback` sessions.

    Signed, without unit.

    NaN until half of the sessions are there, and where all of them are 0.
    """
    size = _like(gex, kernels.rolling_mean(_column(gex.abs()), _window(lookback), lookback // 2))
    return gex / size.where(size > 0)


def negative_share(gex: pd.Series, lookback: int = 21) -> pd.Series:
    """Share of the last `lookback` sessions with gamma below 0, in [0, 1].

    NaN until half of them are there.
    """
    below = (gex < 0).astype(float).where(gex.notna())
    return _like(gex, kernels.rolling_mean(_column(below), _window(lookback), lookback // 2))


def days_since_negative(gex: pd.Series, cap: int = 252) -> pd.Series:
    """Sessions since gamma was last below 0, 0 on such a session, counted up to a cap.

    Parameters
    ----------
    gex : Series, shape (n_sessions,)
    cap : int
        Largest count, sessions.

    Returns
    -------
    Series, shape (n_sessions,), in [0, cap]
        NaN where today's value is missing, and until a value below 0 or `cap` values have been
        seen.

    **Known at:** row t uses values up to t.
    """
    return _like(gex, _since_negative(_column(gex), _window(cap)))


def _window(lookback: int) -> int:
    if lookback < 2:
        raise ConfigError(f"lookback: must be at least 2 sessions, got {lookback}")
    return lookback


def _column(x: pd.Series) -> Floats:
    return np.ascontiguousarray(x.to_numpy(dtype=float))


def _like(x: pd.Series, values: Floats) -> pd.Series:
    return pd.Series(values, index=x.index)


@_jit
def _since_negative(x: Floats, cap: int) -> Floats:
    out = np.full(x.size, np.nan)
    since = 0
    seen = 0
    begun = False
    for t in range(x.size):
        since += 1
        if np.isnan(x[t]):
            continue
        seen += 1
        if x[t] < 0:
            since, begun = 0, True
        if begun or seen >= cap:
            out[t] = min(since, cap)
    return out


@dataclass(frozen=True, kw_only=True)
class GammaFeatures:
    """Features of dealers' gamma.

    Those short of it sell into falls, so that little of it goes with stress.

    Parameters
    ----------
    lookback : int
        Sessions that make up the usual size, and cap the count since gamma was negative.
    crowding : int
        Sessions over which gamma is ranked (the field's five years).
    month : int
        Sessions over which negative ones are counted.

    Examples
    --------
    >>> [feature.spec.name for feature in GammaFeatures().features()][:2]
    ['positioning_gex_rank_1260', 'positioning_gex_relative_252']
    """

    lookback: int = 252
    crowding: int = 1260
    month: int = 21

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make = FeatureFamily("positioning", "dealer gamma")
        days = self.lookback
        return (
            make(
                "gex_rank",
                self.crowding,
                -1,
                ("gex",),
                lambda v: gamma_rank(v["gex"], self.crowding),
            ),
            make("gex_relative", days, -1, ("gex",), lambda v: relative_gamma(v["gex"], days)),
            make(
                "gex_change", 5, -1, ("gex",), lambda v: change(relative_gamma(v["gex"], days), 5)
            ),
            make(
                "gex_negative_share",
                self.month,
                1,
                ("gex",),
                lambda v: negative_share(v["gex"], self.month),
            ),
            make(
                "gex_days_since_negative", days, -1, ("gex",), lambda v: _calm_share(v["gex"], days)
            ),
            # Buying in the dark is strong in both dips and calm markets: theory gives no sign for a
            # nowcast.
            make("dix_zscore", days, 0, ("dix",), lambda v: zscore(v["dix"], days)),
        )


def _calm_share(gex: pd.Series, cap: int) -> pd.Series:
    """Log of sessions since a negative one over the log of the cap, in [0, 1].

    The first days count most.
    """
    return np.log1p(days_since_negative(gex, cap)) / np.log1p(cap)
