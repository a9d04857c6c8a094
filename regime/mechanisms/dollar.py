"""The dollar.

Whether everything is sold for it, whether it is fled, and whether the yen carry trade comes off.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from regime import kernels
from regime.errors import ConfigError
from regime.mechanisms.gauges import change_scale, newest, panel_columns, percentile, scaled_move
from regime.mechanisms.reading import Absent, MechanismReading
from regime.sessions import MONTH, YEAR

__all__ = [
    "INPUTS",
    "MOMENTUM",
    "DollarStress",
    "carry_unwind",
    "correlation_flips",
    "dash_for_dollars",
    "debasement",
    "distance_to_extreme",
    "equity_correlation",
    "yen_volatility",
]

INPUTS = ("dollar_index", "sp500", "eem", "copper", "hyg", "gold", "usdjpy", "fxy")
RISK = ("sp500", "eem", "copper", "hyg")
MOMENTUM = (21, 63, 126, 252)  # sessions
BAND = 0.1  # a correlation inside it has no sign of its own
Numbers = dict[str, Any]


def dash_for_dollars(values: pd.DataFrame, speeds: tuple[int, ...] = (5, 10, 21)) -> pd.Series:
    """Dollar up while risk assets and gold fall, in volatilities.

    The least of these at the clearest speed.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns of `INPUTS`; equities are needed, of the other risk assets those that are known are
        averaged in.
    speeds : tuple of int
        Sessions of the moves.

    Returns
    -------
    Series, shape (n_sessions,)
        0 where they do not all agree; NaN without the dollar, equities or gold.

    **Known at:** row t uses rows up to t; the dollar is that of the session before.
    """
    assets = [name for name in ("dollar_index", "gold", *RISK) if name in values]
    logs = pd.DataFrame({name: _logs(values[name]) for name in assets})
    daily = pd.DataFrame({name: change_scale(logs[name], 1) for name in assets})
    return pd.concat(
        [_least(logs.diff(days) / (daily * np.sqrt(days))) for days in speeds], axis=1
    ).max(axis=1, skipna=False)


def debasement(values: pd.DataFrame, lookback: int = 504) -> pd.Series:
    """Dollar at a low while gold is at a high.

    The lesser of the two ranks, shape (n_sessions,), in [0, 1].

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns dollar_index, gold.
    lookback : int
        Sessions of the ranks.

    Returns
    -------
    Series, shape (n_sessions,)
        1 if the dollar is at its lowest and gold at its highest; NaN until half of the lookback.

    **Known at:** row t uses rows up to t.
    """
    low, high = (
        1.0 - percentile(values["dollar_index"], lookback),
        percentile(values["gold"], lookback),
    )
    return low.where(low < high, high).where(low.notna() & high.notna())


def distance_to_extreme(price: pd.Series, lookback: int, sign: int) -> pd.Series:
    """Log distance to the highest (`sign` 1, <= 0) or lowest (`sign` -1, >= 0) price of `lookback` sessions.

    Parameters
    ----------
    price : Series, shape (n_sessions,)
    lookback : int
        Sessions.
    sign : int
        1 or -1.

    Returns
    -------
    Series, shape (n_sessions,), fraction
        NaN until half of the lookback.

    **Known at:** row t uses rows up to t.
    """
    logs = _logs(price)
    column = np.ascontiguousarray(logs.to_numpy(dtype=float))
    return logs - pd.Series(
        kernels.rolling_extreme(column, lookback, lookback // 2, sign), price.index
    )


def equity_correlation(values: pd.DataFrame, lookback: int = 63) -> pd.Series:
    """Exponential correlation of daily changes of dollar and equities, of the same days.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns dollar_index, sp500.
    lookback : int
        Sessions that it needs; its halflife is half of that.

    Returns
    -------
    Series, shape (n_sessions,), in [-1, 1]

    **Known at:** row t uses rows up to t: the dollar of session t - 1, which is known at t, and
    equities of t - 1.
    """
    pair = np.column_stack(
        [_logs(values["dollar_index"]).diff(), _logs(values["sp500"]).diff().shift(1)]
    )
    return pd.Series(
        kernels.mean_correlation(np.ascontiguousarray(pair), lookback / 2, lookback), values.index
    )


def correlation_flips(values: pd.DataFrame, lookback: int = 63, band: float = BAND) -> pd.DataFrame:
    """Sign of the correlation with equities, which must cross a band around 0 to change, and sessions since it did.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns dollar_index, sp500.
    lookback : int
        Sessions, as in `equity_correlation`.
    band : float
        Half its width.

    Returns
    -------
    DataFrame, shape (n_sessions, 2)
        Columns sign (1 or -1; NaN until the band is first left) and age, in sessions, of that sign.

    **Known at:** row t uses rows up to t.
    """
    correlation = equity_correlation(values, lookback)
    sign = pd.Series(
        np.sign(correlation.where(correlation.abs() > band)), correlation.index
    ).ffill()
    place = pd.Series(np.arange(len(sign), dtype=float), sign.index)
    turned = place.where(sign.notna() & (sign != sign.shift(1)))
    return pd.DataFrame({"sign": sign, "age": place - turned.ffill()})


def carry_unwind(values: pd.DataFrame, lookback: int = 5) -> pd.Series:
    """Rise of the yen over a few sessions in its own volatilities, shape (n_sessions,).

    From the fund, on its day.

    **Known at:** row t uses rows up to t.
    """
    return scaled_move(values["fxy"], lookback)


def yen_volatility(values: pd.DataFrame) -> pd.Series:
    """Log ratio of the yen's volatility of a fortnight to that of a year, shape (n_sessions,).

    NaN before the fund.

    **Known at:** row t uses rows up to t.
    """
    daily = np.ascontiguousarray(_logs(values["fxy"]).diff().to_numpy(dtype=float))
    fast, slow = kernels.ewm_std(daily, 10.0, MONTH), kernels.ewm_std(daily, float(YEAR), MONTH)
    known = (fast > 0) & (slow > 0)
    return pd.Series(
        np.log(np.where(known, fast, np.nan) / np.where(known, slow, np.nan)), values.index
    )


@dataclass(frozen=True, kw_only=True)
class DollarStress:
    """What the dollar says about who is short of it, and the yen about who has borrowed it.

    Parameters
    ----------
    extreme : int
        Sessions of highs, lows and ranks (two years).
    dash, severe_dash : float
        Scores, in volatilities, from which a dash is called one, and a severe one.
    debased : float
        Rank from which the dollar counts as fled for gold.
    unwinding : float
        Rise of the yen, in volatilities, from which the carry trade counts as coming off: over 5
        sessions by the fund, or over 21 by the H.10 rate.

    Examples
    --------
    >>> DollarStress()(pd.DataFrame(index=pd.DatetimeIndex(["2024-01-02"], name="date"))).to_dict()["reason"]
    'the dollar index is not known'
    """

    extreme: int = 504
    dash: float = 0.5
    severe_dash: float = 1.5
    debased: float = 0.8
    unwinding: float = 2.0

    def __post_init__(self) -> None:
        faults = [
            f"{field.name}: must be positive, got {getattr(self, field.name)}"
            for field in fields(self)
            if not getattr(self, field.name) > 0
        ]
        if not self.dash < self.severe_dash:
            faults.append(
                f"severe_dash: must be above dash = {self.dash:g}, got {self.severe_dash}"
            )
        if faults:
            raise ConfigError(faults)

    def __call__(
        self,
        values: pd.DataFrame,
        as_of: pd.Timestamp | None = None,
        *,
        broad: pd.Series | None = None,
    ) -> MechanismReading | Absent:
        """Reading at a decision date.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; columns of `INPUTS`, of which all but the dollar index may be
            missing.
        as_of : Timestamp, optional
            Decision date; the last row by default.
        broad : Series, shape (n_days,), optional
            Trade-weighted dollar by day, all of one vintage, as known at `as_of`: its weights are
            revised.

        Returns
        -------
        MechanismReading or Absent
            Absent without a dollar index.
        """
        v = panel_columns(values, INPUTS, as_of)
        if v.empty or np.isnan(newest(v["dollar_index"])):
            return Absent(name="dollar", reason="the dollar index is not known")
        dash, rank = dash_for_dollars(v), debasement(v, self.extreme)
        correlation = equity_correlation(v)
        numbers: Numbers = {
            "dash": self._dash(newest(dash)),
            "debasement": {"score": newest(rank), "state": _at_least(newest(rank), self.debased)},
            "dollar": self._level(v["dollar_index"]),
            "momentum": {
                str(days): newest(scaled_move(v["dollar_index"], days)) for days in MOMENTUM
            },
            "carry": self._carry(v),
            "equity_correlation": _correlation(v, correlation),
            "broad": _broad(broad),
        }
        history = pd.DataFrame(
            {
                "dollar_index": v["dollar_index"],
                "dash": dash,
                "debasement": rank,
                "equity_correlation": correlation,
            }
        )
        return MechanismReading(
            name="dollar", sentence=_sentence(numbers), values=numbers, history=history
        )

    def _dash(self, score: float) -> Numbers:
        state = (
            None
            if np.isnan(score)
            else (
                "severe" if score >= self.severe_dash else "dash" if score >= self.dash else "none"
            )
        )
        return {"score": score, "state": state}

    def _level(self, index: pd.Series) -> Numbers:
        to_high, to_low = (
            newest(distance_to_extreme(index, self.extreme, sign)) for sign in (1, -1)
        )
        at = "high" if to_high == 0 else "low" if to_low == 0 else None
        return {
            "index": newest(index),
            "percentile": newest(percentile(index, self.extreme)),
            "to_high": to_high,
            "to_low": to_low,
            "at_extreme": at,
        }

    def _carry(self, v: pd.DataFrame) -> Numbers:
        slow, fast = newest(scaled_move(v["usdjpy"], MONTH)), newest(carry_unwind(v))
        off = fast >= self.unwinding or slow <= -self.unwinding
        state = None if np.isnan(slow) and np.isnan(fast) else "unwinding" if off else "quiet"
        return {
            "state": state,
            "usdjpy": newest(v["usdjpy"]),
            "usdjpy_move_21": slow,
            "yen_fund_move_5": fast,
            "yen_volatility": newest(yen_volatility(v)),
        }


def _least(moves: pd.DataFrame) -> pd.Series:
    """Least of the dollar's rise and of the falls of equities, of risk assets on average and of gold, floored at 0."""
    risk = moves[[name for name in RISK if name in moves]]
    fall = -sum(
        (risk[name].fillna(0.0) for name in risk), pd.Series(0.0, moves.index)
    ) / risk.notna().sum(axis=1)
    four = pd.concat([moves["dollar_index"], fall, -moves["sp500"], -moves["gold"]], axis=1)
    return four.min(axis=1, skipna=False).clip(lower=0.0)


def _correlation(v: pd.DataFrame, correlation: pd.Series) -> Numbers:
    state = correlation_flips(v)
    sign, turned = newest(state["sign"]), state["age"].eq(0) & state["sign"].shift(1).notna()
    return {
        "value": newest(correlation),
        "sign": None if np.isnan(sign) else int(sign),
        "sessions_since_flip": newest(state["age"]),
        "flips_in_a_year": int(turned.iloc[-YEAR:].sum()),
    }


def _broad(history: pd.Series | None) -> Numbers:
    if history is None or history.empty:
        return {"index": None, "move_63": None, "vintage": None}
    return {
        "index": newest(history),
        "move_63": newest(scaled_move(history, 63)),
        "vintage": "one, revised",
    }


def _at_least(value: float, level: float) -> bool | None:
    return None if np.isnan(value) else value >= level


def _logs(price: pd.Series) -> pd.Series:
    return pd.Series(np.log(price.where(price > 0)), price.index)


def _sentence(numbers: Numbers) -> str:
    """Dash, debasement, level and carry, of what is known."""
    dash, level, carry = numbers["dash"], numbers["dollar"], numbers["carry"]
    words = {
        "none": "No dash for dollars",
        "dash": "A dash for dollars: risk assets and gold are sold for them",
        "severe": "A severe dash for dollars: risk assets and gold are sold for them",
        None: "Whether there is a dash for dollars is not known",
    }
    told = [words[dash["state"]]]
    if not np.isnan(level["percentile"]):
        told.append(
            f"the index is higher than on {100 * level['percentile']:.0f} % of the days of two "
            "years"
        )
    if numbers["debasement"]["state"]:
        told.append("the dollar is low while gold is high, a flight from it")
    if carry["state"] == "unwinding":
        told.append("the yen carry trade comes off")
    link = numbers["equity_correlation"]
    if link["sign"]:
        told.append(
            f"it has moved {'with' if link['sign'] > 0 else 'against'} equities for "
            f"{link['sessions_since_flip'] + 1:,.0f} sessions"
        )
    return "; ".join(told) + "."
