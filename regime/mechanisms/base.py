"""What a mechanism is: one object from which feature set, `regime flows` and page take their part.

A mechanism declares what it is called, which series and files it needs, which features it adds, how
it reads one decision, and which of its numbers and histories are shown. One file with such a class
and one line in `regime.mechanisms.MECHANISMS` add it to all of them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import pandas as pd

from regime.artifacts import to_json_value
from regime.errors import ConfigError
from regime.feature import Feature

__all__ = [
    "Capital",
    "Chart",
    "DataFile",
    "FeatureBuilder",
    "KeyNumber",
    "MarketView",
    "Mechanism",
    "MechanismReading",
    "NoReading",
    "Numbers",
    "flow_words",
]

Numbers = dict[str, Any]  # of a reading, as its page and JSON take them


@dataclass(frozen=True, kw_only=True)
class MechanismReading:
    """The state of one mechanism at one decision date.

    A sentence for people, values for machines, a history for a figure.

    Parameters
    ----------
    name : str
        Key of the mechanism, such as ``reserves``.
    sentence : str
        The reading in words.
    values : mapping
        Numbers, text, lists and mappings of them; no infinity, a number that is not known is None.
    history : DataFrame, shape (n_sessions, n_quantities)
        What the figure draws, up to the date; may be empty.

    Raises
    ------
    InvalidDataError
        If JSON cannot carry a value, or it is infinite.

    Examples
    --------
    >>> reading = MechanismReading(
    ...     name="dollar", sentence="The dollar is bid.", values={"score": float("nan")}
    ... )
    >>> reading.to_dict()
    {'available': True, 'score': None, 'sentence': 'The dollar is bid.'}
    """

    name: str
    sentence: str
    values: Mapping[str, Any]
    history: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", to_json_value(self.values, self.name))

    @property
    def available(self) -> bool:
        """True: the mechanism has data for this date."""
        return True

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"available": True, **self.values, "sentence": self.sentence}


@dataclass(frozen=True, kw_only=True)
class NoReading:
    """A mechanism that is unavailable: no data for this date, and why.

    Parameters
    ----------
    name : str
    reason : str
        Such as ``no option chain was given``.

    Examples
    --------
    >>> NoReading(name="gamma", reason="no option chain was given").to_dict()
    {'available': False, 'reason': 'no option chain was given'}
    """

    name: str
    reason: str

    @property
    def available(self) -> bool:
        """False."""
        return False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"available": False, "reason": self.reason}


@dataclass(frozen=True, kw_only=True)
class MarketView:
    """What was public at one decision: all that a mechanism may read.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        The panel up to the decision date, its last row.
    histories : mapping of str to Series
        Revised series by period, each in the vintage of the date.
    files : mapping of str to DataFrame
        Tables by the name of their `DataFile`; may hold later rows, which are not read.
    closes : DatetimeIndex, shape (n_sessions,), optional
        Cut-off of each session; 16:00 in New York by default.
    calendar : DatetimeIndex, optional
        Sessions that the exchange holds from the date on; weekdays by default.

    Examples
    --------
    >>> dates = pd.bdate_range("2024-08-05", periods=2, name="date")
    >>> MarketView(values=pd.DataFrame({"vix": [38.6, 27.7]}, index=dates)).as_of
    Timestamp('2024-08-06 00:00:00')
    """

    values: pd.DataFrame
    histories: Mapping[str, pd.Series] = field(default_factory=dict)
    files: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    closes: pd.DatetimeIndex | None = None
    calendar: pd.DatetimeIndex | None = None

    @property
    def as_of(self) -> pd.Timestamp:
        """The decision date."""
        return pd.Timestamp(self.values.index[-1])


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A table that is no series: of the data folder, or given by the user.

    Parameters
    ----------
    name : str
        What `MarketView.files` and the user call it.
    columns : tuple of str
        That it needs beside ``date``.
    paths : tuple of str
        In the data folder, of which the first that exists serves; none for what only a user gives.
    form : {"events", "option chain"}
        How the file is written; an option chain has its own columns.
    """

    name: str
    columns: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    form: Literal["events", "option chain"] = "events"


@dataclass(frozen=True)
class KeyNumber:
    """A number of a reading that terminal and page show.

    Parameters
    ----------
    path : str
        Way into the values, ``sp500.triggers.short``; a list is entered by position.
    label : str
    write : callable
        From the value, which is known, to its text.
    """

    path: str
    label: str
    write: Callable[[Any], str]


@dataclass(frozen=True)
class Chart:
    """Columns of the history that a figure draws.

    Parameters
    ----------
    axis : str
        Title of the vertical axis.
    tick_format : str
        Of its numbers, as d3 writes them.
    lines : mapping of str to str
        Label by column.
    """

    axis: str
    tick_format: str
    lines: Mapping[str, str]


class FeatureBuilder(Protocol):
    """A family object: parameters as dataclass fields, and the features that they make."""

    def features(self) -> tuple[Feature, ...]:
        """Every feature, in the order of the columns."""
        ...


class Mechanism(ABC):
    """One mechanism of a deleveraging; a subclass is a frozen dataclass of its parameters.

    Attributes
    ----------
    key : str
        In MECHANISMS, in the JSON and in the config.
    title, group : str
        On the page and in the terminal; mechanisms of one group stand together.
    within : str
        Key of the mechanism inside which its JSON stands; empty for its own place.
    inputs : tuple of str
        Catalogue names of the series that the reading needs; one that is missing has no values.
    bars : tuple of str
        Series whose open, high, low and traded columns it needs as well.
    revised : tuple of str
        Re-estimated series, read by period in one vintage: a change must not cross vintages.
    files : tuple of DataFile
    family : type, optional
        Its features: a frozen dataclass with a method ``features()``.
    numbers : tuple of KeyNumber
        None is skipped where the value is not known.
    chart : Chart, optional
    """

    key: ClassVar[str]
    title: ClassVar[str]
    group: ClassVar[str]
    within: ClassVar[str] = ""
    inputs: ClassVar[tuple[str, ...]] = ()
    bars: ClassVar[tuple[str, ...]] = ()
    revised: ClassVar[tuple[str, ...]] = ()
    files: ClassVar[tuple[DataFile, ...]] = ()
    family: ClassVar[type[FeatureBuilder] | None] = None
    numbers: ClassVar[tuple[KeyNumber, ...]] = ()
    chart: ClassVar[Chart | None] = None

    @abstractmethod
    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """The reading of the decision that a view was made for.

        Raises
        ------
        InvalidDataError
            If a file that was given breaks its rules.

        **Known at:** the close of ``view.as_of``.
        """


@dataclass(frozen=True, kw_only=True)
class Capital:
    """Assumed size of a group of funds: a range, since nobody counts it.

    Parameters
    ----------
    low, mid, high : float
        USD bn, positive and rising.

    Raises
    ------
    ConfigError
        If they are not.

    Examples
    --------
    >>> Capital(low=100, mid=200, high=300).flows(-0.1)
    {'low': -30.0, 'mid': -20.0, 'high': -10.0}
    """

    low: float
    mid: float
    high: float

    def __post_init__(self) -> None:
        if not 0.0 < self.low <= self.mid <= self.high < math.inf:
            raise ConfigError(
                f"low: 0 < low <= mid <= high must hold, got {self.low:g}, {self.mid:g}, "
                f"{self.high:g}"
            )

    def flows(self, change: float) -> dict[str, float]:
        """Flow in USD bn for a change of exposure as a fraction of the capital.

        Negative sells, `low` is the lowest.
        """
        low, high = sorted((self.low * change, self.high * change))
        return {"low": low, "mid": self.mid * change, "high": high}

    def to_dict(self) -> dict[str, float]:
        """The range itself, USD bn: an assumption, printed wherever a flow is."""
        return {"low": self.low, "mid": self.mid, "high": self.high}


def flow_words(flow: Mapping[str, float]) -> str:
    """A flow in words: ``sell USD 20 bn (10-30)``; the range is that of the capital."""
    if not abs(flow["mid"]) >= 0.5:  # also where it is not known
        return "trade next to nothing"
    near, far = sorted((abs(flow["low"]), abs(flow["high"])))
    action = "buy" if flow["mid"] > 0 else "sell"
    return f"{action} USD {abs(flow['mid']):.0f} bn ({near:.0f}-{far:.0f})"
