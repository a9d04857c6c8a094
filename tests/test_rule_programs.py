"""Programs refuse what a kernel could not run; a lattice knows who stands next to whom."""

import itertools
import math

import numpy as np
import pytest

from regime.errors import ConfigError
from regime.rule_programs import Lattice, Opcode, Programs


def programs(**changes):
    given = {
        "opcodes": [[2, 4, 7], [1, 0, 0]],
        "parameters": np.full((2, 3, 2), 0.5),
        "columns": np.zeros((2, 3)),
        "halflives": np.zeros((2, 3)),
        "regimes": (("deleveraging",),),
    }
    return Programs(**(given | changes))


def test_programs_say_what_they_read():
    table = programs()
    assert len(table) == 2 and table.reads_volatility
    assert table.reading.tolist() == [[True, False, False], [True, False, False]]
    assert (
        table.opcodes.dtype == table.columns.dtype == np.int64
        and table.parameters.flags.c_contiguous
    )
    assert len(table.take([1])) == 1 and not table.take([1]).reads_volatility
    assert table.take([1, 0]).opcodes.tolist() == [[1, 0, 0], [2, 4, 7]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {
                "opcodes": np.empty((0, 3)),
                "parameters": np.empty((0, 3, 2)),
                "columns": np.empty((0, 3)),
                "halflives": np.empty((0, 3)),
            },
            "^opcodes: a sweep needs at least one setting",
        ),
        (
            {"opcodes": [[2, 4, 9], [1, 0, 0]]},
            "^opcodes: setting 0, slot 2: 9 is no operation; known: 0 nothing, 1 thr",
        ),
        (
            {"parameters": np.zeros((2, 3))},
            r"^parameters: must have shape \(2, 3, 2\), got \(2, 3\)",
        ),
        ({"parameters": np.full((2, 3, 2), math.nan)}, "^parameters: setting 0 holds"),
        ({"halflives": np.full((2, 3), -1.0)}, "^halflives: "),
        ({"halflives": np.full((2, 3), math.inf)}, "^halflives: "),
        (
            {"columns": np.ones((2, 3))},
            "^columns: setting 0, slot 0: 1 is no position in the 1 columns",
        ),
        ({"regimes": (("crash",),)}, "^regimes: .*crash"),
        ({"regimes": ((),)}, "^regimes: "),
    ],
)
def test_programs_that_cannot_run_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        programs(**changes)


def test_a_slot_that_reads_nothing_may_carry_any_column():
    assert len(programs(opcodes=[[4, 5, 6], [7, 0, 0]], regimes=())) == 2


def test_every_operation_has_a_number_of_its_own():
    assert sorted(Opcode) == list(range(8))


def brute(lattice):
    """Neighbours by comparing every pair."""
    found = [set() for _ in range(len(lattice))]
    for i, j in itertools.permutations(range(len(lattice)), 2):
        if (
            lattice.part[i] == lattice.part[j]
            and np.abs(lattice.steps[i] - lattice.steps[j]).sum() == 1
        ):
            found[i].add(j)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_neighbours_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    full = Lattice.product({"a": range(3), "b": range(4), "c": range(2), "d": (7,)})
    kept = np.flatnonzero(rng.random(len(full)) < 0.7)
    part = rng.integers(0, 2, len(kept))
    lattice = Lattice(axes=full.axes * 2, part=part, steps=full.steps[kept])
    assert [set(row[row >= 0].tolist()) for row in lattice.neighbours()] == brute(lattice)


def test_a_lattice_of_one_setting_and_no_parameter_has_no_neighbour():
    lattice = Lattice(axes=({},), part=np.zeros(1, np.int64), steps=np.zeros((1, 0), np.int64))
    assert lattice.neighbours().shape == (1, 0) and lattice.table().shape == (1, 0)


def test_the_table_names_every_parameter_of_every_part():
    lattice = Lattice(
        axes=({"a": (1, 2)}, {"b": (("x", "y"),)}),
        part=np.array([0, 0, 1]),
        steps=np.array([[0], [1], [0]]),
    )
    table = lattice.table()
    assert table["a"].tolist()[:2] == [1, 2] and math.isnan(table["a"][2])
    assert table["b"][2] == ("x", "y") and math.isnan(table["b"][0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Lattice.product({}),
        lambda: Lattice.product({"a": ()}),
        lambda: Lattice(
            axes=({"a": (1,)},), part=np.zeros(2, np.int64), steps=np.zeros((1, 1), np.int64)
        ),
        lambda: Lattice(axes=({},), part=np.zeros(0, np.int64), steps=np.zeros((0, 0), np.int64)),
        lambda: Lattice(
            axes=({"a": (1,)},), part=np.zeros(2, np.int64), steps=np.zeros((2, 1), np.int64)
        ).neighbours(),
    ],
)
def test_a_lattice_that_is_none_is_refused(make):
    with pytest.raises(ConfigError):
        make()
