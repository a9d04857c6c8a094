"""Builders of functions whose signature says how they are called, by names and types of arguments.

A function over columns or tables of sessions needs no entry anywhere. Any other needs a custom
builder, or an exemption with a reason; else it is reported as unregistered.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

import numpy as np
import pandas as pd

from regime.studies.leakage.builders import numeric_table
from regime.studies.leakage.inputs import CalibratorInput, FrameInput
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import AuditSubject
from tests.audit.registry.class_builders import NUMBERS
from tests.audit.registry.discovery import PublicObject

__all__ = ["builder_of_function", "folds_of", "refits_of", "stress_of", "table_of"]

REFIT_SESSIONS = 1500  # for what is refitted at every probe
TRUTH_ARGUMENTS = {"truth", "known_at"}


def builder_of_function(item: PublicObject, subject: AuditSubject) -> Builder | None:
    """Builder of one public function; None where its signature does not say how to call it.

    Parameters
    ----------
    item : PublicObject
    subject : AuditSubject
        Data to call it on.

    Notes
    -----
    Series are taken by their catalogue name, else by their role (returns, volatility, close);
    tables called ``values`` or ``market`` are those of the panel. Arguments ``truth`` and
    ``known_at`` make it a calibrator, whose truth becomes known later than its row.
    """
    plain = getattr(item.target, "py_func", item.target)
    try:
        hints, parameters = get_type_hints(plain), inspect.signature(plain).parameters
    except (NameError, TypeError, ValueError):
        return None
    learns = set(parameters) >= TRUTH_ARGUMENTS
    short = subject.last(REFIT_SESSIONS) if learns else subject
    # A function that reads every column wants a narrow table; one of a mechanism may want series
    # that no feature reads.
    wanted = ("inputs", "market", "all_series") if "values" in parameters else ("inputs", "market")
    attempts = (
        _called_with(item, short, parameters, hints, getattr(short, name)) for name in wanted
    )
    return next((builder for builder in attempts if builder is not None), None)


def _called_with(
    item: PublicObject,
    short: AuditSubject,
    parameters: Mapping[str, inspect.Parameter],
    hints: Mapping[str, Any],
    values: pd.DataFrame,
) -> Builder | None:
    learns = set(parameters) >= TRUTH_ARGUMENTS
    frames, numbers = _arguments(parameters, hints, short, values)
    if frames is None or not (frames or learns or "Callable" in str(hints.get("return"))):
        return None

    def build(part: Any, t: int) -> pd.DataFrame:
        rows: FrameInput = part.rows if isinstance(part, CalibratorInput) else part
        arguments = {key: _as_hinted(str(hints.get(key)), rows.frames[key]) for key in frames}
        if isinstance(part, CalibratorInput):
            arguments |= {"truth": part.truth, "known_at": part.known_at}
        if "folds" in parameters:
            arguments["folds"] = folds_of(short, rows.sessions)
        return table_of(
            item.target(**arguments, **numbers),
            rows.sessions,
            item.name,
            rows.frames.get("values"),
        )

    rows = FrameInput(frames=frames or {"values": values})
    if not learns:
        return _with_output(
            Builder(name=item.name, location=item.location, inputs=rows, build=build)
        )
    truth, known_at = stress_of(short)
    return _with_output(
        Builder(
            name=item.name,
            location=item.location,
            build=build,
            moves_with_delay=bool(frames),
            inputs=CalibratorInput(
                rows=rows, truth=truth, known_at=known_at, refit_positions=refits_of(short)
            ),
        )
    )


def stress_of(subject: AuditSubject) -> tuple[pd.Series, pd.Series]:
    """1 where the config's labels say deleveraging, else 0, and the day from which it is known."""
    labels = subject.labels(subject.market)
    return labels.weights["deleveraging"].round().rename("truth"), labels.known_at


def folds_of(subject: AuditSubject, sessions: pd.DatetimeIndex) -> tuple[Any, ...]:
    """Yearly blocks of the config's splitter from the middle of the history on."""
    middle = subject.sessions[len(subject.sessions) // 2]
    return dataclasses.replace(subject.splits, first_test=middle.date(), refit_months=12).folds(
        sessions
    )


def refits_of(subject: AuditSubject) -> tuple[int, ...]:
    """Positions of the first sessions of those blocks."""
    return tuple(int(fold.test[0]) for fold in folds_of(subject, subject.sessions))


def table_of(
    output: Any, sessions: pd.DatetimeIndex, name: str, values: Any = None
) -> pd.DataFrame:
    """The output of a builder as a table of numbers over `sessions`.

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
        If it is of another type.
    """
    name = name.rsplit(".", 1)[-1]
    if callable(output) and not isinstance(
        output, (pd.Series, pd.DataFrame)
    ):  # a function that makes a builder
        output = output(values)
    if isinstance(output, tuple):
        return pd.concat(
            [
                table_of(part, sessions, f"{name}_{number}", values)
                for number, part in enumerate(output)
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
            [name]
            if wide.shape[1] == 1
            else [f"{name}_{number}" for number in range(wide.shape[1])]
        )
        output = pd.DataFrame(wide, index=sessions, columns=names)
    if not isinstance(output, pd.DataFrame) or not output.index.equals(sessions):
        raise TypeError(f"{name} does not return one row a session")
    return numeric_table(output)


def _with_output(builder: Builder) -> Builder | None:
    """The builder, if called like this it returns values."""
    try:
        table = builder.build(builder.inputs, len(builder.inputs.sessions) - 1)
    except Exception:  # called by guess: whatever it raises, the guess was wrong
        return None
    late = table.iloc[len(table) // 2 :].to_numpy()
    return builder if late.size and np.isfinite(late).mean() > 0.02 else None


def _arguments(
    parameters: Mapping[str, inspect.Parameter],
    hints: Mapping[str, Any],
    subject: AuditSubject,
    values: pd.DataFrame,
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Frames and numbers by argument; no frames where an argument is not recognised."""
    frames: dict[str, Any] = {}
    numbers: dict[str, Any] = {}
    for name, parameter in parameters.items():
        frame = (
            _frame(name, str(hints.get(name)), subject, values)
            if name not in TRUTH_ARGUMENTS
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
        elif parameter.default is parameter.empty and name not in {*TRUTH_ARGUMENTS, "folds"}:
            return None, {}
    return frames, numbers


def _frame(
    name: str, hint: str, subject: AuditSubject, values: pd.DataFrame
) -> pd.Series | pd.DataFrame | None:
    """Data for an argument, by its name or else its type."""
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


def _scores(subject: AuditSubject) -> pd.DataFrame:
    """A few raw scores, as the input of a calibrator."""
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
