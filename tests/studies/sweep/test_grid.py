"""Grids from YAML: all combinations once, impossible ones counted, mistakes answered."""

import itertools
import math

import numpy as np
import pytest
import yaml

from regime import config
from regime.errors import ConfigError
from regime.rules.overlays import MinimumHold, VolatilityTarget
from regime.rules.stack import RuleStack
from regime.rules.threshold import Hysteresis
from regime.studies.sweep.compile import encode
from regime.studies.sweep.grid import Grid, ParameterGrid, StackGrid

TEXT = """
stacks:
  - rules:
      - Hysteresis: {enter: [0.4, 0.5], leave: [0.2, 0.3, 0.45], halflife: [0, 2, 5]}
      - MinimumHold: {days: [1, 3, 5]}
      - VolatilityTarget: {target: [0.1, 0.12, 0.15]}
  - rules:
      - Ramp:
          low: [0.1, 0.3]
          high: [0.3, 0.6]
          regimes: [[deleveraging], [fragile, deleveraging]]
      - VolatilityTarget
  - rules: [Threshold: {level: 0.5, regimes: [fragile, deleveraging]}]
"""
GRID = config.build(Grid, yaml.safe_load(TEXT), "grid.yaml")


def build(*rules):
    return config.build(Grid, {"stacks": [{"rules": list(rules)}]}, "grid.yaml")


def test_every_combination_once_and_the_impossible_counted():
    # leave .45 > enter .4 drops 3 halflives x 9 overlays; low .3 = high .3 drops 2 sets of regimes.
    assert len(GRID) == (2 * 3 - 1) * 3 * 9 + 3 * 2 + 1 and GRID.dropped == 3 * 9 + 2
    rules = [str(GRID.rule(i)) for i in range(len(GRID))]
    assert len(set(rules)) == len(GRID)
    assert GRID.rule(0) == RuleStack(
        Hysteresis(enter=0.4, leave=0.2, halflife=0.0),
        MinimumHold(days=1),
        VolatilityTarget(target=0.1),
    )
    assert GRID.rule(1).rules[2].target == 0.12
    assert GRID.needs == ("deleveraging", "volatility", "fragile")


def test_encoded_settings_are_those_of_the_rules():
    settings = [
        [[encoded.rules[i] for i in row if i >= 0] for row in encoded.positions.tolist()]
        for encoded in (GRID.encoded(), encode(GRID.rule(i) for i in range(len(GRID))))
    ]
    assert settings[0] == settings[1] and len(settings[0]) == len(GRID)


def test_the_parameter_grid_holds_the_values_of_every_setting():
    table = GRID.parameter_grid().table()
    for i in range(0, 135, 7):
        parts = GRID.rule(i).rules
        assert (
            table["0.Hysteresis.enter"][i] == parts[0].enter
            and table["0.Hysteresis.leave"][i] == parts[0].leave
        )
        assert table["1.MinimumHold.days"][i] == parts[1].days
        assert table["2.VolatilityTarget.target"][i] == parts[2].target
    assert table["0.Ramp.regimes"][136] == ("fragile", "deleveraging")
    assert np.isnan(table["0.Ramp.low"][0])


def test_settings_of_different_stacks_are_no_neighbours():
    grid = GRID.parameter_grid()
    near = grid.neighbours()
    rows = np.repeat(np.arange(len(GRID)), near.shape[1]).reshape(near.shape)
    assert (grid.stack[rows[near >= 0]] == grid.stack[near[near >= 0]]).all()
    assert (near[-1] < 0).all()


def test_a_grid_survives_text():
    assert (
        config.build(Grid, yaml.safe_load(yaml.safe_dump(config.dump(GRID))), "grid.yaml") == GRID
    )


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            [{"Hysteresis": {"enter": [0.4, 1.4], "leave": 0.2}}],
            r"stacks\[0\]: rules\[0\].Hysteresis: enter: must lie in",
        ),
        (
            [{"MinimumHold": {"days": [1, 0]}}],
            r"rules\[0\].MinimumHold: days: must be at least 1, got 0",
        ),
        (
            ["VolatilityTarget", {"MinimumHold": {"dais": [1]}}],
            r"rules\[1\].MinimumHold: unknown key `dais`.*`days`",
        ),
        (
            [{"Histeresis": {"enter": 0.5, "leave": 0.2}}],
            "unknown class `Histeresis`; did you mean `Hysteresis`",
        ),
        ([{"Floor": {"least": [0.1]}}], r"rules\[0\]: Floor cannot be swept"),
        ([{"Threshold": {"level": ["high"]}}], r"rules\[0\].Threshold.level: .*`high`"),
        ([{"Threshold": {"level": []}}], r"rules\[0\].Threshold.level: lists no value"),
        ([{"Threshold": {"level": [0.5, 0.5]}}], "level: lists a value twice"),
        (
            [{"Ramp": {"low": [0.5], "high": [0.3, 0.4]}}],
            "no combination of these values is a rule",
        ),
        ([{"Ramp": {"low": [0.5]}}], "key `high` is missing"),
        (
            [{"Threshold": {"level": 0.5}, "MinimumHold": {"days": 2}}],
            r"rules\[0\]: name one rule with its arguments",
        ),
        (
            [{"RuleStack": {"rules": ["VolatilityTarget"]}}],
            r"rules\[0\]: RuleStack cannot be swept",
        ),
        ([], "a stack holds at least one rule"),
    ],
)
def test_mistakes_are_answered_with_their_place(rules, message):
    with pytest.raises(ConfigError, match=message):
        build(*rules)


def test_an_empty_grid_and_a_setting_beyond_it_are_refused():
    with pytest.raises(ConfigError, match="at least one stack"):
        Grid(stacks=())
    with pytest.raises(ConfigError, match="setting: must lie in"):
        GRID.rule(len(GRID))


def test_a_large_grid_is_laid_out_without_building_its_rules():
    values = np.linspace(0.3, 0.9, 100).round(4).tolist()
    grid = Grid(
        stacks=(
            StackGrid(
                rules=(
                    {"Threshold": {"level": values}},
                    {"CapStep": {"per_day": values}},
                    {"VolatilityTarget": {"target": values[:10]}},
                )
            ),
        )
    )
    assert len(grid) == len(grid.encoded()) == len(grid.parameter_grid()) == 100_000


def brute(grid):
    """Neighbours by comparing every pair."""
    near = [set() for _ in range(len(grid))]
    for i, j in itertools.permutations(range(len(grid)), 2):
        if grid.stack[i] == grid.stack[j] and np.abs(grid.steps[i] - grid.steps[j]).sum() == 1:
            near[i].add(j)
    return near


@pytest.mark.parametrize("seed", range(6))
def test_neighbours_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    full = ParameterGrid.product({"a": range(3), "b": range(4), "c": range(2), "d": (7,)})
    kept = np.flatnonzero(rng.random(len(full)) < 0.7)
    stack = rng.integers(0, 2, len(kept))
    grid = ParameterGrid(axes=full.axes * 2, stack=stack, steps=full.steps[kept])
    assert [set(row[row >= 0].tolist()) for row in grid.neighbours()] == brute(grid)


def test_a_grid_of_one_setting_and_no_parameter_has_no_neighbour():
    grid = ParameterGrid(axes=({},), stack=np.zeros(1, np.int64), steps=np.zeros((1, 0), np.int64))
    assert grid.neighbours().shape == (1, 0) and grid.table().shape == (1, 0)


def test_the_table_names_every_parameter_of_every_stack():
    grid = ParameterGrid(
        axes=({"a": (1, 2)}, {"b": (("x", "y"),)}),
        stack=np.array([0, 0, 1]),
        steps=np.array([[0], [1], [0]]),
    )
    table = grid.table()
    assert table["a"].tolist()[:2] == [1, 2] and math.isnan(table["a"][2])
    assert table["b"][2] == ("x", "y") and math.isnan(table["b"][0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: ParameterGrid.product({}),
        lambda: ParameterGrid.product({"a": ()}),
        lambda: ParameterGrid(
            axes=({"a": (1,)},), stack=np.zeros(2, np.int64), steps=np.zeros((1, 1), np.int64)
        ),
        lambda: ParameterGrid(
            axes=({},), stack=np.zeros(0, np.int64), steps=np.zeros((0, 0), np.int64)
        ),
        lambda: ParameterGrid(
            axes=({"a": (1,)},), stack=np.zeros(2, np.int64), steps=np.zeros((2, 1), np.int64)
        ).neighbours(),
    ],
)
def test_a_grid_without_settings_or_values_is_refused(make):
    with pytest.raises(ConfigError):
        make()
