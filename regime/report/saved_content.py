"""The files of a saved report.

One JSON that names every frame by its digest, one parquet file a frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regime.artifacts import to_json
from regime.errors import InvalidDataError, MissingDataError
from regime.report.figures import Figure
from regime.report.saved_frames import read_frame, write_frame
from regime.report.sections.section import Section
from regime.report.tables import Row, Table
from regime.report.world_figures import SimulatedView

__all__ = ["read_content", "write_content"]

VERSION = 1
INDEX = "content.json"
Frames = dict[str, pd.DataFrame]
Fetch = Callable[[str], pd.DataFrame]


def write_content(parts: Mapping[str, Any], folder: Path) -> None:
    """Write the parts of a page by name into a folder.

    Raises
    ------
    InvalidDataError
        If something is no plain value, or a frame mixes kinds in one column.
    """
    frames: Frames = {}
    plain = {name: _taken_apart(name, value, frames) for name, value in parts.items()}
    folder.mkdir(parents=True, exist_ok=True)
    digests = {
        name: write_frame(frame, folder / f"{name}.parquet") for name, frame in frames.items()
    }
    try:
        text = to_json({"version": VERSION, "frames": digests, "parts": _plain(plain)})
    except (ValueError, TypeError) as error:
        raise InvalidDataError(
            f"the report cannot be saved ({error}): its summary, lineage and sections must hold "
            "text, finite numbers, lists and mappings alone; write None for NaN"
        ) from None
    (folder / INDEX).write_bytes(text)


def read_content(folder: Path) -> dict[str, Any]:
    """The parts that `write_content` wrote.

    Raises
    ------
    MissingDataError, InvalidDataError
        Naming the file that is away, damaged or of another version.
    """
    path = folder / INDEX
    if not path.is_file():
        raise MissingDataError(
            f"{path}: no such file; name the folder of a saved report, or run again"
        )
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        version = saved["version"]
        if version != VERSION:
            raise InvalidDataError(
                f"{path}: version {version!r} of a saved report, this program reads {VERSION}; "
                "run again, or use the program that wrote it"
            )
        digests, parts = dict(saved["frames"]), dict(saved["parts"])

        def fetch(name: str) -> pd.DataFrame:
            return read_frame(folder / f"{name}.parquet", digests[name])

        return {str(name): _put_together(name, value, fetch) for name, value in parts.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidDataError(
            f"{path}: not a whole saved report ({type(error).__name__}: {error}); run again"
        ) from None


def _taken_apart(name: str, value: Any, frames: Frames) -> Any:
    """A part as plain content; its frames go to `frames` and leave their kind behind."""
    if isinstance(value, pd.Series):
        return _frame(name, value.to_frame(str(value.name or name)), frames) | {"kind": "series"}
    if isinstance(value, pd.DataFrame):
        return _frame(name, value, frames)
    if isinstance(value, SimulatedView):
        parts = {
            item.name: _taken_apart(f"{name}-{item.name}", getattr(value, item.name), frames)
            for item in fields(value)
        }
        return {"kind": "world", "parts": parts}
    if isinstance(value, Figure):
        columns = pd.DataFrame(dict(value.columns))
        parts = {
            item.name: getattr(value, item.name) for item in fields(value) if item.name != "columns"
        }
        return {
            "kind": "figure",
            "parts": parts,
            "columns": _frame(f"{name}-columns", columns, frames),
        }
    if isinstance(value, Section):
        parts = {
            "key": value.key,
            "title": value.title,
            "sentence": value.sentence,
            "tables": [asdict(table) for table in value.tables],
        }
        return {
            "kind": "section",
            "parts": parts,
            "figure": _taken_apart(f"{name}-figure", value.figure, frames),
        }
    if isinstance(value, tuple):
        return {
            "kind": "tuple",
            "items": [_taken_apart(f"{name}-{i}", item, frames) for i, item in enumerate(value)],
        }
    if isinstance(value, Mapping) and any(
        isinstance(item, pd.DataFrame) for item in value.values()
    ):
        items = [_taken_apart(f"{name}-{i}", item, frames) for i, item in enumerate(value.values())]
        return {"kind": "frames", "names": list(value), "items": items}
    return {"kind": "plain", "value": value}


def _put_together(name: str, saved: Mapping[str, Any], fetch: Fetch) -> Any:
    """What `_taken_apart` took apart; names of files come from the place, never from the file."""
    kind = saved["kind"]
    if kind in ("series", "frame"):
        frame = fetch(name) if saved["kept"] else pd.DataFrame()
        return (
            frame
            if kind == "frame"
            else frame.iloc[:, 0]
            if saved["kept"]
            else pd.Series(dtype=float)
        )
    if kind == "world":
        return SimulatedView(
            **{
                key: _put_together(f"{name}-{key}", part, fetch)
                for key, part in saved["parts"].items()
            }
        )
    if kind == "figure":
        frame = fetch(f"{name}-columns")
        listed: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) and key != "traces" else value
            for key, value in saved["parts"].items()
        }
        return Figure(columns={str(key): frame[key].to_numpy() for key in frame}, **listed)
    if kind == "section":
        tables = tuple(_table(table) for table in saved["parts"]["tables"])
        figure = _put_together(f"{name}-figure", saved["figure"], fetch)
        return Section(**saved["parts"] | {"tables": tables, "figure": figure})
    if kind == "tuple":
        return tuple(
            _put_together(f"{name}-{i}", item, fetch) for i, item in enumerate(saved["items"])
        )
    if kind == "frames":
        items = [_put_together(f"{name}-{i}", item, fetch) for i, item in enumerate(saved["items"])]
        return dict(zip(saved["names"], items, strict=True))
    return saved["value"]


def _frame(name: str, frame: pd.DataFrame, frames: Frames) -> dict[str, Any]:
    """An empty frame is not worth a file."""
    if len(frame):
        frames[name] = frame
    return {"kind": "frame", "kept": bool(len(frame))}


def _table(saved: Mapping[str, Any]) -> Table:
    rows = tuple(
        Row(
            **row
            | {
                "cells": tuple(row["cells"]),
                "leads": frozenset(row["leads"]),
                "tones": tuple(row["tones"]),
            }
        )
        for row in saved["rows"]
    )
    return Table(**dict(saved) | {"header": tuple(saved["header"]), "rows": rows})


def _plain(value: Any) -> Any:
    """Numbers of numpy, sets and paths as JSON knows them; whatever else stays, to be refused."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, frozenset, set)):
        return [
            _plain(item)
            for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)
        ]
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value
