"""The dollar.

Whether everything is sold for it, whether it is fled, and whether the yen carry trade comes off.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.base import (
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
    Numbers,
)
from regime.mechanisms.dollar.features import DollarStressFeatures
from regime.mechanisms.dollar.stress import (
    INPUTS,
    MOMENTUM,
    carry_unwind,
    correlation_flips,
    dash_for_dollars,
    debasement,
    distance_to_extreme,
    equity_correlation,
    yen_volatility,
)
from regime.mechanisms.number_formats import SCORE, SHARE, SIGMAS, number_format
from regime.schema import MONTH, YEAR
from regime.transforms import (
    last_value,
    panel_columns,
    rolling_percentile,
    scaled_move,
)

__all__ = ["DollarStress"]


@dataclass(frozen=True, kw_only=True)
class DollarStress(Mechanism):
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
    >>> nothing = pd.DataFrame(index=pd.DatetimeIndex(["2024-01-02"], name="date"))
    >>> DollarStress()(nothing).reason
    'the dollar index is not known'
    """

    key = "dollar"
    title = "Dollar"
    group = "Dollar"
    inputs = (*INPUTS, "broad_dollar")
    revised = ("broad_dollar",)
    family = DollarStressFeatures
    numbers = (
        KeyNumber("dash.score", "dash for dollars", SCORE),
        KeyNumber("debasement.score", "debasement", SCORE),
        KeyNumber("dollar.percentile", "percentile of two years", SHARE),
        KeyNumber("momentum.63", "quarter, volatilities", SIGMAS),
        KeyNumber(
            "equity_correlation.value", "correlation with equities", number_format("{:+.2f}")
        ),
        KeyNumber("carry.state", "yen carry", str),
    )
    chart = Chart(
        "Score",
        ".1f",
        {
            "dash": "Dash for dollars",
            "debasement": "Debasement",
            "equity_correlation": "Correlation with equities",
        },
    )

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

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of, broad=view.histories.get("broad_dollar"))

    def __call__(
        self,
        values: pd.DataFrame,
        as_of: pd.Timestamp | None = None,
        *,
        broad: pd.Series | None = None,
    ) -> MechanismReading | NoReading:
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
        MechanismReading or NoReading
            NoReading without a dollar index.
        """
        v = panel_columns(values, INPUTS, as_of)
        if v.empty or np.isnan(last_value(v["dollar_index"])):
            return NoReading(name="dollar", reason="the dollar index is not known")
        dash, rank = dash_for_dollars(v), debasement(v, self.extreme)
        correlation = equity_correlation(v)
        numbers: Numbers = {
            "dash": self._dash(last_value(dash)),
            "debasement": {
                "score": last_value(rank),
                "state": _at_least(last_value(rank), self.debased),
            },
            "dollar": self._level(v["dollar_index"]),
            "momentum": {
                str(days): last_value(scaled_move(v["dollar_index"], days)) for days in MOMENTUM
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
            last_value(distance_to_extreme(index, self.extreme, sign)) for sign in (1, -1)
        )
        at = "high" if to_high == 0 else "low" if to_low == 0 else None
        return {
            "index": last_value(index),
            "percentile": last_value(rolling_percentile(index, self.extreme)),
            "to_high": to_high,
            "to_low": to_low,
            "at_extreme": at,
        }

    def _carry(self, v: pd.DataFrame) -> Numbers:
        slow, fast = last_value(scaled_move(v["usdjpy"], MONTH)), last_value(carry_unwind(v))
        off = fast >= self.unwinding or slow <= -self.unwinding
        state = None if np.isnan(slow) and np.isnan(fast) else "unwinding" if off else "quiet"
        return {
            "state": state,
            "usdjpy": last_value(v["usdjpy"]),
            "usdjpy_move_21": slow,
            "yen_fund_move_5": fast,
            "yen_volatility": last_value(yen_volatility(v)),
        }


def _correlation(v: pd.DataFrame, correlation: pd.Series) -> Numbers:
    state = correlation_flips(v)
    sign, turned = last_value(state["sign"]), state["age"].eq(0) & state["sign"].shift(1).notna()
    return {
        "value": last_value(correlation),
        "sign": None if np.isnan(sign) else int(sign),
        "sessions_since_flip": last_value(state["age"]),
        "flips_in_a_year": int(turned.iloc[-YEAR:].sum()),
    }


def _broad(history: pd.Series | None) -> Numbers:
    if history is None or history.empty:
        return {"index": None, "move_63": None, "vintage": None}
    return {
        "index": last_value(history),
        "move_63": last_value(scaled_move(history, 63)),
        "vintage": "one, revised",
    }


def _at_least(value: float, level: float) -> bool | None:
    return None if np.isnan(value) else value >= level


def _sentence(numbers: Numbers) -> str:
    """Dash, debasement, level and carry, of what is known."""
    dash = numbers["dash"]
    level = numbers["dollar"]
    carry = numbers["carry"]
    words = {
        "none": "No dash for dollars",
        "dash": "A dash for dollars: risk assets and gold are sold for them",
        "severe": "A severe dash for dollars: risk assets and gold are sold for them",
        None: "Whether there is a dash for dollars is not known",
    }
    clauses = [words[dash["state"]]]
    if not np.isnan(level["percentile"]):
        clauses.append(
            f"the index is higher than on {100 * level['percentile']:.0f} % of the days of two "
            "years"
        )
    if numbers["debasement"]["state"]:
        clauses.append("the dollar is low while gold is high, a flight from it")
    if carry["state"] == "unwinding":
        clauses.append("the yen carry trade comes off")
    link = numbers["equity_correlation"]
    if link["sign"]:
        clauses.append(
            f"it has moved {'with' if link['sign'] > 0 else 'against'} equities for "
            f"{link['sessions_since_flip'] + 1:,.0f} sessions"
        )
    return "; ".join(clauses) + "."
