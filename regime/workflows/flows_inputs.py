"""What the mechanisms read at one decision.

The panel up to its date, tables of events, and what a user adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from regime.config import find_config
from regime.errors import ConfigError
from regime.mechanisms import dollar, episode, long_end, market_depth, market_state, reserves
from regime.mechanisms.contracts import CONTRACTS
from regime.mechanisms.leadership import GROUPS, MEGA_CAPS
from regime.mechanisms.multiples import CONSENSUS
from regime.mechanisms.risk_parity import ASSETS
from regime.mechanisms.valuation import Tables
from regime.panel.as_of import AsOf
from regime.panel.calendar import business_days, session_closes, to_days
from regime.pipeline.market_data import read_all
from regime.pipeline.settings import Settings
from regime.sources.catalogue import BAR, Catalogue, load_catalogue
from regime.sources.data_folder import available_series
from regime.sources.event_tables import read_events
from regime.sources.option_chains import read_chain

__all__ = ["FlowInputs", "OwnFiles", "decision_date", "mechanism_series", "read_inputs"]

VINTAGES = (
    "broad_dollar",
    "term_premium",
)  # re-estimated: a change of theirs must not cross vintages
# Files of a data folder that are no series, of which the first that is there serves, and the
# columns that they need.
EARNINGS = (
    ("valuation/earnings_surprise_sp500.csv", "valuation/earnings_surprise_mag7plus.csv"),
    ("ticker", "announce_time", "surprise_pct", "reported_eps"),
)
CAPEX = (
    ("valuation/hyperscaler_capex_quarterly.csv",),
    ("ticker", "cq", "reported", "capex_usd_b"),
)
AHEAD = 100  # days of the exchange's calendar after the decision: a quarter, and some


@dataclass(frozen=True, kw_only=True)
class OwnFiles:
    """What a user gives beside the data folder; every row needs `date` and `released`.

    Parameters
    ----------
    chain : Path, optional
        Option chain; see `regime.sources.option_chains`.
    pe : Path, optional
        Forward multiple: date, forward_pe, released.
    book : Path, optional
        Depth at the top of the order book: date, depth, released.
    caps : Path, optional
        Market capitalisations: date, ticker, market_cap, released.
    """

    chain: Path | None = None
    pe: Path | None = None
    book: Path | None = None
    caps: Path | None = None


@dataclass(frozen=True, kw_only=True)
class FlowInputs:
    """What was public at one decision.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        The panel up to the decision date, its last row.
    histories : mapping of str to Series
        Revised series by period, each in the vintage of the date.
    tables : Tables
        Events for the valuation.
    chain, book : DataFrame, optional
        Option chain and order book; may hold later rows, which are not read.
    calendar : DatetimeIndex
        Sessions that the exchange holds from the date on.
    """

    values: pd.DataFrame
    histories: dict[str, pd.Series] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)
    chain: pd.DataFrame | None = None
    book: pd.DataFrame | None = None
    calendar: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))

    @property
    def as_of(self) -> pd.Timestamp:
        """The decision date."""
        return pd.Timestamp(self.values.index[-1])


def mechanism_series(catalogue: Catalogue) -> tuple[str, ...]:
    """Catalogue names of every series that a mechanism reads, sorted."""
    positions = (
        name
        for contract in CONTRACTS.values()
        for group in contract.groups.values()
        for name in group.inputs
    )
    prices = (contract.price for contract in CONTRACTS.values())
    shares = (
        f"{fund}_{what}" for fund in market_depth.FUNDS for what in ("volume", "traded", *BAR)
    )
    consensus = (name for multiple, (price, _) in CONSENSUS.items() for name in (multiple, price))
    wanted = {
        "sp500",
        "es",
        "dgs3mo",
        "spy",
        "gex",
        "margin_debt",
        *ASSETS.values(),
        *positions,
        *prices,
        *shares,
        *consensus,
        *MEGA_CAPS,
        *(name for group in GROUPS.values() for name in group),
        *VINTAGES,
        *reserves.INPUTS,
        *dollar.INPUTS,
        *long_end.INPUTS,
        *market_state.INPUTS,
        *episode.INPUTS,
    }
    return tuple(sorted(wanted & set(catalogue.series)))


def read_inputs(
    settings: Settings, folder: Path | None, as_of: str | None = None, own: OwnFiles | None = None
) -> FlowInputs:
    """Read everything that the mechanisms need at one decision.

    Parameters
    ----------
    settings : Settings
    folder : Path or None
        Data folder; None for a config that simulates.
    as_of : str, optional
        Decision date, as 2024-08-06; the session before where it is none, the last one by default.
    own : OwnFiles, optional

    Raises
    ------
    ConfigError
        If the date is none, or lies before the first session, or no folder is given where one is
        read.
    MissingDataError, InvalidDataError
        As the source; or if a file of the user's breaks its rules.

    **Known at:** the close of the decision date: 16:00 New York, 13:00 on half days.
    """
    given = own or OwnFiles()
    catalogue = load_catalogue(find_config(settings.catalogue)).with_bars(market_depth.FUNDS)
    wanted = available_series(catalogue.only(mechanism_series(catalogue)), folder)
    reading = read_all(settings, wanted, folder)
    sessions = reading.sessions[reading.sessions >= pd.Timestamp(settings.start)]
    date = decision_date(sessions, as_of)
    sessions = sessions[sessions <= date]
    known = AsOf(reading.observations, wanted.max_age)
    closes = session_closes(sessions)
    tables = Tables(
        multiples=_own(given.pe, ("forward_pe", "released")),
        earnings=_listed(folder, *EARNINGS),
        capex=_listed(folder, *CAPEX),
        caps=_own(given.caps, ("ticker", "market_cap", "released")),
        closes=closes,
    )
    return FlowInputs(
        values=known.panel(sessions).values,
        tables=tables,
        calendar=_calendar(date),
        histories={name: known.history(name, date) for name in VINTAGES if name in wanted.series},
        chain=read_chain(given.chain) if given.chain is not None else None,
        book=_own(given.book, ("depth", "released")),
    )


def decision_date(sessions: pd.DatetimeIndex, as_of: str | None) -> pd.Timestamp:
    """The session to decide at: `as_of` itself, else the one before it.

    The last one where nothing is asked.

    Raises
    ------
    ConfigError
        If `as_of` is no day, or lies before the first session.
    """
    if not len(sessions):
        raise ConfigError(
            "as_of: the data have no session; give a folder with prices of the S&P 500"
        )
    if as_of is None:
        return pd.Timestamp(sessions[-1])
    day = pd.to_datetime(as_of, format="%Y-%m-%d", errors="coerce")
    if pd.isna(day):
        raise ConfigError(f"as_of: `{as_of}` is no day; write it as 2024-08-06")
    place = int(sessions.searchsorted(day, side="right")) - 1
    if place < 0:
        raise ConfigError(f"as_of: {as_of} lies before the first session, {sessions[0]:%Y-%m-%d}")
    return pd.Timestamp(sessions[place])


def _calendar(date: pd.Timestamp) -> pd.DatetimeIndex:
    first = int(to_days(pd.DatetimeIndex([date]))[0])
    days = business_days(first, first + AHEAD, federal=False)
    inside = days[(days >= first) & (days <= first + AHEAD)]
    return pd.DatetimeIndex(np.asarray(inside).astype("M8[D]").astype("M8[us]"))


def _listed(
    folder: Path | None, names: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame | None:
    """The first of some tables that the data folder has; None where it has none."""
    there = [] if folder is None else [folder / name for name in names if (folder / name).is_file()]
    return read_events(there[0], columns) if there else None


def _own(path: Path | None, columns: Sequence[str]) -> pd.DataFrame | None:
    return None if path is None else read_events(path, columns)
