"""The catalogue: what every series is, when it is published, and where a data folder keeps it.

The catalogue is plain configuration (``series.yaml``). Release rules and kinds of series are named
once and used by many entries, so that an entry states only what is particular to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from regime.config import build, find_config, read_yaml
from regime.errors import ConfigError
from regime.sources.release_rules import WEEKDAYS, Release
from regime.sources.repairs import Repair

__all__ = ["BAR", "WEEKDAYS", "Catalogue", "Release", "SeriesSpec", "SplicePart", "load_catalogue"]

Frequency = Literal["daily", "weekly", "monthly", "irregular", "continuous"]
Changes = Literal["log", "linear", "none"]
BAR = ("open", "high", "low", "close")


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
    missing, thousands
        As of `SeriesSpec`; each file has its own.
    """

    path: str
    column: str = "value"
    where: dict[str, str] | None = None
    scale: float = 1.0
    proxy: bool = True
    release: Release | None = None
    missing: tuple[str, ...] = ()
    thousands: str = ""


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
        has changed, which no range can tell for a quantity that itself grew a thousandfold. Values
        are refused from there until a step as large leads back.
    revised : bool
        Whether old values are re-estimated, so that a single vintage knows a little of the future.
    required : bool
        Whether nothing works without it.
    splice : tuple of SplicePart
        Older sources, the nearest first: each serves before the first date of those before it.
    missing : tuple of str
        Texts of this file that mean "no value", beside the empty field and ".".
    thousands : {"", ",", "'", " ", "_"}
        What this file writes between groups of three digits.
    repairs : tuple of Repair
        Rows of the main file that are known to be wrong, and what is done about them.
    changes : {"log", "linear", "none"}
        How its day-to-day changes are measured by the checks that expect a market's smoothness: as
        ratios, as differences, or not at all (policy rates, usage, counts, noise).
    caveat : str
        What everybody who uses it must know and no check can see.
    bars : bool
        Whether its file has the columns open, high, low and close of the same period; see
        `Catalogue.with_bars`.

    Raises
    ------
    ConfigError
        If a bound, an age, a path or a name is impossible.

    Examples
    --------
    >>> load_catalogue().series["fed_assets"].frequency
    'weekly'
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
    missing: tuple[str, ...] = ()
    thousands: str = ""
    repairs: tuple[Repair, ...] = ()
    changes: Changes = "none"
    caveat: str = ""
    bars: bool = False

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
            if part.thousands not in ("", ",", "'", " ", "_"):
                raise ConfigError(
                    f"thousands: must be one of , ' _ or a space, got `{part.thousands}`"
                )

    @property
    def parts(self) -> tuple[SeriesSpec | SplicePart, ...]:
        """The main source, then its splices."""
        return (self, *self.splice)

    @property
    def bar(self) -> dict[str, SeriesSpec]:
        """Its open, high, low and close as series ``<name>_<column>``, released as it is.

        Empty without bars.
        """
        return {
            column: replace(
                self,
                name=f"{self.name}_{column}",
                title=f"{self.title}, {column} of the bar",
                column=column,
                required=False,
                splice=(),
                repairs=(),
                bars=False,
            )
            for column in BAR
            if self.bars
        }


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Every series that the package knows, by name, in the order of the file.

    Parameters
    ----------
    series : dict of str to SeriesSpec

    Examples
    --------
    >>> load_catalogue().only(["vix", "sp500"]).required
    ('sp500', 'vix')
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
            raise ConfigError(
                [
                    f"series `{name}`: not in the catalogue; add it to series.yaml"
                    for name in unknown
                ]
            )
        return Catalogue(
            series={name: spec for name, spec in self.series.items() if name in wanted}
        )

    def with_bars(self, names: Iterable[str]) -> Catalogue:
        """Return the catalogue with the bars of `names` as series of their own, as in ``spy_open``.

        Nothing reads bars unless it asks for them so: they are for trading and for spreads, not for
        the panel.

        Raises
        ------
        ConfigError
            If a name is not in the catalogue.
        """
        bars = {
            bar.name: bar for spec in self.only(names).series.values() for bar in spec.bar.values()
        }
        return Catalogue(series={**self.series, **bars})


def load_catalogue(path: str | Path = "series.yaml") -> Catalogue:
    """Catalogue of a file, or of the one shipped with the package.

    The file has three sections: ``releases`` (named release rules), ``kinds`` (named groups of
    arguments that many series share) and ``series`` (arguments of `SeriesSpec`; ``kind`` names a
    group to start from, ``release`` a rule). ``checks`` is for
    `regime.sources.quality.expectations` alone.

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
    faults = [
        f"{path}: unknown section `{key}`; allowed: releases, kinds, series, checks"
        for key in content
        if key not in ("releases", "kinds", "series", "checks")
    ]
    series: dict[str, SeriesSpec] = {}
    for name, entry in content["series"].items():
        try:
            series[str(name)] = build(
                SeriesSpec, _expand(str(name), entry, content), f"{path}, series.{name}"
            )
        except ConfigError as error:
            faults.extend(
                error.faults
                if str(path) in str(error)
                else [f"{path}, series.{name}: {fault}" for fault in error.faults]
            )
    if faults:
        raise ConfigError(faults)
    return Catalogue(series=series)


def _expand(name: str, entry: Any, content: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of one series, its kind and its named rules written out."""
    if not isinstance(entry, Mapping):
        raise ConfigError(f"must be a mapping, got `{entry}`")
    arguments = dict(entry)
    kind = arguments.pop("kind", None)
    merged = {
        "name": name,
        **(_named(content, "kinds", kind) if kind is not None else {}),
        **arguments,
    }
    merged = _with_release(merged, content)
    if isinstance(merged.get("splice"), list):
        merged["splice"] = [
            _with_release(part, content) if isinstance(part, Mapping) else part
            for part in merged["splice"]
        ]
    return merged


def _with_release(arguments: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    rule = arguments.get("release")
    return (
        {**arguments, "release": _named(content, "releases", rule)}
        if isinstance(rule, str)
        else dict(arguments)
    )


def _named(content: Mapping[str, Any], section: str, name: Any) -> Any:
    entries = content.get(section) or {}
    if name not in entries:
        raise ConfigError(
            f"{section[:-1]}: `{name}` is not among {section}: {', '.join(map(str, entries))}"
        )
    return entries[name]
