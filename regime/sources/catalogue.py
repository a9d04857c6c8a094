"""The catalogue: what every series is, when it is published, and where a data folder keeps it.

The catalogue is plain configuration (``series.yaml``). Release rules and kinds of series are named
once and used by many entries, so that an entry says only what is its own.

Depends on: errors, config.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from regime.config import build, find_config, read_yaml
from regime.errors import ConfigError

__all__ = ["WEEKDAYS", "Catalogue", "Release", "SeriesSpec", "SplicePart", "load_catalogue"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
Frequency = Literal["daily", "weekly", "monthly", "irregular", "continuous"]


@dataclass(frozen=True, kw_only=True)
class Release:
    """When the value of a period becomes public.

    Exactly one of `at_close`, `days`, `calendar_days` and `weekday` is given.

    Parameters
    ----------
    at_close : bool
        At the close of the period's own session (16:00 New York, 13:00 on half days).
    days : int, optional
        Business days after the period; 0 is the period itself or, if it is none, the next one.
    calendar_days : int, optional
        Calendar days after the period.
    weekday : str, optional
        The next such weekday strictly after the period, ``"thursday"``.
    time : str
        Time of day ``"HH:MM"`` in `zone`.
    zone : str
        IANA time zone.
    holidays : {"exchange", "federal"}
        Days on which nothing is published: those of the exchange, or the federal ones as well.
    roll : bool
        Whether a release day that is no business day moves to the next one: a holiday week is late.

    Raises
    ------
    ConfigError
        If not exactly one rule is given, or a number, weekday, time or zone is impossible.

    Examples
    --------
    >>> Release(weekday="thursday", time="16:30").zone
    'America/New_York'
    """

    at_close: bool = False
    days: int | None = None
    calendar_days: int | None = None
    weekday: str | None = None
    time: str = "16:00"
    zone: str = "America/New_York"
    holidays: Literal["exchange", "federal"] = "exchange"
    roll: bool = True

    def __post_init__(self) -> None:
        given = [self.at_close, self.days is not None, self.calendar_days is not None, self.weekday is not None]
        if sum(given) != 1:
            raise ConfigError(f"at_close: give exactly one of at_close, days, calendar_days, weekday; got {sum(given)}")
        for name in ("days", "calendar_days"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 400:
                raise ConfigError(f"{name}: must lie in 0..400, got {value}")
        if self.weekday is not None and self.weekday not in WEEKDAYS:
            raise ConfigError(f"weekday: must be one of {', '.join(WEEKDAYS)}, got `{self.weekday}`")
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", self.time):
            raise ConfigError(f"time: write \"HH:MM\" in quotes, got `{self.time}`")
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise ConfigError(f"zone: no such time zone `{self.zone}`; write one as America/New_York") from None


@dataclass(frozen=True, kw_only=True)
class SplicePart:
    """An older source whose rows stand in before the first date of the main one.

    Parameters
    ----------
    path : str
        File inside the data folder.
    column : str
        Column of the values.
    where : dict of str to str, optional
        Rows of a long table to keep, as column: value.
    scale : float
        Factor that brings its values to the unit of the series.
    proxy : bool
        Whether it measures something else than the main source does.
    release : Release, optional
        Its own release rule; None for that of the series.
    """

    path: str
    column: str = "value"
    where: dict[str, str] | None = None
    scale: float = 1.0
    proxy: bool = True
    release: Release | None = None


@dataclass(frozen=True, kw_only=True)
class SeriesSpec:
    """One series of the catalogue.

    Parameters
    ----------
    name : str
        How everything else calls it, snake_case.
    title, unit : str
        For people; the unit is that of the values after `scale`.
    frequency : {"daily", "weekly", "monthly", "irregular", "continuous"}
        How often a period occurs; continuous is every day of the week.
    release : Release
        When a period's value becomes public.
    low, high : float
        Physical bounds in `unit`, with ten-fold room; a value outside is a fault, not an event.
    max_age_days : int
        Calendar days after its period until which a value may be used.
    path, column : str
        File inside the data folder, and the column of the values.
    where : dict of str to str, optional
        Rows of a long table to keep, as column: value.
    scale : float
        Factor from the file's unit to `unit`.
    max_step : float, optional
        Largest ratio between neighbouring values of a positive series; where it is passed the unit
        has changed, which no range can tell for a quantity that itself grew a thousandfold.
    revised : bool
        Whether old values are re-estimated, so that a single vintage knows a little of the future.
    required : bool
        Whether nothing works without it.
    splice : tuple of SplicePart
        Older sources, the nearest first: each serves before the first date of those before it.

    Raises
    ------
    ConfigError
        If a bound, an age, a path or a name is impossible.
    """

    name: str
    title: str
    unit: str
    frequency: Frequency
    release: Release
    low: float
    high: float
    max_age_days: int
    path: str
    column: str
    where: dict[str, str] | None = None
    scale: float = 1.0
    max_step: float | None = None
    revised: bool = False
    required: bool = False
    splice: tuple[SplicePart, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ConfigError(f"name: must be snake_case, got `{self.name}`")
        if not self.low < self.high:
            raise ConfigError(f"low: must be below high, got {self.low} and {self.high}")
        if not 1 <= self.max_age_days <= 4000:
            raise ConfigError(f"max_age_days: must lie in 1..4000, got {self.max_age_days}")
        if self.max_step is not None and not self.max_step > 1:
            raise ConfigError(f"max_step: must be above 1, got {self.max_step}")
        for part in self.parts:
            if Path(part.path).is_absolute() or ".." in Path(part.path).parts:
                raise ConfigError(f"path: must stay inside the data folder, got `{part.path}`")
            if not (part.scale > 0 and part.scale < float("inf")):
                raise ConfigError(f"scale: must be a positive number, got {part.scale}")

    @property
    def parts(self) -> tuple[SeriesSpec | SplicePart, ...]:
        """The main source, then its splices."""
        return (self, *self.splice)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Every series that the package knows, by name, in the order of the file.

    Parameters
    ----------
    series : dict of str to SeriesSpec
    """

    series: dict[str, SeriesSpec] = field(default_factory=dict)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the series without which nothing works."""
        return tuple(name for name, spec in self.series.items() if spec.required)

    @property
    def max_age(self) -> dict[str, int]:
        """Maximum age of each series in calendar days, in catalogue order."""
        return {name: spec.max_age_days for name, spec in self.series.items()}

    def only(self, names: Iterable[str]) -> Catalogue:
        """Return the catalogue of `names` alone, in catalogue order.

        Raises
        ------
        ConfigError
            If a name is not in the catalogue.
        """
        wanted = set(names)
        unknown = sorted(wanted - set(self.series))
        if unknown:
            raise ConfigError([f"series `{name}`: not in the catalogue; add it to series.yaml" for name in unknown])
        return Catalogue(series={name: spec for name, spec in self.series.items() if name in wanted})


def load_catalogue(path: str | Path = "series.yaml") -> Catalogue:
    """Catalogue of a file, or of the one shipped with the package.

    The file has three sections: ``releases`` (named release rules), ``kinds`` (named groups of
    arguments that many series share) and ``series`` (arguments of `SeriesSpec`; ``kind`` names a
    group to start from, ``release`` a rule).

    Parameters
    ----------
    path : str or Path
        A file, or the name of a shipped one.

    Raises
    ------
    ConfigError
        With every fault found: file, series, rule and value.
    """
    content = read_yaml(find_config(path))
    if not isinstance(content, Mapping) or not isinstance(content.get("series"), Mapping):
        raise ConfigError(f"{path}: a catalogue is a mapping with the section `series`")
    faults = [f"{path}: unknown section `{key}`; allowed: releases, kinds, series"
              for key in content if key not in ("releases", "kinds", "series")]
    series: dict[str, SeriesSpec] = {}
    for name, entry in content["series"].items():
        try:
            series[str(name)] = build(SeriesSpec, _expand(str(name), entry, content), f"{path}, series.{name}")
        except ConfigError as error:
            faults.extend(error.faults if str(path) in str(error) else
                          [f"{path}, series.{name}: {fault}" for fault in error.faults])
    if faults:
        raise ConfigError(faults)
    return Catalogue(series=series)


def _expand(name: str, entry: Any, content: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of one series, its kind and its named rules written out."""
    if not isinstance(entry, Mapping):
        raise ConfigError(f"must be a mapping, got `{entry}`")
    own = dict(entry)
    kind = own.pop("kind", None)
    merged = {"name": name, **(_named(content, "kinds", kind) if kind is not None else {}), **own}
    merged = _with_release(merged, content)
    if isinstance(merged.get("splice"), list):
        merged["splice"] = [_with_release(part, content) if isinstance(part, Mapping) else part
                            for part in merged["splice"]]
    return merged


def _with_release(arguments: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    rule = arguments.get("release")
    return {**arguments, "release": _named(content, "releases", rule)} if isinstance(rule, str) else dict(arguments)


def _named(content: Mapping[str, Any], section: str, name: Any) -> Any:
    entries = content.get(section) or {}
    if name not in entries:
        raise ConfigError(f"{section[:-1]}: `{name}` is not among {section}: {', '.join(map(str, entries))}")
    return entries[name]
