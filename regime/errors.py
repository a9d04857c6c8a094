"""Everything that can go wrong, as one tree; the CLI turns each branch into its exit code.

RegimeError                1
├── ConfigError            2  a config, an override or an argument breaks the schema
├── MissingDataError       3  a folder, file or required series is absent, empty or stale
├── InvalidDataError       4  data are there but break a rule of theirs
│   └── BundleError        4  a saved model fails its manifest, its versions or its golden rows
├── LeakageError           5  something used what was not yet known
└── GateError              6  a required gate of skill was not passed
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "BundleError",
    "ConfigError",
    "GateError",
    "InvalidDataError",
    "LeakageError",
    "MissingDataError",
    "RegimeError",
]


class RegimeError(Exception):
    """A fault with its remedy; faults that are found together make one error.

    Parameters
    ----------
    faults : str or sequence of str
        One sentence a fault: where it is, the rule, the value, the remedy.

    Examples
    --------
    >>> print(InvalidDataError(["a.csv: line 3: text in numbers", "b.csv: empty"]))
    2 faults:
      a.csv: line 3: text in numbers
      b.csv: empty
    """

    exit_code: int = 1

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        # One argument, as the constructor takes: an error must survive pickling.
        super().__init__(self.faults)

    def __str__(self) -> str:
        if len(self.faults) == 1:
            return self.faults[0]
        return "\n  ".join([f"{len(self.faults)} faults:", *self.faults])


class ConfigError(RegimeError):
    """A config, an override or an argument that the schema does not allow."""

    exit_code = 2


class MissingDataError(RegimeError):
    """A folder, a file or a required series that is absent, empty or stale."""

    exit_code = 3


class InvalidDataError(RegimeError):
    """Data that are present and break a rule of theirs."""

    exit_code = 4


class BundleError(InvalidDataError):
    """A saved model that must not be used."""


class LeakageError(RegimeError):
    """Use of what was not yet known."""

    exit_code = 5


class GateError(RegimeError):
    """A gate that the config requires and the run did not pass."""

    exit_code = 6
