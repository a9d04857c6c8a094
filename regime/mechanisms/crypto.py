"""Crypto stress: the market that never closes shows first when holders must sell.

Bars end at midnight UTC, after the New York close of their date: the decision of a session knows
the bar of the day before. So a Monday knows Sunday's, a Friday knows Thursday's, and what happened
between them is Friday to Sunday.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime import kernels
from regime.errors import ConfigError
from regime.feature import Feature, FeatureFamily, check_positive
from regime.mechanisms.base import (
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
)
from regime.mechanisms.number_formats import CHANGE, SHARE, SIGMAS
from regime.transforms import (
    clipped_moves,
    fall_from_high,
    log_moves,
    rolling_percentile,
    scaled_move,
    strength,
    volatility,
    zscore,
)

__all__ = ["CryptoFeatures", "CryptoStress", "open_interest_change", "weekend_move"]

SERIES = ("btc", "eth", "btc_funding", "btc_open_interest")
LEAST = 90  # sessions of Bitcoin before a reading is given


def weekend_move(price: pd.Series, halflife: float = 126.0) -> pd.Series:
    """Move over the last weekend or holiday, in daily volatilities times the root of its days.

    Parameters
    ----------
    price : Series, shape (n_sessions,)
        Of a market that trades every day, as known at each close.
    halflife : float
        Sessions in which the weight of a day halves in the volatility.

    Returns
    -------
    Series, shape (n_sessions,)
        Taken at the first session after a break of two days or more, and kept until the next. NaN
        before the first break, and while the volatility rests on fewer than 20 days.

    **Known at:** row t uses prices up to t.
    """
    dates = pd.DatetimeIndex(price.index)
    days = (
        np.diff(dates.to_numpy(), prepend=dates.to_numpy()[:1])
        .astype("timedelta64[D]")
        .astype(float)
    )
    logs = np.log(price.where(price > 0).to_numpy(dtype=float))
    move = np.concatenate([[np.nan], np.diff(logs)])[: len(logs)]
    # A day's share of a session's move, so that breaks do not widen the unit they are measured in.
    daily = kernels.ewm_std(move / np.sqrt(np.maximum(days, 1.0)), halflife, 20)
    earlier = np.concatenate([[np.nan], daily])[: len(daily)]
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(earlier > 0, move / (earlier * np.sqrt(np.maximum(days, 1.0))), np.nan)
    return pd.Series(np.where(days >= 3, scaled, np.nan), index=price.index).ffill(limit=5)


def open_interest_change(interest: pd.Series, lookback: int = 10) -> pd.Series:
    """Open interest against its highest value of `lookback` sessions, <= 0, as a fraction.

    NaN where unknown.
    """
    return fall_from_high(interest, lookback, minimum=max(lookback // 2, 1))


@dataclass(frozen=True, kw_only=True)
class CryptoFeatures:
    """Features of Bitcoin, Ether, perpetual funding and open interest; NaN before each began.

    Parameters
    ----------
    week : int
        Sessions of a short move.
    month : int
        Sessions of relative strength and of the fall of open interest.

    Examples
    --------
    >>> CryptoFeatures().features()[0].spec.name
    'cross_asset_bitcoin_move_5'
    """

    week: int = 5
    month: int = 21

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        crypto = FeatureFamily("cross_asset", "crypto")
        week = self.week
        month = self.month
        return (
            crypto("bitcoin_move", week, -1, ("btc",), lambda v: scaled_move(v["btc"], week)),
            crypto("bitcoin_weekend", 3, -1, ("btc",), lambda v: weekend_move(v["btc"])),
            crypto(
                "ether_strength", month, -1, ("eth", "btc"), lambda v: _ether_strength(v, month)
            ),
            crypto(
                "bitcoin_funding",
                63,
                -1,
                ("btc_funding",),
                lambda v: zscore(v["btc_funding"].rolling(week, min_periods=1).mean(), 63),
            ),
            crypto(
                "open_interest_fall",
                month,
                -1,
                ("btc_open_interest",),
                lambda v: open_interest_change(v["btc_open_interest"], month),
            ),
            crypto("crypto_alarms", week, 1, SERIES, lambda v: CryptoStress().history(v)["stress"]),
            crypto("bitcoin_equity_correlation", 63, 1, ("btc", "sp500"), _with_equities),
        )


def _ether_strength(values: pd.DataFrame, lookback: int) -> pd.Series:
    """Return of Ether less Bitcoin's over some sessions, in Ether's volatility."""
    unit = volatility(values["eth"], 126).shift(1) * lookback**0.5
    return strength(values["eth"], values["btc"], lookback) / unit.where(unit > 0)


def _with_equities(values: pd.DataFrame) -> pd.Series:
    """Correlation of Bitcoin with the S&P 500 of the session before, on which its bar ends."""
    both = clipped_moves(values, ["btc", "sp500"], 63)
    pair = np.column_stack([both["btc"], both["sp500"].shift(1)])
    return pd.Series(
        kernels.mean_correlation(np.ascontiguousarray(pair), 42.0, 63), index=values.index
    )


@dataclass(frozen=True, kw_only=True)
class CryptoStress(Mechanism):
    """How many of the alarms of crypto ring.

    Parameters
    ----------
    move : float
        Move of Bitcoin or Ether over 5 sessions, in its volatilities, below which the first alarm
        rings; negative.
    drawdown : float
        Fall of Bitcoin from its high of a quarter below which the second rings; a fraction,
        negative.
    weekend : float
        Weekend move below which the third rings; negative.
    interest : float
        Fall of open interest within 10 sessions below which the fourth rings; a fraction, negative.

    Notes
    -----
    The fifth alarm is a week of negative funding: the shorts pay, because longs were closed.

    Examples
    --------
    >>> days = pd.bdate_range("2010-01-01", periods=5, name="date")
    >>> CryptoStress()(pd.DataFrame({"sp500": 100.0}, index=days), "2010-01-07").reason
    'no price of Bitcoin is known on 2010-01-07'
    """

    key = "crypto"
    title = "Crypto"
    group = "Selling across markets"
    within = "cross_asset"
    inputs = SERIES
    family = CryptoFeatures
    numbers = (
        KeyNumber("stress", "share of alarms", SHARE),
        KeyNumber("bitcoin.return_5", "Bitcoin, 5 sessions", CHANGE),
        KeyNumber("bitcoin.drawdown", "Bitcoin, from its high", CHANGE),
        KeyNumber("bitcoin.weekend", "weekend", SIGMAS),
    )
    chart = Chart(
        "Share, or fall", ".0%", {"stress": "Alarms", "drawdown": "Bitcoin from its high"}
    )

    move: float = -1.5
    drawdown: float = -0.25
    weekend: float = -1.0
    interest: float = -0.15

    def __post_init__(self) -> None:
        faults = [
            f"{name}: must be below 0, got {value:g}"
            for name, value in (
                ("move", self.move),
                ("drawdown", self.drawdown),
                ("weekend", self.weekend),
                ("interest", self.interest),
            )
            if not value < 0
        ]
        if faults:
            raise ConfigError(faults)

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of)

    def __call__(
        self, values: pd.DataFrame, as_of: pd.Timestamp | str
    ) -> MechanismReading | NoReading:
        """Read Bitcoin, Ether, funding and open interest.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values of btc, eth, btc_funding and btc_open_interest; all but the first may
            be absent.
        as_of : Timestamp or str
            Decision date.

        Returns
        -------
        MechanismReading or NoReading
            `stress` is the share of alarms that ring among those that have data.

        **Known at:** rows up to `as_of`.
        """
        known, date = values.loc[: pd.Timestamp(as_of)], pd.Timestamp(as_of)
        if "btc" not in known or not len(known) or pd.isna(known["btc"].iloc[-1]):
            return NoReading(
                name="crypto", reason=f"no price of Bitcoin is known on {date:%Y-%m-%d}"
            )
        begun = int(known["btc"].notna().sum())
        if begun < LEAST:
            return NoReading(
                name="crypto",
                reason=f"needs {LEAST} sessions of Bitcoin, has {begun} until {date:%Y-%m-%d}",
            )
        history = self.history(known)
        now, alarms = history.iloc[-1], self.alarms(history).iloc[-1]
        reading: dict[str, Any] = {
            "stress": now["stress"],
            "alarms": {name: None if pd.isna(on) else bool(on) for name, on in alarms.items()},
            "bitcoin": {
                "move_5": now["bitcoin_move"],
                "return_5": _change(known["btc"], 5),
                "drawdown": now["drawdown"],
                "weekend": now["weekend"],
            },
            "ether": {
                "move_5": now["ether_move"],
                "return_5": _change(known["eth"], 5) if "eth" in known else None,
            },
            "funding": {
                "week": now["funding"],
                "percentile": rolling_percentile(history["funding"], 504, 100).iloc[-1],
            },
            "open_interest": {"change": now["interest"]},
        }
        return MechanismReading(
            name="crypto", sentence=_sentence(reading), values=reading, history=history
        )

    def history(self, values: pd.DataFrame) -> pd.DataFrame:
        """Every quantity of every session, shape (n_sessions, 7); NaN where there are no data."""
        btc, eth, funding, interest = (
            values[name] if name in values else pd.Series(np.nan, index=values.index)
            for name in SERIES
        )
        table = pd.DataFrame(
            {
                "bitcoin_move": scaled_move(btc, 5),
                "ether_move": scaled_move(eth, 5),
                "drawdown": fall_from_high(btc, 63),
                "weekend": weekend_move(btc),
                "funding": funding.rolling(5, min_periods=3).mean(),
                "interest": open_interest_change(interest),
            },
            index=values.index,
        )
        return table.assign(
            stress=self.alarms(table).mean(axis=1).where(table["bitcoin_move"].notna())
        )

    def alarms(self, history: pd.DataFrame) -> pd.DataFrame:
        """1 where an alarm rings, 0 where not, NaN where it has no data, shape (n_sessions, 5)."""
        lower = pd.DataFrame(
            {
                "fall": np.fmin(history["bitcoin_move"], history["ether_move"]) - self.move,
                "drawdown": history["drawdown"] - self.drawdown,
                "weekend": history["weekend"] - self.weekend,
                "funding": history["funding"],
                "open_interest": history["interest"] - self.interest,
            },
            index=history.index,
        )
        return (lower < 0).astype(float).where(lower.notna())


def _change(price: pd.Series, lookback: int) -> float:
    return float(np.exp(log_moves(price.to_frame(), lookback).iloc[-1, 0]) - 1)


def _sentence(reading: Mapping[str, Any]) -> str:
    words = {
        "fall": "a fall beyond its volatility",
        "drawdown": "a deep drawdown",
        "weekend": "a weekend sold off",
        "funding": "negative funding",
        "open_interest": "open interest collapsing",
    }
    ringing = [words[name] for name, on in reading["alarms"].items() if on]
    known = sum(on is not None for on in reading["alarms"].values())
    state = (
        "under heavy stress"
        if reading["stress"] >= 0.6
        else "under stress"
        if reading["stress"] >= 0.3
        else "calm"
    )
    why = f" ({', '.join(ringing)})" if ringing else ""
    move = reading["bitcoin"]["return_5"]
    moved = f"; Bitcoin moved {100 * move:+.0f} % in five sessions" if np.isfinite(move) else ""
    return f"Crypto is {state}: {len(ringing)} of {known} alarms ring{why}{moved}."
