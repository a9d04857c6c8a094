"""What the checks compare: references and bars of catalogue series, and tables that no run reads.

Plain configuration beside the catalogue, which names it under ``checks``. Nothing in it changes
what a run reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from regime.config import build, find_config, read_yaml
from regime.errors import ConfigError
from regime.sources.catalogue import Catalogue

__all__ = [
    "BarColumns",
    "ChainColumns",
    "Expectation",
    "Expectations",
    "RecordColumns",
    "ReferenceSeries",
    "TableSpec",
    "load_expectations",
]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ReferenceSeries:
    """The same quantity from another file.

    Parameters
    ----------
    path, column : str
        File inside the data folder, and its column.
    where : dict of str to str, optional
        Rows of a long table to keep, as column: value.
    scale : float
        Factor that brings it to the unit of the series.
    tolerance : float
        Largest distance: a fraction where changes are logs, in the unit of the series otherwise.
    neighbours : bool
        Whether its rows before and after the day count too: for sources that close at another hour.
    direction : bool
        Compare the signs of changes alone.
    """

    path: str
    column: str = "value"
    where: dict[str, str] | None = None
    scale: float = 1.0
    tolerance: float = 0.001
    neighbours: bool = False
    direction: bool = False

    def __post_init__(self) -> None:
        _check_path(self.path)
        if not self.tolerance > 0:
            raise ConfigError(f"tolerance: must be positive, got {self.tolerance}")


@dataclass(frozen=True, kw_only=True)
class BarColumns:
    """Columns of a session's bar; an empty name for a column that the file lacks.

    Parameters
    ----------
    path : str
        File inside the data folder; empty for the file of the series itself.
    open, high, low, close : str
        Its columns.
    """

    path: str = ""
    open: str = "open"
    high: str = "high"
    low: str = "low"
    close: str = "close"

    def __post_init__(self) -> None:
        _check_path(self.path)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that the file has."""
        return tuple(name for name in (self.open, self.high, self.low, self.close) if name)


@dataclass(frozen=True, kw_only=True)
class RecordColumns:
    """Columns of a daily sum: the sum, the mean and the number of the records in it."""

    total: str
    mean: str
    count: str


@dataclass(frozen=True, kw_only=True)
class ChainColumns:
    """Columns of an option chain."""

    expiry: str = "expiry"
    bid: str = "bid"
    ask: str = "ask"
    iv: str = "iv"
    open_interest: str = "open_interest"


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What is compared for one series of the catalogue.

    Parameters
    ----------
    references : tuple of ReferenceSeries
    bars : BarColumns, optional
    one_unit : tuple of str
        Series counted in the same unit: a change of it moves all of them by one factor.
    """

    references: tuple[ReferenceSeries, ...] = ()
    bars: BarColumns | None = None
    one_unit: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """Files that only the checks read.

    Parameters
    ----------
    name, title : str
    paths : tuple of str
        Files inside the data folder; ``*`` stands for any part of a name. One result a file.
    unit : str
    frequency : {"daily", "weekly", "monthly", "irregular", "continuous", "events"}
        Events may repeat and fall in date.
    columns : tuple of str
        Columns of numbers to look at.
    by : str
        Column that separates the series of a long table; one result a value of it.
    changes : {"log", "linear", "none"}
        As in the catalogue.
    low, high : float
        Physical bounds of the columns.
    max_age_days : int, optional
        Age from which the file ends early; None for no bound.
    revised : bool
        Whether old values are re-estimated.
    caveat : str
        What must be known and no check can see.
    references, bars
        As in `Expectation`, for the first column.
    shorts : tuple of str
        Columns of short positions, positive by convention.
    one_unit : bool
        Whether all columns are counted in one unit.
    adjusted : bool
        Whether ``close``, ``adj_close`` and, where there is one, ``unadj_close`` are to be
        compared.
    records : RecordColumns, optional
    chain : ChainColumns, optional
    missing : tuple of str
    thousands : str
        As in the catalogue.
    """

    name: str
    title: str
    paths: tuple[str, ...]
    unit: str = ""
    frequency: Literal["daily", "weekly", "monthly", "irregular", "continuous", "events"] = "daily"
    columns: tuple[str, ...] = ("value",)
    by: str = ""
    changes: Literal["log", "linear", "none"] = "none"
    low: float = float("-inf")
    high: float = float("inf")
    max_age_days: int | None = None
    revised: bool = False
    caveat: str = ""
    references: tuple[ReferenceSeries, ...] = ()
    bars: BarColumns | None = None
    shorts: tuple[str, ...] = ()
    one_unit: bool = False
    adjusted: bool = False
    records: RecordColumns | None = None
    chain: ChainColumns | None = None
    missing: tuple[str, ...] = ()
    thousands: str = ""

    def __post_init__(self) -> None:
        for path in self.paths:
            _check_path(path)
        if not self.paths:
            raise ConfigError("paths: name at least one file")
        if not self.low < self.high:
            raise ConfigError(f"low: must be below high, got {self.low} and {self.high}")

    @property
    def numbers(self) -> list[str]:
        """Columns of numbers that its checks read, each once."""
        names = [*self.columns, *self.shorts]
        if self.adjusted:
            names += ["close", "adj_close", "unadj_close"]
        if self.records is not None:
            names += [self.records.total, self.records.mean, self.records.count]
        if self.chain is not None:
            names += [self.chain.bid, self.chain.ask, self.chain.iv, self.chain.open_interest]
        return list(dict.fromkeys(names))

    @property
    def all_columns(self) -> list[str]:
        """Every column of its own files that its checks read."""
        names = [*self.numbers, *([self.by] if self.by else [])]
        if self.chain is not None:
            names.append(self.chain.expiry)
        if self.bars is not None and not self.bars.path:
            names += self.bars.names
        return names


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """Expectations by catalogue name, and tables by name.

    Parameters
    ----------
    series : dict of str to Expectation
    tables : dict of str to TableSpec

    Examples
    --------
    >>> Expectations().columns(Catalogue(series={}))
    {}
    """

    series: dict[str, Expectation] = field(default_factory=dict)
    tables: dict[str, TableSpec] = field(default_factory=dict)

    def columns(self, catalogue: Catalogue) -> dict[str, list[str]]:
        """Columns that are compared with series and tables, by file."""
        needed: dict[str, list[str]] = {}
        for name, expectation in self.series.items():
            if expectation.bars is not None and name in catalogue.series:
                path = expectation.bars.path or catalogue.series[name].path
                needed.setdefault(path, []).extend(expectation.bars.names)
        references = [each for entry in self.series.values() for each in entry.references]
        references += [each for table in self.tables.values() for each in table.references]
        for reference in references:
            names = [reference.column, *(reference.where or {})]
            needed.setdefault(reference.path, []).extend(names)
        return needed


def load_expectations(catalogue: str | Path) -> Expectations:
    """What is declared for the checks by a catalogue file.

    Its section ``checks``, or the file named there.

    Parameters
    ----------
    catalogue : str or Path
        A catalogue file, or the name of a shipped one. Without ``checks`` nothing is compared.

    Raises
    ------
    ConfigError
        With every fault found: file, entry, rule and value.
    """
    path = find_config(catalogue)
    content = (read_yaml(path) or {}).get("checks")
    if isinstance(content, str):
        path = find_config(path.parent / content)
        content = read_yaml(path)
    if content is None:
        return Expectations()
    if not isinstance(content, Mapping):
        raise ConfigError(
            f"{path}, checks: a mapping of series and tables, or the name of a file with it"
        )
    faults = [
        f"{path}: unknown key `{key}` of the checks; allowed: series, tables"
        for key in content
        if key not in ("series", "tables")
    ]
    series = _entries(content, "series", Expectation, path, faults)
    tables = _entries(content, "tables", TableSpec, path, faults)
    if faults:
        raise ConfigError(faults)
    return Expectations(series=series, tables=tables)


def _entries(
    content: Mapping[str, Any], section: str, schema: type[T], path: Path, faults: list[str]
) -> dict[str, T]:
    """Entries of one section; a table carries its own name."""
    entries = content.get(section) or {}
    if not isinstance(entries, Mapping):
        faults.append(f"{path}, {section}: expected a mapping of names, got `{entries}`")
        return {}
    built = {}
    for name, entry in entries.items():
        if isinstance(entry, Mapping) and "siblings" in entry:
            faults.append(f"{path}, {section}.{name}: `siblings` is now called `references`")
            continue
        arguments = (
            {"name": str(name), **entry}
            if schema is TableSpec and isinstance(entry, Mapping)
            else entry
        )
        try:
            built[str(name)] = build(schema, arguments, f"{path}, {section}.{name}")
        except ConfigError as error:
            faults.extend(error.faults)
    return built


def _check_path(path: str) -> None:
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ConfigError(f"path: must stay inside the data folder, got `{path}`")
