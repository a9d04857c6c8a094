"""Risk parity: equities, bonds and commodities at equal risk, levered to a target volatility.

Such a fund sells when volatility rises, and again when bonds stop falling less than equities: its
volatility depends on how its parts move together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime import kernels
from regime.errors import ConfigError
from regime.mechanisms.base import Capital, MechanismReading, NoReading, flow_words
from regime.schema import WEEK, YEAR
from regime.transforms import YEARS_5

__all__ = ["ASSETS", "RiskParity", "mean_asset_correlation", "risk_parity_exposure"]

ASSETS = {"equities": "spy", "bonds": "ief", "commodities": "dbc"}
HALFLIFE = 42.0
MINIMUM = 126
SHOCK = 2.0
TOGETHER = 0.15  # mean correlation from which the parts no longer balance each other
# Assumed: nobody counts this money.
CAPITAL = Capital(low=100.0, mid=150.0, high=250.0)


def mean_asset_correlation(prices: pd.DataFrame, halflife: float = HALFLIFE) -> pd.Series:
    """Average exponential correlation of daily log changes of all pairs.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_assets)
    halflife : float
        Sessions.

    Returns
    -------
    Series, shape (n_sessions,), in [-1, 1]
        NaN until every asset has 126 sessions.

    **Known at:** row t uses prices up to t.
    """
    changes = _changes(prices)
    complete = (np.cumsum(~np.isnan(changes), axis=0) >= MINIMUM).all(axis=1)
    return pd.Series(
        kernels.mean_correlation(changes, halflife, MINIMUM), index=prices.index
    ).where(complete)


def risk_parity_exposure(
    prices: pd.DataFrame, target: float = 0.10, cap: float = 3.0, halflife: float = HALFLIFE
) -> pd.DataFrame:
    """Exposure to each asset as a fraction of capital: inverse volatilities, levered to the target.

    With each asset at the same volatility of its own, the volatility of n of them depends on their
    mean correlation c alone: ``exposure = target / (volatility x sqrt(n + n (n - 1) c))``.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_assets)
    target : float
        Annual volatility of the whole.
    cap : float
        Largest sum of exposures.
    halflife : float
        Sessions of volatilities and correlations.

    Returns
    -------
    DataFrame, shape (n_sessions, n_assets)
        NaN until every asset has 126 sessions.

    **Known at:** row t uses prices up to t.

    **Source:** the naive form of Maillard, Roncalli and Teiletche (2010), "The Properties of
    Equally Weighted Risk Contribution Portfolios": exact where all correlations are equal.
    """
    squares = np.square(_changes(prices))
    variances = pd.DataFrame(
        {
            name: kernels.ewm_mean(np.ascontiguousarray(squares[:, i]), halflife, MINIMUM)
            for i, name in enumerate(prices)
        },
        index=prices.index,
    )
    inverse = 1.0 / np.sqrt(variances.where(variances > 0) * YEAR)
    n, correlation = prices.shape[1], mean_asset_correlation(prices, halflife)
    together = n + n * (n - 1) * correlation
    exposure = inverse.mul(target / np.sqrt(together.where(together > 0)), axis=0)
    total = exposure.sum(axis=1, skipna=False)
    return exposure.mul((cap / total).clip(upper=1.0), axis=0)


@dataclass(frozen=True, kw_only=True)
class RiskParity:
    """What risk-parity funds hold and must trade.

    Parameters
    ----------
    target : float
        Annual volatility of the whole.
    cap : float
        Largest sum of exposures.
    lag : int
        Sessions over which an order is worked off.
    capital : Capital
        Assumed size.

    Raises
    ------
    ConfigError
        If a number is impossible.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=2, name="date")
    >>> RiskParity()(pd.DataFrame(index=dates), dates[-1]).to_dict()["available"]
    False
    """

    target: float = 0.10
    cap: float = 3.0
    lag: int = 5
    capital: Capital = CAPITAL

    def __post_init__(self) -> None:
        if not 0.0 < self.target < 1.0:
            raise ConfigError(
                f"target: annual volatility as a fraction in (0, 1), got {self.target}"
            )
        if not 0.0 < self.cap <= 10.0:
            raise ConfigError(f"cap: must lie in (0, 10], got {self.cap}")
        if not 0 <= self.lag <= 63:
            raise ConfigError(f"lag: must lie in 0..63 sessions, got {self.lag}")

    def __call__(self, values: pd.DataFrame, as_of: pd.Timestamp) -> MechanismReading | NoReading:
        """Read exposures and flows at one decision.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; read are spy, ief and dbc.
        as_of : Timestamp
            Decision date; later rows are not read.

        Returns
        -------
        MechanismReading or NoReading
            History: exposure to each asset.

        **Known at:** the close of `as_of`.
        """
        known = values.loc[:as_of]
        absent = [
            title
            for title, name in ASSETS.items()
            if name not in known or known[name].tail(1).isna().all()
        ]
        if absent:
            return NoReading(
                name="risk_parity", reason=f"risk parity has no price of {' and '.join(absent)}"
            )
        prices = pd.DataFrame({title: known[name] for title, name in ASSETS.items()})
        exposure = risk_parity_exposure(prices, self.target, self.cap)
        if exposure.iloc[-1].isna().any():
            return NoReading(
                name="risk_parity", reason=f"risk parity needs {MINIMUM} sessions of every asset"
            )
        read = self._read(prices, exposure)
        history = exposure.add_prefix("risk_parity_")
        return MechanismReading(
            name="risk_parity", sentence=_sentence(read), values=read, history=history
        )

    def _read(self, prices: pd.DataFrame, exposure: pd.DataFrame) -> dict[str, Any]:
        now = exposure.iloc[-1]
        equities = np.ascontiguousarray(exposure["equities"].to_numpy())
        ranks = kernels.rolling_rank(equities, YEARS_5, YEARS_5 // 5)

        def since(sessions: int, asset: str) -> dict[str, float]:
            return self.capital.flows(float(now[asset] - exposure[asset].shift(sessions).iloc[-1]))

        return {
            "exposure": now.to_dict(),
            "leverage": now.sum(),
            "percentile": ranks[-1],
            "at_cap": bool(now.sum() >= self.cap * (1.0 - 1e-9)),
            "correlation": mean_asset_correlation(prices).iloc[-1],
            "target": self.target,
            "cap": self.cap,
            "lag_sessions": self.lag,
            "capital_usd_bn": self.capital.to_dict(),
            "flows_usd_bn": {"1d": since(1, "equities"), "1w": since(WEEK, "equities")},
            "due_usd_bn": since(self.lag, "equities"),
            "flows_by_asset_usd_bn": {"1w": {asset: since(WEEK, asset) for asset in exposure}},
            "sensitivity_usd_bn": {
                "up_2_sigma": self._shock(prices, exposure, SHOCK),
                "down_2_sigma": self._shock(prices, exposure, -SHOCK),
            },
        }

    def _shock(
        self, prices: pd.DataFrame, exposure: pd.DataFrame, sigmas: float
    ) -> dict[str, float]:
        """Equities to trade after all assets move by as many of their daily volatilities."""
        squares = np.square(_changes(prices))
        daily = [
            np.sqrt(kernels.ewm_mean(np.ascontiguousarray(squares[:, i]), HALFLIFE, MINIMUM)[-1])
            for i in range(prices.shape[1])
        ]
        row = prices.ffill().iloc[-1] * np.exp(sigmas * np.array(daily))
        after = pd.concat([prices, row.to_frame(prices.index[-1] + pd.Timedelta(days=1)).T])
        new = risk_parity_exposure(after, self.target, self.cap)["equities"].iloc[-1]
        return self.capital.flows(float(new - exposure["equities"].iloc[-1]))


def _sentence(read: dict[str, Any]) -> str:
    week, together = read["flows_usd_bn"]["1w"], read["correlation"]
    moved = (
        "against each other"
        if together < 0
        else "together"
        if together > TOGETHER
        else "each on its own"
    )
    return (
        f"Risk parity is levered {read['leverage']:.1f} times with "
        f"{read['exposure']['equities']:.0%} in equities; "
        f"over a week its rule was to {flow_words(week)} of them. Its assets move {moved} "
        f"(correlation {together:.2f})."
    )


def _changes(prices: pd.DataFrame) -> np.ndarray:
    logs = np.log(prices.where(prices > 0).to_numpy(dtype=float))
    return np.ascontiguousarray(
        np.diff(logs, axis=0, prepend=np.full((1, prices.shape[1]), np.nan))
    )
