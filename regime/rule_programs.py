"""Rules as rows of numbers, and the grid that they stand on: what a sweep is given.

A sweep runs a hundred thousand settings in one compiled loop, which no rule object can enter. Here
a setting is three slots, each an operation with two parameters and, where it reads probabilities,
the column that it reads and its halflife. `rules.encoding` writes such rows, `backtest.sweep` runs
them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.schema import REGIMES

__all__ = ["SLOTS", "Lattice", "Opcode", "Programs"]

SLOTS = 3


class Opcode(IntEnum):
    """Operation of a slot; its two parameters in brackets.

    `NOTHING` lets the proposed exposure through.
    """

    NOTHING = 0
    THRESHOLD = 1  # level
    HYSTERESIS = 2  # enter, leave
    RAMP = 3  # high, high - low
    MINIMUM_HOLD = 4  # days
    COOLDOWN = 5  # days
    CAP_STEP = 6  # step a session
    VOLATILITY_TARGET = 7  # target a year, cap


# Operations that read a probability.
READING = (Opcode.THRESHOLD, Opcode.HYSTERESIS, Opcode.RAMP)


@dataclass(frozen=True, kw_only=True, eq=False)
class Programs:
    """Settings of rules, one a row.

    Parameters
    ----------
    opcodes : ndarray, shape (n_settings, 3), int64
        `Opcode` of each slot, in the order in which they bend the exposure.
    parameters : ndarray, shape (n_settings, 3, 2), float64
        As `Opcode` says; 0 where there is none.
    columns : ndarray, shape (n_settings, 3), int64
        Position in `regimes` of the probability that a slot reads; 0 where it reads none.
    halflives : ndarray, shape (n_settings, 3), float64
        Sessions of the exponential average of that probability; 0 for none.
    regimes : tuple of tuples of str
        The columns: regimes whose probabilities are added up.

    Examples
    --------
    >>> programs = Programs(opcodes=np.array([[1, 0, 0]]), parameters=np.full((1, 3, 2), 0.5),
    ...                     columns=np.zeros((1, 3), int), halflives=np.zeros((1, 3)), regimes=(("deleveraging",),))
    >>> len(programs), programs.reads_volatility
    (1, False)
    """

    opcodes: np.ndarray
    parameters: np.ndarray
    columns: np.ndarray
    halflives: np.ndarray
    regimes: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        n = len(self.opcodes)
        shapes = {
            "opcodes": (n, SLOTS),
            "parameters": (n, SLOTS, 2),
            "columns": (n, SLOTS),
            "halflives": (n, SLOTS),
        }
        for name, shape in shapes.items():
            kind = np.int64 if name in ("opcodes", "columns") else np.float64
            values = np.ascontiguousarray(getattr(self, name), dtype=kind)
            if values.shape != shape:
                raise ConfigError(f"{name}: must have shape {shape}, got {values.shape}")
            object.__setattr__(self, name, values)
        if not n:
            raise ConfigError("opcodes: a sweep needs at least one setting, got none")
        self._check_values()

    def _check_values(self) -> None:
        unknown = ~np.isin(self.opcodes, list(Opcode))
        if unknown.any():
            row, slot = np.argwhere(unknown)[0]
            raise ConfigError(
                f"opcodes: setting {row}, slot {slot}: {self.opcodes[row, slot]} is no operation; "
                f"known: {', '.join(f'{code.value} {code.name.lower()}' for code in Opcode)}"
            )
        if not np.isfinite(self.parameters).all():
            raise ConfigError(
                f"parameters: setting {np.argwhere(~np.isfinite(self.parameters))[0][0]} holds a "
                "value "
                "that is not finite"
            )
        if not ((self.halflives >= 0.0) & (self.halflives < math.inf)).all():
            raise ConfigError("halflives: must be 0 (none) or a number of sessions above it")
        odd = [name for names in self.regimes for name in names if name not in REGIMES]
        if odd or not all(self.regimes):
            raise ConfigError(
                f"regimes: every column names one or more of {', '.join(REGIMES)}, got "
                f"{self.regimes}"
            )
        outside = self.reading & ((self.columns < 0) | (self.columns >= len(self.regimes)))
        if outside.any():
            row, slot = np.argwhere(outside)[0]
            raise ConfigError(
                f"columns: setting {row}, slot {slot}: {self.columns[row, slot]} is no position "
                "in the "
                f"{len(self.regimes)} columns of `regimes`"
            )

    def __len__(self) -> int:
        return len(self.opcodes)

    @property
    def reading(self) -> np.ndarray:
        """Whether each slot reads a probability, shape (n_settings, 3)."""
        return np.isin(self.opcodes, READING)

    @property
    def reads_volatility(self) -> bool:
        """Whether any setting needs the column `volatility`."""
        return bool((self.opcodes == Opcode.VOLATILITY_TARGET).any())

    def take(self, rows: Sequence[int] | np.ndarray) -> Programs:
        """Some of the settings, in the order of `rows`."""
        rows = np.asarray(rows, dtype=np.int64)
        return Programs(
            opcodes=self.opcodes[rows],
            parameters=self.parameters[rows],
            columns=self.columns[rows],
            halflives=self.halflives[rows],
            regimes=self.regimes,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Lattice:
    """Where each setting stands in its grid, so that a sweep can look at its neighbours.

    Parameters
    ----------
    axes : tuple of mappings of str to tuple
        One a part of the grid: every parameter and its values, in order.
    part : ndarray, shape (n_settings,), int64
        Part of the grid that a setting belongs to; parts are never neighbours.
    steps : ndarray, shape (n_settings, n_axes), int64
        Position of a setting's value on each axis of its part; 0 beyond them.

    Notes
    -----
    A combination that the grid leaves out is nobody's neighbour.

    Examples
    --------
    >>> lattice = Lattice.product({"enter": (0.4, 0.5, 0.6), "days": (1, 5)})
    >>> lattice.table().iloc[3].tolist()
    [0.5, 5.0]
    >>> lattice.neighbours()[3].tolist()
    [1, 5, 2, -1]
    """

    axes: tuple[Mapping[str, tuple[Any, ...]], ...]
    part: np.ndarray
    steps: np.ndarray

    def __post_init__(self) -> None:
        if len(self.part) != len(self.steps) or not len(self.part):
            raise ConfigError(
                f"steps: a row a setting, at least one, got {len(self.part)} and {len(self.steps)}"
            )

    @classmethod
    def product(cls, axes: Mapping[str, Sequence[Any]]) -> Lattice:
        """Every combination of the values of some parameters, the last parameter changing fastest."""
        if not axes or not all(len(values) for values in axes.values()):
            raise ConfigError("axes: name at least one parameter, each with at least one value")
        sizes = [len(values) for values in axes.values()]
        steps = np.stack(np.unravel_index(np.arange(math.prod(sizes)), sizes), axis=1).astype(
            np.int64
        )
        return cls(
            axes=({name: tuple(values) for name, values in axes.items()},),
            part=np.zeros(len(steps), np.int64),
            steps=steps,
        )

    def __len__(self) -> int:
        return len(self.part)

    def neighbours(self) -> np.ndarray:
        """Settings one step away in one parameter, shape (n_settings, 2 * n_axes), int64.

        -1 where there is none.

        Raises
        ------
        ConfigError
            If two settings stand on the same place.
        """
        reach = self.steps.max(axis=0) + 3  # a step off either end must not meet another setting
        radix = np.array([reach[axis + 1 :].prod() for axis in range(len(reach))], dtype=np.int64)
        place = (self.part * int(reach.prod())) + (self.steps + 1) @ radix
        order = np.argsort(place, kind="stable")
        ranked = place[order]
        if (np.diff(ranked) == 0).any():
            twin = order[int(np.flatnonzero(np.diff(ranked) == 0)[0])]
            raise ConfigError(
                f"steps: setting {twin} stands where another one does; list every value once"
            )
        found = np.full((len(place), 2 * len(radix)), -1, np.int64)
        for column, shift in enumerate(np.repeat(radix, 2) * np.tile([-1, 1], len(radix))):
            at = np.minimum(np.searchsorted(ranked, place + shift), len(place) - 1)
            found[:, column] = np.where(ranked[at] == place + shift, order[at], -1)
        return found

    def table(self) -> pd.DataFrame:
        """Parameters of every setting, shape (n_settings, n_parameters).

        NaN where its part has no such parameter.
        """
        columns: dict[str, np.ndarray] = {}
        for number, axes in enumerate(self.axes):
            mine = self.part == number
            for axis, (name, values) in enumerate(axes.items()):
                known = np.empty(len(values), dtype=object)
                known[:] = list(values)
                column = columns.setdefault(name, np.full(len(self), np.nan, dtype=object))
                column[mine] = known[self.steps[mine, axis]]
        return pd.DataFrame(columns, index=range(len(self))).infer_objects()
