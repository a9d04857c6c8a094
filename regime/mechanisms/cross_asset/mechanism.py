"""Cross-asset selling.

How many markets fall, how alike they move, how unlike the past, and whether havens hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.feature import check_at_least
from regime.mechanisms.base import (
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
)
from regime.mechanisms.cross_asset.breadth import HAVENS, MARKETS, haven_failure, selling_breadth
from regime.mechanisms.cross_asset.comovement import (
    absorption_ratio,
    absorption_shift,
    average_correlation,
    turbulence,
)
from regime.mechanisms.cross_asset.features import SellingFeatures
from regime.mechanisms.number_formats import SHARE, SIGMAS, number_format
from regime.transforms import YEARS_5, log_moves, rolling_percentile, scaled_moves

__all__ = ["CrossAssetSelling"]

NAMES = {
    "sp500": "S&P 500",
    "nasdaq": "Nasdaq",
    "iwm": "small caps",
    "eem": "emerging markets",
    "nikkei": "Nikkei",
    "dax": "DAX",
    "ftse": "FTSE",
    "hang_seng": "Hang Seng",
    "hyg": "high yield",
    "lqd": "investment grade",
    "vnq": "real estate",
    "crude": "oil",
    "copper": "copper",
    "gold_future": "gold",
    "silver_future": "silver",
    "btc": "Bitcoin",
}
LEAST = 300  # sessions before a reading is given


@dataclass(frozen=True, kw_only=True)
class CrossAssetSelling(Mechanism):
    """What cross-asset selling says on one date.

    Parameters
    ----------
    level : float
        Scaled move below which a market counts as sold, negative.
    broad : float
        Share of markets sold from which selling is called broad, in (0, 1).
    failed : float
        Haven failure from which havens count as failing, in volatilities of 5 or 10 sessions.
    correlation, absorption : int
        Sessions of the two windows.

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=5, name="date")
    >>> CrossAssetSelling()(pd.DataFrame({"sp500": 100.0}, index=days), "2024-01-05").reason
    'needs 300 sessions with four of its markets, has 0 until 2024-01-05'
    """

    key = "cross_asset"
    title = "Cross-asset selling"
    group = "Selling across markets"
    inputs = (*MARKETS, "tlt")
    family = SellingFeatures
    numbers = (
        KeyNumber("breadth.5", "sold in 5 sessions", SHARE),
        KeyNumber("breadth.10", "sold in 10 sessions", SHARE),
        KeyNumber("correlation.percentile", "correlation, percentile", SHARE),
        KeyNumber("absorption.shift", "shift of absorption", SIGMAS),
        KeyNumber("turbulence.percentile", "turbulence, percentile", SHARE),
        KeyNumber("havens.score_10", "failure of havens", number_format("{:+.2f}")),
    )
    chart = Chart(
        "Share, or volatilities",
        ".1f",
        {"breadth_10": "Markets sold", "haven_failure": "Failure of havens"},
    )

    level: float = -1.0
    broad: float = 0.5
    failed: float = 0.5
    correlation: int = 63
    absorption: int = 252

    def __post_init__(self) -> None:
        check_at_least(10, correlation=self.correlation, absorption=self.absorption)
        if not self.level < 0:
            raise ConfigError(f"level: must be below 0, got {self.level:g}")
        if not 0 < self.broad < 1:
            raise ConfigError(f"broad: must lie between 0 and 1, got {self.broad:g}")
        if not self.failed >= 0:
            raise ConfigError(f"failed: must be at least 0, got {self.failed:g}")

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of)

    def __call__(
        self, values: pd.DataFrame, as_of: pd.Timestamp | str
    ) -> MechanismReading | NoReading:
        """Read the markets.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; series of `MARKETS` and `HAVENS` that are absent take no part.
        as_of : Timestamp or str
            Decision date.

        Returns
        -------
        MechanismReading or NoReading

        **Known at:** rows up to `as_of`.
        """
        known = values.loc[: pd.Timestamp(as_of)]
        prices = known[[name for name in MARKETS if name in known]]
        history = self.history(known)
        read = history["breadth_10"].notna().to_numpy()
        if read.sum() < LEAST or not read[-1]:
            return NoReading(
                name="cross_asset",
                reason=f"needs {LEAST} sessions with four of its markets, has "
                f"{read.sum()} until {pd.Timestamp(as_of):%Y-%m-%d}",
            )
        now = history.iloc[-1]
        ranks = {
            name: rolling_percentile(history[name], YEARS_5, YEARS_5 // 5).iloc[-1]
            for name in ("correlation", "absorption", "turbulence_week")
        }
        reading: dict[str, Any] = {
            "breadth": {"5": now["breadth_5"], "10": now["breadth_10"], "markets": _count(prices)},
            "sold": self._sold(prices),
            "correlation": {"value": now["correlation"], "percentile": ranks["correlation"]},
            "absorption": {
                "value": now["absorption"],
                "percentile": ranks["absorption"],
                "shift": now["shift"],
            },
            "turbulence": {
                "today": now["turbulence"],
                "week": now["turbulence_week"],
                "percentile": ranks["turbulence_week"],
            },
            "havens": self._havens(known, now),
        }
        return MechanismReading(
            name="cross_asset", sentence=self._sentence(reading), values=reading, history=history
        )

    def history(self, values: pd.DataFrame) -> pd.DataFrame:
        """Every quantity of every session, shape (n_sessions, 8).

        NaN where a window is short or a market missing.
        """
        prices = values[[name for name in MARKETS if name in values]]
        moves = scaled_moves(prices, 1, 63.0)
        (equity, gold, treasury) = _havens_of(values)
        ratio = absorption_ratio(moves, self.absorption)
        daily = turbulence(log_moves(prices))
        return pd.DataFrame(
            {
                "breadth_5": selling_breadth(prices, 5, self.level),
                "breadth_10": selling_breadth(prices, 10, self.level),
                "correlation": average_correlation(moves, self.correlation),
                "absorption": ratio,
                "shift": absorption_shift(ratio),
                "turbulence": daily,
                "turbulence_week": daily.rolling(5, min_periods=3).mean(),
                "haven_failure": np.fmax(
                    haven_failure(equity, gold, treasury, 5), haven_failure(equity, gold, treasury)
                ),
            },
            index=values.index,
        )

    def _sold(self, prices: pd.DataFrame) -> list[str]:
        """Markets below the level over 5 or 10 sessions, the worst first."""
        worst = np.fmin(
            scaled_moves(prices.iloc[-LEAST:], 5).iloc[-1],
            scaled_moves(prices.iloc[-LEAST:], 10).iloc[-1],
        )
        worst = worst[worst < self.level].sort_values()
        return [NAMES.get(str(name), str(name)) for name in worst.index]

    def _havens(self, values: pd.DataFrame, now: pd.Series) -> dict[str, Any]:
        legs = _havens_of(values)
        moved = {
            name: float(np.exp(log_moves(leg.to_frame(), 10).iloc[-1, 0]) - 1)
            for name, leg in zip(("equities", "gold", "treasuries"), legs, strict=True)
        }
        score = now["haven_failure"]
        equity, gold, treasury = legs
        return {
            "score_5": haven_failure(equity, gold, treasury, 5).iloc[-1],
            "score_10": haven_failure(equity, gold, treasury, 10).iloc[-1],
            "failed": bool(score >= self.failed) if pd.notna(score) else None,
            "moves_10": moved,
        }

    def _sentence(self, reading: Mapping[str, Any]) -> str:
        days = max(("10", "5"), key=lambda name: np.nan_to_num(reading["breadth"][name]))
        breadth, markets = reading["breadth"][days], reading["breadth"]["markets"]
        kind = (
            "Selling is broad"
            if breadth >= self.broad
            else "Some markets are sold"
            if reading["sold"]
            else "No broad selling"
        )
        odd = reading["turbulence"]["percentile"]
        turned = (
            f"; the week is more turbulent than {100 * odd:.0f} % of five years"
            if pd.notna(odd)
            else ""
        )
        return (
            f"{kind}: {round(breadth * markets)} of {markets} markets are down by one volatility "
            f"in {days} sessions"
            f"{turned}; {_haven_words(reading['havens'])}."
        )


def _haven_words(havens: Mapping[str, Any]) -> str:
    if havens["failed"] is None:
        return "whether havens hold is not known"
    if havens["failed"]:
        return "gold and Treasuries fall with equities: no haven holds"
    if max(havens["score_5"], havens["score_10"]) > 0:
        return "gold and Treasuries fall with equities, though by little"
    return "havens hold" if havens["moves_10"]["equities"] < 0 else "havens are not called upon"


def _havens_of(values: pd.DataFrame) -> list[pd.Series]:
    return [
        values[name] if name in values else pd.Series(np.nan, index=values.index) for name in HAVENS
    ]


def _count(prices: pd.DataFrame) -> int:
    return int(scaled_moves(prices.iloc[-LEAST:], 10).iloc[-1].notna().sum())
