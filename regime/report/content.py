"""Everything that one page shows, and its way to a folder and back.

A saved page is ``content.json``, the dataclasses as JSON, and beside it one parquet file a frame,
which keeps index and types in its own metadata. The JSON names each frame with the digest of its
file.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd

from regime.artifacts import to_json
from regime.errors import InvalidDataError, MissingDataError
from regime.migrations import SCHEMA_VERSION, upgrade
from regime.report.sections.section import Section
from regime.report.simulation_figures import SimulatedView
from regime.schema import check_exposure, check_probabilities

__all__ = ["ReportContent", "load_content", "save_content"]

INDEX = "content.json"
Fetch = Callable[[str], pd.DataFrame]

# Columns that a frame must have; it may have more, and a grid of settings has two parameters.
COLUMNS = {
    "member_range": ("low", "high"),
    "reliability": ("forecaster", "forecast", "observed", "sessions"),
    "reasons": ("name", "now"),
    "episodes": ("name", "first", "last"),
    "sweep": ("robust_sharpe", "chosen"),
}
PARAMETERS = 2  # of a grid of settings


@dataclass(frozen=True, kw_only=True)
class ReportContent:
    """Everything that one page shows; what is left out is left out of the page.

    Parameters
    ----------
    title : str
        Heading of the page.
    summary : mapping
        The object of summary.json.
    prices : Series, shape (n_days,)
        S&P 500 closes, index points.
    truth : Series, shape (n_labels,)
        Name of the regime determined after the fact, by date; missing where unknown, empty for no
        truth.
    probabilities : DataFrame, shape (n_sessions, 4)
        Rows sum to 1, out of sample, no NaN.
    exposure : Series, shape (n_sessions,)
        Fraction of capital decided at each close; empty for no rule.
    equity : DataFrame, shape (n_sessions, 1 + n_benchmarks)
        Value of 1 after costs: ``strategy`` and each benchmark; empty for no backtest.
    notes : tuple of str
        What the reader must know: series that are missing or stale, warnings of the run.
    config_text : str
        The resolved config as text.
    families : mapping of str to float
        Importance by family of features; empty for none.
    lineage : mapping
        Further rows of the lineage table, e.g. ``{"commit": ..., "lightgbm": ...}``.
    simulation : SimulatedView, optional
        The truth behind a simulated market, shown in a part of its own.
    cash : Series, shape (n_sessions,), fraction a session
        What cash earned, for Sharpe ratios; empty for nothing.
    member_range : DataFrame, shape (n_days, 2), by date
        ``low`` and ``high``: least and greatest probability of a deleveraging over label and seed
        members.
    baselines : DataFrame, shape (n_days, n_baselines), by date
        Probability of a deleveraging by each baseline; NaN where it has none.
    reliability : DataFrame, one row a forecaster and bin
        ``forecaster`` (``model`` or a baseline), ``forecast`` (mean in the bin), ``observed``
        (share of deleveraging sessions), ``sessions`` (count).
    reasons : DataFrame, one row a family or mechanism
        ``name``, ``now`` (contribution to the log-odds of a deleveraging at the last session) and,
        where known, ``week_ago`` (the same five sessions before) and ``text`` (its reading, one
        sentence).
    episodes : DataFrame, one row a listed deleveraging
        ``name``, ``first``, ``last`` (dates) and any of ``exposure_before``, ``exposure_inside``,
        ``exposure_after``, ``market_return``, ``rule_return``, ``loss_avoided``, ``missed_after``
        (fractions), ``sessions_to_cut``, ``sessions_to_return``: the columns of
        the stress test's table of episodes.
    sweep : DataFrame, one row a setting
        Two parameters under their own names, ``robust_sharpe`` and ``chosen`` (bool, True once).
    sweep_notes : tuple of str
        Sentences: how many settings, deflated Sharpe, probability of overfitting, how the rule was
        chosen.
    stress : mapping of str to DataFrame
        Tables by name, one row a case (the index), columns of figures: ``sharpe``,
        ``max_drawdown``, ... of the rule, ``sharpe_NAME`` of a benchmark. ``costs`` (index:
        multiple of the costs) and ``delays`` (index: sessions) are drawn too.
    stress_notes : tuple of str
        Sentences, e.g. the break-even cost.
    limitations : tuple of str
        What this model cannot do, a sentence each.
    sections : tuple of Section
        Further parts, such as one a mechanism.

    Raises
    ------
    InvalidDataError
        If probabilities are empty or not probabilities, an exposure lies outside [0, 1], a frame
        lacks a column, or two sections have one key.
    """

    title: str
    summary: Mapping[str, Any]
    prices: pd.Series
    truth: pd.Series
    probabilities: pd.DataFrame
    exposure: pd.Series
    equity: pd.DataFrame
    notes: tuple[str, ...] = ()
    config_text: str = ""
    families: Mapping[str, float] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    simulation: SimulatedView | None = None
    cash: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    member_range: pd.DataFrame = field(default_factory=pd.DataFrame)
    baselines: pd.DataFrame = field(default_factory=pd.DataFrame)
    reliability: pd.DataFrame = field(default_factory=pd.DataFrame)
    reasons: pd.DataFrame = field(default_factory=pd.DataFrame)
    episodes: pd.DataFrame = field(default_factory=pd.DataFrame)
    sweep: pd.DataFrame = field(default_factory=pd.DataFrame)
    sweep_notes: tuple[str, ...] = ()
    stress: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    stress_notes: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()

    def __post_init__(self) -> None:
        check_probabilities(self.probabilities, "ReportContent.probabilities")
        if self.probabilities.empty:
            raise InvalidDataError(
                "ReportContent.probabilities: a report needs at least one session, got none"
            )
        if len(self.exposure):
            check_exposure(self.exposure, "ReportContent.exposure")
        faults = [
            *_missing_columns(self),
            *_grid_faults(self.sweep),
            *_repeated_keys(self.sections),
        ]
        if faults:
            raise InvalidDataError(faults)


def save_content(content: ReportContent, folder: str | Path) -> None:
    """Write what a page shows into a folder: one JSON, and a parquet file for each frame.

    Parameters
    ----------
    content : ReportContent
    folder : str or Path
        Made if missing. Files are written as they come: stage them (`artifacts.output_folder`)
        where a kill must not leave half of them.

    Raises
    ------
    InvalidDataError
        If something is no plain value (a NaN in `summary` counts), or a frame mixes kinds in one
        column.

    See Also
    --------
    load_content : The way back; ``render`` gives the same bytes for both.
    """
    target = Path(folder)
    frames: dict[str, pd.DataFrame] = {}
    tree = _to_tree(ReportContent, content, "", frames)
    target.mkdir(parents=True, exist_ok=True)
    digests = {
        name: _write_frame(frame, target / f"{name}.parquet") for name, frame in frames.items()
    }
    try:
        text = to_json({"schema_version": SCHEMA_VERSION, "frames": digests, "content": tree})
    except (ValueError, TypeError) as error:
        raise InvalidDataError(
            f"the report cannot be saved ({error}): its summary, lineage and sections must hold "
            "text, finite numbers, lists and mappings alone; write None for NaN"
        ) from None
    (target / INDEX).write_bytes(text)


def load_content(folder: str | Path) -> ReportContent:
    """What `save_content` wrote, in this version or an earlier one.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    ReportContent

    Raises
    ------
    MissingDataError
        If the folder or one of its files is missing; it is named.
    InvalidDataError
        If a file is damaged, or of a version that this program does not read; it is named.
    """
    source = Path(folder)
    path = source / INDEX
    if not path.is_file():
        raise MissingDataError(
            f"{path}: no such file; name the folder of a saved report, or run again"
        )
    try:
        saved = upgrade("saved page", json.loads(path.read_text(encoding="utf-8")), str(path))
        digests = dict(saved["frames"])

        def fetch(name: str) -> pd.DataFrame:
            frame = _read_frame(source / f"{name}.parquet", digests[name])
            return (
                frame.rename_axis(index=saved["renamed_axes"]) if "renamed_axes" in saved else frame
            )

        return cast(ReportContent, _from_tree(ReportContent, saved["content"], fetch))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidDataError(
            f"{path}: not a whole saved report ({type(error).__name__}: {error}); run again"
        ) from None


def _to_tree(kind: Any, value: Any, name: str, frames: dict[str, pd.DataFrame]) -> Any:
    """A value of a type as JSON; a frame goes to `frames` and leaves its name, an empty one None.

    Names of frames are made of fields and positions, never of keys, which may be any text.
    """
    kind, arguments = _unwrapped_type(kind)
    if value is None:
        return None
    if kind is pd.Series:
        return _kept_frame(value.to_frame(str(value.name or name)), name, frames)
    if kind is pd.DataFrame:
        return _kept_frame(value, name, frames)
    if is_dataclass(kind):
        prefix = f"{name}-" if name else ""
        return {
            key: _to_tree(hint, getattr(value, key), f"{prefix}{key}", frames)
            for key, hint in get_type_hints(kind).items()
        }
    if kind is tuple:
        return [_to_tree(arguments[0], item, f"{name}-{i}", frames) for i, item in enumerate(value)]
    if kind is Mapping and arguments[1] is np.ndarray:
        return _kept_frame(pd.DataFrame(dict(value)), name, frames)
    if kind is Mapping and arguments[1] is pd.DataFrame:
        return {
            key: _kept_frame(frame, f"{name}-{i}", frames)
            for i, (key, frame) in enumerate(value.items())
        }
    return _plain(value)


def _from_tree(kind: Any, tree: Any, fetch: Fetch) -> Any:
    """The value of a type that `_to_tree` made a tree of."""
    optional = type(None) in get_args(kind)
    kind, arguments = _unwrapped_type(kind)
    if optional and tree is None:
        return None
    if kind is pd.Series:
        return pd.Series(dtype=float) if tree is None else fetch(_frame_name(tree)).iloc[:, 0]
    if kind is pd.DataFrame:
        return pd.DataFrame() if tree is None else fetch(_frame_name(tree))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        parts = {key: _from_tree(hints[key], item, fetch) for key, item in tree.items()}
        return cast(Any, kind)(**parts)
    if kind is tuple:
        return tuple(_from_tree(arguments[0], item, fetch) for item in tree)
    if kind is frozenset:
        return frozenset(tree)
    if kind is Mapping and arguments[1] is np.ndarray:
        columns = _from_tree(pd.DataFrame, tree, fetch)
        return {str(key): columns[key].to_numpy() for key in columns}
    if kind is Mapping and arguments[1] is pd.DataFrame:
        return {key: _from_tree(pd.DataFrame, item, fetch) for key, item in tree.items()}
    return tree


def _unwrapped_type(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Type without ``| None``, and without its arguments, which come second."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    return get_origin(kind) or kind, get_args(kind)


def _kept_frame(
    frame: pd.DataFrame, name: str, frames: dict[str, pd.DataFrame]
) -> dict[str, str] | None:
    if not len(frame):
        return None
    frames[name] = frame
    return {"frame": name}


def _plain(value: Any) -> Any:
    """Numbers of numpy, sets and paths as JSON takes them; whatever else stays, to be refused."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return [_plain(item) for item in sorted(value)]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value


def _frame_name(value: Mapping[str, Any]) -> str:
    """Name of a frame's file, which must lie in the folder of the page."""
    name = str(value["frame"])
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"frame {name!r} is no name of a file")
    return name


def _write_frame(frame: pd.DataFrame, path: Path) -> str:
    """Write a frame as parquet; its sha256."""
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer)
    except (ValueError, TypeError, NotImplementedError) as error:  # pyarrow's are ValueErrors too
        raise InvalidDataError(
            f"{path.stem}: the frame cannot be saved ({str(error).splitlines()[0]}); "
            "give each column one kind of value and a text for its name"
        ) from None
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def _read_frame(path: Path, digest: str) -> pd.DataFrame:
    """The frame that `_write_frame` wrote, if its bytes have the digest."""
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file, though the saved report names it; run again")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise InvalidDataError(f"{path}: its bytes are not those that were saved; run again")
    return pd.read_parquet(io.BytesIO(content))


def _missing_columns(content: ReportContent) -> list[str]:
    faults = []
    for name, needed in COLUMNS.items():
        frame = getattr(content, name)
        missing = [column for column in needed if len(frame) and column not in frame]
        if missing:
            faults.append(
                f"ReportContent.{name}: lacks the columns {', '.join(missing)}; "
                f"it has {', '.join(map(str, frame.columns))}"
            )
    return faults


def _grid_faults(sweep: pd.DataFrame) -> list[str]:
    parameters = [column for column in sweep if column not in COLUMNS["sweep"]]
    if sweep.empty or not set(COLUMNS["sweep"]) <= set(sweep):
        return []
    if len(parameters) != PARAMETERS:
        return [
            "ReportContent.sweep: needs two parameters besides robust_sharpe and chosen, "
            f"got {len(parameters)}"
        ]
    if sweep.duplicated(parameters).any():
        return [
            f"ReportContent.sweep: a setting of {' and '.join(map(str, parameters))} occurs "
            "twice; keep one"
        ]
    return []


def _repeated_keys(sections: tuple[Section, ...]) -> list[str]:
    keys: list[str] = []
    for section in sections:
        keys.append(section.key)
        if section.figure and section.figure.key != section.key:
            keys.append(section.figure.key)
    return [
        f"ReportContent.sections: the key {key!r} occurs twice; rename one"
        for key in sorted({key for key in keys if keys.count(key) > 1})
    ]
