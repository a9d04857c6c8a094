"""What a portfolio trades.

Prices with dividends, opens and half-spreads of each asset, on the sessions of a run.

Bars are read apart from what a model reads, because a run needs them of the few assets that it
trades alone. They come through the catalogue, so that a value counts for the session at whose close
it was public: a UTC day of Bitcoin for the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from regime.config import find_config
from regime.errors import ConfigError, MissingDataError
from regime.mechanisms.market_depth.spread_estimators import HalfSpread
from regime.panel.calendar import session_closes
from regime.parallel import NoProgress, Progress
from regime.pipeline.market_data import read_all
from regime.pipeline.settings import Settings
from regime.sources.catalogue import BAR, Catalogue, load_catalogue
from regime.sources.file_source import MARKET, SourceReading

__all__ = ["Traded", "read_traded", "traded_prices"]


@dataclass(frozen=True, kw_only=True)
class Traded:
    """Assets of a portfolio, session by session.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_assets)
        Total-return levels at the close; NaN where a session has no bar.
    opens : DataFrame, shape (n_sessions, n_assets)
        The same at the open, on the scale of `prices`. NaN where a session has no bar or the source
        has no opens. An asset whose bar ends after the close of its own date has the price of
        `prices`: its open lies before the decision that it would fill.
    half_spread_bps : DataFrame, shape (n_sessions, n_assets), basis points
        What is paid on each session, from bars before it; never NaN.
    hash : str
        Of the data that were read.
    notes : tuple of str
        What is assumed, and what a source had to say of an asset; empty where nothing is.
    """

    prices: pd.DataFrame
    opens: pd.DataFrame
    half_spread_bps: pd.DataFrame
    hash: str
    notes: tuple[str, ...] = field(default=())


def read_traded(
    settings: Settings,
    assets: Iterable[str],
    data: Path | None,
    sessions: pd.DatetimeIndex,
    *,
    spread: HalfSpread | None = None,
    bars: bool = True,
    progress: Progress | None = None,
) -> Traded:
    """Read the assets of a portfolio from the source of a config.

    Parameters
    ----------
    settings : Settings
        Its source and its catalogue.
    assets : iterable of str
        Catalogue names, as `Allocation.assets` gives them.
    data : Path or None
        A data folder; None for a config that simulates.
    sessions : DatetimeIndex, shape (n_sessions,)
        Those of the run.
    spread : HalfSpread, optional
        How half-spreads are estimated; the defaults if None.
    bars : bool
        Whether opens, highs and lows are read; a file without such columns is refused. Without them
        there are no opens, and half-spreads are the unknown one.
    progress : Progress, optional

    Returns
    -------
    Traded

    Raises
    ------
    ConfigError
        As `traded_prices`, or if the config reads files and no folder is named.
    MissingDataError
        If the source has no prices of an asset: all such assets together, by name.
    InvalidDataError
        As the source.
    """
    with (progress or NoProgress()).stage("reading traded assets"):
        names = tuple(dict.fromkeys(assets))
        catalogue = load_catalogue(find_config(settings.catalogue))
        wanted = catalogue.only({*names, MARKET})
        wanted = wanted.with_bars(names) if bars else wanted
        return traded_prices(
            names, wanted, read_all(settings, wanted, data), sessions, spread=spread
        )


def traded_prices(
    assets: Iterable[str],
    catalogue: Catalogue,
    reading: SourceReading,
    sessions: pd.DatetimeIndex,
    *,
    spread: HalfSpread | None = None,
) -> Traded:
    """Lay what was read of some assets on sessions.

    Parameters
    ----------
    assets : iterable of str
        Catalogue names.
    catalogue : Catalogue
        With the bars of the assets, where there are any: `Catalogue.with_bars`.
    reading : SourceReading
        Of that catalogue.
    sessions : DatetimeIndex, shape (n_sessions,)
        Among those of the reading.
    spread : HalfSpread, optional
        How half-spreads are estimated.

    Returns
    -------
    Traded

    Raises
    ------
    ConfigError
        If an asset is not in the catalogue, or is neither priced at the close nor traded around the
        clock: its values may be older than the decision that they would fill.
    MissingDataError
        If an asset has no price on these sessions: all such assets together, by name.

    **Known at:** row t holds what was released by its close and not by the one before; its
    half-spread uses bars before those of t.
    """
    names, spread = tuple(dict.fromkeys(assets)), spread or HalfSpread()
    _refuse_late(names, catalogue)
    rows = _rows(reading)
    calendar = _Calendar(sessions=reading.sessions, closes=session_closes(reading.sessions))
    prices = {name: calendar.align(rows.get(name)).reindex(sessions) for name in names}
    _refuse_absent(prices, reading)
    bars = {name: _bar(rows, name) for name in names}
    opens = {
        name: _opens(prices[name], bars[name], catalogue.series[name].release.at_close)
        for name in names
    }
    half = {
        name: _half_spread(bars[name], rows[name], spread, calendar).reindex(sessions)
        for name in names
    }
    return Traded(
        prices=pd.DataFrame(prices),
        opens=pd.DataFrame(opens),
        half_spread_bps=pd.DataFrame(half),
        hash=reading.hash,
        notes=tuple(_notes(bars, reading, spread)),
    )


@dataclass(frozen=True, kw_only=True)
class _Calendar:
    """Sessions of a reading, and the instants of their closes."""

    sessions: pd.DatetimeIndex
    closes: pd.DatetimeIndex

    def align(self, observations: pd.DataFrame | None) -> pd.Series:
        """Newest value released after the close before and by that of the session.

        NaN where none was.
        """
        if observations is None:
            return pd.Series(np.nan, index=self.sessions)
        at = self.closes.searchsorted(pd.DatetimeIndex(observations["released"]), side="left")
        # What was out before the first session of all is no news of that session, unless it is its
        # own bar.
        new = (at < len(self.sessions)) & ((at > 0) | (observations.index >= self.sessions[0]))
        values = pd.Series(
            observations["value"].to_numpy(dtype=float)[new], index=self.sessions[at[new]]
        )
        return values[~values.index.duplicated(keep="last")].reindex(self.sessions)


def _rows(reading: SourceReading) -> dict[str, pd.DataFrame]:
    """Observations of each series by period: when they were released, and the values."""
    table = reading.observations.set_index("period")[["series", "released", "value"]]
    return {str(name): rows for name, rows in table.groupby("series", observed=True)}


def _refuse_late(names: Iterable[str], catalogue: Catalogue) -> None:
    faults = [
        f"asset `{name}`: not priced at the New York close, so that an order might be filled at a "
        "price from before its decision; name a fund of it"
        for name, spec in catalogue.only(names).series.items()
        if not spec.release.at_close and spec.frequency != "continuous"
    ]
    if faults:
        raise ConfigError(faults)


def _refuse_absent(prices: Mapping[str, pd.Series], reading: SourceReading) -> None:
    faults = []
    for name, price in prices.items():
        if not price.notna().any():
            note = reading.status[name].note if name in reading.status else ""
            why = note or "no price on the sessions of the run"
            faults.append(
                f"asset `{name}`: {why}; put it into the source, or leave it out of the allocation"
            )
    if faults:
        raise MissingDataError(faults)


def _bar(rows: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame | None:
    """Open, high, low and close of one asset by period; None unless the source has all four."""
    parts = {
        column: rows[f"{name}_{column}"]["value"] for column in BAR if f"{name}_{column}" in rows
    }
    return pd.DataFrame(parts) if len(parts) == len(BAR) else None


def _opens(prices: pd.Series, bar: pd.DataFrame | None, at_close: bool) -> pd.Series:
    if not at_close:
        return prices
    if bar is None:
        return pd.Series(np.nan, index=prices.index)
    # Open and close of a row carry the same dividends, whatever those are, so their ratio carries
    # none.
    return prices * (bar["open"] / bar["close"]).reindex(prices.index)


def _half_spread(
    bar: pd.DataFrame | None, observations: pd.DataFrame, spread: HalfSpread, calendar: _Calendar
) -> pd.Series:
    """Estimated on the asset's own days, weekends included, and carried to the sessions."""
    if bar is None:
        return pd.Series(spread.unknown_bps, index=calendar.sessions)
    paid = pd.DataFrame({"released": observations["released"], "value": spread(bar)}).dropna()
    return calendar.align(paid).ffill().fillna(spread.unknown_bps)


def _notes(
    bars: Mapping[str, pd.DataFrame | None], reading: SourceReading, spread: HalfSpread
) -> Iterable[str]:
    bare = [name for name, bar in bars.items() if bar is None]
    if bare:
        yield (
            f"{', '.join(bare)}: no bars, so the half-spread is taken as {spread.unknown_bps:g} bp "
            "throughout"
        )
    yield from (
        f"{name}: {reading.status[name].note}" for name in bars if reading.status[name].note
    )
