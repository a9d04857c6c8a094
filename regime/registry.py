"""Names of the parts that can be added: dotted names, each imported when it is first used.

A registry is the one list of its kind. Whoever needs all parts iterates it, so that a new part is
one file and one line.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar, cast

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Parts by name, in order of entry.

    Parameters
    ----------
    entries : mapping of str to str
        Dotted name of module and attribute by short name.

    Examples
    --------
    >>> parts = Registry({"mean": "statistics.mean"})
    >>> list(parts), parts["mean"]([1, 2, 3])
    (['mean'], 2)
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> T:
        module, _, attribute = self._entries[name].rpartition(".")
        return cast(T, getattr(importlib.import_module(module), attribute))

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
