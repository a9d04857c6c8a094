"""Functions that say by their signature how they are called.

Names and types of arguments mean what they mean.

A function over columns or tables of sessions needs no entry anywhere. What cannot be called like
this needs a recipe, or a reason in the list of parts; else the audit says that nobody could check
it.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

import numpy as np
import pandas as pd

from regime.studies.leakage.builders import as_numbers
from regime.studies.leakage.inputs import Learned, Rows
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import Subject
from tests.audit.registry.classes import NUMBERS
from tests.audit.registry.discovery import Found

__all__ = ["builder_of_function", "folds_of", "refits_of", "stress_of", "table_of"]

SHORT = 1500  # sessions for what is fitted again at every probe
LAW_OF_TRUTH = {"truth", "known_at"}


def builder_of_function(found: Found, subject: Subject) -> Builder | None:
    """Builder of one public function; None where its signature does not say how to call it.

    Parameters
    ----------
    found : Found
    subject : Subject
        Data to call it on.

    Notes
    -----
    Series are taken by their catalogue name, else by their role (returns, volatility, close);
    tables called ``values`` or ``market`` are those of the panel. Arguments ``truth`` and
    ``known_at`` make it a calibrator, whose truth becomes known later than its row.
    """
    plain = getattr(found.thing, "py_func", found.thing)
    try:
        hints, parameters = get_type_hints(plain), inspect.signature(plain).parameters
    except (NameError, TypeError, ValueError):
        return None
    learns = set(parameters) >= LAW_OF_TRUTH
    short = subject.last(SHORT) if learns else subject
    # A function that reads every column wants a narrow table; one of a mechanism may want series
    # that no feature reads.
    wanted = ("inputs", "market", "every") if "values" in parameters else ("inputs", "market")
    made = (_called_with(found, short, parameters, hints, getattr(short, name)) for name in wanted)
    return next((builder for builder in made if builder is not None), None)


def _called_with(
    found: Found,
    short: Subject,
    parameters: Mapping[str, inspect.Parameter],
    hints: Mapping[str, Any],
    values: pd.DataFrame,
) -> Builder | None:
    learns = set(parameters) >= LAW_OF_TRUTH
    frames, numbers = _arguments(parameters, hints, short, values)
    if frames is None or not (frames or learns or "Callable" in str(hints.get("return"))):
        return None

    def build(part: Any, t: int) -> pd.DataFrame:
        rows: Rows = part.rows if isinstance(part, Learned) else part
        arguments = {key: _as_hinted(str(hints.get(key)), rows.frames[key]) for key in frames}
        if isinstance(part, Learned):
            arguments |= {"truth": part.truth, "known_at": part.known_at}
        if "folds" in parameters:
            arguments["folds"] = folds_of(short, rows.sessions)
        return table_of(
            found.thing(**arguments, **numbers),
            rows.sessions,
            found.name,
            rows.frames.get("values"),
        )

    rows = Rows(frames=frames or {"values": values})
    if not learns:
        return _alive(Builder(name=found.name, place=found.place, given=rows, build=build))
    truth, known_at = stress_of(short)
    return _alive(
        Builder(
            name=found.name,
            place=found.place,
            build=build,
            delay=bool(frames),
            given=Learned(rows=rows, truth=truth, known_at=known_at, refitted=refits_of(short)),
        )
    )


def stress_of(subject: Subject) -> tuple[pd.Series, pd.Series]:
    """Whether the config's labels call each session deleveraging (1 or 0), and when that is known."""
    labels = subject.labels(subject.market)
    return labels.weights["deleveraging"].round().rename("truth"), labels.known_at


def folds_of(subject: Subject, sessions: pd.DatetimeIndex) -> tuple[Any, ...]:
    """Blocks of a year from the middle of the subject's history on, as its splitter makes them."""
    middle = subject.sessions[len(subject.sessions) // 2]
    return dataclasses.replace(subject.splits, first_test=middle.date(), refit_months=12).folds(
        sessions
    )


def refits_of(subject: Subject) -> tuple[int, ...]:
    """Positions of the first sessions of those blocks."""
    return tuple(int(fold.test[0]) for fold in folds_of(subject, subject.sessions))


def table_of(
    output: Any, sessions: pd.DatetimeIndex, name: str, values: Any = None
) -> pd.DataFrame:
    """What a builder gave, as a table of numbers over `sessions`.

    Parameters
    ----------
    output : Series, DataFrame, array, Labels, tuple of these, or a function that gives one
    sessions : DatetimeIndex, shape (n_sessions,)
    name : str
        Of the columns where the output has none.
    values : object, optional
        What a function is called with.

    Raises
    ------
    TypeError
        If it is no such thing.
    """
    name = name.rsplit(".", 1)[-1]
    if callable(output) and not isinstance(
        output, (pd.Series, pd.DataFrame)
    ):  # a function that makes a builder
        output = output(values)
    if isinstance(output, tuple):
        return pd.concat(
            [
                table_of(part, sessions, f"{name}_{place}", values)
                for place, part in enumerate(output)
            ],
            axis=1,
        )
    if isinstance(output, pd.DatetimeIndex):
        output = output.asi8.astype(float)
    if isinstance(output, pd.Series):
        output = output.to_frame(name)
    if isinstance(output, np.ndarray) and output.ndim in (1, 2) and len(output) == len(sessions):
        wide = output.reshape(len(sessions), -1)
        names = (
            [name] if wide.shape[1] == 1 else [f"{name}_{place}" for place in range(wide.shape[1])]
        )
        output = pd.DataFrame(wide, index=sessions, columns=names)
    if not isinstance(output, pd.DataFrame) or not output.index.equals(sessions):
        raise TypeError(f"{name} gives no row a session")
    return as_numbers(output)


def _alive(builder: Builder) -> Builder | None:
    """The builder, if called like this it gives something to look at."""
    try:
        table = builder.build(builder.given, len(builder.given.sessions) - 1)
    except Exception:  # called by guess: whatever it raises, the guess was wrong
        return None
    late = table.iloc[len(table) // 2 :].to_numpy()
    return builder if late.size and np.isfinite(late).mean() > 0.02 else None


def _arguments(
    parameters: Mapping[str, inspect.Parameter],
    hints: Mapping[str, Any],
    subject: Subject,
    values: pd.DataFrame,
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Frames by argument, and numbers by argument.

    No frames where an argument says nothing of itself.
    """
    frames: dict[str, Any] = {}
    numbers: dict[str, Any] = {}
    for name, parameter in parameters.items():
        frame = (
            _frame(name, str(hints.get(name)), subject, values)
            if name not in LAW_OF_TRUTH
            else None
        )
        if frame is not None:
            frames[name] = frame
        elif name in NUMBERS and parameter.default is parameter.empty:
            numbers[name] = int(NUMBERS[name]) if hints.get(name) is int else NUMBERS[name]
        elif name == "names":
            numbers[name] = tuple(subject.market.columns)
        elif name == "as_of":
            numbers[name] = None
        elif parameter.default is parameter.empty and name not in {*LAW_OF_TRUTH, "folds"}:
            return None, {}
    return frames, numbers


def _frame(
    name: str, hint: str, subject: Subject, values: pd.DataFrame
) -> pd.Series | pd.DataFrame | None:
    """Data for an argument: by its name, and by its type where the name is not that of a series."""
    if "DataFrame" in hint:
        tables = {
            "values": values,
            "market": subject.market,
            "prices": subject.market,
            "X": _scores(subject),
            "scores": _scores(subject),
            "features": _scores(subject),
            "bars": subject.bars,
            "moves": np.log(subject.market).diff(),
            "returns": np.log(subject.market).diff(),
        }
        return tables.get(name)
    if "DatetimeIndex" in hint:
        return pd.Series(np.arange(len(subject.sessions), dtype=float), subject.sessions)
    if "Series" not in hint and "ndarray" not in hint:
        return None
    if name in subject.values:
        return subject.values[name]
    if name == "returns":
        return subject.returns if "Series" in hint else np.log(subject.market).diff()
    if "vol" in name:
        return np.log(subject.close).diff().ewm(halflife=63, min_periods=20).std() * 21**0.5
    return np.log(subject.close) if name.startswith("log_") else subject.close


def _scores(subject: Subject) -> pd.DataFrame:
    """A few raw scores, as the input of what learns."""
    close = subject.close
    return pd.DataFrame(
        {
            "fall": 1 - close / close.rolling(252, min_periods=1).max(),
            "vix": subject.values["vix"],
            "momentum": close / close.shift(63) - 1,
        }
    )


def _as_hinted(hint: str, frame: pd.Series | pd.DataFrame) -> Any:
    if "DatetimeIndex" in hint:
        return frame.index
    return np.ascontiguousarray(frame.to_numpy(dtype=float)) if "ndarray" in hint else frame
