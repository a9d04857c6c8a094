"""Futures positions: who is crowded on which side, since when, and who is being squeezed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.base import (
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
)
from regime.mechanisms.futures_positioning.contracts import (
    CONTRACTS,
    GROUPS,
    POSITION_INPUTS,
    Contract,
    Group,
)
from regime.mechanisms.futures_positioning.features import FuturesPositioningFeatures
from regime.mechanisms.futures_positioning.positioning import (
    contract_price,
    entry_price,
    net_position,
    net_share,
    new_reports,
    rank_in_window,
    squeeze_pressure,
)
from regime.mechanisms.number_formats import CHANGE
from regime.schema import MONTH
from regime.transforms import YEARS_5

__all__ = ["FuturesPositions", "ordinal"]

FORMULA = (
    "squeeze = percentile of the short x max(0, log(price / average entry)) / monthly volatility; "
    "entry: what "
    "a report adds was traded at the mean close of its week, what it takes off was opened first; "
    "funds are "
    "priced over cash, as futures earn"
)
ORDINALS = (
    "",
    "second ",
    "third ",
    "fourth ",
    "fifth ",
    "sixth ",
    "seventh ",
    "eighth ",
    "ninth ",
    "tenth ",
)
FEW = 10  # ranks that are worth saying
PRINCIPAL = ("leveraged_funds", "speculators")


@dataclass(frozen=True, kw_only=True)
class FuturesPositions(Mechanism):
    """The table of futures positions.

    Parameters
    ----------
    contracts : tuple of str
        Markets of `CONTRACTS`, in the order of the table.
    lookback : int
        Sessions of percentiles and ranks.
    extreme : float
        Distance of a percentile to 0 or 1 within which a group counts as crowded.
    pressing : float
        Squeeze or liquidation pressure from which the summary names a contract, monthly
        volatilities.

    Raises
    ------
    ConfigError
        If a contract is unknown or a number impossible.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-01-01", periods=2, name="date")
    >>> FuturesPositions()(pd.DataFrame(index=dates), dates[-1]).to_dict()["available"]
    False
    """

    key = "positions"
    title = "Futures positions"
    group = "Positioning and forced flows"
    inputs = POSITION_INPUTS
    family = FuturesPositioningFeatures
    numbers = (
        *(
            KeyNumber(f"contracts.{name}.net_share", f"{label}, net share of open interest", CHANGE)
            for name, label in (
                ("sp500", "S&P 500"),
                ("nasdaq", "Nasdaq-100"),
                ("ust10", "10-year notes"),
                ("jpy", "yen"),
                ("vix", "VIX"),
            )
        ),
    )
    chart = Chart(
        "Net share of open interest",
        ".0%",
        {"sp500": "S&P 500", "ust10": "10-year notes", "jpy": "Yen", "vix": "VIX"},
    )

    contracts: tuple[str, ...] = tuple(CONTRACTS)
    lookback: int = YEARS_5
    extreme: float = 0.1
    pressing: float = 1.0

    def __post_init__(self) -> None:
        for name in self.contracts:
            if name not in CONTRACTS:
                raise ConfigError(
                    f"contracts: unknown contract `{name}`; known: {', '.join(CONTRACTS)}"
                )
        if self.lookback < 5 * 21:
            raise ConfigError(f"lookback: must be at least 105 sessions, got {self.lookback}")
        if not 0.0 < self.extreme < 0.5:
            raise ConfigError(f"extreme: must lie in (0, 0.5), got {self.extreme}")
        if not self.pressing > 0:
            raise ConfigError(f"pressing: must be positive, got {self.pressing}")

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of)

    def __call__(self, values: pd.DataFrame, as_of: pd.Timestamp) -> MechanismReading | NoReading:
        """Read positions at one decision.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; a series that is missing is one without values.
        as_of : Timestamp
            Decision date; later rows are not read.

        Returns
        -------
        MechanismReading or NoReading
            Values: one mapping a contract; history: net share of the group that is read, a column a
            contract.

        **Known at:** the close of `as_of`.
        """
        known = values.loc[:as_of]
        tables = {name: self._contract(known, CONTRACTS[name]) for name in self.contracts}
        read = {name: table for name, table in tables.items() if table["available"]}
        if not read:
            reasons = "; ".join(sorted({table["reason"] for table in tables.values()}))
            return NoReading(
                name="positions",
                reason=f"no report of positions: {reasons or 'no contract was asked for'}",
            )
        history = {
            name: net_share(known, CONTRACTS[name].groups[table["group"]])
            for name, table in read.items()
        }
        return MechanismReading(
            name="positions",
            sentence=self._sentence(tables),
            history=pd.DataFrame(history),
            values={"lookback_sessions": self.lookback, "formula": FORMULA, "contracts": tables},
        )

    def _contract(self, known: pd.DataFrame, contract: Contract) -> dict[str, Any]:
        key, reason = self._principal(known, contract)
        if not key:
            return {"available": False, "reason": f"{contract.title}: {reason}"}
        table = self._crowd(known, contract, contract.groups[key])
        others = {
            name: self._other(known, name, group)
            for name, group in contract.groups.items()
            if name not in PRINCIPAL
        }
        sentence = self._words(contract, GROUPS[key], table) + self._managers(others)
        return {"available": True, "group": key, **table, **others, "sentence": sentence}

    def _principal(self, known: pd.DataFrame, contract: Contract) -> tuple[str, str]:
        """The group to read.

        Leveraged funds where half of the window is there, else whoever has the longer history.
        """
        sessions_known: dict[str, int] = {}
        for name in PRINCIPAL:
            if name in contract.groups:
                share = net_share(known, contract.groups[name]).tail(self.lookback)
                if len(share) and pd.notna(share.iloc[-1]):
                    sessions_known[name] = int(share.notna().sum())
        if not sessions_known:
            return "", "no report that is recent enough"
        best = max(
            sessions_known,
            key=lambda name: (min(sessions_known[name], self.lookback // 2), name == PRINCIPAL[0]),
        )
        if sessions_known[best] < self.lookback // 5:
            needed = self.lookback // 5
            return "", (
                f"{sessions_known[best]} sessions with a report; a percentile needs {needed}"
            )
        return best, ""

    def _crowd(self, known: pd.DataFrame, contract: Contract, group: Group) -> dict[str, Any]:
        share, fresh = net_share(known, group), new_reports(known, group)
        window = share.tail(self.lookback)
        reports = window[fresh.tail(self.lookback)]
        now, side = float(share.iloc[-1]), 1 if share.iloc[-1] > 0 else -1
        price = contract_price(known, contract)
        entry = entry_price(net_position(known, group), price, fresh)
        return {
            "known_since": fresh[fresh].index[-1],
            "net_share": now,
            "percentile": rank_in_window(share, self.lookback).iloc[-1],
            "side": "long" if side > 0 else "short",
            "rank": 1 + int((side * reports > side * now).sum()),
            "reports": int(reports.size),
            "first_report": window.first_valid_index(),
            "full_window": len(window) == self.lookback and bool(window.head(MONTH).notna().any()),
            "price_above_entry": (price / entry).iloc[-1] - 1.0,
            "squeeze": squeeze_pressure(share, entry, price, -1, self.lookback).iloc[-1],
            "liquidation": squeeze_pressure(share, entry, price, 1, self.lookback).iloc[-1],
        }

    def _other(self, known: pd.DataFrame, name: str, group: Group) -> dict[str, Any]:
        share = net_share(known, group)
        rank = rank_in_window(share, self.lookback)
        if pd.isna(share.iloc[-1]) or pd.isna(rank.iloc[-1]):
            return {
                "available": False,
                "reason": f"{GROUPS[name]}: no report that is recent enough, or too few",
            }
        return {"available": True, "net_share": share.iloc[-1], "percentile": rank.iloc[-1]}

    def _words(self, contract: Contract, group: str, table: dict[str, Any]) -> str:
        share, rank = f"{abs(table['net_share']):.0%} of open interest", table["rank"]
        since = (
            _years(self.lookback)
            if table["full_window"]
            else f"since {table['first_report']:%B %Y}"
        )
        if rank <= FEW and self._crowded(table):
            words = (
                f"{contract.title}: {group} hold the {ordinal(rank)} net {table['side']} {since} "
                f"({share})"
            )
        else:
            words = (
                f"{contract.title}: {group} are net {table['side']} {share}, "
                f"percentile {100 * table['percentile']:.0f} {since}"
            )
        pressed = max((table[name], name) for name in ("squeeze", "liquidation"))
        if pressed[0] > 0 and pd.notna(table["price_above_entry"]):
            where = "above" if table["price_above_entry"] > 0 else "below"
            act = "squeeze" if pressed[1] == "squeeze" else "liquidation"
            words += (
                f", the price {abs(table['price_above_entry']):.1%} {where} their average entry "
                f"({act} pressure {pressed[0]:.1f})"
            )
        return f"{words}."

    def _managers(self, others: dict[str, dict[str, Any]]) -> str:
        """Asset managers are worth a word where they are at an extreme."""
        table = others.get("asset_managers", {})
        if abs(table.get("percentile", 0.5) - 0.5) < 0.5 - self.extreme:
            return ""
        side = "long" if table["net_share"] > 0 else "short"
        share, percentile = abs(table["net_share"]), 100 * table["percentile"]
        return f" Asset managers are net {side} {share:.0%}, percentile {percentile:.0f}."

    def _crowded(self, table: dict[str, Any]) -> bool:
        percentile = table["percentile"]
        return bool(
            percentile <= self.extreme
            if table["side"] == "short"
            else percentile >= 1.0 - self.extreme
        )

    def _sentence(self, tables: dict[str, dict[str, Any]]) -> str:
        read = [table for table in tables.values() if table["available"]]
        sentences = [
            table["sentence"]
            for table in read
            if self._crowded(table) or max(table["squeeze"], table["liquidation"]) >= self.pressing
        ]
        silent = [CONTRACTS[name].title for name, table in tables.items() if not table["available"]]
        tail = f" No report: {', '.join(silent)}." if silent else ""
        return (
            " ".join(sentences) if sentences else f"No crowd is pressed. {read[0]['sentence']}"
        ) + tail


def ordinal(rank: int) -> str:
    """Rank in words: largest, second largest, 11th largest."""
    if rank <= len(ORDINALS):
        return f"{ORDINALS[rank - 1]}largest"
    suffix = (
        "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    )
    return f"{rank}{suffix} largest"


def _years(sessions: int) -> str:
    years = {
        252: "one year",
        504: "two years",
        756: "three years",
        1008: "four years",
        1260: "five years",
        2520: "ten years",
    }
    return f"in {years[sessions]}" if sessions in years else f"in {sessions} sessions"
