"""The long end and housing.

Whether long money becomes dear, for which reason, and whether mortgages follow.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.feature import Feature, FeatureFamily, check_positive
from regime.mechanisms.base import (
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
    Numbers,
)
from regime.mechanisms.number_formats import BASIS_POINTS, LEVEL, SCORE
from regime.schema import MONTH, QUARTER, WEEK, YEAR
from regime.transforms import (
    change,
    last_value,
    mean_of_known,
    panel_columns,
    rolling_percentile,
    saturate,
    scaled_change,
)

__all__ = [
    "INPUTS",
    "PARTS",
    "LongEnd",
    "LongEndFeatures",
    "bear_steepening",
    "bull_steepening",
    "curve_states",
    "mortgage_spread",
    "rate_volatility",
]

INPUTS = ("dgs2", "dgs10", "dgs30", "mortgage30", "move")
PARTS = ("level", "bear_steepening", "mortgage", "rate_volatility")
PERCENT = 100.0  # basis points of a percent
CURVE = ("dgs30", "dgs2")
HOUSING = ("mortgage30", "dgs10")


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
    """30-year mortgage rate less the 10-year yield of the week of the survey, percentage points.

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
class LongEndFeatures:
    """Features of dear long money. The term premium is left out.

    Its history is of one vintage, revised.

    Parameters
    ----------
    lookback : int
        Sessions of moves (a quarter).
    short : int
        Sessions of fast moves (a month).
    memory : int
        Sessions of ranks (five years).

    Examples
    --------
    >>> [feature.spec.name for feature in LongEndFeatures().features()][:2]
    ['liquidity_rate10_shock_21', 'liquidity_rate30_shock_63']
    """

    lookback: int = 63
    short: int = 21
    memory: int = 1260

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make = FeatureFamily("liquidity", "long end and housing")
        days = self.lookback
        years = self.memory
        strain = LongEnd()
        return (
            make(
                "rate10_shock",
                self.short,
                1,
                ("dgs10",),
                lambda v: scaled_change(v["dgs10"], self.short),
            ),
            make("rate30_shock", days, 1, ("dgs30",), lambda v: scaled_change(v["dgs30"], days)),
            make(
                "bear_steepening_score",
                self.short,
                1,
                CURVE,
                lambda v: bear_steepening(v, self.short),
            ),
            make("bull_steepening_score", days, 1, CURVE, lambda v: bull_steepening(v, days)),
            make(
                "mortgage_spread_rank",
                years,
                1,
                HOUSING,
                lambda v: rolling_percentile(mortgage_spread(v), years),
            ),
            make(
                "mortgage_shock_rank",
                years,
                1,
                ("mortgage30",),
                lambda v: rolling_percentile(change(v["mortgage30"], 252), years),
            ),
            make(
                "rate_volatility_rank",
                years,
                1,
                ("move",),
                lambda v: rolling_percentile(v["move"], years),
            ),
            make("long_end_strain", days, 1, INPUTS, strain.score),
        )


@dataclass(frozen=True, kw_only=True)
class LongEnd(Mechanism):
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
    >>> nothing = pd.DataFrame(index=pd.DatetimeIndex(["2024-01-02"], name="date"))
    >>> LongEnd()(nothing).reason
    'the 10-year yield is not known'
    """

    key = "long_end"
    title = "Long end"
    group = "Liquidity and long money"
    inputs = (*INPUTS, "term_premium")
    revised = ("term_premium",)
    family = LongEndFeatures
    numbers = (
        KeyNumber("score", "score", SCORE),
        KeyNumber("ten_year.change_63_bp", "10-year, quarter, bp", BASIS_POINTS),
        KeyNumber("thirty_year.change_63_bp", "30-year, quarter, bp", BASIS_POINTS),
        KeyNumber("curve.state", "curve", str),
        KeyNumber("mortgage.spread_points", "mortgage spread, points", SCORE),
        KeyNumber("move.level", "MOVE", LEVEL),
    )
    chart = Chart(
        "Score",
        ".1f",
        {
            "score": "Strain",
            "bear_steepening": "Bear steepening",
            "rate_volatility": "Volatility of rates",
        },
    )

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
                "level": saturate(scaled_change(v["dgs10"], QUARTER), self.full_move),
                "bear_steepening": saturate(bear_steepening(v), self.full_move),
                "mortgage": saturate(scaled_change(mortgage_spread(v), QUARTER), self.full_move),
                "rate_volatility": saturate(rate_volatility(v), self.full_volatility),
            }
        )

    def score(self, values: pd.DataFrame) -> pd.Series:
        """Mean of the known parts, shape (n_sessions,), in [0, 1].

        NaN where fewer than `minimum` are known.

        **Known at:** row t uses rows up to t.
        """
        table = self.parts(values)
        return mean_of_known({name: table[name] for name in PARTS}, self.minimum)

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of, term_premium=view.histories.get("term_premium"))

    def __call__(
        self,
        values: pd.DataFrame,
        as_of: pd.Timestamp | None = None,
        *,
        term_premium: pd.Series | None = None,
    ) -> MechanismReading | NoReading:
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
        MechanismReading or NoReading
            NoReading without a 10-year yield.
        """
        v = panel_columns(values, INPUTS, as_of)
        if v.empty or np.isnan(last_value(v["dgs10"])):
            return NoReading(name="long_end", reason="the 10-year yield is not known")
        parts = self.parts(v)
        score = mean_of_known({name: parts[name] for name in PARTS}, self.minimum)
        numbers: Numbers = {
            "state": self._state(last_value(score)),
            "score": last_value(score),
            "parts": {name: last_value(parts[name]) for name in PARTS},
            "ten_year": _yield(v["dgs10"]),
            "thirty_year": _yield(v["dgs30"]),
            "curve": _curve(v),
            "term_premium": _premium(term_premium),
            "mortgage": _mortgage(v),
            "move": {
                "level": last_value(v["move"]),
                "deviation": last_value(rate_volatility(v)),
                "percentile": last_value(rolling_percentile(v["move"], 5 * YEAR)),
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
        f"change_{days}_bp": last_value(level.diff(days), PERCENT)
        for days in (WEEK, MONTH, QUARTER)
    }
    return {
        "percent": last_value(level),
        **changes,
        "scaled_change_63": last_value(scaled_change(level, QUARTER)),
    }


def _curve(v: pd.DataFrame) -> Numbers:
    state, month = (curve_states(v, days).iloc[-1] for days in (QUARTER, MONTH))
    return {
        "state": state if isinstance(state, str) else None,
        "state_21": month if isinstance(month, str) else None,
        "slope_30_2_points": last_value(v["dgs30"] - v["dgs2"]),
        "bear_steepening": last_value(bear_steepening(v)),
        "bull_steepening": last_value(bull_steepening(v)),
    }


def _premium(history: pd.Series | None) -> Numbers:
    """Level and change inside one vintage, which in the past knows a little of the future."""
    if history is None or history.empty:
        return {"percent": None, "change_63_points": None, "vintage": None}
    return {
        "percent": last_value(history),
        "change_63_points": last_value(history.diff(QUARTER)),
        "vintage": "one, revised",
    }


def _mortgage(v: pd.DataFrame) -> Numbers:
    spread = mortgage_spread(v)
    return {
        "rate_percent": last_value(v["mortgage30"]),
        "spread_points": last_value(spread),
        "spread_percentile": last_value(rolling_percentile(spread, 5 * YEAR)),
        "spread_change_63_points": last_value(spread.diff(QUARTER)),
        "rate_change_52w_points": last_value(v["mortgage30"].diff(YEAR)),
    }


def _sentence(numbers: Numbers) -> str:
    """State, curve, mortgages and volatility, of what is known."""
    ten = numbers["ten_year"]
    mortgage = numbers["mortgage"]
    move = numbers["move"]
    state = numbers["state"] or "not to be judged (too few parts are known)"
    clauses = [
        f"The long end is {state}" + (f", score {numbers['score']:.2f}" if numbers["state"] else "")
    ]
    if not np.isnan(ten["change_63_bp"]):
        clauses.append(
            f"the 10-year at {ten['percent']:.2f} % has moved by {ten['change_63_bp']:+.0f} bp in "
            "a quarter" + (f", a {numbers['curve']['state']}" if numbers["curve"]["state"] else "")
        )
    if not np.isnan(mortgage["spread_points"]):
        clauses.append(f"mortgages cost {mortgage['spread_points']:.2f} points more")
    if not np.isnan(move["deviation"]):
        clauses.append(
            f"the volatility of rates is {abs(np.expm1(move['deviation'])):.0%} "
            f"{'above' if move['deviation'] > 0 else 'below'} its mean of a year"
        )
    return "; ".join(clauses) + "."
