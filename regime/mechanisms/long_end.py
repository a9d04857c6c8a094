"""The long end and housing.

Whether long money becomes dear, for which reason, and whether mortgages follow.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.gauges import (
    composite,
    fill_up,
    newest,
    panel_columns,
    percentile,
    scaled_change,
)
from regime.mechanisms.reading import Absent, MechanismReading
from regime.sessions import MONTH, QUARTER, WEEK, YEAR

__all__ = [
    "INPUTS",
    "PARTS",
    "LongEnd",
    "bear_steepening",
    "bull_steepening",
    "curve_states",
    "mortgage_spread",
    "rate_volatility",
]

INPUTS = ("dgs2", "dgs10", "dgs30", "mortgage30", "move")
PARTS = ("level", "bear_steepening", "mortgage", "rate_volatility")
PERCENT = 100.0  # basis points of a percent
Numbers = dict[str, Any]


def curve_states(values: pd.DataFrame, lookback: int = QUARTER) -> pd.Series:
    """Which way the curve has moved.

    Bear (long yields up) or bull, steepening (30 over 2 years wider) or flattening.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns dgs2, dgs30, percent.
    lookback : int
        Sessions of the move.

    Returns
    -------
    Series of str, shape (n_sessions,)
        The direction is that of the 30-year, of which there was none from 2002 to 2006. Missing
        where a yield is unknown, or where nothing moved.

    **Known at:** row t uses rows up to t; yields are those of the business day before.
    """
    rise, wider = values["dgs30"].diff(lookback), (values["dgs30"] - values["dgs2"]).diff(lookback)
    names = np.where(rise > 0, "bear ", "bull ").astype(object) + np.where(
        wider > 0, "steepening", "flattening"
    )
    known = rise.notna() & wider.notna() & ((rise != 0) | (wider != 0))
    return pd.Series(names, values.index, dtype=object).where(known)


def bear_steepening(values: pd.DataFrame, lookback: int = QUARTER) -> pd.Series:
    """Rise of long yields that steepens the curve, in volatilities.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns dgs2, dgs30, percent.
    lookback : int
        Sessions of the move.

    Returns
    -------
    Series, shape (n_sessions,)
        The lesser of the scaled rise of the long yield and of its distance to 2 years; 0 unless
        both rose.

    **Known at:** row t uses rows up to t.
    """
    return _both(values["dgs30"], values["dgs30"] - values["dgs2"], lookback)


def bull_steepening(values: pd.DataFrame, lookback: int = QUARTER) -> pd.Series:
    """Fall of 2-year yields that steepens the curve, in volatilities.

    Cuts are priced in, money flees to the front.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns dgs2, dgs30, percent.
    lookback : int
        Sessions of the move.

    Returns
    -------
    Series, shape (n_sessions,)
        The lesser of the scaled fall of 2 years and of the steepening; 0 unless both.

    **Known at:** row t uses rows up to t.
    """
    return _both(-values["dgs2"], values["dgs30"] - values["dgs2"], lookback)


def mortgage_spread(values: pd.DataFrame) -> pd.Series:
    """30-year mortgage rate less the 10-year yield averaged over the week of the survey, percentage points.

    **Known at:** row t uses rows up to t; the survey comes on Thursday.
    """
    return values["mortgage30"] - values["dgs10"].rolling(WEEK, min_periods=3).mean()


def rate_volatility(values: pd.DataFrame) -> pd.Series:
    """Log distance of the MOVE to its own mean of a year, shape (n_sessions,).

    **Known at:** row t uses rows up to t; the MOVE is that of the session before, without the days
    known to be stale.
    """
    logs = pd.Series(np.log(values["move"].where(values["move"] > 0)), values.index)
    return logs - logs.rolling(YEAR, min_periods=YEAR // 2).mean()


@dataclass(frozen=True, kw_only=True)
class LongEnd:
    """Whether long money strains: dear yields, a bear steepening, wide mortgages, volatile rates.

    The score is the mean of the known parts in [0, 1]: the rise of the 10-year, the bear steepening
    and the widening of mortgages in volatilities of a quarter, and the MOVE against its own year.
    The term premium is reported beside it from one vintage and not scored, because it is estimated
    again every time.

    Parameters
    ----------
    full_move : float
        Move, in volatilities, that fills a part.
    full_volatility : float
        Log distance of the MOVE to its mean that fills its part.
    rising, strained : float
        Scores from which the state is called so.
    minimum : int
        Parts that a score needs.

    Examples
    --------
    >>> LongEnd()(pd.DataFrame(index=pd.DatetimeIndex(["2024-01-02"], name="date"))).to_dict()["reason"]
    'the 10-year yield is not known'
    """

    full_move: float = 2.0
    full_volatility: float = 0.5
    rising: float = 0.25
    strained: float = 0.5
    minimum: int = 3

    def __post_init__(self) -> None:
        faults = [
            f"{field.name}: must be positive, got {getattr(self, field.name)}"
            for field in fields(self)
            if not getattr(self, field.name) > 0
        ]
        if not self.rising < self.strained <= 1.0:
            faults.append(
                f"strained: must lie above rising = {self.rising:g} and not above 1, got "
                f"{self.strained}"
            )
        if self.minimum > len(PARTS):
            faults.append(f"minimum: must not exceed the {len(PARTS)} parts, got {self.minimum}")
        if faults:
            raise ConfigError(faults)

    def parts(self, values: pd.DataFrame) -> pd.DataFrame:
        """Parts of the score, shape (n_sessions, 4), each in [0, 1]; NaN where unknown.

        **Known at:** row t uses rows up to t.
        """
        v = panel_columns(values, INPUTS)
        return pd.DataFrame(
            {
                "level": fill_up(scaled_change(v["dgs10"], QUARTER), self.full_move),
                "bear_steepening": fill_up(bear_steepening(v), self.full_move),
                "mortgage": fill_up(scaled_change(mortgage_spread(v), QUARTER), self.full_move),
                "rate_volatility": fill_up(rate_volatility(v), self.full_volatility),
            }
        )

    def score(self, values: pd.DataFrame) -> pd.Series:
        """Mean of the known parts, shape (n_sessions,), in [0, 1].

        NaN where fewer than `minimum` are known.

        **Known at:** row t uses rows up to t.
        """
        table = self.parts(values)
        return composite({name: table[name] for name in PARTS}, self.minimum)

    def __call__(
        self,
        values: pd.DataFrame,
        as_of: pd.Timestamp | None = None,
        *,
        term_premium: pd.Series | None = None,
    ) -> MechanismReading | Absent:
        """Reading at a decision date.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; columns of `INPUTS`, of which all but the 10-year yield may be
            missing.
        as_of : Timestamp, optional
            Decision date; the last row by default.
        term_premium : Series, shape (n_periods,), percent, optional
            By period, all of one vintage: as known at `as_of`. A change across vintages would be
            none of the market.

        Returns
        -------
        MechanismReading or Absent
            Absent without a 10-year yield.
        """
        v = panel_columns(values, INPUTS, as_of)
        if v.empty or np.isnan(newest(v["dgs10"])):
            return Absent(name="long_end", reason="the 10-year yield is not known")
        parts = self.parts(v)
        score = composite({name: parts[name] for name in PARTS}, self.minimum)
        numbers: Numbers = {
            "state": self._state(newest(score)),
            "score": newest(score),
            "parts": {name: newest(parts[name]) for name in PARTS},
            "ten_year": _yield(v["dgs10"]),
            "thirty_year": _yield(v["dgs30"]),
            "curve": _curve(v),
            "term_premium": _premium(term_premium),
            "mortgage": _mortgage(v),
            "move": {
                "level": newest(v["move"]),
                "deviation": newest(rate_volatility(v)),
                "percentile": newest(percentile(v["move"], 5 * YEAR)),
            },
        }
        history = parts.assign(
            score=score, mortgage_spread=mortgage_spread(v), dgs10=v["dgs10"], dgs30=v["dgs30"]
        )
        return MechanismReading(
            name="long_end", sentence=_sentence(numbers), values=numbers, history=history
        )

    def _state(self, score: float) -> str | None:
        if np.isnan(score):
            return None
        return (
            "strained" if score >= self.strained else "rising" if score >= self.rising else "quiet"
        )


def _both(first: pd.Series, second: pd.Series, lookback: int) -> pd.Series:
    two = pd.concat([scaled_change(first, lookback), scaled_change(second, lookback)], axis=1)
    return two.min(axis=1, skipna=False).clip(lower=0.0)


def _yield(level: pd.Series) -> Numbers:
    changes = {
        f"change_{days}_bp": newest(level.diff(days), PERCENT) for days in (WEEK, MONTH, QUARTER)
    }
    return {
        "percent": newest(level),
        **changes,
        "scaled_change_63": newest(scaled_change(level, QUARTER)),
    }


def _curve(v: pd.DataFrame) -> Numbers:
    state, month = (curve_states(v, days).iloc[-1] for days in (QUARTER, MONTH))
    return {
        "state": state if isinstance(state, str) else None,
        "state_21": month if isinstance(month, str) else None,
        "slope_30_2_points": newest(v["dgs30"] - v["dgs2"]),
        "bear_steepening": newest(bear_steepening(v)),
        "bull_steepening": newest(bull_steepening(v)),
    }


def _premium(history: pd.Series | None) -> Numbers:
    """Level and change inside one vintage, which in the past knows a little of the future."""
    if history is None or history.empty:
        return {"percent": None, "change_63_points": None, "vintage": None}
    return {
        "percent": newest(history),
        "change_63_points": newest(history.diff(QUARTER)),
        "vintage": "one, revised",
    }


def _mortgage(v: pd.DataFrame) -> Numbers:
    spread = mortgage_spread(v)
    return {
        "rate_percent": newest(v["mortgage30"]),
        "spread_points": newest(spread),
        "spread_percentile": newest(percentile(spread, 5 * YEAR)),
        "spread_change_63_points": newest(spread.diff(QUARTER)),
        "rate_change_52w_points": newest(v["mortgage30"].diff(YEAR)),
    }


def _sentence(numbers: Numbers) -> str:
    """State, curve, mortgages and volatility, of what is known."""
    ten, mortgage, move = numbers["ten_year"], numbers["mortgage"], numbers["move"]
    state = numbers["state"] or "not to be judged (too few parts are known)"
    told = [
        f"The long end is {state}" + (f", score {numbers['score']:.2f}" if numbers["state"] else "")
    ]
    if not np.isnan(ten["change_63_bp"]):
        told.append(
            f"the 10-year at {ten['percent']:.2f} % has moved by {ten['change_63_bp']:+.0f} bp in "
            "a quarter" + (f", a {numbers['curve']['state']}" if numbers["curve"]["state"] else "")
        )
    if not np.isnan(mortgage["spread_points"]):
        told.append(f"mortgages cost {mortgage['spread_points']:.2f} points more")
    if not np.isnan(move["deviation"]):
        told.append(
            f"the volatility of rates is {abs(np.expm1(move['deviation'])):.0%} "
            f"{'above' if move['deviation'] > 0 else 'below'} its mean of a year"
        )
    return "; ".join(told) + "."
