"""Every public function and class of the rooms where things are built, found by walking the package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["ROOMS", "Found", "discover", "place_of"]

ROOMS = (
    "transforms",
    "features",
    "mechanisms",
    "labels",
    "models",
    "panel",
    "rules",
    "splits",
    "kernels",
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """One public function or class.

    Parameters
    ----------
    name : str
        Dotted name without the package, ``features.transforms.zscore``.
    thing : object
    place : str
        File and line.
    """

    name: str
    thing: Any
    place: str


def discover(rooms: Iterable[str] = ROOMS, package: str = "regime") -> list[Found]:
    """Public functions and classes that the modules of `rooms` define, in order of name.

    Parameters
    ----------
    rooms : iterable of str
        Folders or modules of the package.
    package : str
        Import name.
    """
    found = []
    for module in (module for room in rooms for module in _modules(f"{package}.{room}")):
        for name, thing in vars(module).items():
            own = getattr(thing, "__module__", None) == module.__name__
            if (
                own
                and not name.startswith("_")
                and callable(thing)
                and getattr(thing, "__name__", name) == name
            ):
                dotted = f"{module.__name__.removeprefix(package + '.')}.{name}"
                found.append(Found(name=dotted, thing=thing, place=place_of(thing)))
    return sorted(found, key=lambda item: item.name)


def place_of(thing: Any) -> str:
    """File and line where something is defined, the file from the package's folder on."""
    plain = inspect.unwrap(getattr(thing, "py_func", thing))
    target = plain if inspect.isfunction(plain) or inspect.isclass(plain) else type(plain)
    try:
        file, line = inspect.getsourcefile(target), inspect.getsourcelines(target)[1]
    except (OSError, TypeError):
        return str(getattr(target, "__module__", "?"))
    parts = Path(str(file)).parts
    start = max(
        (i for i, part in enumerate(parts) if part == target.__module__.split(".")[0]),
        default=len(parts) - 1,
    )
    return f"{'/'.join(parts[start:])}:{line}"


def _modules(name: str) -> list[ModuleType]:
    module = importlib.import_module(name)
    if not hasattr(module, "__path__"):
        return [module]
    inside = [
        importlib.import_module(item.name)
        for item in pkgutil.walk_packages(module.__path__, f"{name}.")
    ]
    return [module, *inside]
