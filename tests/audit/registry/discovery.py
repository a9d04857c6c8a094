"""Every public function and class of the folders that build rows, by walking the package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from regime.studies.leakage.probes import source_location

__all__ = ["FOLDERS", "PublicObject", "discover"]

FOLDERS = (
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
class PublicObject:
    """One public function or class.

    Parameters
    ----------
    name : str
        Dotted name without the package, ``features.liquidity.LiquidityFeatures``.
    target : object
    location : str
        File and line.
    """

    name: str
    target: Any
    location: str


def discover(folders: Iterable[str] = FOLDERS, package: str = "regime") -> list[PublicObject]:
    """Public functions and classes that the modules of `folders` define, in order of name.

    Parameters
    ----------
    folders : iterable of str
        Folders or modules of the package.
    package : str
        Import name.
    """
    objects = []
    for module in (module for folder in folders for module in _modules(f"{package}.{folder}")):
        for name, target in vars(module).items():
            defined_here = getattr(target, "__module__", None) == module.__name__
            if (
                defined_here
                and not name.startswith("_")
                and callable(target)
                and getattr(target, "__name__", name) == name
            ):
                dotted = f"{module.__name__.removeprefix(package + '.')}.{name}"
                objects.append(
                    PublicObject(name=dotted, target=target, location=source_location(target))
                )
    return sorted(objects, key=lambda item: item.name)


def _modules(name: str) -> list[ModuleType]:
    module = importlib.import_module(name)
    if not hasattr(module, "__path__"):
        return [module]
    inside = [
        importlib.import_module(item.name)
        for item in pkgutil.walk_packages(module.__path__, f"{name}.")
    ]
    return [module, *inside]
