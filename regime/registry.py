"""The lists of what can be added to the package: names, and where each is defined.

Whoever needs all rules, labellers, baselines or mechanisms iterates their registry, so that a new
one is a file and a line. An entry is imported when it is first used: importing one mechanism does
not load the others.
"""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar, cast

from regime.errors import ConfigError

__all__ = ["PluginTable"]

T = TypeVar("T")


class PluginTable(Mapping[str, T], Generic[T]):
    """Objects by name, in the order of their entries, each imported on use.

    Parameters
    ----------
    entries : mapping of str to str
        Dotted name by key, as ``{"Threshold": "regime.rules.threshold:Threshold"}``.

    Examples
    --------
    >>> table = PluginTable({"mean": "statistics:mean", "median": "statistics:median"})
    >>> list(table), table.resolve("mean")([1, 2, 3])
    (['mean', 'median'], 2)
    >>> table.resolve("medien")
    Traceback (most recent call last):
    regime.errors.ConfigError: unknown name `medien`; did you mean `median`? Known: mean, median
    """

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, key: str) -> T:
        return cast(T, pkgutil.resolve_name(self._entries[key]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def resolve(self, key: str) -> T:
        """The object of a key.

        Raises
        ------
        ConfigError
            If there is no such key; the message offers the nearest and names all.
        """
        if key not in self._entries:
            near = difflib.get_close_matches(key, list(self._entries), n=1, cutoff=0.5)
            hint = f"did you mean `{near[0]}`? " if near else ""
            raise ConfigError(f"unknown name `{key}`; {hint}Known: {', '.join(self._entries)}")
        return self[key]

    @contextmanager
    def added(self, key: str, dotted: str) -> Iterator[None]:
        """One more entry, last, while the context is open.

        Parameters
        ----------
        key : str
            Not taken yet.
        dotted : str
            ``module:name``.

        Raises
        ------
        ConfigError
            If the key is taken.
        """
        if key in self._entries:
            raise ConfigError(f"`{key}` is taken by {self._entries[key]}; choose another name")
        self._entries[key] = dotted
        try:
            yield
        finally:
            del self._entries[key]
