"""A source without files: a seeded market of agents whose true regimes and flows are known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.tseries.holiday import (
    AbstractHolidayCalendar,
    GoodFriday,
    Holiday,
    USLaborDay,
    USMartinLutherKingJr,
    USMemorialDay,
    USPresidentsDay,
    USThanksgivingDay,
    nearest_workday,
    sunday_to_monday,
)

from regime.errors import ConfigError
from regime.schema import check_observations
from regime.sources.catalogue import Catalogue
from regime.sources.file_source import MARKET, SeriesStatus, SourceReading
from regime.sources.release_rules import ReleaseTimes

if TYPE_CHECKING:
    from regime.sources.simulation.truth import GroundTruth

__all__ = ["SimulatedSource"]


class _Holidays(AbstractHolidayCalendar):  # type: ignore[misc]
    rules = [  # noqa: RUF012  (pandas reads it from the class)
        Holiday("New Year", month=1, day=1, observance=sunday_to_monday),
        USMartinLutherKingJr,
        USPresidentsDay,
        GoodFriday,
        USMemorialDay,
        Holiday("Juneteenth", month=6, day=19, start_date="2022-01-01", observance=nearest_workday),
        Holiday("Independence Day", month=7, day=4, observance=nearest_workday),
        USLaborDay,
        USThanksgivingDay,
        Holiday("Christmas", month=12, day=25, observance=nearest_workday),
    ]


@dataclass(frozen=True, kw_only=True)
class SimulatedSource:
    """A market in which deleveragings arise from inside, a pure function of its arguments.

    Trend followers, volatility targets, risk parity, levered funds with margin limits, option
    dealers, a pension fund, households and a central bank trade on prices that their own flows
    move; news only triggers. The regimes follow from the forced flows and no series shows them. The
    rules of the agents are drawn by the seed, so that the markets of two seeds differ. A longer one
    begins with the shorter one.

    Parameters
    ----------
    seed : int
        0 or more.
    years : int
        Length, 1 to 60.
    start : date
        First day.

    Examples
    --------
    >>> SimulatedSource(years=2).true_regimes().iloc[0]
    'calm'
    """

    seed: int = 7
    years: int = 16
    start: date = date(2006, 1, 2)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"seed: must be 0 or more, got {self.seed}")
        if not 1 <= self.years <= 60:
            raise ConfigError(f"years: must lie in 1..60, got {self.years}")
        if not date(1970, 1, 1) <= self.start <= date(2100, 1, 1):
            raise ConfigError(f"start: must lie in 1970..2100, got {self.start}")

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Weekdays less regular New York holidays, shape (n_sessions,), named ``date``."""
        first = pd.Timestamp(self.start)
        last = first + pd.DateOffset(years=self.years) - pd.Timedelta(days=1)
        return (
            pd.bdate_range(first, last, name="date")
            .difference(_Holidays().holidays(first, last))
            .rename("date")
        )

    def true_regimes(self) -> pd.Series:
        """True regime of each session, shape (n_sessions,), ordered categorical.

        No source may show it.
        """
        return self.truth().regimes["regime"]

    def truth(self) -> GroundTruth:
        """Everything that really happened.

        Regimes, flows by agent, trigger prices, positions, crises.
        """
        from regime.sources.simulation.truth import ground_truth
        from regime.sources.simulation.world import simulate_world

        return ground_truth(simulate_world(self.seed, self.sessions))

    def read(
        self,
        catalogue: Catalogue,
        names: Iterable[str] | None = None,
        *,
        release_times: ReleaseTimes,
    ) -> SourceReading:
        """Every series of the catalogue that the simulated market has.

        Parameters
        ----------
        catalogue : Catalogue
            Its release rules hold here as for real data.
        names : iterable of str, optional
            Only these series.
        release_times : callable
            From periods and a release rule to UTC instants, as
            `regime.panel.release_times.release_times`.

        Returns
        -------
        SourceReading
            As from `FileSource`; a series that it lacks is absent.
        """
        from regime.sources.simulation.assets import published_series
        from regime.sources.simulation.world import simulate_world

        sessions, wanted = self.sessions, catalogue if names is None else catalogue.only(names)
        series = published_series(simulate_world(self.seed, sessions))
        parts = [
            _observed(
                name,
                series[name],
                release_times(pd.DatetimeIndex(series[name].index), spec.release),
            )
            for name, spec in wanted.series.items()
            if name in series
        ]
        table = (
            pd.concat(parts, ignore_index=True)
            if parts
            else _observed(MARKET, series[MARKET][:0], sessions[:0])
        )
        table["series"] = pd.Categorical(
            table["series"], categories=[n for n in wanted.series if n in series]
        )
        status = {name: _status(series.get(name)) for name in wanted.series}
        return SourceReading(
            observations=check_observations(table, "Simulated"),
            status=status,
            hash=_hash(series),
            sessions=sessions,
        )


def _observed(name: str, values: pd.Series, released: pd.DatetimeIndex) -> pd.DataFrame:
    utc = released if released.tz is not None else released.tz_localize("UTC")
    return pd.DataFrame(
        {
            "series": name,
            "period": values.index,
            "released": utc.as_unit("us"),
            "value": values.to_numpy(dtype=np.float64),
        }
    )


def _status(values: pd.Series | None) -> SeriesStatus:
    if values is None:
        return SeriesStatus(verdict="absent", note="the simulated world has no such series")
    return SeriesStatus(
        verdict="ok", rows=len(values), first=values.index[0], last=values.index[-1]
    )


def _hash(series: dict[str, pd.Series]) -> str:
    """SHA-256 over names and values, so that a change of the simulation's rules shows."""
    digest = hashlib.sha256()
    for name in sorted(series):
        digest.update(
            name.encode() + series[name].index.asi8.tobytes() + series[name].to_numpy().tobytes()
        )
    return digest.hexdigest()
