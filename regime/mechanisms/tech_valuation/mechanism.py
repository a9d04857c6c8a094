"""Tech valuation and leadership on one date: whether good news still pays, and who still leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.base import (
    Chart,
    DataFile,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
)
from regime.mechanisms.events import closes_of
from regime.mechanisms.number_formats import CHANGE, SHARE
from regime.mechanisms.tech_valuation.earnings import (
    capex_burden,
    capex_events,
    earnings_events,
    reaction_asymmetry,
    report_reactions,
)
from regime.mechanisms.tech_valuation.leadership import (
    GROUPS,
    MEGA_CAPS,
    LeadershipFeatures,
    basket_index,
    consolidation_range,
    largest_members,
    rotation,
)
from regime.mechanisms.tech_valuation.multiples import (
    CONSENSUS,
    Multiple,
    as_reported_multiple,
    choose_multiple,
    derating,
    user_multiple,
)
from regime.transforms import YEARS_5, fall_from_high, rolling_percentile

__all__ = ["TechValuation", "ValuationTables"]

MARKET = "sp500"
INPUTS = tuple(
    dict.fromkeys(
        (
            MARKET,
            *MEGA_CAPS,
            *(part for parts in GROUPS.values() for part in parts),
            *(name for multiple, (price, _) in CONSENSUS.items() for name in (multiple, price)),
        )
    )
)
STATES = {
    "near its peak": "near its peak",
    "price leads": "the price fell with it",
    "falls while price holds": "it falls while price holds",
}
LEAST = 252  # sessions of the basket before a reading is given


@dataclass(frozen=True, kw_only=True)
class ValuationTables:
    """What a user may give beside the panel; each as its reader gives it, checked on use.

    Parameters
    ----------
    multiples : DataFrame, optional
        Own forward P/E: date, forward_pe, released.
    earnings : DataFrame, optional
        Announcements: ticker, announce_time (or released), surprise_pct, reported_eps.
    capex : DataFrame, optional
        Capital expenditure: ticker, cq, capex_usd_b, reported (or released), revenue_usd_b if
        known.
    caps : DataFrame, optional
        Market capitalisations: ticker, market_cap, released.
    closes : DatetimeIndex, shape (n_sessions,), optional
        Cut-off of each session of the panel; 16:00 in New York where not given.
    """

    multiples: pd.DataFrame | None = None
    earnings: pd.DataFrame | None = None
    capex: pd.DataFrame | None = None
    caps: pd.DataFrame | None = None
    closes: pd.DatetimeIndex | None = None


@dataclass(frozen=True, kw_only=True)
class TechValuation(Mechanism):
    """What tech valuation and leadership say on one date.

    Parameters
    ----------
    fall : float
        Fall of the multiple from its peak of a year from which it counts as fallen; a fraction,
        negative.
    holds : float
        Fall of the price down to which it counts as holding; a fraction, negative.
    tight : float
        Range, in that of a random walk, below which the basket consolidates.
    largest : int
        Companies of the basket where market capitalisations are given.
    reports : int
        Sessions over which reactions to reports are taken.

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=5, name="date")
    >>> TechValuation()(pd.DataFrame({"sp500": 100.0}, index=days), "2024-01-05").reason
    'needs 252 sessions of three of its companies, has 0 until 2024-01-05'
    """

    key = "valuation"
    title = "Technology"
    group = "Technology"
    inputs = INPUTS
    files = (
        DataFile(name="pe", columns=("forward_pe", "released")),
        DataFile(
            name="earnings",
            columns=("ticker", "announce_time", "surprise_pct", "reported_eps"),
            paths=(
                "valuation/earnings_surprise_sp500.csv",
                "valuation/earnings_surprise_mag7plus.csv",
            ),
        ),
        DataFile(
            name="capex",
            columns=("ticker", "cq", "reported", "capex_usd_b"),
            paths=("valuation/hyperscaler_capex_quarterly.csv",),
        ),
        DataFile(name="caps", columns=("ticker", "market_cap", "released")),
    )
    family = LeadershipFeatures
    numbers = (
        KeyNumber("multiple.source", "source of the multiple", str),
        KeyNumber("multiple.fall", "multiple from its peak", CHANGE),
        KeyNumber("multiple.price_fall", "price from its peak", CHANGE),
        KeyNumber("reaction.beats_sold", "beats that were sold", SHARE),
        KeyNumber("capex.growth", "capex, quarter", CHANGE),
    )
    chart = Chart(
        "From the peak of a year", ".0%", {"multiple_fall": "Multiple", "basket_fall": "Leaders"}
    )

    fall: float = -0.05
    holds: float = -0.05
    tight: float = 0.75
    largest: int = 7
    reports: int = 126

    def __post_init__(self) -> None:
        faults = [
            f"{name}: must be below 0, got {value:g}"
            for name, value in (("fall", self.fall), ("holds", self.holds))
            if not value < 0
        ]
        faults += [
            f"{name}: must be above 0, got {value:g}"
            for name, value in (
                ("tight", self.tight),
                ("largest", self.largest),
                ("reports", self.reports),
            )
            if not value > 0
        ]
        if faults:
            raise ConfigError(faults)

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(
            view.values,
            view.as_of,
            ValuationTables(
                multiples=view.files.get("pe"),
                earnings=view.files.get("earnings"),
                capex=view.files.get("capex"),
                caps=view.files.get("caps"),
                closes=view.closes,
            ),
        )

    def __call__(
        self, values: pd.DataFrame, as_of: pd.Timestamp | str, tables: ValuationTables | None = None
    ) -> MechanismReading | NoReading:
        """Read the leaders.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; what is absent takes no part.
        as_of : Timestamp or str
            Decision date.
        tables : Tables, optional

        Returns
        -------
        MechanismReading or NoReading

        Raises
        ------
        InvalidDataError
            If a table that is given breaks its rules, such as a P/E file without release dates.

        **Known at:** rows up to `as_of`, and what was released by its close.
        """
        sources = tables or ValuationTables()
        known = values.loc[: pd.Timestamp(as_of)]
        closes = sources.closes[: len(known)] if sources.closes is not None else None
        prices, members = self._companies(known, sources, closes)
        basket = basket_index(prices, members)
        if basket.notna().sum() < LEAST:
            return NoReading(
                name="valuation",
                reason=f"needs {LEAST} sessions of three of its companies, has "
                f"{basket.notna().sum()} until {pd.Timestamp(as_of):%Y-%m-%d}",
            )
        events = earnings_events(sources.earnings) if sources.earnings is not None else None
        user = (
            user_multiple(sources.multiples, known.index, closes)
            if sources.multiples is not None
            else None
        )
        filed = as_reported_multiple(events, prices, closes) if events is not None else None
        multiple = choose_multiple(known, basket, user, filed)
        rates = derating(multiple.values, multiple.price) if multiple is not None else None
        reading: dict[str, Any] = {
            "multiple": self._multiple(multiple, rates),
            "reaction": self._reaction(events, known, closes),
            "consolidation": self._consolidation(basket),
            "rotation": _rotation(known, basket),
            "capex": _capex(sources.capex, known.index, closes),
            "basket": _membership(prices, members, self.largest),
        }
        history = pd.DataFrame({"basket_fall": fall_from_high(basket, 252)}, index=known.index)
        if rates is not None:
            history = history.assign(multiple_fall=rates["fall"], price_fall=rates["price_fall"])
        return MechanismReading(
            name="valuation", sentence=_sentence(reading), values=reading, history=history
        )

    def _companies(
        self, known: pd.DataFrame, sources: ValuationTables, closes: pd.DatetimeIndex | None
    ) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Prices of the basket, and its members by date where market capitalisations are known."""
        if sources.caps is None:
            return known[[name for name in MEGA_CAPS if name in known]], None
        members = largest_members(sources.caps, known.index, self.largest, closes)
        return known[[name for name in members if name in known]], members

    def _multiple(self, multiple: Multiple | None, rates: pd.DataFrame | None) -> dict[str, Any]:
        if multiple is None or rates is None:
            return {
                "source": None,
                "what": "no own file, no sampled consensus and no earnings for half a year",
                "level": None,
                "fall": None,
                "price_fall": None,
                "beyond_price": None,
                "state": "not known",
            }
        now = rates.iloc[-1]
        fallen, held = now["fall"] <= self.fall, now["price_fall"] >= self.holds
        state = (
            "near its peak" if not fallen else "falls while price holds" if held else "price leads"
        )
        return {
            "source": multiple.source,
            "what": multiple.what,
            "level": multiple.values.iloc[-1] if multiple.level else None,
            "percentile": rolling_percentile(multiple.values, YEARS_5, YEARS_5 // 5).iloc[-1],
            **now.to_dict(),
            "state": state if now.notna().all() else "not known",
        }

    def _reaction(
        self, events: pd.DataFrame | None, known: pd.DataFrame, closes: pd.DatetimeIndex | None
    ) -> dict[str, Any]:
        if events is None or MARKET not in known:
            return {"reason": "no earnings announcements were given"}
        reporting = set(events["ticker"])
        prices = known[[name for name in known if name in reporting]]
        reacted = report_reactions(events, prices, known[MARKET], closes)
        now = (
            reaction_asymmetry(reacted, pd.DatetimeIndex(known.index), self.reports)
            .iloc[-1]
            .to_dict()
        )
        return {**now, "sessions": self.reports, "companies": len(prices.columns)}

    def _consolidation(self, basket: pd.Series) -> dict[str, Any]:
        ranges = {days: consolidation_range(basket, days).iloc[-1] for days in (63, 126)}
        from_high = fall_from_high(basket, 252).iloc[-1]
        narrow = bool(np.nanmin([*ranges.values(), np.inf]) <= self.tight)
        return {
            "range_63": ranges[63],
            "range_126": ranges[126],
            "from_high": from_high,
            "at_a_high": bool(narrow and from_high >= self.holds),
        }


def _rotation(known: pd.DataFrame, basket: pd.Series) -> dict[str, Any]:
    """Score of each group against the leaders, and which are ahead by a volatility or more."""
    scores = {}
    for name, parts in GROUPS.items():
        prices = known[[part for part in parts if part in known]]
        group = (
            basket_index(prices, minimum=1)
            if len(prices.columns)
            else pd.Series(np.nan, index=known.index)
        )
        scores[name] = rotation(group, basket).iloc[-1]
    ahead = [name.replace("_", " ") for name, score in scores.items() if score >= 1.0]
    return {"scores": scores, "ahead": ahead, "sessions": 63}


def _capex(
    table: pd.DataFrame | None, sessions: pd.DatetimeIndex, closes: pd.DatetimeIndex | None
) -> dict[str, Any]:
    if table is None:
        return {"reason": "no capital expenditure was given"}
    cutoff = pd.Timestamp(int(closes_of(sessions, closes)[-1]), unit="us", tz="UTC")
    return capex_burden(capex_events(table), cutoff) or {
        "reason": "no two quarters of it were reported by then"
    }


def _membership(prices: pd.DataFrame, members: pd.DataFrame | None, largest: int) -> dict[str, Any]:
    if members is None:
        return {
            "members": [name for name in prices if pd.notna(prices[name].iloc[-1])],
            "hindsight": True,
            "how": "today's seven, chosen with hindsight: give market capitalisations with release "
            "dates for "
            f"the {largest} largest as known then",
        }
    now = [str(name) for name in members if bool(members[name].iloc[-1])]
    return {
        "members": now,
        "hindsight": False,
        "unpriced": [name for name in now if name not in prices],
        "how": f"the {largest} largest as known then, among the companies of the table",
    }


def _sentence(reading: Mapping[str, Any]) -> str:
    multiple = reading["multiple"]
    reaction = reading["reaction"]
    ahead = reading["rotation"]["ahead"]
    if multiple["state"] == "not known":
        words = "The multiple of technology is not known"
    else:
        fall, held = (round(100 * abs(multiple[name])) for name in ("fall", "price_fall"))
        words = (
            f"The multiple of technology ({multiple['what']}) is {fall} % under its peak, the "
            f"price {held} %: " + STATES[multiple["state"]]
        )
    sold = reaction.get("beats_sold")
    if sold is not None and np.isfinite(sold):
        words += f"; {100 * sold:.0f} % of beats were sold"
    if reading["consolidation"]["at_a_high"]:
        words += "; the leaders rest in a narrow range at their high"
    return words + (f"; ahead of the leaders: {', '.join(ahead)}." if ahead else ".")
