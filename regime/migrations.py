"""What earlier versions wrote, read in the words of this one.

Each kind of document has one entry in `MIGRATIONS`: the keys that version 1 called otherwise, and,
where its layout differs too, a function that lays it out as this version does. A document without
`schema_version` is of version 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from regime.errors import InvalidDataError

__all__ = [
    "FEATURES_IN_STUDY_NAMES",
    "MIGRATIONS",
    "SCHEMA_VERSION",
    "Migration",
    "upgrade",
    "upgrade_names",
]

SCHEMA_VERSION = 2

VERSION_KEYS = ("schema_version", "version")  # the second in saved pages of version 1

# Key and title of a section of a saved page, and key of a figure, by their key in version 1.
SECTIONS = {
    "calibration": ("calibration", "Are the probabilities calibrated?"),
    "luck": ("significance", "Is the skill significant?"),
    "ground": ("sensitivity", "How robust is the skill?"),
}
FIGURES = {"luck-skill": "skill-over-baselines"}
# Present name of an index of a saved frame by its name in version 1.
RENAMED_AXES = {"rival": "benchmark"}

V = TypeVar("V")


def _no_change(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return document


@dataclass(frozen=True, kw_only=True)
class Migration:
    """From version 1 to this version, for one kind of document.

    Parameters
    ----------
    renamed : mapping of str to str
        Present name of a key by its path in version 1: keys joined by dots, ``[]`` after one that
        holds a list.
    layout : callable
        Lays out a document of version 1 as this version does, its keys still the old ones.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    layout: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _no_change


def upgrade(kind: str, document: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A document in the layout and the words of this version.

    Parameters
    ----------
    kind : str
        Key of `MIGRATIONS`.
    document : mapping
        Parsed JSON or YAML; not changed.
    location : str
        Its file, for the message of an error.

    Returns
    -------
    dict
        With `schema_version` first.

    Raises
    ------
    InvalidDataError
        If it is of a version that this program does not know; version and remedy are named.

    Examples
    --------
    >>> upgrade("summary", {"gate": {"passed": True, "rival": "vix"}}, "summary.json")
    {'schema_version': 2, 'skill_gate': {'passed': True, 'baseline': 'vix'}}
    """
    version = _version_of(document)
    content: Any = {key: value for key, value in document.items() if key not in VERSION_KEYS}
    if version == 1:
        migration = MIGRATIONS[kind]
        content = _renamed(migration.layout(content), migration.renamed)
    elif version != SCHEMA_VERSION or isinstance(version, bool):
        raise InvalidDataError(
            f"{location}: schema version {version!r} of a {kind}, this program reads 1 to "
            f"{SCHEMA_VERSION}; install the version of deleverage that wrote it, or run again"
        )
    return {"schema_version": SCHEMA_VERSION, **content}


def upgrade_names(kind: str, values: Mapping[str, V]) -> dict[str, V]:
    """Values of version 1 under dotted names, such as an MLflow run's metrics, by their new names.

    Parameters
    ----------
    kind : str
        Key of `MIGRATIONS`.
    values : mapping of str
        By dotted name. A name that has not changed stays, so names of this version do too.

    Examples
    --------
    >>> upgrade_names("mlflow run", {"luck.deflated_sharpe": 0.9, "skill": 0.1})
    {'significance.deflated_sharpe': 0.9, 'skill': 0.1}
    """
    renamed = MIGRATIONS[kind].renamed
    return {_new_name(name, renamed): value for name, value in values.items()}


def _version_of(document: Mapping[str, Any]) -> Any:
    versions = [document[key] for key in VERSION_KEYS if key in document]
    return versions[0] if versions else 1


def _renamed(value: Any, renamed: Mapping[str, str], path: str = "") -> Any:
    if isinstance(value, Mapping):
        content = {}
        for key, item in value.items():
            inner = f"{path}.{key}" if path else str(key)
            content[renamed.get(inner, key)] = _renamed(item, renamed, inner)
        return content
    if isinstance(value, list):
        return [_renamed(item, renamed, f"{path}[]") for item in value]
    return value


def _new_name(name: str, renamed: Mapping[str, str]) -> str:
    keys = name.split(".")
    paths = [".".join(keys[: i + 1]) for i in range(len(keys))]
    return ".".join(renamed.get(path, key) for path, key in zip(paths, keys, strict=True))


def _page_layout(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A saved page of version 1, which wrapped every part in its kind and named frames by place."""
    parts = {name: _unwrapped(name, part) for name, part in document["parts"].items()}
    summary = upgrade("summary", parts["summary"], "summary of a saved page")
    sections = [_section_renamed(section) for section in parts["sections"]]
    content = parts | {"summary": summary, "sections": sections}
    return {"frames": document["frames"], "renamed_axes": RENAMED_AXES, "content": content}


def _unwrapped(name: str, part: Mapping[str, Any]) -> Any:
    """One part of a saved page without its kind; a frame becomes the name of its file."""
    kind = part["kind"]
    if kind in ("series", "frame"):
        return {"frame": name} if part["kept"] else None
    if kind == "world":
        return {key: _unwrapped(f"{name}-{key}", item) for key, item in part["parts"].items()}
    if kind == "figure":
        return {**part["parts"], "columns": _unwrapped(f"{name}-columns", part["columns"])}
    if kind == "section":
        return {**part["parts"], "figure": _unwrapped(f"{name}-figure", part["figure"])}
    if kind == "tuple":
        return [_unwrapped(f"{name}-{i}", item) for i, item in enumerate(part["items"])]
    if kind == "frames":
        items = [_unwrapped(f"{name}-{i}", item) for i, item in enumerate(part["items"])]
        return dict(zip(part["names"], items, strict=True))
    return part["value"]


def _section_renamed(section: Mapping[str, Any]) -> dict[str, Any]:
    """A section of a saved page under its present key and title; its sentences stay."""
    key, title = SECTIONS.get(section["key"], (section["key"], section["title"]))
    figure = section["figure"]
    if figure is not None:
        figure = {**figure, "key": FIGURES.get(figure["key"], figure["key"])}
    return {**section, "key": key, "title": title, "figure": figure}


MIGRATIONS: Mapping[str, Migration] = {
    "summary": Migration(
        renamed={
            "audit.findings[].place": "location",
            "gate": "skill_gate",
            "gate.rival": "baseline",
            "luck": "significance",
            "luck.skill.best_rival": "best_baseline",
            "luck.skill.p_rival_beaten": "p_baseline_beaten",
            "luck.skill.rivals": "baselines",
            "honesty": "sensitivity",
            "honesty.periods[].best_rival_precision": "best_baseline_precision",
            "honesty.definitions[].best_rival_precision": "best_baseline_precision",
            "calibration.ways": "methods",
            "calibration.sets.aim": "target",
            "calibration.sets.today": "last_session",
            "stress.break_even[].rival": "benchmark",
        }
    ),
    "saved page": Migration(
        layout=_page_layout,
        renamed={
            "content.limits": "limitations",
            "content.rivals": "baselines",
            "content.spells": "episodes",
            "content.spread": "member_range",
            "content.world": "simulation",
        },
    ),
    "sweep summary": Migration(renamed={"outside.rivals": "benchmarks"}),
    "mlflow run": Migration(renamed={"luck": "significance", "gate": "skill_gate"}),
    "tuned choices": Migration(
        renamed={
            "blocks[].rival": "baseline",
            "blocks[].design": "parameters",
            "blocks[].design.labels.AveragedLabels": "EnsembleLabels",
        }
    ),
    "tuning study": Migration(),  # user attributes and parameters have kept their names
}

# Parameters of the mechanisms' features as version 1 wrote them in a config: they stand in the
# names of tuning studies, which are resumed by name.
FEATURES_IN_STUDY_NAMES: Mapping[str, Mapping[str, int]] = {
    "trend": {"crowding": 1260, "month": 21},
    "gamma": {"lookback": 252, "crowding": 1260, "month": 21},
    "crowding": {"crowding": 1260},
    "depth": {"lookback": 21, "quarter": 63},
    "reserves": {"lookback": 252, "month": 20},
    "long_end": {"lookback": 63, "short": 21, "memory": 1260},
    "dollar_stress": {"extreme": 504, "lookback": 63},
    "leadership": {"lookback": 63, "rest": 126, "year": 252},
    "selling": {"week": 5, "correlation": 63, "absorption": 252},
    "crypto": {"week": 5, "month": 21},
}
