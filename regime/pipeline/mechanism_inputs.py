"""What the mechanisms read at one decision, from a source and from files of the user's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from regime.config import find_config
from regime.errors import ConfigError
from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import DataFile, MarketView
from regime.panel.as_of import AsOf
from regime.panel.calendar import business_days, session_closes, to_days
from regime.pipeline.market_data import read_all
from regime.pipeline.settings import Settings
from regime.sources.catalogue import BAR, Catalogue, load_catalogue
from regime.sources.data_folder import available_series
from regime.sources.event_tables import read_events
from regime.sources.option_chains import read_chain

__all__ = ["UserFiles", "decision_date", "mechanism_series", "read_view"]

AHEAD = 100  # days of the exchange's calendar after the decision: a quarter, and some


@dataclass(frozen=True, kw_only=True)
class UserFiles:
    """Files that a user gives beside the data folder; every row needs `date` and `released`.

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


def mechanism_series(catalogue: Catalogue) -> tuple[str, ...]:
    """Catalogue names of every series that a mechanism reads, sorted."""
    wanted = {
        name
        for mechanism in MECHANISMS.values()
        for name in (
            *mechanism.inputs,
            *mechanism.revised,
            *(f"{series}_{column}" for series in mechanism.bars for column in BAR),
        )
    }
    return tuple(sorted(wanted & set(catalogue.series)))


def read_view(
    settings: Settings,
    folder: Path | None,
    as_of: str | None = None,
    user_files: UserFiles | None = None,
) -> MarketView:
    """Read everything that the mechanisms need at one decision.

    Parameters
    ----------
    settings : Settings
    folder : Path or None
        Data folder; None for a config that simulates.
    as_of : str, optional
        Decision date, as 2024-08-06; the session before where it is none, the last one by default.
    user_files : UserFiles, optional

    Returns
    -------
    MarketView

    Raises
    ------
    ConfigError
        If the date is none, or lies before the first session, or no folder is named where one is
        read.
    MissingDataError, InvalidDataError
        As the source; or if a file of the user's breaks its rules.

    **Known at:** the close of the decision date: 16:00 New York, 13:00 on half days.
    """
    bars = dict.fromkeys(name for mechanism in MECHANISMS.values() for name in mechanism.bars)
    revised = dict.fromkeys(name for mechanism in MECHANISMS.values() for name in mechanism.revised)
    catalogue = load_catalogue(find_config(settings.catalogue)).with_bars(tuple(bars))
    wanted = available_series(catalogue.only(mechanism_series(catalogue)), folder)
    reading = read_all(settings, wanted, folder)
    sessions = reading.sessions[reading.sessions >= pd.Timestamp(settings.start)]
    date = decision_date(sessions, as_of)
    sessions = sessions[sessions <= date]
    known = AsOf(reading.observations, wanted.max_age)
    return MarketView(
        values=known.panel(sessions).values,
        histories={name: known.history(name, date) for name in revised if name in wanted.series},
        files=_read_files(folder, user_files or UserFiles()),
        closes=session_closes(sessions),
        calendar=_calendar(date),
    )


def decision_date(sessions: pd.DatetimeIndex, as_of: str | None) -> pd.Timestamp:
    """The session to decide at: `as_of` itself, else the one before it.

    The last one where no date is asked for.

    Raises
    ------
    ConfigError
        If `as_of` is no day, or lies before the first session.
    """
    if not len(sessions):
        raise ConfigError(
            "as_of: the data have no session; name a folder with prices of the S&P 500"
        )
    if as_of is None:
        return pd.Timestamp(sessions[-1])
    day = pd.to_datetime(as_of, format="%Y-%m-%d", errors="coerce")
    if pd.isna(day):
        raise ConfigError(f"as_of: `{as_of}` is no day; write it as 2024-08-06")
    position = int(sessions.searchsorted(day, side="right")) - 1
    if position < 0:
        raise ConfigError(f"as_of: {as_of} lies before the first session, {sessions[0]:%Y-%m-%d}")
    return pd.Timestamp(sessions[position])


def _calendar(date: pd.Timestamp) -> pd.DatetimeIndex:
    first = int(to_days(pd.DatetimeIndex([date]))[0])
    days = business_days(first, first + AHEAD, federal=False)
    inside = days[(days >= first) & (days <= first + AHEAD)]
    return pd.DatetimeIndex(np.asarray(inside).astype("M8[D]").astype("M8[us]"))


def _read_files(folder: Path | None, user_files: UserFiles) -> dict[str, pd.DataFrame]:
    """Every table that a mechanism declares and that exists, by name."""
    named: dict[str, Path | None] = {field: path for field, path in asdict(user_files).items()}
    tables = {}
    for file in _declared_files():
        path = named.get(file.name) or _in_folder(folder, file)
        if path is not None:
            option_chain = file.form == "option chain"
            tables[file.name] = (
                read_chain(path) if option_chain else read_events(path, file.columns)
            )
    return tables


def _declared_files() -> Iterator[DataFile]:
    for mechanism in MECHANISMS.values():
        yield from mechanism.files


def _in_folder(folder: Path | None, file: DataFile) -> Path | None:
    """The first of the file's paths that the data folder has; None where it has none."""
    if folder is None:
        return None
    return next((folder / path for path in file.paths if (folder / path).is_file()), None)
