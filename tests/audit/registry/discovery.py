"""Every public function and class of the rooms where things are built, found by walking the package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from regime.studies.leakage.probes import place_of

__all__ = ["ROOMS", "Found", "discover"]

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


def _modules(name: str) -> list[ModuleType]:
    module = importlib.import_module(name)
    if not hasattr(module, "__path__"):
        return [module]
    inside = [
        importlib.import_module(item.name)
        for item in pkgutil.walk_packages(module.__path__, f"{name}.")
    ]
    return [module, *inside]
