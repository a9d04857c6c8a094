"""Crypto as the nervous system: its moves, its weekends, its leverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime import kernels
from regime.features.feature import Feature, Mechanism, check_positive
from regime.features.transforms import moves, strength, volatility, zscore
from regime.mechanisms.crypto import CryptoStress, open_interest_change, weekend_move
from regime.mechanisms.moves import scaled_move

__all__ = ["CryptoFeatures"]

ALL = ("btc", "eth", "btc_funding", "btc_open_interest")


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
        crypto, week, month = Mechanism("cross_asset", "crypto"), self.week, self.month
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
            crypto("crypto_alarms", week, 1, ALL, lambda v: CryptoStress().history(v)["stress"]),
            crypto("bitcoin_equity_correlation", 63, 1, ("btc", "sp500"), _with_equities),
        )


def _ether_strength(values: pd.DataFrame, lookback: int) -> pd.Series:
    """Return of Ether less Bitcoin's over some sessions, in Ether's volatility."""
    unit = volatility(values["eth"], 126).shift(1) * lookback**0.5
    return strength(values["eth"], values["btc"], lookback) / unit.where(unit > 0)


def _with_equities(values: pd.DataFrame) -> pd.Series:
    """Correlation of Bitcoin with the S&P 500 of the session before, whose close its last bar has seen."""
    both = moves(values, ["btc", "sp500"], 63)
    pair = np.column_stack([both["btc"], both["sp500"].shift(1)])
    return pd.Series(
        kernels.mean_correlation(np.ascontiguousarray(pair), 42.0, 63), index=values.index
    )
