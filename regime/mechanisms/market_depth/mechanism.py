"""How deep the market is.

Spreads and price impact of the large funds from their bars, or the user's own order book.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.feature import Feature, FeatureFamily, check_at_least, check_positive
from regime.mechanisms.base import (
    Chart,
    DataFile,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
)
from regime.mechanisms.events import known_values
from regime.mechanisms.market_depth.spread_estimators import (
    COLUMNS,
    abdi_ranaldo_spread,
    amihud_illiquidity,
    corwin_schultz_spread,
    edge_spread,
    roll_spread,
)
from regime.mechanisms.number_formats import SHARE, number_format
from regime.transforms import YEARS_5, rolling_percentile

__all__ = ["FUNDS", "DepthFeatures", "MarketDepth", "book_depth", "spread_estimates"]

FUNDS = ("spy", "qqq")
TITLES = {"spy": "SPY", "qqq": "QQQ"}
SPREADS = ("edge", "corwin_schultz", "abdi_ranaldo", "roll")
LONGEST_AGE = 5  # days: an order book of last week says nothing
RANGE = ("sp500_high", "sp500_low", "sp500")
TRADED = ("spy", "spy_volume", "spy_traded")


def spread_estimates(values: pd.DataFrame, fund: str, lookback: int = 21) -> pd.DataFrame:
    """Every estimate of one fund, from its bars.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        With ``<fund>_open``, ``_high``, ``_low``, ``_close`` (see `Catalogue.with_bars`), and for
        Amihud ``<fund>_volume`` (shares) and ``<fund>_traded`` (unadjusted close).
    fund : str
        Such as ``spy``.
    lookback : int
        Sessions of each estimate.

    Returns
    -------
    DataFrame, shape (n_sessions, 5)
        edge, corwin_schultz, abdi_ranaldo, roll (fractions of the price), amihud (absolute log
        change for each USD bn). NaN where a column is absent or the window short.

    **Known at:** row t uses bars up to t.
    """
    least = max(2 * lookback // 3, 4)
    missing = pd.Series(np.nan, index=values.index)
    bars = pd.DataFrame({column: values.get(f"{fund}_{column}", missing) for column in COLUMNS})
    traded = values.get(f"{fund}_traded", missing) * values.get(f"{fund}_volume", missing)
    close = bars["close"]
    whole = bool(bars.notna().any().all())
    return pd.DataFrame(
        {
            "edge": edge_spread(bars, lookback, least) if whole else missing,
            "corwin_schultz": corwin_schultz_spread(bars, lookback, least),
            "abdi_ranaldo": abdi_ranaldo_spread(bars, lookback, least),
            "roll": roll_spread(close, lookback, least),
            "amihud": 1000.0 * amihud_illiquidity(close, traded, lookback, least),
        },
        index=values.index,
    )


def book_depth(
    table: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    closes: pd.DatetimeIndex | None = None,
    name: str = "depth file",
) -> pd.Series:
    """The user's own depth at the top of the order book as known at each close.

    Parameters
    ----------
    table : DataFrame, shape (n_rows, 3 or more)
        Columns date, depth (contracts or USD, above 0), released.
    sessions : DatetimeIndex, shape (n_sessions,)
    closes : DatetimeIndex, optional
        Cut-off of each session; 16:00 in New York where not given.
    name : str
        How messages call the file.

    Returns
    -------
    Series, shape (n_sessions,), in the unit of the file
        NaN where nothing was released within five days.

    Raises
    ------
    InvalidDataError
        If a column is absent, above all the release; a depth is not above 0; a release precedes its
        date.

    **Known at:** row t uses rows released by its close.
    """
    return known_values(
        table,
        "depth",
        sessions,
        closes,
        name=name,
        longest_age=LONGEST_AGE,
        why="a depth counts from the moment it was known",
    )


@dataclass(frozen=True, kw_only=True)
class DepthFeatures:
    """Features of the depth of the equity market.

    Parameters
    ----------
    lookback : int
        Sessions of each estimate (a month).
    quarter : int
        Sessions of the slow estimates.

    Examples
    --------
    >>> DepthFeatures().features()[0].spec.name
    'positioning_range_spread_21'
    """

    lookback: int = 21
    quarter: int = 63

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns; ranks among five years."""
        depth = FeatureFamily("positioning", "depth")
        days = self.lookback
        long = self.quarter
        return (
            depth(
                "range_spread",
                days,
                1,
                RANGE,
                lambda v: _rank(corwin_schultz_spread(_bars(v), days, _least(days))),
            ),
            depth(
                "middle_spread",
                long,
                1,
                RANGE,
                lambda v: _rank(abdi_ranaldo_spread(_bars(v), long, _least(long))),
            ),
            depth(
                "reversal_spread",
                long,
                1,
                ("sp500",),
                lambda v: _rank(roll_spread(v["sp500"], long, _least(long))),
            ),
            depth("range_spread_rise", days, 1, RANGE, lambda v: _rise(v, days)),
            depth("price_impact", days, 1, TRADED, lambda v: _rank(_impact(v, days))),
            depth("price_impact_rise", days, 1, TRADED, lambda v: _impact_rise(v, days)),
        )


def _least(lookback: int) -> int:
    return max(2 * lookback // 3, 4)


def _rank(x: pd.Series) -> pd.Series:
    return rolling_percentile(x, YEARS_5, 252)


def _bars(values: pd.DataFrame) -> pd.DataFrame:
    return values.set_axis(["high", "low", "close"], axis=1)


def _rise(values: pd.DataFrame, lookback: int) -> pd.Series:
    """Log ratio of the spread of a month to that of the year; NaN where either is none."""
    now, year = (
        corwin_schultz_spread(_bars(values), days, _least(days)) for days in (lookback, 252)
    )
    return np.log(now.where(now > 0) / year.where(year > 0))


def _impact(values: pd.DataFrame, lookback: int) -> pd.Series:
    dollars = values["spy_volume"] * values["spy_traded"]
    return amihud_illiquidity(values["spy"], dollars, lookback, _least(lookback))


def _impact_rise(values: pd.DataFrame, lookback: int) -> pd.Series:
    """Log ratio of the price impact of a month to that of the year."""
    now, year = _impact(values, lookback), _impact(values, 252)
    return np.log(now.where(now > 0) / year.where(year > 0))


@dataclass(frozen=True, kw_only=True)
class MarketDepth(Mechanism):
    """What depth says on one date.

    Parameters
    ----------
    lookback : int
        Sessions of each estimate, at least 5.
    years : int
        Length of the past that percentiles are taken in.
    thin : float
        Percentile from which the market is called thin, in (0, 1).

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=5, name="date")
    >>> MarketDepth()(pd.DataFrame({"sp500": 100.0}, index=days), "2024-01-05").reason
    'no bars of SPY or QQQ for a year before 2024-01-05, and no order book was given'
    """

    key = "depth"
    title = "Market depth"
    group = "Selling across markets"
    inputs = tuple(f"{fund}_{column}" for fund in FUNDS for column in ("volume", "traded"))
    bars = FUNDS
    files = (DataFile(name="book", columns=("depth", "released")),)
    family = DepthFeatures
    numbers = (
        KeyNumber("percentile", "thinner than", SHARE),
        KeyNumber("estimates.spy.edge.bps", "SPY spread (EDGE), bp", number_format("{:.1f}")),
        KeyNumber("estimates.qqq.edge.bps", "QQQ spread (EDGE), bp", number_format("{:.1f}")),
    )
    chart = Chart("Thinner than", ".0%", {"thinness": "Rank among five years"})

    lookback: int = 21
    years: int = 5
    thin: float = 0.8

    def __post_init__(self) -> None:
        check_at_least(5, lookback=self.lookback)
        check_at_least(1, years=self.years)
        if not 0 < self.thin < 1:
            raise ConfigError(f"thin: must lie between 0 and 1, got {self.thin:g}")

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of, view.files.get("book"), view.closes)

    def __call__(
        self,
        values: pd.DataFrame,
        as_of: pd.Timestamp | str,
        book: pd.DataFrame | None = None,
        closes: pd.DatetimeIndex | None = None,
    ) -> MechanismReading | NoReading:
        """Read the bars of the funds, and the order book where it is given.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            See `spread_estimates`.
        as_of : Timestamp or str
            Decision date.
        book : DataFrame, optional
            See `book_depth`; it then gives the percentile of the reading.
        closes : DatetimeIndex, shape (n_sessions,), optional
            Cut-off of each session of the panel.

        Returns
        -------
        MechanismReading or NoReading

        Raises
        ------
        InvalidDataError
            If the order book that is given breaks its rules.

        **Known at:** rows up to `as_of`, and what was released by its close.
        """
        known, window = values.loc[: pd.Timestamp(as_of)], self.years * YEARS_5 // 5
        funds = {fund: spread_estimates(known, fund, self.lookback) for fund in FUNDS}
        ranks = {
            fund: pd.DataFrame(
                {name: rolling_percentile(table[name], window, window // 5) for name in table},
                index=known.index,
            )
            for fund, table in funds.items()
        }
        middle = pd.concat(ranks.values(), axis=1).median(axis=1)
        history = pd.DataFrame(
            {
                "thinness": middle,
                **{f"{fund}_edge": table["edge"] for fund, table in funds.items()},
            },
            index=known.index,
        )
        book_reading = self._book(
            book, known.index, None if closes is None else closes[: len(known)], window
        )
        if book_reading is None and (not len(middle) or pd.isna(middle.iloc[-1])):
            return NoReading(
                name="depth",
                reason="no bars of SPY or QQQ for a year before "
                f"{pd.Timestamp(as_of):%Y-%m-%d}, and no order book was given",
            )
        estimates = {
            fund: {name: _estimate(name, table[name], ranks[fund][name]) for name in table}
            for fund, table in funds.items()
            if table.iloc[-1].notna().any()
        }
        percentile = (
            1.0 - book_reading["percentile"] if book_reading is not None else middle.iloc[-1]
        )
        reading: dict[str, Any] = {
            "source": "estimates from bars"
            if book_reading is None
            else "the user's own order book",
            "percentile": percentile,
            "thin": bool(percentile >= self.thin),
            "estimates": estimates,
            "book": book_reading,
        }
        return MechanismReading(
            name="depth", sentence=_sentence(reading, self.years), values=reading, history=history
        )

    def _book(
        self,
        book: pd.DataFrame | None,
        sessions: pd.DatetimeIndex,
        closes: pd.DatetimeIndex | None,
        window: int,
    ) -> dict[str, Any] | None:
        """Depth now, its rank, and what share of a year's middle it is.

        None where it does not reach so far.
        """
        if book is None:
            return None
        depth = book_depth(book, sessions, closes)
        share = rolling_percentile(depth, window, window // 5).iloc[-1]
        usual = depth.iloc[-252:].median()
        return (
            None
            if pd.isna(share)
            else {"depth": depth.iloc[-1], "percentile": share, "to_year": depth.iloc[-1] / usual}
        )


def _estimate(name: str, values: pd.Series, ranks: pd.Series) -> dict[str, Any]:
    now = values.iloc[-1]
    reading = {"bps": 1e4 * now} if name in SPREADS else {"bps_per_usd_bn": 1e4 * now}
    return {**reading, "percentile": ranks.iloc[-1]}


def _sentence(reading: Mapping[str, Any], years: int) -> str:
    state = "thin" if reading["thin"] else "ordinary" if reading["percentile"] > 0.3 else "deep"
    if reading["book"] is not None:
        return (
            f"The order book is {state}: {100 * reading['book']['to_year']:.0f} % of the year's "
            "usual depth, thinner "
            f"than {100 * reading['percentile']:.0f} % of {years} years."
        )
    return (
        f"The market looks {state}: by spreads and price impact from bars, trading costs more "
        "than on "
        f"{100 * reading['percentile']:.0f} % of the days of {years} years."
    )
