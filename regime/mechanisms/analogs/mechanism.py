"""Analogs.

Which past windows today is like, mechanism by mechanism, what followed them, and whether it is a
312.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.analogs.episode import INPUTS as EPISODE_INPUTS
from regime.mechanisms.analogs.episode import SOLD, Episode, episode_signals, worst_moves
from regime.mechanisms.analogs.market_state import INPUTS as STATE_INPUTS
from regime.mechanisms.analogs.market_state import market_state
from regime.mechanisms.analogs.nearest_windows import (
    LEAST_SHARE,
    standardised,
    window_distances,
    window_picks,
)
from regime.mechanisms.base import (
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
    Numbers,
)
from regime.mechanisms.number_formats import CHANGE, SCORE
from regime.transforms import panel_columns

__all__ = ["Analogs"]

HORIZONS = (5, 21, 63)
# The two that a day is asked about; each counts once it is past.
PROTOTYPES = {"312": "2020-03-12", "519": "2021-05-19"}
LEAST = 504  # sessions before anything can be compared


@dataclass(frozen=True, kw_only=True)
class Analogs(Mechanism):
    """The nearest past windows, by mechanism and by all together.

    A distance is the root mean square difference of standardised quantities at a few sessions of
    two windows; see `window_distances`. Only windows that had ended, with all that followed, before
    the decision take part, and chosen ones do not overlap.

    Parameters
    ----------
    count : int
        Windows reported for each mechanism.
    samples, step : int
        Sessions of a window at which it is looked at, and the distance between them.
    episode : Episode
        How a day is graded.

    Raises
    ------
    ConfigError
        If a number is below 1.

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=5, name="date")
    >>> Analogs()(pd.DataFrame({"sp500": 100.0}, index=days), days[-1]).reason
    'needs 504 sessions of the S&P 500, has 5 until 2024-01-05'
    """

    key = "analogs"
    title = "Analogs"
    group = "Similar past episodes"
    inputs = tuple(dict.fromkeys((*STATE_INPUTS, *EPISODE_INPUTS)))
    numbers = (
        KeyNumber("episode.type", "kind", str),
        KeyNumber("episode.score", "312 (1) or 519 (0)", SCORE),
        KeyNumber("episode.grades.one_market", "one market alone", SCORE),
        KeyNumber("episode.grades.volatility_shock", "shock of volatility", SCORE),
        *(
            KeyNumber(f"all.windows.{rank}.last", f"nearest window {rank + 1} ends", str)
            for rank in range(3)
        ),
        *(
            KeyNumber(f"all.median.{days}", f"median after {days} sessions", CHANGE)
            for days in HORIZONS
        ),
    )
    chart = Chart(
        "Grade",
        ".1f",
        {
            "macro": "312: macro",
            "one_market": "519: one market",
            "volatility_shock": "Shock of volatility",
        },
    )

    count: int = 5
    samples: int = 3
    step: int = 10
    episode: Episode = field(default_factory=Episode)

    def __post_init__(self) -> None:
        faults = [
            f"{name}: must be at least 1, got {getattr(self, name)}"
            for name in ("count", "samples", "step")
            if getattr(self, name) < 1
        ]
        if faults:
            raise ConfigError(faults)

    @property
    def length(self) -> int:
        """Sessions of a window."""
        return (self.samples - 1) * self.step + 1

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of)

    def __call__(
        self, values: pd.DataFrame, as_of: pd.Timestamp | str
    ) -> MechanismReading | NoReading:
        """Read the analogs of a decision date.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; see `market_state` and `episode_signals`.
        as_of : Timestamp or str
            Decision date; later rows are not read.

        Returns
        -------
        MechanismReading or NoReading
            History: the grades of each session.

        **Known at:** the close of `as_of`. What followed a past window had happened by then.
        """
        known, date = values.loc[: pd.Timestamp(as_of)], pd.Timestamp(as_of)
        close = known["sp500"] if "sp500" in known else pd.Series(np.nan, index=known.index)
        if (have := int(close.notna().sum())) < LEAST or pd.isna(close.iloc[-1]):
            return NoReading(
                name="analogs",
                reason=f"needs {LEAST} sessions of the S&P 500, has {have} until {date:%Y-%m-%d}",
            )
        distances = {
            name: window_distances(standardised(state), self.samples, self.step)
            for name, state in market_state(known).items()
        }
        followed = _followed(close)
        tables = {name: self._nearest(table, followed, name) for name, table in distances.items()}
        whole = self._nearest(_together(distances), followed, "all")
        signals = episode_signals(known)
        evidence = self.episode.evidence(signals)
        grades = self.episode.grades(evidence)
        reading: Numbers = {
            "mechanisms": tables,
            "all": whole,
            "usual": _usual(followed),
            "horizons": list(HORIZONS),
            "window_sessions": self.length,
            "episode": self._episode(known, signals, evidence, grades),
        }
        return MechanismReading(
            name="analogs", sentence=_sentence(reading), values=reading, history=grades
        )

    def _nearest(self, table: pd.DataFrame, followed: pd.DataFrame, name: str) -> Numbers:
        positions = window_picks(table["distance"], self.count, self.length, max(HORIZONS))
        if not positions:
            return {
                "available": False,
                "reason": f"{name.replace('_', ' ')}: too little of today is known of any past "
                "window",
            }
        windows = [
            {
                "first": table.index[max(position - self.length + 1, 0)],
                "last": table.index[position],
                **table.iloc[position].to_dict(),
                "followed": {str(days): followed[days].iloc[position] for days in HORIZONS},
            }
            for position in positions
        ]
        after = followed.iloc[positions]
        return {
            "available": True,
            "windows": windows,
            "prototypes": _prototypes(table["distance"], self.length),
            "median": {str(days): after[days].median() for days in HORIZONS},
            "share_up": {str(days): _share_up(after[days]) for days in HORIZONS},
        }

    def _episode(
        self,
        known: pd.DataFrame,
        signals: pd.DataFrame,
        evidence: pd.DataFrame,
        grades: pd.DataFrame,
    ) -> Numbers:
        worst = worst_moves(panel_columns(known.iloc[-LEAST:], SOLD)).iloc[-1]
        return {
            "question": "312-type (1) or 519-type (0)?",
            "score": grades["macro"].iloc[-1],
            "type": self.episode.kind(grades.iloc[-1]),
            "grades": grades.iloc[-1].to_dict(),
            "evidence": evidence.iloc[-1].to_dict(),
            "reasons": self.episode.reasons(signals.iloc[-1], worst),
        }


def _together(distances: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Root mean square over mechanisms known today.

    One that is not known of a window counts at its median.
    """
    squares = pd.DataFrame({name: table["distance"] ** 2 for name, table in distances.items()})
    squares = squares[squares.columns[squares.iloc[-1].notna()]]
    both = squares.notna().sum(axis=1)
    share = both / max(len(squares.columns), 1)
    enough = (share >= LEAST_SHARE) & (both > 0)
    filled = squares.fillna(squares.median())
    return pd.DataFrame(
        {
            "distance": np.sqrt(filled.mean(axis=1)).where(enough),
            "of_known": np.sqrt(squares.mean(axis=1)).where(enough),
            "share": share,
        }
    )


def _followed(close: pd.Series) -> pd.DataFrame:
    """Return from each close over the sessions after it, a column a horizon.

    NaN where they have not passed.
    """
    price = close.where(close > 0)
    return pd.DataFrame(
        {days: price.shift(-days) / price - 1.0 for days in HORIZONS}, index=close.index
    )


def _prototypes(distance: pd.Series, length: int) -> dict[str, float | None]:
    """Distance to the windows of the two named days, once they do not overlap with today's."""
    past = distance.iloc[: max(len(distance) - length, 0)]
    return {
        name: None if pd.Timestamp(day) not in past.index else float(past.loc[day])
        for name, day in PROTOTYPES.items()
    }


def _usual(followed: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """What followed any session so far."""
    return {
        "median": {str(days): followed[days].median() for days in HORIZONS},
        "share_up": {str(days): _share_up(followed[days]) for days in HORIZONS},
    }


def _share_up(returns: pd.Series) -> float | None:
    known = returns.dropna()
    return float((known > 0).mean()) if len(known) else None


def _sentence(reading: Numbers) -> str:
    episode, whole = reading["episode"], reading["all"]
    words = {
        "312": "It looks like a 312 (macro: everything is sold for dollars)",
        "519": "It looks like a 519 (one market alone)",
        "volatility shock": "It looks like a shock of volatility",
        "quiet": "It looks like neither a 312 nor a 519",
        None: "Whether it is a 312 or a 519 is not known",
    }
    text = words[episode["type"]]
    if episode["type"] is not None:
        text += f", grade {episode['score']:.2f} of a 312"
        text += f": {'; '.join(episode['reasons'][:3])}" if episode["reasons"] else ""
    if whole["available"]:
        days = ", ".join(f"{window['last']:%B %Y}" for window in whole["windows"][:3])
        text += (
            f". The nearest windows end in {days}; the S&P 500 moved by "
            f"{whole['median']['21']:+.1%} in the month "
            f"after the nearest {len(whole['windows'])}, usually by "
            f"{reading['usual']['median']['21']:+.1%}"
        )
    return text + "."
