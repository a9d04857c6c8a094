"""Funds that size themselves by volatility: what they hold, must trade, and would after a jump.

Volatility control holds target over realised volatility; a jump either way makes it sell. Beside it
stand its slower relatives: risk parity over equities, bonds and commodities, and what investors
borrow on margin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from regime import kernels
from regime.errors import ConfigError
from regime.mechanisms.base import (
    Capital,
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
    flow_words,
)
from regime.mechanisms.number_formats import CHANGE, SCORE, SHARE, flow_range
from regime.mechanisms.volatility_targeting.features import VolatilityTargetingFeatures
from regime.mechanisms.volatility_targeting.margin_debt import MarginDebt
from regime.mechanisms.volatility_targeting.risk_parity import ASSETS, RiskParity
from regime.mechanisms.volatility_targeting.vol_control import (
    MINIMUM,
    two_speed_volatility,
    vol_control_exposure,
)
from regime.schema import WEEK, YEAR
from regime.transforms import YEARS_5

__all__ = ["VolControl"]

SHOCK = 2.0  # daily volatilities
# Assumed: nobody counts this money.
CAPITAL = Capital(low=150.0, mid=250.0, high=350.0)


@dataclass(frozen=True, kw_only=True)
class VolControl(Mechanism):
    """The table of funds that trade on volatility.

    Parameters
    ----------
    target : float
        Annual volatility aimed at.
    cap : float
        Largest exposure.
    lag : int
        Sessions from the close that is measured to the trade.
    capital : Capital
        Assumed size of volatility control.
    risk_parity : RiskParity
    margin_debt : MarginDebt

    Raises
    ------
    ConfigError
        If a number is impossible.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=200, name="date")
    >>> closes = pd.DataFrame({"sp500": [100.0, 101.0] * 100}, index=dates)
    >>> round(VolControl()(closes, dates[-1]).values["exposure"], 2)
    0.76
    """

    key = "vol_control"
    title = "Volatility control"
    group = "Positioning and forced flows"
    inputs = ("sp500", "margin_debt", *ASSETS.values())
    family = VolatilityTargetingFeatures
    numbers = (
        KeyNumber("exposure", "exposure", SHARE),
        KeyNumber("flows_usd_bn.1w", "week, USD bn", flow_range),
        KeyNumber("due_usd_bn", "on the way, USD bn", flow_range),
        KeyNumber("sensitivity_usd_bn.down_2_sigma", "after -2 sigmas, USD bn", flow_range),
        KeyNumber("risk_parity.leverage", "risk parity, leverage", SCORE),
        KeyNumber("risk_parity.flows_usd_bn.1w", "risk parity, week, USD bn", flow_range),
        KeyNumber("margin_debt.growth_12m", "margin debt, year", CHANGE),
    )
    chart = Chart(
        "Exposure",
        ".0%",
        {"vol_control": "Volatility control", "risk_parity_equities": "Risk parity, equities"},
    )

    target: float = 0.12
    cap: float = 1.5
    lag: int = 2
    capital: Capital = CAPITAL
    risk_parity: RiskParity = field(default_factory=RiskParity)
    margin_debt: MarginDebt = field(default_factory=MarginDebt)

    def __post_init__(self) -> None:
        if not 0.0 < self.target < 1.0:
            raise ConfigError(
                f"target: annual volatility as a fraction in (0, 1), got {self.target}"
            )
        if not 0.0 < self.cap <= 5.0:
            raise ConfigError(f"cap: must lie in (0, 5], got {self.cap}")
        if not 0 <= self.lag <= 21:
            raise ConfigError(f"lag: must lie in 0..21 sessions, got {self.lag}")

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of)

    def __call__(self, values: pd.DataFrame, as_of: pd.Timestamp) -> MechanismReading | NoReading:
        """Read the three at one decision.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; read are sp500, the assets of risk parity, and margin_debt.
        as_of : Timestamp
            Decision date; later rows are not read.

        Returns
        -------
        MechanismReading or NoReading
            NoReading without closes of the S&P 500; the other two may be unavailable inside it.

        **Known at:** the close of `as_of`.
        """
        known = values.loc[:as_of]
        close = known["sp500"] if "sp500" in known else pd.Series(np.nan, index=known.index)
        exposure = vol_control_exposure(close, self.target, self.cap)
        if exposure.tail(1).isna().all():
            return NoReading(
                name="vol_control", reason=f"volatility needs {MINIMUM} changes of the S&P 500"
            )
        read = self._read(close, exposure)
        parts = [part(known, as_of) for part in (self.risk_parity, self.margin_debt)]
        histories = [part.history for part in parts if isinstance(part, MechanismReading)]
        history = pd.concat([exposure.rename("vol_control"), *histories], axis=1)
        sentence = " ".join([_sentence(read), *(_words(part) for part in parts)])
        return MechanismReading(
            name="vol_control",
            sentence=sentence,
            history=history,
            values={**read, **{part.name: part.to_dict() for part in parts}},
        )

    def _read(self, close: pd.Series, exposure: pd.Series) -> dict[str, Any]:
        now = float(exposure.iloc[-1])
        ranks = kernels.rolling_rank(
            np.ascontiguousarray(exposure.to_numpy()), YEARS_5, YEARS_5 // 5
        )

        def since(sessions: int) -> dict[str, float]:
            return self.capital.flows(now - float(exposure.shift(sessions).iloc[-1]))

        return {
            "exposure": now,
            "percentile": ranks[-1],
            "at_cap": bool(now >= self.cap),
            "volatility": two_speed_volatility(close).iloc[-1],
            "target": self.target,
            "cap": self.cap,
            "lag_sessions": self.lag,
            "capital_usd_bn": self.capital.to_dict(),
            "flows_usd_bn": {"1d": since(1), "1w": since(WEEK)},
            "due_usd_bn": since(self.lag),
            "sensitivity_usd_bn": {
                "up_2_sigma": self._shock(close, exposure, SHOCK),
                "down_2_sigma": self._shock(close, exposure, -SHOCK),
            },
        }

    def _shock(self, close: pd.Series, exposure: pd.Series, sigmas: float) -> dict[str, float]:
        """What the rule would order after a move of the next session, in today's volatilities."""
        step = sigmas * float(two_speed_volatility(close).iloc[-1]) / np.sqrt(YEAR)
        tomorrow = close.index[-1:] + pd.Timedelta(days=1)
        after = pd.concat([close, pd.Series(close.ffill().iloc[-1] * np.exp(step), index=tomorrow)])
        change = float(vol_control_exposure(after, self.target, self.cap).iloc[-1]) - float(
            exposure.iloc[-1]
        )
        return self.capital.flows(change)


def _sentence(read: dict[str, Any]) -> str:
    week, due, shock = (
        flow_words(flow)
        for flow in (
            read["flows_usd_bn"]["1w"],
            read["due_usd_bn"],
            read["sensitivity_usd_bn"]["down_2_sigma"],
        )
    )
    cap = ", their cap" if read["at_cap"] else ""
    return (
        f"Volatility-control funds want {read['exposure']:.0%} of their capital in equities{cap} "
        "(volatility "
        f"{read['volatility']:.0%}); over a week that made them {week}, and orders of the last "
        f"{read['lag_sessions']} sessions to {due} are on their way. Two sigmas tomorrow, up or "
        "down, would make "
        f"them {shock}."
    )


def _words(part: MechanismReading | NoReading) -> str:
    return (
        part.sentence
        if isinstance(part, MechanismReading)
        else f"{part.reason[0].upper()}{part.reason[1:]}."
    )
